# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Models whose key is several columns (CompositePrimaryKey): in each format, as plain Django has them, and merged."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._fixtures import venv_write_objects
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_rows import FixtureError
from tests.unit.plugins.module_utils._fixtures import formats

FORMS = ("json", "jsonl", "xml", "yaml")
formats.begin()


@pytest.fixture(name="pieces")
def _pieces() -> list[Any]:
    """Nine pieces of three labels."""
    from tests.unit.plugins.module_utils._fixtures.formats.models import Label, Piece

    formats.clear("default")
    labels = [Label.objects.create(pk=key, name=f"n{key}") for key in (3, 1, 2)]
    return [Piece.objects.create(label=one, number=key, text=f"{key}") for one in labels for key in (30, 10, 20)]


@pytest.mark.parametrize("natural", [False, True], ids=["by key", "by natural key"])
@pytest.mark.parametrize("form", FORMS)
def test_each_reads_the_others(pieces: list[Any], monkeypatch: pytest.MonkeyPatch, form: str, natural: bool) -> None:
    """Ours by us and by plain Django, and plain Django's by us; page after page."""
    from django.core import serializers

    monkeypatch.setattr(venv_write_objects, "PAGE", 2)
    before = formats.rows("default")
    ours = formats.written(form, natural_foreign=natural)
    assert formats.load(form, ours)["formats.Piece"]["objects"] == 9
    assert formats.rows("other") == before
    formats.load_plainly(form, ours)
    assert formats.rows("other") == before
    plain = serializers.serialize(form, [*{one.label for one in pieces}, *pieces], use_natural_foreign_keys=natural)
    formats.load(form, plain.encode())
    assert formats.rows("other") == before


@pytest.mark.parametrize("form", [*FORMS, "lines"])
def test_merged(pieces: list[Any], form: str) -> None:
    """One is new, one is changed, the others are left; once more, and all are."""
    from tests.unit.plugins.module_utils._fixtures.formats.models import Piece

    content = formats.lines() if form == "lines" else formats.written(form)
    formats.clear("other")
    formats.merge(form, content)
    assert formats.rows("other") == formats.rows("default")
    there = Piece.objects.using("other")
    there.filter(label=1, number=10).delete()
    there.filter(label=2, number=10).update(text="other")
    done = formats.merge(form, content)
    assert done.counts["formats.Piece"] == {"inserted": 1, "updated": 1, "left": 7, "deleted": 0}
    told = {row["pk"]: row for row in done.rows if row["model"] == "formats.Piece"}
    assert (told["[1, 10]"]["action"], told["[2, 10]"]["fields"]) == ("inserted", ["text"])
    again = formats.merge(form, content)
    assert again.counts["formats.Piece"] == {"inserted": 0, "updated": 0, "left": 9, "deleted": 0}
    assert formats.rows("other") == formats.rows("default")


@pytest.mark.usefixtures("pieces")
def test_some_by_their_keys() -> None:
    found = formats.lines(keys=["[1, 10]", "[3, 30]"], models=("formats.Piece",)).decode().splitlines()
    assert [json.loads(line) for line in found if line.startswith("[")] == [[1, 10, "10", None], [3, 30, "30", None]]
    for wrong in ("1", "[1]", '[1, "x"]', "[1, 2, 3]", "nonsense"):
        with pytest.raises(FixtureError) as caught:
            formats.lines(keys=[wrong], models=("formats.Piece",))
        assert (caught.value.code, "a list of label, number" in caught.value.hint) == ("bad_option", True)


def piece(pk: Any, **fields: Any) -> bytes:
    label = {"model": "formats.label", "pk": 1, "fields": {"name": "n"}}
    return json.dumps([label, {"model": "formats.piece", "pk": pk, "fields": fields}]).encode()


def test_the_key_or_the_fields() -> None:
    """Either gives the key, as with plain Django; both may, if they are the same."""
    for content in (piece([1, 5]), piece(None, label=1, number=5), piece([1, "5"], label=1, number=5)):
        formats.load("json", content)
        assert formats.rows("other")["formats.Piece"] == [[1, 5, "", None]]
        formats.clear("other")
        formats.merge("json", content)
        assert formats.rows("other")["formats.Piece"] == [[1, 5, "", None]]


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (piece([1, 5], number=6), "fixture_invalid", "formats.Piece [1, 5] has another key in its field number"),
        (piece(1, number=6), "fixture_invalid", "the key holds a number: not a list of label, number"),
        (piece([1]), "fixture_invalid", "the key holds a list: not a list of label, number"),
        (piece(None, label=1), "fixture_invalid", "lacks the field number"),
        (piece([1, "x"]), "fixture_invalid", "number holds a text: not an integer"),
        (piece([77, 5]), "reference_missing", "formats.Piece [77, 5]: label refers to formats.Label 77"),
        (piece([1, 5], thing="x"), "reference_missing", "formats.Piece [1, 5]: thing refers to formats.Thing x"),
    ],
)
@pytest.mark.parametrize("merged", [False, True], ids=["load", "merge"])
def test_what_is_refused(content: bytes, code: str, words: str, merged: bool) -> None:
    formats.clear("other")
    with pytest.raises(FixtureError) as caught:
        (formats.merge if merged else formats.load)("json", content)
    assert (caught.value.code, words in caught.value.msg) == (code, True), caught.value.msg
