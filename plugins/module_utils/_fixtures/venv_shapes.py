# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Turns an object of Django's own formats into a row of its model's table, with its related objects.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only,
Django imported inside functions. An object has one row, in its own model's table; a parent's fields are an object of
their own, and what is related through many-to-many fields are rows of another table.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

import json
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

from ansible_collections.relocate.django.plugins.module_utils._fixtures import (
    venv_refusals,
    venv_rows,
    venv_values,
    venv_words,
)
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_columns import Column
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_objects import Place
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_rows import FixtureError, Table

#: What reading a value raises: parsers raise ValueError, the project's own fields may raise others of these.
UNREADABLE = (ValueError, TypeError, KeyError, IndexError, ArithmeticError, AttributeError)
_REVISION = "check out the revision that the fixture was made with, or set state to its migrations"
_PARENT = "give the parent's fields in an object of the parent's model, of the same key"
BY_NUMBER = "{0} refers to {1} by number, which is another one in each database"


class UnresolvedError(Exception):
    """A natural key of which the object is not there, yet."""

    def __init__(self, field: str, model: str, key: Any) -> None:
        """Keep the parts."""
        super().__init__(field)
        self.field, self.model, self.key = field, model, key

    def refusal(self, place: Place, label: str) -> FixtureError:
        """Return what the fixture is refused for when the object never comes."""
        if self.model in venv_rows.NUMBERED and not isinstance(self.key, (list, tuple)):
            return FixtureError(
                "fixture_invalid",
                "{0}: {1}".format(place, BY_NUMBER.format(self.field, self.model)),
                "dump it again with --natural-foreign, or with content types and permissions",
                line=place.line,
            )
        return FixtureError(
            "reference_missing",
            "{0}: {1}: {2} refers to {3} {4}, which is not there".format(
                place, label, self.field, self.model, json.dumps(self.key, default=str)
            ),
            "dump what it refers to as well, or leave the object out",
            line=place.line,
            model=label,
            field=self.field,
        )


class Relation(NamedTuple):
    """A many-to-many field: the table of its rows, and where in a row the two keys stand."""

    name: str
    table: Table
    source: int
    target: int
    model: str
    parse_source: Callable[[Any], Any]
    parse: Callable[[Any], Any]
    to_field: str
    symmetrical: bool


class Shape:
    """One model as objects of a fixture have it."""

    def __init__(self, model: Any, connection: Any, texts_only: bool) -> None:
        """Look at the model once.

        :param texts_only: whether the format has nothing but texts
        """
        self.model, self.meta, self.label = model, model._meta, model._meta.label
        self.table = Table(model, connection)
        self.has_key = bool(self.table.keys)
        #: Where in a row the key stands; None where it is several columns, which are fields as others.
        self.key_place = None if self.table.composite else self.table.key
        self.own_words = any(column.needs_own_words for column in self.table.columns)
        self._texts_only = texts_only
        self._generated = {field.name for field in self.meta.local_concrete_fields if venv_values.is_generated(field)}
        names = [column.name for column in self.table.columns]
        self.targets = {
            index: column.field.remote_field.model._meta.label
            for index, column in enumerate(self.table.columns)
            if column.field.remote_field is not None
        }
        self._readers = [(name, self._reader(column)) for name, column in zip(names, self.table.columns)]
        self.relations = _relations(self.meta, connection, texts_only)
        self.known = set(names) | self._generated | set(self.relations)
        self._constants: Dict[int, Any] = {}
        self._autokey = self._key_column() if self.has_key else None

    def _reader(self, column: Column) -> Callable[[Any], Any]:
        if not self.own_words:
            return venv_words.parser(column, self._texts_only)
        field = column.field if column.field.remote_field is None else column.field.target_field
        to_python = venv_words.checked(field.to_python)
        if column.kind == "json" and self._texts_only:
            return lambda value: to_python(json.loads(value))
        if column.needs_own_words:
            return to_python
        # What Django would change without a word is refused here as for other models.
        strict = venv_words.parser(column, self._texts_only)

        def read(value: Any) -> Any:
            strict(value)
            return to_python(value)

        return read

    def _key_column(self) -> Optional[Column]:
        column = self.table.columns[self.table.key]
        if self.table.composite:
            return None
        return column if column.internal.endswith("AutoField") and column.field.remote_field is None else None

    @property
    def numbers_itself(self) -> bool:
        """Tell whether the database gives the key."""
        return self._autokey is not None

    def given_key(self, raw: Any, fields: Dict[str, Any]) -> Any:
        """An object's key as it is given: one that is a reference may be among the fields too, by a natural key."""
        if self.table.composite:
            return raw
        named = fields.get(self.table.columns[self.table.key].name)
        return named if raw is None or isinstance(named, (list, tuple)) else raw

    def check_names(self, place: Place, fields: Dict[str, Any], pk: Any = None) -> None:
        """Refuse a name that is no field of this very model. Raises FixtureError."""
        unknown = sorted(set(fields) - self.known)
        if unknown:
            why, hint = self._why_unknown(unknown[0])
            raise venv_refusals.unknown_field(place, self.label, pk, unknown[0], why, hint)
        if self.has_key and pk is not None:
            for index, part in zip(self.table.keys, self._key_parts(place, pk)):
                name = self.table.columns[index].name
                if fields.get(name) is not None and self._differ(index, part, fields[name]):
                    raise venv_refusals.two_keys(place, self.label, pk, name)

    def _key_parts(self, place: Place, pk: Any) -> List[Any]:
        """A key by its columns. Raises FixtureError."""
        if not self.table.composite:
            return [pk]
        try:
            parts = json.loads(pk) if isinstance(pk, str) else pk  # XML has it as a text
        except ValueError:
            parts = None
        if not isinstance(parts, (list, tuple)) or len(parts) != len(self.table.keys):
            names = [self.table.columns[index].name for index in self.table.keys]
            raise venv_refusals.wrong_key(place, self.label, pk, names)
        return list(parts)

    def with_key(self, place: Place, pk: Any, fields: Dict[str, Any]) -> Dict[str, Any]:
        """The fields of an object, with those that its key gives where that is several columns."""
        if not self.table.composite or pk is None:
            return fields
        names = [self.table.columns[index].name for index in self.table.keys]
        return dict(zip(names, self._key_parts(place, pk)), **fields)

    def composite_key(self, place: Place, values: Dict[int, Any]) -> Tuple[Any, ...]:
        """The key of several columns. Raises FixtureError where a part of it is not given."""
        for index in self.table.keys:
            if values.get(index) is None:
                column = self.table.columns[index]
                raise venv_refusals.missing_field(place, self.label, None, column.name, column.kind)
        return tuple(values[index] for index in self.table.keys)

    def _differ(self, index: int, pk: Any, named: Any) -> bool:
        """Tell whether an object's two keys are not the same; one that nobody can read is refused elsewhere."""
        read = self._readers[index][1]
        try:
            return not isinstance(named, (list, tuple)) and bool(read(pk) != read(named))
        except UNREADABLE:
            return False

    def _why_unknown(self, name: str) -> Tuple[str, str]:
        """Return what is said of a name that is no field here, and what to write instead."""
        if name in {field.name for field in self.meta.local_many_to_many}:
            text = "{0} is kept by a model of its own: its objects have to be in the fixture"
            return text.format(name), "leave it out, and add an object of that model for each relation"
        if name in {field.name for field in self.meta.get_fields()} - self.known:
            return "{0} belongs to a parent, which has to be an object of its own".format(name), _PARENT
        why = "has no field {0}".format(name)
        attributes = {column.field.attname: column.name for column in self.table.columns}
        meant = attributes.get(name) or venv_refusals.nearest(name, self.known)
        return why, "write {0}, or {1}".format(meant, _REVISION) if meant else _REVISION

    def numbered(self, fields: Dict[str, Any]) -> List[Tuple[str, str]]:
        """Return which models with numbers of their own an object refers to by number: label and field."""
        found = [(target, self.table.columns[index].name) for index, target in self.targets.items()]
        found += [(relation.model, name) for name, relation in self.relations.items()]
        wanted = [(target, name) for target, name in found if target in venv_rows.NUMBERED and fields.get(name)]
        return [(target, name) for target, name in wanted if self._is_number(name, fields[name])]

    def _is_number(self, name: str, raw: Any) -> bool:
        """Tell whether a reference is by number, or one in a list of them: natural keys are lists themselves."""
        if not isinstance(raw, (list, tuple)):
            return True
        return name in self.relations and not all(isinstance(item, (list, tuple)) for item in raw)

    def value(self, place: Place, pk: Any, index: int, raw: Any, keys: Any) -> Any:
        """One column's value. Raises FixtureError, and UnresolvedError for a natural key."""
        name, read = self._readers[index]
        if raw is None:
            return None
        try:
            if isinstance(raw, (list, tuple)) and index in self.targets:
                field = self.table.columns[index].field
                return read(keys.find(name, self.targets[index], raw, field.target_field.name))
            return read(raw)
        except UNREADABLE as error:
            kind = self.table.columns[index].kind
            raise venv_refusals.wrong_value(place, self.label, pk, name, kind, raw, error) from None

    def key(self, place: Place, raw: Any) -> Any:
        """The primary key of an object that has one."""
        name, read = self._readers[self.table.key]
        try:
            return read(raw)
        except UNREADABLE as error:
            kind = self.table.columns[self.table.key].kind
            raise venv_refusals.wrong_value(place, self.label, raw, "the key " + name, kind, raw, error) from None

    def default(self, place: Place, index: int, pk: Any = None) -> Any:
        """Return the value of a field that an object leaves out. Raises FixtureError where Django would invent one."""
        column = self.table.columns[index]
        field = column.field
        if field.has_default():
            value = field.get_default()
            if value is None or self.own_words:
                return value
            return venv_words.parser(column, False)(value)
        if has_database_default(field):
            return self._database_default(index)
        if field.null:
            return None
        if field.blank and field.empty_strings_allowed and column.kind == "text":
            return ""
        raise venv_refusals.missing_field(place, self.label, pk, column.name, column.kind)

    def _database_default(self, index: int) -> Any:
        """Return what the database puts there; an expression may give another value for each row."""
        column = self.table.columns[index]
        if self.own_words:
            return column.field.get_default()  # Django's own statement has the database compute it
        if not _is_literal(column.field.db_default):
            return column.database_default(self.table.connection)
        if index not in self._constants:
            self._constants[index] = column.database_default(self.table.connection)
        return self._constants[index]


def _is_literal(default: Any) -> bool:
    return not hasattr(default, "resolve_expression") or type(default).__name__ == "Value"


def has_database_default(field: Any) -> bool:
    """Tell whether the database has a default for a field (Django 5.0 and later)."""
    from django.db.models import fields

    default = getattr(field, "db_default", fields.NOT_PROVIDED)
    return default is not fields.NOT_PROVIDED and default is not None


def _relations(meta: Any, connection: Any, texts_only: bool) -> Dict[str, Relation]:
    """The many-to-many fields of a model by name, but for those with a model of their own."""
    return {
        field.name: _relation(field, connection, texts_only)
        for field in meta.local_many_to_many
        if field.remote_field.through._meta.auto_created
    }


def _relation(field: Any, connection: Any, texts_only: bool) -> Relation:
    through = field.remote_field.through
    table = Table(through, connection)
    names = [column.name for column in table.columns]
    source, target = names.index(field.m2m_field_name()), names.index(field.m2m_reverse_field_name())

    def parser(index: int) -> Callable[[Any], Any]:
        column = table.columns[index]
        to_python = venv_words.checked(column.field.target_field.to_python)
        return to_python if column.kind == "native" else venv_words.parser(column, texts_only)

    label, to_field = field.remote_field.model._meta.label, table.columns[target].field.target_field.name
    symmetrical = _is_symmetrical(field)
    return Relation(field.name, table, source, target, label, parser(source), parser(target), to_field, symmetrical)


def _is_symmetrical(field: Any) -> bool:
    """By today's code: migrations do not tell."""
    from django.apps import apps
    from django.core.exceptions import FieldDoesNotExist

    try:
        field = apps.get_model(field.model._meta.label)._meta.get_field(field.name)
    except (LookupError, FieldDoesNotExist):
        return False
    return bool(getattr(field.remote_field, "symmetrical", False))


def labels_of(registry: Any) -> Dict[str, Any]:
    """The models of a state by label in small letters, as fixtures name them."""
    models: List[Any] = list(registry.get_models(include_auto_created=True))
    return {model._meta.label_lower: model._meta.concrete_model for model in models}


def tables_of(connection: Any, registry: Any) -> Dict[str, Table]:
    """The table of every model of a state that has one."""
    kinds = venv_rows.table_kinds(connection)
    return {
        model._meta.label: Table(model, connection)
        for model in labels_of(registry).values()
        if venv_rows.has_table(kinds, model)
    }
