# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""migration_lint: every bad migration is found, no good one is faulted."""

from __future__ import annotations

import textwrap
from pathlib import Path
from types import SimpleNamespace

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._project import lint, probe, venv_lint, venv_lint_rules

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
    "imported as another name": ("from shop.models import Book as B\nf = lambda: B.objects\n", [(2, "model_import")]),
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
}


@pytest.mark.parametrize("case", list(SOURCES))
def test_sources(case: str) -> None:
    source, expected = SOURCES[case]
    found = venv_lint_rules.findings(textwrap.dedent(source), "shop.migrations", is_model)
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


def model(name: str, options: dict[str, object] | None = None, **fields: object) -> SimpleNamespace:
    """A model as the state of migrations has it."""
    return SimpleNamespace(name=name, options=options or {}, fields=fields)


PLAIN = SimpleNamespace(many_to_many=False)
THROUGH = SimpleNamespace(many_to_many=True, remote_field=SimpleNamespace(through="shop.Line"))
STATE = SimpleNamespace(
    models={
        ("shop", "book"): model("Book", title=PLAIN, lines=THROUGH),
        ("shop", "shown"): model("Shown", {"proxy": True}),
        ("shop", "other"): model("Other", {"managed": False}, title=PLAIN),
    }
)


@pytest.mark.parametrize(
    ("known", "operation", "text"),
    [
        (STATE, {"name": "book"}, "the table of shop.Book is dropped with its rows"),
        (STATE, {"name": "Shown"}, ""),
        (STATE, {"name": "Fresh"}, ""),  # the same migration makes it
        (STATE, {"model_name": "book", "name": "title"}, "shop.Book.title is removed with its values"),
        (STATE, {"model_name": "book", "name": "lines"}, ""),
        (STATE, {"model_name": "book", "name": "fresh"}, ""),
        (STATE, {"model_name": "other", "name": "title"}, ""),
        (None, {"name": "Book"}, "the table of shop.Book is dropped with its rows"),
        (None, {"model_name": "book", "name": "title"}, "shop.book.title is removed with its values"),
    ],
)
def test_what_an_operation_takes_away(known: object, operation: dict[str, str], text: str) -> None:
    """Where no state can be told, rows are taken to be there."""
    assert venv_lint._lost(SimpleNamespace(**operation), "shop", known) == text
