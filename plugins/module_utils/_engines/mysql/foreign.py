# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Loads a dump that somebody else made with mysqldump or mariadb-dump into a blank database.

No client runs it. Tables and rows are made by an account of the load's own, which reaches nothing but that database.
Views, triggers, routines and events are taken apart and put together again (``statement``), and made last, as the
settings' user, with events that rest: until then nothing of the dump runs by itself. Settings are ours; of those in the
dump only the character set is taken over.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, replace
from typing import IO, Callable, Dict, List, Sequence, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.foreign import (
    ForeignDump,
    LeftOut,
    refused,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import definers, loader
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import load as loading
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import objects as stored
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import statement as statements
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.admin import own_account
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.connect import Server
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.foreign_script import Script, Statement
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.session import Session, ident
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.text import significant
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.text import tokens as text_tokens
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._progress import BYTES, PROGRESS, Amount

RUN, QUIET, OBJECT = "", "-", "object"
_HEADER = 4096
_MADE_BY = re.compile(rb"^-- (MariaDB|MySQL) dump (\S+) +Distrib ([\w.-]+)", re.MULTILINE)
_DUMPED = re.compile(rb"^-- Host: \S+ +Database: (\S+)", re.MULTILINE)
_SERVER = re.compile(rb"^-- Server version\s+(\S+)", re.MULTILINE)
_HINT = "dump one database: mysqldump --single-transaction --routines --events --result-file=FILE DATABASE"
_NAME = rb"(`(?:[^`]|``)*`|[A-Za-z_][\w$]*)"
_INSERT = re.compile(rb"(?:INSERT|REPLACE)\s+(?:IGNORE\s+)?INTO\s+" + _NAME + rb"\s*(?:\(|VALUES)", re.IGNORECASE)
_DROP_TABLE = re.compile(rb"DROP\s+TABLE\s+IF\s+EXISTS\s+" + _NAME + rb"\Z", re.IGNORECASE)
_CREATE_TABLE = re.compile(rb"CREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?" + _NAME + rb"\s*\(", re.IGNORECASE)
_SEQUENCE = re.compile(rb"CREATE\s+SEQUENCE\s+(?:IF\s+NOT\s+EXISTS\s+)?" + _NAME, re.IGNORECASE)
_SETVAL = re.compile(rb"(?:SELECT|DO)\s+SETVAL\(\s*" + _NAME + rb"\s*(?:,\s*-?\d+\s*){1,3}\)\Z", re.IGNORECASE)
_USE = re.compile(rb"USE\s+" + _NAME + rb"\Z", re.IGNORECASE)
_DATABASE = re.compile(
    rb"(?:CREATE|DROP|ALTER)\s+(?:DATABASE|SCHEMA)\s+(?:IF\s+(?:NOT\s+)?EXISTS\s+)?" + _NAME, re.IGNORECASE
)
_CHARSET = re.compile(rb"SET\s+(?:NAMES\s+|character_set_client\s*=\s*)['\"]?(\w+)['\"]?\Z", re.IGNORECASE)
_MODE = re.compile(rb"SET\s+sql_mode\s*=\s*'([A-Z_,]*)'", re.IGNORECASE)
_ZONE = re.compile(rb"SET\s+TIME_ZONE\s*=\s*'\+00:00'", re.IGNORECASE)
#: Character sets in which no byte of a letter is a quote or a backslash.
_CHARSETS = frozenset("utf8 utf8mb3 utf8mb4 latin1 latin2 latin5 latin7 ascii binary cp1250 cp1251 koi8r".split())
#: Storage engines that keep rows on this server, and in its own directory.
_ENGINES = frozenset("INNODB MYISAM ARIA MEMORY ARCHIVE CSV MRG_MYISAM ROCKSDB".split())
_ENGINE = re.compile(rb"\bENGINE\s*=\s*['\"]?(\w+)", re.IGNORECASE)
_KINDS = ("VIEW", "TRIGGER", "FUNCTION", "PROCEDURE", "EVENT")
_HEAD = 24  # tokens among which the kind of an object stands
_IF_NOT = re.compile(r"\b(VIEW|TRIGGER|FUNCTION|PROCEDURE|EVENT)\b(\s+IF\s+NOT\s+EXISTS\b)", re.IGNORECASE)
_QUIET_WORDS = frozenset("BEGIN COMMIT LOCK START UNLOCK".split())


@dataclass
class Surveyed:
    """Tells what a script would do, read to its end before anything is done."""

    made_by: str = ""
    database: str = ""
    server: str = ""
    tables: int = 0
    inserts: int = 0
    has_zone: bool = False  # it says that its times are in UTC
    left: LeftOut = field(default_factory=LeftOut)


def plain_name(quoted: bytes) -> str:
    """A name as the catalogue has it."""
    text = quoted.decode("utf-8", "surrogateescape")
    return text[1:-1].replace("``", "`") if text.startswith("`") else text


class Policy:
    """Judges the statements of one dump, in their order; keeps what of its settings counts.

    :param database: that was dumped, as the head of the dump names it
    """

    def __init__(self, database: str) -> None:
        self._databases: Set[str] = set()
        self.database, self.charset, self.mode = database, "utf8mb4", ""
        self.has_zone = False
        self.objects: Dict[Tuple[str, str], stored.StoredObject] = {}

    def judge(self, statement: Statement) -> str:
        """Return RUN, OBJECT, or what is left out ("-" where nothing is lost). Raises dump_refused."""
        if b"\0" in statement.text:
            raise refused(statement.where, "holds a zero byte, which no text of SQL does", _HINT)
        words = statement.words(3)
        if not words or words[0] in _QUIET_WORDS:
            return QUIET
        found: Dict[str, Callable[[Statement], str]] = {
            "SET": self._set,
            "INSERT": self._insert,
            "REPLACE": self._insert,
            "CREATE": self._create,
            "DROP": self._drop,
            "ALTER": self._alter,
            "USE": self._use,
            "SELECT": self._setval,
            "DO": self._setval,
            "CHANGE": lambda _statement: "positions of replication",
        }
        if words[0] not in found:
            raise refused(statement.where, "is none that a dump of one database needs", _HINT)
        return found[words[0]](statement)

    def _set(self, statement: Statement) -> str:
        """Take over what says how to read the dump. Nothing of it is run: sessions of ours have their own settings."""
        text = statement.flat()
        match = _CHARSET.match(text)
        if match:
            name = match.group(1).decode("ascii").lower()
            if name not in _CHARSETS:
                raise refused(statement.where, "names a character set that is not read", "dump with utf8mb4")
            self.charset = name
        mode = _MODE.match(text)
        if mode:
            self.mode = mode.group(1).decode("ascii")
            if "NO_BACKSLASH_ESCAPES" in self.mode.upper():
                raise refused(statement.where, "turns backslashes in texts off", "dump without that SQL mode")
        self.has_zone = self.has_zone or bool(_ZONE.match(text))
        return QUIET

    @staticmethod
    def _insert(statement: Statement) -> str:
        if _INSERT.match(statement.text):
            return RUN
        raise refused(statement.where, "inserts into what is no table of this database", _HINT)

    def _create(self, statement: Statement) -> str:
        text = statement.flat()
        table = _CREATE_TABLE.match(text)
        if table:
            self._check_table(statement, text, table)
            return RUN
        if _DATABASE.match(text):
            return self._one_database(statement)
        if _SEQUENCE.match(text):
            return RUN
        return self._object(statement, text)

    def _check_table(self, statement: Statement, text: bytes, table: "re.Match[bytes]") -> None:
        name = plain_name(table.group(1))
        columns = text[table.end() :].decode(statements.codec_of(self.charset), "surrogateescape")
        statements.checked_table(name, "CREATE TABLE {0} ({1}".format(ident(name), columns))
        for engine in _ENGINE.findall(text):
            if engine.decode("ascii", "replace").upper() not in _ENGINES:
                raise refused(statement.where, "makes a table that keeps its rows elsewhere", _HINT)

    def _object(self, statement: Statement, text: bytes) -> str:
        """Keep a view, trigger, routine or event for later; of two with one name the last counts."""
        decoded = text.decode(statements.codec_of(self.charset), "surrogateescape")
        match = _IF_NOT.search(decoded[:_HEADER])
        if match:  # our own words leave it out: the database is blank
            decoded = decoded[: match.start(2)] + decoded[match.end(2) :]
        tokens = significant(text_tokens(decoded, self.mode))
        if any(token.says("SONAME") for token in tokens):
            raise refused(statement.where, "loads a library into the server", _HINT)
        for token, following in zip(tokens[1:_HEAD], tokens[2:]):
            if token.says(*_KINDS):
                kind = token.text.lower()
                found = stored.StoredObject(kind, following.name, decoded, sql_mode=self.mode, database=self.database)
                parts = found.parts()
                state = statements.event_state(parts.rest, self.mode)[0] if kind == statements.EVENT else ""
                self.objects[kind, following.name] = replace(found, definer=parts.definer, enabled=state)
                return OBJECT
        raise refused(statement.where, "makes what no dump of one database makes", _HINT)

    def _drop(self, statement: Statement) -> str:
        text = statement.flat()
        if _DROP_TABLE.match(text):
            return RUN  # of what stood in a view's place
        if _DATABASE.match(text):
            return self._one_database(statement)
        if statement.words(2)[-1] in (*_KINDS, "SEQUENCE", "TABLE"):
            return QUIET
        raise refused(statement.where, "drops what lies outside of one database", _HINT)

    def _alter(self, statement: Statement) -> str:
        text = statement.flat()
        if _DATABASE.match(text):
            return self._one_database(statement)
        if re.match(rb"ALTER\s+TABLE\s+" + _NAME + rb"\s+(?:DISABLE|ENABLE)\s+KEYS\Z", text, re.IGNORECASE):
            return QUIET
        raise refused(statement.where, "is none that a dump of one database needs", _HINT)

    def _use(self, statement: Statement) -> str:
        if _USE.match(statement.flat()):
            return self._one_database(statement)
        raise refused(statement.where, "leads to another database", _HINT)

    def _one_database(self, statement: Statement) -> str:
        text = statement.flat()
        match = _DATABASE.match(text) or _USE.match(text)
        if match:
            self._databases.add(plain_name(match.group(1)))
        if len(self._databases) > 1:
            raise refused(statement.where, "leads to another database", _HINT)
        return QUIET

    @staticmethod
    def _setval(statement: Statement) -> str:
        if _SETVAL.match(statement.flat()):
            return RUN
        raise refused(statement.where, "calls what no dump calls", _HINT)


def survey(stream: IO[bytes], rewrapped: bool = False) -> Surveyed:
    """Read a script to its end. Raises dump_refused, dump_truncated, dump_encoding."""
    stream.seek(0)
    head = stream.read(_HEADER)
    made, name, server = _MADE_BY.search(head), _DUMPED.search(head), _SERVER.search(head)
    found = Surveyed(
        " ".join(part.decode("ascii", "replace") for part in made.groups()) if made else "",
        name.group(1).decode("utf-8", "replace") if name else "",
        server.group(1).decode("ascii", "replace") if server else "",
    )
    stream.seek(0)
    policy = Policy(found.database)
    for statement in Script(stream, rewrapped).statements():
        what = policy.judge(statement)
        words = statement.words(2)
        found.tables += what == RUN and words == ["CREATE", "TABLE"]
        found.inserts += what == RUN and words[0] in ("INSERT", "REPLACE")
        if what not in (RUN, OBJECT, QUIET):
            found.left.add(what)
    found.has_zone = policy.has_zone
    check(found)
    return found


def check(found: Surveyed) -> None:
    """Refuse a dump that holds no site, or whose times nobody can read. Raises dump_refused."""
    if not found.tables:
        raise refused("the dump", "makes no table", "dump tables and rows: without --no-create-info")
    if not found.inserts:
        raise refused("the dump", "holds no row of any table", "dump rows too: without --no-data")
    if not found.has_zone:
        raise refused(
            "the dump", "does not say in which time zone its times are", "dump without --skip-tz-utc and --compact"
        )


def sentences(found: Surveyed, alias: str) -> List[str]:
    """Return what people are told of a dump."""
    made = "made by {0} of server {1}".format(found.made_by or "an unknown program", found.server or "unknown")
    return [made, *found.left.sentences(alias)]


def load(server: Server, admin: Session, database: str, dump: ForeignDump, found: Surveyed) -> None:
    """Run a script that has been surveyed. ``admin`` is the administrator's session.

    Raises load_failed, dump_refused, collation_missing, right_missing.
    """
    stream, policy = dump.stream, Policy(found.database)
    stream.seek(0)
    size = os.fstat(stream.fileno()).st_size
    with loading.room_for_rows(admin), loader.account(server, admin, database) as login:
        if login is None:
            raise RelocateError(
                "right_missing",
                "no account of the load's own can be made: with all rights of the settings' user somebody else's dump"
                " is not loaded",
                "use the login of an administrator who may CREATE USER (login_user, login_password)",
            )
        with server.connect(database, login) as session, PROGRESS.measured(lambda: Amount(stream.tell(), size), BYTES):
            charset = ""
            for statement in Script(stream, dump.rewrapped).statements():
                what = policy.judge(statement)
                if what != RUN:
                    continue
                if policy.charset != charset:
                    charset = policy.charset
                    session.run("SET NAMES " + charset)
                _send(session, statement)
    if stored.read(admin, database):
        raise refused("the dump", "makes views, triggers or routines where it says that it makes rows", _HINT)
    _make_objects(server, admin, database, list(policy.objects.values()))


def _send(session: Session, statement: Statement) -> None:
    try:
        session.send(statement.text)
    except RelocateError as exc:
        if exc.code == "server_unreachable":
            raise
        code = "collation_missing" if exc.details.get("number") in (1115, 1273, 1253) else "load_failed"
        hint = exc.hint or "fix what the message names; the live database was not touched"
        raise RelocateError(code, "{0}: {1}".format(statement.where, exc.msg), hint) from None


def _make_objects(server: Server, admin: Session, database: str, items: Sequence[stored.StoredObject]) -> None:
    """Make what runs code of the dump, last of all: nothing of it runs in this database, and nothing fires."""
    with server.connect(database) as own:
        account = own_account(own)
        wanted = definers.chosen(server.context.definers)
        settled = definers.settle(items, account, "", wanted, server.context.notes.append)
        stored.create(database, [stored.disabled(item) for item in settled], [own, admin])
    resting = [item.name for item in settled if item.kind == statements.EVENT and item.enabled != "DISABLE"]
    server.context.notes.extend(
        "database {0}: event {1} is in the set, and rests: after a restore, ALTER EVENT {1} ENABLE".format(
            server.config.alias, name
        )
        for name in resting
    )
