# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The manifest: what a backup set holds, and its text. The only file that knows the manifest's keys.

A manifest comes from a disk, from another host, from somebody's hands: every value is checked against the type that is
declared here before anybody else sees it, and its own checksum tells an accident from what was written. The checksum
keeps nobody from editing: that is what pins are for (``_set/pins.py``).
"""

from __future__ import annotations

import collections.abc
import dataclasses
import datetime
import hashlib
import json
import typing
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import (
    DatabaseFacts,
    DatabaseState,
    Directory,
    DumpFile,
    FileEntry,
    Fixture,
    Software,
    as_plain,
)

FORMAT = 1
TOOL = "relocate.django 0.1.0"
MANIFEST = "manifest.json"
DATABASES, NEIGHBOURS, CHANGES = "databases", "neighbours", "changes"
#: What is known before the freeze, for the checkout on new; the manifest, when it is there, is what holds.
PREPARED = "prepared.json"
#: The files of an encrypted set that everybody can read.
READABLE = (MANIFEST, PREPARED)
_CLOSED = ".age"
#: How the file with MEDIA begins, whether it is compressed or not.
ARCHIVE = "media.tar"
#: The keys that are no fields of a Manifest.
_FORMAT, _CHECKSUM = "format", "checksum"


@dataclass(frozen=True)
class DatabaseEntry:
    """One alias in a set: who served it, where its dump lies, and what must be there after a load."""

    config: Mapping[str, Any]  # DatabaseConfig.public()
    dump: DumpFile
    facts: DatabaseFacts
    state: DatabaseState
    migrations: Tuple[str, ...] = ()
    fixture: Optional[Fixture] = None  # the same rows in a second form, when asked for
    catch_up: str = ""  # what changed since the dump was made, relative to the set; state is with it
    changes: str = ""  # the stream of changes that comes between the dump and the catch-up, relative to the set


@dataclass(frozen=True)
class UnversionedFile:
    """A file that git does not hold: where it lay and where the set keeps it."""

    path: str  # absolute, on old: where that is on new, ``_set/relocation.py`` tells
    stored: str  # relative to the set; empty for a symbolic link
    mode: int
    owner: str
    group: str
    link: str = ""  # target, when it is a symbolic link


@dataclass(frozen=True)
class NeighbourEntry:
    """What one server beside the site holds of it, and is carried: a database of Redis, a virtual host of RabbitMQ."""

    settings: Tuple[str, ...]  # that name it; on new the same ones do
    place: str  # its address on old, without credentials
    stored: str  # relative to the set
    keys: int  # of Redis; of RabbitMQ its definitions
    server: str  # which process or machine served it, and its number or name there
    version: Mapping[str, int]
    kind: str = "redis"
    user: str = ""  # with whom the settings log in to RabbitMQ


@dataclass(frozen=True)
class Manifest:
    """All that is known about a set; what manifest.json holds."""

    label: str
    site: str
    created: str  # ISO 8601, UTC
    host: Mapping[str, Any]
    code: Mapping[str, Any]  # as_plain(Revision) and the names of bundle and patch
    django: Mapping[str, Any]  # versions, settings module, MEDIA_ROOT, ...; no secret
    owner: Mapping[str, Any]
    databases: Mapping[str, DatabaseEntry] = field(default_factory=dict)
    media: Mapping[str, Any] = field(default_factory=dict)
    unversioned: Tuple[UnversionedFile, ...] = ()
    files: Tuple[FileEntry, ...] = ()
    tool: str = TOOL
    directories: Tuple[Directory, ...] = ()  # above all that is moved, as they were
    sequence: int = 0  # of the sets that the host made of the site: clocks jump
    neighbours: Tuple[NeighbourEntry, ...] = ()  # what lies in other servers
    recipients: Tuple[str, ...] = ()  # public keys of age, to which each file is encrypted; none: files are plain
    software: Software = field(default_factory=Software)  # what the site uses of its host's system

    def plain_names(self) -> List[str]:
        """Return the files by their names before they were encrypted."""
        ends = len(_CLOSED) if self.recipients else 0
        return [one.path if one.path in READABLE or not ends else one.path[:-ends] for one in self.files]


@dataclass(frozen=True)
class Prepared:
    """The part of the manifest that the checkout on new needs, known before the freeze."""

    code: Mapping[str, Any]
    django: Mapping[str, Any]
    owner: Mapping[str, Any]
    unversioned: Tuple[UnversionedFile, ...]
    directories: Tuple[Directory, ...] = ()
    software: Software = field(default_factory=Software)


_NAMES = Tuple[str, ...]


@dataclass(frozen=True)
class Rights:
    """Owners and modes of MEDIA, as ``_media/owners.py`` records and reads them."""

    places: Mapping[str, Tuple[str, str, int]]
    digest: str
    users: Tuple[str, ...]
    groups: Tuple[str, ...]
    more: int


#: What the mappings hold that others rely on, each with its type. Those in _NEEDED must be there.
_SHAPES: Dict[str, Dict[str, Any]] = {
    "host": dict.fromkeys(("name", "machine_id", "distribution", "family", "python"), str),
    "code": {
        **dict.fromkeys(("commit", "branch", "remote", "described", "bundle", "patch", "prefix"), str),
        **dict.fromkeys(("vcs", "archive", "listing", "uuid"), str),  # of other code than git's
        **dict.fromkeys(("files", "bytes"), int),
        "dirty": bool,
        "migrations": Mapping[str, Mapping[str, _NAMES]],
    },
    "django": {
        **dict.fromkeys(("version", "python", "requires_python", "path", "interpreter", "settings"), str),
        "media_root": Optional[str],
    },
    "owner": {"name": str, "home": str, "home_mode": str, "uid": int},
    "media": {
        **dict.fromkeys(("root", "stored", "digest", "unread"), str),
        **dict.fromkeys(("files", "links", "bytes", "skipped"), int),
        "skip": _NAMES,
        "skipped_names": _NAMES,
        "archived": Mapping[str, int],
        "rights": Rights,
    },
    "config": {
        **dict.fromkeys(("alias", "engine", "backend", "name", "user", "host"), str),
        "has_password": bool,
        "port": Optional[int],
    },
}
_NEEDED = {
    "host": ("name", "machine_id"),
    "code": ("commit",),
    "owner": ("name",),
    "config": ("name",),
}
#: What must be there as well when the set holds MEDIA.
_STORED = ("digest", "archived")


def as_text(manifest: Manifest) -> str:
    """The manifest as JSON text."""
    return text_of(dict(as_plain(manifest), format=FORMAT))


def text_of(plain: Mapping[str, Any]) -> str:
    """JSON text of what a manifest holds, with its checksum."""
    bare = {key: value for key, value in plain.items() if key != _CHECKSUM}
    return _json(dict(bare, checksum=_checksum(bare)))


def _json(plain: Mapping[str, Any]) -> str:
    return json.dumps(plain, indent=1, sort_keys=True, ensure_ascii=True) + "\n"


def _checksum(plain: Mapping[str, Any]) -> str:
    return hashlib.sha256(_json(plain).encode("ascii")).hexdigest()


def _checksum_read(plain: Mapping[str, Any]) -> str:
    """That of a manifest that was read; "" for one that is nested more deeply than any that was written."""
    try:
        return _checksum(dict(plain, format=FORMAT))
    except RecursionError:
        return ""


def digest_of(text: str) -> str:
    """The sha256 of a manifest's text: the set's identity."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def from_text(text: str, where: str = MANIFEST) -> Manifest:
    """The inverse of :func:`as_text`.

    Raises manifest_invalid, manifest_edited when the checksum differs, or format_unknown for a newer format.
    """
    try:
        plain = json.loads(text)
        version = plain.pop(_FORMAT)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as exc:
        raise RelocateError(
            "manifest_invalid", "{0} is not a manifest".format(where), "use another backup set"
        ) from exc
    if version != FORMAT or isinstance(version, bool):
        raise RelocateError(
            "format_unknown",
            "{0} has format {1}, this version reads {2}".format(where, version, FORMAT),
            "upgrade relocate.django",
        )
    checksum = plain.pop(_CHECKSUM, None)
    if checksum is not None and checksum != _checksum_read(plain):
        raise RelocateError(
            "manifest_edited",
            "{0} is not the manifest that was written: its checksum differs".format(where),
            "transfer the set again, or use another one",
        )
    try:
        if checksum is None:
            raise ValueError(_CHECKSUM)
        manifest: Manifest = read_as(Manifest, plain, "manifest")
        _check(manifest)
        return manifest
    except ValueError as exc:
        raise RelocateError(
            "manifest_invalid", "{0} lacks what a manifest holds ({1})".format(where, exc), "use another backup set"
        ) from exc


def prepared_from(plain: Any) -> Prepared:
    """Return what a set tells before it has a manifest. Raises ValueError naming what is wrong."""
    prepared: Prepared = read_as(Prepared, plain, "prepared")
    for name in ("code", "django", "owner"):
        _shaped(name, getattr(prepared, name))
    return prepared


def created_at(manifest: Manifest) -> datetime.datetime:
    """Return when the set was made, by its host's clock. Raises ValueError."""
    moment = datetime.datetime.fromisoformat(manifest.created)
    if moment.tzinfo is None:
        raise ValueError("created")
    return moment


def _check(manifest: Manifest) -> None:
    """Check what types cannot say. Raises ValueError."""
    created_at(manifest)
    for name in ("host", "code", "django", "owner", "media"):
        _shaped(name, getattr(manifest, name))
    if manifest.media.get("stored"):
        _check_stored(manifest.media)
    _check_files(manifest)
    for alias, entry in manifest.databases.items():
        _check_entry(alias, entry)


def _check_files(manifest: Manifest) -> None:
    names = manifest.plain_names()
    if manifest.recipients and any(not one.path.endswith((_CLOSED, *READABLE)) for one in manifest.files):
        raise ValueError("recipients")
    archives = [name for name in names if name.startswith(ARCHIVE)]
    if archives and manifest.media.get("stored") not in archives:
        raise ValueError("media.stored")  # MEDIA that is there would be left out
    _check_neighbours(manifest.neighbours, names)


def _check_entry(alias: str, entry: DatabaseEntry) -> None:
    _shaped("config", entry.config)
    for name, path in (("dump.path", entry.dump.path), ("catch_up", entry.catch_up)):
        if not path.startswith(DATABASES + "/") and (path or name != "catch_up"):
            raise ValueError("databases.{0}.{1}".format(alias, name))


def _check_neighbours(entries: Tuple[NeighbourEntry, ...], paths: Sequence[str]) -> None:
    named = {item.stored for item in entries}
    if any(path.startswith(NEIGHBOURS + "/") and path not in named for path in paths):
        raise ValueError("neighbours")  # keys that are there would be left out
    for item in entries:
        if not item.settings or not item.stored.startswith(NEIGHBOURS + "/"):
            raise ValueError("neighbours")


def _check_stored(media: Mapping[str, Any]) -> None:
    missing = [key for key in _STORED if key not in media]
    missing += [key for key in ("files", "bytes") if key not in media.get("archived", {})]
    for key in missing:
        raise ValueError("media." + key)


def _shaped(name: str, found: Mapping[str, Any]) -> None:
    for key in _NEEDED.get(name, ()):
        if key not in found:
            raise ValueError("{0}.{1}".format(name, key))
    for key, kind in _SHAPES[name].items():
        if key in found and not (kind is Rights and found[key] == {}):  # MEDIA that was not looked at
            read_as(kind, found[key], "{0}.{1}".format(name, key))


def read_as(kind: Any, value: Any, where: str) -> Any:
    """A value of JSON as the declared type has it, with all it holds. Raises ValueError naming the place.

    :param kind: a dataclass, a scalar, or Tuple[X, ...], Tuple[X, Y], Mapping[str, X], Optional[X], Any
    """
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return value
    if origin is Union:
        return None if value is None else read_as(args[0], value, where)
    if origin is tuple:
        return _tuple_of(args, _of(list, value, where), where)
    if origin is collections.abc.Mapping:
        return {key: read_as(args[1], item, where + "." + key) for key, item in _of(dict, value, where).items()}
    if dataclasses.is_dataclass(kind):
        return _built(kind, _of(dict, value, where), where)
    return _of(kind, value, where)


def _tuple_of(args: Tuple[Any, ...], items: List[Any], where: str) -> Tuple[Any, ...]:
    kinds = [args[0]] * len(items) if args[-1] is Ellipsis else args
    if len(kinds) != len(items):
        raise ValueError(where)
    return tuple(
        read_as(one, item, "{0}[{1}]".format(where, number)) for number, (one, item) in enumerate(zip(kinds, items))
    )


def _of(kind: Any, value: Any, where: str) -> Any:
    # A truth value is a number to Python, and none in a manifest.
    if not isinstance(value, kind) or isinstance(value, bool) != (kind is bool):
        raise ValueError(where)
    return value


#: Fields that sets of earlier versions lack. What they would name lies in the set, so a lack is seen all the same.
_LATER = (
    (Manifest, "neighbours"),
    (Manifest, "recipients"),
    (Manifest, "software"),
    (Prepared, "software"),
    (NeighbourEntry, "kind"),
    (NeighbourEntry, "user"),
    (DatabaseEntry, "catch_up"),
)


def _built(kind: Any, plain: Mapping[str, Any], where: str) -> Any:
    hints, fields = typing.get_type_hints(kind), {item.name: item for item in dataclasses.fields(kind)}
    surplus = sorted(set(plain) - set(fields))
    missing = [name for name in fields if name not in plain and (kind, name) not in _LATER]
    for name in [*surplus, *missing]:
        raise ValueError(where + "." + name)
    return kind(**{name: read_as(hints[name], item, where + "." + name) for name, item in plain.items()})
