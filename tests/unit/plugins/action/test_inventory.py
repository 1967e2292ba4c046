# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the controller reads in the inventory before anything is done."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.action import inventory
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.plugin_utils import _pairs, _received
from tests.unit import sources

HOSTS: dict[str, dict[str, Any]] = {
    "a": {"relocate_path": "/srv/a"},
    "b": {},
    "c": {
        "relocate_from": "b",
        "relocate_sites": [{"name": "x", "path": "/x"}, {"old_path": "/y"}],
        "relocate_site": "z",
    },
    "d": {"relocate_from": "", "relocate_old_path": "/o"},
}
VARS = {"groups": {"old": ["a", "b"], "new": ["c", "d"]}, "hostvars": HOSTS, "ansible_play_hosts_all": ["c", "d"]}


def test_what_pairs_follow_from() -> None:
    found = inventory.inventory_of(VARS)
    assert (found.old, found.new, found.run, found.named) == (["a", "b"], ["c", "d"], {"c", "d"}, {"c": "b"})
    assert found.paths == {"a": "/srv/a", "b": ""}
    wish = _pairs.SiteWish
    assert found.sites == {"c": [wish("x", "/x"), wish("z", "/y")], "d": [wish("site", "/o")]}
    assert inventory.inventory_of({"groups": {}, "hostvars": {}}) == _pairs.Inventory([], [], frozenset())


def test_all_wrong_values_are_one_error() -> None:
    inventory.refuse_values({"relocate_media": True, "relocate_from": "x"})
    with pytest.raises(RelocateError, match="2 values of the inventory are not acceptable") as caught:
        inventory.refuse_values({"relocate_media": "x", "relocate_jobs": "y"})
    assert caught.value.code == "bad_option"
    assert caught.value.msg.count("; it must be ") == 2


@pytest.mark.parametrize("name", ["relocate_from", "relocate_command", "preflight_result", "transfer_connection"])
def test_a_fact_cannot_stand_for_a_variable(name: str) -> None:
    _received.refuse_facts("h", {"ansible_facts": {"hostname": "h", "services": {}, "relocated": 1}})
    with pytest.raises(RelocateError, match=rf"h has facts .*: {name}") as caught:
        _received.refuse_facts("h", {"ansible_facts": {name: "x"}})
    assert caught.value.code == "answer_refused"


def test_the_names_of_ours_are_those_of_the_roles() -> None:
    assert set(_received.OURS) == {role.name.replace("common", "relocate") + "_" for role in sources.roles()}
