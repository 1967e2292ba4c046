# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of a server's definitions goes with a site; shaped as 3.8, 3.10 and 4.x export them."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._rabbitmq import definitions, shapes

HASH = "uasGM6pRAIaNVacIzLNnf0U6JkoXO4f3NmqDzCJ6ua9DzIcc"
ALGORITHM = "rabbit_password_hashing_sha256"
ALL = {"configure": ".*", "write": ".*", "read": ".*"}
PLAIN = {"durable": True, "auto_delete": False, "arguments": {}}
#: Without metadata, limits and types; tags are words.
OLD = {
    "rabbit_version": "3.8.9",
    "rabbitmq_version": "3.8.9",
    "product_name": "RabbitMQ",
    "product_version": "3.8.9",
    "users": [
        {"name": "shop", "password_hash": HASH, "hashing_algorithm": ALGORITHM, "tags": "administrator"},
        {"name": "guest", "password_hash": HASH, "hashing_algorithm": ALGORITHM, "tags": ""},
    ],
    "vhosts": [{"name": "/"}, {"name": "shop"}],
    "permissions": [{"user": "shop", "vhost": "shop", **ALL}, {"user": "guest", "vhost": "/", **ALL}],
    "topic_permissions": [],
    "parameters": [],
    "global_parameters": [{"name": "cluster_name", "value": "rabbit@old"}],
    "policies": [],
    "queues": [{"name": "celery", "vhost": "shop", **PLAIN}, {"name": "theirs", "vhost": "/", **PLAIN}],
    "exchanges": [{"name": "celery", "vhost": "shop", "type": "direct", **PLAIN, "internal": False}],
    "bindings": [
        {"source": "celery", "vhost": "shop", "destination": "celery", "destination_type": "queue",
         "routing_key": "celery", "arguments": {}},
    ],
}  # fmt: skip
#: With metadata, limits as pairs, types; without internal.
MIDDLE = {
    **OLD,
    "rabbitmq_version": "3.10.8",
    "users": [{"name": "shop", "password_hash": HASH, "hashing_algorithm": ALGORITHM, "tags": ["administrator"],
               "limits": {}}],
    "vhosts": [{"limits": [["max-queues", 200]], "metadata": {"description": "", "tags": ""}, "name": "shop"}],
    "queues": [{"name": "celery", "vhost": "shop", "type": "classic", **PLAIN}],
    "exchanges": [{"name": "celery", "vhost": "shop", "type": "direct", **PLAIN}],
}  # fmt: skip
#: With the type among the arguments, one of its own for the virtual host, and what later versions add.
LATE = {
    **MIDDLE,
    "rabbitmq_version": "4.0.5",
    "original_cluster_name": "rabbit@new",
    "rabbitmq_definition_format": "cluster",
    "vhosts": [{"limits": {}, "description": "", "tags": [], "default_queue_type": "undefined", "name": "shop",
                "metadata": {"description": "", "tags": None, "default_queue_type": "classic",
                             "protected_from_deletion": False}}],
    "queues": [{"name": "celery", "vhost": "shop", "type": "classic", **PLAIN,
                "arguments": {"x-queue-type": "classic"}}],
}  # fmt: skip


def with_more(**more: Any) -> dict[str, Any]:
    """What 3.10 exports, with more entries."""
    plain: dict[str, Any] = copy.deepcopy(MIDDLE)
    for kind, entries in more.items():
        plain[kind] = [*plain[kind], *entries]
    return plain


def saved(plain: dict[str, Any]) -> shapes.Definitions:
    """What of it goes with the site."""
    return definitions.carried(definitions.of_vhost(plain, "shop"), "shop")[0]


def test_versions_tell_the_same() -> None:
    wanted = saved(OLD)
    assert definitions.count(wanted) == 6 and wanted["users"][0]["tags"] == []
    assert wanted["queues"][0]["type"] == "classic"
    for later in (MIDDLE, LATE):
        assert definitions.differences(wanted, saved(later)) == []
    assert definitions.from_text(definitions.as_text(wanted).encode()) == wanted
    assert "theirs" not in definitions.as_text(wanted) and "guest" not in definitions.as_text(wanted)


#: How published exports write the same queue, virtual host and user, by their server's version.
PUBLISHED: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "3.8.7": ({"arguments": {"x-queue-type": "classic"}}, {}, {"tags": "administrator"}),
    "3.8.11": ({"arguments": {}}, {"limits": []}, {"tags": "administrator", "limits": {}}),
    "3.8.21": (
        {"arguments": {}},
        {"limits": [], "metadata": {"description": "undefined", "tags": []}},
        {"tags": "administrator", "limits": {}},
    ),
    "3.12.10": (
        {"arguments": {}, "type": "classic"},
        {"limits": [], "metadata": {"default_queue_type": "undefined", "description": "", "tags": []}},
        {"tags": ["administrator"], "limits": {}},
    ),
    "4.1.0": (
        {"arguments": {"x-queue-type": "classic"}},
        {"description": "", "tags": [], "default_queue_type": "classic",
         "metadata": {"description": "", "tags": [], "default_queue_type": "classic"}},
        {"tags": ["administrator"], "limits": {}},
    ),
    "4.2.0": ({"arguments": {}, "type": "classic"}, {"limits": "undefined"}, {"tags": "administrator"}),
}  # fmt: skip


@pytest.mark.parametrize("version", PUBLISHED)
def test_published_exports_tell_the_same(version: str) -> None:
    """Whatever a version writes of it, the same is brought to new, and nothing differs once it is there."""
    queue, vhost, user = PUBLISHED[version]
    plain = {
        **{key: value for key, value in OLD.items() if isinstance(value, list)},
        "rabbit_version": version,
        "users": [{"name": "shop", "password_hash": HASH, "hashing_algorithm": ALGORITHM, **user}],
        "vhosts": [{"name": "shop", **vhost}],
        "queues": [{"name": "celery", "vhost": "shop", "durable": True, "auto_delete": False, **queue}],
    }
    kept = saved(plain)
    assert definitions.differences(saved(OLD), kept) == []
    assert [item["arguments"] for item in shapes.for_import(kept)["queues"]] == [{}]
    assert shapes.for_import(kept)["vhosts"][0]["metadata"]["description"] == ""


def test_the_type_of_a_queue() -> None:
    quorum = {"name": "q", "vhost": "shop", "type": "quorum", **PLAIN, "arguments": {"x-queue-type": "quorum"}}
    plain = with_more(queues=[quorum])
    given = shapes.for_import(saved(plain))["queues"]
    assert [item["arguments"] for item in given] == [{}, {"x-queue-type": "quorum"}]
    assert all("type" not in item for item in given)
    # Where another one is usual, classic ones have to say so.
    plain["vhosts"][0]["metadata"]["default_queue_type"] = "quorum"
    given = shapes.for_import(saved(plain))["queues"]
    assert [item["arguments"] for item in given] == [{"x-queue-type": "classic"}, {"x-queue-type": "quorum"}]
    # A server that forgets it is not equal.
    wrong = definitions.differences(saved(plain), saved(with_more(queues=[quorum])))
    assert wrong == ["virtual host shop is missing or differs", "virtual host shop is not as in the set"]


def test_what_is_named_and_stays() -> None:
    plain = with_more(
        users=[{"name": "boss", "password_hash": HASH, "tags": []}, {"name": "alien", "password_hash": HASH}],
        permissions=[{"user": "boss", "vhost": "shop", **ALL}],
        queues=[
            {"name": "reply", "vhost": "shop", **PLAIN, "durable": False},
            {"name": "pid\x1bbox", "vhost": "shop", **PLAIN, "auto_delete": True},
            {"name": "events", "vhost": "shop", **PLAIN, "arguments": {"x-expires": 5}},
        ],
        bindings=[
            {"source": "celery", "vhost": "shop", "destination": "reply", "destination_type": "queue",
             "routing_key": "", "arguments": {}},
            {"source": "amq.topic", "vhost": "shop", "destination": "celery", "destination_type": "exchange",
             "routing_key": "", "arguments": []},
        ],
        parameters=[
            {"vhost": "shop", "component": "vhost-limits", "name": "limits", "value": {"max-queues": 200}},
            {"vhost": "shop", "component": "shovel", "name": "away", "value": {"src-uri": "amqp://u:canary@h"}},
            {"vhost": "/", "component": "shovel", "name": "theirs", "value": {}},
        ],
    )  # fmt: skip
    found = definitions.of_vhost(plain, "shop")
    kept, notes = definitions.carried(found, "shop")
    assert [item["name"] for item in kept["queues"]] == ["celery"]
    assert [item["destination_type"] for item in kept["bindings"]] == ["exchange", "queue"]
    assert [item["component"] for item in kept["parameters"]] == ["vhost-limits"]
    assert notes == [
        "rights to administer of user shop stay behind: administrator",
        "users with whom the settings do not log in stay behind: boss",
        "what its programs declare anew stays behind: events, pid\\x1bbox, reply",
    ]
    assert definitions.parameters_left(plain, "shop") == ["shovel away"]
    assert "canary" not in definitions.as_text(kept) and "boss" not in definitions.as_text(kept)
    assert definitions.carried(found, "ldap")[1][-1] == "the settings log in as ldap, who has no permission there"
    assert definitions.has_user(plain, "alien") and not definitions.has_user(plain, "x")


def test_what_is_blank() -> None:
    found = definitions.of_vhost(MIDDLE, "shop")
    assert definitions.content(found) == ["exchange celery", "queue celery", "binding to celery"]
    bare = definitions.blank(found)
    assert definitions.content(bare) == [] and bare["permissions"] == found["permissions"] and bare["users"] == []
    assert definitions.count(definitions.of_vhost(MIDDLE, "gone")) == 0
    joined = definitions.together(bare, definitions.addressed(saved(MIDDLE), "shop", "other"))
    assert [item["user"] for item in joined["permissions"]] == ["other", "shop"]
    assert definitions.together(bare, saved(MIDDLE)) == saved(MIDDLE)


def test_other_names_on_new() -> None:
    moved = definitions.addressed(saved(MIDDLE), "/", "guest")
    text = json.dumps(moved).replace('"celery"', "").replace(".*", "")
    assert "shop" not in text and moved["permissions"][0]["user"] == "guest" and moved["queues"][0]["vhost"] == "/"


def test_mirroring_is_no_more() -> None:
    policy = {"vhost": "shop", "pattern": ".*", "apply-to": "all", "priority": 0}
    plain = with_more(
        policies=[
            {**policy, "name": "both", "definition": {"ha-mode": "all", "max-length": 3}},
            {**policy, "name": "mirrors", "definition": {"ha-mode": "exactly", "ha-params": 2}},
            {**policy, "name": "ttl", "definition": {"message-ttl": 3}},
        ]
    )
    assert definitions.fitted(saved(plain), 3) == (saved(plain), [])
    found, changed = definitions.fitted(saved(plain), 4)
    assert [(item["name"], item["definition"]) for item in found["policies"]] == [
        ("both", {"max-length": 3}),
        ("ttl", {"message-ttl": 3}),
    ]
    assert changed == ["both", "mirrors"]


@pytest.mark.parametrize(
    ("kind", "change", "said"),
    [
        ("queues", {"arguments": {"x-max-length": 3}}, "queue celery"),
        ("exchanges", {"type": "fanout"}, "exchange celery"),
        ("bindings", {"routing_key": "#"}, "binding to celery"),
        ("permissions", {"write": ""}, "permission of shop"),
        ("users", {"password_hash": HASH[::-1]}, "user shop"),
    ],
)
def test_differences(kind: str, change: dict[str, Any], said: str) -> None:
    plain = copy.deepcopy(MIDDLE)
    plain[kind][0].update(change)  # type: ignore[attr-defined]
    assert definitions.differences(saved(MIDDLE), saved(plain)) == [
        f"{said} is missing or differs",
        f"{said} is not as in the set",
    ]


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("users", {"tags": ["administrator"]}),
        ("users", {"password": "x"}),
        ("users", {"password_hash": "no base64!"}),
        ("users", {"hashing_algorithm": "os"}),
        ("users", {"name": "other"}),
        ("users", {"limits": {"x": "y"}}),
        ("vhosts", {"tracing": True}),
        ("vhosts", {"name": "other"}),
        ("vhosts", {"metadata": {"description": "", "tags": [], "x": 1}}),
        ("vhosts", {"metadata": []}),
        ("permissions", {"user": "guest"}),
        ("permissions", {"vhost": "/"}),
        ("permissions", {"read": "x" * 5000}),
        ("parameters", {"component": "shovel"}),
        ("parameters", {"value": {"src-uri": "amqp://"}}),
        ("policies", {"definition": {"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": {"i": 1}}}}}}}}}}),
        ("policies", {"priority": True}),
        ("policies", {"priority": 1.0}),
        ("policies", {"priority": 2**70}),
        ("queues", {"name": "x" * 256}),
        ("queues", {"name": "a\0b"}),
        ("queues", {"name": 3}),
        ("queues", {"name": "\ud800"}),
        ("queues", {"name": "amq.gen-1"}),
        ("queues", {"durable": "true"}),
        ("queues", {"durable": False}),
        ("queues", {"auto_delete": True}),
        ("queues", {"type": "x"}),
        ("queues", {"arguments": {"x-expires": 1}}),
        ("queues", {"arguments": {"x-queue-type": "quorum"}}),
        ("queues", {"arguments": {"x": float("inf")}}),
        ("queues", {"arguments": {str(number): 1 for number in range(1001)}}),
        ("queues", {"arguments": {"x" * 256: 1}}),
        ("queues", {"vhost": "/"}),
        ("queues", {"owner": "x"}),
        ("exchanges", {"internal": 0}),
        ("exchanges", {"vhost": None}),
        ("bindings", {"destination": "gone"}),
        ("bindings", {"source": ""}),
        ("bindings", {"destination_type": "user"}),
    ],
)
def test_a_file_that_was_edited(kind: str, change: dict[str, Any]) -> None:
    limits = {"vhost": "shop", "component": "vhost-limits", "name": "limits", "value": {}}
    policy = {"vhost": "shop", "name": "p", "pattern": "", "apply-to": "all", "priority": 0, "definition": {}}
    found = saved(with_more(parameters=[limits], policies=[policy]))
    assert definitions.from_text(definitions.as_text(found).encode()) == found
    found[kind][0].update(change)
    with pytest.raises(ValueError):
        definitions.from_text(definitions.as_text(found).encode())


def more_users(found: Any) -> None:
    found["users"].append(dict(found["users"][0], name="second"))


def no_vhost(found: Any) -> None:
    found["vhosts"] = []


def other_kinds(found: Any) -> None:
    found["global_parameters"] = []


def a_kind_less(found: Any) -> None:
    del found["topic_permissions"]


def no_list(found: Any) -> None:
    found["queues"] = {"name": "celery"}


def no_entries(found: Any) -> None:
    found["queues"] = ["celery"]


@pytest.mark.parametrize("edit", [more_users, no_vhost, other_kinds, a_kind_less, no_list, no_entries])
def test_a_file_of_another_form(edit: Any) -> None:
    found = saved(MIDDLE)
    edit(found)
    with pytest.raises(ValueError):
        definitions.from_text(definitions.as_text(found).encode())


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"\xff", b"[" * 100_000, b"null"])
def test_what_is_no_file_of_definitions(data: bytes) -> None:
    with pytest.raises(ValueError):
        definitions.from_text(data)
