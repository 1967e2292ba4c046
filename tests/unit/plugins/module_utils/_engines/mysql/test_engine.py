# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The MySQL engine's pure functions: names, literals, plans, statements, what client programs are given."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.base import EngineContext
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import (
    admin,
    connect,
    facts,
    programs,
    queries,
    rows,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import load as loading
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import session as session_module
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import state as states
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.engine import MysqlEngine
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseConfig, DatabaseFacts, DumpFile
from ansible_collections.relocate.django.plugins.module_utils._secrets import SecretStore
from tests.unit.fakes import refused

MIB = 1 << 20


@pytest.mark.parametrize(
    ("name", "derived"),
    [
        ("shop", "shop__incoming"),
        ("a" * 54, "a" * 54 + "__incoming"),
        ("ü" * 54, "ü" * 54 + "__incoming"),
    ],
)
def test_derived_names(name: str, derived: str) -> None:
    assert admin.derived_name(name, "incoming") == derived


def test_long_names_are_cut_and_stay_apart() -> None:
    one, two = (admin.derived_name("a" * 60 + last, "previous") for last in "xy")
    assert one != two
    assert len(one) == len(two) == 64
    assert one.endswith("__previous")


@pytest.mark.parametrize(("name", "quoted"), [("shop", "`shop`"), ("b`t", "`b``t`"), ("", "``")])
def test_identifiers(name: str, quoted: str) -> None:
    assert session_module.ident(name) == quoted


@pytest.mark.parametrize(
    ("text", "quoted"),
    [("a", "'a'"), ("it's", "'it''s'"), ("b\\", "'b\\\\'"), ("\\'", "'\\\\'''"), ("n\0l", "'n\\0l'"), ("é😀", "'é😀'")],
)
def test_literals(text: str, quoted: str) -> None:
    assert session_module.literal(text) == quoted


@pytest.mark.parametrize(
    ("value", "quoted"),
    [
        ("plain", '"plain"'),
        ("a # b", '"a # b"'),
        ('q"', '"q\\""'),
        ("b\\n", '"b\\\\n"'),
        ("l\n", '"l\\n"'),
        ("$é%;[", '"$é%;["'),
    ],
)
def test_values_of_an_options_file(value: str, quoted: str) -> None:
    assert connect.quoted(value) == quoted


def test_an_options_file_holds_no_nul() -> None:
    with refused("login_failed", "NUL"):
        connect.quoted("a\0b")


@pytest.mark.parametrize(
    ("number", "code"), [(1045, "login_failed"), (1049, "database_missing"), (1044, "right_missing"),
                         (2003, "server_unreachable"), (1064, "")]
)  # fmt: skip
def test_error_numbers(number: int, code: str) -> None:
    assert session_module.error_code(number) == code


@pytest.mark.parametrize(
    ("mariadb", "text", "numbers", "series"),
    [
        (True, "10.11.6-MariaDB-0+deb12u1", (10, 11, 6), "10.11"),
        (True, "5.5.5-10.5.23-MariaDB-0+deb11u1", (10, 5, 23), "10.5"),
        (False, "9.7.4", (9, 7, 4), "9.7"),
        (False, "8.0.36-0ubuntu0.22.04.1", (8, 0, 36), "8.0"),
    ],
)
def test_flavors(mariadb: bool, text: str, numbers: tuple[int, ...], series: str) -> None:
    flavor = session_module.Flavor(mariadb, text)
    assert flavor.numbers[:3] == numbers
    assert flavor.series == series


def test_the_hash_of_a_password() -> None:
    # SELECT PASSWORD('mypass') in MySQL's own manual.
    assert admin.native_hash("mypass") == "*6C8989366EAF75BB670AD8EA7A7FC1176A95CEF4"
    assert admin.native_hash("") == ""


def server(tmp_path: Path, **fields: Any) -> connect.Server:
    store = SecretStore(str(tmp_path / "work"))
    store.__enter__()
    values: dict[str, Any] = {"user": "shop", "password": 'p"w#', "host": "db.example.org", "port": 3307, **fields}
    return connect.Server(DatabaseConfig("def ault", "mysql", "", "shop", **values), EngineContext(store))


@pytest.mark.parametrize(
    ("fields", "mariadb_client", "lines"),
    [
        ({}, True, {'host="db.example.org"', 'port="3307"', 'ssl="1"', 'loose-ssl-verify-server-cert="0"'}),
        ({}, False, {'ssl-mode="REQUIRED"'}),
        ({"host": "127.0.0.1"}, True, {'ssl="0"', 'protocol="TCP"'}),
        ({"host": "127.0.0.1"}, False, {'ssl-mode="DISABLED"', 'loose-get-server-public-key="1"'}),
        ({"host": "/run/my.sock"}, True, {'socket="/run/my.sock"', 'protocol="SOCKET"'}),
        ({"options": {"ssl": {"ca": "/ca.pem"}, "ssl_mode": "VERIFY_CA"}}, True,
         {'ssl-ca="/ca.pem"', 'loose-ssl-verify-server-cert="1"'}),
        ({"options": {"ssl": {"ca": "/ca.pem"}, "ssl_mode": "VERIFY_CA"}}, False,
         {'ssl-ca="/ca.pem"', 'ssl-mode="VERIFY_CA"'}),
        ({"options": {"ssl_mode": "DISABLED"}}, False, {'ssl-mode="DISABLED"'}),
    ],
)  # fmt: skip
def test_options_files(tmp_path: Path, fields: dict[str, Any], mariadb_client: bool, lines: set[str]) -> None:
    path = Path(server(tmp_path, **fields).options_file(mariadb_client))
    found = path.read_text(encoding="utf-8").splitlines()
    assert path.stat().st_mode & 0o777 == 0o600
    assert found[0] == "[client]"
    assert lines | {'user="shop"', 'password="p\\"w#"'} <= set(found)


def column(name: str = "c", kind: str = "int", **more: Any) -> queries.Column:
    return queries.Column(name, kind, more.pop("nullable", False), **more)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("int", ["`c`"]),
        ("datetime", ["`c`"]),
        ("float", ["(`c` + 0e0)"]),
        ("bit", ["(`c` + 0)"]),
        ("varchar", ["CAST(`c` AS BINARY)", "LENGTH(`c`)"]),
        ("varbinary", ["`c`", "LENGTH(`c`)"]),
        ("longtext", ["SHA2(`c`, 256)", "LENGTH(`c`)"]),
        ("json", ["SHA2(CAST(`c` AS CHAR CHARACTER SET utf8mb4), 256)", "LENGTH(`c`)"]),
        ("point", ["SHA2(ST_AsBinary(`c`), 256)", "ST_SRID(`c`)"]),
        ("uuid", ["CAST(`c` AS CHAR)"]),
    ],
)
def test_what_of_a_column_is_hashed(kind: str, values: list[str]) -> None:
    assert queries.value_of(column(kind=kind)) == values
    assert queries.value_of(column(kind=kind, nullable=True)) == ["ISNULL(`c`)", *values]


def test_counting_sql() -> None:
    table = queries.Table("a`b", "InnoDB", 5, (column("id"),))
    assert queries.count_sql(table, 3, False) == "SELECT 3, COUNT(*), NULL, NULL FROM `a``b`"
    numbered = queries.Table("a", "InnoDB", 5, (column("id", auto=True),))
    assert queries.count_sql(numbered, 3, False) == "SELECT 3, COUNT(*), NULL, MAX(`id`) FROM `a`"
    assert "SHA2(CONCAT_WS(_binary'#', `id`), 256)" in queries.count_sql(table, 3, True)


def test_big_tables_are_counted_alone_and_first() -> None:
    sizes = [1, 9 * MIB, 2, 5 * MIB]
    tables = [queries.Table(str(number), "InnoDB", size) for number, size in enumerate(sizes)]
    assert queries.batches(tables) == [[1], [3], [2, 0]]


def test_a_big_table_is_dumped_in_ranges_and_small_ones_share() -> None:
    tables = [queries.Table("sale", "InnoDB", 300 * MIB), queries.Table("book", "InnoDB", 60 * MIB),
              queries.Table("tag", "InnoDB", 1)]  # fmt: skip
    parts = programs.plan_parts(tables, lambda table, pieces: [f"{table.name} {n}" for n in range(pieces)], 2)
    assert [part.tables for part in parts] == [("sale",), ("sale",), ("sale",), ("sale",), ("book",), ("tag",)]
    assert [part.where for part in parts] == ["sale 0", "sale 1", "sale 2", "sale 3", "", ""]
    assert len({part.name for part in parts}) == len(parts)


def test_a_table_without_ranges_stays_whole() -> None:
    parts = programs.plan_parts([queries.Table("sale", "InnoDB", 300 * MIB)], lambda _table, _pieces: [], 2)
    assert [(part.tables, part.where) for part in parts] == [(("sale",), "")]


class Answers:
    """A session that knows the lowest and highest key."""

    def __init__(self, low: Any, high: Any) -> None:
        self.row = (low, high)

    def rows(self, _sql: str) -> list[tuple[Any, ...]]:
        return [self.row]


@pytest.mark.parametrize(
    ("keys", "bounds", "pieces", "expected"),
    [
        ([column("id", key=True)], (1, 100), 2, ["`id` < 51", "`id` >= 51"]),
        ([column("id", key=True)], (0, 8), 3, ["`id` < 3", "`id` >= 3 AND `id` < 6", "`id` >= 6"]),
        ([column("id", key=True)], (-5, 4), 2, ["`id` < 0", "`id` >= 0"]),
        ([column("id", key=True)], (None, None), 2, []),
        ([column("id", key=True)], (1, 2), 4, []),
        ([column("id", "varchar", key=True)], (1, 100), 2, []),
        ([column("a", key=True), column("b", key=True)], (1, 100), 2, []),
        ([], (1, 100), 2, []),
    ],
)
def test_ranges_of_a_key(keys: list[queries.Column], bounds: tuple[Any, Any], pieces: int, expected: list[str]) -> None:
    ranges = programs.ranges_of(Answers(*bounds))  # type: ignore[arg-type]
    assert ranges(queries.Table("t", "InnoDB", 1, tuple(keys)), pieces) == expected


def test_ranges_leave_no_row_out_and_none_twice() -> None:
    for low, high, pieces in ((1, 1000, 7), (-10, 13, 4), (0, 9, 3)):
        conditions = programs.ranges_of(Answers(low, high))(  # type: ignore[arg-type]
            queries.Table("t", "InnoDB", 1, (column("id", key=True),)), pieces
        )
        tests = [text.replace("`id`", "key").replace("AND", "and") for text in conditions]
        for key in range(low - 3, high + 4):  # rows that came after the question too
            assert sum(bool(eval(test, {"key": key})) for test in tests) == 1


MARIADB = programs.Client("/usr/bin/mariadb-dump", "mariadb-dump from 11.8.3-MariaDB", True)
MYSQL = programs.Client("/usr/bin/mysqldump", "mysqldump  Ver 9.7.4", False)


def test_the_dump_command() -> None:
    part = programs.Part("rows-001", ("-t", "b`"), "`id` < 5", 7)
    argv = programs.dump_argv(MARIADB, "/run/o.cnf", "shop", part)
    assert argv[:2] == ["/usr/bin/mariadb-dump", "--defaults-file=/run/o.cnf"]
    assert argv[-4:] == ["--", "shop", "-t", "b`"]
    assert {"--single-transaction", "--hex-blob", "--no-create-info", "--no-autocommit", "--where=`id` < 5"} <= set(
        argv
    )
    assert not {"--force", "--compact", "--skip-comments"} & set(argv)
    assert "--set-gtid-purged=OFF" in programs.dump_argv(MYSQL, "o", "shop", part)
    huge = programs.Part("rows-001", ("t",), "", 3 << 30)
    assert "--skip-no-autocommit" in programs.dump_argv(MARIADB, "o", "shop", huge)


def test_the_load_command_knows_no_commands_of_the_client() -> None:
    argv = programs.load_argv(MARIADB, "/run/o.cnf", "sh op")
    assert argv[1] == "--defaults-file=/run/o.cnf"
    assert {"--binary-mode", "--local-infile=0"} <= set(argv)
    assert argv[-1] == "--database=sh op"
    assert not {"--force", "-f"} & set(argv)


@pytest.mark.parametrize(
    ("end", "well"),
    [
        (b"INSERT INTO t VALUES (1);\n-- Dump completed on 2026-11-21  1:02:03\n", True),
        (b"\n-- Dump completed\n", True),
        (b"-- Dump completed", True),
        (b"INSERT INTO t VALUES ('-- Dump completed');\n", False),
        (b"-- Dump completed\nINSERT INTO t VALUES (1);\n", False),
        (b"", False),
    ],
)
def test_trailers(end: bytes, well: bool) -> None:
    assert bool(programs.TRAILER.search(end)) is well


TRAILED = b"INSERT INTO t VALUES (1);\n-- Dump completed\n"


@pytest.mark.parametrize("compressed", [False, True])
def test_a_dump_without_its_trailer_is_truncated(tmp_path: Path, compressed: bool) -> None:
    def write(name: str, data: bytes) -> str:
        path = tmp_path / (name + (".sql.zst" if compressed else ".sql"))
        path.write_bytes(data)
        if compressed:
            path.write_bytes(subprocess.run(["zstd", "-q", "-c"], input=data, check=True, capture_output=True).stdout)
        return str(path)

    whole, cut = write("whole", TRAILED), write("cut", TRAILED[:25])
    programs.check_complete([whole], None, 1)
    with refused("dump_truncated", "cut"):
        programs.check_complete([whole, cut], None, 2)


def test_a_load_asks_for_the_trailers_before_anything_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The set's digests may be right: what was cut before it was hashed shows by nothing else."""
    directory = tmp_path / "d.mysql"
    directory.mkdir()
    (directory / "rows-001.sql").write_bytes(TRAILED[:25])
    plain = {"format": 2, "database": "shop", "charset": "utf8mb4", "collation": "utf8mb4_bin", "tables": {},
             "objects": [], "parts": [{"file": "rows-001.sql"}]}  # fmt: skip
    data = json.dumps(plain).encode("ascii")
    (directory / "schema.json").write_bytes(data)
    one = server(tmp_path)
    engine = MysqlEngine(one.config, one.context)

    def never(*args: Any) -> None:
        raise AssertionError("the server was asked")

    monkeypatch.setattr(connect.Server, "_open", never)
    facts_ = DatabaseFacts("mysql", "", 0, "")
    with refused("dump_truncated", "rows-001.sql"):
        engine.load(str(tmp_path), DumpFile("d.mysql", "", digest=hashlib.sha256(data).hexdigest()), facts_)
    (directory / "rows-001.sql").write_bytes(TRAILED)
    with refused("dump_truncated", "not what was written"):
        engine.load(str(tmp_path), DumpFile("d.mysql", "", digest="0" * 64), facts_)
    with pytest.raises(AssertionError, match="asked"):
        engine.load(str(tmp_path), DumpFile("d.mysql", "", digest=hashlib.sha256(data).hexdigest()), facts_)


@pytest.mark.parametrize("failing", ["zstd", "client"])
def test_every_program_of_a_load_has_its_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    """The client takes what a decompressor gave before it failed, and ends with 0; the other way round as well."""
    path = tmp_path / "rows-001.sql.zst"
    data = b"".join(b"INSERT INTO t VALUES (%d);\n" % number for number in range(100000))
    squeezed = subprocess.run(["zstd", "-q", "-c"], input=data, check=True, capture_output=True).stdout
    path.write_bytes(squeezed[:-1000] if failing == "zstd" else squeezed)
    argv = ["/bin/cat"] if failing == "zstd" else ["/bin/sh", "-c", "cat > /dev/null; echo ERROR 1 >&2; exit 3"]
    monkeypatch.setattr(programs, "load_argv", lambda *args: argv)
    with refused("load_failed", "zstd exited" if failing == "zstd" else "sh exited 3"):
        programs.load(server(tmp_path), MARIADB, "options", "shop", [str(path)])


@pytest.mark.parametrize(
    ("statement", "number"),
    [
        (
            "CREATE TABLE `t` (\n  `id` int AUTO_INCREMENT\n) ENGINE=InnoDB AUTO_INCREMENT=17 DEFAULT CHARSET=utf8mb4",
            17,
        ),
        ("CREATE TABLE `t` (\n  `id` int\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COMMENT='AUTO'", 1),
        ("CREATE TABLE `t` (\n  `id` int\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COMMENT='x AUTO_INCREMENT=9'", 1),
        ("CREATE TABLE `t` (\n  `id` int\n) /*!50100 TABLESPACE `s` */ ENGINE=InnoDB AUTO_INCREMENT=5 COMMENT='x'", 5),
        (
            "CREATE TABLE `t` (\n  `id` int\n) ENGINE=InnoDB AUTO_INCREMENT=5\n PARTITION BY HASH (`id`)\nPARTITIONS 4",
            5,
        ),
        ("CREATE TABLE `t` (\n  `c` text COMMENT ') ENGINE=X AUTO_INCREMENT=9'\n) ENGINE=InnoDB AUTO_INCREMENT=3", 3),
    ],
)
def test_next_numbers(statement: str, number: int) -> None:
    assert states.next_numbers({"t": statement}) == {"t": number}


@pytest.mark.parametrize(
    ("value", "literal"),
    [(None, "NULL"), (b"\x00\xff", "0x00ff"), (b"", "''"), ("it's", "'it''s'"), ("-0", "'-0'"), ("1e308", "'1e308'")],
)
def test_values_of_our_own_rows(value: Any, literal: str) -> None:
    assert rows.value_literal(value) == literal


def test_which_tables_the_dump_program_would_spoil() -> None:
    generated = queries.Table("t", "InnoDB", 1, (column("id"), column("g", generated=True)))
    single = queries.Table("t", "InnoDB", 1, (column("f", "float"),))
    plain = queries.Table("t", "InnoDB", 1, (column("d", "double"),))
    hidden = queries.Table("t", "InnoDB", 1, (column("id"), column("h", invisible=True)))
    assert rows.needed(hidden, mariadb_client=True, mariadb_server=False)
    assert not rows.needed(hidden, mariadb_client=True, mariadb_server=True)
    assert rows.select_sql(hidden) == "SELECT `id`, `h` FROM `t`"
    assert rows.needed(generated, mariadb_client=True, mariadb_server=False)
    assert not rows.needed(generated, mariadb_client=True, mariadb_server=True)
    assert not rows.needed(generated, mariadb_client=False, mariadb_server=False)
    assert rows.needed(single, mariadb_client=True, mariadb_server=True)
    assert not rows.needed(plain, mariadb_client=True, mariadb_server=False)
    assert rows.select_sql(generated) == "SELECT `id` FROM `t`"
    assert rows.select_sql(single) == "SELECT (`f` + 0e0) FROM `t`"


@pytest.mark.parametrize(
    ("name", "known"),
    [("utf8_general_ci", "utf8mb3_general_ci"), ("utf8mb4_bin", "utf8mb4_bin"), ("latin1_bin", "latin1_bin")],
)
def test_three_byte_collations_have_one_name(name: str, known: str) -> None:
    assert facts.modern(name) == known


def test_series_compare() -> None:
    assert facts.version_of("10.5") < facts.version_of("10.11") < facts.version_of("11.8")


GOOD = {
    "format": 2, "tables": {}, "charset": "utf8mb4", "collation": "utf8mb4_bin", "parts": [], "objects": [],
    "sequences": [{"name": "s", "statement": "CREATE SEQUENCE `s`", "next": 1, "round": 0}],
}  # fmt: skip


@pytest.mark.parametrize(
    "data",
    [
        "[" * 200000,
        json.dumps(GOOD).replace('"next": 1', '"next": 1e400'),
        json.dumps(GOOD).replace('"next": 1', '"next": null'),
        json.dumps({**GOOD, "tables": []}),
        json.dumps({**GOOD, "parts": 7}),
        json.dumps([]),
        "\u00e9",
    ],
)
def test_a_description_of_another_form_is_refused(tmp_path: Path, data: str) -> None:
    path = tmp_path / "schema.json"
    path.write_text(json.dumps(GOOD), encoding="utf-8")
    assert loading.read_schema(str(tmp_path), "").sequences[0].next == 1
    path.write_text(data, encoding="utf-8")
    with refused("dump_truncated", "cannot be read"):
        loading.read_schema(str(tmp_path), "")


def test_of_many_tables_the_small_ones_are_written_by_us() -> None:
    """The dump program looks each named table up among all: 3,000 of them took it five times as long."""
    tables = [queries.Table(f"t{number}", "InnoDB", 1 << 20 if number == 7 else 1 << 16) for number in range(301)]
    assert rows.small(tables) == {table.name for table in tables} - {"t7"}
    assert rows.small(tables[:300]) == set()


def test_the_highest_numbers_come_with_the_counts() -> None:
    """One question a table, in ranges or not."""
    tables = [queries.Table("a", "InnoDB", 1, (column("id", auto=True),)), queries.Table("b", "InnoDB", 1)]
    asked: list[str] = []

    def ask(statements: Sequence[str], done: Any) -> list[Any]:
        asked.extend(statements)
        done(len(statements))
        return [(0, 3, "5", 40), (0, 2, "6", Decimal(7)), (1, 1, "9", None)]

    highest: dict[str, int] = {}
    found = states.counts(ask, tables, lambda _table: True, highest=highest)
    assert (highest, len(asked)) == ({"a": 40}, 1)
    assert {item.name: (item.rows, item.fingerprint) for item in found} == {"a": (5, "11"), "b": (1, "9")}
    (numbered,) = states.sequences(tables, {"a": 42}, highest, ())
    assert (numbered.last_value, numbered.column_max) == (41, None)
    (numbered,) = states.sequences(tables, {"a": 7}, highest, ())
    assert numbered.last_value == 40  # where a server that loads the rows goes on
