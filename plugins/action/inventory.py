# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looks at the inventory before anything is done: values that cannot be meant, and which hosts are a pair."""

from __future__ import annotations

import contextlib
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.plugin_utils import _hooks, _pairs, _received, _told, _values

_DISPLAY = Display()


def refuse_values(values: Mapping[str, Any]) -> None:
    """Raise bad_option with a line for each value that its option cannot have."""
    text = _values.message(_values.wrong_values(values))
    if text:
        raise RelocateError("bad_option", text, "correct them in the inventory")


def refuse_hooks(lines: Sequence[str]) -> None:
    """Raise bad_option with a line for each hook that could not be run."""
    if lines:
        text = "\n".join(["hooks cannot be run; nothing was done", *lines])
        raise RelocateError("bad_option", text, "correct the inventory; a relative path is looked for beside it")


def refuse_groups(needed: Sequence[str], groups: Mapping[str, Any]) -> None:
    """Raise bad_option when a group has no host: Ansible calls a misspelled one "no hosts matched", and success."""
    filled = [name for name, hosts in groups.items() if hosts]
    missing = [name for name in needed if name not in filled]
    if missing:
        others = sorted(set(filled) - {"all", "ungrouped"}) or ["none"]
        raise RelocateError(
            "bad_option",
            "the inventory needs hosts in the groups {0}; it has none in {1}, and these groups: {2}".format(
                " and ".join(needed), ", ".join(missing), ", ".join(others)
            ),
            "correct the inventory, or choose another one with -i",
        )


def refuse_while_it_may_serve(lost: str, gone: Any) -> None:
    """Raise host_unreachable for a new host that was not reached, unless the user says that it is gone for good."""
    if not boolean(gone, strict=False):
        raise RelocateError(
            "host_unreachable",
            "{0} cannot be reached, and the site may still be serving there; nothing was changed".format(lost),
            "make it reachable; or, when it is lost for good, run again with -e relocate_new_is_gone=true",
        )


def refuse_conversion(values: Mapping[str, Any]) -> None:
    """Raise bad_option when a site that is to be converted lacks an engine, or settings that name it."""
    for item in _received.items(values.get("relocate_sites")) or [{}]:
        site = _received.mapping(item)
        wanted = [site.get(key, values.get("relocate_" + key)) for key in ("engines", "env_overrides")]
        if not all(wanted):
            raise RelocateError(
                "bad_option",
                "nothing says which database gets which engine, or where it is",
                "set relocate_engines, and relocate_env_overrides to the variables of the env file that name the new "
                "database",
            )


def sites_of(known: Mapping[str, Any]) -> List[_pairs.SiteWish]:
    """Return the sites that a new host's variables name."""
    items = known.get("relocate_sites")
    found = []
    for item in items if isinstance(items, (list, tuple)) and items else [{}]:
        entry = _received.mapping(item)
        name = entry.get("name") or known.get("relocate_site") or "site"
        path = entry.get("old_path") or entry.get("path") or known.get("relocate_old_path") or ""
        found.append(_pairs.SiteWish(str(name), str(path)))
    return found


def inventory_of(task_vars: Mapping[str, Any]) -> _pairs.Inventory:
    """Return what pairs follow from, out of the variables of all hosts as the user wrote them."""
    groups, known = task_vars["groups"], task_vars["hostvars"]
    old, new = list(groups.get("old") or []), list(groups.get("new") or [])
    named = {host: known[host].get("relocate_from") for host in new}
    return _pairs.Inventory(
        old=old,
        new=new,
        run=frozenset(task_vars.get("ansible_play_hosts_all") or []),
        named={host: str(value) for host, value in named.items() if value},
        sites={host: sites_of(known[host]) for host in new},
        paths={host: str(known[host].get("relocate_path") or "") for host in old},
    )


def _tellers(task_vars: Mapping[str, Any]) -> List[str]:
    """Return the hosts that this task is run for, this one among them, in the order in which they are refused."""
    host, groups = task_vars["inventory_hostname"], task_vars["groups"]
    listed = [*(groups.get("new") or ()), *(groups.get("old") or ())]
    run = task_vars.get("ansible_play_hosts_all") or [host]
    return [name for name in dict.fromkeys([*listed, *run]) if name in run]


def _would_tell(host: str, error: RelocateError, task_vars: Mapping[str, Any]) -> bool:
    """Tell whether another host is refused in the same words: for its values, or for the inventory as a whole."""
    if error.code != "bad_option":
        return host in (task_vars["groups"].get("new") or ())
    known = task_vars["hostvars"][host]
    values = {}
    for name in _values.options():
        with contextlib.suppress(Exception):  # whatever a template raises
            if name in known:
                values[name] = known[name]
    wrong = _values.wrong_values(values)
    return bool(wrong) and all(text in error.msg for text in wrong)


class ActionModule(ActionBase):
    """The first task of every play; it connects to no host."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: Optional[str] = None, task_vars: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        """Entry point."""
        result: Dict[str, Any] = super().run(tmp, task_vars)
        _checked, args = self.validate_argument_spec(
            argument_spec={
                "converts": {"type": "bool", "default": False},
                "groups": {"type": "list", "elements": "str", "default": []},
                "lost": {"type": "str", "default": ""},
                "pairs": {"type": "bool", "default": False},
            }
        )
        try:
            result.update(self._look(args, task_vars or {}))
        except RelocateError as error:
            result.update(failed=True, **error.as_result())
            if args["pairs"]:
                result = self._told_once(error, result, task_vars or {})
        return dict(result, changed=False)

    def _told_once(self, error: RelocateError, result: Dict[str, Any], task_vars: Mapping[str, Any]) -> Dict[str, Any]:
        """Print a refusal for the first of the hosts that have it; Ansible would print it for each, and once more."""
        host, hosts = task_vars["inventory_hostname"], _tellers(task_vars)
        if not any(_would_tell(other, error, task_vars) for other in hosts[: hosts.index(host)]):
            lines = [_received.text(line) for line in str(result["msg"]).splitlines()]
            _DISPLAY.display("\n".join(lines), color="red")
        short = "[{0}] the inventory is refused, as is said in full beside this".format(error.code)
        return dict(_told.brief(result, "beside this"), msg=short)

    def _look(self, args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> Dict[str, Any]:
        if args["groups"]:
            refuse_groups(args["groups"], task_vars["groups"])
            return {"old": ""}
        _received.refuse_facts(str(task_vars["inventory_hostname"]), task_vars)
        values = self._values(task_vars)
        refuse_values(values)
        refuse_hooks(_hooks.wrong(values, task_vars, self._loader.load_from_file))
        if args["converts"]:
            refuse_conversion(values)
        if args["lost"]:
            refuse_while_it_may_serve(args["lost"], values.get("relocate_new_is_gone"))
        return {"old": self._old_of(task_vars) if args["pairs"] else ""}

    def _old_of(self, task_vars: Mapping[str, Any]) -> str:
        """The old host that this one takes its sites from; the first new host of a run shows all pairs."""
        host = task_vars["inventory_hostname"]
        if host not in (task_vars["groups"].get("new") or []):
            return ""
        inventory = inventory_of(task_vars)
        found = _pairs.pair(inventory)
        if found[0].new == host:
            for line in _pairs.plan_lines(found, inventory.sites):
                _DISPLAY.display("Plan: " + _received.text(line))
        return next(item.old for item in found if item.new == host)

    def _values(self, task_vars: Mapping[str, Any]) -> Dict[str, Any]:
        """The values of our options for this host; what cannot be read yet is left to the task that reads it."""
        found = {}
        mine = task_vars["hostvars"][task_vars["inventory_hostname"]]
        for name in _values.options():
            # These are worked out of the pairs, and of old's own variables, unless somebody sets them.
            derived = name == "relocate_from" or name.startswith("relocate_old_")
            if name in task_vars and (not derived or name in mine):
                try:
                    found[name] = self._templar.template(task_vars[name])
                except Exception:  # noqa: S112  # whatever a template raises, it is told where the value is used
                    continue
        return found
