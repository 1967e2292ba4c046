# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Writes a fixture: every row of the chosen models, out of one transaction, as a stream.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only,
Django imported inside functions. The lossless form, ``lines``, is UTF-8 JSON lines:

    {"relocate_fixture": 1, "alias": ..., "migrations": [...], "models": [...], "left_out": [...], ...}
    {"model": "shop.Author", "table": "shop_author", "fields": [["id", "int"], ["name", "text"]]}
    [1, "Ada"]
    {"end": "shop.Author", "objects": 1, "fingerprint": "..."}
    {"end": "", "objects": 1}

Tables are written one after the other, each by itself, so neither cycles nor inheritance ask for an order.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

import sys
import time
from typing import Any, BinaryIO, Callable, Dict, List

from ansible_collections.relocate.django.plugins.module_utils._fixtures import (
    venv_dialect,
    venv_rows,
    venv_write_followed,
    venv_write_objects,
)
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_rows import FixtureError
from ansible_collections.relocate.django.plugins.module_utils._project import venv_models

FORMAT = 1
LINES = "lines"
#: What is said and heard when a dump and a fixture look at the same moment.
READY, GO, BEGUN = "ready", "go", "begun"
_BLOCK = 1 << 20  # bytes
_EVERY = 5.0  # seconds between two lines of progress

Request = Dict[str, Any]


def dump(request: Request, stream: BinaryIO, say: Callable[[str], None]) -> Dict[str, Any]:
    """Write the fixture to a stream; returns what was written.

    :param request: alias, name (another database than the settings'), format, models, exclude, keys, natural_foreign,
        natural_primary, handshake (wait on standard input for the moment to look at), follow (and what
        ``venv_write_followed`` takes)
    """
    from django.db import connections

    connection = connections[request["alias"]]
    migrations = applied(request["alias"], request.get("allow_unapplied", False))
    if request.get("handshake"):
        connection.ensure_connection()
        say(READY)
        venv_rows.begin(connection, _moment(connection))
        say(BEGUN)
    else:
        venv_rows.begin(connection)
    if request.get("follow"):
        header = header_of(dict(request, keys=[]), connection, [], migrations)
        found = venv_write_followed.dump(request, connection, stream, _progress(say))
        return dict(header, method=venv_rows.METHOD, needs=[], **found)
    tables = chosen_tables(request, connection)
    keys = request.get("keys")
    missing = [] if keys is None else missing_keys(tables, keys)
    header = header_of(request, connection, tables, migrations)
    if request["format"] == LINES:
        refuse_geometries(tables)
        counts = write_lines(stream, header, tables, keys, _progress(say))
    else:
        counts = venv_write_objects.write(stream, request, tables, keys, _progress(say))
    needs = [] if header["whole"] else needed_parents(tables)
    return dict(header, counts=counts, method=venv_rows.METHOD, missing_keys=missing, needs=needs)


def refuse_geometries(tables: List[venv_rows.Table]) -> None:
    """Refuse geometries that the lossless form has no words for: PostGIS has a text for them, SpatiaLite plain bytes.

    Raises FixtureError.
    """
    for table in tables:
        named = [column.name for column in table.columns if hasattr(column.field, "geom_type")]
        dialect = venv_dialect.of(table.connection)
        if named and not dialect.words_for_geometries:
            raise FixtureError(
                "unsupported_model",
                "{0}: {1} holds geometries, which the format lines does not hold on {2}".format(
                    table.label, ", ".join(named), dialect.title
                ),
                "set format to json, or list {0} in excluded_models".format(table.label),
                model=table.label,
                field=named[0],
            )


def _moment(connection: Any) -> str:
    """Wait for the word that says which moment to look at; returns the snapshot to join, if there is one."""
    word, _space, moment = sys.stdin.readline().rstrip("\n").partition(" ")
    if word != GO:
        raise FixtureError(
            "dump_failed", "the dump that the fixture belongs to was abandoned", "read the dump's own error"
        )
    return venv_dialect.of(connection).look_at(moment)


def applied(alias: str, allow_unapplied: bool) -> List[str]:
    """The migrations that the rows are of. Raises FixtureError when the code's models are of others."""
    found = venv_models.topic_migrations([(alias, True)])["aliases"][alias]
    if found["unapplied"] and not allow_unapplied:
        raise FixtureError(
            "unapplied_migrations",
            "{0} migrations are not applied, so the code's models do not fit the rows: {1}".format(
                len(found["unapplied"]), ", ".join(found["unapplied"][:5])
            ),
            "run manage.py migrate, then dump again",
        )
    return list(found["applied"])


def chosen_tables(request: Request, connection: Any) -> List[venv_rows.Table]:
    """The tables to write, in the order of the apps but for what others refer to by numbers of its own."""
    models = venv_rows.without(venv_rows.models_of(request["alias"]), request.get("excluded_models") or [])
    chosen = venv_rows.choose(models, request.get("models") or [], request.get("exclude") or [])
    if request.get("keys") is not None:
        chosen = [model for model in chosen if not model._meta.auto_created or request["format"] != LINES]
    # Content types and permissions first: whoever merges the others has to know which is which.
    first = venv_rows.NUMBERED
    chosen.sort(key=lambda model: first.index(model._meta.label) if model._meta.label in first else len(first))
    return [venv_rows.Table(model, connection) for model in chosen]


def missing_keys(tables: List[venv_rows.Table], keys: List[str]) -> List[str]:
    """The keys that no row of the one chosen model has. Raises FixtureError for what cannot be a key."""
    own = [table for table in tables if not table.model._meta.auto_created]
    if len(own) != 1:
        raise FixtureError("bad_option", "primary keys belong to one model", "name exactly one model in models")
    return [key for key in keys if not list(venv_rows.stream(own[0], [key]))]


def needed_parents(tables: List[venv_rows.Table]) -> List[str]:
    """The models that chosen ones inherit rows from, and that are not chosen."""
    chosen = {table.label for table in tables}
    found = [parent._meta.label for table in tables for parent in table.model._meta.get_parent_list()]
    return sorted({label for label in found if label not in chosen})


def header_of(
    request: Request, connection: Any, tables: List[venv_rows.Table], migrations: List[str]
) -> Dict[str, Any]:
    """Return what is told before the rows."""
    import django
    from django.conf import settings

    chosen = bool(request.get("models") or request.get("keys") is not None)
    whole = not (chosen or request.get("exclude"))
    return {
        "relocate_fixture": FORMAT,
        "alias": request["alias"],
        "engine": venv_dialect.of(connection).name,
        "django": django.get_version(),
        "use_tz": bool(settings.USE_TZ),
        "whole": whole,
        "chosen": chosen,
        "excluded": sorted({*(request.get("exclude") or []), *(request.get("excluded_models") or [])}),
        "migrations": migrations,
        "models": [table.label for table in tables],
        "left_out": [] if chosen else venv_rows.left_out(connection, tables),
    }


def write_lines(
    stream: BinaryIO, header: Dict[str, Any], tables: List[venv_rows.Table], keys: Any, tell: Callable[[str, int], None]
) -> Dict[str, Dict[str, Any]]:
    """Write the lossless form; returns objects and fingerprint by model."""
    counts: Dict[str, Dict[str, Any]] = {}
    block = [venv_rows.encode(header)]
    size = 0
    for table in tables:
        block.append(venv_rows.encode({"model": table.label, "table": table.name, "fields": table.fields()}))
        total = table.sum()
        for rows in venv_rows.stream(table, keys):
            lines = venv_rows.lines_of(table, rows, total)
            block += lines
            size += sum(map(len, lines))
            if size > _BLOCK:
                stream.write(b"\n".join(block) + b"\n")
                block, size = [], 0
            tell(table.label, total.rows)
        counts[table.label] = {"objects": total.rows, "fingerprint": total.fingerprint}
        block.append(venv_rows.encode(dict({"end": table.label}, **counts[table.label])))
    block.append(venv_rows.encode({"end": "", "objects": sum(item["objects"] for item in counts.values())}))
    stream.write(b"\n".join(block) + b"\n")
    return counts


def _progress(say: Callable[[str], None]) -> Callable[[str, int], None]:
    last = [time.time()]

    def tell(label: str, rows: int) -> None:
        if time.time() - last[0] > _EVERY:
            last[0] = time.time()
            say("{0}: {1} rows".format(label, rows))

    return tell
