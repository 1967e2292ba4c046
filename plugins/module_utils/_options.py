# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A module's options as one typed, frozen object: the only place where a step meets a module's parameters.

Each step declares a dataclass of the options that it goes by, and the module makes it: ``Options.of(module.params)``.
"""

from __future__ import annotations

from dataclasses import MISSING, Field, dataclass, fields
from typing import Any, Dict, Mapping, Type, TypeVar, get_type_hints

Kind = TypeVar("Kind", bound="ModuleOptions")


@dataclass(frozen=True)
class ModuleOptions:
    """Holds what a step is asked for.

    Each field is the option of its name, or a group of options that is such an object. A field with a default is an
    option that some modules which call the step do not have.
    """

    @classmethod
    def of(cls: Type[Kind], params: Mapping[str, Any]) -> Kind:
        """Take the options out of a module's parameters."""
        kinds = get_type_hints(cls)
        given: Dict[str, Any] = {}
        for one in fields(cls):
            if is_group(kinds[one.name]):
                given[one.name] = kinds[one.name].of(params)
            elif one.name in params or not is_optional(one):
                given[one.name] = _frozen(params[one.name])
        return cls(**given)


def is_group(kind: Any) -> bool:
    """Tell whether a field of this type is a group of options."""
    return isinstance(kind, type) and issubclass(kind, ModuleOptions)


def is_optional(one: Field[Any]) -> bool:
    """Tell whether an option need not be there."""
    return one.default is not MISSING or one.default_factory is not MISSING


def texts(values: Mapping[str, Any]) -> Dict[str, str]:
    """Return variables of an environment, whose values YAML may have made numbers."""
    return {str(key): str(value) for key, value in values.items()}


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
