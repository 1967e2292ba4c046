# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which databases may be sanitised, and what is noted of it: the original's never are."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils import _site
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseConfig, DatabaseState
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


class Engine:
    """A database where the settings have it."""

    def __init__(self, alias: str) -> None:
        self.config = DatabaseConfig(alias, "sqlite", "b", f"/srv/{alias}", host="", port=None)


class Site:
    """Two databases."""

    def __init__(self, *aliases: str) -> None:
        self.engines: Any = {alias: Engine(alias) for alias in aliases or ("default", "other")}
        self.others: list[str] = []
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
        (Record(restored=BOTH, places={"default": "sqlite:::/srv/default"}), ["default", "other"], ""),
        # The settings named another database then.
        (Record(restored=BOTH, places={"default": "sqlite:::/srv/clone"}), None, "default did not come out"),
        (Record(restored=BOTH, sanitised=BOTH, places={"other": "sqlite:::/x"}), None, "other did not come out"),
        (Record(restored={**BOTH, "default": "sanitising"}), None, "default was left half sanitised"),
        (Record(restored=dict.fromkeys(BOTH, "sanitising"), sanitised=dict.fromkeys(BOTH, "sanitising")), None, "half"),
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


def test_a_database_that_takes_no_part_is_refused_unless_somebody_accepts_it() -> None:
    """It is the original's: the settings came with the set."""
    site: Any = Site()
    sanitise.refuse_others(site, sanitise.rules_of({}, []))
    site.others = ["archive", "legacy"]
    sanitise.refuse_others(site, sanitise.rules_of({"others": ["archive", "legacy"]}, []))
    with pytest.raises(
        RelocateError, match="neither restored nor sanitised here: legacy Next: .*relocate_aliases"
    ) as no:
        sanitise.refuse_others(site, sanitise.rules_of({"others": ["archive"]}, []))
    assert no.value.code == "not_sanitised"


def raw(alias: str, host: str = "", **more: str) -> dict[str, Any]:
    """Give an alias as the probe tells it."""
    known = {"vendor": "postgresql", "backend": "x", "name": alias, "port": "", "same_as": "", "test_mirror": ""}
    return {"alias": alias, "host": host, **known, **more}


@pytest.mark.parametrize(
    ("others", "found"),
    [
        ([raw("legacy")], ["legacy"]),
        ([raw("again", name="default", same_as="default")], []),
        ([raw("memory", vendor="sqlite", name=":memory:")], []),
        # By its mirror it is default in tests, and a replica of the original's elsewhere.
        ([raw("replica", "r1", name="default", same_as="default", test_mirror="default")], ["replica"]),
        ([raw("replica", name="default", same_as="default", test_mirror="default")], []),
    ],
)
def test_which_databases_take_no_part(others: list[Any], found: list[str]) -> None:
    assert _site._others([raw("default"), *others], [raw("default")]) == found


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
