# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every fault that a move survives is shown by tests that are there, under the names that ``tests/faults.py`` gives."""

from __future__ import annotations

import ast
import functools
from pathlib import Path

import pytest

from tests.faults import FAULTS, Fault
from tests.unit import sources

#: How many there are: a fault that is taken out of the table is missed.
COUNT = 43


@functools.cache
def functions(path: Path) -> dict[str, ast.FunctionDef]:
    """Give the test functions of a file."""
    found = [node for node in sources.tree(path).body if isinstance(node, ast.FunctionDef)]
    return {node.name: node for node in found if node.name.startswith("test_")}


def words_of(path: Path, test: ast.FunctionDef) -> set[str]:
    """Give the texts that may be part of a test's parameters: of its own decorators, and of the file's fixtures."""
    nodes = [item for decorator in test.decorator_list for item in ast.walk(decorator)]
    for other in sources.tree(path).body:
        if isinstance(other, ast.FunctionDef) and any("fixture" in ast.dump(item) for item in other.decorator_list):
            nodes += [item for decorator in other.decorator_list for item in ast.walk(decorator)]
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_no_fault_is_forgotten_or_told_twice() -> None:
    names = [fault.name for fault in FAULTS]
    assert len(set(names)) == len(names) == COUNT


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.name for fault in FAULTS])
def test_each_is_shown_by_tests_that_are_there(fault: Fault) -> None:
    assert fault.tests and fault.holds
    assert len(set(fault.tests)) == len(fault.tests)
    for one in fault.tests:
        where, _colons, words = one.partition("::")
        name, _bracket, parameters = words.partition("[")
        path = sources.ROOT / where
        assert path.is_file() and path.name.startswith("test_"), one
        test = functions(path).get(name)
        assert test is not None, one
        if parameters:
            assert set(parameters.rstrip("]").split("-")) <= words_of(path, test), one


def test_whoever_reads_the_table_sees_real_servers_and_whole_moves() -> None:
    """A fault of a server, a disk or a network is not shown by stand-ins alone."""
    for fault in FAULTS:
        if any(word in fault.name for word in ("kill -9", "disk full", "database", "backend", "network")):
            assert any(not one.startswith("tests/unit/") for one in fault.tests), fault.name
