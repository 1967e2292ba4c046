# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules for fixtures as a playbook runs them, on a small project with SQLite."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.lab.playbook import run_playbook
from tests.tools.collection import ROOT

LIBRARY = ROOT / "benchmarks" / "library"


def manage(app: Path, *args: str) -> str:
    argv = [sys.executable, "manage.py", *args]
    return subprocess.run(argv, cwd=app, capture_output=True, text=True, check=True).stdout


def test_a_playbook(tmp_path: Path) -> None:
    """Lint, dump, load, merge in check mode and for real; each says honestly what it changed."""
    app, work = tmp_path / "app", tmp_path / "work"
    shutil.copytree(LIBRARY, app, ignore=shutil.ignore_patterns("__pycache__"))
    work.mkdir()
    (app / ".env").write_text(f"SECRET_KEY=x\nDATABASE_URL=sqlite:///{app}/db.sqlite3\n")
    manage(app, "migrate", "-v0")
    manage(app, "fill", "--rows", "300")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "none.yaml").write_text("[]\n")
    (tmp_path / "new.json").write_text(
        json.dumps([{"model": "library.publisher", "fields": {"name": "n", "city": "c"}}])
    )
    project = {"path": str(app), "interpreter": sys.executable, "allow_root": True}
    site = {**project, "site": "library", "directory": str(work)}
    whole, part, new = (str(tmp_path / name) for name in ("all.jsonl.zst", "some.json", "new.json"))
    steps: list[tuple[str, dict[str, Any]]] = [
        ("migration_lint", {**project, "fail_on": "warning"}),
        ("fixture_dump", {**site, "dest": whole}),
        ("fixture_dump", {**site, "dest": part, "format": "json", "models": ["library.Publisher"], "indent": 2}),
        ("fixture_load", {**site, "src": part, "mode": "merge"}),
        ("fixture_load", {**site, "src": new, "mode": "merge", "check": True}),
        ("fixture_load", {**site, "src": [new, str(tmp_path / "more")], "mode": "merge"}),
        ("fixture_load", {**site, "src": whole, "replace": True}),
        ("fixture_load", {**site, "src": whole, "replace": True}),
    ]
    tasks: list[dict[str, Any]] = []
    for number, (module, options) in enumerate(steps):
        check = options.pop("check", False)
        tasks.append({f"relocate.django.{module}": options, "register": f"step{number}", "check_mode": check})
    names = {str(number): f"{{{{ step{number} }}}}" for number in range(len(steps))}
    tasks.append({"ansible.builtin.copy": {"dest": str(tmp_path / "answers.json"), "content": names, "mode": "0600"}})
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}
    (tmp_path / "play.yml").write_text(json.dumps([play]))
    arguments = ["play.yml", "-i", "localhost,", "-e", f"ansible_python_interpreter={sys.executable}"]
    venv, collections = ROOT / "build" / "venv", ROOT / "build" / "collections"
    result = run_playbook(arguments, venv=venv, collections_path=collections, directory=tmp_path)
    assert result.rc == 0, result.stdout[-4000:]
    found = json.loads((tmp_path / "answers.json").read_text())
    assert [found[str(number)]["changed"] for number in range(len(steps))] == [
        *(False, True, True, False, True, True, True, False)
    ]
    assert found["0"]["findings"] == []
    assert found["3"]["merged"]["library.Publisher"] == {"inserted": 0, "updated": 0, "left": 5, "deleted": 0}
    assert Path(part).read_text().startswith('[\n{\n  "model": "library.publisher",\n  "pk": 1,\n  "fields": {\n')
    assert found["4"]["rows"] == found["5"]["rows"]
    assert found["5"]["files"] == [new, str(tmp_path / "more" / "none.yaml")]
    assert found["5"]["rows"] == [{"model": "library.Publisher", "pk": "6", "action": "inserted", "fields": []}]
    assert found["6"]["objects"]["library.Publisher"] == 5
    assert found["6"]["objects"]["library.Book"] == 102
    count = manage(app, "shell", "-c", "from library.models import *; print('OK', Publisher.objects.count())")
    assert count.split("OK ")[-1].strip() == "5"
