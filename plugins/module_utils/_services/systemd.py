# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""systemd as we use it: states by one ``systemctl show``, verbs, the dead man's switch, a unit's last words."""

from __future__ import annotations

import glob
import os
import re
import time
from dataclasses import dataclass
from typing import Callable, Dict, Iterable, List, Mapping, Optional, Sequence, Set, Tuple

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

RUNNING = "/run/systemd/system"  # exists where systemd is the first process
_SUFFIXES = (".service", ".socket", ".timer", ".path", ".target", ".mount", ".automount", ".slice", ".swap")
_NAME = re.compile(r"^[A-Za-z0-9:_][A-Za-z0-9:_.\\@-]*\Z")
_PROPERTIES = (
    "Id LoadState ActiveState SubState UnitFileState Result Triggers TriggeredBy FragmentPath ControlGroup NRestarts "
    "InvocationID InactiveExitTimestampMonotonic Type RemainAfterExit WantedBy RequiredBy UpheldBy TimeoutStopUSec"
).split()
_WANTED = ("WantedBy", "RequiredBy", "UpheldBy")
_PLACES = ("WorkingDirectory", "ExecStart", "EnvironmentFiles")


@dataclass(frozen=True)
class Unit:
    """One unit, as systemd sees it now."""

    name: str
    load: str = "loaded"
    active: str = "inactive"
    sub: str = ""
    file_state: str = ""
    result: str = ""
    triggers: Tuple[str, ...] = ()
    triggered_by: Tuple[str, ...] = ()
    fragment: str = ""
    group: str = ""
    restarts: int = 0
    invocation: str = ""
    entered: int = 0  # when it last began to start, in microseconds of the monotonic clock
    kind: str = ""
    remains: bool = False
    wanted_by: Tuple[str, ...] = ()  # units that start it with them
    real: str = ""  # its own name, when it was asked for by an alias
    stops_within: str = ""  # how long systemd waits for it to stop, in its words
    woken: bool = False  # a timer or path starts it, and the user named only that

    @property
    def up(self) -> bool:
        """Runs, or is about to."""
        return self.active in ("active", "activating", "reloading", "refreshing")

    @property
    def down(self) -> bool:
        """Neither runs, nor is about to, nor is still stopping."""
        return self.active in ("inactive", "failed")

    @property
    def enabled(self) -> bool:
        """Starts with the host."""
        if self._script:
            return bool(self.wanted_by)
        return self.file_state in ("enabled", "enabled-runtime")

    @property
    def can_enable(self) -> bool:
        """Is not enabled, and has an [Install] section by which it could be."""
        if self._script:
            return not self.wanted_by
        return self.file_state in ("disabled", "linked", "linked-runtime", "indirect")

    @property
    def _script(self) -> bool:
        """Made out of a script in /etc/init.d. Others that are made, such as those of podman, cannot be disabled."""
        return self.file_state == "generated" and self.fragment.startswith("/run/systemd/generator.late/")

    @property
    def job(self) -> bool:
        """Runs to its end and is then inactive: what a timer starts. Nothing that should be up."""
        return self.woken or (self.kind == "oneshot" and not self.remains)

    @property
    def linked_from(self) -> str:
        """Return the unit file that /etc/systemd/system links to: disabling removes that link too."""
        return os.path.realpath(self.fragment) if self.fragment and os.path.islink(self.fragment) else ""


def unit_name(name: str) -> str:
    """A unit's full name: ``.service`` unless it has a suffix. Raises bad_option for patterns and options."""
    if not _NAME.match(name):
        raise RelocateError(
            "bad_option", "{0!r} is not the name of a unit".format(name), "write the name of one unit, not a pattern"
        )
    return name if name.endswith(_SUFFIXES) else name + ".service"


def parse_show(names: Sequence[str], text: str) -> Dict[str, Unit]:
    """The output of ``systemctl show``: one block per unit, in the order of the question."""
    return {name: _unit(name, found) for name, found in zip(names, _blocks(text))}


def _blocks(text: str) -> List[Dict[str, str]]:
    """Return the properties of each unit that was shown."""
    blocks = [part for part in text.split("\n\n") if part.strip()]
    return [dict(line.partition("=")[::2] for line in block.splitlines()) for block in blocks]


def _unit(name: str, found: Mapping[str, str]) -> Unit:
    return Unit(
        name=name,
        load=found.get("LoadState", ""),
        active=found.get("ActiveState", ""),
        sub=found.get("SubState", ""),
        file_state=found.get("UnitFileState", ""),
        result=found.get("Result", ""),
        triggers=tuple(found.get("Triggers", "").split()),
        triggered_by=tuple(found.get("TriggeredBy", "").split()),
        fragment=found.get("FragmentPath", ""),
        group=found.get("ControlGroup", ""),
        restarts=_number(found.get("NRestarts", "")),
        invocation=found.get("InvocationID", ""),
        entered=_number(found.get("InactiveExitTimestampMonotonic", "")),
        kind=found.get("Type", ""),
        remains=found.get("RemainAfterExit", "") == "yes",
        real=found.get("Id", ""),
        stops_within=found.get("TimeoutStopUSec", ""),
        wanted_by=tuple(name for key in _WANTED for name in found.get(key, "").split()),
    )


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0


def check_known(units: Iterable[Unit]) -> None:
    """Refuse units that systemd cannot load, all in one message."""
    unknown = [unit for unit in units if unit.load != "loaded"]
    if unknown:
        raise RelocateError(
            "unit_unknown",
            "; ".join("unit {0}: {1}".format(unit.name, unit.load or "unknown") for unit in unknown),
            "correct the names: systemctl list-unit-files lists what this host has",
            {"units": [unit.name for unit in unknown]},
        )


class Systemd:
    """The system's systemd.

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
        """Every unit's state, by one call. Aliases keep the name that was asked for."""
        if not names:
            return {}  # systemctl would tell of itself
        done = self._run(Command([self._systemctl, "show", "--property=" + ",".join(_PROPERTIES), "--", *names]))
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
        asked = sorted(name for name in names if _NAME.match(name) and "@." not in name)
        return self._described(asked, properties) if asked else []

    def _described(self, names: Sequence[str], properties: Sequence[str]) -> List[Tuple[Unit, Mapping[str, str]]]:
        argv = [self._systemctl, "show", "--property=" + ",".join((*_PROPERTIES, *properties)), "--", *names]
        shown = {found.get("Id", ""): found for found in _blocks(self._run(Command(argv)).out)}
        units = [(_unit(name, found), found) for name, found in sorted(shown.items()) if name]
        return [(unit, found) for unit, found in units if unit.load == "loaded"]

    def running_below(self, path: str) -> List[Unit]:
        """The units that are up and belong to a directory: they run in it, or a program or an env file of it.

        A timer, socket or path belongs where the service does that it starts.
        """
        listing = ["list-units", "--plain", "--no-legend", "--no-pager", "--state=active,activating"]
        done = self._run(Command([self._systemctl, *listing, "--type=service,timer,socket,path"]))
        names = [line.split()[0] for line in done.out.splitlines() if line.strip()]
        shown = self._shown(names)
        starts = {name: _started_by(text) for name, text in shown.items()}
        shown.update(self._shown(sorted(set().union(*starts.values()) - set(names))))
        below = {name for name, text in shown.items() if _is_below(text, path)}
        chosen = [name for name in names if name in below or below & starts.get(name, set())]
        return list(self.states(chosen).values())

    def _shown(self, names: Sequence[str]) -> Dict[str, str]:
        """Return where each unit runs, what, and what it starts, in systemd's words."""
        if not names:
            return {}
        argv = [self._systemctl, "show", "--property=Id," + ",".join(_PLACES) + ",Triggers", "--", *names]
        blocks = [part for part in self._run(Command(argv)).out.split("\n\n") if part.strip()]
        return dict(zip(names, blocks))

    def users(self, names: Sequence[str]) -> List[str]:
        """Return whom units run as, and what they start: the names in their User= lines."""
        wanted = {name for unit in self.states(names).values() for name in (unit.name, *unit.triggers)}
        if not wanted:
            return []
        done = self._run(Command([self._systemctl, "show", "--property=User", "--value", "--", *sorted(wanted)]))
        return sorted({line.strip() for line in done.out.splitlines() if line.strip()})

    def call(self, verb: str, *units: str, timeout: Optional[float] = None, check: bool = True) -> Completed:
        """One verb of systemctl. Raises unit_failed with the unit's last words, or right_missing."""
        verb = "reload-or-restart" if verb == "reload" else verb
        argv = [self._systemctl, "--no-ask-password", "--quiet", verb, *(["--", *units] if units else [])]
        try:
            done = self._run(Command(argv), timeout=timeout)
        except RelocateError as error:
            if not check:
                return Completed(tuple(argv), 1)
            raise self._failed(verb, units, error.msg) from error
        if done.rc and check:
            if "authentication required" in done.err.lower() or "Access denied" in done.err:
                raise RelocateError("right_missing", "this user may not control units", AS_ROOT)
            raise self._failed(verb, units, last_lines(without_secrets(done.err), 3))
        return done

    def _failed(self, verb: str, units: Sequence[str], why: str) -> RelocateError:
        words = self.last_words(units[-1]) if units else ""
        msg = "systemctl {0} {1} failed: {2}".format(verb, " ".join(units), why)
        return RelocateError(
            "unit_failed", msg + ("\n" + words if words else ""), "look at journalctl -u " + (units or ("systemd",))[-1]
        )

    def last_words(self, unit: str) -> str:
        """The last lines of a unit's journal, without those that look as if they held a secret."""
        program = find_program("journalctl")
        if not program:
            return ""
        done = self._run(Command([program, "--no-pager", "--output=cat", "--lines=10", "--unit=" + unit]), timeout=10)
        return last_lines(without_secrets(done.out), 10)

    def boot(self) -> str:
        """Identifies the time since this host was started; a container shares the kernel's id, not process 1."""
        return "{0}/{1}".format(*(_first_words(path) for path in ("/proc/sys/kernel/random/boot_id", "/proc/1/stat")))

    def enable_names(self, names: Sequence[str], sources: Mapping[str, Optional[str]]) -> List[str]:
        """Return the names by which to enable units: the file's path where disabling removed the link to it."""
        gone = [name for name in names if sources.get(name)]
        found = self.states(gone)
        lost = {name for name in gone if found[name].load != "loaded"}
        return [str(sources[name]) if name in lost else name for name in names]

    # --- the dead man's switch

    def arm(self, name: str, seconds: int, units: Sequence[str], why: str, command: Sequence[str] = ()) -> None:
        """Let systemd start the units, or another program, in so many seconds, whatever happens to us."""
        program = require_program("systemd-run", "install systemd's programs")
        argv = [program, "--quiet", "--collect", "--no-ask-password", "--unit=" + name + ".service"]
        argv += ["--description=" + why, "--on-active={0}s".format(seconds), "--timer-property=AccuracySec=1s"]
        argv += ["--property=Type=oneshot", "--", *(command or [self._systemctl, "start", *units])]
        done = self._run(Command(argv))
        if done.rc:
            raise RelocateError(
                "unit_failed", "the switch {0} could not be armed: {1}".format(name, last_lines(done.err, 3))
            )

    def disarm(self, name: str) -> None:
        """Take the switch back, also one that has just begun to start units; none is fine."""
        self.call("stop", name + ".timer", name + ".service", check=False)

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
    return {name for line in shown.splitlines() if line.startswith("Triggers=") for name in line[9:].split()}


def _is_below(shown: str, path: str) -> bool:
    """Tell whether a unit runs in a directory, or something of it. A property may be there more than once."""
    place = re.compile(r"(?<![\w/.])" + re.escape(path.rstrip("/")) + r"(?=[/\s;\"']|$)")
    return any(place.search(line) for line in shown.splitlines() if line.partition("=")[0] in _PLACES)


def _look_at(unit: str) -> str:
    return "look at journalctl -u {0}".format(unit)


def _first_words(path: str) -> str:
    """The boot id, or the time at which a process started out of its stat file."""
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            words = stream.read().rpartition(")")[2].split()
    except OSError:
        return ""
    return words[19] if len(words) > 19 else "".join(words)


def processes_of(group: str) -> int:
    """Return how many processes a control group holds, with those below it."""
    count = 0
    for base in (
        ("/sys/fs/cgroup", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified") if group not in ("", "/") else ()
    ):
        top = base + group
        files = [top + "/cgroup.procs", *glob.glob(glob.escape(top) + "/**/cgroup.procs", recursive=True)]
        found: List[str] = []
        for path in set(files):
            try:
                with open(path, encoding="ascii") as stream:
                    found += stream.read().split()
            except OSError:
                continue
        count = max(count, len(set(found)))
    return count
