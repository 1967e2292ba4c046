# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Tells what the expressions of a source stand for: dotted paths, models of today, texts.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only.
Nothing is run: names are followed through imports and assignments by the syntax tree alone.
"""

import ast
import re
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Set, Tuple

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
#: What gives today's models by name, when it is not handed the migration's own registry.
_LOADER = re.compile(r"(^|_)(get|load)_(\w+_)?models?$")
_IMPORT_BY_NAME = ("importlib.import_module", "builtins.__import__", "django.utils.module_loading.import_string")
_DEDENT = "textwrap.dedent"
_LABELS = ("app_label", "model_name", "object_name", "label", "label_lower", "swappable")
UNKNOWN = "{}"  # stands in a text for what only running tells


class Value(NamedTuple):
    """The meaning of an expression; each of the three may be empty."""

    path: str = ""  # dotted, of what was imported
    label: str = ""  # a model of today that was asked for by name
    texts: Tuple[str, ...] = ()  # literal text, or the texts of a literal list


Bindings = Dict[str, Value]
#: The names that ``from module import *`` gives.
StarNames = Callable[[str], List[str]]
NOTHING = Value()


def dotted(node: Any) -> str:
    """``a.b.c`` of an expression that is nothing but names; empty for others."""
    parts: List[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([node.id] + parts[::-1])


def text_of(node: Any) -> Optional[str]:
    """A literal text; None for anything else. Before Python 3.8 the node is a Str."""
    value = getattr(node, "value", getattr(node, "s", None))
    return value if isinstance(value, str) and type(node).__name__ in ("Constant", "Str") else None


class Names:
    """Follows names in one source, which lies in a package (for relative imports)."""

    def __init__(self, package: str, star_names: StarNames) -> None:
        self.package, self._star_names = package, star_names

    def imports(self, node: Any) -> Bindings:
        """Return what an import statement binds."""
        if isinstance(node, ast.Import):
            return {name: Value(path) for name, path in (_bound(item.name, item.asname) for item in node.names)}
        module = self.module_of(node)
        found: Bindings = {}
        for item in node.names:
            names = self._star_names(module) if item.name == "*" else [item.name]
            found.update({item.asname or name: Value(module + "." + name) for name in names})
        return found

    def module_of(self, node: Any) -> str:
        """Return the absolute path of what a ``from`` names."""
        if not node.level:
            return node.module or ""
        base = self.package.split(".")
        return ".".join(base[: len(base) - node.level + 1] + ([node.module] if node.module else []))

    def value(self, node: Any, bindings: Bindings) -> Value:
        """Return what an expression stands for."""
        if isinstance(node, ast.Name):
            return bindings.get(node.id, NOTHING)
        if isinstance(node, ast.Attribute):
            below = self.value(node.value, bindings)
            return Value(below.path + "." + node.attr if below.path else "", below.label)
        if isinstance(node, ast.Call):
            return self._called(node, bindings)
        if isinstance(node, ast.Starred):
            return self.value(node.value, bindings)
        return Value(texts=self._texts(node, bindings))

    def _texts(self, node: Any, bindings: Bindings) -> Tuple[str, ...]:
        literal = text_of(node)
        if literal is not None:
            return (literal,)
        if isinstance(node, ast.JoinedStr):
            return ("".join(UNKNOWN if text_of(part) is None else str(text_of(part)) for part in node.values),)
        if isinstance(node, ast.BinOp):
            return self._joined(node, bindings)
        if isinstance(node, (ast.List, ast.Tuple)):
            return tuple(text for item in node.elts for text in self.value(item, bindings).texts or (UNKNOWN,))
        return ()

    def _joined(self, node: Any, bindings: Bindings) -> Tuple[str, ...]:
        left, right = self.value(node.left, bindings).texts, self.value(node.right, bindings).texts
        if not isinstance(node.op, ast.Add):  # % puts values into a text
            return left
        if isinstance(node.left, (ast.List, ast.Tuple)) or len(left) > 1 or len(right) > 1:
            return left + right
        return ((left or (UNKNOWN,))[0] + (right or (UNKNOWN,))[0],) if left or right else ()

    def _called(self, node: Any, bindings: Bindings) -> Value:
        label = self.asked_model(node, bindings)
        if label:
            return Value(label=label)
        path = self.value(node.func, bindings).path
        texts = self.value(node.args[0], bindings).texts if node.args else ()
        if path in _IMPORT_BY_NAME and texts:
            return Value(path=self._by_name(path, texts[0]))
        if path == _DEDENT:
            return Value(texts=texts)
        if isinstance(node.func, ast.Attribute) and node.func.attr in ("format", "strip", "replace"):
            return Value(texts=self.value(node.func.value, bindings).texts)
        return NOTHING

    def _by_name(self, path: str, name: str) -> str:
        if path.endswith("__import__"):
            return name.partition(".")[0]
        if name.startswith("."):
            level = len(name) - len(name.lstrip("."))
            base = self.package.split(".")
            return ".".join(base[: len(base) - level + 1] + [name.lstrip(".")])
        return name

    def asked_model(self, node: Any, bindings: Bindings) -> str:
        """Return the model of today that a call asks for by name, such as ``get_user_model()``; else ""."""
        path = self.value(node.func, bindings).path
        if not _LOADER.search(path.rpartition(".")[2]) or path.startswith("django.db."):
            return ""
        arguments = list(node.args) + [item.value for item in node.keywords]
        if any(isinstance(item, ast.Name) and _is_registry(item, bindings) for item in arguments):
            return ""  # it is given what it takes the models from
        texts = [text for item in arguments for text in self.value(item, bindings).texts]
        return ".".join(texts[:2]) if texts else dotted(node.func) + "()"


def _is_registry(node: Any, bindings: Bindings) -> bool:
    return bool(node.id not in bindings and re.search(r"(^|_)(apps|registry)$", node.id))


def _bound(path: str, name: Optional[str]) -> Tuple[str, str]:
    """The name that ``import path as name`` gives, and what it stands for; without a name, that of the first part."""
    top = path.partition(".")[0]
    return (name, path) if name else (top, top)


def children(node: Any) -> Iterator[Any]:
    """The nodes below, but for annotations, which are never run for what they name."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns"):
            continue
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, ast.AST):
                yield item


def local_names(function: Any) -> Set[str]:
    """Arguments, and names that are assigned in a function itself."""
    names = set(arguments_of(function))
    pending = list(function.body) if isinstance(function.body, list) else [function.body]
    while pending:
        node = pending.pop()
        if isinstance(node, FUNCTIONS):
            names |= {node.name} if not isinstance(node, ast.Lambda) else set()
            continue
        name: Optional[str] = getattr(node, "id", None)
        if name is not None and isinstance(getattr(node, "ctx", None), ast.Store):
            names.add(name)
        pending.extend(ast.iter_child_nodes(node))
    return names


def arguments_of(function: Any) -> List[str]:
    """The names of a function's arguments, those by place first."""
    found = function.args
    every = getattr(found, "posonlyargs", []) + found.args + found.kwonlyargs + [found.vararg, found.kwarg]
    return [item.arg for item in every if item is not None]


def definitions(body: List[Any]) -> Iterator[Any]:
    """Functions and classes of a module, those in an ``if`` or ``try`` too."""
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node
        else:
            for part in ("body", "orelse", "handlers", "finalbody"):
                below = getattr(node, part, None)
                if isinstance(below, list):
                    yield from definitions(below)


def reached(tree: Any, root: Optional[str], models: Set[str]) -> Set[str]:
    """The names of a module's functions and classes that something of it uses, beginning with what it runs itself.

    :param root: begin with this name instead
    :param models: classes to leave out: using one is told anyway, whatever else it could do
    """
    known: Dict[str, List[Any]] = {}
    for node in definitions(tree.body):
        if node.name not in models:
            known.setdefault(node.name, []).append(node)
    pending = {root} if root is not None else _used_outside(tree, known)
    found: Set[str] = set()
    while pending:
        name = pending.pop()
        found.add(name)
        for node in known.get(name, []):
            pending |= (_names_in(node) & set(known)) - found
    return found


def _used_outside(tree: Any, known: Dict[str, List[Any]]) -> Set[str]:
    found: Set[str] = set()
    pending = list(tree.body)
    while pending:
        node = pending.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            for outside in node.decorator_list + node.args.defaults:
                found |= _names_in(outside)
        elif isinstance(node, ast.ClassDef) and is_migration(node):
            found |= _names_in(node) | {node.name}
        elif isinstance(node, ast.ClassDef):
            continue
        elif any(isinstance(item, ast.stmt) for item in children(node)):
            pending.extend(children(node))
        else:
            found |= _names_in(node)
    return found & set(known)


def is_migration(node: Any) -> bool:
    """Tell whether a class is the migration itself, which Django finds by its name."""
    return bool(node.name == "Migration")


def _names_in(node: Any) -> Set[str]:
    return {item.id for item in ast.walk(node) if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Load)}


def only_named(tree: Any) -> Set[int]:
    """The ids of calls whose result is asked for its label alone: ``User = f()`` and only ``User._meta.label`` then."""
    nodes: List[Any] = list(ast.walk(tree))
    named = {id(node.value.value) for node in nodes if _is_label(node)}
    used = _reads(nodes)
    harmless = {name for name, ids in used.items() if ids <= named}
    assigned = [node for node in nodes if isinstance(node, ast.Assign)]
    return named | {id(node.value) for node in assigned if dotted(node.targets[0]) in harmless}


def _reads(nodes: List[Any]) -> Dict[str, Set[int]]:
    """Return the ids of the nodes that read each name."""
    found: Dict[str, Set[int]] = {}
    for node in nodes:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            found.setdefault(node.id, set()).add(id(node))
    return found


def _is_label(node: Any) -> bool:
    below = getattr(node, "value", None)
    return isinstance(node, ast.Attribute) and node.attr in _LABELS and getattr(below, "attr", "") == "_meta"
