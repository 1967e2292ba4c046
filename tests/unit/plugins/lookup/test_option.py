# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lookup of what is set for the site at work, with Ansible's own templates."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from ansible_collections.relocate.django.plugins.lookup import option

KNOWN: dict[str, Any] = {
    "inventory_hostname": "new1",
    "groups": {"old": ["old1"]},
    "hostvars": {"old1": {"relocate_path": "/old"}},
    "relocate_from": "old1",
    "relocate_current": trust_as_template("{{ item }}"),
    "relocate_path": trust_as_template("/srv/{{ relocate_site }}"),
    "relocate_site": "shop",
    "relocate_media": "yes",
    "relocate_environment": {"A": "{{ no template of ours }}"},
    "item": {"keep": 3, "interpreter": "/venv"},
}


class Loaded(option.LookupModule):
    """What Ansible's loader of plugins gives: the options are known to it by the documentation."""

    def set_options(self, task_keys: Any = None, var_options: Any = None, direct: Any = None) -> None:
        self.direct = {"host": "", **(direct or {})}

    def get_option(self, option: str, hostvars: Any = None) -> Any:
        return self.direct[option]


def ask(*terms: str, **options: Any) -> Any:
    return Loaded(templar=Templar(DataLoader(), variables=KNOWN)).run(list(terms), variables=KNOWN, **options)


@pytest.mark.parametrize(
    ("name", "options", "value"),
    [
        ("path", {}, "/srv/shop"),
        ("path", {"host": "old1"}, "/old"),
        ("interpreter", {"host": "old1"}, "/venv"),
        ("media", {}, True),
        ("environment", {}, {"A": "{{ no template of ours }}"}),
    ],
)
def test_a_value(name: str, options: dict[str, str], value: Any) -> None:
    assert ask(name, **options) == [value]


@pytest.mark.parametrize("terms", [("paht",), (), ("path", "owner"), ("relocate_path",)])
def test_a_name_that_there_is_not(terms: tuple[str, ...]) -> None:
    with pytest.raises(AnsibleError, match="the name of one variable"):
        ask(*terms)
