# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options become typed objects in one place, and each is what the modules' argument specifications say."""

from __future__ import annotations

import ast
import dataclasses
import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Optional, Union, get_args, get_origin, get_type_hints

import pytest

from ansible_collections.relocate.django.plugins.module_utils import _options
from tests.unit import sources

pytestmark = pytest.mark.slow

#: Who reads a module's parameters in module_utils: the one place that makes objects of them, and the exit of every
#: module, which knows no step: it hides what may be secret, and holds the site's lease.
READERS = {"_options.py", "_module.py"}


@dataclasses.dataclass(frozen=True)
class Group(_options.ModuleOptions):
    path: str
    secret: Mapping[str, Any] = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True)
class Asked(_options.ModuleOptions):
    group: Group
    names: Sequence[str]
    jobs: Optional[int] = None
    kept: Mapping[str, str] = dataclasses.field(default_factory=dict)


def test_options_are_made_of_parameters() -> None:
    params = {"path": "/srv", "secret": {"K": "s3cret"}, "names": ["a"], "other": 1}
    found = Asked.of(params)
    assert found == Asked(Group("/srv", {"K": "s3cret"}), ("a",), None, {})
    assert Asked.of({**params, "jobs": 3, "kept": {"a": "b"}}) == Asked(found.group, ("a",), 3, {"a": "b"})
    assert "s3cret" not in repr(found)
    with pytest.raises(KeyError, match="names"):
        Asked.of({"path": "/srv", "secret": {}})
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.jobs = 1  # type: ignore[misc]


def test_variables_of_an_environment_are_texts() -> None:
    assert _options.texts({"WORKERS": 10, "A": "b", 1: True}) == {"WORKERS": "10", "A": "b", "1": "True"}


@pytest.mark.parametrize("path", sources.files("plugins/module_utils/**/*.py"), ids=sources.name_of)
def test_no_step_reads_a_module_s_parameters(path: Path) -> None:
    """Neither by key nor by ``get``: what a step is given is an object whose fields have types."""
    if path.relative_to(sources.UTILS).as_posix() in READERS or path in sources.works():
        return
    read = [
        node.lineno
        for node in sources.nodes(path)
        if (isinstance(node, ast.Subscript) and _is_params(node.value))
        or (isinstance(node, ast.Attribute) and _is_params(node.value))
    ]
    assert read == [], f"{path.name}: take an object that Options.of makes"


def _is_params(node: ast.expr) -> bool:
    """Tell whether an expression is named as the parameters of a module are."""
    name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    return name == "params"


def specification(module: ModuleType) -> dict[str, Any]:
    """Give the argument specification of a module."""
    given = module.MODULE.arguments
    found: dict[str, Any] = dict(given["argument_spec"])
    for _name, _value, needed in given.get("required_if", ()):
        for option in needed:  # the step that it is needed for is called with it only
            found[option] = {**found[option], "required": True}
    return found


def made_by(path: Path, module: ModuleType) -> list[type[_options.ModuleOptions]]:
    """Give the kinds of options that a module makes of its parameters."""
    calls = [
        node.func.value
        for node in sources.nodes(path)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "of"
    ]
    return [eval(ast.unparse(one), vars(module)) for one in calls]


def type_of(option: Mapping[str, Any]) -> Any:
    """Give the type of the values that Ansible makes by one entry of an argument specification."""
    kinds: dict[str, Any] = {"bool": bool, "int": int, "dict": Mapping, "list": Sequence}
    kind = kinds.get(option.get("type", "str"), str)
    return kind if option.get("required") or option.get("default") is not None else Optional[kind]


def plain(hint: Any) -> Any:
    """Give a field's type without what its items are."""
    if get_origin(hint) is Union:
        (inner,) = [item for item in get_args(hint) if item is not type(None)]
        return Optional[get_origin(inner) or inner]
    return get_origin(hint) or hint


def differences(kind: type[_options.ModuleOptions], spec: Mapping[str, Any]) -> list[str]:
    """Give the fields of an options object that a module has not, or has of another type."""
    found, hints = [], get_type_hints(kind)
    for one in dataclasses.fields(kind):
        hint = hints[one.name]
        if _options.is_group(hint):
            found += differences(hint, spec)
        elif one.name not in spec:
            found += [] if _options.is_optional(one) else [f"{kind.__qualname__}.{one.name} is no option"]
        elif plain(hint) not in (type_of(spec[one.name]), Optional[type_of(spec[one.name])]):
            found.append(f"{kind.__qualname__}.{one.name} is {plain(hint)}, the option {type_of(spec[one.name])}")
        elif is_secret(spec[one.name]) and one.repr:
            found.append(f"{kind.__qualname__}.{one.name} may hold a secret, and repr shows it")
    return found


def is_secret(option: Mapping[str, Any]) -> bool:
    """Tell whether an option, or one within it, may hold a secret."""
    return bool(option.get("no_log")) or any(is_secret(inner) for inner in option.get("options", {}).values())


@pytest.mark.parametrize("path", sources.works(), ids=lambda path: path.stem)
def test_options_are_those_of_the_module(path: Path) -> None:
    """An object's fields are options of each module that makes it, of the types that Ansible gives them."""
    module = importlib.import_module(f"{sources.PREFIX}module_utils._modules.{path.stem}")
    spec = specification(module)
    assert [line for kind in made_by(path, module) for line in differences(kind, spec)] == []


def test_every_kind_of_options_is_made_by_a_module() -> None:
    made = set()
    for path in sources.works():
        made |= set(made_by(path, importlib.import_module(f"{sources.PREFIX}module_utils._modules.{path.stem}")))
    assert len(made) >= 8
