# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""systemd as we use it: states by one ``systemctl show``, verbs, the dead man's switch, a unit's last words.

A unit may be one of a user's own systemd, by the name that ``names`` describes.
"""

from __future__ import annotations

import os
import re
import time
from typing import Callable, Dict, List, Mapping, Optional, Sequence, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import AS_ROOT, RelocateError
from ansible_collections.relocate.django.plugins.module_utils._process import (
    Command,
    Completed,
    find_program,
    last_lines,
    require_program,
    run,
)
from ansible_collections.relocate.django.plugins.module_utils._secrets import without_secrets
from ansible_collections.relocate.django.plugins.module_utils._services.groups import processes_of
from ansible_collections.relocate.django.plugins.module_utils._services.names import (
    by_user,
    is_name,
    journal,
    qualified,
    split,
)
from ansible_collections.relocate.django.plugins.module_utils._services.unit import (
    PROPERTIES,
    Unit,
    blocks,
    parse_show,
    unit_of,
)
from ansible_collections.relocate.django.plugins.module_utils._services.user_manager import UserManager

RUNNING = "/run/systemd/system"  # exists where systemd is the first process
_PLACES = ("WorkingDirectory", "ExecStart", "EnvironmentFiles")


#: Verbs for which a user's own systemd is started.
_WAKING = ("start", "restart", "enable", "daemon-reload")


class Systemd:
    """The system's systemd, and through it those of its users.

    :param runner: starts programs; tests put their own in its place
    :param running: what exists where systemd is the first process
    """

    def __init__(self, runner: Callable[..., Completed] = run, running: str = RUNNING) -> None:
        self._run = runner
        if not os.path.isdir(running):
            raise RelocateError(
                "program_missing",
                "systemd does not run on this host, and units need it",
                "leave relocate_services empty",
            )
        self._systemctl = find_program("systemctl") or "systemctl"

    def states(self, names: Sequence[str]) -> Dict[str, Unit]:
        """Every unit's state, by one call for each systemd. Aliases keep the name that was asked for."""
        found: Dict[str, Unit] = {}
        for user, units in by_user(names).items():  # of no units, systemctl would tell of itself
            found.update(self.manager(user).states(units) if user else self._states(units))
        return {name: found[name] for name in names}

    def manager(self, user: str) -> UserManager:
        """Return a user's own systemd."""
        return UserManager(user, self._systemctl, self._run)

    def wake(self, names: Sequence[str]) -> None:
        """Start users' own systemd, where they have some of these units. Raises unit_failed, unit_unknown."""
        for user in filter(None, by_user(names)):
            self.manager(user).wake()

    def read_again(self, names: Sequence[str], stays: bool = False) -> None:
        """Let the system's systemd, and those that have some of these units, read the unit files again.

        :param stays: those of users start with the host from now on
        """
        self.call("daemon-reload")
        for user in filter(None, by_user(names)):
            self._call(user, "daemon-reload", ())
            if stays:
                self.manager(user).linger()

    def _ask(self, user: str, argv: Sequence[str]) -> Completed:
        return self.manager(user).tell(argv) if user else self._run(Command([self._systemctl, *argv]))

    def _states(self, names: Sequence[str]) -> Dict[str, Unit]:
        done = self._run(Command([self._systemctl, "show", "--property=" + ",".join(PROPERTIES), "--", *names]))
        units = parse_show(names, done.out)
        if done.rc or len(units) != len(set(names)):
            raise RelocateError(
                "program_failed", "systemctl show exited {0}: {1}".format(done.rc, last_lines(done.err))
            )
        return units

    def every(
        self, kinds: Sequence[str], properties: Sequence[str] = (), more: Sequence[str] = ()
    ) -> List[Tuple[Unit, Mapping[str, str]]]:
        """Return all units of some kinds, loaded or only on disk, under their own names, with further properties.

        A template counts by its instances; ``more`` names those that were never loaded. What is masked is left out.
        """
        flags = ["--plain", "--no-legend", "--no-pager", "--type=" + ",".join(kinds)]
        listings = [["list-unit-files", *flags], ["list-units", "--all", *flags]]
        said = [self._run(Command([self._systemctl, *argv])).out for argv in listings]
        names = {line.split()[0] for text in said for line in text.splitlines() if line.strip()}
        names.update(more)
        asked = sorted(name for name in names if is_name(name) and "@." not in name)
        return self._described(asked, properties) if asked else []

    def _described(self, names: Sequence[str], properties: Sequence[str]) -> List[Tuple[Unit, Mapping[str, str]]]:
        argv = [self._systemctl, "show", "--property=" + ",".join((*PROPERTIES, *properties)), "--", *names]
        shown = {found.get("Id", ""): found for found in blocks(self._run(Command(argv)).out)}
        units = [(unit_of(name, found), found) for name, found in sorted(shown.items()) if name]
        return [(unit, found) for unit, found in units if unit.load == "loaded"]

    def shown(self, names: Sequence[str], properties: Sequence[str]) -> Dict[str, Mapping[str, str]]:
        """Return some properties of units of the system, in systemd's words."""
        argv = [self._systemctl, "show", "--property=" + ",".join(properties), "--", *names]
        return {**{name: {} for name in names}, **dict(zip(names, blocks(self._run(Command(argv)).out)))}

    def running_below(self, path: str, user: str = "") -> List[Unit]:
        """The units that are up and belong to a directory: they run in it, or a program or an env file of it.

        A timer, socket or path belongs where the service does that it starts.

        :param user: asks his own systemd instead of the system's
        """
        if user and not self.manager(user).group():
            return []
        names = self._up(user)
        shown = self._shown(names, user)
        starts = {name: _started_by(text) for name, text in shown.items()}
        shown.update(self._shown(sorted(set().union(*starts.values()) - set(names)), user))
        below = {name for name, text in shown.items() if _is_below(text, path)}
        chosen = [name for name in names if name in below or below & starts.get(name, set())]
        return list(self.states([qualified(user, name) for name in chosen]).values())

    def _up(self, user: str) -> List[str]:
        listing = ["list-units", "--plain", "--no-legend", "--no-pager", "--state=active,activating"]
        done = self._ask(user, [*listing, "--type=service,timer,socket,path"])
        return [words[0] for words in map(str.split, done.out.splitlines()) if words and is_name(words[0])]

    def _shown(self, names: Sequence[str], user: str) -> Dict[str, str]:
        """Return where each unit runs, what, and what it starts, in systemd's words."""
        if not names:
            return {}
        argv = ["show", "--property=Id," + ",".join(_PLACES) + ",Triggers", "--", *names]
        texts = [part for part in self._ask(user, argv).out.split("\n\n") if part.strip()]
        return dict(zip(names, texts))

    def users(self, names: Sequence[str]) -> List[str]:
        """Return whom units run as, and what they start: the names in their User= lines, or whose systemd has them."""
        owners = by_user(names)
        system = owners.pop("", [])
        states = self._states(system) if system else {}
        wanted = sorted({name for unit in states.values() for name in (unit.name, *unit.triggers)})
        argv = [self._systemctl, "show", "--property=User", "--value", "--", *wanted]
        said = self._run(Command(argv)).out.splitlines() if wanted else []
        return sorted({*owners, *(line.strip() for line in said if line.strip())})

    def call(self, verb: str, *units: str, timeout: Optional[float] = None, check: bool = True) -> Completed:
        """One verb of systemctl. Raises unit_failed with the unit's last words, or right_missing."""
        verb = "reload-or-restart" if verb == "reload" else verb
        done = Completed((), 0)
        for user, own in by_user(units).items() if units else [("", [])]:
            done = self._call(user, verb, own, timeout, check)
        return done

    def _call(
        self, user: str, verb: str, units: Sequence[str], timeout: Optional[float] = None, check: bool = True
    ) -> Completed:
        argv = ["--no-ask-password", "--quiet", verb, *(["--", *units] if units else [])]
        names = [qualified(user, unit) for unit in units]
        try:
            done = self._tell(user, verb, argv, timeout)
        except RelocateError as error:
            if not check:
                return Completed(tuple(argv), 1)
            raise self._failed(verb, names, error.msg) from error
        if done.rc and check:
            if "authentication required" in done.err.lower() or "Access denied" in done.err:
                raise RelocateError("right_missing", "this user may not control units", AS_ROOT)
            raise self._failed(verb, names, last_lines(without_secrets(done.err), 3))
        return done

    def _tell(self, user: str, verb: str, argv: Sequence[str], timeout: Optional[float]) -> Completed:
        if not user:
            return self._run(Command([self._systemctl, *argv]), timeout=timeout)
        manager = self.manager(user)
        if verb in _WAKING:
            manager.wake()
        return manager.tell(argv, timeout)

    def _failed(self, verb: str, units: Sequence[str], why: str) -> RelocateError:
        words = self.last_words(units[-1]) if units else ""
        msg = "systemctl {0} {1} failed: {2}".format(verb, " ".join(units), why)
        return RelocateError(
            "unit_failed", msg + ("\n" + words if words else ""), _look_at((units or ("systemd",))[-1])
        )

    def last_words(self, unit: str) -> str:
        """The last lines of a unit's journal, without those that look as if they held a secret."""
        program = find_program("journalctl")
        if not program:
            return ""
        user, name = split(unit)
        chosen = self.manager(user).journal(name) if user else ("--unit=" + name,)
        done = self._run(Command([program, "--no-pager", "--output=cat", "--lines=10", *chosen]), timeout=10)
        return last_lines(without_secrets(done.out), 10)

    def boot(self) -> str:
        """Identifies the time since this host was started; a container shares the kernel's id, not process 1."""
        return "{0}/{1}".format(*(_first_words(path) for path in ("/proc/sys/kernel/random/boot_id", "/proc/1/stat")))

    def enable_names(self, names: Sequence[str], sources: Mapping[str, Optional[str]]) -> List[str]:
        """Return the names by which to enable units: the file's path where disabling removed the link to it."""
        gone = [name for name in names if sources.get(name)]
        found = self.states(gone)
        lost = {name for name in gone if found[name].load != "loaded"}
        return [qualified(split(name)[0], str(sources[name])) if name in lost else name for name in names]

    # --- the dead man's switch

    def arm(self, name: str, seconds: int, units: Sequence[str], why: str, command: Sequence[str] = ()) -> None:
        """Let systemd start the units, or another program, in so many seconds, whatever happens to us."""
        if command:
            self._arm(name, seconds, why, (), command)
        for user, own in by_user(units).items():
            as_him = self.manager(user).switch() if user else ()
            start = [self._systemctl, *(["--user"] if user else []), "start", *own]
            self._arm(switch_of(name, user), seconds, why, as_him, start)

    def _arm(self, name: str, seconds: int, why: str, options: Sequence[str], command: Sequence[str]) -> None:
        program = require_program("systemd-run", "install systemd's programs")
        argv = [program, "--quiet", "--collect", "--no-ask-password", "--unit=" + name + ".service"]
        argv += ["--description=" + why, "--on-active={0}s".format(seconds), "--timer-property=AccuracySec=1s"]
        done = self._run(Command([*argv, "--property=Type=oneshot", *options, "--", *command]))
        if done.rc:
            raise RelocateError(
                "unit_failed", "the switch {0} could not be armed: {1}".format(name, last_lines(done.err, 3))
            )

    def disarm(self, name: str) -> None:
        """Take the switch back, also one that has just begun to start units; none is fine."""
        every = [switch_of(name, user) + kind for user in ("", "*") for kind in (".timer", ".service")]
        self.call("stop", *every, check=False)

    # --- looking whether it worked

    def confirm_stopped(self, names: Sequence[str], before: Mapping[str, Unit]) -> None:
        """Refuse when a unit is still up, or left processes behind (KillMode=process)."""
        for name, unit in self.states(names).items():
            if not unit.down:
                raise RelocateError(
                    "unit_failed", "{0} is {1} after its stop".format(name, unit.active), _look_at(name)
                )
            remaining = processes_of(before[name].group) if name in before else 0
            if remaining:
                raise RelocateError(
                    "unit_failed",
                    "{0} is stopped, but {1} of its processes still run".format(name, remaining),
                    "set KillMode=control-group in the unit, so that stopping it stops all of it",
                )

    def confirm_started(self, names: Sequence[str], settle: float, timeout: float) -> None:
        """Wait until all units have stayed up for ``settle`` seconds. Raises unit_failed for one that does not."""
        deadline = time.monotonic() + max(timeout, settle)
        first, since = (self.states(names), time.monotonic()) if names else ({}, 0.0)
        steady: Dict[str, str] = {}
        while names:
            now = self.states(names)
            self._check_staying(first, now)
            running = _runs(now)
            if running != steady:
                steady, since = running, time.monotonic()
            if len(steady) == len(now) and time.monotonic() - since >= settle:
                return
            if time.monotonic() > deadline:
                self._did_not_stay(next(unit for name, unit in now.items() if name not in running or unit.restarts))
            time.sleep(0.2)

    def _check_staying(self, first: Mapping[str, Unit], now: Mapping[str, Unit]) -> None:
        for name, unit in now.items():
            if unit.active == "failed" or unit.restarts > first[name].restarts + 1:
                self._did_not_stay(unit)

    def _did_not_stay(self, unit: Unit) -> None:
        words = self.last_words(unit.name)
        raise RelocateError(
            "unit_failed",
            "{0} did not stay up: {1}, {2}{3}".format(
                unit.name, unit.active, unit.result, "\n" + words if words else ""
            ),
            _look_at(unit.name),
            {"unit": unit.name},
        )


def _runs(units: Mapping[str, Unit]) -> Dict[str, str]:
    """Give the invocation of each unit that is up: another one tells that it was started anew."""
    return {name: unit.invocation for name, unit in units.items() if unit.active == "active" or unit.job}


def _started_by(shown: str) -> Set[str]:
    """Return what a timer, socket or path starts."""
    triggers = [line[9:].split() for line in shown.splitlines() if line.startswith("Triggers=")]
    return {name for names in triggers for name in names if is_name(name)}


def _is_below(shown: str, path: str) -> bool:
    """Tell whether a unit runs in a directory, or something of it. A property may be there more than once."""
    place = re.compile(r"(?<![\w/.])" + re.escape(path.rstrip("/")) + r"(?=[/\s;\"']|$)")
    return any(place.search(line) for line in shown.splitlines() if line.partition("=")[0] in _PLACES)


def _look_at(unit: str) -> str:
    return "look at " + journal(unit)


def switch_of(name: str, user: str) -> str:
    """Return the part of a dead man's switch that starts units of a user's systemd; no site's name has a colon."""
    return "{0}:{1}".format(name, user) if user else name


def _first_words(path: str) -> str:
    """The boot id, or the time at which a process started out of its stat file."""
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            words = stream.read().rpartition(")")[2].split()
    except OSError:
        return ""
    return words[19] if len(words) > 19 else "".join(words)
