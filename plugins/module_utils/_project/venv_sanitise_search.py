# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Searches each column of a database for what looks like an address, a hash of a password or a token.

The server searches, table by table, and answers counts: nothing of the rows is held or told here. All that can be
written as text is looked at, tables without a model and materialized views among it.

Part of a program that runs inside the project's interpreter (see ``venv_sanitise.py``): Python 3.6 syntax, ASCII only,
standard library only, Django imported inside functions.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

import re
from typing import Any, Dict, List, Tuple

from ansible_collections.relocate.django.plugins.module_utils._project import venv_sanitise_rules

ADDRESS, HASH, TOKEN = "e-mail address", "password hash", "token"
#: Expressions that all three servers read in the same way. None begins with a repetition, so that long texts without a
#: match take no time that grows with the square of their length.
_ADDRESS = "[A-Za-z0-9._%+-]@[A-Za-z0-9-]+[.][A-Za-z]"
_HASH = "(pbkdf2_sha[0-9]+|argon2[a-z]*|bcrypt[_a-z0-9]*|scrypt|md5|sha1)[$][^ ]*[$]|[$]2[abxy][$][0-9]|[$]argon2"
_JWT = "eyJ[A-Za-z0-9_-]*[.]eyJ"
#: What a column is called that holds tokens or secrets, of whatever form.
_NAME = re.compile(r"(?i)(^|_)(token|secret|password|passwd|api_?key|otp|session_key|private_key)s?($|_)")
_POSTGRESQL = """
SELECT n.nspname, c.relname, a.attname, t.typname FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
WHERE (c.relkind = 'r' OR (c.relkind = 'm' AND c.relispopulated))
AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg$_%' ESCAPE '$'
AND t.typcategory IN ('S', 'A', 'U') AND t.typname <> 'uuid'
ORDER BY 1, 2, a.attnum
"""
_MYSQL = """
SELECT '', c.table_name, c.column_name, c.data_type FROM information_schema.columns c
JOIN information_schema.tables t ON t.table_schema = c.table_schema AND t.table_name = c.table_name
WHERE c.table_schema = DATABASE() AND t.table_type = 'BASE TABLE'
AND COALESCE(t.engine, '') NOT IN ({0})
AND (c.data_type LIKE '%char' OR c.data_type LIKE '%text' OR c.data_type LIKE '%blob' OR c.data_type LIKE '%binary'
OR c.data_type = 'json')
ORDER BY 2, c.ordinal_position
"""
#: Engines of MySQL and MariaDB whose rows lie elsewhere: on other servers, in files, or in tables of other databases.
_ELSEWHERE = ("CONNECT", "FEDERATED", "FEDERATEDX", "MRG_MYISAM", "S3", "SPHINX", "SPIDER")
#: Foreign tables, and tables that have one below them: what changes those reaches it too.
_FOREIGN = """
WITH RECURSIVE reached (oid) AS (
    SELECT oid FROM pg_catalog.pg_class WHERE relkind = 'f'
    UNION SELECT i.inhparent FROM pg_catalog.pg_inherits i JOIN reached r ON r.oid = i.inhrelid
)
SELECT c.relname FROM pg_catalog.pg_class c JOIN reached r ON r.oid = c.oid
WHERE pg_catalog.pg_table_is_visible(c.oid) ORDER BY 1
"""
_REMOTE = """
SELECT table_name FROM information_schema.tables
WHERE table_schema = DATABASE() AND engine IN ({0}) ORDER BY 1
"""
Column = Tuple[str, str]  # name, type
Tables = List[Tuple[str, str, List[Column]]]  # schema, table, columns


def tables(connection: Any) -> Tables:
    """Return every table with the columns that may hold text."""
    if connection.vendor == "sqlite":
        return _of_sqlite(connection)
    with connection.cursor() as cursor:
        cursor.execute(_POSTGRESQL if connection.vendor == "postgresql" else _of_mysql(_MYSQL))
        rows = [[_text(part) for part in row] for row in cursor.fetchall()]
    found: Dict[Tuple[str, str], List[Column]] = {}
    for schema, table, column, kind in rows:
        found.setdefault((schema, table), []).append((column, kind))
    return [(schema, table, columns) for (schema, table), columns in found.items()]


def elsewhere(connection: Any) -> List[str]:
    """Return the tables whose rows lie in other databases: whoever changed them would change those."""
    if connection.vendor not in ("postgresql", "mysql"):
        return []
    with connection.cursor() as cursor:
        cursor.execute(_FOREIGN if connection.vendor == "postgresql" else _of_mysql(_REMOTE))
        return [_text(row[0]) for row in cursor.fetchall()]


def _of_mysql(query: str) -> str:
    return query.replace("{0}", ", ".join("'{0}'".format(name) for name in _ELSEWHERE))


def _text(value: Any) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def _of_sqlite(connection: Any) -> Tables:
    """Return the tables of a file: any column may hold any value. A virtual table's rows lie in others."""
    found: Tables = []
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
        for name, sql in cursor.fetchall():
            if not re.match(r"(?i)\s*create\s+virtual", sql or ""):
                cursor.execute("PRAGMA table_info({0})".format(quote(name)))
                found.append(("", name, [(row[1], "") for row in cursor.fetchall()]))
    return found


def _plain(vendor: str, column: str, kind: str) -> str:
    """Return a column as the text that is searched."""
    if vendor == "postgresql":
        return "encode({0}, 'escape')".format(column) if kind == "bytea" else "{0}::text".format(column)
    if vendor == "mysql":
        known = "latin1" if kind.endswith(("blob", "binary")) else "utf8mb4"
        return "CONVERT({0} USING {1})".format(column, known)
    return column


def conditions(vendor: str, quoted: str, column: Column) -> List[Tuple[str, str]]:
    """Return what is looked for in a column: the kind, and the condition of a row that has it."""
    name, kind = column
    text = _plain(vendor, quoted, kind)
    word = {"postgresql": "~", "mysql": "REGEXP"}.get(vendor, "REGEXP")
    without = text
    for domain in (venv_sanitise_rules.DOMAIN, venv_sanitise_rules.SHORT_DOMAIN):
        without = "replace({0}, '{1}', '')".format(without, domain)
    if vendor == "sqlite":  # a BLOB is searched as Python writes it
        without = "CASE WHEN typeof({0}) = 'text' THEN {1} ELSE {0} END".format(quoted, without)
    found = [
        (ADDRESS, "({0}) {1} '{2}'".format(without, word, _ADDRESS)),
        (HASH, "{0} {1} '{2}'".format(text, word, _HASH)),
        (TOKEN, "{0} {1} '{2}'".format(text, word, _JWT)),
    ]
    if _NAME.search(name):
        found[2] = (TOKEN, "{0} NOT IN ('', '{1}')".format(text, venv_sanitise_rules.UNUSABLE))
    if vendor == "sqlite":
        held = "typeof({0}) IN ('text', 'blob') AND ".format(quoted)
        return [(what, held + condition) for what, condition in found]
    return found


def looks_like(name: str, text: str) -> List[str]:
    """Return what a text of a column looks like: what :func:`conditions` has servers look for, in Python.

    :param name: of the column
    """
    without = text
    for domain in (venv_sanitise_rules.DOMAIN, venv_sanitise_rules.SHORT_DOMAIN):
        without = without.replace(domain, "")
    found = [
        kind for kind, pattern, one in ((ADDRESS, _ADDRESS, without), (HASH, _HASH, text)) if re.search(pattern, one)
    ]
    if _NAME.search(name):
        return found + [TOKEN] * (text not in ("", venv_sanitise_rules.UNUSABLE))
    return found + [TOKEN] * bool(re.search(_JWT, text))


def search(connection: Any) -> Tuple[List[Dict[str, Any]], List[str]]:
    """Return each column in which something was found, with how many rows; and notes on what could not be searched."""
    from django.db import transaction

    found: List[Dict[str, Any]] = []
    notes: List[str] = []
    for schema, table, columns in tables(connection):
        name = table if schema in ("", "public") else "{0}.{1}".format(schema, table)
        try:
            with transaction.atomic(using=connection.alias):  # one that cannot be read does not end the rest
                found += _in_table(connection, schema, table, columns, name)
        except Exception as error:
            notes.append("table {0} could not be searched: {1}".format(name, type(error).__name__))
    return found, notes


def _in_table(connection: Any, schema: str, table: str, columns: List[Column], name: str) -> List[Dict[str, Any]]:
    quote = connection.ops.quote_name
    asked = [
        (column[0], kind, condition)
        for column in columns
        for kind, condition in conditions(connection.vendor, quote(column[0]), column)
    ]
    if not asked:
        return []
    parts = ["SUM(CASE WHEN {0} THEN 1 ELSE 0 END)".format(condition) for _column, _kind, condition in asked]
    place = quote(table) if not schema else "{0}.{1}".format(quote(schema), quote(table))
    with connection.cursor() as cursor:
        cursor.execute("SELECT {0} FROM {1}".format(", ".join(parts), place))
        rows = cursor.fetchone()
    return [
        {"table": name, "column": column, "looks_like": kind, "rows": int(count)}
        for (column, kind, _condition), count in zip(asked, rows)
        if count
    ]


def refresh(connection: Any) -> List[str]:
    """Fill materialized views again, which hold copies of rows; those first that others are made of. Returns them."""
    if connection.vendor != "postgresql":
        return []
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT n.nspname, c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n"
            " ON n.oid = c.relnamespace WHERE c.relkind = 'm' AND c.relispopulated ORDER BY c.oid"
        )
        names = [(str(schema), str(name)) for schema, name in cursor.fetchall()]
        for schema, name in names:
            cursor.execute("REFRESH MATERIALIZED VIEW {0}.{1}".format(quote(schema), quote(name)))
    return [name for _schema, name in names]
