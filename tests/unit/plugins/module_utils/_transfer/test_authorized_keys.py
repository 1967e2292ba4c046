# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file authorized_keys: a line is there and gone again, without a trace."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._transfer import authorized_keys, grant
from ansible_collections.relocate.django.plugins.module_utils._users import current_user
from tests.unit.fakes import refused
from tests.unit.plugins.module_utils._transfer.keys import LINE


def traces(path: Path) -> list[tuple[str, int, int, bytes]]:
    return [
        (
            str(item),
            item.lstat().st_mtime_ns,
            stat.S_IMODE(item.lstat().st_mode),
            item.read_bytes() if item.is_file() else b"",
        )
        for item in sorted([path, *path.rglob("*")])
    ]


def home(path: Path) -> SystemUser:
    me = current_user()
    return SystemUser(me.name, me.uid, me.gid, me.groups, str(path))


@pytest.mark.parametrize("present", ["nothing", "directory", "file"])
def test_a_key_file_is_left_as_it_was(tmp_path: Path, present: str) -> None:
    path = tmp_path / ".ssh" / "authorized_keys"
    if present != "nothing":
        path.parent.mkdir(0o755)
    if present == "file":
        path.write_bytes(b"a\nb")
        path.chmod(0o640)
        os.utime(path, ns=(1, 5_000_000_123))
        os.utime(path.parent, ns=(1, 7_000_000_123))
    before = traces(tmp_path)
    keys = authorized_keys.KeyFile(str(path), home(tmp_path))
    made = keys.missing()
    assert made == {"nothing": "directory", "directory": "file", "file": ""}[present]
    keys.write(grant.with_line(keys.read() or b"", LINE))
    assert LINE in path.read_bytes()
    if present != "file":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    rest = grant.without_lines(keys.read() or b"", "shop")
    if made:
        keys.remove(made)
    else:
        keys.write(rest)
    assert traces(tmp_path) == before


@pytest.mark.parametrize("which", ["file", "directory"])
def test_a_link_in_its_place_is_refused(tmp_path: Path, which: str) -> None:
    victim = tmp_path / "victim"
    if which == "file":
        (tmp_path / ".ssh").mkdir()
        victim.write_text("mine")
        (tmp_path / ".ssh" / "authorized_keys").symlink_to(victim)
    else:
        victim.mkdir()
        (tmp_path / ".ssh").symlink_to(victim)
    with refused("path_refused", "is a link, or belongs to somebody else"):
        authorized_keys.KeyFile(str(tmp_path / ".ssh" / "authorized_keys"), home(tmp_path)).read()
