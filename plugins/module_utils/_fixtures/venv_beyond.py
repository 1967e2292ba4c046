# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Tells what a database holds beyond a fixture: what migrations and post_migrate handlers made, and nobody replaced.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only,
Django imported inside functions.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

from typing import Any, Dict, List, Optional

from ansible_collections.relocate.django.plugins.module_utils._fixtures import venv_rows
from ansible_collections.relocate.django.plugins.module_utils._project import venv_models

_SHOWN = 10  # names of each model


def told(
    connection: Any, counts: Dict[str, Dict[str, Any]], back: Optional[Dict[str, List[Any]]] = None
) -> Dict[str, Dict[str, Any]]:
    """Return what the database holds and the fixture does not, by model: how many objects, what the first are named.

    :param counts: what was loaded, by model
    :param back: the keys of what was put back, which is counted among that
    """
    found: Dict[str, Dict[str, Any]] = {}
    for model in venv_rows.models_of(connection.alias):
        label = model._meta.label
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM " + connection.ops.quote_name(model._meta.db_table))
            more = int(cursor.fetchone()[0]) - counts.get(label, {}).get("objects", 0)
        keys = (back or {}).get(label, [])
        if more > 0 or keys:
            names = [] if model._meta.auto_created else _names(connection, model, keys, more, label in counts)
            found[label] = {"objects": max(more, 0) + len(keys), "names": names}
    return found


def filled(request: Dict[str, Any]) -> Dict[str, int]:
    """How many rows there are of each model that has some.

    :param request: alias, without (labels that need not be looked at), excluded_models
    """
    from django.db import connections

    connection = connections[request["alias"]]
    found: Dict[str, int] = {}
    for model in venv_rows.without(venv_rows.models_of(request["alias"]), request.get("excluded_models") or []):
        if model._meta.label not in request["without"]:
            with connection.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM " + connection.ops.quote_name(model._meta.db_table))
                rows = int(cursor.fetchone()[0])
            if rows:
                found[model._meta.label] = rows
    return found


def fitting(request: Dict[str, Any]) -> Dict[str, Any]:
    """Tell how the code fits a database: what is applied, unapplied and unknown, and models without a table.

    :param request: alias, whose NAME has been exchanged
    """
    from django.apps import apps
    from django.db import connections, router

    connection = connections[request["alias"]]
    found = venv_models.alias_migrations(request["alias"], True)
    kinds = venv_rows.table_kinds(connection)
    lacking = [
        model._meta.label
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed
        and not (model._meta.proxy or model._meta.swapped)
        and router.allow_migrate_model(request["alias"], model)
        and not venv_rows.has_table(kinds, model)
    ]
    return dict(found, lacking=sorted(set(lacking)))


def _names(connection: Any, model: Any, keys: List[Any], more: int, last: bool) -> List[str]:
    """Return what the first are named.

    :param keys: of those that are known
    :param more: how many others there are
    :param last: of a model that the fixture holds too: what was made after it has the highest numbers
    """
    from django.db.models import QuerySet

    rows = QuerySet(model=model, using=connection.alias)
    try:
        found = list(rows.filter(pk__in=keys[:_SHOWN]).order_by("pk")) if keys else []
        if more > 0 and not (last and not model._meta.pk.get_internal_type().endswith("AutoField")):
            found += rows.order_by("-pk" if last else "pk")[: min(more, _SHOWN)]
        return [_name(one) for one in found[:_SHOWN]]
    except Exception:  # today's model on tables of another state
        return []


def _name(found: Any) -> str:
    """Return an object's natural key where it has one, its key otherwise."""
    key: Any = None
    if hasattr(found, "natural_key"):
        try:
            key = found.natural_key()
        except Exception:  # the project's own code
            key = None
    return (".".join(map(str, key)) if isinstance(key, (list, tuple)) else str(found.pk))[:80]
