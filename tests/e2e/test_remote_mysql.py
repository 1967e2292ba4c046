# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A site whose databases are on a MySQL server on a third machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.moving import Move, blank, changed, fails_with, leftovers
from tests.e2e.test_move import EVENTS, programs_run
from tests.e2e.test_secrets import everything_written, hits
from tests.lab.lab import Lab
from tests.lab.services import mysql
from tests.sites.facts import events_of, facts_in, http_get, wait_http
from tests.sites.provision import LIVE_TABLES, REMOTE_MYSQL_SHOP, provision

#: The administrator's password of the database server: another canary.
PASSWORD = "adm'in\"% pa$s:w\\ord"


@pytest.mark.drawn(3, of="whole moves")
def test_databases_on_mysql_9(lab: Lab, tmp_path: Path) -> None:
    """A third machine with MySQL 9 has the databases before and after; other names on it keep the old ones whole.

    The tools of both hosts are MariaDB's own; those of new want to know the server's certificate.
    """
    server = lab.host("db", "sid", fresh=True)
    quoted = PASSWORD.replace("\\", "\\\\").replace("'", "''")
    mysql(server, f"CREATE USER mover@'%' IDENTIFIED BY '{quoted}'; GRANT ALL ON *.* TO mover@'%' WITH GRANT OPTION")
    site = REMOTE_MYSQL_SHOP
    old = lab.host("old", fresh=True)
    provision(old, site, git=server, database=server, rows=2000)
    new = blank(lab, site)
    move = Move(lab, old, new, site, tmp_path)
    # On old too: routines of other accounts are shown to the administrator only.
    for name in ("relocate_login", "relocate_old_login"):
        move.variables[name] = {"host": "db", "user": "mover", "password": PASSWORD}
    refused = move.run()
    assert fails_with(refused, "target_not_blank") or fails_with(refused, "same_host"), refused.stdout[-3000:]
    assert wait_http(old).status == 200
    urls = {
        key: site.database_url(alias).replace(f"/{name}?", f"/{name}_new?")
        for key, alias, name in (("DATABASE_URL", "default", "shop"), ("ARCHIVE_URL", "archive", "shop_archive"))
    }
    move.variables["relocate_env_overrides"] = {".env": urls}
    result = move.run("--diff", "-vvvv")
    assert result.rc == 0, result.stdout[-5000:]
    assert wait_http(new, "/").status == 200
    assert http_get(old, "/health").status != 200
    for name in site.databases.values():
        before, after = (facts_in(server, site, found).without(LIVE_TABLES) for found in (name, f"{name}_new"))
        assert before.counts and after == before
    assert events_of(server, "shop_new") == EVENTS
    programs_run(server, "shop_new")
    assert leftovers(old) == "" and leftovers(new) == ""
    assert hits(everything_written(move), (PASSWORD, *site.secrets)) == []
    again = move.run()
    assert again.rc == 0 and set(changed(again).values()) == {0}, again.stdout[-3000:]
