# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a project's migrations and post_migrate handlers make: there for references, replaced, named where it stays."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from tests.engines.fixture_sites import ENGINES, Project, Servers
from tests.engines.test_fixture_formats import blank, load_into, make_live
from tests.engines.test_fixture_state import MANAGE, SETTINGS

#: As Wagtail has them: a permission and a collection by handlers, groups and a locale by a migration.
APPS = """
from django.apps import AppConfig
from django.db.models.signals import post_migrate

def make(sender, using, **kwargs):
    from django.contrib.auth.models import Permission
    from django.contrib.contenttypes.models import ContentType
    from press.models import Shelf, Story
    kind = ContentType.objects.db_manager(using).get_for_model(Story)
    Permission.objects.using(using).get_or_create(
        content_type=kind, codename="lock_story", defaults={"name": "Can lock story"})
    Shelf.objects.using(using).get_or_create(name="attic")

class Press(AppConfig):
    name = "press"
    default_auto_field = "django.db.models.BigAutoField"
    def ready(self):
        post_migrate.connect(make, sender=self)
"""
MODELS = """
from django.db import models

class ByName(models.Manager):
    def get_by_natural_key(self, name):
        return self.get(name=name)

class Named(models.Model):
    name = models.CharField(max_length=50, unique=True)
    objects = ByName()
    class Meta:
        abstract = True
    def natural_key(self):
        return (self.name,)

class Locale(Named):
    pass

class Shelf(Named):
    locale = models.ForeignKey(Locale, models.CASCADE, null=True)
    locales = models.ManyToManyField(Locale, related_name="+")

class Story(models.Model):
    title = models.CharField(max_length=50)
    shelf = models.ForeignKey(Shelf, models.CASCADE)
    locale = models.ForeignKey(Locale, models.CASCADE, null=True)
"""
DATA = """
from django.db import migrations

def make(apps, schema_editor):
    alias = schema_editor.connection.alias
    locale = apps.get_model("press", "Locale").objects.using(alias).create(name="en")
    shelf = apps.get_model("press", "Shelf").objects.using(alias).create(name="root", locale=locale)
    shelf.locales.add(locale)

class Migration(migrations.Migration):
    dependencies = [("press", "0001_initial")]
    operations = [migrations.RunPython(make, migrations.RunPython.noop)]
"""


def press(directory: Path) -> Path:
    """Write the project; its first migration is made by Django."""
    package = directory / "press" / "migrations"
    package.mkdir(parents=True)
    for path, text in {
        directory / "manage.py": MANAGE,
        directory / "settings.py": SETTINGS.replace('"people"', '"press.apps.Press"'),
        directory / "press" / "__init__.py": "",
        directory / "press" / "apps.py": APPS,
        directory / "press" / "models.py": MODELS,
        package / "__init__.py": "",
    }.items():
        path.write_text(text)
    return directory


class Made(dict[str, Project]):
    """Projects by engine, each made when it is first asked for."""

    def __init__(self, make: Callable[[str], Project]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, engine: str) -> Project:
        self[engine] = self._make(engine)
        return self[engine]


@pytest.fixture(scope="module", name="sites")
def _sites(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Project]:
    directory = tmp_path_factory.mktemp("made")
    source = press(directory / "code")

    def make(engine: str) -> Project:
        project = Project(servers, engine, f"made_{engine}", directory, source)
        project.must("makemigrations", "press", "-v0")
        (project.path / "press" / "migrations" / "0002_data.py").write_text(DATA)
        return project

    return Made(make)


def written(path: Path, *objects: dict[str, Any]) -> Path:
    path.write_text(json.dumps(objects))
    return path


def editors(*permissions: list[str]) -> dict[str, Any]:
    return {"model": "auth.group", "fields": {"name": "editors", "permissions": list(permissions)}}


def story(**fields: Any) -> dict[str, Any]:
    return {"model": "press.story", "pk": 1, "fields": {"title": "a", **fields}}


LOCK, ADD = ["lock_story", "press", "story"], ["add_story", "press", "story"]


@pytest.mark.drawn(12)
@pytest.mark.parametrize("engine", ENGINES)
def test_what_a_handler_makes_is_there(sites: dict[str, Project], tmp_path: Path, engine: str) -> None:
    """A permission that only a handler makes; what the fixture does not hold stays, and is named."""
    path = written(tmp_path / "f.json", editors(LOCK, ADD), story(shelf=["attic"], locale=["en"]))
    loaded = load_into(sites[engine], path)
    assert loaded["counts"]["auth.Group_permissions"]["objects"] == 2
    assert loaded["made"]["press.Shelf"] == {"objects": 2, "names": ["root", "attic"]}
    assert loaded["made"]["press.Locale"] == {"objects": 1, "names": ["en"]}
    assert loaded["made"]["auth.Permission"]["objects"] > 20
    assert not {"press.Story", "auth.Group"} & set(loaded["made"])


@pytest.mark.drawn(12)
@pytest.mark.parametrize("engine", ENGINES)
def test_the_fixture_takes_its_place(sites: dict[str, Project], tmp_path: Path, engine: str) -> None:
    """Where the fixture holds objects of a model, those that were made go, but for those that it refers to."""
    own = {"model": "press.shelf", "pk": 7, "fields": {"name": "own", "locales": []}}
    path = written(tmp_path / "f.json", own, story(shelf=["own"]))
    loaded = load_into(sites[engine], path)
    assert loaded["counts"]["press.Shelf"]["objects"] == 1
    assert loaded["replaced"] == {"press.Shelf": ["1", "2"]}
    # forward sends post_migrate once more, as migrate does: its handler makes what it misses.
    assert loaded["made"]["press.Shelf"] == {"objects": 1, "names": ["attic"]}
    assert "press.Shelf_locales" not in loaded["made"]


@pytest.mark.drawn(12)
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("shelf", [["root"], 1], ids=["natural", "number"])
def test_what_is_referred_to_is_put_back(sites: dict[str, Project], tmp_path: Path, engine: str, shelf: Any) -> None:
    """The fixture holds another shelf and refers to the made one, as plain loaddata takes it: with all it has."""
    own = {"model": "press.shelf", "pk": 7, "fields": {"name": "own", "locales": []}}
    path = written(tmp_path / "f.json", own, story(shelf=shelf))
    target = sites[engine]
    loaded = make_live(target, path, forward=False)
    assert loaded["counts"]["press.Shelf"]["objects"] == 2
    assert loaded["made"]["press.Shelf"] == {"objects": 1, "names": ["root"]}
    look = (
        "from press.models import *; s = Story.objects.get().shelf\n"
        "print('OK', s.name, s.pk, s.locale.name, *s.locales.values_list('name', flat=True), Shelf.objects.count())"
    )
    assert target.must("shell", "-c", look).split("OK ")[-1].split() == ["root", "1", "en", "en", "2"]
    blank(target)


@pytest.mark.drawn(12)
@pytest.mark.parametrize("engine", ENGINES)
def test_permissions_of_content_types_with_numbers_of_their_own(
    sites: dict[str, Project], tmp_path: Path, engine: str
) -> None:
    """Dumped without permissions, as tutorials say: those that are named come back, for the fixture's content types."""
    kinds = [("auth", "user"), ("press", "story")]
    types = [
        {"model": "contenttypes.contenttype", "pk": 900 + number, "fields": {"app_label": app, "model": model}}
        for number, (app, model) in enumerate(kinds)
    ]
    target = sites[engine]
    loaded = make_live(target, written(tmp_path / "f.json", editors(LOCK), *types, editors_too()), forward=False)
    assert loaded["counts"]["auth.Group_permissions"]["objects"] == 3
    assert sorted(loaded["made"]["auth.Permission"]["names"]) == ["add_user.auth.user", "lock_story.press.story"]
    look = (
        "from django.contrib.auth.models import *\n"
        "print('OK', *Permission.objects.order_by('codename').values_list('codename', 'content_type_id'))"
    )
    found = target.must("shell", "-c", look).split("OK ")[-1].strip()
    assert found == "('add_user', 900) ('lock_story', 901)"
    blank(target)


@pytest.mark.drawn(12)
@pytest.mark.parametrize("engine", ENGINES)
def test_kept_beside_the_fixture(sites: dict[str, Project], tmp_path: Path, engine: str) -> None:
    """As plain loaddata leaves it, but for what the fixture has another object for, by key or by name."""
    shelves = [
        {"model": "press.shelf", "pk": key, "fields": {"name": name}} for key, name in ((7, "own"), (8, "attic"))
    ]
    path = written(tmp_path / "f.json", *shelves)
    loaded = load_into(sites[engine], path, choice={"keep_made": True})
    assert loaded["counts"]["press.Shelf"]["objects"] == 3 and loaded["replaced"] == {}
    assert loaded["made"]["press.Shelf"] == {"objects": 1, "names": ["root"]}
    assert loaded["counts"]["press.Shelf_locales"]["objects"] == 1


def editors_too() -> dict[str, Any]:
    return {"model": "auth.group", "fields": {"name": "more", "permissions": [LOCK, ["add_user", "auth", "user"]]}}


@pytest.mark.parametrize("signals", [False, True])
def test_what_nothing_makes_is_refused(sites: dict[str, Project], tmp_path: Path, signals: bool) -> None:
    """Neither fixture, migrations nor handlers have it."""
    path = written(tmp_path / "f.json", editors(LOCK, ["no_story", "press", "story"]))
    with pytest.raises(RelocateError) as caught:
        load_into(sites["sqlite"], path, signals=signals)
    assert caught.value.code == "reference_missing"


def test_by_saving(sites: dict[str, Project], tmp_path: Path) -> None:
    """The same when objects are saved one by one."""
    path = written(tmp_path / "f.json", editors(LOCK, ADD), story(shelf=["attic"], locale=["en"]))
    loaded = load_into(sites["sqlite"], path, signals=True)
    assert loaded["made"]["press.Shelf"]["names"] == ["root", "attic"]


def test_a_handler_that_fails(sites: dict[str, Project], tmp_path: Path) -> None:
    """It is told, without the words of its error; migrate, which comes last, has the say whether that may be."""
    apps = sites["sqlite"].path / "press" / "apps.py"
    before = apps.read_text()
    handler = "def fail(sender, **kwargs):\n    raise ValueError('p4ss')\n\n"
    connected = "post_migrate.connect(fail, sender=self)\n        post_migrate.connect(make"
    apps.write_text(before.replace("def make(", handler + "def make(").replace("post_migrate.connect(make", connected))
    path = written(tmp_path / "f.json", editors(LOCK))
    try:
        loaded = load_into(sites["sqlite"], path, forward=False)
        assert loaded["handlers_failed"] == ["press.apps.fail: ValueError"]
        with pytest.raises(RelocateError) as caught:
            load_into(sites["sqlite"], path)
        assert caught.value.code == "fixture_failed"
    finally:
        apps.write_text(before)
