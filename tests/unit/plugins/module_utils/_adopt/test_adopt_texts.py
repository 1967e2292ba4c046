# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a file is, whether it is whole, and what Windows did to it."""

from __future__ import annotations

import io
import random

import pytest

from ansible_collections.relocate.django.plugins.module_utils._adopt import kinds, texts
from ansible_collections.relocate.django.plugins.module_utils._engines import foreign
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError

PG = b"--\n-- PostgreSQL database dump\n--\n\n\\restrict abc\n\nSET x = 1;\n"
PG_END = b"\n--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict abc\n\n"
MYSQL = b"/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump 10.19  Distrib 10.11.6-MariaDB\n--\n"
MYSQL_END = b"/*!40111 SET SQL_NOTES=@OLD_SQL_NOTES */;\n\n-- Dump completed on 2026-11-30  1:00:00\n"
SQLITE = b"PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE a (b);\n"


def tar(name: bytes) -> bytes:
    return name.ljust(257, b"\0") + b"ustar\0" + b"00".ljust(249, b"\0")


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (PG, foreign.PG_PLAIN),
        (b"PGDMP\x01\x0e\x00\x04\x08\x01", foreign.PG_CUSTOM),
        (b"PGDMP\x01\x0f\x00\x04\x08\x01", foreign.PG_CUSTOM),
        (tar(b"toc.dat"), foreign.PG_TAR),
        (MYSQL, foreign.MYSQL_SQL),
        (b"-- MySQL dump 10.13  Distrib 8.0.36\n", foreign.MYSQL_SQL),
        (b"SQLite format 3\0rest", foreign.SQLITE_FILE),
        (SQLITE, foreign.SQLITE_SQL),
        (b'[\n{\n  "model": "a.b"', foreign.FIXTURE),
        (b'{"model": "a.b", "pk": 1}\n', foreign.FIXTURE),
        (b'{"relocate_fixture": 1}\n', foreign.FIXTURE),
        (b'<?xml version="1.0" encoding="utf-8"?>\n<django-objects version="1.0">', foreign.FIXTURE),
        (b"- model: a.b\n  pk: 1\n", foreign.FIXTURE),
    ],
)
def test_a_kind_is_told_by_its_beginning(head: bytes, kind: str) -> None:
    assert kinds.kind_of(head, "f") == kind


@pytest.mark.parametrize(
    ("head", "part"),
    [
        (b"PGDMP\x01\x0e\x00\x04\x08\x05", "directory"),
        (tar(b"shop/toc.dat"), "tar archive"),
        (b"--\n-- PostgreSQL database cluster dump\n--\n", "pg_dumpall"),
        (b"-- phpMyAdmin SQL Dump\n-- version 5.2", "phpMyAdmin"),
        (b"-- Adminer 4.8.1 MySQL 8.0 dump\n", "Adminer"),
        (b"PK\x03\x04", "zip"),
        (b"\x04\x22\x4d\x18", "lz4"),
        (b"", "no dump that is known"),
        (b"root:x:0:0:root:/root:/bin/sh\n", "no dump that is known"),
    ],
)
def test_others_are_refused_with_the_next_step(head: bytes, part: str) -> None:
    with pytest.raises(RelocateError) as refusal:
        kinds.kind_of(head, "/d/f")
    assert refusal.value.code == "dump_unknown"
    assert part in refusal.value.msg and refusal.value.hint
    assert "root:x" not in str(refusal.value), "what it holds is not shown"


WHOLE = {
    foreign.PG_PLAIN: PG + PG_END,
    foreign.MYSQL_SQL: MYSQL + MYSQL_END,
    foreign.SQLITE_SQL: SQLITE + b"COMMIT;\n",
}


@pytest.mark.parametrize("kind", WHOLE)
def test_a_text_that_was_cut_anywhere_is_refused(kind: str) -> None:
    data = WHOLE[kind]
    kinds.check_end(kind, data)
    drawn = random.Random(kind).sample(range(len(data.rstrip()) - 3), 20)
    last = data.rfind(b"ump complete")
    for place in drawn:
        if last >= 0 and place > last:
            continue  # nothing of the dump is behind that line
        with pytest.raises(RelocateError) as refusal:
            kinds.check_end(kind, data[:place])
        assert refusal.value.code == "dump_truncated", (place, data[:place])


def test_older_trailers_are_known() -> None:
    kinds.check_end(foreign.PG_PLAIN, b"x;\n\n--\n-- PostgreSQL database dump complete\n--\n\n")
    kinds.check_end(foreign.MYSQL_SQL, b"x;\n-- Dump completed\n")


def back(data: bytes) -> tuple[bytes, bool]:
    """Return a text as its program wrote it, and whether its lines were rewritten."""
    mark, stream = kinds.mark_of(data[: kinds.HEAD]), io.BytesIO(data)
    rewrapped = texts.is_rewrapped(stream, mark)
    if not (rewrapped or mark.encoding):
        return data, False
    return b"".join(texts.restored(stream, mark)), rewrapped


ASCII = "--\n-- PostgreSQL database dump\n--\nCOPY a FROM stdin;\n1\tx\\n\n\\.\n"


@pytest.mark.parametrize(
    ("data", "rewrapped"),
    [
        (ASCII.encode(), False),
        (ASCII.replace("\n", "\r\n").encode(), True),
        (ASCII.replace("\n", "\r\n").encode("utf-16"), True),  # PowerShell 5
        (b"\xfe\xff" + ASCII.replace("\n", "\r\n").encode("utf-16-be"), True),
        (ASCII.replace("\n", "\r\n").encode("utf-16-le"), True),  # without a mark
        (b"\xef\xbb\xbf" + ASCII.replace("\n", "\r\n").encode(), True),
        (b"\xef\xbb\xbf" + ASCII.encode(), False),
    ],
)
def test_what_windows_did_is_taken_back(data: bytes, rewrapped: bool) -> None:
    assert back(data) == (ASCII.encode(), rewrapped)


def test_true_text_with_crlf_is_kept() -> None:
    """As cmd writes it: bytes as they are, in rewritten lines; whatever the language."""
    for text in ("Näme 5 €", "Grüße, Ёлка", "日本語", "ñandú — ok", "Ł"):
        data = (ASCII + text + "\n").replace("\n", "\r\n").encode()
        assert back(data) == ((ASCII + text + "\n").encode(), True)


@pytest.mark.parametrize("page", ["cp437", "cp850", "cp852", "cp866", "cp1252"])
def test_utf8_that_was_read_in_a_code_page_is_refused(page: str) -> None:
    """As PowerShell 7 rewrites it, in UTF-8 without a mark."""
    data = ("x Näme é".encode().decode(page, "strict") + "\r\ny\r\n").encode()
    with pytest.raises(RelocateError) as refusal:
        back(data)
    assert refusal.value.code == "dump_encoding"
    assert "--file=FILE" in refusal.value.hint


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_marked_text_with_other_characters_is_refused(encoding: str) -> None:
    with pytest.raises(RelocateError) as refusal:
        back((ASCII + "é").replace("\n", "\r\n").encode(encoding))
    assert refusal.value.code == "dump_encoding"


def test_lines_that_end_in_two_ways_are_left_alone() -> None:
    data = b"INSERT INTO a VALUES ('x\r\ny');\nSELECT 1;\n"
    assert back(data) == (data, False)


def test_what_has_lost_half_a_character_is_refused() -> None:
    with pytest.raises(RelocateError):
        back(ASCII.encode("utf-16")[:-1])
