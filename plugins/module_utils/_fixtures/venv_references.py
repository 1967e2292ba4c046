# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Says what the objects of a model refer to: by foreign keys, lists, models of relations, and generic keys.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only,
Django imported inside functions.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._fixtures import (
    venv_columns,
    venv_rows,
    venv_values,
    venv_write_objects,
)
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_rows import FixtureError

_BATCH = 400  # keys that are asked for at a time
#: How a generic key's words are read, by the kind of the key that is meant; of others the database is asked.
_READS: Dict[str, Callable[[Any], Any]] = {"int": int, "text": str, "uuid": venv_values.read_uuid}


def concrete(model: Any) -> Any:
    """Return the model that has the table: of a proxy another one."""
    return model._meta.concrete_model


class References:
    """One model's ways to others, and the columns that they are read by."""

    def __init__(self, model: Any, connection: Any, more: Sequence[str] = ()) -> None:
        """Look at the model once. Raises FixtureError for one without a key.

        :param more: names of other columns that are wanted
        """
        self.model, self.meta, self.connection = model, model._meta, connection
        self.table = venv_rows.Table(model, connection)
        if not self.table.keys:
            raise FixtureError(
                "unsupported_model", "{0} has no key".format(model._meta.label), "list it in excluded_models"
            )
        names = [column.name for column in self.table.columns]
        #: Fields that refer to another object, parents of the model among them.
        self.foreign = [column.field for column in self.table.columns if _refers(column.field)]
        #: Generic references: the field, and the names of its two columns.
        self.generic = _generic(self.meta, names)
        self._arrange(names, more)
        self.places = {column.name: index for index, column in enumerate(self.table.columns)}
        self._sort_relations()

    def _sort_relations(self) -> None:
        every = list(self.meta.local_many_to_many)
        many = [field for field in every if _is_plain(field)]
        #: Fields of the project's own kinds that refer in ways which nobody knows.
        self.unknown = [field for field in every if field not in many]
        #: Many-to-many fields that are lists in the objects, and those whose relations are objects themselves.
        self.lists = [field for field in many if field.remote_field.through._meta.auto_created]
        self.through = [field for field in many if field not in self.lists]

    def _arrange(self, names: Sequence[str], more: Sequence[str]) -> None:
        """Read no other column than those that are needed."""
        keys = [self.table.columns[index].name for index in self.table.keys]
        wanted = {*keys, *more, *(field.name for field in self.foreign)}
        wanted |= {name for one in self.generic for name in one[1:]}
        self.table.arrange([name for name in names if name in wanted])

    def rows(self, keys: Optional[Sequence[Any]], plain: bool = True) -> Iterator[List[Any]]:
        """Rows as plain values.

        :param keys: None for all of them; at most as many as are asked for at a time
        """
        for some in venv_rows.stream(self.table, keys, plain):
            for row in some:
                yield self.table.plain(row)

    def key_of_words(self, value: Any) -> Any:
        """Return the plain key that is meant by what a generic key holds; None for what is no key of this model."""
        read = _READS.get(self.table.columns[self.table.key].kind)
        try:
            if read is not None and not self.table.composite:
                return read(value)
            return (plain_keys(self.table, [value]) or [None])[0]
        except (ValueError, FixtureError):
            return None

    def related(self, field: Any, keys: Sequence[Any]) -> Dict[str, List[Any]]:
        """The keys that each of these objects has in a list, by its own key in words."""
        return venv_write_objects.related(field, self.connection, keys)

    def relations(self, field: Any, keys: Sequence[Any]) -> List[Any]:
        """The keys of the objects that relate these ones to others, where the relation is a model."""
        through = concrete(field.remote_field.through)
        ours = through._meta.get_field(field.m2m_field_name())
        column = venv_columns.Column(ours, self.connection)
        table = venv_rows.Table(through, self.connection)
        table.arrange([table.columns[index].name for index in table.keys])
        sql = "{0} WHERE {1} IN ({2})".format(
            table.select().replace("%", "%%"), column.quoted.replace("%", "%%"), ", ".join(["%s"] * len(keys))
        )
        with self.connection.cursor() as cursor:
            cursor.execute(sql, [column.parameter(key) for key in keys])
            return [table.key_of(table.plain(row)) for row in cursor.fetchall()]


def _generic(meta: Any, names: Sequence[str]) -> List[Tuple[Any, str, str]]:
    """The generic references whose two columns are the model's own."""
    return [
        (one, one.ct_field, one.fk_field)
        for one in meta.private_fields
        if {getattr(one, "ct_field", ""), getattr(one, "fk_field", "")} <= set(names)
    ]


def _refers(field: Any) -> bool:
    return field.remote_field is not None and getattr(field, "target_field", None) is not None


def _is_plain(field: Any) -> bool:
    """Tell whether a many-to-many field is one of Django's own kind: through a model with a key to each side."""
    through = field.remote_field.through
    try:
        ours = through._meta.get_field(field.m2m_field_name())
        theirs = through._meta.get_field(field.m2m_reverse_field_name())
    except Exception:  # of another library's field, that is like one in some ways
        return False
    return all(_to_key(one) for one in (ours, theirs))


def _to_key(field: Any) -> bool:
    """Tell whether a field refers to objects by their keys."""
    target = getattr(field, "target_field", None)
    return target is not None and target.primary_key and field.remote_field is not None


def is_by_key(field: Any) -> bool:
    """Tell whether what a foreign key holds is the key of the object that it refers to."""
    return _to_key(field) and concrete(field.target_field.model) is concrete(field.remote_field.model)


def key_by(field: Any, value: Any, table: venv_rows.Table) -> Any:
    """Return the key of the object that a foreign key to another column refers to; None where there is none.

    :param value: plain
    :param table: of the model that is referred to
    """
    from django.db.models import QuerySet

    query = QuerySet(model=table.model, using=table.connection.alias)
    found = list(query.filter(**{field.target_field.name: value}).values_list("pk", flat=True)[:1])
    return plain_keys(table, found)[0] if found else None


def plain_keys(table: venv_rows.Table, keys: Sequence[Any]) -> List[Any]:
    """Return the plain keys of the rows that have these.

    :param keys: as Python has them, or in words
    """
    found: List[Any] = []
    for start in range(0, len(keys), _BATCH):
        for some in venv_rows.stream(table, keys[start : start + _BATCH]):
            found += [table.key_of(table.plain(row)) for row in some]
    return found


def batches(keys: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Keys, as many as are asked for at a time."""
    for start in range(0, len(keys), _BATCH):
        yield keys[start : start + _BATCH]


#: What is referred to: a model and the plain key of an object.
Object = Tuple[Any, Any]
