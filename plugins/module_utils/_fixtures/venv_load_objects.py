# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Loads a fixture of Django's own formats into a blank database, as ``venv_load`` does with the lossless form.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only,
Django imported inside functions. Objects come in any order: constraints are away meanwhile, and what is named by a
natural key that is not there yet is put aside, on disk, until it is.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

from typing import Any, Callable, Dict, Iterable, List, NamedTuple, Sequence, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._fixtures import (
    venv_beyond,
    venv_chosen,
    venv_dialect,
    venv_load,
    venv_load_rows,
    venv_made,
    venv_natural_keys,
    venv_refusals,
    venv_rows,
    venv_several,
    venv_shapes,
    venv_spool,
    venv_state,
)
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_objects import Item, Place, invalid
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_rows import FixtureError, Table
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_shapes import Shape, UnresolvedError

Say = Callable[[str], None]
Request = Dict[str, Any]

_NOTED = 100000  # keys that relations waited for
_CONTENT_TYPE, _PERMISSION = "contenttypes.contenttype", "auth.permission"


def load(request: Request, source: venv_several.Source, say: Say) -> Dict[str, Any]:
    """Load Django's own format; returns counts by model, and the migrations that were applied afterwards.

    :param request: alias, name (the blank database to load into), state (app -> migration that the objects are of; the
        newest for others), signals, forward
    """
    from django.db import connections, transaction

    connection = connections[request["alias"]]
    migrations = venv_state.nodes_at(connection, request.get("state") or {})
    registry = venv_state.migrate_to(connection, migrations, say)
    tables = venv_shapes.tables_of(connection, registry)
    chosen = venv_chosen.Chosen(request, registry.get_models(include_auto_created=True))
    dialect = venv_dialect.of(connection)
    bulk = dialect.bulk(dialect, list(tables.values()))
    dialect.pin()
    failed = venv_state.after_migrate(connection, registry, say)
    bulk.begin()
    with transaction.atomic(using=connection.alias):
        bulk.strip()
        objects = Objects(connection, bulk, registry, source.texts_only, say)
        items = source.items(registry.get_models(include_auto_created=True))
        objects.read(chosen.items(items), bool(request.get("keep_made")))
        chosen.check()
        say("constraints and indexes")
        venv_load.restore(connection, bulk, tables)
        say("reading back")
        venv_load.prove(tables, objects.counts)
        dialect.reset_sequences(list(tables.values()))
    bulk.end()
    done = venv_state.forward(connection, say) if request.get("forward", True) else []
    header = {"migrations": migrations, "form": source.form, "alias": request["alias"]}
    made = venv_beyond.told(connection, objects.counts, objects.made.back)
    answer = {"counts": objects.counts, "method": venv_rows.METHOD, "migrated": done, "header": header}
    return dict(answer, made=made, replaced=objects.replaced, handlers_failed=failed, **chosen.told())


class _Later(NamedTuple):
    """A row that was written without a reference, since what it refers to refers back."""

    place: Place
    shape: Shape
    row: List[Any]
    column: int
    key: Any


class Objects(venv_load_rows.Rows):
    """Everything that was read: rows on their way into their tables."""

    def __init__(self, connection: Any, bulk: venv_dialect.Bulk, registry: Any, texts_only: bool, say: Say) -> None:
        """Begin with nothing; tables are emptied when their first object comes."""
        super().__init__(connection, bulk)
        self._texts_only = texts_only
        self.made = venv_made.Made(connection, bulk, self._put_made)
        self.replaced: Dict[str, List[str]] = {}
        self._models = venv_shapes.labels_of(registry)
        self._kinds = venv_rows.table_kinds(connection)
        self._keys = venv_natural_keys.NaturalKeys(connection.alias, self.flush, self._settled)
        self._all_read = False
        self._tell = venv_load.progress(say)
        self._shapes: Dict[str, Shape] = {}
        self._next: Dict[str, int] = {}
        self._through: Dict[str, int] = {}
        self._objects, self._relations = venv_spool.Spool(), venv_spool.Spool()
        self._lenient = False
        self._later: List[_Later] = []
        self._without_key: Set[str] = set()
        self._by_number: Dict[str, Tuple[Place, str]] = {}
        self._missing: Dict[Any, UnresolvedError] = {}
        self._unrelated: Dict[Any, UnresolvedError] = {}
        self._held_up: Set[str] = set()

    def read(self, items: Iterable[Item], keep_made: bool = False) -> None:
        """Take every object. Raises FixtureError.

        :param keep_made: what migrations and handlers made stays where the fixture has no other object for it
        """
        for place, item in items:
            self._take(place, item)
            self._tell(item["model"], place.line)
        if not self._shapes:
            raise FixtureError("fixture_invalid", "the fixture holds no object", "use another fixture")
        self._all_read = True
        self._settle()
        self._mirror()
        self.flush()
        self._check_numbers()
        self.made.put_back_numbers(list(self._filled().values()))
        self.replaced = self.made.settle(keep_made)
        for label, total in self._sums.items():
            self.counts[label] = {"objects": total.rows, "fingerprint": total.fingerprint}

    def _settled(self, label: str) -> bool:
        """Tell whether natural keys of a model can be asked for: rows that migrations made may still have to go."""
        return self._all_read or any(shape.label == label for shape in self._shapes.values())

    # --- one object ---

    def _shape(self, place: Place, name: str) -> Shape:
        shape = self._shapes.get(name)
        if shape is None:
            model = self._models.get(name.lower())
            if model is None:
                labels = [one._meta.label for one in self._models.values()]
                raise venv_refusals.unknown_model(place, name, labels)
            if not venv_rows.has_table(self._kinds, model):
                raise venv_load.table_missing(model._meta.label)
            shape = next((one for one in self._shapes.values() if one.model is model), None)
            if shape is None:
                shape = self._begin(place, model)
            self._shapes[name] = shape
        return shape

    def _begin(self, place: Place, model: Any) -> Shape:
        """The first object of a model: what migrations put into its tables is the fixture's now."""
        shape = Shape(model, self._connection, self._texts_only)
        if not shape.has_key:
            raise invalid(place, "{0} has no key of one column".format(shape.label))
        # Objects of a relation's own rows may have come before those that list them.
        own = [shape.table] + [relation.table for relation in shape.relations.values()]
        own = [table for table in own if table.label not in self._sums]
        tables = list(own)
        if model._meta.label_lower == _CONTENT_TYPE:
            tables += self._permissions()
        for table in tables:
            self.made.remember(table)
        self._bulk.clear(tables)
        for table in own:
            if table.label == shape.label and shape.own_words:
                self.counts[table.label] = {"objects": 0}
            else:
                self._sums[table.label] = table.sum()
        return shape

    def _permissions(self) -> List[Table]:
        """Permissions that migrations made are those of content types that go; migrate makes them again."""
        from django.contrib.contenttypes.models import ContentType

        ContentType.objects.clear_cache()
        known = any(shape.label.lower() == _PERMISSION for shape in self._shapes.values())
        model = self._models.get(_PERMISSION)
        return [Table(model, self._connection)] if model is not None and not known else []

    def _take(self, place: Place, item: Dict[str, Any]) -> None:
        shape = self._shape(place, item["model"])
        fields = item["fields"]
        shape.check_names(place, fields, item.get("pk"))
        try:
            row, later = self._row(place, shape, item.get("pk"), fields)
        except UnresolvedError as error:
            self._held_up.add(shape.label)
            self._missing[error.model, str(error.key)] = error
            self._objects.add(place, item)
            return
        self._put(shape.table, place, row, shape, not later)
        self._later += [_Later(place, shape, row, index, key) for index, key in later]
        for name, relation in shape.relations.items():
            if name in fields:
                self._relate(place, shape, relation, row[shape.table.key], fields[name])

    def _row(
        self, place: Place, shape: Shape, raw_key: Any, fields: Dict[str, Any]
    ) -> Tuple[List[Any], List[Tuple[int, Any]]]:
        table, later = shape.table, []
        row: List[Any] = [None] * len(table.columns)
        key, fields = shape.given_key(raw_key, fields), shape.with_key(place, raw_key, fields)
        for index, column in enumerate(table.columns):
            if index == shape.key_place:
                continue
            if column.name not in fields:
                row[index] = shape.default(place, index, key)
                continue
            raw = fields[column.name]
            try:
                row[index] = shape.value(place, key, index, raw, self._keys)
            except UnresolvedError as error:
                if not (self._lenient and column.field.null):
                    raise
                later.append((index, error.key))
            if index in shape.targets and raw is not None and not isinstance(raw, (list, tuple)):
                self._by_number.setdefault(shape.targets[index], (place, column.name))
        self._put_key(place, shape, row, key)
        return row, later

    def _put_key(self, place: Place, shape: Shape, row: List[Any], key: Any) -> None:
        if shape.key_place is not None:
            row[shape.key_place] = self._key_of(place, shape, key)

    def _key_of(self, place: Place, shape: Shape, raw: Any) -> Any:
        target = shape.targets.get(shape.table.key)
        if target is not None and isinstance(raw, (list, tuple)):
            return shape.value(place, None, shape.table.key, raw, self._keys)
        if raw is not None:
            if target is not None:
                self._by_number.setdefault(target, (place, shape.table.columns[shape.table.key].name))
            key = shape.key(place, raw)
            if shape.numbers_itself:
                self._next[shape.label] = max(self._next.get(shape.label, 1), key + 1)
            return key
        self._without_key.add(shape.label)
        if shape.numbers_itself:
            self._next[shape.label] = self._next.get(shape.label, 1) + 1
            return self._next[shape.label] - 1
        if shape.table.columns[shape.table.key].field.has_default():
            return shape.default(place, shape.table.key)
        raise invalid(place, "{0} has no key".format(shape.label), model=shape.label)

    # --- related objects ---

    def _relate(self, place: Place, shape: Shape, relation: venv_shapes.Relation, key: Any, raw: Any) -> None:
        raw = [] if raw == "" else raw  # an empty element of XML that does not say that it is a list
        if not isinstance(raw, list):
            raise venv_refusals.wrong_list(place, shape.label, key, relation.name, raw)
        found = []
        for item in raw:
            try:
                found.append(self._related_key(place, relation, item))
            except UnresolvedError:
                if len(self._unrelated) < _NOTED:
                    errors = (UnresolvedError(relation.name, relation.model, one) for one in raw)
                    self._unrelated.update(((error.model, str(error.key)), error) for error in errors)
                self._relations.add(place, shape.meta.label_lower, relation.name, key, raw)
                return
            except venv_shapes.UNREADABLE:
                raise venv_refusals.wrong_list(place, shape.label, key, relation.name, raw) from None
        self._write_relation(place, shape, relation, key, list(dict.fromkeys(found)))

    def _related_key(self, place: Place, relation: venv_shapes.Relation, item: Any) -> Any:
        if isinstance(item, (list, tuple)):
            return relation.parse(self._keys.find(relation.name, relation.model, item, relation.to_field))
        self._by_number.setdefault(relation.model, (place, relation.name))
        return self._here(relation.model, relation.name, relation.parse(item))

    def _here(self, model: str, name: str, key: Any) -> Any:
        """Return what a key of the fixture is in the database. Raises UnresolvedError."""
        return key

    def _write_relation(
        self, place: Place, shape: Shape, relation: venv_shapes.Relation, key: Any, targets: Sequence[Any]
    ) -> None:
        through = relation.table.label
        for target in targets:
            self._through[through] = self._through.get(through, 0) + 1
            row = [self._through[through]] * len(relation.table.columns)
            row[relation.source], row[relation.target] = relation.parse_source(key), target
            self._put(relation.table, place, row, None)

    def _mirror(self) -> None:
        """A symmetrical relation that is listed on one side only holds on both, as Django sees to."""
        self.flush()
        place = Place(0, 0)
        for shape in {id(shape): shape for shape in self._shapes.values()}.values():
            for relation in shape.relations.values():
                for source, target in venv_spool.one_sided(relation) if relation.symmetrical else ():
                    self._write_relation(place, shape, relation, target, [source])

    # --- what had to wait ---

    def _settle(self) -> None:
        """Take what was put aside, again and again while that brings something forward."""
        while self._objects.count:
            self.flush()
            waiting, self._objects = self._objects, venv_spool.Spool()
            self._missing, self._held_up = {}, set()
            for place, item in waiting.take():
                self._take(place, item)
            if self._objects.count == waiting.count and not self._brought_forward():
                self._refuse_first()
        self.flush()
        self._put_back(list(self._unrelated.values()))
        relations, self._relations = self._relations, venv_spool.Spool()
        for place, label, name, key, raw in relations.take():
            shape = self._shape(place, label)
            before = self._relations.count
            self._relate(place, shape, shape.relations[name], key, raw)
            if self._relations.count != before:
                self._refuse_relation(place, shape, name, raw)
        self._put_back([UnresolvedError("", one.shape.targets[one.column], one.key) for one in self._later])
        self._fill_later()

    def _brought_forward(self) -> bool:
        """Find a way on when every object waits for another; returns whether there is one.

        What the fixture may still hold is not put back: it would be there twice.
        """
        missing = list(self._missing.values())
        if self._put_back([error for error in missing if error.model not in self._held_up]):
            return True
        if not self._lenient:
            # What refers to each other is written without the reference, where there may be none.
            self._lenient = True
            return True
        return self._put_back(missing)

    def _put_back(self, missing: Sequence[UnresolvedError]) -> bool:
        """Put back what the fixture refers to and does not hold, but migrations or handlers had made."""
        missing = [error for error in missing if error.model in self.made and not self._keys.has(error)]
        here = [self.made.put_back(label, key) for label, key in self.made.look_up(missing, self._keys)]
        return any(key is not None for key in here)

    def _put_made(self, table: Table, row: List[Any]) -> None:
        """Take a row that is put back."""
        if table.label not in self.counts and table.label not in self._sums:
            self._sums[table.label] = table.sum()
        if table.model._meta.auto_created:  # numbered as other relations are, of which some are not written yet
            row[table.key] = self._through[table.label] = self._through.get(table.label, 0) + 1
        self._put(table, Place(0, 0), row, None)
        self.flush()

    def _filled(self) -> Dict[str, Table]:
        """The tables that the fixture holds rows of."""
        tables = [shape.table for shape in self._shapes.values()]
        for shape in self._shapes.values():
            tables += [relation.table for relation in shape.relations.values()]
        return {table.label: table for table in tables}

    def _refuse_first(self) -> None:
        place, item = next(self._objects.take())
        shape = self._shape(place, item["model"])
        try:
            self._attempt(place, shape, item)
        except UnresolvedError as error:
            raise error.refusal(place, shape.label) from None

    def _attempt(self, place: Place, shape: Shape, item: Dict[str, Any]) -> None:
        self._row(place, shape, item.get("pk"), item["fields"])

    def _refuse_relation(self, place: Place, shape: Shape, name: str, raw: List[Any]) -> None:
        for item in raw:
            try:
                self._related_key(place, shape.relations[name], item)
            except UnresolvedError as error:
                raise error.refusal(place, shape.label) from None

    def _fill_later(self) -> None:
        for place, shape, row, index, raw in self._later:
            table = shape.table
            try:
                row[index] = shape.value(place, table.key_of(row), index, raw, self._keys)
            except UnresolvedError as error:
                raise error.refusal(place, shape.label) from None
            venv_load.insert(
                self._connection,
                lambda table, rows, index=index: venv_spool.update(  # type: ignore[misc]
                    self._connection, table, table.key_of(rows[0]), {index: rows[0][index]}
                ),
                table,
                [(place, row)],
            )
        for _place, shape, row, _index, _raw in {id(one.row): one for one in self._later}.values():
            self._count(shape.table, [row])

    # --- numbers that mean something else here ---

    def _check_numbers(self) -> None:
        """Refuse keys that the fixture cannot stand for: of objects that get new ones, or that others made."""
        there = {shape.label for shape in self._shapes.values()}
        venv_load_rows.check_numbers(self._by_number, self._without_key, there)
