# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Finds what another engine will not take of a database, row by row, without changing anything.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only,
Django imported inside functions. Findings name table, row, column, reason and remedy, and never the value itself.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

import hashlib
import time
from typing import Any, Callable, Dict, Iterable, Iterator, List, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._fixtures import (
    venv_dialect,
    venv_dump,
    venv_load,
    venv_rows,
    venv_scan_rules,
)
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_rows import FixtureError, Table

Say = Callable[[str], None]
Request = Dict[str, Any]
Target = venv_scan_rules.Target

#: Rows that are named for each column and reason; all of them are counted.
SHOWN = 10
_EVERY = 5.0  # seconds between two lines of progress


class Findings:
    """Collects findings: the first rows of each kind by name, the rest by number."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._by_kind: Dict[Tuple[str, str, str], Dict[str, Any]] = {}

    def add(self, table: str, column: str, reason: Tuple[str, str], row: Any = None) -> None:
        """Note one row, or something about the whole column or table when ``row`` is None."""
        code, text = reason
        kind = self._by_kind.setdefault(
            (table, column, code),
            {
                "table": table,
                "column": column,
                "code": code,
                "reason": text,
                "remedy": venv_scan_rules.REMEDIES[code],
                "rows": [],
                "count": 0,
            },
        )
        kind["count"] += 1
        if row is not None and len(kind["rows"]) < SHOWN:
            kind["rows"].append(str(row)[:80])

    def all(self) -> List[Dict[str, Any]]:
        """Every kind, in the order in which they were found."""
        return list(self._by_kind.values())


def scan(request: Request, say: Say) -> Dict[str, Any]:
    """Look at every row of an alias; returns the findings and what was read.

    :param request: alias, target (the new engine), excluded_models (names of tables that may stay behind)
    """
    from django.db import connections

    connection, target = connections[request["alias"]], venv_dialect.named(request["target"])
    findings = Findings()
    venv_rows.begin(connection)
    accepted = request.get("excluded_models") or []
    models = venv_rows.without(venv_rows.models_of(request["alias"]), accepted)
    tables = [Table(model, connection) for model in models]
    _of_no_model(connection, tables, accepted, findings)
    rows, last = 0, time.time()
    for table in tables:
        for chunk in _judged(table, target, findings):
            rows += chunk
            if time.time() - last > _EVERY:
                last = time.time()
                say("{0}: {1} rows scanned".format(table.label, rows))
        _dangling(connection, table, findings)
    return {
        "findings": findings.all(),
        "rows": rows,
        "schema": {table.label: table.fields() for table in tables},
        "migrations": venv_dump.applied(request["alias"], True),
    }


def _of_no_model(connection: Any, tables: Sequence[Table], accepted: Sequence[str], findings: Findings) -> None:
    """Tables with rows that no model knows, and that may not stay behind."""
    for item in venv_rows.left_out(connection, tables):
        if item["what"] in ("table", "foreign table") and not _accepted(item["name"], accepted):
            rows = _rows_in(connection, item["name"])
            if rows:
                text = "{0} rows in a table of no model: a fixture does not carry them".format(rows)
                findings.add(item["name"], "", ("no_model", text))


def _accepted(table: str, names: Sequence[str]) -> bool:
    """Tell whether a table may stay behind: by its own name, or as that of a model or an app."""
    from django.apps import apps

    words = {table.lower()}
    for model in apps.get_models(include_auto_created=True):
        if model._meta.db_table == table:
            words |= venv_rows.words_for(model)
    return bool(words & {name.lower() for name in names})


def _rows_in(connection: Any, name: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM " + venv_dialect.of(connection).quote_relation(name))
        return int(cursor.fetchone()[0])


def _rules(table: Table, target: Target, findings: Findings) -> List[Tuple[int, str, venv_scan_rules.Rule]]:
    """Every rule with the column that it is for; a column that the target cannot have is a finding by itself."""
    found, source = [], venv_dialect.of(table.connection)
    for index, column in enumerate(table.columns):
        if venv_scan_rules.engine_bound(column.kind) and source.name != target.name:
            text = "is a column that only {0} has".format(source.name)
            findings.add(table.name, column.name, ("unsupported_type", text))
        else:
            rules = venv_scan_rules.rules_of(column.kind, column.describe(), target)
            found += [(index, column.name, rule) for rule in rules]
    return found


def _judged(table: Table, target: Target, findings: Findings) -> Iterator[int]:
    """Judge every value of a table; gives how many rows were read, now and then."""
    rules = _rules(table, target, findings)
    unique = _Unique(table, target.title) if target.folds_keys else None
    for rows in venv_rows.stream(table):
        for row in rows:
            try:
                values = table.plain(row)
            except FixtureError as error:
                field = error.details.get("field", "")
                findings.add(table.name, field, ("unreadable", str(error).partition(": ")[2]), table.pk_of(row))
                continue
            for index, name, rule in rules:
                value = values[index]
                if value is not None:
                    reason = rule(value)
                    if reason is not None:
                        findings.add(table.name, name, reason, table.pk_of(row))
            if unique is not None:
                unique.look_at(values, table.pk_of(row), findings)
        yield len(rows)


def unique_sets(model: Any) -> List[List[str]]:
    """The sets of fields whose values must differ from row to row, as the model declares them."""
    from django.db.models import UniqueConstraint

    meta = model._meta
    found = [[field.name] for field in meta.local_concrete_fields if field.unique]
    found += [list(names) for names in meta.unique_together]
    found += [
        list(item.fields)
        for item in meta.constraints
        if isinstance(item, UniqueConstraint) and item.fields and getattr(item, "condition", None) is None
    ]
    return found


class _Unique:
    """Rows that a unique key of the new engine takes for the same, although the engine they come from does not.

    One digest of 8 bytes a row and key is kept: of a text key, 10 million rows are about 1 GB. Only keys with a text
    column are looked at.
    """

    def __init__(self, table: Table, engine: str) -> None:
        """Choose the keys that hold a text."""
        self._table, self._engine = table, engine
        by_name = {column.name: index for index, column in enumerate(table.columns)}
        kinds = {column.name: column.kind for column in table.columns}
        self._keys = [
            (", ".join(names), [by_name[name] for name in names])
            for names in unique_sets(table.model)
            if all(name in by_name for name in names) and any(kinds[name] == "text" for name in names)
        ]
        self._seen: List[Any] = [set() for _key in self._keys]

    def look_at(self, values: Sequence[Any], pk: str, findings: Findings) -> None:
        """Compare a row with those before it."""
        for (name, indexes), seen in zip(self._keys, self._seen):
            parts = [values[index] for index in indexes]
            if None in parts:
                continue
            folded = repr([venv_scan_rules.folded(part) for part in parts])
            digest = hashlib.blake2b(folded.encode("utf-8", "surrogatepass"), digest_size=8).digest()
            if digest in seen:
                text = "is taken for another row's: {0} compares without case, accents and trailing spaces"
                text = text.format(self._engine)
                findings.add(self._table.name, name, ("collision", text), pk)
            seen.add(digest)


def _dangling(connection: Any, table: Table, findings: Findings) -> None:
    """Foreign keys that point nowhere, which an engine without checks may hold."""
    fields: Iterable[Any] = table.model._meta.local_concrete_fields
    for field in fields:
        for pk, _value in venv_load.dangling(connection, table, field, limit=1000):
            target = field.remote_field.model._meta.label
            findings.add(table.name, field.name, ("dangling", "refers to a missing {0}".format(target)), pk)
