# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The units of users' own managers, out of their files."""

from __future__ import annotations

import os
import pwd
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from ansible_collections.relocate.django.plugins.module_utils._discover import user_units
from ansible_collections.relocate.django.plugins.module_utils._discover.config_files import ConfigFiles
from ansible_collections.relocate.django.plugins.module_utils._discover.found import Starter
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from tests.unit.fakes import ROOT_ONLY, me, nobody, reachable


@pytest.fixture
def user(tmp_path: Path) -> SystemUser:
    (tmp_path / ".config/systemd/user").mkdir(parents=True)
    (tmp_path / "shared").mkdir()
    return replace(me(), home=str(tmp_path), name="shop")


def write(user: SystemUser, name: str, text: str, top: str = ".config/systemd/user") -> Path:
    path = Path(user.home, top, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def want(user: SystemUser, name: str, file: str, target: str = "default.target") -> None:
    directory = Path(user.home, ".config/systemd/user", target + ".wants")
    directory.mkdir(exist_ok=True)
    (directory / name).symlink_to("../" + file)


def read(user: SystemUser, lingers: bool = True) -> dict[str, Starter]:
    return {one.name: one for one in user_units.of_user(user, user.home + "/shared", lingers, ConfigFiles())}


def test_a_unit_of_a_users_own(user: SystemUser) -> None:
    text = "[Unit]\nWants=redis.service\n[Service]\nWorkingDirectory=~\nExecStart=%h/venv/bin/gunicorn -b unix:%t/s x\n"
    path = write(user, "shop.service", text + "[Install]\nWantedBy=default.target\n")
    drop_in = write(user, "shop.service.d/a.conf", "[Service]\nEnvironment=A=1\n")
    want(user, "shop.service", "shop.service")
    found = read(user)["shop.service"]
    assert (found.manager, found.user, found.directory) == ("shop", "shop", user.home)
    assert found.commands[0][0] == user.home + "/venv/bin/gunicorn"
    assert found.listens == (f"unix:/run/user/{user.uid}/s",)
    assert (found.environment, found.needs) == ({"A": "1"}, ("redis.service",))
    assert found.files == (str(path), str(drop_in))
    assert (found.at_boot, found.runs, found.packaged, found.unit) == (True, False, False, "shop.service")


@pytest.mark.parametrize(("lingers", "wanted"), [(True, False), (False, True), (False, False)])
def test_units_start_at_boot_when_enabled_and_their_user_lingers(user: SystemUser, lingers: bool, wanted: bool) -> None:
    write(user, "shop.service", "[Service]\nExecStart=/bin/a")
    if wanted:
        want(user, "shop.service", "shop.service")
    assert not read(user, lingers)["shop.service"].at_boot


def test_instances_are_those_that_are_wanted(user: SystemUser) -> None:
    template = write(user, "shop@.service", "[Service]\nExecStart=/bin/%i")
    write(user, "shop@.service.d/a.conf", "[Service]\nUser=x\n")
    want(user, "shop@a.service", "shop@.service")
    want(user, "other.service", "../../../nothing")
    found = read(user)
    assert list(found) == ["shop@a.service"]
    assert found["shop@a.service"].commands == (("/bin/a",),)
    assert found["shop@a.service"].files[0] == str(template)
    assert found["shop@a.service"].user == ("x" if user.uid == 0 else "shop")


def test_a_users_own_unit_comes_before_the_one_for_all(user: SystemUser) -> None:
    write(user, "a.service", "[Service]\nExecStart=/bin/own")
    write(user, "a.service", "[Service]\nExecStart=/bin/shared", "shared")
    write(user, "b.timer", "[Timer]\nOnCalendar=daily", "shared")
    write(user, "c.service", "[Service]\nExecStart=/bin/c", ".local/share/systemd/user")
    Path(user.home, ".config/systemd/user/c.service").symlink_to("/dev/null")
    found = read(user)
    assert sorted(found) == ["a.service", "b.timer"]
    assert found["a.service"].commands == (("/bin/own",),)
    assert found["b.timer"].starts == ("b.service",)


def test_a_job_runs_while_its_timer_does(user: SystemUser, monkeypatch: pytest.MonkeyPatch) -> None:
    groups = {f"/user.slice/user-{user.uid}.slice/user@{user.uid}.service/init.scope": 1}
    monkeypatch.setattr(user_units, "processes_of", lambda group: groups.get(group, 0))
    monkeypatch.setattr(user_units, "lookup_user", lambda _name: user)
    write(user, "tidy.service", "[Service]\nExecStart=/bin/tidy")
    write(user, "tidy.timer", "[Timer]\nOnCalendar=daily")
    write(user, "idle.service", "[Service]\nExecStart=/bin/idle")
    want(user, "tidy.timer", "tidy.timer", "timers.target")
    assert {name: one.runs for name, one in read(user).items()} == {
        "tidy.timer": True,
        "tidy.service": True,
        "idle.service": False,
    }


def test_a_service_with_processes_runs(user: SystemUser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(user_units, "processes_of", lambda group: group.endswith("/app.slice/shop.service"))
    write(user, "shop.service", "[Service]\nExecStart=/bin/a")
    assert read(user)["shop.service"].runs


@ROOT_ONLY
def test_a_users_unit_hands_over_nothing_that_he_may_not_read(tmp_path: Path) -> None:
    """Its files of variables are read with root's rights later, and its files are carried with them."""
    home, secret, shown = reachable(tmp_path) / "home", tmp_path / "debian.cnf", tmp_path / "shown.env"
    units = home / ".config/systemd/user"
    units.mkdir(parents=True)
    for path in (secret, shown):
        path.write_text("PASSWORD=canary")
    secret.chmod(0o600)
    shown.chmod(0o644)
    lines = [
        f"EnvironmentFile={path}" for path in (secret, f"-{secret}", f"{tmp_path}/*.cnf", shown, f"-{tmp_path}/no")
    ]
    lines += [f"LoadCredential=a:{secret}", f"LoadCredential=b:{shown}", "User=postgres"]
    (units / "x.service").write_text("\n".join(["[Service]", *lines]))
    (units / "y.service").symlink_to(secret)
    for path in (home, home / ".config", units.parent, units, units / "x.service", units / "y.service"):
        os.chown(path, nobody().uid, nobody().gid, follow_symlinks=False)
    user = replace(nobody(), home=str(home))
    one, two = user_units.of_user(user, str(tmp_path / "none"), True, ConfigFiles())
    assert one.env_files == (str(shown),)
    assert (one.files, two.files) == ((str(units / "x.service"), str(shown)), ())
    assert (one.by, one.user, one.manager) == ("nobody",) * 3


@ROOT_ONLY
def test_files_of_a_user_are_read_with_his_rights(tmp_path: Path) -> None:
    home = reachable(tmp_path) / "home"
    units = home / ".config/systemd/user"
    units.mkdir(parents=True)
    secret = tmp_path / "secret"
    secret.write_text("[Service]\nExecStart=/root/secret")
    secret.chmod(0o600)
    (units / "a.service").symlink_to(secret)
    (units / "b.service").write_text("[Service]\nExecStart=/bin/b")
    for path in (home, home / ".config", units.parent, units, units / "a.service"):
        os.chown(path, nobody().uid, nobody().gid, follow_symlinks=False)
    found = user_units.of_user(replace(nobody(), home=str(home)), str(tmp_path / "none"), True, ConfigFiles())
    assert {one.name: one.commands for one in found} == {"a.service": (), "b.service": (("/bin/b",),)}


def test_users_with_units_or_a_manager_that_lingers(user: SystemUser, monkeypatch: pytest.MonkeyPatch) -> None:
    write(user, "shop.service", "[Service]\nExecStart=/bin/a")
    write(user, "all.service", "[Service]\nExecStart=/bin/all", "shared")
    (Path(user.home) / "linger").mkdir()
    (Path(user.home) / "linger" / "lazy").write_text("")
    homes = {"shop": user.home, "twin": user.home, "lazy": "/nonexistent", "daemon": "/", "odd": ""}
    entries = [SimpleNamespace(pw_name=name, pw_dir=home) for name, home in homes.items()]
    monkeypatch.setattr(pwd, "getpwall", lambda: entries)
    monkeypatch.setattr(user_units, "lookup_user", lambda name: replace(user, name=name, home=homes[name]))
    place = user_units.Place(user.home + "/shared", user.home + "/linger")
    found = [(one.manager, one.name) for one in user_units.read(place=place)]
    assert found == [("shop", "all.service"), ("shop", "shop.service"), ("lazy", "all.service")]
