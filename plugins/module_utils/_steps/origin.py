# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds where a live database came from, by the site's record: whether it may be dropped, or never.

A live database is *disposable* when it is blank, or when it came out of a backup set and the site has not served with
it since. Every other one *must be kept*: a swap keeps it as previous, and nothing takes the place of that previous.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Dict, Iterable, Mapping, TypeVar

from ansible_collections.relocate.django.plugins.module_utils._engines.base import DISCARDED, LIVE, PREVIOUS, Engine
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseFacts, DatabaseState, as_plain
from ansible_collections.relocate.django.plugins.module_utils._record.keys import Begun, Migrated
from ansible_collections.relocate.django.plugins.module_utils._record.record import MIGRATIONS_APPLIED, Record

Value = TypeVar("Value")


def made_live(record: Record, digests: Mapping[str, str]) -> Record:
    """The record once databases out of sets are live: alias -> digest."""
    restored = {**record.restored, **digests}
    ended = {alias: entry for alias, entry in record.begun.items() if alias in digests}
    states = {alias: entry.converted for alias, entry in ended.items() if entry.converted}
    # A conversion in place leaves the site where it serves: what it served with must be kept as before.
    again = record.moved if not states else None
    served = restored if again or record.served else record.served_with
    return replace(
        record,
        restored=restored,
        begun=_without(record.begun, digests),
        rolling=(),
        sanitised=_without(record.sanitised, digests),
        places={**record.places, **_places(ended)},
        # What is live now has not been proven to the end, whatever served before.
        moved=record.moved if states else None,
        served=None,
        served_with=tuple(sorted(set(served) - set(digests))),
        # What another engine holds is not what the set recorded: from here on this is what is to be proven.
        migrated=Migrated(MIGRATIONS_APPLIED, states) if states else None,
    )


def _places(ended: Mapping[str, Begun]) -> Dict[str, str]:
    return {alias: entry.place for alias, entry in ended.items() if entry.place}


def _without(by_alias: Mapping[str, Value], gone: Iterable[str]) -> Dict[str, Value]:
    return {alias: value for alias, value in by_alias.items() if alias not in set(gone)}


def state_digest(state: DatabaseState) -> str:
    """A state in a few characters: equal ones are the same content.

    Without the schema: a later run may be shown less of it, and of its differences an engine calls some no loss.
    """
    plain = as_plain(replace(state, schema=None))
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode("utf-8")).hexdigest()


def place_of(engine: Engine) -> str:
    """Return which database the settings name."""
    config = engine.config
    return "{0}:{1}:{2}:{3}".format(config.engine, config.host, config.port or "", config.name)


def begun_entry(digest: str, displaced: str, state: DatabaseState, place: str = "", converted: bool = False) -> Begun:
    """Return what is noted before a swap, so that a later run can tell which database is which.

    :param place: what :func:`place_of` says of the database
    :param digest: the set's
    :param displaced: what the live one becomes; there is none of that name yet, so it will tell that the swap was made
    :param state: what was proven to be in incoming
    :param converted: whether it came from another engine, so that the set does not tell this state
    """
    return Begun(digest, displaced, state.method, state_digest(state), place, as_plain(state) if converted else None)


def origin(engine: Engine, record: Record, count: bool = True) -> str:
    """The digest of the set that live came from, as far as that is certain; "" for any other database.

    :param count: whether a swap whose end nobody noted is looked into, by counting live
    """
    alias = engine.config.alias
    here = record.places.get(alias) in (None, place_of(engine))
    noted = record.restored.get(alias, "") if here else ""
    begun = record.begun.get(alias)
    if not begun or not engine.exists(begun.aside):
        return noted  # not swapped: live is what it was
    if not engine.exists(LIVE):
        return ""
    if not count:
        return begun.digest
    engine.method = begun.method
    with engine.snapshot(LIVE) as snapshot:
        same = state_digest(snapshot.state(fingerprints=True)) == begun.state
    return begun.digest if same else ""


def settled(engines: Mapping[str, Engine], record: Record) -> Record:
    """The record that tells for what it is every swap that an earlier run began and did not end."""
    found = {alias: origin(engines[alias], record) for alias in sorted(set(record.begun) & set(engines))}
    if not found:
        return record
    made = {
        alias: digest for alias, digest in found.items() if digest and engines[alias].exists(record.begun[alias].aside)
    }
    told = made_live(record, made) if made else record
    lost = [alias for alias, digest in found.items() if not digest]
    return replace(told, restored=_without(told.restored, lost), begun=_without(record.begun, found))


def forgotten(record: Record, aliases: Iterable[str]) -> Record:
    """The record once the live databases of these aliases no longer came from a set."""
    gone = list(aliases)
    return replace(record, restored=_without(record.restored, gone), begun=_without(record.begun, gone))


def is_clone(record: Record, alias: str, came_from: str) -> bool:
    """Tell whether a database is a clone's: out of a set, and sanitised."""
    return bool(came_from) and record.sanitised.get(alias) == came_from


def displaced_name(engine: Engine, live: DatabaseFacts, came_from: str, record: Record, replace: bool) -> str:
    """Decide what a swap makes of the live database: PREVIOUS keeps it, DISCARDED drops it.

    :param came_from: what :func:`origin` said
    Raises target_not_blank when it must be kept and ``replace`` is off, previous_exists when nothing may be put aside.
    """
    alias, kept = engine.config.alias, engine.exists(PREVIOUS)
    if not live.tables:
        return DISCARDED if kept else PREVIOUS
    if came_from and not record.has_served_with(alias):
        return DISCARDED
    if not replace or engine.in_place:
        raise _not_blank(engine, live, came_from)
    if is_clone(record, alias, came_from):
        return DISCARDED  # which another set makes again
    if kept and holds_something(engine, PREVIOUS):
        raise RelocateError(
            "previous_exists",
            "database {0} holds data, and so does the previous one that is kept beside it".format(alias),
            "look at the previous one; when nobody needs it, remove it on this host: {0}; or go back to it with"
            " relocate.django.restore (state rolled_back)".format(engine.removal(PREVIOUS)),
        )
    return PREVIOUS


def _not_blank(engine: Engine, live: DatabaseFacts, came_from: str) -> RelocateError:
    """Return the error of a live database that must be kept, and is not put aside."""
    served = ", and the site has served with it here" if came_from else ""
    return RelocateError(
        "target_not_blank",
        "database {0}: target holds {1} tables{2}".format(engine.config.alias, live.tables, served),
        "empty it: the login of new may not create databases, so nothing can be kept aside (docs/managed.md)"
        if engine.in_place
        else "empty it, or set relocate_replace: true to keep it aside as the previous database",
    )


def holds_something(engine: Engine, which: str) -> bool:
    """Tell whether a database holds a table, or cannot be looked at: it is kept then."""
    try:
        return not is_blank(engine, which)
    except RelocateError:
        return True


def is_blank(engine: Engine, which: str) -> bool:
    """Tell whether a database holds no table."""
    with engine.snapshot(which) as snapshot:
        return not snapshot.has_tables()
