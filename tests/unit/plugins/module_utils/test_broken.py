# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fault of ours is reported with its places, and with nothing that was in its text."""

from __future__ import annotations

from ansible_collections.relocate.django.plugins.module_utils._broken import broken


def deep(levels: int) -> None:
    if not levels:
        raise KeyError("correct horse battery")
    deep(levels - 1)


def test_places_without_values() -> None:
    try:
        deep(40)
    except KeyError as exc:
        error = broken(exc, "restore")
    assert error.msg.startswith("restore broke: KeyError at test_broken.py:")
    assert len(error.details["places"]) == 12 and error.details["places"][-1].endswith(" in deep")
    assert "battery" not in str(error.as_result())


def test_one_that_was_never_raised() -> None:
    assert broken(KeyError("x")).msg == "a module broke: KeyError at ?"
