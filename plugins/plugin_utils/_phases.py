# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the callback phases prints: pure functions."""

from __future__ import annotations

from typing import Any, List, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._printable import printable, printable_lines
from ansible_collections.relocate.django.plugins.plugin_utils import _received

#: Seconds from which on a task is shown that changed nothing.
LONG = 2.0


def plain(text: Any) -> str:
    """Return a name fit for a terminal: a template that could not be filled in is left as it is."""
    return printable(str(text))


def heading(name: Any, variables: Any) -> str:
    """Return the heading of what was included; of a loop, with its item.

    :param variables: of the task that included
    """
    known = _received.mapping(variables)
    item = None if known.get("_ansible_no_log") else known.get("_ansible_item_label")
    return plain(name if item is None or isinstance(item, (dict, list)) else "{0}: {1}".format(name, item))


def fresh(shown: Sequence[str], path: Sequence[str], host: str) -> List[Tuple[int, str]]:
    """Return the headings of a path that differ from those shown last, each with its depth.

    Where an outer one differs, those below it are shown again.

    :param host: whose headings they are, in one line; "" for all
    """
    same = 0
    while same < min(len(shown), len(path)) and shown[same] == path[same]:
        same += 1
    if not host:
        return list(enumerate(path))[same:]
    return [(0, "[{0}] {1}".format(plain(host), " > ".join(path[same:])))] if same < len(path) else []


def done(changed: bool, seconds: float) -> str:
    """Say what came of a task that did not fail."""
    took = "{0:.1f} s".format(seconds)
    return "changed, {0}".format(took) if changed else took


def failed(message: Any) -> str:
    """Say why a task failed; its lines stand below each other."""
    return "FAILED: " + printable_lines(str(message)).replace("\n", "\n      ")
