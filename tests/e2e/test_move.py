# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A whole move of each kind of site, with every ansible-core, and what must hold then (acceptance 3 and 6)."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from tests.e2e.moving import Move, active, changed, controller, enabled, heartbeats, leftovers, prepare, still
from tests.lab.digest import difference
from tests.lab.host import Host
from tests.lab.lab import Lab
from tests.lab.services import mysql
from tests.sites.facts import events_of, http_get, seen_uids, wait_http, watch_uids
from tests.sites.spec import AWKWARD_SHOP, MYSQL_SHOP, SHOP, SQLITE_SHOP, Site
from tests.tools.venv import CONTROLLERS

#: Our own directory is the one thing, besides services, that a move leaves on old; the SSH login leaves traces; and the
#: site itself goes on writing while it serves.
OURS = (
    "/var/lib/relocate",
    "/home/admin/.*",
    "/root/.ansible",
    "/srv/*/app/var/heartbeats.log",
    "/srv/*.sqlite3*",
    "/srv/*/.gunicorn",
)


@dataclasses.dataclass(frozen=True)
class Case:
    """A kind of site, and between what it moves; new is trixie."""

    site: Site
    suite: str = "bookworm"
    #: The controller's ansible-core; empty is the one of all other tests.
    core: str = ""
    #: Whether --check is run first, or a rehearsal of a page that old gives otherwise than the code does on new.
    checked: bool = True
    rehearsed: bool = False
    #: Whether the databases are copied while old serves, and what its writer changes meanwhile is carried afterwards.
    copied: bool = False


SOCKET_SHOP = dataclasses.replace(SHOP, settings="awkward.settings_plain", database_host="")
CASES = {
    # An old server as they are: Python 3.9, PostgreSQL 13, Django 4.2, names that must be quoted everywhere.
    "postgresql-13": Case(AWKWARD_SHOP, "bullseye", "2.18", copied=True),
    "sqlite": Case(SQLITE_SHOP, checked=False, rehearsed=True, copied=True),
    "socket": Case(
        dataclasses.replace(SHOP, settings="awkward.settings_plain", database_host=""),
        "bookworm",
        "2.21",
        checked=False,
    ),
    "mariadb-10.11": Case(MYSQL_SHOP, core="2.20", copied=True),  # 10.5 moves in test_failures.py
}
#: The events of the site on MariaDB, and what each must be again.
EVENTS = {"shop_forget": "ENABLED", "shop_never": "DISABLED", "shop_tidy": "ENABLED"}


def test_every_ansible_core_moves_a_site() -> None:
    assert {case.core or "2.19" for case in CASES.values()} == set(CONTROLLERS)


@pytest.mark.drawn(3, of="whole moves")
@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_whole_move(lab: Lab, tmp_path: Path, case: Case) -> None:
    """Check first, then move: complete, proven, old stopped and else untouched; again: nothing changes."""
    move = prepare(lab, tmp_path, case.site, suite=case.suite)
    move.venv = controller(case.core) if case.core else move.venv
    site, old, new = move.site, move.old, move.new
    watch_uids(old)
    watch_uids(new)
    before, bare = old.digest(exclude=OURS), new.digest(exclude=OURS)
    if case.checked:
        checked = move.run("--check")
        assert checked.rc == 0, checked.stdout[-3000:]
        assert difference(before, old.digest(exclude=OURS)) == []
        assert difference(bare, new.digest(exclude=OURS)) == []
    if case.rehearsed:
        _unlike_page_is_told(move)
    if case.copied:
        move.variables["relocate_first_copy"] = "always"

    result = move.run()
    assert result.rc == 0, result.stdout[-5000:] + result.stderr[-2000:]
    assert "DEPRECATION" not in result.stdout + result.stderr
    assert still(new, site) == still(old, site)
    # Every heartbeat that the old database acknowledged is on new, where the worker has gone on since.
    assert set(old.read(site.heartbeats).split()) <= heartbeats(new, site)
    if site.engine == "mysql":
        assert events_of(new, site.databases["default"]) == EVENTS
        programs_run(new, site.databases["default"])
    _served_by_new(site, move)
    _old_is_untouched(move, before)
    if case.copied:
        assert all(_caught_up(move).values()), result.stdout[-5000:]
    report = move.report()
    assert report["status"] == "moved"
    assert report["downtime"] < report["total"]

    again = move.run()
    assert again.rc == 0, again.stdout[-3000:]
    assert set(changed(again).values()) == {0}
    assert "nothing to do" in again.stdout


def _caught_up(move: Move) -> dict[str, str]:
    """The directory or file, of each database of the set, that holds what changed since the first copy."""
    [path] = move.new.run(["sh", "-c", "ls /var/lib/relocate/sets/*/*/manifest.json"]).stdout.split()
    found = json.loads(move.new.read(path))["databases"]
    return {alias: entry.get("catch_up") or "" for alias, entry in found.items()}


def programs_run(host: Host, database: str) -> None:
    """What other accounts defined works: views, procedures and triggers ask for their definer when they are used."""
    assert int(mysql(host, "SELECT count(*) FROM shop_books_of_authors", database)) > 0
    assert int(mysql(host, "CALL shop_report()", database)) > 0
    assert float(mysql(host, "SELECT shop_gross(100)", database)) == 119
    upload = "INSERT INTO shop_upload (file, sha256) VALUES ('by hand', 'ABC'); SELECT sha256 FROM shop_upload"
    assert mysql(host, f"START TRANSACTION; {upload} WHERE file = 'by hand'; ROLLBACK", database) == "abc"


def _unlike_page_is_told(move: Move) -> None:
    """A page reads a file that no move knows of: old's web server and the code on new show different titles."""
    move.old.write("/etc/awkward-name", "Old books\n")
    result = move.run(playbook="rehearse_move")
    assert result.rc != 0, result.stdout[-3000:]
    said = "GET / (Host: shop.example.org) has the title 'Awkward books' on new, and 'Old books' on old"
    assert f"[answer_differs] {said}" in result.stdout, result.stdout[-3000:]
    assert all(active(move.old, unit) for unit in move.site.units)
    move.old.run(["rm", "/etc/awkward-name"])


def _served_by_new(site: Site, move: Move) -> None:
    answer = wait_http(move.new, "/", port=site.public_port, seconds=5)
    assert answer.status == 200
    assert all(count >= 0 for count in answer.counts.values())
    assert http_get(move.old, "/health", port=site.public_port).status != 200
    for unit in site.units:
        assert active(move.new, unit) and enabled(move.new, unit)
        assert not active(move.old, unit) and not enabled(move.old, unit)
    media = [
        host.run(["sh", "-c", f"cd {site.media} && find . -type f -exec sha256sum {{}} + | sort"]).stdout
        for host in (move.old, move.new)
    ]
    assert media[0] == media[1] != ""
    assert move.new.run(["stat", "-c", "%U %a", site.env_file]).stdout.split() == [site.user, "600"]


def _old_is_untouched(move: Move, before: object) -> None:
    units = list(difference(before, move.old.digest(exclude=OURS)))  # type: ignore[arg-type]
    foreign = [line for line in units if not any(unit in line for unit in move.site.units)]
    assert foreign == []
    assert leftovers(move.old) == ""
    assert leftovers(move.new) == ""
    for host in (move.old, move.new):
        owner = int(host.run(["id", "-u", move.site.user]).stdout)
        assert seen_uids(host) <= {owner}
    assert seen_uids(move.new)  # old's units started before; what asks a project writes no file
