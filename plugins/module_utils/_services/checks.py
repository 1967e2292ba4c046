# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions about a site's units that decide whether a move may begin."""

from __future__ import annotations

import os
from typing import Collection, Dict, List, Mapping, Sequence

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import Obstacle
from ansible_collections.relocate.django.plugins.module_utils._services import groups, spans
from ansible_collections.relocate.django.plugins.module_utils._services.names import by_hand, by_user, split, unit_name
from ansible_collections.relocate.django.plugins.module_utils._services.systemd import RUNNING, Systemd
from ansible_collections.relocate.django.plugins.module_utils._services.unit import Unit, check_known
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as, lookup_user

#: The host's own: they are not a site's to stop.
_TARGETS = ("multi-user.target", "graphical.target", "default.target", "basic.target", "sysinit.target")
#: Where enabling a unit makes links: of the system's systemd, and of a user's, below his home.
_OWN = ("/etc/systemd/system", "/run/systemd/system")
_OF_USER = ".config/systemd/user"
_SHOWN = 10  # processes in a message


def started_by(systemd: Systemd, named: Mapping[str, Unit]) -> Dict[str, str]:
    """Return what timers, sockets and paths among the units start, and nobody named: unit -> what starts it."""
    wakers = {name: unit.name for unit in named.values() for name in unit.triggers if name not in named}
    found = systemd.states(list(wakers))
    # What systemd cannot load cannot run either: the user's own names are checked, not these.
    return {name: wakers[name] for name, unit in found.items() if unit.load == "loaded"}


def check_stays_stopped(systemd: Systemd, units: Mapping[str, Unit], reboot: bool = True) -> None:
    """Refuse units that something else starts again: at once, or with the host although they are disabled.

    :param units: all that is to be stopped, as it is now
    :param reboot: whether to look at the latter too, which is of no use once new serves
    """
    triggers = _triggers(units)
    wanters = _wanters(units, triggers) if reboot else {}
    found = systemd.states([*triggers, *wanters])
    awake = [name for name in triggers if found[name].up]
    if awake:
        raise RelocateError(
            "bad_option",
            "{0} would not stay stopped: {1} can start it again".format(triggers[awake[0]], ", ".join(awake)),
            "add {0} to relocate_services".format(", ".join(awake)),
        )
    coming = [name for name in wanters if found[name].up or found[name].enabled]
    if coming:
        raise _comes_back(wanters[coming[0]], coming)


def _triggers(units: Mapping[str, Unit]) -> Dict[str, str]:
    """Find what starts a unit at once, other than these: waker -> unit."""
    return {waker: name for name, unit in units.items() for waker in unit.triggered_by if waker not in units}


def _wanters(units: Mapping[str, Unit], triggers: Collection[str]) -> Dict[str, str]:
    """What starts a unit with the host although it is disabled: waker -> unit."""
    return {
        waker: name
        for name, unit in units.items()
        for waker in unit.wanted_by
        if waker not in units and waker not in triggers and not goes_with_disabling(unit, waker)
    }


def _comes_back(unit: str, wakers: Sequence[str]) -> RelocateError:
    own = [name for name in wakers if split(name)[1] not in _TARGETS]
    named = "add {0} to relocate_services".format(", ".join(own))
    return RelocateError(
        "bad_option",
        "{0} would start again after a reboot: {1} wants it even when it is disabled".format(unit, ", ".join(wakers)),
        named if own else "give {0} an [Install] section, then enable it".format(unit),
    )


def goes_with_disabling(unit: Unit, waker: str) -> bool:
    """Tell whether the unit starts with another only by an administrator's link, as ``systemctl enable`` makes it."""
    if not unit.enabled:
        return False  # it will not be disabled either
    if unit.file_state == "generated":
        return True
    kinds = ("wants", "requires", "upholds")
    user, target = split(waker)
    own = lookup_user(user) if user else None
    with acting_as(own):  # his links are looked at with his rights
        return any(
            os.path.islink("{0}/{1}.{2}/{3}".format(top, target, kind, split(name)[1]))
            for top in ([os.path.join(own.home, _OF_USER)] if own is not None else _OWN)
            for kind in kinds
            for name in (unit.name, unit.real)
        )


def check_none_stray(systemd: Systemd, names: Sequence[str], path: str) -> None:
    """Refuse processes that a user's own systemd runs in the project's directory, and that no unit of it stops.

    A program that left its unit, or was started in a scope, would go on writing.
    """
    for user in filter(None, by_user(names)):
        manager = systemd.manager(user)
        group = manager.group()
        with acting_as(manager.user):  # in a container, root may not see where others' processes run
            found = groups.stray(group, path)
        if found:
            raise RelocateError(
                "unit_failed",
                "{0}'s units are stopped, but processes of no service still run in {1}: {2}".format(
                    user, path, ", ".join(map(str, found[:_SHOWN]))
                ),
                "end them (kill {0}), then run the same command again".format(" ".join(map(str, found[:_SHOWN]))),
            )


def unit_states(units: Sequence[str]) -> Dict[str, Unit]:
    """Return how each unit is now, by one question to systemd; names may lack ``.service``."""
    names = [unit_name(name) for name in units]
    return Systemd().states(names) if names else {}


def require(units: Sequence[str]) -> None:
    """Raise what a freeze would: unit_unknown, naming all that this host does not have; program_missing; bad_option."""
    found = unit_states(units)
    check_known(found.values())
    if found:
        systemd = Systemd()
        check_stays_stopped(systemd, {**found, **systemd.states(list(started_by(systemd, found)))})


def unclean_stops(units: Sequence[str]) -> List[str]:
    """Return what may keep each unit from stopping whole and in time, of what these start too; nothing is stopped."""
    found = unit_states(units)
    if not found:
        return []
    systemd = Systemd()
    whole = {**found, **systemd.states(list(started_by(systemd, found)))}
    return ["unit {0} has {1}".format(name, text) for name, unit in whole.items() for text in spans.unclean_stop(unit)]


def running(path: str, kept_running: Sequence[str] = ()) -> List[Obstacle]:
    """One obstacle when the site runs on the host that its data comes to: it would write while that is replaced.

    :param path: the project's directory; what runs in it counts, not others of its units, such as nginx
    :param kept_running: units that may run all the same; ``*`` is everything
    """
    if "*" in kept_running or not os.path.isdir(RUNNING):
        return []
    spared = {unit_name(name) for name in kept_running}
    up = [unit.name for unit in _running_below(path) if unit.name not in spared]
    if not up:
        return []
    return [
        Obstacle(
            "site_running",
            "{0} {1} here, and would write while the data of the site is replaced".format(
                ", ".join(up), "runs" if len(up) == 1 else "run"
            ),
            "{0}, then run again; the site is started when its data is proven. What is not the site "
            "itself can be named in relocate_services_kept_running".format(by_hand("stop", up)),
        )
    ]


def _running_below(path: str) -> List[Unit]:
    """The units that run something of a directory: the system's, and those of its owner's own systemd."""
    systemd = Systemd()
    return [unit for user in ("", *_owners(path)) for unit in systemd.running_below(path, user)]


def _owners(path: str) -> List[str]:
    try:
        user = lookup_user(os.stat(path).st_uid)
    except OSError:
        return []
    return [user.name] if user is not None and user.uid != 0 else []


def unnamed(path: str, units: Sequence[str], kept_running: Sequence[str]) -> List[Obstacle]:
    """One obstacle for each unit that runs the project on this host and that nobody named: it would go on writing.

    :param path: the project's directory
    :param units: what the move stops; what one of these starts goes with it
    :param kept_running: units that go on running on purpose; ``*`` is everything
    """
    if "*" in kept_running or not os.path.isdir(RUNNING):
        return []
    named = {unit_name(name) for name in (*units, *kept_running)}
    found = []
    for unit in _running_below(path):
        if unit.name not in named and not named & set(unit.triggered_by):
            found.append(unit_unnamed(unit.name))
    return found


def unit_unnamed(name: str) -> Obstacle:
    """Return the obstacle that a unit is which nobody named."""
    return Obstacle(
        "unit_unnamed",
        "unit {0} runs the project, and relocate_services does not name it".format(name),
        "add it to relocate_services when it is of the site, else to relocate_services_kept_running, as a backup of it",
    )


def users(units: Sequence[str]) -> List[str]:
    """Return the users in the User= lines of units that this host has, and those whose own systemd has some."""
    if not units or not os.path.isdir(RUNNING):
        return []
    return Systemd().users([unit_name(name) for name in units])
