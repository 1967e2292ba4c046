# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Brings a blank database to the migrations that a fixture was made at, gives the models of that moment, goes forward.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only,
Django imported inside functions. What "loaddata in a data migration" does wrong is done right here: rows are loaded
into the tables and by the models that they were dumped from, and then every later migration runs on them.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

import contextlib
import sys
from typing import Any, Callable, Dict, List, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_rows import FixtureError

Node = Tuple[str, str]  # app label, name of a migration


def nodes_of(names: List[str]) -> List[Node]:
    """``app.name`` as Django's migration graph names it."""
    pairs = [name.partition(".") for name in names]
    return [(app, name) for app, _dot, name in pairs]


def migrate_to(connection: Any, recorded: List[str], say: Callable[[str], None]) -> Any:
    """Apply exactly the recorded migrations to a blank database; returns the apps registry of that state.

    Raises FixtureError: unknown_migration when the code lacks one, target_not_blank.
    """
    from django.core.management import call_command
    from django.db.migrations.executor import MigrationExecutor

    found = connection.introspection.table_names()
    if found:
        raise FixtureError(
            "target_not_blank",
            "the database that the fixture would be loaded into holds {0} tables".format(len(found)),
            "use a blank database: the load applies the migrations",
        )
    connection.prepare_database()  # as migrate does: SpatiaLite has tables of its own
    executor = MigrationExecutor(connection, _progress(say))
    wanted = _known(executor.loader, nodes_of(recorded))
    for config in _without_migrations(executor.loader):
        with contextlib.redirect_stdout(sys.stderr):
            call_command("migrate", config, database=connection.alias, run_syncdb=True, interactive=False, verbosity=0)
    executor = MigrationExecutor(connection, _progress(say))
    plan = executor.migration_plan(_leaves(executor.loader.graph, wanted))
    planned = {(migration.app_label, migration.name) for migration, _backwards in plan}
    missing = sorted(planned - wanted)
    if missing:
        raise FixtureError(
            "unknown_migration",
            "the fixture's migrations need others that were not applied where it was made: {0}".format(
                ", ".join("{0}.{1}".format(*node) for node in missing[:5])
            ),
            "check out a revision whose migrations lead to the fixture's",
        )
    state = executor.migrate(_leaves(executor.loader.graph, wanted), plan=plan)
    return state.apps


def nodes_at(connection: Any, state: Dict[str, str]) -> List[str]:
    """Every migration of a state: of the apps that it names up to that one, of others the newest that fit.

    :param state: app label -> name of its last migration, or a beginning of it that only one has

    Raises FixtureError for an app or a migration that the code does not have.
    """
    from django.db.migrations.loader import MigrationLoader

    graph = MigrationLoader(None, ignore_no_migrations=True).graph
    gone: Set[Node] = set()
    for label, name in state.items():
        before = set(graph.forwards_plan(_node_named(graph, label, name)))
        for node in graph.nodes:
            if node[0] == label and node not in before:
                gone |= set(graph.backwards_plan(node))
    return sorted("{0}.{1}".format(*node) for node in graph.nodes if node not in gone)


def _node_named(graph: Any, label: str, name: str) -> Node:
    found: List[Node] = [node for node in graph.nodes if node[0] == label and node[1].startswith(name)]
    exact = [node for node in found if node[1] == name] or found
    if len(exact) != 1:
        raise FixtureError(
            "unknown_migration",
            "the code has {0} migrations {1}.{2}".format("several" if exact else "no", label, name),
            "set state to a migration that the code has",
        )
    return exact[0]


def after_migrate(connection: Any, registry: Any, say: Callable[[str], None]) -> List[str]:
    """Send what migrate sends last: content types, permissions and all that handlers of the project make are there.

    A handler that fails, as today's code may on tables of another state, does not stop the others. Returns which did.
    """
    from django.apps import apps
    from django.db.migrations.executor import MigrationExecutor
    from django.db.models.signals import post_migrate

    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(_leaves(executor.loader.graph, _applied(executor.loader)), clean_start=True)
    about = {"verbosity": 0, "interactive": False, "using": connection.alias, "apps": registry, "plan": plan}
    failed = []
    with contextlib.redirect_stdout(sys.stderr):
        for config in apps.get_app_configs():
            if config.models_module is None:
                continue
            for handler, found in post_migrate.send_robust(
                sender=config, app_config=config, stdout=sys.stderr, **about
            ):
                if isinstance(found, Exception):
                    failed.append("{0}: {1}".format(_name(handler), type(found).__name__))
                    say("post_migrate: {0}".format(failed[-1]))
    return failed


def _applied(loader: Any) -> Set[Node]:
    return {node for node in loader.applied_migrations if node in loader.graph.nodes}


def _name(handler: Any) -> str:
    name = getattr(handler, "__qualname__", type(handler).__name__)
    return "{0}.{1}".format(getattr(handler, "__module__", "?"), name)


def _known(loader: Any, recorded: List[Node]) -> Set[Node]:
    """The recorded migrations as nodes of this code's graph: squashed ones count as what they replace."""
    nodes, squashed = set(loader.graph.nodes), _squashed(loader)
    wanted, unknown = set(), []
    have = set(recorded)
    for node in recorded:
        if node in nodes:
            wanted.add(node)
        elif node in squashed and _replaced(loader, squashed[node]) <= have:
            wanted.add(squashed[node])
        else:
            unknown.append(node)
    if unknown:
        raise _unknown(loader, unknown)
    return wanted


def _squashed(loader: Any) -> Dict[Node, Node]:
    """Each migration that the graph has a squashed one for, with that one."""
    return {
        old: node for node in loader.disk_migrations if node in loader.graph.nodes for old in _replaced(loader, node)
    }


def _replaced(loader: Any, node: Node) -> Set[Node]:
    """The migrations that a squashed one replaces."""
    return {tuple(old) for old in loader.disk_migrations[node].replaces}


def _unknown(loader: Any, nodes: List[Node]) -> FixtureError:
    gone = [node for node in nodes if node not in loader.disk_migrations]
    shown = ", ".join("{0}.{1}".format(*node) for node in (gone or nodes)[:5])
    return FixtureError(
        "unknown_migration",
        "the code lacks {0} migrations that the fixture was made at: {1}".format(len(nodes), shown),
        "check out a revision that has them",
    )


def _leaves(graph: Any, wanted: Set[Node]) -> List[Node]:
    """The nodes that no other wanted one depends on: Django plans everything before them by itself."""
    inner = {parent.key for node in wanted for parent in graph.node_map[node].parents}
    return sorted(node for node in wanted if node not in inner)


def _without_migrations(loader: Any) -> List[str]:
    from django.apps import apps

    return sorted(label for label in loader.unmigrated_apps if list(apps.get_app_config(label).get_models()))


def forward(connection: Any, say: Callable[[str], None]) -> List[str]:
    """Apply whatever the code has beyond the recorded state, as ``migrate`` does it, signals included."""
    from django.core.management import call_command
    from django.db.migrations.recorder import MigrationRecorder

    def applied() -> Set[Node]:
        return set(MigrationRecorder(connection).applied_migrations())

    before = applied()
    say("migrating forward")
    with contextlib.redirect_stdout(sys.stderr):
        call_command("migrate", database=connection.alias, interactive=False, verbosity=0)
    return sorted("{0}.{1}".format(*node) for node in applied() - before)


def _progress(say: Callable[[str], None]) -> Callable[..., None]:
    def tell(action: str, migration: Any = None, fake: bool = False) -> None:
        if action == "apply_start":
            say("applying {0}".format(migration))

    return tell
