# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fixture that is refused is told what is wrong: line, object, model, field, what it holds, and what to write."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_rows import FixtureError
from tests.unit.plugins.module_utils._fixtures import formats

pytestmark = pytest.mark.slow

formats.begin()


def thing(**fields: Any) -> dict[str, Any]:
    return {"model": "formats.thing", "pk": "a", "fields": fields}


def after_a_label(text: str) -> str:
    """A list of two objects: a label, and on line 3 what is given."""
    return '[\n{"model": "formats.label", "pk": 1, "fields": {"name": "n"}},\n' + text + "\n]\n"


#: Content, the error's code, words of its message, and words of what to do.
JSON: dict[str, tuple[str, str, str, str]] = {
    "a comma before the end": ('[\n{"model": "formats.label", "pk": 1, "fields": {"name": "n"}},\n]', "fixture_invalid",
                               "line 2: a comma before the end of the list", "remove the comma"),
    "a comma within, near the end": ('[{"model": "formats.thing", "pk": "a", "fields": {"text": "x",}}]',
                                     "fixture_invalid", "object 1, line 1: this is not JSON at line 1, column 6",
                                     "remove the comma before the bracket"),
    "a tab near the end": ('[{"model": "formats.thing", "pk": "a", "fields": {"text": "x\t"}}]', "fixture_invalid",
                           "object 1, line 1: this is not JSON at line 1, column 61: Invalid control", "write \\t"),
    "a comment": ('[\n// made by hand\n]', "fixture_invalid", "at line 2, column 1", "remove the comment"),
    "a comment within": (after_a_label('{"model": "formats.thing", # x\n "pk": 1}'), "fixture_invalid",
                         "object 2, line 3: this is not JSON at line 3, column 28", "remove the comment"),
    "single quotes": ("[{'model': 1}]", "fixture_invalid", "object 1", "double quotes"),
    "Python's words": ('[{"model": None}]', "fixture_invalid", "object 1", "true, false or null"),
    "no quotes": ('[{model: "x"}]', "fixture_invalid", "object 1", "double quotes"),
    "a backslash": (r'[{"model": "C:\Users"}]' + " " * 40, "fixture_invalid", "object 1", "\\\\"),
    "no comma": (after_a_label("").replace(",\n\n", "\n{}"), "fixture_invalid", "line 3: neither a comma", "a comma"),
    "a log before": ('Loading .env\n[]', "fixture_invalid", "line 1: this is not a list of objects", "lines of a log"),
    "a log after": ('[]\nDone.', "fixture_invalid", "line 2: there is more after the end", "lines of a log"),
    "several lists": ('[]\n[]', "fixture_invalid", "line 2: there is more after the end", "jq -s add"),
    "lines": (json.dumps(thing()), "fixture_invalid", "line 1", "format to jsonl"),
    "cut off": (after_a_label('{"model": "formats.thing", "pk": "b')[:-3], "fixture_truncated", "after 1 objects", ""),
    "cut off in a word": ('[{"model": "formats.thing", "fields": tru', "fixture_truncated", "after 0 objects", ""),
    "cut off in an escape": ('[{"model": "formats.th\\u00', "fixture_truncated", "after 0 objects", ""),
    "too many digits": (after_a_label('{"model": "formats.thing", "fields": {"number": 1' + "0" * 9999 + "}}"),
                        "fixture_invalid", "object 2, line 3: formats.thing: number holds a number of 10000 digits",
                        "write it as a text"),
    "not an object": (after_a_label('"x"'), "fixture_invalid", "object 2, line 3: this is not an object", '"fields"'),
}  # fmt: skip

#: The fields of an object, the error's code, words of its message, and words of what to do.
FIELDS: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "by the column's name": ({"label_id": 1}, "unknown_field", "has no field label_id", "write label, or"),
    "nearly": ({"txet": 1}, "unknown_field", "formats.Thing a has no field txet", "write text, or"),
    "by case": ({"Text": "x"}, "unknown_field", "has no field Text", "write text, or"),
    "nothing alike": ({"qqqq": 1}, "unknown_field", "has no field qqqq", "check out the revision"),
    "a text for a number": ({"number": "x"}, "fixture_invalid", "number holds a text: not an integer", "such as 12"),
    "a number too big": ({"number": 10**30}, "fixture_invalid", "number holds a number: beyond what", "whole number"),
    "one below zero": ({"small": -1}, "fixture_invalid", "small holds a number: beyond what the column takes, 0", ""),
    "a fraction": ({"number": 1.5}, "fixture_invalid", "number holds a number with a fraction: not an", "such as 12"),
    "NaN": ({"number": float("nan")}, "fixture_invalid", "number holds NaN: not an integer", "such as 12"),
    "NaN within JSON": ({"data": {"a": float("nan")}}, "fixture_invalid", "data holds an object: not JSON", "NaN"),
    "half a character": ({"text": "\ud800"}, "fixture_invalid", "text holds half of a pair", "write a text"),
    "a list for a text": ({"text": [1]}, "fixture_invalid", "text holds a list: not a text", "in quotes"),
    "no boolean": ({"flag": "maybe"}, "fixture_invalid", "flag holds a text: not a boolean", "true or false"),
    "no number": ({"ratio": "1.5 kg"}, "fixture_invalid", "ratio holds a text: not a number", "such as 1.5"),
    "too many places": ({"amount": "1.00001"}, "fixture_invalid", "amount holds a text: more digits", '"12.50"'),
    "no such day": ({"day": "2026-02-30"}, "fixture_invalid", "day holds a text: not a date", '"2026-11-20"'),
    "no time": ({"clock": "noon"}, "fixture_invalid", "clock holds a text: not a time", '"19:30:00"'),
    "no moment": ({"moment": ""}, "fixture_invalid", "moment holds an empty text: not a date", "2026-11-20T19:30:00Z"),
    "no duration": ({"span": "long"}, "fixture_invalid", "span holds a text: not a duration", "1 02:03:04.5"),
    "no bytes": ({"blob": "***"}, "fixture_invalid", "blob holds a text: not base64", "base64"),
    "no UUID": ({"code": "x"}, "fixture_invalid", "code holds a text: not a UUID", "00000000-0000"),
    "no key of another": ({"label": "x"}, "fixture_invalid", "label holds a text: not an integer", "such as 12"),
    "no list": ({"labels": 1}, "fixture_invalid", "labels holds a number: not a list", "[1, 2]"),
    "no list of keys": ({"labels": ["x"]}, "fixture_invalid", "labels holds a list with what is no key", "[1, 2]"),
    "two keys": ({"word": "b"}, "fixture_invalid", "formats.Thing a has another key in its field word", "leave one"),
    "not there": ({"labels": [["x", "y"]]}, "reference_missing", 'labels refers to formats.Label ["x", "y"]', "dump"),
}  # fmt: skip


@pytest.mark.parametrize("case", JSON)
def test_what_is_not_json(case: str) -> None:
    content, code, words, hint = JSON[case]
    with pytest.raises(FixtureError) as caught:
        formats.load("json", content.encode())
    assert (caught.value.code, words in caught.value.msg, hint in caught.value.hint) == (code, True, True), (
        caught.value.code,
        caught.value.msg,
        caught.value.hint,
    )


@pytest.mark.parametrize("form", ["json", "jsonl"])
@pytest.mark.parametrize("case", FIELDS)
def test_what_no_field_takes(case: str, form: str) -> None:
    """The error names all that there is to name, and never the value."""
    fields, code, words, hint = FIELDS[case]
    label = json.dumps({"model": "formats.label", "pk": 1, "fields": {"name": "n"}})
    found = json.dumps(thing(**fields))
    content = after_a_label(found) if form == "json" else f"{label}\n\n{found}\n"
    with pytest.raises(FixtureError) as caught:
        formats.load(form, content.encode())
    error = caught.value
    assert (error.code, words in error.msg, hint in error.hint) == (code, True, True), (error.msg, error.hint)
    assert error.msg.startswith("object 2, line 3: formats.Thing")
    assert error.details["line"] == 3 and error.details["model"] == "formats.Thing"
    assert error.details["field"] in (next(iter(fields)), "word") and error.hint


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("thing", "write formats.thing, or check out"),
        ("formats.things", "write formats.thing, or"),
        ("other.label", "write formats.label, or"),
        ("shop.nothing", "check out the revision"),
    ],
)
def test_what_model_was_meant(name: str, hint: str) -> None:
    with pytest.raises(FixtureError) as caught:
        formats.load("json", json.dumps([{"model": name, "pk": 1, "fields": {}}]).encode())
    assert caught.value.msg == f"object 1, line 1: the code has no model {name} at this state"
    assert caught.value.hint.startswith(hint) and caught.value.details["model"] == name


WHOLE = json.dumps([thing(text='a "b" \\ \u00e9 \ud83d\ude00', data={"a": [1.5, None, True, -12]})], ensure_ascii=True)


@given(st.integers(1, len(WHOLE) - 1))
def test_what_was_cut_off_is_called_so(length: int) -> None:
    """At whichever character a file ends, that it does is what is wrong with it."""
    with pytest.raises(FixtureError) as caught:
        formats.load("json", WHOLE[:length].encode())
    assert caught.value.code == "fixture_truncated"
