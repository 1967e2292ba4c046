# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where hooks are, and which are refused before anything is done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader

from ansible_collections.relocate.django.plugins.action import inventory
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.plugin_utils import _hooks, _values


def test_every_moment_is_a_variable() -> None:
    paths = [name for name, spec in _values.options().items() if "docs/hooks.md" in str(spec["description"])]
    assert {f"relocate_{moment}" for moment in _hooks.MOMENTS} == set(paths)


def test_a_path_is_beside_the_inventory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    known = {"inventory_dir": "/etc/site"}
    assert _hooks.path_of("hooks/a.yml", known) == "/etc/site/hooks/a.yml"
    assert _hooks.path_of("/srv/a.yml", known) == "/srv/a.yml"
    assert _hooks.path_of("~/a.yml", known) == "/home/me/a.yml"
    assert _hooks.path_of("", known) == _hooks.path_of(None, known) == ""
    # A list of hosts on the command line lies nowhere.
    assert _hooks.path_of("a.yml", {"inventory_dir": None}) == str(Path.cwd() / "a.yml")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("- ansible.builtin.debug:\n    msg: x\n", ""),
        (None, "no such file"),
        ("- a: [\n", "cannot be read as YAML"),
        ("a: b\n", "no list of tasks"),
        ("[]\n", "no list of tasks"),
        ("- a\n", "no list of tasks"),
        ("- hosts: all\n", "is a playbook"),
    ],
)
def test_what_is_no_task_file_is_refused(tmp_path: Path, text: Any, why: str) -> None:
    if text is not None:
        (tmp_path / "a.yml").write_text(text)
    site = {"name": "shop", "after_cutover": "a.yml"}
    values = {"relocate_before_backup": "a.yml", "relocate_sites": [{}, site]}
    found = _hooks.wrong(values, {"inventory_dir": str(tmp_path)}, DataLoader().load_from_file)
    names = ["relocate_before_backup", "relocate_sites, shop: after_cutover"] if why else []
    assert [line.partition(": /")[0] for line in found] == names
    assert all(why in line for line in found)
    inventory.refuse_hooks([])
    if found:
        with pytest.raises(RelocateError, match="hooks cannot be run; nothing was done\n\\| relocate_before") as caught:
            inventory.refuse_hooks(found)
        assert caught.value.code == "bad_option"
