# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Loads a fixture into a blank database, in one transaction, and proves what arrived by reading it back.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only,
Django imported inside functions. Rows go past every model, so no signal handler of the project runs.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

import re
import time
from typing import Any, BinaryIO, Callable, Dict, Iterable, List, Optional, Sequence, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._fixtures import (
    venv_beyond,
    venv_blame,
    venv_chosen,
    venv_dialect,
    venv_lines,
    venv_rows,
    venv_state,
)
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_rows import FixtureError, Table

Say = Callable[[str], None]
Request = Dict[str, Any]
#: Rows with where they stand: a line's number, or an object's place.
Rows = List[Tuple[Any, List[Any]]]
#: What inserts rows into a table.
Put = Callable[[Table, Sequence[Sequence[Any]]], None]

_EVERY = 5.0  # seconds between two lines of progress
#: How PostgreSQL and MySQL repeat a value.
_VALUES = re.compile(
    r"(Duplicate entry|[Ii]ncorrect \w+ value:|invalid input syntax for type [\w ]+:|value) (['\"]).*\2"
)
_SHOWN = 200  # characters of a database's own words


def load(request: Request, stream: BinaryIO, say: Say) -> Dict[str, Any]:
    """Load the lossless form; returns counts by model, and the migrations that were applied afterwards.

    :param request: alias, name (the blank database to load into), excluded_models (what stays behind), allow_partial,
        forward
    """
    from django.db import connections

    connection = connections[request["alias"]]
    lines = venv_lines.Lines(stream)
    check_header(lines.header, request)
    registry = venv_state.migrate_to(connection, lines.header["migrations"], say)
    chosen = venv_chosen.Chosen(request, registry.get_models(include_auto_created=True))
    tables = tables_of(
        connection, registry, [label for label in lines.header["models"] if not chosen.leaves(label.lower())]
    )
    chosen.check()
    dialect = venv_dialect.of(connection)
    bulk = dialect.bulk(dialect, list(tables.values()))
    dialect.pin()
    bulk.begin()
    counts = _fill(connection, bulk, tables, lines, chosen, say)
    bulk.end()
    done = venv_state.forward(connection, say) if request.get("forward", True) else []
    answer = {"counts": counts, "method": venv_rows.METHOD, "migrated": done, "header": lines.header}
    return dict(answer, made=venv_beyond.told(connection, counts), excluded=chosen.excluded)


def schema(request: Request, say: Say) -> Dict[str, Any]:
    """Make the tables of these migrations in a blank database, and tell them: fields and kinds by model."""
    from django.db import connections

    connection = connections[request["alias"]]
    registry = venv_state.migrate_to(connection, request["migrations"], say)
    kinds = venv_rows.table_kinds(connection)
    found = {}
    for model in registry.get_models(include_auto_created=True):
        meta = model._meta
        if not meta.proxy and venv_rows.has_table(kinds, model):
            found[meta.label] = Table(model, connection).fields()
    return {"schema": found}


def fresh(request: Request, say: Say) -> Dict[str, Any]:
    """Bring a blank database to the newest migrations, as ``migrate`` does; returns them."""
    from django.db import connections

    connection = connections[request["alias"]]
    migrations = venv_state.nodes_at(connection, {})
    registry = venv_state.migrate_to(connection, migrations, say)
    return {"migrations": migrations, "handlers_failed": venv_state.after_migrate(connection, registry, say)}


def check_header(header: Dict[str, Any], request: Request) -> None:
    """Refuse what cannot be loaded whole, unless that is wanted. Raises FixtureError before anything is made.

    :param request: allow_partial, excluded_models
    """
    if not (header["whole"] or request.get("allow_partial")):
        _check_parts(header, {name.lower() for name in request.get("excluded_models") or []})
    check_time_zones(header)


def _check_parts(header: Dict[str, Any], accepted: Set[str]) -> None:
    if header.get("chosen", True) or not header.get("excluded"):
        raise FixtureError(
            "fixture_partial",
            "the fixture holds only some of a site's models",
            "merge it into the live database, or dump everything; with allow_partial the rest is empty",
        )
    names = [str(name).lower() for name in header.get("excluded") or []]
    more = [name for name in names if not accepted & {name, name.partition(".")[0]}]
    if more:
        raise FixtureError(
            "fixture_partial",
            "the fixture was dumped without {0}".format(", ".join(more)),
            "list the same in excluded_models when it may stay behind, or dump everything",
        )


def check_time_zones(header: Dict[str, Any]) -> None:
    """Refuse datetimes that mean something else here. Raises FixtureError."""
    from django.conf import settings

    if bool(header["use_tz"]) != bool(settings.USE_TZ):
        raise FixtureError(
            "setting_differs",
            "USE_TZ is {0} here and was {1} where the fixture was made".format(
                bool(settings.USE_TZ), bool(header["use_tz"])
            ),
            "use the same setting, then change it in a step of its own",
        )


def tables_of(connection: Any, registry: Any, labels: Iterable[str]) -> Dict[str, Table]:
    """The tables of the fixture's models by label. Raises FixtureError for one that the code does not know."""
    known = {model._meta.label: model for model in registry.get_models(include_auto_created=True)}
    kinds = venv_rows.table_kinds(connection)
    found: Dict[str, Table] = {}
    for label in labels:
        model = known.get(label) or _stateless(label, kinds)
        if model is None:
            raise FixtureError(
                "unknown_model",
                "the code has no model {0} at the fixture's migrations".format(label),
                "check out the revision that the fixture was made with, or list the model in excluded_models",
            )
        if not venv_rows.has_table(kinds, model):
            raise table_missing(label)
        found[label] = Table(model, connection)
    return found


def _stateless(label: str, kinds: Dict[str, str]) -> Any:
    """A model that no migration has in its state although one makes its table, as search indexes are made."""
    from django.apps import apps

    try:
        model = apps.get_model(label)
    except (LookupError, ValueError):
        return None
    return model if venv_rows.has_table(kinds, model) else None


def table_missing(label: str) -> FixtureError:
    """Return what a model without a table is refused for."""
    return FixtureError(
        "table_missing",
        "the migrations made no table for {0}".format(label),
        "list the model in excluded_models, or make its table in a migration on this engine too",
    )


def _fill(
    connection: Any,
    bulk: venv_dialect.Bulk,
    tables: Dict[str, Table],
    lines: venv_lines.Lines,
    chosen: venv_chosen.Chosen,
    say: Say,
) -> Dict[str, Dict[str, Any]]:
    from django.db import transaction

    counts: Dict[str, Dict[str, Any]] = {}
    with transaction.atomic(using=connection.alias):
        bulk.strip()
        # What migrations put there is among the fixture's rows, or was deleted since.
        bulk.clear(list(tables.values()))
        tell = progress(say)
        for section in lines.sections():
            table = tables.get(section.label)
            if table is None:
                chosen.count(section.label, section.passed())
                continue
            match_fields(table, section)
            for rows in section.chunks():
                insert(connection, bulk.insert, table, rows)
                tell(section.label, rows[-1][0])
            counts[section.label] = {"objects": section.rows, "fingerprint": section.fingerprint}
        say("constraints and indexes")
        restore(connection, bulk, tables)
        say("reading back")
        prove(tables, counts)
        venv_dialect.of(connection).reset_sequences(list(tables.values()))
    return counts


def match_fields(table: Table, section: venv_lines.Section) -> None:
    """Take on the fixture's order of fields. Raises FixtureError unless they are the table's, of the same kinds."""
    expected = {column.name: column.kind for column in table.columns}
    _check_names(section, expected)
    given = dict(section.fields)
    other = [name for name in given if given[name] != expected[name]]
    if other:
        kinds = ["{0} is {1}, here {2}".format(name, given[name], expected[name]) for name in other]
        raise _fields_refused(section, "fixture_invalid", "has a field of another kind: {0}".format(", ".join(kinds)))
    table.arrange(list(given))


def _check_names(section: venv_lines.Section, expected: Dict[str, str]) -> None:
    unknown = [name for name, _kind in section.fields if name not in expected]
    if unknown:
        raise _fields_refused(section, "unknown_field", "has no field {0}".format(", ".join(unknown)))
    given = dict(section.fields)
    lacking = [name for name in expected if name not in given]
    if lacking or len(given) != len(section.fields):
        what = "lacks the field {0}".format(", ".join(lacking) or "that is there twice")
        raise _fields_refused(section, "fixture_invalid", what)


def _fields_refused(section: venv_lines.Section, code: str, what: str) -> FixtureError:
    return FixtureError(
        code,
        "line {0}: {1} {2}".format(section.line, section.label, what),
        "check out the revision that the fixture was made with, or dump it again",
        line=section.line,
    )


def insert(connection: Any, put: Put, table: Table, rows: Rows) -> None:
    """Insert a chunk; a row that is refused is looked for and named."""
    from django.db import Error, transaction

    try:
        with transaction.atomic(using=connection.alias):
            put(table, [row for _place, row in rows])
    except (Error, ValueError, TypeError, AttributeError, KeyError, ArithmeticError) as error:
        raise _culprit(connection, put, table, rows, error) from None


def _culprit(connection: Any, put: Put, table: Table, rows: Rows, error: Exception) -> FixtureError:
    """The first row of a chunk that is refused by itself."""
    from django.db import Error, transaction

    for place, row in rows:
        try:
            with transaction.atomic(using=connection.alias):
                put(table, [row])
        except Error as refused:
            return _row_refused(table, place, row, words(refused))
        except (ValueError, TypeError, AttributeError, KeyError, ArithmeticError):
            return _row_refused(table, place, row, "a value is of the wrong type")
    return FixtureError("fixture_invalid", "{0}: {1}".format(table.label, words(error)), "see the database's log")


def _row_refused(table: Table, place: Any, row: List[Any], why: str) -> FixtureError:
    hint = "correct the row where it was dumped, and dump again"
    return venv_blame.refusal(table, place, table.pk_of(row), enumerate(row), why, hint)


def words(error: Exception) -> str:
    """The first line of what a database says, without the value that it repeats; further lines show the row."""
    text = str(error).strip().splitlines()
    return _VALUES.sub(r"\1 ...", text[0] if text else type(error).__name__)[:_SHOWN]


def restore(connection: Any, bulk: venv_dialect.Bulk, tables: Dict[str, Table]) -> None:
    """Put constraints back; when rows violate them, say which."""
    from django.db import Error, transaction

    try:
        if connection.features.can_rollback_ddl:
            with transaction.atomic(using=connection.alias):
                bulk.restore()
        else:
            bulk.restore()
    except Error as error:
        check_references(connection, tables.values())
        raise FixtureError("fixture_invalid", words(error), "correct the rows where they were dumped") from None
    if not venv_dialect.of(connection).proves_references:
        check_references(connection, tables.values())


def check_references(connection: Any, tables: Iterable[Table]) -> None:
    """Raises FixtureError naming the first rows whose foreign key points nowhere."""
    for table in tables:
        for field in table.model._meta.local_concrete_fields:
            found = dangling(connection, table, field)
            if found:
                pk, value = found[0]
                target = field.remote_field.model._meta.label
                raise FixtureError(
                    "reference_missing",
                    "{0} {1}: {2} refers to {3} {4}, which is not there".format(
                        table.label, pk, field.name, target, value
                    ),
                    "dump again with a frozen site, or delete the row or the reference on old",
                    model=table.label,
                    pk=str(pk),
                    field=field.name,
                )


def dangling(connection: Any, table: Table, field: Any, limit: int = 1) -> List[Tuple[Any, Any]]:
    """Rows of which a foreign key points nowhere: key and value. Those that ask for no constraint are let be."""
    if field.remote_field is None or not getattr(field, "db_constraint", False):
        return []
    target = field.target_field
    quote = connection.ops.quote_name
    if not table.keys or target.column is None:
        return []
    keys = [table.columns[index].quoted for index in table.keys]
    sql = (
        "SELECT {keys}, c.{column} FROM {table} c LEFT JOIN {parent} p ON p.{key} = c.{column}"
        " WHERE c.{column} IS NOT NULL AND p.{key} IS NULL ORDER BY 1 LIMIT {limit}"
    ).format(
        keys=", ".join("c." + name for name in keys),
        column=quote(field.column),
        table=table.quoted,
        parent=quote(field.remote_field.model._meta.db_table),
        key=quote(target.column),
        limit=limit,
    )
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return [(row[0] if len(keys) == 1 else venv_rows.key_text(row[:-1]), row[-1]) for row in cursor.fetchall()]


def prove(tables: Dict[str, Table], counts: Dict[str, Dict[str, Any]]) -> None:
    """Read every row back and compare count and fingerprint with the fixture's. Raises FixtureError."""
    for label, recorded in counts.items():
        total = count(tables[label])
        if total.rows != recorded["objects"]:
            raise FixtureError(
                "data_differs",
                "{0}: the fixture holds {1} objects, the database {2}".format(label, recorded["objects"], total.rows),
                "a trigger or the database changed the rows: look at the table's triggers",
            )
        if "fingerprint" in recorded and total.fingerprint != recorded["fingerprint"]:
            raise FixtureError(
                "data_differs",
                "{0}: the database returns other values than were written".format(label),
                "run relocate.django.conversion_scan: it names the values that this engine does not keep",
            )


def count(table: Table, keys: Optional[List[str]] = None) -> venv_rows.Sum:
    """Rows and fingerprint of a table as the database gives them."""
    total = table.sum()
    for rows in venv_rows.stream(table, keys):
        venv_rows.lines_of(table, rows, total)
    return total


def progress(say: Say) -> Callable[[str, int], None]:
    """Tells, every now and then, how far a load has come."""
    last = [time.time()]

    def tell(label: str, line: int) -> None:
        if time.time() - last[0] > _EVERY:
            last[0] = time.time()
            say("{0}: line {1}".format(label, line))

    return tell
