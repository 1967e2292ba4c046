# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hooks of pre-commit run what is there: targets of the Makefile, linters and files of tests."""

from __future__ import annotations

import re
import shlex
from typing import Any

import pytest
import yaml

from tests.tools import lint
from tests.unit import sources

HOOKS = yaml.safe_load((sources.ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
TARGETS = re.findall(r"^([a-z]+):", (sources.ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
def test_a_hook_runs_what_is_there(hook: dict[str, Any]) -> None:
    program, target, argument = shlex.split(hook["entry"])
    assert (program, target in TARGETS, hook["pass_filenames"]) == ("make", True, False)
    words = shlex.split(argument.removeprefix("T="))
    assert words
    known = (
        set(lint.programs()) if target == "lint" else {sources.name_of(path) for path in sources.files("tests/**/*")}
    )
    assert set(words) <= known


def test_the_quick_linters_are_run_at_each_commit() -> None:
    named = shlex.split(next(hook["entry"] for hook in HOOKS if hook["id"] == "lint"))[2]
    slow = {"ansible-lint", "vermin 3.8", "vermin 3.6"}
    assert set(lint.programs()) - slow == set(shlex.split(named.removeprefix("T=")))
