# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fixture of code that is three migrations older: loaded at its own state, then migrated with the data in it."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.base import INCOMING
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._fixtures import dump, load
from tests.engines.fixture_sites import ENGINES, Project, Servers

SETTINGS = """
import environ
import pymysql
pymysql.version_info = (2, 2, 7, "final", 0)
pymysql.install_as_MySQLdb()
from pathlib import Path
env = environ.Env()
environ.Env.read_env(Path(__file__).resolve().parent / ".env")
SECRET_KEY = env("SECRET_KEY")
DATABASES = {"default": env.db("DATABASE_URL")}
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "people"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
"""
MANAGE = """
import os, sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
from django.core.management import execute_from_command_line
if __name__ == "__main__":
    execute_from_command_line(sys.argv)
"""
OLD_MODELS = """
from django.db import models
class Person(models.Model):
    name = models.CharField(max_length=100)
    mail = models.CharField(max_length=100)
"""
NEW_MODELS = """
from django.db import models
class Person(models.Model):
    first = models.CharField(max_length=100, default="")
    last = models.CharField(max_length=100, default="")
    email = models.CharField(max_length=100)
    level = models.IntegerField(default=3)
"""
HEAD = "from django.db import migrations, models\nclass Migration(migrations.Migration):\n"
MIGRATIONS = {
    "0001_initial": """
        operations = [migrations.CreateModel("Person", [
            ("id", models.BigAutoField(primary_key=True, serialize=False)),
            ("name", models.CharField(max_length=100)), ("mail", models.CharField(max_length=100))])]""",
    "0002_level": """
        dependencies = [("people", "0001_initial")]
        operations = [migrations.AddField("Person", "level", models.IntegerField(default=3))]""",
    "0003_email": """
        dependencies = [("people", "0002_level")]
        operations = [migrations.RenameField("Person", "mail", "email")]""",
    "0004_split": """
        def split(apps, schema_editor):
            for person in apps.get_model("people", "Person").objects.using(schema_editor.connection.alias).all():
                person.first, _space, person.last = person.name.partition(" ")
                person.level = len(person.name)
                person.save()
        dependencies = [("people", "0003_email")]
        operations = [
            migrations.AddField("Person", "first", models.CharField(max_length=100, default="")),
            migrations.AddField("Person", "last", models.CharField(max_length=100, default="")),
            migrations.RunPython(split, migrations.RunPython.noop),
            migrations.RemoveField("Person", "name")]""",
}
NAMES = ["Ada Lovelace", "Grace Hopper", "Žofie Nováková", "Plato"]


def code(directory: Path, models: str, migrations: list[str]) -> Path:
    """Write a project."""
    package = directory / "people" / "migrations"
    package.mkdir(parents=True)
    for path, text in {
        directory / "manage.py": MANAGE,
        directory / "settings.py": SETTINGS,
        directory / "people" / "__init__.py": "",
        directory / "people" / "models.py": models,
        package / "__init__.py": "",
    }.items():
        path.write_text(text)
    for name in migrations:
        body = textwrap.indent(textwrap.dedent(MIGRATIONS[name]), "    ")
        (package / f"{name}.py").write_text(HEAD + body + "\n")
    return directory


def people(project: Project) -> str:
    """Every row, as the newest code sees it."""
    text = "from people.models import Person; print('ROWS', sorted(Person.objects.values_list()))"
    return project.must("shell", "-c", text).split("ROWS")[-1].strip()


@pytest.mark.drawn(6)
@pytest.mark.parametrize("engine", ENGINES)
def test_older_code(servers: Servers, tmp_path: Path, engine: str) -> None:
    """Field added NOT NULL, field renamed, name split: equal to the database that was migrated in place."""
    old_code = code(tmp_path / "old-code", OLD_MODELS, ["0001_initial"])
    new_code = code(tmp_path / "new-code", NEW_MODELS, list(MIGRATIONS))
    old = Project(servers, engine, f"state_old_{engine}", tmp_path, old_code)
    old.must("migrate", "-v0")
    made = "; ".join(
        f"Person.objects.create(name={name!r}, mail='{number}@example.org')" for number, name in enumerate(NAMES)
    )
    old.must("shell", "-c", f"from people.models import Person; {made}")
    fixture, plain = tmp_path / "old.jsonl.zst", tmp_path / "plain.json"
    with old.opened() as site:
        dump.dump_fixture(site, site.engines["default"], str(fixture))
    old.must("dumpdata", "people", "-o", str(plain))

    new = Project(servers, engine, f"state_new_{engine}", tmp_path, new_code)
    with new.opened() as site:
        one = site.engines["default"]
        loaded = load.load_fixture(site, one, str(fixture))
        assert loaded["migrated"] == ["people.0002_level", "people.0003_email", "people.0004_split"]
        assert loaded["counts"]["people.Person"]["objects"] == len(NAMES)
        one.swap()
        assert not one.exists(INCOMING)
    # The same code over the old database: what migrating in place makes of it.
    for path in (old.path / "people").rglob("*.py"):
        path.unlink()
    for path in (new_code / "people").rglob("*.py"):
        (old.path / "people" / path.relative_to(new_code / "people")).write_text(path.read_text())
    old.must("migrate", "-v0")
    assert people(new) == people(old)
    assert "Lovelace" in people(new) and "'Plato', ''" in people(new)

    # Plain loaddata cannot do this: the newest models do not know the old fields.
    refused = new.manage("loaddata", str(plain))
    assert refused.returncode != 0 and "has no field named" in refused.stderr

    # Plain dumpdata does not say of which migrations its objects are; when somebody does, they arrive all the same.
    third = Project(servers, engine, f"state_plain_{engine}", tmp_path, new_code)
    with third.opened() as site:
        one = site.engines["default"]
        with pytest.raises(RelocateError) as caught:
            load.load_fixture(site, one, str(plain))
        assert caught.value.code == "unknown_field" and "people.Person 1 has no field mail" in caught.value.msg
        loaded = load.load_fixture(site, one, str(plain), state={"people": "0001"})
        assert loaded["migrated"] == ["people.0002_level", "people.0003_email", "people.0004_split"]
        one.swap()
    assert people(third) == people(old)
