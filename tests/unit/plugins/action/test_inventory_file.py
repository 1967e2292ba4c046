# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file that discovery writes: which hosts are asked, and that nothing that is there is written to."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.action import inventory_file
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError


def hosts(old: str = "", new: str = "", ungrouped: str = "", **known: dict[str, str]) -> dict[str, Any]:
    """Variables of a run with these hosts."""
    names = [*old.split(), *new.split(), *ungrouped.split()]
    groups = {"old": old.split(), "new": new.split(), "ungrouped": ungrouped.split()}
    return {"groups": groups, "hostvars": {name: known.get(name, {}) for name in names}}


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        (hosts(ungrouped="a"), [("a", "")]),
        (hosts(ungrouped="a b"), [("a", "b")]),
        (hosts(old="a"), [("a", "")]),
        (hosts(old="a", new="b"), [("a", "b")]),
        (hosts(old="a1 a2", new="b2 b1"), [("a1", "b1"), ("a2", "b2")]),
        (hosts(old="a c", new="x y", x={"relocate_from": "c"}, y={"relocate_from": "a"}), [("a", "y"), ("c", "x")]),
    ],
)
def test_which_hosts_are_asked(variables: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert inventory_file.hosts_to_look_at(variables) == expected


@pytest.mark.parametrize(
    "variables", [hosts(), hosts(ungrouped="a b c"), hosts(new="b"), hosts(new="b", ungrouped="a")]
)
def test_what_is_not_clear_is_refused(variables: dict[str, Any]) -> None:
    with pytest.raises(RelocateError) as caught:
        inventory_file.hosts_to_look_at(variables)
    assert caught.value.code == "pairs_unclear" and "old" in caught.value.hint


def test_a_run_in_which_no_host_answered_writes_nothing() -> None:
    with pytest.raises(RelocateError, match="no old host told of its sites") as caught:
        inventory_file.pairs_of([("a", "")], {"a": {"discover_result": {"msg": "x"}}}, "discover_result")
    assert caught.value.code == "host_unreachable"


def test_a_new_file_is_private_and_never_one_that_is_there(tmp_path: Path) -> None:
    path = tmp_path / "inventory.yml"
    inventory_file.create(str(path), "é\n")
    assert (path.read_text(encoding="utf-8"), stat.S_IMODE(path.stat().st_mode)) == ("é\n", 0o600)
    with pytest.raises(RelocateError, match="cannot be used for the inventory") as caught:
        inventory_file.create(str(path), "other")
    assert caught.value.code == "bad_option" and path.read_text(encoding="utf-8") == "é\n"
    link = tmp_path / "link.yml"
    link.symlink_to(tmp_path / "target")
    with pytest.raises(RelocateError):
        inventory_file.create(str(link), "x")
    assert not os.path.lexists(tmp_path / "target")
