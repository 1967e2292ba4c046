# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Chosen objects with all that they refer to: taken by plain loaddata and by TestCase, masked, and encrypted by age."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._age.opener import OPENER
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._fixtures import dump, load
from ansible_collections.relocate.django.plugins.module_utils._steps import fixture_files
from ansible_collections.relocate.django.plugins.module_utils._steps.sanitise import rules_of
from tests.engines.fixture_sites import Project, Servers
from tests.engines.test_sanitise import PEOPLE, People, made

#: Something that refers to users by natural keys, and to itself.
VISIT = """

class Visits(models.Manager):
    def get_by_natural_key(self, *key):
        return self.get(member__email=key[0])


class Visit(models.Model):
    member = models.ForeignKey(Member, models.CASCADE, related_name="visits")
    hosts = models.ManyToManyField(Member)
    before = models.ForeignKey("self", models.CASCADE, null=True)
    text = models.TextField(blank=True)
    objects = Visits()

    def natural_key(self):
        return self.member.natural_key()
"""
MANAGER = "    objects = BaseUserManager()\n"
FILL = """
from people.models import *
members = list(Member.objects.order_by("pk"))
visits = [Visit.objects.create(member=one) for one in members]
for number, visit in enumerate(visits):
    visit.before = visits[number - 1]
    visit.save()
    visit.hosts.set(members[:2])
Note.objects.create(text="harmless", token=None)
"""
TEST = """
from django.test import TestCase
from shop.models import Book


class Tests(TestCase):
    fixtures = ["{0}"]
    databases = {{"default"}}

    def test(self):
        book = Book.everything.get(pk=1)
        assert book.author.name and book.tags.count() and book.contributors.count()
"""


class Files(Servers):
    """SQLite alone, which needs no server."""

    def __init__(self) -> None:
        """Start nothing."""


def dumped(project: Project, path: Path, rules: Any = None, recipients: tuple[str, ...] = (), **options: Any) -> Any:
    """Give what is told of a dump."""
    private = {"where": options.pop("where", {}), "anonymise": rules}
    with project.opened() as site:
        wanted = {"format": "json", "follow": True, "limit": 10000, **options}
        return dump.dump_fixture(site, site.engines["default"], str(path), wanted, private, recipients)


def check_plain(project: Project, path: Path, blank: Project) -> None:
    """Have plain loaddata take it into a database that holds what migrate makes."""
    blank.must("migrate", "-v0", "--run-syncdb")
    before = blank.must("dumpdata", "auth.permission", "--natural-foreign", "--natural-primary")
    assert "Installed" in blank.must("loaddata", str(path))
    after = blank.must("dumpdata", "auth.permission", "--natural-foreign", "--natural-primary")
    assert json.loads(before.split("\n")[-1] or before[before.index("[") :]) == json.loads(after[after.index("[") :])


def labels(items: list[dict[str, Any]]) -> list[str]:
    return [item["model"] for item in items]


def in_order(items: list[dict[str, Any]], model: str, field: str, target: str) -> bool:
    """Tell whether each object of a model comes after what a field of it refers to."""
    places = {(item["model"], item.get("pk")): place for place, item in enumerate(items)}
    found = [item for item in items if item["model"] == model and item["fields"][field] is not None]
    return bool(found) and all(places[target, item["fields"][field]] < places[model, item["pk"]] for item in found)


@pytest.mark.drawn(4, of="followed fixtures")
def test_a_fixture_for_tests(tmp_path: Path) -> None:
    """A book whose default manager hides others, a circle, a tree, generic keys, parents, models of relations."""
    project = Project(Files(), "sqlite", "follow", tmp_path)
    project.fill(60)
    path = tmp_path / "book.json"
    told = dumped(project, path, models=["shop.Book"], keys=["1"], excluded_models=["shop.Category"])
    items = json.loads(path.read_text())
    assert told["selected"]["shop.Book"]["chosen"] == 1 and told["selected"]["shop.Author"]["chosen"] == 0
    assert "shop.Book.contributors" in told["selected"]["shop.Contribution"]["by"]
    assert "shop.Author.favourite" in told["selected"]["shop.Book"]["by"]
    assert {"shop.sale", "shop.category"} & set(labels(items)) == set(), "what refers to a book is left"
    assert told["cut"]["shop.Book.category"] > 0
    assert (
        len({(item["model"], item["pk"]) for item in items})
        == len(items)
        == sum(item["objects"] for item in told["counts"].values())
    )
    assert in_order(items, "shop.book", "author", "shop.author")
    assert in_order(items, "shop.contribution", "book", "shop.book")
    (project.path / "shop" / "tests_follow.py").write_text(TEST.format(path))
    assert "OK" in project.manage("test", "shop.tests_follow").stderr
    notes = tmp_path / "notes.json"
    told = dumped(project, notes, models=["shop.Note", "shop.Cafe", "auth.Group"])
    items = json.loads(notes.read_text())
    assert {"shop.Book", "shop.Tag", "shop.Place", "shop.Bookshop", "contenttypes.ContentType"} <= set(told["selected"])
    assert in_order(items, "shop.category", "parent", "shop.category")
    assert all("pk" not in item for item in items if item["model"] in ("contenttypes.contenttype", "auth.permission"))
    assert ["shop", "book"] in [item["fields"]["content_type"] for item in items if item["model"] == "shop.note"]
    check_plain(project, notes, Project(Files(), "sqlite", "blank", tmp_path))
    with pytest.raises(RelocateError, match=r"more than 20 objects .* shop.Book") as caught:
        dumped(project, notes, models=["shop.Note"], limit=20)
    assert caught.value.code == "fixture_too_large" and json.loads(notes.read_text()) == items


def people(directory: Path, name: str, filled: bool = True) -> Project:
    """Give the site with people, and what visited them."""
    source = directory / ("source_" + name)
    shutil.copytree(PEOPLE, source, ignore=shutil.ignore_patterns("__pycache__"))
    models = source / "people" / "models.py"
    text = models.read_text().replace("import AbstractBaseUser", "import AbstractBaseUser, BaseUserManager")
    models.write_text(
        text.replace('    USERNAME_FIELD = "email"\n', '    USERNAME_FIELD = "email"\n' + MANAGER) + VISIT
    )
    project = People(Files(), "sqlite", name, directory, source)
    if filled:
        project.must("migrate", "-v0", "--run-syncdb")
        project.must("fill", "--people", "5")
        project.must("shell", "-c", FILL)
    return project


@pytest.mark.drawn(4, of="followed fixtures")
def test_a_fixture_of_people_who_are_none(tmp_path: Path) -> None:
    """The rules of a clone: no address, password, token; references by natural keys meet; the database is as it was."""
    project = people(tmp_path, "people")
    database = tmp_path / "people.sqlite3"
    before, path = database.read_bytes(), tmp_path / "visits.json"
    rules = rules_of({"columns": {"people_note.text": "empty"}}, ["default"])
    options = {"models": ["people.Visit", "people.Device", "people.Subscriber"], "natural_foreign": True}
    told = dumped(project, path, rules, **options)
    text = path.read_text()
    assert "canary" not in text and "pbkdf2" not in text and text.count("@example.invalid") > 10
    assert told["masked"]["people_member"]["masked"] == 9 and told["masked"]["people_member"]["set"] == 5
    assert "people.Device" in told["models_left_out"] and "people.device" not in text
    items = json.loads(text)
    address = {item["pk"]: item["fields"]["email"] for item in items if item["model"] == "people.member"}
    assert address[1] == "user-1@example.invalid"
    visits = [item for item in items if item["model"] == "people.visit"]
    assert {item["fields"]["member"][0] for item in visits} == set(address.values())
    assert all([host[0] in address.values() for host in item["fields"]["hosts"]] == [True, True] for item in visits)
    dumped(project, path, rules, **options)
    assert path.read_text() == text and database.read_bytes() == before
    blank = people(tmp_path, "blank", filled=False)
    blank.must("migrate", "-v0", "--run-syncdb")
    blank.must("loaddata", str(path))
    meet = "from people.models import *; print('OK', [v.member.email for v in Visit.objects.order_by('pk')])"
    assert str(sorted(address.values())) in blank.must("shell", "-c", meet)
    # What no rule knows is named, and what was masked elsewhere is never written.
    told = dumped(project, path, rules_of({}, ["default"]), models=["people.Note"])
    assert {(one["column"], one["looks_like"]) for one in told["unrecognised"]} >= {
        ("text", "e-mail address"),
        ("raw", "e-mail address"),
    }
    project.must("shell", "-c", "from people.models import *; Visit.objects.update(text=Member.objects.first().email)")
    kept = path.read_bytes()
    with pytest.raises(RelocateError, match=r"in people_visit.text") as caught:
        dumped(project, path, rules, **options)
    assert caught.value.code == "not_sanitised" and "canary" not in str(caught.value)
    assert path.read_bytes() == kept and [one.name for one in tmp_path.glob("*.new")] == []


@pytest.mark.drawn(4, of="followed fixtures")
@pytest.mark.parametrize("engine", ["postgresql", "mysql"])
def test_on_servers(engine: str, servers: Servers, tmp_path: Path) -> None:
    """Keys of several kinds, a circle, and users that are masked."""
    project = made(servers, engine, tmp_path)
    path = tmp_path / "all.json"
    told = dumped(
        project, path, rules_of({"columns": {"people_note.text": "empty"}}, ["default"]), exclude=["people.Note"]
    )
    assert "canary" not in path.read_text() and told["masked"]["people_subscriber"] == {"masked": 5}
    blank = People(servers, engine, f"blank_{engine}", tmp_path, PEOPLE)
    blank.must("migrate", "-v0", "--run-syncdb")
    assert "Installed" in blank.must("loaddata", str(path))


def key(path: Path) -> tuple[str, str]:
    """Make an identity; gives its text and its public key."""
    done = subprocess.run(["age-keygen", "-o", path], capture_output=True, text=True, check=True)
    return path.read_text(), done.stderr.split()[-1]


def holding(directory: Path, word: bytes) -> list[str]:
    """Name the files that hold a word."""
    return [path.name for path in directory.rglob("*") if path.is_file() and word in path.read_bytes()]


@pytest.mark.drawn(4, of="followed fixtures")
@pytest.mark.skipif(shutil.which("age") is None, reason="age is not installed")
def test_to_and_from_age(tmp_path: Path) -> None:
    """A fixture that was encrypted is loaded by its identity alone, whole or not at all."""
    text, public = key(tmp_path / "identity")
    other, _public = key(tmp_path / "other")
    project = Project(Files(), "sqlite", "sealed", tmp_path)
    project.fill(40)
    place = tmp_path / "fixtures"
    place.mkdir()
    lines, objects = place / "all.jsonl.zst.age", place / "books.jsonl.age"
    told = dumped(project, lines, recipients=(public,), format="lines", follow=False)
    dumped(project, objects, recipients=(public,), models=["shop.Tag"], format="jsonl")
    assert lines.read_bytes()[:21] == b"age-encryption.org/v1" == objects.read_bytes()[:21]
    assert holding(place, b'"shop.tag"') == [] == [one for one in holding(tmp_path, text.encode()) if one != "identity"]
    target = Project(Files(), "sqlite", "opened", tmp_path)

    def loaded(paths: list[Path], identity: str) -> Any:
        with target.opened() as site, OPENER.given(identity):
            files = fixture_files.find(site, [str(one) for one in paths], "")
            return load.load_fixture(site, site.engines["default"], files.given)["counts"]

    assert loaded([lines], text)["shop.Tag"] == told["counts"]["shop.Tag"]
    plain = tmp_path / "places.json"
    dumped(project, plain, models=["shop.Place"])
    found = loaded([objects, plain], str(tmp_path / "identity"))
    assert found["shop.Tag"]["objects"] == told["counts"]["shop.Tag"]["objects"] and found["shop.Place"]["objects"]
    cut = place / "cut.jsonl.age"
    cut.write_bytes(objects.read_bytes()[:-30])
    for path, identity, code in (
        (objects, "", "set_encrypted"),
        (objects, other, "identity_wrong"),
        (cut, text, "encryption_failed"),
        (objects, "not an identity", "identity_unusable"),
    ):
        with pytest.raises(RelocateError) as caught:
            loaded([path], identity)
        assert caught.value.code == code, caught.value
        assert "AGE-SECRET" not in str(caught.value)
