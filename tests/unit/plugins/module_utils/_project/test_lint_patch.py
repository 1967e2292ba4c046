# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The patch of migration_lint, applied: a migration that loads a fixture works when the models have moved on.

``RELOCATE_PYTHONS``, paths with colons, names interpreters with other versions of Django that are tried as well.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import textwrap
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._project import lint, probe, venv_lint_patch
from tests.unit import sources

pytestmark = pytest.mark.slow

OTHERS = [path for path in os.environ.get("RELOCATE_PYTHONS", "").split(":") if path]
MODELS = """
from django.db import models

class KindManager(models.Manager):
    def get_by_natural_key(self, name):
        return self.get(name=name)

class Kind(models.Model):
    objects = KindManager()
    name = models.CharField(max_length=20)
    later = models.TextField(default="")

class Item(models.Model):
    name = models.CharField(max_length=20)
    kind = models.ForeignKey(Kind, null=True, on_delete=models.CASCADE)
    later = models.TextField(default="")
"""
KEY = 'models.AutoField(primary_key=True, auto_created=True, serialize=False, verbose_name="ID")'
FIRST = f"""
from django.db import migrations, models
class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel("Kind", [("id", {KEY}), ("name", models.CharField(max_length=20))]),
        migrations.CreateModel("Item", [("id", {KEY}), ("name", models.CharField(max_length=20)),
            ("kind", models.ForeignKey("shop.Kind", null=True, on_delete=models.CASCADE))]),
    ]
"""
THIRD = """
from django.db import migrations, models
class Migration(migrations.Migration):
    dependencies = [("shop", "0002_load")]
    operations = [
        migrations.AddField("Kind", "later", models.TextField(default="")),
        migrations.AddField("Item", "later", models.TextField(default="")),
    ]
"""
HEAD = """# how it was written
from django.core import serializers
from django.core.management import call_command
from django.db import migrations
from shop import helpers


"""
TAIL = """

class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]
"""
ROWS = [
    {"model": "shop.kind", "pk": 7, "fields": {"name": "fruit"}},
    {"model": "shop.item", "pk": 3, "fields": {"name": "apple", "kind": 7}},
]
XML = """<?xml version="1.0" encoding="utf-8"?><django-objects version="1.0">
<object model="shop.kind" pk="7"><field name="name" type="CharField">fruit</field></object>
<object model="shop.item" pk="3"><field name="name" type="CharField">apple</field>
<field name="kind" rel="ManyToOneRel" to="shop.kind">7</field></object></django-objects>"""
HELPERS = """
from django.core.management import call_command

def load(name):
    call_command("loaddata", name, verbosity=0)
"""
#: The function of a migration, as projects write it.
BODIES = {
    "loaddata": 'def forwards(apps, schema_editor):\n    call_command("loaddata", "initial", verbosity=0)\n',
    "xml": 'def forwards(apps, schema_editor):\n    call_command("loaddata", "other.xml", verbosity=0)\n',
    "a function of its own": (
        'def load():\n    call_command("loaddata", "initial", verbosity=0)\n\n\n'
        "def forwards(apps, schema_editor):\n    load()\n"
    ),
    "a function elsewhere": 'def forwards(apps, schema_editor):\n    helpers.load("initial")\n',
    "deserialized": (
        "def forwards(apps, schema_editor):\n"
        '    with open("shop/fixtures/initial.json") as stream:\n'
        '        for item in serializers.deserialize("json", stream):\n'
        "            item.save()\n"
    ),
}


@pytest.fixture(name="project", params=["own", *OTHERS])
def _project(request: pytest.FixtureRequest, site: Path, python: str) -> probe.Project:
    shop = site / "shop"
    (shop / "models.py").write_text(MODELS)
    (shop / "helpers.py").write_text(HELPERS)
    (shop / "migrations" / "0001_initial.py").write_text(FIRST)
    (shop / "migrations" / "0003_later.py").write_text(THIRD)
    (shop / "fixtures").mkdir()
    (shop / "fixtures" / "initial.json").write_text(json.dumps(ROWS))
    (shop / "fixtures" / "other.xml").write_text(XML)
    if request.param == "own":
        return probe.find_project(str(site), python)
    subprocess.run(["chown", "-R", "root:root", str(site.parent)], check=True)
    return probe.find_project(str(site), request.param, allow_root=True)


def migrated(project: probe.Project) -> subprocess.CompletedProcess[str]:
    """Run migrate on a new database."""
    database = Path(project.directory) / "db.sqlite3"
    database.unlink(missing_ok=True)
    switch = {"user": project.owner.uid, "group": project.owner.gid, "extra_groups": []} if os.geteuid() == 0 else {}
    argv = [project.interpreter, project.manage_path, "migrate", "-v0"]
    environment = {**project.environment(), "HOME": project.directory}
    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        argv, cwd=project.directory, env=environment, capture_output=True, text=True, check=False, **switch
    )


def patched(project: probe.Project) -> str:
    """Apply the one finding's patch as a person would; return the migration's text."""
    [found] = lint.lint(project)
    assert found["code"] == "loaddata_in_migration"
    done = subprocess.run(
        ["patch", "-p1"], cwd=project.directory, input=found["patch"], text=True, check=False, capture_output=True
    )
    assert done.returncode == 0, done.stdout
    assert lint.lint(project) == []
    return (Path(project.directory) / "shop" / "migrations" / "0002_load.py").read_text()


def rows(project: probe.Project) -> list[tuple[object, ...]]:
    """Return what the database holds."""
    text = "SELECT i.id, i.name, k.id, k.name FROM shop_item i JOIN shop_kind k ON k.id = i.kind_id"
    return sqlite3.connect(Path(project.directory) / "db.sqlite3").execute(text).fetchall()


@pytest.mark.drawn(2)
@pytest.mark.parametrize("case", list(BODIES))
def test_the_patch_makes_it_work(project: probe.Project, case: str) -> None:
    """Without it the migration fails, as the models have a column more by now."""
    (Path(project.directory) / "shop" / "migrations" / "0002_load.py").write_text(HEAD + BODIES[case] + TAIL)
    failed = migrated(project)
    assert failed.returncode != 0 and "later" in failed.stderr
    assert patched(project).count("@historical_fixtures()") == 1
    done = migrated(project)
    assert done.returncode == 0, done.stderr
    assert rows(project) == [(3, "apple", 7, "fruit")]


def test_natural_keys(project: probe.Project) -> None:
    """Managers of migrations know none, so they are named."""
    shop = Path(project.directory) / "shop"
    natural = [
        {"model": "shop.kind", "fields": {"name": "fruit"}},
        {"model": "shop.item", "pk": 3, "fields": {"name": "apple", "kind": ["fruit"]}},
    ]
    (shop / "fixtures" / "initial.json").write_text(json.dumps(natural))
    (shop / "migrations" / "0002_load.py").write_text(HEAD + BODIES["loaddata"] + TAIL)
    text = patched(project)
    assert migrated(project).returncode != 0
    named = text.replace("@historical_fixtures()", '@historical_fixtures({"shop.kind": ("name",)})')
    (shop / "migrations" / "0002_load.py").write_text(named)
    done = migrated(project)
    assert done.returncode == 0, done.stderr
    assert rows(project) == [(3, "apple", 1, "fruit")]


def test_the_models_of_today_are_back_afterwards(project: probe.Project) -> None:
    """After a failure too: what else this process loads is not the migration's business."""
    program = venv_lint_patch.FUNCTION + textwrap.dedent("""
        import types
        from django.apps import apps
        from django.core.serializers import python, xml_serializer
        editor = types.SimpleNamespace(connection=types.SimpleNamespace(alias="default"))
        seen = []

        @historical_fixtures()
        def forwards(registry, schema_editor):
            seen.append(python.apps is registry and xml_serializer.apps is registry)
            raise ValueError

        try:
            forwards(object(), editor)
        except ValueError:
            seen.append(python.apps is apps and xml_serializer.apps is apps)
        assert seen == [True, True] and forwards.__qualname__ == "forwards", seen
    """)
    subprocess.run([project.interpreter, "-c", program], check=True, cwd="/")


def test_the_page_has_the_same_function() -> None:
    page = (sources.ROOT / "docs" / "migration_lint.md").read_text()
    assert venv_lint_patch.FUNCTION in page


FAULTY = "def forwards(apps, schema_editor):\n    pass\n\n\noperations = [RunPython(forwards)]\n"


@pytest.mark.parametrize(
    ("source", "loading", "offered"),
    [
        (FAULTY, {"forwards"}, True),
        (FAULTY, set(), False),
        (FAULTY, {"forwards", ""}, False),  # another process, or a function elsewhere that is the operation
        (FAULTY, {"other"}, False),
        (FAULTY.replace("RunPython(forwards)", "Load()"), {"forwards"}, False),
        ("def historical_fixtures(): pass\n" + FAULTY, {"forwards"}, False),
    ],
)
def test_where_a_patch_is_offered(source: str, loading: set[str], offered: bool) -> None:
    assert bool(venv_lint_patch.patch(source, "shop/migrations/0002.py", loading)) == offered


def test_line_ends_stay_as_they_are(tmp_path: Path) -> None:
    """Of Windows, and a last line without any."""
    source = FAULTY.rstrip("\n").replace("\n", "\r\n")
    (tmp_path / "m.py").write_bytes(source.encode())
    text = venv_lint_patch.patch(source, "m.py", {"forwards"})
    subprocess.run(["patch", "-p1", "--binary"], cwd=tmp_path, input=text.encode(), check=True)
    found = (tmp_path / "m.py").read_bytes()
    assert found.count(b"\n") == found.count(b"\r\n") and found.endswith(b"operations = [RunPython(forwards)]")
    assert b"@historical_fixtures()\r\ndef forwards" in found
