# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nobody fills this host's memory, or its time, with a configuration file of his own."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest

from ansible_collections.relocate.django.plugins.module_utils._discover import cron, shell, supervisor, uwsgi
from ansible_collections.relocate.django.plugins.module_utils._discover.budget import MOST, Budget
from ansible_collections.relocate.django.plugins.module_utils._discover.found import Starter
from ansible_collections.relocate.django.plugins.module_utils._discover.scripts import followed
from ansible_collections.relocate.django.plugins.module_utils._discover.unit_files import Specifiers, define
from tests.unit.plugins.module_utils._discover.held import HeldFiles

pytestmark = pytest.mark.slow

BIG = "x" * 100_000
MEBIBYTE = 1024 * 1024


@pytest.fixture(autouse=True)
def _soon() -> Iterator[None]:
    """Each of these takes far less; without the limits it takes minutes, or all of the memory."""
    begun = time.monotonic()
    yield
    assert time.monotonic() - begun < 20


def test_a_budget_leaves_texts_as_they_are_when_it_is_used_up() -> None:
    budget = Budget(5)
    pattern = re.compile("a")
    assert budget.substitute(pattern, lambda _match: "bb", "-a-a-") == "-bb-bb-"
    assert budget.substitute(pattern, lambda _match: "bb", "-a-a-") == "-a-a-"


def size(commands: tuple[tuple[str, ...], ...]) -> int:
    return sum(len(word) for command in commands for word in command)


def test_scripts_that_double_a_variable() -> None:
    found = shell.parse("A=xx\n" + "A=$A$A\n" * 400 + "run $A " + "$A " * 10_000)
    assert max(map(len, found.variables.values())) <= MOST
    assert size(tuple(found.commands)) <= 2 * MOST


@pytest.mark.parametrize("line", ["ExecStart=/bin/a " + "${B}" * 2000, "ExecStart=/bin/a " + "$B " * 2000])
def test_units_that_repeat_a_variable(line: str) -> None:
    found = define([f"[Service]\nEnvironment=B={BIG}\n" + (line + "\n") * 50], Specifiers("a.service"))
    assert size(found.commands) < 3 * MEBIBYTE


def test_supervisors_with_too_many_processes() -> None:
    text = (
        f"[supervisord]\nenvironment=B={BIG}\n"
        + f"[program:a]\ncommand=a {'%(ENV_B)s' * 50} %(process_num)d\nnumprocs=64\n" * 1000
    )
    unit = Starter("service", "a.service", commands=(("supervisord", "-c", "/a.conf"),))
    found = supervisor.read([unit], HeldFiles({"/a.conf": text}))
    assert sum(size(one.commands) for one in found) < MEBIBYTE


def test_options_of_uwsgi_that_double_themselves() -> None:
    text = "[uwsgi]\nchdir = xx\n" + "chdir = %(chdir)%(chdir)\n" * 200
    unit = Starter("service", "a.service", commands=(("uwsgi", "/a.ini"),))
    [found] = uwsgi.read([unit], HeldFiles({"/a.ini": text}))
    assert size(found.commands) < 4 * MEBIBYTE


def test_long_tables_of_cron() -> None:
    files = HeldFiles({"/etc/crontab": "@daily root a\n" * 70_000, "/etc/cron.d/a": "@daily root " + "a;" * 400_000})
    assert len(cron.read([], files)) < 1000


def test_scripts_that_run_many_others() -> None:
    names = [f"/opt/{number}" for number in range(200)]
    text = "#!/bin/sh\n" + "\n".join(names)
    found = followed(Starter("cron", "a", commands=((names[0],),)), HeldFiles(dict.fromkeys(names, text)))
    assert 0 < len(found.files) <= 20
