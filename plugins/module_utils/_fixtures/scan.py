# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks, before anything is stopped, what another engine will not take of a database."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence

from ansible_collections.relocate.django.plugins.module_utils._engines.base import INCOMING, Engine
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._fixtures import program
from ansible_collections.relocate.django.plugins.module_utils._model import Obstacle
from ansible_collections.relocate.django.plugins.module_utils._site import Site

CODE = "not_convertible"


def scan(site: Site, engine: Engine, target: str, excluded_models: Sequence[str] = ()) -> Dict[str, Any]:
    """Read every row; nothing is written.

    :param target: the engine that the database will have
    :param excluded_models: names of tables without a model that may stay behind

    Returns ``findings`` (each with table, column, code, reason, remedy, rows and count), ``rows`` (how many were read),
    ``schema`` (fields and kinds by model) and ``migrations``: what :func:`rehearse` wants to know.
    Raises what ``program.run`` raises.
    """
    about = {"alias": engine.config.alias, "engine": engine.name, "target": target}
    request = {"work": "scan", "excluded_models": list(excluded_models), **about}
    with engine.context.stopwatch.step("scan"):
        return program.run(site.project, site.secrets, request, progress=engine.context.progress)


def rehearse(site: Site, engine: Engine, scanned: Mapping[str, Any]) -> None:
    """Make the tables that the rows will go to, in an incoming database that is dropped again.

    Raises not_convertible when the code, on this engine, has other models or fields than were scanned; what a load
    raises when the migrations do not run.
    """
    with engine.context.stopwatch.step("rehearse"):
        try:
            with engine.incoming() as config:
                request = {"work": "schema", "alias": config.alias, "engine": engine.name, "name": config.name}
                made = program.run(
                    site.project, site.secrets, {**request, "migrations": scanned["migrations"]}, timeout=3600
                )["schema"]
        finally:
            engine.drop(INCOMING)
    wrong = [
        "{0} ({1})".format(label, "other fields" if label in made else "no such model")
        for label, fields in sorted(scanned["schema"].items())
        if made.get(label) is None or dict(made[label]) != dict(fields)
    ]
    if wrong:
        raise RelocateError(
            CODE,
            "database {0}: with {1} the code has other models: {2}".format(
                engine.config.alias, engine.name, ", ".join(wrong)
            ),
            "list in relocate_excluded_models what may stay behind, such as a search index that is rebuilt",
        )


def sentence(finding: Mapping[str, Any]) -> str:
    """A finding for people: where, how often, why."""
    where = "table {0}".format(finding["table"])
    where += ", column {0}".format(finding["column"]) if finding["column"] else ""
    rows = ", ".join(finding["rows"]) + (", ..." if finding["count"] > len(finding["rows"]) else "")
    named = " ({0} rows: {1})".format(finding["count"], rows) if finding["rows"] else ""
    return "{0}: {1}{2}".format(where, finding["reason"], named)


def obstacles(alias: str, found: Mapping[str, Any], target: str) -> List[Obstacle]:
    """Find what is in the way of a conversion."""
    return [
        Obstacle(CODE, "{0} cannot store it: {1}".format(target, sentence(item)), item["remedy"], alias)
        for item in found["findings"]
    ]
