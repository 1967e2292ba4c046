# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Holds a project to leaving no trace while it is asked, and says what it wanted to do: see ``venv_held``.

A project that needs something to load is started again, and let do that. What a start was let is remembered for as long
as this process lives, so that the next question needs one start again.
"""

from __future__ import annotations

import os
from typing import Any, Callable, Dict, Iterable, List, Mapping, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host.scratch import owned_directory
from ansible_collections.relocate.django.plugins.module_utils._project.project import Project
from ansible_collections.relocate.django.plugins.module_utils._project.venv_held import KERNEL
from ansible_collections.relocate.django.plugins.module_utils._secrets import scrub

_ROUNDS = 3
_LONGEST = 300  # characters of what was refused
_MOST = 20
#: By the project's path: what it was let.
_LET: Dict[str, Set[str]] = {}
_TOLD: Dict[Tuple[str, str], Dict[str, bool]] = {}
#: By what became of it.
_TEXTS = {
    "held": "{0} was asked, and its start, or a thread of it, was not let do this: {1}",
    "let": "{0} does not load as it should unless it is let do this, so it was, as by each manage.py: {1}",
    "free": "{0} answers only when it is held to nothing, as by each manage.py{1}",
}

Reply = Dict[str, Any]
#: Starts the project with this in its request, and returns the answer.
Ask = Callable[[Mapping[str, Any]], Reply]


def asked(project: Project, ask: Ask, writes: Iterable[str] = ()) -> Reply:
    """Return the project's answer, held as far as it answers then.

    :param writes: directories that it may write below

    Raises what ``ask`` raises.
    """
    let = _LET.setdefault(project.path, set())
    for _round in range(_ROUNDS):
        with owned_directory(project.owner) as directory:
            held = {"place": os.path.join(directory, "place"), "writes": list(writes), "let": sorted(let)}
            try:
                reply = ask(held)
            except RelocateError as error:
                if error.code != "probe_failed":
                    raise
                break  # it may have ended for being held
        again = set(reply.get("again") or ()) - let
        if not again:
            return reply
        let |= again
    _TOLD[(project.path, "free")] = {"": True}
    return ask({"place": "", "writes": [], "let": []})


def note(project: Project, reply: Reply, secrets: Iterable[str]) -> None:
    """Keep what a project wanted to do, for :func:`told`."""
    known = list(secrets)
    for key in _TEXTS:
        for what in reply.get(key) or ():
            wanted = _TOLD.setdefault((project.path, key), {})
            if len(wanted) < _MOST and what != KERNEL:
                wanted[scrub(what[:_LONGEST], known)] = True


def told() -> List[str]:
    """Return what projects wanted to do since this was asked last."""
    found = [_TEXTS[key].format(path, "; ".join(wanted)) for (path, key), wanted in _TOLD.items() if wanted]
    _TOLD.clear()
    return found
