# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A session with PostgreSQL: what psycopg2 gives, with settings that every session of ours has."""

from __future__ import annotations

import hashlib
import importlib
from typing import IO, Any, Callable, Dict, List, Tuple, Union

from ansible_collections.relocate.django.plugins.module_utils._engines.sql import SqlSession, session_lost
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError

#: Session settings that decide how values look as text, or that could end a long step.
PINS: Dict[str, str] = {
    "bytea_output": "hex",
    "DateStyle": "ISO, MDY",
    "default_transaction_deferrable": "off",
    "default_transaction_read_only": "off",
    "extra_float_digits": "3",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
    "IntervalStyle": "postgres",
    "jit": "off",  # to compile a query on the catalogue takes seconds, and counting gains nothing by it
    "lc_messages": "C",
    "lc_monetary": "C",
    "lock_timeout": "0",
    "log_min_duration_statement": "-1",  # with log_statement: no password verifier in the server's log
    "log_statement": "none",
    "quote_all_identifiers": "off",
    "row_security": "off",  # rows hidden by a policy are an error, not a smaller count
    "search_path": "pg_catalog",
    "standard_conforming_strings": "on",
    "statement_timeout": "0",
    "TimeZone": "UTC",
    "transaction_timeout": "0",
    "xmlbinary": "base64",
}


#: What holds from a session's first moment. Settings of a database or role, which their owners choose, yield to it: an
#: operator of theirs would otherwise be found by the first query of ours, and run with the rights of an administrator.
FIRST_OPTIONS = "-c search_path=pg_catalog -c local_preload_libraries="

#: For a superuser's session on 17 and later: triggers on login would run with his rights.
NO_TRIGGERS = "-c event_triggers=off"


_NAME_BYTES = 63


def driver() -> Any:
    """The psycopg2 module. Raises library_missing."""
    try:
        return importlib.import_module("psycopg2")
    except ImportError as exc:
        raise RelocateError(
            "library_missing", "Python cannot import psycopg2", "install the package python3-psycopg2"
        ) from exc


def ident(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as an SQL literal, right whatever standard_conforming_strings says."""
    quoted = "'" + text.replace("'", "''") + "'"
    return " E" + quoted.replace("\\", "\\\\") if "\\" in quoted else quoted


def derived_name(name: str, suffix: str) -> str:
    """``NAME__incoming``, cut and told apart by a hash where PostgreSQL would cut a name at 63 bytes."""
    tail = "__" + suffix
    raw = name.encode("utf-8")
    if len(raw) + len(tail) <= _NAME_BYTES:
        return name + tail
    tail = "_" + hashlib.sha256(raw).hexdigest()[:8] + tail
    return raw[: _NAME_BYTES - len(tail)].decode("utf-8", "ignore") + tail


class Session(SqlSession):
    """A connection in autocommit mode with pinned settings; close it, or use it as a context."""

    def __init__(self, connection: Any, scrub: Callable[[str], str]) -> None:
        super().__init__(connection, scrub)
        if getattr(connection, "autocommit", True) is False:  # one for replication has no such property
            connection.autocommit = True
        # By itself, before any query: it looks up no function and no operator. A pooler may have dropped the options.
        self.rows("SET search_path TO pg_catalog")
        values = ", ".join("({0}, {1})".format(literal(name), literal(PINS[name])) for name in sorted(PINS))
        self.rows(
            "SELECT pg_catalog.set_config(s.name, v.value, false) FROM (VALUES " + values + ") AS v (name, value)"
            " JOIN pg_catalog.pg_settings AS s ON s.name OPERATOR(pg_catalog.=) v.name"
            " WHERE s.context OPERATOR(pg_catalog.=) 'user' OR (s.context OPERATOR(pg_catalog.=) 'superuser'"
            " AND pg_catalog.current_setting('is_superuser') OPERATOR(pg_catalog.=) 'on')"
        )

    @property
    def version(self) -> int:
        """The server's version: 150018."""
        return int(self._connection.server_version)

    @property
    def major(self) -> int:
        """The server's major version: 15."""
        return self.version // 10000

    @property
    def is_superuser(self) -> bool:
        """Tell whether the session's user is one, as the server says on its own at login."""
        return bool(self._connection.get_parameter_status("is_superuser") == "on")

    def verifier(self, role: str, password: str) -> str:
        """Return the verifier of a password. libpq makes it here: neither the server nor its log sees the password.

        Raises library_missing.
        """
        psycopg2, scheme = driver(), "scram-sha-256"
        try:
            encrypt = importlib.import_module("psycopg2.extensions").encrypt_password
            # As bytes: a password out of the environment need not be text.
            made = encrypt(password.encode("utf-8", "surrogateescape"), role, self._connection, scheme)
        except (AttributeError, psycopg2.NotSupportedError) as exc:
            raise RelocateError(
                "library_missing",
                "psycopg2 {0} cannot make a SCRAM verifier".format(psycopg2.__version__),
                "upgrade the package python3-psycopg2 to 2.8 or later, with libpq 10 or later",
            ) from exc
        return str(made)

    def cursor(self) -> Any:
        """A cursor of the driver, for what a session has no word for: replication."""
        return self._connection.cursor()

    def run_bytes(self, sql: bytes) -> None:
        """Run statements that hold values as they are on the wire. Raises as :meth:`rows`."""
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(sql)
        except driver().Error as exc:
            raise self._error(exc) from None

    def rows(self, sql: str) -> List[Tuple[Any, ...]]:
        """Run one statement; its rows, if it has any. Raises query_failed, right_missing or server_unreachable."""
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(sql)
                return list(cursor.fetchall()) if cursor.description else []
        except driver().Error as exc:
            raise self._error(exc) from None

    def copy_out(self, sql: str, stream: IO[bytes]) -> int:
        """Write what a COPY ... TO STDOUT gives; returns how many rows. Raises as :meth:`rows`."""
        return self._copied(sql, stream)

    def copy_in(self, sql: Union[str, bytes], stream: Any) -> int:
        """Give a stream to a COPY ... FROM STDIN; returns how many rows. Raises as :meth:`rows`.

        :param stream: whatever has ``read``
        """
        return self._copied(sql, stream)

    def _copied(self, sql: Union[str, bytes], stream: Any) -> int:
        try:
            with self._connection.cursor() as cursor:
                cursor.copy_expert(sql, stream)
                return int(cursor.rowcount)
        except driver().Error as exc:
            raise self._error(exc) from None

    def _error(self, exc: Any) -> RelocateError:
        """The statement itself stays out of the message: it may hold a verifier."""
        state = exc.pgcode or ""
        primary = getattr(exc.diag, "message_primary", None) or str(exc).strip() or type(exc).__name__
        detail = getattr(exc.diag, "message_detail", None)
        text = self._scrub(primary + (" ({0})".format(detail) if detail else ""))
        if self._connection.closed or state.startswith(("57P", "08")):
            return session_lost("PostgreSQL ended the session: " + text)
        code = "right_missing" if state == "42501" else "query_failed"
        return RelocateError(code, "PostgreSQL refused a query: " + text, details={"sqlstate": state})
