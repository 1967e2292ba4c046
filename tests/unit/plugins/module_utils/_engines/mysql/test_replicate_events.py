# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is taken out of a binary log, and what ends a stream."""

from __future__ import annotations

import io
import struct
import uuid
import zlib
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import replicate_file
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.replicate_events import (
    Followed,
    KeyColumn,
    Log,
    Position,
    Query,
    Rows,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.replicate_words import rewritten

START = Position(3, 100)
INT, VARCHAR, BLOB, DECIMAL, BIT, STRING = 3, 15, 252, 246, 16, 254


def event(kind: int, body: bytes, end: int = 200, flags: int = 0, seal: bool = False) -> bytes:
    size = 19 + len(body) + (4 if seal else 0)
    text = struct.pack("<IBIIIH", 0, kind, 1, size, end, flags) + body
    return b"\0" + text + (struct.pack("<I", zlib.crc32(text)) if seal else b"")


def table_map(types: "list[tuple[int, bytes]]", database: bytes = b"shop", table: bytes = b"item") -> bytes:
    described = b"".join(meta for _code, meta in types)
    body = (7).to_bytes(6, "little") + b"\1\0" + bytes([len(database)]) + database + b"\0" + bytes([len(table)]) + table
    body += b"\0" + bytes([len(types)]) + bytes(code for code, _meta in types) + bytes([len(described)]) + described
    return event(19, body + b"\xff")


def rows(kind: int, count: int, *images: bytes, present: int = 0, seal: bool = False) -> bytes:
    """One row in each image, which has its bits of NULL before its values."""
    bits = (present or (1 << count) - 1).to_bytes((count + 7) // 8, "little")
    body = (7).to_bytes(6, "little") + b"\1\0" + bytes([count]) + bits * (2 if kind == 24 else 1)
    return event(kind, body + b"".join(images), seal=seal)


def log(*key: KeyColumn, columns: int = 1, **more: Any) -> Log:
    return Log("shop", {"item": Followed("item", columns, key)}, START, **more)


def keys(read: Log, *events: bytes) -> Any:
    found: Any = None
    for one in events:
        found = read.take(one)
    return found.keys if isinstance(found, Rows) else found


ID = KeyColumn("id", 0, "int")


def test_keys_of_all_that_happens_to_a_row() -> None:
    read = log(ID)
    assert keys(read, table_map([(INT, b"")]), rows(23, 1, b"\0" + struct.pack("<i", -7))) == [(-7,)]
    assert keys(read, rows(24, 1, b"\0" + struct.pack("<i", 1), b"\0" + struct.pack("<i", 2))) == [(1,), (2,)]
    assert keys(read, rows(25, 1, b"\0" + struct.pack("<i", 3), b"\0" + struct.pack("<i", 4), seal=True)) == [
        (3,),
        (4,),
    ]
    assert read.position == Position(3, 200)


@pytest.mark.parametrize(
    ("kind", "code", "meta", "kept", "meant"),
    [
        (KeyColumn("k", 0, "tinyint", True), 1, b"", b"\xff", 255),
        (KeyColumn("k", 0, "tinyint"), 1, b"", b"\xff", -1),
        (KeyColumn("k", 0, "mediumint"), 9, b"", b"\xfe\xff\xff", -2),
        (KeyColumn("k", 0, "bigint", True), 8, b"", b"\xff" * 8, (1 << 64) - 1),
        (KeyColumn("k", 0, "varchar"), VARCHAR, struct.pack("<H", 40), b"\x02\xc3\xa9", b"\xc3\xa9"),
        (KeyColumn("k", 0, "varchar"), VARCHAR, struct.pack("<H", 400), b"\x01\0a", b"a"),
        (KeyColumn("k", 0, "char"), STRING, b"\xfe\x20", b"\x02ab", b"ab"),
        (KeyColumn("k", 0, "char"), STRING, b"\xee\x2c", b"\x02\0ab", b"ab"),  # 300 bytes: two bits elsewhere
        (KeyColumn("k", 0, "binary", False, 4), STRING, b"\xfe\x04", b"\x02\1\2", b"\1\2\0\0"),
        (KeyColumn("k", 0, "date"), 10, b"", ((2024 << 9) | (2 << 5) | 29).to_bytes(3, "little"), "2024-02-29"),
    ],
)
def test_values_of_keys(kind: KeyColumn, code: int, meta: bytes, kept: bytes, meant: object) -> None:
    assert keys(log(kind), table_map([(code, meta)]), rows(23, 1, b"\0" + kept)) == [(meant,)]


def test_a_uuid_means_what_it_may() -> None:
    """Servers keep some in turned order, by their version: a key too many does no harm."""
    one = uuid.UUID("07e3de47-ecd0-11f1-aea5-02fc00000001")
    turned = one.bytes[10:] + one.bytes[8:10] + one.bytes[6:8] + one.bytes[4:6] + one.bytes[:4]
    for kept in (one.bytes, turned):
        found = keys(log(KeyColumn("k", 0, "uuid")), table_map([(STRING, b"\xfe\x10")]), rows(23, 1, b"\0\x10" + kept))
        assert (str(one),) in found and len(found) == 2


BEFORE = [
    (1, b"", b"\1"), (2, b"", b"\1\2"), (9, b"", b"123"), (8, b"", b"12345678"), (4, b"\x04", b"1234"),
    (5, b"\x08", b"12345678"), (13, b"", b"\x7c"), (10, b"", b"123"), (17, b"\x06", b"1234567"),
    (18, b"\x03", b"1234567"), (19, b"\x00", b"123"), (7, b"", b"1234"), (12, b"", b"12345678"), (11, b"", b"123"),
    (DECIMAL, b"\x14\x06", b"1234567890"), (BIT, b"\x01\x01", b"12"), (STRING, b"\xf7\x01", b"\1"),
    (STRING, b"\xf8\x02", b"\1\2"), (BLOB, b"\x02", b"\x03\0abc"), (BLOB, b"\x04", b"\x01\0\0\0a"),
    (255, b"\x04", b"\x02\0\0\0pp"), (140, b"\x03", b"\x01\0\0z"), (141, struct.pack("<H", 300), b"\x01\0c"),
]  # fmt: skip


@pytest.mark.parametrize("before", BEFORE, ids=lambda one: str(one[:2]))
def test_columns_before_the_key_are_passed(before: "tuple[int, bytes, bytes]") -> None:
    read = log(KeyColumn("id", 1, "int"), columns=2)
    there = table_map([before[:2], (INT, b"")])
    assert keys(read, there, rows(23, 2, b"\0" + before[2] + b"\5\0\0\0")) == [(5,)]
    assert keys(read, rows(23, 2, b"\1" + b"\6\0\0\0")) == [(6,)]  # it is NULL


def test_generated_columns_may_be_left_out() -> None:
    read = log(KeyColumn("id", 1, "int"), columns=2)
    assert keys(read, table_map([(INT, b""), (INT, b"")]), rows(23, 2, b"\0\7\0\0\0", present=2)) == [(7,)]


def test_others_are_passed() -> None:
    read = log(ID)
    some = rows(23, 1, b"\0abcd")
    assert keys(read, table_map([(INT, b"")], database=b"other"), some) is None
    assert keys(read, table_map([(INT, b"")], table=b"others"), some) is None
    assert keys(read, table_map([(INT, b"")], table=b"Item"), some) is None
    assert keys(log(ID, folded=True), table_map([(INT, b"")], table=b"Item", database=b"SHOP"), some) is not None
    read = log(ID)
    assert keys(read, table_map([(INT, b"")]), some) is not None
    read.leave("item")
    assert keys(read, some) is None
    # The end of a statement has no rows, and no table.
    assert read.take(event(23, b"\xff\xff\xff\0\0\0\1\0\1\xff")) is None


@pytest.mark.parametrize("kind", [3, 5, 13, 14, 15, 16, 27, 29, 160, 161, 162, 163, 164])
def test_what_tells_of_no_row_is_passed(kind: int) -> None:
    read = log(ID)
    assert read.take(event(kind, b"whatever", 300)) is None and read.position == Position(3, 300)


def test_positions() -> None:
    read = log(ID)
    read.take(event(4, struct.pack("<Q", 100) + b"log.000003", 0, 0x20))
    read.take(event(15, b"", 0))
    read.take(event(163, b"", 77, 0x20))  # made up: it stands nowhere
    assert read.position == START
    read.take(event(4, struct.pack("<Q", 4) + b"log.000004", 900))
    read.take(event(27, b"log.000004", 50))
    assert read.position == Position(4, 50)
    with pytest.raises(ValueError, match="begun anew"):
        read.take(event(4, struct.pack("<Q", 4) + b"log.000001", 0, 0x20))
    with pytest.raises(ValueError, match="longer than 4 GiB"):
        read.take(event(16, b"", 40))


@pytest.mark.parametrize(
    ("packets", "why"),
    [
        ([b"\xfe\0\0"], "the server ended"),
        ([event(16, b"12345678")[:-1]], "is cut"),
        ([event(38, b"")], "an event of kind 38"),
        ([event(40, b"")], "an event of kind 40"),
        ([event(26, b"")], "an event of kind 26"),
        ([event(166, b"")], "an event of kind 166"),
        ([rows(23, 1, b"\0abcd")], "cannot be read"),  # of no table
        ([table_map([(INT, b""), (INT, b"")])], "has 2 columns of 1"),
        ([table_map([(242, b"")])], "type 242"),
        ([table_map([(INT, b"")]), rows(23, 1, b"\0abc")], "is cut"),
        ([table_map([(INT, b"")]), rows(23, 1, b"\1")], "NULL"),
        ([table_map([(2, b"")]), rows(23, 1, b"\0ab")], "a number of 2 bytes"),
        ([table_map([(INT, b"")]), rows(23, 2, b"\0abcd")], "other columns"),
    ],
)
def test_what_cannot_be_read_ends_it(packets: "list[bytes]", why: str) -> None:
    with pytest.raises(ValueError, match=why):
        keys(log(ID), *packets)


def test_a_row_without_its_key_ends_it() -> None:
    read = log(KeyColumn("id", 1, "int"), columns=2)
    read.take(table_map([(INT, b""), (INT, b"")]))
    with pytest.raises(ValueError, match="binlog_row_image"):
        read.take(rows(23, 2, b"\0abcd", present=1))


def test_statements_are_told() -> None:
    body = struct.pack("<IIBHH", 1, 0, 4, 0, 3) + b"\0\0\0" + b"shop\0" + b"TRUNCATE item"
    assert log(ID).take(event(2, body, seal=True)) == Query(b"shop", b"TRUNCATE item")
    assert log(ID).take(event(18, b"")) == Query(b"", b"LOAD DATA")


# --- statements that were logged as text


@pytest.mark.parametrize(
    ("default", "text", "table"),
    [
        ("shop", "BEGIN", None),
        ("shop", "COMMIT", None),
        ("shop", "SAVEPOINT `a`", None),
        ("shop", "ROLLBACK TO `a`", None),
        ("shop", "# Dummy event", None),
        ("shop", "ANALYZE TABLE item, pair", None),
        ("shop", "OPTIMIZE TABLE item", None),
        ("shop", "GRANT ALL ON shop.* TO x", None),
        ("shop", "CREATE USER x IDENTIFIED BY 'secret'", None),
        ("shop", "DROP /*!40005 TEMPORARY */ TABLE IF EXISTS `t`", None),
        ("shop", "ALTER SEQUENCE free RESTART 12", None),
        ("shop", "TRUNCATE item", "item"),
        ("shop", "/* app */ truncate table `it``em` /* generated by server */", "it`em"),
        ("other", "TRUNCATE TABLE `shop`.`item`", "item"),
        ("shop", "TRUNCATE other.item", None),
        ("shop", 'ALTER TABLE "item" ADD x int', "item"),
        ("SHOP", "alter online table if exists item force", "item"),
        ("other", "CREATE TABLE item (id int)", None),
        ("other", "ALTER TABLE item ADD x int", None),
        ("other", "DROP DATABASE other", None),
    ],
)
def test_harmless_statements_and_tables_that_travel_whole(default: str, text: str, table: object) -> None:
    assert rewritten(Query(default.encode(), text.encode()), "shop") == table


@pytest.mark.parametrize(
    ("default", "text", "why"),
    [
        ("shop", "UPDATE item SET n = 'secret'", "logged as text: UPDATE"),
        ("other", "INSERT INTO log VALUES (1)", "logged as text: INSERT"),  # a trigger may write anywhere
        ("", "LOAD DATA", "logged as text: LOAD"),
        ("shop", "XA COMMIT 'a'", "two phases"),
        ("shop", "CREATE TABLE made (id int)", "changed: CREATE TABLE"),
        ("shop", "DROP TABLE item", "changed: DROP TABLE"),
        ("shop", "RENAME TABLE item TO other.item", "changed: RENAME TABLE"),
        ("shop", "ALTER TABLE item RENAME TO items", "changed: ALTER TABLE"),
        ("shop", "ALTER TABLE item EXCHANGE PARTITION p WITH TABLE pair", "changed: ALTER TABLE"),
        ("other", "ALTER TABLE x EXCHANGE PARTITION p WITH TABLE shop.pair", "changed: ALTER TABLE"),
        ("other", "RENAME TABLE shop.item TO item", "changed: RENAME TABLE"),
        ("other", "DROP DATABASE `shop`", "changed: DROP DATABASE"),
        ("shop", "ALTER TABLE `a#b` FORCE", "changed: ALTER TABLE"),  # not understood
        ("shop", "CREATE OR REPLACE VIEW v AS SELECT 1", "changed: CREATE OR"),
    ],
)
def test_statements_that_end_it(default: str, text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as caught:
        rewritten(Query(default.encode(), text.encode()), "shop")
    assert "secret" not in str(caught.value)


# --- files


def written(*items: Any) -> bytes:
    out = io.BytesIO()
    writer = replicate_file.Writer(out)
    for item in items:
        if isinstance(item, replicate_file.Head):
            writer.head(item)
        elif isinstance(item, tuple):
            writer.key(item)
        else:
            writer.row(item)
    writer.end()
    assert writer.size == len(out.getvalue())
    return out.getvalue()


HEAD = replicate_file.Head("item", ("id", "k"), ("id", "k", "v"))
ITEMS = (HEAD, (1, b"\xff"), (-2, "é"), ["1", b"\0", None], ["2", "ü\n", ""])


def test_a_file_says_what_was_written() -> None:
    text = written(*ITEMS)
    assert list(replicate_file.read(io.StringIO(text.decode("ascii")))) == [*ITEMS]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is cut"),
        ("".join(written(*ITEMS).decode().splitlines(keepends=True)[:-1]), "is cut"),
        (written(*ITEMS).decode() + "1\n", "not whole"),
        (written(*ITEMS).decode().replace("5\n", "4\n"), "not whole"),
        ('["-",1]\n1\n', "rows of no table"),
        ('{"format":2}\n', "another version"),
        ('{"format":1}\n', "no line"),
        ('{"format":1,"table":"a","key":[],"columns":[]}\n["*",1]\n', "no line"),
        ('{"format":1,"table":"a","key":[],"columns":[]}\n["+",1]\n', "no line"),
        ('{"format":1,"table":"a","key":[],"columns":[]}\n["-",null]\n', "no line"),
        ('{"format":1,"table":"a","key":[],"columns":[]}\n["-",["xy"]]\n', "hexadecimal"),
        ("true\n", "no line"),
        ("[]\n", "no line"),
        ("nothing\n", "Expecting value"),
    ],
)
def test_a_file_that_is_not_one_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        list(replicate_file.read(io.StringIO(text)))
