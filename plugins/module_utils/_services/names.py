# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of units: those of the system, and ``~shop/web.service``, which is web.service of shop's own systemd. Pure."""

from __future__ import annotations

import re
from typing import Dict, Iterable, List, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError

_SUFFIXES = (".service", ".socket", ".timer", ".path", ".target", ".mount", ".automount", ".slice", ".swap")
_NAME = re.compile(r"^[A-Za-z0-9:_][A-Za-z0-9:_.\\@-]*\Z")
_USER = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}\Z")


def is_name(name: str) -> bool:
    """Tell whether this can be the name of one unit, as systemd writes it."""
    return _NAME.match(name) is not None


def unit_name(name: str) -> str:
    """A unit's full name: ``.service`` unless it has a suffix. Raises bad_option for patterns and options."""
    user, unit = split(name)
    if not is_name(unit) or (user and not _USER.match(user)):
        raise RelocateError(
            "bad_option",
            "{0!r} is not the name of a unit".format(name),
            "write the name of one unit, not a pattern; ~USER/NAME is a unit of a user's own systemd",
        )
    return name if name.endswith(_SUFFIXES) else name + ".service"


def reload_name(name: str) -> str:
    """Return the full name of a unit to reload. Raises bad_option for one of a user's own systemd.

    What is reloaded serves others too, as a web server does, and such a unit serves its user alone.
    """
    if split(name)[0]:
        raise RelocateError(
            "bad_option",
            "relocate_reload names {0}, a unit of a user's own systemd; it takes units of the system only".format(name),
            "name it in relocate_services instead, where the cutover starts it with the site",
        )
    return unit_name(name)


def split(name: str) -> Tuple[str, str]:
    """Return the user whose own systemd has the unit, "" for the system's, and its name there."""
    user, slash, unit = name[1:].partition("/") if name.startswith("~") else ("", "", name)
    return (user, unit) if user and slash else ("", name)


def qualified(user: str, unit: str) -> str:
    """Return how a unit of a user's own systemd is named among all; those of the system keep their names."""
    return "~{0}/{1}".format(user, unit) if user else unit


def by_user(names: Iterable[str]) -> Dict[str, List[str]]:
    """Return the names there by whose systemd has them, each once and in their order."""
    found: Dict[str, Dict[str, None]] = {}
    for name in names:
        user, unit = split(name)
        found.setdefault(user, {})[unit] = None
    return {user: list(units) for user, units in found.items()}


def by_hand(verb: str, names: Iterable[str]) -> str:
    """Return the commands by which a reader does it himself."""
    commands = []
    for user, units in by_user(names).items():
        own = "--user --machine={0}@ ".format(user) if user else ""
        commands.append("systemctl {0}{1} {2}".format(own, verb, " ".join(units)))
    return " and ".join(commands)


def journal(name: str) -> str:
    """Return the command that shows a unit's journal."""
    user, unit = split(name)
    return "journalctl _SYSTEMD_USER_UNIT={0}".format(unit) if user else "journalctl -u {0}".format(unit)
