# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several files in one stream: taken apart, read each in its own way, and no object twice."""

from __future__ import annotations

import io
import json
import os
import sqlite3
import struct
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._fixtures import program, several, venv_several
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_rows import FixtureError


def frames(*files: bytes, size: int = 7) -> io.BufferedReader:
    """Files as the host's side writes them."""
    pieces = b""
    for data in files:
        for start in range(0, len(data), size):
            piece = data[start : start + size]
            pieces += struct.pack(">I", len(piece)) + piece
        pieces += struct.pack(">I", 0)
    return io.BufferedReader(io.BytesIO(pieces))  # type: ignore[arg-type]


def field(name: str, kind: str = "CharField", **options: Any) -> SimpleNamespace:
    words = {"unique": False, "primary_key": False, "remote_field": None, **options}
    return SimpleNamespace(name=name, get_internal_type=lambda: kind, **words)


def model(label: str, *fields: SimpleNamespace, **options: Any) -> SimpleNamespace:
    words = {"unique_together": (), "constraints": [], **options}
    meta = SimpleNamespace(label_lower=label, local_concrete_fields=fields, **words)
    return SimpleNamespace(_meta=meta)


TAG = model("shop.tag", field("slug", unique=True), field("data", "JSONField"), field("a"), field("b"))
PAIR = model("shop.pair", field("a"), field("b"), unique_together=[("a", "b")])
ON = model(
    "shop.on",
    field("a"),
    field("b"),
    constraints=[SimpleNamespace(fields=("a", "b")), SimpleNamespace(fields=("a",), condition="yes")],
)


def tag(pk: Any = None, label: str = "shop.tag", **fields: Any) -> dict[str, Any]:
    return {"model": label, **({} if pk is None else {"pk": pk}), "fields": fields}


def read(*files: tuple[str, Any], **request: Any) -> tuple[list[Any], venv_several.Source]:
    """What comes of files: name and objects, or name and bytes."""
    data = [content if isinstance(content, bytes) else json.dumps(content).encode() for _name, content in files]
    names = [{"name": name, "form": name.rpartition(".")[2]} for name, _content in files]
    source = venv_several.Source({"form": "", "files": names, **request}, frames(*data))
    return list(source.items([TAG, PAIR, ON])), source


def refused(*files: tuple[str, Any], **request: Any) -> FixtureError:
    with pytest.raises(FixtureError) as caught:
        read(*files, **request)
    return caught.value


def test_each_file_is_a_stream_of_its_own() -> None:
    found = []
    for one in venv_several.framed(frames(b"first of them", b"", b"x" * 100_000, b"last", size=4096)):
        found.append(one.read(5))  # the rest is read over
        if found[-1] == b"last":
            break
    assert found == [b"first", b"", b"xxxxx", b"last"]


@pytest.mark.parametrize("kept", [0, 2, 4, 8, 11])
def test_a_stream_that_ends_too_early(kept: int) -> None:
    stream = io.BufferedReader(io.BytesIO(frames(b"1234567").read()[:kept]))  # type: ignore[arg-type]
    with pytest.raises(FixtureError) as caught:
        next(venv_several.framed(stream)).read()
    assert caught.value.code == "fixture_truncated"


XML = b'<django-objects><object model="shop.tag" pk="1"><field name="data">%s</field></object></django-objects>'


def test_places_name_the_file() -> None:
    items, source = read(("a.json", [tag(1), tag(2)]), ("b.jsonl", json.dumps(tag(3)).encode() + b"\n"), ("c.json", []))
    assert [str(place) for place, _item in items] == [
        "a.json: object 1, line 1",
        "a.json: object 2, line 1",
        "b.jsonl: object 1, line 1",
    ]
    assert (source.form, source.texts_only, source.notes) == ("several", False, [])


def test_each_file_has_an_encoding() -> None:
    items, source = read(("a.json", json.dumps([tag(1, a="\u00e4")]).encode("utf-16")), ("b.json", [tag(2)]))
    assert [item["fields"] for _place, item in items] == [{"a": "\u00e4"}, {}]
    assert source.notes == ["a.json: the fixture is utf-16-le, read as such"]


def test_json_within_xml() -> None:
    """Beside other formats it is taken out of its text; among XML alone that is done later, as ever."""
    items, source = read(("a.xml", XML % b'{"x": null}'), ("b.json", [tag(2, data=[1])]))
    assert [item["fields"]["data"] for _place, item in items] == [{"x": None}, [1]] and not source.texts_only
    items, source = read(("a.xml", XML % b"[1]"), ("b.xml", XML.replace(b'"1"', b'"2"') % b"[2]"))
    assert [item["fields"]["data"] for _place, item in items] == ["[1]", "[2]"] and source.texts_only
    error = refused(("a.xml", XML % b" null"), ("b.json", []))
    assert error.msg == (
        "a.xml: object 1, line 1: shop.tag 1: data holds JSON's null, which other formats cannot tell from NULL"
    )
    assert "data is no JSON" in refused(("a.xml", XML % b"{"), ("b.json", [])).msg


@pytest.mark.parametrize(
    ("first", "second", "what"),
    [
        (tag(1), tag("1"), "the key 1"),
        (tag([1, 2]), tag([1, 2]), "the key [1, 2]"),
        (tag(1, slug="x"), tag(2, slug="x"), "the same slug"),
        (tag(slug="x"), tag(slug="x"), "the same slug"),
        (tag(a=1, b="2", label="shop.pair"), tag(a="1", b=2, label="Shop.Pair"), "the same a, b"),
        (tag(a=1, b=2, label="shop.on"), tag(a=1, b=2, label="shop.on"), "the same a, b"),
    ],
)
def test_an_object_in_two_files(first: dict[str, Any], second: dict[str, Any], what: str) -> None:
    error = refused(("a.json", [tag(9), first]), ("b.json", [second]))
    assert error.msg == "b.json: object 1, line 1: {0} with {1} is in a.json too (object 2, line 1)".format(
        second["model"], what
    )
    assert error.details["first"] == {"src": "a.json", "object": 2, "line": 1}
    assert (error.details["src"], error.hint) == ("b.json", "remove it from one of the two files")


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Further keys go into a file, where they are found as well; those of the last file are needed no more."""
    monkeypatch.setattr(venv_several, "_NEAR", 3)
    seen: list[Any] = []
    made = venv_several._Seen

    def noted() -> Any:
        seen.append(made())
        return seen[-1]

    monkeypatch.setattr(venv_several, "_Seen", noted)
    files = [("a.json", [tag(number) for number in range(50)]), ("b.json", [tag(number) for number in range(50, 90)])]
    read(*files, ("c.json", [tag(number) for number in range(100, 200)]))
    assert len(seen[-1]._near) == 3
    assert seen[-1]._far.execute("SELECT count(*) FROM seen").fetchall() == [(87,)]
    for number, place in ((1, "a.json too (object 2"), (49, "a.json too (object 50"), (89, "b.json too (object 40")):
        assert place in refused(*files, ("c.json", [tag(300), tag(number)])).msg
    read(("a.json", [tag(1)]), ("b.json", [tag(number) for number in range(10, 60)]))
    assert (len(seen[-1]._near), seen[-1]._far) == (1, None)


def test_a_disk_without_room_for_what_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(venv_several, "_NEAR", 0)

    def full(_module: Any) -> Any:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(venv_several, "_opened", full)
    assert refused(("a.json", [tag(1)]), ("b.json", [tag(2)])).code == "disk_full"


def test_an_interpreter_without_sqlite_remembers_all_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(venv_several, "_NEAR", 0)
    monkeypatch.setitem(sys.modules, "sqlite3", None)
    assert "is in a.json too (object 2" in refused(("a.json", [tag(1), tag(2)]), ("b.json", [tag(2)])).msg


def test_objects_that_only_look_the_same() -> None:
    """Keys of two models, what is NULL or not given, a constraint of some rows only, one file alone."""
    pairs = [tag(a=1, label="shop.pair"), tag(a=1, b=None, label="shop.pair"), tag(a=1, b=3, label="shop.on")]
    items, _source = read(
        ("a.json", [tag(1, slug="1"), tag(1, slug="1"), *pairs]),
        ("b.json", [tag(1, label="shop.other"), tag(2, slug="2"), *pairs[:2], tag(a=1, b=4, label="shop.on")]),
    )
    assert len(items) == 10


@pytest.mark.parametrize(
    ("name", "content", "code", "text"),
    [
        ("z.json", b'[{"model": "shop.tag", "pk": 5', "fixture_truncated", "z.json: the fixture ends after 0 objects"),
        ("z.json", b'[{"model": "shop.tag"}]', "fixture_invalid", "z.json: object 1, line 1: shop.tag has no fields"),
        ("z.json", b'["\xe9"]', "fixture_invalid", "z.json: after object 0, line 1: this is not UTF-8"),
        ("z.xml", b"<p/>", "fixture_invalid", "z.xml: line 1: this is not a fixture of Django"),
        ("z.jsonl", b'{"relocate_fixture": 1}\n', "bad_option", "z.jsonl: several files become a new database only"),
    ],
)
def test_one_bad_file(name: str, content: bytes, code: str, text: str) -> None:
    """The reader's refusal has the file's name once, wherever the file is in the row."""
    for files in ([("a.json", [tag(1)]), (name, content)], [(name, content), ("a.json", [tag(1)])]):
        error = refused(*files)
        assert error.code == code and error.msg.startswith(text) and error.msg.count(name) == 1
        assert error.details["src"] == name


def test_the_lossless_form() -> None:
    taken = []
    files = [{"name": "a.json", "form": "json"}, {"name": "b.jsonl", "form": "jsonl"}, {"name": "c", "form": "lines"}]
    lines = b'{"relocate_fixture": 1}\r\n'
    data = [json.dumps([tag(1)]).encode(), lines, lines]
    source = venv_several.Source({"form": "", "files": files}, frames(*data))
    source.take_lines = lambda stream, name: taken.append((name, stream.read()))
    assert [item["pk"] for _place, item in source.items([TAG])] == [1]
    assert taken == [(name, lines.replace(b"\r", b"")) for name in ("b.jsonl", "c")]
    source = venv_several.Source({"form": "", "files": files, "ignore_unknown": True}, frames(*data))
    source.take_lines = lambda *_words: None
    with pytest.raises(FixtureError, match=r"b\.jsonl: this fixture is loaded at the migrations"):
        list(source.items([TAG]))


# --- the host's side


def opened(directory: Path, *contents: bytes) -> list[several.Opened]:
    files: list[several.Opened] = []
    for number, data in enumerate(contents):
        path = directory / str(number)
        path.write_bytes(data)
        files.append((str(path), path.open("rb"), program.NONE if number == 0 else "gzip"))
    return files


def zipped(data: bytes) -> bytes:
    import gzip

    return gzip.compress(data)


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    large = os.urandom(1_000_000)
    with several.joined(opened(tmp_path, b"plain", zipped(large), zipped(b"")), None) as stream:
        found = [one.read() for one, _turn in zip(venv_several.framed(stream), range(3), strict=False)]
    assert found == [b"plain", large, b""]


def test_a_file_that_cannot_be_decompressed(tmp_path: Path) -> None:
    """It is told in place of what the program makes of the half of it."""
    files = opened(tmp_path, b"plain", zipped(b"x" * 99)[:-4])
    text = "1: the fixture cannot be decompressed: gzip exited 1"
    with pytest.raises(RelocateError, match=text) as caught, several.joined(files, None) as stream:
        stream.read()
        raise RelocateError("fixture_truncated", "the fixture ends too early", "")
    assert caught.value.code == "dump_truncated" and caught.value.details == {"src": str(tmp_path / "1")}


def test_a_reader_that_gives_up(tmp_path: Path) -> None:
    """Its own refusal is what counts, and nothing waits for it."""
    files = opened(tmp_path, b"x" * 10_000_000, zipped(b"y"))
    with pytest.raises(RelocateError, match="enough"), several.joined(files, None) as stream:
        stream.read(10)
        raise RelocateError("fixture_invalid", "enough", "")
