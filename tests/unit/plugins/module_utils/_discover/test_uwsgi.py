# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The applications of uWSGI, as guides, Debian and emperors have them."""

from __future__ import annotations

from ansible_collections.relocate.django.plugins.module_utils._discover import uwsgi
from ansible_collections.relocate.django.plugins.module_utils._discover.found import Starter
from tests.unit.plugins.module_utils._discover.held import HeldFiles

#: As a guide that many follow has it.
GUIDE = """\
[uwsgi]
project = firstsite
uid = shop
base = /home/%(uid)

chdir = %(base)/%(project)
home = %(base)/Env/%(project)
module = %(project).wsgi:application

master = true
processes = 5
env = DJANGO_SETTINGS_MODULE=firstsite.settings
env = KEY=canary

socket = /run/uwsgi/%(project).sock
chown-socket = %(uid):www-data
chmod-socket = 660
vacuum = true
attach-daemon = %(home)/bin/celery -A %(project) worker
"""


def unit(name: str, *words: str, **more: str) -> Starter:
    return Starter("service", name, name, commands=(words,), runs=True, at_boot=True, **more)  # type: ignore[arg-type]


def test_an_emperor_and_his_vassals() -> None:
    files = HeldFiles({"/etc/uwsgi/sites/firstsite.ini": GUIDE, "/etc/uwsgi/sites/notes.txt": "[uwsgi]"})
    [found] = uwsgi.read([unit("uwsgi.service", "/usr/local/bin/uwsgi", "--emperor", "/etc/uwsgi/sites")], files)
    assert (found.kind, found.name, found.unit, found.user) == ("uwsgi", "firstsite", "uwsgi.service", "shop")
    assert found.directory == "/home/shop/firstsite"
    assert found.listens == ("unix:/run/uwsgi/firstsite.sock",)
    assert found.commands[0][:3] == ("uwsgi", "--ini", "/etc/uwsgi/sites/firstsite.ini")
    assert "/home/shop/Env/firstsite" in found.commands[0]
    assert "firstsite.wsgi:application" in found.commands[0]
    assert found.commands[1] == ("/home/shop/Env/firstsite/bin/celery", "-A", "firstsite", "worker")
    assert found.environment == {"DJANGO_SETTINGS_MODULE": "firstsite.settings", "KEY": "canary"}
    assert (found.runs, found.at_boot) == (True, True)
    assert "canary" not in repr(found)


def test_an_emperor_by_his_own_file() -> None:
    files = HeldFiles(
        {
            "/etc/uwsgi/emperor.ini": "[uwsgi]\nemperor = /etc/uwsgi/vassals\nuid = www-data",
            "/srv/shop/uwsgi.ini": "[uwsgi]\nhttp = :8000\nwsgi-file = %d/wsgi.py",
        },
        {"/etc/uwsgi/vassals/shop.ini": "/srv/shop/uwsgi.ini"},
    )
    for starters in ([unit("e.service", "uwsgi", "--ini", "/etc/uwsgi/emperor.ini")], []):
        [found] = uwsgi.read(starters, files)
        assert found.unit == "".join(one.unit for one in starters)
        assert found.files == ("/etc/uwsgi/vassals/shop.ini", "/srv/shop/uwsgi.ini")
        assert (found.directory, found.listens) == ("/etc/uwsgi/vassals", ("tcp:*:8000",))


def test_a_unit_with_a_file_of_its_own() -> None:
    text = "uwsgi:\n  socket: 127.0.0.1:3031\n  # note\n  chdir: '/srv/shop'\n  env: A=1\nother:\n  http: :1\n"
    files = HeldFiles({"/srv/shop/uwsgi.yaml": text})
    for words in (("--yaml", "uwsgi.yaml"), ("--yaml=uwsgi.yaml",), ("/srv/shop/uwsgi.yaml",)):
        [found] = uwsgi.read([unit("shop.service", "/srv/shop/venv/bin/uwsgi", *words, directory="/srv/shop")], files)
        assert (found.unit, found.directory, found.environment) == ("shop.service", "/srv/shop", {"A": "1"})
        assert found.listens == ("tcp:127.0.0.1:3031",)


def test_debians_applications() -> None:
    files = HeldFiles(
        {
            "/usr/share/uwsgi/conf/default.ini": "[uwsgi]\nuid = www-data\ngid = www-data\n"
            "socket = /run/uwsgi/%(deb-confnamespace)/%(deb-confname)/socket\nworkers = 2\n",
            "/etc/uwsgi/apps-available/shop.ini": "[uwsgi]\nchdir=/srv/shop\nuid=shop\nplugin=python3\n",
        },
        {"/etc/uwsgi/apps-enabled/shop.ini": "../apps-available/shop.ini"},
    )
    [found] = uwsgi.read([unit("uwsgi.service", "/etc/init.d/uwsgi", "start")], files)
    assert (found.unit, found.user, found.group) == ("uwsgi.service", "shop", "www-data")
    assert found.listens == ("unix:/run/uwsgi/app/shop/socket",)
    assert found.files == ("/etc/uwsgi/apps-enabled/shop.ini", "/etc/uwsgi/apps-available/shop.ini")


def test_files_that_include_others() -> None:
    files = HeldFiles(
        {
            "/etc/u/a.ini": "[uwsgi]\ninclude = b.ini\nsocket = $(SOCK) \n",
            "/etc/u/b.ini": "[uwsgi]\ninclude = a.ini\nchdir = /srv/%n\nhttp = $(NONE):1",
        }
    )
    [found] = uwsgi.read([unit("a.service", "uwsgi", "/etc/u/a.ini", environment={"SOCK": "x.sock"})], files)
    assert (found.directory, found.listens[0]) == ("/srv/b", "unix:/etc/u/x.sock")


def test_nothing() -> None:
    assert uwsgi.read([unit("a.service", "uwsgi", "--ini"), unit("b.service", "uwsgi", "x.ini")], HeldFiles({})) == []
