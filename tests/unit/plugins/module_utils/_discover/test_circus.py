# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The watchers of circus, as its documentation and deployments have them."""

from __future__ import annotations

import time

from ansible_collections.relocate.django.plugins.module_utils._discover import circus
from ansible_collections.relocate.django.plugins.module_utils._discover.found import Starter
from tests.unit.plugins.module_utils._discover.held import HeldFiles

UNIT = Starter(
    "service",
    "circusd.service",
    "circusd.service",
    commands=(("/usr/bin/circusd", "/etc/circus/circusd.ini"),),
    user="",
    runs=True,
    at_boot=True,
)
MAIN = """\
[circus]
check_delay = 5
endpoint = tcp://127.0.0.1:5555
include = conf.d/*.ini
include_dir = /etc/circus/more
"""
#: As the older guide of Taiga has it.
TAIGA = """\
[watcher:taiga]
working_dir = /home/taiga/taiga-back
cmd = gunicorn
args = -w 3 -t 60 --pythonpath=. -b 127.0.0.1:8001 taiga.wsgi
uid = taiga
numprocesses = 1
autostart = true

[env:taiga]
PATH = /home/taiga/.virtualenvs/taiga/bin:$PATH
TERM=rxvt-256color
"""
SOCKET = """\
[watcher:web]
cmd = /srv/web/bin/chaussette --fd $(circus.sockets.web) web.wsgi.application
working_dir = $(circus.env.top)/current
use_sockets = True
[socket:web]
host = 127.0.0.1
port = 8085
[socket:unused]
path = /run/unused.sock
[env]
TOP = /srv/web
[env:oth*]
NO = 1
"""


def held() -> HeldFiles:
    return HeldFiles(
        {
            "/etc/circus/circusd.ini": MAIN,
            "/etc/circus/conf.d/taiga.ini": TAIGA,
            "/etc/circus/more/web.ini": SOCKET,
            "/etc/circus/more/web.txt": "[watcher:no]",
        }
    )


def test_watchers() -> None:
    taiga, web = circus.read([UNIT], held())
    assert (taiga.kind, taiga.name, taiga.unit, taiga.user) == ("circus", "taiga", "circusd.service", "taiga")
    assert taiga.commands[0][:3] == ("gunicorn", "-w", "3")
    assert taiga.directory == "/home/taiga/taiga-back"
    assert taiga.listens == ("tcp:127.0.0.1:8001",)
    assert taiga.environment["TERM"] == "rxvt-256color"
    assert taiga.environment["PATH"] == "/home/taiga/.virtualenvs/taiga/bin:$PATH"
    assert taiga.files == ("/etc/circus/conf.d/taiga.ini",)
    assert (taiga.runs, taiga.at_boot) == (True, True)
    assert (web.name, web.directory, web.user) == ("web", "/srv/web/current", "root")
    assert web.listens == ("tcp:127.0.0.1:8085",)
    assert web.environment == {"TOP": "/srv/web"}


def test_a_configuration_that_no_unit_names() -> None:
    assert [one.unit for one in circus.read([], held())] == ["", ""]
    assert circus.read([], HeldFiles({})) == []


def test_broken_files() -> None:
    text = "[watcher:a]\ncmd = 'open\n[watcher:b]\n[env:*****]\nA=1\n[circus]\ninclude = circusd.ini"
    found = circus.read([UNIT], HeldFiles({"/etc/circus/circusd.ini": text}))
    assert [(one.name, one.commands) for one in found] == [("a", (("'open",),)), ("b", ())]


def test_many_variables_take_no_longer_than_they_are_many() -> None:
    text = "[watcher:a]\ncmd=/a\n[env]\n" + "".join(f"V{number}=$V{number - 1}\n" for number in range(20_000))
    begun = time.monotonic()
    [found] = circus.read([UNIT], HeldFiles({"/etc/circus/circusd.ini": text}))
    assert len(found.environment) == 20_000
    assert time.monotonic() - begun < 4
