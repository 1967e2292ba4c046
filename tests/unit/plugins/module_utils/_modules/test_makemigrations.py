# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is refused and told of a project's migrations, and where new ones may be written."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._model import Obstacle
from ansible_collections.relocate.django.plugins.module_utils._modules import makemigrations, migrations_info
from ansible_collections.relocate.django.plugins.module_utils._project import making
from ansible_collections.relocate.django.plugins.module_utils._steps import development
from tests.unit.fakes import me, refused


def entry(name: str, applied: bool, *replaces: str, app: str = "shop") -> dict[str, Any]:
    return {"app": app, "name": name, "applied": applied, "at": "", "replaces": list(replaces)}


WHOLE = {
    "aliases": {
        "default": {
            "exists": True,
            "recorded": True,
            "applied": ["shop.0001", "gone.0001"],
            "unapplied": ["shop.0002", "blog.0001"],
            "unknown": ["gone.0001"],
            "inconsistent": "shop.0001 before its dependency",
        }
    },
    "partly": {"default": ["shop.0003_squashed: lacks shop.0002"]},
    "conflicts": {"blog": ["0001", "0001_b"]},
    "missing": ["shop: Add field x to book", "blog: Create model Post"],
    "listed": {
        "default": [entry("0001", False, app="blog"), entry("0001", True, "shop.a", "shop.b"), entry("0002", False)]
    },
}


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Call a module's work; what the project answers, and what is asked of it, is played."""
    played = SimpleNamespace(answer=WHOLE, asked=[], project=project(tmp_path))

    def ask(_project: Any, what: list[str], *_words: Any) -> Any:
        played.asked.append((what[0], _words[-1]))
        return {what[0]: played.answer}, {}, []

    found = SimpleNamespace(of=lambda _params: SimpleNamespace(find=lambda: played.project))
    monkeypatch.setattr(making.answers, "ask_all", ask)
    monkeypatch.setattr(makemigrations._site, "ProjectOptions", found)
    return played


def project(path: Path) -> Any:
    return SimpleNamespace(path=str(path), manage_path=str(path / "manage.py"), owner=me())


def info(**params: Any) -> dict[str, Any]:
    call: Any = SimpleNamespace(params={"aliases": [], "apps": [], "fail_on": [], **params}, check_mode=False)
    return migrations_info.work_on(call)


def test_the_list(run: Any) -> None:
    found = info()
    assert found["text"]["default"] == ["blog", " [ ] 0001", "shop", " [X] 0001 (2 squashed migrations)", " [ ] 0002"]
    assert found["unknown"] == {"default": ["gone.0001"]} and found["changed"] is False
    only = info(apps=["shop"])
    assert [item["name"] for item in only["migrations"]["default"]] == ["0001", "0002"]
    assert (only["unapplied"], only["unknown"]) == ({"default": ["shop.0002"]}, {"default": []})
    assert only["conflicts"] == {} and only["missing"] == ["shop: Add field x to book"]


@pytest.mark.parametrize(
    ("kind", "code", "text"),
    [
        ("unapplied", "unapplied_migrations", "shop.0002 on default, blog.0001 on default"),
        ("unknown", "unknown_migration", "gone.0001 on default"),
        ("inconsistent", "migration_conflict", "default: shop.0001 before its dependency"),
        ("partly", "unapplied_migrations", "shop.0003_squashed: lacks shop.0002 on default"),
        ("conflicts", "migration_conflict", r"blog \(0001, 0001_b\)"),
        ("missing", "missing_migrations", "Add field x to book, blog: Create model Post"),
    ],
)
def test_what_it_fails_for(run: Any, kind: str, code: str, text: str) -> None:
    with refused(code, text) as error:
        info(fail_on=[kind])
    assert error.value.details["migrations"] == WHOLE["listed"]
    fine = {"exists": True, "recorded": True, "applied": [], "unapplied": [], "unknown": [], "inconsistent": ""}
    none: dict[str, Any] = {"default": []}
    run.answer = {"aliases": {"default": fine}, "conflicts": {}, "missing": [], "listed": none, "partly": none}
    assert not info(fail_on=[kind])["changed"]


def make(check: bool = False, **params: Any) -> dict[str, Any]:
    words = {"state": "checked", "apps": [], "name": None, "development": False, **params}
    call: Any = SimpleNamespace(params=words, check_mode=check)
    return makemigrations.work_on(call)


def lacking(path: Path, **changes: Any) -> dict[str, Any]:
    file = {"app": "shop", "name": "0002_x", "path": f"{path}/shop/migrations/0002_x.py", "text": "class M"}
    return {
        "unknown": [],
        "conflicts": {},
        "question": "",
        "files": [{**file, "operations": ["Add field x"]}],
        **changes,
    }


def test_what_is_missing(run: Any, tmp_path: Path) -> None:
    run.answer = lacking(tmp_path)
    with refused("missing_migrations", "shop: Add field x.*state: written in a development checkout"):
        make()
    planned = make(state="planned")
    assert not planned["changed"] and planned["migrations"][0]["path"] == "shop/migrations/0002_x.py"
    assert planned["diff"][0]["after"] == "class M"
    assert [more["write"] for _topic, more in run.asked] == [False, False]


def test_it_is_written_in_a_development_checkout(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run.answer = lacking(tmp_path)
    units: list[Obstacle] = []
    monkeypatch.setattr(development.checks, "running", lambda _path: units)
    with refused("not_development", "it is not a checkout of git that is on a branch"):
        make(state="written")
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run([*git, "init", "-q", "-b", "main"], check=True)
    assert make(state="written", check=True)["changed"] and not any(more["write"] for _topic, more in run.asked)
    assert make(state="written")["changed"] and run.asked[-1][1] == {"apps": [], "name": "", "write": True}
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "x"], check=True)
    subprocess.run([*git, "checkout", "-q", "--detach"], check=True)
    with refused("not_development", "on a branch.*development: true"):
        make(state="written")
    units.append(Obstacle("site_running", "shop.service runs here, and would write", ""))
    with refused("not_development", "shop.service runs here"):
        make(state="written", check=True)
    assert make(state="written", development=True)["changed"]
    run.answer = lacking(tmp_path, files=[])
    assert not make(state="written")["changed"] and not make()["changed"]


@pytest.mark.parametrize(
    ("changes", "code", "text"),
    [
        ({"unknown": ["shpo"]}, "bad_option", "no app shpo"),
        ({"conflicts": {"shop": ["a", "b"]}}, "migration_conflict", "conflicting migrations in shop"),
        ({"question": "book.x is added"}, "migration_question", "book.x is added.*null=True"),
    ],
)
def test_what_nobody_can_make(run: Any, tmp_path: Path, changes: dict[str, Any], code: str, text: str) -> None:
    run.answer = lacking(tmp_path, **changes)
    for kind in ("checked", "planned", "written"):
        with refused(code, text):
            make(state=kind)


def test_names_and_packages(run: Any, tmp_path: Path) -> None:
    with refused("bad_option", "no migration can be named"):
        make(name="a-b")
    for place in (tmp_path / ".." / "elsewhere", tmp_path / "venv" / "lib" / "site-packages"):
        run.answer = lacking(place)
        with refused("missing_migrations", "models of installed packages have changes"):
            make(state="written")
