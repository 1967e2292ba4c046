# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What new needs besides code and databases."""

from __future__ import annotations

import grp
import os
import pwd
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._discover import here, sites, system_files
from ansible_collections.relocate.django.plugins.module_utils._discover.config_files import ConfigFiles
from ansible_collections.relocate.django.plugins.module_utils._discover.found import Neighbour, Starter, WebSite
from ansible_collections.relocate.django.plugins.module_utils._discover.listening import Listener
from ansible_collections.relocate.django.plugins.module_utils._discover.places import Place
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import as_plain
from ansible_collections.relocate.django.plugins.module_utils._services.unit import Unit
from ansible_collections.relocate.django.plugins.module_utils._steps import old_info, readiness
from ansible_collections.relocate.django.plugins.module_utils._steps.belongings import Host
from ansible_collections.relocate.django.plugins.module_utils._steps.readiness import Bound
from ansible_collections.relocate.django.plugins.module_utils._users import current_user

THIS = here.Host(addresses=["10.0.0.5"], names=["old"])


def options(**change: Any) -> readiness.Options:
    """What is set for new."""
    given: dict[str, Any] = {"units": ("shop-web",), "reload": ("nginx",), "files": (), "packages": ()}
    given.update(installs=True, allow_same_host=False, neighbours_ignored=())
    return readiness.Options(**{**given, **change})


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing listens, and every unit is there."""
    monkeypatch.setattr(readiness.listening, "read", list)
    monkeypatch.setattr(readiness.checks, "unit_states", lambda names: {name: Unit(name) for name in names})


def test_what_a_site_needs(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.touch()
    if os.geteuid() == 0:
        os.chown(path, pwd.getpwnam("daemon").pw_uid, grp.getgrnam("www-data").gr_gid)
    web = Starter("service", "web.service", "web.service", listens=("tcp:127.0.0.1:8000", "unix:/run/x"), runs=True)
    nginx = WebSite("nginx", "nginx.service", ports=(("*", 80, False), ("*", 443, True)))
    [site] = sites.join([Place("/srv/shop", "", starters=(web,), webs=(nginx,))])
    files = ConfigFiles()
    host = Host(files, [web], [nginx], system_files.SystemFiles(files))
    needs = readiness.needs_of(site, [str(path), "/nonexistent"], current_user(), {}, host)
    served = (("tcp:127.0.0.1:8000", "web.service"), ("tcp:*:80", "nginx.service"), ("tcp:*:443", "nginx.service"))
    assert needs.listens == tuple(Bound(*one) for one in served)
    assert needs.units == ("web.service", "nginx.service")
    if os.geteuid() == 0:
        assert (needs.users, needs.groups) == (("daemon",), ("www-data",))
    assert old_info.needs({"needs": as_plain(needs)}) == needs


@pytest.mark.parametrize("plain", [{"users": "root"}, {"listens": [1]}, {"servers": [{"port": "x"}]}, {"more": 1}])
def test_what_old_says_has_a_type(plain: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="info.needs"):
        old_info.needs({"needs": {**as_plain(readiness.Needs()), **plain}})
    assert old_info.needs({}) == readiness.Needs()


def test_only_servers_that_answer_old_are_wanted_of_new() -> None:
    found = [
        Neighbour("redis", "CACHES['default']", "cache", "localhost", 6379),
        Neighbour("redis", "CELERY_BROKER_URL", "task queue", "localhost", 6379),
        Neighbour("rabbitmq", "BROKER", "task queue", "mq.example.org", 5672),
        Neighbour("smtp", "EMAIL_HOST", "mail", "dead.example.org", 25),
        Neighbour("syslog", "LOGGING", "logs", "", None, "/dev/log"),
        Neighbour("sentry", "SENTRY_DSN", "errors", "", None),
        Neighbour("redis", "CACHES['x']", "cache", "", None, "/run/redis.sock"),
    ]
    asked: list[Any] = []

    def ask(host: str, port: int, path: str) -> bool:
        asked.append((host, port, path))
        return not host.startswith("dead")

    told = readiness.servers(found, THIS, ask)
    assert [(item.setting, item.local) for item in told] == [
        ("CACHES['default']", True),
        ("BROKER", False),
        ("CACHES['x']", True),
    ]
    assert len(asked) == 4


REDIS = readiness.Server("CACHES['default']", "redis", "localhost", 6379, "", True)
QUEUE = readiness.Server("BROKER", "rabbitmq", "mq.example.org", 5672, "", False)


@pytest.mark.parametrize(("packages", "silent"), [((), ["CACHES", "BROKER"]), (("redis-server",), ["BROKER"])])
def test_servers_that_new_does_not_reach(packages: tuple[str, ...], silent: list[str]) -> None:
    needs = readiness.Needs(servers=(REDIS, QUEUE))
    found = readiness.obstacles(needs, options(packages=packages), "shop", [], lambda *_where: False)
    assert [item.code for item in found] == ["neighbour_missing"] * len(silent)
    assert all(word in item.msg and "does not answer new" in item.msg for word, item in zip(silent, found, strict=True))
    assert readiness.obstacles(needs, options(), "shop", [], lambda *_where: True) == []


@pytest.mark.parametrize(("ignored", "count"), [(("BROKER",), 1), (("CACHES['default']", "BROKER"), 0), (("*",), 0)])
def test_servers_that_new_may_do_without(ignored: tuple[str, ...], count: int) -> None:
    needs = readiness.Needs(servers=(REDIS, QUEUE))
    found = readiness.obstacles(needs, options(neighbours_ignored=ignored), "shop", [], lambda *_where: False)
    assert len(found) == count
    assert all("relocate_neighbours_ignored" in item.hint for item in found)


def test_old_does_not_aim_what_new_connects_to() -> None:
    """As few servers as old finds itself, and no sockets of new's own, whatever old says."""
    asked: list[Any] = []
    many = [replace(QUEUE, port=port) for port in range(1, 100)]
    odd = [replace(QUEUE, port=2**70), replace(QUEUE, port=0), replace(QUEUE, path="/run/docker.sock")]
    needs = readiness.Needs(servers=(*odd, *many))
    readiness.obstacles(needs, options(), "shop", [], lambda *where: not asked.append(where))
    assert len(asked) == 17 and all(0 < port < 65536 and not path for _host, port, path in asked)
    assert not readiness.answers("127.0.0.1", 2**70, "")


def test_a_real_server_answers(tmp_path: Path) -> None:
    with socket.socket() as tcp, socket.socket(socket.AF_UNIX) as unix:
        tcp.bind(("127.0.0.1", 0))
        tcp.listen(1)
        path = str(tmp_path / "s")
        unix.bind(path)
        unix.listen(1)
        port = tcp.getsockname()[1]
        assert readiness.answers("127.0.0.1", port, "") and readiness.answers("", 0, path)
    assert not readiness.answers("127.0.0.1", port, "")
    assert not readiness.answers("", 0, path) and not readiness.answers("", 0, "x" * 300)


def test_users_and_groups_that_new_lacks() -> None:
    needs = readiness.Needs(users=("no-user-x", "shop", "worker", "daemon"), groups=("no-group-x", "daemon"))
    [one] = readiness.obstacles(needs, options(), "shop", ["worker"])
    assert one.code == "owner_missing" and "user no-user-x, group no-group-x" in one.msg
    assert readiness.obstacles(needs, options(packages=("ssl-cert",)), "shop", ["worker"]) == []


def test_units_to_reload_that_new_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    def states(names: list[str]) -> dict[str, Unit]:
        return {name: Unit(name, load="not-found") for name in names}

    monkeypatch.setattr(readiness.checks, "unit_states", states)
    [one] = readiness.obstacles(readiness.Needs(), options(), "shop", [])
    assert one.code == "unit_unknown" and "relocate_reload names nginx.service" in one.msg
    assert readiness.obstacles(readiness.Needs(), options(packages=("nginx",)), "shop", []) == []
    carried = options(files=("/etc/systemd/system/nginx.service",))
    assert readiness.obstacles(readiness.Needs(), carried, "shop", []) == []


def test_a_host_without_systemd_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_names: Any) -> Any:
        raise RelocateError("program_missing", "systemd does not run on this host", "x")

    monkeypatch.setattr(readiness.checks, "unit_states", refuse)
    assert [item.code for item in readiness.obstacles(readiness.Needs(), options(), "shop", [])] == ["program_missing"]


@pytest.mark.parametrize(
    ("address", "unit", "said"),
    [
        ("tcp:*:80", "apache2.service", "apache2.service listens on *:80 here"),
        ("tcp:127.0.0.1:8000", "", "process 7 (python3) listens on 127.0.0.1:8000"),
        ("tcp:*:8000", "other.service", "other.service listens on 127.0.0.1:8000"),
        ("tcp:*:80", "nginx.service", ""),
        ("tcp:127.0.0.1:8000", "shop-web.service", ""),
        ("tcp:10.0.0.9:8000", "other.service", ""),
        ("tcp:*:22", "ssh.service", ""),
        ("unix:/run/x", "other.service", ""),
    ],
)
def test_ports_that_are_taken(monkeypatch: pytest.MonkeyPatch, address: str, unit: str, said: str) -> None:
    one = Listener(address, unit, pid=7, words=("/usr/bin/python3", "x"))
    monkeypatch.setattr(readiness.listening, "read", lambda: [one, one])
    listens = (Bound("tcp:*:80", "nginx.service"), Bound("tcp:127.0.0.1:8000"))
    needs = readiness.Needs(listens=listens, units=("shop-web.service", "nginx.service"))
    found = readiness.obstacles(needs, options(), "shop", [])
    assert [item.code for item in found] == (["port_taken"] if said else [])
    assert not said or said in found[0].msg
    assert readiness.obstacles(needs, options(allow_same_host=True), "shop", []) == []


@pytest.mark.parametrize(
    ("listener", "change", "said"),
    [
        (
            "apache2.service",
            {"reload": ("nginx", "apache2")},
            "apache2.service listens on *:80 here, where nginx.service",
        ),
        ("apache2.service", {"units": ("apache2",)}, ""),  # it is started anew, with its files, before nginx is
        ("nginx.service", {"reload": ("nginx", "apache2")}, ""),
        ("other.service", {}, "other.service listens on *:80 here, where the site is to"),
        ("", {}, "process 7 (x) listens on *:80 here"),
    ],
)
def test_a_server_that_a_package_brought_takes_the_port_of_another(
    monkeypatch: pytest.MonkeyPatch, listener: str, change: dict[str, Any], said: str
) -> None:
    monkeypatch.setattr(readiness.listening, "read", lambda: [Listener("tcp:*:80", listener, pid=7, words=("x",))])
    listens = (Bound("tcp:*:80", "nginx.service"), Bound("tcp:127.0.0.1:8080", "apache2.service"))
    needs = readiness.Needs(listens=listens, units=("nginx.service", "apache2.service"))
    monkeypatch.setattr(
        readiness.checks, "unit_states", lambda names: {name: Unit(name, load="loaded") for name in names}
    )
    found = readiness.obstacles_left(needs, options(**change))
    assert [item.code for item in found] == (["port_taken"] if said else [])
    assert not said or said in found[0].msg
    assert not said.startswith("apache2") or "systemctl stop apache2.service" in found[0].hint


def test_a_users_own_unit_is_not_reloaded() -> None:
    """It is said at once, also where packages are to be installed first."""
    for packages in ((), ("nginx",)):
        wanted = options(reload=("nginx", "~shop/proxy"), packages=packages)
        [one] = readiness.obstacles(readiness.Needs(), wanted, "shop", [])
        assert one.code == "bad_option" and "relocate_reload names ~shop/proxy" in one.msg
        assert "relocate_services" in one.hint


def test_what_lines_of_cron_need(monkeypatch: pytest.MonkeyPatch) -> None:
    needs = readiness.Needs(cron_users=("root", "shop", "nobody-here"))
    monkeypatch.setattr(readiness, "find_program", lambda name: f"/usr/bin/{name}")
    assert readiness.without_cron(readiness.Needs(), []) == []
    [one] = readiness.obstacles(needs, options(), "shop", ())
    assert one.code == "owner_missing" and "run as nobody-here, and new has no such user" in one.msg
    monkeypatch.setattr(readiness, "find_program", lambda _name: None)
    assert [one.code for one in readiness.without_cron(needs, ["shop", "nobody-here"])] == ["program_missing"]
    assert readiness.obstacles(needs, options(packages=("cron",)), "shop", ()) == [], "the package brings it"
    assert readiness.without_cron(readiness.Needs(), []) == []
