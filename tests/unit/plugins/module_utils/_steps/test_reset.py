# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a reset refuses, what it takes away, and what is left when it fails."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.base import DISCARDED, INCOMING, LIVE, PREVIOUS
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import Obstacle, TableCount
from ansible_collections.relocate.django.plugins.module_utils._record.keys import Event, Proof
from ansible_collections.relocate.django.plugins.module_utils._record.record import read_record, update_record
from ansible_collections.relocate.django.plugins.module_utils._steps import reset
from tests.unit.fakes import FakeEngine, fake_site, refused, state

MADE = state(tables=(TableCount("django_migrations", 9, "1"), TableCount('"public"."auth_permission"', 4, "1")))


class World:
    """A site with one database, whose Django is played."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path, self.units, self.manage, self.rc = path, [], [], 0  # type: Any, list[Obstacle], list[Any], int
        self.engine: Any = FakeEngine(databases={LIVE: state()})
        self.site = fake_site(path, self.engine)
        self.busy = 0
        self.engine.sessions = lambda terminate=False: self.busy
        monkeypatch.setattr(reset.checks, "running", lambda _path: self.units)
        monkeypatch.setattr(reset.probe, "run_manage", self._run)
        monkeypatch.setattr(reset.probe, "secrets_of", lambda _project: ["s3cret"])
        monkeypatch.setattr(reset.load, "make_fresh", self._fresh)

    def _run(self, _project: Any, args: list[str]) -> Any:
        self.manage.append(args)
        self.engine.databases[LIVE] = MADE
        return SimpleNamespace(rc=self.rc, err="Traceback\n  x\nOperationalError: s3cret is locked\n")

    def _fresh(self, _site: Any, engine: Any) -> dict[str, Any]:
        engine._call("load")
        engine.databases[INCOMING] = MADE
        return {"migrations": ["shop.0001"], "handlers_failed": ["shop.make: KeyError"]}

    def work(self, check: bool = False, **changes: Any) -> reset.Outcome:
        words = {"directory": str(self.path), "site": "shop", "alias": "default", "state": "reset", "src": []}
        words.update({"format": None, "confirm": "shop", "accept": ["unsaved"]}, **changes)
        return reset.work(self.site, reset.Options.of(words), check)

    def note(self, **changes: Any) -> None:
        update_record(str(self.path), "shop", lambda latest: replace(latest, **changes))


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch)


def options(**changes: Any) -> reset.Options:
    words = {"directory": "/d", "site": "shop", "alias": "default", "state": "flushed", "src": [], "format": None}
    return reset.Options.of({**words, "confirm": "shop", "accept": [], **changes})


def test_it_is_said_twice() -> None:
    with refused("bad_option", "this takes the data out of database default.*set confirm to the site's name"):
        reset.check_options(options(confirm="shpo"))
    with refused("bad_option", "src is for state: reset only"):
        reset.check_options(options(src=["/x.json"]))
    with refused("file_missing", "there is no fixture /nowhere.json"):
        reset.check_options(options(state="reset", src=["/nowhere.json"]))
    reset.check_options(options())


def test_the_new_one_takes_the_place_of_live(world: World) -> None:
    world.note(restored={"default": "digest"})
    done = world.work()
    assert done.changed and done.rows == {"public.a": 1, "public.b": 3}
    assert done.told == {"migrated": ["shop.0001"], "objects": {}} and done.failures == ()
    assert world.engine.databases == {LIVE: MADE}
    record = read_record(str(world.path), "shop")
    assert record.restored == {} and record.migrated is not None and list(record.migrated.states) == ["default"]
    assert world.site.notes == ["post_migrate handlers failed: shop.make: KeyError"]
    assert done.diff("default")["before"] == "default: public.a: 1 rows\ndefault: public.b: 3 rows\n"


def test_what_a_restore_put_aside_stays(world: World) -> None:
    world.engine.databases[PREVIOUS] = state(rows=8)
    world.work()
    assert world.engine.databases == {LIVE: MADE, PREVIOUS: state(rows=8)}


@pytest.mark.parametrize("fails", ["load", "swap"])
def test_a_failure_leaves_live_as_it_was(world: World, fails: str) -> None:
    world.engine.fails = {fails: 1}
    with pytest.raises(RelocateError):
        world.work()
    assert world.engine.databases.get(LIVE) == state() and INCOMING not in world.engine.databases
    assert DISCARDED not in world.engine.databases


def test_a_check_changes_nothing(world: World) -> None:
    for kind in ("reset", "flushed"):
        done = world.work(check=True, state=kind)
        assert done.changed and done.rows == {"public.a": 1, "public.b": 3}
    assert world.engine.databases == {LIVE: state()} and world.manage == []
    assert read_record(str(world.path), "shop").migrated is None


def test_flush(world: World) -> None:
    assert world.work(state="flushed").changed
    assert world.manage == [["flush", "--noinput", "--no-color", "--database", "default"]]
    assert not world.work(state="flushed").changed and len(world.manage) == 1  # what migrate makes does not count
    world.engine.databases[LIVE] = state()
    world.rc = 1
    with refused("reset_failed", r"flush failed on default \(exit 1\): .*OperationalError: \S* is locked") as error:
        world.work(state="flushed")
    assert "s3cret" not in str(error.value)


@pytest.mark.parametrize("kind", ["reset", "flushed"])
def test_what_serves_is_refused(world: World, kind: str) -> None:
    """By a unit, a session, or our own word; each may be accepted, and what is refused is as it was."""
    world.busy = 2
    with refused("sessions_remain", r"2 others are connected.*accept: \[serving\]"):
        world.work(state=kind)
    world.note(moved=Event("label", "run", 1.0))
    with refused("site_running", r"a move or a restore has started on this host.*accept: \[serving\]"):
        world.work(state=kind)
    world.note(retired=Event("label", "run", 1.0))
    world.units = [Obstacle("site_running", "gunicorn.service runs here", "")]
    with refused("site_running", r"gunicorn.service runs here.*accept: \[serving\]"):
        world.work(state=kind, check=True)
    assert world.engine.databases == {LIVE: state()}
    assert world.work(state=kind, accept=["serving", "unsaved"]).changed


def test_what_nobody_saved_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A set counts when it was proven, is the same still, and holds the very rows."""
    text = r"no set that a restore found equal holds .*: public.a \(1\), public.b \(3\).*accept: \[unsaved\]"
    with refused("data_unsaved", text) as error:
        world.work(accept=[])
    assert error.value.details == {"rows": {"public.a": 1, "public.b": 3}}
    held = {"digest": "d", "state": state()}

    def find(_directory: str, _site: str, label: str) -> Any:
        assert label == "one"
        manifest = SimpleNamespace(databases={"default": SimpleNamespace(state=held["state"])})
        return SimpleNamespace(digest=lambda: held["digest"], read=lambda: manifest)

    monkeypatch.setattr(reset.BackupSet, "find", find)
    with refused("data_unsaved", text):
        world.work(accept=["serving"])  # the set was never proven
    world.note(found_equal={"one": Proof("d", 1.0)})
    for name, value in (("digest", "other"), ("state", state(rows=4))):
        before, held[name] = held[name], value
        with refused("data_unsaved", text):
            world.work(accept=[])
        held[name] = before
    assert world.work(accept=[], check=True).changed
    held["digest"] = "other"
    world.engine.databases[LIVE] = MADE
    assert world.work(accept=[]).changed  # nothing to lose
