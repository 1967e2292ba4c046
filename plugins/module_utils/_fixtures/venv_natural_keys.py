# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Finds objects by natural keys, as the project's own managers do.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only,
Django imported inside functions.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

import copy
import json
from typing import Any, Callable, Dict, Tuple

from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_rows import FixtureError
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_shapes import UnresolvedError

_REMEMBERED = 200000  # natural keys


class NaturalKeys:
    """Finds objects by natural keys, as the project's own managers do, each once.

    :param flush: writes what was read and is not in the database yet; returns whether there was anything
    :param settled: whether a model's rows are the fixture's by now: those that migrations made will go
    """

    def __init__(self, alias: str, flush: Callable[[], bool], settled: Callable[[str], bool]) -> None:
        """Begin with none."""
        self._alias, self._flush, self._settled = alias, flush, settled
        self._known: Dict[Tuple[str, Any], Any] = {}
        self._managers: Dict[str, Any] = {}

    def find(self, field: str, label: str, key: Any, to_field: str) -> Any:
        """The key of the object. Raises UnresolvedError; FixtureError when it cannot be asked for."""
        if not self._settled(label):
            raise UnresolvedError(field, label, key)
        known = (label + "." + to_field, _hashable(key))
        if known not in self._known:
            value = self.ask(label, key, to_field)
            if value is None and self._flush():
                value = self.ask(label, key, to_field)
            if value is None:
                raise UnresolvedError(field, label, key)
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[known] = value
        return self._known[known]

    def has(self, error: UnresolvedError) -> bool:
        """Tell whether an object that was missing is there by now."""
        from django.apps import apps

        try:
            self.find(error.field, error.model, error.key, apps.get_model(error.model)._meta.pk.name)
        except UnresolvedError:
            return False
        return True

    def ask(self, label: str, key: Any, to_field: str) -> Any:
        """The object's key as the database has it now, or None. Raises FixtureError when it cannot be asked for."""
        from django.core.exceptions import ObjectDoesNotExist

        manager = self._manager(label)
        try:
            found = manager.get_by_natural_key(*key)
        except ObjectDoesNotExist:
            return None
        except Exception as error:  # the project's own code, and what it asks of a database of another state
            raise FixtureError(
                "fixture_invalid",
                "{0} cannot be found by the natural key {1}: {2}".format(
                    label, json.dumps(key, default=str)[:200], type(error).__name__
                ),
                "dump without natural keys",
            ) from None
        value = getattr(found, to_field)
        while hasattr(value, "_meta"):  # the key is itself a reference
            value = value.pk
        return value

    def _manager(self, label: str) -> Any:
        if label not in self._managers:
            from django.apps import apps

            manager = None
            try:
                manager = apps.get_model(label)._default_manager
            except LookupError:
                pass
            if not hasattr(manager, "get_by_natural_key"):
                raise FixtureError(
                    "fixture_invalid",
                    "{0} has no natural keys in today's code".format(label),
                    "dump without natural keys",
                )
            self._managers[label] = _unfiltered(manager, self._alias)
        return self._managers[label]


def _unfiltered(manager: Any, alias: str) -> Any:
    """The same manager seeing every row: a default manager may hide some."""
    kind = type(manager)

    class Unfiltered(kind):  # type: ignore[misc,valid-type]
        def get_queryset(self) -> Any:
            return self._queryset_class(model=self.model, using=self._db, hints=self._hints)

    found = copy.copy(manager)
    found.__class__ = Unfiltered
    found._db = alias
    return found


def _hashable(key: Any) -> Any:
    return tuple(_hashable(item) for item in key) if isinstance(key, (list, tuple)) else key
