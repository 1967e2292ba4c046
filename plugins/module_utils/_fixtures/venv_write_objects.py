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
import io
import json
from typing import Any, BinaryIO, Callable, Dict, Iterator, List, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._fixtures import venv_columns, venv_rows
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_rows import FixtureError, Table

PAGE = 2000  # objects read at a time

Tell = Callable[[str, int], None]
#: A field's name, and its value as the format writes it.
Pairs = List[Tuple[Any, Any]]


def write(
    stream: BinaryIO, request: Dict[str, Any], tables: Sequence[Table], keys: Optional[Sequence[str]], tell: Tell
) -> Dict[str, Dict[str, Any]]:
    """Write every object; returns how many there are by model."""
    writer = _WRITERS[request["format"]](stream)
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
        if self.meta.pk.name not in columns:
            raise FixtureError(
                "unsupported_model", "{0} has no key of one column".format(table.label), "use the format lines"
            )
        serialized = [field for field in self.meta.local_fields if field.name in columns and field.serialize]
        self._fields = [(field, columns[field.name]) for field in serialized]
        self._lists = _lists_of(self.meta)
        # What only the field itself can put into words: its own conversions, and types of one engine.
        self._own_words = [field for field, (_index, column) in self._fields if column.needs_own_words]

    def all(self, keys: Optional[Sequence[str]]) -> Iterator[Tuple[Any, Pairs]]:
        """Key (None with natural primary keys) and fields of each object."""
        for rows in self._pages(keys):
            plain = [self.table.plain(row) for row in rows]
            raw_keys = [row[self.table.key] for row in plain]
            words = self._instances(raw_keys)
            lists = self._related_lists(raw_keys)
            for key, row in zip(raw_keys, plain):
                pairs = [(field, self._value(field, column, row[index])) for field, (index, column) in self._fields]
                if words:
                    own = words[str(key)]
                    pairs = [(field, own.get(field.name, value)) for field, value in pairs]
                pairs += [(field, found.get(str(key), [])) for field, found in zip(self._lists, lists)]
                yield (None if self.natural_primary else key), pairs

    def _pages(self, keys: Optional[Sequence[str]]) -> Iterator[List[Tuple[Any, ...]]]:
        """Page after page by the key: a cursor that is open would keep MySQL from answering anything else."""
        if keys is not None:
            yield from venv_rows.stream(self.table, keys)
            return
        column = self.connection.ops.quote_name(self.meta.pk.column)
        sql = self.table.select()
        last: Any = None
        with self.connection.cursor() as cursor:
            while True:
                where = "" if last is None else " WHERE {0} > %s".format(column)
                statement = "{0}{1} ORDER BY {2} LIMIT {3}".format(sql.replace("%", "%%"), where, column, PAGE)
                cursor.execute(statement, [] if last is None else [last])
                rows = cursor.fetchall()
                if not rows:
                    return
                last = rows[-1][self.table.key]
                yield rows

    def _value(self, field: Any, column: Any, value: Any) -> Any:
        if value is None:
            return None
        if field.remote_field is not None and self.natural_foreign:
            return self._natural_key(field.remote_field.model, field.target_field, value)
        if column.kind == "duration":
            return duration_text(value)
        return value["json"] if column.kind == "json" else value

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

    def _instances(self, keys: Sequence[Any]) -> Dict[str, Dict[str, Any]]:
        if not self._own_words:
            return {}
        from django.db.models import QuerySet

        found = QuerySet(model=self.model, using=self.connection.alias).filter(pk__in=list(keys))
        pk = self.meta.pk
        return {
            plain_key(pk.value_from_object(item)): {
                field.name: None if field.value_from_object(item) is None else field.value_to_string(item)
                for field in self._own_words
            }
            for item in found
        }

    def _related_lists(self, keys: Sequence[Any]) -> List[Dict[str, List[Any]]]:
        return [self._related(field, keys) for field in self._lists]

    def _related(self, field: Any, keys: Sequence[Any]) -> Dict[str, List[Any]]:
        """The keys that each of these objects is related to, in the order in which they were related."""
        through = field.remote_field.through
        ours = through._meta.get_field(field.m2m_field_name())
        theirs = through._meta.get_field(field.m2m_reverse_field_name())
        columns = [venv_columns.Column(one, self.connection) for one in (ours, theirs)]
        quote = self.connection.ops.quote_name
        sql = "SELECT {0}, {1} FROM {2} WHERE {3} IN ({4}) ORDER BY {5}".format(
            columns[0].select,
            columns[1].select,
            quote(through._meta.db_table),
            columns[0].quoted,
            ", ".join(["%s"] * len(keys)),
            quote(through._meta.pk.column),
        )
        params = [ours.get_db_prep_value(ours.target_field.to_python(key), self.connection) for key in keys]
        found: Dict[str, List[Any]] = {}
        with self.connection.cursor() as cursor:
            cursor.execute(sql, params)
            for row in cursor.fetchall():
                key, other = [column.read(value) if column.read else value for column, value in zip(columns, row)]
                if self.natural_foreign:
                    other = self._natural_key(theirs.remote_field.model, theirs.target_field, other)
                found.setdefault(str(key), []).append(other)
        return found


def _lists_of(meta: Any) -> List[Any]:
    """The many-to-many fields that are lists within the objects: those without a model of their own."""
    fields = [field for field in meta.local_many_to_many if field.serialize]
    return [field for field in fields if field.remote_field.through._meta.auto_created]


def plain_key(value: Any) -> str:
    """A key as the plain rows have it, for comparing."""
    return str(value)


def duration_text(microseconds: int) -> str:
    """A duration as Django's parse_duration reads it."""
    value = datetime.timedelta(microseconds=microseconds)
    hours, rest = divmod(value.seconds, 3600)
    return "{0} {1:02d}:{2:02d}:{3:02d}.{4:06d}".format(value.days, hours, rest // 60, rest % 60, value.microseconds)


# --- formats ---


class _Json:
    """One array, an object a line."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream, self.first = stream, True

    def begin(self) -> None:
        self.stream.write(b"[\n")

    def add(self, meta: Any, pk: Any, pairs: Pairs) -> None:
        if not self.first:
            self.stream.write(b",\n")
        self.first = False
        self.stream.write(_text(meta, pk, pairs))

    def end(self) -> None:
        self.stream.write(b"\n]\n")


class _JsonLines(_Json):
    """One object a line, nothing else."""

    def begin(self) -> None:
        pass

    def add(self, meta: Any, pk: Any, pairs: Pairs) -> None:
        self.stream.write(_text(meta, pk, pairs) + b"\n")

    def end(self) -> None:
        pass


def _object(meta: Any, pk: Any, pairs: Pairs) -> Dict[str, Any]:
    found: Dict[str, Any] = {"model": meta.label_lower}
    if pk is not None:
        found["pk"] = pk
    found["fields"] = {field.name: value for field, value in pairs}
    return found


def _text(meta: Any, pk: Any, pairs: Pairs) -> bytes:
    text = json.dumps(_object(meta, pk, pairs), ensure_ascii=False)
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        return json.dumps(_object(meta, pk, pairs)).encode("ascii")


class _Yaml(_Json):
    """A sequence of objects, written one by one."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__(stream)
        try:
            import yaml
        except ImportError:
            raise FixtureError(
                "library_missing", "the project's interpreter has no PyYAML", "use another format, or install PyYAML"
            ) from None
        self._yaml = yaml
        self._dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

    def begin(self) -> None:
        pass

    def add(self, meta: Any, pk: Any, pairs: Pairs) -> None:
        text = self._yaml.dump(
            [_object(meta, pk, pairs)],
            Dumper=self._dumper,
            default_flow_style=False,
            allow_unicode=True,
            sort_keys=False,
        )
        self.stream.write(text.encode("utf-8"))
        self.first = False

    def end(self) -> None:
        if self.first:
            self.stream.write(b"[]\n")


class _Xml:
    """Elements as Django's own serializer writes them."""

    def __init__(self, stream: BinaryIO) -> None:
        from django.utils.xmlutils import SimplerXMLGenerator

        self.stream = stream
        self._buffer = io.StringIO()
        self.xml = SimplerXMLGenerator(self._buffer, "utf-8")

    def begin(self) -> None:
        self.xml.startDocument()
        self.xml.startElement("django-objects", {"version": "1.0"})

    def add(self, meta: Any, pk: Any, pairs: Pairs) -> None:
        from django.utils.xmlutils import UnserializableContentError

        attributes = {"model": meta.label_lower}
        if pk is not None:
            attributes["pk"] = str(pk)
        self.xml.startElement("object", attributes)
        for field, value in pairs:
            try:
                self._field(field, value)
            except UnserializableContentError:
                raise FixtureError(
                    "value_unwritable",
                    "{0} {1}: {2} holds control characters, which XML cannot".format(meta.label, pk, field.name),
                    "use another format",
                ) from None
        self.xml.endElement("object")
        self._flush()

    def _flush(self) -> None:
        self.stream.write(self._buffer.getvalue().encode("utf-8"))
        self._buffer.seek(0)
        self._buffer.truncate()

    def _field(self, field: Any, value: Any) -> None:
        if field.many_to_many:
            to = field.remote_field.model._meta.label_lower
            self.xml.startElement("field", {"name": field.name, "rel": "ManyToManyRel", "to": to})
            for item in value:
                if isinstance(item, list):
                    self.xml.startElement("object", {})
                    self._natural(item)
                    self.xml.endElement("object")
                else:
                    self.xml.addQuickElement("object", attrs={"pk": str(item)})
            self.xml.endElement("field")
            return
        attributes = {"name": field.name, "type": field.get_internal_type()}
        if field.remote_field is not None:
            to = field.remote_field.model._meta.label_lower
            attributes = {"name": field.name, "rel": field.remote_field.__class__.__name__, "to": to}
        self.xml.startElement("field", attributes)
        if value is None:
            self.xml.addQuickElement("None")
        elif field.remote_field is not None and isinstance(value, list):
            self._natural(value)
        else:
            is_json = field.remote_field is None and field.get_internal_type() == "JSONField"
            self.xml.characters(json.dumps(value) if is_json else str(value))
        self.xml.endElement("field")

    def _natural(self, key: Sequence[Any]) -> None:
        for part in key:
            self.xml.startElement("natural", {})
            self.xml.characters(str(part))
            self.xml.endElement("natural")

    def end(self) -> None:
        self.xml.endElement("django-objects")
        self.xml.endDocument()
        self._flush()


_WRITERS: Dict[str, Any] = {"json": _Json, "jsonl": _JsonLines, "xml": _Xml, "yaml": _Yaml}
