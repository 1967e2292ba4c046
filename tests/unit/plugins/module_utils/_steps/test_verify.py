# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What must hold before a site is switched on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.base import LIVE
from ansible_collections.relocate.django.plugins.module_utils._media import inventory
from ansible_collections.relocate.django.plugins.module_utils._model import SequenceState, as_plain
from ansible_collections.relocate.django.plugins.module_utils._steps import verify
from tests.unit.fakes import BLANK, FakeEngine, entry, manifest, refused, state
from tests.unit.records import given

BEHIND = SequenceState("public.b_id_seq", 5, True, "public.b", "id", 9)


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({}, state()),
        ({"migrated": None}, state()),
        ({"migrated": {"state": "applied", "states": {"default": as_plain(state(8))}}}, state(8)),
        ({"migrated": {"state": "applied", "states": {"other": as_plain(state(8))}}}, state()),
    ],
)
def test_expected_state(record: Any, expected: Any) -> None:
    assert verify.expected_state(manifest(), given(**record), "default") == expected


def test_a_sequence_that_was_advanced_is_expected_there() -> None:
    behind = state(sequences=(SequenceState("s", 5, True, "t", "id", 9),))
    expected = verify.expected_state(manifest(databases={"default": entry(state=behind)}), given(), "default")
    assert [item.last_value for item in expected.sequences] == [9]


def test_expected_state_refuses() -> None:
    with refused("migration_failed", "begun on this host and did not finish.*rebuilt from the backup set"):
        verify.expected_state(manifest(), given(migrated={"state": "begun"}), "default")
    with refused("unknown_alias", "holds no database other"):
        verify.expected_state(manifest(), given(), "other")


@pytest.mark.parametrize("fingerprints", [True, False])
@pytest.mark.parametrize(
    ("live", "expected"),
    [
        (state(), []),
        (state(4), ["database default: table public.b: recorded 3 rows, found 4 rows"]),
        (state(tables=state().tables[:1]), ["database default: table public.b: recorded 3 rows, found absent"]),
        (
            state(sequences=(BEHIND,)),
            [
                "database default: sequence public.b_id_seq: recorded 9, found 5",
                "database default: sequence public.b_id_seq is at 5, table public.b holds 9",
            ],
        ),
    ],
)
def test_compare(live: Any, fingerprints: bool, expected: list[str]) -> None:
    findings: list[str] = []
    engine: Any = FakeEngine(databases={LIVE: live})
    found, rows = verify.compare(engine, state(), fingerprints, findings)
    assert findings == expected
    assert (len(found.tables), [row["old"] for row in rows]) == (len(live.tables), [1, 3])
    assert rows[0]["fingerprint"] is fingerprints


@pytest.mark.parametrize(("fingerprints", "expected"), [(True, 2), (False, 0)])
def test_content_is_compared_when_asked_for(fingerprints: bool, expected: int) -> None:
    findings: list[str] = []
    engine: Any = FakeEngine(databases={LIVE: state(fingerprint="other", large_objects_fingerprint="9")})
    verify.compare(engine, state(), fingerprints, findings)
    assert len(findings) == expected


@pytest.mark.parametrize(
    ("tokens", "live", "counted", "expected"),
    [
        ({"label": "l", "aliases": {"default": str(state())}}, state(), False, []),
        ({"label": "l", "aliases": {"default": "another"}}, state(), True, []),  # as after a restart of the server
        ({"label": "m", "aliases": {"default": str(state())}}, state(), True, []),
        (None, state(), True, []),
        (
            {"label": "l", "aliases": {"default": str(state())}},
            state(4),
            True,
            ["database default: table public.b: recorded 3 rows, found 4 rows"],
        ),
    ],
)
def test_what_was_written_since_the_dump(tokens: Any, live: Any, counted: bool, expected: list[str]) -> None:
    engine: Any = FakeEngine(databases={LIVE: live})
    assert verify.written_since({"default": engine}, manifest(), given(marks=tokens), "l") == expected
    assert (("query", LIVE) in engine.calls) is counted


def test_an_emptied_database_does_not_crash() -> None:
    findings: list[str] = []
    engine: Any = FakeEngine(databases={LIVE: BLANK})
    _found, rows = verify.compare(engine, state(), True, findings)
    assert [row["new"] for row in rows] == [None, None]
    assert "database default: table public.a: recorded 1 rows, found absent" in findings


@pytest.mark.parametrize(
    ("table", "rows", "expected"),
    [
        ("b", 3, []),
        ("public.b", 3, []),
        ("b", 0, ["database default: model shop.B sees 0 rows, its table holds 3"]),
        ("absent", 0, []),  # unmanaged, or of another database
    ],
)
def test_models_without_rows(table: str, rows: int, expected: list[str]) -> None:
    counts = {"default": {"models": {"shop.B": {"table": table, "rows": rows}}}}
    assert verify.models_without_rows("default", counts, state()) == expected
    assert verify.models_without_rows("default", {}, state()) == []


def test_checks() -> None:
    findings: list[str] = ["before"]
    items = [
        {"level": "WARNING", "id": "security.W004", "msg": "no HSTS"},
        {"level": "ERROR", "id": "models.E001", "msg": "bad"},
        {"level": "critical", "id": None, "msg": "worse"},
        {"level": "INFO", "msg": "fine"},
    ]
    assert verify.checks(items, findings) == ["security.W004: no HSTS", "check: fine"]
    assert findings == ["before", "models.E001: bad", "check: worse"]


def test_media(tmp_path: Path) -> None:
    root = tmp_path / "media"
    root.mkdir()
    (root / "a.txt").write_text("abc")
    recorded = inventory.inventory(str(root))
    django = {"media_root": str(root)}
    assert verify.media({}, {}) == []
    assert verify.media(recorded, django) == []
    os.utime(root / "a.txt", (0, 0))
    (root / "a.txt").write_text("abd")
    os.utime(root / "a.txt", (1, 1))
    (text,) = verify.media(recorded, django)
    assert "holds 1 files, 3 bytes; recorded were 1 files, 3 bytes (same size, other content or times)" in text
    (root / "a.txt").unlink()
    assert "holds 0 files, 0 bytes; recorded were 1 files, 3 bytes" in verify.media(recorded, django)[0]
    for missing in ("", str(tmp_path / "none")):
        assert verify.media(recorded, {"media_root": missing}) == [
            f"MEDIA_ROOT {missing} is missing, 1 files were recorded"
        ]


def test_media_that_was_left_behind_is_noticed(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    for path in (old, new):
        path.mkdir()
    (old / "uploads").symlink_to("/mnt/bigdisk/uploads")
    django = {"media_root": str(new)}
    (text,) = verify.media(inventory.inventory(str(old)), django)
    assert text == "1 entries of MEDIA_ROOT cannot be moved: uploads: link leads out of MEDIA_ROOT"
    accepted = inventory.inventory(str(old), skip=["uploads"])
    assert verify.media(accepted, django) == []
    (new / "uploads").mkdir()
    (new / "uploads" / "x").touch()
    assert verify.media(accepted, django) == [], "what is accepted may be something else on new"
    assert verify.media({"unread": "a cannot be read"}, django) == [
        "MEDIA_ROOT could not be read on old: a cannot be read"
    ]
