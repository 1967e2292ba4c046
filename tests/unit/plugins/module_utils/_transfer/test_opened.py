# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A connection that stays open for the window; by a real server in tests/engines/test_transfer.py."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._transfer import opened, rsync
from ansible_collections.relocate.django.plugins.module_utils._transfer.rsync import Way

WAY = Way("shop", "/w/transfer/100% shop", ["192.0.2.1"], 2222, "admin")


def test_the_connection_asks_for_nothing_itself() -> None:
    argv = opened.master_argv(WAY, "192.0.2.1", "/usr/bin/ssh")
    assert argv[0] == "/usr/bin/ssh" and "ControlMaster=yes" in argv
    assert "ServerAliveInterval=5" in argv and "ServerAliveInterval=15" in rsync.ssh_argv(WAY)
    assert 'ControlPath="/w/transfer/100%% shop/connection"' in argv
    assert argv[-2:] == ["-N", "admin@192.0.2.1"]
    assert "StrictHostKeyChecking=yes" in argv


def test_rsync_shares_a_connection_only_where_one_is_given() -> None:
    assert "ControlPath=none" in rsync.ssh_argv(WAY) and "ControlMaster=no" in rsync.ssh_argv(WAY)
    assert 'ControlPath="/w/100%% x"' in rsync.ssh_argv(replace(WAY, control="/w/100% x"))


@pytest.mark.parametrize("keys", ["/w/" + "x" * 90, "/nowhere"])
def test_without_a_way_nothing_is_started(keys: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path that is no name of a socket, and a host that no address of answers."""
    monkeypatch.setattr(
        opened, "reachable", lambda *_: ([], ["refused"]) if keys == "/nowhere" else pytest.fail("asked")
    )
    monkeypatch.setattr(opened, "start_beside", lambda *_: pytest.fail("was started"))
    assert not opened.keep_open(replace(WAY, keys=keys))
    assert opened.socket_of(keys) == ""


class Ended:
    """A program that has ended by itself."""

    pid = 0

    def poll(self) -> int:
        return 255


def test_one_address_after_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def start(command: object) -> Ended:
        asked.append(command.argv[-1])  # type: ignore[attr-defined]
        return Ended()

    monkeypatch.setattr(opened, "reachable", lambda *_: (["192.0.2.1", "192.0.2.2"], []))
    monkeypatch.setattr(opened, "require_program", lambda name: name)
    monkeypatch.setattr(opened, "start_beside", start)
    assert not opened.keep_open(replace(WAY, keys=str(tmp_path)))
    assert asked == ["admin@192.0.2.1", "admin@192.0.2.2"]


class Silent(Ended):
    """A program that waits for a host which says nothing."""

    pid = 4242

    def poll(self) -> None:  # type: ignore[override]
        return None


def test_who_waits_for_a_silent_host_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it would be there, and might get through, when another address has been taken."""
    killed: list[int] = []
    monkeypatch.setattr(opened, "_PATIENCE", 0)
    monkeypatch.setattr(opened, "reachable", lambda *_: (["192.0.2.1"], []))
    monkeypatch.setattr(opened, "require_program", lambda name: name)
    monkeypatch.setattr(opened, "start_beside", lambda _command: Silent())
    monkeypatch.setattr(opened.os, "killpg", lambda group, _signal: killed.append(group))
    assert not opened.keep_open(replace(WAY, keys=str(tmp_path)))
    assert killed == [Silent.pid]
