# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

# /// script
# dependencies = ["nox>=2025.02.09", "antsibull-nox>=1.10"]
# ///

"""Sessions of nox, for those who know other collections: `nox -l` lists them, and `nox` runs those without containers.

Sessions that collections have in common come from antsibull-nox.toml. The others call the Makefile, as CI does, so that
there is one way to run a test.
"""

import sys

import nox

try:
    import antsibull_nox
except ImportError:
    print("install antsibull-nox beside nox: pipx inject nox antsibull-nox, or run: uv run noxfile.py", file=sys.stderr)
    sys.exit(1)

antsibull_nox.load_antsibull_nox_toml()


def _make(session: nox.Session, target: str) -> None:
    # The first argument behind "--" is what to test, as in: nox -s units -- tests/unit/test_imports.py
    chosen = [f"T={' '.join(session.posargs)}"] if session.posargs else []
    session.run("make", "--no-print-directory", target, f"PYTHON={sys.executable}", *chosen, external=True)


@nox.session(default=False, venv_backend="none")
def units(session: nox.Session) -> None:
    """Unit tests: seconds to minutes."""
    _make(session, "unit")


@nox.session(default=False, venv_backend="none")
def engines(session: nox.Session) -> None:
    """Engines on real servers, and playbooks on hosts that are directories."""
    _make(session, "engines")


@nox.session(default=False, venv_backend="none")
def lab(session: nox.Session) -> None:
    """Whole moves between hosts in containers: needs root and podman."""
    _make(session, "lab")


@nox.session(default=False, venv_backend="none")
def docs(session: nox.Session) -> None:
    """Build the site, follow its links, and have a browser look at it."""
    _make(session, "docs")


if __name__ == "__main__":
    nox.main()
