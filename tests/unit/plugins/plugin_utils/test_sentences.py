# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sentences of restore, convert and undo say what was measured, and what was not."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.plugin_utils import _sentences
from tests.unit.plugins.plugin_utils.test_report import MEASURED

SET = {"host": "new1", "set": "L1", "made_on": "old1", "made_at": "noon", "pinned": "beside the set"}
SENT_ON = {
    "forwards": True,
    "to": "192.0.2.7",
    "by": "a file of nginx",
    "at": 1795996800,
    "quiet_since": 1795996800,
    "quiet_hours": 10.0,
}


@pytest.mark.parametrize(
    ("kind", "outcome", "words", "absent"),
    [
        ("restored", {**SET, "check": True}, ["would be restored on new1 from set L1, made on old1"], ["proven"]),
        (
            "restored",
            {**SET, "measured": MEASURED},
            ["Site shop answers on new1", "proven: rows, content", "(its manifest is the pinned one)"],
            ["not pinned"],
        ),
        (
            "restored",
            {**SET, "pinned": "not pinned", "measured": {**MEASURED, "answers": []}, "running": ["web.service"]},
            ["runs (web.service; its answers were NOT asked) on new1", "(not pinned: only its own manifest"],
            ["answers on"],
        ),
        ("restored", {**SET, "running": ["web.service"]}, ["NOT verified in this run"], ["proven"]),
        ("restored", {**SET, "measured": {"verify": "made up"}}, ["NOT verified in this run"], ["proven"]),
        (
            "converted",
            {"host": "new1", "set": "L1", "engines": "postgresql", "measured": {**MEASURED, "answers": []}},
            ["is in place (no unit was started and no answer asked) on new1, from postgresql now; proven: rows, "],
            [],
        ),
        ("kept", {"running": ["a", "b"]}, ["Site shop runs (a, b) again", "wrote nothing to."], ["since"]),
        ("kept", {"starting": True}, ["is in place (no unit was started) again", "relocate_replace is set."], []),
        ("undone", {"host": "old1", "new": "new1", "check": True}, ["would be started on old1 again"], ["runs"]),
        (
            "undone",
            {"host": "old1", "new": "new1", "running": ["a"]},
            ["runs (a; its answers were NOT asked) on old1"],
            [],
        ),
        (
            "rehearsed",
            {
                "host": "old1",
                "set": "L1",
                "measured": {"restore": MEASURED["restore"]},
                "requests": [{}, {}],
                "migrations": [{"name": "shop.0002", "alias": "default", "seconds": 1.25}],
            },
            [
                "on old1: set L1 was loaded beside the live databases and dropped; proven: rows",
                "; 2 requests",
                "migrated on the copy: shop.0002 of default 1.2 s",
            ],
            ["MEDIA proven"],
        ),
        ("rehearsed", {"host": "old1", "check": True}, ["would have its set loaded"], ["proven"]),
        (
            "undone",
            {"host": "old1", "new": "new1"},
            ["no unit was started and no answer asked) on old1 again"],
            ["runs"],
        ),
        (
            "upgrade_planned",
            {"host": "h", "needed": True, "before": "a1", "revision": "b2"},
            ["would be upgraded from a1 to b2 on h"],
            ["put back"],
        ),
        (
            "upgrade_planned",
            {"host": "h", "needed": True, "unfinished": True, "before": "a1", "revision": "b2"},
            ["was left half way from a1 to b2 on h, and would be put back first"],
            [],
        ),
        ("upgrade_planned", {"host": "h", "needed": False, "revision": "b2"}, ["runs b2 on h already"], ["would"]),
        (
            "upgraded",
            {
                "host": "h",
                "before": "a1",
                "revision": "b2",
                "running": ["web"],
                "measured": {**MEASURED, "answers": []},
            },
            ["Site shop runs (web; its answers were NOT asked) on h, upgraded from a1 to b2; proven: rows, "],
            [],
        ),
        ("upgrade_failed", {"frozen": False}, ["Site shop was not stopped"], ["again"]),
        ("upgrade_failed", {"frozen": True, "back": {}}, ["neither code nor databases had been changed"], ["set"]),
        (
            "upgrade_failed",
            {"frozen": True, "back": {"put_back": True, "saved": "L2"}, "running": ["web"]},
            ["runs (web; ", "with the code, the packages and the databases that it had.", "is in set L2."],
            [],
        ),
        ("retired", {"host": "old1", "forward": {}}, ["has nothing on old1 that sends visitors on"], ["came"]),
        (
            "retired",
            {"host": "old1", "wanted": "-1", "forward": {**SENT_ON, "visits": 0}},
            [
                "from old1 to 192.0.2.7 by a file of nginx since 2026-11-30 00:00 UTC",
                "nobody came for 10.0 h, since 2026-11-30 00:00 UTC; 0 requests in the last 24 hours",
                "this goes on; relocate_quiet_hours ends it",
            ],
            ["no more"],
        ),
        (
            "retired",
            {"host": "old1", "wanted": 24, "forward": {**SENT_ON, "visits": 7, "visits_more": True}},
            ["; 7 or more requests in the last 24 hours"],
            [],
        ),
        (
            "retired",
            {"host": "old1", "wanted": 24, "forward": {**SENT_ON, "last_visit": SENT_ON["at"], "visits": -1}},
            ["the last visitor came 10.0 h ago, at 2026-11-30 00:00 UTC", "until it was quiet for 24 h"],
            ["requests", "nobody"],
        ),
        (
            "retired",
            {"forward": {**SENT_ON, "removed": True}, "wanted": 0},
            ["nobody is sent on any more"],
            ["goes on"],
        ),
        (
            "retired",
            {"forward": {**SENT_ON, "removed": True}, "wanted": 0, "check": True},
            ["nobody would be sent on any more"],
            ["is sent on any"],
        ),
        (
            "retired",
            {"forward": {**SENT_ON, "broken": "nginx.service does not run"}, "wanted": 2},
            ["nobody can tell who came: nginx.service does not run", "until it was quiet for 2 h"],
            ["nobody came"],
        ),
        ("cloned", {**SET, "check": True}, ["would be cloned on new1 from set L1"], ["sanitised ("]),
        (
            "cloned",
            {
                **SET,
                "loaded": ["default"],
                "tables": {"default": {"a": {"set": 2, "masked": 3}, "b": {"emptied": "x"}}},
            },
            ["sanitised (5 rows of 2 tables)", "no column that no rule names"],
            ["LEFT"],
        ),
        (
            "cloned",
            {
                **SET,
                "running": ["web.service"],
                "unrecognised": {"default": [{"table": "t", "column": "c", "looks_like": "token", "rows": 4}, "x"]},
            },
            ["runs (web.service", "a clone of that set already", "LEFT AS THEY WERE", "t.c (token, 4 rows)"],
            ["sanitised ("],
        ),
        ("rolled_back", {"host": "h", "back": {}}, ["has no upgrade on h"], ["rolled"]),
        (
            "rolled_back",
            {"host": "h", "check": True, "back": {"upgraded": True, "before": "a1", "revision": "b2"}},
            ["would be rolled back from b2 to a1 on h"],
            [],
        ),
        (
            "rolled_back",
            {"host": "h", "back": {"put_back": True, "before": "a1", "revision": "b2", "saved": "L2"}},
            ["rolled back from b2 to a1; what was written since is in set L2"],
            [],
        ),
    ],
)
def test_a_sentence(kind: str, outcome: dict[str, Any], words: list[str], absent: list[str]) -> None:
    found = _sentences.sentence(kind, "shop", outcome)
    assert [word for word in words if word not in found] == []
    assert [word for word in absent if word in found] == []


def test_what_a_host_made_up_does_not_reach_the_terminal() -> None:
    found = _sentences.sentence("undone", "shop", {"host": "a\x1b[2J\nb", "new": ["x"], "running": ["\x1b]0;x"]})
    assert "\x1b" not in found and "\n" not in found
