# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""System users of this host: found by name, and acted as within this process."""

from __future__ import annotations

import contextlib
import os
import pwd
import threading
from typing import Iterator, Optional, Union

from ansible_collections.relocate.django.plugins.module_utils._errors import AS_ROOT, RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser


def current_user() -> SystemUser:
    """Return the user of this process, by effective uid."""
    uid = os.geteuid()
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return SystemUser(name=str(uid), uid=uid, gid=os.getegid(), groups=tuple(os.getgroups()))
    return _from_entry(entry)


def lookup_user(name_or_uid: Union[str, int]) -> Optional[SystemUser]:
    """A user of this host by name or uid, or None."""
    try:
        by_uid = isinstance(name_or_uid, int)
        return _from_entry(pwd.getpwuid(int(name_or_uid)) if by_uid else pwd.getpwnam(str(name_or_uid)))
    except KeyError:
        return None


def _from_entry(entry: pwd.struct_passwd) -> SystemUser:
    # Asked of the name service: directories such as LDAP seldom list all their groups.
    groups = {entry.pw_gid, *os.getgrouplist(entry.pw_name, entry.pw_gid)}
    return SystemUser(
        name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid, groups=tuple(sorted(groups)), home=entry.pw_dir
    )


#: The effective ids belong to the whole process: no other thread may start a program or change them meanwhile.
IDS = threading.RLock()


@contextlib.contextmanager
def acting_as(user: Optional[SystemUser]) -> Iterator[None]:
    """Hold the effective ids of a user within this process, as peer authentication and SQLite files need.

    A no-op when the user is None or already the effective one. Other threads wait, so keep the block short. Raises
    :class:`RelocateError` (right_missing) when this process may not change its user.
    """
    if user is None:
        yield
        return
    with IDS, _changed_ids(user):
        yield


@contextlib.contextmanager
def _changed_ids(user: SystemUser) -> Iterator[None]:
    if user.uid == os.geteuid():
        yield
        return
    groups, gid, uid = os.getgroups(), os.getegid(), os.geteuid()
    if uid != 0:
        raise RelocateError(
            "right_missing",
            "this task runs as uid {0} and cannot act as {1}".format(uid, user.name),
            AS_ROOT,
        )
    os.setgroups(list(user.groups))
    os.setegid(user.gid)
    os.seteuid(user.uid)
    try:
        yield
    finally:
        os.seteuid(uid)
        os.setegid(gid)
        os.setgroups(groups)
