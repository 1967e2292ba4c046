# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Messages of pgoutput, as PostgreSQL 15 sends them, and the statements that they become."""

from __future__ import annotations

import io

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql import replicate_stream
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.replicate_apply import (
    Target,
    statements,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.replicate_stream import (
    MAGIC,
    UNCHANGED,
    Decoder,
    messages,
    record,
)

TABLE = (
    b"R\x00\x00@\x02public\x00t\x00d\x00\x02\x01id\x00\x00\x00\x00\x17\xff\xff\xff\xff\x00v\x00\x00\x00\x00\x19"
    b"\xff\xff\xff\xff"
)
INSERT = b"I\x00\x00@\x02N\x00\x02t\x00\x00\x00\x016t\x00\x00\x00\x03six"
KEY_CHANGED = b"U\x00\x00@\x02K\x00\x02t\x00\x00\x00\x016nN\x00\x02t\x00\x00\x00\x017t\x00\x00\x00\x04a'\\b"
LONG_LEFT_ALONE = b"U\x00\x00@\x02N\x00\x02t\x00\x00\x00\x017u"
DELETE = b"D\x00\x00@\x02K\x00\x02t\x00\x00\x00\x011n"
TRUNCATE = b"T\x00\x00\x00\x01\x00\x00\x00@\x02"
COMMIT = b"C\x00\x00\x00\x00\x00\x01\x92S\xd8\x00\x00\x00\x00\x01\x92T\x08\x00\x03\x04{G\xe0\xe8\xad"
EQUALS = {"id": "OPERATOR(pg_catalog.=)"}
PLAIN = {("public", "t"): Target(("id", "v"), (), EQUALS)}


def said(*several: bytes, target: dict[tuple[str, str], Target] | None = None) -> list[str]:
    decoder = Decoder()
    changes = [change for message in (TABLE, *several) for change in decoder.changes(message)]
    return [sql.decode() for sql in statements(iter(changes), target or PLAIN)]


def test_rows_become_statements() -> None:
    assert said(INSERT, INSERT, KEY_CHANGED, DELETE, TRUNCATE) == [
        "INSERT INTO \"public\".\"t\" (\"id\", \"v\") OVERRIDING SYSTEM VALUE VALUES ('6', 'six'), ('6', 'six')",
        'UPDATE ONLY "public"."t" SET "id" = \'7\', "v" = \'a\'\'\\b\' WHERE "id" OPERATOR(pg_catalog.=) \'6\'',
        'DELETE FROM ONLY "public"."t" WHERE "id" OPERATOR(pg_catalog.=) \'1\'',
        'DELETE FROM ONLY "public"."t"',
    ]


def test_a_long_value_that_was_left_alone_is_not_set() -> None:
    assert said(LONG_LEFT_ALONE) == [
        'UPDATE ONLY "public"."t" SET "id" = \'7\' WHERE "id" OPERATOR(pg_catalog.=) \'7\''
    ]


def test_an_identity_that_no_update_sets_is_replaced() -> None:
    always = {("public", "t"): Target(("id", "v"), ("id",), EQUALS)}
    assert said(KEY_CHANGED, target=always) == [
        (
            'WITH gone AS (DELETE FROM ONLY "public"."t" WHERE "id" OPERATOR(pg_catalog.=) \'6\' RETURNING *)'
            ' INSERT INTO "public"."t" ("id", "v") OVERRIDING SYSTEM VALUE SELECT \'7\', \'a\'\'\\b\' FROM gone'
        )
    ]
    assert said(LONG_LEFT_ALONE, target=always) == ["SELECT"]


@pytest.mark.parametrize(
    "target",
    [{("public", "u"): PLAIN["public", "t"]}, {("public", "t"): Target(("id",), (), EQUALS)}],
    ids=["no such table", "no such column"],
)
def test_another_table_is_refused(target: dict[tuple[str, str], Target]) -> None:
    with pytest.raises(ValueError, match=r"there is no such table public\.t"):
        said(INSERT, target=target)


def test_rows_that_nothing_tells_apart_are_refused() -> None:
    with pytest.raises(ValueError, match="nothing tells the rows"):
        said(DELETE, target={("public", "t"): Target(("id", "v"), (), {})})
    full = TABLE.replace(b"t\x00d", b"t\x00f")
    change = Decoder()
    change.changes(full)
    with pytest.raises(ValueError, match="nothing tells the rows"):
        list(statements(iter(change.changes(LONG_LEFT_ALONE)), PLAIN))


def test_null_and_unsent_values_differ() -> None:
    decoder = Decoder()
    decoder.changes(TABLE)
    assert decoder.changes(LONG_LEFT_ALONE)[0].new == {"id": b"7", "v": UNCHANGED}
    assert decoder.changes(DELETE)[0].old == {"id": b"1"}
    assert decoder.changes(b"I\x00\x00@\x02N\x00\x02t\x00\x00\x00\x016n")[0].new == {"id": b"6", "v": None}


@pytest.mark.parametrize("message", [INSERT, KEY_CHANGED, DELETE, TRUNCATE, TABLE])
def test_a_message_that_is_cut_is_refused(message: bytes) -> None:
    for size in range(1, len(message)):
        decoder = Decoder()
        decoder.changes(TABLE)
        if message == TABLE and size < len(message):
            decoder = Decoder()
        with pytest.raises(ValueError, match="."):
            decoder.changes(message[:size])


@pytest.mark.parametrize("message", [b"X", b"I\x00\x00@\x03N", b"D\x00\x00@\x02N\x00\x02nn", b""])
def test_what_is_not_known_is_refused(message: bytes) -> None:
    decoder = Decoder()
    decoder.changes(TABLE)
    with pytest.raises(ValueError, match="."):
        decoder.changes(message)


def test_a_file_is_read_as_it_was_written_or_not_at_all() -> None:
    text = MAGIC + record(TABLE) + record(INSERT)
    assert list(messages(io.BytesIO(text))) == [TABLE, INSERT]
    for size in range(len(MAGIC) + 1, len(text)):
        if size != len(MAGIC + record(TABLE)):
            with pytest.raises(ValueError, match="cut"):
                list(messages(io.BytesIO(text[:size])))
    with pytest.raises(ValueError, match="not a file of changes"):
        list(messages(io.BytesIO(text[1:])))


def test_where_a_transaction_ends() -> None:
    assert replicate_stream.commit_end(COMMIT) == 0x1925408
