# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What rsync says of itself."""

from __future__ import annotations

import pytest

from ansible_collections.relocate.django.plugins.module_utils._transfer import rsync

_NEW = """rsync  version 3.2.7  protocol version 31
Checksum list:
    xxh128 xxh3 xxh64 (xxhash) md5 md4 sha1 none
Compress list:
    zstd lz4 zlibx zlib none
Daemon auth list:
    sha512 sha256 sha1 md5 md4
"""


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (_NEW, ("zstd", "lz4", "zlibx", "zlib", "none")),
        (_NEW.replace("zstd lz4 ", ""), ("zlibx", "zlib", "none")),
        ("rsync  version 3.1.3  protocol version 31\n    no prealloc\n", ()),
        ("", ()),
    ],
)
def test_compressions(text: str, names: tuple[str, ...]) -> None:
    assert rsync.parse_compressions(text) == names


@pytest.mark.parametrize(
    ("text", "version"),
    [
        (_NEW, (3, 2, 7)),
        ("rsync  version v3.4.0pre1  protocol", (3, 4, 0)),
        ("rsync version 2.6.9 p", (2, 6, 9)),
        ("", ()),
    ],
)
def test_the_version(text: str, version: tuple[int, ...]) -> None:
    assert rsync.parse_version(text) == version


_AT_WORK = b"""\r          32768   0%    0.00kB/s    0:00:00  \r        4358144  36%    3.86MB/s    0:00:01  \
\r        6000000  50%    4.12MB/s    0:00:01 (xfr#1, to-chk=1/3)\r        8719744  72%    3.88MB/s    0:00:00  """


@pytest.mark.parametrize(
    ("output", "found"),
    [
        (_AT_WORK, (8_719_744, 0, "2 of 3 files")),
        (_AT_WORK[:60], (32_768, 0, "")),
        (b"\r 1,234,567  45%    1.23MB/s    0:00:12 (xfr#5, ir-chk=1000/2400)", (1_234_567, 0, "")),
        (b"x" * 9000 + b"\r 5 100% 1B/s 0:00:00 (xfr#1, to-chk=0/1)\n\nNumber of files: 1", (5, 0, "1 of 1 files")),
        (b"", None),
        (b"Number of files: 3 (reg: 2, dir: 1)", None),
        (b"\r , 45%", (0, 0, "")),
    ],
)
def test_how_far_it_is(output: bytes, found: tuple[int, int, str] | None) -> None:
    assert rsync.amount_of(output) == found


@pytest.mark.parametrize(("version", "tells"), [((3, 0, 9), False), ((), False), ((3, 1, 0), True), ((3, 4, 1), True)])
def test_only_a_version_that_can_is_asked_to_tell(version: tuple[int, ...], tells: bool) -> None:
    argv = rsync.rsync_argv(rsync.manifest_request("/t"), rsync.Way("shop", "/keys", ["h"], version=version), "h")
    assert ("--info=progress2" in argv) is tells
