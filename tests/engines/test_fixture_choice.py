# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stays out of a fixture, on purpose or since nobody knows it: the same words at dump and load, and told."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._fixtures import dump, load, scan
from ansible_collections.relocate.django.plugins.module_utils._modules import fixture_load
from tests.engines.fixture_sites import ENGINES, Project, Servers
from tests.engines.test_fixture_formats import blank, load_into, make_live
from tests.engines.test_fixture_made import Made, press, story, written

#: A search index as Wagtail has one: a model in code, a table by SQL, and nothing of it in the migrations' state.
INDEX = """

class Place(models.Model):
    name = models.CharField(max_length=50)
    code = models.CharField(max_length=20, db_default="none")
    at = models.DateTimeField(db_default=functions.Now())
    number = models.IntegerField(db_default=7)

class Cafe(Place):
    tables = models.IntegerField(default=1)

class Stock(models.Model):
    name = models.CharField(max_length=50)
    class Meta:
        db_table = 'ware"."stock' if settings.DATABASES["default"]["ENGINE"].endswith("postgresql") else "stock"
"""
STATELESS = """

class StoryIndex(models.Model):
    story = models.OneToOneField(Story, models.CASCADE, primary_key=True, db_column="rowid")
    body = models.TextField()
    class Meta:
        managed = False
        db_table = "press_index"
"""
SQL = """
from django.db import migrations

def make(apps, schema_editor):
    virtual = schema_editor.connection.vendor == "sqlite"
    schema_editor.execute("CREATE VIRTUAL TABLE press_index USING fts5(body)" if virtual else
        "CREATE TABLE press_index (rowid bigint PRIMARY KEY, body text NOT NULL)")

class Migration(migrations.Migration):
    atomic = False
    dependencies = [("press", "0001_initial")]
    operations = [migrations.RunPython(make, migrations.RunPython.noop)]
"""
FILL = (
    "from press.models import *; s = Shelf.objects.create(name='s'); Stock.objects.create(name='x')\n"
    "for n in (1, 2):\n    Story.objects.create(pk=n, title=str(n), shelf=s)\n"
    "    StoryIndex.objects.create(story_id=n, body='b')"
)


@pytest.fixture(scope="module", name="sites")
def _sites(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Project]:
    directory = tmp_path_factory.mktemp("choice")
    source = press(directory / "code")
    models = source / "press" / "models.py"
    head = "from django.conf import settings\nfrom django.db.models import functions\n"
    models.write_text(head + models.read_text() + INDEX)

    def make(engine: str) -> Project:
        site = Project(servers, engine, f"choice_{engine}", directory, source)
        site.must("makemigrations", "press", "-v0")
        (site.path / "press" / "migrations" / "0002_index.py").write_text(SQL)
        if engine == "postgresql":
            first = site.path / "press" / "migrations" / "0001_initial.py"
            make = "operations = [\n        migrations.RunSQL('CREATE SCHEMA IF NOT EXISTS ware'),"
            first.write_text(first.read_text().replace("operations = [", make, 1))
        with (site.path / "press" / "models.py").open("a") as stream:
            stream.write(STATELESS)
        site.must("migrate", "-v0")
        site.must("shell", "-c", FILL)
        return site

    return Made(make)


def dumped(site: Project, path: Path, **options: Any) -> dict[str, Any]:
    with site.opened() as opened:
        return dump.dump_fixture(opened, opened.engines["default"], str(path), options)


def refused(site: Project, path: Path, **options: Any) -> RelocateError:
    with pytest.raises(RelocateError) as caught:
        load_into(site, path, **options)
    return caught.value


@pytest.mark.drawn(12)
@pytest.mark.parametrize("engine", ENGINES)
def test_a_model_that_migrations_do_not_know(sites: dict[str, Project], tmp_path: Path, engine: str) -> None:
    """Our own dump of everything is loaded, its index too; or left behind by the same words on both sides."""
    path = tmp_path / "all.jsonl.zst"
    answer = dumped(sites[engine], path)
    assert answer["counts"]["press.StoryIndex"]["objects"] == 2
    assert load_into(sites[engine], path)["counts"] == answer["counts"]
    without = load_into(sites[engine], path, choice={"excluded_models": ["press.StoryIndex"]})
    assert without["excluded"] == {"press.StoryIndex": 2} and "press.StoryIndex" not in without["counts"]
    # Left out of the dump: not taken for whole, unless the load is told the same.
    dumped(sites[engine], path, exclude=["press_index"])
    error = refused(sites[engine], path)
    assert error.code == "fixture_partial" and "press_index" in error.msg and "excluded_models" in error.hint
    assert load_into(sites[engine], path, choice={"excluded_models": ["press_index"]})["counts"] == without["counts"]
    error = refused(sites[engine], path, choice={"excluded_models": ["press_index", "press.Stroy"]})
    assert error.code == "unknown_model" and "press.stroy" in error.msg


@pytest.mark.drawn(12)
@pytest.mark.parametrize("engine", ENGINES)
def test_a_table_that_names_its_schema(sites: dict[str, Project], engine: str) -> None:
    """It is carried, so the scan does not call it a table of no model."""
    with sites[engine].opened() as site:
        found = scan.scan(site, site.engines["default"], "mysql" if engine != "mysql" else "postgresql")["findings"]
    assert [item for item in found if item["code"] == "no_model"] == []


@pytest.mark.drawn(12)
@pytest.mark.parametrize("engine", ENGINES)
def test_what_only_the_database_has_a_default_for(sites: dict[str, Project], tmp_path: Path, engine: str) -> None:
    """A literal and an expression, where an object leaves the fields out, as plain loaddata takes it."""
    places = [{"model": "press.place", "pk": key, "fields": {"name": "n"}} for key in (1, 2)]
    target = sites[engine]
    loaded = make_live(target, written(tmp_path / "f.json", *places))
    look = (
        "import datetime; from django.utils import timezone; from press.models import Place\n"
        "p = Place.objects.get(pk=2); late = timezone.now() - p.at < datetime.timedelta(minutes=10)\n"
        "print('OK', p.code, p.number, late and p.at <= timezone.now())"
    )
    assert target.must("shell", "-c", look).split("OK ")[-1].split() == ["none", "7", "True"]
    assert loaded["counts"]["press.Place"]["objects"] == 2
    with target.opened() as site:
        one = site.engines["default"]
        one.swap("previous", "discarded")
        one.drop("discarded")


UNKNOWN = [
    {"model": "press.gone", "pk": 1, "fields": {"a": 1}},
    story(shelf=["attic"], subtitle="x"),
    {"model": "press.gone", "pk": 2, "fields": {"a": 1}},
]


@pytest.mark.parametrize("signals", [False, True])
def test_unknown_models_and_fields(sites: dict[str, Project], tmp_path: Path, signals: bool) -> None:
    """Refused; left out, counted and named where that is wanted; a parent's field is not unknown."""
    site, path = sites["sqlite"], written(tmp_path / "f.json", *UNKNOWN)
    assert refused(site, path, signals=signals).code == "unknown_model"
    loaded = load_into(site, path, signals=signals, choice={"ignore_unknown": True})
    assert loaded["ignored"] == {"press.gone": 2, "press.Story.subtitle": 1}
    assert loaded["counts"]["press.Story"]["objects"] == 1
    loaded = load_into(site, path, signals=signals, choice={"ignore_unknown": True, "excluded_models": ["press.Gone"]})
    assert loaded["excluded"] == {"press.gone": 2} and loaded["ignored"] == {"press.Story.subtitle": 1}
    cafe = {"model": "press.cafe", "pk": 1, "fields": {"name": "n", "tables": 2}}
    error = refused(site, written(path, cafe), choice={"ignore_unknown": True})
    assert error.code == "unknown_field" and "belongs to a parent" in error.msg


def test_merged_with_what_is_unknown(sites: dict[str, Project], tmp_path: Path) -> None:
    """The same words when a part is merged."""
    path = written(tmp_path / "f.json", *UNKNOWN, {"model": "press.locale", "pk": 5, "fields": {"name": "fr"}})
    choice = {"ignore_unknown": True, "excluded_models": ["press.Locale"]}
    with sites["sqlite"].opened() as site:
        done = load.merge_fixture(site, site.engines["default"], str(path), check=True, choice=choice)
        assert done["ignored"] == {"press.gone": 2, "press.Story.subtitle": 1}
        assert done["excluded"] == {"press.locale": 1} and set(done["counts"]) == {"press.Story"}
        lines = tmp_path / "part.jsonl"
    dumped(sites["sqlite"], lines, models=["press.Locale", "press.Shelf"])
    with sites["sqlite"].opened() as site:
        choice = {"excluded_models": ["press.shelf"]}
        done = load.merge_fixture(site, site.engines["default"], str(lines), check=True, choice=choice)
        assert set(done["excluded"]) == {"press.Shelf", "press.Shelf_locales"}
        with pytest.raises(RelocateError) as caught:
            load.merge_fixture(site, site.engines["default"], str(lines), choice={"ignore_unknown": True})
    assert caught.value.code == "bad_option"


@pytest.mark.drawn(12)
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("form", ["json", "lines"])
def test_keys_that_are_not_there_and_parents(sites: dict[str, Project], tmp_path: Path, form: str, engine: str) -> None:
    """Both are told; what cannot be a key is refused."""
    options = {"format": form, "models": ["press.Story"], "keys": ["2", "99", "1", "98"]}
    answer = dumped(sites[engine], tmp_path / "some.jsonl", **options)
    assert answer["missing_keys"] == ["99", "98"] and answer["needs"] == []
    assert answer["counts"]["press.Story"]["objects"] == 2
    answer = dumped(sites[engine], tmp_path / "some.jsonl", format=form, models=["press.Cafe"])
    assert answer["needs"] == ["press.Place"]
    with pytest.raises(RelocateError) as caught:
        dumped(sites[engine], tmp_path / "some.jsonl", format=form, models=["press.Story"], keys=["x"])
    assert caught.value.code == "bad_option" and "press.Story has no key x" in caught.value.msg


def test_a_part_does_not_become_all(sites: dict[str, Project], tmp_path: Path) -> None:
    """The module refuses a fixture of one app in the place of a database with users, unless told."""
    site = sites["sqlite"]
    site.must("shell", "-c", "from django.contrib.auth.models import User; User.objects.create(username='u')")
    written(tmp_path / "f.json", story(shelf=["attic"]))
    (tmp_path / "work").mkdir()
    given = {
        "site": "press",
        "path": str(site.path),
        "interpreter": sys.executable,
        "allow_root": True,
        "directory": str(tmp_path / "work"),
        "src": [str(tmp_path / "f.json")],
        "replace": True,
    }
    spec = fixture_load.MODULE.arguments["argument_spec"]
    params = {**{name: item.get("default") for name, item in spec.items()}, **given}
    with pytest.raises(RelocateError) as caught:
        fixture_load.work_on(SimpleNamespace(params=params, check_mode=False))
    assert caught.value.code == "fixture_partial"
    assert "auth.User (1)" in caught.value.msg and "press.StoryIndex (2)" in caught.value.msg
    told = {
        **params,
        "excluded_models": ["auth.User", "press.StoryIndex", "press.Stock"],
    }
    done = fixture_load.work_on(SimpleNamespace(params=told, check_mode=False))
    assert done["changed"] and done["objects"]["press.Story"] == 1
    assert done["made"]["press.Shelf"]["names"] == ["attic"] and any("press.Shelf" in note for note in done["notes"])
    blank(site)
