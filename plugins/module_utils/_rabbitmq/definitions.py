# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decides what of a server's definitions goes with a site, and compares it: one virtual host and one user. Pure."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Mapping, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._printable import printable
from ansible_collections.relocate.django.plugins.module_utils._rabbitmq import shapes
from ansible_collections.relocate.django.plugins.module_utils._rabbitmq.shapes import Definitions, Entry

_MOST = 100_000  # entries of a kind
_SHOWN = 8
_OWN = "amq."  # names that the server gives
_MIRRORING = "ha-"  # keys of policies that version 4 no longer knows
#: Kinds that somebody made for the site's sake: a virtual host without them is blank.
_CONTENT = ("parameters", "policies", "exchanges", "queues", "bindings")
_RIGHTS = ("permissions", "topic_permissions")
_WORDS = {
    "vhosts": "virtual host", "users": "user", "permissions": "permission of",
    "topic_permissions": "topic permission of", "parameters": "parameter", "policies": "policy",
    "exchanges": "exchange", "queues": "queue", "bindings": "binding to",
}  # fmt: skip


def of_vhost(plain: Mapping[str, Any], vhost: str) -> Definitions:
    """Return what the server holds of a virtual host, and the users with permissions on it.

    :param plain: what it exported
    Raises ValueError for what no server writes.
    """
    found = {
        kind: shapes.ordered([read(item) for item in _list(plain, kind) if _is_of(kind, item, vhost)])
        for kind, read in shapes.READERS.items()
    }
    members = {item["user"] for kind in _RIGHTS for item in found[kind]}
    found["users"] = [item for item in found["users"] if item["name"] in members]
    return found


def _is_of(kind: str, item: Mapping[str, Any], vhost: str) -> bool:
    """Tell whether an entry is one of a virtual host; a user is of none."""
    if kind == "parameters" and item.get("component") != shapes.LIMITS:
        return False
    return kind == "users" or item.get("name" if kind == "vhosts" else "vhost") == vhost


def has_user(plain: Mapping[str, Any], name: str) -> bool:
    """Tell whether a server has a user. Raises ValueError."""
    return any(item.get("name") == name for item in _list(plain, "users"))


def _list(plain: Mapping[str, Any], kind: str) -> List[Dict[str, Any]]:
    items = plain.get(kind) or []
    if not isinstance(items, list) or len(items) > _MOST or not all(isinstance(item, dict) for item in items):
        raise ValueError(kind)
    return items


def parameters_left(plain: Mapping[str, Any], vhost: str) -> List[str]:
    """Name the parameters that are not carried: those of shovel and federation hold addresses and passwords."""
    return sorted(
        "{0} {1}".format(printable(item.get("component")), printable(item.get("name")))
        for item in _list(plain, "parameters")
        if item.get("vhost") == vhost and item.get("component") != shapes.LIMITS
    )


def carried(found: Definitions, user: str) -> Tuple[Definitions, List[str]]:
    """Return what goes with the site, and what to tell of the rest.

    :param user: with whom the settings log in
    """
    members = [dict(item, tags=[]) for item in found["users"] if item["name"] == user]
    kept = dict(found, users=members)
    for kind in _RIGHTS:
        kept[kind] = [item for item in found[kind] if members and item["user"] == user]
    kept.update({kind: [item for item in found[kind] if _lasts(item)] for kind in ("queues", "exchanges")})
    kept["bindings"] = _bound(kept, found["bindings"])
    return kept, _untold(found, kept, user)


def _lasts(item: Entry) -> bool:
    """Tell whether a queue or an exchange is there when nobody uses it: the others, their programs declare."""
    if item["name"].startswith(_OWN):
        return False
    return item["durable"] and not item["auto_delete"] and "x-expires" not in item["arguments"]


def _bound(kept: Definitions, bindings: Sequence[Entry]) -> List[Entry]:
    """Return the bindings whose both ends are carried, or are the server's own."""
    exchanges, queues = ({entry["name"] for entry in kept[kind]} for kind in ("exchanges", "queues"))

    def is_exchange(name: str) -> bool:
        return name in exchanges or name.startswith(_OWN)

    return [
        item
        for item in bindings
        if is_exchange(item["source"])
        and (is_exchange if item["destination_type"] == "exchange" else queues.__contains__)(item["destination"])
    ]


def _untold(found: Definitions, kept: Definitions, user: str) -> List[str]:
    stays = {
        "rights to administer of user {0} stay behind".format(printable(user)): _tags(found, user),
        "users with whom the settings do not log in stay behind": sorted(
            {item["name"] for item in found["users"]} - {user}
        ),
        "what its programs declare anew stays behind": _passing(found),
    }
    notes = ["{0}: {1}".format(what, names(items)) for what, items in stays.items() if items]
    if not kept["users"]:
        notes.append("the settings log in as {0}, who has no permission there".format(printable(user)))
    return notes


def _tags(found: Definitions, user: str) -> List[str]:
    return [tag for item in found["users"] if item["name"] == user for tag in item["tags"]]


def _passing(found: Definitions) -> List[str]:
    return sorted(item["name"] for kind in ("queues", "exchanges") for item in found[kind] if not _lasts(item))


def names(found: Sequence[str]) -> str:
    """Return a few names for people."""
    return ", ".join(printable(name[:80]) for name in found[:_SHOWN]) + (", ..." if len(found) > _SHOWN else "")


def count(found: Definitions) -> int:
    """Return how many entries there are."""
    return sum(len(entries) for entries in found.values())


def as_text(found: Definitions) -> str:
    """Write what is carried, as the file of a set holds it."""
    return json.dumps(found, indent=1, sort_keys=True) + "\n"


def from_text(data: bytes) -> Definitions:
    """Read the file of a set, which anybody may have written.

    Raises ValueError for what :func:`as_text` never writes.
    """
    try:
        plain = json.loads(data.decode("utf-8"))
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(plain, dict) or set(plain) != set(shapes.READERS):
        raise ValueError("other kinds of definitions")
    found = {kind: [read(item) for item in _list(plain, kind)] for kind, read in shapes.READERS.items()}
    if found != plain:
        raise ValueError("other keys of definitions")
    _check_one(found)
    return found


def _check_one(found: Definitions) -> None:
    """Raises ValueError unless a backup would have carried just this: of one virtual host and one user, what lasts."""
    if not found["vhosts"]:
        raise ValueError("no virtual host")
    user = found["users"][0]["name"] if found["users"] else ""
    if carried(of_vhost(found, found["vhosts"][0]["name"]), user)[0] != found:
        raise ValueError("what is not carried")


def addressed(found: Definitions, vhost: str, user: str) -> Definitions:
    """Give definitions the names that the settings of new have for the virtual host and the user."""
    new = {"vhost": vhost, "user": user}

    def named(kind: str, item: Entry) -> Entry:
        if kind in ("vhosts", "users"):
            return dict(item, name=vhost if kind == "vhosts" else user)
        return {key: new.get(key, value) for key, value in item.items()}

    return {kind: shapes.ordered([named(kind, item) for item in entries]) for kind, entries in found.items()}


def fitted(found: Definitions, major: int) -> Tuple[Definitions, List[str]]:
    """Return definitions as a version takes them, and name the policies that lose something: mirroring, in 4."""
    if major < 4:
        return found, []
    policies, changed = [], []
    for item in found["policies"]:
        kept = {key: value for key, value in item["definition"].items() if not key.startswith(_MIRRORING)}
        if kept != item["definition"]:
            changed.append(item["name"])
        if kept or not item["definition"]:
            policies.append(dict(item, definition=kept))
    return dict(found, policies=policies), changed


def content(found: Definitions) -> List[str]:
    """Name what a virtual host holds; nothing for one that is blank."""
    return [_named(kind, item) for kind in _CONTENT for item in found[kind]]


def blank(found: Definitions) -> Definitions:
    """Return a virtual host as it is without what somebody made in it: with who may use it."""
    return {**found, "users": [], **{kind: [] for kind in _CONTENT}}


def together(first: Definitions, second: Definitions) -> Definitions:
    """Join the permissions of the first with the second."""
    users = {item["user"] for kind in _RIGHTS for item in second[kind]}
    return {
        **second,
        **{kind: second[kind] + [item for item in first[kind] if item["user"] not in users] for kind in _RIGHTS},
    }


def differences(wanted: Definitions, there: Definitions) -> List[str]:
    """Say what differs between what a set holds and what a server holds now."""
    wrong = []
    for kind in wanted:
        left, right = _compared(kind, wanted[kind]), _compared(kind, there[kind])
        wrong += ["{0} is missing or differs".format(name) for text, name in left.items() if text not in right]
        wrong += ["{0} is not as in the set".format(name) for text, name in right.items() if text not in left]
    return wrong[:_SHOWN]


def _compared(kind: str, entries: Sequence[Entry]) -> Dict[str, str]:
    """Return what counts of each entry, with its name for people.

    A virtual host that was there keeps its description.
    """
    found = {}
    for item in entries:
        counts: Entry = item
        if kind == "vhosts":
            counts = {"name": item["name"], "type": item["metadata"].get("default_queue_type", "classic")}
        found[json.dumps(counts, sort_keys=True)] = _named(kind, item)
    return found


def _named(kind: str, item: Entry) -> str:
    name = item.get("name") or item.get("destination") or item.get("user") or ""
    return "{0} {1}".format(_WORDS[kind], printable(str(name)[:80]))
