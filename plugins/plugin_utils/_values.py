# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values in the inventory that an option cannot have, one line each; pure functions.

Ansible checks them too, and then prints the whole argument specification with the value in it.
"""

from __future__ import annotations

import difflib
from functools import lru_cache
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence

from ansible.module_utils.common.validation import check_type_bool, check_type_int, check_type_list
from ansible.module_utils.common.yaml import yaml_load

from ansible_collections.relocate.django.plugins.module_utils._printable import printable

_SPECS = Path(__file__).resolve().parents[2] / "roles" / "common" / "meta" / "argument_specs.yml"
_PREFIX = "relocate_"
_SHOWN = 40  # characters of a value
#: What may hold a password is told by its type alone, wherever it stands.
_SECRET = (
    "login",
    "environment",
    "env_overrides",
    "answers",
    "warm",
    "remote",
    "command",
    "password",
    "token",
    "secret",
)
#: What hosts would look for below whatever directory a task happens to run in.
_WHOLE = ("relocate_directory", "relocate_path", "relocate_old_path")
_WORDS = {
    "bool": "true or false",
    "int": "a whole number",
    "list": "a list",
    "dict": "a mapping of names and values",
    "str": "a text",
    "path": "a path",
}


@lru_cache(maxsize=1)
def options() -> Mapping[str, Mapping[str, Any]]:
    """Return the options that the user sets once, as the role common declares them.

    Read by Ansible's loader, which is in C where PyYAML has that: each task reads it anew, in a process of its own.
    """
    spec = yaml_load(_SPECS.read_text(encoding="utf-8"))
    found: Mapping[str, Mapping[str, Any]] = spec["argument_specs"]["main"]["options"]
    return found


_EACH = "a list of which each item is "


def wrong_values(values: Mapping[str, Any]) -> List[str]:
    """Return a line for each value that its option cannot have, those of the items of relocate_sites too."""
    lines = []
    for name in sorted(set(values) & set(options())):
        wrong = _wrong(values[name], options()[name]) or _not_whole(name, values[name])
        if wrong:
            lines.append(_line(name, values[name], wrong))
        elif name == "relocate_sites":
            lines += _wrong_in_sites(values[name])
    return lines


def _wrong_in_sites(sites: Any) -> List[str]:
    lines = []
    for number, item in enumerate(check_type_list(sites), 1):
        site: Mapping[str, Any] = item
        label = "relocate_sites, {0}: ".format(printable(site.get("name") or "item {0}".format(number)))
        for key in sorted(map(str, site)):
            spec = options().get(_PREFIX + key)
            wrong = (_wrong(site[key], spec) or _not_whole(_PREFIX + key, site[key])) if spec else ""
            if wrong:
                lines.append(label + _line(key, site[key], wrong))
    return lines


def _line(name: str, value: Any, wanted: str) -> str:
    return "{0} is {1}; it must be {2}".format(name, shown(name, value), wanted)


def _wrong(value: Any, spec: Mapping[str, Any]) -> str:
    """Return what the option must be, when the value is not; empty when it is."""
    kind = str(spec.get("type", "str"))
    if not _fits(value, kind):
        return _WORDS[kind]
    if kind != "list":
        return _not_chosen([value], spec)
    items, elements = check_type_list(value), spec.get("elements")
    if elements and not all(_fits(item, str(elements)) for item in items):
        return _EACH + _WORDS[str(elements)]
    wrong = _not_chosen(items, spec)
    return _EACH + wrong if wrong else ""


def _not_chosen(items: Sequence[Any], spec: Mapping[str, Any]) -> str:
    """Return which choices there are, when a value is not among them."""
    choices = spec.get("choices")
    wrong = [text for text in (str(item).strip() for item in items) if choices and text not in choices]
    if not choices or not wrong:
        return ""
    close = difflib.get_close_matches(wrong[0], choices, 1)
    return "one of " + ", ".join(choices) + (": did you mean {0}?".format(close[0]) if close else "")


def _not_whole(name: str, value: Any) -> str:
    """Return what a path must be, when it does not say where it begins; modules know a ``~`` of their host."""
    unset = value is None or (value == "" and name != "relocate_directory")
    if name not in _WHOLE or unset or str(value).startswith(("/", "~")):
        return ""
    return "an absolute path"


def _fits(value: Any, kind: str) -> bool:
    if kind in ("str", "path"):
        return value is None or isinstance(value, (str, int, float))
    if kind == "dict":
        return isinstance(value, Mapping)  # of "a=b" modules make one, but playbooks read it as it is
    if value is None or (kind == "int" and isinstance(value, bool)):
        return False
    try:
        _CHECKS[kind](value)
    except (TypeError, ValueError):
        return False
    return True


_CHECKS: Dict[str, Callable[[Any], Any]] = {
    "bool": check_type_bool,
    "int": check_type_int,
    "list": check_type_list,
}


def shown(name: str, value: Any) -> str:
    """Return a value as a person wrote it, cut short; what may be a secret by its type alone."""
    if value is None:
        return "empty"
    kind = next((word for types, word in _KINDS if isinstance(value, types)), "something else")
    if isinstance(value, (Mapping, list, tuple)) or any(word in name for word in _SECRET):
        return kind
    text = printable(value)
    return '"{0}"'.format(text[:_SHOWN] + ("..." if len(text) > _SHOWN else ""))


_KINDS: List[Any] = [
    (bool, "true or false"),
    ((int, float), "a number"),
    (str, "a text"),
    (Mapping, "a mapping"),
    ((list, tuple), "a list"),
]


def message(lines: List[str]) -> Optional[str]:
    """Return all of it as one message; None when nothing is wrong."""
    if not lines:
        return None
    head = "1 value of the inventory is" if len(lines) == 1 else "{0} values of the inventory are".format(len(lines))
    return "\n".join([head + " not acceptable; nothing was done", *lines])
