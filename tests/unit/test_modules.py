# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds for every module: documented as it behaves, small, and listed in the action group."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit import sources

MODULES = sources.modules()
ACTIONS = {path.stem for path in sources.files("plugins/action/*.py")}
#: Lines of code: neither documentation, imports, comments nor blank lines. What a module does lives in _steps/.
MOST_LINES, MOST_MAIN = 140, 3


def fragments(documentation: dict[str, Any]) -> list[str]:
    """Give the names of the fragments of ours that a module's documentation extends."""
    return [name.rsplit(".", 1)[-1] for name in documentation.get("extends_documentation_fragment", [])]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_documentation_is_whole(path: Path) -> None:
    documentation = sources.documentation(path)
    assert documentation["module"] == path.stem
    assert documentation["version_added"]
    assert {"check_mode", "diff_mode"} <= set(documentation["attributes"])
    assert "attributes" in fragments(documentation)
    for task in sources.documentation(path, "EXAMPLES"):
        assert task["name"], "an example says what it is for"
    returned = sources.documentation(path, "RETURN")
    assert all(value["description"] and value["type"] and value["returned"] for value in returned.values())


def test_what_a_backup_returns_is_documented() -> None:
    path = next(path for path in MODULES if path.stem == "backup")
    documented = set(sources.documentation(path, "RETURN"))
    made = [
        node
        for node in sources.nodes(sources.UTILS / "_steps" / path.name)
        if isinstance(node, ast.FunctionDef) and node.name in ("known", "apply", "foreseen", "remove", "_fill")
    ]
    returned = {
        key.value
        for function in made
        for node in ast.walk(function)
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Dict)
        for key in node.value.keys
        if isinstance(key, ast.Constant)
    }
    assert len(made) == 5
    assert {"label", "media", "notes"} <= returned
    assert returned - {"changed"} <= documented


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_fragments_equal_option_groups(path: Path) -> None:
    """A module extends the fragments of just those groups that its specification merges."""
    if path.stem in ACTIONS:
        return
    called = {
        node.func.attr
        for node in sources.nodes(sources.UTILS / "_modules" / path.name)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and getattr(node.func.value, "id", "") == "_argspec"
    }
    groups = {item.stem for item in sources.files("plugins/doc_fragments/*.py")} - {"__init__", "attributes"}
    assert called & groups == set(fragments(sources.documentation(path))) - {"attributes"}


def test_what_runs_on_a_host_is_documented_apart_from_what_it_does() -> None:
    assert [path.stem for path in sources.works()] == [path.stem for path in MODULES if path.stem not in ACTIONS]


@pytest.mark.parametrize("path", [*MODULES, *sources.works()], ids=sources.name_of)
def test_modules_are_small(path: Path) -> None:
    """Counted without their documentation and imports."""
    tree = sources.tree(path)
    assigned = [node for node in tree.body if isinstance(node, ast.Assign)]
    docs: list[ast.stmt] = [node for node in assigned if isinstance(node.value, ast.Constant)]
    # Anywhere: batch imports for the type checker alone.
    docs += [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    documented = {line for node in docs for line in range(node.lineno, (node.end_lineno or 0) + 1)}
    lines = path.read_text().splitlines()
    code = [
        line
        for number, line in enumerate(lines, 1)
        if number not in documented and line.strip(' "') and line.strip()[0] != "#"
    ]
    assert len(code) <= MOST_LINES
    for node in sources.tree(path).body:
        if isinstance(node, ast.FunctionDef) and node.name == "main":
            assert (node.end_lineno or 0) - node.lineno < MOST_MAIN


def test_modules_are_documented_where_an_action_does_the_work() -> None:
    assert {path.stem for path in MODULES} >= ACTIONS - {"on_host"}  # what modules that run on a host go through


def test_action_groups_share_the_options_of_a_fragment() -> None:
    """What ``module_defaults`` gives to a group, each of its modules takes."""
    runtime = yaml.safe_load((sources.ROOT / "meta" / "runtime.yml").read_text())
    documented = {path.stem: sources.documentation(path) for path in MODULES}
    for name, members in runtime["action_groups"].items():
        assert members == [stem for stem, found in documented.items() if name in fragments(found)]
    for stem, found in documented.items():
        groups = [f"relocate.django.{name}" for name, members in runtime["action_groups"].items() if stem in members]
        assert found["attributes"].get("action_group", {}).get("membership", []) == groups


def test_what_runs_on_a_host_cannot_set_variables_of_the_run() -> None:
    runtime = yaml.safe_load((sources.ROOT / "meta" / "runtime.yml").read_text())
    actions = {path.stem for path in sources.files("plugins/action/*.py")}
    routed = {path.stem: {"action_plugin": "relocate.django.on_host"} for path in MODULES if path.stem not in actions}
    assert runtime["plugin_routing"]["modules"] == routed
