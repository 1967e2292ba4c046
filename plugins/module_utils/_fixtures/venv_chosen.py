# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Leaves out of a fixture what is to stay behind, and what the code does not know; both are counted and named.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only,
Django imported inside functions.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

from typing import Any, Dict, Iterable, Iterator, List, Set

from ansible_collections.relocate.django.plugins.module_utils._fixtures import venv_rows
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_objects import Item
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_rows import FixtureError


class Chosen:
    """Decides, object by object or model by model, what of a fixture is taken."""

    def __init__(self, request: Dict[str, Any], models: Iterable[Any]) -> None:
        """Take the request's excluded_models (apps, models and tables) and ignore_unknown.

        :param models: those of the state that the fixture is loaded at
        """
        self._names = {name.lower() for name in request.get("excluded_models") or []}
        self._lenient = bool(request.get("ignore_unknown"))
        self._models = {model._meta.label_lower: model for model in models}
        self._fields: Dict[str, Set[str]] = {}
        self._seen: Set[str] = set()
        #: How many objects of a model were left out on purpose.
        self.excluded: Dict[str, int] = {}
        #: How many objects of a model, or values of a field, the code does not know.
        self.ignored: Dict[str, int] = {}

    def told(self) -> Dict[str, Dict[str, int]]:
        """Return what was left out, for the answer."""
        return {"excluded": self.excluded, "ignored": self.ignored}

    def items(self, items: Iterable[Item]) -> Iterator[Item]:
        """The objects that are taken, of a fixture of Django's own formats."""
        for place, item in items:
            label = item["model"].lower()
            if self.leaves(label):
                self.count(item["model"], 1)
                continue
            if self._lenient:
                if label not in self._models:
                    self.ignored[item["model"]] = self.ignored.get(item["model"], 0) + 1
                    continue
                item = self._known(label, item)
            yield place, item

    def leaves(self, label: str, table: str = "") -> bool:
        """Tell whether a model is left out on purpose.

        :param label: in small letters
        :param table: its table, where the fixture tells it
        """
        model = self._models.get(label)
        words = {label, label.partition(".")[0], table.lower()}
        if model is not None:
            words |= venv_rows.words_for(model)
        found = words & self._names
        self._seen |= found
        return bool(found)

    def count(self, label: str, objects: int) -> None:
        """Note objects that are left out."""
        self.excluded[label] = self.excluded.get(label, 0) + objects

    def _known(self, label: str, item: Dict[str, Any]) -> Dict[str, Any]:
        """The object without fields that its model does not have, as ``loaddata --ignorenonexistent`` takes it."""
        meta = self._models[label]._meta
        if label not in self._fields:
            self._fields[label] = {
                field.name for field in meta.get_fields() if field.concrete or not field.auto_created
            }
        unknown = set(item["fields"]) - self._fields[label]
        for name in unknown:
            name = "{0}.{1}".format(meta.label, name)
            self.ignored[name] = self.ignored.get(name, 0) + 1
        if not unknown:
            return item
        return dict(item, fields={name: value for name, value in item["fields"].items() if name not in unknown})

    def check(self) -> None:
        """Refuse a name that neither code nor fixture has: it would leave out nothing. Raises FixtureError."""
        from django.apps import apps

        known: Set[str] = {config.label for config in apps.get_app_configs()} | self._seen
        for model in list(self._models.values()) + list(apps.get_models(include_auto_created=True)):
            known |= venv_rows.words_for(model)
        unknown: List[str] = sorted(self._names - known)
        if unknown:
            raise FixtureError(
                "unknown_model",
                "excluded_models names what neither the code nor the fixture has: {0}".format(", ".join(unknown)),
                "write apps by label, models as app.Model",
            )
