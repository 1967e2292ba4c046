# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Virtual hosts of RabbitMQ that go with a site; a real server is asked in tests/engines/test_rabbitmq_carry.py."""

from __future__ import annotations

import copy
import io
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import facts
from ansible_collections.relocate.django.plugins.module_utils._model import Obstacle
from ansible_collections.relocate.django.plugins.module_utils._rabbitmq import ctl
from ansible_collections.relocate.django.plugins.module_utils._record.record import Record, RecordFile
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import Manifest
from ansible_collections.relocate.django.plugins.module_utils._site import Site
from ansible_collections.relocate.django.plugins.module_utils._steps import carried_rabbitmq, carry, stores
from ansible_collections.relocate.django.plugins.module_utils._steps.stores import VirtualHost
from ansible_collections.relocate.django.plugins.module_utils._stopwatch import Stopwatch
from tests.unit.fakes import me, refused

BROKER = "CELERY_BROKER_URL"
DIGEST = "d" * 64
OLD = VirtualHost("shop", "127.0.0.1", 5672, "shop", "canary", (BROKER,), ("task queue",))
KINDS = (
    "users",
    "vhosts",
    "permissions",
    "topic_permissions",
    "parameters",
    "policies",
    "exchanges",
    "queues",
    "bindings",
)
ALL = {"configure": ".*", "write": ".*", "read": ".*"}
QUEUE = {"vhost": "shop", "name": "celery", "durable": True, "auto_delete": False, "arguments": {}}


@dataclass
class Broker:
    """Does what rabbitmqctl does, with definitions that are kept here."""

    version: str = "3.10.8"
    held: dict[str, list[Any]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    passwords: dict[str, str] = field(default_factory=dict)
    waiting: list[tuple[str, int]] = field(default_factory=list)
    loses: str = ""  # a kind that it does not import
    refuses: bool = False

    def exported(self) -> dict[str, Any]:
        return copy.deepcopy({"rabbitmq_version": self.version, **self.held})

    def load(self, plain: dict[str, list[Any]]) -> None:
        for kind, entries in plain.items():
            if kind != self.loses:
                names = ("name", "vhost", "user", "source", "destination")
                keys = [[entry.get(name) for name in names] for entry in entries]
                self.held[kind] = [e for e in self.held[kind] if [e.get(name) for name in names] not in keys]
                self.held[kind] += copy.deepcopy(entries)
        if self.refuses:
            raise ctl.failed("import the definitions")

    def delete_vhost(self, name: str) -> None:
        for kind, entries in self.held.items():
            key = "name" if kind == "vhosts" else "vhost"
            self.held[kind] = [entry for entry in entries if kind == "users" or entry[key] != name]

    def delete_user(self, name: str) -> None:
        for kind in ("users", "permissions"):
            key = "name" if kind == "users" else "user"
            self.held[kind] = [entry for entry in self.held[kind] if entry[key] != name]

    def logs_in(self, name: str, password: str) -> bool:
        return self.passwords.get(name) == password


@dataclass
class World:
    """A site with a virtual host on each of two hosts, of which one is at work."""

    path: Path
    old: Broker
    new: Broker
    machine: str = "old"
    store: VirtualHost = OLD
    notes: list[str] = field(default_factory=list)

    @property
    def site(self) -> Site:
        project = SimpleNamespace(owner=me())
        return cast(Site, SimpleNamespace(project=project, stopwatch=Stopwatch(), notes=self.notes))

    @property
    def broker(self) -> Broker:
        return self.old if self.machine == "old" else self.new

    def saved(self) -> Manifest:
        """Back up, and go to new."""
        entries = carry.save_all(self.site, BackupSet(str(self.path / "set")), [BROKER])
        self.machine = "new"
        blank: dict[str, Any] = {name: {} for name in ("host", "code", "django", "owner")}
        return Manifest("label", "shop", "", neighbours=entries, **blank)

    def fill(self, manifest: Manifest, record: Record = Record(), fails: bool = False) -> RecordFile:  # noqa: B008
        """Restore."""
        kept = RecordFile(str(self.path / "work"), "shop", record)
        loads = carry.plan(self.site, manifest, DIGEST, kept.record, loads=True)
        with carry.filled(self.site, loads, BackupSet(str(self.path / "set")), DIGEST, kept):
            if fails:
                raise RelocateError("swap_failed", "the swap", "")
        return kept


@pytest.fixture(name="world")
def _world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    (tmp_path / "set").mkdir()
    old = Broker(passwords={"shop": "canary"})
    old.held["vhosts"] = [{"name": "shop"}, {"name": "/"}]
    old.held["users"] = [{"name": "shop", "password_hash": "aGFzaA==", "tags": ["administrator"]}]
    old.held["permissions"] = [{"user": "shop", "vhost": "shop", **ALL}, {"user": "guest", "vhost": "/", **ALL}]
    old.held["queues"] = [QUEUE, {**QUEUE, "vhost": "/", "name": "theirs"}]
    old.held["parameters"] = [{"vhost": "shop", "component": "shovel", "name": "away", "value": {"uri": "canary"}}]
    world = World(tmp_path, old, Broker(passwords={"shop": "canary", "guest": "guest"}))
    for name in ("exported", "load", "delete_vhost", "delete_user", "logs_in"):
        monkeypatch.setattr(ctl, name, lambda *given, name=name: getattr(world.broker, name)(*given))
    monkeypatch.setattr(stores.rabbitmq, "waiting", lambda _vhost: world.broker.waiting)
    monkeypatch.setattr(facts, "machine_id", lambda: world.machine)
    monkeypatch.setattr(carry, "of_project", lambda _project: [world.store])
    return world


def test_what_goes_along_and_what_is_said(world: World) -> None:
    world.old.waiting = [("celery", 2)]
    manifest = world.saved()
    [entry] = manifest.neighbours
    assert (entry.kind, entry.keys, entry.server, entry.user) == ("rabbitmq", 4, "old/shop", "shop")
    path = world.path / "set" / "neighbours" / "1.rabbitmq"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [word for word in ("canary", "theirs", "administrator") if word in path.read_text()] == []
    waits = "2 messages wait in queue celery of rabbitmq, virtual host shop (CELERY_BROKER_URL): they stay behind;"
    assert world.notes == [
        "amqp://127.0.0.1:5672/shop: rights to administer of user shop stay behind: administrator",
        "amqp://127.0.0.1:5672/shop: parameters stay behind: shovel away",
        waits + " relocate_queues_empty_within lets the workers empty them first",
    ]
    kept = world.fill(manifest)
    assert kept.record.neighbours == {BROKER: DIGEST, OLD.place: DIGEST}
    assert [item["name"] for item in world.new.held["queues"]] == ["celery"]
    assert [item["tags"] for item in world.new.held["users"]] == [[]]
    assert "4 definitions were carried over" in world.notes[-1] and "canary" not in str(world.notes)


def blank() -> dict[str, list[Any]]:
    """A virtual host that somebody else may use."""
    found: dict[str, list[Any]] = {kind: [] for kind in KINDS}
    found["vhosts"] = [{"name": "shop", "metadata": {"description": "", "tags": []}}]
    found["permissions"] = [{"user": "guest", "vhost": "shop", **ALL}]
    return found


def loses(world: World) -> None:
    world.new.loses = "queues"


def refuses(world: World) -> None:
    world.new.refuses = True


def other_password(world: World) -> None:
    world.new.passwords["shop"] = "canary of old"


def nothing(_world: World) -> None:
    pass


@pytest.mark.parametrize("there", [{kind: [] for kind in KINDS}, blank()])
@pytest.mark.parametrize(
    ("harm", "code", "said"),
    [
        (loses, "data_differs", "queue celery is missing or differs"),
        (refuses, "neighbour_failed", "could not import"),
        (other_password, "data_differs", "do not log in"),
        (nothing, "swap_failed", "the swap"),
    ],
)
def test_a_failure_leaves_new_as_it_was(
    world: World, there: dict[str, list[Any]], harm: Callable[[World], None], code: str, said: str
) -> None:
    manifest = world.saved()
    world.new.held = copy.deepcopy(there)
    harm(world)
    with refused(code, said):
        world.fill(manifest, fails=harm is nothing)
    assert world.new.held == there
    world.new.loses, world.new.refuses, world.new.passwords = "", False, {"shop": "canary"}
    world.fill(manifest)
    assert [item["name"] for item in world.new.held["queues"]] == ["celery"]


def with_a_queue(world: World) -> None:
    world.new.held["vhosts"] = [{"name": "shop"}]
    world.new.held["queues"] = [{**QUEUE, "name": "mine"}]


def with_a_shovel(world: World) -> None:
    world.new.held["parameters"] = world.old.held["parameters"]


def with_another_user(world: World) -> None:
    world.new.held["users"] = [{"name": "shop", "password_hash": "aA==", "tags": []}]
    other_password(world)


def older(world: World) -> None:
    world.old.version, world.new.version = "4.0.5", "3.13.7"


def same(world: World) -> None:
    world.machine = "old"


def nobody(world: World) -> None:
    world.store = replace(OLD, user="else")


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        (with_a_queue, "neighbour_not_blank", "holds queue mine that did not come from old"),
        (with_a_shovel, "neighbour_not_blank", "holds shovel away that did not"),
        (with_another_user, "neighbour_not_blank", "a user shop with another password"),
        (older, "neighbour_older", "is rabbitmq 3.13, and old has rabbitmq 4.0"),
        (same, "same_host", "is the virtual host of rabbitmq that old uses"),
        (nobody, "neighbour_missing", "as else, who is not there"),
    ],
)
def test_what_would_be_in_the_way(world: World, change: Callable[[World], None], code: str, said: str) -> None:
    """It is known while old serves."""
    if change is older:
        older(world)
    obstacles: list[Obstacle] = []
    _picked, told = carry.look_on_old([OLD], [BROKER], me(), obstacles)
    assert obstacles == [] and "canary" not in str(told)
    manifest = world.saved()
    change(world)
    before = copy.deepcopy(world.broker.held)
    project = cast(Any, SimpleNamespace(owner=me()))
    [found] = carry.obstacles_on_new(project, told, Record())
    assert found.code == code and said in found.msg and "canary" not in found.msg
    with refused(code, said):
        world.fill(manifest)
    assert world.broker.held == before


def test_what_an_earlier_attempt_brought_gives_way(world: World) -> None:
    manifest = world.saved()
    with_a_queue(world)
    world.new.held["permissions"] = blank()["permissions"]
    before = copy.deepcopy(world.new.held)
    with refused("neighbour_not_blank", "queue mine"):  # in another virtual host, which the settings named then
        world.fill(manifest, Record(neighbours={BROKER: "x", OLD.place + "2": "x"}))
    assert world.new.held == before
    world.fill(manifest, Record(neighbours={BROKER: "an earlier set's", OLD.place: "x"}))
    assert [item["name"] for item in world.new.held["queues"]] == ["celery"]
    assert sorted(item["user"] for item in world.new.held["permissions"]) == ["guest", "shop"]


def test_a_user_who_is_there_stays_as_he_is(world: World) -> None:
    manifest = world.saved()
    user = {"name": "shop", "password_hash": "bmV3", "tags": ["monitoring"]}
    world.new.held["users"] = [user]
    with refused("swap_failed", "the swap"):
        world.fill(manifest, fails=True)
    assert world.new.held["users"] == [user] and world.new.held["vhosts"] == []
    world.fill(manifest)
    assert world.new.held["users"] == [user] and len(world.new.held["permissions"]) == 1


@pytest.mark.parametrize(
    ("store", "said"),
    [
        (replace(OLD, name="gone"), "is no virtual host of the RabbitMQ on this host"),
        (replace(OLD, password="wrong"), "do not log in to"),
    ],
)
def test_what_cannot_be_carried(world: World, store: VirtualHost, said: str) -> None:
    obstacles: list[Obstacle] = []
    assert carry.look_on_old([store], [BROKER], me(), obstacles)[1] == []
    assert [item.code for item in obstacles] == ["neighbour_failed"] and said in obstacles[0].msg


def test_definitions_of_a_kind_that_is_not_known(world: World) -> None:
    world.old.held["queues"].append({**QUEUE, "name": "new", "type": "x-later"})
    with refused("neighbour_failed", "hold what is not carried"):
        carried_rabbitmq.RabbitMQ().save(OLD, me(), io.BytesIO(), [])


@pytest.mark.parametrize("data", ["", "{}", '{"users": [{"tags": ["administrator"]}]}', "x" * 100])
def test_a_file_that_was_edited(world: World, data: str) -> None:
    manifest = world.saved()
    (world.path / "set" / "neighbours" / "1.rabbitmq").write_text(data)
    with refused("file_differs", "does not hold the definitions"):
        world.fill(manifest)
    assert world.new.held == {kind: [] for kind in KINDS}


@pytest.mark.parametrize(
    ("name", "is_it"),
    [
        (BROKER, True),
        ("amqp://127.0.0.1:5672/shop", True),
        ("amqp://shop:canary@localhost/shop", True),
        ("amqp://localhost:5673/shop", False),
        ("amqp://localhost/", False),
        ("redis://localhost/0", False),
        ("shop", False),
    ],
)
def test_names(name: str, is_it: bool) -> None:
    assert carry.is_named(OLD, name) is is_it
