# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The programs of supervisor, in configurations as Debian and deployments of Django have them."""

from __future__ import annotations

import pytest

from ansible_collections.relocate.django.plugins.module_utils._discover import supervisor
from ansible_collections.relocate.django.plugins.module_utils._discover.found import Starter
from tests.unit.plugins.module_utils._discover.held import HeldFiles

MAIN = "/etc/supervisor/supervisord.conf"
DEBIAN = """\
; supervisor config file

[unix_http_server]
file=/var/run/supervisor.sock   ; (the path to the socket file)
chmod=0700                       ; sockef file mode (default 0700)

[supervisord]
logfile=/var/log/supervisor/supervisord.log ; (main log file)
environment=LANG="C.UTF-8"

[include]
files = /etc/supervisor/conf.d/*.conf
"""
UNIT = Starter(
    "service",
    "supervisor.service",
    "supervisor.service",
    commands=(("/usr/bin/supervisord", "-n", "-c", MAIN), ("/usr/bin/supervisorctl", "-c", MAIN, "reload")),
    runs=True,
    at_boot=True,
)
SHOP = """\
[program:shop]
command=/home/shop/venv/bin/gunicorn shop.wsgi -b 127.0.0.1:8001 -w 3 ; the site
directory=/home/shop/app
user=shop
autostart=true
environment=DJANGO_SETTINGS_MODULE="shop.settings,x",KEY='canary',PATH="/home/shop/venv/bin:%(ENV_PATH)s"

[program:beat]
command=%(here)s/run-%(program_name)s "two words"
autostart=false

[group:all]
programs=shop,beat
"""
#: As Channels' documentation has it.
CHANNELS = """\
[fcgi-program:asgi]
socket=tcp://localhost:8000
directory=/my/app/path
command=daphne -u /run/daphne/daphne%(process_num)d.sock --fd 0 --access-log - --proxy-headers mysite.asgi:application
numprocs=4
process_name=asgi%(process_num)d
autostart=true
"""


def held(**more: str) -> HeldFiles:
    names = {name.replace("__", "."): text for name, text in more.items()}
    return HeldFiles({MAIN: DEBIAN, **{f"/etc/supervisor/conf.d/{name}": text for name, text in names.items()}})


def read(files: HeldFiles, *starters: Starter) -> dict[str, Starter]:
    return {one.name: one for one in supervisor.read(starters, files)}


def test_programs_of_debians_supervisor() -> None:
    found = read(held(shop__conf=SHOP, other__txt="[program:no]\ncommand=no"), UNIT)
    assert list(found) == ["shop", "beat"]
    shop = found["shop"]
    assert (shop.kind, shop.unit, shop.user, shop.directory) == (
        "supervisor",
        "supervisor.service",
        "shop",
        "/home/shop/app",
    )
    assert shop.commands == (("/home/shop/venv/bin/gunicorn", "shop.wsgi", "-b", "127.0.0.1:8001", "-w", "3"),)
    assert shop.environment == {
        "LANG": "C.UTF-8",
        "DJANGO_SETTINGS_MODULE": "shop.settings,x",
        "KEY": "canary",
        "PATH": "/home/shop/venv/bin:%(ENV_PATH)s",
    }
    assert shop.listens == ("tcp:127.0.0.1:8001",)
    assert shop.files == ("/etc/supervisor/conf.d/shop.conf",)
    assert (shop.runs, shop.at_boot, shop.packaged) == (True, True, False)
    assert "canary" not in repr(shop)
    beat = found["beat"]
    assert beat.commands == (("/etc/supervisor/conf.d/run-beat", "two words"),)
    assert (beat.runs, beat.at_boot, beat.user) == (False, False, "root")


def test_links_to_configurations_come_first() -> None:
    files = HeldFiles(
        {MAIN: DEBIAN, "/srv/shop/deploy/sv.conf": SHOP},
        {"/etc/supervisor/conf.d/shop.conf": "/srv/shop/deploy/sv.conf"},
    )
    assert read(files, UNIT)["shop"].files == ("/etc/supervisor/conf.d/shop.conf", "/srv/shop/deploy/sv.conf")


def test_several_processes_of_channels() -> None:
    [asgi] = read(held(a__conf=CHANNELS), UNIT).values()
    assert len(asgi.commands) == 4
    assert asgi.commands[3][:3] == ("daphne", "-u", "/run/daphne/daphne3.sock")
    assert asgi.listens == (
        "unix:/run/daphne/daphne0.sock",
        "tcp:127.0.0.1:8000",
        "unix:/run/daphne/daphne1.sock",
        "unix:/run/daphne/daphne2.sock",
        "unix:/run/daphne/daphne3.sock",
    )


def test_a_supervisor_of_the_sites_own() -> None:
    own = Starter(
        "service",
        "shop.service",
        "shop.service",
        user="shop",
        directory="/srv/shop",
        environment={"PORT": "8005"},
        commands=(("/srv/shop/venv/bin/python", "/srv/shop/venv/bin/supervisord", "--configuration=etc/sv.conf"),),
    )
    text = "[supervisord]\nnodaemon=true\n[program:web]\ncommand=gunicorn -b :%(ENV_PORT)s x\n[include]\nfiles=*.inc"
    files = HeldFiles({"/srv/shop/etc/sv.conf": text, "/srv/shop/etc/a.inc": "[program:%s]\ncommand=", MAIN: DEBIAN})
    found = read(files, own)
    assert (found["web"].unit, found["web"].user, found["web"].runs) == ("shop.service", "shop", False)
    assert found["web"].listens == ("tcp:*:8005",)
    assert found["%s"].commands == ()


@pytest.mark.parametrize(
    ("lines", "count"),
    [
        ("numprocs=0", 1),
        ("numprocs=-2", 1),
        ("numprocs=\u00b2", 1),
        ("numprocs=" + "9" * 5000, 1),
        ("numprocs=2\nnumprocs_start=" + "9" * 5000, 2),
        ("numprocs=3\nnumprocs_start=1", 3),
        ("numprocs=500", 64),
    ],
)
def test_numbers_of_processes(lines: str, count: int) -> None:
    [found] = read(held(a__conf="[program:a]\ncommand=a %(process_num)d\n" + lines), UNIT).values()
    assert len(found.commands) == count


def test_the_users_of_all_programs() -> None:
    files = HeldFiles({"/etc/supervisord.conf": "[supervisord]\nuser=www\n[program:a]\ncommand=a"})
    starter = Starter("service", "supervisord.service", "supervisord.service", commands=(("supervisord",),))
    assert read(files, starter)["a"].user == "www"


def test_a_configuration_that_no_unit_names() -> None:
    without = Starter("service", "supervisor.service", "supervisor.service", commands=(("/etc/init.d/x", "start"),))
    assert read(held(a__conf=SHOP), without)["shop"].unit == "supervisor.service"
    assert read(held(a__conf=SHOP))["shop"].unit == ""
    assert read(HeldFiles({}), UNIT) == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('A="1",B=2', {"A": "1", "B": "2"}),
        ("A='x y',B=\"p,q=r\"", {"A": "x y", "B": "p,q=r"}),
        ('A="1",\nB="2"', {"A": "1", "B": "2"}),
        ("A=/usr/bin:/bin", {"A": "/usr/bin:/bin"}),
        ('A="open', {}),
        ("A", {}),
        ("", {}),
    ],
)
def test_assignments(text: str, expected: dict[str, str]) -> None:
    assert supervisor.assignments(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("%(a)s %(n)d %(n)03d %% %(no)s %x", "A 7 007 % %(no)s %x"),
        ("%(a)d", "%(a)d"),
        ("%(n)099999999d", "%s7" % ("0" * 98)),
    ],
)
def test_expansions(text: str, expected: str) -> None:
    assert supervisor.expanded(text, {"a": "A", "n": "7"}) == expected
