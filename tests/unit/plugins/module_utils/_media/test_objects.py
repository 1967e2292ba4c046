# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What rclone says leads to the right next step, and two lists differ where what they tell does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._media import objects
from ansible_collections.relocate.django.plugins.module_utils._media.objects import Copy, Found, Place, difference
from ansible_collections.relocate.django.plugins.module_utils._process import Completed

ETAGS = 'a: corrupted on transfer: md5 hash differ "9403b5479db27cc3401c8fc3c4b1404f" vs "403a"'


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        (ETAGS, "AWS_S3_OBJECT_PARAMETERS"),
        ("AccessDenied: AccessDenied status code: 403, request id: ", "relocate_media_credentials_file"),
        ("NoSuchBucket: status code: 404", "make the bucket"),
        ("dial tcp 192.0.2.1:4030: connect: connection refused", "see that this host reaches it"),
        ("object 14035a: something else", "what has arrived is not sent again"),
    ],
)
def test_what_failed_has_the_next_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, hint: str) -> None:
    """A digest or a port that holds the digits of a status is no refusal."""
    monkeypatch.setattr(objects, "require_program", lambda name, _hint: name)

    def run(command: Any, **_more: Any) -> Completed:
        return Completed(tuple(command.argv), 1, b"", f"2026/12/01 03:00:00 ERROR : {said}".encode())

    copy = Copy(Place(path=str(tmp_path)), Place(path="/x"), None, lambda *_what: "", lambda text: text, run)
    with pytest.raises(RelocateError) as caught:
        copy.all(1)
    assert hint in str(caught.value) and said[-9:].strip() in str(caught.value)


@pytest.mark.parametrize(
    ("there", "seen", "lacking", "by_size"),
    [
        (Found(1, "m"), None, [], 0),
        (Found(1, "n"), "t", ["a"], 0),
        (Found(2, "m"), None, ["a"], 0),
        (Found(1, ""), None, [], 1),
        (Found(1, ""), "t", [], 1),
        (Found(1, ""), "s", ["a"], 0),
        (Found(1, ""), "", ["a"], 0),
        (Found(2, ""), "t", ["a"], 0),
    ],
)
def test_what_differs(there: Found, seen: str | None, lacking: list[str], by_size: int) -> None:
    """Without a checksum on both sides the time of what was copied tells; where that is unknown, the size alone."""
    found = difference({"a": Found(1, "m", "t")}, {"a": there, "b": there}, {"a": seen})
    assert (found.lacking, found.by_size, found.gone) == (lacking, by_size, ["b"])
