# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several fixtures as one load: any format, any order, references across files, no object twice."""

from __future__ import annotations

import bz2
import functools
import gzip
import json
import lzma
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._fixtures import dump, load
from tests.engines.fixture_sites import Project, Servers
from tests.engines.test_fixture_formats import load_into, make_live
from tests.engines.test_fixture_made import press, story

MODELS = """

class Note(models.Model):
    story = models.ForeignKey(Story, models.CASCADE)
    data = models.JSONField()
    slug = models.SlugField(unique=True)
"""


@pytest.fixture(scope="module", name="site")
def _site(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project on SQLite, which needs no server."""
    directory = tmp_path_factory.mktemp("several")
    source = press(directory / "code")
    models = source / "press" / "models.py"
    models.write_text(models.read_text() + MODELS)
    servers: Any = SimpleNamespace(
        url=functools.partial(Servers.url, None), login=functools.partial(Servers.login, None)
    )
    project = Project(servers, "sqlite", "several", directory, source)
    project.must("makemigrations", "press", "-v0")
    project.must("migrate", "-v0")
    return project


def note(pk: Any, of: int, slug: str, **more: Any) -> dict[str, Any]:
    return {"model": "press.note", "pk": pk, "fields": {"story": of, "data": {"a": [1]}, "slug": slug, **more}}


def shelf(name: str) -> dict[str, Any]:
    return {"model": "press.shelf", "fields": {"name": name, "locales": []}}


XML = """<?xml version="1.0" encoding="utf-8"?>
<django-objects version="1.0"><object model="press.note" pk="9">
<field name="story">1</field><field name="data">{0}</field><field name="slug">x</field></object></django-objects>
"""
YAML = "- model: press.note\n  pk: 10\n  fields: {story: 1, data: {b: 2}, slug: y}\n"


def written(directory: Path) -> list[Path]:
    """Files of every format and compression, in an order in which nothing is there yet that is referred to."""
    directory.mkdir(exist_ok=True)
    (directory / "a.json.gz").write_bytes(gzip.compress(json.dumps([note(1, 1, "n")]).encode()))
    (directory / "b.jsonl.bz2").write_bytes(bz2.compress(json.dumps(note(2, 1, "m")).encode() + b"\n"))
    (directory / "c.xml.xz").write_bytes(lzma.compress(XML.format('{"b": 2}').encode()))
    (directory / "d.yaml").write_text(YAML)
    (directory / "e.json").write_text(json.dumps([story(shelf=["top"])]), encoding="utf-16")
    plain = json.dumps([shelf("top")]).encode()
    subprocess.run(["zstd", "-qf", "-o", directory / "f.json.zst"], input=plain, check=True)
    (directory / "README.md").write_text("what this is")
    (directory / ".hidden.json").write_text("no fixture")
    return sorted(path for path in directory.iterdir() if path.name[0] in "abcdef")


def several(site: Project, *files: Path, **options: Any) -> dict[str, Any]:
    with site.opened() as opened:
        one = opened.engines["default"]
        loaded = load.load_fixture(opened, one, [str(path) for path in files], **options)
        one.drop("incoming")
        return {**loaded, "notes": opened.notes}


def merge(site: Project, *files: Path, **options: Any) -> dict[str, Any]:
    with site.opened() as opened:
        return load.merge_fixture(opened, opened.engines["default"], [str(path) for path in files], **options)


def error_of(site: Project, *files: Path, **options: Any) -> RelocateError:
    with pytest.raises(RelocateError) as caught:
        several(site, *files, **options)
    return caught.value


def test_every_format_in_any_order(site: Project, tmp_path: Path) -> None:
    files = written(tmp_path / "all")
    first, second = several(site, *files), several(site, *reversed(files))
    assert first["counts"] == second["counts"]
    assert first["counts"]["press.Note"]["objects"] == 4
    assert first["notes"] == [f"{files[4]}: the fixture is utf-16-le, read as such"]
    alone = tmp_path / "alone.json"
    notes = [
        note(1, 1, "n"),
        note(2, 1, "m"),
        *(note(pk, 1, slug, data={"b": 2}) for pk, slug in ((9, "x"), (10, "y"))),
    ]
    alone.write_text(json.dumps([*notes, story(shelf=["top"]), shelf("top")]))
    assert load_into(site, alone)["counts"] == first["counts"]  # fingerprints too
    # Saved one by one, as loaddata does it, objects come after those that they name by natural keys.
    by_models = several(site, *reversed(files), signals=True)["counts"]
    assert {label: one["objects"] for label, one in by_models.items()} == {
        label: one["objects"] for label, one in first["counts"].items() if "_" not in label
    }


def test_an_object_in_two_files(site: Project, tmp_path: Path) -> None:
    """By its key, by a unique field, in every kind of load; both places are told."""
    one, two, three = (tmp_path / name for name in ("one.json", "two.jsonl.gz", "three.xml"))
    one.write_text(json.dumps([shelf("top"), story(shelf=["top"]), note(1, 1, "n")]))
    two.write_bytes(gzip.compress(b"\n" + json.dumps(note(1, 1, "other")).encode()))
    three.write_text(XML.replace(">x<", ">n<").format("{}"))
    error = error_of(site, one, two)
    assert error.code == "fixture_invalid"
    assert f"{two}: object 1, line 2: press.note with the key 1 is in {one} too (object 3, line 1)" == error.msg
    assert error.details["src"] == str(two) and error.details["first"]["object"] == 3
    error = error_of(site, one, three, signals=True)
    assert f"press.note with the same slug is in {one} too (object 3, line 1)" in error.msg
    with pytest.raises(RelocateError, match="press.note with the key 1 is in"):
        merge(site, one, two)


@pytest.mark.parametrize(
    ("name", "content", "code", "text"),
    [
        ("z.json.gz", gzip.compress(b"[]" * 999)[:-9], "dump_truncated", "{0}: the fixture cannot be decompressed"),
        ("z.json", json.dumps([note(5, 77, "s")]).encode(), "reference_missing", "press.Note 5: story refers to"),
    ],
    ids=["cut short", "a reference"],
)
def test_one_bad_file(site: Project, tmp_path: Path, name: str, content: bytes, code: str, text: str) -> None:
    """The load ends whole, and says which file it was; nothing is left."""
    good, bad = tmp_path / "good.json", tmp_path / name
    good.write_text(json.dumps([shelf("top"), story(shelf=["top"])]))
    bad.write_bytes(content)
    error = error_of(site, bad, good)
    assert (error.code, text.format(bad) in error.msg) == (code, True), error
    with site.opened() as opened:
        assert not opened.engines["default"].exists("incoming")


def test_merging_takes_the_lossless_form_too(site: Project, tmp_path: Path) -> None:
    """Files in both forms, where each refers to the other; all or nothing."""
    top = {**shelf("top"), "pk": 5}
    make_live(site, tmp_path_with(tmp_path / "base.json", [top, story(shelf=["top"])]))
    lines = tmp_path / "stories.jsonl.zst"
    with site.opened() as opened:
        one = opened.engines["default"]
        dump.dump_fixture(opened, one, str(lines), {"models": ["press.Story"]})
        one.swap("previous", "discarded")
        one.drop("discarded")
        one.create_blank()
    site.must("migrate", "-v0")
    new = tmp_path_with(tmp_path / "new.json", [note(1, 1, "n"), top])
    with pytest.raises(RelocateError, match="refers to press.Story 1, which is not there"):
        merge(site, new, tmp_path_with(tmp_path / "e.json", []))
    counts = merge(site, new, lines)["counts"]
    assert [counts[label]["inserted"] for label in ("press.Shelf", "press.Story", "press.Note")] == [1, 1, 1]


def tmp_path_with(path: Path, objects: list[dict[str, Any]]) -> Path:
    path.write_text(json.dumps(objects))
    return path


def test_a_directory(tmp_path: Path) -> None:
    """Its fixtures by name; what is none is told; nothing is named twice."""
    files = written(tmp_path / "all")
    (tmp_path / "all" / "sub.json").mkdir()
    (tmp_path / "empty").mkdir()
    found, notes = load.files_of([str(tmp_path / "all")], None)
    assert found == [*map(str, files), str(tmp_path / "all" / "sub.json")]
    assert notes == [f"{tmp_path / 'all'}: left out, since their names tell no format: README.md"]
    for src, code in (
        ([str(tmp_path / "empty")], "file_missing"),
        ([str(tmp_path / "none.json")], "file_missing"),
        ([str(tmp_path / "all"), str(files[0])], "bad_option"),
    ):
        with pytest.raises(RelocateError) as caught:
            load.files_of(src, None)
        assert caught.value.code == code
