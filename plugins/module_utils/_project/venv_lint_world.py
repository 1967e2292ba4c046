# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Answers what the reader of migrations asks about the project: its models, functions and commands.

Part of a program that runs inside the project's interpreter (see ``venv_probe.py``): Python 3.6 syntax, ASCII only,
standard library only, Django imported inside functions. Modules are imported, as the migration itself would.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

import ast
import functools
import importlib
import inspect
import os
import sys
import sysconfig
import tokenize
from typing import Any, Dict, List, Optional

from ansible_collections.relocate.django.plugins.module_utils._project.venv_lint_rules import Helper, World

_PLATFORM = ("django", "ansible_collections")


class ProjectWorld(World):
    """The project that is loaded in this interpreter."""

    def __init__(self) -> None:
        from django.apps import apps

        super().__init__(functools.lru_cache(maxsize=None)(model_of))
        self._helpers: Dict[str, Optional[Helper]] = {}
        self._trees: Dict[str, Any] = {}  # dotted name of a module that may know models -> its syntax tree
        self._apps = [config.name for config in apps.get_app_configs()]
        self._standard = sysconfig.get_paths()["stdlib"] + os.sep

    def helper(self, path: str) -> Optional[Helper]:
        """Return the function or class of a dotted path, unless it is Django's or Python's own."""
        if path not in self._helpers:
            self._helpers[path] = self._helper(path)
        return self._helpers[path]

    def _helper(self, path: str) -> Optional[Helper]:
        if path.partition(".")[0] in _PLATFORM:
            return None
        found = resolve(path.split("."))
        found = inspect.unwrap(found) if inspect.isroutine(found) else found
        if not (inspect.isfunction(found) or inspect.ismethod(found) or _is_worker(found)):
            return None
        root = str(found.__qualname__).partition(".")[0]
        return self._in_source(found.__module__, root, "{0}.{1}()".format(found.__module__, found.__qualname__))

    def _in_source(self, module: str, root: str, name: str) -> Optional[Helper]:
        if module not in self._trees:
            path = getattr(sys.modules.get(module), "__file__", None) or ""
            own = "-packages" not in path and not path.startswith(self._standard)
            of_app = any((module + ".").startswith(app + ".") for app in self._apps)
            self._trees[module] = _parsed(path) if path.endswith(".py") and (own or of_app) else None
        tree = self._trees[module]
        return Helper(name, tree, module, sys.modules[module].__package__ or "", root) if tree is not None else None

    def command(self, name: str) -> Optional[Helper]:
        """Return what a command of the project, or of a package, runs."""
        from django.core.management import get_commands

        app = get_commands().get(name)
        if not isinstance(app, str) or app.partition(".")[0] in _PLATFORM:
            return None
        module = "{0}.management.commands.{1}".format(app, name)
        return self._in_source(module, "Command", "the command " + name) if import_quietly(module) else None

    def star_names(self, module: str) -> List[str]:
        """Return the names that ``from module import *`` gives."""
        found = import_quietly(module)
        public = [name for name in vars(found) if not name.startswith("_")] if found is not None else []
        return list(getattr(found, "__all__", public))


def _parsed(path: str) -> Any:
    try:
        with tokenize.open(path) as stream:
            return ast.parse(stream.read())
    except (OSError, SyntaxError, ValueError):
        return None


def _is_worker(found: Any) -> bool:
    """Tell whether something is a class whose methods may do the work: no field, form, error or kind of Django's."""
    from django.db.models import Field, Manager, QuerySet

    others = (Field, Manager, QuerySet, BaseException)
    return inspect.isclass(found) and not is_model_class(found) and not issubclass(found, others)


def model_of(path: str) -> str:
    """The label of the concrete model that a dotted path begins with, by importing what the migration would import."""
    current = resolve(path.split("."), stop_at_model=True)
    if current is None or not is_model_class(current):
        return ""
    meta = getattr(current, "_meta", None)  # Model itself has none
    if current.__module__.startswith("django.db."):  # the table of migrations: as old as they are
        return ""
    return str(meta.label) if meta is not None and not meta.abstract else ""


def resolve(parts: List[str], stop_at_model: bool = False) -> Any:
    """Return what a dotted path leads to; None when it leads nowhere."""
    current = import_quietly(parts[0])
    for index, part in enumerate(parts[1:], 2):
        if current is None or (stop_at_model and is_model_class(current)):
            break
        try:
            step = getattr(current, part, None)
        except Exception:  # a property of somebody else's, lazily loaded
            step = None
        if step is None and hasattr(current, "__path__"):
            step = import_quietly(".".join(parts[:index]))
        current = step
    return current


def is_model_class(found: Any) -> bool:
    """Tell whether something is a class of models."""
    from django.db.models import Model

    return inspect.isclass(found) and not hasattr(found, "__origin__") and issubclass(found, Model)


def import_quietly(name: str) -> Any:
    """Return a module; None when it cannot be imported: the migration itself would fail there, or guards against it."""
    try:
        return importlib.import_module(name)
    except Exception:
        return None
