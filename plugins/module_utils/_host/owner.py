# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decides who may own a project on new: another host or a set names the user, and project code runs as that user."""

from __future__ import annotations

import contextlib
import glob
import grp
import os
import pwd
import re
from typing import FrozenSet, List, Optional, Sequence

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host.directories import refuse_system

#: What the role checkout writes into the entry of a user that it makes, so that a later run knows him again.
MADE_BY_US = "relocate.django"
#: Groups that are as good as root, or read what is everybody's.
_POWERFUL = frozenset(
    "root sudo wheel admin adm shadow disk kmem docker podman lxd lxc incus libvirt kvm systemd-journal "
    "postgres mysql backup operator staff ssl-cert ssh _ssh".split()
)
_SHAPE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,31}")
_NOBODY = 65534
_LOGIN_DEFS = "/etc/login.defs"
#: Who names users that may become root; a user who is not there yet may be named too, such as one of an image.
_RULES = ("/etc/sudoers", "/etc/sudoers.d/*", "/usr/local/etc/sudoers", "/etc/doas.conf", "/etc/doas.d/*.conf")


def check_owner(name: str, wanted: str = "", home: str = "", allow_root: bool = False) -> bool:
    """Return whether the user is there already. Raises owner_refused.

    :param name: the owner, as the old host or the set says
    :param wanted: relocate_owner; whom the user named himself may be a user of the system
    :param home: his home directory, as the old host or the set says
    :param allow_root: whether project code may run as root
    """
    if not _SHAPE.fullmatch(name):
        raise _refused("{0!r} is no name of a user".format(name[:40]), "set relocate_owner")
    if wanted and name != wanted:
        raise _refused(
            "the project belongs to {0} there, and relocate_owner is {1}".format(name, wanted),
            "set relocate_owner to the one whom you mean",
        )
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        _check_new(name, wanted, home)
        return False
    if entry.pw_uid == 0:
        if not allow_root:
            raise _refused(
                "{0} is root here".format(name), "set relocate_allow_root: true if project code may run as root"
            )
        return True
    reason = "" if wanted else _power(entry)
    if reason:
        raise _refused(
            "{0} is {1} on this host, and project code would run as him".format(name, reason),
            "set relocate_owner: {0} if you mean him; another owner: chown the project on old first".format(name),
        )
    return True


def _check_new(name: str, wanted: str, home: str) -> None:
    """Raise owner_refused for a user who is not there yet and cannot be made as he is described."""
    _check_home(name, home)
    if not wanted and _may_become_root(name):
        raise _refused(
            "{0} is not a user of this host, but may become root once he is".format(name),
            "take him out of sudoers, or set relocate_owner: {0} if you mean him".format(name),
        )


def how_to_make(name: str) -> str:
    """Return what to do on a host that lacks the owner: a plain user of the system would be refused afterwards."""
    command = "useradd --system --comment {0} {1}".format(MADE_BY_US, name)
    return "make it: {0}; or let relocate_install be true".format(command)


def _power(entry: pwd.struct_passwd) -> str:
    """Return what makes a user more than the owner of a project; empty for one that is not."""
    powerful = sorted(_POWERFUL & set(_groups_of(entry)))
    if powerful:
        return "a member of " + ", ".join(powerful)
    if _may_become_root(entry.pw_name):
        return "named in the rules of sudo or doas"
    made = entry.pw_gecos.split(",")[0] == MADE_BY_US
    if entry.pw_uid == _NOBODY or (entry.pw_uid <= _last_of_system() and not made):
        return "a user of the system (uid {0})".format(entry.pw_uid)
    return ""


def _may_become_root(name: str, rules: Sequence[str] = _RULES) -> bool:
    """Tell whether a rule of sudo or doas names a user, whatever it lets him do; what cannot be read has no rules."""
    known_as = _known_as(name)
    for path in [found for pattern in rules for found in sorted(glob.glob(pattern))]:
        with contextlib.suppress(OSError), open(path, encoding="utf-8", errors="replace") as stream:
            for line in stream.read().replace("\\\n", " ").splitlines():
                doas = os.path.basename(path).startswith("doas") or "/doas.d/" in path
                if not known_as.isdisjoint(_named_by(line, doas)):
                    return True
    return False


def _known_as(name: str) -> FrozenSet[str]:
    """By which words rules may name a user: sudo's ``%`` and doas's ``:`` stand before a group, ``#`` before a number.

    One who is not there yet gets a group of his name, when there is none.
    """
    found = {name}
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        with contextlib.suppress(KeyError):
            grp.getgrnam(name)
            return frozenset(found)
        return frozenset(found | {"%" + name, ":" + name})
    found.add("#{0}".format(entry.pw_uid))
    found.update("%#{0}".format(gid) for gid in os.getgrouplist(name, entry.pw_gid))
    found.update(sign + group for group in _groups_of(entry) for sign in "%:")
    return frozenset(found)


def _named_by(line: str, doas: bool) -> List[str]:
    """The words by which a line of such rules names users: before the ``=`` of a rule, or after that of an alias."""
    # Before digits it is no comment, but the number of a user or group.
    words = re.split(r"#(?!\d)", line.replace('"', " "))[0]
    if doas:
        named = re.split(r"\s(?:as|cmd)\s", words)[0].split()
        return named[1:] if named[:1] == ["permit"] else []
    if words.lstrip().startswith("Defaults"):
        return []
    if not words.lstrip().startswith("User_Alias"):
        words = words.partition("=")[0]
    return re.split(r"[\s,:=]+", words)


def _groups_of(entry: pwd.struct_passwd) -> List[str]:
    names = []
    for gid in os.getgrouplist(entry.pw_name, entry.pw_gid):
        try:
            names.append(grp.getgrgid(gid).gr_name)
        except KeyError:
            continue
    return names


def _last_of_system(path: str = _LOGIN_DEFS) -> int:
    """The greatest uid that this host gives to users of the system."""
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            found: Optional[re.Match[str]] = re.search(r"(?m)^\s*SYS_UID_MAX\s+(\d+)\s*$", stream.read())
    except OSError:
        found = None
    return int(found.group(1)) if found else 999


def _check_home(name: str, home: str) -> None:
    """A home is made as root and given away: never where root's own files are read."""
    if home in ("", "/", "/nonexistent"):
        return
    if not os.path.isabs(home) or os.path.normpath(home) != home.rstrip("/") or not home.isprintable():
        raise _refused(
            "{0} has no path as home: {1!r}".format(name, home[:80]),
            "create the user on new yourself (useradd --system NAME)",
        )
    try:
        refuse_system(os.path.realpath(home) + "/", "the home of {0}".format(name))
    except RelocateError as error:
        raise _refused(error.msg, "create the user on new yourself (useradd --system NAME)") from error


def _refused(msg: str, hint: str) -> RelocateError:
    return RelocateError("owner_refused", msg, hint)
