# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a move went, in words, for each way in which it can end."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.plugin_utils import _report, _view

NOW = 1000100.0
TABLES = {
    "default": [
        {"table": "public.a", "old": 1000, "new": 1000, "fingerprint": True},
        {"table": "public.b", "old": 5, "new": 5, "fingerprint": False},
    ]
}
MEASURED = {
    "restore": {
        "default": {"tables": 2, "rows": 1005, "contents": 1, "counted": ["public.b"], "sequences": 3, "schema": 40}
    },
    "verify": {
        "databases": {"default": {"tables": 2, "rows": 1005, "contents": 0, "counted": ["a", "b"], "sequences": 3}},
        "settings": True,
        "checks": 1,
        "migrations": True,
        "models": 7,
        "media": {"root": "/srv/media", "files": 1, "bytes": 2500000, "skip": []},
    },
    "still": "1",  # as ansible-core 2.18 hands a single number on
    "answers": [{"url": "http://127.0.0.1/", "host": "shop.example", "status": 200, "attempts": 1}],
}
PROVEN = (
    "MOVED; proven: rows, content, schema, sequences, MEDIA, settings, Django's check, migrations known to the code, "
    "rows as models see them, old unchanged since its dump, answers; "
    "NOT asked: all of content (1 table compared by count only: public.b)"
)
MOVED = {
    "site": "shop",
    "old": "old1",
    "new": "new1",
    "begun": "1000000",
    "frozen_at": "1000020",
    "served_at": "1000050.5",
    "proven": True,
    "stopped": ["web.service"],
    "running": ["web.service"],
    "measured": MEASURED,
    "revision": "1a2b",
    "label": "20261120T193000Z-1a2b3c4d5e6f",
    "steps": {"backup": "3.25", "verify": 0.01, "skipped": None},
    "window": {"freeze": "1", "migrate": 0.02},
    "tables": TABLES,
    "migrations": {"default": ["shop.0002"], "other": []},
    "warnings": ["security.W004"],
}
CHECKED = {"site": "shop", "old": "old1", "new": "new1", "begun": 1000000}
FAILED = {**CHECKED, "failed": True, "code": "load_failed", "task": "Load", "msg": "[load_failed] no\nsecond line"}


def enriched(**outcome: Any) -> dict[str, Any]:
    return _report.enrich(outcome, NOW)


@pytest.mark.parametrize(
    ("outcome", "status", "headline"),
    [
        (MOVED, "moved", PROVEN),
        ({**MOVED, "done": True}, "already_moved", "was moved before: nothing to do, and nothing was checked again"),
        (CHECKED, "checked", "CHECKED: preflight found no obstacle; nothing was moved"),
        ({**CHECKED, "failed": True, "code": "obstacles"}, "obstacles", "NOT BEGUN: there are obstacles"),
        ({**CHECKED, "failed": True, "code": "enough_failed"}, "not_begun", "NOT BEGUN: enough sites of this run had"),
        (FAILED, "failed", "FAILED before the freeze; the old site was not stopped"),
        (
            {**FAILED, "frozen_at": 5, "old_serves": True, "old_units": ["web.service"]},
            "failed",
            "FAILED; the old site serves again (web.service)",
        ),
        (
            {**FAILED, "frozen_at": 5, "old_serves": True, "old_units": []},
            "failed",
            "FAILED; no unit had to be started on old",
        ),
        ({**FAILED, "frozen_at": 5}, "failed", "FAILED; CHECK THE OLD SITE"),
        (
            {**FAILED, "frozen_at": 5, "old_serves": True, "old_units": ["a", "b"], "put_back": "x"},
            "failed",
            "FAILED; the old site serves again (a, b), but CHECK BOTH HOSTS",
        ),
        ({**FAILED, "frozen_at": 5, "starting": True, "put_back": "x"}, "failed", "FAILED; CHECK BOTH HOSTS"),
        (
            {**FAILED, "frozen_at": 5, "old_serves": False, "old_rests": True},
            "failed",
            "FAILED; the old site is retired",
        ),
        ({**CHECKED, "next": "retire"}, "already_moved", "was moved before: only old has to be retired"),
        (
            {**CHECKED, "next": "retire", "unfinished": True},
            "unfinished",
            "MOVED, but old was NOT RETIRED; NOT asked: ",
        ),
        (
            {**MOVED, "unfinished": True},
            "unfinished",
            "MOVED and started on new, but old was NOT RETIRED; " + PROVEN[len("MOVED; ") :],
        ),
        ({**MOVED, "next": "move"}, "moved", PROVEN),
        ({**MOVED, "stopped": []}, "moved", PROVEN + "; old was NOT STOPPED by this run"),
        ({**FAILED, "frozen_at": 5, "served_at": 9, "proven": True, "done": True}, "failed", "FAILED; CHECK THE OLD"),
        ({**MOVED, "proven": False, "measured": {}}, "moved", "MOVED; NOT asked: rows (no database was compared), "),
        ({**MOVED, "served_at": ""}, "checked", "CHECKED: preflight found no obstacle; nothing was moved"),
    ],
)
def test_status_and_headline(outcome: dict[str, Any], status: str, headline: str) -> None:
    found = enriched(**outcome)
    assert found["status"] == status
    assert _report.headline(found).startswith(f"Site shop: old1 -> new1: {headline}")
    assert _report.headline(found) in _report.as_text(found)


@pytest.mark.parametrize(
    ("changes", "total", "downtime"),
    [
        ({}, 100.0, 30.5),
        ({"served_at": None}, 100.0, 0.0),  # still down: nobody knows how long
        ({"stopped": []}, 100.0, 0.0),  # nothing was stopped
        ({"frozen_at": 0}, 100.0, 0.0),
        ({"begun": ""}, 0.0, 30.5),
    ],
)
def test_times(changes: dict[str, Any], total: float, downtime: float) -> None:
    found = enriched(**{**MOVED, **changes})
    assert (found["total"], found["downtime"], found["ended"]) == (total, downtime, NOW)
    assert found["steps"] == {"backup": 3.25, "verify": 0.01, "skipped": 0.0}


def test_a_screenful_of_a_move() -> None:
    text = _report.as_text(enriched(**MOVED, notes=["grant of x is not carried"]))
    assert text == (
        f"\nSite shop: old1 -> new1: {PROVEN}\n"
        "  revision 1a2b, backup set 20261120T193000Z-1a2b3c4d5e6f\n"
        "  downtime 30.5 s (frozen at 13:47:00Z), whole run 100.0 s\n"
        "  rows                           measured   1,005 in 2 tables\n"
        "  content                        partly     fingerprints of 1 of 2 tables; 1 table compared by count only: "
        "public.b\n"
        "  schema                         measured   40 definitions\n"
        "  sequences                      measured   3\n"
        "  MEDIA                          measured   1 file, 2.5 MB, equal by name, size and time\n"
        "  settings                       measured   imported on new as its owner\n"
        "  Django's check                 measured   no error, 1 warning\n"
        "  migrations known to the code   measured   every one that is applied\n"
        "  rows as models see them        measured   7 models\n"
        "  old unchanged since its dump   measured   1 database\n"
        "  answers                        measured   http://127.0.0.1/ 200\n"
        "  downtime                       measured   30.5 s, until the first answers on new\n"
        "  note: grant of x is not carried\n"
        "  database default: 2 tables, 1,005 rows on old, 1,005 on new, equal; content of 1 tables equal, 1 compared "
        "by count only\n"
        f"    {'default':<12} {'public.a':<44} {'1,000':>12} {'1,000':>12}\n"
        f"    {'default':<12} {'public.b':<44} {'5':>12} {'5':>12}\n"
        "  before the freeze: backup 3.2 s\n"
        "  within the downtime: freeze 1.0 s, between the calls 29.5 s\n"
        "  migrations applied: shop.0002\n"
        "  warnings of Django's check: 1, see the report\n"
        "  next: point DNS at new1; old is stopped and disabled, its databases as they were dumped\n"
        "  undo: ansible-playbook relocate.django.undo -i INVENTORY (old serves; new keeps what it received)\n"
    )


@pytest.mark.parametrize(
    ("outcome", "expected", "absent"),
    [
        (
            FAILED,
            ["  failed at: Load\n  [load_failed] no\n  | second line\n", "next: fix the cause, then run the same"],
            "undo:",
        ),
        ({**FAILED, "frozen_at": 0, "put_back": "a\nb"}, ["  putting it back: a\n  | b\n"], "undo:"),
        ({**FAILED, "code": "obstacles"}, ["next: fix the obstacles, then run the same command again"], "undo:"),
        (CHECKED, [], "next:"),
        ({**CHECKED, "done": True}, [], "next:"),
    ],
)
def test_what_to_do_next(outcome: dict[str, Any], expected: list[str], absent: str) -> None:
    text = _report.as_text(enriched(**outcome))
    assert all(item in text for item in expected)
    assert absent not in text
    assert "downtime 8" not in text


def test_tables_that_differ_come_first_and_are_marked() -> None:
    rows = [{"table": f"t{number}", "old": number, "new": number, "fingerprint": True} for number in range(30)]
    rows += [
        {"table": "less", "old": 3, "new": 2, "fingerprint": False},
        {"table": "gone", "old": 1, "new": None, "fingerprint": False},
        {"table": "x" * 60, "old": 0, "new": 0},
    ]
    text = _report.as_text(enriched(**{**MOVED, "tables": {"default": rows}}))
    shown = [line for line in text.splitlines() if line.startswith("    ")]
    assert [re.split(" +", line.strip())[1:] for line in shown[:2]] == [
        ["less", "3", "2", "<--", "DIFFERENT"],
        ["gone", "1", "absent", "<--", "DIFFERENT"],
    ]
    assert shown[2:] == ["    ... and 31 more tables, all in the report"]
    assert (
        "33 tables, 439 rows on old, 437 on new, DIFFERENT; content of 30 tables equal, 3 compared by count only"
        in text
    )


@pytest.mark.parametrize(
    ("obstacles", "expected"),
    [
        (
            [{"code": "disk_full", "msg": "full", "hint": "make room", "host": "old1", "alias": ""}],
            "1 obstacle is in the way; nothing was changed\n1. [disk_full] on old1: full\n   Next: make room",
        ),
        (
            [
                {"code": "a", "msg": "b", "host": "new1", "alias": "default", "hint": ""},
                {"code": "c", "msg": "d", "host": "old1"},
            ],
            "2 obstacles are in the way; nothing was changed\n1. [a] on new1, database default: b\n2. [c] on old1: d",
        ),
    ],
)
def test_obstacles_text(obstacles: list[dict[str, Any]], expected: str) -> None:
    assert _report.obstacles_text(obstacles) == expected


def test_a_site_without_units_is_not_reported_as_stopped() -> None:
    text = _report.as_text(enriched(**{**MOVED, "stopped": []}))
    assert "stopped and disabled" not in text
    assert "old was not stopped by this run: stop it yourself" in text
    assert "no downtime was measured: this run stopped no unit on old" in text
    assert not re.search("downtime [0-9]", text)


@pytest.mark.parametrize("count", [1, 5, 30, 3000])
def test_a_move_fits_a_screen(count: int) -> None:
    rows = [{"table": f"t{number}", "old": number, "new": number, "fingerprint": True} for number in range(count)]
    text = _report.as_text(enriched(**{**MOVED, "tables": {"default": rows}}))
    assert len(text.strip("\n").splitlines()) <= 25
    assert f"    {'default':<12} {f't{count - 1}':<44}" in text  # the largest
    checked = _report.as_text(enriched(**CHECKED, tables={"default": rows}))
    assert len(checked.strip("\n").splitlines()) == min(25, count + 2)
    many = _report.as_text(enriched(**{**MOVED, "tables": {"default": [{**row, "new": None} for row in rows]}}))
    assert many.count("DIFFERENT") == min(count, 10) + 1


def test_what_was_migrated_is_told_per_database() -> None:
    told = {"default": {"state": "applied", "text": "database default got 1 migrations: shop.0002"}, "old": {"text": 5}}
    text = _report.as_text(enriched(**MOVED, migrated={**told, "odd": "x"}))
    assert "  database default got 1 migrations: shop.0002\n  5\n" in text
    assert "migrations applied:" not in text


def test_both_hosts_down_points_to_undo() -> None:
    text = _report.as_text(enriched(**{**FAILED, "frozen_at": 1000001, "starting": True, "put_back": "x"}))
    assert "next: make sure that the site does not serve on new1, then run relocate.django.undo" in text
    assert "run the same command" not in text


ESCAPE = "\x1b[2J\x1b[1;1H\x1b]0;x\x07"
#: What somebody who owns a database, a unit or a host may call things.
HOSTILE = [
    ESCAPE + "shop",
    "a\nSite shop: old1 -> new1: MOVED and proven complete",
    "\u202etxt.exe",
    "\ud800",
    "\u2028b",
    "\r",
]
JUNK: list[Any] = [
    None,
    True,
    -1,
    1.5,
    10**5000,
    float("nan"),
    float("inf"),
    "text",
    "12",
    [],
    ["a"],
    {},
    {"a": "b"},
    [[]],
]


def leaves(outcome: dict[str, Any]) -> list[str]:
    """Everything that is printed or written about an outcome."""
    return [_report.as_text(outcome), _report.headline(outcome), _view.page(outcome), json.dumps(outcome)]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_reaches_the_terminal_as_it_is(name: str) -> None:
    outcome = enriched(
        **{
            **FAILED,
            "frozen_at": "1000020",
            "revision": name,
            "label": name,
            "code": name,
            "task": name,
            "msg": name,
            "put_back": name,
            "media_previous": name,
            "migrations": {name: [name]},
            "warnings": [name],
            "steps": {name: 3},
            "tables": {name: [{"table": name, "old": 1, "new": 1, "fingerprint": True}]},
            "seconds": {"backup": {name: name}},
        }
    )
    for shown in leaves(outcome):
        assert not [char for char in shown if unicodedata.category(char) in ("Cc", "Cf", "Zl", "Cs") and char != "\n"]
        assert shown.encode()
    lines = _report.as_text(outcome).splitlines()
    assert len([line for line in lines if line.startswith("Site ")]) == 1
    assert not [line for line in lines if line.strip().startswith("Site ")][1:]


@pytest.mark.parametrize("junk", JUNK, ids=lambda value: repr(value)[:12] if not isinstance(value, int) else "number")
@pytest.mark.parametrize(
    "status", [MOVED, FAILED, {**FAILED, "frozen_at": 5, "starting": True}, {**MOVED, "next": "retire"}]
)
def test_no_type_of_a_host_stops_the_report(junk: Any, status: dict[str, Any]) -> None:
    keys = sorted(
        {
            *MOVED,
            *FAILED,
            "put_back",
            "key_left",
            "set_left",
            "seconds",
            "bytes",
            "media_previous",
            "done",
            "next",
            "more",
        }
    )
    for key in keys:
        if key not in ("site", "old", "new"):
            assert all(leaves(enriched(**{**status, key: junk})))
    for row in (
        {"table": junk, "old": 1, "new": 1},
        {"table": "t", "old": junk, "new": 1},
        {"table": "t", "old": 1, "new": junk},
    ):
        assert all(leaves(enriched(**{**status, "tables": {"default": [row]}})))
    assert all(leaves(enriched(**{**status, "tables": {"default": [junk]}})))
    assert all(leaves(enriched(**{**status, "migrations": {"default": junk}, "steps": {"backup": junk}})))


@pytest.mark.parametrize("junk", ["many", -5, 1.5, True, None, [3]])
def test_a_count_that_is_none_is_never_equal(junk: Any) -> None:
    outcome = enriched(
        **{**MOVED, "tables": {"default": [{"table": "t", "old": junk, "new": junk, "fingerprint": True}]}}
    )
    assert "DIFFERENT; compared by count only" in _report.as_text(outcome)
    assert "DIFFERENT" in _report.as_text(enriched(**{**MOVED, "tables": {"default": junk or "x"}}))


def test_a_yes_is_the_word_true_and_nothing_like_it() -> None:
    assert enriched(**{**MOVED, "done": "True"})["done"] is True
    assert [enriched(**{**MOVED, "done": junk})["done"] for junk in ("no", "", ["x"], 1, {"a": 1})] == [False] * 5


def test_no_host_can_say_that_nothing_was_begun() -> None:
    assert enriched(**{**FAILED, "code": "obstacles", "frozen_at": 5})["status"] == "failed"


def test_obstacles_of_a_hostile_host() -> None:
    name = HOSTILE[1] + ESCAPE
    text = _report.obstacles_text([{"code": name, "msg": name, "hint": name, "host": name, "alias": name}])
    assert "\x1b" not in text
    assert [line.strip().split(" ")[0] for line in text.splitlines()] == ["1", "1.", "|", "Next:"]
    assert _report.obstacles_text([{"code": 1, "msg": ["x"], "hint": 5, "host": None}])


def test_a_rehearsal_says_what_was_tried_and_what_was_not() -> None:
    tried = ["4 units can start", "configuration of nginx.service", "", "but no request with the data"]
    text = _report.as_text(enriched(**CHECKED, rehearsed=True, tried=tried))
    assert "Site shop: old1 -> new1: REHEARSED: what was tried works on new; old was not stopped" in text
    said = "tried before the freeze: 4 units can start, configuration of nginx.service, but no request with the data"
    assert said in text
    assert "next: ansible-playbook relocate.django.move -i INVENTORY" in text
    moved = _report.as_text(enriched(**MOVED, tried=tried))
    assert "tried before the freeze: 4 units can start" in moved and ": MOVED; " in moved
    assert _report.status_of({**CHECKED, "rehearsed": True, "failed": True}) == "failed"


@pytest.mark.parametrize("outcome", [FAILED, {**CHECKED, "rehearsed": True}])
def test_secrets_that_a_run_left_on_a_host_are_named(outcome: dict[str, Any]) -> None:
    text = _report.as_text(enriched(**outcome, set_left="l1: no way in", key_left="no answer"))
    assert "the set of this attempt, which holds passwords, is still there: l1: no way in" in text
    assert "the one-time key may still be in authorized_keys on old: no answer" in text
