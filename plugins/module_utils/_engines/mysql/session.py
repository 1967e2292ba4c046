# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A session with MySQL or MariaDB: what PyMySQL gives, with settings that every session of ours has."""

from __future__ import annotations

import importlib
import threading
from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterator, List, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.base import majors
from ansible_collections.relocate.django.plugins.module_utils._engines.sql import SqlSession, session_lost
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError

#: Error numbers of server and client library, by what they mean for the user.
_CODES: Dict[str, Tuple[int, ...]] = {
    "login_failed": (1045, 1130, 1251, 1275, 1524, 1698, 1820, 2049, 2059, 3118, 4151),
    "database_missing": (1049,),
    "right_missing": (1044, 1142, 1143, 1227, 1370, 1419, 1410),
    "server_unreachable": (1040, 1053, 1129, 1203, 1927, 2002, 2003, 2005, 2006, 2013, 2055, 3032, 4031),
}


#: Session settings that decide how values look as text, or that could end a long step. Unknown ones are left out.
PINS: Dict[str, str] = {
    "time_zone": "'+00:00'",
    "sql_mode": "'NO_ENGINE_SUBSTITUTION,NO_AUTO_VALUE_ON_ZERO'",
    "foreign_key_checks": "0",
    "information_schema_stats_expiry": "0",
    "lock_wait_timeout": "30",
    "max_statement_time": "0",
    "max_execution_time": "0",
    "net_read_timeout": "3600",
    "net_write_timeout": "3600",
    "wait_timeout": "28800",
    "sql_quote_show_create": "1",
    "group_concat_max_len": "1048576",  # MySQL cuts at 1,024 by itself
    "in_predicate_conversion_threshold": "0",  # MariaDB would make tables of long lists
    "sql_safe_updates": "0",
}


def driver() -> Any:
    """The PyMySQL module. Raises library_missing."""
    try:
        return importlib.import_module("pymysql")
    except ImportError as exc:
        raise RelocateError(
            "library_missing", "Python cannot import pymysql", "install the package python3-pymysql"
        ) from exc


#: By which the driver sends a command that is no query, and reads what comes.
_NEEDED = ("_execute_command", "_read_packet")


def check_packets() -> None:
    """Raise library_missing for a driver by which :meth:`Session.packets` cannot be had."""
    found = driver()
    if not all(hasattr(found.connections.Connection, name) for name in _NEEDED):
        raise RelocateError(
            "library_missing",
            "PyMySQL {0} cannot follow a binary log".format(found.__version__),
            "install another version of the package python3-pymysql, or set relocate_replicate: false",
        )


def ident(name: str) -> str:
    """A name as an SQL identifier."""
    return "`" + name.replace("`", "``") + "`"


def literal(text: str) -> str:
    """A text as an SQL literal; sessions of ours have no NO_BACKSLASH_ESCAPES."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''").replace("\0", "\\0") + "'"


def is_named(column: str, name: str) -> str:
    """The condition that a column of the catalogue holds just this database's name.

    The catalogue compares by a collation to which shop, SHOP and shöp are one. Mostly they are three databases.
    """
    return "{0} = {1} AND (BINARY {0} = BINARY {1} OR @@lower_case_table_names > 0)".format(column, literal(name))


def error_code(number: int) -> str:
    """Our code for an error number of the server or the client library; "" when it means nothing special."""
    return next((code for code, numbers in _CODES.items() if number in numbers), "")


@dataclass(frozen=True)
class Flavor:
    """Names the product, MySQL or MariaDB, and its version."""

    mariadb: bool
    text: str  # "10.11.6-MariaDB-0+deb12u1"

    @property
    def numbers(self) -> Tuple[int, ...]:
        """(10, 11, 6). MariaDB may tell replication-safe "5.5.5-10.11.6-MariaDB"."""
        text = self.text[6:] if self.text.startswith("5.5.5-") else self.text
        return majors(text)

    @property
    def product(self) -> str:
        """As people say it."""
        return "MariaDB" if self.mariadb else "MySQL"

    @property
    def series(self) -> str:
        """The release series: 10.11, 8.4, 9.7."""
        return ".".join(str(number) for number in self.numbers[:2])


class Session(SqlSession):
    """A connection in autocommit mode with pinned settings; close it, or use it as a context."""

    def __init__(self, connection: Any, scrub: Callable[[str], str]) -> None:
        super().__init__(connection, scrub)
        self._turn = threading.Lock()  # a connection answers one thread at a time
        self.flavor = Flavor(*self._ask_flavor())
        self.pin()

    def pin(self) -> None:
        """Set what decides how values look, and how long things may take, to what this engine relies on."""
        names = ", ".join(literal(name) for name in PINS)
        known = {str(row[0]).lower() for row in self.rows("SHOW VARIABLES WHERE Variable_name IN ({0})".format(names))}
        pins = ["SESSION {0} = {1}".format(*item) for item in PINS.items() if item[0] in known]
        self.run("SET NAMES utf8mb4", "SET " + ", ".join(pins))

    def _ask_flavor(self) -> Tuple[bool, str]:
        version, comment = self.rows("SELECT VERSION(), @@version_comment")[0]
        return "mariadb" in (str(version) + str(comment)).lower(), str(version)

    def rows(self, sql: str) -> List[Tuple[Any, ...]]:
        """Run one statement; its rows, if it has any. Raises query_failed, right_missing or server_unreachable."""
        try:
            with self._turn, self._connection.cursor() as cursor:
                cursor.execute(sql)
                return [tuple(map(_as_text, row)) for row in cursor.fetchall()]
        except driver().MySQLError as exc:
            raise self._error(exc) from None

    def send(self, statement: bytes) -> None:
        """Run one statement that is encoded as the session's character set asks for. Raises as :meth:`rows`."""
        try:
            with self._turn, self._connection.cursor() as cursor:
                cursor.execute(statement)
        except driver().MySQLError as exc:
            raise self._error(exc) from None

    def begin_snapshot(self) -> None:
        """From now on this session sees this moment."""
        self.run(
            "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
            "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"
            if self.flavor.mariadb
            else "START TRANSACTION WITH CONSISTENT SNAPSHOT",
        )

    def stream(self, sql: str, count: int) -> Iterator[Tuple[Any, ...]]:
        """The rows of one statement, as the server sends them, ``count`` held at a time. Raises as :meth:`rows`."""
        cursors = importlib.import_module("pymysql.cursors")
        try:
            with self._turn, self._connection.cursor(cursors.SSCursor) as cursor:
                cursor.execute(sql)
                for some in iter(lambda: cursor.fetchmany(count), []):
                    if not some:
                        break
                    yield from some
        except driver().MySQLError as exc:
            raise self._error(exc) from None

    def packets(self, command: int, payload: bytes, patience: float) -> Iterator[bytes]:
        """What the server sends as the answer to a command of its protocol, for as long as it does.

        :param patience: seconds without a packet after which the session counts as lost
        Raises as :meth:`rows`.
        """
        try:
            with self._turn:
                self._connection._read_timeout = patience
                self._connection._execute_command(command, payload)
                while True:
                    yield bytes(self._connection._read_packet().get_all_data())
        except driver().MySQLError as exc:
            raise self._error(exc) from None

    def use(self, database: str) -> None:
        """Make a database the one that names without a database mean."""
        self.run("USE " + ident(database))

    def _error(self, exc: Any) -> RelocateError:
        """The statement itself stays out of the message: it may hold a password."""
        number, text = number_and_text(exc)
        code = error_code(number)
        if code == "server_unreachable":
            return session_lost("the server ended the session: " + self._scrub(text))
        return RelocateError(
            "right_missing" if code == "right_missing" else "query_failed",
            "the server refused a query: " + self._scrub(text),
            details={"number": number},
        )


def _as_text(value: Any) -> Any:
    """Servers of different ages give the same text as bytes or str."""
    return value.decode("utf-8", "surrogateescape") if isinstance(value, (bytes, bytearray)) else value


def number_and_text(exc: Any) -> Tuple[int, str]:
    """Number and message of a PyMySQL error, whose arguments are not always the two."""
    args = exc.args
    number = args[0] if args and isinstance(args[0], int) else 0
    text = str(args[1]) if len(args) > 1 else str(exc)
    return number, " ".join((text or type(exc).__name__).split())
