# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which cases of a test stand for all of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import cast

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


@dataclass(eq=False)
class Item:
    """What the plugin looks at of a test."""

    nodeid: str
    mark: pytest.Mark | None

    def get_closest_marker(self, name: str) -> pytest.Mark | None:
        return self.mark if self.mark and self.mark.name == name else None


def test_different_tests_stand_for_one_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of two tests that name the same whole, whatever their order; each test that names none."""
    whole, other = pytest.mark.drawn(2, of="moves").mark, pytest.mark.drawn(2).mark
    items = [Item("a.py::one", whole), Item("b.py::two", whole), Item("a.py::own", other), Item("a.py::free", None)]
    monkeypatch.delenv("RELOCATE_DRAWN", raising=False)
    found = set()
    left: list[list[Item]] = []

    def deselected(*, items: list[Item]) -> None:
        left.append(items)

    config = SimpleNamespace(args=["tests"], hook=SimpleNamespace(pytest_deselected=deselected))
    for number in range(8):
        monkeypatch.setattr(drawn, "seed", lambda number=number: f"commit {number}")
        kept, turned = list(items), items[::-1]
        drawn.pytest_collection_modifyitems(cast("pytest.Config", config), cast("list[pytest.Item]", kept))
        drawn.pytest_collection_modifyitems(cast("pytest.Config", config), cast("list[pytest.Item]", turned))
        assert kept == turned[::-1] and kept[-2:] == items[-2:] and len(kept) == 3
        assert left[-1] == left[-2] == [item for item in items if item not in kept]
        found.add(kept[0].nodeid)
    assert found == {"a.py::one", "b.py::two"}


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
