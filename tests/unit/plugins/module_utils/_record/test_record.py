# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The record of a site on its host."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._record import keys, record
from ansible_collections.relocate.django.plugins.module_utils._record.record import Change, Record
from tests.unit.fakes import refused
from tests.unit.records import given, note, noted


@pytest.mark.parametrize("name", ["shop", "a", "Shop-1.example_x", "1", "a" * 64])
def test_site_names(name: str) -> None:
    assert record.check_site_name(name) == name


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "-a", "a b", "a\n", "é", "a" * 65, "$x", ".x", "a\0"])
def test_site_names_that_are_refused(name: str) -> None:
    with refused("bad_option", "cannot be a site's name.*set relocate_site to letters, digits"):
        record.check_site_name(name)


# --- on disk


def test_record_is_merged_and_private(tmp_path: Path) -> None:
    directory = str(tmp_path / "work")
    assert record.read_record(directory, "shop") == Record()
    note(directory, restored={"default": "x"}, moved={"label": "l"})
    retired = keys.Event("m")
    told = record.update_record(directory, "shop", lambda latest: replace(latest, moved=None, retired=retired))
    assert told == record.read_record(directory, "shop") == Record(restored={"default": "x"}, retired=retired)
    assert noted(directory) == {"restored": {"default": "x"}, "retired": {"label": "m"}}
    assert record.read_record(directory, "other") == Record()
    assert stat.S_IMODE(os.stat(f"{directory}/shop.json").st_mode) == 0o600
    assert os.listdir(directory) == ["shop.json"]


#: One of each key, as a version wrote it that left nothing out.
FULL: dict[str, Any] = {
    "restored": {"default": "d"},
    "places": {"default": "sqlite:::/x"},
    "begun": {
        "default": {
            "digest": "d",
            "aside": "previous",
            "method": "m",
            "state": "s",
            "place": "p",
            "converted": {"tables": []},
        }
    },
    "rolling": ["default"],
    "migrated": {"state": "applied", "states": {"default": {"tables": []}}},
    "moved": {"label": "l", "run": "r", "at": 1},
    "served": {"label": "l", "run": "r", "at": 1},
    "served_with": ["default"],
    "freeze": {
        "label": "l",
        "run": "r",
        "at": 1.5,
        "boot": "b",
        "monotonic": 2,
        "limit": 3,
        "units": [{"name": "web.service", "active": True, "enabled": True, "source": "/srv/web.service"}],
        "held": True,
        "earlier": {"label": "k", "units": [{"name": "a.service", "active": True, "enabled": True, "source": "/a"}]},
    },
    "retired": {"label": "l", "run": "r", "at": 1},
    "cron_silenced": ["/etc/cron.d/shop", "shop"],
    "cron_added": ["shop"],
    "maintenance": "/etc/nginx/conf.d/x.conf",
    "forward": {
        "to": "192.0.2.7",
        "at": 1.5,
        "server": "nginx.service",
        "files": {"/x": "text"},
        "sockets": ["a.socket"],
    },
    "sequence": 4,
    "set_times": {"l": 1.5},
    "found_equal": {"l": {"digest": "d", "at": 1}},
    "pushed": {"l": "d"},
    "marks": {"label": "l", "aliases": {"default": "sign"}},
    "media": {"path": "/srv/media", "foreign": True, "given": [33]},
    "media_restored": "d",
    "media_filled": ["s3/shop/media"],
    "neighbours": {"CELERY_BROKER_URL": "d"},
    "sanitised": {"default": "d1"},
    "copied": {"default": "d"},
    "upgrade": {
        "state": "begun",
        "label": "l",
        "before": "1" * 40,
        "branch": "main",
        "after": "2" * 40,
        "top": "/srv/shop",
        "owner": "shop",
        "venv": "/srv/shop/.venv",
        "kept": ".venv.relocate-before",
        "built": ".venv.relocate-222222222222",
        "marks": {"default": {"token": "t", "method": "m", "digest": "d", "kept": True}},
        "noted": {"restored": {"default": "d"}},
    },
    "grant": {"login": "root", "path": "/root/.ssh/authorized_keys", "made": "file"},
}


def test_every_key_is_written_and_read(tmp_path: Path) -> None:
    assert set(FULL) == {one.name for one in fields(Record)} - {"others"}
    (tmp_path / "shop.json").write_text(json.dumps(FULL))
    read = record.read_record(str(tmp_path), "shop")
    assert record.as_plain(read) == FULL
    blank = Record()
    assert [one.name for one in fields(Record) if getattr(read, one.name) == getattr(blank, one.name)] == ["others"]


@pytest.mark.parametrize("key", FULL)
def test_a_key_with_less_in_it_than_today_is_read(key: str) -> None:
    """As an earlier version wrote it, or a later one with more."""
    value: Any = {} if isinstance(FULL[key], dict) else FULL[key]
    if key in ("begun", "freeze"):
        value = {"default": {"digest": "d", "aside": "previous"}} if key == "begun" else {"units": [{"name": "a"}]}
    read = record.from_plain({key: value, "later": {"x": [1]}})
    assert record.as_plain(read)["later"] == {"x": [1]}, "what another version noted is kept"
    more = (
        {**FULL[key], "later": 1}
        if isinstance(FULL[key], dict)
        and key not in ("restored", "places", "neighbours", "copied", "sanitised", "set_times", "found_equal", "pushed")
        else FULL[key]
    )
    assert key == "begun" or record.from_plain({key: more}) == record.from_plain({key: FULL[key]})
    assert record.from_plain({key: None}) == Record()


def test_an_empty_event_says_nothing_but_an_earlier_freeze_does() -> None:
    assert given(moved={}, retired={}, freeze={}, grant={}) == Record()
    kept = given(retired={"at": 1}, freeze={"at": 1, "earlier": {}})
    assert not kept.is_retired() and record.from_plain(record.as_plain(kept)) == kept


@pytest.mark.parametrize("content", [b"{", b"", b"\xff\xfe", b'{"restored": 1}', b'{"moved": {"at": "x"}}'])
def test_a_broken_record_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "shop.json").write_bytes(content)
    with refused("work_directory", "record of site shop.*cannot be read.*then remove it"):
        record.read_record(str(tmp_path), "shop")


@pytest.mark.parametrize("key", FULL)
@pytest.mark.parametrize("junk", [True, 7.5, ["x", 1], {"label": 1}, {"default": [1]}, "x"], ids=str)
def test_a_value_of_another_kind_is_never_taken_for_none(key: str, junk: Any) -> None:
    try:
        read = record.from_plain({key: junk})
    except ValueError:
        return
    assert getattr(read, key) or junk == {"default": [1]}, "only an unknown key within an object may be passed over"


def test_a_record_of_another_shape_is_empty(tmp_path: Path) -> None:
    (tmp_path / "shop.json").write_text("[1]")
    assert record.read_record(str(tmp_path), "shop") == Record()
    (tmp_path / "file").write_text("")
    assert record.read_record(str(tmp_path / "file"), "shop") == Record()


# --- changes


def test_a_change_leaves_alone_what_it_is_not_about(tmp_path: Path) -> None:
    note(tmp_path, restored={"default": "x"}, sequence=1)
    kept = record.RecordFile.read(str(tmp_path), "shop")
    note(tmp_path, sequence=2, moved={"label": "l"})  # by somebody else meanwhile
    kept.write(replace(kept.record, restored={}))
    assert kept.record == given(sequence=2, moved={"label": "l"})
    assert noted(tmp_path) == {"sequence": 2, "moved": {"label": "l"}}
    before = (tmp_path / "shop.json").stat().st_ino
    kept.write(kept.record)
    assert (tmp_path / "shop.json").stat().st_ino == before, "nothing to write"


def test_a_change_is_taken_back() -> None:
    before, after = given(moved={"label": "l"}), given(served={"label": "l"})
    change = Change(before, after)
    latest = replace(before, sequence=5)
    assert change and not Change(after, after)
    assert change.taken_back()(change(latest)) == latest


# --- questions

LABEL = {"label": "l"}


@pytest.mark.parametrize(
    ("held", "true"),
    [
        ({}, ""),
        ({"moved": LABEL}, "has_served has_served_with"),
        ({"served": LABEL}, "has_served has_served_with"),
        ({"served_with": ["default"]}, "has_served_with"),
        ({"served_with": ["other"]}, ""),
        ({"freeze": LABEL}, "is_stopped"),
        ({"freeze": {**LABEL, "held": True}}, "is_stopped is_held serves_elsewhere"),
        ({"retired": LABEL}, "is_stopped is_retired serves_elsewhere"),
        ({"retired": LABEL, "freeze": LABEL}, "is_stopped is_retired serves_elsewhere"),
        ({"retired": LABEL, "freeze": {**LABEL, "earlier": {}}}, "is_stopped serves_elsewhere"),
        (
            {"retired": {"at": 2}, "moved": {"at": 1}},
            "has_served has_served_with is_stopped is_retired serves_elsewhere",
        ),
        ({"migrated": {"state": "begun"}}, "migrations_unfinished"),
        ({"migrated": {"state": "applied"}}, ""),
    ],
)
def test_questions(held: dict[str, Any], true: str) -> None:
    one = given(**held)
    names = ("has_served", "is_stopped", "is_held", "is_retired", "serves_elsewhere", "migrations_unfinished")
    answers = {name for name in names if getattr(one, name)()}
    answers |= {"has_served_with"} if one.has_served_with("default") else set()
    assert answers == set(true.split())


@pytest.mark.parametrize(
    ("label", "run", "own"), [("l", "r", True), ("", "", True), ("m", "r", False), ("l", "s", False)]
)
def test_whose_a_freeze_is(label: str, run: str, own: bool) -> None:
    assert given(freeze={"label": "l", "run": "r"}).is_frozen_by(run, label) is own
    assert given().is_frozen_by("r") is False


def test_what_the_playbooks_are_told() -> None:
    assert record.from_plain(FULL).told() == {
        "serves_from": "l",
        "served": True,
        "served_from": "l",
        "retired": True,
        "retired_by": "l",
        "held_for": "l",
        "cut_short": False,
        "ran": ["web.service", "a.service"],
        "enabled": ["web.service", "a.service"],
    }
    assert given().told() == {
        **dict.fromkeys(("serves_from", "served_from", "retired_by", "held_for"), ""),
        **dict.fromkeys(("served", "retired", "cut_short"), False),
        "ran": [],
        "enabled": [],
    }
    cut = given(freeze={"label": "l", "units": [{"name": "a", "enabled": True}]}).told()
    assert (cut["cut_short"], cut["held_for"], cut["ran"], cut["enabled"]) == (True, "", [], ["a"])
