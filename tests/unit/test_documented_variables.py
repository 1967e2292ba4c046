# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What documentation, demonstration and end-to-end tests write into an inventory is accepted by the roles."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.relocate.django.plugins.plugin_utils import _inventory_checks
from tests.demo.run import variables
from tests.unit import documented, sources

PAGES = sources.files("roles/*/README.md") + documented.PAGES
SPECS = sources.files("roles/*/meta/argument_specs.yml")
#: Programs that write an inventory of their own.
PROGRAMS = sources.files("tests/demo/*.py", "tests/e2e/*.py", "benchmarks/*.py")


def options(path: Path) -> dict[str, Any]:
    """Give the options of every entry point of a role."""
    points = yaml.safe_load(path.read_text())["argument_specs"].values()
    return {name: option for point in points for name, option in (point.get("options") or {}).items()}


COMMON = options(sources.ROOT / "roles/common/meta/argument_specs.yml")


def refused(given: dict[str, Any]) -> list[str]:
    """Give what the roles say of these variables: unknown names, and values that are none of the choices."""
    known = {name: value for name, value in given.items() if name in COMMON}
    words = ArgumentSpecValidator(COMMON).validate(known).error_messages
    return words + [item["msg"] for item in _inventory_checks.obstacles(given, given.get("relocate_sites"), [], [])]


def inventories(value: Any) -> Iterator[dict[str, Any]]:
    """Give the variables of ours in YAML, at whatever depth they are set."""
    if isinstance(value, dict):
        ours = {key: item for key, item in value.items() if str(key).startswith("relocate_")}
        yield from [ours] if ours else []
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else []:
        yield from inventories(item)


def literals(path: Path) -> Iterator[tuple[str, Any]]:
    """Give the variables of ours that a program sets to a plain value: in a mapping, or by ``variables[name] =``."""
    for node in sources.nodes(path):
        pairs: list[tuple[ast.expr | None, ast.expr]] = []
        if isinstance(node, ast.Dict):
            pairs = list(zip(node.keys, node.values, strict=True))
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            pairs = [(node.targets[0].slice, node.value)]
        for key, value in pairs:
            if isinstance(key, ast.Constant) and str(key.value).startswith("relocate_"):
                yield str(key.value), value.value if isinstance(value, ast.Constant) else None


@pytest.mark.parametrize("page", PAGES, ids=sources.name_of)
def test_a_page_names_no_variable_that_is_refused(page: Path) -> None:
    assert _inventory_checks.unknown_variables(re.findall(r"\brelocate_[a-z_]+\b", page.read_text())) == []


@pytest.mark.parametrize("page", PAGES, ids=sources.name_of)
def test_what_a_page_shows_is_accepted(page: Path) -> None:
    for given in (found for shown in documented.snippets(page) for found in inventories(shown)):
        assert refused(given) == []


def test_the_readme_shows_an_inventory() -> None:
    shown = [found for text in documented.snippets(sources.ROOT / "README.md") for found in inventories(text)]
    assert any("relocate_path" in given for given in shown)


def test_the_demonstration_is_accepted() -> None:
    given = variables()
    assert given["relocate_site"] and refused(given) == []
    assert refused({**given, "relocate_transfer": "local"}) != []


@pytest.mark.parametrize("program", PROGRAMS, ids=sources.name_of)
def test_what_a_program_sets_is_accepted(program: Path) -> None:
    for name, value in literals(program):
        # What is planted there to be refused is named in the test of obstacles.
        if (name, program.name) != ("relocate_service", "test_obstacles.py"):
            assert refused({name: COMMON.get(name, {}).get("default") if value is None else value}) == [], name


@pytest.mark.parametrize("path", SPECS, ids=sources.name_of)
def test_every_value_that_is_documented_is_a_choice(path: Path) -> None:
    for name, option in options(path).items():
        if "choices" in option:
            words = option["description"]
            text = words if isinstance(words, str) else " ".join(words)
            assert set(re.findall(r"V\(([^)]+)\)", text)) == set(option["choices"]), name


def test_every_documented_default_is_accepted() -> None:
    given = {name: option["default"] for name, option in COMMON.items() if "default" in option}
    assert refused(given) == []


def test_a_site_of_a_list_may_have_what_is_documented() -> None:
    excepted = set(
        re.findall(r"C\(([a-z_]+)\)", COMMON["relocate_sites"]["description"].partition("Set once for all sites")[2])
    )
    names = {name.removeprefix("relocate_") for name in COMMON} - {"sites", "site", "current", "from", "run"}
    assert _inventory_checks.unknown_site_keys([dict.fromkeys(names - excepted)]) == []
    # And no more is taken from it than is said.
    assert len(_inventory_checks.unknown_site_keys([dict.fromkeys(excepted)])) == len(excepted) > 5


#: Of the plays alone; and those of ours that no user sets.
OTHERS = frozenset("relocate_become relocate_current relocate_events relocate_fixture relocate_outcomes".split()) | {
    "relocate_attempt",
    "relocate_calls",
    "relocate_puts_off",
    "relocate_pair",
    "relocate_rows",
    "relocate_told_later",
}
NAMES = re.compile(r"\brelocate_[a-z0-9_]+\b(?<!_)")


def test_errors_and_hints_name_variables_that_there_are() -> None:
    unknown = {}
    for path in sources.files("plugins/**/*.py"):
        texts = [node.value for node in sources.nodes(path) if isinstance(node, ast.Constant)]
        named = {name for text in texts if isinstance(text, str) for name in NAMES.findall(text)}
        unknown[sources.name_of(path)] = named - set(COMMON) - OTHERS
    assert {path: names for path, names in unknown.items() if names} == {}
