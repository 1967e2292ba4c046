# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A whole move, of each kind of site, and what must hold afterwards (issue 1 of 3, acceptance 3)."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from tests.e2e.moving import Move, active, changed, enabled, heartbeats, leftovers, prepare, still
from tests.lab.digest import difference
from tests.lab.host import Host
from tests.lab.lab import Lab
from tests.lab.services import mysql
from tests.sites.facts import events_of, http_get, seen_uids, wait_http, watch_uids
from tests.sites.provision import MYSQL_SHOP, SHOP
from tests.sites.spec import Site

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
SITES = {
    "postgresql": SHOP,
    "sqlite": dataclasses.replace(SHOP, engine="sqlite"),
    "socket": dataclasses.replace(SHOP, settings="awkward.settings_plain", database_host=""),
    "mariadb-10.11": MYSQL_SHOP,
    "mariadb-10.5": MYSQL_SHOP,
}
#: Old is bookworm but for these; new is trixie.
SUITES = {"mariadb-10.5": "bullseye"}
#: The events of the site on MariaDB, and what each must be again.
EVENTS = {"shop_forget": "ENABLED", "shop_never": "DISABLED", "shop_tidy": "ENABLED"}


@pytest.fixture(params=list(SITES))
def move(request: pytest.FixtureRequest, lab: Lab, tmp_path: Path) -> Move:
    """Each kind of site, on a pair of its own."""
    return prepare(lab, tmp_path, SITES[request.param], suite=SUITES.get(request.param, "bookworm"))


def test_whole_move(move: Move) -> None:
    """Check first, then move: complete, proven, old stopped and else untouched; again: nothing changes."""
    site, old, new = move.site, move.old, move.new
    watch_uids(old)
    watch_uids(new)
    before, bare = old.digest(exclude=OURS), new.digest(exclude=OURS)
    checked = move.run("--check")
    assert checked.rc == 0, checked.stdout[-3000:]
    assert difference(before, old.digest(exclude=OURS)) == []
    assert difference(bare, new.digest(exclude=OURS)) == []

    result = move.run()
    assert result.rc == 0, result.stdout[-5000:] + result.stderr[-2000:]
    assert still(new, site) == still(old, site)
    # Every heartbeat that the old database acknowledged is on new, where the worker has gone on since.
    assert set(old.read(site.heartbeats).split()) <= heartbeats(new, site)
    if site.engine == "mysql":
        assert events_of(new, site.databases["default"]) == EVENTS
        programs_run(new, site.databases["default"])
    _served_by_new(site, move)
    _old_is_untouched(move, before)
    report = move.report()
    assert report["status"] == "moved"
    assert report["downtime"] < report["total"]

    again = move.run()
    assert again.rc == 0, again.stdout[-3000:]
    assert set(changed(again).values()) == {0}
    assert "nothing to do" in again.stdout


def programs_run(host: Host, database: str) -> None:
    """What other accounts defined works: views, procedures and triggers ask for their definer when they are used."""
    assert int(mysql(host, "SELECT count(*) FROM shop_books_of_authors", database)) > 0
    assert int(mysql(host, "CALL shop_report()", database)) > 0
    assert float(mysql(host, "SELECT shop_gross(100)", database)) == 119
    upload = "INSERT INTO shop_upload (file, sha256) VALUES ('by hand', 'ABC'); SELECT sha256 FROM shop_upload"
    assert mysql(host, f"START TRANSACTION; {upload} WHERE file = 'by hand'; ROLLBACK", database) == "abc"


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
        assert seen_uids(host) == {owner}
