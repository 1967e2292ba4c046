# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Reads a project's migrations, as Django loads them and as they are written, for what goes wrong when they run late.

Part of a program that runs inside the project's interpreter (see ``venv_probe.py``): Python 3.6 syntax, ASCII only,
standard library only, Django imported inside functions. No database is asked.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

import importlib
import inspect
import io
import os
import sys
import tokenize
from typing import Any, Dict, Iterator, List, Optional, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._project import venv_lint_rules, venv_models, venv_probe

ERROR, WARNING = "error", "warning"
_REMEDIES = {
    "loaddata_in_migration": "load the fixture after migrate (relocate.django.fixture_load takes it at the state that"
    " it was made at), or make the rows with apps.get_model",
    "model_import": "take the model of the migration's moment: apps.get_model(app, model)",
    "no_reverse": "name the way back, RunPython.noop or RunSQL.noop when there is nothing to do",
    "loses_data": "copy the data elsewhere in an earlier release, or take a backup set first",
    "missing_migration": "run makemigrations and commit what it writes",
    "conflicting_leaves": "run makemigrations --merge and commit what it writes",
}
_LEVELS = {"no_reverse": WARNING, "loses_data": WARNING}

Raw = Dict[str, Any]


def topic_lint(request: Raw) -> List[Raw]:
    """Every finding: code, level, app, migration, file, line, msg, remedy.

    :param request: apps (labels; none for those below the project's directory)
    """
    loader = _loader()
    labels = chosen(request["apps"], os.path.dirname(request["manage"]))
    found: List[Raw] = []
    for label, name in sorted(loader.disk_migrations):
        if label in labels:
            found += _of_migration(loader, label, name)
    whole = venv_models.topic_migrations([])
    for label, names in sorted(whole["conflicts"].items()):
        if label in labels:
            text = "{0} migrations are the last ones of {1}: {2}".format(len(names), label, ", ".join(names))
            found.append(_finding("conflicting_leaves", label, "", "", 0, text))
    for text in whole["missing"]:
        label, _colon, what = text.partition(": ")
        if label in labels:
            found.append(_finding("missing_migration", label, "", "", 0, "no migration for: " + what))
    return found


def _loader() -> Any:
    """Every migration on disk as a node of its own, replaced ones too, where Django can."""
    from django.db.migrations.loader import MigrationLoader

    try:
        return MigrationLoader(None, ignore_no_migrations=True, replace_migrations=False)
    except TypeError:  # before Django 3.1
        return MigrationLoader(None, ignore_no_migrations=True)


class UnknownAppError(Exception):
    """An app that the project does not have."""


def chosen(wanted: List[str], directory: str) -> Set[str]:
    """The labels to look at. Raises UnknownAppError."""
    from django.apps import apps

    paths = {config.label: os.path.realpath(config.path) for config in apps.get_app_configs()}
    unknown = sorted(set(wanted) - set(paths))
    if unknown:
        raise UnknownAppError("the project has no app {0}".format(", ".join(unknown)))
    if wanted:
        return set(wanted)
    own, prefix = os.path.realpath(directory) + os.sep, os.path.realpath(sys.prefix) + os.sep
    return {
        label
        for label, path in paths.items()
        if path.startswith(own) and not path.startswith(prefix) and "site-packages" not in path.split(os.sep)
    }


def _finding(code: str, app: str, migration: str, path: str, line: int, msg: str) -> Raw:
    return {
        "code": code,
        "level": _LEVELS.get(code, ERROR),
        "app": app,
        "migration": migration,
        "file": path,
        "line": line,
        "msg": msg,
        "remedy": _REMEDIES[code],
    }


def _of_migration(loader: Any, label: str, name: str) -> List[Raw]:
    migration = loader.disk_migrations[label, name]
    module = sys.modules[type(migration).__module__]
    path = getattr(module, "__file__", None) or ""
    if not path.endswith(".py"):
        return []
    with open(path, "rb") as stream:
        raw = stream.read()
    encoding, _lines = tokenize.detect_encoding(io.BytesIO(raw).readline)
    source = raw.decode(encoding)
    found = [
        _finding(code, label, name, path, line, text)
        for line, code, text in venv_lint_rules.findings(source, module.__package__ or "", _is_model)
    ]
    places = _Places(venv_lint_rules.operation_lines(source))
    state = None
    for operation in operations_of(migration.operations):
        line = places.of(operation)
        if _irreversible(operation):
            text = "{0} has no way back".format(type(operation).__name__)
            found.append(_finding("no_reverse", label, name, path, line, text))
        if _removes(operation):
            state = state or _state_before(loader, label, name)
            lost = _lost(operation, label, state)
            if lost:
                found.append(_finding("loses_data", label, name, path, line, lost))
    return sorted(found, key=lambda item: item["line"])


class _Places:
    """Hands out the source lines of operations, class by class, in the order of the source."""

    def __init__(self, lines: Dict[str, List[int]]) -> None:
        self._lines = {name: list(found) for name, found in lines.items()}

    def of(self, operation: Any) -> int:
        remaining = self._lines.get(type(operation).__name__) or []
        return remaining.pop(0) if remaining else (self._lines.get("dependencies") or [1])[0]


def operations_of(operations: Any) -> Iterator[Any]:
    """Return what is done to the database: of a separate database and state only the former."""
    for operation in operations:
        if type(operation).__name__ == "SeparateDatabaseAndState":
            yield from operations_of(operation.database_operations)
        else:
            yield operation


def _irreversible(operation: Any) -> bool:
    from django.db import migrations

    if isinstance(operation, migrations.RunPython):
        return operation.reverse_code is None
    return isinstance(operation, migrations.RunSQL) and operation.reverse_sql is None


def _removes(operation: Any) -> bool:
    from django.db import migrations

    return isinstance(operation, (migrations.RemoveField, migrations.DeleteModel))


def _state_before(loader: Any, label: str, name: str) -> Any:
    node = (label, name)
    if node not in loader.graph.nodes:  # replaced by a squashed one, in a Django that shows only that
        return None
    return loader.project_state(node, at_end=False)


def _lost(operation: Any, label: str, state: Any) -> str:
    """Return what a RemoveField or DeleteModel takes away with rows in it; empty when no table or column goes."""
    model_name = getattr(operation, "model_name", None) or operation.name
    if state is None:
        return _loss(operation, label, model_name)
    model = state.models.get((label, model_name.lower()))
    if model is None or not _has_rows(model):  # None: it was made by the same migration
        return ""
    if _is_of_field(operation) and not _has_values(_field(model, operation.name)):
        return ""
    return _loss(operation, label, model.name)


def _loss(operation: Any, label: str, model_name: str) -> str:
    shown = "{0}.{1}".format(label, model_name)
    if _is_of_field(operation):
        return "{0}.{1} is removed with its values".format(shown, operation.name)
    return "the table of {0} is dropped with its rows".format(shown)


def _is_of_field(operation: Any) -> bool:
    return hasattr(operation, "model_name")


def _has_rows(model: Any) -> bool:
    return not model.options.get("proxy") and bool(model.options.get("managed", True))


def _has_values(field: Any) -> bool:
    """Whether a field has them itself: relations by a model of its own are that one's rows."""
    return field is not None and not (field.many_to_many and getattr(field.remote_field, "through", None))


def _field(model: Any, name: str) -> Any:
    fields = model.fields
    return (fields if isinstance(fields, dict) else dict(fields)).get(name)  # a list before Django 3.1


def _is_model(path: str) -> str:
    """The label of the concrete model that a dotted path begins with, by importing what the migration would import."""
    found = _resolve(path.split("."))
    return found[0] if found else ""


def _resolve(parts: List[str]) -> Optional[Tuple[str, Any]]:
    current = _module(parts[0])
    for index, part in enumerate(parts[1:], 2):
        if current is None or _is_model_class(current):
            break
        step = getattr(current, part, None)
        if step is None and hasattr(current, "__path__"):
            step = _module(".".join(parts[:index]))
        current = step
    if current is None or not _is_model_class(current):
        return None
    meta = getattr(current, "_meta", None)  # Model itself has none
    return (meta.label, current) if meta is not None and not meta.abstract else None


def _is_model_class(found: Any) -> bool:
    from django.db.models import Model

    return inspect.isclass(found) and not hasattr(found, "__origin__") and issubclass(found, Model)


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except Exception:  # the migration itself would fail there, or guards against it
        return None


def main() -> None:
    """Answer as ``venv_probe`` does, with one topic more."""
    venv_probe.TOPICS["lint"] = topic_lint
    venv_probe.main()
