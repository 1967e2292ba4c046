# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carries what servers beside the site hold, where the user says so (relocate_neighbours_carried).

On old it becomes files of the backup set, once the site is frozen. On new it is restored into the place that the same
setting names there, compared, and removed again when the restore fails. How that is done for a database of Redis and
for a virtual host of RabbitMQ, their carriers know.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._discover import here
from ansible_collections.relocate.django.plugins.module_utils._discover.servers import address
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host.files import make_directory, replaced
from ansible_collections.relocate.django.plugins.module_utils._model import Obstacle, SystemUser
from ansible_collections.relocate.django.plugins.module_utils._project import probe
from ansible_collections.relocate.django.plugins.module_utils._project.project import Project
from ansible_collections.relocate.django.plugins.module_utils._record.record import Record, RecordFile
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import (
    NEIGHBOURS,
    Manifest,
    NeighbourEntry,
    read_as,
)
from ansible_collections.relocate.django.plugins.module_utils._site import Site, collect
from ansible_collections.relocate.django.plugins.module_utils._steps import belongings, stores
from ansible_collections.relocate.django.plugins.module_utils._steps.carried_rabbitmq import RabbitMQ
from ansible_collections.relocate.django.plugins.module_utils._steps.carried_redis import Redis
from ansible_collections.relocate.django.plugins.module_utils._steps.carriers import Carrier, Filling
from ansible_collections.relocate.django.plugins.module_utils._steps.stores import Kept, Store, VirtualHost

_TOPICS = ("neighbours", "logins")
_CARRIERS: Mapping[str, Carrier[Any]] = {Store.kind: Redis(), VirtualHost.kind: RabbitMQ()}


def of_project(project: Project) -> List[Kept]:
    """Return what servers on this host hold that the settings name. Raises what the probe raises."""
    return stores.that_are_kept(probe.ask(project, _TOPICS), belongings.this_host())


def chosen(found: Sequence[Kept], names: Sequence[str]) -> List[Kept]:
    """Return those that the user names, by their addresses or by settings. Raises bad_option."""
    picked = {name: _named(found, name) for name in names}
    unknown = [without_login(name) for name, store in picked.items() if store is None]
    if unknown:
        raise RelocateError(
            "bad_option",
            "relocate_neighbours_carried names what is neither a database of redis nor a virtual host of rabbitmq"
            " of the site on this host: {0}".format(", ".join(unknown)),
            "those that can be carried: {0}".format(", ".join(store.place for store in found) or "none"),
        )
    return list(dict.fromkeys(store for store in picked.values() if store is not None))


def _named(found: Sequence[Kept], name: str) -> Optional[Kept]:
    return next((store for store in found if is_named(store, name)), None)


def without_login(name: str) -> str:
    """Return an address as it may be shown: a user may have written its password too."""
    scheme, found, rest = name.partition("://")
    return scheme + found + rest.rpartition("@")[2].partition("?")[0] if found else name


def is_named(store: Kept, name: str) -> bool:
    """Tell whether a name is a setting of a store, or its address; localhost is 127.0.0.1."""
    if name in (*store.settings, store.place):
        return True
    scheme, found, rest = name.partition("://")
    meant = address(scheme + found + rest.rpartition("@")[2], "", "", "") if found else None
    return (
        meant is not None
        and meant.kind == store.kind
        and here.is_here(meant, belongings.this_host())
        and store.is_at(meant)
    )


# --- on old


def look_on_old(
    found: Sequence[Kept], names: Sequence[str], owner: SystemUser, obstacles: List[Obstacle]
) -> Tuple[List[Kept], List[Dict[str, Any]]]:
    """Return what will be carried, and what new must know of it before the freeze."""
    picked: List[Kept] = collect(obstacles, lambda: chosen(found, names)) or []
    told = [collect(obstacles, lambda store=store: _described(store, owner)) for store in picked]  # type: ignore[misc]
    return picked, [item for item in told if item is not None]


def _described(store: Kept, owner: SystemUser) -> Dict[str, Any]:
    return _told(store, "", _CARRIERS[store.kind].described(store, owner))


def _told(store: Kept, stored: str, described: Mapping[str, Any]) -> Dict[str, Any]:
    common = {"settings": list(store.settings), "place": store.place, "kind": store.kind, "stored": stored, "user": ""}
    return {**common, **described}


def save_all(site: Site, backup: BackupSet, names: Sequence[str]) -> Tuple[NeighbourEntry, ...]:
    """Write what is carried into the set. Raises bad_option, neighbour_failed."""
    if not names:
        return ()
    entries = []
    make_directory(backup.file(NEIGHBOURS), 0o700)
    for number, store in enumerate(chosen(of_project(site.project), names), 1):
        stored = "{0}/{1}.{2}".format(NEIGHBOURS, number, store.kind)
        with site.stopwatch.step("neighbours"), replaced(backup.file(stored)) as stream:
            described = _CARRIERS[store.kind].save(store, site.project.owner, stream, site.notes)
        entries.append(_entry(_told(store, stored, described)))
    return tuple(entries)


def _entry(plain: Any) -> NeighbourEntry:
    """Raises ValueError."""
    entry: NeighbourEntry = read_as(NeighbourEntry, plain, "neighbours")
    _carrier(entry).check_version(entry.version)
    return entry


def _carrier(entry: NeighbourEntry) -> Carrier[Any]:
    """Raises ValueError for a kind that is not known."""
    if entry.kind not in _CARRIERS:
        raise ValueError("neighbours.kind")
    return _CARRIERS[entry.kind]


# --- on new


@dataclass(frozen=True)
class Load:
    """One store that is filled out of the set."""

    entry: NeighbourEntry
    store: Kept

    @property
    def name(self) -> str:
        """The setting that names it on both hosts; the record's name for it."""
        return self.entry.settings[0]


def obstacles_on_new(project: Project, told: Sequence[Any], record: Record) -> List[Obstacle]:
    """Return what would keep what old holds from being restored here, while old serves.

    :param told: what :func:`look_on_old` told
    """
    found: List[Obstacle] = []
    if not told:
        return found
    try:
        entries = [_entry(item) for item in told]
    except ValueError as exc:
        raise RelocateError(
            "answer_refused",
            "what old reported about what is carried has another form than in this version, in {0}".format(exc),
            "find what answers on old in place of relocate.django",
        ) from None
    there: Optional[List[Kept]] = collect(found, lambda: of_project(project))
    for entry in entries if there is not None else ():
        collect(found, lambda entry=entry: _checked(entry, there or [], project.owner, record))  # type: ignore[misc]
    return found


def plan(
    site: Site, manifest: Manifest, digest: str, record: Record, loads: bool, takes: bool = True
) -> Tuple[Load, ...]:
    """Decide what is filled; nothing is written.

    :param loads: whether a database of the site is restored in this run; what came with it is then filled anew
    :param takes: whether anything is filled at all
    Raises neighbour_missing, neighbour_not_blank, neighbour_older, same_host, manifest_invalid.
    """
    todo = [item for item in manifest.neighbours if loads or record.neighbours.get(item.settings[0]) != digest]
    if not (takes and todo):
        return ()
    there = of_project(site.project)
    return tuple(_checked(entry, there, site.project.owner, record) for entry in todo)


def _checked(entry: NeighbourEntry, there: Sequence[Kept], owner: SystemUser, record: Record) -> Load:
    """Find where an entry goes, and refuse what would not take it."""
    try:
        carrier = _carrier(entry)
        carrier.check_version(entry.version)
    except ValueError as exc:
        raise RelocateError(
            "manifest_invalid", "the set holds what this version does not know ({0})".format(exc), "use another set"
        ) from None
    fits = (item for item in there if item.kind == entry.kind and set(item.settings) & set(entry.settings))
    store = next(fits, None)
    if store is None:
        raise RelocateError(
            "neighbour_missing",
            "{0} names no {1} on this host, and what {2} holds is to be carried there".format(
                ", ".join(entry.settings[:3]), entry.kind, entry.place
            ),
            "let the settings of new name one that is there (relocate_env_overrides, relocate_packages);"
            " a set made without relocate_neighbours_carried needs none",
        )
    load = Load(entry, store)
    carrier.check(entry, store, owner, _is_ours(load, record))
    return load


def _is_ours(load: Load, record: Record) -> bool:
    """Tell whether what is there came with an earlier attempt, and nobody has used it since.

    The settings may name another place than then, which is somebody else's: so the record knows it too.
    """
    filled_before = {load.name, load.store.place} <= set(record.neighbours)
    return filled_before and not record.has_served() and not record.served_with


@contextlib.contextmanager
def filled(site: Site, loads: Sequence[Load], backup: BackupSet, digest: str, kept: RecordFile) -> Iterator[None]:
    """Fill stores and compare them; when that fails, or what is done in the block, that is taken back.

    Raises neighbour_not_blank, neighbour_failed, data_differs, file_differs.
    """
    begun: List[Filling] = []
    try:
        for load in loads:
            with site.stopwatch.step("neighbours"):
                path, is_ours = backup.content(load.entry.stored), _is_ours(load, kept.record)
                filling = _carrier(load.entry).filling(load.entry, load.store, site.project.owner, path, is_ours)
                # Noted first: a run that dies here leaves what the next one may remove.
                noted = {**kept.record.neighbours, load.name: digest, load.store.place: digest}
                kept.write(replace(kept.record, neighbours=noted))
                begun.append(filling)
                filling.fill(site.notes)
        yield
    except BaseException:
        for filling in begun:
            with contextlib.suppress(RelocateError):
                filling.remove()
        raise
