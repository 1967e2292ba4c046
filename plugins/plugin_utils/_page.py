# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report's pages. Everything in them is escaped: names come out of databases and from hosts."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import jinja2

#: Where the role keeps them; what a template of the user's includes is found here too.
TEMPLATES = Path(__file__).resolve().parents[2] / "roles" / "report" / "templates"
REPORT, INDEX = "report.html.j2", "index.html.j2"


def number(value: Any) -> str:
    """A count of rows, as people read it."""
    return "absent" if value is None else "{0:,}".format(value)


@functools.lru_cache(maxsize=4)
def _environment(directory: str) -> jinja2.Environment:
    places = [jinja2.FileSystemLoader(place) for place in (directory, TEMPLATES) if place]
    # Their names don't end as names of pages do, by which Jinja would know what to escape: all is.
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        loader=jinja2.ChoiceLoader(places),
    )
    environment.filters["number"] = number
    return environment


def render(name: str, values: Any, own: str = "") -> str:
    """The page. What it is made of is data: none of it is taken for a template.

    :param name: of a template of ours
    :param own: path of a template of the user's that takes its place
    Raises jinja2.TemplateError.
    """
    path = Path(own) if own else Path(name)
    template = _environment(str(path.parent) if own else "").get_template(path.name)
    try:
        return template.render(values)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as exc:
        raise jinja2.TemplateRuntimeError(str(exc)) from exc
