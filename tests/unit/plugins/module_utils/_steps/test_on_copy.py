# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Incoming on new: what is applied to a first copy is proven, or the whole dump is loaded."""

from __future__ import annotations

import functools
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.base import INCOMING
from ansible_collections.relocate.django.plugins.module_utils._record.record import RecordFile, update_record
from ansible_collections.relocate.django.plugins.module_utils._set import first_copy
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._steps import copies, measured, on_copy
from tests.unit.fakes import LABEL, entry, fake_site, manifest, me, refused
from tests.unit.plugins.module_utils._steps.engines import NEW, OLD, engine
from tests.unit.records import given

CAUGHT_UP = entry(state=NEW, catch_up="databases/default.catchup")


@pytest.mark.parametrize(
    ("options", "expected", "calls", "note"),
    [
        ({"databases": {INCOMING: OLD}, "applied": NEW}, NEW, ["apply", "query"], ""),
        ({"databases": {INCOMING: OLD}, "applied": OLD}, None, ["apply", "query", "drop"], "recorded 4 rows, found 3"),
        ({"databases": {INCOMING: OLD}, "fails": {"cannot_apply": 1}}, None, ["apply"], "it cannot be applied"),
        ({}, None, [], ""),  # incoming is gone
    ],
)
def test_a_catch_up_is_proven_or_given_up(
    tmp_path: Path, options: Any, expected: Any, calls: list[str], note: str
) -> None:
    one = engine(**options)
    found = on_copy.caught_up(one, BackupSet(str(tmp_path / LABEL)), CAUGHT_UP, NEW, copies.FULL)
    assert (found[0] if found else None, [call[0] for call in one.calls]) == (expected, calls)
    assert bool(one.context.notes) == bool(note) and note in "".join(one.context.notes)


def test_a_set_without_catch_up_is_loaded(tmp_path: Path) -> None:
    one = engine(databases={INCOMING: OLD})
    assert (
        on_copy.caught_up(one, BackupSet(str(tmp_path / LABEL)), entry(state=OLD), OLD, copies.FULL) is None
        and not one.calls
    )


def test_the_whole_is_the_dump_and_its_catch_up(tmp_path: Path) -> None:
    one = engine(loads=OLD, applied=NEW)
    found = on_copy.load_and_prove(one, BackupSet(str(tmp_path / LABEL)), CAUGHT_UP, NEW)
    assert found.state == NEW and [call[0] for call in one.calls] == ["load", "apply", "query"]
    assert len(found.tables) == 2 and not found.unwritten


@pytest.mark.parametrize("loaded", [True, False])
def test_the_bytes_of_old_are_counted_once_more(tmp_path: Path, loaded: bool) -> None:
    """What was found has the fingerprints of old, whatever this engine would have made of the rows."""
    other = replace(NEW, tables=tuple(replace(table, fingerprint="0") for table in NEW.tables))
    one = engine(loads=OLD, applied=other, applies_bytes=True, databases={INCOMING: OLD})
    act = on_copy.load_and_prove if loaded else functools.partial(on_copy.caught_up, proof=copies.CHANGED)
    found = act(one, BackupSet(str(tmp_path / LABEL)), CAUGHT_UP, NEW)
    assert found is not None and found.state == NEW and all(row["fingerprint"] for row in found.tables)
    assert not found.unwritten, "all bytes are known to be the same"
    one.applied = OLD
    if not loaded:
        assert on_copy.caught_up(one, BackupSet(str(tmp_path / LABEL)), CAUGHT_UP, NEW, copies.FULL) is None
        return
    with refused("data_differs", "recorded 4 rows, found 3"):
        act(one, BackupSet(str(tmp_path / LABEL)), CAUGHT_UP, NEW)


def test_content_is_read_of_what_changed(tmp_path: Path) -> None:
    """The state is told whole, since what is live is known by it later; the report says what was not read again."""
    one = engine(databases={INCOMING: OLD}, applied=NEW)
    found = on_copy.caught_up(one, BackupSet(str(tmp_path / LABEL)), CAUGHT_UP, NEW, copies.CHANGED)
    assert found is not None and (found.state, found.unwritten) == (NEW, {"public.a"})
    assert {row["table"]: row["fingerprint"] for row in found.tables} == {"public.a": False, "public.b": True}
    told = measured.database(NEW, found.state, found.unwritten)
    assert (told["tables"], told["contents"], told["counted"], told["unwritten"]) == (2, 1, ["public.a"], 1)


@pytest.mark.parametrize(("name", "found"), [("public.a", "found 2 rows"), ("public.b", "content of table public.b")])
def test_rows_of_all_tables_are_counted(tmp_path: Path, name: str, found: str) -> None:
    """Of a table that nobody wrote to another number is seen, and of one that changed other content."""
    worse = [replace(table, rows=table.rows + 1) if table.name == name == "public.a" else table for table in NEW.tables]
    worse = [replace(table, fingerprint="0") if table.name == name == "public.b" else table for table in worse]
    one = engine(databases={INCOMING: OLD}, applied=replace(NEW, tables=tuple(worse)))
    assert on_copy.caught_up(one, BackupSet(str(tmp_path / LABEL)), CAUGHT_UP, NEW, copies.CHANGED) is None
    assert found in "".join(one.context.notes)


def test_a_dump_alone_is_read_whole(tmp_path: Path) -> None:
    other = replace(NEW, tables=tuple(replace(table, fingerprint="0") for table in NEW.tables))
    one = engine(loads=other, applies_bytes=True)
    with refused("data_differs", "content of table"):
        on_copy.load_and_prove(one, BackupSet(str(tmp_path / LABEL)), entry(state=NEW), NEW)


def test_what_differs_in_the_end_is_refused(tmp_path: Path) -> None:
    one = engine(loads=OLD, applied=OLD)
    with refused("data_differs", "nothing was made live"):
        on_copy.load_and_prove(one, BackupSet(str(tmp_path / LABEL)), CAUGHT_UP, NEW)
    assert one.databases == {}


def test_a_copy_counts_once_and_for_its_set_alone(tmp_path: Path) -> None:
    backup = BackupSet.create(str(tmp_path), "shop", LABEL, me())
    digest = first_copy.write(backup, manifest(LABEL), {})
    update_record(str(tmp_path), "shop", lambda _latest: given(copied={"default": digest, "other": "0" * 64}))
    assert on_copy.ready(backup, RecordFile.read(str(tmp_path), "shop")) == {"default"}
    assert on_copy.ready(backup, RecordFile.read(str(tmp_path), "shop")) == set()


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_copy_that_nobody_needs_is_dropped(tmp_path: Path, check_mode: bool) -> None:
    one, other = engine(databases={INCOMING: OLD}), engine("other", databases={INCOMING: OLD})
    update_record(str(tmp_path), "shop", lambda _latest: given(copied={"default": "0" * 64}))
    kept = RecordFile.read(str(tmp_path), "shop")
    assert on_copy.drop(fake_site(tmp_path, one, other), kept, check_mode) == ["default"]
    # What no copy is noted of is not ours to drop.
    assert (INCOMING in one.databases, INCOMING in other.databases) == (check_mode, True)
    assert bool(RecordFile.read(str(tmp_path), "shop").record.copied) == check_mode


def test_a_copy_that_nothing_can_be_applied_to_is_not_noted(tmp_path: Path) -> None:
    kept = RecordFile.read(str(tmp_path), "shop")
    with refused("cannot_catch_up", "triggers cannot be put to sleep"):
        on_copy.note([engine(), engine("other", fails={"cannot_apply": 1})], kept, "0" * 64)
    assert not kept.record.copied
    on_copy.note([engine()], kept, "0" * 64)
    assert RecordFile.read(str(tmp_path), "shop").record.copied == {"default": "0" * 64}
