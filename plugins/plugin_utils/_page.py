# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report's page. Everything in it is escaped: names come out of databases and from hosts."""

from __future__ import annotations

import functools
from typing import Any

import jinja2

_PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>{{ title }}</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70em; margin: 2em auto; padding: 0 1em }
pre { white-space: pre-wrap }
table { border-collapse: collapse }
td, th { padding: .2em .8em; border-bottom: 1px solid #ccc; text-align: left }
.different { background: #fdd }
</style>
<h1>{{ title }}</h1>
<pre>{{ text }}</pre>
<h2>What was measured in this run</h2>
<table>
<tr><th>promise<th>status<th>figures</tr>
{% for promise in promises %}
<tr><td>{{ promise.name }}</td><td>{{ promise.status }}</td><td>{{ promise.figures }}</td></tr>
{% endfor %}
</table>
<h2>Tables</h2>
<table>
<tr><th>database<th>table<th>old<th>new<th>content</tr>
{% for alias, row in rows %}
<tr class="{{ 'same' if row.old == row.new else 'different' }}">
{%- for cell in (alias, row.table, row.old | number, row.new | number, row.content) %}<td>{{ cell }}</td>{% endfor -%}
</tr>
{% endfor %}
</table>
<h2>Warnings of Django's check</h2>
<ul>
{% for warning in warnings %}
<li>{{ warning }}</li>
{% endfor %}
</ul>
</html>
"""


def number(value: Any) -> str:
    """A count of rows, as people read it."""
    return "absent" if value is None else "{0:,}".format(value)


@functools.lru_cache(maxsize=1)
def _template() -> jinja2.Template:
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    environment.filters["number"] = number
    return environment.from_string(_PAGE)


def render(**values: Any) -> str:
    """The page. What it is made of is data: none of it is taken for a template."""
    return _template().render(values)
