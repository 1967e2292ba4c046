# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Loading a dump: what it says of itself is read once and checked, then tables, rows and sequences are made of it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from dataclasses import dataclass
from typing import Any, Iterator, Mapping, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import objects as stored
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import programs
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import statement as statements
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.connect import Server
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.objects import FORMAT, SCHEMA, StoredObject
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.session import Session, ident
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.state import OwnSequence
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseFacts

_PACKET = 1 << 30  # bytes: the most that a server takes in one statement
_COPY = "use another copy of the backup set, or make a new backup"


@dataclass(frozen=True)
class Schema:
    """Describes a dump in its own words; every statement has been checked to be of its declared kind."""

    database: str
    charset: str
    collation: str
    comment: str
    account: str  # of the settings' user on old
    tables: Mapping[str, str]
    sequences: Tuple[OwnSequence, ...]
    versioned: Tuple[str, ...]
    objects: Tuple[StoredObject, ...]
    parts: Tuple[Mapping[str, Any], ...]


def read_schema(path: str, digest: str) -> Schema:
    """Read the schema's files once. Raises dump_truncated, dump_refused, format_unknown.

    :param digest: the sha256 that was taken as it was written; "" in a set that knows none
    """
    try:
        handle = os.open(os.path.join(path, SCHEMA), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as stream:
            data = stream.read()
    except OSError as exc:
        raise RelocateError("dump_truncated", "the dump's {0} cannot be read".format(SCHEMA), _COPY) from exc
    if digest and hashlib.sha256(data).hexdigest() != digest:
        raise RelocateError("dump_truncated", "the dump's {0} is not what was written".format(SCHEMA), _COPY)
    try:
        plain = json.loads(data.decode("ascii"))
        version = plain["format"]
        found = _schema(plain) if version in (1, FORMAT) else None
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as exc:
        raise RelocateError("dump_truncated", "the dump's {0} cannot be read".format(SCHEMA), _COPY) from exc
    if found is None:
        raise RelocateError(
            "format_unknown", "the dump's {0} is not of a known format".format(SCHEMA), "upgrade relocate.django"
        )
    return found


def _schema(plain: Mapping[str, Any]) -> Schema:
    tables = {str(name): statements.checked_table(str(name), str(text)) for name, text in plain["tables"].items()}
    sequences = tuple(
        OwnSequence(
            str(item["name"]),
            statements.checked_sequence(str(item["name"]), str(item["statement"])),
            int(item["next"]),
            int(item["round"]),
        )
        for item in plain.get("sequences", ())
    )
    parts = tuple(
        dict(part, file=_plain_name(str(part["file"])), size=int(part.get("size", 0))) for part in plain["parts"]
    )
    return Schema(
        str(plain.get("database", "")),
        statements.plain(plain["charset"], "character set"),
        statements.plain(plain["collation"], "collation"),
        str(plain.get("comment", "")),
        str(plain.get("account", "")),
        tables,
        sequences,
        tuple(map(str, plain.get("versioned", ()))),
        tuple(stored.from_plain(plain["objects"])),
        parts,
    )


def _plain_name(name: str) -> str:
    if os.path.basename(name) != name or name in ("", ".", "..") or "\0" in name:
        raise RelocateError("dump_refused", "the dump names a file that is not in it", _COPY)
    return name


def check_name(live: str, recorded: Optional[DatabaseFacts]) -> None:
    """Raise unsupported_object when a database gets another name, and holds what leads to it by the name it had.

    On the server of old, a trigger of new would write into old's database; elsewhere it would fail.
    """
    if recorded is None:
        return
    named = list(recorded.details.get("names_itself") or ())
    before = str(recorded.details.get("database") or live)
    if before != live and named:
        raise renamed(before, live, named)


def renamed(before: str, now: str, named: Sequence[str]) -> RelocateError:
    """The error for definitions that lead to a database by the name that it had."""
    return RelocateError(
        "unsupported_object",
        "database {0} is called {1} on new, but these still use its old name: {2}".format(
            before, now, ", ".join(named[:10])
        ),
        "give the database the same NAME, or remove the database's name from them on old",
    )


@contextlib.contextmanager
def room_for_rows(session: Session) -> Iterator[None]:
    """Let the server take the longest statements while rows are loaded: written out, a value can double its size.

    Sessions that are open keep what they have. Where that is not allowed, preflight has looked at the sizes.
    """
    before = int(session.value("SELECT @@global.max_allowed_packet"))
    raised = False
    if before < _PACKET:
        with contextlib.suppress(RelocateError):
            session.run("SET GLOBAL max_allowed_packet = {0}".format(_PACKET))
            raised = True
    try:
        yield
    finally:
        if raised:
            with contextlib.suppress(RelocateError):
                session.run("SET GLOBAL max_allowed_packet = {0}".format(before))


def fill(
    server: Server,
    client: programs.Client,
    incoming: str,
    schema: Schema,
    files: Sequence[str],
    login: Optional[Tuple[str, str]] = None,
) -> None:
    """Make sequences and tables as the settings' user, and load rows. Raises load_failed, collation_missing.

    :param login: who loads the rows, if somebody else
    """
    with server.connect(incoming) as session:
        if schema.versioned and (not session.flavor.mariadb or session.flavor.numbers[:2] < (10, 11)):
            raise history_refused(session, schema.versioned)
        for item in schema.sequences:
            _make(session, "sequence", item.name, item.statement)
            session.rows("SELECT SETVAL({0}, {1}, 0, {2})".format(ident(item.name), item.next, item.round))
        for name, statement in schema.tables.items():
            _make(session, "table", name, statement)
    options = server.options_file(client.mariadb, login)
    sizes = [int(part["size"]) for part in schema.parts]
    largest = [file for _size, file in sorted(zip(sizes, files), reverse=True)]
    server.context.progress("loading {0} files into {1}".format(len(files), incoming))
    programs.load(server, client, options, incoming, largest)


def history_refused(session: Session, tables: Sequence[str]) -> RelocateError:
    """The error for a server that takes no former rows."""
    return RelocateError(
        "server_too_old",
        "{0} {1} cannot take the history of system-versioned tables: {2}".format(
            session.flavor.product, session.flavor.series, ", ".join(tables[:10])
        ),
        "install MariaDB 10.11 or later, or ALTER TABLE ... DROP SYSTEM VERSIONING on old if you can lose the history",
    )


def _make(session: Session, kind: str, name: str, statement: str) -> None:
    try:
        session.run(statement)
    except RelocateError as exc:
        number = exc.details.get("number")
        code = "collation_missing" if number in (1115, 1273, 1253) else "load_failed"
        code = exc.code if exc.code in ("right_missing", "server_unreachable") else code
        hint = "change the collation on old, or upgrade the server" if code == "collation_missing" else exc.hint
        raise RelocateError(code, "{0} {1}: {2}".format(kind, name, exc.msg), hint) from None
