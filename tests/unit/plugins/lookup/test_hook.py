# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lookup of the task file for a moment, with Ansible's own templates."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from ansible_collections.relocate.django.plugins.lookup import hook

KNOWN: dict[str, Any] = {
    "inventory_hostname": "new1",
    "inventory_dir": "/etc/site",
    "groups": {},
    "hostvars": {},
    "relocate_current": {"after_cutover": "shop.yml"},
    "relocate_after_cutover": "all.yml",
    "relocate_before_backup": "",
}


class Loaded(hook.LookupModule):
    """What Ansible's loader of plugins gives."""

    def set_options(self, task_keys: Any = None, var_options: Any = None, direct: Any = None) -> None:
        """It has no options."""


def ask(*terms: str) -> Any:
    return Loaded(templar=Templar(DataLoader(), variables=KNOWN)).run(list(terms), variables=KNOWN)


def test_a_file() -> None:
    assert ask("after_cutover") == ["/etc/site/shop.yml"]
    assert ask("before_backup") == [""]


@pytest.mark.parametrize("terms", [("after_cutovre",), (), ("path",), ("before_backup", "after_backup")])
def test_a_moment_that_there_is_not(terms: tuple[str, ...]) -> None:
    with pytest.raises(AnsibleError, match="the name of one moment: before_backup"):
        ask(*terms)
