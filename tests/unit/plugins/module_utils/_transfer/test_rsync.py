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
