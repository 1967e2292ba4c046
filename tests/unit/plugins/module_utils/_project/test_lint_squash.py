# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What squashmigrations leaves to people is found in a squashed migration, and nothing in a good one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._project import venv_lint_squash


class Migration:
    """One of a project's."""

    def __init__(self, *operations: Any, replaces: tuple[tuple[str, str], ...] = ()) -> None:
        self.operations, self.replaces = operations, list(replaces)


class RunPython:
    """As Django's."""

    def __init__(self, code: Any, reverse_code: Any = None, elidable: bool = False) -> None:
        self.code, self.reverse_code, self.elidable = code, reverse_code, elidable


class RunSQL:
    """As Django's."""

    def __init__(self, sql: Any, reverse_sql: Any = None, elidable: bool = False) -> None:
        self.sql, self.reverse_sql, self.elidable = sql, reverse_sql, elidable


def there(*names: str) -> dict[tuple[str, str], Any]:
    """Migrations on disk, whose functions are those of the module ``json``."""
    kind = type("Migration", (), {"__module__": "json.decoder"})
    return {("shop", name): kind() for name in names}


REPLACES = (("shop", "0001"), ("shop", "0002"))


def own(apps: Any, schema_editor: Any) -> None:
    """A function of the squashed migration's own file."""
    for book in apps.get_model("shop", "Book").objects.filter(price=None):
        book.price = 0
        book.save()


def helped(apps: Any, schema_editor: Any) -> None:
    own(apps, schema_editor)


def at_once(apps: Any, schema_editor: Any) -> None:
    apps.get_model("shop", "Book").objects.update(price=0)


def permissions(apps: Any, schema_editor: Any) -> None:
    """As Wagtail's: a new database lacks what this makes."""
    for group in apps.get_model("auth", "Group").objects.filter(name="Editors"):
        group.permissions.add(apps.get_model("auth", "Permission").objects.get_or_create(codename="x")[0])
        group.save()


def first_page(apps: Any, schema_editor: Any) -> None:
    page = apps.get_model("shop", "Page")(title="Root")
    page.save()


def collation(apps: Any, schema_editor: Any) -> None:
    """As Wagtail's: works on a table, whatever is in it."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute('ALTER TABLE page ALTER COLUMN path TYPE varchar(255) COLLATE "C"')


def everything(apps: Any, schema_editor: Any) -> None:
    own(apps, schema_editor)
    permissions(apps, schema_editor)


def nothing(apps: Any, schema_editor: Any) -> None:
    """As RunPython.noop."""


def theirs() -> Any:
    import json.decoder

    return json.decoder.scanstring if hasattr(json.decoder.scanstring, "__code__") else json.decoder.py_scanstring


@pytest.mark.parametrize(
    ("migration", "disk", "codes"),
    [
        (Migration(RunPython(own)), there("0001"), []),
        (Migration(RunPython(own, elidable=True), replaces=REPLACES), there("0001", "0002"), []),
        (Migration(RunPython(own), replaces=REPLACES), there("0001", "0002"), ["squash_kept"]),
        (Migration(RunSQL("UPDATE x SET y = 1"), replaces=REPLACES), there("0001", "0002"), ["squash_kept"]),
        (
            Migration(RunPython(theirs(), elidable=True), replaces=REPLACES),
            there("0001"),
            ["squash_partial", "squash_function"],
        ),
        (
            Migration(RunPython(own, theirs(), elidable=True), replaces=REPLACES),
            there("0001", "0002"),
            ["squash_function"],
        ),
        (Migration(replaces=REPLACES), there("0003"), ["squash_leftover"]),
        (Migration(replaces=REPLACES), there("0002"), ["squash_partial"]),
        (
            Migration(SimpleNamespace(database_operations=[RunPython(own)], state_operations=[]), replaces=REPLACES),
            there("0001", "0002"),
            ["squash_kept"],
        ),
    ],
)
def test_a_squashed_migration(migration: Any, disk: Any, codes: list[str]) -> None:
    assert [code for _operation, code, _text in venv_lint_squash.squashed(migration, disk)] == codes


@pytest.mark.parametrize(
    ("operation", "kept"),
    [
        (RunPython(own), True),
        (RunPython(helped), True),
        (RunPython(at_once), True),
        (RunPython(permissions), False),
        (RunPython(first_page), False),
        (RunPython(collation), False),
        (RunPython(everything), False),
        (RunPython(nothing), False),
        (RunPython(SimpleNamespace()), False),
        (RunSQL("UPDATE shop_book SET price = 0; DELETE FROM shop_old WHERE 1 = 1"), True),
        (RunSQL([("UPDATE shop_book SET price = %s", [0]), "-- why\nTRUNCATE shop_old"]), True),
        (RunSQL("UPDATE shop_book SET price = 0; CREATE INDEX x ON shop_book (price)"), False),
        (RunSQL("INSERT INTO shop_kind VALUES ('UPDATE')"), False),
        (RunSQL("CREATE EXTENSION IF NOT EXISTS citext"), False),
        (RunSQL(""), False),
    ],
)
def test_what_a_new_database_needs_too_is_no_finding(operation: Any, kept: bool) -> None:
    """Wagtail's own squashed migrations make its root page, permissions and a collation."""
    found = venv_lint_squash.squashed(Migration(operation, replaces=REPLACES), there("0001", "0002"))
    assert [code for _operation, code, _text in found] == ["squash_kept"] * kept


def test_what_is_said() -> None:
    [partial] = venv_lint_squash.squashed(Migration(replaces=REPLACES), there("0002"))
    assert partial == (None, "squash_partial", "of the migrations that it replaces these are gone: shop.0001")
    migration = Migration(RunPython(theirs(), elidable=True), replaces=REPLACES)
    [found] = venv_lint_squash.squashed(migration, there("0001", "0002"))
    assert found[0] is migration.operations[0]
    assert "py_scanstring is a function of json.decoder, which goes when the replaced" in found[2]
