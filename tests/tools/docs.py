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

from tests.tools import errors_page, record_page, role_pages, site_links
from tests.tools.collection import COPY, ROOT, sync

NAME = "relocate.django"
BUILD = ROOT / "build" / "docs"
SITE = ROOT / "tests" / "tools" / "docsite"
#: Pages of the repository that the site shows, where they lie there.
PAGES = ("*.md", "docs/*.md", "docs/*.json", "examples/*/README.md")
_LEFT_OUT = frozenset(("CHANGELOG.md",))  # of every change: a page of its own in the registry


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


def write_sources(source: Path) -> list[str]:
    """Lay out the site's pages as in the repository, those about plugins and roles below reference/."""
    reference = source / "reference"
    reference.mkdir(parents=True, mode=0o755)
    for directory in (BUILD, source, reference):
        directory.chmod(0o755)
    options = ["--use-current", "--squash-hierarchy", "--fail-on-error", "--no-add-antsibull-docs-version"]
    code, said = run("antsibull-docs", "collection", *options, "--dest-dir", str(reference), NAME)
    if code:
        return [said]
    for name in ("index.rst", "environment_variables.rst"):
        (reference / name).unlink(missing_ok=True)
    for path in (path for pattern in PAGES for path in ROOT.glob(pattern) if path.name not in _LEFT_OUT):
        target = source / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    shutil.copy(SITE / "conf.py", source)
    (source / "_static").mkdir()
    shutil.copy(SITE / "site.css", source / "_static")
    contents = (SITE / "index.md").read_text(encoding="utf-8")
    (source / "index.md").write_text(
        (ROOT / "README.md").read_text(encoding="utf-8") + "\n" + contents, encoding="utf-8"
    )
    for kind in ("module", "role"):
        (source / f"{kind}s.rst").write_text(listed(kind), encoding="utf-8")
    return []


def listed(kind: str) -> str:
    """Return the page that lists all modules or roles, each with what it is for."""
    found = json.loads(_ansible_doc(dict(os.environ), "--list", "--json", "--type", kind, NAME)[0])
    title = f"{kind.capitalize()}s"
    rows, pages = [], []
    for name, about in sorted(found.items()):
        short = name.rpartition(".")[2]
        text = about if isinstance(about, str) else about["entry_points"]["main"]
        rows += [f"   * - :doc:`reference/{short}_{kind}`", f"     - {text}"]
        pages.append(f"   {short} <reference/{short}_{kind}>")
    table = [".. list-table::", "   :widths: 40 60", "", *rows]
    return "\n".join([title, "=" * len(title), "", *table, "", ".. toctree::", "   :hidden:", "", *pages, ""])


def build() -> list[str]:
    """Build the site; returns what was complained about."""
    shutil.rmtree(BUILD, ignore_errors=True)
    complaints = write_sources(BUILD / "source")
    if complaints:
        return complaints
    code, said = run("sphinx-build", "-q", "-W", "--keep-going", "-j", "2", "source", "html", cwd=BUILD)
    return [said] if code else site_links.dead(BUILD / "html")


def look() -> list[str]:
    """Have a browser look at the site and at reports, where there is one."""
    code, said = run(sys.executable, "-m", "pytest", "-q", "tests/browser", cwd=ROOT)
    return [said] if code else []


def main() -> int:
    """Write the generated pages, check, build; returns 1 when there is anything to mend."""
    errors_page.PAGE.write_text(errors_page.text())
    role_pages.write()
    sync()
    record_page.PAGE.write_text(record_page.text())
    failed = 0
    for step in (check_plugins, lint, build, look):
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
