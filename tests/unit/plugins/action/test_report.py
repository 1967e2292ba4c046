# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the report's action returns, apart from its texts."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.action import report


@pytest.mark.parametrize(
    ("why", "failures", "more", "code", "msg"),
    [
        ({"code": "locked", "msg": "[locked] a\n  b"}, [], "", "locked", "[locked] a\n  b"),
        ({"code": "x\x1b", "msg": "a\x1b"}, [], "Site s runs.", "x\\x1b", "a\\x1b. Site s runs."),
        ({"msg": "a"}, ["s: one", "t: two"], "", "sites_failed", "s: one; t: two"),
        ("junk", [], "", "", "unknown"),
        (None, [], "", "", "unknown"),
    ],
)
def test_a_rescue_fails_with_what_went_wrong(why: Any, failures: list[str], more: str, code: str, msg: str) -> None:
    found = report.failure(why, failures, more)
    assert found == {"changed": False, "failed": True, "code": code, "msg": msg}
