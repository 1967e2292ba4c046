# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests to a project with the data of a dump, in a database beside live, which is read only: on each engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.base import INCOMING
from ansible_collections.relocate.django.plugins.module_utils._project import held, migrations, probe, requested
from ansible_collections.relocate.django.plugins.module_utils._project.requested import Database, Limits, Page
from tests.engines.fixture_sites import ENGINES, Project, Servers

#: Pages that read and write by Django, and one that writes past it where the library says whether it may.
VIEWS = """
from django.http import HttpResponse
from shop.models import Category

def page_read(request):
    names = list(Category.objects.order_by("name").values_list("name", flat=True))
    same = list(Category.objects.using("replica").order_by("name").values_list("name", flat=True))
    return HttpResponse("<title>%d %s</title>" % (len(names), same == names and bool(names)))

def page_write(request):
    Category.objects.create(name="written by a page")

def page_locked(request):
    from django.db import transaction
    with transaction.atomic():
        Category.objects.select_for_update().first()

def page_past(request):
    from django.db import connection
    import importlib
    driver = importlib.import_module(connection.Database.__name__)
    settings = connection.get_connection_params()
    settings.pop("cursor_factory", None), settings.pop("context", None), settings.pop("options", None)
    link = driver.connect(**settings)
    link.cursor().execute("DELETE FROM django_session")
"""
URLS = """
import pages
urlpatterns += [path(name + "/", getattr(pages, name)) for name in dir(pages) if name.startswith("page_")]
"""


@pytest.mark.drawn(3)
@pytest.mark.parametrize("engine", ENGINES)
def test_requests_read_the_copy_and_write_nothing(engine: str, servers: Servers, tmp_path: Path) -> None:
    project = Project(servers, engine, f"asked_{engine}", tmp_path)
    project.fill(20)
    (project.path / "pages.py").write_text(VIEWS, encoding="utf-8")
    with (project.path / "awkward" / "urls.py").open("a", encoding="utf-8") as stream:
        stream.write(URLS)
    dumps = tmp_path / "dumps"
    dumps.mkdir()
    pages = [Page(f"/page_{name}/", "localhost") for name in ("read", "write", "locked", "past")]
    with project.opened() as site:
        one = site.engines["default"]
        with one.snapshot() as snapshot:
            dump, before = snapshot.dump(str(dumps)), snapshot.state()
        one.load(str(dumps), dump, one.describe())
        project.must("shell", "-c", "from shop.models import Category; Category.objects.create(name='of live alone')")
        token = one.change_token()
        with one.snapshot(INCOMING) as snapshot:
            loaded = snapshot.state()
        ports = tuple(port for port in [one.config.port] if port)
        with one.reachable(INCOMING) as config:
            databases = {"default": Database(one.name, config.name)}
            asked = requested.ask(site.project, site.secrets, databases, pages, Limits(ports=ports))
        with one.snapshot(INCOMING) as snapshot:
            assert snapshot.state() == loaded
        assert one.change_token() == token
        one.drop(INCOMING)
    assert asked.failed == "" and asked.whole, asked
    found = {page["path"]: page for page in asked.pages}
    rows = next(table.rows for table in before.tables if table.name.endswith("shop_category"))
    assert (found["/page_read/"]["status"], found["/page_read/"]["title"]) == (200, f"{rows} True"), found
    assert found["/admin/login/"]["status"] == 200
    assert found["/page_write/"]["refusal"] == "write to the database"
    if engine == "postgresql":
        assert found["/page_locked/"]["refusal"] == "write to the database", found["/page_locked/"]
        assert found["/page_past/"]["refusal"] == "write to the database", found["/page_past/"]
    assert asked.notes == ["database archive is not part of the set: nothing was read from it"]


@pytest.mark.drawn(3)
@pytest.mark.parametrize("engine", ENGINES)
def test_a_project_that_is_held_answers_the_same(
    servers: Servers, engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own databases are read as ever, with Python's net and the kernel's."""
    project = Project(servers, engine, "held_site", tmp_path)
    project.must("migrate", "--verbosity", "0")
    topics = [topic for topic in probe.TOPICS if topic != "packages"]
    held.told()
    with project.opened() as site:
        told = probe.ask(site.project, topics, secrets=True, aliases=["default"])
        assert told["migrations"]["aliases"]["default"]["unapplied"] == []
        assert held.told() == []
        monkeypatch.setattr(held, "asked", lambda _project, ask, writes=(): ask({"place": ""}))
        free = probe.ask(site.project, topics, secrets=True, aliases=["default"])
    for answer in (told, free):
        answer["checks"].sort(key=str)  # Django keeps them in a set
    assert told == free


#: What comes with a later revision.
LATER = """
from django.db import migrations, models
def fill(apps, schema_editor):
    Category = apps.get_model("shop", "Category")
    assert Category.objects.using(schema_editor.connection.alias).exclude(later="x").count() == 0
class Migration(migrations.Migration):
    dependencies = [("shop", "0005_invoice_total")]
    operations = [migrations.AddField("Category", "later", models.CharField(max_length=9, default="x")),
                  migrations.RunPython(fill)]
"""
LEAVES = """
from django.db import migrations
def leave(apps, schema_editor):
    open("/tmp/left-by-a-migration", "w").close()
class Migration(migrations.Migration):
    dependencies = [("shop", "0006_later")]
    operations = [migrations.RunPython(leave)]
"""


@pytest.mark.drawn(3)
@pytest.mark.parametrize("engine", ENGINES)
def test_migrations_of_a_copy(engine: str, servers: Servers, tmp_path: Path) -> None:
    """They are applied and timed; the live database is as it was, and what one does beside it is refused."""
    project = Project(servers, engine, f"migrated_{engine}", tmp_path)
    project.fill(20)
    dumps = tmp_path / "dumps"
    dumps.mkdir()
    with project.opened() as site:
        one = site.engines["default"]
        with one.snapshot() as snapshot:
            dump = snapshot.dump(str(dumps))
        one.load(str(dumps), dump, one.describe())
        token = one.change_token()
        for name, text in (("0006_later", LATER), ("0007_leaves", LEAVES)):
            (project.path / "shop" / "migrations" / f"{name}.py").write_text(text, encoding="utf-8")
        ports = [port for port in [one.config.port] if port]
        with one.reachable(INCOMING) as config:
            databases = {"default": Database(one.name, config.name)}
            tried = migrations.migrate_copies(site.project, site.secrets, databases, ports, 60)
            again = migrations.migrate_copies(site.project, site.secrets, databases, ports, 60)
        assert one.change_token() == token
        assert one.exists(INCOMING)
        one.drop(INCOMING)
        assert not one.exists(INCOMING)
    assert [(item.alias, item.name) for item in tried.applied] == [("default", "shop.0006_later")], tried
    assert tried.applied[0].seconds > 0
    assert (tried.alias, tried.at) == ("default", "shop.0007_leaves")
    assert "left-by-a-migration" in tried.refusal and not Path("/tmp/left-by-a-migration").exists()
    assert again.applied == [] and again.at == "shop.0007_leaves"
