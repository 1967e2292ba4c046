# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Compares a field with what becomes: values that no longer fit, rows that it cannot be added to, long locks.

Part of a program that runs inside the project's interpreter (see ``venv_probe.py``): Python 3.6 syntax, ASCII only,
standard library only, Django imported inside functions. No database is asked.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

from typing import Any, Iterator, Tuple

#: Kinds of columns by how much they hold; what comes later in a row holds all that comes before it.
_WIDER = (
    ("PositiveSmallIntegerField", "PositiveIntegerField", "PositiveBigIntegerField"),
    ("SmallAutoField", "AutoField", "BigAutoField"),
    ("SmallIntegerField", "IntegerField", "BigIntegerField"),
    ("PositiveSmallIntegerField", "IntegerField", "BigIntegerField"),
    ("PositiveIntegerField", "BigIntegerField"),
    ("DateField", "DateTimeField"),
    ("TimeField", "DateTimeField"),
    ("IntegerField", "FloatField"),
    ("IntegerField", "DecimalField"),
)
_TEXTS = ("CharField", "SlugField", "FileField", "FilePathField", "TextField")
#: What a database makes of a text only where the text is one.
_PARSED = (
    "IntegerField",
    "BigIntegerField",
    "SmallIntegerField",
    "PositiveIntegerField",
    "DecimalField",
    "FloatField",
    "DateField",
    "DateTimeField",
    "TimeField",
    "BooleanField",
    "UUIDField",
    "ForeignKey",
    "JSONField",
    "GenericIPAddressField",
    "DurationField",
    "OneToOneField",
)
_INDEXES = {"AddIndex": "an index", "AddConstraint": "a constraint"}


def field_of(model: Any, name: str) -> Any:
    """Return a field of a model's state, or None."""
    known = model.fields
    return (known if isinstance(known, dict) else dict(known)).get(name)  # a list before Django 3.1


def faults(operation: Any, model: Any) -> Iterator[Tuple[str, str]]:
    """Say what an operation does to a field of a table that may hold rows: code, text."""
    from django.db import migrations

    new: Any = getattr(operation, "field", None)
    if not _has_column(new):
        return
    shown = "{0}.{1}.{2}".format(model.app_label, model.name, operation.name)
    if isinstance(operation, migrations.AddField):
        yield from _added(new, shown)
    old = field_of(model, operation.name)
    if isinstance(operation, migrations.AlterField) and _has_column(old):
        yield from _altered(old, new, shown)


def _added(new: Any, shown: str) -> Iterator[Tuple[str, str]]:
    default = _default(new)
    if default is None and not new.null:
        yield "breaks_on_rows", "{0} is added as NOT NULL without a default".format(shown)
    elif default is not None and new.unique:
        yield "breaks_on_rows", "{0} is added as unique with one default for all rows".format(shown)


def _altered(old: Any, new: Any, shown: str) -> Iterator[Tuple[str, str]]:
    if _becomes_not_null(old, new) and not new.primary_key and _default(new) is None:
        yield "breaks_on_rows", "{0} becomes NOT NULL without a default".format(shown)
    elif new.unique and not old.unique:
        yield "breaks_on_rows", "{0} becomes unique".format(shown)
    smaller = _shorter(old, new) or _fewer_digits(old, new) or _narrower(old, new)
    if smaller:
        yield "narrows_field", "{0} {1}".format(shown, smaller)


def _becomes_not_null(old: Any, new: Any) -> bool:
    return bool(old.null and not new.null)


def locks(operation: Any, model: Any) -> Iterator[Tuple[str, str]]:
    """Say for how long an operation keeps others from a large table: code, text."""
    kind, shown = type(operation).__name__, "{0}.{1}".format(model.app_label, model.name)
    text = ""
    if kind in _INDEXES:
        text = "{0} gets {1} while nobody can write to it".format(shown, _INDEXES[kind])
    elif kind in ("AlterIndexTogether", "AlterUniqueTogether") and _adds_columns(operation, model):
        text = "{0} gets an index while nobody can write to it".format(shown)
    elif kind == "AddField" and _is_indexed(operation.field):
        text = "{0} gets the indexed {1} while nobody can write to it".format(shown, operation.name)
    elif kind == "AlterField" and _rebuilds(field_of(model, operation.name), operation.field):
        text = "{0}.{1} is changed while nobody can use the table".format(shown, operation.name)
    if text:
        yield "locks_table", text


def _adds_columns(operation: Any, model: Any) -> bool:
    before = {tuple(item) for item in model.options.get(operation.option_name) or ()}
    return bool({tuple(item) for item in operation.option_value or ()} - before)


def _rebuilds(old: Any, new: Any) -> bool:
    """Tell whether a changed column has the database read or write the whole table."""
    if not _has_column(old) or not _has_column(new):
        return False
    indexed = _is_indexed(new) and not _is_indexed(old)
    return indexed or _column(old) != _column(new) or _becomes_not_null(old, new)


def _is_indexed(field: Any) -> bool:
    return _has_column(field) and bool(field.db_index or field.unique)


def _has_column(field: Any) -> bool:
    return field is not None and not field.many_to_many and bool(getattr(field, "concrete", True))


def _default(field: Any) -> Any:
    """Return what the database gets for the rows that are there, None for nothing."""
    from django.db.backends.base.schema import BaseDatabaseSchemaEditor
    from django.db.models.fields import NOT_PROVIDED

    if getattr(field, "generated", False) or field.get_internal_type() in ("AutoField", "BigAutoField"):
        return ""
    if getattr(field, "db_default", NOT_PROVIDED) is not NOT_PROVIDED:
        return ""
    if field.has_default():
        return "" if field.default is not None else None
    found = getattr(BaseDatabaseSchemaEditor, "_effective_default", None)
    return found(field) if found is not None else None


def _column(field: Any) -> Tuple[str, Any, Any, Any]:
    return (
        field.get_internal_type(),
        getattr(field, "max_length", None),
        getattr(field, "max_digits", None),
        getattr(field, "decimal_places", None),
    )


def _shorter(old: Any, new: Any) -> str:
    before, after = old.get_internal_type(), new.get_internal_type()
    if before not in _TEXTS or after not in _TEXTS:
        return ""
    lengths = (_length(old, before), _length(new, after))
    return "is shortened from {0} to {1}".format(*map(_shown, lengths)) if lengths[1] < lengths[0] else ""


def _fewer_digits(old: Any, new: Any) -> str:
    if old.get_internal_type() != "DecimalField" or new.get_internal_type() != "DecimalField":
        return ""
    if None in (old.max_digits, new.max_digits):
        return ""
    whole = new.max_digits - new.decimal_places < old.max_digits - old.decimal_places
    return "holds fewer digits than before" if whole or new.decimal_places < old.decimal_places else ""


def _narrower(old: Any, new: Any) -> str:
    before, after = old.get_internal_type(), new.get_internal_type()
    if before in _TEXTS and after in _PARSED:
        return "is converted from {1} to {0}, which not every text can be".format(after, before)
    for kinds in _WIDER:
        if {before, after} <= set(kinds) and kinds.index(after) < kinds.index(before):
            return "is narrowed from {1} to {0}".format(after, before)
    return ""


def _length(field: Any, kind: str) -> float:
    found = None if kind == "TextField" else field.max_length
    return float("inf") if found is None else float(found)


def _shown(length: float) -> str:
    return "any length" if length == float("inf") else str(int(length))
