# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A user who chooses what is read learns no more than he could read himself."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._discover.config_files import ConfigFiles
from ansible_collections.relocate.django.plugins.module_utils._discover.found import Starter
from ansible_collections.relocate.django.plugins.module_utils._discover.rights import files_of, find_user
from ansible_collections.relocate.django.plugins.module_utils._discover.scripts import followed
from ansible_collections.relocate.django.plugins.module_utils._discover.supervisor import read as read_programs
from tests.unit.fakes import ROOT_ONLY, reachable

pytestmark = ROOT_ONLY


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    directory = reachable(tmp_path) / "private"
    directory.mkdir(mode=0o700)
    path = directory / "run"
    path.write_text("#!/bin/sh\ncd /root/place\nexec /root/place/run --canary\n")
    return path


def cron(path: Path, user: str) -> Starter:
    return Starter("cron", "x:1", user=user, commands=((str(path),),))


@pytest.mark.parametrize(("user", "seen"), [("root", True), ("0", True), ("nobody", False), ("", True)])
def test_scripts_are_looked_into_with_the_rights_of_who_runs_them(secret: Path, user: str, seen: bool) -> None:
    found = followed(cron(secret, user), ConfigFiles())
    assert (found.directory == "/root/place") is seen


def test_what_root_has_read_before_is_not_shown(secret: Path) -> None:
    files = ConfigFiles()
    assert files.text(str(secret))
    theirs = files_of(cron(secret, "nobody"), files)
    assert (theirs.text(str(secret)), theirs.names(str(secret.parent))) == (None, [])
    assert not theirs.exists(str(secret))
    assert theirs.expand(str(secret.parent) + "/*") == []
    secret.parent.chmod(0o755)
    assert theirs.text(str(secret)) == files.text(str(secret))
    assert theirs.exists(str(secret))


def test_includes_of_a_users_supervisor(secret: Path, tmp_path: Path) -> None:
    (secret.parent / "a.conf").write_text("[program:hidden]\ncommand=/root/hidden")
    main = tmp_path / "sv.conf"
    main.write_text(f"[program:own]\ncommand=/bin/own\n[include]\nfiles={secret.parent}/*.conf")
    main.chmod(0o644)
    words = ("/usr/bin/supervisord", "-c", str(main))
    for user, names in (("nobody", ["own"]), ("root", ["own", "hidden"])):
        unit = Starter("service", "own.service", "own.service", user=user, commands=(words,))
        assert [one.name for one in read_programs([unit], ConfigFiles()) if one.unit] == names


@pytest.mark.parametrize("name", ["", "a\0b", "\u00b2", "9" * 5000, "no-such-user", "\udcff"])
def test_names_of_nobody(name: str) -> None:
    assert find_user(name) is None


def test_names_that_are_no_paths(secret: Path) -> None:
    theirs = files_of(cron(secret, "nobody"), ConfigFiles())
    assert (theirs.text("relative"), theirs.text("/a\0b"), theirs.text("/\ud800"), theirs.names("")) == (
        None,
        None,
        None,
        [],
    )
