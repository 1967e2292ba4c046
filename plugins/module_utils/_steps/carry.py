# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carries databases of Redis with the site, where the user says so (relocate_neighbours_carried).

On old their keys become files of the backup set, once the site is frozen. On new they are restored into the database
that the same setting names there, compared key by key, and removed again when the restore fails.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import IO, Any, Dict, Iterator, List, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._discover import here
from ansible_collections.relocate.django.plugins.module_utils._discover.servers import address
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host.files import make_directory, replaced
from ansible_collections.relocate.django.plugins.module_utils._model import Obstacle, SystemUser
from ansible_collections.relocate.django.plugins.module_utils._project import probe
from ansible_collections.relocate.django.plugins.module_utils._project.project import Project
from ansible_collections.relocate.django.plugins.module_utils._record.record import Record, RecordFile
from ansible_collections.relocate.django.plugins.module_utils._redis import copy, resp
from ansible_collections.relocate.django.plugins.module_utils._redis.client import Client, connected
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import (
    NEIGHBOURS,
    KeysEntry,
    Manifest,
    read_as,
)
from ansible_collections.relocate.django.plugins.module_utils._site import Site, collect
from ansible_collections.relocate.django.plugins.module_utils._steps import belongings, stores
from ansible_collections.relocate.django.plugins.module_utils._steps.stores import Store

_TOPICS = ("neighbours", "logins")
_SECONDS = 120.0  # for one answer: a value may be large


def of_project(project: Project) -> List[Store]:
    """Return the databases of Redis on this host that the settings name. Raises what the probe raises."""
    return stores.of_redis(probe.ask(project, _TOPICS), belongings.this_host())


def chosen(found: Sequence[Store], names: Sequence[str]) -> List[Store]:
    """Return the databases that the user names, by their addresses or by settings. Raises bad_option."""
    picked = {name: _named(found, name) for name in names}
    unknown = [without_login(name) for name, store in picked.items() if store is None]
    if unknown:
        raise RelocateError(
            "bad_option",
            "relocate_neighbours_carried names what is no database of redis of the site on this host: {0}".format(
                ", ".join(unknown)
            ),
            "those that can be carried: {0}".format(", ".join(store.database.place for store in found) or "none"),
        )
    return list(dict.fromkeys(store for store in picked.values() if store is not None))


def _named(found: Sequence[Store], name: str) -> Optional[Store]:
    return next((store for store in found if is_named(store, name)), None)


def without_login(name: str) -> str:
    """Return an address as it may be shown: a user may have written its password too."""
    scheme, found, rest = name.partition("://")
    return scheme + found + rest.rpartition("@")[2].partition("?")[0] if found else name


def is_named(store: Store, name: str) -> bool:
    """Tell whether a name is a setting of a database, or its address; localhost is 127.0.0.1."""
    if name in (*store.settings, store.database.place):
        return True
    meant = address(name, "", "", "") if "://" in name else None
    if meant is None or meant.kind != "redis" or not here.is_here(meant, belongings.this_host()):
        return False
    return (
        store.database.place
        == replace(
            store.database,
            host=store.database.host if not meant.path else "",
            port=meant.port or store.database.port,
            path=meant.path,
            number=int(meant.database) if stores.NUMBER.match(meant.database) and meant.database else 0,
        ).place
    )


@contextlib.contextmanager
def _opened(store: Store, owner: SystemUser) -> Iterator[Client]:
    with connected(store.database, owner, seconds=_SECONDS, limit=resp.LARGE) as client:
        yield client


# --- on old


def look_on_old(
    found: Sequence[Store], names: Sequence[str], owner: SystemUser, obstacles: List[Obstacle]
) -> Tuple[List[Store], List[Dict[str, Any]]]:
    """Return the databases that will be carried, and what new must know of them before the freeze."""
    picked: List[Store] = collect(obstacles, lambda: chosen(found, names)) or []
    told = [collect(obstacles, lambda store=store: _described(store, owner)) for store in picked]  # type: ignore[misc]
    return picked, [item for item in told if item is not None]


def _described(store: Store, owner: SystemUser) -> Dict[str, Any]:
    with connected(store.database, owner) as client:
        version, run = copy.server(client)
        return {
            "settings": list(store.settings),
            "place": store.database.place,
            "stored": "",
            "keys": client.number("DBSIZE"),
            "server": "{0}/{1}".format(run, store.database.number),
            "version": copy.as_plain(version),
        }


def save_all(site: Site, backup: BackupSet, names: Sequence[str]) -> Tuple[KeysEntry, ...]:
    """Write the keys of the databases that are carried into the set. Raises bad_option, neighbour_failed."""
    if not names:
        return ()
    entries = []
    make_directory(backup.file(NEIGHBOURS), 0o700)
    for number, store in enumerate(chosen(of_project(site.project), names), 1):
        told = _described(store, site.project.owner)
        stored = "{0}/{1}.redis".format(NEIGHBOURS, number)
        with site.stopwatch.step("neighbours"), replaced(backup.file(stored)) as stream:
            count = _saved(store, site.project.owner, stream)
        entries.append(_entry({**told, "stored": stored, "keys": count}))
    return tuple(entries)


def _saved(store: Store, owner: SystemUser, stream: IO[bytes]) -> int:
    with _opened(store, owner) as client:
        return copy.save(client, stream)


def _entry(plain: Any) -> KeysEntry:
    """Raises ValueError."""
    entry: KeysEntry = read_as(KeysEntry, plain, "neighbours")
    copy.from_plain(dict(entry.version))
    return entry


# --- on new


@dataclass(frozen=True)
class Load:
    """One database that is filled out of the set."""

    entry: KeysEntry
    store: Store

    @property
    def name(self) -> str:
        """The setting that names it on both hosts; the record's name for it."""
        return self.entry.settings[0]


def obstacles_on_new(project: Project, told: Sequence[Any], record: Record) -> List[Obstacle]:
    """Return what would keep the keys of old from being restored here, while old serves.

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
            "what old reported about redis has another form than in this version, in {0}".format(exc),
            "find what answers on old in place of relocate.django",
        ) from None
    there: Optional[List[Store]] = collect(found, lambda: of_project(project))
    for entry in entries if there is not None else ():
        collect(found, lambda entry=entry: _checked(entry, there or [], project.owner, record))  # type: ignore[misc]
    return found


def plan(site: Site, manifest: Manifest, digest: str, record: Record, loads: bool) -> Tuple[Load, ...]:
    """Decide which databases of Redis are filled; nothing is written.

    :param loads: whether a database of the site is restored in this run; what came with it is then filled anew
    Raises neighbour_missing, neighbour_not_blank, neighbour_older, same_host.
    """
    todo = [item for item in manifest.neighbours if loads or record.neighbours.get(item.settings[0]) != digest]
    if not todo:
        return ()
    there = of_project(site.project)
    return tuple(_checked(entry, there, site.project.owner, record) for entry in todo)


def _checked(entry: KeysEntry, there: Sequence[Store], owner: SystemUser, record: Record) -> Load:
    """Find where an entry goes, and refuse what would not take it."""
    store = next((item for item in there if set(item.settings) & set(entry.settings)), None)
    if store is None:
        raise RelocateError(
            "neighbour_missing",
            "{0} names no redis on this host, and the keys of {1} are to be carried there".format(
                ", ".join(entry.settings[:3]), entry.place
            ),
            "let the settings of new name one that is there (relocate_env_overrides, relocate_packages);"
            " a set made without relocate_neighbours_carried needs none",
        )
    with connected(store.database, owner) as client:
        version, run = copy.server(client)
        wanted, place = copy.from_plain(dict(entry.version)), store.database.place
        if entry.server == "{0}/{1}".format(run, store.database.number):
            raise RelocateError(
                "same_host",
                "refusing: {0} is the database of redis that old uses".format(place),
                "give new another database number, or a server of its own",
            )
        if not version.reads(wanted):
            raise RelocateError(
                "neighbour_older",
                "{0} is {1}, and old has {2}: it cannot read the keys of that".format(place, version, wanted),
                "install a later version on new, or back up without relocate_neighbours_carried",
            )
        _refuse_foreign(client, Load(entry, store), record)
    return Load(entry, store)


def _refuse_foreign(client: Client, load: Load, record: Record) -> None:
    """Raises neighbour_not_blank unless the database is empty, or holds what an earlier attempt brought."""
    count = client.number("DBSIZE")
    if count and (load.name not in record.neighbours or record.has_served() or record.served_with):
        place = load.store.database.place
        raise RelocateError(
            "neighbour_not_blank",
            "{0} holds {1} keys that did not come from old in this move".format(place, count),
            "empty it when nobody needs them (FLUSHDB), or let the settings of new name another database number",
        )


@contextlib.contextmanager
def filled(site: Site, loads: Sequence[Load], backup: BackupSet, digest: str, kept: RecordFile) -> Iterator[None]:
    """Fill databases and compare them; when that fails, or what is done in the block, they are emptied again.

    Raises neighbour_not_blank, neighbour_failed, data_differs, file_differs.
    """
    begun: List[Load] = []
    try:
        for load in loads:
            with site.stopwatch.step("neighbours"), _opened(load.store, site.project.owner) as client:
                _refuse_foreign(client, load, kept.record)
                # Noted first: a run that dies here leaves what the next one may remove.
                kept.write(replace(kept.record, neighbours={**kept.record.neighbours, load.name: digest}))
                begun.append(load)
                client.ask("FLUSHDB")
                _fill(client, load, backup, site.notes)
        yield
    except BaseException:
        for load in begun:
            with contextlib.suppress(RelocateError), _opened(load.store, site.project.owner) as client:
                client.ask("FLUSHDB")
        raise


def _fill(client: Client, load: Load, backup: BackupSet, notes: List[str]) -> None:
    place = load.store.database.place
    path = backup.file(load.entry.stored)
    with open(path, "rb") as stream:
        copy.load(client, stream)
    with open(path, "rb") as stream:
        found = copy.compare(client, stream)
    if found.equal + found.expired != load.entry.keys or found.differences:
        raise RelocateError(
            "data_differs",
            "{0} holds {1} of {2} keys of the set as they were: {3}".format(
                place, found.equal, load.entry.keys, "; ".join(found.differences) or "some are missing"
            ),
            "see what else writes to it, then run the same command again",
        )
    expired = ", {0} have expired meanwhile".format(found.expired) if found.expired else ""
    notes.append("{0}: {1} keys were carried over from {2} and compared{3}".format(
        place, found.equal, load.entry.place, expired
    ))  # fmt: skip
