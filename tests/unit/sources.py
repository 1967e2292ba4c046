# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection's own files, as the tests about them need them."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = ROOT / "plugins"
UTILS = PLUGINS / "module_utils"
PREFIX = "ansible_collections.relocate.django.plugins."


def files(*patterns: str) -> list[Path]:
    """Give the files that match, below the root; caches left out."""
    found = {path for pattern in patterns for path in ROOT.glob(pattern) if path.is_file()}
    return sorted(path for path in found if not {"__pycache__", ".ruff_cache", ".mypy_cache"} & set(path.parts))


def name_of(path: Path) -> str:
    """Give a path as it is shown in test names and failures."""
    return str(path.relative_to(ROOT))


@functools.cache
def tree(path: Path) -> ast.Module:
    """Give the syntax tree of a Python file."""
    return ast.parse(path.read_text(encoding="utf-8"), name_of(path))


@functools.cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """Give all nodes of a Python file, in the order of ``ast.walk``: many tests look at each."""
    return tuple(ast.walk(tree(path)))


@functools.cache
def imports(path: Path) -> tuple[tuple[str, int], ...]:
    """Give the dotted names that a file imports anywhere in it, with the line.

    What comes out of a package by ``from package import name`` counts as package.name when that is a file of ours.
    """
    return tuple(_imports(path))


def _imports(path: Path) -> Iterator[tuple[str, int]]:
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            for alias in node.names:
                inner = f"{module}.{alias.name}"
                yield inner if is_ours(inner) else module, node.lineno


def is_ours(dotted: str) -> bool:
    """Tell whether a dotted name is a Python file of this collection."""
    return dotted.startswith(PREFIX) and (PLUGINS / (dotted[len(PREFIX) :].replace(".", "/") + ".py")).is_file()


def strings(path: Path, variable: str) -> str:
    """Give the text that a file assigns to a variable at its top level or in a class, such as DOCUMENTATION."""
    for node in nodes(path):
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == variable for t in node.targets):
            assert isinstance(node.value, ast.Constant), f"{name_of(path)}: {variable} is no plain text"
            return str(node.value.value)
    raise AssertionError(f"{name_of(path)} has no {variable}")


def documentation(path: Path, variable: str = "DOCUMENTATION") -> Any:
    """Give the YAML that a plugin carries."""
    return yaml.safe_load(strings(path, variable))


def modules() -> list[Path]:
    """Give the modules."""
    return [path for path in files("plugins/modules/*.py") if path.name != "__init__.py"]


def works() -> list[Path]:
    """Give the files that say what the modules on a host take and do, of the modules' names."""
    return [path for path in files("plugins/module_utils/_modules/*.py") if path.name != "__init__.py"]


def roles() -> list[Path]:
    """Give the roles' directories."""
    return sorted(path for path in (ROOT / "roles").glob("*") if path.is_dir())
