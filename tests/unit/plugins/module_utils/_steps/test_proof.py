# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two states compared: every difference told, row by row, and sequences that are behind."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.base import LIVE
from ansible_collections.relocate.django.plugins.module_utils._model import Difference, SequenceState
from ansible_collections.relocate.django.plugins.module_utils._steps import proof
from tests.unit.fakes import BLANK, state
from tests.unit.plugins.module_utils._steps.engines import NEW, OLD, engine


def test_many_differences_are_shown_in_part() -> None:
    many = [Difference("table", f"t{number}", "1 rows", "2 rows") for number in range(12)]
    error = proof.differs("default", many)
    assert error.code == "data_differs"
    assert "table t9:" in error.msg
    assert "t10" not in error.msg
    assert error.msg.endswith("; ...")
    assert len(error.details["differences"]) == 12


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (OLD, [(1, True), (3, True)]),
        (NEW, [(1, True), (4, True)]),
        (state(3, "other"), [(1, True), (3, False)]),
        (state(3, ""), [(1, True), (3, False)]),
        (state(tables=state().tables[:1]), [(1, True), (None, False)]),
        (BLANK, [(None, False), (None, False)]),
    ],
)
def test_table_rows(found: Any, expected: list[tuple[Any, bool]]) -> None:
    assert [(row["new"], row["fingerprint"]) for row in proof.table_rows(OLD, found)] == expected


@pytest.mark.parametrize(
    ("last", "called", "text"),
    [
        (9, True, ""),
        (5, True, "database d: sequence s is at 5, table t holds 9"),
        (9, False, "sequence s is at 9, table t holds 9"),
        (None, True, "sequence s is at None, table t holds 9"),
    ],
)
def test_check_sequences(last: int | None, called: bool, text: str) -> None:
    error = proof.check_sequences("d", state(sequences=(SequenceState("s", last, called, "t", "id", 9),)))
    if not text:
        assert error is None
        return
    assert error is not None
    assert (error.code, text in error.msg, "sqlsequencereset" in error.hint) == ("sequence_behind", True, True)


@pytest.mark.parametrize("fingerprints", [True, False])
def test_state_of_counts_by_the_recorded_method(fingerprints: bool) -> None:
    one = engine(databases={LIVE: OLD})
    found = proof.state_of(one, LIVE, "fake-0", fingerprints)
    assert one.method == "fake-0"
    assert (found == OLD) is fingerprints
