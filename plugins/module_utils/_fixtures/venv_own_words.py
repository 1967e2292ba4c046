# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""What only the project's own fields can put into words, as dumpdata has them; and whether they read it back.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only,
Django imported inside functions. In JSON and YAML Django leaves numbers, dates and times as they are, and asks
``value_to_string`` for everything else; in XML it always does. What is written is read by the field's own
``to_python``, as by loaddata: each value of a field of the project's own, and a sample of every model.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

import datetime
import decimal
import json
from typing import Any, Dict, List, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._fixtures import venv_values
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_rows import FixtureError, Table

SAMPLE = 20  # objects of a model without fields of its own
_HINT = "use the format lines, or correct value_to_string and to_python of the field"

#: Which rows: a condition without the word WHERE, "" for all, and its parameters.
Where = Tuple[str, Sequence[Any]]


class OwnWords:
    """The fields of one model that are put into words by themselves."""

    def __init__(self, table: Table, form: str) -> None:
        """Look at the columns.

        :param form: the format that is written
        """
        self.table, self._form = table, form
        self.fields = [column.field for column in table.columns if column.needs_own_words]
        self._unseen = SAMPLE

    def instances(self, where: Where, count: int) -> List[Any]:
        """The objects of the page of these rows, in the order of the key; a few at first where rows say enough.

        :param count: of rows
        """
        wanted = count if self.fields else min(self._unseen, count)
        if not wanted:
            return []
        from django.db.models import QuerySet

        query = QuerySet(model=self.table.model, using=self.table.connection.alias)
        if where[0]:
            query = query.extra(where=[where[0]], params=list(where[1]))  # noqa: S610  (a condition of ours)
        try:
            found = list(query.order_by("pk")[:wanted])
        except Exception:  # what a driver does not read; the rows are read in a way of their own
            if self.fields:
                raise
            return []
        self._unseen -= min(self._unseen, len(found))
        if self.fields and len(found) != count:
            raise FixtureError("unsupported_model", "{0} hides rows".format(self.table.label), "use the format lines")
        return found

    def words(self, instance: Any) -> Dict[str, Any]:
        """The values of these fields by name. Raises FixtureError for what no format can hold."""
        return {field.name: self._word(field, instance) for field in self.fields}

    def _word(self, field: Any, instance: Any) -> Any:
        from django.core.serializers.json import DjangoJSONEncoder
        from django.utils.encoding import is_protected_type

        value = field.value_from_object(instance)
        if value is None:
            return None
        if self._form != "xml" and is_protected_type(value):
            return _plain(value)
        word = field.value_to_string(instance)
        if isinstance(word, str):
            return word
        if self._form == "xml" and field.get_internal_type() != "JSONField":
            return str(word)
        try:
            return json.loads(json.dumps(word, cls=DjangoJSONEncoder))
        except (TypeError, ValueError):
            raise self._refused(field, instance, "is put into no words that a fixture can hold") from None

    def check(self, instance: Any, pairs: Sequence[Tuple[Any, Any]]) -> None:
        """Read back what is written of an object. Raises FixtureError where that is something else.

        :param pairs: fields and what is written of them
        """
        for field, word in pairs:
            if word is None or field.many_to_many or (field.remote_field is not None and isinstance(word, list)):
                continue
            own = field if field.remote_field is None else field.target_field
            try:
                read = own.to_python(word)
            except Exception as error:  # the project's own code
                text = "is written as what its own field does not read: {0}".format(type(error).__name__)
                raise self._refused(field, instance, text) from None
            if not self._same(field, read, field.value_from_object(instance)):
                raise self._refused(field, instance, "is written as what its own field reads as another value")

    def _same(self, field: Any, one: Any, other: Any) -> bool:
        one, other = (bytes(value) if isinstance(value, memoryview) else value for value in (one, other))
        try:
            if one == other or repr(one) == repr(other):
                return True
            stored = [field.get_db_prep_save(value, self.table.connection) for value in (one, other)]
        except Exception:  # the project's own code, or what it compares with
            return False
        # psycopg wraps JSON in objects that are equal to nothing.
        bare = [getattr(value, "obj", getattr(value, "adapted", value)) for value in stored]
        return bool(bare[0] == bare[1])

    def _refused(self, field: Any, instance: Any, why: str) -> FixtureError:
        label, pk = self.table.label, str(instance.pk)[:80]
        return FixtureError(
            "value_unwritable",
            "{0} {1}: {2} {3}".format(label, pk, field.name, why),
            _HINT,
            model=label,
            pk=pk,
            field=field.name,
        )


class _Holder:
    """Holds a value as an object does, for a field to put it into words."""

    def __init__(self, name: str, value: Any) -> None:
        setattr(self, name, value)


def of_value(field: Any, value: Any) -> Any:
    """A value of a field in the words of JSON and YAML, as :class:`OwnWords` has them."""
    from django.utils.encoding import is_protected_type

    if value is None or isinstance(value, str):
        return value
    return _plain(value) if is_protected_type(value) else field.value_to_string(_Holder(field.attname, value))


def _plain(value: Any) -> Any:
    """Return what JSON and YAML write of a value that Django leaves as it is, with all its digits."""
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return str(value)
    if isinstance(value, float):
        return venv_values.read_float(value)
    return value if isinstance(value, bool) else int(value)
