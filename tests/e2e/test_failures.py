# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What fails after the freeze puts the old site back, says why, and converges after the mend (acceptance 4)."""

from __future__ import annotations

import datetime
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.e2e.moving import Move, active, enabled, fails_with, leftovers, prepare, still, variables_of, watched
from tests.e2e.servers import SERVERS, Server
from tests.lab.host import Host
from tests.lab.lab import Lab
from tests.lab.playbook import PlaybookResult
from tests.sites.facts import http_get, wait_http
from tests.sites.provision import publish

#: Seconds after the failure within which old must serve again: a rescue that waits is found, a busy machine is not.
LIMIT = 60
#: Loses a row to somebody.
TABLE = "shop_auditentry"
#: Gets five rows a second wherever the worker runs.
HEARTBEATS = "shop_heartbeat"


def failed_at(result: PlaybookResult) -> float:
    """When the first task failed, from Ansible's log, as an epoch."""
    found = re.search(r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),(\d+) .*fatal: ", result.log, re.M)
    assert found, result.log[-2000:]
    whole = datetime.datetime.strptime(found.group(1), "%Y-%m-%d %H:%M:%S")
    return whole.timestamp() + int(found.group(2)) / 1000


def fails_and_is_put_back(move: Move, code: str, *args: str, env: Mapping[str, str] | None = None) -> PlaybookResult:
    """Run the move, which fails with the code; old must serve again in time, new must not."""
    with watched(move.old) as answers:
        result = move.run(*args, env=env)
    wait_http(move.old, seconds=LIMIT)
    assert fails_with(result, code), result.stdout[-4000:]
    assert "the old site serves again" in result.stdout
    assert move.report(move.site.name)["status"] == "failed"
    broken = [at for at, status in answers if status != 200]
    assert broken, "the site was never frozen"
    assert http_get(move.old, "/").status == 200
    assert max(broken) - failed_at(result) < LIMIT
    for unit in move.site.units:
        assert active(move.old, unit) and enabled(move.old, unit)
        assert not active(move.new, unit)
    assert leftovers(move.old) == "" and leftovers(move.new) == ""
    return result


def converges(move: Move, *args: str, env: Mapping[str, str] | None = None) -> None:
    """The same command, after the mend, moves the site."""
    result = move.run(*args, env=env)
    assert result.rc == 0, result.stdout[-5000:]
    assert wait_http(move.new, "/").status == 200
    assert still(move.new, move.site) == still(move.old, move.site)
    assert not active(move.old, move.site.web_unit)


@contextmanager
def once(condition: Callable[[], bool], act: Callable[[], object]) -> Iterator[list[float]]:
    """While the block runs, do something as soon as a condition holds; gives when it was done."""
    done: list[float] = []
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(0.05):
            if condition():
                act()
                done.append(time.time())
                return

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield done
    finally:
        stop.set()
        thread.join(30)


def a_row_goes(move: Move, server: Server, host: Host) -> AbstractContextManager[list[float]]:
    """Somebody deletes a row on a host as soon as new's live database holds the rows of the dump."""
    name = move.site.databases["default"]
    # What an earlier attempt has loaded is not meant.
    other = f"AND {server.identity} <> '{server.ask(move.new, f'SELECT {server.identity}', name)}'"
    return once(
        lambda: server.counts(move.new, f"SELECT count(*) FROM {TABLE} WHERE 1 = 1 {other}", name),
        lambda: server.ask(host, server.delete.format(TABLE), name),
    )


def a_row_is_missing_on_new(move: Move, server: Server) -> None:
    """Somebody deletes a row on new between the swap and the proof."""
    with a_row_goes(move, server, move.new) as done:
        result = fails_and_is_put_back(move, "not_proven")
    assert done and TABLE in result.stdout


def a_writer_is_no_unit(move: Move, server: Server) -> None:
    """Somebody at a shell writes to the old database after it was dumped: new would lack that."""
    with a_row_goes(move, server, move.old) as done:
        result = fails_and_is_put_back(move, "freeze_lost")
    assert done and "the old databases were written after they were dumped" in result.stdout
    assert TABLE in result.stdout


def the_server_is_killed(move: Move, server: Server) -> None:
    """New's database server dies while the dump is being loaded; a unit may start it again, with half a database."""
    kill = f"systemctl kill -s KILL {server.unit}"
    with once(lambda: server.counts(move.new, server.loading, then=kill), lambda: None) as done:
        result = move.run()
    assert done
    wait_http(move.old, seconds=LIMIT)
    assert result.rc != 0
    codes = set(re.findall(r'"code": "(\w+)"', result.stdout))
    assert codes & {"load_failed", "server_unreachable", "query_failed"}, (codes, result.stdout[-4000:])
    assert http_get(move.old, "/").status == 200
    move.new.run(["systemctl", "restart", server.unit])
    assert server.ask(move.new, "SELECT 1") == "1"


def new_answers_wrongly(move: Move, server: Server) -> None:
    """A page of new is not as it should be, while a worker there writes rows: no later run drops these."""
    [right] = variables_of(move.site)["relocate_answers"]
    move.variables["relocate_answers"] = [{**right, "contains": "words that no page holds", "old": False}]
    result = fails_and_is_put_back(move, "site_silent")
    said = " ".join(result.stdout.split())
    assert "new was started, and differs from what it got: database default: " in said, said[-4000:]
    assert HEARTBEATS in said and "run the same command again with relocate_replace: true" in said
    del move.variables["relocate_answers"]
    count = f"SELECT count(*) FROM {HEARTBEATS}"
    taken = server.ask(move.new, count, move.site.databases["default"])
    refused = move.run()
    assert fails_with(refused, "obstacles") and "took in since" in " ".join(refused.stdout.split())
    assert http_get(move.old, "/").status == 200
    assert taken and server.ask(move.new, count, move.site.databases["default"]) == taken
    move.variables["relocate_replace"] = True


@pytest.mark.drawn(4, of="failures")
def test_one_failure_after_the_other_on_postgresql(lab: Lab, tmp_path: Path) -> None:
    """Each attempt meets what the one before it has left; the last one moves the site."""
    server = SERVERS["postgresql"]
    move = prepare(lab, tmp_path, server.site, rows=server.rows)
    the_server_is_killed(move, server)
    a_row_is_missing_on_new(move, server)
    a_writer_is_no_unit(move, server)
    new_answers_wrongly(move, server)
    converges(move)


@pytest.mark.drawn(4, of="failures")
def test_one_failure_after_the_other_on_mariadb(lab: Lab, tmp_path: Path) -> None:
    """From MariaDB 10.5: a row goes, then a newer revision whose migration fails, then one whose migration works."""
    server = SERVERS["mysql"]
    move = prepare(lab, tmp_path, server.site, suite="bullseye")
    a_row_is_missing_on_new(move, server)
    revisions = publish(move.lab.host("db"))
    move.variables["relocate_revision"] = revisions["raises"]
    fails_and_is_put_back(move, "migration_failed")
    move.variables["relocate_revision"] = revisions["next"]
    result = move.run()
    assert result.rc == 0, result.stdout[-5000:]
    assert wait_http(move.new, "/").status == 200
    assert re.search(r"database default got 1 migrations: shop\.", result.stdout), result.stdout[-5000:]


def the_network_is_cut_and_nobody_notices(move: Move, server: Server) -> None:
    """New's cable is out for five seconds while rows are being loaded: the call goes on there, and so does the move."""

    def cut() -> None:
        with move.new.network_cut():
            time.sleep(5)

    rows = "SELECT count(*) FROM information_schema.processlist WHERE info LIKE 'INSERT INTO %'"
    with once(lambda: server.counts(move.new, rows), cut) as done:
        converges(move)
    assert done


@pytest.mark.drawn(4, of="failures")
def test_mariadb_is_killed_during_the_load(lab: Lab, tmp_path: Path) -> None:
    """A pair of its own: only many rows take long enough."""
    server = SERVERS["mysql"]
    move = prepare(lab, tmp_path, server.site, rows=server.rows)
    the_server_is_killed(move, server)
    the_network_is_cut_and_nobody_notices(move, server)
    system = {"information_schema", "mysql", "performance_schema", "sys"}
    assert set(server.ask(move.new, "SHOW DATABASES").split()) - system >= set(move.site.databases.values())
