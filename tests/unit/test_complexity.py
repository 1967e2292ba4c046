# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""No function decides too much: cyclomatic complexity as radon counts it, conditions and comprehensions included."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from radon.complexity import cc_visit
from radon.visitors import Function

from tests.unit import sources

MOST = 10


def functions(text: str) -> Iterator[Function]:
    """Every function and method of a source, those inside others too."""
    waiting = [block for block in cc_visit(text) if isinstance(block, Function)]
    while waiting:
        one = waiting.pop()
        waiting += one.closures
        yield one


def complex_ones(path: Path) -> dict[str, int]:
    """The functions of a file that decide too much."""
    found = {f"{sources.name_of(path)}: {one.fullname}": one.complexity for one in functions(path.read_text())}
    return {name: complexity for name, complexity in found.items() if complexity > MOST}


@pytest.mark.parametrize("text", ["a and b", "a if b else c", "[x for x in a if x]", "not a or b"])
def test_conditions_count(text: str) -> None:
    [found] = functions(f"def f(a, b, c):\n    return {text}\n")
    assert found.complexity > 1


def test_functions_inside_functions_count() -> None:
    inner = "    def g(a):\n" + "        if a: pass\n" * 11 + "    return g\n"
    assert {one.name: one.complexity > MOST for one in functions(f"def f():\n{inner}")}["g"]


def test_no_function_decides_too_much() -> None:
    found: dict[str, int] = {}
    for path in sources.files("plugins/**/*.py"):
        found.update(complex_ones(path))
    assert found == {}
