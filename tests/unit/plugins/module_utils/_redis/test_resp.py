# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Redis' protocol: what is sent, and what anybody may answer."""

from __future__ import annotations

import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.relocate.django.plugins.module_utils._redis import resp
from ansible_collections.relocate.django.plugins.module_utils._redis.resp import Refusal, Replies, command


def replies(data: bytes, limit: int = resp.SMALL, step: int = 1 << 20) -> Replies:
    """Read from bytes that come in pieces."""
    stream = io.BytesIO(data)
    return Replies(lambda size: stream.read(min(size, step)), limit)


def test_commands() -> None:
    assert command("AUTH", "ü\r\nGET x", b"\xff", 7) == (
        b"*4\r\n$4\r\nAUTH\r\n$9\r\n\xc3\xbc\r\nGET x\r\n$1\r\n\xff\r\n$1\r\n7\r\n"
    )


@pytest.mark.parametrize("step", [1, 3, 1 << 20])
@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"+OK\r\n", b"OK"),
        (b":-12\r\n", -12),
        (b"$-1\r\n", None),
        (b"*-1\r\n", None),
        (b"$0\r\n\r\n", b""),
        (b"$4\r\na\r\nb\r\n", b"a\r\nb"),
        (b"*2\r\n$1\r\n0\r\n*2\r\n$1\r\na\r\n:3\r\n", [b"0", [b"a", 3]]),
    ],
)
def test_replies(data: bytes, expected: Any, step: int) -> None:
    assert replies(data, step=step).read() == expected


@pytest.mark.parametrize(
    ("line", "code"),
    [(b"WRONGPASS of canary", "WRONGPASS"), (b"canary is wrong", "ERR"), (b"", "ERR"), (b"\xff\xff", "ERR")],
)
def test_of_a_refusal_only_the_code_is_kept(line: bytes, code: str) -> None:
    found = replies(b"-" + line + b"\r\n").read()
    assert isinstance(found, Refusal) and vars(found) == {"code": code}


@pytest.mark.parametrize(
    "data",
    [
        b"$99999999999\r\n",
        b"$101\r\n" + b"x" * 103,
        b"$-2\r\n",
        b"*999999999\r\n",
        b"*-5\r\n",
        b"*1\r\n" * 10 + b":1\r\n",
        b"$3\r\nabcde\r\n",
        b":12x\r\n",
        b":\r\n",
        b"$1_0\r\n",
        b":99999999999999999999999\r\n",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\r\n",
        b"x" * 200_000,
    ],
)
def test_what_is_no_reply(data: bytes) -> None:
    with pytest.raises(ValueError, match="no reply|a value of|a list of"):
        replies(data, limit=100).read()


@pytest.mark.parametrize("data", [b"", b"+OK", b"$5\r\nab", b"*2\r\n:1\r\n"])
def test_an_answer_that_ends_too_early(data: bytes) -> None:
    with pytest.raises(EOFError):
        replies(data).read()


@given(st.lists(st.binary(max_size=50), min_size=1, max_size=9), st.integers(1, 9))
def test_what_is_sent_can_be_read(words: list[bytes], step: int) -> None:
    assert replies(command(*words), step=step).read() == words


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    try:
        replies(data, limit=100).read()
    except (ValueError, EOFError):
        pass
