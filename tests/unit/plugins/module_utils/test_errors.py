# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one error: its text, its result, its catalogue."""

from __future__ import annotations

import json

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError


@pytest.mark.parametrize(
    ("hint", "expected"),
    [("", "[locked] another run"), ("wait for it", "[locked] another run Next: wait for it")],
)
def test_text(hint: str, expected: str) -> None:
    error = RelocateError("locked", "another run", hint)
    assert str(error) == expected
    assert (error.code, error.msg, error.hint) == ("locked", "another run", hint)


def test_a_code_that_is_not_in_the_catalogue_is_a_mistake() -> None:
    with pytest.raises(KeyError, match="unknown error code: nonsense"):
        RelocateError("nonsense", "text")


def test_result_is_what_fail_json_takes() -> None:
    details = {"differences": ["a"]}
    error = RelocateError("data_differs", "database d differs", "look", details)
    details["later"] = []
    expected = {
        "msg": "[data_differs] database d differs Next: look",
        "code": "data_differs",
        "hint": "look",
        "details": {"differences": ["a"]},
    }
    assert json.loads(json.dumps(error.as_result())) == expected
    assert RelocateError("locked", "m").as_result()["details"] == {}
