# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Task files of the user's that the playbooks run at certain moments: where they are, and whether they can be read."""

from __future__ import annotations

import os
from typing import Any, Callable, List, Mapping

from ansible_collections.relocate.django.plugins.module_utils._printable import printable
from ansible_collections.relocate.django.plugins.plugin_utils import _received

#: The moments, each a variable with ``relocate_`` before it; docs/hooks.md says what each is for.
MOMENTS = (
    "before_backup",
    "after_backup",
    "before_restore",
    "before_freeze",
    "before_cutover",
    "after_cutover",
    "after_put_back",
)
_PREFIX = "relocate_"


def path_of(value: Any, known: Mapping[str, Any]) -> str:
    """Return the absolute path of a task file; empty when none is named.

    A relative one is looked for beside the inventory: the playbooks lie in the collection, which is no place of the
    user's.

    :param known: the variables of a host, by Ansible
    """
    if not value:
        return ""
    return os.path.join(str(known.get("inventory_dir") or os.getcwd()), os.path.expanduser(str(value)))


def wrong(values: Mapping[str, Any], known: Mapping[str, Any], load: Callable[[str], Any]) -> List[str]:
    """Return a line for each hook that could not be run, those of the entries of relocate_sites too.

    :param load: reads a YAML file, and raises when it is none
    """
    named = [(_PREFIX + moment, values.get(_PREFIX + moment)) for moment in MOMENTS]
    for item in _received.items(values.get("relocate_sites")):
        entry = _received.mapping(item)
        label = "relocate_sites, {0}: ".format(printable(entry.get("name") or "an item"))
        named += [(label + moment, entry.get(moment)) for moment in MOMENTS]
    lines = []
    for name, value in named:
        path = path_of(value, known)
        why = _unfit(path, load) if path else ""
        if why:
            lines.append("{0}: {1}: {2}".format(name, printable(path), why))
    return lines


def _unfit(path: str, load: Callable[[str], Any]) -> str:
    """Say why a file is no task file; empty when it is one."""
    if not os.path.isfile(path):
        return "there is no such file on the controller"
    try:
        tasks = load(path)
    except Exception:  # whatever the reader raises; its words may quote the file
        return "it cannot be read as YAML"
    if not isinstance(tasks, (list, tuple)) or not tasks or not all(isinstance(task, Mapping) for task in tasks):
        return "it is no list of tasks"
    if any("hosts" in task for task in tasks):
        return "it is a playbook; a hook is a list of tasks"
    return ""
