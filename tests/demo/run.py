#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""`make demo`: move a small SQLite site from one directory to another with the real playbook, and look at it.

Nothing is needed but what the Makefile sets up, and nothing is written outside of build/. Run again, it moves nothing,
since the site was moved: the second run shows that the playbook changes nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEMO = ROOT / "build" / "demo"
SOURCE = ROOT / "tests" / "sites" / "small"
OLD, NEW = DEMO / "old" / "notes", DEMO / "new" / "notes"
READY = DEMO / "old" / ".ready"
GIT = ["git", "-c", "user.name=Demo", "-c", "user.email=demo@example.org", "-c", "init.defaultBranch=main"]


def run(*argv: str | pathlib.Path, cwd: pathlib.Path | None = None) -> None:
    """Run a program; its failure ends the demonstration."""
    subprocess.run([str(part) for part in argv], cwd=cwd, check=True, stdin=subprocess.DEVNULL)


def make_old_site() -> None:
    """A project with its own git repository, environment, database and one uploaded file."""
    print("== making a site in", OLD, flush=True)
    shutil.rmtree(DEMO, ignore_errors=True)
    shutil.copytree(SOURCE, OLD, ignore=shutil.ignore_patterns("__pycache__", "*.sqlite3", "media", ".venv"))
    (OLD / ".gitignore").write_text(".env\n.venv/\n__pycache__/\n*.sqlite3\nmedia/\nstatic/\n", encoding="utf-8")
    run(*GIT, "init", "--quiet", cwd=OLD)
    run(*GIT, "add", "--all", cwd=OLD)
    run(*GIT, "commit", "--quiet", "--message", "A site of notes", cwd=OLD)
    run(sys.executable, "-m", "venv", OLD / ".venv")
    run(OLD / ".venv/bin/pip", "install", "--quiet", "--requirement", OLD / "requirements.txt")
    run(OLD / ".venv/bin/python", "manage.py", "migrate", "--verbosity", "0", cwd=OLD)
    run(OLD / ".venv/bin/python", "manage.py", "seed", cwd=OLD)
    READY.touch()


def variables() -> dict[str, object]:
    """What the inventory says for both hosts."""
    return {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "relocate_site": "notes",
        "relocate_become": False,
        "relocate_install": False,
        "relocate_allow_same_host": True,
        "relocate_allow_unfrozen": True,  # nothing serves the site
        "relocate_allow_root": os.geteuid() == 0,
        "relocate_compression": "none",
        "relocate_python": sys.executable,
        "relocate_reports": str(DEMO / "reports"),
    }


def write_inventory() -> pathlib.Path:
    """Two hosts that are two directories of this machine."""
    groups = {
        name: {"hosts": {name + "-host": None}, "vars": {"relocate_path": str(path), "relocate_directory": str(work)}}
        for name, path, work in (("old", OLD, DEMO / "old" / "work"), ("new", NEW, DEMO / "new" / "work"))
    }
    path = DEMO / "inventory.json"  # JSON is YAML
    path.write_text(json.dumps({"all": {"vars": variables(), "children": groups}}, indent=1), encoding="utf-8")
    return path


def move(inventory: pathlib.Path) -> None:
    """The command that a user would type."""
    print("== ansible-playbook relocate.django.move -i", inventory, flush=True)
    env = dict(
        os.environ,
        ANSIBLE_COLLECTIONS_PATH=str(ROOT / "build" / "collections"),
        ANSIBLE_STDOUT_CALLBACK="relocate.django.phases",
        ANSIBLE_LOCALHOST_WARNING="0",
        ANSIBLE_INVENTORY_UNPARSED_WARNING="0",
    )
    playbook = pathlib.Path(sys.executable).parent / "ansible-playbook"
    subprocess.run(
        [str(playbook), "relocate.django.move", "-i", str(inventory)], env=env, check=True, stdin=subprocess.DEVNULL
    )


@contextlib.contextmanager
def served(path: pathlib.Path) -> Iterator[str]:
    """The site, served by Django's own server on a free port; yields its URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    argv = [str(path / ".venv/bin/python"), "manage.py", "runserver", "--noreload", f"127.0.0.1:{port}"]
    with subprocess.Popen(argv, cwd=path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield f"http://127.0.0.1:{port}/"
        finally:
            process.terminate()


def fetch(url: str, patience: float = 20.0) -> str:
    """The page, once the server is up."""
    deadline = time.monotonic() + patience
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return str(answer.read().decode("utf-8"))
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def main() -> int:
    """Make, move, look."""
    if not READY.exists():
        make_old_site()
    move(write_inventory())
    pages = []
    for path in (OLD, NEW):
        with served(path) as url:
            pages.append(fetch(url))
    if pages[0] != pages[1] or "Note" not in pages[1]:
        print("The new site does not answer as the old one does", file=sys.stderr)
        return 1
    print(f"The new site answers with the data of its database, {len(pages[1])} characters, as the old one does.")
    print(f"Look at it:  cd {NEW.relative_to(ROOT)} && .venv/bin/python manage.py runserver")
    print(f"Reports:     {(DEMO / 'reports').relative_to(ROOT)}/")
    print(f"Backup set:  {DEMO.relative_to(ROOT)}/new/work/sets/notes/")
    print("Run `make demo` again: the site was moved, nothing changes.  From the start: make clean demo")
    return 0


if __name__ == "__main__":
    sys.exit(main())
