# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nothing of a schema is lost without a word: every kind of object and property that MariaDB has, and random ones.

The judge is the server's own dump program: what it prints of a database before a move is what it prints after it.
"""

from __future__ import annotations

import dataclasses
import difflib
import os
import random
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.base import DISCARDED, INCOMING
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import objects as stored
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import schema as schemas
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.engine import MysqlEngine
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseState, DumpFile
from tests.engines.test_mysql import Bench, blank, server
from tests.engines.test_mysql_attacks import rewritten
from tests.unit.fakes import refused

__all__ = ["blank", "server"]  # fixtures
pytest.importorskip("pymysql")

#: (kind of object or property, how to make it). DB stands for the database's own name, quoted; // ends a statement.
KINDS_TEXT = r"""
integers, signed and not, with a width, zero-filled
    CREATE TABLE k1 (a tinyint, b smallint unsigned, c mediumint(5) zerofill, d int(7), e bigint unsigned NOT
    NULL)
exact and floating numbers
    CREATE TABLE k2 (a decimal(30,10) unsigned, b float, c double(9,3), d bit(9))
texts of every size
    CREATE TABLE k3 (a char(3), b varchar(2000), c tinytext, d text, e mediumtext, f longtext)
bytes of every size
    CREATE TABLE k4 (a binary(3), b varbinary(200), c tinyblob, d blob, e mediumblob, f longblob)
dates and times with fractions
    CREATE TABLE k5 (a date, b datetime(3), c timestamp(6) NULL, d time(2), e year)
enumerations and sets, with quotes
    CREATE TABLE k6 (a enum('x','it''s','ö') CHARACTER SET utf8mb4, b set('p','q'))
JSON
    CREATE TABLE k7 (a json)
shapes
    CREATE TABLE k8 (a point NOT NULL, b geometry REF_SYSTEM_ID=4326, SPATIAL KEY k8_a (a))
addresses and UUIDs
    CREATE TABLE k9 (a inet6, b uuid, c inet4)
character sets of columns, several in a table
    CREATE TABLE k10 (a varchar(9) CHARACTER SET latin1, b varchar(9) CHARACTER SET cp1251, c varchar(9)
    CHARACTER SET utf8mb4, d varchar(9) CHARACTER SET utf8mb3, e varchar(9) CHARACTER SET ucs2)
collations of columns
    CREATE TABLE k11 (a varchar(9) COLLATE utf8mb4_bin, b varchar(9) COLLATE utf8mb4_unicode_520_ci)
defaults: numbers, texts, NULL, none
    CREATE TABLE k12 (a int DEFAULT 7, b varchar(9) DEFAULT 'it''s', c int DEFAULT NULL, d int NOT NULL)
defaults that are expressions
    CREATE TABLE k13 (a int, b int DEFAULT (a + 1), c datetime DEFAULT current_timestamp(), d varchar(40)
    DEFAULT uuid())
ON UPDATE
    CREATE TABLE k14 (a timestamp DEFAULT current_timestamp() ON UPDATE current_timestamp())
comments of columns, with what looks like SQL
    CREATE TABLE k15 (a int COMMENT 'it''s ) ENGINE=X AUTO_INCREMENT=9 `;--')
comments of tables
    CREATE TABLE k16 (a int) COMMENT='it''s \\ a "table"'
generated columns, stored and virtual
    CREATE TABLE k17 (a int, b int AS (a * 2) VIRTUAL, c int AS (a + 1) STORED, KEY (c))
invisible columns
    CREATE TABLE k18 (a int, b int INVISIBLE DEFAULT 3)
compressed columns
    CREATE TABLE k19 (a text COMPRESSED, b varchar(99) COMPRESSED)
AUTO_INCREMENT that begins elsewhere
    CREATE TABLE k20 (a int AUTO_INCREMENT PRIMARY KEY) AUTO_INCREMENT=77
a key of several columns, descending
    CREATE TABLE k21 (a int, b int, PRIMARY KEY (a, b DESC), UNIQUE KEY u (b, a))
keys over a prefix
    CREATE TABLE k22 (a varchar(200), b blob, KEY p (a(10)), UNIQUE KEY q (b(7)))
hash keys over long columns
    CREATE TABLE k23 (a text, UNIQUE KEY u (a))
ignored keys, and their comments
    CREATE TABLE k24 (a int, b int, KEY i (a) IGNORED, KEY c (b) COMMENT 'it''s')
key types and block sizes
    CREATE TABLE k25 (a int, KEY t (a) USING BTREE KEY_BLOCK_SIZE=8)
full-text keys
    CREATE TABLE k26 (a text, FULLTEXT KEY f (a))
foreign keys with actions
    CREATE TABLE k27 (a int PRIMARY KEY, b int, CONSTRAINT k27_b FOREIGN KEY (b) REFERENCES k27 (a) ON DELETE
    SET NULL ON UPDATE CASCADE)
foreign keys in a circle
    CREATE TABLE k28a (a int PRIMARY KEY, b int, CONSTRAINT c28a FOREIGN KEY (b) REFERENCES k28b (a)); CREATE
    TABLE k28b (a int PRIMARY KEY, b int, CONSTRAINT c28b FOREIGN KEY (b) REFERENCES k28a (a))
checks of columns and tables
    CREATE TABLE k29 (a int CHECK (a > 0), b int, CONSTRAINT `it's` CHECK (a <> b))
InnoDB row formats and compression
    CREATE TABLE k30 (a int) ROW_FORMAT=COMPRESSED KEY_BLOCK_SIZE=8
page compression
    CREATE TABLE k31 (a int) PAGE_COMPRESSED=1 PAGE_COMPRESSION_LEVEL=3
statistics options
    CREATE TABLE k32 (a int) STATS_PERSISTENT=0 STATS_AUTO_RECALC=1 STATS_SAMPLE_PAGES=9
MyISAM with its options
    CREATE TABLE k33 (a int, b varchar(9)) ENGINE=MyISAM CHECKSUM=1 DELAY_KEY_WRITE=1 PACK_KEYS=1 MAX_ROWS=99
    MIN_ROWS=3 AVG_ROW_LENGTH=50
Aria
    CREATE TABLE k34 (a int) ENGINE=Aria TRANSACTIONAL=1 PAGE_CHECKSUM=1
MEMORY
    CREATE TABLE k35 (a int, KEY (a) USING HASH) ENGINE=MEMORY
CSV
    CREATE TABLE k36 (a int NOT NULL) ENGINE=CSV
partitions by range, with comments
    CREATE TABLE k37 (a int) PARTITION BY RANGE (a) (PARTITION p0 VALUES LESS THAN (5) COMMENT = 'it''s',
    PARTITION p1 VALUES LESS THAN MAXVALUE)
partitions by list, hash and key
    CREATE TABLE k38 (a int) PARTITION BY LIST (a) (PARTITION p VALUES IN (1,2), PARTITION q DEFAULT); CREATE
    TABLE k38h (a int) PARTITION BY LINEAR HASH (a) PARTITIONS 3; CREATE TABLE k38k (a int PRIMARY KEY)
    PARTITION BY KEY () PARTITIONS 2
subpartitions
    CREATE TABLE k39 (a int, b int) PARTITION BY RANGE (a) SUBPARTITION BY HASH (b) SUBPARTITIONS 2 (PARTITION
    p0 VALUES LESS THAN (5))
system versioning, with history
    CREATE TABLE k40 (a int PRIMARY KEY, b text) WITH SYSTEM VERSIONING; INSERT INTO k40 VALUES (1, 'x'), (2,
    'y'); UPDATE k40 SET b = 'z' WHERE a = 1; DELETE FROM k40 WHERE a = 2
system versioning with named times and parts
    CREATE TABLE k41 (a int PRIMARY KEY, s timestamp(6) GENERATED ALWAYS AS ROW START INVISIBLE, e timestamp(6)
    GENERATED ALWAYS AS ROW END INVISIBLE, PERIOD FOR SYSTEM_TIME (s, e)) WITH SYSTEM VERSIONING PARTITION BY
    SYSTEM_TIME (PARTITION h HISTORY, PARTITION c CURRENT); INSERT INTO k41 VALUES (1), (2); DELETE FROM k41
    WHERE a = 1
columns without versioning
    CREATE TABLE k42 (a int, b int WITHOUT SYSTEM VERSIONING) WITH SYSTEM VERSIONING
periods of applications, without overlaps
    CREATE TABLE k43 (a int, b date, c date, PERIOD FOR p (b, c), UNIQUE (a, p WITHOUT OVERLAPS))
sequences
    CREATE SEQUENCE k44 START WITH 5 MINVALUE 2 MAXVALUE 99 INCREMENT BY 3 CACHE 4 CYCLE COMMENT='it''s'; DO
    NEXTVAL(k44); DO NEXTVAL(k44)
sequences that count down
    CREATE SEQUENCE k44d START WITH -1 INCREMENT BY -1 NOCACHE NOCYCLE
names with backticks, dots and quotes
    CREATE TABLE `k45 ``.'"; -- x` (`a``.'"` int, KEY `k``'` (`a``.'"`))
words of SQL as names
    CREATE TABLE `select` (`from` int, `where` int, `order` int DEFAULT 1)
a table that is named like its database
    CREATE TABLE DB (id int PRIMARY KEY, DB int); INSERT INTO DB VALUES (1, 10), (2, 20)
a view over a table that is named like its database
    CREATE VIEW k47 AS SELECT DB.id, DB.DB AS v FROM DB JOIN (SELECT 1 AS id) AS o ON o.id = DB.id
a view that reaches into another database
    CREATE VIEW k48 AS SELECT DB.id, n.id AS other, '`x`.`y`' AS `it's` FROM DB JOIN neighbour_of_kinds.n AS n
    ON EXTRACT(DAY FROM '2026-01-02') = 2
views: algorithm, security, check option, names
    CREATE ALGORITHM=MERGE SQL SECURITY INVOKER VIEW k49 (x, `y z`) AS SELECT a, b FROM k21 WHERE a > 0 WITH
    CASCADED CHECK OPTION; CREATE ALGORITHM=TEMPTABLE VIEW k49t AS SELECT 1 AS a
views of views, in no order
    CREATE VIEW z50 AS SELECT a FROM k21; CREATE VIEW a50 AS SELECT a FROM z50
views with WITH, windows and unions
    CREATE VIEW k51 AS WITH RECURSIVE c AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM c WHERE n < 3) SELECT n,
    row_number() OVER (ORDER BY n) AS r FROM c
functions, declared
    CREATE FUNCTION k52(a int) RETURNS varchar(20) CHARSET latin1 DETERMINISTIC NO SQL SQL SECURITY INVOKER
    COMMENT 'it''s' RETURN CONCAT(a, ' é')
a view that calls a function of its database
    CREATE VIEW k53 AS SELECT DB.k52(a) AS f FROM DB.k21
aggregate functions
    CREATE AGGREGATE FUNCTION k54(x int) RETURNS int BEGIN DECLARE s int DEFAULT 0; DECLARE CONTINUE HANDLER FOR
    NOT FOUND RETURN s; LOOP FETCH GROUP NEXT ROW; SET s = s + x; END LOOP; END
procedures, with every way of giving
    CREATE PROCEDURE k55(IN a int, OUT b int, INOUT c varchar(9)) MODIFIES SQL DATA BEGIN -- kept; `x`
    /* kept; ' */ SET b = a; END
routines in another SQL mode
    SET sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT'// CREATE PROCEDURE "k 56"() SELECT "a" || 'x' FROM "k21"// SET
    sql_mode = ''
routines without backslashes
    SET sql_mode = 'NO_BACKSLASH_ESCAPES'// CREATE PROCEDURE k57() SELECT 'a\' AS b// SET sql_mode = ''
routines in the mode of ORACLE
    SET sql_mode = 'ORACLE'// CREATE PROCEDURE k58(a INT) AS b INT := 1; BEGIN SELECT a, b; END// SET sql_mode =
    ''
packages and their bodies
    SET sql_mode = 'ORACLE'// CREATE PACKAGE k59 AS FUNCTION f RETURN INT; END// CREATE PACKAGE BODY k59 AS
    FUNCTION f RETURN INT AS BEGIN RETURN 59; END; END// SET sql_mode = ''
triggers of every moment
    CREATE TRIGGER k60a BEFORE INSERT ON k21 FOR EACH ROW SET NEW.a = NEW.a + 0; CREATE TRIGGER k60b AFTER
    DELETE ON k21 FOR EACH ROW DO 0; CREATE TRIGGER k60c BEFORE UPDATE ON k21 FOR EACH ROW SET NEW.b = OLD.b
triggers in an order of their own
    CREATE TRIGGER k61b AFTER INSERT ON k21 FOR EACH ROW SET @k = 1; CREATE TRIGGER k61a AFTER INSERT ON k21 FOR
    EACH ROW FOLLOWS k61b SET @k = 2; CREATE TRIGGER k61c AFTER INSERT ON k21 FOR EACH ROW PRECEDES k61b SET @k
    = 0
a trigger that names its database
    CREATE TRIGGER DB.k62 AFTER UPDATE ON DB.k21 FOR EACH ROW INSERT INTO DB.k12 (d) VALUES (NEW.a)
events, enabled and not
    CREATE EVENT k63 ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01 00:00:00' ON COMPLETION PRESERVE ENABLE COMMENT
    'it''s ENABLE DO ' DO DELETE FROM k12; CREATE EVENT k63d ON SCHEDULE EVERY '1:30' HOUR_MINUTE ENDS
    '2037-06-01 00:00:00' DISABLE DO DELETE FROM k12; CREATE EVENT k63s ON SCHEDULE EVERY 1 WEEK DISABLE ON
    SLAVE DO DELETE FROM k12
events that run once
    CREATE EVENT k64 ON SCHEDULE AT '2037-01-01 00:00:00' DO DELETE FROM k12
events in a zone of their own
    SET time_zone = '+05:30'// CREATE EVENT k65 ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01 00:00:00' DO DELETE
    FROM k12// SET time_zone = DEFAULT
definitions of another character set
    SET NAMES latin1// CREATE PROCEDURE k66() SELECT 'é' AS a// SET NAMES utf8mb4
definitions by somebody else
    CREATE DEFINER='gho st'@'localhost' PROCEDURE k67() SELECT 1; CREATE DEFINER='gho st'@'localhost' VIEW k67v
    AS SELECT 1 AS a
character set and collation of the database
    ALTER DATABASE DB CHARACTER SET cp1251 COLLATE cp1251_bin
comment of the database
    ALTER DATABASE DB COMMENT = 'it''s'
"""


def _kinds() -> list[tuple[str, str]]:
    """Labels are at the margin, what they are about is indented."""
    found: list[tuple[str, str]] = []
    for line in KINDS_TEXT.strip("\n").split("\n"):
        if line.startswith("    "):
            label, text = found.pop()
            found.append((label, (text + "\n" + line.strip()).strip()))
        else:
            found.append((line, ""))
    return found


KINDS = _kinds()


def statements(text: str, name: str) -> Iterator[str]:
    """One statement after the other; bodies hold semicolons, so that only those before CREATE and INSERT end one."""
    quoted = "`" + name.replace("`", "``") + "`"
    for part in re.split(r"//|;\s*(?=CREATE\s|INSERT\s|UPDATE\sk|DELETE\sFROM\sk4[01]|DO\sNEXTVAL)", text):
        one_line = " ".join(part.split()) if "TRIGGER" in part else part.strip()
        yield re.sub(r"\bDB\b", lambda _match: quoted, one_line)


def make(bench: Bench, kinds: list[tuple[str, str]]) -> None:
    for label, text in kinds:
        with bench.engine._server.admin(bench.name) as session:
            session.run("SET SESSION sql_mode = ''", "SET SESSION foreign_key_checks = 0")
            for statement in statements(text, bench.name):
                try:
                    session.run(statement)
                except RelocateError as exc:
                    pytest.fail(f"{label}: {statement}: {exc}")


def printed(bench: Bench, database: str) -> str:
    """What plain tools see, without whose it is, the next numbers and the dump's own moment."""
    argv = ["mariadb-dump", "--no-defaults", "-uroot", "--socket=" + bench.server.socket, "--no-data", "--routines"]
    argv += ["--skip-lock-tables"]
    argv += ["--events", "--triggers", "--skip-dump-date", "--default-character-set=utf8mb4", "--databases", database]
    done = subprocess.run(argv, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    text = re.sub(r"DEFINER=(`[^`]*`@`[^`]*`|\"[^\"]*\"@\"[^\"]*\")", "DEFINER", done.stdout)
    text = re.sub(r" AUTO_INCREMENT=\d+", "", text)
    # Servers keep a trigger's head as it was typed; that its database stood there says nothing.
    own = re.escape("`" + database.replace("`", "``") + "`.")
    head = re.compile(r"(TRIGGER )(?:" + own + r")?(.*? ON )(?:" + own + ")?", re.IGNORECASE)
    lines = []
    for line in text.split("\n"):
        heads = line.startswith("/*!50003 CREATE*/") and "TRIGGER" in line
        lines.append(head.sub(r"\1\2", line, count=1).replace("`", "") if heads else line)
    return "\n".join(lines)


def differing(before: str, after: str) -> list[str]:
    return [line for line in difflib.ndiff(before.split("\n"), after.split("\n")) if line[:2] in ("- ", "+ ")]


@pytest.fixture
def kinds(blank: Bench) -> Bench:
    blank.server.sql(
        "CREATE DATABASE IF NOT EXISTS neighbour_of_kinds; CREATE TABLE IF NOT EXISTS neighbour_of_kinds.n (id int);"
        f"GRANT SELECT ON neighbour_of_kinds.* TO '{blank.engine.config.user}'@'localhost'"
    )
    return blank


def moved(bench: Bench) -> tuple[str, str]:
    """What is printed before, and after a dump, a load, a proof and a swap."""
    before = printed(bench, bench.name)
    target, made, recorded = bench.dump()
    bench.load(target, made)
    assert bench.engine.differences(recorded, bench.state(INCOMING)) == []
    bench.engine.swap(INCOMING, DISCARDED)
    bench.engine.drop(DISCARDED)
    assert bench.engine.differences(recorded, bench.state()) == []
    return before, printed(bench, bench.name)


def test_every_kind_of_object_and_property_arrives(kinds: Bench) -> None:
    assert len(KINDS) >= 60
    make(kinds, KINDS)
    facts = kinds.engine.describe()
    assert kinds.engine.preflight("old") == []
    assert kinds.engine.preflight("new", facts) == []
    sums = "SELECT COUNT(*), SUM(id), SUM(v) FROM k47"
    assert kinds.sql(sums).split() == ["1", "1", "10"]
    before, after = moved(kinds)
    assert differing(before, after) == []
    assert kinds.sql(sums).split() == ["1", "1", "10"]
    assert kinds.sql("SELECT COUNT(*) FROM k40 FOR SYSTEM_TIME ALL").strip() == "3"
    assert kinds.sql("SELECT COUNT(*) FROM k41 FOR SYSTEM_TIME ALL; SELECT COUNT(*) FROM k41").split() == ["2", "1"]
    assert kinds.sql("SELECT NEXTVAL(k44)").strip() == "17"
    assert kinds.sql("SET sql_mode = ORACLE; SELECT k59.f()").strip() == "59"
    assert [note for note in kinds.context.notes if "k67" in note and "gho st" in note]


BY_TRANSACTION = """CREATE TABLE t (a int, s bigint unsigned GENERATED ALWAYS AS ROW START, e bigint unsigned GENERATED
    ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME (s, e)) WITH SYSTEM VERSIONING"""


@pytest.mark.parametrize(
    ("made", "code", "told"),
    [
        ("CREATE TABLE t (a int); CREATE VIEW v AS SELECT a FROM t; DROP TABLE t", "unsupported_object", "gone: v"),
        ("CREATE SEQUENCE s; CREATE TABLE t (a int DEFAULT NEXTVAL(s))", "unsupported_object", "t.a"),
        (BY_TRANSACTION, "unsupported_object", "transactions"),
    ],
)  # fmt: skip
def test_what_cannot_be_carried_is_told_before_a_freeze_and_never_dumped(
    kinds: Bench, made: str, code: str, told: str
) -> None:
    kinds.sql(made)
    found = kinds.engine.preflight("old")
    assert [(item.code, told in item.msg) for item in found] == [(code, True)]
    with refused(code, told):
        kinds.dump()
    assert os.listdir(kinds.directory / "dump1") == []


def test_what_uses_another_database_is_told_before_a_freeze(kinds: Bench) -> None:
    kinds.sql("CREATE VIEW v AS SELECT id FROM neighbour_of_kinds.n")
    facts = kinds.engine.describe()
    assert facts.details["elsewhere"] == {"neighbour_of_kinds": ["view v"]}
    kinds.server.sql("DROP DATABASE neighbour_of_kinds")
    found = kinds.engine.preflight("new", facts)
    assert [(item.code, "view v" in item.msg) for item in found] == [("unsupported_object", True)]


def test_tables_without_a_key_are_told_where_new_wants_one(kinds: Bench) -> None:
    kinds.sql(
        "CREATE TABLE log (a text); CREATE TABLE kept (id int PRIMARY KEY); INSERT INTO log VALUES (REPEAT('x', 9))"
    )
    facts = kinds.engine.describe()
    assert facts.details["without_key"] == ["log"]
    assert 9 <= facts.details["largest_table"] < 1 << 20
    assert kinds.engine.preflight("new", facts) == []
    kinds.server.sql("SET GLOBAL innodb_force_primary_key = ON")
    try:
        found = kinds.engine.preflight("new", facts)
    finally:
        kinds.server.sql("SET GLOBAL innodb_force_primary_key = OFF")
    assert [(item.code, item.msg.endswith("primary key: log")) for item in found] == [("setting_differs", True)]


def test_another_name_is_refused_where_something_names_the_database(kinds: Bench) -> None:
    """On one server, the new site's trigger would write into the old database."""
    make(kinds, [one for one in KINDS if "defaults" in one[0] or "several columns" in one[0] or "names its" in one[0]])
    facts = kinds.engine.describe()
    assert facts.details["names_itself"] == ["trigger k62"]
    engine = MysqlEngine(dataclasses.replace(kinds.engine.config, name=kinds.name + "2"), kinds.context)
    with refused("unsupported_object", "trigger k62"):
        engine.create_blank(facts)
    assert not engine.exists("live")
    kinds.engine.create_blank(facts)


def test_settings_on_which_data_depends_are_told(kinds: Bench) -> None:
    kinds.sql("CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO DO 0")
    facts = kinds.engine.describe()
    kinds.server.sql("SET GLOBAL event_scheduler = OFF")
    try:
        found = kinds.engine.preflight("new", facts)
    finally:
        kinds.server.sql("SET GLOBAL event_scheduler = ON")
    assert [item.code for item in found] == ["setting_differs"]
    assert "event_scheduler = ON" in found[0].hint


def test_an_event_whose_time_has_passed_is_named_and_not_refused(kinds: Bench) -> None:
    kinds.sql(
        "CREATE TABLE t (a int); CREATE EVENT e ON SCHEDULE AT CURRENT_TIMESTAMP + INTERVAL 1 HOUR DO DELETE FROM t"
    )
    target, made, recorded = kinds.dump()
    kinds.load(target, made)
    kinds.sql("DROP EVENT e", kinds.name + "__incoming")
    assert kinds.engine.differences(recorded, kinds.state(INCOMING)) == []
    assert any("event e was to run once" in note for note in kinds.context.notes)


@pytest.mark.parametrize("heir", [False, True])
def test_events_whose_time_passes_between_backup_and_restore(kinds: Bench, heir: bool) -> None:
    """The set can be restored: those that servers drop then are named, those that are kept arrive disabled."""
    kinds.sql(
        "CREATE TABLE t (a int);"
        "CREATE EVENT once ON SCHEDULE AT '2037-01-02' DO DELETE FROM t;"
        "CREATE EVENT kept ON SCHEDULE AT '2037-01-02' ON COMPLETION PRESERVE DO DELETE FROM t;"
        "CREATE EVENT daily ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01' ENDS '2037-01-02' DO DELETE FROM t;"
        "CREATE EVENT stays ON SCHEDULE EVERY 1 DAY DO DELETE FROM t"
    )
    if heir:
        kinds.server.sql("CREATE OR REPLACE USER heir@localhost; GRANT ALL ON *.* TO heir@localhost")
        context = dataclasses.replace(kinds.context, definers={"root@localhost": "heir@localhost"})
        kinds.engine = MysqlEngine(kinds.engine.config, context)
    target, made, recorded = kinds.dump()
    assert sorted(note.split("event ")[1].split()[0] for note in kinds.engine.context.notes) == ["daily", "once"]
    made, recorded = years_later(target, made, recorded)
    kinds.load(target, made)
    assert kinds.engine.differences(recorded, kinds.state(INCOMING)) == []
    kinds.engine.swap(INCOMING, DISCARDED)
    kinds.engine.drop(DISCARDED)
    assert kinds.engine.differences(recorded, kinds.state()) == []
    assert kinds.events(kinds.name) == {"kept": "DISABLED", "stays": "ENABLED"}
    notes = " ".join(kinds.engine.context.notes)
    assert "event once was to run once, at a time that has passed: it was not made" in notes
    assert "event daily was to end at a time that has passed: it was not made" in notes
    assert "the last time of event kept has passed: it is kept, and disabled" in notes


def years_later(target: Path, made: DumpFile, recorded: DatabaseState) -> tuple[DumpFile, DatabaseState]:
    """A set of 2007 instead of one of 2037."""
    schema = dict(recorded.schema or {})

    def change(plain: dict[str, Any]) -> None:
        for item in plain["objects"]:
            item["statement"] = item["statement"].replace("'2037-", "'2007-")
            schema["event " + item["name"]] = schemas.normal(stored.StoredObject(**item))

    return rewritten(target, made, change), dataclasses.replace(recorded, schema=schema)


def test_a_value_of_ten_megabytes_arrives(kinds: Bench) -> None:
    """Written in hexadecimal digits it is longer than the server takes at once, and is taken all the same."""
    kinds.sql("CREATE TABLE t (a int PRIMARY KEY, b longblob)")
    kinds.server.sql("SET GLOBAL max_allowed_packet = 16777216")
    kinds.sql("INSERT INTO t VALUES (1, REPEAT(0xff00, 5242880))")
    target, made, recorded = kinds.dump()
    assert kinds.engine.preflight("new", kinds.engine.describe()) == []
    kinds.load(target, made)
    assert kinds.engine.differences(recorded, kinds.state(INCOMING)) == []
    assert kinds.server.sql("SELECT @@global.max_allowed_packet").strip() == "16777216"


# --- random ones

NAMES = [
    "a",
    "b c",
    "d`e",
    "f.g",
    "h'i",
    'j"k',
    "l--m",
    "n;o",
    "p/*q*/",
    "sélect",
    "DB",
    "select",
    "u\\v",
    "w#x",
    "日本",
]
TYPES = ["int", "bigint unsigned", "varchar(30)", "text", "datetime(6)", "decimal(9,2)", "longblob", "date", "json",
         "varchar(9) CHARACTER SET latin1", "varchar(9) CHARACTER SET cp1251", "enum('x','it''s')", "double", "time",
         "timestamp NULL", "set('a','b')", "float", "bit(3)", "uuid", "inet6"]  # fmt: skip
TEXTS = ["it''s", "`DB`.`a`", "DB.a", "-- x", "/*! y */", "é日", "\\\\", "DEFINER=`root`@`%` ", "ENABLE DO "]


class Random:
    """Schemas of a seed."""

    def __init__(self, seed: int, database: str) -> None:
        self.random, self.database = random.Random(seed), database

    def ident(self, name: str) -> str:
        name = self.database if name == "DB" else name
        return "`" + name.replace("`", "``") + "`"

    def text(self) -> str:
        return "'" + self.random.choice(TEXTS).replace("DB", self.database) + "'"

    def schema(self) -> Iterator[str]:
        some = self.random
        tables = {name: self.columns() for name in some.sample(NAMES, some.randint(1, 4))}
        for table, columns in tables.items():
            yield self.table(table, columns)
            yield f"INSERT INTO {self.ident(table)} () VALUES (), ()"
        for number in range(some.randint(0, 4)):
            table = some.choice(list(tables))
            columns = tables[table]
            yield some.choice([self.view, self.trigger, self.routine, self.event])(
                f"{number} {some.choice(NAMES)}", table, columns
            )

    def columns(self) -> dict[str, str]:
        return {name: self.random.choice(TYPES) for name in self.random.sample(NAMES, self.random.randint(1, 5))}

    def table(self, table: str, columns: dict[str, str]) -> str:
        some, lines = self.random, ["`id 0` int AUTO_INCREMENT PRIMARY KEY"]
        lines += [f"{self.ident(name)} {kind} COMMENT {self.text()}" for name, kind in columns.items()]
        for name, kind in columns.items():
            if kind in ("int", "bigint unsigned", "date") and some.random() < 0.5:
                lines.append(f"KEY {self.ident('k ' + name)} ({self.ident(name)})")
            if kind == "int" and some.random() < 0.5:
                lines.append(f"CONSTRAINT {self.ident('c ' + name)} CHECK ({self.ident(name)} > -5)")
        versioned = " WITH SYSTEM VERSIONING" if some.random() < 0.2 else ""
        return f"CREATE TABLE {self.ident(table)} ({', '.join(lines)}) COMMENT={self.text()}{versioned}"

    def place(self, table: str) -> str:
        return (self.ident(self.database) + "." if self.random.random() < 0.4 else "") + self.ident(table)

    def view(self, name: str, table: str, columns: dict[str, str]) -> str:
        column = self.ident(self.random.choice(list(columns)))
        other = "" if self.random.random() < 0.6 else " JOIN neighbour_of_kinds.n AS o"
        return (
            f"CREATE VIEW {self.ident(name)} AS SELECT {self.ident(table)}.{column} AS {self.ident('v' + name)},"
            f" {self.text()} AS t, TRIM(BOTH 'x' FROM {self.ident(table)}.{column}) AS u"
            f" FROM {self.place(table)}{other}"
        )

    def trigger(self, name: str, table: str, columns: dict[str, str]) -> str:
        when = self.random.choice(["BEFORE INSERT", "AFTER INSERT", "BEFORE UPDATE", "AFTER DELETE"])
        return f"CREATE TRIGGER {self.place(name)} {when} ON {self.place(table)} FOR EACH ROW SET @x = {self.text()}"

    def routine(self, name: str, table: str, columns: dict[str, str]) -> str:
        return (
            f"CREATE PROCEDURE {self.place(name)}() COMMENT {self.text()} SELECT {self.text()} FROM {self.place(table)}"
        )

    def event(self, name: str, table: str, columns: dict[str, str]) -> str:
        state = self.random.choice(["ENABLE", "DISABLE", "DISABLE ON SLAVE"])
        return (
            f"CREATE EVENT {self.place(name)} ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01' {state} COMMENT {self.text()}"
            f" DO DELETE FROM {self.place(table)} WHERE 1 = 0"
        )


SEED = int(os.environ.get("RELOCATE_SCHEMA_SEED", "0"))
SCHEMAS = int(os.environ.get("RELOCATE_SCHEMAS", "4"))


def test_random_schemas_arrive(kinds: Bench) -> None:
    """RELOCATE_SCHEMAS of them, from RELOCATE_SCHEMA_SEED on; a failure names the seed."""
    for seed in range(SEED, SEED + SCHEMAS):
        made: list[str] = []
        try:
            with kinds.engine._server.admin(kinds.name) as session:
                session.run("SET SESSION sql_mode = ''")
                for statement in Random(seed, kinds.name).schema():
                    made.append(statement)
                    session.run(statement)
            before, after = moved(kinds)
            assert differing(before, after) == []
        except (AssertionError, RelocateError, RuntimeError) as exc:
            raise AssertionError(f"seed {seed}: {exc}\n" + ";\n".join(made)) from exc
        kinds.server.sql(f"DROP DATABASE {Random(0, kinds.name).ident('DB')}")
        kinds.engine.create_blank()
