# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a live database came from, by the site's record on this host: what may be dropped, and what never.

A live database is *disposable* when it is blank, or when it came out of a backup set and the site has not served with
it since. Every other one *must be kept*: a swap keeps it as previous, and nothing takes the place of that previous.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any, Dict, Iterable, Mapping

from ansible_collections.relocate.django.plugins.module_utils._engines.base import DISCARDED, LIVE, PREVIOUS, Engine
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseFacts, DatabaseState, as_plain
from ansible_collections.relocate.django.plugins.module_utils._record.record import (
    BEGUN,
    MOVED,
    PLACES,
    RESTORED,
    ROLLING,
    SERVED,
    SERVED_WITH,
    has_served,
)


def made_live(record: Mapping[str, Any], digests: Mapping[str, str]) -> Dict[str, Any]:
    """The changes to a record once databases out of sets are live: alias -> digest."""
    restored = {**record.get(RESTORED, {}), **digests}
    converted = {alias: record.get(BEGUN, {}).get(alias, {}).get("converted") for alias in digests}
    states = {alias: state for alias, state in converted.items() if state}
    places = {alias: entry.get("place") for alias, entry in record.get(BEGUN, {}).items() if alias in digests}
    # A conversion in place leaves the site where it serves: what it served with must be kept as before.
    again = record.get(MOVED) if not states else None
    served = restored if again or record.get(SERVED) else record.get(SERVED_WITH, ())
    begun = {alias: entry for alias, entry in record.get(BEGUN, {}).items() if alias not in digests}
    return {
        RESTORED: restored,
        BEGUN: begun or None,
        ROLLING: None,
        PLACES: {**record.get(PLACES, {}), **{alias: place for alias, place in places.items() if place}} or None,
        # What is live now has not been proven to the end, whatever served before.
        MOVED: record.get(MOVED) if states else None,
        SERVED: None,
        SERVED_WITH: sorted(set(served) - set(digests)) or None,
        # What another engine holds is not what the set recorded: from here on this is what is to be proven.
        "migrated": {"state": "applied", "states": states} if states else None,
    }


def state_digest(state: DatabaseState) -> str:
    """A state in a few characters: equal ones are the same content.

    Without the schema: a later run may be shown less of it, and of its differences an engine calls some no loss.
    """
    plain = as_plain(replace(state, schema=None))
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode("utf-8")).hexdigest()


def place_of(engine: Engine) -> str:
    """Which database the settings name."""
    config = engine.config
    return "{0}:{1}:{2}:{3}".format(config.engine, config.host, config.port or "", config.name)


def begun_entry(
    digest: str, displaced: str, state: DatabaseState, place: str = "", converted: bool = False
) -> Dict[str, Any]:
    """What is noted before a swap, so that a later run can tell which database is which.

    :param place: what :func:`place_of` says of the database
    :param digest: the set's
    :param displaced: what the live one becomes; there is none of that name yet, so it will tell that the swap was made
    :param state: what was proven to be in incoming
    :param converted: whether it came from another engine, so that the set does not tell this state
    """
    entry = {"digest": digest, "aside": displaced, "method": state.method, "state": state_digest(state), "place": place}
    return dict(entry, converted=as_plain(state)) if converted else entry


def origin(engine: Engine, record: Mapping[str, Any], count: bool = True) -> str:
    """The digest of the set that live came from, as far as that is certain; "" for any other database.

    :param count: whether a swap whose end nobody noted is looked into, by counting live
    """
    alias = engine.config.alias
    here = record.get(PLACES, {}).get(alias) in (None, place_of(engine))
    noted = str(record.get(RESTORED, {}).get(alias, "")) if here else ""
    begun = record.get(BEGUN, {}).get(alias)
    if not begun or not engine.exists(begun["aside"]):
        return noted  # not swapped: live is what it was
    if not engine.exists(LIVE):
        return ""
    if not count:
        return str(begun["digest"])
    engine.method = begun["method"]
    with engine.snapshot(LIVE) as snapshot:
        same = state_digest(snapshot.state(fingerprints=True)) == begun["state"]
    return str(begun["digest"]) if same else ""


def settled(engines: Mapping[str, Engine], record: Mapping[str, Any]) -> Dict[str, Any]:
    """The changes to a record that tell for what it is every swap that an earlier run began and did not end."""
    begun = record.get(BEGUN, {})
    found = {alias: origin(engines[alias], record) for alias in sorted(set(begun) & set(engines))}
    if not found:
        return {}
    made = {alias: digest for alias, digest in found.items() if digest and engines[alias].exists(begun[alias]["aside"])}
    changes = made_live(record, made) if made else {}
    restored = changes.get(RESTORED, record.get(RESTORED, {}))
    changes[RESTORED] = {alias: digest for alias, digest in restored.items() if found.get(alias, digest)} or None
    changes[BEGUN] = {alias: entry for alias, entry in begun.items() if alias not in found} or None
    return changes


def forgotten(record: Mapping[str, Any], aliases: Iterable[str]) -> Dict[str, Any]:
    """The changes to a record of which the live databases of these aliases no longer came from a set."""
    gone = set(aliases)
    return {
        key: {alias: value for alias, value in record.get(key, {}).items() if alias not in gone} or None
        for key in (RESTORED, BEGUN)
    }


def displaced_name(
    engine: Engine, live: DatabaseFacts, came_from: str, record: Mapping[str, Any], replace: bool
) -> str:
    """Decide what a swap makes of the live database: PREVIOUS keeps it, DISCARDED drops it.

    :param came_from: what :func:`origin` said
    Raises target_not_blank when it must be kept and ``replace`` is off, previous_exists when nothing may be put aside.
    """
    alias, kept = engine.config.alias, engine.exists(PREVIOUS)
    if not live.tables:
        return DISCARDED if kept else PREVIOUS
    if came_from and not has_served(record, alias):
        return DISCARDED
    if not replace:
        raise RelocateError(
            "target_not_blank",
            "database {0}: target holds {1} tables{2}".format(
                alias, live.tables, ", and the site has served with it here" if came_from else ""
            ),
            "empty it, or set relocate_replace to keep it aside as previous",
        )
    if kept and holds_something(engine, PREVIOUS):
        raise RelocateError(
            "previous_exists",
            "database {0} holds data, and so does the previous one that is kept beside it".format(alias),
            "look at the previous one; when nobody needs it, remove it on this host: {0}; or go back to it with"
            " relocate.django.restore (state rolled_back)".format(engine.removal(PREVIOUS)),
        )
    return PREVIOUS


def holds_something(engine: Engine, which: str) -> bool:
    """Whether a database holds a table, or cannot be looked at: it is kept then."""
    try:
        return not is_blank(engine, which)
    except RelocateError:
        return True


def is_blank(engine: Engine, which: str) -> bool:
    """Whether a database holds no table."""
    with engine.snapshot(which) as snapshot:
        return not snapshot.has_tables()
