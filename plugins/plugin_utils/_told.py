# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps what a task was refused for, to be said once: at the end of the run. Pure functions.

Ansible prints the message of a failing task two or three times, in the middle of a run that goes on. Where
``relocate_told_later`` is set, a task fails with the first line only. The whole goes along in the invocation, which
Ansible shows from ``-vvv`` on.
"""

from __future__ import annotations

from typing import Any, Dict, Mapping

from ansible_collections.relocate.django.plugins.plugin_utils import _received

_LATER = "relocate_told_later"
_LONGEST = 100  # characters of the first line
_WHOLE = "refused"  # its key in the invocation
#: What a refusal says in full, besides its message.
_FULL = ("msg", "hint", "details", "obstacles")


def first_line(message: Any) -> str:
    """Return the beginning of a message: what failed, without the program's words and without the next step."""
    line = _received.text(message).split("\\n")[0]
    for end in (" Next: ", ": Traceback"):
        line = line.partition(end)[0]
    line = line.rstrip(".: ")
    return line if len(line) <= _LONGEST else line[:_LONGEST].rstrip() + " ..."


def shortened(found: Mapping[str, Any], variables: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the result of a task; where the end of the run tells a refusal in full, with its first line only.

    :param variables: the task's
    """
    if not _received.yes(variables.get(_LATER)):
        return dict(found)
    return brief(found, "at the end of this run")


def brief(found: Mapping[str, Any], where: str) -> Dict[str, Any]:
    """Return a task's result with the first line only of what it was refused for; the rest is shown from -vvv on.

    :param where: it is told in full
    """
    if not (found.get("failed") and found.get("code")):
        return dict(found)
    # The exception is made of the message, and would be printed.
    kept = {key: value for key, value in found.items() if key not in (*_FULL, "exception")}
    whole = {key: found[key] for key in _FULL if key in found}
    invocation = {**_received.mapping(found.get("invocation")), _WHOLE: whole}
    return {**kept, "msg": "{0} (in full {1})".format(first_line(found.get("msg")), where), "invocation": invocation}


def whole(found: Any) -> Mapping[str, Any]:
    """Return the result of a task that failed, with all that it was refused for."""
    result = _received.mapping(found)
    return {**result, **_received.mapping(_received.mapping(result.get("invocation")).get(_WHOLE))}
