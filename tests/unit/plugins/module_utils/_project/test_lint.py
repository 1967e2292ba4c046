# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""migration_lint: every bad migration is found, no good one is faulted."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._project import (
    lint,
    probe,
    venv_lint_operations,
    venv_lint_rules,
    venv_lint_sql,
)

pytestmark = pytest.mark.slow

MODELS = ("shop.models.Book", "shop.models.Author", "django.contrib.auth.models.User")


def is_model(path: str) -> str:
    """What the real thing learns by importing."""
    return next((model for model in MODELS if path == model or path.startswith(model + ".")), "")


#: Source of a migration -> the findings' codes and lines.
SOURCES: dict[str, tuple[str, list[tuple[int, str]]]] = {
    "as it should be": (
        """
        from django.db import migrations
        def forwards(apps, schema_editor):
            Book = apps.get_model("shop", "Book")
            Book.objects.update(title="x")
        """,
        [],
    ),
    "imported by name": ("from shop.models import Book\n", [(1, "model_import")]),
    "imported by name and used": (
        """
        from shop.models import Book
        def forwards(apps, schema_editor):
            Book.objects.update(title="x")
            Book.objects.all()
        """,
        [(4, "model_import")],
    ),
    "imported relatively": ("from ..models import Book\n", [(1, "model_import")]),
    "imported as another name": (
        "from shop.models import Book as B\nforwards = lambda: B.objects\n",
        [(2, "model_import")],
    ),
    "imported in the function": (
        """
        def forwards(apps, schema_editor):
            from django.contrib.auth.models import User
            User.objects.create()
        """,
        [(3, "model_import")],
    ),
    "reached through a module": (
        """
        import shop.models
        def forwards(apps, schema_editor):
            shop.models.Book.objects.update(title="x")
        """,
        [(4, "model_import")],
    ),
    "a foreign key to a class": (
        """
        from django.db import migrations, models
        from shop.models import Book
        operations = [migrations.AddField("a", "b", models.ForeignKey(to=Book, on_delete=models.CASCADE))]
        """,
        [(3, "model_import")],
    ),
    "imported for a constant": (
        """
        from shop.models import Book
        operations = [migrations.AddField("x", "y", models.CharField(max_length=Book.LONGEST))]
        """,
        [(2, "model_import")],
    ),
    "what makemigrations writes": (
        """
        import shop.models
        import shop.fields
        from django.db import migrations, models
        operations = [
            migrations.CreateModel("x", fields=[("a", models.CharField(default=shop.models.make_name))],
                                   bases=(shop.models.Mixin, models.Model)),
            migrations.AddField("x", "y", models.CharField(default=shop.models.Book.make_name)),
        ]
        """,
        [],
    ),
    "the same name, of this moment": (
        """
        def forwards(apps, schema_editor):
            Book = apps.get_model("shop", "Book")
            helper(Book)
        def helper(Book):
            return Book.objects
        """,
        [],
    ),
    "for the type checker only": (
        """
        from typing import TYPE_CHECKING
        if TYPE_CHECKING:
            from shop.models import Book
        def forwards(apps, schema_editor) -> "Book":
            pass
        """,
        [],
    ),
    "loaddata": (
        """
        from django.core.management import call_command
        def forwards(apps, schema_editor):
            call_command("loaddata", "initial")
        """,
        [(4, "loaddata_in_migration")],
    ),
    "loaddata through its module": (
        """
        from django.core import management
        def forwards(apps, schema_editor):
            management.call_command("loaddata", "initial", verbosity=0)
        """,
        [(4, "loaddata_in_migration")],
    ),
    "another command": (
        """
        from django.core.management import call_command
        def forwards(apps, schema_editor):
            call_command("createcachetable")
        """,
        [],
    ),
    "deserialize": (
        """
        from django.core import serializers
        def forwards(apps, schema_editor):
            for item in serializers.deserialize("json", open("x.json")):
                item.save()
        """,
        [(4, "loaddata_in_migration")],
    ),
    "the python serializer": (
        """
        from django.core.serializers.python import Deserializer
        def forwards(apps, schema_editor):
            list(Deserializer([]))
        """,
        [(4, "loaddata_in_migration")],
    ),
    "with the migration's own models": (
        """
        from django.core.management import call_command
        from django.core.serializers import base, python
        def forwards(apps, schema_editor):
            python.apps = apps
            call_command("loaddata", "initial")
        """,
        [],
    ),
    "with the migration's own models, patched": (
        """
        from unittest import mock
        from django.core.management import call_command
        def forwards(apps, schema_editor):
            with mock.patch("django.core.serializers.python._get_model", apps.get_model):
                call_command("loaddata", "initial")
        """,
        [],
    ),
    # --- the models of today by other names ---
    "the user model of today": (
        """
        from django.contrib.auth import get_user_model
        def forwards(apps, schema_editor):
            User = get_user_model()
            User.objects.create()
        """,
        [(4, "model_import")],
    ),
    "the registry of today": (
        """
        from django.apps import apps
        def forwards(_apps, schema_editor):
            apps.get_model("shop", "Book").objects.update(title="x")
        """,
        [(4, "model_import")],
    ),
    "the registry of today by another name": (
        """
        from django.apps import apps as registry
        def forwards(apps, schema_editor):
            registry.get_model("shop.Book")
        """,
        [(4, "model_import")],
    ),
    "for its label alone": (
        """
        from django.contrib.auth import get_user_model
        User = get_user_model()
        label = "%s.%s" % (User._meta.app_label, User._meta.object_name)
        name = get_user_model()._meta.model_name
        """,
        [],
    ),
    "for more than its label": (
        """
        from django.contrib.auth import get_user_model
        def forwards(apps, schema_editor):
            User = get_user_model()
            return User._meta.label, User.objects
        """,
        [(4, "model_import")],
    ),
    "a loader of somebody's": (
        """
        from oscar.core.loading import get_model
        Book = get_model("shop", "Book")
        def forwards(apps, schema_editor):
            Book.objects.all()
        """,
        [(3, "model_import")],
    ),
    "a loader that is given the registry": (
        """
        from shop.loading import get_model
        def forwards(apps, schema_editor):
            get_model(apps, "Book").objects.all()
        """,
        [],
    ),
    "a module by its name": (
        """
        import importlib
        def forwards(apps, schema_editor):
            models = importlib.import_module("shop.models")
            models.Book.objects.all()
        """,
        [(5, "model_import")],
    ),
    "a module by its relative name": (
        """
        from importlib import import_module
        models = import_module("..models", __package__)
        def forwards(apps, schema_editor):
            models.Book.objects.all()
        """,
        [(5, "model_import")],
    ),
    "a class by its name": (
        """
        from django.utils.module_loading import import_string
        def forwards(apps, schema_editor):
            Book = import_string("shop.models.Book")
            Book.objects.all()
        """,
        [(5, "model_import")],
    ),
    "another name for a model": (
        """
        import shop.models as everything
        def forwards(apps, schema_editor):
            kind = everything.Book
            kind.objects.all()
        """,
        [(4, "model_import")],
    ),
    "imported below the functions": (
        """
        def forwards(apps, schema_editor):
            models.Book.objects.all()
        from shop import models
        """,
        [(3, "model_import")],
    ),
    # --- fixtures by other ways ---
    "loaddata by a variable": (
        """
        from django.core.management import call_command
        COMMAND = "loaddata"
        def forwards(apps, schema_editor):
            call_command(COMMAND, "initial")
        """,
        [(5, "loaddata_in_migration")],
    ),
    "loaddata in a list": (
        """
        from django.core.management import call_command
        def forwards(apps, schema_editor):
            words = ["loaddata", "initial"]
            call_command(*words)
        """,
        [(5, "loaddata_in_migration")],
    ),
    "loaddata by a partial": (
        """
        import functools
        from django.core.management import call_command
        load = functools.partial(call_command, "loaddata")
        def forwards(apps, schema_editor):
            load("initial")
        """,
        [(4, "loaddata_in_migration")],
    ),
    "loaddata of manage.py": (
        """
        from django.core.management import execute_from_command_line
        def forwards(apps, schema_editor):
            execute_from_command_line(["manage.py", "loaddata", "initial"])
        """,
        [(4, "loaddata_in_migration")],
    ),
    "loaddata in a process": (
        """
        import subprocess, sys
        def forwards(apps, schema_editor):
            subprocess.check_call([sys.executable, "manage.py", "loaddata", "initial"])
        """,
        [(4, "loaddata_in_migration")],
    ),
    "loaddata in a shell": (
        """
        import os
        def forwards(apps, schema_editor):
            os.system(f"python manage.py loaddata {path}")
        """,
        [(4, "loaddata_in_migration")],
    ),
    "another process": (
        """
        import subprocess
        def forwards(apps, schema_editor):
            subprocess.check_call(["echo", "loaddata-less"])
        """,
        [],
    ),
    # --- SQL ---
    "a table dropped by code": (
        """
        def forwards(apps, schema_editor):
            schema_editor.execute("DROP TABLE shop_book")
        """,
        [(3, "loses_data")],
    ),
    "a column dropped by a cursor": (
        """
        TABLE = "shop_book"
        def forwards(apps, schema_editor):
            with schema_editor.connection.cursor() as cursor:
                cursor.execute("ALTER TABLE " + TABLE + " DROP COLUMN title")
                cursor.execute("SELECT 1")
        """,
        [(5, "loses_data")],
    ),
    "a model's table dropped by code": (
        """
        def forwards(apps, schema_editor):
            schema_editor.delete_model(apps.get_model("shop", "Book"))
        """,
        [(3, "loses_data")],
    ),
    "an index dropped by code": (
        """
        def forwards(apps, schema_editor):
            schema_editor.execute("DROP INDEX shop_title")
        """,
        [],
    ),
    # --- what no operation reaches ---
    "a function that nobody calls": (
        """
        from django.core.management import call_command
        def forwards(apps, schema_editor):
            pass
        def former(apps, schema_editor):
            from shop.models import Book
            call_command("loaddata", "initial")
            another()
        def another():
            schema_editor.execute("DROP TABLE x")
        """,
        [],
    ),
    "a function that a function calls": (
        """
        from django.core.management import call_command
        def forwards(apps, schema_editor):
            load()
        def load():
            call_command("loaddata", "initial")
        """,
        [(6, "loaddata_in_migration")],
    ),
    "a class that an operation is": (
        """
        from django.core.management import call_command
        class Load(migrations.RunPython):
            def database_forwards(self, *args):
                call_command("loaddata", "initial")
        operations = [Load(), migrations.RunPython(forwards)]
        """,
        [(5, "loaddata_in_migration")],
    ),
    "a way back": (
        """
        def forwards(apps, schema_editor):
            pass
        def backwards(apps, schema_editor):
            from shop.models import Book
        operations = [migrations.RunPython(code=forwards, reverse_code=backwards)]
        """,
        [(5, "model_import")],
    ),
    "patched where nobody goes": (
        """
        from django.core.management import call_command
        from django.core.serializers import python
        def former(apps, schema_editor):
            python.apps = apps
        def forwards(apps, schema_editor):
            call_command("loaddata", "initial")
        """,
        [(7, "loaddata_in_migration")],
    ),
}


@pytest.mark.parametrize("case", list(SOURCES))
def test_sources(case: str) -> None:
    source, expected = SOURCES[case]
    if "RunPython" not in source:
        source = textwrap.dedent(source) + "operations = [migrations.RunPython(forwards)]\n"
    found = venv_lint_rules.findings(textwrap.dedent(source), "shop.migrations", venv_lint_rules.World(is_model))
    assert [(line, code) for line, code, _text in found] == expected


MIGRATION = """
from django.db import migrations, models

def nothing(apps, schema_editor):
    pass

class Migration(migrations.Migration):
    dependencies = [("shop", "{before}")]
    operations = [
{operations}
    ]
"""
#: Operations of a migration after the project's first -> what is found, with the line among the operations.
OPERATIONS: dict[str, tuple[str, list[tuple[int, str]]]] = {
    "no way back": ("migrations.RunPython(nothing),", [(1, "no_reverse")]),
    "a way back": ("migrations.RunPython(nothing, nothing),", []),
    "nothing to take back": ("migrations.RunPython(nothing, reverse_code=migrations.RunPython.noop),", []),
    "SQL": ("migrations.RunSQL('SELECT 1'),\nmigrations.RunSQL('SELECT 1', 'SELECT 2'),", [(1, "no_reverse")]),
    "a field": ("migrations.RemoveField('item', 'shown'),", [(1, "loses_data")]),
    "a table": ("migrations.DeleteModel('Item'),", [(1, "loses_data")]),
    "not in the database": (
        "migrations.SeparateDatabaseAndState([], [migrations.RemoveField('item', 'shown')]),",
        [],
    ),
    "in the database": (
        "migrations.SeparateDatabaseAndState(\n[migrations.RemoveField('item', 'shown')],\n[]),",
        [(2, "loses_data")],
    ),
    "a proxy": ("migrations.DeleteModel('Newer'),", []),
    "somebody else's table": ("migrations.DeleteModel('Foreign'),", []),
    "an added field": ("migrations.AddField('item', 'more', models.TextField(default='')),", []),
    "the second of two": (
        "migrations.RunPython(nothing, nothing),\nmigrations.RunPython(nothing),",
        [(2, "no_reverse")],
    ),
}


@pytest.fixture(name="project")
def _project(site: Path, python: str) -> probe.Project:
    return probe.find_project(str(site), python)


@pytest.mark.parametrize("case", list(OPERATIONS))
def test_operations(project: probe.Project, case: str) -> None:
    operations, expected = OPERATIONS[case]
    shop = Path(project.directory) / "shop" / "migrations"
    text = MIGRATION.format(before="0001_initial", operations=textwrap.indent(operations, " " * 8))
    (shop / "0002_more.py").write_text(text)
    found = [item for item in lint.lint(project) if item["migration"] == "0002_more"]
    first = text[: text.index("operations = [")].count("\n") + 1
    assert [(item["line"] - first, item["code"]) for item in found] == expected
    assert all(item["file"] == "shop/migrations/0002_more.py" and item["remedy"] for item in found)


def test_what_is_about_an_app(project: probe.Project) -> None:
    """A change without a migration; two last migrations; an app that is not there; Django's own are not ours."""
    shop = Path(project.directory) / "shop"
    assert lint.lint(project) == []
    (shop / "models.py").write_text((shop / "models.py").read_text() + "\nclass New(models.Model):\n    pass\n")
    found = lint.lint(project)
    assert [(item["code"], item["app"], item["level"]) for item in found] == [("missing_migration", "shop", "error")]
    for name in ("0002_one", "0002_two"):
        (shop / "migrations" / (name + ".py")).write_text(MIGRATION.format(before="0001_initial", operations=""))
    found = lint.lint(project)
    assert [item["code"] for item in found] == ["conflicting_leaves"]
    assert "0002_one" in found[0]["msg"] and "0002_two" in found[0]["msg"]
    with pytest.raises(RelocateError) as caught:
        lint.lint(project, ["shop", "nowhere"])
    assert caught.value.code == "bad_option" and "nowhere" in caught.value.msg


def test_django_contrib(project: probe.Project) -> None:
    """Django's own apps: two migrations that remove what was computed anyway, or was never used."""
    found = lint.lint(project, ["contenttypes", "auth"])
    assert {(item["code"], item["migration"]) for item in found} == {
        ("loses_data", "0002_remove_content_type_name"),
    }
    assert found[0]["file"].endswith("contenttypes/migrations/0002_remove_content_type_name.py")


@pytest.mark.parametrize(
    ("ignore", "left"),
    [
        ([], 1),
        (["loses_data"], 0),
        (["shop.0002_x"], 0),
        (["shop.0002_x:loses_data"], 0),
        (["shop.0002_x:no_reverse"], 1),
        (["shop"], 1),
    ],
)
def test_ignored(ignore: list[str], left: int) -> None:
    finding = {"code": "loses_data", "app": "shop", "migration": "0002_x"}
    assert [lint.ignored(finding, ignore)].count(False) == left


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ("DROP TABLE shop_book", ["SQL drops shop_book with its rows"]),
        ('drop table if exists "shop_book" cascade;', ["SQL drops shop_book with its rows"]),
        (["SELECT 1", ("DROP TABLE %s", ["x"])], ["SQL drops %s with its rows"]),
        ("ALTER TABLE shop_book DROP title, DROP CONSTRAINT x", ["SQL drops shop_book (column title) with its values"]),
        ("ALTER TABLE a ALTER COLUMN b DROP NOT NULL; ALTER TABLE a ALTER b DROP DEFAULT", []),
        ("ALTER TABLE a DROP CONSTRAINT b, DROP INDEX c, DROP PRIMARY KEY, DROP FOREIGN KEY d", []),
        ("TRUNCATE TABLE a", ["SQL empties a with its rows"]),
        ("DELETE FROM a", ["SQL empties a with its rows"]),
        ("DELETE FROM a WHERE b = 1", []),
        ("-- DROP TABLE a\nSELECT 'DROP TABLE a' /* DROP TABLE b */", []),
        ("CREATE TEMPORARY TABLE a (b int); DROP TABLE a", []),
        ("CREATE FUNCTION f() RETURNS void AS $$ BEGIN DROP TABLE a; END $$ LANGUAGE plpgsql", []),
        ("DROP VIEW a; DROP TRIGGER b ON c; DROP INDEX d; DROP FUNCTION e()", []),
        ("", []),
    ],
)
def test_sql(texts: object, expected: list[str]) -> None:
    assert venv_lint_sql.losses(texts) == expected


def test_what_builds_an_index() -> None:
    text = (
        "CREATE INDEX a ON shop_book (title); CREATE UNIQUE INDEX CONCURRENTLY b ON c (d); CREATE INDEX e ON ONLY f (g)"
    )
    assert venv_lint_sql.indexed(text) == {"shop_book", "f"}


def columns(project: probe.Project, *operations: str, large: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    """Return code and sentence of what is said about migrations after the project's first, one for each text."""
    shop = Path(project.directory) / "shop" / "migrations"
    before = "0001_initial"
    for number, text in enumerate(operations, 2):
        name = f"000{number}_more"
        (shop / (name + ".py")).write_text(MIGRATION.format(before=before, operations=textwrap.indent(text, " " * 8)))
        before = name
    return [
        (item["code"], item["msg"])
        for item in lint.lint(project, large=large)
        if item["migration"] and item["code"] != "no_reverse"
    ]


#: Migrations, one after the other -> what is said.
FIELDS: dict[str, tuple[list[str], list[tuple[str, str]]]] = {
    "shortened": (
        ["migrations.AlterField('item', 'name', models.CharField(max_length=10)),"],
        [("narrows_field", "shop.Item.name is shortened from 20 to 10")],
    ),
    "lengthened": (["migrations.AlterField('item', 'name', models.TextField()),"], []),
    "a text no more": (
        [
            "migrations.AlterField('item', 'name', models.TextField()),",
            "migrations.AlterField('item', 'name', models.CharField(max_length=10)),",
        ],
        [("narrows_field", "shop.Item.name is shortened from any length to 10")],
    ),
    "a number out of a text": (
        ["migrations.AlterField('item', 'name', models.IntegerField()),"],
        [("narrows_field", "shop.Item.name is converted from CharField to IntegerField, which not every text can be")],
    ),
    "a smaller number": (
        [
            "migrations.AddField('item', 'n', models.BigIntegerField(default=0)),",
            "migrations.AlterField('item', 'n', models.IntegerField(default=0)),",
        ],
        [("narrows_field", "shop.Item.n is narrowed from BigIntegerField to IntegerField")],
    ),
    "fewer digits": (
        [
            "migrations.AddField('item', 'n', models.DecimalField(default=0, max_digits=9, decimal_places=2)),",
            "migrations.AlterField('item', 'n', models.DecimalField(default=0, max_digits=9, decimal_places=3)),",
        ],
        [("narrows_field", "shop.Item.n holds fewer digits than before")],
    ),
    "added without a default": (
        ["migrations.AddField('item', 'n', models.IntegerField()),"],
        [("breaks_on_rows", "shop.Item.n is added as NOT NULL without a default")],
    ),
    "added after the table was emptied": (
        [
            (
                "migrations.RunSQL('DELETE FROM shop_item WHERE id > 0'),\n"
                "migrations.AddField('item', 'n', models.IntegerField()),"
            ),
        ],
        [],
    ),
    "added after another table was emptied": (
        [
            (
                "migrations.RunSQL('DELETE FROM shop_other WHERE id > 0'),\n"
                "migrations.AddField('item', 'n', models.IntegerField()),"
            ),
        ],
        [("breaks_on_rows", "shop.Item.n is added as NOT NULL without a default")],
    ),
    "added, and may be empty": (
        [
            (
                "migrations.AddField('item', 'n', models.CharField(max_length=9, blank=True)),"
                "migrations.AddField('item', 'm', models.IntegerField(null=True)),"
                "migrations.AddField('item', 'o', models.DateTimeField(auto_now=True)),"
            ),
        ],
        [],
    ),
    "added as unique": (
        ["migrations.AddField('item', 'n', models.IntegerField(default=1, unique=True)),"],
        [("breaks_on_rows", "shop.Item.n is added as unique with one default for all rows")],
    ),
    "added to a table of the same migration": (
        [
            (
                "migrations.CreateModel('Fresh', [('id', models.AutoField(primary_key=True))]),"
                "migrations.AddField('fresh', 'n', models.IntegerField()),"
                "migrations.DeleteModel('Fresh'),"
            ),
        ],
        [],
    ),
    "unique": (
        ["migrations.AlterField('item', 'name', models.CharField(max_length=20, unique=True)),"],
        [("breaks_on_rows", "shop.Item.name becomes unique")],
    ),
    "unique after it was made so": (
        [
            (
                "migrations.RunSQL('UPDATE shop_item SET name = id'),\n"
                "migrations.AlterField('item', 'name', models.CharField(max_length=20, unique=True)),"
            ),
        ],
        [],
    ),
    "NOT NULL": (
        [
            "migrations.AddField('item', 'n', models.IntegerField(null=True)),",
            "migrations.AlterField('item', 'n', models.IntegerField()),",
        ],
        [("breaks_on_rows", "shop.Item.n becomes NOT NULL without a default")],
    ),
    "NOT NULL after it was filled": (
        [
            "migrations.AddField('item', 'n', models.IntegerField(null=True)),",
            "migrations.RunSQL('UPDATE shop_item SET n = 1'),",
            "migrations.AlterField('item', 'n', models.IntegerField()),",
        ],
        [],
    ),
    "NOT NULL after another was filled": (
        [
            "migrations.AddField('item', 'n', models.IntegerField(null=True)),",
            "migrations.RunSQL('UPDATE shop_item SET name = 1'),",
            "migrations.AlterField('item', 'n', models.IntegerField()),",
        ],
        [("breaks_on_rows", "shop.Item.n becomes NOT NULL without a default")],
    ),
    "filled and renamed": (
        [
            "migrations.AddField('item', 'n', models.IntegerField(null=True)),",
            "migrations.RenameField('item', 'n', 'm'),",
            (
                "migrations.RunSQL('UPDATE shop_item SET m = 1'),\n"
                "migrations.AlterField('item', 'm', models.IntegerField()),"
            ),
        ],
        [],
    ),
    "renamed and removed in one": (
        ["migrations.RenameField('item', 'name', 'title'),\nmigrations.RemoveField('item', 'title'),"],
        [("loses_data", "shop.Item.title is removed with its values")],
    ),
    "a model renamed and deleted in one": (
        [
            (
                "migrations.RenameModel('Foreign', 'Far'),\nmigrations.DeleteModel('Far'),"
                "migrations.RenameModel('Item', 'Thing'),\nmigrations.DeleteModel('Thing'),"
            ),
        ],
        [("loses_data", "the table of shop.Thing is dropped with its rows")],
    ),
    "SQL": (
        ["migrations.RunSQL('DROP TABLE former', migrations.RunSQL.noop),"],
        [("loses_data", "SQL drops former with its rows")],
    ),
    "one sentence for a migration": (
        [
            "".join(f"migrations.AddField('item', '{name}', models.IntegerField(default=0)),\n" for name in "abcde"),
            "".join(f"migrations.RemoveField('item', '{name}'),\n" for name in "abcde"),
        ],
        [
            (
                "loses_data",
                "; ".join([f"shop.Item.{name} is removed with its values" for name in "abc"] + ["and 2 more"]),
            )
        ],
    ),
}


@pytest.mark.drawn(3)
@pytest.mark.parametrize("case", list(FIELDS))
def test_what_happens_to_rows(project: probe.Project, case: str) -> None:
    migrations, expected = FIELDS[case]
    assert columns(project, *migrations) == expected


@pytest.mark.parametrize(
    ("operation", "text"),
    [
        ("AddIndex('item', models.Index(fields=['name'], name='n'))", "shop.Item gets an index"),
        ("AddField('item', 'n', models.IntegerField(null=True, db_index=True))", "shop.Item gets the indexed n"),
        ("AlterField('item', 'name', models.CharField(max_length=20, db_index=True))", "shop.Item.name is changed"),
        ("AlterField('item', 'name', models.CharField(max_length=20, help_text='x'))", ""),
        ("AddField('item', 'n', models.IntegerField(null=True))", ""),
        ("AlterUniqueTogether('item', {('name', 'shown')})", "shop.Item gets an index"),
        ("AlterUniqueTogether('item', set())", ""),
        ("RunSQL('CREATE INDEX n ON shop_item (name)', '')", "shop_item gets an index"),
        ("RunSQL('CREATE INDEX CONCURRENTLY n ON shop_item (name)', '')", ""),
    ],
)
def test_what_locks_a_large_table(project: probe.Project, operation: str, text: str) -> None:
    """Only of tables that the user calls large: as a model or as a table."""
    migration = f"migrations.{operation},"
    assert columns(project, migration) == []
    for large in (("shop.Item", "shop_item"), ("SHOP_ITEM",)):
        found = columns(project, migration, large=large)
        assert [code for code, _text in found] == (["locks_table"] if text else [])
        assert all(said.startswith(text) for _code, said in found)


HELPERS = """
from django.apps import apps
from django.core.management import call_command
from shop import models

def load(name):
    _load(name)

def _load(name):
    call_command("loaddata", name)

def count():
    return models.Item.objects.count()

class Importer:
    def __init__(self, path):
        self.path = path

    def run(self):
        apps.get_model("shop", "Item").objects.create(name=self.path)

def harmless(value, model):
    return model.objects.filter(name=value)

def later():
    load("initial")
"""
COMMAND = """
from django.core.management.base import BaseCommand
from shop.models import Item

class Command(BaseCommand):
    def handle(self, **options):
        Item.objects.create(name="x")
"""


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            "helpers.load('initial')",
            [("loaddata_in_migration", "loaddata is called with today's models, by shop.helpers.load()")],
        ),
        ("helpers.count()", [("model_import", "shop.Item is used as it is today, by shop.helpers.count()")]),
        (
            "helpers.Importer('x').run()",
            [("model_import", "shop.Item is used as it is today, by shop.helpers.Importer()")],
        ),
        ("helpers.harmless('x', apps.get_model('shop', 'Item'))", []),
        (
            "list(map(helpers.load, ['a', 'b']))",
            [("loaddata_in_migration", "loaddata is called with today's models, by shop.helpers.load()")],
        ),
        ("call_command('fill')", [("model_import", "shop.Item is used as it is today, by the command fill")]),
        ("call_command('migrate', 'x')", []),
        ("Item.objects.create()", [("model_import", "shop.Item is used as it is today")]),
    ],
)
def test_helpers(project: probe.Project, body: str, expected: list[tuple[str, str]]) -> None:
    """What a migration calls elsewhere is read there, and told at the line that calls it."""
    shop = Path(project.directory) / "shop"
    (shop / "helpers.py").write_text(HELPERS)
    commands = shop / "management" / "commands"
    commands.mkdir(parents=True)
    for name, text in (("../__init__", ""), ("__init__", ""), ("fill", COMMAND)):
        (commands / f"{name}.py").write_text(text)
    text = MIGRATION.format(before="0001_initial", operations=" " * 8 + "migrations.RunPython(nothing, nothing),")
    imports = "from shop import helpers\nfrom shop.models import *\nfrom django.core.management import call_command\n"
    text = imports + text.replace("    pass", "    " + body)
    (shop / "migrations" / "0002_more.py").write_text(text)
    found = lint.lint(project)
    assert [(item["code"], item["msg"]) for item in found] == expected
    assert all(text.splitlines()[item["line"] - 1].strip() == body for item in found)


def test_a_function_elsewhere_is_the_operation(project: probe.Project) -> None:
    shop = Path(project.directory) / "shop"
    (shop / "helpers.py").write_text(HELPERS.replace("def load(name)", "def load(apps, schema_editor, name='x')"))
    text = MIGRATION.format(before="0001_initial", operations=" " * 8 + "migrations.RunPython(load, nothing),")
    (shop / "migrations" / "0002_more.py").write_text("from shop.helpers import load\n" + text)
    [found] = lint.lint(project)
    assert found["code"] == "loaddata_in_migration" and "shop.helpers.load()" in found["msg"]


def test_one_finding_for_a_migration(project: probe.Project) -> None:
    """It names the first place; the others go along."""
    text = "".join(f"migrations.RunPython(nothing),  # {number}\n" for number in range(5))
    shop = Path(project.directory) / "shop" / "migrations"
    (shop / "0002_more.py").write_text(
        MIGRATION.format(before="0001_initial", operations=textwrap.indent(text, " " * 8))
    )
    [found] = lint.lint(project)
    assert found["msg"] == "; ".join(["RunPython has no way back"] * 3 + ["and 2 more"])
    assert [place["line"] - found["line"] for place in found["places"]] == [0, 1, 2, 3, 4]


def test_squashed(project: probe.Project) -> None:
    """A squashed migration and those that it replaces are each looked at in their own state."""
    shop = Path(project.directory) / "shop" / "migrations"
    rows = "migrations.RemoveField('item', 'shown'),"
    (shop / "0002_more.py").write_text(MIGRATION.format(before="0001_initial", operations=" " * 8 + rows))
    squashed = MIGRATION.format(before="0001_initial", operations=" " * 8 + rows)
    squashed += "    replaces = [('shop', '0002_more')]\n"
    (shop / "0002_squashed.py").write_text(squashed)
    after = "migrations.AlterField('item', 'name', models.CharField(max_length=1)),"
    (shop / "0003_after.py").write_text(MIGRATION.format(before="0002_squashed", operations=" " * 8 + after))
    found = [(item["code"], item["migration"]) for item in lint.lint(project) if item["migration"]]
    assert found == [("loses_data", "0002_more"), ("loses_data", "0002_squashed"), ("narrows_field", "0003_after")]


def test_what_is_lost_where_no_state_is_known() -> None:
    """Rows are taken to be there."""
    from django.db import migrations

    lost = venv_lint_operations._lost
    assert (
        lost(migrations.DeleteModel("Book"), "shop", None, "Book") == "the table of shop.Book is dropped with its rows"
    )
    removed = migrations.RemoveField("book", "title")
    assert lost(removed, "shop", None, "book") == "shop.book.title is removed with its values"


def test_what_squashing_leaves_to_people(project: probe.Project) -> None:
    """A function of a replaced file, replaces of files that are gone, a circle through another app."""
    shop = Path(project.directory) / "shop" / "migrations"
    one = "migrations.RunPython(nothing, nothing, elidable=True),"
    (shop / "m2.py").write_text(MIGRATION.format(before="0001_initial", operations=" " * 8 + one))
    head = "from shop.migrations.m2 import nothing as there\n"
    squashed = head + MIGRATION.format(before="0001_initial", operations=" " * 8 + one.replace("nothing", "there", 1))
    (shop / "m3.py").write_text(squashed + "    replaces = [('shop', 'm2')]\n")
    found = [item for item in lint.lint(project) if item["migration"] == "m3"]
    assert [(item["code"], item["level"]) for item in found] == [("squash_function", "error")]
    assert squashed.splitlines()[found[0]["line"] - 1].strip() == one.replace("nothing", "there", 1)
    assert "nothing is a function of shop.migrations.m2" in found[0]["msg"]
    left = squashed.replace(head, "").replace("there", "nothing")
    (shop / "m3.py").write_text(left + "    replaces = [('shop', 'm0')]\n")
    (shop / "m2.py").unlink()
    assert [(item["code"], item["level"]) for item in lint.lint(project)] == [("squash_leftover", "warning")]
    (shop / "m3.py").unlink()
    for name, before in (("m4", "m5"), ("m5", "m4")):
        (shop / f"{name}.py").write_text(MIGRATION.format(before=before, operations=""))
    found = lint.lint(project)
    assert [(item["code"], item["app"]) for item in found] == [("squash_circular", "shop")]
