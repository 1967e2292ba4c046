# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fast inserts: COPY on PostgreSQL, executemany elsewhere. The same rows, whatever the engine."""

import datetime
import decimal
import itertools
import json
import uuid

ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})


def copy_text(value):
    """One value in PostgreSQL's COPY text format."""
    if value is None:
        return "\\N"
    if isinstance(value, bytes):
        return "\\\\x" + value.hex()
    if isinstance(value, (dict, list)):
        value = json.dumps(value)
    return str(value).translate(ESCAPES)


def plain(value, vendor):
    """One value as Django's own backends for SQLite and MySQL store it."""
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.timezone.utc).replace(tzinfo=None).isoformat(" ")
    if isinstance(value, (dict, list)):
        return json.dumps(value)
    if isinstance(value, uuid.UUID):
        return value.hex
    if isinstance(value, decimal.Decimal):
        return str(value)
    return value


class RowStream:
    """Rows as a file that psycopg2's `copy_expert` reads, in pieces: memory stays flat."""

    def __init__(self, rows):
        """Remember the rows."""
        self.rows = iter(rows)

    def read(self, size=-1):
        """Return some complete lines; an empty string ends the file."""
        return "".join("\t".join(map(copy_text, row)) + "\n" for row in itertools.islice(self.rows, 2000))


def insert(connection, table, columns, rows):
    """Insert rows (tuples in the order of `columns`) into a table of Django's, without signals and without the ORM."""
    quote = connection.ops.quote_name
    names = ", ".join(quote(name) for name in columns)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            sql = f"COPY {quote(table)} ({names}) FROM STDIN"
            stream = RowStream(rows)
            if hasattr(cursor.cursor, "copy_expert"):  # psycopg2
                cursor.cursor.copy_expert(sql, stream, size=1 << 20)
                return
            with cursor.cursor.copy(sql) as copy:  # psycopg 3
                for piece in iter(stream.read, ""):
                    copy.write(piece)
            return
        marks = ", ".join(["%s"] * len(columns))
        sql = f"INSERT INTO {quote(table)} ({names}) VALUES ({marks})"
        rows = (tuple(plain(value, connection.vendor) for value in row) for row in rows)
        for batch in iter(lambda: list(itertools.islice(rows, 5000)), []):
            cursor.executemany(sql, batch)
