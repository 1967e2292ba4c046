# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who this is, who somebody else is, and acting as him."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils import _users
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._process import Command, run
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as
from tests.unit.fakes import ROOT_ONLY, nobody, refused
from tests.unit.plugins.module_utils.programs import shared

__all__ = ["shared"]  # fixtures


def test_who_this_is() -> None:
    user = _users.current_user()
    assert (user.uid, user.gid in user.groups) == (os.geteuid(), True)
    assert _users.lookup_user(user.name) == _users.lookup_user(user.uid) == user


@pytest.mark.parametrize("name", ["no-such-user", 4123456789, "", "0"])
def test_lookup_of_nobody(name: str | int) -> None:
    assert _users.lookup_user(name) is None


@ROOT_ONLY
def test_acting_as(shared: Path) -> None:
    before = os.getresuid(), os.getresgid(), os.getgroups()
    with pytest.raises(ZeroDivisionError), acting_as(nobody()):
        (shared / "f").write_text("")
        with pytest.raises(PermissionError):
            open("/etc/shadow").close()
        with acting_as(nobody()):  # the same one again is nothing
            assert os.geteuid() == nobody().uid
        with refused("right_missing", r"runs as uid \d+ and cannot act as root.*become"), acting_as(_root()):
            pass
        with refused("right_missing", r"runs as uid \d+ and cannot run true as root.*become"):
            run(Command(["true"], user=_root()))
        raise ZeroDivisionError
    assert (os.getresuid(), os.getresgid(), os.getgroups()) == before
    assert (shared / "f").stat().st_uid == nobody().uid
    with acting_as(None):
        assert os.geteuid() == 0


def _root() -> SystemUser:
    found = _users.lookup_user("root")
    assert found is not None
    return found


@ROOT_ONLY
def test_threads_take_turns_at_the_users_ids() -> None:
    started, done = threading.Event(), threading.Event()
    ends: list[str] = []

    def other() -> None:
        ends.append(run(Command(["sh", "-c", "read word; id -u"]), stdin=b"go\n", on_start=started.set).out.strip())
        ends.append(run(Command(["id", "-u"])).out.strip())  # waits for the block's end
        done.set()

    thread = threading.Thread(target=other)
    thread.start()
    assert started.wait(5)
    with acting_as(nobody()):
        assert not done.wait(0.1)
    assert done.wait(5)
    thread.join()
    assert ends == ["0", "0"]
