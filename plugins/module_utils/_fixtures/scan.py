# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks, before anything is stopped, what another engine will not take of a database."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence

from ansible_collections.relocate.django.plugins.module_utils._engines.base import Engine
from ansible_collections.relocate.django.plugins.module_utils._fixtures import program
from ansible_collections.relocate.django.plugins.module_utils._model import Obstacle
from ansible_collections.relocate.django.plugins.module_utils._site import Site

CODE = "not_convertible"


def scan(site: Site, engine: Engine, target: str, left_behind: Sequence[str] = ()) -> Dict[str, Any]:
    """Read every row; nothing is written.

    :param target: the engine that the database will have
    :param left_behind: names of tables without a model that may stay behind

    Returns ``findings`` (each with table, column, code, reason, remedy, rows and count), ``rows`` and ``models``.
    Raises what ``program.run`` raises.
    """
    request = {"work": "scan", "alias": engine.config.alias, "target": target, "left_behind": list(left_behind)}
    with engine.context.stopwatch.step("scan"):
        return program.run(site.project, site.secrets, request, progress=engine.context.progress)


def sentence(finding: Mapping[str, Any]) -> str:
    """A finding for people: where, how often, why."""
    where = "table {0}".format(finding["table"])
    where += ", column {0}".format(finding["column"]) if finding["column"] else ""
    rows = ", ".join(finding["rows"])
    rows += ", ..." if finding["count"] > len(finding["rows"]) else ""
    named = " ({0} rows: {1})".format(finding["count"], rows) if rows else ""
    return "{0}: {1}{2}".format(where, finding["reason"], named)


def obstacles(alias: str, found: Mapping[str, Any], target: str) -> List[Obstacle]:
    """What is in the way of a conversion."""
    return [
        Obstacle(CODE, "{0} does not take it: {1}".format(target, sentence(item)), item["remedy"], alias)
        for item in found["findings"]
    ]
