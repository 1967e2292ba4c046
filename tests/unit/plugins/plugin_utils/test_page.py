# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names out of databases and from hosts are neither markup nor templates."""

from __future__ import annotations

from typing import Any

import jinja2
import pytest

from ansible_collections.relocate.django.plugins.plugin_utils import _page

HOSTILE = "<script>'\"&</script>{{ 7 * 7 }}{% for x in y %}"
ESCAPED = "&lt;script&gt;&#39;&#34;&amp;&lt;/script&gt;{{ 7 * 7 }}{% for x in y %}"


def values(text: str) -> dict[str, Any]:
    row = {"table": text, "old": 1234, "new": None, "content": text}
    promise = dict.fromkeys(("name", "status", "figures"), text)
    return {"title": text, "text": text, "promises": [promise], "rows": [(text, row)], "warnings": [text]}


def test_every_value_is_escaped_and_none_is_a_template() -> None:
    page = _page.render(**values(HOSTILE))
    assert page.count(ESCAPED) == 10
    assert "<script" not in page and "49" not in page
    assert "<td>1,234</td><td>absent</td>" in page and page.count('<tr class="different">') == 1


def test_a_value_that_is_missing_is_an_error() -> None:
    with pytest.raises(jinja2.UndefinedError, match="warnings"):
        _page.render(**{name: value for name, value in values("x").items() if name != "warnings"})
