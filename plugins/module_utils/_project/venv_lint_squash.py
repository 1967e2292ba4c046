# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Finds what squashmigrations leaves to people: functions to copy, code that nobody needs again, replaces that stayed.

Part of a program that runs inside the project's interpreter (see ``venv_probe.py``): Python 3.6 syntax, ASCII only,
standard library only, Django imported inside functions.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

import re
from typing import Any, Dict, Iterator, List, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._project.venv_lint_sql import statements

Node = Tuple[str, str]
#: An operation of the migration, or None for the migration as a whole; the finding's code; what is said.
Found = Tuple[Any, str, str]
#: What code calls to change rows that are there, to find some to change, and to make some: permissions, a first page.
_CHANGES, _FINDS = {"update", "bulk_update"}, {"all", "filter", "exclude", "iterator"}
_SAVES = {"save", "delete"}
_MAKES = re.compile(
    r"(^|_)create($|_)|^execute|cursor|^(call_command|loaddata)$|^(add|alter)_(root|child|sibling|field|index|constraint|db_)"
)
_DEPTH = 3  # calls that are followed, as those of the other rules


def squashed(migration: Any, disk: Dict[Node, Any]) -> Iterator[Found]:
    """Give what is wrong with a migration that replaces others; nothing with any other one.

    :param disk: the project's migrations by node
    """
    replaces = [tuple(node) for node in migration.replaces]
    if not replaces:
        return
    gone = [node for node in replaces if node not in disk]
    if len(gone) == len(replaces):
        yield None, "squash_leftover", "all {0} migrations that it replaces are gone".format(len(gone))
    elif gone:
        yield None, "squash_partial", "of the migrations that it replaces these are gone: {0}".format(_names(gone))
    modules = {type(disk[node]).__module__ for node in replaces if node in disk}
    for operation in _operations(migration.operations):
        yield from _of_operation(operation, modules)


def _of_operation(operation: Any, modules: Set[str]) -> Iterator[Found]:
    kind = type(operation).__name__
    if kind not in ("RunPython", "RunSQL"):
        return
    for name in ("code", "reverse_code"):
        function = getattr(operation, name, None)
        if getattr(function, "__module__", None) in modules:
            yield (
                operation,
                "squash_function",
                "{0} is a function of {1}, which goes when the replaced migrations do".format(
                    getattr(function, "__name__", name), getattr(function, "__module__", "")
                ),
            )
    if not operation.elidable and _only_changes_rows(operation):
        yield operation, "squash_kept", "{0} runs on each new database, where it has no rows to work on".format(kind)


def _only_changes_rows(operation: Any) -> bool:
    """Whether all that an operation does needs rows: what makes some, or works on tables, a new database needs too."""
    sql = getattr(operation, "sql", None)
    if sql is not None:
        verbs = [(statement.split() or [""])[0].upper() for statement in statements(sql)]
        return bool(verbs) and set(verbs) <= {"UPDATE", "DELETE", "TRUNCATE"}
    names = _called(getattr(operation, "code", None), _DEPTH)
    if any(map(_MAKES.search, names)):
        return False
    return "objects" in names and bool(names & _CHANGES or (names & _FINDS and names & _SAVES))


def _called(function: Any, depth: int) -> Set[str]:
    """The names that a function uses, with those of the functions of its module that it calls."""
    code = getattr(function, "__code__", None)
    if code is None or not depth:
        return set()
    names, pending = set(), [code]
    while pending:
        block = pending.pop()
        names.update(block.co_names)
        pending.extend(item for item in block.co_consts if hasattr(item, "co_names"))
    for name in list(names):
        names |= _called(function.__globals__.get(name), depth - 1)
    return names


def circles() -> List[Tuple[str, str]]:
    """The app and the words of a circle that squashed migrations make of the code's graph; none where it is sound."""
    from django.db.migrations.exceptions import CircularDependencyError
    from django.db.migrations.loader import MigrationLoader

    try:
        loader = MigrationLoader(None, ignore_no_migrations=True)
        loader.graph.ensure_not_cyclic()
    except CircularDependencyError as error:
        text = str(error)
        return [(text.partition(".")[0], "migrations depend on each other in a circle: {0}".format(text))]
    return []


def _operations(operations: Any) -> Iterator[Any]:
    for operation in operations:
        yield operation
        for name in ("database_operations", "state_operations"):
            yield from _operations(getattr(operation, name, None) or ())


def _names(nodes: List[Any]) -> str:
    return ", ".join("{0}.{1}".format(*node) for node in nodes[:5])
