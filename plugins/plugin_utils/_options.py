# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is set for the site at work, on each of its hosts; the only place where one thing is the default of another."""

from __future__ import annotations

import os
from typing import Any, Callable, List, Mapping

from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.relocate.django.plugins.plugin_utils import _received, _values

_PREFIX = "relocate_"
#: What the playbooks set, and no user does in an entry of relocate_sites.
_OURS = frozenset({"current", "from", "run", "site", "sites"})
#: Set for a run or a host: an entry of relocate_sites has no say in them.
FOR_ALL = frozenset(
    "allow_same_host become compression directory fixtures install jobs keep label login new_is_gone notify old_login "
    "reports retention transfer transfer_login".split()
)
#: What may be another on old, by relocate_old_NAME or by old_NAME in an entry of relocate_sites.
ON_OLD = frozenset("allow_root env_files environment interpreter owner path settings".split())


def site_keys() -> List[str]:
    """Return the keys that an entry of relocate_sites may have."""
    names = {name[len(_PREFIX) :] for name in _values.options()}
    return sorted((names - FOR_ALL - _OURS) | {"name"})


def value_of(name: str, on: str, known: Mapping[str, Any], template: Callable[[Any], Any]) -> Any:
    """Return an option of the site at work, as the type that it is declared with.

    The entry of relocate_sites wins; then come the variables of the host that is meant, then those of the task's host.

    :param name: an option of the role common, without its prefix
    :param on: the host that is meant; empty for the one that the task is for
    :param known: the task's variables, which may be templates
    :param template: gives the value of a template
    """
    value = _said(name, on, known, template)
    if name == "interpreter" and not value and not _is_old(on or known["inventory_hostname"], known):
        # The environment that a move makes: what is elsewhere than beside the project is not found by looking.
        made = _said("environment_path", on, known, template)
        return os.path.join(str(made), "bin", "python") if made else value
    return value


def _is_old(host: str, known: Mapping[str, Any]) -> bool:
    """Tell whether a host is an old one."""
    return host != known["inventory_hostname"] or host in known.get("groups", {}).get("old", ())


def _said(name: str, on: str, known: Mapping[str, Any], template: Callable[[Any], Any]) -> Any:
    """Return what was set, as :func:`value_of` explains."""
    variable, mine = _PREFIX + name, known["inventory_hostname"]
    host = on or mine
    old = name in ON_OLD and _is_old(host, known)
    entry = _received.mapping(template(known.get(_PREFIX + "current")))
    for key in _keys(name, old):
        if key in entry:
            return typed(variable, entry[key])
    said = template(known.get("{0}old_{1}".format(_PREFIX, name))) if old else None
    if said is not None and host == template(known.get(_PREFIX + "from")):
        return typed(variable, said)
    others = known["hostvars"][host] if host != mine else {}
    return typed(variable, others[variable] if variable in others else template(known[variable]))


def _keys(name: str, old: bool) -> List[str]:
    """The keys under which an entry of relocate_sites may hold an option, the closest first."""
    if name == "site":
        return ["name"]
    if name in FOR_ALL:
        return []
    return ["old_" + name, name] if old else [name]


def typed(variable: str, value: Any) -> Any:
    """Return a switch or a list that was written as a text, as on the command line, as what it means."""
    spec = _values.options()[variable]
    if not isinstance(value, str):
        return value
    if spec["type"] == "bool":
        try:
            return boolean(value)
        except TypeError:
            return value  # is refused with all other values that cannot be meant
    if spec["type"] == "list" and spec["elements"] == "str":
        return words(value)
    return value


def words(value: Any) -> Any:
    """Return the words of a text with commas; anything else as it is."""
    return [word.strip() for word in value.split(",") if word.strip()] if isinstance(value, str) else value
