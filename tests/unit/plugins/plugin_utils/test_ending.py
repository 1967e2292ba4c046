# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The end of a move in words: what failed, what serves, for how long nothing did, and what to do."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.plugin_utils import _ending, _report

FAILED = {"site": "shop", "old": "old1", "new": "new1", "failed": True, "task": "Load", "msg": "[x] no\nwhy"}
FROZEN = {**FAILED, "frozen_at": 60.0, "stopped": ["web.service"]}
BACK = {"old_serves": True, "old_units": ["web.service"], "thawed_at": 72.5}
AGAIN = "next: fix the cause, then run the same command again: play"


@pytest.mark.parametrize(
    ("outcome", "serves", "down", "following"),
    [
        (FAILED, "what served before, since this run stopped nothing", "none", AGAIN),
        ({**FAILED, "code": "obstacles"}, "what served before, ", "none", AGAIN.replace("cause", "obstacles")),
        ({**FROZEN, **BACK}, "old again (web.service)", "12.5 s (from 00:01:00Z to 00:01:12Z)", AGAIN),
        # A backup that fails with the freeze says nothing of units; what was started on old does.
        ({**FROZEN, **BACK, "stopped": []}, "old again (web.service)", "12.5 s (from", AGAIN),
        (
            {**FROZEN, "stopped": [], "old_serves": True, "thawed_at": 72.5},
            "old, where no unit had to be started",
            "none, since this run stopped no unit on old",
            AGAIN,
        ),
        ({**FROZEN, **BACK, "put_back": "x"}, "nobody knows: CHECK BOTH", "since 00:01:00Z, and perhaps still", AGAIN),
        (FROZEN, "nobody knows: CHECK THE OLD SITE", "since 00:01:00Z, and perhaps still", AGAIN),
        ({**FROZEN, "old_rests": True}, "what served before: old is retired", "since 00:01:00Z", AGAIN),
        ({**FROZEN, "starting": True}, "nobody knows: CHECK BOTH HOSTS", "since", "next: make sure that the site does"),
        (
            {**FROZEN, "failed": False, "unfinished": True, "served_at": 90.0, "running": ["web.service"]},
            "new (web.service)",
            "30.0 s (from 00:01:00Z to 00:01:30Z)",
            AGAIN + "; it only retires the old site",
        ),
        (
            {**FROZEN, "failed": False, "unfinished": True, "served_at": 90.0, "forward_left": "x"},
            "new (as an earlier run left it)",
            "30.0 s (from 00:01:00Z to 00:01:30Z)",
            AGAIN + "; it only sends visitors on. Until then point DNS at new1",
        ),
        (
            {**FROZEN, **BACK, "taken_in": ["table a"]},
            "old again",
            "12.5 s",
            AGAIN.replace(": play", " with relocate_replace: true, which keeps what new took in aside: play"),
        ),
    ],
)
def test_the_paragraph_says_all_four_things(outcome: dict[str, Any], serves: str, down: str, following: str) -> None:
    found = _report.enrich({**outcome, "command": "play"}, 100.0)
    lines = _ending.lines(found)
    assert lines[:2] == ["failed at: Load", "[x] no\n  | why"]
    for begin, expected in (("serves now: ", serves), ("downtime: ", down), ("", following)):
        assert [line for line in lines if line.startswith(begin + expected)], lines
    # It is said once: at the end of the run, and in the report that is kept; not when the site has had its turn.
    assert "[x] no" not in _report.as_shown(found) and "next:" not in _report.as_shown(found)
    assert _report.as_ending(found).count("[x] no") == _report.as_text(found).count("[x] no") == 1
    assert _report.headline(found) in _report.as_shown(found)


@pytest.mark.parametrize("more", [{}, {"rehearsed": True}, {"served_at": 9.0, "frozen_at": 3.0}])
def test_a_site_that_went_well_has_its_end_at_once(more: dict[str, Any]) -> None:
    found = _report.enrich({"site": "shop", "old": "old1", "new": "new1", **more}, 100.0)
    assert _report.as_shown(found) == _report.as_text(found)
    assert not [line for line in _ending.lines(found) if line.startswith(("serves now", "downtime"))]


def test_visitors_who_are_sent_on_are_part_of_what_is_next() -> None:
    moved = {"site": "shop", "old": "old1", "new": "new1", "served_at": 9.0, "frozen_at": 3.0, "stopped": ["web"]}
    found = _ending.next_steps(_report.enrich({**moved, "forward": "192.0.2.7 (a file of nginx, ports 80)"}, 100.0))
    assert found[1].startswith("old sends visitors on to 192.0.2.7 (a file of nginx, ports 80); when DNS has moved: ")
    left = _report.enrich({**moved, "unfinished": True, "forward_left": "[forward_failed] 502"}, 100.0)
    assert "but old does NOT SEND visitors on" in _report.headline(left)
    assert "old does not send visitors on to new: [forward_failed] 502" in _ending.left_behind(left)
