# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs every task of the page for those who come from the tutorials, in its order, on a project with SQLite."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.relocate.django.plugins.module_utils import _module
from tests.engines.test_fixture_state import MANAGE, SETTINGS
from tests.lab.playbook import run_playbook
from tests.tools.collection import ROOT

PACKAGE = "ansible_collections.relocate.django.plugins.module_utils"
PAGE = ROOT / "docs" / "tutorials.md"
MODELS = """
from django.db import models

class Author(models.Model):
    name = models.CharField(max_length=50)

class Book(models.Model):
    title = models.CharField(max_length=50)
    author = models.ForeignKey(Author, models.CASCADE)
"""
FIXTURES = {
    "authors.yaml": "- {model: shop.author, pk: 1, fields: {name: Ada}}\n",
    "books.json": json.dumps([{"model": "shop.book", "pk": 2, "fields": {"title": "Notes", "author": 1}}]),
}


def blocks() -> list[list[dict[str, Any]]]:
    """The page's tasks, block by block; the head of the play comes first."""
    return [yaml.safe_load(text) for text in re.findall(r"^```yaml\n(.*?)^```", PAGE.read_text(), re.M | re.S)]


@pytest.fixture(name="app")
def _app(tmp_path: Path) -> Path:
    """A project without migrations, as ``startapp`` and a tutorial's first pages leave it."""
    app = tmp_path / "app"
    fixtures = app / "shop" / "fixtures"
    fixtures.mkdir(parents=True)
    (app / "manage.py").write_text(MANAGE)
    (app / "settings.py").write_text(SETTINGS.replace('"people"', '"shop"'))
    (app / "shop" / "__init__.py").write_text("")
    (app / "shop" / "models.py").write_text(MODELS)
    for name, text in FIXTURES.items():
        (fixtures / name).write_text(text)
    (app / ".env").write_text(f"SECRET_KEY=x\nDATABASE_URL=sqlite:///{app}/db.sqlite3\n")
    subprocess.run(["git", "init", "-q", "-b", "main", str(app)], check=True)
    return app


def played(app: Path) -> dict[str, Any]:
    """Run the page's tasks; returns what they registered."""
    head, *rest = blocks()
    tasks = [task for block in rest for task in block]
    names = [task["register"] for task in tasks if "register" in task]
    answers = {name: f"{{{{ {name} }}}}" for name in names}
    save = {"ansible.builtin.copy": {"dest": str(app.parent / "answers.json"), "content": answers, "mode": "0600"}}
    defaults = head[0]["module_defaults"]
    more = {"interpreter": sys.executable, "allow_root": True}
    defaults["group/relocate.django.project"].update(more)
    defaults["group/relocate.django.work"]["directory"] = str(app.parent / "work")
    play = {**head[0], "connection": "local", "gather_facts": False, "tasks": [*tasks, save]}
    text = json.dumps([play]).replace("/srv/shop/app", str(app)).replace("/var/backups", str(app.parent / "backups"))
    (app.parent / "play.yml").write_text(text)
    for name in ("work", "backups"):
        (app.parent / name).mkdir()
    arguments = ["play.yml", "-i", "localhost,", "-e", f"ansible_python_interpreter={sys.executable}"]
    venv, collections = ROOT / "build" / "venv", ROOT / "build" / "collections"
    result = run_playbook(arguments, venv=venv, collections_path=collections, directory=app.parent)
    assert result.rc == 0, result.stdout[-4000:]
    found: dict[str, Any] = json.loads((app.parent / "answers.json").read_text())
    return found


def called(app: Path) -> dict[str, Any]:
    """Do the page's tasks as the hosts' process for a run does, without Ansible; returns what they registered."""
    head, *rest = blocks()
    groups = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())["action_groups"]
    defaults = {name.rpartition(".")[2]: values for name, values in head[0]["module_defaults"].items()}
    defaults["project"].update(interpreter=sys.executable, allow_root=True)
    defaults["work"]["directory"] = str(app.parent / "work")
    for name in ("work", "backups"):
        (app.parent / name).mkdir()
    found: dict[str, Any] = {}
    for task in [task for block in rest for task in block]:
        name = next(key for key in task if key.startswith(("relocate.", "ansible.")))
        if name.startswith("ansible."):
            continue
        short = name.rpartition(".")[2]
        given: dict[str, Any] = {}
        for group, members in groups.items():
            given.update(defaults.get(group, {}) if short in members else {})
        given.update(task[name] or {})
        text = json.dumps(given).replace("/srv/shop/app", str(app)).replace("/var/backups", str(app.parent / "backups"))
        module = importlib.import_module(f"{PACKAGE}._modules.{short}").MODULE
        result = _module.answered(module, json.loads(text), False, _module.without_secrets)
        assert not result.get("failed"), (task, result)
        found[task.get("register", "")] = result
    return found


@pytest.mark.parametrize("way", [called, pytest.param(played, marks=pytest.mark.drawn(12))])
def test_the_page(app: Path, way: Callable[[Path], dict[str, Any]]) -> None:
    """By each module's work, and now and then by Ansible."""
    found = way(app)
    assert (app / "shop" / "migrations" / "0001_initial.py").read_text().count("CreateModel") == 2
    assert found["dry_run"]["migrations"] == [] and found["dry_run"]["changed"] is False
    assert "shop.0001_initial" in found["plan"]["plan"]["default"]
    assert found["shown"]["text"]["default"][-2:] == ["shop", " [X] 0001_initial"]
    assert found["loaded"]["merged"]["shop.Book"]["inserted"] == 1 and len(found["loaded"]["files"]) == 2
    counts = found["site"]["info"]["counts"]["default"]["models"]
    assert counts["shop.Book"]["rows"] == counts["shop.Author"]["rows"] == 1
    assert found["flushed"]["lost"]["shop_book"] == 1 and found["flushed"]["changed"]
    assert found["made_anew"]["objects"]["shop.Book"] == 1
    backups = app.parent / "backups"
    assert json.loads((backups / "books.json").read_text())[0]["fields"]["title"] == "Notes"
    assert sorted(path.name for path in backups.iterdir()) == ["books.json", "shop.jsonl", "shop.jsonl.zst"]
    count = subprocess.run(
        [sys.executable, "manage.py", "shell", "-c", "from shop.models import *; print('OK', Book.objects.count())"],
        cwd=app,
        capture_output=True,
        text=True,
        check=True,
    )
    assert count.stdout.split("OK ")[-1].strip() == "1"


def test_the_table_names_modules_and_playbooks() -> None:
    """And every module of the table is in a task of the page."""
    page = PAGE.read_text()
    rows = [line.split("|")[1:4] for line in page.splitlines() if line.startswith("| `")][1:]
    modules = {name for row in rows for name in re.findall(r"`([a-z_]+)`", row[1])}
    playbooks = {name for row in rows for name in re.findall(r"`([a-z_]+)`", row[2])}
    tasks = [task for block in blocks()[1:] for task in block]
    used = {name.rpartition(".")[2] for task in tasks for name in task if name.startswith("relocate.django.")}
    assert len(rows) == 10 and modules == used
    assert all((ROOT / "plugins" / "modules" / f"{name}.py").is_file() for name in modules)
    assert all((ROOT / "playbooks" / f"{name}.yml").is_file() for name in playbooks), playbooks
