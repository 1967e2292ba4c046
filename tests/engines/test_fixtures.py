# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures against real servers: dumped and loaded on each engine and between each two, proven, or refused whole."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.base import INCOMING, LIVE
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._fixtures import dump, load, scan, venv_rows
from tests.engines.fixture_sites import ENGINES, Project, Servers

ROWS = 800


@pytest.fixture(scope="module", name="dumped")
def _dumped(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The awkward site on each engine, and a fixture of each."""
    directory, found = tmp_path_factory.mktemp("dumped"), {}
    for engine in ENGINES:
        project = Project(servers, engine, f"from_{engine}", directory)
        project.fill(ROWS)
        path = directory / f"{engine}.jsonl.zst"
        with project.opened() as site:
            answer = dump.dump_fixture(site, site.engines["default"], str(path))
        found[engine] = {"project": project, "path": path, "answer": answer}
    return found


@pytest.fixture(scope="module", name="targets")
def _targets(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Project]:
    """A blank database of the same code on each engine."""
    directory = tmp_path_factory.mktemp("targets")
    return {engine: Project(servers, engine, f"to_{engine}", directory) for engine in ENGINES}


@pytest.mark.drawn(12)
@pytest.mark.parametrize("target", ENGINES)
@pytest.mark.parametrize("source", ENGINES)
def test_every_pair(dumped: dict[str, Any], targets: dict[str, Project], source: str, target: str) -> None:
    """Count and fingerprint of every model, as the new database gives them back, are those of the fixture."""
    answer = dumped[source]["answer"]
    with targets[target].opened() as site:
        engine = site.engines["default"]
        loaded = load.load_fixture(site, engine, str(dumped[source]["path"]))
        assert loaded["counts"] == answer["counts"]
        assert loaded["migrated"] == []
        assert engine.exists(INCOMING)
        assert engine.describe().tables == 0
        engine.drop(INCOMING)
    assert answer["counts"]["shop.Book"]["objects"] > 50
    assert set(answer["counts"]) >= {"shop.Book_tags", "shop.Cafe", "contenttypes.ContentType", "shop.LegacyOrder"}


def test_what_managers_hide_and_what_is_left_out(dumped: dict[str, Any]) -> None:
    """Hidden rows are in the fixture; tables without a model and generated columns are named as not being in it."""
    code = "from shop.models import Book; print('N', Book.objects.count(), Book.everything.count())"
    for engine in ENGINES:
        words = dumped[engine]["project"].must("shell", "-c", code).split("N ")[-1].split()
        seen, all_of_them = int(words[0]), int(words[1])
        assert seen < all_of_them == dumped[engine]["answer"]["counts"]["shop.Book"]["objects"]
        names = {item["name"] for item in dumped[engine]["answer"]["left_out"]}
        assert {'stray "table" = 1', "shop.Invoice.total", "shop_visible_books"} <= names
    there = {item["name"] for item in dumped["postgresql"]["answer"]["left_out"]}
    assert {"movement", "public.shop_book_stats"} <= there and "movement_2025" not in there


@pytest.mark.drawn(6)
@pytest.mark.parametrize("engine", ENGINES)
def test_beside_a_dump_of_the_same_moment(dumped: dict[str, Any], tmp_path: Path, engine: str) -> None:
    """While somebody writes, fixture and dump hold the same rows."""
    project: Project = dumped[engine]["project"]
    stop = threading.Event()
    code = (
        "import sys, django.db, time; from django.utils import timezone; from shop.models import Heartbeat\n"
        "end = time.time() + 8\n"
        "while time.time() < end: Heartbeat.objects.create(host='x', beat_at=timezone.now()); time.sleep(0.002)"
    )
    writer = threading.Thread(target=project.manage, args=("shell", "-c", code), daemon=True)
    writer.start()
    try:
        for number in range(3):
            directory = tmp_path / str(number)
            directory.mkdir()
            with project.opened() as site:
                one, path = site.engines["default"], str(directory / "f.jsonl.zst")
                with dump.parallel_fixture(site, one, path, "f.jsonl.zst") as parallel, one.snapshot() as snapshot:
                    snapshot.dump(str(directory), parallel.begin)
                    state = snapshot.state()
                    fixture = parallel.finish()
            rows = {table.name.split(".")[-1]: table.rows for table in state.tables}
            assert fixture.models["shop.Heartbeat"]["objects"] == rows["shop_heartbeat"]
            assert fixture.models["shop.Sale"]["objects"] == rows["shop_sale"]
            assert Path(path).stat().st_mode & 0o777 == 0o600
    finally:
        stop.set()
        writer.join(30)


@pytest.mark.drawn(6)
@pytest.mark.parametrize("engine", ENGINES)
def test_sequences_go_on(dumped: dict[str, Any], targets: dict[str, Project], engine: str) -> None:
    """After the swap the next row gets a key of its own."""
    with targets[engine].opened() as site:
        one = site.engines["default"]
        load.load_fixture(site, one, str(dumped["sqlite"]["path"]))
        if one.exists(LIVE):
            one.drop(LIVE)
        one.create_blank()
        one.swap()
    code = (
        "from shop.models import Category, Tag, Book\n"
        "c = Category.objects.create(name='next'); b = Book.everything.order_by('pk').last()\n"
        "b.tags.add(Tag.objects.create(slug='next')); print('OK', c.pk)"
    )
    assert "OK " in targets[engine].must("shell", "-c", code)


# --- what is refused


def lines(path: Path) -> list[str]:
    done = subprocess.run(["zstd", "-dc", str(path)], capture_output=True, text=True, check=True)
    return done.stdout.split("\n")[:-1]


def index(found: list[str], start: str) -> int:
    return next(number for number, line in enumerate(found) if line.startswith(start))


def first_row(found: list[str], label: str) -> int:
    return index(found, json.dumps({"model": label}, separators=(",", ":"))[:-1]) + 1


def edited(label: str, field: str, value: Any, fits: bool = True) -> Callable[[list[str]], list[str]]:
    """Change a value in the first row of a model, and the model's end with it, so that only the value is wrong."""

    def edit(found: list[str]) -> list[str]:
        number = first_row(found, label)
        fields = json.loads(found[number - 1])["fields"]
        row = json.loads(found[number])
        row[[name for name, _kind in fields].index(field)] = value
        found[number] = json.dumps(row, ensure_ascii=False, separators=(",", ":"))
        end = next(at for at in range(number, len(found)) if found[at].startswith('{"end"'))
        total = venv_rows.Sum(kind for _name, kind in fields)
        texts = found[number:end]
        total.add([json.loads(text) for text in texts], [text.encode() for text in texts])
        if fits:
            found[end] = json.dumps({"end": label, "objects": total.rows, "fingerprint": total.fingerprint})
        return found

    return edit


def shortened(label: str) -> Callable[[list[str]], list[str]]:
    def edit(found: list[str]) -> list[str]:
        number = first_row(found, label)
        found[number] = json.dumps(json.loads(found[number])[:-1])
        return found

    return edit


def without_line(start: str) -> Callable[[list[str]], list[str]]:
    return lambda found: found[: index(found, start)] + found[index(found, start) + 1 :]


def replaced(old: str, new: str) -> Callable[[list[str]], list[str]]:
    return lambda found: [line.replace(old, new, 1) for line in found]


def doubled(label: str) -> Callable[[list[str]], list[str]]:
    def edit(found: list[str]) -> list[str]:
        number = first_row(found, label)
        return found[: number + 1] + [found[number]] + found[number + 1 :]

    return edit


BAD: dict[str, tuple[Callable[[list[str]], list[str]], str, str]] = {
    "empty": (lambda found: [], "fixture_truncated", "after 0 objects"),
    "no header": (lambda found: found[1:], "fixture_invalid", "line 1"),
    "header of nothing": (lambda found: ["{}", *found[1:]], "fixture_invalid", "line 1"),
    "newer format": (replaced('"relocate_fixture":1', '"relocate_fixture":2'), "format_unknown", "format 2"),
    "header lacks migrations": (replaced('"migrations":', '"migration":'), "fixture_invalid", "migrations"),
    "cut in a model": (lambda found: found[: len(found) // 2], "fixture_truncated", "objects"),
    "cut at a model's end": (lambda found: found[: index(found, '{"end"') + 1], "fixture_truncated", "models"),
    "no trailer": (lambda found: found[:-1], "fixture_truncated", "models"),
    "more after the end": (lambda found: [*found, "[]"], "fixture_invalid", "more after the end"),
    "a model's end is gone": (without_line('{"end":"shop.Category"'), "fixture_invalid", "no end"),
    "a row is gone": (
        lambda found: found[: first_row(found, "shop.Tag")] + found[first_row(found, "shop.Tag") + 1 :],
        "fixture_invalid",
        "shop.Tag",
    ),
    "a row is doubled": (doubled("shop.Tag"), "fixture_invalid", "shop.Tag"),
    "a value was changed": (edited("shop.Category", "name", "other", fits=False), "fixture_changed", "shop.Category"),
    "not JSON": (lambda found: [*found[:40], "{", *found[41:]], "fixture_invalid", "line 41"),
    "unknown model": (replaced('"shop.Oddity"', '"shop.Nothing"'), "unknown_model", "shop.Nothing"),
    "unknown field": (replaced('["slug","text"]', '["slog","text"]'), "unknown_field", "slog"),
    "field of another kind": (replaced('["slug","text"]', '["slug","int"]'), "fixture_invalid", "slug"),
    "unknown migration": (replaced('"shop.0001_initial"', '"shop.0001_other"'), "unknown_migration", "shop.0001_other"),
    "missing migration": (replaced('"shop.0002_favourite_and_subtitle",', ""), "unknown_migration", "shop.0002"),
    "other time zones": (replaced('"use_tz":true', '"use_tz":false'), "setting_differs", "USE_TZ"),
    "partial": (replaced('"whole":true', '"whole":false'), "fixture_partial", "only some"),
    "too few values": (shortened("shop.Category"), "fixture_invalid", "values for"),
    "not a date": (edited("shop.Sale", "sold_at", "yesterday"), "fixture_invalid", "shop.Sale 1"),
    "NULL where none may be": (edited("shop.Tag", "slug", None), "fixture_invalid", "shop.Tag"),
    "not base64": (edited("shop.Book", "cover", "***"), "fixture_invalid", "cover is not base64"),
}


#: What a server has to refuse, not the reader: tried on each.
ON_EACH = ("not a date", "NULL where none may be", "not base64", "unknown field")


@pytest.mark.drawn(12)
@pytest.mark.parametrize(
    ("case", "engine"), [(case, engine) for case in BAD for engine in (ENGINES if case in ON_EACH else ("sqlite",))]
)
def test_bad_fixtures(
    dumped: dict[str, Any], targets: dict[str, Project], tmp_path: Path, case: str, engine: str
) -> None:
    """One clear error with line and object; the live database is as it was, and nothing is left beside it."""
    edit, code, words = BAD[case]
    path = tmp_path / "bad.jsonl"
    found = edit(lines(dumped["sqlite"]["path"]))
    path.write_text("".join(line + "\n" for line in found))
    with targets[engine].opened() as site:
        one = site.engines["default"]
        before = one.describe().tables
        with pytest.raises(RelocateError) as caught:
            load.load_fixture(site, one, str(path))
        assert (caught.value.code, words in caught.value.msg) == (code, True), caught.value.msg
        assert caught.value.hint
        assert not one.exists(INCOMING)
        assert one.describe().tables == before


def test_not_utf8_and_not_zstd(dumped: dict[str, Any], targets: dict[str, Project], tmp_path: Path) -> None:
    """Bytes of another encoding, and of another compression."""
    raw = "\n".join(lines(dumped["sqlite"]["path"])).encode("latin-1", "replace")
    (tmp_path / "latin.jsonl").write_bytes(raw.replace(b"Fiction", b"Fikti\xf6n"))
    (tmp_path / "plain.jsonl.zst").write_bytes(raw)
    whole = dumped["sqlite"]["path"].read_bytes()
    (tmp_path / "cut.jsonl.zst").write_bytes(whole[: len(whole) // 2])
    for name, code, words in (
        ("latin.jsonl", "fixture_invalid", "not UTF-8"),
        ("plain.jsonl.zst", "dump_truncated", "decompressed"),
        ("cut.jsonl.zst", "dump_truncated", "decompressed"),
    ):
        with targets["sqlite"].opened() as site, pytest.raises(RelocateError) as caught:
            load.load_fixture(site, site.engines["default"], str(tmp_path / name))
        assert (caught.value.code, words in caught.value.msg) == (code, True), caught.value.msg


def test_a_reference_that_points_nowhere(servers: Servers, targets: dict[str, Project], tmp_path: Path) -> None:
    """SQLite holds rows that no other engine takes: the scan names each before, a load refuses the first."""
    project = Project(servers, "sqlite", "hostile", tmp_path)
    for alias in ("default", "archive"):
        project.must("migrate", "-v0", "--database", alias)
    project.must("populate", "--rows", str(ROWS), "--hostile")
    path = tmp_path / "hostile.jsonl.zst"
    with project.opened() as site:
        one = site.engines["default"]
        found = scan.scan(site, one, "postgresql", ['stray "table" = 1'])["findings"]
        dump.dump_fixture(site, one, str(path))
    assert {item["code"] for item in found} == {"nul", "over_long", "dangling"}
    assert all(item["rows"] and item["remedy"] for item in found)
    for engine in ENGINES:
        with targets[engine].opened() as site, pytest.raises(RelocateError) as caught:
            load.load_fixture(site, site.engines["default"], str(path))
        expected = {"sqlite": "reference_missing", "postgresql": "fixture_invalid", "mysql": "fixture_invalid"}
        assert caught.value.code == expected[engine], caught.value.msg


# --- Django's own formats

#: JSON's null becomes NULL in all of Django's formats, so that these two differ; a signal handler adds rows to the
#: third, and other tests write to the fourth.
NOT_THE_SAME = {"shop.Everything", "shop.Book", "shop.SignalLog", "shop.Heartbeat"}


#: XML has none, and the books' texts do.
WITHOUT_CONTROL_CHARACTERS = [
    *("auth.Group", "auth.User", "shop.Category", "shop.Tag", "shop.Place", "shop.Bookshop", "shop.Cafe"),
    "shop.Invoice",
]


@pytest.mark.drawn(12)
@pytest.mark.parametrize("form", ["json", "jsonl", "xml", "yaml"])
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_plain_loaddata_reads_what_is_written(
    dumped: dict[str, Any], servers: Servers, tmp_path: Path, form: str, engine: str
) -> None:
    """Every row and all digits, hidden rows and many-to-many relations among them."""
    source: Project = dumped[engine]["project"]
    path = tmp_path / f"plain.{form}"
    options = {"format": form, "exclude": ["contenttypes", "auth.Permission", "sessions"], "natural_foreign": True}
    if form == "xml":
        options["models"] = WITHOUT_CONTROL_CHARACTERS
    with source.opened() as site:
        written = dump.dump_fixture(site, site.engines["default"], str(path), options)["counts"]
    target = Project(servers, "sqlite", f"plain_{form}_{engine}", tmp_path)
    target.must("migrate", "-v0")
    target.must("loaddata", str(path))
    with target.opened() as site:
        loaded = dump.dump_fixture(site, site.engines["default"], str(tmp_path / "again.jsonl.zst"))["counts"]
    expected = dumped[engine]["answer"]["counts"]
    same = [label for label in written if label not in NOT_THE_SAME]
    assert {label: loaded[label] for label in same} == {label: expected[label] for label in same}
    # Rows of these get keys of their own.
    for through in ("shop.Book_tags", "shop.Book_similar", "shop.Book") if form != "xml" else ():
        assert loaded[through]["objects"] == expected[through]["objects"] > 0


def test_what_a_format_cannot_hold_is_said(dumped: dict[str, Any], tmp_path: Path) -> None:
    """Control characters in XML; an app and a model that do not exist; keys of two models."""
    for options, code, words in (
        ({"format": "xml", "models": ["shop.Everything"]}, "value_unwritable", "control characters"),
        ({"models": ["shap"]}, "unknown_model", "shap"),
        ({"models": ["shop.Buch"]}, "unknown_model", "shop.Buch"),
        ({"models": ["shop"], "keys": ["1"]}, "bad_option", "one model"),
    ):
        path = tmp_path / "refused"
        with dumped["sqlite"]["project"].opened() as site, pytest.raises(RelocateError) as caught:
            dump.dump_fixture(site, site.engines["default"], str(path), options)
        assert (caught.value.code, words in caught.value.msg) == (code, True), caught.value.msg
        assert list(tmp_path.iterdir()) == []


def test_chosen_objects(dumped: dict[str, Any], tmp_path: Path) -> None:
    """Some keys of one model, in the order of the keys."""
    path = tmp_path / "some.json"
    options = {"format": "json", "models": ["shop.Sale"], "keys": ["3", "1"]}
    with dumped["postgresql"]["project"].opened() as site:
        answer = dump.dump_fixture(site, site.engines["default"], str(path), options)
    assert answer["counts"] == {"shop.Sale": {"objects": 2}}
    assert [item["pk"] for item in json.loads(path.read_text())] == [1, 3]
    assert answer["whole"] is False and answer["left_out"] == []


@pytest.mark.drawn(6)
@pytest.mark.parametrize("engine", ENGINES)
def test_tables_without_a_model_are_found(dumped: dict[str, Any], engine: str) -> None:
    """With their rows they would stay behind; an odd name is none of the scan's trouble."""
    target = "mysql" if engine == "postgresql" else "postgresql"
    with dumped[engine]["project"].opened() as site:
        found = scan.scan(site, site.engines["default"], target, [])["findings"]
        accepted = scan.scan(site, site.engines["default"], target, ['stray "table" = 1'])["findings"]
    assert 'stray "table" = 1' in {item["table"] for item in found}
    assert 'stray "table" = 1' not in {item["table"] for item in accepted}
