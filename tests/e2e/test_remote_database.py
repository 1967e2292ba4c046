# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The databases are on a third machine, before and after the move."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.moving import Move, fails_with
from tests.e2e.test_secrets import everything_written, hits
from tests.lab.lab import Lab
from tests.lab.services import enable_remote_postgresql, psql
from tests.sites.facts import facts_of, wait_http
from tests.sites.provision import LIVE_TABLES, provision
from tests.sites.spec import REMOTE_SHOP

#: The administrator's password of the database server: another canary.
PASSWORD = "adm'in\"% pa$s:w\\ord"


@pytest.mark.drawn(3, of="whole moves")
def test_databases_on_a_third_machine(lab: Lab, tmp_path: Path) -> None:
    """Without other names the old databases would be overwritten, which is refused; with them the site moves."""
    server = lab.host("db", fresh=True)
    enable_remote_postgresql(server)
    quoted = PASSWORD.replace("'", "''")
    psql(server, "CREATE ROLE mover SUPERUSER LOGIN PASSWORD '{0}'".format(quoted))
    old = lab.host("old", fresh=True)
    provision(old, REMOTE_SHOP, git=server, database=server, rows=2000)
    # pg_restore 17 of trixie cannot load into a server 15, which preflight says.
    new = lab.host("new", "bookworm", fresh=True)
    new.run(["rm", "-f", "/etc/nginx/sites-enabled/default"])
    move = Move(lab, old, new, REMOTE_SHOP, tmp_path)
    move.variables["relocate_login"] = {"host": "db", "user": "mover", "password": PASSWORD}
    refused = move.run()
    assert fails_with(refused, "target_not_blank") or fails_with(refused, "same_host"), refused.stdout[-3000:]
    assert wait_http(old).status == 200
    urls = {
        key: REMOTE_SHOP.database_url(alias).replace(name, name + "_new")
        for key, alias, name in (("DATABASE_URL", "default", "/shop"), ("ARCHIVE_URL", "archive", "/shop_archive"))
    }
    move.variables["relocate_env_overrides"] = {".env": urls}
    result = move.run("--diff", "-vvvv")
    assert result.rc == 0, result.stdout[-5000:]
    assert wait_http(new, "/").status == 200
    for name in ("shop", "shop_archive"):
        assert name + "_new" in psql(server, "SELECT datname FROM pg_database")
    before = {alias: facts.without(LIVE_TABLES) for alias, facts in facts_of(server, REMOTE_SHOP).items()}
    assert before["default"].counts
    assert hits(everything_written(move), (PASSWORD, *REMOTE_SHOP.secrets)) == []
