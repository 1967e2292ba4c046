# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Virtual hosts of a real RabbitMQ that go with a site: what of them, and what a failure leaves.

One node is old and new: the site has the virtual host shop on old, and another one, or another user, on new.
"""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import Obstacle
from ansible_collections.relocate.django.plugins.module_utils._rabbitmq import ctl
from ansible_collections.relocate.django.plugins.module_utils._record.keys import Event
from ansible_collections.relocate.django.plugins.module_utils._record.record import Record
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import Manifest
from ansible_collections.relocate.django.plugins.module_utils._steps import carried_rabbitmq, carry
from ansible_collections.relocate.django.plugins.module_utils._steps.stores import VirtualHost
from ansible_collections.relocate.django.plugins.module_utils._users import current_user
from tests.engines import rabbitmq_server
from tests.engines.carried_world import BROKER, DIGEST, CarriedWorld, fill

pytestmark = pytest.mark.skipif(rabbitmq_server.program() is None, reason="no rabbitmq-server")
PLACE = "amqp://127.0.0.1:5672/new"
PASSWORD = "canary x7é"
OLD = VirtualHost("shop", "127.0.0.1", 5672, "shop", PASSWORD, (BROKER, "X"), ("task queue",))
NEW = replace(OLD, name="new")
PLAIN = {"durable": True, "auto_delete": False, "arguments": {}}
#: What programs declare; users and rights are made by rabbitmqctl.
DECLARED = {
    "exchanges": [
        {"name": "mail", "type": "topic", **PLAIN},
        {"name": "events", "type": "topic", **PLAIN, "durable": False, "auto_delete": True},
    ],
    "queues": [
        {"name": "celery", **PLAIN},
        {"name": "later", **PLAIN, "arguments": {"x-queue-type": "quorum", "x-delivery-limit": 3}},
        {"name": "dead `id`", **PLAIN, "arguments": {"x-max-priority": 9, "x-dead-letter-exchange": "mail"}},
        {"name": "reply", **PLAIN, "durable": False, "auto_delete": True, "arguments": {"x-expires": 60000}},
    ],
    "bindings": [
        {"source": "mail", "destination": "celery", "destination_type": "queue", "routing_key": "#", "arguments": {}},
        {"source": "amq.fanout", "destination": "later", "destination_type": "queue", "routing_key": "",
         "arguments": {}},
        {"source": "events", "destination": "reply", "destination_type": "queue", "routing_key": "x", "arguments": {}},
    ],
}  # fmt: skip


def hashed(password: str) -> str:
    """A password as the server keeps it."""
    return base64.b64encode(b"salt" + hashlib.sha256(b"salt" + password.encode()).digest()).decode()


POLICY = {"pattern": "^x", "apply-to": "queues", "definition": {"max-length": 10}, "priority": 3}
OWN = {
    "users": [
        {"name": "shop", "password_hash": hashed(PASSWORD), "tags": ["administrator"]},
        {"name": "boss", "password_hash": hashed("canary boss"), "tags": []},
    ],
    "permissions": [
        {"user": user, "vhost": "shop", "configure": ".*", "write": "a|b", "read": ".*"} for user in ("shop", "boss")
    ],
    "topic_permissions": [{"user": "shop", "vhost": "shop", "exchange": "mail", "write": "^x", "read": ".*"}],
    "policies": [{"vhost": "shop", "name": "ttl", **POLICY}],
    "parameters": [
        {"vhost": "shop", "component": "vhost-limits", "name": "limits", "value": {"max-queues": 200}},
        {"vhost": "shop", "component": "operator_policy", "name": "most", "value": POLICY},
    ],
}  # fmt: skip


@pytest.fixture(scope="module", name="program")
def _program() -> Iterator[str]:
    with rabbitmq_server.running() as found:
        yield found


@dataclass(kw_only=True)
class World(CarriedWorld):
    """A site whose queue is in a virtual host, and a directory for its set and its record."""

    program: str
    old: VirtualHost = OLD
    new: VirtualHost = NEW
    is_new: bool = False

    def stores(self, _project: Any = None) -> list[VirtualHost]:
        """What the settings name."""
        return [self.new if self.is_new else self.old]

    def do(self, *words: str, given: str = "", fails: bool = False) -> str:
        """Run rabbitmqctl."""
        done = subprocess.run(
            [self.program, "--quiet", *words], input=given, capture_output=True, text=True, check=False
        )
        assert fails or done.returncode == 0, done.stderr
        return done.stdout

    def declare(self, vhost: str, more: Mapping[str, list[Any]] = MappingProxyType({})) -> None:
        """Make a virtual host as its programs and its administrator do."""
        entries = {kind: [{**item, "vhost": vhost} for item in items] for kind, items in DECLARED.items()}
        blank = {"vhosts": [{"name": vhost, "metadata": {"description": "the shop", "tags": []}}]}
        self.do("import_definitions", given=json.dumps({**blank, **entries, **more}))

    def saved(self) -> Manifest:
        """Save the virtual host; then another host is new, whose user is not there yet."""
        self.is_new = False
        entries = carry.save_all(self.site, self.backup, [BROKER])
        self.is_new = True
        return self.manifest(entries)

    def moved_to_new(self) -> None:
        """Take old's away: this node is new's now."""
        self.do("delete_vhost", "shop")
        self.do("delete_user", "shop")

    def export(self) -> dict[str, Any]:
        """All that the node holds."""
        found: dict[str, Any] = json.loads(self.do("export_definitions", "-"))
        return {kind: sorted(value, key=str) if isinstance(value, list) else value for kind, value in found.items()}

    def of(self, kind: str, vhost: str) -> list[Any]:
        """What a virtual host holds of a kind."""
        return [item for item in self.export()[kind] if vhost in (item.get("vhost"), item["name"] if kind in
                ("vhosts", "users") else "")]  # fmt: skip


@pytest.fixture(name="world")
def _world(program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    found = World(program=program, path=tmp_path)
    (tmp_path / "set").mkdir()
    monkeypatch.setattr(carry, "of_project", found.stores)
    monkeypatch.setattr(ctl, "find_program", lambda _name: program)
    monkeypatch.setattr(ctl, "_user", lambda: None)
    gone = [f'rabbit_vhost:delete(<<"{name}">>, <<"tests">>)' for name in ("shop", "new")]
    gone += [f'rabbit_auth_backend_internal:delete_user(<<"{name}">>, <<"tests">>)' for name in ("shop", "boss")]
    found.do("eval", ", ".join(f"catch {call}" for call in gone) + ".")
    found.declare("shop", OWN)
    return found


def test_what_is_carried(world: World) -> None:
    before = world.export()
    manifest, kept = world.saved(), world.record()
    [entry] = manifest.neighbours
    assert (entry.kind, entry.stored, entry.place) == (
        "rabbitmq",
        "neighbours/1.rabbitmq",
        "amqp://127.0.0.1:5672/shop",
    )
    path = Path(world.backup.file(entry.stored))
    assert path.stat().st_mode & 0o077 == 0 and "canary" not in path.read_text() and "boss" not in path.read_text()
    assert world.export() == before
    assert world.notes == [
        "amqp://127.0.0.1:5672/shop: rights to administer of user shop stay behind: administrator",
        "amqp://127.0.0.1:5672/shop: users with whom the settings do not log in stay behind: boss",
        "amqp://127.0.0.1:5672/shop: what its programs declare anew stays behind: events, reply",
        "amqp://127.0.0.1:5672/shop: parameters stay behind: operator_policy most",
    ]
    world.moved_to_new()
    fill(world, manifest, kept)
    assert world.notes[-1] == (
        f"amqp://127.0.0.1:5672/new: {entry.keys} definitions were carried over from {entry.place} and compared"
    )
    assert {item["name"] for item in world.of("queues", "new")} == {"celery", "later", "dead `id`"}
    assert {"later": "quorum"}.items() <= {item["name"]: item["type"] for item in world.of("queues", "new")}.items()
    assert {item["name"] for item in world.of("exchanges", "new")} == {"mail"}
    assert {item["source"] for item in world.of("bindings", "new")} == {"mail", "amq.fanout"}
    assert [item["user"] for item in world.of("permissions", "new")] == ["shop"]
    assert world.of("topic_permissions", "new")[0]["exchange"] == "mail"
    assert world.of("policies", "new")[0]["definition"] == {"max-length": 10}
    assert [item["value"] for item in world.of("parameters", "new")] == [{"max-queues": 200}]
    assert [item["tags"] for item in world.of("users", "shop")] == [[]]
    world.do("authenticate_user", "shop", given=PASSWORD)
    assert kept.record.neighbours == {BROKER: DIGEST, world.new.place: DIGEST}
    # The same set again, when no database is restored: nothing to do.
    assert carry.plan(world.site, manifest, DIGEST, kept.record, loads=False) == ()


@pytest.mark.parametrize("was_there", [False, True])
def test_a_failure_leaves_new_as_it_was(world: World, was_there: bool) -> None:
    manifest, kept = world.saved(), world.record()
    world.moved_to_new()
    if was_there:  # blank, and somebody may use it
        allowed = {"user": "boss", "vhost": "new", "configure": ".*", "write": ".*", "read": ".*"}
        made = {"vhosts": [{"name": "new"}], "permissions": [allowed]}
        world.do("import_definitions", given=json.dumps(made))
    before = world.export()
    with pytest.raises(RelocateError, match="the swap"):
        fill(world, manifest, kept, fails=True)
    assert world.export() == before
    fill(world, manifest, kept)
    assert len(world.of("queues", "new")) == 3 and len(world.of("permissions", "new")) == 1 + was_there


@pytest.mark.parametrize(
    ("record", "code"),
    [
        (Record(), "neighbour_not_blank"),
        (Record(neighbours={BROKER: "an earlier set's", PLACE: "x"}), ""),
        (Record(neighbours={BROKER: DIGEST, PLACE: DIGEST}, moved=Event("l", "r", 1)), "neighbour_not_blank"),
    ],
)
def test_what_new_holds(world: World, record: Record, code: str) -> None:
    """Only what an earlier attempt brought, and nobody has used since, gives way."""
    manifest = world.saved()
    world.moved_to_new()
    world.declare("new")
    if code:
        before = world.export()
        with pytest.raises(RelocateError) as caught:
            fill(world, manifest, world.record(record))
        assert caught.value.code == code and world.export() == before
        told = [{**vars(manifest.neighbours[0]), "settings": [BROKER]}]
        found = carry.obstacles_on_new(world.site.project, told, record)
        assert [item.code for item in found] == [code] and "queue celery" in found[0].msg
    else:
        fill(world, manifest, world.record(record))
        assert {item["name"] for item in world.of("queues", "new")} == {"celery", "later", "dead `id`"}


def test_the_user_of_new(world: World) -> None:
    manifest, kept = world.saved(), world.record()
    world.moved_to_new()
    # One with another password is somebody else's.
    world.do("add_user", "shop", given="canary other")
    with pytest.raises(RelocateError, match="a user shop with another password") as caught:
        fill(world, manifest, kept)
    assert caught.value.code == "neighbour_not_blank" and world.of("vhosts", "new") == []
    # One with the same password, hashed anew, stays as he is.
    world.do("change_password", "shop", given=PASSWORD)
    world.do("set_user_tags", "shop", "monitoring")
    user = world.of("users", "shop")
    with pytest.raises(RelocateError, match="the swap"):
        fill(world, manifest, kept, fails=True)
    assert world.of("users", "shop") == user and world.of("vhosts", "new") == []
    fill(world, manifest, kept)
    assert world.of("users", "shop") == user and len(world.of("permissions", "new")) == 1
    # The settings of new may name another one, if he is there.
    world.do("delete_vhost", "new")
    world.new = replace(world.new, user="boss", password="canary boss")
    fill(world, manifest, kept)
    assert [item["user"] for item in world.of("permissions", "new")] == ["boss"]
    world.new = replace(world.new, user="nobody")
    with pytest.raises(RelocateError, match="as nobody, who is not there"):
        fill(world, manifest, kept)


def test_new_has_another_password_than_old(world: World) -> None:
    manifest, kept = world.saved(), world.record()
    world.moved_to_new()
    world.new = replace(world.new, password="canary new")
    before = world.export()
    with pytest.raises(RelocateError, match="do not log in") as caught:
        fill(world, manifest, kept)
    assert caught.value.code == "data_differs" and "canary" not in str(caught.value) and world.export() == before


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"settings": ("Z",)}, "neighbour_missing"),
        ({"kind": "redis", "version": {"major": 7, "minor": 0, "valkey": 0}}, "neighbour_missing"),
        ({"kind": "kafka"}, "manifest_invalid"),
        ({"version": {"major": 99, "minor": 0}}, "neighbour_older"),
        ({"version": {"major": 3}}, "manifest_invalid"),
        ({"keys": 3}, "file_differs"),
    ],
)
def test_what_does_not_fit(world: World, change: Mapping[str, Any], code: str) -> None:
    manifest = world.saved()
    world.moved_to_new()
    entry = replace(manifest.neighbours[0], **change)
    before = world.export()
    with pytest.raises(RelocateError) as caught:
        fill(world, replace(manifest, neighbours=(entry,)), world.record())
    assert caught.value.code == code and world.export() == before


def test_a_file_that_was_edited(world: World) -> None:
    manifest, kept = world.saved(), world.record()
    world.moved_to_new()
    path = Path(world.backup.file("neighbours/1.rabbitmq"))
    plain = json.loads(path.read_text())
    plain["users"][0]["tags"] = ["administrator"]
    path.write_text(json.dumps(plain))
    before = world.export()
    with pytest.raises(RelocateError) as caught:
        fill(world, manifest, kept)
    assert caught.value.code == "file_differs" and world.export() == before


def test_what_the_server_refuses_is_taken_back(world: World) -> None:
    manifest, kept = world.saved(), world.record()
    world.moved_to_new()
    path = Path(world.backup.file("neighbours/1.rabbitmq"))
    path.write_text(path.read_text().replace('"type": "topic"', '"type": "x-unknown"'))
    before = world.export()
    with pytest.raises(RelocateError, match="could not import") as caught:
        fill(world, manifest, kept)
    assert caught.value.code == "neighbour_failed" and world.export() == before


def test_old_itself_is_never_filled(world: World) -> None:
    manifest = world.saved()
    world.new = world.old
    with pytest.raises(RelocateError) as caught:
        fill(world, manifest, world.record(Record(neighbours={BROKER: DIGEST})))
    assert caught.value.code == "same_host" and len(world.of("queues", "shop")) == 4


def test_old_before_the_freeze(world: World) -> None:
    obstacles: list[Obstacle] = []
    picked, told = carry.look_on_old(world.stores(), ["amqp://shop:x@localhost/shop"], current_user(), obstacles)
    assert obstacles == [] and picked == [world.old]
    assert (told[0]["user"], told[0]["kind"]) == ("shop", "rabbitmq") and "canary" not in str(told)
    for wrong, said in (
        (replace(world.old, name="gone"), "is no virtual host"),
        (replace(world.old, password="canary wrong"), "do not log in"),
    ):
        assert carry.look_on_old([wrong], [BROKER], current_user(), obstacles)[1] == []
        assert said in obstacles.pop().msg and obstacles == []


def test_a_name_is_no_shell_text(world: World, tmp_path: Path) -> None:
    name = f"$(touch {tmp_path}/here)`touch {tmp_path}/here`"
    world.do("add_vhost", name)
    assert carried_rabbitmq.stores.rabbitmq.waiting(name) == []
    ctl.delete_vhost(name)
    assert world.of("vhosts", name) == [] and not (tmp_path / "here").exists()
