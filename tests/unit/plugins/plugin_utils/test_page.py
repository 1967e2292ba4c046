# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names out of databases and from hosts are neither markup nor templates."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jinja2
import pytest

from ansible_collections.relocate.django.plugins.plugin_utils import _page

HOSTILE = "<script>'\"&</script>{{ 7 * 7 }}{% for x in y %}"
ESCAPED = "&lt;script&gt;&#39;&#34;&amp;&lt;/script&gt;{{ 7 * 7 }}{% for x in y %}"
#: Those that have no end tag.
VOID = {"meta", "input", "!doctype"}


def values(text: str) -> dict[str, Any]:
    row = {"alias": text, "table": text, "old": 1234, "new": None, "content": text}
    promise = dict.fromkeys(("name", "status", "figures"), text)
    phase = {"name": text, "kind": "window", "seconds": 3.0, "parts": [(text, 2.0)]}
    words = dict.fromkeys(("title", "status", "tone", "site", "old", "new", "says"), text)
    lists = {key: [text] for key in ("attention", "next", "details", "totals", "warnings")}
    tables = {"different": [row], "equal": [row], "empty": [(text, text)]}
    return {**words, **lists, **tables, "facts": [(text, text)], "promises": [promise], "phases": [phase]}


class Tags(HTMLParser):
    """Follows what opens and closes."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.scripts = 0
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open += [] if tag in VOID else [tag]
        self.scripts += tag == "script"
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def tags(page: str) -> Tags:
    found = Tags()
    found.feed(page)
    found.close()
    assert found.open == []
    return found


def test_every_value_is_escaped_and_none_is_a_template() -> None:
    page = _page.render(_page.REPORT, values(HOSTILE))
    assert page.count(ESCAPED) == 28
    assert page.count("<script") == tags(page).scripts == 1 and "49" not in page
    assert page.count(">1,234</td>") == page.count(">absent</td>") == 2


def test_nothing_comes_from_elsewhere() -> None:
    page = _page.render(_page.REPORT, values("x"))
    assert tags(page).addresses == []
    assert "url(" not in page and "@import" not in page and "fetch(" not in page


@pytest.mark.parametrize("name", sorted(values("x")))
def test_a_value_that_is_missing_is_an_error(name: str) -> None:
    with pytest.raises(jinja2.UndefinedError, match=name):
        _page.render(_page.REPORT, {key: value for key, value in values("x").items() if key != name})


def test_a_template_of_the_user_takes_the_place_of_ours(tmp_path: Path) -> None:
    own = tmp_path / "ours.html"
    own.write_text('{{ site }}|{% include "tables.html.j2" %}')
    page = _page.render(_page.REPORT, {**values(HOSTILE), "rows": [], "label": "l"}, str(own))
    assert page.startswith(ESCAPED + "|<div")
    own.write_text("{{ 1 / 0 }}")
    with pytest.raises(jinja2.TemplateError, match="division"):
        _page.render(_page.REPORT, values("x"), str(own))


def test_the_index_links_the_pages() -> None:
    report = {
        **dict.fromkeys(("ended", "site", "old", "new", "status", "tone"), HOSTILE),
        "downtime": 3.25,
        "rows": 1000,
    }
    page = _page.render(_page.INDEX, {"reports": [{**report, "page": "a b.html"}], "more": True})
    assert tags(page).addresses == ["a b.html"]
    assert page.count(ESCAPED) == 6 and "older ones are left out" in page and ">1,000</td>" in page
