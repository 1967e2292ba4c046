# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Reads a project's migrations, as Django loads them and as they are written, for what goes wrong when they run late.

Part of a program that runs inside the project's interpreter (see ``venv_probe.py``): Python 3.6 syntax, ASCII only,
standard library only, Django imported inside functions. No database is asked.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

import io
import os
import sys
import tokenize
from typing import Any, Dict, List, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._project import (
    venv_lint_operations,
    venv_lint_patch,
    venv_lint_rules,
    venv_lint_squash,
    venv_lint_world,
    venv_models,
    venv_probe,
)

ERROR, WARNING = "error", "warning"
_REMEDIES = {
    "loaddata_in_migration": "apply the finding's patch (docs/migration_lint.md), or load the fixture after migrate"
    " (relocate.django.fixture_load takes it at the state that it was made at)",
    "model_import": "take the model of the migration's moment: apps.get_model(app, model)",
    "no_reverse": "name the way back, RunPython.noop or RunSQL.noop when there is nothing to do",
    "loses_data": "copy the data elsewhere in an earlier release, or take a backup set first",
    "breaks_on_rows": "fill the column first: add it with null=True, write the values with RunPython, then make it NOT"
    " NULL or unique",
    "narrows_field": "look for values that no longer fit before the migration runs, and shorten them in a RunPython",
    "locks_table": "on PostgreSQL use AddIndexConcurrently (atomic = False), and constraints that are validated later",
    "squash_function": "copy the function, and what it uses, into the squashed migration",
    "squash_partial": "bring the files back, or remove replaces once the squashed one is applied everywhere",
    "squash_circular": "squash less at once, or move a foreign key into a migration of its own behind them",
    "squash_kept": "set elidable=True where a new database does not need it, and squash again; ignore it by name where"
    " it makes rows that every site needs",
    "squash_leftover": "remove replaces once each database has the squashed migration applied: then nothing is"
    " replaced any longer",
    "missing_migration": "run makemigrations and commit what it writes",
    "conflicting_leaves": "run makemigrations --merge and commit what it writes",
}
_LEVELS = dict.fromkeys(
    "no_reverse loses_data breaks_on_rows narrows_field locks_table squash_kept squash_leftover".split(), WARNING
)
_SHOWN = 3  # places of one migration that are written out in its sentence

Raw = Dict[str, Any]


def topic_lint(request: Raw) -> List[Raw]:
    """Every finding: code, level, app, migration, file, line, msg, remedy, places (line, msg), patch.

    :param request: apps (labels; none for those below the project's directory), large (models or tables)
    """
    circles = venv_lint_squash.circles()
    if circles:  # nothing more can be asked of such a graph
        return [_finding("squash_circular", (label, ""), "", [(0, text)]) for label, text in circles]
    loader, world = _loader(), venv_lint_world.ProjectWorld()
    directory = os.path.dirname(request["manage"])
    labels = chosen(request["apps"], directory)
    walk = venv_lint_operations.Walk(loader, request.get("large") or [], lambda migration: _source(migration)[1])
    by_node = dict(walk.everything())
    found: List[Raw] = []
    for node in sorted(loader.disk_migrations):
        if node[0] in labels:
            migration = loader.disk_migrations[node]
            operations = by_node[node] + list(venv_lint_squash.squashed(migration, loader.disk_migrations))
            found += _of_migration(migration, node, operations, (world, directory))
    return found + _of_models(labels)


def _of_models(labels: Set[str]) -> List[Raw]:
    """Return what the last migrations and the models say about each other."""
    found: List[Raw] = []
    whole = venv_models.topic_migrations([])
    for label, names in sorted(whole["conflicts"].items()):
        if label in labels:
            text = "{0} migrations are the last ones of {1}: {2}".format(len(names), label, ", ".join(names))
            found.append(_finding("conflicting_leaves", (label, ""), "", [(0, text)]))
    changes: Dict[str, List[Tuple[int, str]]] = {}
    for text in whole["missing"]:
        label, _colon, what = text.partition(": ")
        changes.setdefault(label, []).append((0, "no migration for: " + what))
    for label in sorted(labels & set(changes)):
        found.append(_finding("missing_migration", (label, ""), "", changes[label]))
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


def _finding(code: str, node: Tuple[str, str], path: str, places: List[Tuple[int, str]]) -> Raw:
    """Return one finding for all places of a migration that are faulted for the same."""
    shown = [text for _line, text in places[:_SHOWN]]
    if len(places) > _SHOWN:
        shown.append("and {0} more".format(len(places) - _SHOWN))
    return {
        "code": code,
        "level": _LEVELS.get(code, ERROR),
        "app": node[0],
        "migration": node[1],
        "file": path,
        "line": places[0][0],
        "msg": "; ".join(shown),
        "remedy": _REMEDIES[code],
        "places": [{"line": line, "msg": text} for line, text in places],
        "patch": "",
    }


def _source(migration: Any) -> Tuple[str, str]:
    """Return the path and the text of a migration; empty where only compiled code is there."""
    path = getattr(sys.modules[type(migration).__module__], "__file__", None) or ""
    if not path.endswith(".py"):
        return "", ""
    with open(path, "rb") as stream:
        raw = stream.read()
    encoding, _lines = tokenize.detect_encoding(io.BytesIO(raw).readline)
    return path, raw.decode(encoding)


def _of_migration(migration: Any, node: Tuple[str, str], operations: List[Any], project: Tuple[Any, str]) -> List[Raw]:
    world, directory = project
    path, source = _source(migration)
    if not path:
        return []
    package = sys.modules[type(migration).__module__].__package__ or ""
    by_code: Dict[str, Set[Tuple[int, str]]] = {}
    reader = venv_lint_rules.read(source, package, world)
    for line, code, text in reader.found:
        by_code.setdefault(code, set()).add((line, text))
    places = _Places(venv_lint_rules.operation_lines(source))
    lines = {id(operation): places.of(operation) for operation in _all_operations(migration.operations)}
    for operation, code, text in operations:
        by_code.setdefault(code, set()).add((lines.get(id(operation)) or places.first(), text))
    found = [_finding(code, node, path, sorted(items)) for code, items in by_code.items()]
    for item in found:
        if item["code"] == "loaddata_in_migration":
            item["patch"] = venv_lint_patch.patch(source, _below(path, directory), reader.loading)
    return sorted(found, key=lambda item: (item["line"], item["code"]))


def _below(path: str, directory: str) -> str:
    """Return a path for a diff's head: below the project's directory where it is the project's own."""
    own = directory + os.sep
    return path[len(own) :] if path.startswith(own) else path.lstrip(os.sep)


def _all_operations(operations: Any) -> List[Any]:
    """Return the operations with those inside of others, in the order in which they are mostly written."""
    found: List[Any] = []
    for operation in operations:
        found.append(operation)
        for name in ("database_operations", "state_operations"):
            found += _all_operations(getattr(operation, name, None) or ())
    return found


class _Places:
    """Hands out the source lines of operations, class by class, in the order of the source."""

    def __init__(self, lines: Dict[str, List[int]]) -> None:
        self._lines = {name: list(found) for name, found in lines.items()}

    def of(self, operation: Any) -> int:
        remaining = self._lines.get(type(operation).__name__) or []
        return remaining.pop(0) if remaining else self.first()

    def first(self) -> int:
        return (self._lines.get("dependencies") or [1])[0]


def main() -> None:
    """Answer as ``venv_probe`` does, with one topic more."""
    venv_probe.TOPICS["lint"] = topic_lint
    venv_probe.main()
