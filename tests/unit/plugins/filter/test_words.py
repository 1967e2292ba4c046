# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The list that a text with commas means."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.filter import words


@pytest.mark.parametrize(
    ("value", "expected"),
    [("a,b", ["a", "b"]), ("a, b,", ["a", "b"]), (["a", "b,c"], ["a", "b,c"]), ("", []), ([], [])],
)
def test_words(value: Any, expected: list[str]) -> None:
    assert words.FilterModule().filters()["words"](value) == expected
