# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the inventory file that old hosts' answers make; one that is there is never written to."""

from __future__ import annotations

import os
from typing import Any, Dict, List, Mapping, Optional, Tuple

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._printable import printable_lines
from ansible_collections.relocate.django.plugins.plugin_utils import _inventory_text, _pairs, _received

_DISPLAY = Display()
_LIMIT = 4 * 1024 * 1024  # bytes of a file that is there


def hosts_to_look_at(task_vars: Mapping[str, Any]) -> List[Tuple[str, str]]:
    """Return the old hosts of the whole inventory, each with its new one."""
    groups, known = task_vars["groups"], task_vars["hostvars"]
    old, new = list(groups.get("old") or []), list(groups.get("new") or [])
    named = {host: known[host].get("relocate_from") for host in new}
    inventory = _pairs.Inventory(
        old=old,
        new=new,
        run=frozenset([*old, *new]),
        named={host: str(value) for host, value in named.items() if value},
    )
    return _pairs.to_look_at(inventory, list(groups.get("ungrouped") or []))


def pairs_of(found: List[Tuple[str, str]], known: Mapping[str, Any], register: str) -> List[_inventory_text.Pair]:
    """Return the pairs with what their old hosts answered. Raises host_unreachable when none did.

    :param register: the variable that holds the answers
    """
    pairs = []
    for old, new in found:
        answer = _received.mapping(known[old].get(register))
        if "sites" in answer:
            sites, notices = _inventory_text.sites_of(answer), _inventory_text.notices_of(answer)
            pairs.append(_inventory_text.Pair(old, new, sites, notices))
    if not pairs:
        raise RelocateError(
            "host_unreachable",
            "no old host told of its sites",
            "see above what kept {0} from it".format(", ".join(old for old, _new in found)),
        )
    return pairs


class ActionModule(ActionBase):
    """It connects to no host."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: Optional[str] = None, task_vars: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        """Entry point."""
        result: Dict[str, Any] = super().run(tmp, task_vars)
        _checked, args = self.validate_argument_spec(
            argument_spec={
                "state": {"type": "str", "choices": ["planned", "written"], "default": "written"},
                "answers": {"type": "str", "default": "discover_result"},
                "path": {"type": "path", "default": "inventory.yml"},
            }
        )
        known = task_vars or {}
        try:
            found = hosts_to_look_at(known)
            if args["state"] == "planned":
                result.update(changed=False, looks=known["inventory_hostname"] in [old for old, _new in found])
                return result
            result.update(self._write(pairs_of(found, known["hostvars"], args["answers"]), known, args["path"]))
        except RelocateError as error:
            result.update(failed=True, changed=False, **error.as_result())
        return result

    def _write(self, pairs: List[_inventory_text.Pair], known: Mapping[str, Any], path: str) -> Dict[str, Any]:
        hosts = {name: known["hostvars"][name] for pair in pairs for name in (pair.old, pair.new) if name}
        text = _inventory_text.inventory_text(pairs, self._connections(hosts), path)
        told = _inventory_text.summary(pairs)
        if os.path.lexists(path):
            return {**told, "changed": False, "path": path, "missing": self._compare(path, text)}
        if self._task.check_mode:
            _DISPLAY.display(text)
            return {**told, "changed": True, "path": path, "missing": []}
        create(path, text)
        _DISPLAY.display("Wrote {0}: {1}".format(path, _in_words(told)))
        return {**told, "changed": True, "path": path, "missing": [], "diff": {"after": text, "after_header": path}}

    def _connections(self, hosts: Mapping[str, Any]) -> Dict[str, Dict[str, Any]]:
        """Return how each host is reached, as the inventory at hand says: plain values only."""
        return {
            name: {key: values[key] for key in _inventory_text.CONNECTION if key in values}
            for name, values in hosts.items()
        }

    def _compare(self, path: str, text: str) -> List[str]:
        """Show what a file that is there lacks."""
        missing = _inventory_text.missing_in(read(path), text)
        if missing:
            lines = "\n".join("  + " + line for line in missing)
            _DISPLAY.display("{0} is there and stays as it is. What was found, and it lacks:\n{1}".format(path, lines))
            _DISPLAY.display("To see the whole file: remove it, or set relocate_inventory_file to another path.")
        else:
            _DISPLAY.display("{0} names all that was found.".format(path))
        return missing


def _in_words(told: Mapping[str, Any]) -> str:
    sites = ", ".join(told["sites"]) or "no site"
    left = "; {0} left to you, as its comments say".format(told["notices"]) if told["notices"] else ""
    return printable_lines("{0}; {1} values{2}".format(sites, told["values"], left))


def create(path: str, text: str) -> None:
    """Write a new file, 0600: nobody else needs to know how hosts are reached. Raises bad_option."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        raise _unusable(path, error) from None


def read(path: str) -> str:
    """Return the text of a file that is there. Raises bad_option."""
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read(_LIMIT)
    except OSError as error:
        raise _unusable(path, error) from None


def _unusable(path: str, error: OSError) -> RelocateError:
    return RelocateError(
        "bad_option",
        "{0} cannot be used for the inventory: {1}".format(path, error.strerror),
        "set relocate_inventory_file to another path, as in -e relocate_inventory_file=sites.yml",
    )
