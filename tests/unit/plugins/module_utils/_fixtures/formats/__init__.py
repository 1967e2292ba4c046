# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Django project in the tests' own process, on two databases in memory: written out of one, read into the other."""

from __future__ import annotations

import io
from typing import Any

import django
from django.conf import settings

from ansible_collections.relocate.django.plugins.module_utils._engines.registry import ENGINES
from ansible_collections.relocate.django.plugins.module_utils._fixtures import (
    venv_chosen,
    venv_dialect,
    venv_dump,
    venv_encoding,
    venv_lines,
    venv_load,
    venv_load_objects,
    venv_merge,
    venv_merge_lines,
    venv_merge_rows,
    venv_read_objects,
    venv_rows,
    venv_write_objects,
)

HERE = __name__
ALIASES = ("default", "other")
NOTES: list[str] = []


def begin() -> None:
    """Set Django up and make the tables, once."""
    if settings.configured:
        return
    memory = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
    settings.configure(
        DATABASES={alias: dict(memory) for alias in ALIASES},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        INSTALLED_APPS=[HERE],
        USE_TZ=True,
        TIME_ZONE="UTC",
    )
    django.setup()
    assert "sqlite" in {engine.name for engine in ENGINES}  # importing the engines names their dialects
    from django.core.management import call_command

    for alias in ALIASES:
        venv_dialect.choose(alias, "sqlite")
        call_command("migrate", database=alias, run_syncdb=True, verbosity=0)


def registry() -> Any:
    """Give the models, as the state after all migrations has them."""
    from django.apps import apps

    return apps


def tables(alias: str) -> list[venv_rows.Table]:
    """Every table that fixtures hold."""
    from django.db import connections

    return [venv_rows.Table(model, connections[alias]) for model in venv_rows.models_of(alias)]


def clear(alias: str) -> None:
    """Delete all rows."""
    from django.db import connections

    with connections[alias].constraint_checks_disabled(), connections[alias].cursor() as cursor:
        for table in tables(alias):
            cursor.execute(f"DELETE FROM {table.quoted}")


def rows(alias: str) -> dict[str, list[list[Any]]]:
    """Every row as plain values, without the numbers of relations, which say nothing."""
    found: dict[str, list[list[Any]]] = {}
    for table in tables(alias):
        plain = [table.plain(row) for some in venv_rows.stream(table) for row in some]
        keep = [index for index in range(len(table.columns)) if index != table.key or "_" not in table.label]
        found[table.label] = sorted(([row[index] for index in keep] for row in plain), key=repr)
    return found


def written(form: str, alias: str = "default", **options: Any) -> bytes:
    """Give a fixture of everything."""
    stream = io.BytesIO()
    venv_write_objects.write(stream, {"format": form, **options}, tables(alias), None, lambda *_told: None)
    return stream.getvalue()


def opened(form: str, content: bytes, skip_leading: bool = False) -> Any:
    """Give a file as the program has it; its notes are those of the last one."""
    stream, NOTES[:] = venv_encoding.as_utf8(io.BufferedReader(io.BytesIO(content)), form, skip_leading)  # type: ignore[arg-type]
    return venv_encoding.without_returns(stream) if form == "lines" else stream


def load(form: str, content: bytes, alias: str = "other", skip_leading: bool = False) -> dict[str, Any]:
    """Load a fixture over whatever is there; gives counts by model. Raises FixtureError."""
    from django.db import connections, transaction

    connection = connections[alias]
    clear(alias)
    dialect = venv_dialect.of(connection)
    bulk = dialect.bulk(dialect, tables(alias))
    bulk.begin()
    try:
        with transaction.atomic(using=alias):
            objects = venv_load_objects.Objects(connection, bulk, registry(), form == "xml", lambda _text: None)
            objects.read(venv_read_objects.READERS[form](opened(form, content, skip_leading)))
            named = {table.label: table for table in tables(alias)}
            venv_load.check_references(connection, named.values())
            venv_load.prove(named, objects.counts)
    finally:
        bulk.end()
    return objects.counts


def lines(alias: str = "default", keys: list[str] | None = None, models: tuple[str, ...] = ()) -> bytes:
    """Give the lossless form."""
    from django.db import connections

    stream, chosen = io.BytesIO(), [table for table in tables(alias) if not models or table.label in models]
    header = venv_dump.header_of({"alias": alias}, connections[alias], chosen, [])
    venv_dump.write_lines(stream, header, chosen, keys, lambda *_told: None)
    return stream.getvalue()


def merge(form: str, content: bytes, alias: str = "other") -> venv_merge_rows.Report:
    """Merge a fixture into what is there. Raises FixtureError."""
    from django.db import connections, transaction

    connection, report = connections[alias], venv_merge_rows.Report()
    bulk = venv_dialect.of(connection).bulk(venv_dialect.of(connection), [])
    stream = opened(form, content)
    with transaction.atomic(using=alias):
        if form == "lines":
            read = venv_lines.Lines(stream)
            chosen = venv_chosen.Chosen({}, registry().get_models(include_auto_created=True))
            say = lambda _text: None  # noqa: E731
            venv_merge_lines.merge_lines(connection, bulk, registry(), read, chosen, [], report, say)
        else:
            merging = venv_merge.Merging(connection, bulk, registry(), form == "xml", lambda _text: None, report)
            merging.read(venv_read_objects.READERS[form](stream))
        venv_load.check_references(connection, tables(alias))
    return report


def load_plainly(form: str, content: bytes, alias: str = "other") -> None:
    """Load as Django's own loaddata does it."""
    from django.core import serializers
    from django.db import connections, transaction

    clear(alias)
    with connections[alias].constraint_checks_disabled(), transaction.atomic(using=alias):
        later = []
        for found in serializers.deserialize(form, io.BytesIO(content), using=alias, handle_forward_references=True):
            found.save(using=alias)
            later += [found] if found.deferred_fields else []
        for found in later:
            found.save_deferred_fields(using=alias)
