# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A user who chooses what is read learns no more than he could read himself."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._discover.config_files import ConfigFiles
from ansible_collections.relocate.django.plugins.module_utils._discover.found import Starter
from ansible_collections.relocate.django.plugins.module_utils._discover.rights import files_of, find_user, written_by
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
    assert files_of(cron(secret, "nobody"), ConfigFiles()).text(str(secret)) == files.text(str(secret))
    assert theirs.exists(str(secret))


@pytest.mark.parametrize("fields", [{"user": "root"}, {"user": "root", "manager": "root"}, {"user": "0"}])
def test_whoever_wrote_it_reads_and_not_whom_it_names(secret: Path, fields: dict[str, str]) -> None:
    theirs = files_of(Starter("supervisor", "x", by="nobody", **fields), ConfigFiles())
    assert theirs.text(str(secret)) is None


def test_a_writer_who_is_no_user_any_more_reads_what_anybody_may(secret: Path) -> None:
    theirs = files_of(Starter("cron", "x:1", user="root", by="no-such-user"), ConfigFiles())
    assert theirs.text(str(secret)) is None
    assert theirs.text("/etc/passwd")


def test_what_one_user_reads_leads_to_nothing_of_another(secret: Path) -> None:
    theirs = files_of(cron(secret, "nobody"), ConfigFiles())
    secret.chmod(0o600)
    os.chown(secret, 1, 1)
    os.chown(secret.parent, 1, 1)
    assert written_by(pwd.getpwuid(1).pw_name, theirs).text(str(secret)) is None
    assert written_by(pwd.getpwuid(1).pw_name, ConfigFiles()).text(str(secret))


def test_who_leaves_no_file_unread_takes_nothing_from_others(secret: Path, tmp_path: Path) -> None:
    files = ConfigFiles()
    theirs = files_of(cron(secret, "nobody"), files)
    for number in range(250):
        (tmp_path / f"{number}.env").write_text("A=1")
    assert sum(theirs.text(f"{tmp_path}/{number}.env") is not None for number in range(250)) == 200
    assert files_of(cron(secret, "nobody"), files).text(f"{tmp_path}/249.env") is None  # it is the same reader
    assert files_of(cron(secret, pwd.getpwuid(1).pw_name), files).text(f"{tmp_path}/249.env")
    assert files.text(f"{tmp_path}/249.env")


def test_a_user_has_so_many_bytes_read(secret: Path, tmp_path: Path) -> None:
    theirs = files_of(cron(secret, "nobody"), ConfigFiles())
    for number in range(8):
        (tmp_path / f"{number}.env").write_bytes(b"x" * 1024 * 1024)
    assert sum(theirs.text(f"{tmp_path}/{number}.env") is not None for number in range(8)) == 5


def test_a_file_is_read_as_the_user_and_not_only_asked_for(secret: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between a question and an answer, a name may come to lead elsewhere."""
    monkeypatch.setattr(os, "access", lambda *_args, **_options: True)
    theirs = files_of(cron(secret, "nobody"), ConfigFiles())
    assert theirs.text(str(secret)) is None
    assert theirs.names(str(secret.parent)) == []


def test_programs_of_a_users_supervisor_are_his(tmp_path: Path) -> None:
    main = reachable(tmp_path) / "sv.conf"
    main.write_text("[supervisord]\nuser=root\n[program:own]\ncommand=/bin/own\nuser=postgres")
    line = Starter("cron", "x:1", user="nobody", by="nobody", commands=(("supervisord", "-c", str(main)),))
    [found] = [one for one in read_programs([line], ConfigFiles()) if one.name == "own"]
    assert (found.user, found.by) == ("nobody", "nobody")


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
