# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Engines that hold one of three states."""

from __future__ import annotations

from typing import Any

from tests.unit.fakes import FakeEngine, state

OLD, NEW, OLDER = state(3), state(4), state(2)


def engine(alias: str = "default", **options: Any) -> Any:
    return FakeEngine(alias, **options)
