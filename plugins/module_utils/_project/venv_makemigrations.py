# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Lists a project's migrations, and makes those that its models lack: as texts, or as files.

Part of a program that runs inside the project's interpreter (see ``venv_probe.py``): Python 3.6 syntax, ASCII only,
standard library only, Django imported inside functions.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

import os
from typing import Any, Dict, List, Set

from ansible_collections.relocate.django.plugins.module_utils._project import venv_probe

Raw = Dict[str, Any]


class QuestionError(Exception):
    """A question that makemigrations would ask."""


def topic_showmigrations(request: Raw) -> Raw:
    """Tell what the topic ``migrations`` does, and ``listed``: by alias the code's migrations, app by app in order.

    :param request: as of ``venv_probe``
    """
    whole: Raw = venv_probe.TOPICS["migrations"](request)
    found = whole["aliases"]
    partly = {alias: _partly(set(one["applied"])) for alias, one in found.items()}
    return dict(whole, listed={alias: _listed(alias, one["recorded"]) for alias, one in found.items()}, partly=partly)


def _partly(applied: Set[str]) -> List[str]:
    """Squashed migrations of which some replaced ones are applied and others are not, with what is lacking."""
    from django.db.migrations.loader import MigrationLoader

    found = []
    for node, migration in sorted(MigrationLoader(None, ignore_no_migrations=True).disk_migrations.items()):
        replaces = ["{0}.{1}".format(*old) for old in migration.replaces]
        lacking = [name for name in replaces if name not in applied]
        name = "{0}.{1}".format(*node)
        if name not in applied and 0 < len(lacking) < len(replaces):
            found.append("{0}: lacks {1}".format(name, ", ".join(lacking)))
    return found


def _listed(alias: str, recorded: bool) -> List[Raw]:
    from django.db import connections
    from django.db.migrations.loader import MigrationLoader
    from django.db.migrations.recorder import MigrationRecorder

    connection = connections[alias]
    loader = MigrationLoader(connection if recorded else None, ignore_no_migrations=True)
    times = {}
    if recorded:
        rows = MigrationRecorder(connection).migration_qs.values_list("app", "name", "applied")
        times = {(app, name): str(at or "") for app, name, at in rows}
    nodes = [node for app in sorted(loader.migrated_apps) for node in _in_order(loader.graph, app)]
    return [_entry(loader, node, times.get(node, "")) for node in nodes]


def _in_order(graph: Any, app: str) -> List[Any]:
    """The migrations of an app as they are applied."""
    found: List[Any] = []
    for leaf in sorted(graph.leaf_nodes(app)):
        found += [node for node in graph.forwards_plan(leaf) if node[0] == app and node not in found]
    return found


def _entry(loader: Any, node: Any, at: str) -> Raw:
    replaces = ["{0}.{1}".format(*old) for old in loader.graph.nodes[node].replaces]
    applied = node in (loader.applied_migrations or ())
    return {"app": node[0], "name": node[1], "applied": applied, "at": at, "replaces": replaces}


def topic_makemigrations(request: Raw) -> Raw:
    """Make or tell what makemigrations would write: app, name, path, text and operations of each file.

    :param request: apps (labels; none for all), name (of the new migrations, or ""), write
    """
    from django.apps import apps
    from django.db.migrations.loader import MigrationLoader

    labels = set(request["apps"])
    unknown = sorted(labels - {config.label for config in apps.get_app_configs()})
    loader = MigrationLoader(None, ignore_no_migrations=True)
    conflicts = {label: sorted(names) for label, names in loader.detect_conflicts().items()}
    answer: Raw = {"unknown": unknown, "conflicts": conflicts, "question": "", "files": []}
    if unknown or conflicts:
        return answer
    try:
        changes = _changes(loader, labels, request["name"])
    except QuestionError as error:
        return dict(answer, question=str(error))
    answer["files"] = [_file(label, one) for label, made in sorted(changes.items()) for one in made]
    if request["write"]:
        _write(answer["files"])
    return answer


def _changes(loader: Any, labels: Set[str], name: str) -> Dict[str, List[Any]]:
    """The migrations that are missing, by app. Raises QuestionError."""
    from django.apps import apps
    from django.db.migrations.autodetector import MigrationAutodetector
    from django.db.migrations.state import ProjectState

    chosen = labels or None
    detector = MigrationAutodetector(loader.project_state(), ProjectState.from_apps(apps), _questioner(labels))
    found: Dict[str, List[Any]] = detector.changes(
        graph=loader.graph, trim_to_apps=chosen, convert_apps=chosen, migration_name=name or None
    )
    return found


def _file(label: str, migration: Any) -> Raw:
    from django.db.migrations.writer import MigrationWriter

    writer = MigrationWriter(migration)
    operations = [operation.describe() for operation in migration.operations]
    text = {"path": writer.path, "text": writer.as_string()}
    return {"app": label, "name": migration.name, "operations": operations, **text}


def _questioner(labels: Set[str]) -> Any:
    """Answers as ``makemigrations --noinput`` does; what that gives up at is a QuestionError."""
    from django.db.migrations.questioner import MigrationQuestioner
    from django.db.models import NOT_PROVIDED

    class Questioner(MigrationQuestioner):  # type: ignore[misc]
        """Asks nobody."""

        def ask_not_null_addition(self, field_name: str, model_name: str) -> Any:
            """Rows that are there would need a value."""
            raise QuestionError(
                "{0}.{1} is added as NOT NULL and has no default for the rows that are there".format(
                    model_name, field_name
                )
            )

        def ask_not_null_alteration(self, field_name: str, model_name: str) -> Any:
            """Leave rows with NULL to who runs the migration, as --noinput does."""
            return NOT_PROVIDED

        def ask_auto_now_add_addition(self, field_name: str, model_name: str) -> Any:
            """Rows that are there would need a date."""
            raise QuestionError(
                "{0}.{1} is added with auto_now_add and has no default for the rows that are there".format(
                    model_name, field_name
                )
            )

    return Questioner(specified_apps=labels, dry_run=True)


def _write(files: List[Raw]) -> None:
    """Write the files, none of which is there; a new app's package is made as Django makes it."""
    for item in files:
        package = os.path.dirname(item["path"])
        os.makedirs(package, exist_ok=True)
        first = os.path.join(package, "__init__.py")
        if not os.path.isfile(first):
            open(first, "w").close()
        with open(item["path"], "x", encoding="utf-8") as stream:
            stream.write(item["text"])


def main() -> None:
    """Answer as ``venv_probe`` does, with two topics more."""
    venv_probe.TOPICS["showmigrations"] = topic_showmigrations
    venv_probe.TOPICS["makemigrations"] = topic_makemigrations
    venv_probe.main()
