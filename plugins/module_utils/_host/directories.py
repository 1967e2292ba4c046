# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Directories made where somebody else can write, each given to whom it belongs."""

from __future__ import annotations

import errno
import os
from typing import Callable, List, Optional, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host.openat import DIRECTORY_ONLY, Place, Rights, parent
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as, lookup_user

#: Where the system keeps what is its own: a directory that root makes there could be more than a directory.
_SYSTEM = (
    "/bin /boot /dev /etc /lib /lib32 /lib64 /libx32 /proc /root /run /sbin /sys /usr "
    "/var/lib/confexts /var/lib/extensions /var/lib/machines /var/lib/portables /var/lib/systemd /var/run /var/spool"
).split()
#: Of /usr/local, where administrators put what is theirs, only what programs of root's look into: units, libraries of
#: the linker, Perl and Python, certificates, completions of shells.
_LOCAL = "bin etc games include lib lib32 lib64 libexec libx32 man sbin share".split()


def _missing(path: str) -> Tuple[List[str], str]:
    """The directories that are not there, the topmost first, and what is there above them. Raises path_refused."""
    if not os.path.isabs(path):
        raise RelocateError(
            "path_refused", "{0!r} is not an absolute path".format(path), "write the whole path, from /"
        )
    missing: List[str] = []
    above = os.path.normpath(path)
    while not os.path.lexists(above):
        missing.insert(0, above)
        above = os.path.dirname(above)
    return missing, above


def make_directories(
    path: str,
    owner: Optional[SystemUser],
    rights: Callable[[str], Rights],
    check: Optional[Callable[[str, Place, Rights], None]] = None,
) -> List[str]:
    """Make a directory and those above it; returns the paths that were made.

    Each is made with the rights of whoever can write the one above it, and then given to whom it is to belong.

    :param rights: asked with the path of each directory that is missing
    :param check: called with the real path of each, the place that it is to lie in, and its rights

    Raises OSError, path_refused.
    """
    missing, _above = _missing(path)
    for each in missing:
        with parent(each, owner) as (place, name):
            wanted = rights(each)
            if check is not None:
                check(os.path.join(os.readlink("/proc/self/fd/{0}".format(place.handle)), name), place, wanted)
            make_one(place, name, wanted)
    return missing


def make_for_owner(path: str, owner: Optional[SystemUser], rights: Callable[[str], Rights], what: str) -> List[str]:
    """As :func:`make_directories`, for a path that a host named: not in the system's directories.

    In a third's directory only his own are made.

    :param what: what names it. Raises OSError, path_refused.
    """

    def check(real: str, place: Place, wanted: Rights) -> None:
        _refuse_place(real, what, owner, place.user is None)
        if owner is not None and place.user not in (None, owner) and place.user.uid != wanted.uid:
            raise _of_a_third(path, owner)

    return make_directories(path, owner, rights, check)


def check_for_owner(path: str, owner: Optional[SystemUser], rights: Callable[[str], Rights], what: str) -> None:
    """Raise what :func:`make_for_owner` would; nothing is made.

    :param owner: None while he is not there: whose the directory above is to be is not asked then
    """
    missing, above = _missing(path)
    if not missing:
        return
    with parent(missing[0], owner) as (place, _name):
        real, holder = os.readlink("/proc/self/fd/{0}".format(place.handle)), place.user
    uid = 0 if holder is None else holder.uid
    for each in missing:
        _refuse_place(real.rstrip("/") + each[len(above.rstrip("/")) :], what, owner, uid == 0)
        wanted = rights(each)
        if owner is not None and uid not in (0, owner.uid, wanted.uid) and os.geteuid() == 0:
            raise _of_a_third(path, owner)
        uid = wanted.uid


def _refuse_place(real: str, what: str, owner: Optional[SystemUser], by_root: bool) -> None:
    refuse_system(real, what, owner is not None and owner.uid == 0)
    if by_root:  # elsewhere its directory's user makes it, who needs no leave in a checkout of his
        _refuse_home(real, what, owner)


def _of_a_third(path: str, owner: SystemUser) -> RelocateError:
    return RelocateError(
        "path_refused",
        "{0} cannot be made: the directory above it belongs neither to root nor to {1}".format(path, owner.name),
        "create {0} for the project's owner".format(path),
    )


def make_one(place: Place, name: str, rights: Rights) -> None:
    """Make a directory that is not there yet, and give it to whom it is to belong. Raises OSError."""
    with acting_as(place.user):
        os.mkdir(name, 0o700, dir_fd=place.handle)
        made = os.open(name, DIRECTORY_ONLY, dir_fd=place.handle)
    try:
        if os.fstat(made).st_uid != (os.geteuid() if place.user is None else place.user.uid):
            raise OSError(errno.EEXIST, "somebody exchanged it", name)
        if os.geteuid() == 0:
            os.fchown(made, rights.uid, rights.gid)
        os.fchmod(made, rights.mode)  # whatever the umask
    finally:
        os.close(made)


def refuse_system(path: str, what: str, home: bool = False) -> None:
    """Refuse the system's directories for what a host named.

    :param what: what names it
    :param home: whether it may be in root's home, as that of a project that is root's own

    Raises path_refused.
    """
    for top in _SYSTEM:
        homely = top == "/root" and home
        if (path + "/").startswith(top + "/") and not homely and not _is_local(path):
            raise RelocateError(
                "path_refused",
                "{0} cannot be {1}: it lies in a directory of the system".format(path, what),
                "correct {0} in the settings".format(what),
            )


def _is_local(path: str) -> bool:
    """Tell whether a path lies in /usr/local, where no program of root's looks for anything."""
    return path.startswith("/usr/local/") and path.split("/")[3] not in _LOCAL


def _refuse_home(path: str, what: str, owner: Optional[SystemUser]) -> None:
    """Refuse to make as root what would be another user's home, once he logs in: whoever fills it could be him."""
    parts = path.split("/")
    name = parts[2] if parts[1] == "home" and len(parts) > 2 else ""
    if name and owner is not None and name != owner.name and not _below(path, owner.home) and lookup_user(name):
        raise RelocateError(
            "path_refused",
            "{0} cannot be {1}: it is, or lies in, the home of {2}".format(path, what, name),
            "correct {0} in the settings, or create {1} for the project's owner".format(what, path),
        )


def _below(path: str, top: str) -> bool:
    return bool(top.strip("/")) and (path + "/").startswith(top.rstrip("/") + "/")
