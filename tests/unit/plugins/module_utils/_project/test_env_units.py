# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variables out of unit files and programs of supervisor, as systemd and supervisor themselves read them."""

from __future__ import annotations

import socket
import time

import pytest

from ansible_collections.relocate.django.plugins.module_utils._project import env_units

#: gunicorn's own page, with the variables that guides add to it.
GUNICORN = """\
[Unit]
Description=gunicorn daemon
Requires=gunicorn.socket
Environment=NOT=this

[Service]
Type=notify
User=someuser
WorkingDirectory=/home/someuser/applicationroot
Environment="DJANGO_SETTINGS_MODULE=shop.settings.production" 'SECRET_KEY=a b#c;d' PLAIN=1
# Environment=OLD=1
EnvironmentFile=-/etc/default/shop
EnvironmentFile = /etc/shop/secrets.env
ExecStart=/home/someuser/applicationroot/venv/bin/gunicorn applicationname.wsgi
Environment = LATER=2 PLAIN=3

[Install]
WantedBy=multi-user.target
"""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/etc/systemd/system/shop.service", "shop.service"),
        ("/etc/systemd/system/shop.service.d/override.conf", "shop.service"),
        ("/etc/systemd/system/shop@.service.d/10-env.conf", "shop@.service"),
        ("/etc/systemd/system/service.d/all.conf", "service"),
        ("deploy/shop.service", "shop.service"),
        ("/etc/systemd/system/shop.service.d/notes.txt", ""),
        ("/etc/systemd/system/shop.socket", ""),
        ("/etc/supervisor/conf.d/shop.conf", ""),
        ("/etc/shop.service.env", ""),
        (".env", ""),
        ("", ""),
    ],
)
def test_unit_of(path: str, expected: str) -> None:
    assert env_units.unit_of(path) == expected


def test_a_unit() -> None:
    found = env_units.of_unit("gunicorn.service", [GUNICORN])
    assert found.variables == {
        "DJANGO_SETTINGS_MODULE": "shop.settings.production",
        "SECRET_KEY": "a b#c;d",
        "PLAIN": "3",
        "LATER": "2",
    }
    assert found.files == ["-/etc/default/shop", "/etc/shop/secrets.env"]
    assert "a b#c" not in repr(found)


def test_drop_ins_reset_and_take_away() -> None:
    first = "[Service]\nEnvironment=\nEnvironmentFile=\nEnvironment=ONE=1 TWO=2\nEnvironmentFile=/etc/other.env\n"
    second = "[Service]\nUnsetEnvironment=TWO THREE=3\n"
    found = env_units.of_unit("gunicorn.service", [GUNICORN, first, second])
    assert (found.variables, found.files) == ({"ONE": "1", "TWO": "2"}, ["/etc/other.env"])
    assert found.without_unset({"ONE": "1", "TWO": "2", "THREE": "3"}) == {"ONE": "1"}
    assert found.without_unset({"THREE": "4"}) == {"THREE": "4"}
    again = env_units.of_unit("gunicorn.service", [GUNICORN, first, second, "[Service]\nUnsetEnvironment=\n"])
    assert again.unset == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Environment=A=1 B=2", {"A": "1", "B": "2"}),
        ("Environment=\"A=x y\" B='z w'", {"A": "x y", "B": "z w"}),
        ('Environment=A="x y"', {"A": "x y"}),  # quotes may begin within a word
        (r"Environment=A=x\ty B=\x41\102C", {"A": "x\ty", "B": "ABC"}),
        (r"Environment='A=it\'s'", {"A": "it's"}),  # systemd's, not the shell's
        (r"Environment=A=\u00e9", {"A": "é"}),
        (r"Environment=A=1 B=\q C=3", {"A": "1"}),  # nothing of what follows a mistake
        (r"Environment=A=1 B=\xd", {"A": "1"}),
        (r"Environment=A=1 B=\ud800", {"A": "1"}),
        ('Environment=A=1 "B=2', {"A": "1"}),
        ("Environment=A=1 1B=2 -C=3 =4 D", {"A": "1"}),
        ("Environment=A=", {"A": ""}),
        ("Environment=A=b=c", {"A": "b=c"}),
        ("Environment=A=100%% B=%p C=%n", {"A": "100%", "B": "shop", "C": "shop.service"}),
        ("Environment=A=%H", {"A": socket.gethostname()}),
        ("Environment=A=%h B=%d C=3", {"A": "/root", "C": "3"}),  # %d: known only while it runs
        ("Environment=A=1 \\\n# a comment\n  B=2\\\n C=3", {"A": "1", "B": "2", "C": "3"}),
        ("Environment=A=$B", {"A": "$B"}),
        ("environment=A=1", {}),
        ("Environment A=1", {}),
        ("PassEnvironment=A", {}),
        ("Environment=A=1\\", {"A": "1"}),
    ],
)
def test_lines(line: str, expected: dict[str, str]) -> None:
    assert env_units.of_unit("shop.service", ["[Service]\n" + line]).variables == expected


def test_instances() -> None:
    text = "[Service]\nEnvironment=SITE=%i PORT=80\nEnvironmentFile=/etc/shop/%i.env\nEnvironmentFile=relative.env\n"
    known = env_units.of_unit("web@a-b.service", [text])
    assert (known.variables, known.files) == ({"SITE": "a-b", "PORT": "80"}, ["/etc/shop/a-b.env"])
    template = env_units.of_unit("web@.service", [text])
    assert (template.variables, template.files) == ({"PORT": "80"}, [])


@pytest.mark.parametrize(
    "text", ["", "\0", "[Service]", "[Service]\nEnvironment", "\\\n\\\n\\", "[Service]\n=\n[", "\ufeff"]
)
def test_odd_units_say_nothing(text: str) -> None:
    assert env_units.of_unit("shop.service", [text]).variables == {}


def test_units_of_a_user() -> None:
    text = "[Service]\nEnvironment=A=%h/x B=%p\n"
    assert env_units.of_unit("web.service", [text], of_user=True).variables == {"B": "web"}
    assert env_units.of_unit("web.service", [text]).variables == {"A": "/root/x", "B": "web"}


def test_a_long_line_takes_no_time() -> None:
    line = "Environment=" + "\\" * 200001 + "'" * 200001 + " A=1"
    assert env_units.of_unit("x.service", ["[Service]\n" + line + "\n" + "[" * 100000]).variables == {"A": "1"}


SUPERVISOR = """\
; Netbox and Celery, as guides have them
[program:shop]
command=/srv/shop/venv/bin/gunicorn --bind unix:/run/shop.sock shop.wsgi
directory=/srv/shop
user=shop
environment=DJANGO_SETTINGS_MODULE="shop.settings",SECRET_KEY='a,b%%c',LANG=en_US.UTF-8,
    MULTI="line"
autostart=true ; of course

[program:worker]
command = /srv/shop/venv/bin/celery -A shop worker
environment = DJANGO_SETTINGS_MODULE="shop.settings",NAME="%(program_name)s",X="%(ENV_X)s"

[program:other]
command=/srv/other/run
environment=DJANGO_SETTINGS_MODULE="other.settings"
"""


def test_programs_of_the_project() -> None:
    path = "/etc/supervisor/conf.d/shop.conf"
    assert env_units.is_programs(path, SUPERVISOR)
    found = env_units.of_programs(path, SUPERVISOR, "/srv/shop")
    assert found.variables == {
        "DJANGO_SETTINGS_MODULE": "shop.settings",
        "SECRET_KEY": "a,b%c",
        "LANG": "en_US.UTF-8",
        "MULTI": "line",
        "NAME": "worker",
    }
    assert found.disputed == [] and "a,b" not in repr(found)
    other = env_units.of_programs(path, SUPERVISOR, "/srv/other")
    assert other.variables == {"DJANGO_SETTINGS_MODULE": "other.settings"}


def test_programs_that_disagree() -> None:
    found = env_units.of_programs("/etc/x.conf", SUPERVISOR, "/srv/elsewhere")
    assert found.disputed == ["DJANGO_SETTINGS_MODULE"]
    assert "DJANGO_SETTINGS_MODULE" not in found.variables and found.variables["LANG"] == "en_US.UTF-8"


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("/etc/supervisord.conf", "[supervisord]\nlogfile=/x\n", True),
        ("/etc/x.ini", "[program:a]\ncommand=b\n", True),
        ("/etc/x.ini", "[fcgi-program:a]\ncommand=b\n", True),
        ("/etc/x.env", "[program:a]\n", False),
        ("/etc/conf.d/shop.conf", "SECRET_KEY='[program:a]'\n", False),
        ("/etc/conf.d/shop.conf", "A=1\n", False),
    ],
)
def test_is_programs(path: str, text: str, expected: bool) -> None:
    assert env_units.is_programs(path, text) is expected


def test_what_supervisord_itself_sets() -> None:
    text = '[supervisord]\nenvironment=A="1",HERE="%(here)s/x"\n[program:a]\ncommand=/x\nenvironment=A="2"\n'
    assert env_units.of_programs("/etc/s/supervisord.conf", text, "/x").variables == {"A": "2", "HERE": "/etc/s/x"}
    alone = text.partition("[program")[0]
    assert env_units.of_programs("/etc/s/supervisord.conf", alone, "/x").variables == {"A": "1", "HERE": "/etc/s/x"}
    assert env_units.of_programs("/etc/s/x.conf", "[supervisord]\nlogfile=/x\n", "/x").variables == {}


@pytest.mark.parametrize("line", ["", "A", "A=", "=1", '"', "A='1", ",,,", "A:1", "%", 'A="%(nope)s"', 'A="%d"', "A=%"])
def test_odd_programs_say_nothing(line: str) -> None:
    text = "[program:a]\ncommand=/srv/a/b\nenvironment=" + line + "\n"
    assert env_units.of_programs("/etc/x.conf", text, "/srv/a").variables == {}
    assert env_units.of_programs("/etc/x.conf", "[program:a]\nno value\n" + text, "/srv/a").variables == {}


UWSGI = """\
[uwsgi]
chdir = /srv/shop
module = shop.wsgi:application
env = DJANGO_SETTINGS_MODULE=shop.settings
env=SECRET_KEY=a=b c#d
env = HERE=%d/x
env = PASSED=$(PASSED)
env = PERCENT=50%
; env = OLD=1
# env = OLD=1
env = nonsense
unenv = X
[other]
env = OTHER=1
"""


def test_applications_of_uwsgi() -> None:
    assert env_units.is_application("/etc/uwsgi/apps-enabled/shop.ini", UWSGI)
    assert not env_units.is_application("/etc/uwsgi/apps-enabled/shop.conf", UWSGI)
    assert not env_units.is_application("/etc/shop.ini", "[program:x]\n")
    assert env_units.of_application(UWSGI) == {
        "DJANGO_SETTINGS_MODULE": "shop.settings",
        "SECRET_KEY": "a=b c#d",
        "PERCENT": "50%",
    }
    assert env_units.of_application("[uwsgi]\nenv\n=\nenv =\n\0") == {}


@pytest.mark.parametrize("line", ["Environment=V{0}=1\n", "EnvironmentFile=/etc/{0}\n", "UnsetEnvironment=V{0}\n"])
def test_many_lines_take_no_longer_than_they_are_many(line: str) -> None:
    text = "[Service]\n" + "".join(line.format(number) for number in range(20_000))
    begun = time.monotonic()
    found = env_units.of_unit("a.service", [text])
    assert len(found.variables) + len(found.files) + len(found.unset) == 20_000
    assert time.monotonic() - begun < 4


def test_specifiers_do_not_multiply_a_name() -> None:
    found = env_units.of_unit("x" * 200 + ".service", ["[Service]\nEnvironment=B=%n A=" + "%n" * 10_000])
    assert list(found.variables) == ["B"]
