# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Reads the source of a migration: today's models, fixtures that are loaded into them, tables that its code drops.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only.
Nothing is run here: names are followed through imports, assignments and arguments by the syntax tree alone, into the
functions that a migration calls elsewhere. Only what some operation reaches is looked at. What needs the project is
asked of its world.
"""

import ast
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._project import venv_lint_sql as sql
from ansible_collections.relocate.django.plugins.module_utils._project.venv_lint_names import (
    FUNCTIONS,
    Bindings,
    Names,
    Value,
    children,
    definitions,
    dotted,
    is_migration,
    local_names,
    only_named,
    reached,
    text_of,
)

#: line, code, text
Finding = Tuple[int, str, str]

_CALL_COMMAND = ("django.core.management.call_command", "django.core.management.base.call_command")
_LOADDATA = "django.core.management.commands.loaddata"
_SERIALIZERS = "django.core.serializers"
#: What a migration replaces to make deserializers use its own models.
_PATCHED = tuple(
    _SERIALIZERS + name for name in (".python._get_model", ".python.apps", ".base.apps", ".xml_serializer.apps")
)
#: What starts manage.py with the words that it is given.
_STARTERS = ("django.core.management.", "subprocess.", "os.")
_DESERIALIZERS = ("deserialize", "get_deserializer", "Deserializer")
_EXECUTES = ("execute", "executemany", "executescript")
_EDITOR = {"delete_model": "a table is dropped with its rows", "remove_field": "a column is dropped with its values"}
_DEPTH = 3  # functions that call each other, from the migration on


class Helper(NamedTuple):
    """A function that a migration calls, in the source that it lies in."""

    name: str  # dotted, for people
    tree: Any  # of its module
    module: str
    package: str
    root: str  # the name in its module that begins it


class World:
    """Answers what only the project can tell."""

    def __init__(self, is_model: Callable[[str], str]) -> None:
        """Take what says whether a dotted path begins with a concrete model: its label, or ""."""
        self.is_model = is_model
        self.known: Dict[str, Set[Tuple[str, str]]] = {}  # name of a helper -> what it does: code, text

    def helper(self, path: str) -> Optional[Helper]:
        """Return the function or class of a dotted path, where it may do what is looked for."""
        return None

    def command(self, name: str) -> Optional[Helper]:
        """Return what a command of manage.py runs."""
        return None

    def star_names(self, module: str) -> List[str]:
        """Return the names that ``from module import *`` gives."""
        return []


def findings(source: str, package: str, world: World) -> List[Finding]:
    """Everything that the source of one migration is faulted for, by line.

    :param package: the dotted package that the migration lies in, for relative imports
    """
    return sorted(read(source, package, world).found)


def read(source: str, package: str, world: World) -> "Reader":
    """Return the reader of a migration's source, which has found what there is."""
    reader = Reader(package, world)
    reader.read(ast.parse(source))
    return reader


def operation_lines(source: str) -> Dict[str, List[int]]:
    """The lines of calls by the last part of the called name, in the order of the source: ``RunPython`` -> [12, 30]."""
    lines: Dict[str, List[int]] = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = dotted(node.func).rpartition(".")[2]
            lines.setdefault(name, []).append(node.lineno)
    return {name: sorted(found) for name, found in lines.items()}


class Reader:
    """Walks one source, knowing which names stand for what was imported."""

    def __init__(self, package: str, world: World, depth: int = 0) -> None:
        self.world, self.names = world, Names(package, world.star_names)
        self.found: Set[Finding] = set()
        self.loading: Set[str] = set()  # the module's functions that load fixtures into today's models; "" elsewhere
        self._imported: Dict[str, Tuple[int, str]] = {}  # name -> line and label of an imported model
        self._used: Set[str] = set()  # those that a function uses, where it is told
        self._reported: Set[Tuple[Any, str]] = set()
        self._depth = depth
        self._reached: Set[str] = set()
        self._later: List[Tuple[Any, Any]] = []  # functions of the module: they run when all of it is known
        self._function: Any = None  # the outermost one that is walked through
        self._only_named: Set[int] = set()

    def read(self, tree: Any, helper: Optional[Helper] = None) -> None:
        """Look at a migration; or at a module for what a function of it does."""
        bindings = {} if helper is None else self._own_models(tree, helper.module)
        self._reached = reached(tree, None if helper is None else helper.root, set(bindings))
        self._only_named = only_named(tree)
        self._block(tree.body, bindings, None)
        if helper is not None:
            self.found.clear()  # what a module does when it is imported is not the function's
            self._imported.clear()
        for node, scope in self._later:
            self._enter(node, bindings, scope)
        self._tell_imported()
        imports = self._all_imports(tree)
        if any(self._is_patch(node, imports) for node in self._live(tree)):
            self.found = {item for item in self.found if item[1] != "loaddata_in_migration"}

    def _tell_imported(self) -> None:
        for name, (line, label) in self._imported.items():
            if name not in self._used:  # Django's own writer imports modules only, for defaults and bases
                self._add(line, "model_import", "{0} is imported as it is today".format(label))

    def _own_models(self, tree: Any, module: str) -> Bindings:
        paths = {node.name: "{0}.{1}".format(module, node.name) for node in definitions(tree.body)}
        return {name: Value(path) for name, path in paths.items() if self.world.is_model(path)}

    def _add(self, line: int, code: str, text: str) -> None:
        self.found.add((line, code, text))
        if code == "loaddata_in_migration":
            self.loading.add(getattr(self._function, "name", ""))

    def _all_imports(self, tree: Any) -> Bindings:
        bindings: Bindings = {}
        for node in ast.walk(tree):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                bindings.update(self.names.imports(node))
        return bindings

    def _live(self, tree: Any) -> List[Any]:
        """Every node but those of functions that nothing reaches."""
        dead = {id(node) for node in definitions(tree.body) if not self._lives(node)}
        pending, found = [tree], []
        while pending:
            node = pending.pop()
            if id(node) not in dead:
                found.append(node)
                pending.extend(ast.iter_child_nodes(node))
        return found

    def _lives(self, node: Any) -> bool:
        return node.name in self._reached or (isinstance(node, ast.ClassDef) and is_migration(node))

    # --- walking ---

    def _block(self, body: List[Any], bindings: Bindings, function: Any) -> None:
        for node in body:
            self._visit(node, bindings, function, ())

    def _visit(self, node: Any, bindings: Bindings, function: Any, above: Tuple[Any, ...]) -> None:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            self._import(node, bindings, function)
        elif isinstance(node, ast.If) and dotted(node.test).endswith("TYPE_CHECKING"):
            self._block(node.orelse, bindings, function)
        elif isinstance(node, FUNCTIONS + (ast.ClassDef,)):
            self._definition(node, bindings, function, above)
        elif _is_use(node):
            self._reference(node, bindings, function, above)
        else:
            if isinstance(node, ast.Call):
                self._call(node, bindings, function)
            for child in children(node):
                self._visit(child, bindings, function, above + (node,))
            self._bind(node, bindings)

    def _definition(self, node: Any, bindings: Bindings, function: Any, above: Tuple[Any, ...]) -> None:
        if function is None and self._is_dead(node, above):
            return
        if isinstance(node, ast.ClassDef):
            for child in children(node):
                self._visit(child, bindings, function, above + (node,))
            return
        for outside in _outside(node):
            self._visit(outside, bindings, function, ())
        if function is None:
            self._later.append((node, node))
        else:
            self._enter(node, bindings, function)

    def _is_dead(self, node: Any, above: Tuple[Any, ...]) -> bool:
        """Tell whether nothing reaches what the module itself defines; a class lives or dies as a whole."""
        inside = any(isinstance(item, ast.ClassDef) for item in above)
        return not isinstance(node, ast.Lambda) and not inside and not self._lives(node)

    def _enter(self, node: Any, bindings: Bindings, scope: Any) -> None:
        """A scope of its own: names that it takes or assigns are no imports, unless it imports them itself."""
        own = local_names(node)
        inner = {name: value for name, value in bindings.items() if name not in own}
        body = node.body if isinstance(node.body, list) else [node.body]
        before, self._function = self._function, self._function or scope
        self._block(body, inner, node)
        self._function = before

    def _bind(self, node: Any, bindings: Bindings) -> None:
        """Follow ``name = expression`` and ``for name in (literals)``."""
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target: Any = node.targets[0]
        elif isinstance(node, (ast.AnnAssign, ast.For)):
            target = node.target
        else:
            return
        value = self.names.value(node.iter if isinstance(node, ast.For) else node.value, bindings)
        if isinstance(target, ast.Name):
            bindings[target.id] = value

    def _import(self, node: Any, bindings: Bindings, function: Any) -> None:
        found = self.names.imports(node)
        bindings.update(found)
        if isinstance(node, ast.Import) or any(item.name == "*" for item in node.names):
            return
        for name, value in found.items():
            label = self.world.is_model(value.path)
            if label and function is not None:
                self._tell(node.lineno, function, label)
            elif label:
                self._imported[name] = (node.lineno, label)

    def _reference(self, node: Any, bindings: Bindings, function: Any, above: Tuple[Any, ...]) -> None:
        value = self.names.value(node, bindings)
        if not value.path:
            return
        if value.path.startswith(_LOADDATA):
            self._add(node.lineno, "loaddata_in_migration", "the loaddata command is used with today's models")
        label = self.world.is_model(value.path)
        if label and function is not None:
            self._tell(node.lineno, function, label)
            self._used.add(dotted(node).partition(".")[0])
        elif not label and (function is not None or _in_operation(above)):
            self._follow(node.lineno, self.world.helper(value.path))

    def _tell(self, line: int, function: Any, label: str) -> None:
        """Once for each model in each function: where it comes first."""
        if (id(function), label) not in self._reported:
            self._reported.add((id(function), label))
            self._add(line, "model_import", "{0} is used as it is today".format(label))

    # --- calls ---

    def _call(self, node: Any, bindings: Bindings, function: Any) -> None:
        path, args = self._called(node, bindings)
        label = self.names.asked_model(node, bindings)
        if label and id(node) not in self._only_named:
            self._tell(node.lineno, function, label)
        if path in _CALL_COMMAND:
            self._command(node.lineno, [self.names.value(item, bindings) for item in args[:1] + _named(node)])
        elif path.startswith(_STARTERS):
            self._start(node.lineno, path, [self.names.value(item, bindings) for item in args])
        elif path.startswith(_SERIALIZERS + ".") and path.rpartition(".")[2] in _DESERIALIZERS:
            self._add(node.lineno, "loaddata_in_migration", "a fixture is deserialized with today's models")
        if isinstance(node.func, ast.Attribute):
            self._method(node, bindings)

    def _called(self, node: Any, bindings: Bindings) -> Tuple[str, List[Any]]:
        """Return the path of what is called, and its arguments; of a partial what it will call."""
        path = self.names.value(node.func, bindings).path
        if path == "functools.partial" and node.args:
            return self.names.value(node.args[0], bindings).path, node.args[1:]
        return path, node.args

    def _start(self, line: int, path: str, values: List[Value]) -> None:
        if any("loaddata" in text.split() for value in values for text in value.texts):
            self._add(line, "loaddata_in_migration", "loaddata is started with today's models")
            if not path.startswith("django."):
                self.loading.add("")  # another process

    def _command(self, line: int, names: List[Value]) -> None:
        for text in {text for value in names for text in value.texts}:
            if text == "loaddata":
                self._add(line, "loaddata_in_migration", "loaddata is called with today's models")
            else:
                self._follow(line, self.world.command(text))

    def _method(self, node: Any, bindings: Bindings) -> None:
        name = node.func.attr
        if name in _EXECUTES and node.args:
            for text in sql.losses(self.names.value(node.args[0], bindings).texts):
                self._add(node.lineno, "loses_data", text)
        elif name in _EDITOR and "editor" in dotted(node.func.value):
            self._add(node.lineno, "loses_data", _EDITOR[name])

    def _follow(self, line: int, helper: Optional[Helper]) -> None:
        """Tell at the line of a migration what the function that is called there does."""
        if helper is None or self._depth >= _DEPTH:
            return
        if helper.name not in self.world.known:
            self.world.known[helper.name] = set()  # for functions that call each other
            reader = Reader(helper.package, self.world, self._depth + 1)
            reader.read(helper.tree, helper)
            self.world.known[helper.name] = {(code, text) for _line, code, text in reader.found}
        for code, text in self.world.known[helper.name]:
            self._add(line, code, text if ", by " in text else "{0}, by {1}".format(text, helper.name))

    def _is_patch(self, node: Any, bindings: Bindings) -> bool:
        """An assignment, patch or setattr that gives deserializers the migration's own models."""
        if isinstance(node, ast.Assign):
            return any(self._patches(target, bindings) for target in node.targets)
        if isinstance(node, ast.Call):
            texts = [text_of(item) or "" for item in node.args]
            if any(text in _PATCHED for text in texts):
                return True
            if len(node.args) > 1 and texts[1]:
                return self.names.value(node.args[0], bindings).path + "." + texts[1] in _PATCHED
        return False

    def _patches(self, target: Any, bindings: Bindings) -> bool:
        targets = target.elts if isinstance(target, ast.Tuple) else [target]
        return any(self.names.value(item, bindings).path in _PATCHED for item in targets)


def _named(call: Any) -> List[Any]:
    return [item.value for item in call.keywords if item.arg in ("command_name", "name")]


def _outside(function: Any) -> List[Any]:
    """Decorators and defaults: they are run where the function is defined."""
    arguments = function.args
    found = getattr(function, "decorator_list", []) + arguments.defaults + arguments.kw_defaults
    return [item for item in found if item is not None]


def _in_operation(above: Tuple[Any, ...]) -> bool:
    """Tell whether an expression is what RunPython is given: Django calls it."""
    return any(isinstance(item, ast.Call) and dotted(item.func).endswith("RunPython") for item in above)


def _is_use(node: Any) -> bool:
    """Tell whether an expression reads a name, or something by names alone: ``a``, ``a.b.c``."""
    return isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load) and bool(dotted(node))
