# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the files of the playbooks say, without a run; tests/playbooks runs them."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.unit import sources


def _tasks(found: Any) -> list[dict[str, Any]]:
    if isinstance(found, list):
        return [task for item in found for task in _tasks(item)]
    keys = ("block", "rescue", "always")
    return [found, *(task for key in keys for task in _tasks(found.get(key) or []))]


def test_a_switch_of_the_command_line_is_a_text() -> None:
    """``-e relocate_media=false`` gives a text, which is true: whatever decides by a switch makes a boolean of it."""
    options = yaml.safe_load((sources.ROOT / "roles/common/meta/argument_specs.yml").read_text())
    options = options["argument_specs"]["main"]["options"]
    switches = "|".join(name[len("relocate_") :] for name, spec in options.items() if spec.get("type") == "bool")
    named = re.compile(rf"\b(?:relocate_current\.|[a-z]+_)(?:{switches})\b")
    decides = re.compile(r"\b(?:if|or|and|not|ternary)\b|^\s*(?:when|that):")
    found = []
    for path in sources.files("playbooks/**/*.yml", "roles/*/tasks/*.yml", "roles/*/defaults/*.yml"):
        for line in path.read_text().splitlines():
            code = line if "{{" in line or re.match(r"\s*(?:when|that):", line) else ""
            if named.search(code) and decides.search(code):
                found.append((sources.name_of(path), line.strip()))
    assert len(found) >= 7
    assert [item for item in found if "| bool" not in item[1]] == []


#: What move.yml runs, but for its preflight.
MOVE = ["move_site", "before_freeze", "freeze_to_cutover", "after_cutover", "report_site", "put_back_old_first"]
MOVE += ["put_back_new_first", "put_back_lost", "thaw", "close"]


@pytest.mark.parametrize("name", MOVE)
def test_a_move_validates_what_the_user_set_once(name: str) -> None:
    """Preflight and common do; each module checks its options again. Every role more is a task and copies of specs."""
    tasks = _tasks(yaml.safe_load((sources.ROOT / "playbooks" / "tasks" / f"{name}.yml").read_text()))
    included = [task["ansible.builtin.include_role"] for task in tasks if "ansible.builtin.include_role" in task]
    assert included
    for role in included:
        assert role.get("rolespec_validate", True) is (role["name"] == "relocate.django.preflight"), role


@pytest.mark.parametrize("role", ["restore", "verify"])
def test_a_set_that_this_run_made_is_held_against_its_own_digest(role: str) -> None:
    """By default it is relocate_manifest_sha256, which the user may have set for a restore from another set."""
    made = []
    for path in sorted((sources.ROOT / "playbooks" / "tasks").glob("*.yml")):
        for task in _tasks(yaml.safe_load(path.read_text())):
            given = task.get("vars") or {}
            if given.get(f"{role}_label") in ("{{ backup_result.label }}", "{{ relocate_label }}"):
                made.append((path.name, given.get(f"{role}_manifest_sha256")))
    assert len(made) >= 2
    assert {digest for _name, digest in made} == {"{{ backup_result.manifest_sha256 }}"}, made
