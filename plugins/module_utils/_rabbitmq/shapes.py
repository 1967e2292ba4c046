# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads definitions of RabbitMQ, which each version writes a little differently, into one form. Pure.

Only the known kinds, keys and types pass. The server makes an atom of each key that it imports, and never forgets it.
"""

from __future__ import annotations

import json
import re
from typing import Any, Callable, Dict, List, Mapping

Entry = Dict[str, Any]
#: Entries by kind.
Definitions = Dict[str, List[Entry]]

_NAME = 255  # characters; the protocol takes as many bytes
_TEXT = 4096
_NUMBER = 2**63
_DEPTH, _ITEMS = 8, 1000  # of arguments
_HASH = re.compile(r"^[A-Za-z0-9+/]{0,200}={0,2}\Z")
_ALGORITHMS = tuple("rabbit_password_hashing_" + name for name in ("sha256", "sha512", "md5"))
_QUEUE_TYPES = ("classic", "quorum", "stream")
_TYPE = "x-queue-type"
LIMITS = "vhost-limits"


def text(value: Any, longest: int = _NAME) -> str:
    """Return a name. Raises ValueError for what is none."""
    if not isinstance(value, str) or len(value) > longest or "\x00" in value:
        raise ValueError("no name")
    value.encode("utf-8")  # a lone surrogate is no text; UnicodeEncodeError is a ValueError
    return value


def flag(value: Any) -> bool:
    """Return a truth value. Raises ValueError."""
    if not isinstance(value, bool):
        raise ValueError("no truth value")
    return value


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > _NUMBER:
        raise ValueError("no number")
    return value


def table(value: Any, depth: int = 0) -> Dict[str, Any]:
    """Return arguments, or the definition of a policy; empty ones are written as a list by some versions."""
    if value in (None, []):
        return {}
    if not isinstance(value, dict) or len(value) > _ITEMS:
        raise ValueError("no table of arguments")
    return {text(key): _argument(item, depth + 1) for key, item in value.items()}


def _argument(value: Any, depth: int) -> Any:
    if depth > _DEPTH:
        raise ValueError("arguments are nested too deeply")
    if isinstance(value, dict):
        return table(value, depth)
    if isinstance(value, list) and len(value) <= _ITEMS:
        return [_argument(item, depth + 1) for item in value]
    if isinstance(value, str):
        return text(value, _TEXT)
    return value if isinstance(value, bool) or _is_fraction(value) else _whole(value)


def _is_fraction(value: Any) -> bool:
    return isinstance(value, float) and abs(value) < _NUMBER  # neither infinite nor no number


def _tags(value: Any) -> List[str]:
    """Tags of a user or a virtual host: a list, or words with commas."""
    words = value.split(",") if isinstance(value, str) else value
    if not isinstance(words, list) or len(words) > _ITEMS:
        raise ValueError("no tags")
    return sorted(word for word in (text(item).strip() for item in words) if word)


def _limits(value: Any) -> Dict[str, int]:
    """Limits of a user or a virtual host: a mapping, or pairs."""
    pairs = value.items() if isinstance(value, dict) else value
    return {text(name): _whole(number) for name, number in pairs} if value else {}


def _queue_type(given: Mapping[str, Any]) -> str:
    arguments = table(given.get("arguments"))
    found = arguments.get(_TYPE) or given.get("type") or "classic"
    if found not in _QUEUE_TYPES:
        raise ValueError("no type of a queue")
    return str(found)


# --- one function for each kind


def _told(value: Any) -> Any:
    """Return a value, or "" for one that nobody has set, which some versions write as a word and none reads so."""
    return "" if value == "undefined" else value


def _vhost(given: Mapping[str, Any]) -> Entry:
    metadata = given.get("metadata") or {}
    found: Entry = {"name": text(given.get("name"))}
    kept: Entry = {
        "description": _told(text(metadata.get("description") or given.get("description") or "", _TEXT)),
        "tags": _tags(metadata.get("tags") or given.get("tags") or []),
    }
    default = metadata.get("default_queue_type") or given.get("default_queue_type") or "undefined"
    if _told(default):
        if default not in _QUEUE_TYPES:
            raise ValueError("no type of a queue")
        kept["default_queue_type"] = default
    return dict(found, metadata=kept)


def _user(given: Mapping[str, Any]) -> Entry:
    algorithm, secret = given.get("hashing_algorithm") or _ALGORITHMS[0], given.get("password_hash")
    if algorithm not in _ALGORITHMS or not isinstance(secret, str) or not _HASH.match(secret):
        raise ValueError("no hash of a password")
    return {
        "name": text(given.get("name")),
        "password_hash": secret,
        "hashing_algorithm": algorithm,
        "tags": _tags(given.get("tags") or []),
        "limits": _limits(given.get("limits")),
    }


def _permission(given: Mapping[str, Any]) -> Entry:
    found = {name: text(given.get(name)) for name in ("user", "vhost")}
    return {**found, **{name: text(given.get(name), _TEXT) for name in ("configure", "write", "read")}}


def _topic_permission(given: Mapping[str, Any]) -> Entry:
    found = {name: text(given.get(name)) for name in ("user", "vhost", "exchange")}
    return {**found, **{name: text(given.get(name), _TEXT) for name in ("write", "read")}}


def _parameter(given: Mapping[str, Any]) -> Entry:
    if given.get("component") != LIMITS or given.get("name") != "limits":
        raise ValueError("no limits of a virtual host")
    value = _limits(given.get("value"))
    return {"vhost": text(given.get("vhost")), "component": LIMITS, "name": "limits", "value": value}


def _policy(given: Mapping[str, Any]) -> Entry:
    applied = given.get("apply-to") or "all"
    return {
        "vhost": text(given.get("vhost")),
        "name": text(given.get("name")),
        "pattern": text(given.get("pattern"), _TEXT),
        "apply-to": text(applied),
        "priority": _whole(given.get("priority") or 0),
        "definition": table(given.get("definition")),
    }


def _exchange(given: Mapping[str, Any]) -> Entry:
    return {
        "vhost": text(given.get("vhost")),
        "name": text(given.get("name")),
        "type": text(given.get("type")),
        "durable": flag(given.get("durable")),
        "auto_delete": flag(given.get("auto_delete")),
        "internal": flag(given.get("internal", False)),
        "arguments": table(given.get("arguments")),
    }


def _queue(given: Mapping[str, Any]) -> Entry:
    arguments = table(given.get("arguments"))
    arguments.pop(_TYPE, None)
    return {
        "vhost": text(given.get("vhost")),
        "name": text(given.get("name")),
        "type": _queue_type(given),
        "durable": flag(given.get("durable")),
        "auto_delete": flag(given.get("auto_delete")),
        "arguments": arguments,
    }


def _binding(given: Mapping[str, Any]) -> Entry:
    if given.get("destination_type") not in ("queue", "exchange"):
        raise ValueError("no destination of a binding")
    names = ("vhost", "source", "destination", "destination_type", "routing_key")
    return {**{name: text(given.get(name)) for name in names}, "arguments": table(given.get("arguments"))}


READERS: Dict[str, Callable[[Mapping[str, Any]], Entry]] = {
    "vhosts": _vhost,
    "users": _user,
    "permissions": _permission,
    "topic_permissions": _topic_permission,
    "parameters": _parameter,
    "policies": _policy,
    "exchanges": _exchange,
    "queues": _queue,
    "bindings": _binding,
}


def ordered(entries: List[Entry]) -> List[Entry]:
    """Put entries of a kind into an order that depends on nothing but them."""
    return sorted(entries, key=lambda entry: json.dumps(entry, sort_keys=True))


def for_import(found: Definitions) -> Definitions:
    """Write definitions as every version reads them: the type of a queue is one of its arguments."""
    others = {
        item["name"]
        for item in found["vhosts"]
        if item["metadata"].get("default_queue_type", "classic") != "classic"
    }  # fmt: skip
    queues = []
    for item in found["queues"]:
        written = item["type"] != "classic" or item["vhost"] in others
        arguments = {**item["arguments"], **({_TYPE: item["type"]} if written else {})}
        queues.append({**{key: value for key, value in item.items() if key != "type"}, "arguments": arguments})
    return {**found, "queues": queues}
