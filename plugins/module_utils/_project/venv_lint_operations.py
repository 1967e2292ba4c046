# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Looks at a migration's operations, in the state of the models that each of them finds.

Part of a program that runs inside the project's interpreter (see ``venv_probe.py``): Python 3.6 syntax, ASCII only,
standard library only, Django imported inside functions. No database is asked.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

import inspect
import re
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._project import venv_lint_fields as fields
from ansible_collections.relocate.django.plugins.module_utils._project import venv_lint_sql as sql

_DELETES = re.compile(r"\.delete\(|\bDELETE\s+FROM\b|\bTRUNCATE\b", re.IGNORECASE)
Node = Tuple[str, str]  # an app's label and a migration's name
Found = Tuple[Any, str, str]  # operation, code, text


class Place(NamedTuple):
    """The place of an operation: its migration, and what there is before it."""

    label: str
    state: Any  # of the models, before the operation
    made: Set[Tuple[str, str]]  # the models whose tables this migration makes: they hold no rows
    initial: bool
    large: Set[str]  # labels of models and names of tables, in lower case


class Walk:
    """Goes through all migrations once, each after those that it depends on, with the state of the models."""

    def __init__(self, loader: Any, large: List[str], source_of: Callable[[Any], str]) -> None:
        """Begin before the first migration.

        :param large: labels of models, or names of tables, that may be locked for a moment only
        :param source_of: the text of a migration
        """
        from django.db.migrations.state import ProjectState

        self._loader, self._state = loader, ProjectState()
        self._large = {name.lower() for name in large}
        self._source_of, self._source, self._ran_before = source_of, "", 0
        # label -> of each code or SQL that may have changed rows the migration's source, and its own text
        self._ran: Dict[str, List[Tuple[str, str]]] = {}
        self._since: Dict[Tuple[str, str, str], int] = {}  # column -> how many of those ran before it was as it is

    def everything(self) -> Iterator[Tuple[Node, List[Found]]]:
        """Every migration on disk with what its operations are faulted for."""
        for node in _in_order(self._loader):
            yield node, self._migration(node)

    def _migration(self, node: Node) -> List[Found]:
        migration = self._loader.disk_migrations[node]
        self._source, self._ran_before = self._source_of(migration), len(self._ran.get(node[0], []))
        stands_for = [item for item in migration.replaces if tuple(item) in self._loader.disk_migrations]
        state = self._before(node) if stands_for else self._state
        place = Place(node[0], state, set(), bool(migration.initial) and state is not None, self._large)
        found: List[Found] = []
        for operation in migration.operations:
            found += self._operation(operation, place)
        return found

    def _before(self, node: Node) -> Any:
        """Return the state before a squashed migration, whose replaced ones are here too."""
        if node not in self._loader.graph.nodes:
            return None
        try:
            return self._loader.project_state(node, at_end=False)
        except Exception:  # what comes before cannot be told; its own operations can
            return None

    def _operation(self, operation: Any, place: Place) -> List[Found]:
        if type(operation).__name__ == "SeparateDatabaseAndState":
            found = []
            below = place._replace(state=place.state.clone() if place.state is not None else None)
            for item in operation.database_operations:
                found += self._operation(item, below)
            for item in operation.state_operations:
                _forwards(item, place)
            return found
        found = [(operation, code, text) for code, text in self._faults(operation, place)]
        self._remember(operation, place)
        _forwards(operation, place)
        return found

    def _faults(self, operation: Any, place: Place) -> Iterator[Tuple[str, str]]:
        if not operation.reversible:
            yield "no_reverse", "{0} has no way back".format(type(operation).__name__)
        yield from _sql_faults(getattr(operation, "sql", ""), place)
        name = _model_name(operation)
        key = (place.label, name.lower())
        if key in place.made:
            return
        if place.state is None:
            lost = _lost(operation, place.label, None, name)
            if lost:
                yield "loses_data", lost
        elif key in place.state.models and _has_rows(place.state.models[key]):
            yield from self._row_faults(operation, place, place.state.models[key])

    def _row_faults(self, operation: Any, place: Place, model: Any) -> Iterator[Tuple[str, str]]:
        """Say what happens to the rows of a table."""
        lost = _lost(operation, place.label, model, model.name)
        if lost:
            yield "loses_data", lost
        key = (place.label, model.name.lower())
        if not place.initial:
            for fault in fields.faults(operation, model):
                prepared = self._may_be_filled(operation, key) or self._may_be_emptied(model)
                if fault[0] != "breaks_on_rows" or not prepared:
                    yield fault
        if place.large & {"{0}.{1}".format(*key), _table(place.label, model)}:
            yield from fields.locks(operation, model)

    def _may_be_filled(self, operation: Any, model: Tuple[str, str]) -> bool:
        """Tell whether code or SQL that names the column ran since it was there, so that none may be NULL any more."""
        name = str(getattr(operation, "name", "")).lower()
        since = self._since.get(model + (name,))
        word = re.compile(r"\b{0}(_id)?\b".format(re.escape(name)), re.IGNORECASE)
        return since is not None and any(
            not text or word.search(text) for text, _own in self._ran.get(model[0], [])[since:]
        )

    def _may_be_emptied(self, model: Any) -> bool:
        """Tell whether code or SQL of the same migration deletes rows of a model that it names."""
        word = re.compile(r"\b(\w+_)?{0}\b".format(re.escape(model.name)), re.IGNORECASE)
        ran = self._ran.get(model.app_label, [])[self._ran_before :]
        return any(word.search(text) and _DELETES.search(text) for _source, text in ran)

    def _remember(self, operation: Any, place: Place) -> None:
        """Note which columns are as they are since when, and which tables the migration makes."""
        kind, label = type(operation).__name__, place.label
        model = (label, _model_name(operation).lower())
        ran = self._ran.setdefault(label, [])
        if kind in ("RunPython", "RunSQL") or not type(operation).__module__.startswith("django."):
            ran.append((_named_in(operation, self._source), _text_of(operation, self._source)))
        elif kind in ("AddField", "AlterField"):
            self._since[model + (operation.name.lower(),)] = len(ran)
        elif kind == "RenameField":
            old = model + (operation.old_name.lower(),)
            self._since[model + (operation.new_name.lower(),)] = self._since.get(old, len(ran))
        elif kind == "CreateModel":
            place.made.add(model)
            self._since.update({model + (name.lower(),): len(ran) for name, _field in operation.fields})
        elif kind == "RenameModel" and (label, operation.old_name.lower()) in place.made:
            place.made.add((label, operation.new_name.lower()))


def _named_in(operation: Any, source: str) -> str:
    """Return the text that names what an operation fills; empty for a kind of RunPython whose code is elsewhere."""
    return "" if hasattr(operation, "code") and type(operation).__name__ != "RunPython" else source


def _text_of(operation: Any, source: str) -> str:
    """Return the SQL or the function of an operation; the migration's source where it cannot be told apart."""
    if hasattr(operation, "sql"):
        return str(operation.sql)
    try:
        return inspect.getsource(operation.code)
    except (AttributeError, OSError, TypeError):
        return source


def _model_name(operation: Any) -> str:
    return str(getattr(operation, "model_name", None) or getattr(operation, "name", ""))


def _sql_faults(texts: Any, place: Place) -> Iterator[Tuple[str, str]]:
    for text in sql.losses(texts):
        yield "loses_data", text
    for table in sorted(sql.indexed(texts) & place.large):
        yield "locks_table", "{0} gets an index while nobody can write to it".format(table)


def _forwards(operation: Any, place: Place) -> None:
    if place.state is None:
        return
    try:
        operation.state_forwards(place.label, place.state)
    except Exception:  # the models that it changes are in no state that we know: an app that is not installed
        return


def _in_order(loader: Any) -> List[Node]:
    """Every migration on disk after those that it depends on; a squashed one after those that it replaces."""
    found: Dict[Node, None] = {}

    def parents(node: Node) -> List[Node]:
        known = loader.graph.node_map.get(node)
        above = [item.key for item in sorted(known.parents)] if known is not None else []
        return [
            item
            for item in above + [tuple(one) for one in loader.disk_migrations[node].replaces]
            if item in loader.disk_migrations
        ]

    for first in sorted(loader.disk_migrations):
        pending = [(first, iter(parents(first)))]
        seen = {first}
        while pending:
            node, above = pending[-1]
            following = next((item for item in above if item not in seen and item not in found), None)
            if following is None:
                found.setdefault(node, None)
                pending.pop()
            else:
                seen.add(following)
                pending.append((following, iter(parents(following))))
    return list(found)


def _lost(operation: Any, label: str, model: Any, name: str) -> str:
    """Return what a RemoveField or DeleteModel takes away with rows in it; empty when no table or column goes.

    :param model: None where no state can be told: rows are taken to be there
    """
    from django.db import migrations

    shown = "{0}.{1}".format(label, model.name if model is not None else name)
    if isinstance(operation, migrations.DeleteModel):
        return "the table of {0} is dropped with its rows".format(shown)
    removed = isinstance(operation, migrations.RemoveField)
    if removed and (model is None or _has_values(fields.field_of(model, operation.name))):
        return "{0}.{1} is removed with its values".format(shown, operation.name)
    return ""


def _has_rows(model: Any) -> bool:
    return not model.options.get("proxy") and bool(model.options.get("managed", True))


def _has_values(field: Any) -> bool:
    """Tell whether a field has them itself: relations by a model of its own are that one's rows."""
    return field is not None and not (field.many_to_many and getattr(field.remote_field, "through", None))


def _table(label: str, model: Any) -> str:
    name: Optional[str] = model.options.get("db_table")
    return (name or "{0}_{1}".format(label, model.name)).lower()
