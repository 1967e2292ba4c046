# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is set for a site, on each of its hosts."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.plugin_utils import _options, _values

ENTRY = {"name": "shop", "path": "/entry", "old_path": "/entry-old", "media": "no", "keep": 9, "directory": "/none"}


def ask(name: str, on: str = "", entry: Any = None, **known: Any) -> Any:
    """The value for a task of new1, whose old host is old1."""
    found = {
        "inventory_hostname": "new1",
        "groups": {"old": ["old1", "old2"], "new": ["new1"]},
        "hostvars": {"old1": {"relocate_owner": "app"}, "old2": {"relocate_path": "/two"}},
        "relocate_from": "old1",
        "relocate_current": entry or {},
        "relocate_site": "site",
        "relocate_path": "/new",
        "relocate_owner": "",
        "relocate_media": True,
        "relocate_keep": 0,
        "relocate_directory": "/d",
        "relocate_packages": "a, b,",
        "relocate_interpreter": "",
        "relocate_environment_path": "",
        **known,
    }
    return _options.value_of(name, on, found, lambda value: value)


@pytest.mark.parametrize(
    ("name", "on", "entry", "known", "value"),
    [
        ("path", "", {}, {}, "/new"),
        ("path", "", ENTRY, {}, "/entry"),
        ("path", "old1", ENTRY, {}, "/entry-old"),
        ("path", "old1", {"path": "/entry"}, {"relocate_old_path": "/o"}, "/entry"),
        ("path", "old1", {}, {"relocate_old_path": "/o"}, "/o"),
        ("path", "old1", {}, {"relocate_old_path": None}, "/new"),
        ("path", "old2", {}, {"relocate_old_path": "/o"}, "/two"),  # it is said of the old host of the pair
        ("owner", "old1", {}, {}, "app"),
        ("owner", "old1", {}, {"relocate_old_owner": ""}, ""),
        ("owner", "old2", {}, {"relocate_owner": "who"}, "who"),
        # The task of an old host itself, as of a backup.
        ("path", "", ENTRY, {"inventory_hostname": "old1"}, "/entry-old"),
        ("path", "old1", {}, {"inventory_hostname": "old1"}, "/new"),
        ("interpreter", "", {}, {}, ""),
        ("interpreter", "", {"environment_path": "/v"}, {}, "/v/bin/python"),  # where a move makes it
        ("interpreter", "", {"environment_path": "/v", "interpreter": "/p"}, {}, "/p"),
        ("interpreter", "old1", {"environment_path": "/v"}, {}, ""),
        ("interpreter", "", {"environment_path": "/v"}, {"inventory_hostname": "old1"}, ""),
        ("site", "", {}, {}, "site"),
        ("site", "", ENTRY, {}, "shop"),
        ("site", "", {"site": "x"}, {}, "site"),
        ("keep", "", ENTRY, {}, 0),
        ("directory", "", ENTRY, {}, "/d"),
        ("directory", "old1", ENTRY, {"hostvars": {"old1": {"relocate_directory": "/old"}}}, "/old"),
        ("media", "", ENTRY, {}, False),
        ("media", "", {"media": "x"}, {}, "x"),  # is refused elsewhere
        ("packages", "", {}, {}, ["a", "b"]),
        ("packages", "", {"packages": ["a,b"]}, {}, ["a,b"]),
        ("packages", "", {"packages": ""}, {}, []),
    ],
)
def test_what_is_set(name: str, on: str, entry: Any, known: dict[str, Any], value: Any) -> None:
    assert ask(name, on, entry, **known) == value


def test_an_entry_that_is_none_says_nothing() -> None:
    assert [ask("path", entry=junk) for junk in ("x", 7, ["path"])] == ["/new"] * 3


def test_every_option_is_declared() -> None:
    names = {name.partition("_")[2] for name in _values.options()}
    assert names >= _options.FOR_ALL and names >= _options.ON_OLD
    assert {f"old_{name}" for name in _options.ON_OLD} == {n for n in names if n.startswith("old_")} - {"old_login"}


def test_the_specification_names_what_is_for_all_sites() -> None:
    text = str(_values.options()["relocate_sites"]["description"]).partition("Set once for all sites of a run:")[2]
    assert set(re.findall(r"C\((\w+)\)", text)) == _options.FOR_ALL
