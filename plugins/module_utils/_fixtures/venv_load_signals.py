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
from typing import Any, Callable, Dict, Iterable, List, Tuple

from ansible_collections.relocate.django.plugins.module_utils._fixtures import (
    venv_beyond,
    venv_chosen,
    venv_dialect,
    venv_load,
    venv_refusals,
    venv_rows,
    venv_several,
    venv_shapes,
    venv_spool,
    venv_state,
)
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_objects import Place, invalid
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_rows import FixtureError

Say = Callable[[str], None]
Request = Dict[str, Any]


def load(request: Request, source: venv_several.Source, say: Say) -> Dict[str, Any]:
    """As ``venv_load_objects.load``, but by saving; state has to be the newest."""
    from django.db import connections, transaction

    if request.get("state"):
        raise FixtureError("bad_option", "signals need today's models", "leave out state, or signals")
    connection = connections[request["alias"]]
    migrations = venv_state.nodes_at(connection, {})
    registry = venv_state.migrate_to(connection, migrations, say)
    tables = venv_shapes.tables_of(connection, registry)
    chosen = venv_chosen.Chosen(request, registry.get_models(include_auto_created=True))
    dialect = venv_dialect.of(connection)
    session = dialect.bulk(dialect, [])
    failed = venv_state.after_migrate(connection, registry, say)
    session.begin()
    with transaction.atomic(using=connection.alias):
        saving = _Saving(connection, source.texts_only, venv_load.progress(say))
        waiting = saving.gather(chosen.items(source.items(registry.get_models(include_auto_created=True))))
        chosen.check()
        saving.clear()
        for place, item in waiting.take():
            saving.take(place, item)
        saving.finish()
        say("looking for every object")
        venv_load.check_references(connection, tables.values())
        dialect.reset_sequences(list(tables.values()))
    session.end()
    done = venv_state.forward(connection, say) if request.get("forward", True) else []
    header = {"migrations": migrations, "form": source.form, "alias": request["alias"]}
    answer = {"counts": saving.counts, "method": venv_rows.METHOD, "migrated": done, "header": header}
    return dict(answer, made=venv_beyond.told(connection, saving.counts), handlers_failed=failed, **chosen.told())


class _Saving:
    """Objects as Django's deserializer makes and saves them."""

    def __init__(self, connection: Any, texts_only: bool, tell: Callable[[str, int], None]) -> None:
        self.counts: Dict[str, Dict[str, Any]] = {}
        self._connection, self._texts_only, self._tell = connection, texts_only, tell
        self._later: List[Tuple[Place, Any]] = []
        self._shapes: Dict[str, venv_shapes.Shape] = {}
        self._kinds = venv_rows.table_kinds(connection)

    def gather(self, items: Iterable[Tuple[Place, Dict[str, Any]]]) -> venv_spool.Spool:
        """Put everything aside, on disk: natural keys must not find rows that still have to go."""
        waiting = venv_spool.Spool()
        numbers: Dict[str, Tuple[Place, str]] = {}
        for place, item in items:
            shape = self._shape(place, item["model"])
            shape.check_names(place, item["fields"], item.get("pk"))
            for target, name in shape.numbered(item["fields"]):
                numbers.setdefault(target, (place, name))
            waiting.add(place, item)
        for target, (place, name) in numbers.items():
            if target not in self._shapes:
                raise FixtureError(
                    "fixture_invalid",
                    "{0}: {1}".format(place, venv_shapes.BY_NUMBER.format(name, target)),
                    "dump it again with --natural-foreign",
                    line=place.line,
                )
        return waiting

    def _shape(self, place: Place, name: str) -> venv_shapes.Shape:
        from django.apps import apps

        try:
            model = apps.get_model(name)._meta.concrete_model
        except (LookupError, ValueError):
            labels = [model._meta.label for model in apps.get_models(include_auto_created=True)]
            raise venv_refusals.unknown_model(place, name, labels) from None
        label = model._meta.label
        if label not in self._shapes:
            if not venv_rows.has_table(self._kinds, model):
                raise venv_load.table_missing(label)
            self._shapes[label] = venv_shapes.Shape(model, self._connection, self._texts_only)
        return self._shapes[label]

    def clear(self) -> None:
        """Delete what migrations made in these models' tables; permissions go with their content types."""
        from django.apps import apps

        tables = []
        for shape in self._shapes.values():
            tables += [relation.table for relation in shape.relations.values()] + [shape.table]
        content_type, permission = venv_rows.NUMBERED
        if content_type in self._shapes:
            apps.get_model(content_type).objects.clear_cache()
            if permission not in self._shapes and apps.is_installed("django.contrib.auth"):
                tables.append(venv_rows.Table(apps.get_model(permission), self._connection))
        for table in tables:
            with self._connection.cursor() as cursor:
                cursor.execute("DELETE FROM {0}".format(table.quoted))

    def take(self, place: Place, item: Dict[str, Any]) -> None:
        """Save one object."""
        from django.core.serializers.python import Deserializer

        shape = self._shape(place, item["model"])
        if self._texts_only:
            self._read_json(place, shape, item["fields"])
        try:
            for found in Deserializer([item], using=self._connection.alias, handle_forward_references=True):
                found.save(using=self._connection.alias)
                if found.deferred_fields:
                    self._later.append((place, found))
        except Exception as error:  # Django's own, a driver's, or a signal handler's
            raise invalid(
                place, "{0} {1} is not taken: {2}".format(shape.label, item.get("pk"), _kind_of(error))
            ) from None
        self.counts.setdefault(shape.label, {"objects": 0})["objects"] += 1
        self._tell(shape.label, place.line)

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
        from django.db.models import QuerySet

        for place, found in self._later:
            try:
                found.save_deferred_fields(using=self._connection.alias)
            except Exception as error:  # as above
                raise FixtureError(
                    "reference_missing",
                    "{0}: it refers to an object that is missing: {1}".format(place, _kind_of(error)),
                    "dump what it refers to as well",
                    line=place.line,
                ) from None
        if not self.counts:
            raise FixtureError("fixture_invalid", "the fixture holds no object", "use another fixture")
        for shape in self._shapes.values():
            there = QuerySet(model=shape.model, using=self._connection.alias).count()
            if there < self.counts[shape.label]["objects"]:
                raise FixtureError(
                    "data_differs",
                    "{0}: the fixture holds {1} objects, the database {2}".format(
                        shape.label, self.counts[shape.label]["objects"], there
                    ),
                    "look for an object that the fixture holds twice, or a signal handler that deletes objects",
                )


def _kind_of(error: Exception) -> str:
    """Return which error it is: its text may hold the values of the row."""
    cause = error.__cause__ or error.__context__
    return type(error).__name__ + ("" if cause is None else " after " + type(cause).__name__)
