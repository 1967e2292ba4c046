# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The facts of a MySQL or MariaDB database and its server."""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import replace
from typing import Any, Callable, Dict, List, Mapping, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import queries, survey
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.admin import (
    charset_of,
    database_exists,
    own_account,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.connect import Server
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.session import Session, is_named
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseFacts

_COLLATIONS = (
    "SELECT DISTINCT COLLATION_NAME FROM information_schema.COLUMNS WHERE COLLATION_NAME IS NOT NULL"
    " AND {0}"
    " UNION SELECT DISTINCT TABLE_COLLATION FROM information_schema.TABLES WHERE TABLE_COLLATION IS NOT NULL"
    " AND {0}"
)
_JSON = (
    "SELECT CONCAT(TABLE_NAME, '.', COLUMN_NAME) FROM information_schema.COLUMNS WHERE {0}"
    " AND DATA_TYPE = 'json' ORDER BY 1"
)
_JSON_ALIAS = (
    "SELECT CONCAT(TABLE_NAME, '.', CONSTRAINT_NAME) FROM information_schema.CHECK_CONSTRAINTS"
    " WHERE {0} AND CHECK_CLAUSE LIKE 'json_valid(%' ORDER BY 1"
)
_WITHOUT_KEY = (
    "SELECT TABLE_NAME FROM information_schema.TABLES t WHERE {0} AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED')"
    " AND NOT EXISTS (SELECT 1 FROM information_schema.TABLE_CONSTRAINTS c WHERE c.TABLE_SCHEMA = t.TABLE_SCHEMA"
    " AND c.TABLE_NAME = t.TABLE_NAME AND c.CONSTRAINT_TYPE = 'PRIMARY KEY') ORDER BY 1"
)


#: What the details of a database hold, by name; other names are passed over.
_SHAPES: Mapping[str, str] = {
    "product": "text",
    "account": "text",
    "database": "text",
    "sql_mode": "text",
    "max_allowed_packet": "number",
    "largest_table": "number",
    "lower_case_table_names": "number",
    "collations": "texts",
    "json": "texts",
    "versioned": "texts",
    "sequences": "texts",
    "without_key": "texts",
    "engines": "texts",
    "names_itself": "texts",
    "events": "texts",
    "undeclared": "texts",
    "elsewhere": "lists",
    "rights": "lists",
    "definers": "lists",
    "variables": "words",
    "server": "words",
}


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _are_texts(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(map(_is_text, value))


_FITS: Mapping[str, Callable[[Any], bool]] = {
    "text": _is_text,
    "number": lambda value: isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 63,
    "texts": _are_texts,
    "words": lambda value: isinstance(value, dict) and all(map(_is_text, [*value, *value.values()])),
    "lists": lambda value: (
        isinstance(value, dict) and all(map(_is_text, value)) and all(map(_are_texts, value.values()))
    ),
}


def received(facts: DatabaseFacts) -> DatabaseFacts:
    """Facts out of a set, or of another host, when they are of the declared shapes. Raises answer_refused."""
    found = facts.details if isinstance(facts.details, dict) else {"details": None}
    bad = _misshapen(found)
    texts = {"encoding": facts.encoding, "collation": facts.collation, "major": facts.major, "engine": facts.engine}
    bad += [name for name, value in texts.items() if value is not None and not _is_text(value)]
    if bad or "details" in found:
        raise RelocateError(
            "answer_refused",
            "the recorded facts of the database are of another form: {0}".format(", ".join(bad[:10]) or "details"),
            "find what answers on old in place of relocate.django, or use another backup set",
        )
    return facts


def _misshapen(details: Mapping[str, Any]) -> List[str]:
    """Name the details that are not of their declared shape."""
    return sorted(str(name) for name, value in details.items() if name in _SHAPES and not _FITS[_SHAPES[name]](value))


def describe(server: Server) -> DatabaseFacts:
    """Facts of the live database, or of the server alone. Raises login_failed, server_unreachable, right_missing."""
    try:
        session = server.connect(server.config.name)
    except RelocateError as exc:
        if exc.code not in ("database_missing", "login_failed", "right_missing"):
            raise
        return _without_database(server, exc)
    with session:
        found = _database(session, server.config.name)
        found = replace(found, details={**found.details, "account": own_account(session)})
    return _surveyed(server, found)


def _surveyed(server: Server, found: DatabaseFacts) -> DatabaseFacts:
    """With what the definitions tell, where there is somebody who is shown them all."""
    try:
        with server.anyone() as session:
            return replace(found, details={**found.details, **survey.survey(session, server.config.name)})
    except RelocateError as exc:
        if exc.code not in ("right_missing", "unsupported_object", "dump_refused"):
            raise
        return found  # its preflight tells


def _without_database(server: Server, refusal: RelocateError) -> DatabaseFacts:
    """The administrator tells whether there is no such database, or only no way in for the settings' user."""
    try:
        session = server.admin()
    except RelocateError:
        if refusal.code != "database_missing":
            raise refusal from None
        session = server.connect()
    with session:
        if database_exists(session, server.config.name):
            if refusal.code != "database_missing" and server.config.password:
                raise refusal
            return _database(session, server.config.name)
        return DatabaseFacts(exists=False, details={"server": signs(session)}, **server_facts(session))


def server_facts(session: Session) -> Dict[str, Any]:
    """Return what holds for the server alone."""
    numbers = (session.flavor.numbers + (0, 0, 0))[:3]
    return {
        "engine": "mysql",
        "server": "{0} {1}".format(session.flavor.product, ".".join(str(number) for number in session.flavor.numbers)),
        "version": numbers[0] * 10000 + numbers[1] * 100 + numbers[2],
        "major": session.flavor.series,
        "time_zone": str(session.value("SELECT @@global.time_zone")),
        "system_id": system_id(session),
    }


def system_id(session: Session) -> str:
    """Identifies the server instance. MySQL has an id of its own; what MariaDB's is made of does not change either."""
    variables = {
        str(name): str(value)
        for name, value in session.rows(
            "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('server_uuid', 'server_uid', 'hostname', 'datadir', 'port')"
        )
    }
    own = variables.get("server_uuid") or variables.get("server_uid")
    place = "\n".join(variables.get(name, "") for name in ("hostname", "datadir", "port"))
    return own or hashlib.sha256(place.encode("utf-8")).hexdigest()[:32]


def signs(session: Session) -> Dict[str, str]:
    """Return what tells this server from a clone that bears its identity."""
    variables = {
        str(name): str(value)
        for name, value in session.rows("SHOW GLOBAL VARIABLES WHERE Variable_name IN ('hostname', 'datadir', 'port')")
    }
    uptime = [str(row[1]) for row in session.rows("SHOW GLOBAL STATUS LIKE 'Uptime'")]
    found = {
        "hostname": variables.get("hostname", ""),
        "data_directory": variables.get("datadir", ""),
        "port": variables.get("port", ""),
    }
    if uptime:
        found["started"] = str(int(session.value("SELECT UNIX_TIMESTAMP()")) - int(uptime[0]))
    return found


def _database(session: Session, name: str) -> DatabaseFacts:
    session.use(name)
    charset, collation = charset_of(session, name)
    tables = session.rows(queries.TABLES.format(is_named("TABLE_SCHEMA", name)))
    return DatabaseFacts(
        tables=len(tables),
        size_bytes=sum(int(size) for _table, _engine, size, _kind in tables),
        encoding=charset,
        collation=collation,
        details=_details(session, name),
        **server_facts(session),
    )


def _details(session: Session, name: str) -> Dict[str, Any]:
    where = is_named("TABLE_SCHEMA", name)
    kinds = session.rows(
        "SELECT TABLE_NAME, TABLE_TYPE, COALESCE(ENGINE, '') FROM information_schema.TABLES WHERE " + where
    )
    variables = survey.settings(session)
    return {
        "product": session.flavor.product,
        "server": signs(session),
        "collations": sorted(str(row[0]) for row in session.rows(_COLLATIONS.format(where))),
        "json": _names(
            session,
            _JSON_ALIAS.format(is_named("CONSTRAINT_SCHEMA", name)) if session.flavor.mariadb else _JSON.format(where),
        ),
        "versioned": sorted(str(table) for table, kind, _engine in kinds if kind == "SYSTEM VERSIONED"),
        "sequences": sorted(str(table) for table, kind, _engine in kinds if kind == "SEQUENCE"),
        "engines": sorted({str(engine) for _table, kind, engine in kinds if kind == "BASE TABLE"} - {""}),
        "without_key": _names(session, _WITHOUT_KEY.format(where)),
        "largest_table": _largest_table(session, where),
        "max_allowed_packet": int(variables.get("max_allowed_packet", 0)),
        "lower_case_table_names": int(variables.get("lower_case_table_names", 0)),
        "sql_mode": variables.get("sql_mode", ""),
        "variables": variables,
    }


def modern(collation: str) -> str:
    """A collation's name, the same whether a server calls its three-byte character set utf8 or utf8mb3."""
    return "utf8mb3" + collation[4:] if collation.startswith("utf8_") else collation


def version_of(series: str) -> Tuple[int, ...]:
    """10.11 as comparable numbers."""
    return tuple(int(word) for word in series.split(".") if word.isdigit())


def _largest_table(session: Session, where: str) -> int:
    """Bytes of data of the largest table: no value in the database is longer."""
    with contextlib.suppress(RelocateError):  # MySQL's answer may be a day old, where it knows this variable
        session.run("SET SESSION information_schema_stats_expiry = 0")
    sizes = "SELECT COALESCE(MAX(DATA_LENGTH), 0) FROM information_schema.TABLES WHERE "
    return int(session.value(sizes + where) or 0)


def _names(session: Session, sql: str) -> List[str]:
    try:
        return [str(row[0]) for row in session.rows(sql)]
    except RelocateError:  # servers before 10.3 have no such table, and no JSON columns that matter
        return []
