# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Selects objects and all that they refer to, each once, however the references run.

What refers to a selected object is not selected by that: a book brings its author, an author not the books. Held are
keys alone, and how many there may be is limited.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only,
Django imported inside functions.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._fixtures import venv_references, venv_rows
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_references import (
    Object,
    References,
    concrete,
)
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_rows import FixtureError
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_scan_rules import folded

#: Is shown each selected row: the model, the key, and the plain values by the names of their fields.
Watch = Callable[[Any, Any, Dict[str, Any]], None]


class _Reason(NamedTuple):
    """Says why an object is wanted."""

    name: str  # of the field that refers to it
    firm: bool  # whether the database sees to it that the object is there


class Selection:
    """The objects that are taken, and why."""

    def __init__(self, connection: Any, limit: int, models: Sequence[Any], gone: Sequence[Any]) -> None:
        """Begin with none.

        :param limit: how many objects may be taken
        :param models: those that have a table in this database
        :param gone: those of them whose objects are left out
        """
        self.connection, self._limit = connection, limit
        self.models, self.gone = {*models}, {*gone}
        #: By model, the key of each object, and whether it was chosen; else another one refers to it.
        self.taken: Dict[Any, Dict[Any, bool]] = {}
        #: What each object refers to, and whether it cannot be without.
        self.edges: Dict[Object, List[Tuple[Object, bool]]] = {}
        #: Which models the objects of a model refer to.
        self.arrows: Dict[Any, Set[Any]] = {}
        #: How many references were cut, since what they refer to is left out, by field.
        self.cut: Dict[str, int] = {}
        #: How many references point to no object of this database, where nothing forbids that, by field.
        self.loose: Dict[str, int] = {}
        #: Fields that refer in ways which nobody knows.
        self.unknown: Set[str] = set()
        self._by: Dict[Any, Set[str]] = {}
        self._first: Dict[Object, _Reason] = {}
        self._todo: Dict[Any, List[Any]] = {}
        self._references: Dict[Any, References] = {}
        self._types: Dict[Any, Any] = {}
        self._watched: Dict[Any, List[str]] = {}
        self._watch: Optional[Watch] = None
        self._total = 0

    def watch(self, columns: Dict[Any, List[str]], watch: Watch) -> None:
        """Have each selected row of these models shown, with these columns."""
        self._watched, self._watch = columns, watch

    def references(self, model: Any) -> References:
        """Return the ways from a model."""
        if model not in self._references:
            found = References(model, self.connection, self._watched.get(model, ()))
            self._references[model] = found
            self.unknown |= {_name(model, field) for field in found.unknown}
        return self._references[model]

    def choose(self, model: Any, keys: Optional[Sequence[Any]]) -> None:
        """Take the objects of these keys, in words or as Python has them; None for all of the model."""
        found = self.references(model)
        if keys is not None:
            for key in venv_references.plain_keys(found.table, keys):
                self._add((model, key), None)
            return
        for row in found.rows(None):
            self._add((model, found.table.key_of(row)), None)

    def follow(self) -> None:
        """Take all that the chosen objects refer to. Raises FixtureError."""
        while self._todo:
            model, keys = self._todo.popitem()
            for some in venv_references.batches(keys):
                self._visit(self.references(model), some)

    def told(self) -> Dict[str, Dict[str, Any]]:
        """Return, by model, how many objects were chosen, how many are referred to, and by which fields."""
        found = {}
        for model, keys in self.taken.items():
            chosen = sum(keys.values())
            by = sorted(self._by.get(model, ()))
            found[model._meta.label] = {"chosen": chosen, "referred": len(keys) - chosen, "by": by}
        return {label: item for label, item in sorted(found.items()) if item["chosen"] or item["referred"]}

    # --- one step

    def _add(self, wanted: Object, reason: Optional[_Reason]) -> None:
        model, key = wanted
        keys = self.taken.setdefault(model, {})
        if reason is not None:
            self._by.setdefault(model, set()).add(reason.name)
        if key in keys:
            return
        self._total += 1
        if self._total > self._limit:
            raise self._too_many()
        keys[key] = reason is None
        if reason is not None:
            self._first[wanted] = reason
        self._todo.setdefault(model, []).append(key)

    def _too_many(self) -> FixtureError:
        most = sorted(self.taken.items(), key=lambda item: -len(item[1]))[:5]
        named = ", ".join("{0} {1}".format(len(keys), model._meta.label) for model, keys in most)
        return FixtureError(
            "fixture_too_large",
            "more than {0} objects are chosen or referred to, among them {1}".format(self._limit, named),
            "choose fewer by primary_keys or where, list in excluded_models what may stay behind, or raise max_objects",
            limit=self._limit,
        )

    def _visit(self, found: References, keys: Sequence[Any]) -> None:
        rows = [(found.table.key_of(row), row) for row in found.rows(keys)]
        self._settle(found.model, keys, [key for key, _row in rows])
        for key, row in rows:
            self._visit_row(found, key, {name: row[place] for name, place in found.places.items()})
        for field in found.lists:
            self._refer_list(found, field, keys)
        for field in found.through:
            through = concrete(field.remote_field.through)
            if through in self.models and through not in self.gone:
                for key in found.relations(field, keys):
                    self._add((through, key), _Reason(_name(found.model, field), True))

    def _visit_row(self, found: References, key: Any, values: Dict[str, Any]) -> None:
        if self._watch is not None:
            self._watch(found.model, key, values)
        for field in found.foreign:
            if values[field.name] is not None:
                self._refer((found.model, key), field, values[field.name])
        for field, type_name, key_name in found.generic:
            if values[type_name] is not None and values[key_name] not in (None, ""):
                self._refer_generic((found.model, key), field, values[type_name], values[key_name])

    def _settle(self, model: Any, asked: Sequence[Any], given: Sequence[Any]) -> None:
        """See what became of the keys that were asked for. Raises FixtureError for an object that has to be there."""
        keys = self.taken[model]
        # Servers may take a key for equal that differs in case.
        other = {folded(key): key for key in given if key not in keys}
        for key in set(asked) - set(given):
            chosen, reason = keys.pop(key), self._first.get((model, key))
            if folded(key) in other:
                keys[other[folded(key)]] = chosen
            elif reason is not None and reason.firm:
                raise FixtureError(
                    "reference_missing",
                    "{0} refers to {1} {2}, which is not there".format(
                        reason.name, model._meta.label, venv_rows.key_text(key)[:80]
                    ),
                    "correct the row, or list one of the two models in excluded_models",
                    field=reason.name,
                    model=model._meta.label,
                )
            elif reason is not None:
                self._count(self.loose, reason.name)

    @staticmethod
    def _count(counts: Dict[str, int], name: str, more: int = 1) -> None:
        counts[name] = counts.get(name, 0) + more

    def _refer(self, one: Object, field: Any, value: Any) -> None:
        target, name = concrete(field.remote_field.model), _name(one[0], field)
        if target in self.gone:
            if not field.null:
                raise FixtureError(
                    "reference_missing",
                    "{0} cannot be without {1}, which is left out".format(name, target._meta.label),
                    "list {0} in excluded_models too, or leave {1} out of it".format(
                        one[0]._meta.label, target._meta.label
                    ),
                    field=name,
                    model=target._meta.label,
                )
            self._count(self.cut, name)
            return
        if target not in self.models:
            self._count(self.loose, name)
            return
        key, table = value, self.references(target).table
        if not venv_references.is_by_key(field):
            key = venv_references.key_by(field, value, table)
        if key is None:
            self._count(self.loose, name)
            return
        self.edges.setdefault(one, []).append(((target, key), not field.null))
        self.arrows.setdefault(one[0], set()).add(target)
        self._add((target, key), _Reason(name, bool(getattr(field, "db_constraint", True))))

    def _refer_generic(self, one: Object, field: Any, type_key: Any, value: Any) -> None:
        """What a generic key refers to need not be there: nothing sees to that."""
        name, target = _name(one[0], field), self._of_type(type_key)
        key = None
        if target in self.models and target not in self.gone and target._meta.label not in venv_rows.NUMBERED:
            key = self.references(target).key_of_words(value)
        if key is None:
            self._count(self.loose, name)
            return
        self.edges.setdefault(one, []).append(((target, key), False))
        self.arrows.setdefault(one[0], set()).add(target)
        self._add((target, key), _Reason(name, False))

    def _of_type(self, type_key: Any) -> Any:
        """Return the model of a content type, None where the code has none."""
        if type_key not in self._types:
            from django.apps import apps
            from django.contrib.contenttypes.models import ContentType
            from django.db.models import QuerySet

            found = QuerySet(model=ContentType, using=self.connection.alias).filter(pk=type_key).first()
            try:
                self._types[type_key] = concrete(apps.get_model(found.app_label, found.model)) if found else None
            except LookupError:
                self._types[type_key] = None
        return self._types[type_key]

    def _refer_list(self, found: References, field: Any, keys: Sequence[Any]) -> None:
        target, name = concrete(field.remote_field.model), _name(found.model, field)
        if concrete(field.remote_field.through) not in self.models or target not in self.models:
            return
        related = found.related(field, keys)
        if not self.keeps(field):
            self._count(self.cut, name, sum(map(len, related.values())))
            return
        for others in related.values():
            for key in others:
                self._add((target, key), _Reason(name, True))
        if related:
            self.arrows.setdefault(found.model, set()).add(target)

    def keeps(self, field: Any) -> bool:
        """Tell whether a field is written with what it refers to: not where that is left out."""
        through = getattr(field.remote_field, "through", None)
        others = {concrete(field.remote_field.model)} | ({concrete(through)} if through is not None else set())
        return not others & self.gone


def _name(model: Any, field: Any) -> str:
    return "{0}.{1}".format(model._meta.label, field.name)
