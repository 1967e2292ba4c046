# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a project's owner, the owner of a database, or a hostile set tries on a real MariaDB server."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.base import DISCARDED, INCOMING, PREVIOUS
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import loader, programs
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import objects as stored
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import snapshot as snapshots
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import swap as swapping
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import DumpFile
from tests.engines.test_mysql import PASSWORD, Bench, blank, server
from tests.unit.fakes import refused

__all__ = ["blank", "server"]  # fixtures
pytest.importorskip("pymysql")

ROOTS = "CREATE DEFINER=`root`@`localhost` PROCEDURE `rise`() GRANT ALL PRIVILEGES ON *.* TO '{0}'@'localhost'"
SITE = "CREATE TABLE log (id int AUTO_INCREMENT PRIMARY KEY, t text); INSERT INTO log (t) VALUES ('a'), ('b');"


def rewritten(target: Path, made: DumpFile, change: Callable[[dict[str, Any]], None]) -> DumpFile:
    """A set whose maker has hashed what he made."""
    path = target / made.path / "schema.json"
    plain = json.loads(path.read_text(encoding="ascii"))
    change(plain)
    data = json.dumps(plain).encode("ascii")
    path.write_bytes(data)
    return dataclasses.replace(made, digest=hashlib.sha256(data).hexdigest())


def owned_by_root(bench: Bench) -> list[str]:
    """Everything that would run with the administrator's rights in this bench's databases."""
    sql = (
        "SELECT ROUTINE_NAME FROM information_schema.ROUTINES WHERE DEFINER LIKE 'root@%' AND ROUTINE_SCHEMA {0}"
        " UNION SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE DEFINER LIKE 'root@%' AND TRIGGER_SCHEMA {0}"
        " UNION SELECT EVENT_NAME FROM information_schema.EVENTS WHERE DEFINER LIKE 'root@%' AND EVENT_SCHEMA {0}"
        " UNION SELECT TABLE_NAME FROM information_schema.VIEWS WHERE DEFINER LIKE 'root@%' AND TABLE_SCHEMA {0}"
    ).format(f"LIKE '{bench.name[:4]}%'")
    return bench.server.sql(sql).split()


def is_admin(bench: Bench) -> bool:
    return "ON *.*" in bench.server.sql(f"SHOW GRANTS FOR '{bench.engine.config.user}'@'localhost'").replace(
        "GRANT USAGE ON *.*", ""
    )


def entry(statement: str, kind: str = "procedure", name: str = "rise", **more: str) -> dict[str, str]:
    return dict(dataclasses.asdict(stored.StoredObject(kind, name, statement, "`root`@`localhost`")), **more)


def test_a_dump_that_is_edited_while_it_runs_is_refused(blank: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is the owner's until the dump has ended: what counts is what was written."""
    blank.sql(SITE)
    finish = snapshots.MysqlSnapshot._finish

    def edited(self: Any, running: Any, together: Any) -> None:
        finish(self, running, together)
        for path in blank.directory.glob("dump*/*/schema.json"):
            plain = json.loads(path.read_text(encoding="ascii"))
            plain["objects"].append(entry(ROOTS.format(blank.engine.config.user)))
            path.write_text(json.dumps(plain), encoding="ascii")

    monkeypatch.setattr(snapshots.MysqlSnapshot, "_finish", edited)
    target, made, _recorded = blank.dump()
    assert "rise" in (target / made.path / "schema.json").read_text(encoding="ascii")
    with refused("dump_truncated", "not what was written"):
        blank.load(target, made)
    assert owned_by_root(blank) == []


@pytest.mark.parametrize(
    "item",
    [
        entry("GRANT ALL PRIVILEGES ON *.* TO '{0}'@'localhost'"),
        entry("CREATE DEFINER=`root`@`localhost` PROCEDURE `rise`() SELECT 1; GRANT ALL ON *.* TO '{0}'@'localhost'"),
        entry("CREATE PROCEDURE `mysql`.`rise`() SELECT 1"),
        entry("CREATE EVENT `rise` ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1", "event",
              enabled="ENABLE DO GRANT ALL ON *.* TO '{0}'@'localhost' #"),
        entry("CREATE PROCEDURE `rise`() SELECT 1", charset="utf8mb4, GLOBAL general_log = 1", collation="x"),
    ],
    ids=["another statement", "two statements", "another database", "state of an event", "character set"],
)  # fmt: skip
def test_a_hostile_set_makes_the_administrator_do_nothing(blank: Bench, item: dict[str, str]) -> None:
    blank.sql(SITE)
    target, made, _recorded = blank.dump()
    item = {key: value.replace("{0}", blank.engine.config.user) for key, value in item.items()}
    made = rewritten(target, made, lambda plain: plain["objects"].append(item))
    with pytest.raises(RelocateError) as error:
        blank.load(target, made)
    assert error.value.code in ("dump_refused", "load_failed")
    assert not is_admin(blank) and owned_by_root(blank) == []
    assert blank.databases() == {blank.name}


def test_the_character_set_of_a_hostile_set_is_no_sql(blank: Bench) -> None:
    blank.sql(SITE)
    target, made, _recorded = blank.dump()
    made = rewritten(target, made, lambda plain: plain.update(charset="utf8mb4 COMMENT 'x'"))
    with refused("dump_refused", "character set"):
        blank.load(target, made)


def test_a_routine_of_roots_out_of_a_set_is_the_sites_here(blank: Bench) -> None:
    """Called by the site, it may do what the site may."""
    blank.sql(SITE + ROOTS.format(blank.engine.config.user))
    assert owned_by_root(blank) == ["rise"]
    target, made, recorded = blank.dump()
    blank.load(target, made)
    assert blank.engine.differences(recorded, blank.state(INCOMING)) == []
    blank.engine.swap(INCOMING, DISCARDED)
    blank.engine.drop(DISCARDED)
    assert owned_by_root(blank) == []
    assert any("rise" in note and "root" in note for note in blank.context.notes)
    with pytest.raises(RuntimeError, match="1045|denied"):
        blank.sql("CALL rise()")
    assert not is_admin(blank)


def test_times_of_events_are_not_worked_out_by_the_administrator(blank: Bench) -> None:
    """The server calls a function for them with the rights of whoever makes the event."""
    blank.sql(SITE + "CREATE TABLE who (name text);")
    target, made, _recorded = blank.dump()
    function = (
        "CREATE DEFINER=`root`@`localhost` FUNCTION `at_`() RETURNS datetime SQL SECURITY INVOKER MODIFIES SQL DATA"
        " BEGIN INSERT INTO who VALUES (USER()); RETURN '2037-01-01 00:00:00'; END"
    )
    event = "CREATE DEFINER=`root`@`localhost` EVENT `e` ON SCHEDULE AT at_() DISABLE DO SELECT 1"
    made = rewritten(
        target,
        made,
        lambda plain: plain["objects"].extend([entry(function, "function", "at_"), entry(event, "event", "e")]),
    )
    try:
        blank.load(target, made)
    except RelocateError as exc:
        assert exc.code == "load_failed"
        return
    seen = blank.sql("SELECT name FROM who", blank.name + "__incoming")
    assert "root" not in seen


def test_what_lies_in_previous_is_not_run(blank: Bench) -> None:
    """Its owner writes what looks like the journal of an interrupted swap."""
    blank.sql(SITE)
    target, made, _recorded = blank.dump()
    blank.load(target, made)
    blank.engine.swap()
    displaced, user = blank.name + "__previous", blank.engine.config.user
    blank.server.sql(
        f"GRANT ALL ON `{displaced.replace('_', chr(92) + '_').replace('%', chr(92) + '%')}`.* TO '{user}'@'localhost'"
    )
    journal = {
        "names": {"live": blank.name, "source": blank.name + "__incoming"},
        "tables": {blank.name: 1, blank.name + "__incoming": 0},
        "charsets": {blank.name: ["utf8mb4", "utf8mb4_general_ci"]},
        "old": [entry(ROOTS.format(user))],
        "new": [],
    }
    own = blank.engine._server.connect(displaced)
    own.run("CREATE TABLE __relocate_swap (side TEXT, item LONGTEXT)")
    for side, value in journal.items():
        own.run("INSERT INTO __relocate_swap VALUES ('{0}', '{1}')".format(side, json.dumps(value).replace("'", "''")))
    own.run(
        'ALTER TABLE __relocate_events ADD r INT COMMENT \'[["rise", "ENABLE DO GRANT ALL ON *.* TO x #"]]\','
        " ADD s INT COMMENT 'no list', ADD t INT COMMENT '[[1]]'"
    )
    own.close()
    blank.engine.drop(DISCARDED)
    assert blank.engine.exists(PREVIOUS)
    assert owned_by_root(blank) == [] and not is_admin(blank)


def test_a_sites_database_cannot_be_the_journal(blank: Bench) -> None:
    name = swapping.journal_of("victim__previous")
    engine = type(blank.engine)(dataclasses.replace(blank.engine.config, name=name), blank.context)
    with refused("bad_option", "relocate.django reserves"):
        engine.create_blank()
    with pytest.raises(RelocateError):
        blank.engine._server.connect().run(f"CREATE DATABASE `{name}`")


def test_no_session_takes_two_statements(blank: Bench) -> None:
    with blank.engine._server.admin() as session:
        with refused("query_failed", "syntax"):
            session.run("SELECT 1; SELECT 2")
        with refused("query_failed", "syntax"):
            session.send(b"SELECT 1; SELECT 2")
    assert PASSWORD not in blank.name


#: What a file of rows says, and what becomes of it. LIVE is the live database, FILE a file that the owner may write to,
#: SECRET one that he may read.
ROWS = {
    "a shell": ("\\! touch FILE", "load_failed"),
    "a shell by its word": ("system touch FILE", "load_failed"),
    "another file of SQL": ("source FILE.sql", "load_failed"),
    "another file of SQL by its sign": ("\\. FILE.sql", "load_failed"),
    "a log": ("\\T FILE", "load_failed"),
    "a log by its word": ("tee FILE", "load_failed"),
    "a pager": ("pager touch FILE", "load_failed"),
    "another database by a command": ("\\u LIVE", "load_failed"),
    "a delimiter, then a shell": ("DELIMITER $$\nSELECT 1$$\n\\! touch FILE\n$$", "load_failed"),
    "a file of the loader": ("LOAD DATA LOCAL INFILE 'SECRET' INTO TABLE log (t);", "load_failed"),
    "a file of the server": ("SELECT 'x' INTO OUTFILE 'FILE';", "load_failed"),
    "rows into live": ("INSERT INTO `LIVE`.log (t) VALUES ('evil');", "load_failed"),
    "live's tables": ("DROP TABLE `LIVE`.log;", "load_failed"),
    "live in a comment that runs": ("/*!50000 DROP DATABASE `LIVE` */;", "load_failed"),
    "rows out of live": ("INSERT INTO log (t) SELECT t FROM `LIVE`.log;", "load_failed"),
    "rights": ("GRANT ALL ON *.* TO CURRENT_USER;", "load_failed"),
    "a setting of the server": ("SET GLOBAL general_log = 0;", "load_failed"),
    "the settings' user's password": ("SET PASSWORD FOR 'USER'@'localhost' = PASSWORD('evil');", "load_failed"),
    "somebody else's session": ("KILL 1;", "load_failed"),
    "a trigger": ("CREATE TRIGGER evil BEFORE INSERT ON log FOR EACH ROW SET NEW.t = 'evil';", "dump_refused"),
    "an event": ("CREATE EVENT evil ON SCHEDULE EVERY 1 DAY DO DELETE FROM log;", "dump_refused"),
    "a view": ("CREATE VIEW evil AS SELECT 1;", "dump_refused"),
    "a table": ("CREATE TABLE evil (a int);", "dump_refused"),
    "no table": ("DROP TABLE log;", "dump_refused"),
}


def test_a_file_of_rows_reaches_nothing_but_the_rows_of_incoming(blank: Bench) -> None:
    """No command of the client runs, as whomever; no SQL of it has a right beside the database that is loaded."""
    blank.sql(SITE)
    mine = blank.directory / "of the owner"
    mine.mkdir()
    mine.chmod(0o777)
    (mine / "secret").write_text("secret\n", encoding="ascii")
    (mine / "secret").chmod(0o644)
    (mine / "new.sql").write_text("INSERT INTO log (t) VALUES ('evil');\n", encoding="ascii")
    names = {"FILE": mine / "new", "SECRET": mine / "secret", "LIVE": blank.name, "USER": blank.engine.config.user}
    before, incoming, server = blank.sql("SELECT * FROM log"), blank.name + "__incoming", blank.engine._server
    schema: Any = type("Schema", (), {"tables": {"log": ""}, "sequences": ()})()
    blank.server.sql(f"CREATE DATABASE `{incoming}`")
    with server.admin() as session, loader.account(server, session, incoming) as login:
        client = programs.load_client(session.flavor)
        options = server.options_file(client.mariadb, login)
        assert login is not None
        for label, (line, code) in ROWS.items():
            blank.sql("DROP TABLE IF EXISTS log;" + SITE, incoming)
            for name, value in names.items():
                line = line.replace(name, str(value))
            (blank.directory / "rows.sql").write_text(line + "\n;\n" * (code == "load_failed"), encoding="utf-8")
            (blank.directory / "rows.sql").chmod(0o644)
            with pytest.raises(RelocateError) as error:
                programs.load(server, client, options, incoming, [str(blank.directory / "rows.sql")])
                loader.refuse_more_than_rows(session, incoming, schema)
            assert (label, error.value.code) == (label, code), error.value
            assert sorted(item.name for item in mine.iterdir()) == ["new.sql", "secret"], label
            assert blank.sql("SELECT * FROM log") == before, label
            blank.sql("DROP TRIGGER IF EXISTS evil; DROP EVENT IF EXISTS evil; DROP VIEW IF EXISTS evil", incoming)
            blank.sql("DROP TABLE IF EXISTS evil", incoming)
    assert not is_admin(blank)


@pytest.mark.parametrize("label", ["rows into live", "a trigger"])
def test_a_set_with_such_a_file_leaves_nothing(blank: Bench, label: str) -> None:
    blank.sql(SITE)
    blank.engine = type(blank.engine)(blank.engine.config, dataclasses.replace(blank.context, compression="none"))
    target, made, recorded = blank.dump()
    (path,) = (target / made.path).glob("rows-*.sql")
    good, (line, code), end = path.read_bytes(), ROWS[label], b"-- Dump completed"
    path.write_bytes(good.replace(end, line.replace("LIVE", blank.name).encode() + b"\n" + end))
    before = blank.sql("SELECT * FROM log")
    with refused(code, ""):
        blank.load(target, made)
    assert blank.databases() == {blank.name} and blank.sql("SELECT * FROM log") == before
    path.write_bytes(good)
    blank.load(target, made)
    assert blank.engine.differences(recorded, blank.state(INCOMING)) == []
    assert blank.server.sql("SELECT COUNT(*) FROM mysql.user WHERE User LIKE 'relocate\\_%'").strip() == "0"
    assert not [note for note in blank.engine.context.notes if "all rights" in note]


def test_where_no_account_can_be_made_the_settings_user_loads_and_it_is_said(
    blank: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    blank.sql(SITE)
    target, made, recorded = blank.dump()
    monkeypatch.setattr(loader, "_by", lambda _session, _password: "nonsense")
    blank.load(target, made)
    assert blank.engine.differences(recorded, blank.state(INCOMING)) == []
    assert [note for note in blank.context.notes if "all rights of the settings' user" in note]


EVIL = """
    CREATE TABLE who (name text);
    CREATE FUNCTION evil() RETURNS int SQL SECURITY INVOKER MODIFIES SQL DATA
        BEGIN INSERT INTO who VALUES (CURRENT_USER()); RETURN 1; END
"""


def evil(bench: Bench, database: str, view: str) -> Callable[[], None]:
    """Makes the owner exchange the table of events for a view of his, which runs a function as whoever asks it."""
    with bench.engine._server.connect(database) as own:
        for statement in EVIL.split(";\n", 1):
            own.run(statement.strip())
        own.run("CREATE TABLE noted (name text, enabled text)", "INSERT INTO noted VALUES ('a', 'b')")
        own.run("CREATE SQL SECURITY INVOKER VIEW trap AS " + view)

    def exchange() -> None:
        with bench.engine._server.connect(database) as own:
            own.run("RENAME TABLE __relocate_events TO real_one, trap TO __relocate_events")

    return exchange


def seen(bench: Bench, database: str) -> set[str]:
    return set(bench.sql("SELECT name FROM who", database).split())


def test_a_view_in_place_of_the_noted_events_is_not_asked(blank: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A backup runs as the administrator; the owner of the database exchanges what it reads at the worst moment."""
    blank.sql(SITE + "CREATE TABLE __relocate_events (name text, enabled text)")
    exchange = evil(blank, blank.name, "SELECT 'a' AS name, evil() AS enabled")
    tables_of = swapping.admin.tables_of

    def hooked(session: Any, name: str) -> list[str]:
        found = tables_of(session, name)
        if found.count("real_one") == 0:
            exchange()
        return found

    monkeypatch.setattr(swapping.admin, "tables_of", hooked)
    with blank.engine._server.admin() as session, contextlib.suppress(RelocateError):
        swapping.parked(session, blank.name)
    assert "root@localhost" not in seen(blank, blank.name)


def test_a_view_in_place_of_the_table_of_events_is_not_written(blank: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a set is loaded the settings' user reaches incoming."""
    blank.sql(SITE + "CREATE EVENT e ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01' DO DO 0")
    with blank.engine._server.admin() as session:
        items = stored.read(session, blank.name)
        blank.sql("DROP EVENT e")
        exchange = evil(
            blank, blank.name, "SELECT name, enabled FROM noted WHERE evil() = 1 WITH CASCADED CHECK OPTION"
        )
        run = type(session).run

        def hooked(self: Any, *some: str) -> None:
            run(self, *some)
            if self is session and some[0].startswith("CREATE TABLE") and "__relocate_events" in some[0]:
                exchange()

        monkeypatch.setattr(type(session), "run", hooked)
        with contextlib.suppress(RelocateError):
            swapping.park(session, blank.name, items)
    assert "root@localhost" not in seen(blank, blank.name)
