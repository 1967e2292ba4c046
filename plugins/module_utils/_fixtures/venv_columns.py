# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""The columns of a model's table: how they are selected, read as plain values, and written back.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only,
Django imported inside functions. Plain values are those of ``venv_values``.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

import re
from typing import Any, Dict, List, Tuple

from ansible_collections.relocate.django.plugins.module_utils._fixtures import venv_dialect
from ansible_collections.relocate.django.plugins.module_utils._fixtures import venv_values as values


class Column:
    """One column of a model's table: how to select it, read it and write it with a connection.

    ``read`` turns what the driver gives into the plain value, ``write`` the plain value into what the dialect's insert
    takes; None is for values that are the same. Neither is called with None.
    """

    def __init__(self, field: Any, connection: Any) -> None:
        """Look at the field once."""
        own = values.own_field(field)
        self.field, self.name, self.column = field, field.name, field.column
        self.internal, self.kind = own.get_internal_type(), values.kind(field)
        #: Whether only the field itself can put values into words: its own conversions, and types of one engine.
        self.needs_own_words = self.kind == "native" or not type(own).__module__.startswith("django.db.models")
        self.max_length = getattr(own, "max_length", None)
        self.max_digits = getattr(own, "max_digits", None)
        self.decimal_places = getattr(own, "decimal_places", None)
        self.db_type = field.db_type(connection) or ""
        self.quoted = str(connection.ops.quote_name(field.column))
        dialect = venv_dialect.of(connection)
        #: The lowest and the highest number, for whole ones.
        self.limits = dialect.integers(self.internal)
        self.select = dialect.select(self)
        self.read: values.Convert = dialect.reader(self)
        self.write: values.Convert = _checked(self.kind, dialect.writer(self), dialect.odd_dates)
        self._parameter = dialect.parameter(self)

    def parameter(self, value: Any) -> Any:
        """A plain value as a statement's parameter."""
        return value if value is None or self._parameter is None else self._parameter(value)

    def database_default(self, connection: Any) -> Any:
        """Return, as a plain value, what the database puts where a row does not give the column; asked at each call."""
        from django.db.models import Value
        from django.db.models.sql import Query

        default = self.field.db_default
        if not hasattr(default, "resolve_expression"):
            default = Value(default, self.field)
        sql, parameters = Query(model=self.field.model).get_compiler(connection=connection).compile(default)
        with connection.cursor() as cursor:
            select = self.select.replace("%", "%%").replace(self.quoted.replace("%", "%%"), "(" + sql + ")")
            cursor.execute("SELECT " + select, list(parameters))
            value = cursor.fetchone()[0]
        return value if value is None or self.read is None else self.read(value)

    def describe(self) -> Dict[str, Any]:
        """Return what rules about values need to know."""
        return {
            "internal": self.internal,
            "max_length": self.max_length,
            "max_digits": self.max_digits,
            "decimal_places": self.decimal_places,
        }


def columns_of(model: Any, connection: Any) -> List[Column]:
    """The columns of a model's own table, generated ones left out."""
    fields = [field for field in model._meta.local_concrete_fields if not values.is_generated(field)]
    return [Column(field, connection) for field in fields]


#: The plain forms of dates and times: servers take words such as "yesterday" too.
_PLAIN = {
    "date": re.compile(r"\d{4}-\d\d-\d\d\Z").match,
    "time": re.compile(r"\d\d:\d\d:\d\d\.\d{6}\Z").match,
    "datetime": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z?\Z").match,
}


def _checked(kind: str, write: values.Convert, odd: Tuple[str, ...]) -> values.Convert:
    """The writer of a kind, that refuses a date or time which is none with ValueError."""
    plain = _PLAIN.get(kind)
    if plain is None:
        return write

    def checked(value: Any) -> Any:
        if not plain(value) and not value.endswith(odd):
            raise ValueError("not a " + kind)
        return value if write is None else write(value)

    return checked
