# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names that somebody else chose, on a terminal."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._printable import printable, printable_lines


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("public.notes_note", "public.notes_note"),
        ("Größe \u6570\u636e \U0001f600", "Größe \u6570\u636e \U0001f600"),
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"),
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("a\nb\tc\rd\x00e\x7ff\x9bg", "a\\nb\\tc\\rd\\x00e\\x7ff\\x9bg"),
        ("\u202ea\u2066b\u200bc\u2028d\u2029e\ufefff", "\\u202ea\\u2066b\\u200bc\\u2028d\\u2029e\\ufefff"),
        ("\ud800\U000e0041", "\\ud800\\U000e0041"),
        ("C:\\x1b", "C:\\x1b"),
        (5, "5"),
        (None, "None"),
        (["\x1b"], "['\\x1b']"),
    ],
)
def test_one_line(value: Any, expected: str) -> None:
    assert printable(value) == expected
    assert printable(expected) == expected
    assert printable(value).encode()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("one", "one"),
        ("one\ntwo\r\nthree", "one\n| two\n| three"),
        ("one\n[locked] forged\x1b[A", "one\n| [locked] forged\\x1b[A"),
        ("\n", "\n| "),
        ("a\rb\u2028c", "a\\rb\\u2028c"),
    ],
)
def test_several_lines(value: str, expected: str) -> None:
    assert printable_lines(value) == expected
    assert printable_lines(expected) == expected


def test_no_name_escapes_from_an_error() -> None:
    error = RelocateError("locked", "table a\x1b[2J\n[x] forged", "drop \u202eb\nor not")
    assert str(error) == "[locked] table a\\x1b[2J\n| [x] forged Next: drop \\u202eb\\nor not"
    assert error.as_result()["hint"] == "drop \\u202eb\\nor not"
