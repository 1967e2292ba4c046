# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every obstacle in one list, each with its code and what to do."""

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
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseFacts, Login, Obstacle, as_plain
from ansible_collections.relocate.django.plugins.module_utils._record import record as record_record
from ansible_collections.relocate.django.plugins.module_utils._secrets import SecretStore
from ansible_collections.relocate.django.plugins.module_utils._steps import describe, needs, preflight, preflight_new
from tests.unit.fakes import BLANK, ROOT_ONLY, FakeEngine, facts, fake_site, me, nobody, reachable, state

GIT = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    path = tmp_path / "project"
    path.mkdir()
    (path / "manage.py").write_text("")
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run([*GIT, "-C", str(path), *words], check=True)
    return path


@pytest.fixture(autouse=True)
def distributions(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What is installed for the project; nothing."""
    plain: list[dict[str, Any]] = []
    monkeypatch.setattr(preflight.packages, "installed", lambda *_args: plain)
    return plain


def old_params(path: Path, **changes: Any) -> dict[str, Any]:
    base = {
        "allow_dirty": False,
        "allow_unapplied": False,
        "files": [],
        "files_left": [],
        "requirements": [],
        "revision": None,
        "command": [],
        "pip_extra": [],
        "pip_left": [],
        "units": [],
        "services_left": [],
        "compression": "none",
        "engines": {},
        "left_behind": [],
        "installs": False,
        "directory": str(path),
    }
    return {**base, **changes}


def told(obstacles: list[Obstacle]) -> list[tuple[str, str, str, str]]:
    return [(item.code, item.alias, item.msg, item.hint) for item in obstacles]


# --- old


def test_files_that_models_keep_outside_media(project: Path, tmp_path: Path) -> None:
    """Their rows would arrive without them; a directory without files is none of anybody's business."""
    private, empty = tmp_path / "private", tmp_path / "empty"
    (private / "2026").mkdir(parents=True)
    (private / "2026" / "invoice.pdf").write_text("x")
    (empty / "2026").mkdir(parents=True)
    stores = [{"path": str(private), "field": "shop.Invoice.pdf"}, {"path": str(empty), "field": "shop.Note.scan"}]
    site = fake_site(project, FakeEngine(databases={LIVE: state()}), django={"file_stores": stores})
    (found,) = told(preflight.obstacles_on_old(site, old_params(project)))
    assert found[0] == "files_outside"
    assert found[2] == f"shop.Invoice.pdf keeps files in {private}, which is not below MEDIA_ROOT"
    for named in (str(private), str(tmp_path), f"{private}/"):
        assert preflight.obstacles_on_old(site, old_params(project, files_left=[named])) == []
    assert len(preflight.obstacles_on_old(site, old_params(project, files_left=[f"{private}/2026"]))) == 1
    assert preflight.obstacles_on_old(site, old_params(project, files=[str(private)])) == []
    site.facts["django"]["media_root"] = str(private / "2026")
    assert preflight.obstacles_on_old(site, old_params(project)) == [], "what is MEDIA within is carried as MEDIA"


def test_nothing_is_in_the_way(project: Path) -> None:
    site = fake_site(project, FakeEngine(databases={LIVE: state()}))
    assert preflight.obstacles_on_old(site, old_params(project)) == []


def test_a_revision_older_than_the_database(project: Path) -> None:
    """Told while nothing was done, where old's own repository holds the revision."""
    older = subprocess.run([*GIT, "-C", str(project), "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    (project / "shop" / "migrations").mkdir(parents=True)
    (project / "shop" / "migrations" / "0001_initial.py").write_text("")
    for words in (["add", "."], ["commit", "-q", "-m", "second"]):
        subprocess.run([*GIT, "-C", str(project), *words], check=True)
    site = fake_site(project, FakeEngine(databases={LIVE: state()}))
    applied = {"applied": ["shop.0001_initial"], "unapplied": [], "unknown": []}
    site.facts["migrations"] = {"aliases": {"default": applied}, "conflicts": {}}
    path = os.path.realpath(project / "shop" / "migrations" / "0001_initial.py")
    known = {"known": ["shop.0001_initial"], "replaced": {}, "apps": ["shop"], "files": {"shop.0001_initial": path}}
    site.facts["history"] = known
    assert preflight.obstacles_on_old(site, old_params(project)) == []
    (found,) = preflight.obstacles_on_old(site, old_params(project, revision=older.stdout.strip()))
    assert found.code == "unknown_migration" and "shop.0001_initial" in found.msg
    assert preflight.obstacles_on_old(site, old_params(project, revision="f" * 40)) == []


def test_packages_that_no_file_names(project: Path, distributions: list[dict[str, Any]]) -> None:
    """Told while old serves, and only where a file can tell."""
    names = ("Django", "gunicorn", "ipython")
    distributions += [
        {"name": name, "version": "1", "line": f"{name}==1", "needs": [], "system": False, "local": False}
        for name in names
    ]
    site = fake_site(project, FakeEngine(databases={LIVE: state()}))
    assert preflight.obstacles_on_old(site, old_params(project)) == []
    (project / "requirements.txt").write_text("Django\n")
    (found,) = preflight.obstacles_on_old(site, old_params(project))
    assert found.code == "packages_unlisted" and "gunicorn==1, ipython==1" in found.msg
    accepted = {"pip_extra": ["gunicorn"], "pip_left": ["ipython"]}
    assert preflight.obstacles_on_old(site, old_params(project, **accepted)) == []
    assert preflight.obstacles_on_old(site, old_params(project, command=["make", "install"])) == []


@ROOT_ONLY
def test_a_database_file_of_the_service_user(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be the project owner's on new, so that the service could not write it."""
    path = project / "db.sqlite3"
    path.write_text("x")
    engine = FakeEngine(databases={LIVE: state()}, is_file=True)
    monkeypatch.setattr(FakeEngine, "config", SimpleNamespace(name=str(path), alias="default"))
    site = fake_site(project, engine)
    assert preflight.obstacles_on_old(site, old_params(project)) == []
    os.chown(path, nobody().uid, -1)
    (found,) = preflight.obstacles_on_old(site, old_params(project))
    assert found.code == "right_missing" and f"the database {path} is nobody's" in found.msg
    assert "relocate_owner: nobody" in found.hint


def test_a_database_that_was_never_migrated_is_data(project: Path) -> None:
    """Migrations of apps that are not kept there are not missed there; a move leaves it as it is."""
    site = fake_site(project, FakeEngine("legacy", databases={LIVE: state()}))
    never = {"recorded": False, "applied": [], "unapplied": ["auth.0001"]}
    site.facts["migrations"] = {"aliases": {"legacy": never}, "conflicts": {}}
    assert preflight.obstacles_on_old(site, old_params(project)) == []
    never["applied"] = ["contenttypes.0001"]
    (found,) = told(preflight.obstacles_on_old(site, old_params(project)))
    assert found[:2] == ("unapplied_migrations", "legacy")


def test_everything_at_once(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "manage.py").write_text("changed")
    for number in range(6):
        (project / f"new{number}").write_text("")
    subprocess.run([*GIT, "-C", str(project), "add", "."], check=True)
    monkeypatch.setattr(host_facts, "free_bytes", lambda _path: 3 << 20)
    monkeypatch.setattr(needs, "find_program", lambda _name: None)
    engines = [
        FakeEngine("default", obstacles=[Obstacle("client_too_old", "pg_dump 13", "install 15", "default")]),
        FakeEngine("other", fails={"query": 1}),
    ]
    site = fake_site(project, *engines, packages={"error": {"code": "probe_failed", "msg": "no pip", "hint": "look"}})
    site.facts["migrations"] = {
        "aliases": {
            "default": {"applied": ["auth.0001"], "unapplied": [f"shop.000{n}" for n in range(7)]},
            "unmoved": {"applied": [], "unapplied": ["x.0001"]},
        },
        "conflicts": {"shop": ["0002_a", "0002_b"]},
    }
    found = told(preflight.obstacles_on_old(site, old_params(project, files=["a", "b*"], compression="zstd")))
    needed = (200 + (64 << 20)) >> 20
    assert sorted(found) == sorted(
        [
            ("client_too_old", "default", "pg_dump 13", "install 15"),
            ("query_failed", "other", "other cannot query", "look at it"),
            ("probe_failed", "", "no pip", "look"),
            (
                "dirty_tree",
                "",
                "the checkout holds uncommitted changes: manage.py, new0, new1, new2, new3, ...",
                "commit them, or set relocate_allow_dirty to carry them as a patch",
            ),
            (
                "unapplied_migrations",
                "default",
                "7 migrations are not applied: shop.0000, shop.0001, shop.0002, shop.0003, shop.0004",
                "run migrate on old, or set relocate_allow_unapplied to have them applied on new",
            ),
            (
                "migration_conflict",
                "",
                "conflicting migrations in shop: 0002_a, 0002_b",
                "merge them with makemigrations --merge",
            ),
            ("path_refused", "", f"not on this host: {project}/a, {project}/b*", "correct relocate_files"),
            ("program_missing", "", "git is not installed", "install git"),
            ("program_missing", "", "zstd is not installed", "install zstd"),
            (
                "disk_full",
                "",
                f"the backup set needs {needed} MB at {project}, 3 MB are free",
                "free space there, or name another directory",
            ),
        ]
    )


def test_what_is_allowed_is_no_obstacle(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "manage.py").write_text("changed")
    monkeypatch.setattr(needs, "find_program", lambda _name: None)
    site = fake_site(project, FakeEngine(databases={LIVE: state()}))
    site.facts["migrations"] = {"aliases": {"default": {"applied": ["auth.0001"], "unapplied": ["shop.0001"]}}}
    params = old_params(project, allow_dirty=True, allow_unapplied=True, installs=True)
    assert preflight.obstacles_on_old(site, params) == []


def test_no_checkout(tmp_path: Path) -> None:
    site = fake_site(tmp_path, FakeEngine(databases={LIVE: state()}))
    (found,) = preflight.obstacles_on_old(site, old_params(tmp_path))
    assert (found.code, bool(found.msg)) == ("not_a_checkout", True)
    assert describe.describe_site(site)["revision"] is None


def test_describe_site_is_plain_and_holds_no_secret(project: Path) -> None:
    import json

    media = project / "media"
    media.mkdir()
    (media / "a").write_text("abc")
    site = fake_site(project, FakeEngine(databases={LIVE: state()}))
    site.facts["django"]["media_root"] = str(media)
    found = describe.describe_site(site)
    text = json.dumps(found)
    assert "s3cret-Canary" not in text
    assert found["databases"]["default"]["facts"]["tables"] == 2
    assert found["databases"]["default"]["has_password"] is True
    assert found["media"]["bytes"] == 3
    assert found["project"]["interpreter"] == "venv/bin/python"
    assert len(found["revision"]["commit"]) == 40
    assert found["packages"] == {"lines": ["Django==5.2"]}


def test_what_of_media_cannot_be_moved_is_in_the_way(project: Path) -> None:
    media = project / "media"
    media.mkdir()
    site = fake_site(project, FakeEngine(databases={LIVE: state()}))
    site.facts["django"]["media_root"] = str(media)
    assert preflight.media_obstacles(describe.describe_site(site)["media"]) == []
    (media / "uploads").symlink_to("/mnt/bigdisk/uploads")
    (found,) = preflight.media_obstacles(describe.describe_site(site)["media"])
    assert (found.code, found.msg) == (
        "media_skipped",
        "1 entries of MEDIA_ROOT cannot be moved: uploads: link leads out of MEDIA_ROOT",
    )
    assert "mount --bind" in found.hint
    assert "relocate_media_skip" in found.hint
    assert preflight.media_obstacles(describe.describe_site(site, ["uploads"])["media"]) == []


@ROOT_ONLY
def test_media_that_its_owner_cannot_read_is_in_the_way(project: Path) -> None:
    media = reachable(project) / "media"
    media.mkdir(0o700)
    site = fake_site(project, FakeEngine(databases={LIVE: state()}))
    site.project.owner = nobody()
    site.facts["django"]["media_root"] = str(media)
    (found,) = preflight.media_obstacles(describe._describe_media(site, []))
    assert found.code == "right_missing"
    assert found.msg.endswith("media cannot be read: Permission denied")


# --- new


def told_of_old(**changes: Any) -> dict[str, Any]:
    database = {"engine": "fake", "backend": "b", "name": "shop", "user": "shop", "host": "", "port": None}
    base: dict[str, Any] = {
        "host": {"name": "old1", "machine_id": "0ld"},
        "project": {"path": "/srv/shop/app"},
        "owner": {"name": me().name},
        "django": {"version": "5.2"},
        "databases": {"default": dict(database, facts=as_plain(facts()))},
        "media": {"bytes": 10},
    }
    return {**base, **changes}


def new_params(directory: Path, **changes: Any) -> dict[str, Any]:
    base = {
        "path": str(directory / "app"),
        "directory": str(directory),
        "site": "shop",
        "owner": me().name,
        "allow_root": True,
        "allow_same_host": False,
        "compression": "none",
        "engines": {},
        "left_behind": [],
        "installs": False,
        "python": "python3",
        "env_files": [],
        "interpreter": None,
        "definers": {},
        "units": [],
        "services_left": [],
        "admin": Login(),
        "media": True,
        "replace": False,
    }
    return {**base, **changes}


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    made = FakeEngine(databases={LIVE: BLANK})
    monkeypatch.setattr(preflight_new, "open_engine", lambda config, context: made)
    monkeypatch.setattr(preflight_new, "python_obstacle", lambda *_args: None)
    return made


def on_new(directory: Path, old: dict[str, Any] | None = None, **changes: Any) -> list[tuple[str, str, str, str]]:
    with SecretStore(str(directory / "secrets")) as secrets:
        return told(preflight_new.obstacles_on_new(new_params(directory, **changes), old or told_of_old(), secrets))


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
    missing = ("owner_missing", "", "there is no user no-such-user", "make it")
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


def test_paths_of_old_that_new_lacks(tmp_path: Path, engine: FakeEngine) -> None:
    """Absolute names in old's project, and directories that the settings log to."""
    old = told_of_old()
    there = old["project"]["path"]
    old["django"]["log_files"] = [there + "/logs/site.log", "/nowhere/shop/site.log"]
    here = str(tmp_path / "app")
    lies = "which lies in old's project: on this host it is to be"
    names = [".env", "-" + there + "/conf/../.env", "/etc/shop.env", here + "/x.env"]
    found = on_new(tmp_path, old, path=here, env_files=names, interpreter=there + "/.venv/bin/python")
    assert [item[:1] + item[2:] for item in found] == [
        (
            "directory_missing",
            "LOGGING of the settings writes into /nowhere/shop, which is not on this host: Django would not start",
            f"make it here: install -d -m 0750 -o {old['owner']['name']} -g {old['owner']['name']} /nowhere/shop",
        ),
        (
            "bad_option",
            f"relocate_env_files names {there}/conf/../.env, {lies} {here}/.env",
            "name it relative to the project, or set relocate_env_files for each host",
        ),
        (
            "bad_option",
            f"relocate_interpreter names {there}/.venv/bin/python, {lies} {here}/.venv/bin/python",
            "name it relative to the project, or set relocate_interpreter for each host",
        ),
    ]


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
    assert (found[0], found[3]) == ("bad_option", "name a path on new that ends with /web/src")


def test_users_whom_media_belongs_to(tmp_path: Path, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """One whom a named unit runs as is made; any other one must be there."""
    rights = {"places": {}, "digest": "", "users": ["no-such-app"], "groups": ["no-such-app"], "more": 0}
    old = told_of_old(media={"bytes": 10, "rights": rights}, unit_users=["no-such-app"])
    assert on_new(tmp_path, old) == []
    assert preflight_new.users_to_make(new_params(tmp_path), old) == ["no-such-app"]
    old["unit_users"] = []
    assert [item[0] for item in on_new(tmp_path, old)] == ["media_owners", "media_owners"]
    assert on_new(tmp_path, old, media=False) == []
    assert preflight_new.users_to_make(new_params(tmp_path), old) == []
    monkeypatch.setattr(preflight.checks, "users", lambda _units: ["no-such-unit-user", me().name, "not a name"])
    assert preflight_new.users_to_make(new_params(tmp_path), old) == ["no-such-unit-user"]


def test_a_site_that_runs_already(tmp_path: Path, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """As what an earlier provisioning started; new that serves the site since a move is another matter."""
    asked: list[Any] = []
    wrong = Obstacle("site_running", "shop.service runs here", "stop it")
    monkeypatch.setattr(preflight.checks, "running", lambda *what: asked.append(what) or [wrong])
    assert on_new(tmp_path, services_left=["logs"]) == [("site_running", "", wrong.msg, wrong.hint)]
    assert asked == [(f"{tmp_path}/app", ["logs"])]
    same = told_of_old(host={"name": "old1", "machine_id": host_facts.machine_id()})
    assert [item[0] for item in on_new(tmp_path, same)] == ["same_host"], "its units are old's own"
    record_record.update_record(str(tmp_path), "shop", {"moved": {"label": "l"}})
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
    record_record.update_record(str(tmp_path), "shop", record)
    found = on_new(tmp_path, replace=replace)
    assert [(item[0], item[1]) for item in found] == ([(code, "default")] if code else [])
    assert all(text in " ".join(item) for item in found)


def test_space_on_new(tmp_path: Path, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_facts, "free_bytes", lambda _path: 1 << 20)
    found = on_new(tmp_path, told_of_old(media={"bytes": 1 << 30}))
    assert [(item[0], item[2]) for item in found] == [
        ("disk_full", f"the backup set needs 64 MB at {tmp_path}, 1 MB are free"),
        ("disk_full", f"MEDIA and the project needs 1088 MB at {tmp_path}/app, 1 MB are free"),
    ]


def test_units_where_systemd_does_not_run(tmp_path: Path, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.path.isdir
    monkeypatch.setattr(preflight.os.path, "isdir", lambda path: path != "/run/systemd/system" and real(path))
    expected = ("program_missing", "", "systemd does not run here", "leave relocate_services empty")
    assert on_new(tmp_path, units=["shop.service"]) == [expected]
