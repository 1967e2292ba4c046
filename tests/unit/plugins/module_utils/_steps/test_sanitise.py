# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which databases may be sanitised, and what is noted of it: the original's never are."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseState
from ansible_collections.relocate.django.plugins.module_utils._record.keys import Event
from ansible_collections.relocate.django.plugins.module_utils._record.record import Record, read_record, update_record
from ansible_collections.relocate.django.plugins.module_utils._steps import sanitise

BOTH = {"default": "d1", "other": "d1"}
SERVED = Event("l1", "run", 1.0)
DONE: dict[str, Any] = {"tables": {}, "statements": {}, "unrecognised": {}, "notes": []}


class Stopwatch:
    """Measures nothing."""

    @contextlib.contextmanager
    def step(self, _name: str) -> Any:
        yield


class Site:
    """Two databases."""

    def __init__(self, *aliases: str) -> None:
        self.engines: Any = dict.fromkeys(aliases or ("default", "other"))
        self.project = self.secrets = None
        self.stopwatch = Stopwatch()


@pytest.mark.parametrize(
    ("record", "todo", "refused"),
    [
        (Record(), None, "did not come out of a backup set"),
        (Record(restored={"default": "d1"}), None, "other did not come out"),
        (Record(restored=BOTH), ["default", "other"], ""),
        (Record(restored=BOTH, sanitised={"default": "d1"}), ["other"], ""),
        # Of another set, before this one was restored.
        (Record(restored=BOTH, sanitised={"default": "d0", "other": "d1"}), ["default"], ""),
        (Record(restored=BOTH, moved=SERVED), None, "default has served"),
        (Record(restored=BOTH, served=SERVED), None, "default has served"),
        (Record(restored=BOTH, served_with=("other",)), None, "other has served"),
        (Record(restored=BOTH, sanitised=BOTH, moved=SERVED), [], ""),
    ],
)
def test_what_is_sanitised(record: Record, todo: Any, refused: str) -> None:
    if not refused:
        assert sanitise.wanted(Site(), record) == todo  # type: ignore[arg-type]
        return
    with pytest.raises(RelocateError, match=refused) as caught:
        sanitise.wanted(Site(), record)  # type: ignore[arg-type]
    assert caught.value.code == "not_a_clone"


@pytest.mark.parametrize(
    ("record", "clone", "refused"),
    [
        (Record(), False, False),
        (Record(restored=BOTH), False, False),
        (Record(restored=BOTH, moved=SERVED), False, True),
        (Record(served=SERVED), False, True),
        (Record(restored=BOTH, sanitised=BOTH, moved=SERVED), True, False),
        (Record(restored=BOTH, sanitised={"default": "d1"}, moved=SERVED), False, True),
    ],
)
def test_a_site_that_serves_is_no_clone(record: Record, clone: bool, refused: bool) -> None:
    assert sanitise.is_clone(record) is clone
    with pytest.raises(RelocateError, match="not as a clone") if refused else contextlib.nullcontext():
        sanitise.refuse_original(record)


def test_rules() -> None:
    plain = sanitise.rules_of({}, ["default"])
    assert (plain["builtin"], plain["unrecognised"], plain["sql"], plain["columns"]) == (True, "report", {}, {})
    given = {"sql": {"postgresql": "A", "default": ["B", "C"]}, "columns": {"s.t.c": "mask"}, "command": ["x", 1]}
    found = sanitise.rules_of(given, ["default"])
    assert found["sql"] == {"postgresql": ["A"], "default": ["B", "C"]} and found["command"] == ["x", "1"]
    for wrong in ({"columns": {"a.b": "mast"}}, {"columns": {"a": "mask"}}, {"sql": {"postgres": "A"}}):
        with pytest.raises(RelocateError, match="relocate_sanitise cannot have") as caught:
            sanitise.rules_of(wrong, ["default"])
        assert caught.value.code == "bad_option"


@pytest.mark.parametrize("fails", [False, True])
def test_what_is_noted(fails: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = str(tmp_path)
    update_record(directory, "shop", lambda _record: Record(restored=BOTH, sanitised={"other": "d1"}))
    meanwhile: list[Any] = []

    def run(_project: Any, _secrets: Any, request: Any) -> dict[str, Any]:
        meanwhile.append((request["aliases"], dict(read_record(directory, "shop").restored)))
        if fails:
            raise RelocateError("sanitise_failed", "no", "x")
        return {**DONE, "notes": []}

    monkeypatch.setattr(sanitise.sanitise, "sanitise", run)
    state = DatabaseState("m", large_objects=2)
    monkeypatch.setattr(sanitise, "state_of", lambda *_words: state)
    with pytest.raises(RelocateError) if fails else contextlib.nullcontext():
        told = sanitise.apply(Site(), directory, "shop", read_record(directory, "shop"), ["default"], {})  # type: ignore[arg-type]
        assert told["notes"] == ["database default: its large objects were not searched"]
    assert meanwhile == [(["default"], {"default": "sanitising", "other": "d1"})]
    after = read_record(directory, "shop")
    if fails:  # whoever comes next loads the set anew
        assert after.restored == {"default": "sanitising", "other": "d1"} and not sanitise.is_clone(after)
    else:
        assert after.restored == BOTH and sanitise.is_clone(after)
        assert after.migrated is not None and list(after.migrated.states) == ["default"]
