# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Writes Django's own fixture formats, which plain ``loaddata`` reads: JSON, JSONL, XML and YAML.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only,
Django imported inside functions. Unlike ``dumpdata``: rows come past every manager, times keep their microseconds, and
many-to-many relations are read by one query for many objects.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

import datetime
from typing import Any, BinaryIO, Callable, Dict, Iterator, List, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._fixtures import (
    venv_columns,
    venv_own_words,
    venv_rows,
    venv_write_formats,
)
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_rows import FixtureError, Table
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_write_formats import Pairs

PAGE = 2000  # objects read at a time
_KEYS = 400  # objects asked for by their keys at a time, fewer than rows are read at a time

Tell = Callable[[str, int], None]


def write(
    stream: BinaryIO, request: Dict[str, Any], tables: Sequence[Table], keys: Optional[Sequence[str]], tell: Tell
) -> Dict[str, Dict[str, Any]]:
    """Write every object; returns how many there are by model."""
    writer = venv_write_formats.WRITERS[request["format"]](stream, request.get("indent"))
    counts: Dict[str, Dict[str, Any]] = {}
    writer.begin()
    for table in ordered(tables):
        objects = Objects(table, request)
        number = 0
        for pk, pairs in objects.all(keys):
            writer.add(table.model._meta, pk, pairs)
            number += 1
            if number % PAGE == 0:
                tell(table.label, number)
        counts[table.label] = {"objects": number}
    writer.end()
    return counts


def ordered(tables: Sequence[Table]) -> List[Table]:
    """The tables that have objects of their own, each after those that its natural keys refer to, as dumpdata does it.

    A many-to-many relation is a list in the objects of the model that declares it.
    """
    from django.core import serializers

    by_model = {table.model: table for table in tables if not table.model._meta.auto_created}
    listed = [(None, list(by_model))]
    try:
        models = serializers.sort_dependencies(listed, allow_cycles=True)
    except TypeError:  # Django before 3.2
        models = serializers.sort_dependencies(listed)
    return [by_model[model] for model in models if model in by_model]


class Objects:
    """One model's rows as objects: fields in Django's own words, and lists of related keys."""

    def __init__(self, table: Table, request: Dict[str, Any]) -> None:
        """Look at the model once."""
        self.table, self.model, self.meta = table, table.model, table.model._meta
        self.connection = table.connection
        self.natural_foreign = bool(request.get("natural_foreign"))
        self.natural_primary = bool(request.get("natural_primary")) and hasattr(self.model, "natural_key")
        self._natural: Dict[Any, Dict[str, Any]] = {}
        columns = {column.name: (index, column) for index, column in enumerate(table.columns)}
        if not table.keys:
            raise FixtureError("unsupported_model", "{0} has no key".format(table.label), "use the format lines")
        serialized = [field for field in self.meta.local_fields if field.name in columns and field.serialize]
        self._fields = [(field, columns[field.name]) for field in serialized]
        self._lists = _lists_of(self.meta)
        self._own = venv_own_words.OwnWords(table, request["format"])

    def all(self, keys: Optional[Sequence[str]]) -> Iterator[Tuple[Any, Pairs]]:
        """Key (None with natural primary keys) and fields of each object."""
        for rows, where in self._pages(keys):
            for _key, pk, pairs in self._of_page(rows, where):
                yield pk, pairs

    def with_keys(self, keys: Sequence[Any]) -> Iterator[Tuple[Any, Any, Pairs]]:
        """Plain key, key (None with natural primary keys) and fields of each object.

        :param keys: plain ones
        """
        for start in range(0, len(keys), _KEYS):
            some = keys[start : start + _KEYS]
            for rows in venv_rows.stream(self.table, some, plain=True):
                yield from self._of_page(rows, venv_rows.among(self.table, some, plain=True))

    def _of_page(self, rows: List[Tuple[Any, ...]], where: venv_own_words.Where) -> Iterator[Tuple[Any, Any, Pairs]]:
        plain = [self.table.plain(row) for row in rows]
        raw_keys = [self.table.key_of(row) for row in plain]
        lists = self._related_lists(raw_keys)
        instances = self._own.instances(where, len(rows))
        for place, (key, row) in enumerate(zip(raw_keys, plain)):
            pairs = self._pairs(key, row)
            pk = self._pk(key)
            if place < len(instances):
                pk, pairs = self._in_own_words(instances[place], pk, pairs)
            pairs += [(field, found.get(plain_key(key), [])) for field, found in zip(self._lists, lists)]
            yield key, pk, pairs

    def _pairs(self, key: Any, row: Sequence[Any]) -> Pairs:
        """Each field and its value as the format writes it.

        :param key: plain, as the row is
        """
        return [(field, self._value(field, column, row[index])) for field, (index, column) in self._fields]

    def _in_own_words(self, instance: Any, pk: Any, pairs: Pairs) -> Tuple[Any, Pairs]:
        """Key and fields as the project's own fields have them, read back. Raises FixtureError."""
        own = self._own.words(instance)
        found = [(field, self._own_or(own, field, value)) for field, value in pairs]
        keyed = pk if pk is None or isinstance(pk, list) else own.get(self.meta.pk.name, pk)
        self._own.check(instance, found + ([] if keyed is pk else [(self.meta.pk, keyed)]))
        return keyed, found

    def _own_or(self, own: Dict[str, Any], field: Any, value: Any) -> Any:
        """A value in the field's own words, where it has some; a natural key is in words that say more."""
        natural = field.remote_field is not None and isinstance(value, list)
        return value if natural else own.get(field.name, value)

    def _pk(self, key: Any) -> Any:
        """The key as a format writes it: none with natural primary keys, a list of several columns."""
        if self.natural_primary:
            return None
        return list(key) if isinstance(key, tuple) else key

    def _pages(self, keys: Optional[Sequence[str]]) -> Iterator[Tuple[List[Tuple[Any, ...]], venv_own_words.Where]]:
        """Page after page by the key: a cursor that is open would keep MySQL from answering anything else."""
        if keys is not None:
            for start in range(0, len(keys), _KEYS):
                some = keys[start : start + _KEYS]
                for rows in venv_rows.stream(self.table, some):
                    yield rows, venv_rows.among(self.table, some)
            return
        columns = [self.table.columns[index].quoted.replace("%", "%%") for index in self.table.keys]
        sql = self.table.select().replace("%", "%%")
        last: List[Any] = []
        with self.connection.cursor() as cursor:
            while True:
                where, params = _after(columns, last)
                some = " WHERE " + where if where else ""
                cursor.execute("{0}{1} ORDER BY {2} LIMIT {3}".format(sql, some, ", ".join(columns), PAGE), params)
                rows = cursor.fetchall()
                if not rows:
                    return
                last = [rows[-1][index] for index in self.table.keys]
                yield rows, (where, params)

    def _value(self, field: Any, column: Any, value: Any) -> Any:
        if value is None:
            return None
        if field.remote_field is not None and self._by_natural_key(field.remote_field.model):
            return self._natural_key(field.remote_field.model, field.target_field, value)
        if column.kind == "duration":
            return duration_text(value)
        return value["json"] if column.kind == "json" else value

    def _by_natural_key(self, model: Any) -> bool:
        """Tell whether objects of a model are referred to by natural keys, where they have such."""
        return self.natural_foreign

    def _natural_key(self, model: Any, target: Any, value: Any) -> Any:
        """The natural key of a related object, asked once for each; its key where the model has none."""
        if not hasattr(model, "natural_key"):
            return value
        known = self._natural.setdefault(model, {})
        if value not in known:
            from django.db.models import QuerySet

            found = QuerySet(model=model, using=self.connection.alias).filter(**{target.attname: value}).first()
            known[value] = value if found is None else list(found.natural_key())
        return known[value]

    def _related_lists(self, keys: Sequence[Any]) -> List[Dict[str, List[Any]]]:
        return [self._related(field, keys) for field in self._lists]

    def _related(self, field: Any, keys: Sequence[Any]) -> Dict[str, List[Any]]:
        """What each of these objects is related to, as the format writes it."""
        found = related(field, self.connection, keys)
        theirs = field.remote_field.through._meta.get_field(field.m2m_reverse_field_name())
        model = theirs.remote_field.model
        if not self._by_natural_key(model):
            return found
        return {
            key: [self._natural_key(model, theirs.target_field, one) for one in others] for key, others in found.items()
        }


def related(field: Any, connection: Any, keys: Sequence[Any]) -> Dict[str, List[Any]]:
    """The plain keys that each of these objects is related to, in the order in which they were related.

    :param field: one of many-to-many
    :param keys: plain ones; the answer has them in words
    """
    through = field.remote_field.through
    ours = through._meta.get_field(field.m2m_field_name())
    theirs = through._meta.get_field(field.m2m_reverse_field_name())
    columns = [venv_columns.Column(one, connection) for one in (ours, theirs)]
    quote = connection.ops.quote_name
    sql = "SELECT {0}, {1} FROM {2} WHERE {3} IN ({4}) ORDER BY {5}".format(
        columns[0].select,
        columns[1].select,
        quote(through._meta.db_table),
        columns[0].quoted,
        ", ".join(["%s"] * len(keys)),
        quote(through._meta.pk.column),
    )
    params = [columns[0].parameter(key) for key in keys]
    found: Dict[str, List[Any]] = {}
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        for row in cursor.fetchall():
            key, other = [column.read(value) if column.read else value for column, value in zip(columns, row)]
            found.setdefault(str(key), []).append(other)
    return found


def _lists_of(meta: Any) -> List[Any]:
    """The many-to-many fields that are lists within the objects: those without a model of their own."""
    fields = [field for field in meta.local_many_to_many if field.serialize]
    return [field for field in fields if field.remote_field.through._meta.auto_created]


def plain_key(value: Any) -> str:
    """A key as the plain rows have it, for comparing."""
    return " ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _after(columns: Sequence[str], last: Sequence[Any]) -> Tuple[str, List[Any]]:
    """The condition of rows behind a key, with its parameters.

    :param last: the key, by columns; empty for none
    """
    parts, params = [], []  # type: List[str], List[Any]
    for index in range(len(last)):
        same = ["{0} = %s".format(name) for name in columns[:index]]
        parts.append("({0})".format(" AND ".join(same + ["{0} > %s".format(columns[index])])))
        params += last[: index + 1]
    return " OR ".join(parts), params


def duration_text(microseconds: int) -> str:
    """A duration as Django's parse_duration reads it."""
    value = datetime.timedelta(microseconds=microseconds)
    hours, rest = divmod(value.seconds, 3600)
    return "{0} {1:02d}:{2:02d}:{3:02d}.{4:06d}".format(value.days, hours, rest // 60, rest % 60, value.microseconds)
