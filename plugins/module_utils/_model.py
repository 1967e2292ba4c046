# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The facts that travel between layers: frozen dataclasses, standard library only.

The names are the words of ``docs/architecture.md``. Nothing in here reads, writes or connects.
"""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass, field
from typing import Any, Dict, Mapping, Optional, Tuple


@dataclass(frozen=True)
class SystemUser:
    """A user of this host: whom a program runs as."""

    name: str
    uid: int
    gid: int
    groups: Tuple[int, ...] = ()
    home: str = "/"


@dataclass(frozen=True)
class Directory:
    """A directory above what is moved, and whose it is."""

    path: str  # absolute
    mode: int
    owner: str
    group: str

    def __post_init__(self) -> None:
        """Raises TypeError for what a host or a set says of one, and is none."""
        if not isinstance(self.mode, int) or not all(isinstance(i, str) for i in (self.path, self.owner, self.group)):
            raise TypeError("not a directory")


@dataclass(frozen=True)
class Login:
    """The administrator's login to a server. Without ``host`` the local peer login is used."""

    user: str = ""
    host: str = ""
    port: Optional[int] = None
    database: str = ""
    unix_socket: str = ""
    password: str = field(default="", repr=False)

    @property
    def given(self) -> bool:
        """True when the user set any of the ``login_*`` options."""
        return bool(self.user or self.host or self.port or self.unix_socket or self.password)


@dataclass(frozen=True)
class DatabaseConfig:
    """One alias of DATABASES, as the project's settings resolve it on this host."""

    alias: str
    engine: str  # a key of _engines.registry.ENGINES
    backend: str  # Django's dotted ENGINE
    name: str  # database name, or the absolute path of a SQLite file
    user: str = ""
    host: str = ""
    port: Optional[int] = None
    options: Mapping[str, Any] = field(default_factory=dict)
    time_zone: str = ""
    password: str = field(default="", repr=False)

    def public(self) -> Dict[str, Any]:
        """Everything but the password and OPTIONS (which may hold one)."""
        return {
            "alias": self.alias,
            "engine": self.engine,
            "backend": self.backend,
            "name": self.name,
            "user": self.user,
            "host": self.host,
            "port": self.port,
            "has_password": bool(self.password),
        }


@dataclass(frozen=True)
class Revision:
    """The code that a project runs."""

    commit: str
    branch: str = ""
    remote: str = ""  # without credentials
    dirty: bool = False
    changes: Tuple[str, ...] = ()  # paths of uncommitted changes, relative
    described: str = ""


@dataclass(frozen=True)
class OtherRevision(Revision):
    """The same of code that git does not hold."""

    vcs: str = "none"  # hg, svn; none: commit is the sha256 of its tree
    files: int = 0  # that travel as an archive
    bytes: int = 0  # of them
    uuid: str = ""  # of the repository, where the tool gives one


@dataclass(frozen=True)
class Obstacle:
    """One thing that would make the move fail, found before anything was changed."""

    code: str
    msg: str
    hint: str = ""
    alias: str = ""


@dataclass(frozen=True)
class CronLine:
    """One line of cron that runs a site."""

    user: str  # whom it runs as
    text: str = field(repr=False)  # as it stands in its table; may hold secrets, as may the others
    assignments: Tuple[str, ...] = field(default=(), repr=False)  # the lines that set its environment


@dataclass(frozen=True)
class CronTable:
    """The lines of one table of cron that run a site."""

    name: str  # path of a table of the system, else whose crontab it is
    lines: Tuple[CronLine, ...]


@dataclass(frozen=True)
class TableCount:
    """Rows of one table and the order-independent hash of their content."""

    name: str  # qualified as the engine does: schema.table, or table
    rows: int
    fingerprint: str = ""  # decimal digits; empty when not asked for
    kind: str = "table"  # table, partition, matview


@dataclass(frozen=True)
class SequenceState:
    """The value of a sequence, and the column that it feeds."""

    name: str
    last_value: Optional[int]
    is_called: bool = True
    table: str = ""
    column: str = ""
    column_max: Optional[int] = None


@dataclass(frozen=True)
class DatabaseState:
    """Everything countable in one database, out of one snapshot. Two equal states are the same content."""

    method: str  # how fingerprints were computed, for instance pg-record-1: only equal methods compare
    tables: Tuple[TableCount, ...] = ()
    sequences: Tuple[SequenceState, ...] = ()
    objects: Mapping[str, Tuple[str, ...]] = field(default_factory=dict)  # kind (view, trigger, ...) -> sorted names
    large_objects: int = 0
    large_objects_fingerprint: str = ""
    unpopulated: Tuple[str, ...] = ()  # materialized views without data
    #: The whole schema as the server itself describes it: "kind name" -> its definition, normalised by the engine; the
    #: engine gives :func:`brief` of what is long or may hold a secret. None when it was not asked for.
    schema: Optional[Mapping[str, str]] = None

    def rows(self) -> int:
        """All rows together."""
        return sum(table.rows for table in self.tables)


@dataclass(frozen=True)
class DatabaseFacts:
    """A database and its server, without content: what a blank copy needs and what preflight compares."""

    engine: str
    server: str  # as people say it: "PostgreSQL 15.18"
    version: int  # comparable: 150018, 101106, 3040001
    major: str  # "15", "10.11", "3"
    exists: bool = True
    tables: int = 0
    size_bytes: int = 0
    encoding: str = ""
    collation: str = ""
    ctype: str = ""
    time_zone: str = ""
    system_id: str = ""  # identifies the server instance: two databases on one server share it
    extensions: Mapping[str, str] = field(default_factory=dict)  # name -> version
    extension_schemas: Mapping[str, str] = field(default_factory=dict)
    settings: Tuple[str, ...] = ()  # database settings, "name=value"
    details: Mapping[str, Any] = field(default_factory=dict)  # engine-specific, JSON-serialisable, no secret


@dataclass(frozen=True)
class Software:
    """Names what a site uses of its host's operating system, by the names of packages that a newer release has too."""

    manager: str = ""  # whose packages they are: dpkg, rpm; "" when nobody looked, or neither is there
    servers: Mapping[str, str] = field(default_factory=dict)  # kinds of servers on the host itself -> package
    packages: Tuple[str, ...] = ()  # the others


@dataclass(frozen=True)
class DumpFile:
    """One file or directory that an engine's dump left, relative to the set."""

    path: str
    client: str  # program and version that wrote it
    client_major: str = ""
    #: sha256 of the part that is more than data, by whoever wrote it, as it was written; "" for engines without one
    digest: str = ""


@dataclass(frozen=True)
class Fixture:
    """A fixture in a set: the rows of every model, in a form that other engines take too."""

    path: str  # relative to the set
    method: str  # how fingerprints were computed
    engine: str  # of the database that it was made of
    models: Mapping[str, Mapping[str, Any]]  # label -> objects, fingerprint
    migrations: Tuple[str, ...] = ()
    left_out: Tuple[Mapping[str, str], ...] = ()  # what, name: what the database holds and the fixture does not


@dataclass(frozen=True)
class FileEntry:
    """A file of a backup set."""

    path: str  # relative, with "/"
    size: int  # bytes
    sha256: str


@dataclass(frozen=True)
class Difference:
    """One way in which the loaded data is not the recorded data."""

    what: str  # table, sequence, view, ...
    name: str
    recorded: str
    found: str

    def __str__(self) -> str:
        return "{0} {1}: recorded {2}, found {3}".format(self.what, self.name, self.recorded, self.found)


def as_plain(value: Any) -> Any:
    """A dataclass, with all it holds, as dicts, lists and scalars that JSON can carry."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: as_plain(getattr(value, item.name)) for item in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): as_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [as_plain(item) for item in value]
    return value


def state_from_plain(data: Mapping[str, Any]) -> DatabaseState:
    """The inverse of :func:`as_plain` for a :class:`DatabaseState`. Raises KeyError or TypeError on a wrong shape."""
    return DatabaseState(
        method=data["method"],
        tables=tuple(TableCount(**item) for item in data["tables"]),
        sequences=tuple(SequenceState(**item) for item in data["sequences"]),
        objects={kind: tuple(names) for kind, names in data["objects"].items()},
        large_objects=data["large_objects"],
        large_objects_fingerprint=data["large_objects_fingerprint"],
        unpopulated=tuple(data["unpopulated"]),
        schema=None if data.get("schema") is None else dict(data["schema"]),  # an older set holds none
    )


def facts_from_plain(data: Mapping[str, Any]) -> DatabaseFacts:
    """The inverse of :func:`as_plain` for :class:`DatabaseFacts`."""
    plain = dict(data)
    plain["settings"] = tuple(plain.get("settings", ()))
    return DatabaseFacts(**plain)


def brief(definition: str) -> str:
    """A definition in a few characters that tell it from every other one, and nothing of what it holds."""
    digest = hashlib.sha256(definition.encode("utf-8", "surrogateescape")).hexdigest()
    return "definition {0}".format(digest[:16])
