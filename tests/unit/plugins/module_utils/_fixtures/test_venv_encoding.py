# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures as Windows, a log or an editor left them: read where what they are is certain, else named with a remedy."""

from __future__ import annotations

import codecs
import json
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._fixtures import venv_encoding
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_rows import FixtureError
from tests.unit.plugins.module_utils._fixtures import formats

FORMS = ("json", "jsonl", "xml", "yaml", "lines")
formats.begin()
ACCENTS = "d\u00e9j\u00e0 vu \u20ac \U0001f600"
UTF16 = [("utf-16-le", codecs.BOM_UTF16_LE), ("utf-16-be", codecs.BOM_UTF16_BE), ("utf-16-le", b""), ("utf-16-be", b"")]


@pytest.fixture(name="rows", params=FORMS)
def _rows(request: pytest.FixtureRequest) -> tuple[str, str]:
    """A form, and a fixture in it."""
    from tests.unit.plugins.module_utils._fixtures.formats.models import Label, Thing

    formats.clear("default")
    label = Label.objects.create(pk=1, name=ACCENTS)
    Thing.objects.create(word="a", text=ACCENTS, label=label, data={"a": ACCENTS})
    form = str(request.param)
    return form, (formats.lines() if form == "lines" else formats.written(form)).decode()


def check(form: str, content: bytes, notes: list[str], skip_leading: bool = False) -> None:
    """It is read, whole."""
    formats.clear("other")
    if form == "lines":
        formats.merge(form, content)
    else:
        formats.load(form, content, skip_leading=skip_leading)
    assert formats.rows("other") == formats.rows("default")
    assert notes == formats.NOTES


@pytest.mark.parametrize(("encoding", "mark"), UTF16)
def test_utf16(rows: tuple[str, str], encoding: str, mark: bytes) -> None:
    """PowerShell's redirection writes it, with lines that end with CR and LF."""
    form, text = rows
    if form == "xml":
        text = text.replace("utf-8", "utf-16")
    content = mark + text.replace("\n", "\r\n").encode(encoding)
    check(form, content, [] if form == "xml" else [f"the fixture is {encoding}, read as such"])


@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8], ids=["plain", "marked"])
def test_lines_of_windows(rows: tuple[str, str], mark: bytes) -> None:
    form, text = rows
    check(form, mark + text.replace("\n", "\r\n").encode(), [])


def test_a_declared_encoding() -> None:
    """XML says what it is."""
    formats.clear("default")
    from tests.unit.plugins.module_utils._fixtures.formats.models import Label

    Label.objects.create(pk=1, name="d\u00e9j\u00e0 \u20ac")
    text = formats.written("xml").decode().replace("utf-8", "windows-1252")
    check("xml", text.encode("cp1252"), [])
    with pytest.raises(FixtureError, match="line 2: this is not of the encoding") as caught:
        formats.load("xml", text.replace("windows-1252", "utf-8").encode("cp1252"))
    assert "windows-1252" in caught.value.hint


@pytest.mark.parametrize("form", ["json", "jsonl", "yaml"])
@pytest.mark.parametrize(("encoding", "name"), [("cp1252", "\u20ac \u00e9"), ("iso-8859-1", "\u00e9")])
def test_what_it_may_be(form: str, encoding: str, name: str) -> None:
    """It is not guessed: the error names line, byte, what it may be, and the command."""
    items = [{"model": "formats.label", "pk": key, "fields": {"name": text}} for key, text in ((1, "x"), (2, name))]
    lines = [json.dumps(item, ensure_ascii=False) for item in items]
    text = {"json": "[\n{}\n]", "jsonl": "\n{}", "yaml": "- {}"}[form]
    joined = {"json": ",\n", "jsonl": "\n", "yaml": "\n- "}[form].join(lines)
    with pytest.raises(FixtureError) as caught:
        formats.load(form, text.replace("{}", joined).encode(encoding))
    assert "iconv -f CP1252" in caught.value.hint or "iconv -f ISO-8859-1" in caught.value.hint
    if form != "yaml":
        byte = name.encode(encoding)[0]
        expected = "CP1252" if encoding == "cp1252" else "ISO-8859-1"
        assert f"line 3: this is not UTF-8 (byte 0x{byte:02x}); it may be {expected}" in caught.value.msg
        assert caught.value.details["encoding"] == expected


def test_half_of_a_pair_of_bytes() -> None:
    with pytest.raises(FixtureError, match="line 2: this is not utf-16-le"):
        formats.load("json", codecs.BOM_UTF16_LE + "[\n]".encode("utf-16-le") + b"x")


LOG = "[2026-11-20 12:00:00] INFO Loading .env\nWARNING: something\n\n"


def test_lines_of_a_log(rows: tuple[str, str]) -> None:
    """They are refused, and left out when that is asked for."""
    form, text = rows
    if form == "lines":
        return
    text = LOG + (text if form != "json" else text.replace("[\n{", "[{", 1))
    with pytest.raises(FixtureError):
        formats.load(form, text.encode())
    check(form, text.encode(), ["3 lines before the fixture were left out"], True)
    check(form, codecs.BOM_UTF8 + text.encode(), ["3 lines before the fixture were left out"], True)
    with pytest.raises(FixtureError, match="no line begins as"):
        formats.load(form, LOG.encode(), skip_leading=True)


def test_pieces_of_any_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pair of bytes, or CR and LF, may be torn apart where a piece ends."""
    monkeypatch.setattr(venv_encoding, "_BLOCK", 1)
    path = tmp_path / "f"
    text = "a\r\nb\U0001f600\r\r\nc\r"
    path.write_bytes(codecs.BOM_UTF16_BE + text.encode("utf-16-be"))
    with path.open("rb") as stream:
        found, _notes = venv_encoding.as_utf8(stream, "json", False)
        assert found.read().decode() == text
    path.write_bytes(text.encode())
    with path.open("rb") as stream:
        assert venv_encoding.without_returns(stream).read().decode() == "a\nb\U0001f600\r\nc\r"
