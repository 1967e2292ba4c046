# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A set of the original among those of its clone: whole, or not there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._set import pins
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._steps import clone_set
from tests.unit.plugins.module_utils._set.filled import complete  # noqa: F401  # a fixture


def test_a_set_is_taken_over(complete: tuple[BackupSet, str]) -> None:  # noqa: F811
    made, digest = complete
    home, site = os.path.split(os.path.dirname(made.path))
    directory = os.path.dirname(home)
    given = (directory, site, "staging")
    checked = clone_set.place(*given, None, None, check_mode=True)
    assert checked["changed"] and not os.path.exists(checked["set"])
    placed = clone_set.place(*given, made.label, digest, check_mode=False)
    assert placed == checked == {"changed": True, "label": made.label, "set": f"{home}/staging/{made.label}"}
    found = BackupSet.find(directory, "staging")
    found.verify(found.read(digest), 1)
    assert pins.read(found.path) == digest == made.digest()
    assert not Path(directory, "incoming", "staging").exists()
    assert clone_set.place(*given, None, None, check_mode=False)["changed"] is False
    Path(found.file("manifest.json")).write_text("{}")
    with pytest.raises(RelocateError) as caught:
        clone_set.place(*given, None, None, check_mode=False)
    assert caught.value.code == "manifest_edited"


def test_what_is_not_taken_over(complete: tuple[BackupSet, str]) -> None:  # noqa: F811
    made, _digest = complete
    home, site = os.path.split(os.path.dirname(made.path))
    directory = os.path.dirname(home)
    for origin, label, code in ((site, None, "bad_option"), ("shop2", None, "set_not_found"), ("../x", None, "")):
        with pytest.raises(RelocateError) as caught:
            clone_set.place(directory, origin, site, label, None, check_mode=False)
        assert code in caught.value.code
    victim = Path(made.file("databases/default.fakedump/1.dat"))
    victim.write_bytes(victim.read_bytes()[:-1])
    with pytest.raises(RelocateError) as caught:
        clone_set.place(directory, site, "staging", None, None, check_mode=False)
    assert caught.value.code == "dump_truncated"
    assert BackupSet.labels(directory, "staging") == [] and not Path(directory, "incoming", "staging").exists()
