# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Databases of a real Redis that go with a site: which may be filled, and what a failure leaves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import Obstacle
from ansible_collections.relocate.django.plugins.module_utils._record.keys import Event
from ansible_collections.relocate.django.plugins.module_utils._record.record import Record
from ansible_collections.relocate.django.plugins.module_utils._redis.client import Database
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import Manifest, NeighbourEntry
from ansible_collections.relocate.django.plugins.module_utils._steps import carry
from ansible_collections.relocate.django.plugins.module_utils._steps.stores import Store
from ansible_collections.relocate.django.plugins.module_utils._users import current_user
from tests.engines import redis_server
from tests.engines.carried_world import BROKER, DIGEST, CarriedWorld, fill

pytestmark = pytest.mark.skipif(redis_server.program() is None, reason="no redis-server")


@pytest.fixture(scope="module", name="server")
def _server() -> Iterator[Database]:
    with redis_server.running() as found:
        yield found


@dataclass(kw_only=True)
class World(CarriedWorld):
    """A site whose queue is database 1 on old and 2 on new, and a directory for its set and its record."""

    server: Database
    number: int = 1  # of the host at work

    def stores(self, _project: Any = None) -> list[Store]:
        """What the settings name."""
        return [Store(redis_server.numbered(self.server, self.number), (BROKER, "X"), ("task queue",))]

    def noted(self, record: Record) -> Record:
        """A record, whose settings were filled where they are now."""
        places = {store.place: record.neighbours[BROKER] for store in self.stores() if BROKER in record.neighbours}
        return replace(record, neighbours={**record.neighbours, **places})

    def do(self, number: int, verb: str, *words: str) -> Any:
        """Run a command in a database."""
        with redis_server.client(redis_server.numbered(self.server, number)) as client:
            return client.ask(verb, *words)

    def saved(self) -> Manifest:
        """Save the queue; from then on this is new."""
        self.number = 1
        entries = carry.save_all(self.site, self.backup, [BROKER])
        self.number = 2
        return self.manifest(entries)


@pytest.fixture(name="world")
def _world(server: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    found = World(server=server, path=tmp_path)
    (tmp_path / "set").mkdir()
    monkeypatch.setattr(carry, "of_project", found.stores)
    found.do(0, "FLUSHALL")
    found.do(1, "RPUSH", "celery", "a", "b")
    found.do(1, "SET", "other", "x")
    return found


def test_what_is_carried(world: World) -> None:
    manifest, kept = world.saved(), world.record()
    [entry] = manifest.neighbours
    assert (entry.keys, entry.stored, entry.settings) == (2, "neighbours/1.redis", (BROKER, "X"))
    fill(world, manifest, kept)
    assert world.do(2, "LRANGE", "celery", 0, -1) == [b"a", b"b"] and world.do(2, "DBSIZE") == 2  # type: ignore[arg-type]
    assert world.notes == [f"unix://{world.server.path}?db=2: 2 keys were carried over from {entry.place} and compared"]
    assert kept.record == world.noted(Record(neighbours={BROKER: DIGEST}))
    # The same set again, when no database is restored: nothing to do, whatever has been consumed since.
    assert carry.plan(world.site, manifest, DIGEST, kept.record, loads=False) == ()


def test_a_failure_leaves_it_empty_and_old_as_it_was(world: World) -> None:
    manifest, kept = world.saved(), world.record()
    with pytest.raises(RelocateError, match="the swap"):
        fill(world, manifest, kept, fails=True)
    assert world.do(2, "DBSIZE") == 0 and world.do(1, "DBSIZE") == 2
    fill(world, manifest, kept)
    assert world.do(2, "DBSIZE") == 2


def test_a_file_that_was_changed(world: World) -> None:
    manifest, kept = world.saved(), world.record()
    wrong = replace(manifest, neighbours=(replace(manifest.neighbours[0], keys=3),))
    with pytest.raises(RelocateError, match="holds 2 of 3 keys") as caught:
        fill(world, wrong, kept)
    assert caught.value.code == "data_differs" and world.do(2, "DBSIZE") == 0
    path = Path(world.backup.file("neighbours/1.redis"))
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(RelocateError) as caught:
        fill(world, manifest, kept)
    assert caught.value.code == "file_differs" and world.do(2, "DBSIZE") == 0


@pytest.mark.parametrize(
    ("record", "code"),
    [
        (Record(), "neighbour_not_blank"),
        (Record(neighbours={BROKER: "an earlier set's"}), ""),
        (Record(neighbours={BROKER: DIGEST}), ""),
        (Record(neighbours={"Y": DIGEST}), "neighbour_not_blank"),
        (Record(neighbours={BROKER: DIGEST}, moved=Event("l", "r", 1)), "neighbour_not_blank"),
        (Record(neighbours={BROKER: DIGEST}, served=Event("l", "r", 1)), "neighbour_not_blank"),
        (Record(neighbours={BROKER: DIGEST}, served_with=("default",)), "neighbour_not_blank"),
    ],
)
def test_keys_on_new(world: World, record: Record, code: str) -> None:
    """Only what an earlier attempt brought, and nobody has used since, gives way."""
    manifest = world.saved()
    world.do(2, "SET", "mine", "x")
    record = world.noted(record)
    if code:
        with pytest.raises(RelocateError) as caught:
            fill(world, manifest, world.record(record))
        assert caught.value.code == code and world.do(2, "GET", "mine") == b"x"
        told = [{**vars(manifest.neighbours[0]), "settings": [BROKER]}]
        found = carry.obstacles_on_new(world.site.project, told, record)
        assert [item.code for item in found] == [code]
    else:
        fill(world, manifest, world.record(record))
        assert world.do(2, "GET", "mine") is None and world.do(2, "DBSIZE") == 2


def test_what_the_settings_of_an_earlier_attempt_named_is_not_what_they_name_now(world: World) -> None:
    manifest = world.saved()
    world.do(2, "SET", "mine", "x")
    with pytest.raises(RelocateError) as caught:
        fill(world, manifest, world.record(Record(neighbours={BROKER: DIGEST, "redis://127.0.0.1:6379/7": DIGEST})))
    assert caught.value.code == "neighbour_not_blank" and world.do(2, "GET", "mine") == b"x"


def test_old_itself_is_never_filled(world: World) -> None:
    manifest = world.saved()
    world.number = 1
    with pytest.raises(RelocateError) as caught:
        fill(world, manifest, world.record(Record(neighbours={BROKER: DIGEST})))
    assert caught.value.code == "same_host" and world.do(1, "DBSIZE") == 2


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"settings": ("Z",)}, "neighbour_missing"),
        ({"version": {"major": 99, "minor": 0, "valkey": 0}}, "neighbour_older"),
        ({"version": {"major": 7, "minor": 0, "valkey": 9}}, "neighbour_older"),
    ],
)
def test_what_new_lacks(world: World, change: dict[str, Any], code: str) -> None:
    manifest = world.saved()
    entry: NeighbourEntry = replace(manifest.neighbours[0], **change)
    with pytest.raises(RelocateError) as caught:
        fill(world, replace(manifest, neighbours=(entry,)), world.record())
    assert caught.value.code == code and world.do(2, "DBSIZE") == 0


@pytest.mark.parametrize("names", [[BROKER], ["X", BROKER], ["unix:///PATH?db=1"], ["redis+socket:///PATH?db=1"]])
def test_names(world: World, names: list[str]) -> None:
    obstacles: list[Obstacle] = []
    given = [name.replace("/PATH", world.server.path) for name in names]
    picked, told = carry.look_on_old(world.stores(), given, current_user(), obstacles)
    assert obstacles == [] and picked == world.stores() and told[0]["keys"] == 2


@pytest.mark.parametrize("name", ["Y", "unix:///PATH?db=3", "redis://u:canary@127.0.0.1/1", "redis://elsewhere/1", ""])
def test_names_of_nothing(world: World, name: str) -> None:
    obstacles: list[Obstacle] = []
    given = [name.replace("/PATH", world.server.path)]
    assert carry.look_on_old(world.stores(), given, current_user(), obstacles) == ([], [])
    assert [item.code for item in obstacles] == ["bad_option"] and world.server.path in obstacles[0].hint
    assert "canary" not in obstacles[0].msg


@pytest.mark.parametrize("told", [[{}], [3], [{"settings": "x"}]])
def test_what_old_says_is_data(world: World, told: list[Any]) -> None:
    with pytest.raises(RelocateError) as caught:
        carry.obstacles_on_new(world.site.project, told, Record())
    assert caught.value.code == "answer_refused"
