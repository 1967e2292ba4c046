# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The units of a host: states by systemctl, what they do out of their files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._discover import units
from ansible_collections.relocate.django.plugins.module_utils._discover.found import Starter
from ansible_collections.relocate.django.plugins.module_utils._services.systemd import Systemd
from tests.unit.fakes import ROOT_ONLY, nobody, reachable
from tests.unit.plugins.module_utils._discover.played_units import Played

WEB = """\
[Service]
User=shop
WorkingDirectory=/srv/shop
EnvironmentFile=-/etc/shop.env
Environment=KEY=canary
ExecStart=/srv/shop/venv/bin/gunicorn -b 127.0.0.1:8001 shop.wsgi
"""


@pytest.fixture
def host(tmp_path: Path) -> Played:
    return Played(tmp_path)


def read(host: Played) -> dict[str, Starter]:
    return {starter.name: starter for starter in units.read(host.systemd)}


def test_a_service_with_a_drop_in(host: Played) -> None:
    directory = host.top / "shop.service.d"
    directory.mkdir()
    drop_in = directory / "50-more.conf"
    drop_in.write_text("[Service]\nGroup=www-data\nExecStart=\nExecStart=/srv/shop/venv/bin/daphne -p 8002 x:a\n")
    implied = "sysinit.target system.slice -.mount redis.service shop.target"
    state = {"ActiveState": "active", "UnitFileState": "enabled", "DropInPaths": str(drop_in), "Requires": implied}
    path = host.add("shop.service", WEB, Wants="network-online.target", **state)
    [found] = read(host).values()
    assert (found.kind, found.name, found.unit, found.manager) == ("service", "shop.service", "shop.service", "")
    assert found.commands == (("/srv/shop/venv/bin/daphne", "-p", "8002", "x:a"),)
    assert (found.user, found.group, found.directory) == ("shop", "www-data", "/srv/shop")
    assert found.files == (str(path), str(drop_in))
    assert (found.env_files, found.environment) == (("-/etc/shop.env",), {"KEY": "canary"})
    assert found.needs == ("redis.service", "shop.target", "network-online.target")
    assert found.listens == ("tcp:127.0.0.1:8002",)
    assert (found.runs, found.at_boot, found.packaged) == (True, True, False)
    assert "canary" not in repr(found)


def test_all_units_are_asked_for_at_once(host: Played) -> None:
    for number in range(50):
        host.add(f"a{number}.service", WEB)
    assert len(read(host)) == 50
    assert len(host.asked) == 3


def test_templates_count_by_their_instances(host: Played) -> None:
    host.files = ["shop@.service"]
    text = "[Service]\nWorkingDirectory=/srv/%i\nExecStart=/srv/%i/run %n"
    path = host.add("shop@blue.service", text, "shop@.service", UnitFileState="disabled", WantedBy="multi-user.target")
    [found] = read(host).values()
    assert (found.name, found.directory) == ("shop@blue.service", "/srv/blue")
    assert found.commands == (("/srv/blue/run", "shop@blue.service"),)
    assert found.files == (str(path),)
    assert found.at_boot


def test_variables_of_env_files_are_known_to_commands(host: Played) -> None:
    """As Celery's own unit needs it, where nothing else names the project."""
    (host.top / "celery.conf").write_text("CELERY_BIN='/home/web/env/bin/celery'\nKEY=canary\nPORT=8100\n")
    text = f"[Service]\nEnvironmentFile=-{host.top}/c*.conf\nExecStart=/bin/sh -c '${{CELERY_BIN}} -A x multi start'\n"
    host.add("celery.service", text + "ExecStartPost=/v/bin/gunicorn x\n")
    [found] = read(host).values()
    assert found.commands[0] == ("/bin/sh", "-c", "/home/web/env/bin/celery -A x multi start")
    assert found.listens == ("tcp:*:8100",)
    assert found.environment == {}
    assert "canary" not in repr(found)


def test_a_timer_and_its_job(host: Played) -> None:
    host.add("tidy.service", "[Service]\nType=oneshot\nExecStart=/srv/shop/tidy", TriggeredBy="tidy.timer")
    host.add("tidy.timer", "[Timer]\nOnCalendar=daily", ActiveState="active", Triggers="tidy.service")
    host.add("old.service", "[Service]\nExecStart=/srv/shop/old", TriggeredBy="old.timer")
    host.add("old.timer", "[Timer]\nUnit=old.service")
    found = read(host)
    assert found["tidy.timer"].starts == ("tidy.service",)
    assert found["old.timer"].starts == ("old.service",)
    assert {name: one.runs for name, one in found.items()} == {
        "tidy.timer": True,
        "tidy.service": True,
        "old.timer": False,
        "old.service": False,
    }


def test_a_service_that_a_socket_starts_binds_nothing_by_itself(host: Played) -> None:
    host.add("shop.service", "[Service]\nExecStart=/v/bin/gunicorn shop.wsgi", TriggeredBy="shop.socket")
    host.add("shop.socket", "[Socket]\nListenStream=/run/shop.sock", Triggers="shop.service")
    found = read(host)
    assert (found["shop.service"].listens, found["shop.socket"].listens) == ((), ("unix:/run/shop.sock",))
    assert found["shop.socket"].starts == ("shop.service",)


def test_links_come_before_what_they_lead_to(host: Played) -> None:
    target = host.top / "deploy.service"
    target.write_text(WEB)
    path = host.add("shop.service", "")
    path.unlink()
    path.symlink_to("deploy.service")
    [found] = read(host).values()
    assert found.files == (str(path), str(target))
    assert found.directory == "/srv/shop"


def test_the_link_that_systemd_does_not_name_is_found(host: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    target = host.add("shop.service", WEB)
    links = host.top / "etc"
    links.mkdir()
    (links / "shop.service").symlink_to(target)
    monkeypatch.setattr(units, "_LINKS", str(links))
    [found] = read(host).values()
    assert found.files == (str(links / "shop.service"), str(target))


def test_credentials_are_files_of_a_unit(host: Played) -> None:
    (host.top / "secret").write_text("x")
    text = f"[Service]\nExecStart=/bin/a\nLoadCredential=key:{host.top}/secret\nLoadCredential=other:relative\n"
    path = host.add("shop.service", text + "LoadCredential=none:/absent/file\nLoadCredential=plain\n")
    [found] = read(host).values()
    assert found.files == (str(path), f"{host.top}/secret")


def test_a_script_of_init_is_its_units_only_file(host: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(units, "_SCRIPTS", str(host.top))
    monkeypatch.setattr(units, "_MADE", str(host.top / "made"))
    (host.top / "made").mkdir()
    (host.top / "shop").write_text("#!/bin/sh\n")
    text = "[Service]\nExecStart=/etc/init.d/shop start\n"
    host.add("shop.service", text, "made/shop.service", SourcePath=str(host.top / "shop"))
    [found] = read(host).values()
    assert found.files == (str(host.top / "shop"),)
    assert found.commands == (("/etc/init.d/shop", "start"),)
    assert not found.packaged


def test_masked_and_unknown_units_are_left_out(host: Played) -> None:
    host.add("masked.service", WEB, LoadState="masked")
    host.add("broken.service", WEB, LoadState="bad-setting")
    host.add("a b;.service", WEB)
    assert read(host) == {}


def test_an_alias_is_no_second_unit(host: Played) -> None:
    host.add("mariadb.service", WEB)
    host.shown["mysql.service"] = host.shown["mariadb.service"]
    assert list(read(host)) == ["mariadb.service"]


def test_a_file_that_cannot_be_read_leaves_what_systemd_says(host: Played) -> None:
    path = host.add("shop.service", "", ActiveState="active", Requires="redis.service")
    path.unlink()
    path.mkdir()
    [found] = read(host).values()
    assert (found.commands, found.runs, found.needs) == ((), True, ("redis.service",))


def test_a_user_named_by_number(host: Played) -> None:
    host.add("a.service", "[Service]\nUser=0\nWorkingDirectory=~\nExecStart=/bin/a")
    host.add("b.service", "[Service]\nUser=does-not-exist\nWorkingDirectory=~\nExecStart=/bin/a")
    assert [one.directory for one in read(host).values()] == ["/root", ""]


@pytest.mark.parametrize(
    ("parts", "script", "expected"),
    [
        (["/lib/systemd/system/nginx.service"], "", True),
        (["/usr/lib/systemd/system/nginx.service", "/usr/lib/systemd/system/service.d/a.conf"], "", True),
        (["/lib/systemd/system/nginx.service", "/etc/systemd/system/nginx.service.d/a.conf"], "", False),
        (["/run/systemd/generator/postgresql@15-main.service"], "", True),
        (["/run/systemd/transient/run-1.service"], "", False),
        (["/etc/systemd/system/shop.service"], "", False),
        (["/usr/local/lib/systemd/system/shop.service"], "", False),
        (["/run/systemd/generator.late/shop.service"], "/etc/init.d/shop", False),
        ([""], "", False),
    ],
)
def test_what_came_with_a_package(parts: list[str], script: str, expected: bool) -> None:
    assert units._is_packaged(parts, script) is expected


def test_without_systemd_there_is_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(units, "Systemd", lambda: Systemd(running=str(tmp_path / "none")))
    assert units.read() == []


@ROOT_ONLY
def test_a_unit_that_a_user_can_write_hands_over_what_he_may_read(host: Played) -> None:
    """The administrator linked it to where the project's owner deploys it."""
    secret, shown = reachable(host.top) / "debian.cnf", host.top / "shown.env"
    for path in (secret, shown):
        path.write_text("KEY=/canary")
    secret.chmod(0o600)
    shown.chmod(0o644)
    names = f"EnvironmentFile={secret}\nEnvironmentFile={shown}\nLoadCredential=a:{secret}\nLoadCredential=b:{shown}\n"
    path = host.add("shop.service", "[Service]\n" + names + "ExecStart=/bin/run $KEY\n")
    assert next(iter(read(host).values())).by == ""
    assert next(iter(read(host).values())).env_files == (str(secret), str(shown))
    os.chown(path, nobody().uid, nobody().gid)
    [found] = read(host).values()
    assert (found.by, found.env_files, found.files) == ("nobody", (str(shown),), (str(path), str(shown)))
    path.write_text(f"[Service]\nEnvironmentFile={secret}\nExecStart=/bin/run $KEY\n")
    assert next(iter(read(host).values())).commands == (("/bin/run", "$KEY"),)
