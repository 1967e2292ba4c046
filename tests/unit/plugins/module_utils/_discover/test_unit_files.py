# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Unit files as systemd reads them: in the ways that deployments of Django write them, and in odd ones."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.relocate.django.plugins.module_utils._discover.unit_files import (
    Specifiers,
    define,
    in_force,
    lines,
    unescaped,
    words,
)

#: As most guides have it: a command over several lines, the socket in the command or in a unit of its own.
GUIDE = """\
[Unit]
Description=gunicorn daemon
Requires=gunicorn.socket
After=network.target

[Service]
User=ubuntu
Group=www-data
WorkingDirectory=/home/ubuntu/builder
ExecStart=/home/ubuntu/env/bin/gunicorn \\
          --access-logfile - \\
# a comment in the middle
          --workers 3 \\
          --bind unix:/run/gunicorn.sock \\
          builder.wsgi:application

[Install]
WantedBy=multi-user.target
"""
#: NetBox's, whose address stands in a file of gunicorn's.
NETBOX = """\
[Unit]
Description=NetBox WSGI Service
Wants=network-online.target
[Service]
Type=simple
User=netbox
Group=netbox
PIDFile=/var/tmp/netbox.pid
WorkingDirectory=/opt/netbox
ExecStart=/opt/netbox/venv/bin/gunicorn --pid /var/tmp/netbox.pid --pythonpath /opt/netbox/netbox \
--config /opt/netbox/gunicorn.py netbox.wsgi
ExecReload=/bin/kill -s HUP $MAINPID
"""
#: Celery's own example: a shell, variables of a file, several commands.
CELERY = """\
[Service]
Type=forking
User=celery
EnvironmentFile=/etc/conf.d/celery
WorkingDirectory=/opt/celery
ExecStart=/bin/sh -c '${CELERY_BIN} -A $CELERY_APP multi start $CELERYD_NODES \\
    --pidfile=${CELERYD_PID_FILE} $CELERYD_OPTS'
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a b  c", ["a", "b", "c"]),
        ("", []),
        ("  ", []),
        ("a ''", ["a", ""]),
        ("'a b' \"c d\"", ["a b", "c d"]),
        ('"it\'s" \'say "x"\'', ["it's", 'say "x"']),
        (r"a\ b", ["a\\ b"]),
        (r"\x20a\sb\tc", [" a b\tc"]),
        (r"\u00e9\U0001f600\101", ["\u00e9\U0001f600A"]),
        (r"\d+\.", ["\\d+\\."]),
        (r'"a\"b" c\\', ['a"b', "c\\"]),
        ("--x='a b'c", ["--x=a bc"]),
        ("'open end", []),
        ("\\", ["\\"]),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@given(st.text(alphabet="ab '\"\\xu0\n\t;", max_size=30))
def test_no_text_breaks_the_splitting(text: str) -> None:
    assert all(isinstance(word, str) for word in words(text))


def test_lines() -> None:
    text = "[A]\n# c\n; c\n\nx=1 \\\n  2\\\n; between\n\n y = 3\\\\\nz=4\\"
    assert list(lines(text)) == ["[A]", "x=1    2", "y = 3\\\\", "z=4"]


@pytest.mark.parametrize(
    ("values", "expected"), [([], []), (["a", "b"], ["a", "b"]), (["a", "", "b"], ["b"]), (["a", ""], [])]
)
def test_an_empty_value_takes_back(values: list[str], expected: list[str]) -> None:
    assert in_force(values) == expected


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("shop@blue.service", "/srv/%i/%n/%N/%p", "/srv/blue/shop@blue.service/shop@blue/shop"),
        ("shop@a-b.service", "%I %i", "a/b a-b"),
        ("my-shop.service", "%j %J %p %P", "shop shop my-shop my/shop"),
        ("shop.service", "%h%t%S %u 100%% %q %", "/root/run/var/lib root 100% %q %"),
        ("shop.service", "%H %l", "old.example.org old"),
        ("shop@srv-x.service", "%f", "/srv/x"),
    ],
)
def test_specifiers(name: str, text: str, expected: str) -> None:
    assert Specifiers(name, host="old.example.org").expand(text) == expected


def test_unescaped() -> None:
    assert unescaped(r"srv-my\x2dshop") == "srv/my-shop"


def service(text: str, name: str = "shop.service", *drop_ins: str) -> Any:
    return define([text, *drop_ins], Specifiers(name))


def test_a_guides_unit() -> None:
    found = service(GUIDE)
    assert found.commands == (
        (
            "/home/ubuntu/env/bin/gunicorn",
            *"--access-logfile - --workers 3 --bind unix:/run/gunicorn.sock builder.wsgi:application".split(),
        ),
    )
    assert (found.directory, found.user, found.group) == ("/home/ubuntu/builder", "ubuntu", "www-data")
    assert (found.needs, found.wanted_by) == (("gunicorn.socket",), ("multi-user.target",))


def test_netbox() -> None:
    found = service(NETBOX)
    assert [command[0] for command in found.commands] == ["/opt/netbox/venv/bin/gunicorn", "/bin/kill"]
    assert found.commands[1] == ("/bin/kill", "-s", "HUP", "$MAINPID")


def test_celerys_own_example() -> None:
    found = service(CELERY)
    [command] = found.commands
    assert command[:2] == ("/bin/sh", "-c")
    assert command[2].startswith("${CELERY_BIN} -A $CELERY_APP multi start $CELERYD_NODES      --pidfile=")
    assert found.env_files == ("/etc/conf.d/celery",)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ExecStart=-/bin/a b", [("/bin/a", "b")]),
        ("ExecStart=@/bin/a called b", [("/bin/a", "b")]),
        ("ExecStart=!!/bin/a\nExecStart=+/bin/b\nExecStart=|/bin/c", [("/bin/a",), ("/bin/b",), ("/bin/c",)]),
        ("ExecStart=/bin/a x ; /bin/b y", [("/bin/a", "x"), ("/bin/b", "y")]),
        ("ExecStart=/bin/a \\; y", [("/bin/a", ";", "y")]),
        ("ExecStart=/bin/a\nExecStart=\nExecStart=/bin/b", [("/bin/b",)]),
        ("ExecStart=/bin/a\nExecStart=", []),
        ("ExecStartPre=/bin/a\nExecReload=/bin/r\nExecStartPost=/bin/p", [("/bin/a",), ("/bin/p",), ("/bin/r",)]),
        ("Environment=P=8001 'O=-w 3 -t'\nExecStart=/bin/a :${P} $O $$x", [("/bin/a", ":8001", "-w", "3", "-t", "$x")]),
        ("Environment=P=8001\nExecStart=:/bin/a ${P}", [("/bin/a", "${P}")]),
        ("Environment=P=8001\nEnvironmentFile=/etc/x\nExecStart=/bin/a ${P}", [("/bin/a", "8001")]),
        ("ExecStart=/bin/a ${UNKNOWN} $UNKNOWN", [("/bin/a", "${UNKNOWN}", "$UNKNOWN")]),
        ("ExecStart=/srv/%i/run -n %%", [("/srv/blue/run", "-n", "%")]),
        ("ExecStart=- ", []),
        ("ExecStart=;", []),
        ("no line at all\n=x\nExecStart = /bin/a ", [("/bin/a",)]),
    ],
)
def test_commands(line: str, expected: list[tuple[str, ...]]) -> None:
    assert list(service("[Service]\n" + line, "shop@blue.service").commands) == expected


def test_variables_of_env_files_come_before_those_of_the_unit() -> None:
    text = "[Service]\nEnvironment=A=1 B=2\nEnvironmentFile=-/etc/%p\nExecStart=/bin/a ${A} $B ${C}"
    asked: list[str] = []

    def variables_of(env_files: Sequence[str]) -> dict[str, str]:
        asked.extend(env_files)
        return {"B": "x y", "C": "canary"}

    found = define([text], Specifiers("shop.service"), variables_of)
    assert found.commands == (("/bin/a", "1", "x", "y", "canary"),)
    assert (asked, found.environment) == (["-/etc/shop"], {"A": "1", "B": "2"})
    assert "canary" not in repr(found)


#: With what systemd 252 said of them, when it was started with --test --user.
ODD = r"""
[Service]
Type=oneshot
ExecStart=/bin/echo called \
# comment
   'it"s' a'b c'd "x\"y" \x41\101\q \
   --tail\\
ExecStart=:/bin/echo ${P} \u00e9 --re='^\d+\.$' a\ b '\x20'
ExecStart=-+/bin/sh -c 'exec /x "$0" \
  --more=\'y\' ; z'
ExecStart=/bin/echo a;b ;c ; /bin/true
ExecStart=/bin/echo tab\
TABy \
TAB
ExecStart=  /bin/echo   z
ExecStart=/bin/echo "open
"""


def test_odd_lines_as_systemd_itself_reads_them() -> None:
    assert service(ODD.replace("TAB", "\t")).commands == (
        ("/bin/echo", "called", 'it"s', "ab cd", 'x"y', r"AA\q", "--tail\\"),
        ("/bin/echo", "${P}", "\u00e9", r"--re=^\d+\.$", r"a\ b", " "),
        ("/bin/sh", "-c", "exec /x \"$0\"    --more='y' ; z"),
        ("/bin/echo", "a;b", ";c"),
        ("/bin/true",),
        ("/bin/echo", "tab", "y"),
        ("/bin/echo", "z"),
    )


def test_drop_ins_add_reset_and_replace() -> None:
    base = "[Service]\nExecStart=/bin/a\nUser=a\nEnvironment=A=1 B=2\nEnvironmentFile=-/etc/a\nWorkingDirectory=/a\n"
    first = '[Service]\nExecStart=\nExecStart=/bin/b\nUser=b\nEnvironment="B=3 4"\n'
    second = "[Service]\nEnvironmentFile=\nEnvironmentFile=/etc/%p\nWorkingDirectory=-/b\n"
    found = service(base, "shop.service", first, second)
    assert found.commands == (("/bin/b",),)
    assert (found.user, found.directory) == ("b", "/b")
    assert found.environment == {"A": "1", "B": "3 4"}
    assert found.env_files == ("/etc/shop",)


@pytest.mark.parametrize(
    ("value", "expected"), [("/a b", "/a b"), ("-/a", "/a"), ("~", "~"), ("-~", "~"), ("", ""), ("a/b", "")]
)
def test_directories(value: str, expected: str) -> None:
    assert service("[Service]\nWorkingDirectory=" + value).directory == expected


@pytest.mark.parametrize(
    ("name", "text", "starts", "listens"),
    [
        ("a.socket", "ListenStream=/run/a.sock", ("a.service",), ("unix:/run/a.sock",)),
        (
            "a.socket",
            "ListenStream=8000\nListenStream=127.0.0.1:81",
            ("a.service",),
            ("tcp:*:8000", "tcp:127.0.0.1:81"),
        ),
        ("a.socket", "ListenStream=[::1]:80\nListenStream=[::]:81", ("a.service",), ("tcp:[::1]:80", "tcp:*:81")),
        ("a.socket", "ListenStream=1\nListenStream=\nListenStream=%t/%N.sock", ("a.service",), ("unix:/run/a.sock",)),
        ("a.socket", "ListenStream=@hidden\nService=b.service", ("b.service",), ("unix:@hidden",)),
        ("a.socket", "ListenDatagram=514\nListenStream=vsock::1", ("a.service",), ()),
        ("a.socket", "ListenStream=22\nAccept=yes", ("a@.service",), ("tcp:*:22",)),
        ("a@1.socket", "ListenStream=/run/%i", ("a@1.service",), ("unix:/run/1",)),
        ("a.timer", "OnCalendar=daily", ("a.service",), ()),
        ("a.timer", "Unit=b@%p.service", ("b@a.service",), ()),
        ("a.path", "PathExists=/x\nUnit=c.service", ("c.service",), ()),
        ("a.service", "ListenStream=80", (), ()),
    ],
)
def test_what_starts_others(name: str, text: str, starts: tuple[str, ...], listens: tuple[str, ...]) -> None:
    section = name.rpartition(".")[2].capitalize()
    found = define(["[{0}]\n{1}".format(section, text)], Specifiers(name))
    assert (found.starts, found.listens) == (starts, listens)


def test_values_of_variables_are_not_shown() -> None:
    found = service("[Service]\nEnvironment=KEY=canary\nExecStart=/bin/a --key canary")
    assert "canary" not in repr(found)


def test_many_values_take_no_longer_than_they_are_many() -> None:
    values = ["x"] * 200_000
    begun = time.monotonic()
    assert in_force([*values, "", *values]) == values
    assert time.monotonic() - begun < 2


def test_specifiers_do_not_multiply_a_name() -> None:
    text = "%n" * 10_000
    assert Specifiers("x" * 200 + ".service").expand(text) == text
    assert Specifiers("x.service").expand("%n %%") == "x.service %"
