# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One unit, as ``systemctl show`` describes it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from typing import Dict, Iterable, List, Mapping, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._services.names import is_name, qualified, split
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as, lookup_user

PROPERTIES = (
    "Id LoadState ActiveState SubState UnitFileState Result Triggers TriggeredBy FragmentPath ControlGroup NRestarts "
    "InvocationID InactiveExitTimestampMonotonic Type RemainAfterExit WantedBy RequiredBy UpheldBy TimeoutStopUSec "
    "KillMode SendSIGKILL NeedDaemonReload"
).split()
_WANTED = ("WantedBy", "RequiredBy", "UpheldBy")
_WORD = re.compile(r"^[a-zA-Z0-9-]{0,40}\Z")


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
    kills: Tuple[str, str] = ("", "")  # which of its processes systemd stops, and whether it kills what stays
    stale: bool = False  # its files are not those that systemd has read
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
        """Return the unit file that the directory of the units links to: disabling removes that link too.

        A user's own is looked at with his rights.
        """
        user = split(self.name)[0]
        with acting_as(lookup_user(user) if user else None):
            return os.path.realpath(self.fragment) if self.fragment and os.path.islink(self.fragment) else ""


def parse_show(names: Sequence[str], text: str) -> Dict[str, Unit]:
    """The output of ``systemctl show``: one block per unit, in the order of the question."""
    return {name: unit_of(name, found) for name, found in zip(names, blocks(text))}


def blocks(text: str) -> List[Dict[str, str]]:
    """Return the properties of each unit that was shown."""
    shown = [part for part in text.split("\n\n") if part.strip()]
    return [dict(line.partition("=")[::2] for line in block.splitlines()) for block in shown]


def unit_of(name: str, found: Mapping[str, str]) -> Unit:
    """Return a unit by the properties that were shown."""
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
        kills=(found.get("KillMode", ""), found.get("SendSIGKILL", "")),
        stale=found.get("NeedDaemonReload", "") == "yes",
        wanted_by=tuple(name for key in _WANTED for name in found.get(key, "").split()),
    )


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0


def of_user(user: str, told: Unit, top: str) -> Unit:
    """Return a unit of a user's own systemd by the names that it has among all. What that told is his word.

    :param told: the unit as it told of it
    :param top: the control group of all that his systemd runs, by the system's
    """
    below = told.group.startswith(top + "/") and ".." not in told.group.split("/")
    return replace(
        told,
        name=qualified(user, told.name),
        real=qualified(user, told.real) if is_name(told.real) else "",
        triggers=_of_user(user, told.triggers),
        triggered_by=_of_user(user, told.triggered_by),
        wanted_by=_of_user(user, told.wanted_by),
        group=told.group if top and below else "",
        fragment=told.fragment if told.fragment.isprintable() else "",
        load=_word(told.load),
        active=_word(told.active),
        sub=_word(told.sub),
        file_state=_word(told.file_state),
        result=_word(told.result),
        kind=_word(told.kind),
    )


def _word(text: str) -> str:
    return text if _WORD.match(text) else "unknown"


def _of_user(user: str, units: Iterable[str]) -> Tuple[str, ...]:
    return tuple(qualified(user, name) for name in units if is_name(name))


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
