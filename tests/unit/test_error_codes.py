# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Codes are stable and documented: what is raised is in the catalogue, and the other way round."""

from __future__ import annotations

import ast
import re
from collections import defaultdict

from ansible_collections.relocate.django.plugins.module_utils._errors import CODES
from tests.tools import errors_page
from tests.unit import sources

#: Calls whose first argument is a code.
TAKES_CODE = {"RelocateError", "Obstacle"}


def used() -> dict[str, list[str]]:
    """Give the codes that are raised or compared in the plugins, with where."""
    found = defaultdict(list)
    for path in sources.files("plugins/**/*.py"):
        if path.name == "_errors.py":
            continue
        for node in sources.nodes(path):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in CODES:
                found[node.value].append(f"{sources.name_of(path)}:{node.lineno}")
    for path in sources.files("roles/**/*.yml", "playbooks/**/*.yml"):
        for word in re.findall(r"[a-z_]+", path.read_text()):
            if word in CODES:
                found[word].append(sources.name_of(path))
    return found


def test_every_code_that_is_raised_is_known() -> None:
    for path in sources.files("plugins/**/*.py"):
        for node in sources.nodes(path):
            if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in TAKES_CODE:
                first = node.args[0] if node.args else None
                if isinstance(first, ast.Constant):
                    assert first.value in CODES, f"{sources.name_of(path)}:{node.lineno}: {first.value!r}"


def test_every_known_code_is_used() -> None:
    assert sorted(set(CODES) - set(used())) == []


def test_the_page_is_up_to_date() -> None:
    assert errors_page.PAGE.read_text() == errors_page.text(), "run: make docs"


def test_meanings_are_one_line() -> None:
    for code, meaning in CODES.items():
        assert re.fullmatch(r"[a-z][a-z_]*[a-z]", code)
        assert len(meaning) < 80
        assert not meaning.endswith(".")


def test_a_warning_is_made_printable() -> None:
    bare: list[str] = []
    for path in sources.files("plugins/**/*.py"):
        for node in sources.nodes(path):
            warns = isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("warn", "deprecate", "warning")
            if warns and "printable(" not in ast.unparse(node.args[0]):
                bare.append(f"{sources.name_of(path)}:{node.lineno}")
    assert bare == [], "names of tables, units and paths are somebody else's words: wrap them in printable()"
