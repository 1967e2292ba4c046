# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""All starters of a host together, as its units, tables and supervisors tell them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._discover import starters, user_units
from ansible_collections.relocate.django.plugins.module_utils._process import Command, Completed
from tests.unit.plugins.module_utils._discover.held import HeldFiles
from tests.unit.plugins.module_utils._discover.played_units import Played

SUPERVISED = "[program:shop]\ncommand=/opt/start\nuser=shop\n"
START = "#!/bin/sh\ncd /srv/shop\nexec venv/bin/gunicorn -c conf.py shop.wsgi\n"


def nothing(command: Command, **_options: Any) -> Completed:
    """Answer for package managers that know no file."""
    return Completed(tuple(command.argv), 1)


def test_a_program_of_supervisor_with_a_script_and_an_address_in_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(user_units, "_users", lambda _lingering: [])
    host = Played(tmp_path)
    text = "[Service]\nExecStart=/usr/bin/supervisord -n -c /etc/sv.conf\n"
    path = host.add("supervisor.service", text, ActiveState="active", UnitFileState="enabled")
    files = HeldFiles(
        {str(path): text, "/etc/sv.conf": SUPERVISED, "/opt/start": START, "/etc/cron.d/shop": "@daily root /opt/start"}
    )
    proc = tmp_path / "proc"
    (proc / "net").mkdir(parents=True)
    (proc / "net/unix").write_text("Num\n0: 2 0 00010000 1 1 301 /run/shop.sock\n")
    (proc / "40/fd").mkdir(parents=True)
    (proc / "40/fd/3").symlink_to("socket:[301]")
    (proc / "40/cgroup").write_text("0::/system.slice/supervisor.service\n")
    (proc / "40/cmdline").write_text("gunicorn: master [shop]\0")
    (proc / "40/cwd").symlink_to("/srv/shop")
    found = {one.name: one for one in starters.read(files, host.systemd, str(proc), nothing)}
    assert sorted(found) == ["/etc/cron.d/shop:1", "shop", "supervisor.service"]
    shop = found["shop"]
    assert (shop.directory, shop.unit, shop.listens) == ("/srv/shop", "supervisor.service", ("unix:/run/shop.sock",))
    assert shop.commands[-1][0] == "/srv/shop/venv/bin/gunicorn"
    assert found["/etc/cron.d/shop:1"].directory == "/srv/shop"
    assert found["supervisor.service"].listens == ()


def test_what_packages_brought_is_asked_for_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def untouched(paths: list[str], _runner: Any) -> set[str]:
        asked.append(paths)
        return {"/etc/cron.d/php", "/etc/init.d/old"}

    monkeypatch.setattr(starters, "untouched", untouched)
    monkeypatch.setattr(user_units, "_users", lambda _lingering: [])
    host = Played(tmp_path)
    host.add("old.service", "", SourcePath="/etc/init.d/old")
    host.shown["old.service"]["FragmentPath"] = "/run/systemd/generator.late/old.service"
    host.add("own.service", "[Service]\nExecStart=/srv/own")
    own = str(tmp_path / "own.service")
    held = {own: "[Service]\nExecStart=/srv/own", "/etc/init.d/old": "#!/bin/sh\n"}
    files = HeldFiles({**held, "/etc/cron.d/php": "@daily root php", "/etc/cron.d/own": "@daily root own"})
    found = starters.read(files, host.systemd, str(tmp_path), nothing)
    assert {one.name: one.packaged for one in found} == {
        "old.service": True,
        "own.service": False,
        "/etc/cron.d/php:1": True,
        "/etc/cron.d/own:1": False,
    }
    assert len(asked) == 1
