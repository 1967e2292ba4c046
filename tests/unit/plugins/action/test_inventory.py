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


def test_a_group_without_hosts_is_refused_with_those_that_have_some() -> None:
    groups = {"all": ["a"], "ungrouped": [], "old": ["a"], "news": ["b"]}
    inventory.refuse_groups(["old"], groups)
    said = "groups old and new; it has none in new, and these groups: news, old"
    with pytest.raises(RelocateError, match=said) as caught:
        inventory.refuse_groups(["old", "new"], groups)
    assert caught.value.code == "bad_option"
    with pytest.raises(RelocateError, match="these groups: none"):
        inventory.refuse_groups(["old"], {"all": [], "old": []})


@pytest.mark.parametrize(("gone", "refused"), [(True, False), ("yes", False), ("false", True), (None, True)])
def test_a_new_host_that_may_serve(gone: Any, refused: bool) -> None:
    if not refused:
        inventory.refuse_while_it_may_serve("new1", gone)
        return
    with pytest.raises(RelocateError, match="relocate_new_is_gone=true") as caught:
        inventory.refuse_while_it_may_serve("new1", gone)
    assert caught.value.code == "host_unreachable"


ENGINES, OVERRIDES = {"default": "postgresql"}, {".env": {"A": "b"}}


@pytest.mark.parametrize(
    ("values", "refused"),
    [
        ({}, True),
        ({"relocate_engines": ENGINES}, True),
        ({"relocate_engines": ENGINES, "relocate_env_overrides": OVERRIDES}, False),
        ({"relocate_engines": ENGINES, "relocate_sites": [{"env_overrides": OVERRIDES}, {}]}, True),
        ({"relocate_engines": ENGINES, "relocate_sites": [{"env_overrides": OVERRIDES}]}, False),
        ({"relocate_engines": ENGINES, "relocate_env_overrides": OVERRIDES, "relocate_sites": [{"engines": {}}]}, True),
    ],
)
def test_a_conversion_needs_an_engine_and_settings_that_name_it(values: Any, refused: bool) -> None:
    if not refused:
        inventory.refuse_conversion(values)
        return
    with pytest.raises(RelocateError, match="set relocate_engines, and relocate_env_overrides") as caught:
        inventory.refuse_conversion(values)
    assert caught.value.code == "bad_option"


def test_what_all_hosts_are_refused_for_is_told_by_the_first() -> None:
    hosts = {"c": {"relocate_media": "x"}, "a": {"relocate_media": "x"}, "b": {"relocate_jobs": "y"}, "d": {}}
    run = {"groups": {"new": ["c", "d"], "old": ["a", "b"]}, "hostvars": hosts, "ansible_play_hosts_all": list("abcd")}
    told = []
    for host in inventory._tellers({**run, "inventory_hostname": "a"}):
        try:
            inventory.refuse_values(hosts[host])
        except RelocateError as error:
            order = inventory._tellers({**run, "inventory_hostname": host})
            others = order[: order.index(host)]
            if not any(inventory._would_tell(other, error, run) for other in others):
                told.append(host)
    assert told == ["c", "b"]
    unclear = RelocateError("pairs_unclear", "x", "y")
    assert inventory._would_tell("c", unclear, run) and not inventory._would_tell("a", unclear, run)
    assert inventory._tellers({"groups": {}, "inventory_hostname": "z"}) == ["z"]
