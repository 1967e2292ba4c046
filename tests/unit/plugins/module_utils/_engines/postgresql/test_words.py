# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Texts that servers 13, 15 and 17 printed for the same objects, before and after a move."""

from __future__ import annotations

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.words import alike, plain_names

VIEWS = (
    (
        "SELECT o.id, EXTRACT(year FROM o.at) AS y, (o.at AT TIME ZONE 'UTC'::text) AS u FROM public.o"
        " WHERE (((o.status)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[])) AND"
        " ((o.at)::date > '2020-01-01'::date))"
    ),
    (
        "SELECT id,\n    EXTRACT(year FROM at) AS y,\n (at AT TIME ZONE 'UTC'::text) AS u FROM public.o WHERE"
        " (((status)::text = ANY (ARRAY[('a'::character varying)::text, ('b'::character varying)::text])) AND"
        " ((at)::date > '2020-01-01'::date))"
    ),
)
CHECKS = (
    "CHECK (((status)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[])))",
    "CHECK (((status)::text = ANY (ARRAY[('a'::character varying)::text, ('b'::character varying)::text])))",
)


def test_the_same_in_other_words() -> None:
    assert alike(VIEWS[0], qualified=False) == alike(VIEWS[1], qualified=False)
    assert alike(CHECKS[0]) == alike(CHECKS[1])
    assert alike("EXECUTE PROCEDURE s.f('x')") == alike("EXECUTE FUNCTION s.f('x')")
    assert alike('o."json_table", o."xY"') == alike('o.json_table, o."xY"')
    assert plain_names('"json_table" || \'"json_table"\' || "x y"') == 'json_table || \'"json_table"\' || "x y"'


@pytest.mark.parametrize(
    "texts",
    [
        ("CHECK ((a > 1))", "CHECK ((a > 2))"),
        ("CHECK (((a)::text = 'x'::text))", "CHECK (((a)::text = 'x ::text'))"),
        ("FOREIGN KEY (a) REFERENCES s.t(id)", "FOREIGN KEY (a) REFERENCES z.t(id)"),
        ("(a)::numeric(10,2) + b", "(a)::numeric(10,2) + c"),
        ("a::timestamp with time zone[] || x", "a::timestamp with time zone[] || y"),
        ('SELECT "A" FROM t', "SELECT a FROM t"),
        ("lower(a)", "upper(a)"),
        ("a[1]", "a[2]"),
        ("x::s.kind = 'a'", "x::s.kind <> 'a'"),
    ],
)
def test_another_meaning(texts: tuple[str, str]) -> None:
    assert alike(texts[0]) != alike(texts[1])


def test_any_text_has_a_form() -> None:
    for text in ("", "::", "a::", ".", '::"x"', "'", '"', "a::numeric(", "a::x.", "$$"):
        alike(text, qualified=False)
