# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The environment on new is compared with old's before the freeze."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import Prepared
from ansible_collections.relocate.django.plugins.module_utils._steps import checkout
from tests.unit.fakes import LABEL, ROOT_ONLY, me, nobody, reachable, refused


def dist(name: str, *needs: str, version: str = "1") -> dict[str, Any]:
    line = f"{name}=={version}"
    return {"name": name, "version": version, "line": line, "needs": list(needs), "system": False, "local": False}


OLD = [dist("Django", "asgiref"), dist("asgiref"), dist("gunicorn")]
NEW = [dist("Django", "asgiref", version="2"), dist("asgiref")]


def options(**changes: Any) -> checkout.Options:
    """Give the options of the module as a role gives them."""
    given: dict[str, Any] = {name: [] for name in ("requirements", "command", "pip_extra", "pip_ignored")}
    given.update({"allow_root": False, "revision": None, "remote": None, "environment": {}, "environment_path": None})
    given.update(owner=me().name, directory="/nowhere", site="shop", label=LABEL, python="python3", path="/nowhere")
    given.update(python_from="system")
    return checkout.Options.of({**given, **changes})


@pytest.fixture
def compare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Compare what is recorded with what is here; returns the notes."""

    def call(
        here: list[dict[str, Any]], named: Any = ("django",), text: str | None = "Django\n", **changes: Any
    ) -> list[str]:
        if text is not None:
            (tmp_path / "requirements.txt").write_text(text)
        monkeypatch.setattr(checkout.packages, "installed", lambda *_args: here)
        params = {"path": str(tmp_path), **changes}
        recorded = {"distributions": OLD, "named": None if named is None else list(named)}
        prepared = Prepared({"commit": "a" * 40}, {}, {}, ())
        planned: Any = SimpleNamespace(interpreter="python", owner=None)
        return checkout._packages(options(**params), prepared, recorded, planned, {})

    return call


def test_what_nobody_named_is_missed(compare: Any) -> None:
    with refused("packages_unlisted", r"1 packages .* named by no file of the revision on new: gunicorn==1.*pip_extra"):
        compare(NEW)
    assert compare([*NEW, dist("gunicorn", version="1")]) == ["versions of packages differ from old's: Django 1 -> 2"]
    assert compare(OLD) == []
    assert compare(NEW[1:] + OLD[:1], pip_ignored=["gunicorn"]) == []


def test_a_later_revision_may_drop_what_the_files_of_old_named(compare: Any) -> None:
    later = {"revision": "b" * 40}
    assert compare(OLD[:2], named=("django", "gunicorn"), **later) == []
    with refused("packages_unlisted", "gunicorn"):
        compare(OLD[:2], **later)
    (note,) = compare(OLD[:2], named=None, **later)
    assert "not asked for by the revision on new: gunicorn==1" in note


def test_where_only_an_installer_knows_what_is_there_is_compared(compare: Any) -> None:
    for changes in ({"text": None, "named": None}, {"command": ["make"], "named": None}):
        assert compare(OLD, **changes) == []
        with refused("packages_unlisted", "gunicorn"):
            compare(OLD[:2], **changes)


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        '{"python": 3, "freeze": []}',
        '{"python": "3.11", "freeze": "Django"}',
        '{"python": "3.11", "freeze": [1]}',
        '{"python": "3.11", "freeze": [], "distributions": [{"name": "x"}]}',
        "[" * 5000,
    ],
)
def test_what_a_set_tells_of_the_environment_is_looked_at(tmp_path: Path, text: str) -> None:
    (tmp_path / "environment.json").write_text(text)
    with refused("manifest_invalid", "environment.json"):
        checkout._recorded(BackupSet(str(tmp_path)))
    (tmp_path / "environment.json").write_text('{"python": "3.11", "freeze": ["Django==5.2"]}')
    assert checkout._recorded(BackupSet(str(tmp_path)))["python"] == "3.11"


@pytest.mark.parametrize("mode", ["", "x", "-5", "0o777", "9", "07 55"])
def test_a_mode_of_the_home_that_is_none_changes_nothing(tmp_path: Path, mode: str) -> None:
    owner = replace(me(), home=str(tmp_path))
    before = tmp_path.stat().st_mode
    checkout._open_home(owner, {"home": str(tmp_path), "home_mode": mode}, str(tmp_path / "app"))
    assert tmp_path.stat().st_mode == before
    checkout._open_home(owner, {"home": str(tmp_path), "home_mode": "0711"}, str(tmp_path / "app"))
    assert tmp_path.stat().st_mode & 0o011 == 0o011


@ROOT_ONLY
def test_check_mode_runs_nothing_of_a_checkout_as_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The owner is not there yet, the checkout is another's, and its configuration names a program for each file."""
    there, proof = tmp_path / "site", tmp_path / "proof"
    there.mkdir()
    git = ["git", "-C", str(there), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    (there / "a").write_text("1")
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *words], check=True)
    (there / ".git" / "info" / "attributes").write_text("* filter=evil")
    subprocess.run([*git, "config", "filter.evil.clean", f"id -u > {proof}; cat"], check=True)
    (there / "a").write_text("2")  # as long as it was: only its content tells
    os.utime(there / "a", (1, 1))
    commit = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    prepared = Prepared({"commit": commit}, {}, {"name": "no-such-user"}, ())
    backup = SimpleNamespace(read_prepared=lambda: prepared, check_file=str, check_opens=lambda: None)
    monkeypatch.setattr(checkout.BackupSet, "prepared", lambda *_what: backup)
    params = {"owner": "no-such-user", "directory": str(tmp_path / "work"), "path": str(there)}
    assert checkout.checkout(options(**params), True)["changed"]
    assert not proof.exists()
    for path in (there, *there.rglob("*")):
        os.chown(path, nobody().uid, -1, follow_symlinks=False)
    with refused("dirty_tree", "a"):
        reachable(tmp_path)
        proof.touch()
        proof.chmod(0o666)
        checkout.checkout(options(**{**params, "owner": "nobody"}), True)
    assert proof.read_text().strip() == str(nobody().uid), "as its owner it may"
