# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What preflight found on both hosts, joined."""

from __future__ import annotations

import re
from typing import Any
from unittest.mock import MagicMock

import pytest

from ansible_collections.relocate.django.plugins.action import obstacles
from tests.unit.records import given

ONE = {"code": "disk_full", "msg": "full", "hint": "make room", "alias": "", "host": "old1"}
TWO = {"code": "locale_missing", "msg": "de_DE", "hint": "make it", "alias": "default", "host": "new1"}


def side(machine: str, found: list[Any] | None = None, record: Any = None, **info: Any) -> dict[str, Any]:
    return {
        "info": {"host": {"machine_id": machine, "name": "new1"}, **info},
        "obstacles": found or [],
        "past": given(**(record or {})).told(),
    }


FULL = {
    "project": {"path": "/srv/shop/app"},
    "owner": {"name": "shop"},
    "django": {"media_root": "/srv/media"},
    "databases": {"a": {"engine": "sqlite"}, "b": {"engine": "postgresql"}, "c": {"engine": "sqlite"}},
}


def test_join() -> None:
    assert obstacles.join(side("0ld", [ONE], **FULL), side("n3w", [TWO])) == {
        "changed": False,
        "next": "move",
        "done": False,
        "label": "",
        "obstacles": [ONE, TWO],
        "same_machine": False,
        "old_path": "/srv/shop/app",
        "owner": {"name": "shop"},
        "users": [],
        "media_root": "/srv/media",
        "media_stores": [],
        "machine": "0ld",
        "engines": ["postgresql", "sqlite"],
    }


def test_an_old_site_that_could_not_be_opened() -> None:
    found = obstacles.join(side("0ld", [ONE]), side("n3w"))
    assert (found["obstacles"], found["engines"], found["owner"], found["media_root"]) == ([ONE], [], {}, "")


def test_one_machine() -> None:
    assert obstacles.join(side("0ld"), side("0ld"))["same_machine"] is True


FROZEN = {"label": "l", "held": True}


@pytest.mark.parametrize(
    ("moved", "old", "step"),
    [
        ({}, {}, "move"),
        ({"label": "l"}, {"retired": {"label": "l"}}, "done"),
        ({"label": "l"}, {"freeze": FROZEN}, "retire"),
        ({"label": "m"}, {"freeze": FROZEN}, "move"),
        ({"label": "l"}, {"freeze": {"label": "l"}}, "move"),  # not held: old may have served since
        ({}, {"freeze": FROZEN}, "move"),
    ],
)
def test_next_step(moved: Any, old: Any, step: str) -> None:
    assert obstacles.next_step(given(moved=moved).told(), given(**old).told()) == step


def test_new_has_served_since() -> None:
    found = obstacles.join(side("0ld"), side("n3w", record={"moved": {"label": "l"}}))
    assert [item["code"] for item in found["obstacles"]] == ["target_not_blank"]
    assert "relocate.django.undo" in found["obstacles"][0]["hint"]


@pytest.mark.parametrize(
    ("moved", "retired", "done"),
    [
        (None, None, False),
        ({"label": "l"}, None, False),
        (None, {"label": "l"}, False),
        ({"label": "l"}, {"label": "m"}, False),
        ({"label": "l"}, {"label": "l"}, True),
        ({}, {}, False),
        ({"at": 1}, {"at": 1}, False),  # no label is no proof
    ],
)
def test_done_is_what_both_hosts_say(moved: Any, retired: Any, done: bool) -> None:
    found = obstacles.join(side("0ld", [ONE], {"retired": retired}), side("n3w", [TWO], {"moved": moved}))
    assert (found["done"], found["label"]) == (done, "l" if done else "")
    assert found["obstacles"][:2] == ([] if done else [ONE, TWO])


def run(on_old: dict[str, Any], on_new: dict[str, Any], **more: Any) -> dict[str, Any]:
    task = MagicMock(
        async_val=0,
        check_mode=False,
        diff=False,
        args={"site": "shop", "on_old": on_old, "on_new": on_new, "units": ["web"], **more},
    )
    plugin = obstacles.ActionModule(task, MagicMock(), MagicMock(), MagicMock(), MagicMock(), MagicMock())
    found: dict[str, Any] = plugin.run(None, {})
    return found


def test_the_task_fails_with_all_obstacles_at_once() -> None:
    found = run(side("0ld", [ONE], **FULL), side("n3w", [TWO]))
    assert (found["failed"], found["code"], found["changed"]) == (True, "obstacles", False)
    assert found["msg"] == (
        "2 obstacles are in the way; nothing was changed\n"
        "1. [disk_full] on old1: full\n   Next: make room\n"
        "2. [locale_missing] on new1, database default: de_DE\n   Next: make it"
    )


def test_the_task_tells_how_to_go_on() -> None:
    found = run(side("0ld", **FULL), side("n3w"))
    assert "failed" not in found
    assert (found["obstacles"], found["engines"]) == ([], ["postgresql", "sqlite"])


RETIRED = {"retired": {"label": "l1"}, "freeze": {"label": "l1", "held": True}}


@pytest.mark.parametrize(
    ("on_old", "on_new", "wish", "code", "text"),
    [
        (
            RETIRED,
            {},
            {},
            "old_retired",
            "retired here by set l1.*undo to that host first.*relocate_allow_retired: true",
        ),
        (RETIRED, {}, {"allow_retired": True}, "", ""),
        ({}, {"served": {"label": "l1"}}, {}, "target_not_blank", "set l1.*took in since.*relocate_replace: true"),
        ({}, {"served": {"label": "l1"}}, {"replace": True}, "", ""),
        # Serving now is another matter: nothing may be put aside under a site that runs.
        ({}, {"moved": {"label": "l1"}}, {"replace": True}, "target_not_blank", "run relocate.django.undo"),
        ({}, {}, {"units": []}, "no_services", "relocate_services is empty.*relocate_allow_unfrozen: true"),
        ({}, {}, {"units": [], "allow_unfrozen": True}, "", ""),
        (RETIRED, {"moved": {"label": "l1"}}, {"units": []}, "", ""),  # moved before: nothing to do
    ],
)
def test_what_the_records_and_the_wish_say(on_old: Any, on_new: Any, wish: Any, code: str, text: str) -> None:
    found = run(side("0ld", record=on_old, **FULL), side("n3w", record=on_new), **wish)
    assert found["changed"] is False
    assert [item["code"] for item in found["obstacles"]] == ([code] if code else [])
    assert re.search(text, found.get("msg", ""), re.DOTALL)


def test_users_that_new_names_are_plain_names() -> None:
    names = ["app", "www-data", "a b", "{{ x }}", "-r", "", 7, "x" * 33, "ok\n", None]
    assert obstacles.user_names(names) == ["app", "www-data"]
    assert obstacles.user_names("app") == [] and obstacles.user_names({"app": 1}) == []


JUNK: list[Any] = [None, 7, "junk", ["junk"], {"junk": ["junk"]}, {"label": ["l"]}, {"name": {}, "machine_id": 3}, True]


@pytest.mark.parametrize("junk", JUNK, ids=str)
@pytest.mark.parametrize("key", ["info", "past", "obstacles"])
@pytest.mark.parametrize("which", [0, 1])
def test_an_answer_that_is_none_is_an_obstacle_and_no_crash(key: str, which: int, junk: Any) -> None:
    sides = [side("0ld", **FULL), side("n3w")]
    sides[which][key] = junk
    found = run(*sides)
    assert isinstance(found["owner"], dict) and isinstance(found["old_path"], str)
    strange = not isinstance(junk, (list, tuple) if key == "obstacles" else dict) or junk == ["junk"]
    assert ("answer_refused" in [item["code"] for item in found["obstacles"]]) is strange, found
    assert found.get("failed", False) is strange


@pytest.mark.parametrize("inner", ["host", "project", "owner", "django", "databases"])
@pytest.mark.parametrize("junk", JUNK, ids=str)
def test_junk_in_what_preflight_tells(inner: str, junk: Any) -> None:
    found = obstacles.join(side("0ld", **{**FULL, inner: junk}), side("n3w", **{inner: junk}))
    assert {key: type(value) for key, value in found.items()} == {
        **dict.fromkeys(("changed", "done", "same_machine"), bool),
        **dict.fromkeys(("next", "label", "old_path", "media_root", "machine"), str),
        **dict.fromkeys(("obstacles", "users", "engines", "media_stores"), list),
        "owner": dict,
    }


@pytest.mark.parametrize("key", list(given().told()))
@pytest.mark.parametrize("junk", JUNK, ids=str)
def test_junk_in_what_happened_before(key: str, junk: Any) -> None:
    strange = {**side("0ld"), "past": {key: junk}}
    for sides in ((strange, side("n3w")), (side("0ld"), strange)):
        assert obstacles.join(*sides)["next"] == "move"


def test_a_media_root_without_files_is_none_where_a_bucket_holds_media() -> None:
    """What lies there besides is moved as ever, and so is what could not be looked at."""
    store = {"kind": "s3", "bucket": "shop", "used_by": ["default"]}
    for used_by, media, root in (
        (["default"], {}, ""),
        (["default"], {"files": 0}, ""),
        (["default"], {"files": 2}, "/srv/media"),
        (["default"], {"error": {}}, "/srv/media"),
        (["shop.Item.photo"], {}, "/srv/media"),
    ):
        django = {"media_root": "/srv/media", "media_stores": [{**store, "used_by": used_by}, "junk"]}
        found = obstacles.join(side("0ld", **{**FULL, "django": django, "media": media}), side("n3w"))
        assert (found["media_root"], found["media_stores"]) == (root, [{**store, "used_by": used_by}])


def test_two_hosts_without_a_machine_are_not_one() -> None:
    assert obstacles.join(side(""), side(""))["same_machine"] is False


def test_obstacles_of_a_host_reach_the_terminal_as_text() -> None:
    told = {"code": "a\x1b", "msg": "first\nsecond\x1b[2J", "hint": ["x"], "alias": 5, "host": "\u202e"}
    found = run({}, side("n3w", [told]), work="restore", sets=[{"label": "l"}])
    assert found["failed"] is True and "\x1b" not in found["msg"] and "\u202e" not in found["msg"]
    head, _newline, first = found["msg"].partition("\n")
    assert head == "1 obstacle is in the way; nothing was changed"
    assert first.startswith("1. [a\\x1b] on \\u202e, database 5: first\n")
    assert "\n   | second\\x1b[2J\n" in found["msg"]
    assert run({}, side("n3w"), work="restore", sets=[{"label": "l"}])["obstacles"] == []


@pytest.mark.parametrize(
    ("past", "more", "done", "code"),
    [
        ({}, {"sets": []}, None, "set_not_found"),
        ({}, {}, False, ""),
        ({"serves_from": "l2"}, {}, True, ""),
        ({"served_from": "l2", "serves_from": ""}, {}, True, ""),
        ({"serves_from": "l1"}, {}, None, "target_not_blank"),
        ({"served_from": "l1"}, {}, None, "target_not_blank"),
        ({"serves_from": "l1"}, {"replace": True}, False, ""),
        ({"serves_from": "l2"}, {"replace": True}, False, ""),
        *(({"serves_from": junk}, {}, False, "") for junk in (7, None, ["l2"], {"label": 2}, True)),
    ],
)
def test_what_a_restore_goes_by(past: Any, more: Any, done: bool | None, code: str) -> None:
    found = run(
        {}, {**side("n3w"), "past": past}, work="restore", **{"sets": [{"label": "l1"}, {"label": "l2"}], **more}
    )
    assert (found.get("done"), found.get("code", ""), found.get("failed", False)) == (done, code, bool(code))


@pytest.mark.parametrize(
    ("needed", "past", "aliases", "code"),
    [
        ([True, False], {"cut_short": True}, ["a"], ""),
        ([False, True], {}, ["b"], ""),
        ([False, False], {}, [], ""),
        ([False, False], {"cut_short": True}, None, "conversion_unfinished"),
        ([False, False], {"cut_short": False}, [], ""),
        ([7, "junk"], {}, [], ""),
    ],
)
def test_what_a_conversion_goes_by(needed: Any, past: Any, aliases: Any, code: str) -> None:
    engines = {"a": "postgresql", "b": "mysql"}
    scans = [{"needed": say} for say in needed] + ["junk", {"needed": True}]
    found = run({}, {"past": past}, work="convert", engines=engines, scans=scans)
    assert (found.get("aliases"), found.get("code", ""), found.get("failed", False)) == (aliases, code, bool(code))
