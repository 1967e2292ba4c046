# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures that are merged into a database in use: what is inserted, updated and left, row by row, or nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._fixtures import dump, load
from tests.engines.fixture_sites import ENGINES, Project, Servers

ROWS = 300


@pytest.fixture(scope="module", name="filled")
def _filled(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Project]:
    """The awkward site on each engine."""
    directory, found = tmp_path_factory.mktemp("merge"), {}
    for engine in ENGINES:
        found[engine] = Project(servers, engine, f"merge_{engine}", directory)
        found[engine].fill(ROWS)
    return found


def merge(project: Project, path: Path, **options: Any) -> dict[str, Any]:
    with project.opened() as site:
        return load.merge_fixture(site, site.engines["default"], str(path), **options)


def dumped(project: Project, path: Path, **options: Any) -> dict[str, Any]:
    with project.opened() as site:
        return dump.dump_fixture(site, site.engines["default"], str(path), options)


def shell(project: Project, code: str) -> list[str]:
    return project.must("shell", "-c", code).split("OK ")[-1].split()


def state(project: Project, tmp_path: Path) -> dict[str, Any]:
    """Every model's count and fingerprint."""
    path = tmp_path / "state.jsonl.zst"
    counts: dict[str, Any] = dumped(project, path)["counts"]
    return counts


OBJECTS = [
    {"model": "shop.category", "pk": 1, "fields": {"name": "renamed"}},
    {"model": "shop.category", "pk": 9001, "fields": {"name": "new", "parent": 1}},
    {"model": "auth.group", "fields": {"name": "merged", "permissions": [["add_user", "auth", "user"]]}},
    {"model": "auth.user", "pk": 9002, "fields": {"username": "merged", "password": "x", "groups": [["merged"]]}},
    {"model": "shop.book", "pk": 1, "fields": {"price": "3.1400", "tags": []}},
]


@pytest.mark.drawn(12)
@pytest.mark.parametrize("engine", ENGINES)
def test_inserted_updated_and_left(filled: dict[str, Project], tmp_path: Path, engine: str) -> None:
    """Each once; the same fixture again leaves everything; check mode changes nothing."""
    project, path = filled[engine], tmp_path / "some.json"
    path.write_text(json.dumps(OBJECTS))
    before = state(project, tmp_path)
    looked = merge(project, path, check=True)
    assert state(project, tmp_path) == before
    done = merge(project, path)
    assert done["counts"] == looked["counts"]
    assert done["counts"]["shop.Category"] == {"inserted": 1, "updated": 1, "left": 0, "deleted": 0}
    assert done["counts"]["auth.Group"] == {"inserted": 1, "updated": 0, "left": 0, "deleted": 0}
    assert done["counts"]["shop.Book_tags"]["deleted"] > 0
    assert done["counts"]["auth.Group_permissions"]["inserted"] == 1
    rows = {(row["model"], row["pk"]): row for row in done["rows"]}
    assert rows["shop.Category", "1"] == {"model": "shop.Category", "pk": "1", "action": "updated", "fields": ["name"]}
    assert rows["shop.Book", "1"]["fields"] == ["price"]
    assert rows["shop.Category", "9001"]["action"] == "inserted"
    code = (
        "from shop.models import *; from django.contrib.auth.models import *\n"
        "g = Group.objects.get(name='merged'); b = Book.everything.get(pk=1); u = User.objects.get(pk=9002)\n"
        "print('OK', Category.objects.get(pk=9001).parent.name, g.permissions.get().codename, u.groups.get().name,"
        " b.price, b.tags.count(), b.title != '', Category.objects.create(name='next').pk > 9001)"
    )
    assert shell(project, code) == ["renamed", "add_user", "merged", "3.1400", "0", "True", "True"]
    again = merge(project, path)
    assert all(sum(item.values()) == item["left"] for item in again["counts"].values()), again["counts"]


@pytest.mark.drawn(12)
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("form", ["lines", "json", "yaml"])
def test_a_part_of_another_site(filled: dict[str, Project], tmp_path: Path, form: str, engine: str) -> None:
    """Rows that are the same on both are left, whatever the engine and the form; content types keep their numbers."""
    path = tmp_path / ("part.jsonl" if form == "lines" else f"part.{form}")
    options: dict[str, Any] = {"format": form, "models": ["shop.Tag", "shop.Place", "shop.Cafe", "shop.Invoice"]}
    dumped(filled["sqlite"], path, **options)
    done = merge(filled[engine], path)
    assert done["counts"]["shop.Tag"]["left"] > 0
    assert {item["inserted"] + item["updated"] for item in done["counts"].values()} == {0}, done["counts"]


@pytest.mark.drawn(12)
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("form", ["json", "yaml"])
def test_a_site_into_itself(filled: dict[str, Project], tmp_path: Path, form: str, engine: str) -> None:
    """All that is there is left, whatever fields there are; JSON's own null is NULL in these formats."""
    path = tmp_path / f"all.{form}"
    dumped(filled[engine], path, format=form)
    done = merge(filled[engine], path, check=True)["counts"]
    assert done["shop.Sale"]["left"] > 100 and done["auth.User"]["left"] > 0
    other = {label: item for label, item in done.items() if sum(item.values()) != item["left"]}
    assert set(other) <= {"shop.Everything", "shop.Book"}, other
    assert all(item["inserted"] + item["deleted"] == 0 for item in other.values()), other


@pytest.mark.drawn(12)
@pytest.mark.parametrize("engine", ENGINES)
def test_content_types_are_mapped(servers: Servers, tmp_path: Path, engine: str) -> None:
    """Their numbers on the target are others; what refers to them is given the target's."""
    old, new = (Project(servers, engine, f"merge_{name}_{engine}", tmp_path) for name in ("from", "to"))
    for project in (old, new):
        project.must("migrate", "-v0")
    shift = (
        "from django.contrib.contenttypes.models import ContentType as C; from django.contrib.auth.models import *\n"
        "C.objects.filter(app_label='shop', model='book').delete(); C.objects.create(app_label='x', model='y')\n"
        "C.objects.create(app_label='shop', model='book')"
    )
    new.must("shell", "-c", shift)
    make = (
        "from django.contrib.admin.models import LogEntry; from django.contrib.auth.models import *\n"
        "from django.contrib.contenttypes.models import ContentType as C\n"
        "u = User.objects.create(pk=77, username='u'); g = Group.objects.create(pk=78, name='g')\n"
        "g.permissions.add(Permission.objects.get(codename='add_tag'))\n"
        "LogEntry.objects.create(pk=79, user=u, content_type=C.objects.get(app_label='shop', model='book'),"
        " action_flag=1, object_repr='')"
    )
    old.must("shell", "-c", make)
    path = tmp_path / "part.jsonl.zst"
    dumped(old, path, models=["admin", "auth.User", "auth.Group", "contenttypes", "auth.Permission"])
    done = merge(new, path)
    assert done["counts"]["contenttypes.ContentType"]["inserted"] == 0
    look = (
        "from django.contrib.admin.models import LogEntry; from django.contrib.auth.models import *\n"
        "e = LogEntry.objects.get(pk=79)\n"
        "p = Group.objects.get(pk=78).permissions.get()\n"
        "print('OK', e.content_type.app_label, e.content_type.model, p.codename)"
    )
    assert shell(new, look) == ["shop", "book", "add_tag"]
    # Without the content types nobody can know which are meant.
    dumped(old, path, models=["admin"])
    with pytest.raises(RelocateError) as caught:
        merge(new, path)
    assert caught.value.code == "fixture_invalid" and "another one in each database" in caught.value.msg


BAD: dict[str, tuple[Any, str, str]] = {
    "points nowhere": (
        [OBJECTS[0], {"model": "shop.category", "pk": 9003, "fields": {"name": "x", "parent": 9999}}],
        "reference_missing",
        "shop.Category 9003: parent refers to shop.Category 9999",
    ),
    "lacks a field": ([{"model": "shop.sale", "pk": 9004, "fields": {}}], "fixture_invalid", "lacks the field"),
    "twice": (
        [{"model": "shop.tag", "pk": "00000000-0000-4000-8000-0000000000aa", "fields": {"slug": "dd"}},
         {"model": "shop.tag", "pk": "00000000-0000-4000-8000-0000000000bb", "fields": {"slug": "dd"}}],
        "fixture_invalid",
        "object 2, line 1: shop.Tag",
    ),
    "unknown": ([{"model": "shop.nothing", "pk": 1, "fields": {}}], "unknown_model", "shop.nothing"),
}  # fmt: skip


@pytest.mark.drawn(12)
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("case", list(BAD))
def test_refused_whole(filled: dict[str, Project], tmp_path: Path, case: str, engine: str) -> None:
    """One bad object, and nothing of the others stays."""
    found, code, words = BAD[case]
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(found))
    before = state(filled[engine], tmp_path)
    with pytest.raises(RelocateError) as caught:
        merge(filled[engine], path)
    assert (caught.value.code, words in caught.value.msg) == (code, True), caught.value.msg
    assert state(filled[engine], tmp_path) == before


@pytest.mark.drawn(6)
@pytest.mark.parametrize("engine", ENGINES)
def test_new_keys_are_free(servers: Servers, tmp_path: Path, engine: str) -> None:
    """A sequence that stayed behind must not lead to a row that is there; the site's next row gets a key too."""
    project = Project(servers, engine, f"merge_free_{engine}", tmp_path)
    project.must("migrate", "-v0")
    make = "from django.contrib.auth.models import *\nfor n in range(1, 8): Group.objects.create(pk=n, name=f'g{n}')"
    project.must("shell", "-c", make)
    path = tmp_path / "new.json"
    path.write_text(json.dumps([{"model": "auth.group", "fields": {"name": f"new {n}"}} for n in range(3)]))
    done = merge(project, path)
    assert done["counts"]["auth.Group"] == {"inserted": 3, "updated": 0, "left": 0, "deleted": 0}
    look = (
        "from django.contrib.auth.models import *\n"
        "print('OK', Group.objects.count(), Group.objects.create(name='next').pk > 10, Group.objects.get(pk=1).name)"
    )
    assert shell(project, look) == ["10", "True", "g1"]


@pytest.mark.drawn(6)
@pytest.mark.parametrize("engine", ENGINES)
def test_the_key_zero(filled: dict[str, Project], tmp_path: Path, engine: str) -> None:
    """MySQL gives a number of its own for 0 unless told otherwise, and Django refuses to ask it for one."""
    path = tmp_path / "zero.json"
    path.write_text(json.dumps([{"model": "shop.category", "pk": 0, "fields": {"name": "none", "parent": 0}}]))
    first, second = (merge(filled[engine], path)["counts"]["shop.Category"] for _turn in range(2))
    assert first == {"inserted": 1, "updated": 0, "left": 0, "deleted": 0}
    assert second == {"inserted": 0, "updated": 0, "left": 1, "deleted": 0}
    dumped(filled[engine], tmp_path / "zero.jsonl", models=["shop.Category"], keys=["0"])
    assert '[0,"none",0]' in (tmp_path / "zero.jsonl").read_text()
    assert shell(filled[engine], "from shop.models import *; print('OK', Category.objects.filter(pk=1).count())") == [
        "1"
    ]


def test_what_only_looks_the_same(filled: dict[str, Project], tmp_path: Path) -> None:
    """1 is not true in JSON; the second of two objects counts; other time zones and new ones by number are refused."""
    project, path = filled["sqlite"], tmp_path / "same.json"

    def put(*found: dict[str, Any]) -> dict[str, Any]:
        path.write_text(json.dumps(found))
        return merge(project, path)["counts"]

    put({"model": "shop.book", "pk": 2, "fields": {"data": {"a": 1}}})
    assert put({"model": "shop.book", "pk": 2, "fields": {"data": {"a": True}}})["shop.Book"]["updated"] == 1
    twice = [{"model": "shop.category", "pk": 2, "fields": {"name": name}} for name in ("once", "twice")]
    put(*twice)
    assert shell(project, "from shop.models import *; print('OK', Category.objects.get(pk=2).name)") == ["twice"]
    with pytest.raises(RelocateError) as caught:
        put(
            {"model": "auth.user", "fields": {"username": "fresh", "password": "x"}},
            {"model": "shop.note", "pk": 1, "fields": {"content_type": 1}},
        )
    assert caught.value.code == "fixture_invalid" and "by number" in caught.value.msg
    lines = tmp_path / "zones.jsonl"
    dumped(project, lines, models=["shop.Category"])
    lines.write_text(lines.read_text().replace('"use_tz":true', '"use_tz":false'))
    with pytest.raises(RelocateError) as caught:
        merge(project, lines)
    assert caught.value.code == "setting_differs"
