# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restore: what is refused before any write, all or nothing at the swap, and the way back."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.base import DISCARDED, INCOMING, LIVE, PREVIOUS
from ansible_collections.relocate.django.plugins.module_utils._host import facts as host_facts
from ansible_collections.relocate.django.plugins.module_utils._model import Difference, DumpFile, SequenceState
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._steps import measured, proof, restore, same_server
from ansible_collections.relocate.django.plugins.module_utils._steps import swap as steps_swap
from tests.unit.fakes import BLANK, LABEL, FakeEngine, entry, facts, fake_site, manifest, refused, state

OLD, NEW, OLDER = state(3), state(4), state(2)


def engine(alias: str = "default", **options: Any) -> Any:
    return FakeEngine(alias, **options)


# --- whose host, whose server


@pytest.mark.parametrize(
    ("mine", "system", "name", "allowed", "text"),
    [
        ("n3w", "server-2", "shop", False, ""),
        ("n3w", "server-1", "other", False, ""),
        ("n3w", "", "shop", False, ""),  # a server without identity
        ("0ld", "server-2", "shop", True, ""),
        ("0ld", "server-1", "other", True, ""),
        ("0ld", "server-1", "shop", True, "database default is the OLD one"),  # about the machine alone
        ("0ld", "", "shop", True, "database default is the OLD one"),
        ("0ld", "", "other", True, ""),
        ("0ld", "server-2", "shop", False, "refusing: this is the OLD host, old1 Next: correct the inventory"),
        ("n3w", "server-1", "shop", False, ""),  # a clone of the whole machine: its identity alone does not tell
    ],
)
def test_the_old_host_is_refused(
    monkeypatch: pytest.MonkeyPatch, mine: str, system: str, name: str, allowed: bool, text: str
) -> None:
    monkeypatch.setattr(host_facts, "machine_id", lambda: mine)
    one = engine(facts=replace(facts(), system_id=system), databases={LIVE: BLANK})
    recorded = manifest(databases={"default": entry(config=dict(entry().config, name=name))})
    if text:
        with refused("same_host", text):
            same_server.refuse_old_host(recorded, {"default": one}, allowed)
    else:
        same_server.refuse_old_host(recorded, {"default": one, "surplus": engine("surplus")}, allowed)
    same_server.refuse_old_host(recorded, {"default": one}, True, allow_same_database=True)


@pytest.mark.parametrize(
    ("here", "there", "same"),
    [
        (("db.example.com", 5432), ("db.example.com", 5432), True),
        (("db.example.com", 5432), ("db.example.com", None), True),  # the default, perhaps
        (("db.example.com", 5432), ("db.example.com", 5433), False),
        (("db.example.com", None), ("other.example.com", None), False),
        (("127.0.0.1", None), ("", None), False),  # local, of another machine
        (("db.example.com", None), ("", None), False),
    ],
)
def test_a_server_without_identity_is_told_by_its_address(
    monkeypatch: pytest.MonkeyPatch, here: Any, there: Any, same: bool
) -> None:
    monkeypatch.setattr(host_facts, "machine_id", lambda: "n3w")
    one = engine(facts=replace(facts(), system_id=""), place=here)
    recorded = manifest(databases={"default": entry(config=dict(entry().config, host=there[0], port=there[1]))})
    if not same:
        same_server.refuse_old_host(recorded, {"default": one}, False)
        return
    with refused("same_host", "database default is the OLD one.*allow_same_database"):
        same_server.refuse_old_host(recorded, {"default": one}, False)


# --- the plan


@pytest.mark.parametrize(
    ("live", "restored", "replaced", "done"),
    [
        (None, {}, False, False),
        (BLANK, {}, False, False),
        (OLD, {"default": "digest"}, False, True),
        (OLD, {"default": "another"}, False, False),  # ours, of an earlier set
        (OLD, {"default": "migrating"}, False, False),  # a migration died
        (OLD, {}, True, False),
        (BLANK, {"default": "digest"}, False, False),  # the settings name another database now
        (None, {"default": "digest"}, False, False),
        (OLD, {"default": "digest"}, True, True),
    ],
)
def test_plan(live: Any, restored: dict[str, str], replaced: bool, done: bool) -> None:
    site = fake_site("/x", engine(databases={} if live is None else {LIVE: live}))
    (step,) = restore.plan(site, manifest(), "digest", {"restored": restored}, replaced)
    assert (step.alias, step.done, step.entry) == ("default", done, manifest().databases["default"])


@pytest.mark.parametrize(
    ("one", "code", "text"),
    [
        (engine("other"), "unknown_alias", "holds no database other.*it holds: default"),
        (engine(name="sqlite"), "unsupported_engine", "default was fake on old and is sqlite on new.*same engine"),
        (
            engine(databases={LIVE: OLD}),
            "target_not_blank",
            "database default: target holds 2 tables.*set relocate_replace",
        ),
    ],
)
def test_plan_refuses(one: Any, code: str, text: str) -> None:
    with refused(code, text):
        restore.plan(fake_site("/x", one), manifest(), "digest", {}, False)
    assert one.calls == []


def test_an_empty_database_that_was_restored_is_done() -> None:
    recorded = manifest(databases={"default": entry(state=BLANK)})
    site = fake_site("/x", engine(databases={LIVE: BLANK}))
    assert restore.plan(site, recorded, "digest", {"restored": {"default": "digest"}}, False)[0].done


@pytest.mark.parametrize(
    ("chosen", "lacking"),
    [((), "analytics, logs"), (("default",), ""), (("default", "logs"), "logs")],
)
def test_no_database_of_the_set_is_passed_over(chosen: tuple[str, ...], lacking: str) -> None:
    recorded = manifest(databases={alias: entry(alias) for alias in ("logs", "default", "analytics")})
    site = fake_site("/x", engine())
    if not lacking:
        assert [step.alias for step in restore.plan(site, recorded, "digest", {}, False, chosen)] == ["default"]
        return
    with refused("unknown_alias", f"settings of new lack, or merge with another one: {lacking} Next: .*on purpose"):
        restore.plan(site, recorded, "digest", {}, False, chosen)


# --- load and prove


def test_load_and_prove(tmp_path: Path) -> None:
    one = engine(loads=OLD)
    found, rows = restore.load_and_prove(one, BackupSet(str(tmp_path / LABEL)), entry(state=OLD), OLD)
    assert found == OLD
    assert one.method == "fake-1"
    assert one.calls[0] == ("load", str(tmp_path / LABEL / "databases"), "default.fakedump")
    assert rows == [
        {"table": "public.a", "old": 1, "new": 1, "fingerprint": True},
        {"table": "public.b", "old": 3, "new": 3, "fingerprint": True},
    ]


BEHIND = dataclasses.replace(OLD, sequences=(SequenceState("s", 5, True, "t", "id", 9),))


def test_sequences_are_advanced_when_that_is_wished(tmp_path: Path) -> None:
    """Before the proof, which then expects them there; and a load that advanced nothing does not pass."""
    one = engine(loads=BEHIND)
    wanted = restore.expected(BEHIND, advance=True)
    found, _rows = restore.load_and_prove(one, BackupSet(str(tmp_path / LABEL)), entry(state=BEHIND), wanted)
    assert [call[0] for call in one.calls][:2] == ["load", "advance_sequences"]
    assert (found.sequences[0].last_value, proof.check_sequences("default", found)) == (9, None)
    assert one.context.notes == ["database default: sequence s was at 5, and table t holds 9: it is advanced to 9"]
    assert measured.database(BEHIND, found)["advanced"] == 1


def test_sequences_are_kept_by_default(tmp_path: Path) -> None:
    one = engine(loads=BEHIND)
    wanted = restore.expected(BEHIND, advance=False)
    found, _rows = restore.load_and_prove(one, BackupSet(str(tmp_path / LABEL)), entry(state=BEHIND), wanted)
    assert (found, "advance_sequences" in [call[0] for call in one.calls], one.context.notes) == (BEHIND, False, [])
    assert proof.check_sequences("default", found)


def test_other_data_is_dropped_and_told(tmp_path: Path) -> None:
    one = engine(loads=NEW, databases={LIVE: OLDER})
    with refused(
        "data_differs", "default differs.*table public.b: recorded 3 rows, found 4 rows.*nothing was made live"
    ) as at:
        restore.load_and_prove(one, BackupSet(str(tmp_path / LABEL)), entry(state=OLD), OLD)
    assert one.databases == {LIVE: OLDER}
    assert at.value.details == {"differences": ["table public.b: recorded 3 rows, found 4 rows"]}


@pytest.mark.parametrize("path", ["databases/../../../etc/passwd", "databases//etc/passwd", "databases/", "x"])
def test_a_dump_that_lies_elsewhere_is_not_loaded(tmp_path: Path, path: str) -> None:
    one = engine()
    with refused("path_refused", "leads out of the backup set"):
        restore.load_and_prove(one, BackupSet(str(tmp_path / LABEL)), entry(dump=DumpFile(path, "x")), OLD)
    assert one.calls == []


def test_many_differences_are_shown_in_part() -> None:
    many = [Difference("table", f"t{number}", "1 rows", "2 rows") for number in range(12)]
    error = proof.differs("default", many)
    assert error.code == "data_differs"
    assert "table t9:" in error.msg
    assert "t10" not in error.msg
    assert error.msg.endswith("; ...")
    assert len(error.details["differences"]) == 12


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (OLD, [(1, True), (3, True)]),
        (NEW, [(1, True), (4, True)]),
        (state(3, "other"), [(1, True), (3, False)]),
        (state(3, ""), [(1, True), (3, False)]),
        (state(tables=state().tables[:1]), [(1, True), (None, False)]),
        (BLANK, [(None, False), (None, False)]),
    ],
)
def test_table_rows(found: Any, expected: list[tuple[Any, bool]]) -> None:
    assert [(row["new"], row["fingerprint"]) for row in proof.table_rows(OLD, found)] == expected


# --- the swap: all or none


def loaded(alias: str, **options: Any) -> Any:
    return engine(alias, databases={LIVE: OLD, INCOMING: NEW}, **options)


def swap_all(engines: list[Any]) -> None:
    steps_swap.swap_all([steps_swap.Swap(one, PREVIOUS) for one in engines])


def test_swap_all() -> None:
    engines = [loaded("a"), loaded("b")]
    swap_all(engines)
    assert [one.databases for one in engines] == [{LIVE: NEW, PREVIOUS: OLD}] * 2


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_a_swap_that_fails_takes_back_those_before_it(failing: int) -> None:
    engines = [loaded(alias, fails={"swap": 1} if number == failing else {}) for number, alias in enumerate("abc")]
    with refused("swap_failed", f"{'abc'[failing]} cannot swap Next: look at it"):
        swap_all(engines)
    assert [one.databases for one in engines] == [{LIVE: OLD, INCOMING: NEW}] * 3


def test_an_interrupt_takes_back_too(monkeypatch: pytest.MonkeyPatch) -> None:
    engines = [loaded("a"), loaded("b")]

    def interrupted(*_args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(engines[1], "swap", interrupted)
    with pytest.raises(KeyboardInterrupt):
        swap_all(engines)
    assert engines[0].databases == {LIVE: OLD, INCOMING: NEW}


def test_a_swap_that_cannot_be_taken_back_is_told() -> None:
    engines = [loaded("a"), loaded("b", fails={"swap": 2}), loaded("c", fails={"swap": 1})]
    text = "c cannot swap.*may be swapped and could not be taken back: b Next: run again"
    with refused("swap_failed", text):
        swap_all(engines)
    assert engines[0].databases == {LIVE: OLD, INCOMING: NEW}
    assert engines[1].databases == {LIVE: NEW, PREVIOUS: OLD}


def test_a_swap_that_was_made_although_it_failed_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    engines = [loaded("a"), loaded("b")]
    swap = engines[1].swap

    def lost(*args: str) -> None:
        swap(*args)
        if args == (INCOMING, PREVIOUS):
            raise restore.RelocateError("server_unreachable", "the answer is lost")

    monkeypatch.setattr(engines[1], "swap", lost)
    with refused("server_unreachable", "the answer is lost"):
        swap_all(engines)
    assert [one.databases for one in engines] == [{LIVE: OLD, INCOMING: NEW}] * 2


def test_what_stands_in_the_way_is_not_taken_for_a_swap() -> None:
    one = engine("a", databases={LIVE: OLD, INCOMING: NEW, PREVIOUS: OLDER})
    with refused("swap_failed", "database a: there is a previous one already"):
        steps_swap.prepare_swap(steps_swap.Swap(one, PREVIOUS))
    with refused("swap_failed", "previous exists"):
        swap_all([one])
    assert one.databases == {LIVE: OLD, INCOMING: NEW, PREVIOUS: OLDER}


@pytest.mark.parametrize(
    ("databases", "aside", "left"),
    [
        ({LIVE: OLD, DISCARDED: OLDER}, DISCARDED, {LIVE: OLD}),
        ({LIVE: OLD, PREVIOUS: BLANK}, PREVIOUS, {LIVE: OLD}),
        ({LIVE: OLD, PREVIOUS: OLDER}, DISCARDED, {LIVE: OLD, PREVIOUS: OLDER}),
        ({}, PREVIOUS, {LIVE: BLANK}),  # so that the swap can be told, and taken back
    ],
)
def test_a_swap_is_prepared(databases: Any, aside: str, left: Any) -> None:
    one = engine("a", databases=dict(databases))
    steps_swap.prepare_swap(steps_swap.Swap(one, aside))
    assert one.databases == left


@pytest.mark.parametrize("failing", [False, True])
def test_incoming_is_dropped_when_something_failed(failing: bool) -> None:
    engines = [loaded("a", fails={"drop": 1}), loaded("b"), engine("c", databases={LIVE: OLD})]
    if not failing:
        with steps_swap.incoming_dropped_on_failure(engines):
            pass
        assert INCOMING in engines[1].databases
        return
    with refused("load_failed", "the cause"), steps_swap.incoming_dropped_on_failure(engines):
        raise restore.RelocateError("load_failed", "the cause")
    assert [INCOMING in one.databases for one in engines] == [True, False, False]  # the first could not


# --- what was put aside


@pytest.mark.parametrize(
    ("databases", "aside", "left"),
    [
        ({LIVE: NEW}, PREVIOUS, {LIVE: NEW}),
        ({LIVE: NEW, PREVIOUS: BLANK}, PREVIOUS, {LIVE: NEW}),
        ({LIVE: NEW, PREVIOUS: OLD}, PREVIOUS, {LIVE: NEW, PREVIOUS: OLD}),
        ({LIVE: NEW, DISCARDED: OLD, PREVIOUS: OLDER}, DISCARDED, {LIVE: NEW, PREVIOUS: OLDER}),
        ({LIVE: NEW, DISCARDED: OLD, PREVIOUS: BLANK}, DISCARDED, {LIVE: NEW}),
    ],
)
def test_only_what_is_worthless_is_cleared_up(databases: Any, aside: str, left: Any) -> None:
    one = engine(databases=dict(databases))
    assert steps_swap.clear_up([steps_swap.Swap(one, aside)]) == []
    assert one.databases == left


def test_what_cannot_be_dropped_after_the_swap_is_told_and_no_failure() -> None:
    one = engine(databases={LIVE: NEW, DISCARDED: OLD}, fails={"drop": 1})
    (line,) = steps_swap.clear_up([steps_swap.Swap(one, DISCARDED)])
    assert line == "database default: the discarded one could not be dropped: default cannot drop"


def swapped(alias: str, **options: Any) -> Any:
    return engine(alias, databases={LIVE: NEW, PREVIOUS: OLD}, **options)


def go_back(engines: list[Any]) -> list[str]:
    return steps_swap.roll_back(engines, steps_swap.to_roll_back(engines, {}), lambda: None)


def test_roll_back() -> None:
    engines = [swapped("a"), swapped("b")]
    assert go_back(engines) == []
    assert [one.databases for one in engines] == [{LIVE: OLD}] * 2


def test_roll_back_is_refused_when_one_has_no_previous() -> None:
    engines = [swapped("a"), engine("b", databases={LIVE: NEW}), engine("c")]
    with refused("no_previous", "no previous database of: b, c Next: restore an older backup set instead"):
        go_back(engines)
    assert [call for one in engines for call in one.calls] == [("query", PREVIOUS)]


def test_roll_back_of_all_or_none() -> None:
    engines = [swapped("a"), swapped("b", fails={"swap": 1})]
    with refused("swap_failed", "b cannot swap"):
        go_back(engines)
    assert [one.databases for one in engines] == [{LIVE: NEW, PREVIOUS: OLD}] * 2


@pytest.mark.parametrize(
    ("last", "called", "text"),
    [
        (9, True, ""),
        (5, True, "database d: sequence s is at 5, table t holds 9"),
        (9, False, "sequence s is at 9, table t holds 9"),
        (None, True, "sequence s is at None, table t holds 9"),
    ],
)
def test_check_sequences(last: int | None, called: bool, text: str) -> None:
    error = proof.check_sequences("d", state(sequences=(SequenceState("s", last, called, "t", "id", 9),)))
    if not text:
        assert error is None
        return
    assert error is not None
    assert (error.code, text in error.msg, "sqlsequencereset" in error.hint) == ("sequence_behind", True, True)


@pytest.mark.parametrize("fingerprints", [True, False])
def test_state_of_counts_by_the_recorded_method(fingerprints: bool) -> None:
    one = engine(databases={LIVE: OLD})
    found = proof.state_of(one, LIVE, "fake-0", fingerprints)
    assert one.method == "fake-0"
    assert (found == OLD) is fingerprints
