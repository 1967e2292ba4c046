# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Libraries out of ELF headers, held against what the loader itself says; broken files say nothing."""

from __future__ import annotations

import io
import random
import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._discover import elf


def programs() -> list[str]:
    found = [shutil.which(name) for name in ("ls", "git", "bash", "ssh", "gcc")]
    libraries = [str(path) for path in Path(sys.base_prefix, "lib").glob("python3*/lib-dynload/_s*.so")]
    return [path for path in found if path] + libraries[:3]


@pytest.mark.skipif(shutil.which("ldd") is None, reason="needs ldd")
@pytest.mark.parametrize("path", programs())
def test_as_the_loader_sees_it(path: str) -> None:
    """What a file needs is among what ldd prints, which adds what those need in turn."""
    told = subprocess.run(["ldd", path], capture_output=True, text=True, check=False).stdout
    resolved = {Path(name).name for name in re.findall(r"^\s*(\S+) (?:=>|\()", told, re.MULTILINE)}
    with open(path, "rb") as stream:
        found = elf.needed(stream)
    assert found or not resolved
    assert set(found) <= resolved


def made(wide: bool, order: str) -> bytes:
    """Give a file of one word size and byte order that needs libpq.so.5."""
    names = b"\0libpq.so.5\0libc.so.6\0"
    entry, header = (order + "qQ", order + "IIQQQQQQ") if wide else (order + "iI", order + "IIIIIIII")
    begin, size = (64, 56) if wide else (52, 32)
    strings = begin + 2 * size
    dynamic = strings + len(names)
    base = 0x400000
    entries = b"".join(struct.pack(entry, *pair) for pair in ((1, 1), (1, 12), (5, base + strings), (0, 0)))
    total = dynamic + len(entries)

    def program(kind: int, offset: int, length: int) -> bytes:
        if wide:
            return struct.pack(header, kind, 4, offset, base + offset, base + offset, length, length, 1)
        return struct.pack(header, kind, offset, base + offset, base + offset, length, length, 4, 1)

    head = b"\x7fELF" + bytes([2 if wide else 1, 2 if order == ">" else 1, 1]) + bytes(9)
    words = (3, 62, 1, 0, begin, 0, 0, begin, size, 2, 0, 0, 0)
    head += struct.pack(order + ("HHIQQQIHHHHHH" if wide else "HHIIIIIHHHHHH"), *words)
    return head + program(1, 0, total) + program(2, dynamic, len(entries)) + names + entries


@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize("order", ["<", ">"])
def test_word_sizes_and_byte_orders(wide: bool, order: str) -> None:
    assert elf.needed(io.BytesIO(made(wide, order))) == ["libpq.so.5", "libc.so.6"]


@pytest.mark.parametrize(
    "data", [b"", b"\x7fELF", b"#!/bin/sh\n", b"\x7fELF" + b"\xff" * 60, b"\x7fELF\x02\x01" + b"\xff" * 200]
)
def test_no_file_of_this_format(data: bytes) -> None:
    assert elf.needed(io.BytesIO(data)) == []


def test_broken_files() -> None:
    whole, chance = made(True, "<"), random.Random(1)
    for length in range(len(whole)):
        elf.needed(io.BytesIO(whole[:length]))
    for _ in range(2000):
        data = bytearray(whole)
        for _ in range(chance.randrange(1, 8)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        found = elf.needed(io.BytesIO(bytes(data)))
        assert all(isinstance(name, str) for name in found) and len(found) < 4096
