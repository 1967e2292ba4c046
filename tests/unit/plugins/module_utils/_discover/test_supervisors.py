# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""All supervisors of a host together."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.relocate.django.plugins.module_utils._discover import cron, supervisors
from ansible_collections.relocate.django.plugins.module_utils._discover.found import Starter
from ansible_collections.relocate.django.plugins.module_utils._discover.scripts import followed
from tests.unit.plugins.module_utils._discover.held import HeldFiles

pytestmark = pytest.mark.slow

UNIT = Starter("service", "supervisor.service", "supervisor.service", commands=(("supervisord",),), runs=True)


def test_programs_of_each_kind_and_of_one_within_another() -> None:
    files = HeldFiles(
        {
            "/etc/supervisord.conf": "[program:web]\ncommand=uwsgi --ini /etc/shop.ini\nuser=shop",
            "/etc/shop.ini": "[uwsgi]\nchdir=/srv/shop\nsocket=:9000",
            "/etc/circus.ini": "[watcher:mail]\ncmd=mail",
            "/etc/service/queue/run": "exec queue",
        }
    )
    found = {one.name: one for one in supervisors.read([UNIT], files)}
    assert {name: one.kind for name, one in found.items()} == {
        "web": "supervisor",
        "mail": "circus",
        "queue": "runit",
        "shop": "uwsgi",
    }
    assert (found["shop"].unit, found["shop"].user) == ("supervisor.service", "shop")
    assert found["shop"].listens == ("tcp:*:9000",)


@pytest.mark.parametrize(
    "command",
    [
        "nice -n5 /srv/shop/env/bin/uwsgi --ini /etc/shop/uwsgi.ini",
        "sudo -u shop -E nice -n 5 uwsgi /etc/shop/uwsgi.ini",
        "sh -c 'cd /etc/shop && exec uwsgi --ini=/etc/shop/uwsgi.ini'",
    ],
)
@pytest.mark.parametrize("kind", ["supervisor", "circus", "runit", "cron", "service"])
def test_ways_to_an_application_of_uwsgi(kind: str, command: str) -> None:
    starter = Starter(kind, "x", "x.service", user="shop", commands=(tuple(shlex.split(command)),), runs=True)
    files = HeldFiles({"/etc/shop/uwsgi.ini": "[uwsgi]\nchdir=/srv/shop/current\nsocket=/run/shop/uwsgi.sock"})
    [found] = supervisors.read([starter], files)
    assert (found.kind, found.unit, found.directory) == ("uwsgi", "x.service", "/srv/shop/current")
    assert (found.user, found.runs, found.listens) == ("shop", True, ("unix:/run/shop/uwsgi.sock",))


#: Pieces that mean something to one of the readers, and some that mean nothing.
PIECES = """[ ] [program:a] [uwsgi] [watcher:a] [env] [socket:a] [include] [circus] [supervisord] = : ; # % %( ( ) $
    ${ }
    $( \\ command cmd args files numprocs numprocs_start process_num %(process_num)d %(ENV_A)s socket http chdir emperor
    env A=1 include include_dir environment user uid $(circus.sockets.a) $(circus.env.a) @reboot * */5 root exec
    cd chpst -u -e
    sh -c ' " && || > 2>&1 /a /etc/a.ini /etc/*.ini ../.. ~ \0 \udcff \u00b2 99999999999999999999 -1 gunicorn -b --bind
    unix: uwsgi --ini supervisord circusd runsvdir daphne -p""".split()
PLACES = """/etc/supervisord.conf /etc/supervisor/supervisord.conf /etc/circus.ini /etc/uwsgi.ini /etc/a.ini
    /etc/crontab /etc/uwsgi/apps-enabled/a.ini /etc/uwsgi/apps-enabled/a.yaml /etc/service/a/run /etc/sv/b/run
    /var/spool/cron/root
    /etc/anacrontab /usr/share/uwsgi/conf/default.ini /a""".split()
TEXTS = st.lists(st.sampled_from([*PIECES, "\n", " ", "="]), max_size=40).map("".join)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(PLACES), TEXTS), st.lists(st.lists(st.sampled_from(PIECES), max_size=5)))
def test_no_text_breaks_a_reader(texts: dict[str, str], commands: list[list[str]]) -> None:
    files = HeldFiles(texts)
    unit = Starter("service", "a.service", "a.service", commands=tuple(map(tuple, commands)))
    lines = cron.read([unit], files)
    found = [followed(one, files) for one in (unit, *lines)]
    for one in [*found, *supervisors.read(found, files)]:
        assert all(isinstance(word, str) for command in one.commands for word in command)
        assert all(address.startswith(("unix:/", "unix:@", "tcp:")) for address in one.listens), one.listens


def test_a_host_without() -> None:
    assert supervisors.read([UNIT], HeldFiles({})) == []


@pytest.mark.parametrize(
    ("path", "text", "kind", "command"),
    [
        ("/etc/supervisor/supervisord.conf", "[program:a]\ncommand=/bin/a", "supervisor", "supervisord -c {0}"),
        ("/etc/circus.ini", "[watcher:a]\ncmd=/bin/a", "circus", "circusd {0}"),
        ("/etc/uwsgi/apps-enabled/a.ini", "[uwsgi]\nchdir=/srv/a", "uwsgi", "uwsgi --ini {0}"),
        ("/etc/service/a/run", "exec /bin/a", "runit", "runsvdir /etc/service"),
    ],
)
def test_a_line_of_a_user_hides_nothing_of_the_systems(path: str, text: str, kind: str, command: str) -> None:
    """He may start a supervisor of his own by the system's configuration: its programs are still the system's."""
    line = Starter("cron", "x:1", user="eve", by="eve", commands=(tuple(command.format(path).split()),))
    root = Starter("service", "supervisor.service", "supervisor.service", commands=(("supervisord",),), runs=True)
    found = [one for one in supervisors.read([line, root], HeldFiles({path: text})) if one.kind == kind]
    assert "" in {one.by for one in found}
    assert all(one.user == "eve" for one in found if one.by)


@pytest.mark.parametrize(
    ("main", "more", "kind"),
    [
        (
            ("/etc/supervisord.conf", "[program:a]\ncommand=/a\n[include]\nfiles=/etc/more/*.conf"),
            ("/etc/more/b.conf", "[supervisord]\nenvironment=X=1\nuser=eve\n[program:b]\ncommand=/b"),
            "supervisor",
        ),
        (
            ("/etc/circus.ini", "[circus]\ninclude=/etc/more/*.ini\n[watcher:a]\ncmd=/a"),
            ("/etc/more/b.ini", "[env]\nX=1\n[watcher:b]\ncmd=/b"),
            "circus",
        ),
    ],
)
def test_what_a_user_adds_to_the_systems_configuration_is_his(
    main: tuple[str, str], more: tuple[str, str], kind: str
) -> None:
    files = HeldFiles(dict([main, more]), writers={more[0]: "eve"})
    found = {one.name: one for one in supervisors.read([UNIT], files) if one.kind == kind}
    assert {name: one.by for name, one in found.items()} == {"a": "", "b": "eve"}
    assert (found["a"].environment, found["a"].user == "eve") == ({}, False)
    files = HeldFiles(dict([main, more]), writers={main[0]: "eve"})
    assert {one.by for one in supervisors.read([UNIT], files) if one.kind == kind} == {"eve"}


@pytest.mark.parametrize(
    ("path", "text"), [("/etc/uwsgi/apps-enabled/a.ini", "[uwsgi]\nchdir=/srv/a"), ("/etc/sv/a/run", "exec /bin/a")]
)
def test_an_application_of_a_file_that_a_user_can_write(path: str, text: str) -> None:
    [found] = supervisors.read([UNIT], HeldFiles({path: text}, writers={path: "eve"}))
    assert found.by == "eve"
