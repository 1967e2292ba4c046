# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A script of pg_dump, read statement by statement, and what is thought of each."""

from __future__ import annotations

import io
import random
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql import foreign
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.foreign_policy import (
    COPY,
    QUIET,
    RUN,
    Policy,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.foreign_script import (
    Rows,
    Script,
    Statement,
)
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError

SCRIPT = rb"""--
-- PostgreSQL database dump ; it's "not" $$ a statement
--
SET client_encoding = 'UTF8';
/* a /* nested */ ; comment */
CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $_$ SELECT ';' || $$x;$$ $_$;
CREATE FUNCTION g(a int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT CASE WHEN (a = 1) THEN 2 ELSE 3 END; END;
CREATE RULE r AS ON INSERT TO a DO INSTEAD (DELETE FROM a; DELETE FROM b);
CREATE TABLE "we;ird""s" (a text DEFAULT 'it''s; \', b text DEFAULT E'\'; --');
INSERT INTO a VALUES ('two
lines; of text', U&'\0061');
COPY a (b) FROM stdin;
one	\\. ; '
\.x
\N
\.

COMMENT ON TABLE a IS 'x'; -- the last; one
SELECT pg_catalog.setval('a', 1, true);
"""
FIRST = [
    b"SET client_encoding = 'UTF8'",
    b"CREATE FUNCTION f() RETURNS text",
    b"CREATE FUNCTION g(a int)",
    b"CREATE RULE r",
    b'CREATE TABLE "we;ird""s"',
    b"INSERT INTO a VALUES ('two\nlines; of text'",
    b"COPY a (b) FROM stdin",
    b"COMMENT ON TABLE a IS 'x'",
    b"SELECT pg_catalog.setval('a', 1, true)",
]


class Slow(io.BytesIO):
    """Gives a few bytes at a time."""

    def __init__(self, data: bytes, step: int) -> None:
        super().__init__(data)
        self._step = step

    def read(self, size: Any = -1) -> bytes:
        return super().read(self._step)


def all_of(rows: Rows) -> bytes:
    return b"".join(iter(lambda: rows.read(7), b""))


def read(stream: Any, rewrapped: bool = False) -> tuple[list[Statement], list[bytes]]:
    script, found, rows = Script(stream, rewrapped), [], []
    for statement in script.statements():
        found.append(statement)
        if statement.text.startswith(b"COPY"):
            rows.append(all_of(script.rows()))
    return found, rows


@pytest.mark.parametrize("step", [1, 2, 3, 7, 64, 1 << 20])
def test_statements_and_rows(step: int) -> None:
    found, rows = read(Slow(SCRIPT, step))
    assert [item.text[: len(begins)] for item, begins in zip(found, FIRST, strict=True)] == FIRST
    assert rows == [b"one\t\\\\. ; '\n\\.x\n\\N\n"]
    assert [item.line for item in found] == [4, 6, 7, 8, 9, 10, 12, 18, 19]


def test_empty_rows_and_no_rows() -> None:
    assert read(io.BytesIO(b"COPY a FROM stdin;\n\\.\n\n\n"))[1] == [b""]
    assert read(io.BytesIO(b"COPY a FROM stdin;\n\\."))[1] == [b""]
    assert read(io.BytesIO(b"  -- nothing"))[0] == []


def test_a_script_that_was_cut_is_refused_or_ends_between_two_statements() -> None:
    ends = set()
    for place in random.Random(1).sample(range(len(SCRIPT)), 60):
        try:
            found, _rows = read(io.BytesIO(SCRIPT[:place]))
            ends.add(len(found))
        except RelocateError as error:
            assert error.code == "dump_truncated"
    with pytest.raises(RelocateError):
        read(io.BytesIO(SCRIPT[: SCRIPT.index(b"\\N")]))
    with pytest.raises(RelocateError):
        read(io.BytesIO(SCRIPT[: SCRIPT.index(b"of text")]))


def test_line_ends_in_values_of_a_rewritten_file_are_refused() -> None:
    with pytest.raises(RelocateError) as refusal:
        read(io.BytesIO(SCRIPT), rewrapped=True)
    assert refusal.value.code == "dump_encoding"


def judged(text: str, known: str = "client_encoding search_path standard_conforming_strings") -> str:
    (found,) = list(Script(io.BytesIO(text.encode())).statements())
    return Policy(set(known.split())).judge(found)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("SET client_encoding = 'UTF8';", RUN),
        ("SET transaction_timeout = 0;", QUIET),  # of a newer pg_dump than the server
        ("SET default_tablespace = '';", QUIET),
        ("SET SESSION AUTHORIZATION 'rdsadmin';", QUIET),
        ("SELECT pg_catalog.set_config('search_path', '', false);", RUN),
        ("SELECT pg_catalog.lowrite(0, '\\x00ff');", RUN),
        ("SELECT pg_catalog.setval('public.\"A''s_seq\"', 12, true);", RUN),
        ('COPY public."A b" (id, "x""y") FROM stdin;', COPY),
        ("COPY a FROM stdin;", COPY),
        ("INSERT INTO public.a VALUES (1);", RUN),
        ("CREATE UNLOGGED TABLE a (b int);", RUN),
        ("CREATE OR REPLACE FUNCTION f() RETURNS int AS '' LANGUAGE sql;", RUN),
        ("CREATE USER MAPPING FOR a SERVER b;", RUN),
        ("CREATE SCHEMA public;", QUIET),
        ("CREATE SCHEMA other;", RUN),
        ("CREATE DATABASE shop WITH ENCODING = 'UTF8';", QUIET),
        ("\\connect shop", QUIET),
        ("\\restrict abc", QUIET),
        ("ALTER TABLE public.a OWNER TO rdsadmin;", QUIET),
        ('ALTER DATABASE shop OWNER TO "x y";', "owner of the database"),
        ("ALTER DATABASE shop SET search_path TO a;", "settings of the database"),
        ("ALTER TABLE ONLY a DROP CONSTRAINT b;", "statements that drop"),
        ("DROP TABLE IF EXISTS a;", "statements that drop"),
        ("GRANT SELECT ON TABLE a TO rds_superuser;", "rights"),
        ("ALTER DEFAULT PRIVILEGES FOR ROLE a GRANT ALL ON TABLES TO b;", "default rights"),
        ("CREATE PUBLICATION p FOR ALL TABLES;", "publications"),
        ("COMMENT ON EXTENSION citext IS 'x';", QUIET),
        ("COMMENT ON COLUMN a.b IS 'x';", RUN),
        ("REFRESH MATERIALIZED VIEW a;", RUN),
        ("BEGIN;", QUIET),
    ],
)
def test_what_a_dump_holds_is_sorted(text: str, what: str) -> None:
    assert judged(text) == what


@pytest.mark.parametrize(
    "text",
    [
        "\\! id",
        "\\i /etc/passwd",
        "\\o /tmp/x",
        "\\copy a from program 'id'",
        "\\connect 'host=evil'",
        "\\connect -reuse-previous=on \"dbname='x'\"",
        "SET session_replication_role = replica;",
        "SET log_statement = 'none';",
        "SET standard_conforming_strings = off;",
        "SET LOCAL ROLE x;",
        "SELECT 1;",
        "SELECT pg_catalog.set_config('role', 'postgres', false);",
        "SELECT pg_catalog.lo_import('/etc/passwd');",
        "SELECT pg_catalog.setval('a', (SELECT 1), true);",
        "SELECT pg_catalog.pg_read_file('x');",
        "COPY a FROM PROGRAM 'id';",
        "COPY a FROM '/etc/passwd';",
        "COPY a TO PROGRAM 'id';",
        "COPY (SELECT 1) TO STDOUT;",
        "CREATE ROLE a;",
        "CREATE USER a;",
        "CREATE TABLESPACE t LOCATION '/tmp';",
        "CREATE/**/ROLE a;",
        "ALTER USER a SUPERUSER;",
        "ALTER SYSTEM SET port = 1;",
        "DROP ROLE a;",
        "DROP OWNED BY a;",
        "DO $$ BEGIN END $$;",
        "CALL p();",
        "EXECUTE x;",
        "LOAD 'x';",
        "UPDATE a SET b = 1;",
        "DELETE FROM a;",
        "TRUNCATE a;",
        "VACUUM;",
        "LISTEN x;",
        "WITH x AS (SELECT 1) INSERT INTO a SELECT * FROM x;",
        "PREPARE TRANSACTION 'x';",
        "\u00e9;",
    ],
)
def test_what_leads_out_is_refused(text: str) -> None:
    with pytest.raises(RelocateError) as refusal:
        judged(text)
    assert refusal.value.code == "dump_refused"
    assert "/etc" not in str(refusal.value) and "evil" not in str(refusal.value)


def test_one_database_is_made_and_gone_into_and_no_second() -> None:
    policy = Policy(set())
    for text in (
        b'CREATE DATABASE "Shop x"',
        b'DROP DATABASE IF EXISTS "Shop x"',
        b'ALTER DATABASE "Shop x" SET a TO b',
    ):
        policy.judge(Statement(text, 1))
    policy.judge(Statement(b'\\connect "Shop x"', 1, True))
    with pytest.raises(RelocateError):
        policy.judge(Statement(b"DROP DATABASE live", 1))


def test_a_survey_tells_what_is_in_it() -> None:
    head = b"-- Dumped from database version 13.4 (Debian)\n-- Dumped by pg_dump version 17.2\n"
    text = (
        head + b'CREATE EXTENSION IF NOT EXISTS "uuid-ossp" WITH SCHEMA public;\n' + SCRIPT + b"GRANT ALL ON a TO b;\n"
    )
    found = foreign.survey(io.BytesIO(text), {"client_encoding"})
    assert (found.client, found.server, found.tables, found.rows) == (17, 13, 1, 4)
    assert found.extensions == {"uuid-ossp": "public"}
    assert found.left.sentences("default") == ["database default: left out of what the dump holds: rights (1)"]


@pytest.mark.parametrize(
    ("client", "tables", "rows", "code"),
    [(17, 1, 1, "server_too_old"), (15, 0, 1, "dump_refused"), (15, 1, 0, "dump_refused"), (0, 1, 1, "")],
)
def test_what_holds_no_site_is_refused(client: int, tables: int, rows: int, code: str) -> None:
    found = foreign.Surveyed(client=client, tables=tables, rows=rows)
    if not code:
        foreign.check(found, 16)
        return
    with pytest.raises(RelocateError) as refusal:
        foreign.check(found, 16)
    assert refusal.value.code == code
