# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A mistyped value is one line with the choices in it, for options of every type, and no secret is in it."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from ansible_collections.relocate.django.plugins.plugin_utils import _values
from tests.unit import sources

CANARY = "p'ss wörd%:$"
#: For every type: values that are refused, and those that are not.
BAD: dict[str, list[Any]] = {
    "bool": ["maybe", "tru", 2, None, [], {}, CANARY],
    "int": ["many", "1.5", True, None, [1], {}, CANARY],
    "list": [None, 1.5j, {"a": 1}],
    "dict": ["x", "default=postgresql", '{"a": 1}', CANARY, ["a"], None, 5],
    "str": [["a"], {"a": 1}],
    "path": [["/a"], {"a": 1}],
}
GOOD: dict[str, list[Any]] = {
    "bool": [True, "yes", "no", 1, "False"],
    "int": [0, "5", 14400],
    "list": [[], ["a"], "a,b"],
    "dict": [{}, {"a": 1}],
    "str": ["x", "", None, 5],
    "path": ["/srv", "~/x", None],
}
OPTIONS = _values.options()
DEFAULTS = yaml.safe_load((sources.ROOT / "roles/common/defaults/main.yml").read_text())


def test_every_type_has_its_cases() -> None:
    assert {spec["type"] for spec in OPTIONS.values()} == set(BAD) == set(GOOD)


@pytest.mark.parametrize("name", sorted(OPTIONS))
def test_every_option(name: str) -> None:
    kind = OPTIONS[name]["type"]
    for value in BAD[kind]:
        lines = _values.wrong_values({name: value, "other": 1})
        assert len(lines) == 1, (name, value)
        assert lines[0].startswith(f"{name} is ")
        assert "; it must be " in lines[0]
        assert len(lines[0]) < 200
    choices = OPTIONS[name].get("choices")
    elements = OPTIONS[name].get("elements")
    for value in GOOD[kind]:
        if not choices and not (elements == "dict" and value):
            assert _values.wrong_values({name: value}) == [], (name, value)
    if choices:
        assert _values.wrong_values({name: choices[0]}) == []
        each = "a list of which each item is " if kind == "list" else ""
        assert f"it must be {each}one of {', '.join(choices)}" in _values.wrong_values({name: "drect"})[0]
        several = [choices, ",".join(choices)] if kind == "list" else []
        assert [_values.wrong_values({name: value}) for value in several] == [[]] * len(several)
    if elements:
        wrong = 5 if elements == "dict" else {"a": 1}
        assert "a list of which each item is" in _values.wrong_values({name: [wrong]})[0]


def test_no_default_is_wrong() -> None:
    plain = {name: value for name, value in DEFAULTS.items() if value is not None and "{{" not in str(value)}
    assert _values.wrong_values(plain) == []


@pytest.mark.parametrize(
    ("values", "lines"),
    [
        ({"relocate_transfer": "local"}, ['relocate_transfer is "local"; it must be one of auto, direct, relay']),
        (
            {"relocate_transfer": "drect"},
            ['relocate_transfer is "drect"; it must be one of auto, direct, relay: did you mean direct?'],
        ),
        ({"relocate_media": "maybe"}, ['relocate_media is "maybe"; it must be true or false']),
        ({"relocate_jobs": "x" * 99}, [f'relocate_jobs is "{"x" * 40}..."; it must be a whole number']),
        ({"relocate_keep": "a\x1b[2J\nb"}, ['relocate_keep is "a\\x1b[2J\\nb"; it must be a whole number']),
        ({"relocate_login": CANARY}, ["relocate_login is a text; it must be a mapping of names and values"]),
        ({"relocate_services": {"web": 1}}, ["relocate_services is a mapping; it must be a list"]),
        (
            {"relocate_sites": [{"name": "a", "media": "x"}, {"compression": "gzip"}]},
            [
                'relocate_sites, a: media is "x"; it must be true or false',
                'relocate_sites, item 2: compression is "gzip"; it must be one of zstd, none',
            ],
        ),
        (
            {"relocate_sites": ["a"]},
            ["relocate_sites is a list; it must be a list of which each item is a mapping of names and values"],
        ),
        ({"relocate_directory": "relocate"}, ['relocate_directory is "relocate"; it must be an absolute path']),
        ({"relocate_directory": ""}, ['relocate_directory is ""; it must be an absolute path']),
        ({"relocate_path": "", "relocate_old_path": None, "relocate_reports": "here"}, []),
        (
            {"relocate_old_path": "srv/x", "relocate_sites": [{"path": "./x", "old_path": ""}]},
            [
                'relocate_old_path is "srv/x"; it must be an absolute path',
                'relocate_sites, item 1: path is "./x"; it must be an absolute path',
            ],
        ),
        (
            {"relocate_engines": "default=postgresql"},
            ['relocate_engines is "default=postgresql"; it must be a mapping of names and values'],
        ),
        (
            {"relocate_sites": ["name=a"]},
            ["relocate_sites is a list; it must be a list of which each item is a mapping of names and values"],
        ),
        ({"relocate_unknown": 5, "relocate_jobs": 2}, []),
    ],
)
def test_lines(values: dict[str, Any], lines: list[str]) -> None:
    assert _values.wrong_values(values) == lines


@pytest.mark.parametrize("name", [name for name in OPTIONS if any(word in name for word in _values._SECRET)])
def test_what_may_be_a_secret_is_not_shown(name: str) -> None:
    site = name[len("relocate_") :]
    for value in (CANARY, [CANARY], {"password": CANARY}, [[CANARY]]):
        found = [*_values.wrong_values({name: value}), *_values.wrong_values({"relocate_sites": [{site: value}]})]
        assert "wörd" not in "".join(found)


def test_all_in_one_message() -> None:
    assert _values.message([]) is None
    assert _values.message(["a"]) == "1 value of the inventory is not acceptable; nothing was done\na"
    assert _values.message(["a", "b"]) == "2 values of the inventory are not acceptable; nothing was done\na\nb"
