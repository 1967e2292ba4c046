# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Reads the source of a migration: models that it imports, fixtures that it loads into today's models.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only.
Nothing is run here: names are followed through imports, assignments and arguments by the syntax tree alone, and only
``is_model`` looks at what an import gives.
"""

import ast
from typing import Any, Callable, Dict, Iterator, List, Optional, Set, Tuple

#: Whether a dotted path, such as ``shop.models.Book.objects``, begins with a concrete model: its label, or "".
IsModel = Callable[[str], str]
#: line, code, text
Finding = Tuple[int, str, str]

_CALL_COMMAND = ("django.core.management.call_command", "django.core.management.base.call_command")
_LOADDATA = "django.core.management.commands.loaddata"
_SERIALIZERS = "django.core.serializers"
#: What a migration replaces to make deserializers use its own models.
_PATCHED = (_SERIALIZERS + ".python._get_model", _SERIALIZERS + ".python.apps", _SERIALIZERS + ".base.apps")
#: What of a model's class asks the database, or tells what the model is today.
_ROWS = ("objects", "_meta", "_base_manager", "_default_manager")
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)

Bindings = Dict[str, str]  # a name -> the dotted path that it was imported from


def findings(source: str, package: str, is_model: IsModel) -> List[Finding]:
    """Everything that the source of one migration is faulted for, by line.

    :param package: the dotted package that the migration lies in, for relative imports
    """
    reader = _Reader(package, is_model)
    reader.read(ast.parse(source))
    return sorted(reader.found)


def operation_lines(source: str) -> Dict[str, List[int]]:
    """The lines of calls by the last part of the called name, in the order of the source: ``RunPython`` -> [12, 30]."""
    lines: Dict[str, List[int]] = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = _dotted(node.func).rpartition(".")[2]
            lines.setdefault(name, []).append(node.lineno)
    return {name: sorted(found) for name, found in lines.items()}


def _dotted(node: Any) -> str:
    """``a.b.c`` of an expression that is nothing but names; empty for others."""
    parts: List[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([node.id] + parts[::-1])


def _text_of(node: Any) -> str:
    """A literal text; empty for anything else. Before Python 3.8 the node is a Str."""
    value = getattr(node, "value", getattr(node, "s", None))
    return value if isinstance(value, str) and type(node).__name__ in ("Constant", "Str") else ""


class _Reader:
    """Walks one source, knowing which names stand for what was imported."""

    def __init__(self, package: str, is_model: IsModel) -> None:
        self.package, self.is_model = package, is_model
        self.found: Set[Finding] = set()
        self._imported: Dict[str, Tuple[int, str]] = {}  # name -> line and label of an imported model
        self._used: Dict[str, bool] = {}  # such a name -> whether every use outside of functions is harmless
        self._reported: Set[Tuple[Any, str]] = set()
        self._patched = False

    def read(self, tree: Any) -> None:
        imports = self._all_imports(tree)
        self._patched = any(self._is_patch(node, imports) for node in ast.walk(tree))
        self._block(tree.body, {}, None)
        for name, (line, label) in self._imported.items():
            if not self._used.get(name, False):
                self._add(line, "model_import", "{0} is imported as it is today".format(label))

    def _add(self, line: int, code: str, text: str) -> None:
        self.found.add((line, code, text))

    # --- names ---

    def _all_imports(self, tree: Any) -> Bindings:
        bindings: Bindings = {}
        for node in ast.walk(tree):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                bindings.update(self._imports(node))
        return bindings

    def _imports(self, node: Any) -> Bindings:
        if isinstance(node, ast.Import):
            return dict(_bound(item.name, item.asname) for item in node.names)
        module = self._module_of(node)
        return {item.asname or item.name: module + "." + item.name for item in node.names if item.name != "*"}

    def _module_of(self, node: Any) -> str:
        """The absolute path of what a ``from`` names."""
        if not node.level:
            return node.module or ""
        base = self.package.split(".")
        return ".".join(base[: len(base) - node.level + 1] + ([node.module] if node.module else []))

    @staticmethod
    def _path(node: Any, bindings: Bindings) -> str:
        """The dotted path that an expression stands for; empty when its first name was not imported."""
        first, dot, rest = _dotted(node).partition(".")
        return bindings[first] + dot + rest if first in bindings else ""

    # --- walking ---

    def _block(self, body: List[Any], bindings: Bindings, function: Any) -> None:
        for node in body:
            self._visit(node, bindings, function, ())

    def _visit(self, node: Any, bindings: Bindings, function: Any, above: Tuple[Any, ...]) -> None:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            self._import(node, bindings, function)
            return
        if isinstance(node, ast.If) and _dotted(node.test).endswith("TYPE_CHECKING"):
            for item in node.orelse:
                self._visit(item, bindings, function, above)
            return
        if isinstance(node, _FUNCTIONS):
            self._function(node, bindings, function)
            return
        if _is_use(node):
            self._reference(node, bindings, function, above)
            return
        if isinstance(node, ast.Call):
            self._call(node, bindings)
        for child in _children(node):
            self._visit(child, bindings, function, above + (node,))

    def _function(self, node: Any, bindings: Bindings, function: Any) -> None:
        """A scope of its own: names that it takes or assigns are no imports, unless it imports them itself."""
        inner = {name: path for name, path in bindings.items() if name not in _local_names(node)}
        for outside in getattr(node, "decorator_list", []) + node.args.defaults + node.args.kw_defaults:
            if outside is not None:
                self._visit(outside, bindings, function, ())
        body = node.body if isinstance(node.body, list) else [node.body]
        self._block(body, inner, node)

    def _import(self, node: Any, bindings: Bindings, function: Any) -> None:
        found = self._imports(node)
        bindings.update(found)
        if isinstance(node, ast.Import):
            return
        for name, path in found.items():
            label = self.is_model(path)
            if not label:
                continue
            if function is not None:
                self._tell(node.lineno, function, label)
            else:
                self._imported[name] = (node.lineno, label)

    def _reference(self, node: Any, bindings: Bindings, function: Any, above: Tuple[Any, ...]) -> None:
        path = self._path(node, bindings)
        if not path:
            return
        if path.startswith(_LOADDATA):
            self._loads(node.lineno, "the loaddata command is used")
        label = self.is_model(path)
        if not label:
            return
        name = _dotted(node).partition(".")[0]
        if function is not None:
            self._tell(node.lineno, function, label)
            self._used.setdefault(name, True)
            return
        # Django's own writer names a function of a model's class as a default, and classes as bases.
        as_base = any(isinstance(item, ast.keyword) and item.arg == "bases" for item in above)
        harmless = as_base or self._is_of_class(node, bindings, label)
        self._used[name] = self._used.get(name, True) and harmless

    def _is_of_class(self, node: Any, bindings: Bindings, label: str) -> bool:
        """Tell whether an expression names something of the model's class that asks for no rows."""
        return (
            isinstance(node, ast.Attribute)
            and node.attr not in _ROWS
            and self.is_model(self._path(node.value, bindings)) == label
            and not (isinstance(node.value, ast.Attribute) and node.value.attr in _ROWS)
        )

    def _tell(self, line: int, function: Any, label: str) -> None:
        """Once for each model in each function: where it comes first."""
        if (id(function), label) not in self._reported:
            self._reported.add((id(function), label))
            self._add(line, "model_import", "{0} is used as it is today".format(label))

    # --- fixtures ---

    def _call(self, node: Any, bindings: Bindings) -> None:
        path = self._path(node.func, bindings)
        names = node.args[:1] + [item.value for item in node.keywords if item.arg == "command_name"]
        if path in _CALL_COMMAND and any(_text_of(name) == "loaddata" for name in names):
            self._loads(node.lineno, "loaddata is called")
        last = path.rpartition(".")[2]
        if path.startswith(_SERIALIZERS + ".") and last in ("deserialize", "get_deserializer", "Deserializer"):
            self._loads(node.lineno, "a fixture is deserialized")

    def _loads(self, line: int, text: str) -> None:
        if not self._patched:
            self._add(line, "loaddata_in_migration", text + " with today's models")

    def _is_patch(self, node: Any, bindings: Bindings) -> bool:
        """An assignment, patch or setattr that gives deserializers the migration's own models."""
        if isinstance(node, ast.Assign):
            return any(self._path(target, bindings) in _PATCHED for target in node.targets)
        if isinstance(node, ast.Call):
            texts = [_text_of(item) for item in node.args]
            if any(text in _PATCHED for text in texts):
                return True
            if len(node.args) > 1 and texts[1]:
                return self._path(node.args[0], bindings) + "." + texts[1] in _PATCHED
        return False


def _bound(path: str, name: Optional[str]) -> Tuple[str, str]:
    """The name that ``import path as name`` gives, and what it stands for; without a name, that of the first part."""
    top = path.partition(".")[0]
    return (name, path) if name else (top, top)


def _is_use(node: Any) -> bool:
    """Tell whether an expression reads a name, or something by names alone: ``a``, ``a.b.c``."""
    return isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load) and bool(_dotted(node))


def _children(node: Any) -> Iterator[Any]:
    """The nodes below, but for annotations, which are never run for what they name."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns"):
            continue
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, ast.AST):
                yield item


def _local_names(function: Any) -> Set[str]:
    """Arguments, and names that are assigned in a function itself."""
    arguments = function.args
    every = arguments.args + arguments.kwonlyargs + getattr(arguments, "posonlyargs", [])
    names = {item.arg for item in every + [arguments.vararg, arguments.kwarg] if item is not None}
    pending = list(function.body) if isinstance(function.body, list) else [function.body]
    while pending:
        node = pending.pop()
        if isinstance(node, _FUNCTIONS):
            names |= {node.name} if not isinstance(node, ast.Lambda) else set()
            continue
        name: Optional[str] = getattr(node, "id", None)
        if name is not None and isinstance(getattr(node, "ctx", None), ast.Store):
            names.add(name)
        pending.extend(ast.iter_child_nodes(node))
    return names
