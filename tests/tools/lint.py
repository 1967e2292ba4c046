# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run every linter, and show the output of those that complain."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterable

from tests.tools.collection import COPY, ROOT

PROBE = "plugins/module_utils/**/venv_*.py"


def files(*patterns: str) -> list[str]:
    """Give the files that match, relative to the root."""
    return sorted(
        {str(path.relative_to(COPY)) for pattern in patterns for path in COPY.glob(pattern) if path.is_file()}
    )


def scripts() -> Iterable[str]:
    """Give every file that a shell runs."""
    for name in files(".ci/run", "tests/**/*.sh", "tests/lab/image*/**/*", "roles/**/files/*"):
        first = (COPY / name).read_bytes()[:64].split(b"\n")[0]
        if name.endswith(".sh") or (first.startswith(b"#!") and first.endswith(b"sh")):
            yield name


def programs() -> dict[str, list[str]]:
    """Give the linters with their arguments; each runs in the copy of the collection."""
    probe = files(PROBE)
    plugins = [name for name in files("plugins/**/*.py") if name not in probe]
    vermin = ["vermin", "--quiet", "--no-tips", "--violations"]
    # By package: a path would be found twice, as itself and below ansible_collections.
    names = ["modules", "module_utils", "action", "filter", "lookup", "plugin_utils"]
    packages = [f"--package={'.'.join(COPY.parts[-3:])}.plugins.{name}" for name in names]
    packages += [f"--package=tests.{name}" for name in ("tools", "lab") if files(f"tests/{name}/**/*.py")]
    return {
        "ruff": ["ruff", "check", "--no-cache", "--no-respect-gitignore", "--quiet", "--output-format=concise", "."],
        "ruff format": ["ruff", "format", "--no-cache", "--no-respect-gitignore", "--quiet", "--check", "--diff", "."],
        "mypy": ["mypy", "--cache-dir", str(ROOT / "build" / "mypy"), *packages],
        "vermin 3.8": [*vermin, "--target=3.8-", *plugins],
        "vermin 3.6": [*vermin, "--exclude", "importlib.metadata", "--target=3.6-", *probe],
        "yamllint": ["yamllint", "--strict", "."],
        "shellcheck": ["shellcheck", "--exclude=SC2148", *scripts()],
        "licences": ["reuse", "--root", str(ROOT), "lint", "--lines"],
        "changelog": ["antsibull-changelog", "lint"],
        "ansible-lint": ["ansible-lint", "--nocolor", "-q"],
    }


def main(chosen: list[str]) -> int:
    """Run all the linters, or those that are named; returns 1 when one of them complains."""
    environment = {**os.environ, "MYPYPATH": str(COPY.parents[2])}
    failed = []
    for name, command in programs().items():
        if chosen and name not in chosen:
            continue
        start = time.monotonic()
        result = subprocess.run(command, cwd=COPY, env=environment, check=False, capture_output=True, text=True)
        print(f"{name:14} {'FAILED' if result.returncode else 'ok':6} {time.monotonic() - start:5.1f} s", flush=True)
        if result.returncode:
            print(result.stdout + result.stderr, flush=True)
            failed.append(name)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
