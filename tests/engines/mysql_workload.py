# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A site's database on MariaDB, of many kinds of tables, and what a busy site does to it until its freeze."""

from __future__ import annotations

from typing import List, NamedTuple, Tuple

from hypothesis import strategies as st

SCHEMA = r"""
SET NAMES utf8mb4; SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO'; SET foreign_key_checks = 0;
CREATE TABLE item (id bigint AUTO_INCREMENT PRIMARY KEY, code varchar(40) COLLATE utf8mb4_general_ci UNIQUE,
    n decimal(20, 6), f float, d double, bi bit(9), bin varbinary(20), j json, p point, z datetime(6), y year,
    e enum('a', 'b', 'ü'), s set('x', 'y'), t text CHARACTER SET latin1, l longblob, at timestamp NOT NULL
    DEFAULT current_timestamp() ON UPDATE current_timestamp(), low varchar(40) AS (lower(code)) STORED,
    twice int AS (y * 2) VIRTUAL, u uuid, secret int INVISIBLE DEFAULT 7, KEY (n)) DEFAULT CHARSET=utf8mb4;
CREATE TABLE audit (id int AUTO_INCREMENT PRIMARY KEY, what varchar(20), item bigint);
CREATE TABLE pair (a int, b varchar(20) COLLATE utf8mb4_general_ci, note text, PRIMARY KEY (b, a));
CREATE TABLE line (id int unsigned AUTO_INCREMENT PRIMARY KEY, item bigint, b int CHECK (b < 1000),
    CONSTRAINT l_item FOREIGN KEY (item) REFERENCES item (id) ON DELETE CASCADE ON UPDATE CASCADE);
CREATE TABLE loose (w varchar(20), n int, f float);
CREATE TABLE maybe (n int UNIQUE, w varchar(10));
CREATE TABLE named (k varchar(10) COLLATE utf8mb4_general_ci NOT NULL UNIQUE, v int);
CREATE TABLE raw (k binary(4) PRIMARY KEY, v blob);
CREATE TABLE event (id int AUTO_INCREMENT, at int NOT NULL, what varchar(20), PRIMARY KEY (id, at))
    PARTITION BY RANGE (at) (PARTITION low VALUES LESS THAN (50), PARTITION high VALUES LESS THAN MAXVALUE);
CREATE TABLE isam (id int AUTO_INCREMENT PRIMARY KEY, v varchar(10)) ENGINE=MyISAM;
CREATE TABLE aria (id int, v varchar(10), KEY (id)) ENGINE=Aria;
CREATE TABLE history (id int PRIMARY KEY, v int) WITH SYSTEM VERSIONING;
CREATE TABLE tiny (id tinyint AUTO_INCREMENT PRIMARY KEY, v int);
CREATE TABLE sparse (id bigint unsigned PRIMARY KEY, v int);
CREATE TABLE signs (id int PRIMARY KEY, v int);
CREATE TABLE `o``t"h e'r` (`i d` char(32) PRIMARY KEY, `s``v` mediumtext) DEFAULT CHARSET=utf8mb3;
CREATE SEQUENCE free START WITH 10 INCREMENT BY 2 CACHE 5; CREATE SEQUENCE turns MAXVALUE 5 CACHE 2 CYCLE;
CREATE VIEW seen AS SELECT id, code FROM item;
CREATE FUNCTION gross(a int) RETURNS int DETERMINISTIC RETURN a * 119 / 100;
CREATE TRIGGER tell AFTER INSERT ON item FOR EACH ROW INSERT INTO audit (what, item) VALUES ('in', NEW.id);
CREATE TRIGGER told AFTER INSERT ON item FOR EACH ROW FOLLOWS tell INSERT INTO audit (what, item) VALUES ('2', NEW.id);
CREATE TRIGGER gone AFTER DELETE ON item FOR EACH ROW INSERT INTO audit (what, item) VALUES ('out', OLD.id);
CREATE TRIGGER line_n BEFORE INSERT ON line FOR EACH ROW SET NEW.b = COALESCE(NEW.b, 0) + 1;
INSERT INTO item (code, n, f, d, bi, bin, j, p, z, y, e, s, t, l, u) SELECT CONCAT('c', seq), seq, seq / 7, seq / 3,
    seq, UNHEX(HEX(seq)), CONCAT('{"k": ', seq, '.0}'), point(seq, 1), '2024-02-29 12:00:00.123456', 2000 + seq % 50,
    'a', 'x,y', 'é', REPEAT(0xff, seq), UUID() FROM seq_1_to_60;
INSERT INTO pair SELECT seq % 7, CONCAT('b', seq), 'x' FROM seq_1_to_40;
INSERT INTO line (id, item) SELECT seq, seq FROM seq_1_to_40;
INSERT INTO loose SELECT CONCAT('w', seq % 5), seq % 8, seq / 7 FROM seq_1_to_20;
INSERT INTO named SELECT CONCAT('Key', seq), seq FROM seq_1_to_20;
INSERT INTO raw SELECT UNHEX(LPAD(HEX(seq * 1000), 8, '0')), CHAR(seq) FROM seq_1_to_20;
INSERT INTO event (at, what) SELECT seq, 'e' FROM seq_1_to_99;
INSERT INTO isam (v) SELECT seq FROM seq_1_to_20; INSERT INTO aria SELECT seq, 'a' FROM seq_1_to_20;
INSERT INTO history SELECT seq, seq FROM seq_1_to_9; INSERT INTO tiny (v) SELECT seq FROM seq_1_to_100;
INSERT INTO sparse SELECT seq * 900000000000000000, seq FROM seq_1_to_20;
INSERT INTO sparse SELECT 18446744073709551600 + seq, seq FROM seq_0_to_15;
INSERT INTO signs SELECT CAST(seq AS SIGNED) - 30, seq FROM seq_1_to_60;
INSERT INTO `o``t"h e'r` SELECT MD5(seq), seq FROM seq_1_to_30;
"""

#: What one statement of a busy site may be; {a} and {b} are small numbers. What fails changes nothing.
STATEMENTS = (
    (
        "INSERT INTO item (code, n, f, bi, bin, z, e, t)"
        " VALUES (CONCAT('C', {a}), {b}.50, -0.0, b'1', 0x00ff275c, '0000-00-00', 'ü', {q})"
    ),
    "INSERT IGNORE INTO item (code, d, y) SELECT CONCAT('n', seq), seq / 3, 1999 FROM seq_1_to_60 WHERE seq < {b}",
    "INSERT INTO item (id, n) VALUES ({a} + 1000, 1) ON DUPLICATE KEY UPDATE n = n + 1",
    "INSERT INTO item (id) VALUES (0)",
    "INSERT INTO item (id, j, p, l) VALUES (-{a}, '[]', NULL, '')",
    "REPLACE INTO item (id, code) VALUES ({a}, CONCAT('r', {b}))",
    "UPDATE item SET n = n * 1.5, t = {q}, secret = {b} WHERE id % 10 = {b} % 10",
    "UPDATE item SET code = UPPER(code) WHERE id = {a}",
    "UPDATE item SET id = id + 5000 WHERE id = {a}",
    "UPDATE item SET f = -f, j = '{{\"b\":  1}}', l = 0x00 WHERE id = {a}",
    "UPDATE item SET p = ST_GeomFromText('POINT(1 {b})', 4326), u = NULL, bin = '' WHERE id = {a}",
    "DELETE FROM item WHERE id = {a}",
    "DELETE FROM item WHERE id BETWEEN {a} AND {a} + {b}",
    "UPDATE pair SET a = a + {a}, b = CONCAT(b, '+') WHERE a = {b} % 7",
    "UPDATE pair SET b = UPPER(b) WHERE a = {b} % 7",
    "DELETE FROM pair WHERE a = {a} % 7",
    "INSERT IGNORE INTO pair VALUES ({a}, {q}, NULL), ({a}, '', '')",
    "DELETE FROM line WHERE id = {a}",
    "INSERT INTO line (item) SELECT MAX(id) FROM item",
    "UPDATE line SET b = {b}, item = NULL WHERE id = {a}",
    "INSERT INTO loose VALUES ({q}, {b}, 0.1), ({q}, {b}, 0.1), (NULL, NULL, NULL)",
    "DELETE FROM loose WHERE n = {b} % 8",
    "UPDATE loose SET w = CONCAT(w, ' ') WHERE n = {b} % 8",
    "DELETE FROM loose WHERE n = {b} % 8 LIMIT 1",
    "INSERT INTO maybe VALUES (NULL, 'a'), ({a}, 'b')",
    "UPDATE maybe SET n = NULL",
    "UPDATE named SET k = UPPER(k) WHERE v = {b} % 20",
    "UPDATE named SET k = CONCAT('Key', v + 1) WHERE v > {b} ORDER BY v DESC",
    "DELETE FROM named WHERE v = {a} % 20",
    "UPDATE raw SET v = CONCAT(v, 0xff) WHERE v < {a}",
    "DELETE FROM raw WHERE k < UNHEX(LPAD(HEX({a} * 300), 8, '0'))",
    "UPDATE event SET at = (at + {a}) % 100 WHERE id = {b}",
    "DELETE FROM event WHERE at = {a}",
    "INSERT INTO event (at, what) VALUES ({b} * 3, {q})",
    "INSERT INTO isam (v) VALUES ({a})",
    "DELETE FROM isam WHERE id = {a} % 20",
    "UPDATE aria SET v = {b} WHERE id = {a} % 20",
    "INSERT INTO aria VALUES ({a} % 20, 'b'), ({a} % 20, 'b')",
    "UPDATE tiny SET v = {a} WHERE id > {b}",
    "INSERT INTO tiny (v) SELECT v FROM tiny LIMIT 3",
    "UPDATE sparse SET v = v + 1 WHERE v = {b} % 20",
    "DELETE FROM sparse WHERE v < {a} % 20",
    "INSERT IGNORE INTO sparse VALUES ({a}, {b}), (9223372036854775807 + {a}, {b})",
    "INSERT IGNORE INTO signs VALUES (-100 - {a}, {b}), (2147483647, {b})",
    "UPDATE signs SET v = {b}, id = -id - 200 WHERE id = -{a}",
    "DELETE FROM `o``t\"h e'r` WHERE `s``v` > {a}; INSERT INTO `o``t\"h e'r` VALUES (MD5({q}), {q})",
    "SELECT NEXTVAL(free), NEXTVAL(turns)",
    "SELECT SETVAL(free, {a} * 100)",
    "SAVEPOINT s; INSERT INTO line (item) VALUES ({a}); ROLLBACK TO SAVEPOINT s; DELETE FROM line WHERE id = {b}",
    "DELETE FROM loose; INSERT INTO loose SELECT 'l', seq, 0 FROM seq_1_to_30 WHERE seq < {a}",
    "SELECT id FROM item WHERE id < {a} FOR UPDATE",
)
#: What commits by itself; each alone.
MAINTENANCE = (
    "TRUNCATE line",
    "TRUNCATE audit",
    "TRUNCATE pair",
    "TRUNCATE isam",
    "TRUNCATE tiny",
    "OPTIMIZE TABLE item",
    "ALTER TABLE audit FORCE",
    "ANALYZE TABLE item, pair",
    "ALTER TABLE item AUTO_INCREMENT = 9000",
    "ALTER TABLE event TRUNCATE PARTITION low",
    "ALTER SEQUENCE free RESTART 12",
    "FLUSH TABLES",
)
#: What a catch-up cannot carry, and therefore refuses.
BEYOND = (
    "ALTER TABLE loose ADD COLUMN more int DEFAULT 1",
    "CREATE INDEX more ON item (d)",
    "CREATE TABLE made (id int)",
    "DROP TABLE maybe",
    "ALTER TABLE item MODIFY e enum('a', 'b', 'ü', 'c')",
    "ALTER TABLE loose COMMENT 'it is'",
    "CREATE OR REPLACE VIEW seen AS SELECT id FROM item",
    "DROP TRIGGER tell",
    "CREATE TRIGGER other BEFORE UPDATE ON tiny FOR EACH ROW SET NEW.v = 1",
    "CREATE OR REPLACE FUNCTION gross(a int) RETURNS int DETERMINISTIC RETURN a",
    "CREATE EVENT runs ON SCHEDULE EVERY 1 DAY DISABLE DO DELETE FROM loose",
    "ALTER TABLE loose ENGINE=MyISAM",
    "ALTER TABLE tiny CONVERT TO CHARACTER SET latin1",
    "ALTER TABLE event REORGANIZE PARTITION low INTO (PARTITION lower VALUES LESS THAN (50))",
    "CREATE SEQUENCE other",
    "ALTER SEQUENCE free MAXVALUE 5000",
    "UPDATE history SET v = v + 1",
)


class Step(NamedTuple):
    """One thing that happens: statements of one transaction, and how it goes on."""

    statements: Tuple[str, ...]
    kind: str  # done, undone, alone
    late: bool  # ends after those that follow


_NUMBERS = st.integers(0, 60)


def _text(template: str, a: int, b: int) -> str:
    return template.format(a=a, b=b, q="'q\\t\\\\{0}é'".format(a))


def _statements(templates: Tuple[str, ...]) -> st.SearchStrategy[str]:
    return st.builds(_text, st.sampled_from(templates), _NUMBERS, _NUMBERS)


def _steps(*kinds: str) -> st.SearchStrategy[Step]:
    several = st.lists(_statements(STATEMENTS), min_size=1, max_size=4).map(tuple)
    return st.builds(Step, several, st.sampled_from(kinds), st.booleans())


#: Transactions that may overlap. None is open while a copy begins: its lock waits for them.
WORKLOADS: st.SearchStrategy[List[Step]] = st.lists(
    st.one_of(
        _steps("done", "done", "done", "undone"),
        _steps("done", "undone"),
        st.builds(lambda one: Step((one,), "alone", False), _statements(MAINTENANCE)),
    ),
    min_size=1,
    max_size=7,
)
