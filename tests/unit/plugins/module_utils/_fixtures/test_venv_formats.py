# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rows of any content, written in each of Django's formats and read again: the same, or refused by name."""

from __future__ import annotations

import datetime
import decimal
import os
from typing import Any
from xml.sax import SAXException

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from yaml import YAMLError

from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_rows import FixtureError
from tests.unit.plugins.module_utils._fixtures import formats

pytestmark = pytest.mark.slow

FORMS = ("json", "jsonl", "xml", "yaml")
formats.begin()

#: Plain letters, what formats have a meaning for, and everything else.
SPECIAL = ["\r", "\n", "\r\n", "\t", " ", "\x00", "\x01", "\x85", "\u2028", "\ufeff", "\ufffe", "\ud800", "]]>", "<b>"]
SPECIAL += [
    "&#13;",
    "'",
    '"',
    "\\",
    "- a: b",
    "~",
    "null",
    "1_000",
    "12:30",
    "2026-01-01",
    "=",
    "<<",
    "# x",
    "{",
    "\xa0",
]
texts = st.lists(st.sampled_from(SPECIAL) | st.text(max_size=3) | st.characters(), max_size=4).map("".join)
#: What SQLite takes, which has no halves of pairs.
whole_texts = texts.map(lambda text: text.replace("\ud800", "x")).filter(lambda text: text.isprintable() or fits(text))
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
moments = st.datetimes(datetime.datetime(1, 1, 2), datetime.datetime(9999, 12, 30), timezones=st.just(datetime.UTC))
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "text": whole_texts,
    "number": st.integers(-(2**63), 2**63 - 1),
    "small": st.integers(0, 32767),
    "flag": st.booleans(),
    "ratio": st.floats(allow_nan=False),
    "amount": st.decimals(-(10**9), 10**9, places=4).map(lambda number: number.quantize(decimal.Decimal("0.0001"))),
    "day": st.dates(),
    "clock": st.times(),
    "moment": moments,
    "span": st.timedeltas(datetime.timedelta(days=-100000), datetime.timedelta(days=100000)),
    "blob": st.binary(max_size=20),
    "code": st.uuids(),
    "data": documents,
    "address": st.ip_addresses().map(str),
}


def fits(text: str) -> bool:
    """Whether UTF-8 can hold a text."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


things = st.builds(
    lambda key, fields, labels: (key, fields, labels),
    whole_texts.filter(bool),
    st.fixed_dictionaries({}, optional=FIELDS),
    st.lists(st.integers(0, 2), max_size=3, unique=True),
)
SLOWLY = settings(
    max_examples=int(os.environ.get("RELOCATE_EXAMPLES", "15")),
    deadline=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)


def fill(found: list[tuple[str, dict[str, Any], list[int]]], names: list[str]) -> None:
    """Make the rows in the first database."""
    from tests.unit.plugins.module_utils._fixtures.formats.models import Label, Thing

    formats.clear("default")
    labels = [Label.objects.create(pk=number + 1, name=name, part=str(number)) for number, name in enumerate(names)]
    for key, fields, own in found:
        made = Thing.objects.create(word=key, label=labels[own[0]] if own else None, **fields)
        made.labels.set([labels[number] for number in own])


@pytest.mark.parametrize("natural", [False, True], ids=["by key", "by natural key"])
@pytest.mark.parametrize("form", FORMS)
@SLOWLY
@given(
    found=st.lists(things, min_size=1, max_size=4, unique_by=lambda item: item[0]),
    names=st.lists(whole_texts, min_size=3, max_size=3),
    indent=st.sampled_from([None, 2]),
)
def test_round_trip(found: Any, names: list[str], form: str, natural: bool, indent: int | None) -> None:
    """What a format cannot hold is refused when it is written, naming the field; what is written is read."""
    fill(found, names)
    try:
        content = formats.written(form, natural_foreign=natural, natural_primary=natural, indent=indent)
    except FixtureError as error:
        assert (form in ("xml", "yaml"), error.code) == (True, "value_unwritable"), error.msg
        assert error.details["model"].startswith("formats.") and error.details["field"], error.details
        return
    formats.load(form, content)
    assert nulls(formats.rows("other"), natural) == nulls(formats.rows("default"), natural)


def nulls(rows: dict[str, list[list[Any]]], natural: bool) -> Any:
    """JSON's own null becomes NULL in all of these formats, and objects with natural keys only get new keys."""
    found = {
        label: [[None if value == {"json": None} else value for value in row] for row in some]
        for label, some in rows.items()
    }
    if natural:
        found["formats.Label"] = [row[1:] for row in found["formats.Label"]]
        found["formats.Thing_labels"], found["formats.Thing"] = [], [row[:-2] for row in found["formats.Thing"]]
    return {label: sorted(some, key=repr) for label, some in found.items()}


@pytest.mark.parametrize("form", FORMS)
@SLOWLY
@given(
    found=st.lists(things, min_size=1, max_size=3, unique_by=lambda item: item[0]),
    names=st.lists(whole_texts, min_size=3, max_size=3),
    indent=st.sampled_from([None, 2]),
)
def test_what_plain_dumpdata_writes(found: Any, names: list[str], form: str, indent: int | None) -> None:
    """Django's own words arrive as its own loader has them, or plain Django does not take them either."""
    from django.core import serializers

    from tests.unit.plugins.module_utils._fixtures.formats.models import Label, Thing

    fill(found, names)
    try:
        everything = [*Label.objects.all(), *Thing.objects.all()]
        content = serializers.serialize(form, everything, indent=indent).encode()
        formats.load_plainly(form, content)
        plain = formats.rows("other")
    except (ValueError, UnicodeError, SAXException, YAMLError, serializers.base.DeserializationError):
        return
    formats.load(form, content)
    assert nulls(formats.rows("other"), False) == nulls(plain, False)


@pytest.mark.parametrize("form", FORMS)
@SLOWLY
@given(
    found=st.lists(things, min_size=1, max_size=3, unique_by=lambda item: item[0]),
    names=st.lists(whole_texts, min_size=3, max_size=3),
)
def test_what_plain_loaddata_reads(found: Any, names: list[str], form: str) -> None:
    """What we write is what Django itself reads; in XML it strips the white space at the ends of texts."""
    fill(found, names)
    try:
        content = formats.written(form)
    except FixtureError:
        return
    formats.load_plainly(form, content)
    ours, plain = formats.rows("default"), formats.rows("other")
    if form == "xml":
        ours, plain = ({label: stripped(some) for label, some in rows.items()} for rows in (ours, plain))
    assert nulls(ours, False) == nulls(plain, False)


@pytest.mark.parametrize("form", ["json", "xml"])
@pytest.mark.parametrize("indent", [2, 4])
def test_it_is_laid_out_as_dumpdata_does_it(form: str, indent: int) -> None:
    from django.core import serializers

    from tests.unit.plugins.module_utils._fixtures.formats.models import Label

    fill([], ["a", " <b> ", "c"])
    plain = serializers.serialize(form, Label.objects.all(), indent=indent)
    ours = formats.written(form, indent=indent).decode()
    assert ours.replace(' xml:space="preserve"', "").strip() == plain.strip() and ours.count("\n") > 10


def stripped(rows: list[list[Any]]) -> list[list[Any]]:
    """Rows without white space at the ends of texts."""
    return [[item.strip() if isinstance(item, str) else item for item in row] for row in rows]


layout = st.sampled_from(["", "\n        ", "\r\n\t", "  ", "<!-- by hand -->\n"])


@SLOWLY
@given(
    values=st.fixed_dictionaries({name: st.tuples(layout, st.sampled_from(some), layout) for name, some in {
        "word": [("slug", "slug")],
        "text": [("", ""), ("two\n lines", "two\n lines"), ("<![CDATA[<b> & ]]>", "<b> &"), ("a<!-- x -->b", "ab"),
                 ("&#13;x&lt;", "x<"), ("<None/>", None), ("<None></None>", None)],
        "number": [("12", 12), ("<None/>", None)],
        "flag": [("True", True), ("0", False)],
        "day": [("2026-11-20", "2026-11-20")],
        "data": [('{"a": " b "}', {"json": {"a": " b "}}), ('" x "', {"json": " x "})],
        "label": [("7", 7), ("<natural> a </natural>\n<natural>\n b</natural>", 7), ("<None/>", None)],
        "labels": [("", []), ('<object pk="7"/>\n <object pk="8"></object>', [7, 8]),
                   ("<object> <natural>a</natural><natural>b </natural> </object>", [7])],
    }.items()}),
    rel=st.booleans(),
)  # fmt: skip
def test_xml_by_hand(values: dict[str, Any], rel: bool) -> None:
    """White space of the layout is no part of a value, however the elements are written; so says Django too."""
    attributes = {"labels": ' rel="ManyToManyRel" to="formats.label"'} if rel else {}
    fields = "".join(
        f'\n    <field name="{name}"{attributes.get(name, "")}>{before}{inner[0]}{after}</field>'
        for name, (before, inner, after) in values.items()
    )
    content = f"""<?xml version="1.0" encoding="utf-8"?>
<django-objects version="1.0">
  <object model="formats.label" pk="7"><field name="name">a</field><field name="part"> b</field></object>
  <object model="formats.label" pk="8"><field name="name">
    c</field></object>
  <object model="formats.thing" pk="slug">{fields}
  </object>
</django-objects>""".encode()
    formats.load_plainly("xml", content)
    plain = formats.rows("other")
    formats.load("xml", content)
    assert formats.rows("other") == plain
    from tests.unit.plugins.module_utils._fixtures.formats.models import Thing

    made = Thing.objects.using("other").get()
    wanted = {name: inner[1] for name, (_before, inner, _after) in values.items()}
    assert (made.text, made.number, made.label_id) == (wanted["text"], wanted["number"], wanted["label"])
    assert sorted(made.labels.values_list("pk", flat=True)) == wanted["labels"]
