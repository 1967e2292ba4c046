# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A schema in pg_dump's words, taken apart and compared: tables of text. Real ones are in tests/engines."""

from __future__ import annotations

from typing import List

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql import schema, scripts

SCRIPT = r"""--
-- PostgreSQL database dump
--

\restrict Xy

-- Dumped from database version 15.18
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SELECT pg_catalog.set_config('search_path', '', false);

--
-- Name: site; Type: DATABASE; Schema: -; Owner: shop
--

CREATE DATABASE site WITH TEMPLATE = template0;


ALTER DATABASE site OWNER TO shop;

\connect site

--
-- Name: DATABASE site; Type: COMMENT; Schema: -; Owner: shop
--

COMMENT ON DATABASE site IS 'a; b''s
-- Name: x; Type: ACL; Schema: -; Owner: x';


--
-- Name: f(integer); Type: FUNCTION; Schema: public; Owner: shop
--

CREATE FUNCTION public.f(a integer) RETURNS integer
    LANGUAGE sql SECURITY DEFINER
    AS $_$
-- Name: g; Type: ACL; Schema: public; Owner: x
SELECT $1; $_$;


ALTER FUNCTION public.f(a integer) OWNER TO shop;

SET default_tablespace = fast;

SET default_table_access_method = heap;

--
-- Name: t; Type: TABLE; Schema: public; Owner: bob
--

CREATE TABLE public."t ""; --" (
    id integer
);


ALTER TABLE public."t ""; --" OWNER TO bob;

--
-- Name: FUNCTION f(a integer); Type: ACL; Schema: public; Owner: shop
--

REVOKE ALL ON FUNCTION public.f(a integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.f(a integer) TO bob WITH GRANT OPTION;
SET SESSION AUTHORIZATION bob;
GRANT ALL ON FUNCTION public.f(a integer) TO "al TO bob";
RESET SESSION AUTHORIZATION;


--
-- Name: DATABASE site; Type: ACL; Schema: -; Owner: shop
--

GRANT CONNECT ON DATABASE site TO bob;


--
-- Name: DEFAULT PRIVILEGES FOR TABLES; Type: DEFAULT ACL; Schema: public; Owner: shop
--

ALTER DEFAULT PRIVILEGES FOR ROLE shop IN SCHEMA public GRANT SELECT ON TABLES  TO bob;

\unrestrict Xy
"""


def entries(text: str = SCRIPT) -> List[schema.Entry]:
    return schema.parse(text.replace("\\\\", "\\"))


def test_parse() -> None:
    assert [(item.kind, item.name, item.owner, len(item.statements)) for item in entries()] == [
        ("DATABASE", "site", "shop", 1),
        ("COMMENT", "DATABASE site", "shop", 1),
        ("FUNCTION", "f(integer)", "shop", 1),
        ("TABLE", "t", "bob", 1),
        ("ACL", "FUNCTION f(a integer)", "shop", 5),
        ("ACL", "DATABASE site", "shop", 1),
        ("DEFAULT ACL", "DEFAULT PRIVILEGES FOR TABLES", "shop", 1),
    ]
    assert entries()[3].place == "tablespace fast heap"
    assert entries()[2].label == "function public.f(integer)"
    assert scripts.dumped_by(SCRIPT) == "15"


def test_rights() -> None:
    found = [
        right.sql('ne"w')
        for entry in entries()
        if schema.is_rights(entry)
        for right in schema.rights_of(entry, {"shop": "store"})
    ]
    assert found == [
        "REVOKE ALL ON FUNCTION public.f(a integer) FROM PUBLIC",
        'GRANT ALL ON FUNCTION public.f(a integer) TO "bob" WITH GRANT OPTION',
        'GRANT ALL ON FUNCTION public.f(a integer) TO "al TO bob"',
        'GRANT CONNECT ON DATABASE "ne""w" TO "bob"',
        'ALTER DEFAULT PRIVILEGES FOR ROLE "store" IN SCHEMA public GRANT SELECT ON TABLES TO "bob"',
    ]
    assert schema.rights_of(entries()[4], {})[2].grantor == "bob"


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER ROLE shop SUPERUSER",
        "REVOKE ALL ON TABLE t FROM PUBLIC CASCADE",
        "REVOKE ALL ON TABLE /* t */ t FROM PUBLIC",
        "REVOKE ALL ON TABLE $$t$$ FROM PUBLIC",
        "REVOKE ALL ON TABLE 't' FROM PUBLIC",
        "REVOKE ALL ON TABLE t -- FROM PUBLIC",
        "REVOKE ALL ON TABLE t\n FROM PUBLIC",
        "GRANT pg_execute_server_program TO shop",
        "ALTER DEFAULT PRIVILEGES FOR ROLE shop GRANT ALL ON TABLES TO bob; DROP TABLE t",
    ],
)
def test_nothing_but_names_reaches_an_administrator(statement: str) -> None:
    entry = schema.Entry("ACL", "public", "TABLE t", "shop", "", [statement])
    assert schema.rights_of(entry, {}) == []
    assert schema.odd_rights(entry) == [statement]


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("SECURITY DEFINER", "SECURITY INVOKER", ["function public.f(integer) is defined otherwise"]),
        ("a; b''s", "other", ["comment DATABASE is defined otherwise"]),
        ("DATABASE site", "DATABASE other_name", []),
        ("TO bob WITH GRANT", "TO bob, x WITH GRANT", ["not carried: GRANT ALL ON FUNCTION"]),
        ("default_tablespace = fast", "default_tablespace = ''", ["table public.t is in heap, and was in tablespace"]),
        ("SELECT ON TABLES", "INSERT ON TABLES", ["not carried: ALTER DEFAULT", "there, and not on old: ALTER"]),
        ("-- Name: t; Type: TABLE", "-- Name: u; Type: TABLE",
         ["table public.t is missing", "table public.u is there"]),
        ("-- Name: t; Type: TABLE; Schema: public; Owner: bob", "-- Name: t; Type: TABLE; Schema: public; Owner: shop",
         ["table public.t belonged to role bob and now to shop"]),
    ],
)  # fmt: skip
def test_every_difference_has_words(before: str, after: str, words: List[str]) -> None:
    assert before in SCRIPT
    found = schema.compare(entries(), entries(SCRIPT.replace(before, after)), {}, True, "shop")
    assert found.regained == []
    assert len(found.differences) == len(words)
    assert all(text in difference for text, difference in zip(words, found.differences, strict=True)), found.differences


def test_a_revoke_is_never_lost() -> None:
    line = "REVOKE ALL ON FUNCTION public.f(a integer) FROM PUBLIC;\n"
    found = schema.compare(entries(), entries(SCRIPT.replace(line, "")), {}, False, "shop")
    assert [str(right) for right in found.regained] == [line.rstrip(";\n")]


def test_definitions_of_other_versions_are_not_compared() -> None:
    other = entries(SCRIPT.replace("LANGUAGE sql", "LANGUAGE  sql").replace("'a; b", "'c; b"))
    found = schema.compare(entries(), other, {}, False, "shop")
    assert found.differences == ["comment DATABASE is defined otherwise"]


@pytest.mark.parametrize(
    ("encoding", "name"),
    [("UTF8", "utf-8"), ("LATIN1", "iso8859-1"), ("WIN1251", "cp1251"), ("SQL_ASCII", "utf-8"), ("", "utf-8")],
)
def test_codec(encoding: str, name: str) -> None:
    assert scripts.codec(encoding) == name
