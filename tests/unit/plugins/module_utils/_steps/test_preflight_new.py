# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every obstacle on new in one list, each with its code and what to do."""

from __future__ import annotations

import contextlib
import os
import pwd
import sqlite3
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.base import LIVE, PREVIOUS
from ansible_collections.relocate.django.plugins.module_utils._engines.sqlite import engine as sqlite_engine
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import facts as host_facts
from ansible_collections.relocate.django.plugins.module_utils._host import owner
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseFacts, Obstacle, as_plain
from ansible_collections.relocate.django.plugins.module_utils._project import interpreters, python_support
from ansible_collections.relocate.django.plugins.module_utils._secrets import SecretStore
from ansible_collections.relocate.django.plugins.module_utils._steps import needs, preflight, preflight_new
from tests.unit.fakes import BLANK, LABEL, ROOT_ONLY, FakeEngine, me, reachable, state
from tests.unit.plugins.module_utils._steps.both_hosts import engine, new_options, on_new, project, told_of_old
from tests.unit.records import note

pytestmark = pytest.mark.slow

__all__ = ["engine", "project"]  # fixtures


def test_nothing_is_in_the_way_on_new(tmp_path: Path, engine: FakeEngine) -> None:
    assert on_new(tmp_path) == []
    assert engine.calls == [("query", "new")]


@pytest.mark.parametrize(
    ("allowed", "path", "refuses"),
    [(False, "/srv/other", True), (True, "/srv/shop/app", True), (True, "/srv/other", False)],
)
def test_the_old_host_itself(tmp_path: Path, engine: FakeEngine, allowed: bool, path: str, refuses: bool) -> None:
    same = told_of_old(host={"name": "old1", "machine_id": host_facts.machine_id()})
    found = on_new(tmp_path, same, allow_same_host=allowed, path=path)
    text = ("refusing: this is the OLD host (old1)", "correct the inventory: old and new must be two machines")
    assert found == ([("same_host", "", *text)] if refuses else [])


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"python": "python9.9"}, ("interpreter_not_found", "", "python9.9 is not installed", "install it")),
    ],
)
def test_what_the_packages_bring_is_an_obstacle_only_when_they_do_not(
    tmp_path: Path, engine: FakeEngine, changes: dict[str, Any], expected: tuple[str, ...]
) -> None:
    assert on_new(tmp_path, **changes) == [expected]
    assert on_new(tmp_path, installs=True, **changes) == []


@ROOT_ONLY
@pytest.mark.parametrize("known", [True, False])
def test_root_does_not_run_the_python_of_the_owner(
    tmp_path: Path, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    """relocate_python may be the owner's own build, such as pyenv's."""
    python, proof = reachable(tmp_path) / "python", tmp_path / "proof"
    proof.write_text("")
    proof.chmod(0o666)
    python.write_text(f"#!/bin/sh\nid -u > {proof}\necho 3.11.2\n")
    python.chmod(0o755)
    monkeypatch.setattr(owner, "check_owner", lambda *_what: known)
    assert on_new(tmp_path, told_of_old(owner={"name": "daemon"}), python=str(python), installs=True) == []
    assert proof.read_text().strip() == str(pwd.getpwnam("daemon" if known else "nobody").pw_uid)


@pytest.mark.parametrize(
    ("python", "requires", "codes"),
    [
        ("3.12", ">=3.10", []),
        ("3.12", ">=3.12.4", []),  # the last one of a series is brought
        ("3.12.1", ">=3.12.4", ["python_too_old"]),
        ("3.9", ">=3.10", ["python_too_old"]),
        ("3.1", ">=3.10", ["bad_option"]),
        ("python3.12", "", ["bad_option"]),
        ("3.13", ">=3.10", ["python_unavailable"]),
    ],
)
def test_a_python_that_is_to_be_installed(
    tmp_path: Path, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, python: str, requires: str, codes: list[str]
) -> None:
    """No program of this host is asked, and what cannot be had is an obstacle before anything is done."""
    asked: list[interpreters.Wanted] = []

    def of_uv(wanted: interpreters.Wanted, _env: object) -> list[Obstacle]:
        asked.append(wanted)
        return [Obstacle("python_unavailable", "new cannot reach uv's", "x")] if wanted.python == "3.13" else []

    monkeypatch.setattr(interpreters, "_of_uv", of_uv)
    monkeypatch.setattr(preflight_new, "python_obstacle", python_support.python_obstacle)  # the fixture has none
    monkeypatch.setattr(preflight_new, "find_program", lambda _name: pytest.fail("the system's Python was looked for"))
    old = told_of_old(django={"version": "5.2", "requires_python": requires})
    found = on_new(tmp_path, old, python=python, python_from="uv")
    assert [item[0] for item in found] == codes
    assert len(asked) == (0 if codes == ["bad_option"] else 1)


@ROOT_ONLY
def test_root_opens_no_file_that_old_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A SQLite database of another's on new: opened as the project's owner, or not at all while he is not there."""
    name = str(reachable(tmp_path) / "db.sqlite3")
    with contextlib.closing(sqlite3.connect(name)) as made:
        made.execute("CREATE TABLE t (a)")
    monkeypatch.setattr(preflight_new, "python_obstacle", lambda *_args: None)
    opened: list[int] = []
    monkeypatch.setattr(sqlite_engine, "open_view", lambda _path: opened.append(os.geteuid()) or sqlite3.connect(name))
    old = told_of_old(owner={"name": "daemon"})
    old["databases"]["default"].update(engine="sqlite", backend="django.db.backends.sqlite3", name=name)
    old["databases"]["default"]["facts"] = as_plain(DatabaseFacts("sqlite", "SQLite 3", 3040001, "3"))
    for known in (True, False):
        monkeypatch.setattr(owner, "check_owner", lambda *_what, known=known: known)
        on_new(tmp_path, old, installs=True)
        assert set(opened) == ({pwd.getpwnam("daemon").pw_uid} if known else set())
        opened.clear()


def test_the_owner_that_old_names(tmp_path: Path, engine: FakeEngine) -> None:
    absent = told_of_old(owner={"name": "no-such-user"})
    missing = ("owner_missing", "", "there is no user no-such-user", owner.how_to_make("no-such-user"))
    assert on_new(tmp_path, absent, owner=None) == [missing]
    assert on_new(tmp_path, absent, owner=None, installs=True) == []
    daemon = told_of_old(owner={"name": "daemon", "home": "/"})
    assert [found[0] for found in on_new(tmp_path, daemon, owner=None)] == ["owner_refused"]
    assert on_new(tmp_path, daemon, owner="daemon") == []
    assert [found[0] for found in on_new(tmp_path, daemon)] == ["owner_refused"]
    home = told_of_old(owner={"name": "no-such-user", "home": "/etc/systemd/system/x.service.d"})
    assert [found[0] for found in on_new(tmp_path, home, owner=None, installs=True)] == ["owner_refused"]


def test_a_directory_that_holds_something_else(tmp_path: Path, engine: FakeEngine) -> None:
    (tmp_path / "app").mkdir()
    assert on_new(tmp_path) == []
    (tmp_path / "app" / "file").write_text("")
    assert on_new(tmp_path) == [("checkout_occupied", "", f"{tmp_path}/app holds something else", "move it away")]
    (tmp_path / "app" / ".git").mkdir()
    assert on_new(tmp_path) == []


def test_a_revision_that_new_could_get_from_nowhere(tmp_path: Path, engine: FakeEngine, project: Path) -> None:
    """What a set of old brings along is no obstacle, whatever the remote says; what it does not bring is asked for."""
    reachable(tmp_path)
    head = subprocess.run(["git", "-C", project, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    there, lost = head.stdout.strip(), "0" * 40
    gone = str(tmp_path / "gone")
    old = told_of_old(revision={"remote": str(project)}, revision_brought=False)

    def why(revision: str | None, **changes: Any) -> list[str]:
        return [item[2] for item in on_new(tmp_path, changes.pop("old", old), revision=revision, **changes)]

    assert why(None, remote=gone) == why(None, remote="none") == []
    for brought in (True, None):
        assert why(lost, remote=gone, old={**old, "revision_brought": brought}) == []
    assert why(there) == why(there, remote=str(project)) == []
    start = "relocate_revision {0} is not in old's checkout or before it, and new cannot fetch it: "
    assert why(lost) == [start.format(lost) + f"the remote does not hold {lost}"]
    assert why(there, remote="none") == [start.format(there) + "no remote is named"]
    assert why(there, old={**old, "revision": None}) == [start.format(there) + "no remote is named"]
    (unreachable,) = on_new(tmp_path, old, revision=there, remote=gone)
    assert unreachable[0] == "revision_not_found" and "git ls-remote exited" in unreachable[2]
    assert "leave relocate_revision empty" in unreachable[3]
    assert [item[0] for item in on_new(tmp_path, old, remote="ext::sh -c x")] == ["revision_refused"]
    subprocess.run(["git", "clone", "-q", project, tmp_path / "app"], check=True)
    assert why(there, remote="none") == []


def test_an_owner_or_git_to_be_made_asks_no_remote(
    tmp_path: Path, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = told_of_old(owner={"name": "no-such-user"}, revision={"remote": "/gone"}, revision_brought=False)
    assert on_new(tmp_path, old, owner=None, installs=True, revision="0" * 40) == []
    old["owner"]["name"] = me().name
    monkeypatch.setattr(preflight_new, "find_program", lambda name: None)
    assert on_new(tmp_path, old, installs=True, revision="0" * 40) == []


def test_paths_of_old_that_new_lacks(tmp_path: Path, engine: FakeEngine) -> None:
    """Absolute names in old's project, and directories that the settings log to."""
    old = told_of_old()
    there = old["project"]["path"]
    old["django"]["log_files"] = [there + "/logs/site.log", "/nowhere/shop/site.log", "/var/log/no-such-shop/a.log"]
    old["log_directories"] = [{"path": "/nowhere/shop", "mode": 0o750, "owner": "no-such-www", "group": "root"}]
    here = str(tmp_path / "app")
    lies = "which lies in old's project: on this host it is to be"
    absent = "which is not on this host"
    why = f"{absent}, and it is not made: it belongs to the user no-such-www on old, {absent}"
    otherwise = "or add the unit that runs as this user to relocate_services, and the move creates it"
    names = [".env", "-" + there + "/conf/../.env", "/etc/shop.env", here + "/x.env"]
    found = on_new(tmp_path, old, path=here, env_files=names, interpreter=there + "/.venv/bin/python")
    assert [item[:1] + item[2:] for item in found] == [
        (
            "directory_missing",
            f"LOGGING of the settings writes into /nowhere/shop, {why}",
            f"create the user on new: useradd --system no-such-www; {otherwise}",
        ),
        (
            "bad_option",
            f"relocate_env_files names {there}/conf/../.env, {lies} {here}/.env",
            "write it relative to the project, or set relocate_env_files for each host",
        ),
        (
            "bad_option",
            f"relocate_interpreter names {there}/.venv/bin/python, {lies} {here}/.venv/bin/python",
            "write it relative to the project, or set relocate_interpreter for each host",
        ),
    ]
    old["unit_users"] = ["no-such-www"]
    assert on_new(tmp_path, old, path=here) == [], "he is made"
    assert preflight_new.users_to_make((), old) == ["no-such-www"]
    old["unit_users"] = []
    assert on_new(tmp_path, old, path=here, settings="shop.settings.new") == [], "which may log elsewhere"


def test_a_project_in_a_subdirectory_of_its_checkout(tmp_path: Path, engine: FakeEngine) -> None:
    """What an earlier run has checked out is no obstacle: .git lies above the project."""
    old, path = told_of_old(), str(tmp_path / "repo" / "web" / "src")
    old["project"]["prefix"] = "web/src"
    assert on_new(tmp_path, old, path=path) == []
    (tmp_path / "repo" / "web" / "src").mkdir(parents=True)
    (tmp_path / "repo" / "web" / "src" / "manage.py").write_text("")
    occupied = [("checkout_occupied", "", f"{tmp_path}/repo holds something else", "move it away")]
    assert on_new(tmp_path, old, path=path) == occupied
    (tmp_path / "repo" / ".git").mkdir()
    assert on_new(tmp_path, old, path=path) == []
    (found,) = on_new(tmp_path, old)
    assert (found[0], found[3]) == ("bad_option", "set relocate_path on new to a path that ends with /web/src")


def test_users_whom_media_belongs_to(tmp_path: Path, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """One whom a named unit runs as is made; any other one must be there."""
    rights = {"places": {}, "digest": "", "users": ["no-such-app"], "groups": ["no-such-app"], "more": 0}
    old = told_of_old(media={"bytes": 10, "rights": rights}, unit_users=["no-such-app"])
    assert on_new(tmp_path, old) == []
    assert preflight_new.users_to_make((), old) == ["no-such-app"]
    old["unit_users"] = []
    assert [item[0] for item in on_new(tmp_path, old)] == ["media_owners", "media_owners"]
    assert on_new(tmp_path, old, media=False) == []
    assert preflight_new.users_to_make((), old) == []
    monkeypatch.setattr(preflight.checks, "users", lambda _units: ["no-such-unit-user", me().name, "not a name"])
    assert preflight_new.users_to_make((), old) == ["no-such-unit-user"]


def test_a_site_that_runs_already(tmp_path: Path, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """As what an earlier provisioning started; new that serves the site since a move is another matter."""
    asked: list[Any] = []
    wrong = Obstacle("site_running", "shop.service runs here", "stop it")
    monkeypatch.setattr(preflight.checks, "running", lambda *what: asked.append(what) or [wrong])
    assert on_new(tmp_path, services_kept_running=["logs"]) == [("site_running", "", wrong.msg, wrong.hint)]
    assert asked == [(f"{tmp_path}/app", ("logs",))]
    same = told_of_old(host={"name": "old1", "machine_id": host_facts.machine_id()})
    assert [item[0] for item in on_new(tmp_path, same)] == ["same_host"], "its units are old's own"
    note(tmp_path, moved={"label": "l"})
    assert on_new(tmp_path) == []


def test_databases_on_new(tmp_path: Path, engine: FakeEngine) -> None:
    engine.obstacles = [
        Obstacle("extension_missing", "citext", "install it"),
        Obstacle("program_missing", "pg_restore", "install it"),
    ]
    extension = ("extension_missing", "default", "citext", "install it")
    assert on_new(tmp_path) == [extension, ("program_missing", "default", "pg_restore", "install it")]
    assert on_new(tmp_path, installs=True) == [extension]


def test_a_server_that_refuses(tmp_path: Path, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    engine.fails = {"query": 1}
    monkeypatch.setattr(FakeEngine, "describe", _refusing)
    found = on_new(tmp_path)
    assert ("query_failed", "default", "default cannot query", "look at it") in found
    assert all(item[1] == "default" for item in found)


def _refusing(_self: object) -> Any:
    raise RelocateError("login_failed", "no", "log in")


@pytest.mark.parametrize(
    ("record", "replace", "previous", "code", "text"),
    [
        ({}, False, None, "target_not_blank", "database default: target holds 2 tables"),
        ({}, True, None, "", ""),
        ({}, True, BLANK, "", ""),
        ({}, True, state(), "previous_exists", "database default holds data, and so does the previous one"),
        ({"restored": {"default": "x"}}, False, None, "", ""),
        ({"restored": {"default": "x"}}, False, state(), "", ""),
        ({"restored": {"default": "x"}, "moved": {"label": "l"}}, False, None, "target_not_blank", "has served"),
        ({"restored": {"default": "x"}, "served": {"label": "l"}}, False, None, "target_not_blank", "has served"),
        ({"restored": {"default": "x"}, "served": {"label": "l"}}, True, None, "", ""),
        ({"restored": {"default": "x"}, "served": {"label": "l"}}, True, state(), "previous_exists", "look at"),
        # A run died around the swap: once there is a previous one, live came from the set.
        ({"begun": {"default": {"digest": "x", "aside": "previous"}}}, False, state(), "", ""),
        ({"begun": {"default": {"digest": "x", "aside": "previous"}}}, False, None, "target_not_blank", ""),
    ],
)
def test_a_database_that_is_in_use(
    tmp_path: Path,
    engine: FakeEngine,
    record: dict[str, Any],
    replace: bool,
    previous: Any,
    code: str,
    text: str,
) -> None:
    engine.databases = {LIVE: state(), **({} if previous is None else {PREVIOUS: previous})}
    note(tmp_path, **record)
    found = on_new(tmp_path, replace=replace)
    assert [(item[0], item[1]) for item in found] == ([(code, "default")] if code else [])
    assert all(text in " ".join(item) for item in found)


def test_units_where_systemd_does_not_run(tmp_path: Path, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.path.isdir
    monkeypatch.setattr(preflight.os.path, "isdir", lambda path: path != "/run/systemd/system" and real(path))
    expected = ("program_missing", "", "systemd does not run here", "leave relocate_services empty")
    assert on_new(tmp_path, units=["shop.service"]) == [expected]


def told_by_set(**changes: Any) -> dict[str, Any]:
    """Return what a set tells of a site that was on this very machine."""
    kept = {"label": LABEL, "brings": 0, "files": ["/srv/shop/app/.env", "/etc/systemd/system/shop.service"]}
    here = {"name": "old1", "machine_id": host_facts.machine_id()}
    return told_of_old(host=here, set={**kept, **changes}, revision_brought=True)


NAMED = [".env", "/etc/systemd/system/shop.service"]


def test_a_set_may_be_restored_where_it_was_made(tmp_path: Path, engine: FakeEngine) -> None:
    """What a restore would replace, it judges itself: of the servers is asked what they lack."""
    assert on_new(tmp_path, told_by_set(), path="/srv/shop/app", files=NAMED) == []
    assert engine.calls == [("query", "new")]


def test_a_file_of_a_set_that_nobody_names(tmp_path: Path, engine: FakeEngine) -> None:
    for files, path in (([".env"], "/etc/systemd/system/shop.service"), (NAMED[1:], str(tmp_path / "app/.env"))):
        [found] = on_new(tmp_path, told_by_set(), files=files)
        assert found[0] == "path_refused" and found[2] == f"{path} is in the set but not in relocate_files"


def test_a_set_has_no_say_in_what_the_users_paths_mean(tmp_path: Path, engine: FakeEngine) -> None:
    """The restore reads them as paths of this host; else it would be refused once the code is checked out."""
    [found] = on_new(tmp_path, told_by_set(), files=["/srv/shop/app/.env", NAMED[1]])
    assert found[0] == "path_refused"


def test_room_for_a_set_that_is_brought(tmp_path: Path, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(needs.facts, "free_bytes", lambda _path: 100 << 20)
    assert on_new(tmp_path, told_by_set(), files=NAMED) == []
    [found] = on_new(tmp_path, told_by_set(brings=60 << 20), files=NAMED)
    assert found[0] == "disk_full" and found[2].startswith("the backup set needs 124 MB")


@pytest.mark.parametrize(
    "changes", [{"overridden": True}, {"environment": {"DB_HOST": "db2"}}, {"settings": "shop.staging"}]
)
def test_settings_that_may_name_other_databases_ask_none(
    tmp_path: Path, engine: FakeEngine, changes: dict[str, Any]
) -> None:
    """A staging host would log in to the server of production."""
    assert on_new(tmp_path, told_by_set(), files=NAMED, **changes) == []
    assert engine.calls == []


@pytest.mark.parametrize(("media", "restored", "refused"), [(True, "", True), (False, "", False), (True, "x", False)])
def test_media_that_is_there_or_stays_behind_needs_no_room(
    tmp_path: Path, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, media: bool, restored: str, refused: bool
) -> None:
    monkeypatch.setattr(needs.facts, "free_bytes", lambda _path: 100 << 20)
    monkeypatch.setattr(
        preflight_new, "read_record", lambda *_what: SimpleNamespace(moved=None, media_restored=restored)
    )
    old = {**told_by_set(), "media": {"bytes": 300 << 20}}
    assert [item[0] for item in on_new(tmp_path, old, files=NAMED, media=media)] == ["disk_full"] * refused


@pytest.mark.parametrize(("vcs", "mark", "codes"), [("hg", ".hg", []), ("git", ".hg", ["checkout_occupied"])])
def test_a_checkout_of_the_sets_own_kind_is_none_of_others(
    tmp_path: Path, engine: FakeEngine, vcs: str, mark: str, codes: list[str]
) -> None:
    (tmp_path / "app" / mark).mkdir(parents=True)
    old = {**told_by_set(), "revision": {"vcs": vcs, "remote": ""}}
    assert [item[0] for item in on_new(tmp_path, old, files=NAMED, installs=True)] == codes


def test_before_a_restore_the_site_runs_nowhere(
    tmp_path: Path, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A site that was moved here runs by right in the eyes of a move; a restore would replace what it works on."""
    runs = Obstacle("site_running", "it runs", "stop it")
    monkeypatch.setattr(preflight_new.checks, "running", lambda *_what: [runs])
    monkeypatch.setattr(preflight_new, "read_record", lambda *_what: SimpleNamespace(moved=LABEL, media_restored=""))
    assert [item[0] for item in on_new(tmp_path, told_by_set(), files=NAMED)] == ["site_running"]


def test_a_server_that_is_installed_first_is_not_asked(tmp_path: Path, engine: FakeEngine) -> None:
    engine.obstacles = [Obstacle("server_unreachable", "nobody answers", "start it", "default")]
    with SecretStore(str(tmp_path / "secrets")) as secrets:
        options = new_options(tmp_path)
        assert preflight_new.obstacles_on_new(options, told_of_old(), secrets, ["default"]) == []
        assert engine.calls == []
        found = preflight_new.obstacles_on_new(options, told_of_old(), secrets, ["other"])
    assert [item.code for item in found] == ["server_unreachable"]
