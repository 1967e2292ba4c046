# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Option groups."""

from __future__ import annotations

import pytest

from ansible_collections.relocate.django.plugins.module_utils import _argspec

GROUPS = [_argspec.project, _argspec.login, _argspec.work, _argspec.aliases, _argspec.backup_set]


def test_an_option_is_in_one_group_only() -> None:
    merged = _argspec.merged(*[group() for group in GROUPS])
    assert len(merged) == sum(len(group()) for group in GROUPS)
    with pytest.raises(ValueError, match="options in two groups: site"):
        _argspec.merged(_argspec.work(), {"site": {}})


def test_what_may_hold_a_secret_is_not_logged() -> None:
    merged = _argspec.merged(*[group() for group in GROUPS])
    assert {name for name, spec in merged.items() if spec.get("no_log")} == {"environment", "login_password"}
