# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A user's own systemd (``systemctl --user``), asked and told with his rights: root is not led by what he wrote.

Whether it runs, and in which control group, is asked of the system's systemd; all else is that user's word.
"""

from __future__ import annotations

import os
from typing import Callable, Dict, List, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._process import (
    Command,
    Completed,
    last_lines,
    require_program,
    run,
)
from ansible_collections.relocate.django.plugins.module_utils._services.names import qualified
from ansible_collections.relocate.django.plugins.module_utils._services.unit import (
    PROPERTIES,
    Unit,
    blocks,
    of_user,
    parse_show,
)
from ansible_collections.relocate.django.plugins.module_utils._users import lookup_user

_LINGER = "/var/lib/systemd/linger"  # logind's: a file for each user whose systemd starts with the host
_SECONDS = 30.0  # for an answer, and for it to start


class UserManager:
    """The own systemd of one user.

    :param name: the user's
    :param systemctl: the program
    :param runner: starts programs; tests put their own in its place
    """

    def __init__(self, name: str, systemctl: str, runner: Callable[..., Completed] = run) -> None:
        self.name, self._systemctl, self._run = name, systemctl, runner
        self.user = lookup_user(name)
        uid = self.user.uid if self.user is not None else -1
        self.unit = "user@{0}.service".format(uid)
        self.runtime = "/run/user/{0}".format(uid)

    def command(self, argv: Sequence[str]) -> Command:
        """Return the call of systemctl that reaches it, as the user. Raises unit_unknown."""
        if self.user is None:
            raise RelocateError(
                "unit_unknown",
                "there is no user {0} on this host, whose own systemd would have the unit".format(self.name),
                "correct the name, or make the user",
            )
        return Command([self._systemctl, "--user", *argv], user=self.user, env=self.environment())

    def environment(self) -> Dict[str, str]:
        """Return what a program needs to find it."""
        return {"XDG_RUNTIME_DIR": self.runtime}

    def group(self) -> str:
        """Return the control group of all that it runs; "" when it does not run."""
        if self.user is None:
            return ""
        argv = [self._systemctl, "show", "--property=ActiveState,ControlGroup", "--", self.unit]
        told = (blocks(self._run(Command(argv)).out) or [{}])[0]
        return told.get("ControlGroup", "") if told.get("ActiveState") == "active" else ""

    def states(self, units: Sequence[str]) -> Dict[str, Unit]:
        """Return every unit's state, by the names that they have among all. Raises program_failed, timed_out.

        Nothing of a systemd that does not run is up.
        """
        top = self.group()
        if not top:
            why = "{0}'s own systemd does not run" if self.user is not None else "there is no user {0} on this host"
            return {qualified(self.name, unit): self._unknown(unit, why.format(self.name)) for unit in units}
        done = self.tell(["show", "--property=" + ",".join(PROPERTIES), "--", *units])
        told = parse_show(units, done.out)
        if done.rc or len(told) != len(units):
            raise RelocateError(
                "program_failed",
                "systemctl show, as {0}, exited {1}: {2}".format(self.name, done.rc, last_lines(done.err)),
            )
        return {qualified(self.name, unit): of_user(self.name, told[unit], top) for unit in units}

    def _unknown(self, unit: str, why: str) -> Unit:
        return Unit(qualified(self.name, unit), load=why)

    def tell(self, argv: Sequence[str], timeout: Optional[float] = None) -> Completed:
        """Run systemctl as the user. Raises timed_out: what answers is his, and may never do so."""
        return self._run(self.command(argv), timeout=timeout or _SECONDS)

    def wake(self) -> None:
        """Start it, unless it runs. Raises unit_failed."""
        if self.group():
            return
        self.command(())  # there is such a user
        argv = [self._systemctl, "--no-ask-password", "--quiet", "start", "--", self.unit]
        why = ""
        try:
            done = self._run(Command(argv), timeout=_SECONDS)
            why = last_lines(done.err, 3) if done.rc else ""
        except RelocateError as error:
            why = error.msg
        if why or not self.group():
            raise RelocateError(
                "unit_failed",
                "{0}'s own systemd does not start: {1}".format(self.name, why or "it ended at once"),
                "install libpam-systemd, which gives users one; then look at journalctl -u " + self.unit,
            )

    def linger(self, place: str = _LINGER) -> None:
        """Let it start with the host, and not only while the user is logged in. Raises unit_failed."""
        if os.path.exists(os.path.join(place, self.name)):
            return
        done = self._run(Command([require_program("loginctl"), "enable-linger", "--", self.name]), timeout=_SECONDS)
        if done.rc:
            raise RelocateError(
                "unit_failed",
                "loginctl enable-linger {0} failed: {1}".format(self.name, last_lines(done.err, 3)),
                "run it by hand, then run the same command again",
            )

    def switch(self) -> List[str]:
        """Return the options by which a timer of the system runs a program as this user, once his systemd runs."""
        needs = ["--property={0}={1}".format(key, self.unit) for key in ("Wants", "After")]
        values = ["--setenv={0}={1}".format(*item) for item in self.environment().items()]
        return ["--uid=" + self.name, *needs, *values]

    def journal(self, unit: str) -> Tuple[str, ...]:
        """Return what selects a unit's lines in the journal: its own, and those about it."""
        uid = "_UID={0}".format(self.user.uid if self.user is not None else -1)
        return ("_SYSTEMD_USER_UNIT=" + unit, uid, "+", "USER_UNIT=" + unit, uid)
