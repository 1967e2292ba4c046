# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The record that we keep of a site on a host: what earlier runs did there.

Each key is a field with its meaning, here and in ``keys``; docs/record.md is made of them. Nobody else knows a key:
whoever needs the record gets a :class:`Record`, asks it questions, and changes it by :func:`update_record`.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, fields, replace
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple, Union

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host.files import make_directory, write_atomically
from ansible_collections.relocate.django.plugins.module_utils._record.keys import (
    Begun,
    Event,
    Forward,
    Freeze,
    Grant,
    Marks,
    Media,
    Migrated,
    Proof,
    UnitBefore,
    Upgrade,
    by_name,
    key,
    list_of,
    number,
    object_key,
    objects_by_name,
    read_object,
    text,
    whole,
    written,
)

_RECORD = ".json"
_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")
#: What stands before the new host in the id of a run.
TO = " -> "
#: Stands for a digest while something is being done whose end will be noted: migrations, a clone's sanitising, MEDIA.
MIGRATING, SANITISING, BRINGING = "migrating", "sanitising", "begun"
#: The states of :class:`Migrated`.
MIGRATIONS_BEGUN, MIGRATIONS_APPLIED = "begun", "applied"


@dataclass(frozen=True)
class Record:
    """What earlier runs wrote down about a site on this host."""

    restored: Mapping[str, str] = by_name(
        "alias -> digest of the manifest of the set that live came from; `migrating` and `sanitising` meanwhile", text
    )
    places: Mapping[str, str] = by_name(
        "alias -> the database that was restored; settings may name another one since", text
    )
    begun: Mapping[str, Begun] = objects_by_name("alias -> a swap that was begun, until its end is noted", Begun)
    copied: Mapping[str, str] = by_name(
        "alias -> digest of the first copy that incoming holds, until a restore begins with it", text
    )
    rolling: Tuple[str, ...] = key("aliases whose previous databases are being put back", list_of(text), ())
    migrated: Optional[Migrated] = object_key("migrations that were begun or applied since", Migrated)
    sanitised: Mapping[str, str] = by_name(
        "alias -> digest of the manifest of the set that a clone's database came from, once it was sanitised", text
    )
    moved: Optional[Event] = object_key(
        "the site serves here; noted before its first unit starts, and databases must be kept from then on", Event
    )
    served: Optional[Event] = object_key("it served here, and was stopped", Event)
    served_with: Tuple[str, ...] = key(
        "aliases that it served with, when others have been restored since", list_of(text), ()
    )
    freeze: Optional[Freeze] = object_key("how the units were before a run stopped them", Freeze)
    retired: Optional[Event] = object_key("another host took over", Event)
    cron_silenced: Tuple[str, ...] = key(
        "tables of cron in which lines of the site are commented out: paths, and users whose crontabs they are",
        list_of(text),
        (),
    )
    cron_added: Tuple[str, ...] = key("tables of cron that lines of the site were added to", list_of(text), ())
    maintenance: str = key("the file by which nginx shows a page in place of the site")
    forward: Optional[Forward] = object_key("visitors who still come to this host are sent on to new", Forward)
    sequence: int = key("the number of the newest backup set", whole, 0)
    set_times: Mapping[str, float] = by_name(
        "set -> when it was made, in seconds since 1970, once that is sure: clocks jump", number
    )
    found_equal: Mapping[str, Proof] = objects_by_name("set -> a restore loaded it here, and all was equal", Proof)
    pushed: Mapping[str, str] = by_name("set -> digest of its manifest, as this host pushed it to a repository", text)
    marks: Optional[Marks] = object_key("signs of what frozen databases held when dumped", Marks)
    media: Optional[Media] = object_key("MEDIA_ROOT, as we filled it", Media)
    media_filled: Tuple[str, ...] = key(
        "buckets of object storage that a move filled: server, bucket and prefix", list_of(text), ()
    )
    media_restored: str = key(
        "digest of the manifest of the set whose MEDIA was brought: that happens once; `begun` until it is done"
    )
    neighbours: Mapping[str, str] = by_name(
        "setting, and its server's address here (redis, rabbitmq) -> digest of the manifest of the set that filled it",
        text,
    )
    upgrade: Optional[Upgrade] = object_key(
        "the site was switched to another revision here, or is being switched", Upgrade
    )
    grant: Optional[Grant] = object_key("the one-time key of a transfer, while it is let in", Grant)
    #: Keys of another version, which are kept as they are.
    others: Mapping[str, Any] = by_name("", lambda value: value)

    # --- questions

    def has_served(self) -> bool:
        """Tell whether the site has taken in data here."""
        return bool(self.moved or self.served)

    def has_served_with(self, alias: str) -> bool:
        """Tell whether it has taken in data here since that database was restored."""
        return self.has_served() or alias in self.served_with

    def served_and_stopped(self, label: str) -> bool:
        """Tell whether the site served here from this set, and a run has stopped it."""
        return self.moved is None and self.served is not None and self.served.label == label

    def serves_from(self) -> str:
        """The set by which the site came to serve here; empty when it does not."""
        return _label(self.moved)

    def is_stopped(self) -> bool:
        """Tell whether a run has frozen or retired the site, and nobody started it again since."""
        return bool(self.freeze or self.retired)

    def is_retired(self) -> bool:
        """Tell whether the site is retired, and no run has frozen it since."""
        return bool(self.retired) and not (self.freeze and self.freeze.earlier is not None)

    def serves_elsewhere(self) -> bool:
        """Tell whether another host serves the site, or is about to."""
        return bool(self.is_held() or self.retired)

    def is_held(self) -> bool:
        """Tell whether it was frozen and new is about to serve."""
        return bool(self.freeze and self.freeze.held)

    def is_frozen_by(self, run: str, label: str = "") -> bool:
        """Tell whether the site was frozen by this run, for this set; an empty one of the two is not compared."""
        return (self.freeze or Freeze()).is_of(label, run)

    def came_back(self) -> bool:
        """Tell whether a site that was retired serves here again."""
        moved, retired = self.moved, self.retired or Event()
        return moved is not None and (moved.at >= retired.at or moved.label == retired.label)

    def frozen_by_another(self, run: str, now: float, uptime: float) -> str:
        """Return which run to another new host has frozen the site, and neither ended nor let the limit pass; or "".

        :param now: seconds since 1970
        :param uptime: seconds since the host started
        """
        freeze = self.freeze
        if freeze is None or not freeze.run or freeze.run.rpartition(TO)[2] == run.rpartition(TO)[2]:
            return ""
        if self.is_retired():
            return ""
        age = now - freeze.at
        # A limit that has passed, or a reboot, has started the site again; a held one stays down through both.
        over = not freeze.held and freeze.limit > 0 and (age >= freeze.limit or age > uptime)
        return "" if over else freeze.run

    def units_before(self, all_of_it: bool = False) -> Dict[str, UnitBefore]:
        """Return how each unit was before the site was frozen; with ``all_of_it`` before it was retired too."""
        return self.freeze.before(all_of_it) if self.freeze else {}

    def migrations_unfinished(self) -> bool:
        """Tell whether migrations were begun and did not end."""
        return self.migrated is not None and self.migrated.state == MIGRATIONS_BEGUN

    def migrated_state(self, alias: str) -> Optional[Mapping[str, Any]]:
        """Return what a database held after migrations were applied; None when none were."""
        return self.migrated.states.get(alias) if self.migrated else None

    def mark_of(self, alias: str, label: str) -> Any:
        """The sign of what a database held when it was dumped frozen for this set; None when none was noted."""
        return self.marks.aliases.get(alias) if self.marks and self.marks.label == label else None

    def media_at(self, path: str) -> Optional[Media]:
        """Return what is known of MEDIA_ROOT, provided it is this directory."""
        return self.media if self.media and self.media.path == path else None

    def told(self) -> Dict[str, Any]:
        """Return what the playbooks go by: answers, and no key of ours."""
        ran = self._units_of_freezes()
        return {
            "serves_from": self.serves_from(),
            "served": self.served is not None,
            "served_from": _label(self.served),
            "retired": self.retired is not None,
            "retired_by": _label(self.retired),
            "held_for": _label(self.freeze) if self.is_held() else "",
            "cut_short": self.freeze is not None and self.retired is None,
            "ran": list(dict.fromkeys(item.name for item in ran if item.active)),
            "enabled": list(dict.fromkeys(item.name for item in ran if item.enabled)),
        }

    def _units_of_freezes(self) -> List[UnitBefore]:
        """Give the units of the freeze, and those of the one before it."""
        freezes = (self.freeze, self.freeze and self.freeze.earlier)
        return [item for freeze in freezes if freeze for item in freeze.units]


def _label(noted: Union[Event, Freeze, None]) -> str:
    return noted.label if noted else ""


@dataclass(frozen=True)
class Change:
    """What one step writes down: wherever two records differ, the second; all else stays as it is by then."""

    before: Record
    after: Record

    def __bool__(self) -> bool:
        return self.before != self.after

    def __call__(self, latest: Record) -> Record:
        """The latest record with the change in it."""
        new = {one.name: getattr(self.after, one.name) for one in fields(Record)}
        return replace(latest, **{name: new[name] for name in new if new[name] != getattr(self.before, name)})

    def taken_back(self) -> Change:
        """The opposite change."""
        return Change(self.after, self.before)


#: What a swap changes in a record, and a swap back brings back.
_OF_SWAP = ("restored", "places", "migrated", "moved", "served", "served_with")
UPGRADE_BEGUN, UPGRADE_DONE = "begun", "done"


def of_swap(record: Record) -> Dict[str, Any]:
    """Return what is to be kept of a record before a swap, for :func:`before_swap`."""
    plain = as_plain(record)
    return {name: plain[name] for name in _OF_SWAP if name in plain}


def before_swap(record: Record, kept: Mapping[str, Any]) -> Record:
    """The record once the databases of before are live again.

    :param kept: what :func:`of_swap` returned before the swap
    """
    then = from_plain(kept)
    return replace(record, **{name: getattr(then, name) for name in _OF_SWAP}, begun={}, rolling=())


# --- on disk


def check_site_name(site: str) -> str:
    """The name, or bad_option: it becomes a directory and part of unit and key names."""
    if not _NAME.fullmatch(site):
        raise RelocateError(
            "bad_option",
            "{0!r} cannot be a site's name".format(site),
            "set relocate_site to letters, digits, dot, dash and underscore, 64 at most",
        )
    return site


def from_plain(data: Mapping[str, Any]) -> Record:
    """The record that a JSON object holds, whichever version wrote it. Raises ValueError."""
    known = {one.name for one in fields(Record)} - {"others"}
    record: Record = read_object(Record, {name: value for name, value in data.items() if name in known})
    return replace(record, others={name: value for name, value in data.items() if name not in known})


def as_plain(record: Record) -> Dict[str, Any]:
    """The JSON object of a record: what is at its default is left out."""
    return {**record.others, **written(replace(record, others={}))}


def read_record(directory: str, site: str) -> Record:
    """Return what earlier runs wrote down about the site on this host. Raises work_directory when it cannot be read."""
    try:
        with open(os.path.join(directory, check_site_name(site) + _RECORD), encoding="utf-8") as stream:
            data = json.load(stream)
        return from_plain(data if isinstance(data, dict) else {})
    except (FileNotFoundError, NotADirectoryError):
        return Record()
    except (OSError, ValueError) as exc:
        raise RelocateError(
            "work_directory",
            "the record of site {0} in {1} cannot be read".format(site, directory),
            "check what it is, then remove it",
        ) from exc


def update_record(directory: str, site: str, change: Callable[[Record], Record]) -> Record:
    """Write down what ``change`` makes of the record as it is by then, atomically; returns that."""
    make_directory(directory, 0o711)
    record = change(read_record(directory, site))
    text = json.dumps(as_plain(record), indent=1, sort_keys=True)
    write_atomically(os.path.join(directory, site + _RECORD), text)
    return record


@dataclass
class RecordFile:
    """A site's record on this host, as this run found it and wrote it."""

    directory: str
    site: str
    record: Record

    @classmethod
    def read(cls, directory: str, site: str) -> RecordFile:
        """Raises work_directory when it cannot be read."""
        return cls(directory, site, read_record(directory, site))

    def write(self, after: Record) -> None:
        """Write down, durably, what has become different."""
        change = Change(self.record, after)
        if change:
            self.record = update_record(self.directory, self.site, change)
