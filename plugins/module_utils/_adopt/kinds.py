# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells what a file is by how it begins, and whether it is whole by how it ends. Pure: bytes in, words out."""

from __future__ import annotations

import codecs
import re
from typing import NamedTuple, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.foreign import (
    FIXTURE,
    MYSQL_SQL,
    PG_CUSTOM,
    PG_DIRECTORY,
    PG_PLAIN,
    PG_TAR,
    SQLITE_FILE,
    SQLITE_SQL,
    truncated,
)
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError

#: How many bytes of the beginning, and of the end, are looked at.
HEAD, TAIL = 8192, 8192
#: How files are compressed: by how they begin, the program that decompresses and its package.
COMPRESSIONS: Tuple[Tuple[bytes, str], ...] = (
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\0", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
)
PACKAGES = {"gzip": "gzip", "bzip2": "bzip2", "xz": "xz-utils", "zstd": "zstd"}
#: Marks of the byte order, and the encoding that each tells; that of UTF-32 begins as that of UTF-16 does.
MARKS: Tuple[Tuple[bytes, str], ...] = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (codecs.BOM_UTF8, "utf-8"),
)
_PG_FORMATS = {1: PG_CUSTOM, 3: PG_TAR, 5: PG_DIRECTORY}
_TEXTS: Tuple[Tuple["re.Pattern[bytes]", str], ...] = (
    (re.compile(rb"^-- PostgreSQL database dump\s*$", re.M), PG_PLAIN),
    (re.compile(rb"^-- (?:MariaDB|MySQL) dump ", re.M), MYSQL_SQL),
    (re.compile(rb"\A\s*PRAGMA foreign_keys=OFF;\s+BEGIN TRANSACTION;"), SQLITE_SQL),
    (re.compile(rb"\A\s*(?:\[\s*(?:\{|\])|\{\s*\"(?:model|pk|fields|relocate_fixture)\"\s*:)"), FIXTURE),
    (re.compile(rb"\A\s*(?:<\?xml[^>]*>\s*)?<django-objects\b"), FIXTURE),
    (re.compile(rb"\A\s*(?:---\s*)?- (?:model|pk|fields):", re.M), FIXTURE),
)
#: What is known, and taken in another way.
_OTHERS: Tuple[Tuple["re.Pattern[bytes]", str, str], ...] = (
    (
        re.compile(rb"^-- PostgreSQL database cluster dump", re.M),
        "is a dump of a whole server by pg_dumpall",
        "dump the one database: pg_dump --format=custom --file=FILE DATABASE",
    ),
    (
        re.compile(rb"^-- (?:phpMyAdmin SQL Dump|Adminer )", re.M),
        "was made by phpMyAdmin or Adminer, whose files do not tell whether they are whole",
        "dump with mysqldump --single-transaction --result-file=FILE DATABASE, or pg_dump",
    ),
    (
        re.compile(rb"\APK\x03\x04"),
        "is a zip archive",
        "unpack it, and give the path of the file in it",
    ),
    (
        re.compile(rb"\A\x04\x22\x4d\x18"),
        "is compressed by lz4",
        "unpack it: lz4 -d FILE",
    ),
    (
        re.compile(rb"\A(?:\x37\x7a\xbc\xaf|Rar!)"),
        "is an archive that Windows' tools make",
        "unpack it, and give the path of the file in it",
    ),
)
_WHOLE = {
    PG_PLAIN: re.compile(rb"(?:\A|\n)--\s*\n-- PostgreSQL database dump complete\s*\n--\s*(?:\\unrestrict \S+\s*)?\Z"),
    MYSQL_SQL: re.compile(rb"(?:\A|\n)-- Dump completed[^\n]*\s*\Z"),
    SQLITE_SQL: re.compile(rb"(?:\A|\n)COMMIT;\s*\Z"),
}
_WITHOUT_END = {
    PG_PLAIN: "it does not end with pg_dump's line 'PostgreSQL database dump complete'",
    MYSQL_SQL: "it does not end with mysqldump's line 'Dump completed' (--compact and --skip-comments leave it out)",
    SQLITE_SQL: "it does not end with COMMIT, as .dump does when it went well",
}


class Mark(NamedTuple):
    """Tells the encoding that a file begins with; "" and b"" without one."""

    encoding: str
    mark: bytes


def compression_of(head: bytes) -> str:
    """Return the program that decompresses a file, or ""."""
    return next((name for magic, name in COMPRESSIONS if head.startswith(magic)), "")


def mark_of(head: bytes) -> Mark:
    """Return how a file begins, as Windows' programs mark what they write."""
    for mark, encoding in MARKS:
        if head.startswith(mark):
            return Mark(encoding, mark)
    # What PowerShell and editors write without a mark: every other byte of ASCII text is zero.
    if len(head) >= 8 and not any(head[1:64:2]) and all(head[0:64:2]):
        return Mark("utf-16-le", b"")
    return Mark("", b"")


def text_of(head: bytes, mark: Mark) -> bytes:
    """The beginning or the end of a text as UTF-8, whatever it is in; lines end with LF."""
    data = head[len(mark.mark) :] if mark.mark and head.startswith(mark.mark) else head
    if mark.encoding and mark.encoding != "utf-8":
        data = data[: len(data) // 4 * 4].decode(mark.encoding, "replace").encode("utf-8")
    return data.replace(b"\r\n", b"\n")


def kind_of(head: bytes, path: str) -> str:
    """Return the kind of a dump by its beginning. Raises dump_unknown with the next step.

    :param head: decompressed, as :func:`text_of` gives it
    """
    binary = _binary_kind(head)
    if binary == PG_DIRECTORY:
        raise _unknown(path, "is one file of a directory dump of pg_dump", "give the path of its directory")
    if binary:
        return binary
    if is_tar(head):
        raise _unknown(path, "is a tar archive, and none of pg_dump", "unpack it, and give the path of the dump in it")
    for pattern, kind in _TEXTS:
        if pattern.search(head):
            return kind
    for pattern, what, hint in _OTHERS:
        if pattern.search(head):
            raise _unknown(path, what, hint)
    raise _unknown(
        path,
        "begins like no dump that is known",
        "give what pg_dump, mysqldump, mariadb-dump, sqlite3 or manage.py dumpdata wrote, as it was written",
    )


def _binary_kind(head: bytes) -> str:
    """Return the kind of what is no text; "" for a text, and for what is not known."""
    if head.startswith(b"SQLite format 3\0"):
        return SQLITE_FILE
    if head.startswith(b"PGDMP"):
        return _PG_FORMATS.get(head[10], PG_CUSTOM) if len(head) > 10 else PG_CUSTOM
    return PG_TAR if is_tar(head) and head[:100].rstrip(b"\0") == b"toc.dat" else ""


def is_tar(head: bytes) -> bool:
    """Tell whether a file is a tar archive, of any dialect since 1988."""
    return head[257:262] == b"ustar"


def is_zip(head: bytes) -> bool:
    """Tell whether a file is a zip archive."""
    return head.startswith(b"PK\x03\x04")


def check_end(kind: str, tail: bytes) -> None:
    """Refuse a text that does not end as its program ends one that went well. Raises dump_truncated.

    :param tail: as :func:`text_of` gives it
    """
    pattern = _WHOLE.get(kind)
    if pattern is not None and not pattern.search(tail):
        raise truncated(_WITHOUT_END[kind])


def _unknown(path: str, what: str, hint: str) -> RelocateError:
    return RelocateError("dump_unknown", "{0} {1}".format(path, what), hint)
