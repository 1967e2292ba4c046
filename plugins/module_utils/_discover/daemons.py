# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds who starts a supervisor: the unit, and the words that its command is given."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import Iterator, List, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._discover.found import Starter
from ansible_collections.relocate.django.plugins.module_utils._discover.shell import unwrapped

_LOOKED_AT = 8  # words in which a program's name may stand: "sudo -u shop -E nice -n 5 /usr/bin/supervisord"
_NO_COMMANDS = frozenset(("socket", "timer", "path", "uwsgi"))


@dataclass(frozen=True)
class Daemon:
    """A supervisor as something starts it."""

    starter: Starter
    arguments: Tuple[str, ...] = field(default=(), repr=False)

    def value(self, *names: str) -> str:
        """Return the value of an option; "" when it is not given."""
        for at, word in enumerate(self.arguments):
            if word in names:
                return "".join(self.arguments[at + 1 : at + 2])
            for name in names:
                if name.startswith("--") and word.startswith(name + "="):
                    return word[len(name) + 1 :]
        return ""

    def path(self, written: str) -> str:
        """Return an absolute path; "" for a relative one when nothing says where the daemon runs."""
        path = os.path.normpath(os.path.join(self.starter.directory, written)) if written else ""
        return path if path.startswith("/") else ""

    def owns(self, made: Starter, starts: bool = True) -> Starter:
        """Return a program with what it has of its supervisor.

        :param starts: it runs whenever the supervisor does
        """
        mine = self.starter
        return replace(
            made,
            unit=mine.unit,
            manager=mine.manager,
            user=mine.by or made.user or mine.user or ("" if mine.name == "" else "root"),
            by=mine.by or made.by,
            runs=mine.runs and starts,
            at_boot=mine.at_boot and starts,
        )


def daemons(starters: Sequence[Starter], *programs: str) -> Iterator[Daemon]:
    """Give everything that starts one of some programs, what root has written first."""
    for starter in sorted(starters, key=lambda one: bool(one.by)):
        for command in starter.commands:
            for words in unwrapped(command, starter.directory, starter.environment).commands:
                names = [os.path.basename(word) for word in words[:_LOOKED_AT]]
                places = [at for at, name in enumerate(names) if name in programs]
                if places and starter.kind not in _NO_COMMANDS:
                    yield Daemon(starter, tuple(words[places[0] + 1 :]))


def by_name(starters: Sequence[Starter], *units: str) -> Daemon:
    """Return a supervisor by the name of its unit, where no command tells; without one, it is started by nobody."""
    known = [one for one in starters if one.name in units and one.kind == "service" and not (one.manager or one.by)]
    return Daemon(known[0] if known else Starter("service", ""))


def each_once(starters: List[Starter]) -> List[Starter]:
    """Return starters without those that a second way to the same file found."""
    return list({(one.kind, one.unit, one.name, one.files): one for one in starters}.values())
