# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Writes the patch for a migration that loads fixtures: its functions are given the models of the migration.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only.
The file itself stays as it is.
"""

import ast
import difflib
from typing import Any, List, Set

from ansible_collections.relocate.django.plugins.module_utils._project.venv_lint_names import dotted, reached

NAME = "historical_fixtures"
#: What the patch adds to a migration; the same text is in docs/migration_lint.md, for people to copy.
FUNCTION = '''\
def historical_fixtures(natural_keys=()):
    """Give loaddata and deserializers the models of this migration, instead of today's.

    natural_keys: {"app.model": ("field", ...)} of the models that the fixture names by natural keys.
    """
    import functools

    from django.core.serializers import python, xml_serializer

    def decorate(function):
        @functools.wraps(function)
        def run(apps, schema_editor):
            database = schema_editor.connection.alias
            for label, fields in dict(natural_keys).items():
                add_natural_key(apps.get_model(label), fields, database)
            before = python.apps, xml_serializer.apps
            python.apps = xml_serializer.apps = apps
            try:
                return function(apps, schema_editor)
            finally:
                python.apps, xml_serializer.apps = before

        return run

    def add_natural_key(model, fields, database):
        def get_by_natural_key(*values):
            return model._default_manager.using(database).get(**dict(zip(fields, values)))

        model._default_manager.get_by_natural_key = get_by_natural_key
        model.natural_key = lambda self: tuple(getattr(self, field) for field in fields)

    return decorate
'''


def patch(source: str, path: str, loading: Set[str]) -> str:
    """Return a unified diff that gives a migration's functions its own models; empty where that is not enough.

    :param path: of the migration, for the diff's head
    :param loading: the functions in which fixtures are loaded; "" for places that no function of the migration runs
    """
    tree = ast.parse(source)
    known = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    chosen = _to_decorate(tree, set(known), loading)
    if not chosen or NAME in known:
        return ""
    first = min(_first_line(node) for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef)))
    return _diff(source, path, first, [_first_line(known[name]) for name in chosen])


def _to_decorate(tree: Any, known: Set[str], loading: Set[str]) -> List[str]:
    """Return the functions of RunPython that reach what loads fixtures; none where they do not reach all of it."""
    reach = {name: reached(tree, name, set()) for name in known & set(_run_functions(tree))}
    chosen = sorted(name for name in reach if reach[name] & loading)
    covered: Set[str] = set().union(*(reach[name] for name in chosen))
    return [] if loading - covered else chosen


def _diff(source: str, path: str, first: int, decorated: List[int]) -> str:
    """Return the diff that adds the function before a line, and its decorator before others."""
    lines = source.splitlines(True)
    end = "\r\n" if lines[0].endswith("\r\n") else "\n"
    changed = list(lines)
    for line in sorted(decorated, reverse=True):
        changed.insert(line - 1, "@{0}(){1}".format(NAME, end))
    changed[first - 1 : first - 1] = [line + end for line in FUNCTION.splitlines() + ["", ""]]
    texts = difflib.unified_diff(lines, changed, "a/" + path, "b/" + path)
    return "".join(text if text.endswith("\n") else text + "\n\\ No newline at end of file\n" for text in texts)


def _first_line(node: Any) -> int:
    """Return the line of a definition's first decorator, or its own."""
    return int(min([node.lineno] + [item.lineno for item in node.decorator_list]))


def _run_functions(tree: Any) -> List[str]:
    """Return the names that RunPython is given."""
    found: List[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and dotted(node.func).endswith("RunPython"):
            found += [dotted(item) for item in node.args + [one.value for one in node.keywords]]
    return found
