# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The migrations that a fixture was made at, as nodes of this code's graph."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._fixtures import venv_state
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_rows import FixtureError


def loader(in_graph: list[str], **disk: list[str]) -> Any:
    """Migrations of the app shop: those that Django's graph has, and on disk each with those that it replaces."""
    files = {("shop", name): SimpleNamespace(replaces=[("shop", old) for old in olds]) for name, olds in disk.items()}
    return SimpleNamespace(
        graph=SimpleNamespace(nodes={("shop", name): None for name in in_graph}), disk_migrations=files
    )


SQUASHED = loader(["all", "c"], a=[], b=[], all=["a", "b"], c=[])
UNUSED = loader(["a", "b"], a=[], b=[], all=["a", "b"])


@pytest.mark.parametrize(
    ("known", "recorded", "wanted"),
    [
        (SQUASHED, ["shop.all", "shop.c"], {"all", "c"}),
        (SQUASHED, ["shop.a", "shop.b"], {"all"}),
        (SQUASHED, ["shop.a", "shop.b", "shop.c"], {"all", "c"}),
        (UNUSED, ["shop.a", "shop.b"], {"a", "b"}),
        (SQUASHED, [], set()),
    ],
)
def test_squashed_ones_stand_for_all_that_they_replace(known: Any, recorded: list[str], wanted: set[str]) -> None:
    found = venv_state._known(known, venv_state.nodes_of(recorded))
    assert found == {("shop", name) for name in wanted}


@pytest.mark.parametrize(
    ("known", "recorded", "text"),
    [
        (SQUASHED, ["shop.a", "shop.c"], "lacks 1 migrations .*: shop.a$"),
        (SQUASHED, ["shop.a", "shop.z"], "lacks 2 migrations .*: shop.z$"),
        (UNUSED, ["shop.all"], "lacks 1 migrations .*: shop.all$"),
    ],
)
def test_migrations_that_the_code_lacks(known: Any, recorded: list[str], text: str) -> None:
    """Those of which there is no file are named rather than those that only a squashed one stands for."""
    with pytest.raises(FixtureError, match=text) as caught:
        venv_state._known(known, venv_state.nodes_of(recorded))
    assert caught.value.code == "unknown_migration"
