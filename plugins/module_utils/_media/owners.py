# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records users, groups and modes of MEDIA on old, and gives them to the copy on new.

A service may run as another user than the project's owner: what is his on old must be his on new, or uploads fail. Old
and new have numbers of their own, so names are recorded, and no name at all for the project's owner and for root.
Files change hands by descriptor, one component at a time, and only those that belong to the owner of the copy.
"""

from __future__ import annotations

import contextlib
import grp
import hashlib
import os
import pwd
import re
import stat
from typing import Any, Collection, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple
from urllib.parse import quote

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import openat
from ansible_collections.relocate.django.plugins.module_utils._model import Obstacle, SystemUser
from ansible_collections.relocate.django.plugins.module_utils._users import lookup_user

_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_DIGEST = 1 << 256
_MOST = 2000  # places at which user, group or mode of a directory change
NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_.-]{0,31}\Z")
_NO_MODE = -1  # files have theirs from the copy

Place = Tuple[str, str, int]  # user, group, mode of a directory


class Recorder:
    """Takes in a tree in the order of a walk, each directory before its content; memory is flat.

    Noted is where a user, group or directory's mode differs from those of the directory around it.
    """

    def __init__(self, owner: SystemUser, top: os.stat_result) -> None:
        self._owner = owner
        self._users: Dict[int, str] = {owner.uid: "", 0: ""}
        self._groups: Dict[int, str] = {owner.gid: "", 0: ""}
        self._above: List[Tuple[str, Place]] = []
        self._places: Dict[str, List[Any]] = {}
        self._more = 0
        self._total = 0
        self._seen: "Tuple[set[str], set[str]]" = (set(), set())
        self.take("", top)

    def take(self, name: str, status: os.stat_result) -> None:
        """Note one file or directory."""
        directory = stat.S_ISDIR(status.st_mode)
        user, group = self._user(status.st_uid), self._group(status.st_gid)
        mode = stat.S_IMODE(status.st_mode) & (0o3777 if directory else 0o777)
        place = (user, group, mode if directory else _NO_MODE)
        around = self._place_around(name)
        compared = 3 if directory else 2  # of a file, user and group alone
        if around is None or place[:compared] != around[:compared]:
            self._note(name, place)
        if directory:
            self._above.append((name + "/" if name else "", place))
        text = os.fsencode(name) + "\0{0}\0{1}\0{2:o}".format(user, group, mode).encode("utf-8", "surrogateescape")
        self._total = (self._total + int.from_bytes(hashlib.sha256(text).digest(), "big")) % _DIGEST

    def _place_around(self, name: str) -> Optional[Place]:
        """The place of the directory that holds the name; None for the top."""
        while self._above and not name.startswith(self._above[-1][0]):
            self._above.pop()
        return self._above[-1][1] if self._above else None

    def _note(self, name: str, place: Place) -> None:
        if len(self._places) < _MOST:
            self._places[_quoted(name)] = list(place)
        else:
            self._more += 1

    def _user(self, uid: int) -> str:
        if uid not in self._users:
            try:
                self._users[uid] = pwd.getpwuid(uid).pw_name
            except KeyError:
                self._users[uid] = str(uid)
        self._seen[0].add(self._users[uid])
        return self._users[uid]

    def _group(self, gid: int) -> str:
        if gid not in self._groups:
            try:
                self._groups[gid] = grp.getgrgid(gid).gr_name
            except KeyError:
                self._groups[gid] = ""  # a number without a name means nothing on another host
        self._seen[1].add(self._groups[gid])
        return self._groups[gid]

    def result(self) -> Dict[str, Any]:
        """Places, a digest of all users, groups and modes, the names in them; how many places found no room."""
        return {
            "places": self._places,
            "digest": "{0:064x}".format(self._total),
            "users": sorted(self._seen[0] - {""}),
            "groups": sorted(self._seen[1] - {""}),
            "more": self._more,
        }


def _quoted(name: str) -> str:
    """A name as JSON and terminals can carry it, and without loss."""
    return quote(os.fsencode(name), safe="/ ")


def differs(recorded: Mapping[str, Any], found: Mapping[str, Any], owner: SystemUser) -> List[str]:
    """Return what of users, groups and modes is not as recorded; nothing for a set that records none."""
    if not recorded or recorded["digest"] == found["digest"] or owner.name in recorded["users"]:
        return []  # where the owner here is the one who had files of his own there, both are one
    before, after = recorded["places"], found["places"]
    names = [name for name in sorted(set(before) | set(after)) if before.get(name) != after.get(name)]
    shown = ", ".join("{0} {1}".format(name or "MEDIA_ROOT itself", _told(before, after, name)) for name in names[:5])
    return ["owner, group or mode of files in MEDIA_ROOT differ" + (": " + shown if shown else "")]


def _told(before: Mapping[str, Any], after: Mapping[str, Any], name: str) -> str:
    texts = [_as_text(side[name]) if name in side else "like its directory" for side in (before, after)]
    return "(recorded {0}, found {1})".format(*texts)


def _as_text(place: Sequence[Any]) -> str:
    who = "{0}:{1}".format(place[0] or "the owner", place[1] or "his group")
    return who if place[2] == _NO_MODE else "{0} {1:04o}".format(who, place[2])


# --- who is needed on new


def obstacles(rights: Mapping[str, Any], made: Collection[str], owner: str) -> List[Obstacle]:
    """Whom MEDIA belongs to on old and this host lacks.

    :param made: users that a step before the copy makes
    :param owner: the project's owner here
    """
    if not rights:
        return []
    if rights.get("more"):
        msg = "users, groups or modes in MEDIA_ROOT change at more than {0} places".format(_MOST)
        return [_obstacle(msg, "chown -R it to the user that the site runs as")]
    expected = {*made, owner}
    users = [name for name in rights["users"] if name not in expected]
    groups = [name for name in rights["groups"] if name not in expected]
    found = [*_users_without_name(users), *_users_lacking(users), *_groups_lacking(groups)]
    if not found and not _may_give_to(users, rights["groups"]):
        msg = "MEDIA_ROOT holds files of users other than the project's owner, and only root can give files away"
        found.append(_obstacle(msg, "let the connection's user become root, or chown the files on old"))
    return found


def _users_without_name(users: Sequence[str]) -> List[Obstacle]:
    strange = [name for name in users if not NAME.match(name)]
    if not strange:
        return []
    msg = "MEDIA_ROOT holds files of users without a name: {0}".format(", ".join(strange))
    return [_obstacle(msg, "chown them on old to the user that the site runs as")]


def _users_lacking(users: Sequence[str]) -> List[Obstacle]:
    lacking = [name for name in users if NAME.match(name) and _uid(name) is None]
    if not lacking:
        return []
    msg = "MEDIA_ROOT holds files of {0}, who {1} not on this host: the site could not write them".format(
        ", ".join(lacking), "is" if len(lacking) == 1 else "are"
    )
    hint = "create them here (useradd --system NAME), add the unit that runs as them to relocate_services, or chown"
    return [_obstacle(msg, hint + " the files on old to the project's owner")]


def _groups_lacking(groups: Sequence[str]) -> List[Obstacle]:
    lacking = [name for name in groups if _gid(name) is None]
    if not lacking:
        return []
    msg = "MEDIA_ROOT holds files of groups that are not on this host: {0}".format(", ".join(lacking))
    return [_obstacle(msg, "create them here (groupadd --system NAME), or chgrp the files on old")]


def _may_give_to(users: Collection[str], groups: Iterable[str]) -> bool:
    """Tell whether this process may give files away to all of them: root may, others to their own groups alone."""
    return os.geteuid() == 0 or (not users and {_gid(name) for name in groups} <= {*os.getgroups()})


def _obstacle(msg: str, hint: str) -> Obstacle:
    return Obstacle("media_owners", msg, hint)


def check(rights: Mapping[str, Any], owner: SystemUser) -> None:
    """Raise the first of :func:`obstacles`, before anything is written."""
    for found in obstacles(rights, (), owner.name):
        raise RelocateError(found.code, found.msg, found.hint)


def _uid(name: str) -> Optional[int]:
    user = lookup_user(name)
    return user.uid if user is not None and user.uid != 0 else None


def _gid(name: str) -> Optional[int]:
    try:
        return grp.getgrnam(name).gr_gid or None
    except KeyError:
        return None


# --- changing hands


def numbers(rights: Mapping[str, Any], owner: SystemUser) -> List[int]:
    """Return the numbers on this host of the users whom :func:`give` would give files; nobody's, when it cannot."""
    found = {_uid(str(name)) for name in rights.get("users", ())} if os.geteuid() == 0 else set()
    return sorted(uid for uid in found if uid is not None and uid != owner.uid)


def give(path: str, owner: SystemUser, rights: Mapping[str, Any], skip: Sequence[str] = ()) -> int:
    """Give what the copy's owner holds below a directory to whom it belonged on old, with the modes of directories.

    :returns: how many files and directories were changed
    Raises media_owners before any change.
    """
    if not rights:
        return 0
    check(rights, owner)
    places = {name: (str(item[0]), str(item[1]), int(item[2])) for name, item in rights["places"].items()}
    work = _Give(owner, places, frozenset(skip))
    with _top(path, owner) as (handle, _led):
        work.directory(handle, "", ("", "", 0o755))
    return work.changed


@contextlib.contextmanager
def _top(path: str, owner: SystemUser) -> Iterator[Tuple[int, bool]]:
    """MEDIA_ROOT, open, and whether a link led there that somebody else than root could change."""
    with openat.directory(path, owner) as place, _opened(".", place.handle) as handle:
        yield handle, place.led


@contextlib.contextmanager
def _opened(name: str, above: int) -> Iterator[int]:
    handle = os.open(name, _OPEN, dir_fd=above)
    try:
        yield handle
    finally:
        os.close(handle)


class _Give:
    def __init__(self, owner: SystemUser, places: Mapping[str, Place], skip: Collection[str]) -> None:
        self._owner, self._places, self._skip = owner, places, skip
        self.changed = 0

    def directory(self, handle: int, name: str, around: Place) -> None:
        """Change what is in an open directory, then the directory: nobody else can write it meanwhile."""
        place = self._places.get(_quoted(name), around)
        for base in sorted(os.listdir(handle)):
            below = name + "/" + base if name else base
            if below not in self._skip:
                with contextlib.suppress(OSError), _opened(base, handle) as child:  # a link, a socket, gone by now
                    self._child(child, below, place)
        self._hand_over(handle, place)

    def _child(self, handle: int, name: str, around: Place) -> None:
        status = os.fstat(handle)
        if stat.S_ISDIR(status.st_mode):
            self.directory(handle, name, around)
        elif stat.S_ISREG(status.st_mode) and status.st_nlink == 1:
            self._hand_over(handle, self._places.get(_quoted(name), around)[:2] + (_NO_MODE,))

    def _hand_over(self, handle: int, place: Place) -> None:
        status = os.fstat(handle)
        if status.st_uid != self._owner.uid:
            return
        uid = (_uid(place[0]) if place[0] else None) or self._owner.uid
        gid = _gid(place[1]) if place[1] else self._owner.gid
        mode = stat.S_IMODE(status.st_mode)
        wanted = mode & 0o777 if place[2] == _NO_MODE else place[2] & 0o3777
        if (uid, gid) != (status.st_uid, status.st_gid):
            os.fchown(handle, uid, -1 if gid is None else gid)
        if (uid, gid, wanted) != (status.st_uid, status.st_gid, mode):
            os.fchmod(handle, wanted)  # chown takes a directory's bit of the group away
            self.changed += 1


def take_back(path: str, owner: SystemUser, given: Sequence[int], skip: Sequence[str] = ()) -> int:
    """Make files the copy's owner's again that :func:`give` gave away, so that the copy can go on; returns how many.

    :param given: numbers of users, as the record of this host has them
    """
    users = {uid for uid in given if isinstance(uid, int) and uid not in (0, owner.uid)}
    if not users or os.geteuid() != 0 or not os.path.isdir(path):
        return 0
    with _top(path, owner) as (handle, led):
        if led and os.fstat(handle).st_uid != owner.uid:
            return 0  # a link that he could change leads to what may never have been his
        return _take(handle, "", owner, users, frozenset(skip))


def _take(handle: int, name: str, owner: SystemUser, users: "set[int]", skip: Collection[str]) -> int:
    changed = _take_one(handle, owner, users)  # the directory first: from here on its former owner cannot write it
    for base in os.listdir(handle):
        below = name + "/" + base if name else base
        if below in skip:
            continue
        with contextlib.suppress(OSError), _opened(base, handle) as child:
            status = os.fstat(child)
            if stat.S_ISDIR(status.st_mode):
                changed += _take(child, below, owner, users, skip)
            elif stat.S_ISREG(status.st_mode) and status.st_nlink == 1:
                changed += _take_one(child, owner, users)
    return changed


def _take_one(handle: int, owner: SystemUser, users: "set[int]") -> int:
    status = os.fstat(handle)
    if status.st_uid not in users:
        return 0
    os.fchown(handle, owner.uid, -1)
    os.fchmod(handle, stat.S_IMODE(status.st_mode) & (0o3777 if stat.S_ISDIR(status.st_mode) else 0o777))
    return 1
