# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scripts and lines of the shell, as starters have them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.relocate.django.plugins.module_utils._discover import shell

#: The start script of a guide that very many sites follow, run by supervisor.
START = """\
#!/bin/bash

NAME="hello_app"                                  # Name of the application
DJANGODIR=/webapps/hello_django/hello             # Django project directory
SOCKFILE=/webapps/hello_django/run/gunicorn.sock  # we will communicate using this unix socket
USER=hello
NUM_WORKERS=3
DJANGO_SETTINGS_MODULE=hello.settings
DJANGO_WSGI_MODULE=hello.wsgi

echo "Starting $NAME as `whoami`"

# Activate the virtual environment
cd $DJANGODIR
source ../bin/activate
export DJANGO_SETTINGS_MODULE=$DJANGO_SETTINGS_MODULE
export PYTHONPATH=$DJANGODIR:$PYTHONPATH

# Create the run directory if it doesn't exist
RUNDIR=$(dirname $SOCKFILE)
test -d $RUNDIR || mkdir -p $RUNDIR

# Programs meant to be run under supervisor should not daemonize themselves (do not use --daemon)
exec ../bin/gunicorn ${DJANGO_WSGI_MODULE}:application \\
  --name $NAME \\
  --workers $NUM_WORKERS \\
  --user=$USER --group=$GROUP \\
  --bind=unix:$SOCKFILE \\
  --log-level=debug \\
  --log-file=-
"""


def test_the_start_script_of_a_guide() -> None:
    found = shell.parse(START)
    assert found.directory == "/webapps/hello_django/hello"
    assert found.environment["DJANGO_SETTINGS_MODULE"] == "hello.settings"
    assert found.commands[-1][:2] == ("/webapps/hello_django/bin/gunicorn", "hello.wsgi:application")
    assert "--bind=unix:/webapps/hello_django/run/gunicorn.sock" in found.commands[-1]
    assert "--group=$GROUP" in found.commands[-1]
    assert ("source", "/webapps/hello_django/bin/activate") in found.commands


@pytest.mark.parametrize(
    ("line", "commands", "directory"),
    [
        ("a b", [("a", "b")], ""),
        ("cd /srv/shop && ./manage.py tidy", [("/srv/shop/manage.py", "tidy")], "/srv/shop"),
        ("cd /srv/shop; cd ../app; ./run; $X/y; ~/z", [("/srv/app/run",), ("$X/y",), ("~/z",)], "/srv/app"),
        ("cd app && ./run", [("./run",)], ""),
        ("a >/dev/null 2>&1", [("a",)], ""),
        ("a 2 > /x 2>>/y < /z b", [("a", "2", "b")], ""),
        ("a | b || c & d", [("a",), ("b",), ("c",), ("d",)], ""),
        ("(cd /x; a)", [("a",)], "/x"),
        ("a # b", [("a",)], ""),
        ("a http://x/#y 'it''s' \"a b\"", [("a", "http://x/#y", "its", "a b")], ""),
        ("if [ -x /b ]; then exec /b; fi", [("[", "-x", "/b", "]"), ("/b",)], ""),
        ("set -eu; exec a", [("a",)], ""),
        ("A=1 B='x y' a $A ${B}", [("a", "$A", "${B}")], ""),
        ("A=1; a $A ${A}0 ${C:-d} ${C-d} $C", [("a", "1", "10", "d", "d", "$C")], ""),
        ("a 'open", [], ""),
        ("", [], ""),
        ("# a", [], ""),
        (". /srv/shop/env && a", [(".", "/srv/shop/env"), ("a",)], ""),
    ],
)
def test_lines(line: str, commands: list[tuple[str, ...]], directory: str) -> None:
    found = shell.parse(line)
    assert (found.commands, found.directory) == (commands, directory)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("export A=1 B", {"A": "1"}),
        ("A=1; export A", {"A": "1"}),
        ("A=1 run", {"A": "1"}),
        ("A=1", {}),
        ("A=1; export A; A=2", {"A": "2"}),
        ("export A='x y' B=\"$A\"", {"A": "x y", "B": "$A"}),
        ("local A=1", {}),
    ],
)
def test_what_is_exported(text: str, expected: dict[str, str]) -> None:
    assert shell.parse(text).environment == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("/bin/sh", "-c", "a b"), "a b"),
        (("bash", "-lc", "a"), "a"),
        (("bash", "-l", "-e", "-c", "a"), "a"),
        (("/usr/bin/env", "bash", "-c", "a"), "a"),
        (("su", "-s", "/bin/sh", "-c", "a", "shop"), "a"),
        (("bash", "script.sh", "-c", "a"), ""),
        (("bash", "--rcfile", "-c"), ""),
        (("sh", "-c"), ""),
        (("python", "-c", "import x"), ""),
        ((), ""),
    ],
)
def test_what_a_shell_is_given(words: tuple[str, ...], expected: str) -> None:
    assert shell.text_of(words) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("#!/bin/sh\n", True),
        ("#! /usr/bin/env bash", True),
        ("#!/usr/bin/env -S bash -e", True),
        ("#!/usr/bin/python3\n", False),
        ("#!/usr/bin/env python", False),
        ("\x7fELF", False),
        ("", False),
    ],
)
def test_scripts(text: str, expected: bool) -> None:
    assert shell.is_script(text) is expected


@given(st.text(alphabet="ab =$'\"\\{}();&|<>#\n`-:", max_size=60))
def test_no_text_breaks_it(text: str) -> None:
    shell.parse(text)
