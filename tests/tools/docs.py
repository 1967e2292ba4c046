# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build the documentation into build/docs/html, and refuse plugins or roles whose documentation is not clean."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.tools import errors_page, record_page, role_pages
from tests.tools.collection import COPY, ROOT, sync

NAME = "relocate.django"
BUILD = ROOT / "build" / "docs"
_CONF = """project = "{name}"
author = "The relocate.django authors"
extensions = ["sphinx_antsibull_ext", "myst_parser"]
html_theme = "alabaster"
html_theme_options = {{"page_width": "70em", "sidebar_width": "18em"}}
myst_heading_anchors = 3
nitpicky = False
# Where to read on is ansible-core's own site, which a build must not depend on; pages link to files of the sources.
suppress_warnings = ["ref.ref", "ref.any", "ref.envvar", "myst.xref_missing", "toc.not_included"]
"""
_INDEX = """relocate.django
===============

.. toctree::
   :maxdepth: 1
   :caption: Guides

   {guides}

.. toctree::
   :maxdepth: 1
   :caption: Modules and roles
   :glob:

   reference/*_module
   reference/*_role
"""


def run(*command: str, cwd: Path = COPY) -> tuple[int, str]:
    """Run a program; returns its exit code and all that it said."""
    result = subprocess.run(command, cwd=cwd, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return result.returncode, result.stdout.strip()


def check_plugins() -> list[str]:
    """See that ansible-doc shows every module and role without a word on standard error."""
    complaints = []
    # An empty configuration: what the user's own one says is not ours to judge.
    configuration = ROOT / "build" / "empty.cfg"
    configuration.write_text("")
    environment = {**os.environ, "ANSIBLE_CONFIG": str(configuration), "ANSIBLE_NOCOLOR": "1"}
    for kind in ("module", "role"):
        names = sorted(json.loads(_ansible_doc(environment, "--list", "--json", "--type", kind, NAME)[0]))
        if not names:
            complaints.append(f"ansible-doc finds no {kind}")
            continue
        text, errors = _ansible_doc(environment, "--type", kind, *names)
        complaints += [errors] if errors else []
        # A role with a broken specification is left out silently.
        complaints += [f"{name}: ansible-doc does not show it" for name in names if name not in text]
    missing = {path.parent.parent.name for path in COPY.glob("roles/*/meta/argument_specs.yml")} - {
        name.rsplit(".", 1)[-1] for name in names
    }
    return complaints + [f"role {name} is not shown" for name in sorted(missing)]


def _ansible_doc(environment: dict[str, str], *arguments: str) -> tuple[str, str]:
    program = [str(Path(sys.executable).with_name("ansible-doc")), *arguments]
    result = subprocess.run(program, check=False, capture_output=True, text=True, env=environment, cwd=COPY)
    return result.stdout or "{}", result.stderr.strip()


def lint() -> list[str]:
    """Have antsibull-docs read every plugin, role and link."""
    code, said = run("antsibull-docs", "lint-collection-docs", "--plugin-docs", "--skip-rstcheck", ".")
    return [said] if code else []


def build() -> list[str]:
    """Build the site; returns what was complained about."""
    shutil.rmtree(BUILD, ignore_errors=True)
    reference = BUILD / "source" / "reference"
    reference.mkdir(parents=True, mode=0o755)
    for directory in (BUILD, BUILD / "source", reference):
        directory.chmod(0o755)
    options = ["--use-current", "--squash-hierarchy", "--fail-on-error", "--no-add-antsibull-docs-version"]
    code, said = run("antsibull-docs", "collection", *options, "--dest-dir", str(reference), NAME)
    if code:
        return [said]
    for name in ("index.rst", "environment_variables.rst"):
        (reference / name).unlink(missing_ok=True)
    guides = sorted((ROOT / "docs").glob("*.md"))
    for path in guides:
        shutil.copy(path, BUILD / "source")
    text = _INDEX.format(guides="\n   ".join(path.stem for path in guides))
    (BUILD / "source" / "index.rst").write_text(text)
    (BUILD / "source" / "conf.py").write_text(_CONF.format(name=NAME))
    code, said = run("sphinx-build", "-q", "-W", "--keep-going", "-j", "2", "source", "html", cwd=BUILD)
    return [said] if code else []


def main() -> int:
    """Write the generated pages, check, build; returns 1 when there is anything to mend."""
    errors_page.PAGE.write_text(errors_page.text())
    role_pages.write()
    sync()
    record_page.PAGE.write_text(record_page.text())
    failed = 0
    for step in (check_plugins, lint, build):
        complaints = step()
        print(f"{step.__name__:14} {'FAILED' if complaints else 'ok'}", flush=True)
        for complaint in complaints:
            print(complaint, flush=True)
        failed += bool(complaints)
    if not failed:
        print(f"documentation: {BUILD / 'html' / 'index.html'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
