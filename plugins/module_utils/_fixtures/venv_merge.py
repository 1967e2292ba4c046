# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Merges a fixture, whole or a part, into a database that is in use, and tells what became of each row.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only,
Django imported inside functions. One transaction; triggers and constraints stay as they are. Content types and
permissions are those of the database: what refers to them by number is given theirs.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

import itertools
from typing import Any, Callable, Dict, List, NamedTuple, Sequence, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._fixtures import (
    venv_blame,
    venv_chosen,
    venv_dialect,
    venv_dump,
    venv_lines,
    venv_load,
    venv_load_objects,
    venv_merge_lines,
    venv_merge_rows,
    venv_objects,
    venv_rows,
    venv_several,
    venv_shapes,
    venv_spool,
)
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_merge_relations import Listed, Relations
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_merge_rows import (
    INSERTED,
    LEFT,
    UPDATED,
    Numbers,
    Report,
)
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_objects import Place
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_rows import FixtureError, Table
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_shapes import Shape, UnresolvedError

Say = Callable[[str], None]
Request = Dict[str, Any]
#: Objects on their way: place, key, and what is given by the place of the column.
Batch = List[Tuple[Place, Any, Dict[int, Any]]]


def merge(request: Request, source: venv_several.Source, say: Say) -> Dict[str, Any]:
    """Merge; returns how many rows of each model were inserted, updated and left, and which.

    :param request: alias, form (lines too), check (undo everything at the end), excluded_models, ignore_unknown
    :param source: the fixture; files of several may be in the lossless form
    """
    from django.db import connections, transaction
    from django.db.migrations.loader import MigrationLoader

    connection = connections[request["alias"]]
    migrations = venv_dump.applied(request["alias"], False)
    registry = MigrationLoader(None, ignore_no_migrations=True).project_state().apps
    chosen = venv_chosen.Chosen(request, registry.get_models(include_auto_created=True))
    dialect = venv_dialect.of(connection)
    bulk = dialect.bulk(dialect, [])
    dialect.pin()
    bulk.begin()
    try:
        with transaction.atomic(using=connection.alias):
            report, tables = Report(), []  # type: Report, List[Table]

            def take_lines(stream: Any, _name: str) -> None:
                lines = venv_lines.Lines(stream)
                tables.extend(
                    venv_merge_lines.merge_lines(connection, bulk, registry, lines, chosen, migrations, report, say)
                )

            source.take_lines = take_lines
            merging = Merging(connection, bulk, registry, source.texts_only, say, report)
            items = chosen.items(source.items(registry.get_models(include_auto_created=True)))
            first = next(items, None)
            if first is not None or not tables:
                merging.read(itertools.chain([] if first is None else [first], items))
            tables += merging.touched
            chosen.check()
            _check(connection, registry, tables)
            if request.get("check"):
                transaction.set_rollback(True, using=connection.alias)
            else:
                dialect.raise_sequences(tables)
    finally:
        bulk.end()
    return {"counts": report.counts, "rows": report.rows, "untold": report.untold, **chosen.told()}


def _check(connection: Any, registry: Any, tables: Sequence[Table]) -> None:
    """Every reference from and to the tables that were touched, before anything is committed."""
    from django.db import Error

    touched = {table.label for table in tables}
    others = [
        table
        for table in venv_shapes.tables_of(connection, registry).values()
        if table.label in touched
        or any(
            column.field.remote_field is not None and column.field.remote_field.model._meta.label in touched
            for column in table.columns
        )
    ]
    venv_load.check_references(connection, others)
    try:
        venv_dialect.of(connection).check_now()
    except Error as error:
        raise FixtureError("fixture_invalid", venv_load.words(error), "correct the objects") from None


class _Afterwards(NamedTuple):
    """A reference to what is not there yet, of a row that is."""

    place: Place
    shape: Shape
    key: Any
    column: int
    raw: Any


class Merging(venv_load_objects.Objects):
    """Objects of Django's own formats on their way into rows that may be there."""

    def __init__(
        self, connection: Any, bulk: venv_dialect.Bulk, registry: Any, texts_only: bool, say: Say, report: Report
    ) -> None:
        """Begin with nothing."""
        super().__init__(connection, bulk, registry, texts_only, say)
        self._report, self._numbers = report, Numbers(connection)
        self._batches: Dict[str, Tuple[Shape, Batch]] = {}
        self.touched: List[Table] = []
        self._in_batch: Set[Tuple[str, Any]] = set()
        self._lists = Relations(connection, bulk, report)
        self._afterwards: List[_Afterwards] = []
        #: What was told of the rows that references are put into afterwards.
        self._told: Dict[Tuple[str, Any], Dict[str, Any]] = {}

    def _begin(self, place: Place, model: Any) -> Shape:
        shape = Shape(model, self._connection, self._texts_only)
        if not shape.has_key:
            raise venv_objects.invalid(place, "{0} has no key of one column".format(shape.label))
        self.touched += [shape.table] + [relation.table for relation in shape.relations.values()]
        return shape

    def _take(self, place: Place, item: Dict[str, Any]) -> None:
        shape = self._shape(place, item["model"])
        fields = item["fields"]
        shape.check_names(place, fields, item.get("pk"))
        later: List[Tuple[int, Any]] = []
        try:
            values = self._values(place, shape, item.get("pk"), fields, later)
            key = self._place_of(place, shape, item.get("pk"), values, fields)
        except UnresolvedError:
            self._objects.add(place, item)
            return
        if later:
            self._told.setdefault((shape.label, key), {})
            self._afterwards += [_Afterwards(place, shape, key, index, raw) for index, raw in later]
        if (shape.label, key) in self._in_batch:
            self._merge(shape.label)  # the same object once more: it is compared with what the first one made
        self._in_batch.add((shape.label, key))
        _shape, batch = self._batches.setdefault(shape.label, (shape, []))
        batch.append((place, key, values))
        if len(batch) >= venv_merge_rows.BATCH or shape.label in venv_rows.NUMBERED:
            self._merge(shape.label)
        for name, relation in shape.relations.items():
            if name in fields:
                self._relate(place, shape, relation, key, fields[name])

    def _values(
        self, place: Place, shape: Shape, raw_key: Any, fields: Dict[str, Any], later: List[Tuple[int, Any]]
    ) -> Dict[int, Any]:
        """Return what the object gives, by the place of the column.

        :param later: takes the references to what is not there yet, once nothing else brings them forward
        """
        found = {}
        fields = shape.with_key(place, raw_key, fields)
        for index, column in enumerate(shape.table.columns):
            if column.name not in fields or index == shape.key_place:
                continue
            raw = fields[column.name]
            try:
                value = shape.value(place, raw_key, index, raw, self._keys)
            except UnresolvedError as error:
                if not (self._lenient and column.field.null):
                    raise
                later.append((index, error.key))
                continue
            if index in shape.targets and value is not None and not isinstance(raw, (list, tuple)):
                self._by_number.setdefault(shape.targets[index], (place, column.name))
                value = self._here(shape.targets[index], column.name, value)
            found[index] = value
        return found

    def _place_of(self, place: Place, shape: Shape, raw: Any, values: Dict[int, Any], fields: Dict[str, Any]) -> Any:
        """The key of the row that the object is, or will be."""
        if shape.table.composite:
            return shape.composite_key(place, values)
        key = None
        if raw is not None or shape.table.key in shape.targets:
            key = self._key_of(place, shape, shape.given_key(raw, fields))
        if shape.label in venv_rows.NUMBERED:
            named = {shape.table.columns[index].name: value for index, value in values.items()}
            here = self._numbers.learn(shape.label, key, named)
            return self._numbers.fresh(shape.table, key) if here is None else here
        if key is not None:
            return key
        self._without_key.add(shape.label)
        found = self._by_natural_key(place, shape, values, fields)
        if found is not None:
            return found
        if shape.numbers_itself:
            self._merge(shape.label)
            return venv_merge_rows.free_number(self._connection, shape.table)
        return self._key_of(place, shape, None)

    def _by_natural_key(self, place: Place, shape: Shape, values: Dict[int, Any], fields: Dict[str, Any]) -> Any:
        """As Django does it: of an instance of today's model, which may ask the database for its parts."""
        from django.apps import apps
        from django.core.exceptions import ObjectDoesNotExist

        model = apps.get_model(shape.label)
        if not (hasattr(model, "natural_key") and hasattr(model._default_manager, "get_by_natural_key")):
            return None
        given = {}
        for index, value in values.items():
            field = shape.table.columns[index].field
            own = field if field.remote_field is None else field.target_field
            raw = fields[field.name] if field.remote_field is None else value
            given[field.attname] = own.to_python(raw) if raw is not None else None
        natural = model(**given)
        natural._state.db = self._connection.alias
        try:
            key = natural.natural_key()
        except ObjectDoesNotExist:
            return None
        except Exception as error:  # the project's own code
            raise venv_objects.invalid(
                place, "{0} gives no natural key: {1}".format(shape.label, type(error).__name__)
            ) from None
        try:
            return shape.key(place, self._keys.find("", shape.label, key, shape.meta.pk.name))
        except UnresolvedError:
            return None

    # --- rows ---

    def flush(self) -> bool:
        """Write what waits; returns whether there was anything."""
        labels = [label for label, (_shape, batch) in self._batches.items() if batch]
        for label in labels:
            self._merge(label)
        return bool(labels)

    def _merge(self, label: str) -> None:
        shape, batch = self._batches.pop(label, (None, []))
        if shape is None or not batch:
            return
        self._in_batch -= {(label, key) for _place, key, _values in batch}
        there = self._there(shape, [key for _place, key, _values in batch])
        rows: venv_load.Rows = []
        written = {key: self._put_one(shape, place, key, values, there, rows) for place, key, values in batch}
        if rows:
            put = self._as_objects if shape.own_words else self._bulk.insert
            venv_load.insert(self._connection, put, shape.table, rows)
        if not shape.own_words:
            venv_merge_rows.prove(shape.table, written)

    def _put_one(
        self, shape: Shape, place: Place, key: Any, values: Dict[int, Any], there: Dict[Any, Any], rows: venv_load.Rows
    ) -> Dict[int, Any]:
        """Change the row of an object, or add it to those that are new; returns what is written of it."""
        if key in there:
            changed = self._changed(shape, there[key], values)
            self._change(place, shape, key, changed)
            names = [shape.table.columns[index].name for index in changed]
            told = self._report.add(shape.label, key, UPDATED if changed else LEFT, names)
        else:
            rows.append((place, _whole_row(place, shape, key, values)))
            changed = dict(enumerate(rows[-1][1]))  # its defaults too
            told = self._report.add(shape.label, key, INSERTED)
        if (shape.label, key) in self._told:
            self._told[shape.label, key] = told
        return changed

    @staticmethod
    def _changed(shape: Shape, there: Any, values: Dict[int, Any]) -> Dict[int, Any]:
        """Return what of an object is another value than in the row that is there."""
        if not shape.own_words:
            return venv_merge_rows.changed(shape.table, there, values)
        attributes = {index: shape.table.columns[index].field.attname for index in values}
        return {index: value for index, value in values.items() if getattr(there, attributes[index]) != value}

    def _there(self, shape: Shape, keys: List[Any]) -> Dict[Any, Any]:
        if not shape.own_words:
            return dict(venv_merge_rows.existing(shape.table, keys))
        from django.db.models import QuerySet

        found: Dict[Any, Any] = {}
        for start in range(0, len(keys), venv_merge_rows.BATCH):
            some = QuerySet(model=shape.model, using=self._connection.alias).filter(
                pk__in=keys[start : start + venv_merge_rows.BATCH]
            )
            found.update((item.pk, item) for item in some)
        return found

    def _change(self, place: Place, shape: Shape, key: Any, changed: Dict[int, Any]) -> None:
        from django.db import Error, transaction
        from django.db.models import QuerySet

        if not changed:
            return
        try:
            with transaction.atomic(using=self._connection.alias):
                if shape.own_words:
                    named = {shape.table.columns[index].field.attname: value for index, value in changed.items()}
                    QuerySet(model=shape.model, using=self._connection.alias).filter(pk=key).update(**named)
                else:
                    venv_spool.update(self._connection, shape.table, key, changed)
        except (Error,) + venv_shapes.UNREADABLE as error:
            text, pk = venv_load.words(error), venv_rows.key_text(key)
            raise venv_blame.refusal(shape.table, place, pk, changed.items(), text, "correct the object") from None

    # --- related objects ---

    def _here(self, model: str, name: str, key: Any) -> Any:
        return self._numbers.of(model, name, key) if model in venv_rows.NUMBERED else key

    def _attempt(self, place: Place, shape: Shape, item: Dict[str, Any]) -> None:
        self._values(place, shape, item.get("pk"), item["fields"], [])

    def _write_relation(
        self, place: Place, shape: Shape, relation: venv_shapes.Relation, key: Any, targets: Sequence[Any]
    ) -> None:
        """Make the relations of one object those of the fixture, as loaddata does, with those of others."""
        if self._lists.add(relation, Listed(place, key, targets)):
            self._merge(shape.label)
            self._lists.write(relation.table.label)

    def _fill_later(self) -> None:
        """Put the references that were ahead of their objects; a row that has them is left as it is."""
        self.flush()
        for place, shape, key, index, raw in self._afterwards:
            try:
                value = shape.value(place, key, index, raw, self._keys)
            except UnresolvedError as error:
                raise error.refusal(place, shape.label) from None
            there = self._there(shape, [key])[key]
            changed = self._changed(shape, there, {index: value})
            self._change(place, shape, key, changed)
            if changed:
                self._report.add_field(self._told[shape.label, key], shape.table.columns[index].name)
                if not shape.own_words:
                    venv_merge_rows.prove(shape.table, {key: changed})

    def _check_numbers(self) -> None:
        """Numbers of content types and permissions are mapped, or were refused."""
        for label in venv_rows.NUMBERED:
            self._by_number.pop(label, None)
        super()._check_numbers()

    def _mirror(self) -> None:
        """Each list is made whole when it is written."""
        self.flush()
        self._lists.write_all()


def _whole_row(place: Place, shape: Shape, key: Any, values: Dict[int, Any]) -> List[Any]:
    """A row that is not there yet: its key, what the fixture gives, and defaults for the rest."""
    given = values if shape.table.composite else {shape.table.key: key, **values}
    return [
        given[index] if index in given else shape.default(place, index, key)
        for index in range(len(shape.table.columns))
    ]
