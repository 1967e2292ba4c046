# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Keeps in mind what migrations and post_migrate handlers made, where a fixture takes its place; puts it back at need.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only,
Django imported inside functions. A fixture's objects replace all that was made in the table of their model. A part of
a site may refer to what was made there all the same, as plain loaddata lets it: then that object is put back.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

from typing import Any, Callable, Dict, Iterable, List, Tuple

from ansible_collections.relocate.django.plugins.module_utils._fixtures import (
    venv_dialect,
    venv_load,
    venv_natural_keys,
    venv_rows,
)
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_rows import Table
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_shapes import UnresolvedError

#: Rows of a table that are kept in mind: migrations that make more than these are importing data.
_MOST = 20000
#: Takes the row of a table that is put back.
Put = Callable[[Table, List[Any]], None]
Row = List[Any]


class Made:
    """Rows that the fixture took the place of."""

    def __init__(self, connection: Any, bulk: venv_dialect.Bulk, put: Put) -> None:
        """Begin with nothing."""
        self._connection, self._bulk, self._put = connection, bulk, put
        self._tables: Dict[str, Table] = {}
        self._rows: Dict[str, Dict[Any, Row]] = {}
        self._here: Dict[Tuple[str, Any], Any] = {}
        #: By model, the keys of what was put back.
        self.back: Dict[str, List[Any]] = {}

    def __contains__(self, label: str) -> bool:
        """Tell whether rows of a model were taken away."""
        return label in self._rows

    def remember(self, table: Table) -> None:
        """Keep the rows of a table that is about to be emptied, unless there are too many.

        Nothing refers to a key of several columns.
        """
        if table.composite:
            return
        rows: Dict[Any, Row] = {}
        for found in venv_rows.stream(table):  # to its end, even when there are too many: it may be the server's cursor
            if len(rows) <= _MOST:
                rows.update((row[table.key], row) for row in map(table.plain, found))
        if 0 < len(rows) <= _MOST and table.label not in self._rows:
            self._tables[table.label], self._rows[table.label] = table, rows

    # --- natural keys ---

    def look_up(self, wanted: Iterable[UnresolvedError], keys: venv_natural_keys.NaturalKeys) -> List[Tuple[str, Any]]:
        """Find the objects of these natural keys among what was taken away; returns model and primary key.

        The managers of the project say which they are. So the tables are for a moment as they were.
        """
        from django.db import transaction

        wanted = [error for error in wanted if error.model in self._rows and isinstance(error.key, (list, tuple))]
        found: List[Tuple[str, Any]] = []
        if not wanted:
            return found
        with transaction.atomic(using=self._connection.alias):
            self._bulk.clear(list(self._tables.values()))
            for label, table in self._tables.items():
                self._bulk.insert(table, list(self._rows[label].values()))
            _forget_content_types()
            for error in wanted:
                pk = keys.ask(error.model, error.key, self._tables[error.model].model._meta.pk.name)
                if pk is not None:
                    found.append((error.model, self._key_of(error.model, pk)))
            transaction.set_rollback(True, using=self._connection.alias)
        _forget_content_types()
        return [(label, pk) for label, pk in dict.fromkeys(found) if pk in self._rows[label]]

    def _key_of(self, label: str, pk: Any) -> Any:
        """A primary key as plain rows have it."""
        keys = self._rows[label]
        return pk if pk in keys else next((key for key in keys if str(key) == str(pk)), pk)

    # --- putting back ---

    def put_back(self, label: str, pk: Any) -> Any:
        """Put an object back, with what it refers to; returns its key now, or None where that cannot be."""
        if (label, pk) in self._here:
            return self._here[label, pk]
        self._here[label, pk] = None  # until it is there: it may refer to itself
        table, row = self._tables[label], list(self._rows[label][pk])
        if self._there(table, {table.key: pk}):
            if not _counts(table):
                return None
            row[table.key] = self._free(table)
        for index, column in enumerate(table.columns):
            if index != table.key:
                row[index] = self._referred(column, row[index])
                if row[index] is None and not column.field.null:
                    return None
        self._put(table, row)
        self._here[label, pk] = row[table.key]
        self.back.setdefault(label, []).append(row[table.key])
        self._put_relations(table, pk, row[table.key])
        return row[table.key]

    def _referred(self, column: Any, value: Any) -> Any:
        """A column's value; the key of an object that was taken away is what that has by now."""
        if value is None or column.field.remote_field is None:
            return value
        label = column.field.remote_field.model._meta.label
        if value not in self._rows.get(label, {}):
            return value
        if (label, value) not in self._here:
            same = self._same(label, self._rows[label][value])
            if same is not None:
                return same
        return self.put_back(label, value)

    def _same(self, label: str, row: Row) -> Any:
        """The key of the fixture's object that has the same unique values, as the same content type has."""
        table = self._tables[label]
        places = {column.name: index for index, column in enumerate(table.columns)}
        for names in _unique_sets(table):
            values = {places[name]: self._referred(table.columns[places[name]], row[places[name]]) for name in names}
            found = [] if None in values.values() else self._there(table, values)
            if found:
                return found[0][table.key]
        return None

    def _put_relations(self, table: Table, pk: Any, here: Any) -> None:
        """Put the rows back by which an object is related to others, where those are there."""
        for field in table.model._meta.local_many_to_many:
            through = self._tables.get(field.remote_field.through._meta.label)
            if through is None:
                continue
            names = [column.name for column in through.columns]
            source, target = names.index(field.m2m_field_name()), names.index(field.m2m_reverse_field_name())
            for row in list(self._rows[through.label].values()):
                if row[source] == pk:
                    related = self._referred(through.columns[target], row[target])
                    if related is not None:
                        new = list(row)
                        new[source], new[target], new[through.key] = here, related, self._free(through)
                        self._put(through, new)

    def _there(self, table: Table, values: Dict[int, Any]) -> List[Row]:
        """The rows of a table with these values, by the place of the column."""
        columns = [table.columns[index] for index in values]
        wanted = " AND ".join("{0} = %s".format(column.quoted.replace("%", "%%")) for column in columns)
        sql = "{0} WHERE {1}".format(table.select().replace("%", "%%"), wanted)
        with self._connection.cursor() as cursor:
            cursor.execute(sql, [column.parameter(value) for column, value in zip(columns, values.values())])
            return [table.plain(row) for row in cursor.fetchall()]

    def _free(self, table: Table) -> int:
        with self._connection.cursor() as cursor:
            key = table.columns[table.key].quoted
            cursor.execute("SELECT coalesce(max({0}), 0) + 1 FROM {1}".format(key, table.quoted))
            return int(cursor.fetchone()[0])

    # --- what the fixture does not hold ---

    def settle(self, keep: bool) -> Dict[str, List[str]]:
        """Put back what the fixture has no other object for, or return its keys by model.

        :param keep: whether it is put back
        """
        gone: Dict[str, List[str]] = {}
        for label, pk in self.unheld():
            if not keep or self.put_back(label, pk) is None:
                gone.setdefault(label, []).append(str(pk)[:80])
        return gone

    def unheld(self) -> List[Tuple[str, Any]]:
        """Find the objects that were taken away and that the fixture has no other for: model and key.

        Another one has the same key, or the same unique values. Content types and permissions are migrate's to make.
        """
        found = []
        for label, rows in self._rows.items():
            table = self._tables[label]
            if label not in venv_rows.NUMBERED and not table.model._meta.auto_created:
                found += [(label, pk) for pk, row in rows.items() if not self._is_held(table, pk, row)]
        return found

    def _is_held(self, table: Table, pk: Any, row: Row) -> bool:
        if (table.label, pk) in self._here or self._there(table, {table.key: pk}):
            return True
        places = {column.name: index for index, column in enumerate(table.columns)}
        for names in _unique_sets(table):
            values = {places[name]: row[places[name]] for name in names}
            refers = any(table.columns[index].field.remote_field is not None for index in values)
            if not refers and None not in values.values() and self._there(table, values):
                return True
        return False

    # --- numbers ---

    def put_back_numbers(self, tables: Iterable[Table]) -> bool:
        """Put back what rows refer to by a key that only a made object had; returns whether there was any.

        Content types and permissions are left out: their numbers mean something else in each database.
        """
        found = [
            (label, self._key_of(label, value))
            for table in tables
            for field, label in self._references(table)
            for _pk, value in venv_load.dangling(self._connection, table, field, limit=_MOST)
        ]
        wanted = [(label, key) for label, key in dict.fromkeys(found) if key in self._rows[label]]
        here = [self.put_back(label, key) for label, key in wanted]
        return any(key is not None for key in here)

    def _references(self, table: Table) -> List[Tuple[Any, str]]:
        """The fields of a table that refer, by primary key, to a model of which rows were taken away."""
        fields = [field for field in table.model._meta.local_concrete_fields if field.remote_field is not None]
        labels = [(field, field.remote_field.model._meta.label) for field in fields]
        return [
            (field, label)
            for field, label in labels
            if label in self._rows and label not in venv_rows.NUMBERED and field.target_field.primary_key
        ]


def _unique_sets(table: Table) -> List[List[str]]:
    """The fields, but for the key, whose values one object alone can have."""
    meta = table.model._meta
    known = {column.name for column in table.columns}
    found = [[field.name] for field in meta.local_concrete_fields if field.unique and not field.primary_key]
    found += [list(names) for names in meta.unique_together]
    return [names for names in found if known.issuperset(names)]


def _counts(table: Table) -> bool:
    column = table.columns[table.key]
    return bool(column.internal.endswith("AutoField") and column.field.remote_field is None)


def _forget_content_types() -> None:
    from django.apps import apps

    if apps.is_installed("django.contrib.contenttypes"):
        from django.contrib.contenttypes.models import ContentType

        ContentType.objects.clear_cache()
