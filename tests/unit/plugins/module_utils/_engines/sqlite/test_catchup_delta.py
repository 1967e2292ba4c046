# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What changed in a file: found, written, and applied to a copy, or refused."""

from __future__ import annotations

import io
import json
from typing import Any, Callable

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.sqlite import catchup_delta
from ansible_collections.relocate.django.plugins.module_utils._engines.sqlite.catchup_delta import (
    MOST,
    SMALLEST,
    Changes,
    Contents,
    Noted,
)
from tests.unit.fakes import refused

BLOCK = SMALLEST
OLD = b"".join(bytes([number]) * BLOCK for number in range(10))


def noted(content: bytes) -> Noted:
    return Noted.from_plain(json.loads(json.dumps(Noted.of(io.BytesIO(content), len(content)).plain())))


def changes(old: bytes, new: bytes) -> bytes:
    """Both of old's halves."""
    target = io.BytesIO()
    Changes.since(noted(old), io.BytesIO(new), len(new)).write(target, io.BytesIO(new))
    return target.getvalue()


def applied(written: bytes, copy: bytes) -> bytes:
    target = io.BytesIO()
    catchup_delta.apply(io.BytesIO(written), io.BytesIO(copy), len(copy), target)
    return target.getvalue()


def with_block(number: int, data: bytes = b"x" * BLOCK) -> bytes:
    return OLD[: number * BLOCK] + data + OLD[(number + 1) * BLOCK :]


@pytest.mark.parametrize(
    ("old", "new", "count"),
    [
        (OLD, OLD, 0),
        (OLD, with_block(3), 1),
        (OLD, with_block(0), 1),
        (OLD, with_block(9), 1),
        (OLD, OLD + b"y", 1),
        (OLD, OLD + b"y" * 3 * BLOCK, 3),
        (OLD, OLD[:-BLOCK], 0),
        (OLD, OLD[:512], 1),
        (OLD, b"", 0),
        (b"", OLD, 10),
        (b"", b"", 0),
        (OLD + b"short", OLD + b"short one", 1),  # a page of 512 bytes, or an odd number of them
        (OLD + b"short", OLD, 0),
        (OLD, OLD[::-1], 10),
    ],
)
def test_what_changed_makes_the_file_again(old: bytes, new: bytes, count: int) -> None:
    written = changes(old, new)
    assert Contents.read(io.BytesIO(written)).count == count
    assert applied(written, old) == new
    assert len(written) < 400 + count * (BLOCK + 8)


@pytest.mark.parametrize(
    ("size", "block"),
    [
        (0, 4096),
        (1, 4096),
        (MOST * 4096, 4096),
        (MOST * 4096 + 1, 8192),
        ((1 << 30) + 512, 4096),  # beyond the page that SQLite locks, which is a block as any other
        (1 << 40, 1 << 20),
        (281 * 10**12, 1 << 28),  # the largest that SQLite can have
    ],
)
def test_there_are_never_too_many_blocks(size: int, block: int) -> None:
    assert catchup_delta.block_size(size) == block and catchup_delta.blocks_in(size, block) <= MOST


def test_larger_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catchup_delta, "MOST", 4)
    assert noted(OLD).block == 4 * BLOCK
    new = with_block(5) + b"more" * BLOCK
    assert applied(changes(OLD, new), OLD) == new


@pytest.mark.parametrize("chunk", [BLOCK, 3 * BLOCK, 1 << 20])
def test_pieces_do_not_show(monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    monkeypatch.setattr(catchup_delta, "_CHUNK", chunk)
    new = with_block(7)[:-5]
    assert applied(changes(OLD, new), OLD) == new


def test_half_of_it_is_too_much_when_it_is_much(monkeypatch: pytest.MonkeyPatch) -> None:
    new = OLD[: 4 * BLOCK] + b"n" * 6 * BLOCK
    assert applied(changes(OLD, new), OLD) == new
    monkeypatch.setattr(catchup_delta, "FEW", 2 * BLOCK)
    with refused("cannot_catch_up", "24576 of 40960 bytes changed"):
        changes(OLD, new)
    assert applied(changes(OLD, with_block(1)), OLD) == with_block(1)


def test_a_file_that_somebody_writes_to_is_refused() -> None:
    new = with_block(3)
    found = Changes.since(noted(OLD), io.BytesIO(new), len(new))
    with refused("cannot_catch_up", "changed while it was read"):
        found.write(io.BytesIO(), io.BytesIO(with_block(3, b"z" * BLOCK)))


@pytest.mark.parametrize("held", [OLD[:-1], OLD[:-BLOCK], b""])
def test_a_file_that_becomes_shorter_is_refused(held: bytes) -> None:
    with refused("cannot_catch_up", "bytes early"):
        Changes.since(noted(OLD), io.BytesIO(held), len(OLD))


# --- on new


@pytest.mark.parametrize(
    ("copy", "said"),
    [
        (OLD[:-1], "the first copy has 40959 of 40960 bytes"),
        (b"", "the first copy has 0 of 40960 bytes"),
        (OLD + b"x", "the first copy has 40961 of 40960 bytes"),
        (with_block(2), "not what it was when it was made"),
        (with_block(3, b"s" * BLOCK), "not what it was when it was made"),  # where a block is brought anyhow
    ],
)
def test_another_copy_is_refused(copy: bytes, said: str) -> None:
    with refused("cannot_catch_up", said):
        applied(changes(OLD, with_block(3)), copy)


def test_what_is_cut_off_of_the_file_is_proven_too() -> None:
    with refused("cannot_catch_up", "not what it was when it was made"):
        applied(changes(OLD, OLD[: 5 * BLOCK]), with_block(8))


def edited(written: bytes, **values: Any) -> bytes:
    """A first line that says something else."""
    line, _end, rest = written.partition(b"\n")
    return json.dumps({**json.loads(line), **values}).encode() + b"\n" + rest


def blocks(written: bytes, act: Callable[[list[bytes]], list[bytes]]) -> bytes:
    """Other blocks behind the same first line."""
    line, _end, rest = written.partition(b"\n")
    return line + b"\n" + b"".join(act([rest[i : i + BLOCK + 8] for i in range(0, len(rest), BLOCK + 8)]))


TWO = changes(OLD, with_block(3)[: 8 * BLOCK] + b"w" * 2 * BLOCK)  # blocks 3, 8, 9
SIZES = "the catch-up cannot be read"
ORDER = "cut off, or its blocks are out of order"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (b"", SIZES),
        (b"{}\n", SIZES),
        (b"[]\n", SIZES),
        (b"null\n", SIZES),
        (b"[" * 900 + b"\n", SIZES),
        (b"\xff\n", SIZES),
        (TWO.partition(b"\n")[0], SIZES),
        (edited(TWO, format=2), SIZES),
        (edited(TWO, block=4095), SIZES),
        (edited(TWO, block=1 << 31), SIZES),
        (edited(TWO, block=4096.0), SIZES),
        (edited(TWO, block=True), SIZES),
        (edited(TWO, size=-1), SIZES),
        (edited(TWO, size="40960"), SIZES),
        (edited(TWO, base="0"), SIZES),
        (edited(TWO, result=None), SIZES),
        (edited(TWO, count=11), SIZES),
        (edited(TWO, other=1), SIZES),
        (edited(TWO, count=4), ORDER),
        (edited(TWO, count=2), "holds more than it says"),
        (TWO + b"x", "holds more than it says"),
        (TWO[:-1], ORDER),
        (TWO[: -BLOCK - 1], ORDER),
        (TWO[: -BLOCK - 9], ORDER),
        (blocks(TWO, lambda found: [found[1], found[0], found[2]]), ORDER),
        (blocks(TWO, lambda found: [found[0], found[0], found[1]]), ORDER),
        (blocks(TWO, lambda found: [*found[:2], (10).to_bytes(8, "big") + found[2][8:]]), ORDER),
        (blocks(TWO, lambda found: [*found[:2], b"\xff" * 8 + found[2][8:]]), ORDER),
        (blocks(TWO, lambda found: [(4).to_bytes(8, "big") + found[0][8:], *found[1:]]), "do not make"),
        (blocks(TWO, lambda found: [found[0][:-1] + b"?", *found[1:]]), "do not make"),
        (edited(TWO, result="0" * 64), "do not make"),
        (edited(TWO, base="0" * 64), "not what it was"),
        (edited(TWO, base_size=40961), "has 40960 of 40961 bytes"),
        (edited(TWO, size=12 * BLOCK), "lacks block 10"),
        (edited(TWO, size=10 * BLOCK - 1), "cut off|holds more"),
        (edited(TWO, size=10 * BLOCK + 1), "lacks block 10"),
        (edited(TWO, block=8192), ORDER),
    ],
)
def test_what_is_not_as_it_was_written_is_refused(written: bytes, said: str) -> None:
    with refused("cannot_catch_up", said):
        applied(written, OLD)


@pytest.mark.parametrize(
    "values",
    [
        {"format": 2},
        {"format": None},
        {"size": 40961},
        {"size": "x"},
        {"block": 8192},
        {"block": 0},
        {"digests": "AAAA"},
        {"digests": "é"},
        {"digests": None},
    ],
)
def test_a_copy_that_another_version_noted_is_refused(values: dict[str, Any]) -> None:
    with refused("cannot_catch_up", "made by another version"):
        Noted.from_plain({**noted(OLD).plain(), **values})
    with refused("cannot_catch_up", "made by another version"):
        Noted.from_plain({})
