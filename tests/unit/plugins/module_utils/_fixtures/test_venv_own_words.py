# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fields of a project's own: written as plain dumpdata writes them, read back before anything is called written."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._fixtures import venv_dialect, venv_write_objects
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_rows import FixtureError
from tests.unit.plugins.module_utils._fixtures import formats

FORMS = ("json", "jsonl", "xml", "yaml")
formats.begin()


def fill(**fields: Any) -> None:
    """Make three parcels, one within another."""
    from tests.unit.plugins.module_utils._fixtures.formats.models import Parcel

    formats.clear("default")
    for number in range(3):
        inside = Parcel.objects.create(name=f"ab{number}", words=["x", str(number)], **fields)
    Parcel.objects.create(name="outer", within=inside)


def test_numbers_are_what_dumpdata_writes() -> None:
    """In JSON Django leaves a number a number, whatever its field's words are."""
    from django.core import serializers

    from tests.unit.plugins.module_utils._fixtures.formats.models import Parcel

    fill(weight=1.5)
    ours = json.loads(formats.written("json"))
    assert ours[0] == {"model": "formats.parcel", "pk": "ab0", "fields": {
        "weight": 1.5, "words": ["x", "0"], "within": None}}  # fmt: skip
    assert ours == json.loads(serializers.serialize("json", Parcel.objects.order_by("pk")))


@pytest.mark.parametrize("form", FORMS)
def test_what_is_written_is_read(monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    """The key is in the field's own words as references to it are, page after page."""
    monkeypatch.setattr(venv_write_objects, "PAGE", 2)
    fill(**({} if form == "xml" else {"weight": 1.5}))
    if form == "xml":  # a list is no text
        from tests.unit.plugins.module_utils._fixtures.formats.models import Parcel

        Parcel.objects.update(words=None)
    content = formats.written(form)
    before = formats.rows("default")
    assert [row[0] for row in before["formats.Parcel"]] == ["0ba", "1ba", "2ba", "retuo"]
    formats.load(form, content)
    assert formats.rows("other") == before
    formats.load_plainly(form, content)
    assert formats.rows("other") == before


@pytest.mark.parametrize(
    ("form", "fields", "words"),
    [
        ("xml", {"weight": 1.5}, "formats.Parcel ab0: weight is written as what its own field does not read"),
        ("xml", {}, "formats.Parcel ab0: words is written as what its own field reads as another value"),
        ("json", {"words": "unwritable"}, "formats.Parcel ab0: words is put into no words that a fixture can hold"),
        ("yaml", {"words": "unwritable"}, "formats.Parcel ab0: words is put into no words that a fixture can hold"),
    ],
)
def test_what_nobody_reads_is_not_written(form: str, fields: dict[str, Any], words: str) -> None:
    from tests.unit.plugins.module_utils._fixtures.formats.models import Parcel

    fill()
    if fields:
        Parcel.objects.update(**{"words": None, **fields})
    with pytest.raises(FixtureError) as caught:
        formats.written(form)
    assert (caught.value.code, words in caught.value.msg) == ("value_unwritable", True), caught.value.msg
    assert caught.value.details["model"] == "formats.Parcel" and "lines" in caught.value.hint


def test_bytes_of_a_type_that_nobody_knows() -> None:
    """Such as geometries of SpatiaLite: the lossless form gives them back bit by bit."""
    from django.db import connections

    from tests.unit.plugins.module_utils._fixtures.formats.models import Parcel

    fill()
    with connections["default"].cursor() as cursor:
        cursor.execute("UPDATE formats_parcel SET words = %s WHERE name = '0ba'", [b"\x00\xff\xfe"])
    [table] = [one for one in formats.tables("default") if one.label == "formats.Parcel"]
    [words] = [column for column in table.columns if column.name == "words"]
    if words.kind == "native":
        assert b'{"blob":"AP/+"}' in formats.lines(models=("formats.Parcel",))
    dialect = venv_dialect.of(table.connection)
    words.kind = "native"
    read, write = dialect.reader(words), dialect.writer(words)
    assert read is not None and write is not None
    for value in (b"\x00\xff\xfe", b"", "text", 7, 1.5):
        assert write(json.loads(json.dumps(read(value)))) == value
    assert Parcel.objects.count() == 4
