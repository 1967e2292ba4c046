# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One documentation fragment for each option group, saying the same as the group."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils import _argspec
from tests.unit import sources

GROUPS = [
    name
    for name, function in inspect.getmembers(_argspec, inspect.isfunction)
    if function.__module__ == _argspec.__name__
    and not name.startswith("_")
    and not inspect.signature(function).parameters
    and inspect.signature(function).return_annotation in ("Spec", _argspec.Spec)
]
FRAGMENTS = sources.PLUGINS / "doc_fragments"
COMPARED = ("type", "elements", "required", "choices", "default", "aliases", "version_added")


def facts(option: dict[str, Any]) -> dict[str, Any]:
    """Give what documentation and argument specification both say of an option."""
    return {
        key: option[key]
        for key in COMPARED
        if option.get(key) not in (None, False) or (key == "default" and key in option)
    }


@pytest.mark.parametrize("group", GROUPS)
def test_fragment_equals_group(group: str) -> None:
    documented = sources.documentation(FRAGMENTS / f"{group}.py")["options"]
    spec = getattr(_argspec, group)()
    assert {name: facts(option) for name, option in documented.items()} == {
        name: facts(option) for name, option in spec.items()
    }


def test_there_is_one_for_each() -> None:
    assert GROUPS
    names = {path.stem for path in FRAGMENTS.glob("*.py")} - {"__init__", "attributes"}
    assert names == set(GROUPS)


@pytest.mark.parametrize("group", GROUPS)
def test_descriptions_are_sentences(group: str) -> None:
    for name, option in sources.documentation(FRAGMENTS / f"{group}.py")["options"].items():
        described = option["description"]
        for sentence in [described] if isinstance(described, str) else described:
            assert sentence.endswith("."), f"{group}: {name}"
