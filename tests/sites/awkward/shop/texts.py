# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values that break careless tools. Legal everywhere, except for what HOSTILE holds."""

import datetime
import decimal
import uuid

TITLE = "Moby-Dick \U0001f433 & the \u201cZ\u00fcrich\u201d edition"

TEXTS = [
    "",
    "plain",
    (
        "na\u00efve caf\u00e9 Stra\u00dfe \u0141\u00f3d\u017a "
        "\u65e5\u672c\u8a9e \u0627\u0644\u0639\u0631\u0628\u064a\u0629 \u05e2\u05d1\u05e8\u05d9\u05ea"
    ),
    (
        "emoji \U0001f433 \U0001f469\u200d\U0001f469\u200d\U0001f467 \U0001f1e8\U0001f1ed "
        "and the last code point \U0010ffff"
    ),
    "e\u0301 is not \u00e9",  # must not be normalised
    "tab\there, newline\nhere, return\rhere, both\r\nhere, vertical\x0btab, form\x0cfeed",
    "".join(map(chr, range(1, 32))) + "\x7f\x80\x9f",
    "line\u2028separator paragraph\u2029separator nel\x85 bom\ufeff zero\u200bwidth nbsp\u00a0",
    "\\N",
    "\\.",
    "\\x00 \\n \\\\ \\",
    "'single' \"double\" `back` $$dollar$$ $1 %s %(name)s %% ; -- /* */ #",
    "{{ template }} {% tag %} <script>alert(1)</script> &amp; &lt;",
    "NULL",
    "null",
    " spaces before and after ",
    "-- PostgreSQL database dump complete",
    "-- Dump completed on 2026-01-01  0:00:00",
    "=1+1",
    "long " * 40000,
]

# SQLite alone takes these: a NUL in a text, and a text longer than its column. A conversion has to refuse them.
HOSTILE_TEXT = "nul \x00 inside"
HOSTILE_SHORT = "twelve chars"

NUMBERS = [0, 1, -1, 2**31, -(2**63), 2**63 - 1, None]
RATIOS = [0.1, -0.0, 1e308, 5e-324, 2 / 3, 123456789.123456789, None]
EXACTS = [decimal.Decimal(text) for text in ("0", "0.1", "-12345.67", "1000000000.5", "99999.9999999999")] + [None]
MOMENTS = [
    datetime.datetime(2026, 3, 29, 1, 59, 59, 999999, tzinfo=datetime.timezone.utc),  # the hour that summer time skips
    datetime.datetime(2026, 10, 25, 0, 30, 0, 1, tzinfo=datetime.timezone.utc),  # the hour that comes twice
    datetime.datetime(1899, 12, 31, 23, 59, 59, 123456, tzinfo=datetime.timezone.utc),
    datetime.datetime(2199, 1, 1, tzinfo=datetime.timezone.utc),
    None,
]
DAYS = [datetime.date(2024, 2, 29), datetime.date(1582, 10, 10), datetime.date(9999, 12, 31), None]
CLOCKS = [datetime.time(0, 0), datetime.time(23, 59, 59, 999999), datetime.time(12, 30, 0, 5), None]
SPANS = [
    datetime.timedelta(microseconds=1),
    datetime.timedelta(days=-3, seconds=7),
    datetime.timedelta(days=40000),
    None,
]
KEYS = [uuid.UUID(int=0), uuid.UUID(int=2**128 - 1, version=4), uuid.UUID("12345678-1234-4678-9234-567812345678"), None]
ADDRESSES = ["192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1", None]
DOCUMENTS = [
    {},
    [],
    "a string",
    0,
    True,
    {"b": 1, "a": [1, 2.5, None, True, {"deep": {"er": []}}], "emoji \U0001f433": '\u00e9\n\t"\\'},
    {"big": 12345678901234567, "float": 0.1, "empty": ""},
    None,
]
BLOBS = [
    b"",
    b"\x00",
    bytes(range(256)),
    "text \U0001f433".encode(),
    b"\\x00 \\N 'quoted'",
    b"\xff\xfe\x00" * 1000,
    None,
]

MEDIA_NAMES = [
    "plain.txt",
    "Z\u00fcrich \u2013 \u00dcbersicht.pdf",
    "\u65e5\u672c\u8a9e/\u5199\u771f.jpg",
    "whale \U0001f433.png",
    'it\'s "quoted" & $HOME; `id` %41 #1 ?.txt',
    "-starts-with-a-dash.txt",
    ".hidden",
    "..two-dots",
    "e\u0301 decomposed.txt",
    "new\nline.txt",
    "back\\slash.txt",
    "empty.bin",
    "deep/er/and/deep/er/file.txt",
    "n" * 200 + ".txt",
]
LATIN1_NAME = b"latin1-caf\xe9.txt"
