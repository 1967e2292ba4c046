# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""What a load puts aside until later, and the statements that change rows that are there already.

Part of the program that runs inside the project's interpreter: Python 3.6 syntax, ASCII only, standard library only.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

import json
import tempfile
from typing import Any, Dict, Iterator, List, Tuple

from ansible_collections.relocate.django.plugins.module_utils._fixtures import venv_shapes, venv_values
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_objects import Place
from ansible_collections.relocate.django.plugins.module_utils._fixtures.venv_rows import Table


class Spool:
    """Keeps deferred objects on disk: a fixture in the wrong order must not fill the memory."""

    def __init__(self) -> None:
        """Begin with nothing, in a file that has no name."""
        self._file, self.count = tempfile.TemporaryFile("w+", encoding="ascii"), 0  # noqa: SIM115

    def add(self, place: Place, *parts: Any) -> None:
        """Put something aside, with the place that it was read at."""
        self._file.write(json.dumps([place, parts], default=_as_text) + "\n")
        self.count += 1

    def take(self) -> Iterator[Tuple[Any, ...]]:
        """Everything in its order, once."""
        self._file.seek(0)
        for line in self._file:
            place, parts = json.loads(line)
            yield (Place(*place),) + tuple(parts)
        self._file.close()


def _as_text(value: Any) -> str:
    """Return what YAML makes of dates and bytes, as the other formats have them."""
    return venv_values.read_binary(value) if isinstance(value, bytes) else str(value)


def update(connection: Any, table: Table, key: Any, values: Dict[int, Any]) -> None:
    """Change some columns of one row.

    :param values: by the place of the column
    """
    columns = table.columns
    settings = ", ".join("{0} = %s".format(columns[index].quoted.replace("%", "%%")) for index in values)
    sql = "UPDATE {0} SET {1} WHERE {2}".format(table.quoted.replace("%", "%%"), settings, table.is_key())
    parameters = [columns[index].parameter(value) for index, value in values.items()]
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters + table.key_parameters(key))


def one_sided(relation: venv_shapes.Relation) -> List[Tuple[Any, Any]]:
    """Pairs of a symmetrical relation whose other direction has no row."""
    table = relation.table
    source, target = (table.columns[index].quoted.replace("%", "%%") for index in (relation.source, relation.target))
    name = table.quoted.replace("%", "%%")
    sql = "SELECT {0} FROM {1} a WHERE NOT EXISTS (SELECT 1 FROM {1} b WHERE b.{2} = a.{3} AND b.{3} = a.{2})".format(
        ", ".join(column.select.replace(column.quoted, "a." + column.quoted) for column in table.columns).replace(
            "%", "%%"
        ),
        name,
        source,
        target,
    )
    with table.connection.cursor() as cursor:
        cursor.execute(sql, [])
        rows = [table.plain(row) for row in cursor.fetchall()]
    return [(row[relation.source], row[relation.target]) for row in rows]
