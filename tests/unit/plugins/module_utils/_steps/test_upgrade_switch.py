# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A site is switched to another revision and back: code, environment and databases, killed at every moment."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.base import DISCARDED, INCOMING, LIVE, PREVIOUS
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host.openat import Place
from ansible_collections.relocate.django.plugins.module_utils._model import as_plain
from ansible_collections.relocate.django.plugins.module_utils._project import environments
from ansible_collections.relocate.django.plugins.module_utils._project.git import Git
from ansible_collections.relocate.django.plugins.module_utils._record.keys import Event, Migrated
from ansible_collections.relocate.django.plugins.module_utils._record.record import (
    Record,
    RecordFile,
    read_record,
    update_record,
)
from ansible_collections.relocate.django.plugins.module_utils._steps import upgrade, upgrade_switch
from tests.unit.fakes import FakeEngine, fake_site, me, project_params, state
from tests.unit.plugins.module_utils._project.test_environments import make, word_of
from tests.unit.plugins.module_utils._project.test_other_code import commit, git, seen

pytestmark = pytest.mark.slow

OLD = Record(restored={"default": "d0"}, moved=Event("l0", "r0", 1), sequence=3)


class Killed(BaseException):
    """The process is gone: nothing that it does from then on has an effect."""


class World:
    """A site of two databases in a checkout with its environment, and an upgrade of it."""

    def __init__(self, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.top, self.work = base / "shop", base / "work"
        self.top.mkdir()
        git(self.top, "init", "-q", "-b", "main")
        self.before = commit(self.top, {".gitignore": ".venv*\n.env\n", "manage.py": "1", "gone.py": "1"})
        git(self.top, "checkout", "-q", "--detach")
        self.after = commit(self.top, {"manage.py": "2", "gone.py": None, "new.py": "2"})
        git(self.top, "checkout", "-q", "main")
        (self.top / ".env").write_text("KEY=1")
        self.venv = make(self.top / ".venv", "first")
        make(self.top / environments.built_name(str(self.venv), self.after), "second")
        self.engines = {name: FakeEngine(name, {LIVE: state(3)}) for name in ("default", "other")}
        update_record(str(self.work), "shop", lambda _none: OLD)
        places = upgrade.Places(
            SimpleNamespace(path=str(self.top), owner=me()),  # type: ignore[arg-type]
            str(self.top),
            "",
            str(base / ".shop.relocate-upgrade"),
            str(self.venv),
        )
        monkeypatch.setattr(upgrade.Places, "of", classmethod(lambda _cls, _options: places))
        monkeypatch.setattr(upgrade_switch, "open_site", self._opened)
        held = {name: SimpleNamespace(state=state(3)) for name in self.engines}
        source = SimpleNamespace(find=lambda *_args: SimpleNamespace(manifest=SimpleNamespace(databases=held)))
        monkeypatch.setattr(upgrade_switch, "Source", source)
        self.was = self.now()

    @contextlib.contextmanager
    def _opened(self, _options: Any) -> Iterator[Any]:
        yield fake_site(self.top, *self.engines.values())

    def options(self, step: str, **changes: Any) -> Any:
        unset = dict.fromkeys(
            ("login_user", "login_password", "login_host", "login_port", "login_unix_socket", "remote")
        )
        params: dict[str, Any] = {**unset, **project_params(self.top), "directory": str(self.work), "site": "shop"}
        params.update(state=step, label="L1", revision=self.after, python="python3", python_from="system")
        params.update(aliases=[], requirements=[], command=[], pip_extra=[], pip_ignored=[], rows_lost=[])
        return upgrade.Options.of({**params, "refuse_written": False, **changes})

    def record(self) -> Record:
        return read_record(str(self.work), "shop")

    def now(self) -> dict[str, Any]:
        """Tell all that an upgrade changes."""
        databases = {name: dict(engine.databases) for name, engine in self.engines.items()}
        names = sorted(path.name for path in self.top.glob(".venv*"))
        return {
            **seen(self.top),
            "word": word_of(self.venv),
            "venvs": names,
            "databases": databases,
            "R": self.record(),
        }

    def swapped(self) -> None:
        """What the restore does: copies come in the place of both databases."""
        for engine in self.engines.values():
            engine.databases[INCOMING] = state(3)
            engine.swap()

    def migrated(self) -> None:
        """What the migrations do."""
        for engine in self.engines.values():
            engine.databases[LIVE] = state(4)
        states = {name: as_plain(state(4)) for name in self.engines}
        kept = RecordFile.read(str(self.work), "shop")
        kept.write(replace(kept.record, migrated=Migrated("applied", states), moved=None))

    def upgrade(self, until: str = "done") -> None:
        """Take the steps of an upgrade, as far as the one that is named."""
        steps = {
            "begun": lambda: upgrade_switch.begun(self.options("begun")),
            "swapped": self.swapped,
            "switched": lambda: upgrade_switch.switched(self.options("switched")),
            "migrated": self.migrated,
            "checked": lambda: upgrade_switch.checked(self.options("checked")),
            "done": lambda: upgrade_switch.done(self.options("done")),
        }
        for name, step in steps.items():
            step()
            if name == until:
                return

    def back(self, step: str = "back") -> dict[str, Any]:
        return upgrade_switch.back(self.options(step))


@pytest.fixture(name="world")
def _world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path, monkeypatch)


#: What has an effect: the process may die before each of these calls, or after it.
EFFECTS: list[tuple[Any, str]] = [
    (RecordFile, "write"),
    (FakeEngine, "swap"),
    (FakeEngine, "drop"),
    (Git, "out"),
    (Place, "replace"),
    (Place, "symlink"),
    (Place, "unlink"),
]


@contextlib.contextmanager
def killed_at(moment: int, patch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Let this process die at an effect: at an even moment before it, at an odd one after."""
    count = [0]

    def dying(real: Any) -> Any:
        def call(*args: Any, **more: Any) -> Any:
            count[0] += 2
            if count[0] > moment + 1:  # before it, or dead since
                raise Killed
            result = real(*args, **more)
            if count[0] == moment + 1:
                count[0] += 2
                raise Killed
            return result

        return call

    with patch.context() as patched:
        for owner, name in EFFECTS:
            patched.setattr(owner, name, dying(getattr(owner, name)))
        yield count


def without_built(found: dict[str, Any]) -> dict[str, Any]:
    """Give all but the names of environments: one that nothing needs is removed on the way back."""
    return {name: value for name, value in found.items() if name != "venvs"}


def test_there_and_back(world: World) -> None:
    world.upgrade()
    assert seen(world.top)["HEAD"] == world.after and word_of(world.venv) == "second"
    assert {name: set(engine.databases) for name, engine in world.engines.items()} == {
        key: {LIVE, PREVIOUS} for key in world.engines
    }
    assert world.record().upgrade is not None and world.record().upgrade.state == "done"
    assert world.back()["put_back"] is False and word_of(world.venv) == "second", (
        "it ended: only a rollback takes it back"
    )
    assert world.back("rolled_back")["put_back"] is True
    assert without_built(world.now()) == without_built(world.was) and world.now()["venvs"] == [".venv"]
    assert world.back("rolled_back")["put_back"] is False


@pytest.mark.parametrize("until", ["begun", "swapped", "switched", "migrated", "checked"])
def test_a_failure_after_each_step(world: World, until: str) -> None:
    world.upgrade(until)
    assert world.back()["put_back"] is True
    assert without_built(world.now()) == without_built(world.was) and world.now()["venvs"] == [".venv"]


#: One moment in so many is a case: each wants a repository of its own.
STRIDE = 10


@pytest.mark.drawn(STRIDE)
@pytest.mark.parametrize("start", range(STRIDE))
def test_a_kill_at_every_moment(tmp_path: Path, start: int) -> None:
    """Of the upgrade; and the same command again ends well."""
    for moment in itertools.count(start, STRIDE):
        (tmp_path / str(moment)).mkdir()
        with pytest.MonkeyPatch.context() as patch:
            world = World(tmp_path / str(moment), patch)
            try:
                with killed_at(moment, patch):
                    world.upgrade("checked")
            except Killed:
                world.back()
                assert without_built(world.now()) == without_built(world.was), moment
                if moment % (4 * STRIDE) == start:
                    make(world.top / environments.built_name(str(world.venv), world.after), "second")
                    world.upgrade()
                    assert word_of(world.venv) == "second"
            else:
                break
    assert moment > 20


@pytest.mark.drawn(STRIDE)
@pytest.mark.parametrize("start", range(STRIDE))
def test_a_kill_at_every_moment_of_the_way_back(tmp_path: Path, start: int) -> None:
    for moment in itertools.count(start, STRIDE):
        (tmp_path / str(moment)).mkdir()
        with pytest.MonkeyPatch.context() as patch:
            world = World(tmp_path / str(moment), patch)
            world.upgrade()
            try:
                with killed_at(moment, patch):
                    world.back("rolled_back")
            except Killed:
                pass
            else:
                break
            again = world.back("rolled_back" if moment % 2 else "back")  # by a rollback, or by an upgrade
            done = world.record().upgrade is not None
            assert done is (moment == 0 and not again["put_back"]), moment
            if not done:
                assert without_built(world.now()) == without_built(world.was), moment
                assert [set(engine.databases) for engine in world.engines.values()] == [{LIVE}, {LIVE}]
    assert moment > 15


def test_what_is_live_is_kept_also_where_it_came_out_of_a_set(world: World) -> None:
    """A restore would drop what came out of a set and has not served: there would be no way back."""
    update_record(str(world.work), "shop", lambda record: replace(record, moved=None))
    world.upgrade("begun")
    assert world.record().restored == {} and world.record().upgrade is not None
    world.back()
    assert world.record().restored == {"default": "d0"}


def test_the_next_upgrade_drops_what_the_last_one_kept(world: World) -> None:
    world.upgrade()
    world.upgrade("begun")
    assert [set(engine.databases) for engine in world.engines.values()] == [{LIVE}, {LIVE}]


def test_a_previous_database_of_somebody_else_is_not_dropped(world: World) -> None:
    world.engines["other"].databases[PREVIOUS] = state(9)
    with pytest.raises(RelocateError) as caught:
        world.upgrade("begun")
    assert caught.value.code == "previous_exists" and PREVIOUS in world.engines["other"].databases


def test_rows_that_migrations_took_away(world: World) -> None:
    world.upgrade("migrated")
    for engine in world.engines.values():
        engine.databases[LIVE] = state(1)
    states = {name: as_plain(state(1)) for name in world.engines}
    update_record(str(world.work), "shop", lambda record: replace(record, migrated=Migrated("applied", states)))
    with pytest.raises(RelocateError) as caught:
        upgrade_switch.checked(world.options("checked"))
    assert caught.value.code == "rows_lost"
    found = upgrade_switch.checked(world.options("checked", rows_lost=["b"]))
    assert found["rows_lost"] == {"default": {"public.b": 2}, "other": {"public.b": 2}}


def test_what_was_written_since_is_told(world: World) -> None:
    assert upgrade_switch.asked(world.options("asked")) == {"changed": False, "upgraded": False, "taken_in": []}
    world.upgrade()
    assert upgrade_switch.asked(world.options("asked"))["taken_in"] == []
    world.engines["other"].databases[LIVE] = state(5)
    assert upgrade_switch.asked(world.options("asked"))["taken_in"] == ["other"]
    with pytest.raises(RelocateError) as caught:
        upgrade_switch.asked(world.options("asked", refuse_written=True))
    assert caught.value.code == "rows_written"
    world.engines["default"].drop(PREVIOUS)
    with pytest.raises(RelocateError) as caught:
        upgrade_switch.asked(world.options("asked"))
    assert caught.value.code == "no_previous"


def test_code_that_is_another_one_since(world: World) -> None:
    world.upgrade()
    (world.top / "manage.py").write_text("3")
    with pytest.raises(RelocateError) as caught:
        upgrade_switch.asked(world.options("asked"))
    assert caught.value.code == "dirty_tree"
    commit(world.top, {"manage.py": "3"})
    with pytest.raises(RelocateError) as caught:
        upgrade_switch.asked(world.options("asked"))
    assert caught.value.code == "no_upgrade"


def test_a_database_that_could_not_be_dropped_is_told(world: World) -> None:
    world.upgrade()
    world.engines["other"].fails = {"drop": sum(call[0] == "drop" for call in world.engines["other"].calls) + 3}
    notes = world.back("rolled_back")["notes"]
    assert len(notes) == 1 and DISCARDED in notes[0]
