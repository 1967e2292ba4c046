# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""PostgreSQL schemas made at random: what Django and people make, under names that nobody would choose."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, List

from hypothesis import strategies as st

Draw = Callable[[Any], Any]

_CHARACTERS = "abcXYZ059_ .,;:'\"`$%\\/-*()[]{}<>|&!?#@~^=+\n\té漢🙂"
_WORDS = (
    "user",
    "order",
    "TO bob",
    "FROM PUBLIC",
    "-- Name: x; Type: ACL",
    "$$",
    'a"b',
    "E'x'",
    "pg_x",
    "/* */",
    "\\.",
)
_TYPES = (
    "int", "bigint", "text", "varchar(9)", "numeric(8, 2)", "boolean", "date", "timestamptz", "jsonb", "uuid", "text[]",
    "bytea", "inet", "int4range", "interval", "float8", "char(3)", "time", "xml",
)  # fmt: skip
_RIGHTS = ("SELECT", "INSERT, UPDATE", "ALL", "REFERENCES", "TRIGGER, TRUNCATE", "DELETE")

names = st.one_of(st.text(_CHARACTERS, min_size=1, max_size=14), st.sampled_from(_WORDS))
texts = st.text(_CHARACTERS, max_size=30)


def quote(name: str) -> str:
    """A name in SQL."""
    return '"' + name.replace('"', '""') + '"'


def string(text: str) -> str:
    """A text in SQL, with standard_conforming_strings."""
    return "'" + text.replace("'", "''") + "'"


@st.composite
def schemas(draw: Draw, number: int) -> List[str]:
    """Statements that make one schema; ``number`` keeps it apart from the others."""
    schema = quote("{0} {1}".format(number, draw(names)))
    made = ["CREATE SCHEMA " + schema]
    known = draw(st.lists(names, min_size=7, max_size=7, unique_by=lambda name: name[:40]))
    label, function, view, sequence, *tables = known
    labels = draw(st.lists(names, min_size=1, max_size=4, unique=True))
    enum = schema + "." + quote(label + " e")
    made.append("CREATE TYPE {0} AS ENUM ({1})".format(enum, ", ".join(map(string, labels))))
    routine = schema + "." + quote(function)
    made.append(
        "CREATE FUNCTION {0}({1} {2}) RETURNS text LANGUAGE sql {3} {4} AS {5}".format(
            routine,
            quote(draw(names)),
            draw(st.sampled_from(_TYPES)),
            draw(st.sampled_from(("IMMUTABLE", "STABLE STRICT", "VOLATILE SECURITY DEFINER", "PARALLEL SAFE COST 7"))),
            draw(st.sampled_from(("", "SET work_mem = '5MB'", "SET search_path = 'pg_catalog'"))),
            string("SELECT {0}".format(string(draw(texts)))),
        )
    )
    if draw(st.booleans()):
        made.append("REVOKE ALL ON FUNCTION {0} FROM PUBLIC".format(routine))
    if draw(st.booleans()):
        made.append("GRANT EXECUTE ON FUNCTION {0} TO bob{1}".format(routine, draw(_option)))
    made.append(
        "CREATE SEQUENCE {0} INCREMENT {1} {2}".format(
            schema + "." + quote(sequence + " s"),
            draw(st.sampled_from((1, 2, -3))),
            draw(st.sampled_from(("CYCLE", ""))),
        )
    )
    for table in tables:
        made += draw(_table(schema + "." + quote(table + " t"), enum))
    relation = schema + "." + quote(tables[0] + " t")
    kind = draw(st.sampled_from(("VIEW", "MATERIALIZED VIEW")))
    made.append("CREATE {0} {1} AS SELECT * FROM {2}".format(kind, schema + "." + quote(view + " v"), relation))
    if draw(st.booleans()):
        made.append(
            "ALTER DEFAULT PRIVILEGES IN SCHEMA {0} GRANT {1} ON TABLES TO bob".format(
                schema, draw(st.sampled_from(("SELECT", "INSERT", "ALL")))
            )
        )
    made.append("COMMENT ON SCHEMA {0} IS {1}".format(schema, string(draw(texts) + ".")))
    return made


_option = st.sampled_from(("", " WITH GRANT OPTION"))


@st.composite
def _table(draw: Draw, table: str, enum: str) -> List[str]:
    columns = draw(st.lists(names, min_size=1, max_size=6, unique=True))
    parts = []
    for name in columns:
        typed = draw(st.sampled_from((*_TYPES, enum)))
        default = " DEFAULT " + string(draw(texts)) if typed == "text" and draw(st.booleans()) else ""
        parts.append("{0} {1}{2}{3}".format(quote(name), typed, default, draw(st.sampled_from(("", " NOT NULL")))))
    key = draw(st.sampled_from(("serial", "int GENERATED ALWAYS AS IDENTITY", "bigserial")))
    made = ["CREATE TABLE {0} (id_ {1} PRIMARY KEY, {2})".format(table, key, ", ".join(parts))]
    column = quote(draw(st.sampled_from(columns)))
    made.append("COMMENT ON COLUMN {0}.{1} IS {2}".format(table, column, string(draw(texts) + ".")))
    made.append("CREATE INDEX ON {0} (({1} IS NULL)) WHERE id_ > {2}".format(table, column, draw(st.integers(0, 9))))
    if draw(st.booleans()):
        check = "ALTER TABLE {0} ADD CONSTRAINT {1} CHECK ({2} IS NOT NULL OR {3} <> '') NOT VALID"
        made.append(check.format(table, quote(draw(names) + " c"), column, string(draw(texts))))
    if draw(st.booleans()):
        made.append("GRANT {0} ON {1} TO bob{2}".format(draw(st.sampled_from(_RIGHTS)), table, draw(_option)))
    if draw(st.booleans()):
        made.append("GRANT SELECT ({0}), UPDATE (id_) ON {1} TO PUBLIC".format(column, table))
    if draw(st.booleans()):
        made.append("REVOKE {0} ON {1} FROM shop".format(draw(st.sampled_from(("DELETE", "TRUNCATE, TRIGGER"))), table))
    return made
