# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which lines of cron go along with a site, with what environment, and which cannot, and why."""

from __future__ import annotations

import pytest

from ansible_collections.relocate.django.plugins.module_utils._discover import cron
from ansible_collections.relocate.django.plugins.module_utils._discover.found import Starter
from ansible_collections.relocate.django.plugins.module_utils._discover.places import Place
from ansible_collections.relocate.django.plugins.module_utils._discover.sites import FoundSite
from ansible_collections.relocate.django.plugins.module_utils._model import CronLine, CronTable
from ansible_collections.relocate.django.plugins.module_utils._steps import cron_lines
from tests.unit.plugins.module_utils._discover.held import HeldFiles

SPOOL = "/var/spool/cron/crontabs/"
MANAGE = "/srv/shop/venv/bin/python /srv/shop/manage.py"
TEXTS = {
    "/etc/crontab": f"PATH=/bin\n17 * * * * root {MANAGE} hourly\n",
    "/etc/cron.d/shop": f"# shop\nA=1\nB = '2'\nA=3\n*/5 * * * * daemon {MANAGE} send\n@daily daemon true\n",
    SPOOL + "root": f"# DO NOT EDIT\n@daily {MANAGE} clear\n",
    SPOOL + "daemon": f"SECRET=canary\n@reboot {MANAGE} worker\n0 0 * * * {MANAGE} night%input\r\n",
    "/etc/anacrontab": f"1 5 shop {MANAGE} anacron\n",
}


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> list[Starter]:
    monkeypatch.setattr(cron, "_may_run", lambda _path: True)
    files = HeldFiles({**TEXTS, "/etc/cron.daily/shop": "x"})
    return [one for one in cron.read([], files) if "cron.daily" in one.name or "shop" in str(one.commands)]


def carried(found: list[Starter], owner: str = "daemon", files: HeldFiles | None = None, **more: object) -> object:
    place = Place("/srv/shop", "", starters=tuple(found), owner=owner, **more)  # type: ignore[arg-type]
    return cron_lines.of_place(place, files or HeldFiles(TEXTS))


def test_lines_with_the_environment_that_they_have(found: list[Starter]) -> None:
    tables, refused = cron_lines.of_place(
        Place("/srv/shop", "", starters=tuple(found), owner="daemon"), HeldFiles(TEXTS)
    )
    assert {table.name: table.lines for table in tables} == {
        "/etc/anacrontab": (CronLine("root", f"1 5 shop {MANAGE} anacron"),),
        "/etc/crontab": (CronLine("root", f"17 * * * * root {MANAGE} hourly", ("PATH=/bin",)),),
        "/etc/cron.d/shop": (CronLine("daemon", f"*/5 * * * * daemon {MANAGE} send", ("A=3", "B = '2'")),),
        "root": (CronLine("root", f"@daily {MANAGE} clear"),),
        "daemon": (
            CronLine("daemon", f"@reboot {MANAGE} worker", ("SECRET=canary",)),
            CronLine("daemon", f"0 0 * * * {MANAGE} night%input\r", ("SECRET=canary",)),
        ),
    }
    assert refused == ["/etc/cron.daily/shop (a script: make it a line of /etc/cron.d)"]
    assert cron_lines.users_of(tables) == ("daemon", "root")


def test_somebody_elses_crontab_stays_unless_a_unit_runs_as_him(found: list[Starter]) -> None:
    theirs = [one for one in found if one.name == SPOOL + "daemon:2"]
    unit = Starter("service", "web.service", user="daemon")
    _tables, refused = carried(theirs, owner="shop")  # type: ignore[misc]
    assert refused == [SPOOL + "daemon:2 (daemon neither owns the project nor is a user of its units)"]
    tables, refused = carried([*theirs, unit], owner="shop")  # type: ignore[misc]
    assert [table.name for table in tables] == ["daemon"] and refused == []
    # What he says himself of whom it runs as is nothing to rely on.
    _tables, refused = carried([*theirs, Starter("service", "x", user="daemon", by="daemon")], owner="shop")  # type: ignore[misc]
    assert refused


@pytest.mark.parametrize(
    ("path", "files", "why"),
    [
        ("/etc/cron.d/shop.cron", {}, "not every cron reads a table of that name"),
        ("/etc/cron.d/shop", {"writers": {"/etc/cron.d/shop": "eve"}}, "eve can write it"),
    ],
)
def test_tables_that_are_left_alone(path: str, files: dict[str, dict[str, str]], why: str) -> None:
    held = HeldFiles({path: f"* * * * * daemon {MANAGE} send\n"}, **files)
    _tables, refused = carried([Starter("cron", path + ":1")], files=held)  # type: ignore[misc]
    assert refused == [f"{path}:1 ({why})"]


def test_a_user_who_is_gone() -> None:
    held = HeldFiles({"/etc/cron.d/shop": f"* * * * * gone-{MANAGE[1:4]} {MANAGE}\n"})
    _tables, refused = carried([Starter("cron", "/etc/cron.d/shop:1")], files=held)  # type: ignore[misc]
    assert refused == ["/etc/cron.d/shop:1 (there is no user gone-srv)"]


def test_only_where_the_user_said_so(found: list[Starter]) -> None:
    site = FoundSite("shop", Place("/srv/shop", "", starters=tuple(found), owner="daemon"))
    files = HeldFiles(TEXTS)
    assert isinstance(cron_lines.of_site(site, files, "carry")[0], CronTable)
    assert cron_lines.of_site(site, files, "leave") == [] == cron_lines.of_site(None, files, "carry")
