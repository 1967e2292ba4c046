# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Django's own fixture formats, ours and those of plain dumpdata, loaded on real servers; bad ones refused whole."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.base import INCOMING, LIVE, PREVIOUS
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._fixtures import dump, load
from tests.engines.fixture_sites import ENGINES, Project, Servers
from tests.engines.test_fixture_state import code

ROWS = 500
FORMS = ("json", "jsonl", "xml", "yaml")
#: JSON's null becomes NULL in all of Django's formats.
NULLS = {"shop.Everything", "shop.Book"}
#: XML has no control characters, and the texts of others do.
FIT_FOR_XML = [
    *("auth", "contenttypes", "shop.Category", "shop.Tag", "shop.Place", "shop.Bookshop", "shop.Cafe"),
    "shop.Invoice",
]


@pytest.fixture(scope="module", name="source")
def _source(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The awkward site on SQLite, its fingerprints, and a fixture of each form."""
    directory = tmp_path_factory.mktemp("formats")
    project = Project(servers, "sqlite", "formats", directory)
    project.fill(ROWS)
    with project.opened() as site:
        one = site.engines["default"]
        counts = dump.dump_fixture(site, one, str(directory / "whole.jsonl.zst"))["counts"]
        for form in FORMS:
            options = {"format": form, **({"models": FIT_FOR_XML} if form == "xml" else {})}
            dump.dump_fixture(site, one, str(directory / f"ours.{form}"), options)
    return {"project": project, "directory": directory, "counts": counts}


@pytest.fixture(scope="module", name="targets")
def _targets(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Project]:
    directory = tmp_path_factory.mktemp("targets")
    return {engine: Project(servers, engine, f"formats_{engine}", directory) for engine in ENGINES}


def load_into(target: Project, path: Path, **options: Any) -> dict[str, Any]:
    """Load, and put away what was loaded."""
    with target.opened() as site:
        one = site.engines["default"]
        loaded = load.load_fixture(site, one, str(path), **options)
        one.drop(INCOMING)
    return loaded


def make_live(target: Project, path: Path, **options: Any) -> dict[str, Any]:
    """Load, and put it in the place of the live database."""
    with target.opened() as site:
        one = site.engines["default"]
        loaded = load.load_fixture(site, one, str(path), **options)
        one.swap()
    return loaded


def blank(target: Project) -> None:
    """Make the live database blank again."""
    with target.opened() as site:
        for role in (LIVE, PREVIOUS):
            if site.engines["default"].exists(role):
                site.engines["default"].drop(role)
    target.make_blank()


@pytest.mark.drawn(12)
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("form", FORMS)
def test_ours(source: dict[str, Any], targets: dict[str, Project], tmp_path: Path, form: str, engine: str) -> None:
    """Counts and fingerprints are those of the source, as the new database gives them back."""
    target = targets[engine]
    loaded = make_live(target, source["directory"] / f"ours.{form}")["counts"]
    with target.opened() as site:
        again = dump.dump_fixture(site, site.engines["default"], str(tmp_path / "again.jsonl.zst"))["counts"]
    blank(target)
    expected = {label: item for label, item in source["counts"].items() if label in loaded}
    assert {label: item["objects"] for label, item in loaded.items()} == {
        label: item["objects"] for label, item in expected.items()
    }
    # Rows of many-to-many relations get numbers of their own.
    same = [label for label in loaded if label not in NULLS and label.count("_") == 0]
    assert len(same) > 8
    assert {label: again[label] for label in same} == {label: expected[label] for label in same}
    if form != "xml":
        assert loaded["shop.Book_tags"]["objects"] > 0


@pytest.mark.drawn(12)
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "options",
    [
        ["--all"],
        ["--all", "--natural-foreign", "-e", "contenttypes", "-e", "auth.permission"],
        ["--all", "--natural-foreign", "--natural-primary", "--format", "yaml", "-e", "admin", "-e", "shop.Profile"],
        ["--all", "--indent", "2", "--natural-foreign", "-e", "contenttypes", "-e", "auth.permission"],
    ],
    ids=["plain", "natural", "natural keys only", "indented"],
)
def test_of_plain_dumpdata(
    source: dict[str, Any], targets: dict[str, Project], tmp_path: Path, options: list[str], engine: str
) -> None:
    """What people have: every object arrives, hidden ones too where --all was said."""
    path = tmp_path / ("plain.yaml" if "yaml" in options else "plain.json")
    project: Project = source["project"]
    project.must("dumpdata", *options, "-o", str(path))
    loaded = load_into(targets[engine], path)["counts"]
    expected = source["counts"]
    assert loaded["shop.Book"]["objects"] == expected["shop.Book"]["objects"] >= 50
    # Relations to rows that a manager hides are left out by dumpdata; a symmetrical one is told by its other end.
    for label, item in loaded.items():
        assert item["objects"] == expected[label]["objects"], label
    assert loaded["auth.Group_permissions"]["objects"] == expected["auth.Group_permissions"]["objects"]
    assert loaded["shop.Sale"]["objects"] == expected["shop.Sale"]["objects"]


def test_a_key_that_means_nothing_any_more(source: dict[str, Any], targets: dict[str, Project], tmp_path: Path) -> None:
    """With natural primary keys dumpdata writes users without and their profiles with the users' numbers."""
    path = tmp_path / "lost.json"
    source["project"].must(
        "dumpdata", "--all", "--natural-foreign", "--natural-primary", "-e", "admin", "-o", str(path)
    )
    with pytest.raises(RelocateError) as caught:
        load_into(targets["sqlite"], path)
    assert caught.value.code == "fixture_invalid" and "user refers to auth.User by key" in caught.value.msg


@pytest.mark.drawn(8)
@pytest.mark.parametrize(
    ("name", "compress"),
    [("f.json.gz", gzip.compress), ("f.json.bz2", bz2.compress), ("f.json.xz", lzma.compress), ("f.json.zst", None)],
)
def test_compressed(
    source: dict[str, Any], targets: dict[str, Project], tmp_path: Path, name: str, compress: Callable[[bytes], bytes]
) -> None:
    raw = (source["directory"] / "ours.json").read_bytes()
    path = tmp_path / name
    if compress is None:
        path.write_bytes(subprocess.run(["zstd", "-c"], input=raw, capture_output=True, check=True).stdout)
    else:
        path.write_bytes(compress(raw))
    loaded = load_into(targets["sqlite"], path)["counts"]
    assert loaded["shop.Sale"]["objects"] == source["counts"]["shop.Sale"]["objects"]
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(RelocateError) as caught:
        load_into(targets["sqlite"], path)
    assert caught.value.code == "dump_truncated"


NATURAL = [
    {"model": "shop.category", "pk": 1, "fields": {"name": "a", "parent": 2}},
    {"model": "shop.category", "pk": 2, "fields": {"name": "b", "parent": None}},
    {"model": "auth.group", "fields": {"name": "late", "permissions": [["add_user", "auth", "user"]]}},
    {"model": "auth.user", "pk": 5, "fields": {"username": "u", "password": "x", "groups": [["later"]]}},
    {"model": "admin.logentry", "pk": 1, "fields": {
        "action_time": "2026-01-01T00:00:00Z", "user": ["unseen"], "content_type": ["shop", "book"], "object_id": "1",
        "object_repr": "x", "action_flag": 1, "change_message": ""}},
    {"model": "auth.group", "fields": {"name": "later", "permissions": []}},
    {"model": "auth.user", "pk": 9, "fields": {"username": "unseen", "password": "x"}},
]  # fmt: skip


@pytest.mark.drawn(6)
@pytest.mark.parametrize("engine", ENGINES)
def test_natural_keys_in_any_order(targets: dict[str, Project], tmp_path: Path, engine: str) -> None:
    """References ahead of their objects, objects without a key, content types that only migrate makes."""
    path = tmp_path / "natural.json"
    path.write_text(json.dumps(NATURAL))
    target = targets[engine]
    loaded = make_live(target, path)["counts"]
    assert loaded["auth.Group"]["objects"] == 2 and loaded["auth.User_groups"]["objects"] == 1
    code = (
        "from django.contrib.admin.models import LogEntry; from django.contrib.auth.models import *\n"
        "e = LogEntry.objects.get(); u = User.objects.get(pk=5); g = Group.objects.get(name='late')\n"
        "print('OK', e.user_id, e.content_type.model, u.groups.get().name, g.permissions.get().codename)\n"
        "from shop.models import Category; print(Category.objects.get(pk=1).parent.name, Category.objects.create().pk)"
    )
    assert target.must("shell", "-c", code).split("OK ")[-1].split() == ["9", "book", "later", "add_user", "b", "3"]
    blank(target)


def objects(*found: dict[str, Any]) -> str:
    return json.dumps(list(found))


TAG = {"model": "shop.tag", "pk": "00000000-0000-4000-8000-000000000001", "fields": {"slug": "x"}}
CATEGORY = {"model": "shop.category", "pk": 1, "fields": {"name": "a"}}
BOOK: dict[str, Any] = {"model": "shop.book", "pk": 1, "fields": {
    "title": "x", "author": 1, "category": None, "description": "", "price": "1", "data": None, "cover": None,
    "added_at": "2026-01-01T00:00:00Z"}}  # fmt: skip


def category(**fields: Any) -> dict[str, Any]:
    return {"model": "shop.category", "pk": 1, "fields": {"name": "a", **fields}}


#: File name, content, the error's code and words of it.
BAD: dict[str, tuple[str, str | bytes, str, str]] = {
    "nothing": ("f.json", "", "fixture_truncated", "after 0 objects"),
    "no object": ("f.json", "[]", "fixture_invalid", "no object"),
    "no list": ("f.json", "{}", "fixture_invalid", "line 1: this is not a list"),
    "truncated": ("f.json", objects(TAG, CATEGORY)[:-30], "fixture_truncated", "after 1 objects"),
    "truncated between objects": ("f.json", objects(TAG)[:-1] + ",", "fixture_truncated", "after 1 objects"),
    "more after the end": ("f.json", objects(TAG) + "\n[]", "fixture_invalid", "line 2: there is more"),
    "not JSON": ("f.json", '[\n{"model": "shop.tag", oops}' + " " * 50 + "]", "fixture_invalid", "object 1, line 2"),
    "wrong encoding": ("f.json", objects(category(name="ö")).encode("latin-1").replace(b"\\u00f6", b"\xf6"),
                       "fixture_invalid", "not UTF-8"),
    "duplicated": ("f.json", objects(TAG, TAG), "fixture_invalid", "object 2, line 1: shop.Tag"),
    "a field twice": ("f.json", '[{"model": "shop.tag", "pk": 1, "fields": {"slug": "a", "slug": "b"}}]',
                      "fixture_invalid", "object 1, line 1: a name is there twice"),
    "no model": ("f.json", '[{"pk": 1, "fields": {}}]', "fixture_invalid", "not an object with a model"),
    "no fields": ("f.json", '[{"model": "shop.tag", "pk": 1}]', "fixture_invalid", "has no fields"),
    "something else": ("f.json", objects(dict(TAG, key=1)), "fixture_invalid", "what no object has: key"),
    "unknown model": ("f.json", objects({"model": "shop.nothing", "pk": 1, "fields": {}}), "unknown_model",
                      "object 1, line 1: the code has no model shop.nothing"),
    "unknown field": ("f.json", objects(category(nome="x")), "unknown_field", "shop.Category 1 has no field nome"),
    "a parent's field": ("f.json", objects({"model": "shop.cafe", "pk": 1, "fields": {"name": "x"}}),
                         "unknown_field", "belongs to a parent"),
    "a missing field": ("f.json", objects({"model": "shop.sale", "pk": 1, "fields": {}}), "fixture_invalid", "lacks"),
    "bad foreign key": ("f.json", objects(category(parent=77)), "reference_missing", "refers to shop.Category 77"),
    "bad natural key": ("f.json", objects(dict(NATURAL[4])), "reference_missing", 'auth.User ["unseen"]'),
    "bad related key": ("f.json", objects({"model": "auth.group", "pk": 1, "fields": {
        "name": "x", "permissions": [["nope", "auth", "user"]]}}), "reference_missing", "nope"),
    "content type by number": ("f.json", objects(dict(NATURAL[4], fields={
        **NATURAL[4]["fields"], "content_type": 3, "user": 9}), NATURAL[6]), "fixture_invalid", "another one in each"),
    "no number": ("f.json", objects(category(parent="x")), "fixture_invalid", "parent holds a text: not an integer"),
    "no key": ("f.json", objects(dict(CATEGORY, pk="x")), "fixture_invalid", "the key id holds a text"),
    "too many digits": ("f.json", objects({"model": "shop.sale", "pk": 1, "fields": {"sold_at": "never"}}),
                        "fixture_invalid", "shop.Sale"),
    "a list for a text": ("f.json", objects(category(name=[1])), "fixture_invalid", "name holds a list: not a text"),
    "no list of related": ("f.json", objects({"model": "auth.group", "pk": 1, "fields": {
        "name": "x", "permissions": 3}}), "fixture_invalid", "permissions holds a number: not a list"),
    "not JSON lines": ("f.jsonl", json.dumps(TAG) + "\n{\n", "fixture_invalid", "object 2, line 2"),
    "JSON lines cut": ("f.jsonl", json.dumps(TAG) + "\n" + json.dumps(CATEGORY)[:-9], "fixture_truncated", "1 objects"),
    "not XML": ("f.xml", "<django-objects><object></django-objects>", "fixture_invalid", "not XML"),
    "XML cut": ("f.xml", '<django-objects><object model="shop.tag"', "fixture_truncated", "after 0 objects"),
    "XML within XML": ("f.xml", '<django-objects><object model="shop.tag"><field name="slug">a<b/></field></object>',
                       "fixture_invalid", "an element b within a field"),
    "a broken integer": ("f.json", '[{"model": "shop.invoice", "pk": 1, "fields": {"number": "1", "net": 1.5}}]',
                               "fixture_invalid", "net holds a number with a fraction"),
    "a reference as key, by number": ("f.json", objects(
        {"model": "auth.user", "fields": {"username": "a", "password": "x"}},
        {"model": "admin.logentry", "pk": 1, "fields": {**NATURAL[4]["fields"], "user": 1}}),
        "fixture_invalid", "in the fixture those have none"),
    "NaN in JSON": ("f.json", objects({**BOOK, "fields": {**BOOK["fields"], "data": {"a": float("nan")}}}),
                    "fixture_invalid", "data holds an object: not JSON"),
    "no such day": ("f.yaml", "- model: auth.user\n  fields: {username: a, password: b, date_joined: 2020-02-30}",
                           "fixture_invalid", "date_joined"),
    "XML entities": ("f.xml", '<!DOCTYPE x [<!ENTITY a "b">]><django-objects/>', "fixture_invalid", "document type"),
    "other XML": ("f.xml", "<html/>", "fixture_invalid", "not a fixture of Django"),
    "not YAML": ("f.yaml", "- model: shop.tag\n  fields: {slug: [}\n", "fixture_invalid", "not YAML"),
    "a YAML mapping": ("f.yaml", "model: shop.tag\n", "fixture_invalid", "not a list"),
    "YAML objects of Python": ("f.yaml", "- !!python/object/apply:os.getcwd []\n", "fixture_invalid", "not YAML"),
    "a YAML field twice": ("f.yaml", "- model: shop.tag\n  pk: 1\n  fields: {slug: a, slug: b}\n", "fixture_invalid",
                           "twice"),
    "no format": ("fixture", objects(TAG), "bad_option", "does not tell its format"),
}  # fmt: skip
#: What a server has to refuse, not the reader: tried on each.
ON_EACH = ("duplicated", "bad foreign key", "bad natural key")


@pytest.mark.drawn(12)
@pytest.mark.parametrize(
    ("case", "engine"), [(case, engine) for case in BAD for engine in (ENGINES if case in ON_EACH else ("sqlite",))]
)
def test_bad_fixtures(targets: dict[str, Project], tmp_path: Path, case: str, engine: str) -> None:
    """One clear error with line and object; the live database is as it was, and nothing is left beside it."""
    name, content, code, words = BAD[case]
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with targets[engine].opened() as site:
        one = site.engines["default"]
        before = one.describe().tables
        with pytest.raises(RelocateError) as caught:
            load.load_fixture(site, one, str(path))
        assert (caught.value.code, words in caught.value.msg) == (code, True), (caught.value.code, caught.value.msg)
        assert caught.value.hint
        assert str(path) in caught.value.msg or code == "bad_option"
        assert not one.exists(INCOMING)
        assert one.describe().tables == before


@pytest.mark.drawn(6)
@pytest.mark.parametrize("engine", ENGINES)
def test_what_a_server_refuses_is_named(targets: dict[str, Project], tmp_path: Path, engine: str) -> None:
    """Servers seldom say which column does not take a value, and why."""
    path = tmp_path / "refused.json"
    cases = {"half of a pair": "a\ud800"}
    if engine != "sqlite":
        cases["has 101 characters, the column takes 100"] = "x" * 101
    if engine == "postgresql":
        cases["a NUL character"] = "x\0"
    for words, name in cases.items():
        path.write_text(objects(category(), category(name=name) | {"pk": 2}))
        with pytest.raises(RelocateError) as caught:
            load_into(targets[engine], path)
        assert "object 2, line 1: shop.Category 2: name h" in caught.value.msg and words in caught.value.msg
        assert caught.value.details["field"] == "name" and caught.value.details["src"] == str(path)


def test_a_migration_that_another_needs_is_missing(servers: Servers, tmp_path: Path) -> None:
    """Not a traceback: the migrations are named."""
    target = Project(servers, "sqlite", "gap", tmp_path)
    first = sorted((target.path / "shop" / "migrations").glob("0*.py"))[0]
    path = tmp_path / "one.json"
    path.write_text(objects(CATEGORY))
    first.unlink()
    with pytest.raises(RelocateError) as caught:
        load_into(target, path)
    assert caught.value.code == "unknown_migration" and first.stem in caught.value.msg, caught.value.msg


def test_signals(source: dict[str, Any], targets: dict[str, Project], tmp_path: Path) -> None:
    """A handler that logs each saved object runs when that is asked for, and only then."""
    path = tmp_path / "categories.json"
    path.write_text(objects(CATEGORY, {"model": "shop.author", "pk": 1, "fields": {"name": "A", "email": "a@b.c"}}))
    look = "from shop.models import *; print('OK', Author.objects.count(), SignalLog.objects.count())"
    for signals, logged in ((False, "0"), (True, "1")):
        assert make_live(targets["sqlite"], path, signals=signals)["counts"]["shop.Category"]["objects"] == 1
        assert targets["sqlite"].must("shell", "-c", look).split("OK ")[-1].split() == ["1", logged]
        blank(targets["sqlite"])
    for options, refused in (
        ({"path": source["directory"] / "whole.jsonl.zst", "signals": True}, "bad_option"),
        ({"path": path, "signals": True, "state": {"shop": "0001"}}, "bad_option"),
        ({"path": path, "state": {"shop": "0099"}}, "unknown_migration"),
        ({"path": path, "state": {"nowhere": "0001"}}, "unknown_migration"),
    ):
        with pytest.raises(RelocateError) as caught:
            load_into(targets["sqlite"], **options)
        assert caught.value.code == refused


OWN_MODELS = """
import uuid
from django.db import models

class Reversed(models.CharField):
    def from_db_value(self, value, expression, connection):
        return None if value is None else value[::-1]
    def get_prep_value(self, value):
        return None if value is None else str(value)[::-1]

class Labels(models.Manager):
    def get_by_natural_key(self, name):
        return self.get(name=name)

class Label(models.Model):
    name = models.CharField(max_length=20, unique=True)
    objects = Labels()
    def natural_key(self):
        return (self.name,)

class Item(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    code = Reversed(max_length=20)
    parent = models.ForeignKey("self", null=True, on_delete=models.CASCADE)
    labels = models.ManyToManyField(Label)
"""
OWN_OBJECTS = [
    {"model": "people.item", "pk": "00000000-0000-4000-8000-000000000001",
     "fields": {"code": "abc", "parent": "00000000-0000-4000-8000-000000000002", "labels": [["b"], ["a"]]}},
    {"model": "people.item", "pk": "00000000-0000-4000-8000-000000000002", "fields": {"code": "xyz", "labels": []}},
    {"model": "people.label", "fields": {"name": "a"}},
    {"model": "people.label", "fields": {"name": "b"}},
]  # fmt: skip
OWN_LOOK = """
from people.models import *; from django.db import connection
i = Item.objects.get(code='abc'); c = connection.cursor(); c.execute('SELECT code FROM people_item ORDER BY 1')
print('OK', i.parent.code, *sorted(i.labels.values_list('name', flat=True)), *[row[0] for row in c.fetchall()])
"""


@pytest.mark.drawn(6)
@pytest.mark.parametrize("engine", ENGINES)
def test_fields_of_the_project_itself(servers: Servers, tmp_path: Path, engine: str) -> None:
    """A field with conversions of its own stores what it would have stored; loaded, merged, and merged once more."""
    source = code(tmp_path / "own-code", OWN_MODELS, [])
    target = Project(servers, engine, f"own_{engine}", tmp_path, source)
    target.must("makemigrations", "people", "-v0")
    path = tmp_path / "own.json"
    path.write_text(json.dumps(OWN_OBJECTS))
    loaded = make_live(target, path)["counts"]
    assert loaded["people.Item"] == {"objects": 2} and loaded["people.Item_labels"]["objects"] == 2
    assert target.must("shell", "-c", OWN_LOOK).split("OK ")[-1].split() == ["xyz", "a", "b", "cba", "zyx"]
    OWN_OBJECTS[1]["fields"]["code"] = "new"
    path.write_text(json.dumps(OWN_OBJECTS))
    with target.opened() as site:
        first, second = (load.merge_fixture(site, site.engines["default"], str(path)) for _turn in range(2))
    OWN_OBJECTS[1]["fields"]["code"] = "xyz"
    assert first["counts"]["people.Item"] == {"inserted": 0, "updated": 1, "left": 1, "deleted": 0}
    assert first["counts"]["people.Label"]["left"] == 2
    assert all(sum(item.values()) == item["left"] for item in second["counts"].values())
    assert target.must("shell", "-c", OWN_LOOK).split("OK ")[-1].split() == ["new", "a", "b", "cba", "wen"]


@pytest.mark.drawn(6)
@pytest.mark.parametrize("engine", ENGINES)
def test_what_is_named_before_it_is_there(targets: dict[str, Project], tmp_path: Path, engine: str) -> None:
    """A natural key is not found among rows that migrations made and that the fixture replaces later."""
    content_type = {"model": "contenttypes.contenttype", "pk": 900, "fields": {"app_label": "auth", "model": "user"}}
    permissions = [
        {"model": "auth.permission", "pk": 1, "fields": {"name": "x", "codename": "zzz", "content_type": 900}},
        {"model": "auth.permission", "pk": 901, "fields": {"name": "y", "codename": "add_user", "content_type": 900}},
    ]
    author = {"model": "shop.author", "pk": 1, "fields": {"name": "A", "email": "a@b.c"}}
    books = [{**BOOK, "pk": key, "fields": {**BOOK["fields"], "similar": [2] if key == 1 else []}} for key in (1, 2)]
    path = tmp_path / "before.json"
    path.write_text(objects(NATURAL[2], content_type, *permissions, author, *books))
    loaded = make_live(targets[engine], path)["counts"]
    assert loaded["shop.Book_similar"]["objects"] == 2
    look = (
        "from django.contrib.auth.models import *; from shop.models import Book\n"
        "p = Group.objects.get(name='late').permissions.get()\n"
        "print('OK', p.pk, p.codename, Book.everything.get(pk=2).similar.get().pk)"
    )
    assert targets[engine].must("shell", "-c", look).split("OK ")[-1].split() == ["901", "add_user", "1"]
    blank(targets[engine])


def test_texts_of_yaml_stay_texts(targets: dict[str, Project], tmp_path: Path) -> None:
    """YAML takes a text without quotes for a number; the text is what was written."""
    path = tmp_path / "texts.yaml"
    path.write_text(
        "- {model: shop.category, pk: 1, fields: {name: 010}}\n- {model: shop.category, pk: 2, fields: {name: 1.10}}\n"
    )
    make_live(targets["sqlite"], path)
    look = (
        "from shop.models import Category; print('OK', *Category.objects.order_by('pk').values_list('name', flat=True))"
    )
    assert targets["sqlite"].must("shell", "-c", look).split("OK ")[-1].split() == ["010", "1.10"]
    blank(targets["sqlite"])


def test_signals_are_as_strict(targets: dict[str, Project], tmp_path: Path) -> None:
    """Numbers of content types, models without a table, and handlers that fail: one clear error each."""
    for found, code_, words in (
        (
            [dict(NATURAL[4], fields={**NATURAL[4]["fields"], "content_type": 3, "user": None})],
            "fixture_invalid",
            "number",
        ),
        ([{"model": "shop.nothing", "pk": 1, "fields": {}}], "unknown_model", "shop.nothing"),
        ([CATEGORY, dict(CATEGORY, pk=2, fields={"name": None})], "fixture_invalid", "object 2, line 1"),
    ):
        path = tmp_path / "strict.json"
        path.write_text(json.dumps(found))
        with pytest.raises(RelocateError) as caught:
            load_into(targets["sqlite"], path, signals=True)
        assert (caught.value.code, words in caught.value.msg) == (code_, True), caught.value.msg
