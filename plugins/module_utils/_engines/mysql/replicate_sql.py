# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""SQL of a replication out of MariaDB: what can be followed, what the server lacks, rows by their keys."""

from __future__ import annotations

from typing import Any, Dict, Iterable, Iterator, List, Mapping, NamedTuple, Sequence, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import catchup_sql
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.queries import Column, Table
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.replicate_events import (
    KINDS,
    Followed,
    Key,
    KeyColumn,
    Position,
    Value,
    position_of,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.session import (
    Session,
    ident,
    is_named,
    literal,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.sql import cannot_catch_up

#: Keys in one statement.
AT_A_TIME = 500
_COLUMNS = (
    "SELECT TABLE_NAME, COLUMN_NAME, LOWER(DATA_TYPE), COLUMN_TYPE LIKE '%unsigned%',"
    " COALESCE(CHARACTER_OCTET_LENGTH, 0), COALESCE(GENERATION_EXPRESSION, '') <> '', COALESCE(CHARACTER_SET_NAME, '')"
    " FROM information_schema.COLUMNS WHERE {0} ORDER BY TABLE_NAME, ORDINAL_POSITION"
)
#: Tables whose rows the server changes along with those of others: no log tells of that.
_CASCADES = (
    "SELECT DISTINCT TABLE_NAME FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE {0} AND ("
    "UPDATE_RULE NOT IN ('RESTRICT', 'NO ACTION') OR DELETE_RULE NOT IN ('RESTRICT', 'NO ACTION'))"
)
#: What of its settings a server is asked for; those that it does not know are left out.
SETTINGS = (
    "log_bin binlog_format binlog_row_image log_bin_compress log_slave_updates wsrep_on lower_case_table_names"
).split()
_RESTART = ", then restart MariaDB: every site on it is interrupted"
_FILE = "in the server's configuration, below [mysqld]: {0}"
_SESSIONS = "SET GLOBAL {0} = '{1}', and the same in the server's configuration; then restart the units of this site"


class Tables(NamedTuple):
    """The tables of a database, by whether they can be followed."""

    followed: Dict[str, Followed]
    others: Tuple[str, ...]


def sorted_out(session: Session, database: str, tables: Sequence[Table]) -> Tables:
    """Find out which tables can be followed: those with transactions and a key that can be read."""
    keys = catchup_sql.keys_of(session.rows(catchup_sql.keys_sql(database)))
    cascades = {str(row[0]) for row in session.rows(_CASCADES.format(is_named("CONSTRAINT_SCHEMA", database)))}
    columns: Dict[str, List[Tuple[KeyColumn, bool]]] = {}
    for table, name, kind, unsigned, length, generated, _charset in session.rows(
        _COLUMNS.format(is_named("TABLE_SCHEMA", database))
    ):
        place = len(columns.setdefault(str(table), []))
        column = KeyColumn(str(name), place, str(kind), bool(int(unsigned)), int(length))
        columns[str(table)].append((column, not int(generated) and column.kind in KINDS))
    found = {}
    for item in tables:
        fit = item.transactional and not item.versioned and item.name not in cascades
        key = _key(keys.get(item.name, ()), columns.get(item.name, ())) if fit else ()
        if key:
            found[item.name] = Followed(item.name, len(columns[item.name]), key)
    return Tables(found, tuple(sorted({item.name for item in tables} - set(found))))


def _key(names: Sequence[str], columns: Iterable[Tuple[KeyColumn, bool]]) -> Tuple[KeyColumn, ...]:
    """The columns of a key; none where one of them cannot be read."""
    known = {column.name: column for column, fit in columns if fit}
    return tuple(known[name] for name in names) if names and set(names) <= set(known) else ()


def charsets(session: Session, database: str) -> Dict[Tuple[str, str], str]:
    """The character set of each column of text, by table and column."""
    rows = session.rows(_COLUMNS.format(is_named("TABLE_SCHEMA", database)))
    return {(str(row[0]), str(row[1])): str(row[6]) for row in rows if row[6]}


def settings(session: Session) -> Dict[str, str]:
    """Return the server's settings that matter, for all sessions to come."""
    names = ", ".join(map(literal, SETTINGS))
    rows = session.rows("SHOW GLOBAL VARIABLES WHERE Variable_name IN ({0})".format(names))
    return {str(name).lower(): str(value) for name, value in rows}


def unfit(found: Mapping[str, str]) -> List[Tuple[str, str]]:
    """Return what in :func:`settings` stands in the way: what, and the lines that help."""
    problems = []
    form, image = found.get("binlog_format", "").upper(), found.get("binlog_row_image", "FULL").upper()
    if found.get("log_bin") not in ("ON", "1"):
        problems.append(("the server writes no binary log", _FILE.format("log_bin and binlog_format = ROW") + _RESTART))
    if form != "ROW":
        why = "binlog_format of the server is {0}, and replication needs ROW".format(form or "unknown")
        problems.append((why, _SESSIONS.format("binlog_format", "ROW")))
    if image != "FULL":
        why = "binlog_row_image of the server is {0}, and replication needs FULL".format(image)
        problems.append((why, _SESSIONS.format("binlog_row_image", "FULL")))
    if found.get("log_bin_compress") in ("ON", "1"):
        problems.append(
            ("the server compresses its binary log (log_bin_compress)", "SET GLOBAL log_bin_compress = OFF")
        )
    if found.get("wsrep_on") in ("ON", "1") and found.get("log_slave_updates") not in ("ON", "1"):
        problems.append(
            (
                "the binary log of this node lacks what other nodes of the cluster write",
                _FILE.format("log_slave_updates = ON") + _RESTART,
            )
        )
    return problems


def hidden(rows: Sequence[Sequence[Any]], database: str) -> bool:
    """Tell from SHOW MASTER STATUS whether filters keep a database out of the log."""
    wanted, unwanted = (
        [name.strip().lower() for row in rows for name in str(row[place] or "").split(",") if name.strip()]
        for place in (2, 3)
    )
    return database.lower() in unwanted or bool(wanted and database.lower() not in wanted)


def may_replicate(grants: Iterable[str]) -> Set[str]:
    """Return the rights that SHOW GRANTS does not tell of, and that following takes."""
    everywhere = [text.upper() for text in grants if " ON *.* TO " in text.upper()]

    def has(*words: str) -> bool:
        return any(word in text for text in everywhere for word in ("ALL PRIVILEGES", *words))

    missing = set() if has("REPLICATION SLAVE,", "REPLICATION SLAVE ON") else {"REPLICATION SLAVE"}
    return missing if has("REPLICATION CLIENT", "BINLOG MONITOR", "SUPER") else {*missing, "REPLICATION CLIENT"}


def place(session: Session) -> Tuple[str, Position]:
    """The place in the log at which the snapshot of a session stands, which it has just opened; and its file's name."""
    rows = session.rows("SHOW STATUS LIKE 'binlog_snapshot_%'")
    found = {str(name).lower(): str(value) for name, value in rows}
    try:
        file = found["binlog_snapshot_file"]
        return file, position_of(file, int(found["binlog_snapshot_position"]))
    except (KeyError, ValueError) as exc:
        raise cannot_catch_up("the server does not tell where in its binary log a snapshot stands") from exc


def position(session: Session) -> Position:
    """The same, without the file's name."""
    return place(session)[1]


# --- rows by their keys


class Target(NamedTuple):
    """A table, and how values of its key are written in a statement.

    :param place: what stands behind FROM
    :param charsets: of the columns of its key that hold text; "" of others
    """

    place: str
    key: Tuple[str, ...]
    charsets: Tuple[str, ...]


def conditions(target: Target, keys: Sequence[Key]) -> Iterator[str]:
    """Conditions for rows that have one of the keys, some hundreds at a time."""
    for start in range(0, len(keys), AT_A_TIME):
        some = keys[start : start + AT_A_TIME]
        if len(target.key) == 1:
            values = ",".join(_value(key[0], target.charsets[0]) for key in some)
            yield "{0} IN ({1})".format(ident(target.key[0]), values)
        else:
            yield " OR ".join(_all(target, key) for key in some)


def _all(target: Target, key: Key) -> str:
    several = zip(target.key, key, target.charsets)
    return "({0})".format(
        " AND ".join("{0} = {1}".format(ident(name), _value(value, charset)) for name, value, charset in several)
    )


def _value(value: Value, charset: str) -> str:
    """A value as it stands in the log: bytes of text are those of the column's own character set."""
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return literal(value)
    text = "0x" + value.hex() if value else "''"
    return "_{0} {1}".format(charset, text) if charset else text


def select_sql(target: Target, columns: Sequence[Column], condition: str) -> str:
    """Rows with one of the keys, every value exact."""
    names = [
        "({0} + 0e0)".format(ident(column.name)) if column.kind == "float" else ident(column.name) for column in columns
    ]
    return "SELECT {0} FROM {1} WHERE {2}".format(", ".join(names), target.place, condition)
