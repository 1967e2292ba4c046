# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Merges a fixture, whole or a part, into a database that is in use, and tells what became of each row.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only,
Django imported inside functions. One transaction; triggers and constraints stay as they are. Content types and
permissions are those of the database: what refers to them by number is given theirs.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

from typing import Any, BinaryIO, Callable, Dict, List, Sequence, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._fixtures import (
    venv_bulk,
    venv_dump,
    venv_lines,
    venv_load,
    venv_load_objects,
    venv_read_objects,
    venv_rows,
    venv_shapes,
    venv_values,
)
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_read_objects import Place
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_rows import FixtureError, Table
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_shapes import Shape, UnresolvedError

Say = Callable[[str], None]
Request = Dict[str, Any]

INSERTED, UPDATED, LEFT = "inserted", "updated", "left"
DELETED = "deleted"  # what an object is no longer related to
_CONTENT_TYPE = venv_rows.NUMBERED[0]
_BATCH = 500  # rows compared by one query: SQLite takes no more than 999 parameters
_TOLD = 10000  # rows told one by one
_WHOLE = "dump content types and permissions as well, or with natural keys"


def merge(request: Request, stream: BinaryIO, say: Say) -> Dict[str, Any]:
    """Merge; returns how many rows of each model were inserted, updated and left, and which.

    :param request: alias, form (lines too), check (undo everything at the end)
    """
    from django.db import connections, transaction
    from django.db.migrations.loader import MigrationLoader

    connection = connections[request["alias"]]
    migrations = venv_dump.applied(request["alias"], False)
    registry = MigrationLoader(None, ignore_no_migrations=True).project_state().apps
    bulk = venv_bulk.open_bulk(connection, [])
    venv_rows.pin(connection)
    bulk.begin()
    try:
        with transaction.atomic(using=connection.alias):
            report = _Report()
            if request["form"] == venv_dump.LINES:
                tables = _merge_lines(connection, bulk, registry, venv_lines.Lines(stream), migrations, report, say)
            else:
                merging = Merging(connection, bulk, registry, request["form"] == "xml", say, report)
                merging.read(venv_read_objects.READERS[request["form"]](stream))
                tables = merging.touched
            _check(connection, registry, tables)
            if request.get("check"):
                transaction.set_rollback(True, using=connection.alias)
            else:
                _raise_sequences(connection, tables)
    finally:
        bulk.end()
    return {"counts": report.counts, "rows": report.rows, "untold": report.untold}


def _check(connection: Any, registry: Any, tables: Sequence[Table]) -> None:
    """Every reference from and to the tables that were touched, before anything is committed."""
    from django.db import Error

    touched = {table.label for table in tables}
    others = [
        table
        for table in venv_load_objects.tables_of(connection, registry).values()
        if table.label in touched
        or any(
            column.field.remote_field is not None and column.field.remote_field.model._meta.label in touched
            for column in table.columns
        )
    ]
    venv_load.check_references(connection, others)
    if connection.vendor == "postgresql":
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        except Error as error:
            raise FixtureError("fixture_invalid", venv_load.words(error), "correct the objects") from None


def _raise_sequences(connection: Any, tables: Sequence[Table]) -> None:
    """Never back: other sessions may have taken numbers that are in no row yet."""
    if connection.vendor != "postgresql":
        return
    for table in tables:
        column = table.columns[table.key]
        if not column.internal.endswith("AutoField") or column.field.remote_field is not None:
            continue
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_get_serial_sequence(%s, %s)", [table.quoted, column.column])
            sequence = cursor.fetchone()[0]
            if sequence:
                cursor.execute(
                    "SELECT setval(%s, m) FROM (SELECT max({0}) AS m FROM {1}) q, (SELECT last_value AS l FROM {2}) s"
                    " WHERE m >= l".format(column.quoted.replace("%", "%%"), table.quoted.replace("%", "%%"), sequence),
                    [sequence],
                )


class _Report:
    """What became of each row."""

    def __init__(self) -> None:
        self.counts: Dict[str, Dict[str, int]] = {}
        self.rows: List[Dict[str, Any]] = []
        self.untold = 0

    def add(self, label: str, key: Any, action: str, fields: Sequence[str] = ()) -> None:
        self.counts.setdefault(label, {INSERTED: 0, UPDATED: 0, LEFT: 0, DELETED: 0})[action] += 1
        if len(self.rows) < _TOLD:
            self.rows.append({"model": label, "pk": str(key), "action": action, "fields": list(fields)})
        else:
            self.untold += 1


def existing(table: Table, keys: Sequence[Any]) -> Dict[Any, List[Any]]:
    """The rows that are there, by key, as plain values."""
    found = {}
    for start in range(0, len(keys), _BATCH):
        for rows in venv_rows.stream(table, keys[start : start + _BATCH]):
            for row in rows:
                plain = table.plain(row)
                found[plain[table.key]] = plain
    return found


def differs(table: Table, index: int, one: Any, other: Any) -> bool:
    """Whether two plain values are not the same: to Python 1 is True, also within JSON."""
    if table.columns[index].kind == "json" and one is not None and other is not None:
        return venv_values.dumps_json(one) != venv_values.dumps_json(other)
    return bool(one != other)


def prove(table: Table, given: Dict[Any, Dict[int, Any]]) -> None:
    """Read back what was written. Raises FixtureError: a server may cut, round or clip without an error.

    :param given: by key what was given, by the place of the column
    """
    there = existing(table, list(given))
    for key, values in given.items():
        row = there.get(key)
        wrong = [index for index, value in values.items() if row is None or differs(table, index, row[index], value)]
        if row is None or wrong:
            raise FixtureError(
                "data_differs",
                "{0} {1}: the database does not give back {2}".format(
                    table.label, key, ", ".join(table.columns[index].name for index in wrong) or "the row"
                ),
                "look at the table's triggers, and at what the column keeps",
            )


class _Numbers:
    """Which number of the fixture is which of the database's, for content types and permissions."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._known: Dict[str, Dict[Any, Any]] = {}
        self._last: Dict[str, int] = {}

    def learn(self, label: str, number: Any, fields: Dict[str, Any]) -> Any:
        """The database's own number of a content type or permission; None when it has no such."""
        from django.apps import apps
        from django.db.models import QuerySet

        wanted = {"codename": fields.get("codename"), "content_type_id": fields.get("content_type")}
        if label == _CONTENT_TYPE:
            wanted = {"app_label": fields.get("app_label"), "model": fields.get("model")}
        found = QuerySet(model=apps.get_model(label), using=self._connection.alias).filter(**wanted)
        here = found.values_list("pk", flat=True).first()
        if here is not None and number is not None:
            self._known.setdefault(label, {})[number] = here
        return here

    def fresh(self, table: Table, number: Any) -> int:
        """A number for one that the database does not have; several may be asked for before the first is written."""
        last = self._last.get(table.label)
        here = last + 1 if last is not None else _free_number(self._connection, table)
        if self._connection.vendor != "postgresql":
            self._last[table.label] = here
        self._known.setdefault(table.label, {})[number] = here
        return here

    def of(self, label: str, field: str, number: Any) -> Any:
        """What a number of the fixture is here. Raises UnresolvedError when the fixture has not told it (yet)."""
        known = self._known.get(label, {})
        if number not in known:
            raise UnresolvedError(field, label, number)
        return known[number]


def _free_number(connection: Any, table: Table, taken: int = 0) -> int:
    """A key that no row has: the sequence's next where there is one.

    :param taken: how many were taken that are in no row yet
    """
    name, key = table.quoted.replace("%", "%%"), table.columns[table.key].quoted.replace("%", "%%")
    column = table.columns[table.key]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_get_serial_sequence(%s, %s)", [table.quoted, column.column])
            sequence = cursor.fetchone()[0]
            while sequence:
                cursor.execute("SELECT nextval(%s)", [sequence])
                free = int(cursor.fetchone()[0])
                cursor.execute("SELECT 1 FROM {0} WHERE {1} = %s".format(name, key), [free])
                if cursor.fetchone() is None:
                    return free
                # A sequence that stayed behind: rows were inserted with keys of their own.
                cursor.execute("SELECT setval(%s, (SELECT max({0}) FROM {1}))".format(key, name), [sequence])
        cursor.execute("SELECT coalesce(max({0}), 0) + 1 + {2} FROM {1}".format(column.quoted, table.quoted, taken))
        return int(cursor.fetchone()[0])


class Merging(venv_load_objects.Objects):
    """Objects of Django's own formats on their way into rows that may be there."""

    def __init__(
        self, connection: Any, bulk: venv_bulk.Bulk, registry: Any, texts_only: bool, say: Say, report: _Report
    ) -> None:
        """Begin with nothing."""
        super().__init__(connection, bulk, registry, texts_only, say)
        self._report, self._numbers = report, _Numbers(connection)
        self._batches: Dict[str, Tuple[Shape, List[Tuple[Place, Any, Dict[int, Any]]]]] = {}
        self.touched: List[Table] = []
        self._in_batch: Set[Tuple[str, Any]] = set()

    def _begin(self, place: Place, model: Any) -> Shape:
        shape = Shape(model, self._connection, self._texts_only)
        if not shape.has_key:
            raise venv_read_objects.invalid(place, "{0} has no key of one column".format(shape.label))
        self.touched += [shape.table] + [relation.table for relation in shape.relations.values()]
        return shape

    def _take(self, place: Place, item: Dict[str, Any]) -> None:
        shape = self._shape(place, item["model"])
        fields = item["fields"]
        shape.check_names(place, fields)
        try:
            values = self._values(place, shape, item.get("pk"), fields)
            key = self._place_of(place, shape, item.get("pk"), values, fields)
        except UnresolvedError:
            self._objects.add(place, item)
            return
        if (shape.label, key) in self._in_batch:
            self._merge(shape.label)  # the same object once more: it is compared with what the first one made
        self._in_batch.add((shape.label, key))
        _shape, batch = self._batches.setdefault(shape.label, (shape, []))
        batch.append((place, key, values))
        if len(batch) >= _BATCH or shape.label in venv_rows.NUMBERED:
            self._merge(shape.label)
        for name, relation in shape.relations.items():
            if name in fields:
                self._relate(place, shape, relation, key, fields[name])

    def _values(self, place: Place, shape: Shape, raw_key: Any, fields: Dict[str, Any]) -> Dict[int, Any]:
        """What the object gives, by the place of the column."""
        found = {}
        for index, column in enumerate(shape.table.columns):
            if column.name not in fields or index == shape.table.key:
                continue
            raw = fields[column.name]
            value = shape.value(place, raw_key, index, raw, self._keys)
            if index in shape.targets and value is not None and not isinstance(raw, (list, tuple)):
                self._by_number.setdefault(shape.targets[index], (place, column.name))
                value = self._here(shape.targets[index], column.name, value)
            found[index] = value
        return found

    def _place_of(self, place: Place, shape: Shape, raw: Any, values: Dict[int, Any], fields: Dict[str, Any]) -> Any:
        """The key of the row that the object is, or will be."""
        key = None
        if raw is not None or shape.table.key in shape.targets:
            key = self._key_of(place, shape, venv_load_objects.given_key(shape, raw, fields))
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
            return _free_number(self._connection, shape.table)
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
            raise venv_read_objects.invalid(
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
        table = shape.table
        self._in_batch -= {(label, key) for _place, key, _values in batch}
        there = self._there(shape, [key for _place, key, _values in batch])
        rows = []
        for place, key, values in batch:
            if key not in there:
                row = [
                    values[index] if index in values else shape.default(place, index) if index != table.key else key
                    for index in range(len(table.columns))
                ]
                rows.append((place, row))
                self._report.add(label, key, INSERTED)
                continue
            changed = {
                index: value for index, value in values.items() if self._differs(shape, there[key], index, value)
            }
            self._change(place, shape, key, changed)
            names = [table.columns[index].name for index in changed]
            self._report.add(label, key, UPDATED if changed else LEFT, names)
        if rows:
            venv_load.insert(self._connection, self._as_objects if shape.own_words else self._bulk.insert, table, rows)
        if not shape.own_words:
            whole = {row[table.key]: dict(enumerate(row)) for _place, row in rows}
            prove(table, {key: whole.get(key, values) for _place, key, values in batch})

    def _there(self, shape: Shape, keys: List[Any]) -> Dict[Any, Any]:
        if not shape.own_words:
            return dict(existing(shape.table, keys))
        from django.db.models import QuerySet

        found: Dict[Any, Any] = {}
        for start in range(0, len(keys), _BATCH):
            some = QuerySet(model=shape.model, using=self._connection.alias).filter(pk__in=keys[start : start + _BATCH])
            found.update((item.pk, item) for item in some)
        return found

    @staticmethod
    def _differs(shape: Shape, there: Any, index: int, value: Any) -> bool:
        if not shape.own_words:
            return differs(shape.table, index, there[index], value)
        field = shape.table.columns[index].field
        return bool(getattr(there, field.attname) != value)

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
                    venv_load_objects.update(self._connection, shape.table, key, changed)
        except (Error,) + venv_shapes.UNREADABLE as error:
            raise venv_read_objects.invalid(
                place, "{0} {1}: {2}".format(shape.label, key, venv_load.words(error)), model=shape.label, pk=str(key)
            ) from None

    # --- related objects ---

    def _here(self, model: str, name: str, key: Any) -> Any:
        return self._numbers.of(model, name, key) if model in venv_rows.NUMBERED else key

    def _attempt(self, place: Place, shape: Shape, item: Dict[str, Any]) -> None:
        self._values(place, shape, item.get("pk"), item["fields"])

    def _write_relation(
        self, place: Place, shape: Shape, relation: venv_shapes.Relation, key: Any, targets: Sequence[Any]
    ) -> None:
        """Make the relations of one object those of the fixture, as loaddata does."""
        self._merge(shape.label)
        there = _targets(relation, relation.parse_source(key))
        both = relation.symmetrical
        lacking = [target for target in targets if target not in there]
        surplus = {target: number for target, number in there.items() if target not in targets}
        rows: venv_load.Rows = []
        for target in lacking:
            row = [_free_number(self._connection, relation.table, len(rows))] * len(relation.table.columns)
            row[relation.source], row[relation.target] = relation.parse_source(key), target
            rows.append((place, row))
            self._report.add(relation.table.label, "{0} {1}".format(key, target), INSERTED)
            if both and relation.parse_source(key) not in _targets(relation, target):
                other = [_free_number(self._connection, relation.table, len(rows))] * len(relation.table.columns)
                other[relation.source], other[relation.target] = target, relation.parse_source(key)
                rows.append((place, other))
                self._report.add(relation.table.label, "{0} {1}".format(target, key), INSERTED)
        if rows:
            venv_load.insert(self._connection, self._bulk.insert, relation.table, rows)
        if both:
            for target in list(surplus):
                mirrored = _targets(relation, target).get(relation.parse_source(key))
                if mirrored is not None:
                    surplus[(target, key)] = mirrored
        for target, number in surplus.items():
            with self._connection.cursor() as cursor:
                cursor.execute(
                    "DELETE FROM {0} WHERE {1} = %s".format(
                        relation.table.quoted, relation.table.columns[relation.table.key].quoted
                    ),
                    [number],
                )
            self._report.add(relation.table.label, "{0} {1}".format(key, target), DELETED)
        for target in targets:
            if target in there:
                self._report.add(relation.table.label, "{0} {1}".format(key, target), LEFT)

    def _check_numbers(self) -> None:
        """Numbers of content types and permissions are mapped, or were refused."""
        for label in venv_rows.NUMBERED:
            self._by_number.pop(label, None)
        super()._check_numbers()

    def _mirror(self) -> None:
        """Each list was made whole when it was written."""


def _targets(relation: venv_shapes.Relation, key: Any) -> Dict[Any, Any]:
    """The related keys of one object, with the numbers of the rows that say so."""
    table = relation.table
    column = table.columns[relation.source]
    sql = "{0} WHERE {1} = %s".format(table.select().replace("%", "%%"), column.quoted.replace("%", "%%"))
    with table.connection.cursor() as cursor:
        cursor.execute(sql, [column.parameter(key)])
        rows = [table.plain(row) for row in cursor.fetchall()]
    return {row[relation.target]: row[table.key] for row in rows}


# --- the lossless form ---


def _merge_lines(
    connection: Any,
    bulk: venv_bulk.Bulk,
    registry: Any,
    lines: venv_lines.Lines,
    migrations: List[str],
    report: _Report,
    say: Say,
) -> List[Table]:
    other = sorted(set(lines.header["migrations"]) ^ set(migrations))
    if other:
        raise FixtureError(
            "unknown_migration",
            "the fixture was made at other migrations than the database is at: {0}".format(", ".join(other[:5])),
            "dump and merge at the same revision of the code",
        )
    venv_load.check_time_zones(lines.header)
    tables = venv_load.tables_of(connection, registry, lines.header["models"])
    numbers, tell = _Numbers(connection), venv_load.progress(say)
    for section in lines.sections():
        table = tables[section.label]
        venv_load.match_fields(table, section)
        for rows in section.chunks():
            _merge_chunk(connection, bulk, table, numbers, rows, report)
            tell(section.label, rows[-1][0])
    return list(tables.values())


def _merge_chunk(
    connection: Any,
    bulk: venv_bulk.Bulk,
    table: Table,
    numbers: _Numbers,
    rows: Sequence[Tuple[int, List[Any]]],
    report: _Report,
) -> None:
    rows = [(line, _renumbered(connection, table, numbers, line, list(row))) for line, row in rows]
    if table.model._meta.auto_created:
        _merge_pairs(connection, bulk, table, rows, report)
        return
    there = existing(table, [row[table.key] for _line, row in rows])
    fresh = [(line, row) for line, row in rows if row[table.key] not in there]
    for line, row in rows:
        before = there.get(row[table.key])
        if before is None:
            report.add(table.label, row[table.key], INSERTED)
            continue
        changed = {index: value for index, value in enumerate(row) if differs(table, index, before[index], value)}
        if changed:
            _update(connection, table, line, row[table.key], changed)
        names = [table.columns[index].name for index in changed]
        report.add(table.label, row[table.key], UPDATED if changed else LEFT, names)
    if fresh:
        venv_load.insert(connection, bulk.insert, table, fresh)
    prove(table, {row[table.key]: dict(enumerate(row)) for _line, row in rows})


def _update(connection: Any, table: Table, line: int, key: Any, changed: Dict[int, Any]) -> None:
    from django.db import Error, transaction

    try:
        with transaction.atomic(using=connection.alias):
            venv_load_objects.update(connection, table, key, changed)
    except (Error,) + venv_shapes.UNREADABLE as error:
        raise venv_read_objects.invalid(
            "line {0}".format(line), "{0} {1}: {2}".format(table.label, key, venv_load.words(error))
        ) from None


def _renumbered(connection: Any, table: Table, numbers: _Numbers, line: int, row: List[Any]) -> List[Any]:
    """A row with the database's own content types and permissions."""
    for index, column in enumerate(table.columns):
        remote = column.field.remote_field
        target = remote.model._meta.label if remote is not None else ""
        if target in venv_rows.NUMBERED and row[index] is not None:
            try:
                row[index] = numbers.of(target, column.name, row[index])
            except UnresolvedError:
                raise FixtureError(
                    "fixture_invalid",
                    "line {0}: {1}: {2} refers to {3} by number, which is another one in each database".format(
                        line, table.label, column.name, target
                    ),
                    _WHOLE,
                    line=line,
                ) from None
    if table.label in venv_rows.NUMBERED:
        named = {column.name: value for column, value in zip(table.columns, row)}
        number = row[table.key]
        here = numbers.learn(table.label, number, named)
        row[table.key] = numbers.fresh(table, number) if here is None else here
    return row


def _merge_pairs(
    connection: Any, bulk: venv_bulk.Bulk, table: Table, rows: Sequence[Tuple[int, List[Any]]], report: _Report
) -> None:
    """Rows of a many-to-many relation: their own numbers say nothing, only what is related counts."""
    pair = [index for index in range(len(table.columns)) if index != table.key]
    first = table.columns[pair[0]]
    sources = list(dict.fromkeys(row[pair[0]] for _line, row in rows))
    there: Set[Tuple[Any, ...]] = set()
    for start in range(0, len(sources), _BATCH):
        some = sources[start : start + _BATCH]
        marks = ", ".join(["%s"] * len(some))
        sql = "{0} WHERE {1} IN ({2})".format(table.select().replace("%", "%%"), first.quoted.replace("%", "%%"), marks)
        with connection.cursor() as cursor:
            cursor.execute(sql, [first.parameter(value) for value in some])
            there.update(tuple(table.plain(row)[index] for index in pair) for row in cursor.fetchall())
    fresh: venv_load.Rows = []
    for line, row in rows:
        both = tuple(row[index] for index in pair)
        action = LEFT if both in there else INSERTED
        report.add(table.label, " ".join(map(str, both)), action)
        if action == INSERTED:
            row[table.key] = _free_number(connection, table, len(fresh))
            fresh.append((line, row))
    if fresh:
        venv_load.insert(connection, bulk.insert, table, fresh)
