# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which cases of a test stand for all of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tools import drawn


@pytest.mark.parametrize(
    ("count", "one_in", "found"), [(1, 3, 1), (2, 3, 1), (3, 3, 1), (4, 3, 2), (48, 3, 16), (5, 1, 5)]
)
def test_so_many_are_run(count: int, one_in: int, found: int) -> None:
    numbers = drawn.chosen("a test", count, one_in, "a commit")
    assert len(numbers) == found and numbers <= set(range(count))
    assert numbers == drawn.chosen("a test", count, one_in, "a commit"), "each worker draws the same"


def test_in_the_end_each_has_its_turn() -> None:
    turns = [drawn.chosen("a test", 48, 3, f"commit {number}") for number in range(40)]
    assert set.union(*turns) == set(range(48))


def test_who_names_a_file_has_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RELOCATE_DRAWN", raising=False)
    (tmp_path / "test_a.py").touch()
    assert drawn.draws([str(tmp_path)])
    assert not drawn.draws([str(tmp_path), f"{tmp_path}/test_a.py"])
    assert not drawn.draws([f"{tmp_path}/test_a.py::test_b"])
    monkeypatch.setenv("RELOCATE_DRAWN", "all")
    assert not drawn.draws([str(tmp_path)])


def test_the_seed_can_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn.seed.cache_clear()
    monkeypatch.setenv("RELOCATE_SEED", "mine")
    assert drawn.seed() == "mine"
    drawn.seed.cache_clear()
    monkeypatch.delenv("RELOCATE_SEED")
    assert drawn.seed()
    drawn.seed.cache_clear()
