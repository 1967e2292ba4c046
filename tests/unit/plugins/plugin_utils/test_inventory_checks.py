# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a user wrote and could not have meant is told, with what was meant."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from ansible_collections.relocate.django.plugins.module_utils import _argspec
from ansible_collections.relocate.django.plugins.plugin_utils import _inventory_checks, _values
from tests.unit import sources


def test_every_variable_in_the_specs_is_known() -> None:
    spec = yaml.safe_load((sources.ROOT / "roles/common/meta/argument_specs.yml").read_text())
    options = set(spec["argument_specs"]["main"]["options"])
    assert options <= _inventory_checks.known_names()
    assert {"relocate_sites", "relocate_label", "relocate_become"} <= _inventory_checks.known_names()


def test_the_names_that_the_playbooks_set_are_known() -> None:
    found: set[str] = set()
    for path in sources.files("roles/**/*.yml", "playbooks/**/*.yml"):
        found |= set(re.findall(r"\brelocate_[a-z0-9_]+\b", path.read_text()))
    assert found - set(_values.options()) == _inventory_checks.INTERNAL


def test_answers_are_those_of_the_module() -> None:
    assert set(_argspec.answers()["answers"]["options"]) == _inventory_checks.ANSWER
    assert set(_argspec.warm()["warm"]["options"]) == _inventory_checks.WARM


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("relocate_service", "variable relocate_service is unknown: did you mean relocate_services?"),
        ("relocate_pth", "variable relocate_pth is unknown: did you mean relocate_path?"),
        ("relocate_zzzzzzzzzzzzzzzzzzzz", "variable relocate_zzzzzzzzzzzzzzzzzzzz is unknown"),
    ],
)
def test_unknown_variables(name: str, text: str) -> None:
    assert _inventory_checks.unknown_variables([name, "relocate_path", "ansible_host", "relocated"]) == [text]


@pytest.mark.parametrize(
    ("sites", "texts"),
    [
        ([{}], []),
        (None, []),
        ([{"name": "a", "path": "/a", "services": []}], []),
        ([{"name": "a", "servces": []}], ["relocate_sites: servces is unknown: did you mean services?"]),
    ],
)
def test_unknown_keys_of_sites(sites: Any, texts: list[str]) -> None:
    assert _inventory_checks.unknown_site_keys(sites) == texts


@pytest.mark.parametrize(
    ("answers", "texts"),
    [
        ([], []),
        ([{"url": "http://127.0.0.1/", "host": "x", "contains": "y"}], []),
        ("http://127.0.0.1/", ["relocate_answers is no list"]),
        (["http://127.0.0.1/"], ["relocate_answers: an item is no mapping"]),
        (
            [{"uri": "http://127.0.0.1/"}],
            ["relocate_answers: uri is unknown: did you mean url?", "relocate_answers: an item has no url"],
        ),
    ],
)
def test_bad_answers(answers: Any, texts: list[str]) -> None:
    assert _inventory_checks.bad_requests("relocate_answers", answers, _inventory_checks.ANSWER) == texts


def test_pages_to_warm_have_no_status() -> None:
    found = _inventory_checks.obstacles([], None, [], [{"url": "http://127.0.0.1/", "status": 200}])
    assert [item["msg"] for item in found] == ["relocate_warm: status is unknown"]


def test_all_at_once() -> None:
    found = _inventory_checks.obstacles(["relocate_service"], [{"paht": 1}], [{"uri": 1}], [])
    assert [item["code"] for item in found] == ["bad_option"] * 4
