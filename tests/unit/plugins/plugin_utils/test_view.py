# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the pages of reports show, and in which order."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.plugin_utils import _view
from tests.unit.plugins.plugin_utils.test_page import tags
from tests.unit.plugins.plugin_utils.test_report import CHECKED, FAILED, MOVED, NOW, enriched


def shown(**outcome: Any) -> dict[str, Any]:
    return _view.values(enriched(**outcome))


def rows(*counts: tuple[str, int, int | None]) -> dict[str, Any]:
    return {"default": [{"table": name, "old": old, "new": new, "fingerprint": True} for name, old, new in counts]}


def test_what_differs_comes_first_and_empty_tables_are_folded() -> None:
    found = shown(**{**MOVED, "tables": rows(("a", 1, 1), ("b", 0, 0), ("c", 30, 30), ("d", 3, 2), ("e", 0, None))})
    assert [row["table"] for row in found["different"]] == ["d", "e"]
    assert [row["table"] for row in found["equal"]] == ["c", "a"]
    assert found["empty"] == [("default", "b")]
    page = _view.page(enriched(**{**MOVED, "tables": rows(("a", 1, 1), ("d", 3, 2))}))
    assert page.index("Tables that differ") < page.index("What was measured") < page.index('id="tables"')


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (MOVED, [("before", 20.0), ("window", 30.5), ("after", 49.5)]),
        ({**MOVED, "frozen_at": 0, "served_at": 0}, [("before", 100.0)]),
        ({**FAILED, "frozen_at": 1000010, "thawed_at": 1000040}, [("before", 10.0), ("window", 30.0), ("after", 60.0)]),
        ({**FAILED, "frozen_at": 1000010}, [("before", 10.0), ("window", 90.0)]),
        ({**MOVED, "begun": ""}, []),
        ({**MOVED, "begun": NOW + 50}, [("before", 0.0), ("window", 30.5), ("after", 49.5)]),  # clocks that jump
    ],
)
def test_phases_add_up_to_the_run(outcome: dict[str, Any], expected: list[tuple[str, float]]) -> None:
    found = shown(**outcome)["phases"]
    assert [(phase["kind"], round(phase["seconds"], 3)) for phase in found] == expected
    for phase in found:
        if phase["kind"] == "window" and phase["parts"]:
            assert sum(seconds for _name, seconds in phase["parts"]) == pytest.approx(phase["seconds"])


@pytest.mark.parametrize(
    ("outcome", "status", "tone", "attention", "left"),
    [
        (MOVED, "moved", "some", "", "point DNS at new1"),  # a part of the content was counted only
        ({**CHECKED, "rehearsed": True}, "rehearsed", "good", "", "relocate.django.move"),
        (FAILED, "failed", "bad", "failed at: Load", ""),
        ({**CHECKED, "failed": True, "code": "obstacles"}, "obstacles", "bad", "fix the obstacles", ""),
        ({**MOVED, "unfinished": True}, "unfinished", "some", "it only retires the old site", ""),
        ({**CHECKED, "done": True}, "already moved", "good", "", ""),
    ],
)
def test_what_a_reader_sees_first(outcome: dict[str, Any], status: str, tone: str, attention: str, left: str) -> None:
    found = shown(**outcome)
    assert (found["status"], found["tone"]) == (status, tone)
    assert attention in "\n".join(found["attention"]) and left in "\n".join(found["next"])
    assert bool(found["attention"]) == bool(attention)
    assert tags(_view.page(enriched(**outcome))).scripts == 1


def test_notes_are_looked_at_first() -> None:
    assert shown(**MOVED, notes=["grant of x is not carried"])["attention"] == ["note: grant of x is not carried"]


def test_the_index_reads_what_anybody_wrote() -> None:
    page = _view.index(
        [("a.html", enriched(**MOVED)), ("b.html", {"status": ["x"], "tables": 3}), ("c.html", 7)], False
    )
    assert tags(page).addresses == ["a.html", "b.html", "c.html"]
    assert "30.5 s" in page and "1,005" in page and "1970-01-12 13:48:20 UTC" in page
