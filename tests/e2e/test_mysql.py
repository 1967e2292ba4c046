# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sites on MariaDB and MySQL: whole moves, failures that are taken back, secrets, a server on a third machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.moving import Move, changed, fails_with, leftovers, still
from tests.e2e.test_failures import LIMIT, converges, fails_and_is_put_back, once
from tests.e2e.test_move import OURS, _old_is_untouched, _served_by_new
from tests.e2e.test_secrets import everything_written, hits, polled
from tests.lab._command import LabError
from tests.lab.digest import difference
from tests.lab.host import Host
from tests.lab.lab import Lab
from tests.lab.services import mysql
from tests.sites.databases import enable_mysql
from tests.sites.facts import events_of, facts_in, http_get, wait_http, watch_uids
from tests.sites.provision import LIVE_TABLES, MYSQL_SHOP, REMOTE_MYSQL_SHOP, provision, provisioned, publish
from tests.sites.spec import Site

#: MariaDB 10.11 and 10.5; new is trixie's 11.8.
OLD = {"10.11": "bookworm", "10.5": "bullseye"}
#: The administrator's password of the database server: another canary.
PASSWORD = "adm'in\"% pa$s:w\\ord"
EVENTS = {"shop_forget": "ENABLED", "shop_never": "DISABLED", "shop_tidy": "ENABLED"}


def prepare_mysql(lab: Lab, directory: Path, suite: str = "bookworm", rows: int = 5000) -> Move:
    """An old host with the site on its MariaDB, and a new one whose MariaDB runs, events too, and is blank."""
    directory.mkdir(parents=True, exist_ok=True)
    if "old" in lab.hosts:
        lab.remove("old")  # an earlier test may have moved its site away
    old = provisioned(lab, MYSQL_SHOP, suite=suite, rows=rows)
    new = lab.host("new", fresh=True)
    new.run(["rm", "-f", "/etc/nginx/sites-enabled/default"])
    enable_mysql(new)
    return Move(lab, old, new, MYSQL_SHOP, directory)


@pytest.fixture
def move(lab: Lab, tmp_path: Path) -> Move:
    """A pair of its own, bookworm to trixie."""
    return prepare_mysql(lab, tmp_path)


def asked(host: Host, sql: str, database: str = "mysql") -> str:
    """One answer of the server, empty when it fails."""
    try:
        return mysql(host, sql, database)
    except LabError:
        return ""


def acknowledged(host: Host, site: Site) -> set[str]:
    """The keys of the live writer's rows in the database."""
    return set(mysql(host, "SELECT id FROM shop_heartbeat", site.databases["default"]).split())


def programs_run(host: Host, database: str) -> None:
    """What other accounts defined works: views, procedures and triggers ask for their definer when they are used."""
    assert int(mysql(host, "SELECT count(*) FROM shop_books_of_authors", database)) > 0
    assert int(mysql(host, "CALL shop_report()", database)) > 0
    assert float(mysql(host, "SELECT shop_gross(100)", database)) == 119
    upload = "INSERT INTO shop_upload (file, sha256) VALUES ('by hand', 'ABC'); SELECT sha256 FROM shop_upload"
    assert mysql(host, f"START TRANSACTION; {upload} WHERE file = 'by hand'; ROLLBACK", database) == "abc"


@pytest.mark.parametrize("suite", OLD.values(), ids=list(OLD))
def test_whole_move(lab: Lab, tmp_path: Path, suite: str) -> None:
    """Check first, then move: complete, proven, old stopped and else untouched; again: nothing changes."""
    move = prepare_mysql(lab, tmp_path, suite)
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
    assert events_of(new, site.databases["default"]) == EVENTS
    assert set(old.read(site.heartbeats).split()) <= acknowledged(new, site)
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


def test_migration_that_raises(move: Move) -> None:
    """A newer revision whose migration fails, and leaves half of itself; then one whose migration works."""
    revisions = publish(move.lab.host("db"))
    move.variables["relocate_revision"] = revisions["raises"]
    fails_and_is_put_back(move, "migration_failed")
    move.variables["relocate_revision"] = revisions["next"]
    result = move.run()
    assert result.rc == 0, result.stdout[-5000:]
    assert wait_http(move.new, "/").status == 200
    assert "migrations applied: shop." in result.stdout


def test_row_deleted_after_the_load(move: Move) -> None:
    """Somebody deletes a row on new between the swap and the proof."""
    name, table = move.site.databases["default"], "shop_auditentry"
    with once(
        lambda: asked(move.new, f"SELECT count(*) FROM {table}", name) not in ("", "0"),
        lambda: asked(move.new, f"DELETE FROM {table} ORDER BY id LIMIT 1", name),
    ) as done:
        result = fails_and_is_put_back(move, "not_proven")
    assert done and table in result.stdout
    converges(move)


def test_server_killed_during_the_load(lab: Lab, tmp_path: Path) -> None:
    """New's MariaDB dies while the dump is being loaded; its unit starts it again, with half a database in it."""
    move = prepare_mysql(lab, tmp_path, rows=100_000)
    loading = "SELECT count(*) FROM information_schema.tables WHERE table_name = 'shop_book'"
    with once(
        lambda: asked(move.new, loading) not in ("", "0"),
        lambda: move.new.run(["systemctl", "kill", "-s", "KILL", "mariadb.service"], check=False),
    ) as done:
        result = move.run()
    assert done
    wait_http(move.old, seconds=LIMIT)
    assert result.rc != 0
    assert any(f'"code": "{code}"' in result.stdout for code in ("load_failed", "server_unreachable", "query_failed"))
    assert http_get(move.old, "/").status == 200
    move.new.run(["systemctl", "restart", "mariadb.service"])
    assert asked(move.new, "SELECT 1") == "1"
    converges(move)
    system = ("information_schema", "mysql", "performance_schema", "sys")
    assert set(mysql(move.new, "SHOW DATABASES").split()) - set(system) >= set(move.site.databases.values())


def test_no_canary_shows(move: Move) -> None:
    """A run that fails at the cutover, then one that succeeds, at -vvvv, on servers that log each statement."""
    for host in (move.old, move.new):
        log = "SET GLOBAL general_log_file = '/var/lib/mysql/general.log'; SET GLOBAL general_log = ON"
        mysql(host, log)
    env = {"ANSIBLE_CACHE_PLUGIN": "jsonfile", "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(move.directory / "facts")}
    broken = f"/etc/systemd/system/{move.site.web_unit}.d/broken.conf"
    move.new.write(broken, "[Service]\nExecStartPre=/bin/false\n")
    texts = []
    with polled(move.old, move.new) as lines:
        failed = move.run("-vvvv", "--diff", env=env)
        texts.append(everything_written(move))
        move.new.run(["rm", broken])
        moved = move.run("-vvvv", "--diff", env=env)
        texts.append(everything_written(move))
    assert failed.rc != 0 and moved.rc == 0, moved.stdout[-3000:]
    assert len(lines) == 2 and all("python3" in text for text in lines)
    assert "Load, prove and swap" in texts[1]
    assert hits("\n".join(texts + lines), move.site.secrets) == []
    for host in (move.old, move.new):
        journal = host.run(["journalctl", "--no-pager", "-o", "cat"]).stdout
        logs = host.run(
            "cat /var/lib/mysql/general.log; find / -xdev '(' -name '.mysql_history' -o -name '.mariadb_history' ')' "
            "-exec cat {} +; cat /var/log/mysql/* 2>/dev/null || true"
        ).stdout
        assert "shop_sale" in logs
        assert hits(journal + logs, move.site.secrets) == []


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
    new = lab.host("new", fresh=True)
    new.run(["rm", "-f", "/etc/nginx/sites-enabled/default"])
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
