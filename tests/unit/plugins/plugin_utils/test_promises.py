# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was measured is told as measured, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.plugin_utils import _promises
from tests.unit.plugins.plugin_utils.test_report import FAILED, MEASURED, MOVED, enriched


def status(**outcome: Any) -> dict[str, str]:
    return {item["promise"]: item["status"] for item in enriched(**outcome)["promises"]}


def without(path: str, value: Any = None) -> dict[str, Any]:
    """What was measured, but for one thing."""
    first, _dot, last = path.partition(".")
    inner = value if not last else {**MEASURED[first], last: value}  # type: ignore[dict-item]
    return {**MEASURED, first: inner}


def test_every_promise_is_listed_with_a_status() -> None:
    for outcome in (MOVED, FAILED, {**MOVED, "measured": {}}):
        assert list(status(**outcome)) == list(_promises.NAMES)
        assert set(status(**outcome).values()) <= {"measured", "partly", "not asked", "failed"}


@pytest.mark.parametrize(
    ("measured", "promise", "why"),
    [
        (without("answers", []), "answers", "relocate_answers is empty"),
        (without("still", ""), "still", "relocate_recheck is false"),
        (without("verify.media"), "media", "relocate_media is false"),
        (without("verify.settings", False), "settings", ""),
        (without("verify.checks"), "checks", ""),
        (without("verify.models"), "models", ""),
        ({**MEASURED, "restore": {}}, "content", "2 tables compared by count only: a, b"),
        ({**MEASURED, "restore": {}}, "schema", "no state of the schema was recorded on old"),
    ],
)
def test_what_was_not_measured_is_in_the_headline(measured: dict[str, Any], promise: str, why: str) -> None:
    """A login page that nobody asked, MEDIA that nobody compared: none is among the proven."""
    found = enriched(**{**MOVED, "measured": measured})["promises"]
    item = next(item for item in found if item["promise"] == promise)
    assert (item["status"], item["why"]) == ("not asked", why)
    proven, _semicolon, lacking = _promises.words(found).partition("; NOT asked: ")
    assert _promises.NAMES[promise] not in proven.removeprefix("proven: ").split(", ")
    assert f"{_promises.NAMES[promise]}" + (f" ({why})" if why else "") in lacking


def test_without_any_measurement_nothing_is_called_proven() -> None:
    assert set(status(**{**MOVED, "measured": {}, "stopped": []}).values()) == {"not asked"}
    assert "proven" not in _promises.words(enriched(**{**MOVED, "measured": {}})["promises"])


JUNK: list[Any] = ["", "x", 5, None, True, [], ["x"], [[]], [{}], {"x": 1}, {"default": "x"}, {"default": []}]
JUNK += [{"default": {"tables": -1, "rows": "x"}}, {"default": {"tables": 1, "rows": 1, "contents": 2, "sequences": 0}}]


@pytest.mark.parametrize("junk", JUNK, ids=str)
@pytest.mark.parametrize("key", ["restore", "verify", "still", "answers", "", "databases", "media"])
def test_what_a_host_makes_up_is_not_a_measurement(key: str, junk: Any) -> None:
    inner = key in ("databases", "media")
    measured = {"verify": {key: junk}} if inner else {key: junk} if key else junk
    found = enriched(**{**MOVED, "measured": measured})["promises"]
    numbers = {"still"} if key == "still" and junk == 5 else set()
    assert {item["promise"] for item in found if item["status"] in ("measured", "partly")} <= {"downtime"} | numbers
    assert "proven" not in _promises.words([item for item in found if item["promise"] not in numbers])


def test_figures_of_one_database_that_cannot_be_read_are_told() -> None:
    one = MEASURED["restore"]["default"]  # type: ignore[index]
    for measured in ({"restore": {"a": one, "b": "junk"}}, {"restore": {"a": one}, "verify": {"databases": {"b": 7}}}):
        found = {item["promise"]: item for item in enriched(**{**MOVED, "measured": measured})["promises"]}
        for name in ("rows", "sequences", "schema"):
            assert (found[name]["status"], found[name]["why"]) == ("partly", "not of b")
    restored_junk = {**MEASURED, "restore": {"default": "junk"}}
    assert status(**{**MOVED, "measured": restored_junk})["rows"] == "measured", "verify compared it"


@pytest.mark.parametrize("junk", [{}, {"root": 5}, {"root": "/m"}, {"root": "/m", "files": "x", "bytes": 1}])
def test_media_without_figures_is_not_proven(junk: Any) -> None:
    assert status(**{**MOVED, "measured": without("verify.media", junk)})["media"] == "not asked"


@pytest.mark.parametrize(
    ("outcome", "promise"),
    [
        ({"code": "site_silent"}, "answers"),
        ({"code": "data_differs"}, "rows"),
        ({"code": "sequence_behind"}, "sequences"),
        ({"code": "freeze_lost"}, "still"),
        ({"code": "not_proven", "broken": ["media"]}, "media"),
        ({"code": "not_proven", "broken": ["checks"]}, "checks"),
    ],
)
def test_the_promise_that_broke_is_failed(outcome: dict[str, Any], promise: str) -> None:
    found = status(**{**FAILED, "frozen_at": 5, **outcome})
    assert {name for name, word in found.items() if word == "failed"} == {promise}
    assert {word for name, word in found.items() if name != promise} == {"not asked"}


def test_several_databases_one_without_a_schema() -> None:
    one = MEASURED["restore"]["default"]  # type: ignore[index]
    two = {"tables": 1, "rows": 2, "contents": 1, "counted": [], "sequences": 0, "schema": None}
    found = {
        item["promise"]: item
        for item in enriched(**{**MOVED, "measured": {"restore": {"a": one, "b": two}}})["promises"]
    }
    assert found["rows"]["figures"] == "1,007 in 3 tables"
    assert (found["schema"]["status"], found["schema"]["why"]) == ("partly", "not of b")
    assert found["content"]["why"] == "1 table compared by count only: a: public.b"


def test_tables_that_nobody_wrote_to_are_named_as_such() -> None:
    one = {**MEASURED["restore"]["default"], "tables": 3, "contents": 1, "counted": ["a", "b"]}  # type: ignore[index]
    for unwritten, why in ((2, "2 tables not written to since the first copy"), (1, "2 tables compared by count only")):
        measured = {**MEASURED, "restore": {"default": {**one, "unwritten": unwritten}}}
        found = {item["promise"]: item for item in enriched(**{**MOVED, "measured": measured})["promises"]}["content"]
        assert (found["status"], found["figures"]) == ("partly", "fingerprints of 1 of 3 tables")
        assert found["why"].startswith(why)


def test_old_without_media_is_told_so() -> None:
    found = enriched(**{**MOVED, "measured": without("verify.media", {"root": None, "files": None})})["promises"]
    assert next(item for item in found if item["promise"] == "media")["figures"] == "old has none"
    skipped = without("verify.media", {"root": "/m", "files": 2, "bytes": 1, "skip": ["cache"]})
    found = enriched(**{**MOVED, "measured": skipped})["promises"]
    assert next(item for item in found if item["promise"] == "media")["status"] == "partly"


PLACES = {"who": "MEDIA", "old": "bucket a of https://s3.example.org", "new": "bucket b of https://s3.example.org"}
ONE = {**PLACES, "new": PLACES["old"], "relation": "same"}
OBJECTS = {"who": "MEDIA", "objects": "2000", "bytes": 3500000, "by_size": 0}


def media_of(stores: Any, copied: Any = None, root: Any = None) -> dict[str, Any]:
    """Return the promise about MEDIA."""
    on_disk = {"root": root, "files": 2 if root else None, "bytes": 7 if root else None}
    measured = {**without("verify.media", {**on_disk, "stores": stores}), "objects": copied}
    found = enriched(**{**MOVED, "measured": measured})["promises"]
    return next(item for item in found if item["promise"] == "media")


def test_media_in_a_bucket_of_both_sites_is_not_called_moved() -> None:
    """It was "old has none", measured; what lies on the disk besides is still compared."""
    found = media_of([ONE])
    assert (found["status"], found["figures"]) == ("not asked", "")
    assert found["why"] == "MEDIA lies in bucket a of https://s3.example.org, which both sites use: not moved"
    found = media_of([ONE], root="/srv/media")
    assert (found["status"], found["figures"][:7]) == ("partly", "2 files")


def test_media_that_went_from_one_place_to_another() -> None:
    """Only figures of a copy prove it."""
    pair = {**PLACES, "relation": "other"}
    found = media_of([pair], [OBJECTS])
    assert (found["status"], found["why"]) == ("measured", "")
    assert found["figures"].endswith(": 2,000 objects, 3.5 MB, equal by name, size and checksum")
    found = media_of([pair], [{**OBJECTS, "by_size": 3}])
    assert (found["status"], found["why"]) == ("partly", "3 objects without a checksum: by size only")
    for junk in (None, 7, [7], [{}], [{"who": "MEDIA"}], [{**OBJECTS, "objects": "x"}], [{**OBJECTS, "who": "y"}]):
        found = media_of([pair], junk)
        assert (found["status"], found["why"].endswith(": not copied")) == ("not asked", True)
    assert media_of(7)["figures"] == media_of([])["figures"] == "old has none"
