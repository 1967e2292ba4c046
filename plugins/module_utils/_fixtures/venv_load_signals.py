# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Loads a fixture of Django's own formats by Django's own way of saving, for projects whose signal handlers must run.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only,
Django imported inside functions. One statement an object, by today's models. Still in one transaction, with every
reference checked and every object looked for afterwards.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

import json
from typing import Any, BinaryIO, Callable, Dict, List, Tuple

from ansible_collections.relocate.django.plugins.module_utils._fixtures import (
    venv_bulk,
    venv_load,
    venv_load_objects,
    venv_read_objects,
    venv_rows,
    venv_shapes,
    venv_state,
)
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_read_objects import Place, invalid
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_rows import FixtureError

Say = Callable[[str], None]
Request = Dict[str, Any]


def load(request: Request, stream: BinaryIO, say: Say) -> Dict[str, Any]:
    """As ``venv_load_objects.load``, but by saving; state has to be the newest."""
    from django.db import connections, transaction

    if request.get("state"):
        raise FixtureError("bad_option", "signals are those of today's models", "leave out state, or signals")
    connection = connections[request["alias"]]
    items = venv_read_objects.READERS[request["form"]](stream)
    migrations = venv_state.nodes_at(connection, {})
    registry = venv_state.migrate_to(connection, migrations, say)
    tables = venv_load_objects.tables_of(connection, registry)
    session = venv_bulk.open_bulk(connection, [])
    venv_state.make_content_types(connection, registry)
    session.begin()
    with transaction.atomic(using=connection.alias):
        saving = _Saving(connection, request["form"] == "xml", venv_load.progress(say))
        for place, item in items:
            saving.take(place, item)
        saving.finish()
        say("looking for every object")
        venv_load.check_references(connection, tables.values())
        venv_load.reset_sequences(connection, tables.values())
    session.end()
    done = venv_state.forward(connection, say) if request.get("forward", True) else []
    header = {"migrations": migrations, "form": request["form"], "alias": request["alias"]}
    return {"counts": saving.counts, "method": venv_rows.METHOD, "migrated": done, "header": header}


class _Saving:
    """Objects as Django's deserializer makes and saves them."""

    def __init__(self, connection: Any, texts_only: bool, tell: Callable[[str, int], None]) -> None:
        self.counts: Dict[str, Dict[str, Any]] = {}
        self._connection, self._texts_only, self._tell = connection, texts_only, tell
        self._later: List[Tuple[Place, Any]] = []
        self._cleared: Dict[Any, venv_shapes.Shape] = {}

    def take(self, place: Place, item: Dict[str, Any]) -> None:
        """Save one object, emptying its model's tables of what migrations made when it is the first."""
        from django.apps import apps
        from django.core.exceptions import ValidationError
        from django.core.serializers.base import DeserializationError
        from django.core.serializers.python import Deserializer
        from django.db import Error

        try:
            model = apps.get_model(item["model"])._meta.concrete_model
        except (LookupError, ValueError):
            raise FixtureError(
                "unknown_model",
                "{0}: the code has no model {1}".format(place, item["model"]),
                "take the revision of the code that the fixture was made with",
                line=place.line,
            ) from None
        shape = self._cleared.get(model)
        if shape is None:
            shape = self._cleared[model] = self._clear(model)
        shape.check_names(place, item["fields"])
        if self._texts_only:
            self._read_json(place, shape, item["fields"])
        try:
            for found in Deserializer([item], using=self._connection.alias, handle_forward_references=True):
                found.save(using=self._connection.alias)
                if found.deferred_fields:
                    self._later.append((place, found))
        except (DeserializationError, ValidationError, Error, ValueError, TypeError) as error:
            raise invalid(
                place, "{0} {1} is not taken: {2}".format(shape.label, item.get("pk"), _kind_of(error))
            ) from None
        self.counts.setdefault(shape.label, {"objects": 0})["objects"] += 1
        self._tell(shape.label, place.line)

    def _clear(self, model: Any) -> venv_shapes.Shape:
        shape = venv_shapes.Shape(model, self._connection, self._texts_only)
        tables = [relation.table for relation in shape.relations.values()] + [shape.table]
        for table in tables:
            with self._connection.cursor() as cursor:
                cursor.execute("DELETE FROM {0}".format(table.quoted))
        if model._meta.label == "contenttypes.ContentType":
            model.objects.clear_cache()
        return shape

    @staticmethod
    def _read_json(place: Place, shape: venv_shapes.Shape, fields: Dict[str, Any]) -> None:
        for column in shape.table.columns:
            if column.kind == "json" and fields.get(column.name) is not None:
                try:
                    fields[column.name] = json.loads(fields[column.name])
                except (ValueError, TypeError):
                    raise invalid(place, "{0}: {1} is no json".format(shape.label, column.name)) from None

    def finish(self) -> None:
        """Put references that were ahead of their objects; then every object has to be there."""
        from django.core.exceptions import ObjectDoesNotExist
        from django.core.serializers.base import DeserializationError
        from django.db.models import QuerySet

        for place, found in self._later:
            try:
                found.save_deferred_fields(using=self._connection.alias)
            except (DeserializationError, ObjectDoesNotExist) as error:
                raise FixtureError(
                    "reference_missing",
                    "{0}: it refers to what is not there: {1}".format(place, _kind_of(error)),
                    "dump what it refers to as well",
                    line=place.line,
                ) from None
        if not self.counts:
            raise FixtureError("fixture_invalid", "the fixture holds no object", "take another fixture")
        for model, shape in self._cleared.items():
            there = QuerySet(model=model, using=self._connection.alias).count()
            if there < self.counts[shape.label]["objects"]:
                raise FixtureError(
                    "data_differs",
                    "{0}: the fixture holds {1} objects, the database {2}".format(
                        shape.label, self.counts[shape.label]["objects"], there
                    ),
                    "an object is there twice, or a signal handler deletes some",
                )


def _kind_of(error: Exception) -> str:
    """Which error it is: its text may hold the values of the row."""
    cause = error.__cause__ or error.__context__
    return type(error).__name__ + ("" if cause is None else " after " + type(cause).__name__)
