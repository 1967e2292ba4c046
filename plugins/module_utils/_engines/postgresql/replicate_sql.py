# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks a PostgreSQL server what logical replication needs, and names what a replication of ours makes. Pure.

Only tables whose rows are told apart by an index are published: a server refuses UPDATE and DELETE on a published
table without one, and then the site would fail.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any, Dict, List, Mapping, NamedTuple, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql import queries
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.session import ident

#: How the names of our publications and slots begin; nothing of the site's has such a name.
PREFIX = "relocate_django_"
#: Where incoming keeps how many files of the stream it has taken in. It is gone before anything is compared.
SCHEMA = PREFIX + "replication"
POSITION = SCHEMA + ".position"

#: Settings, and how many slots and senders are in use. A role without rights sees the senders of others too.
CAPACITY = (
    "SELECT current_setting('wal_level'), current_setting('max_replication_slots')::int,"
    " (SELECT count(*) FROM pg_replication_slots), current_setting('max_wal_senders')::int,"
    " (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'walsender'), pg_is_in_recovery(),"
    " (SELECT setting::bigint FROM pg_settings WHERE name = 'max_slot_wal_keep_size')"
)
MAY_REPLICATE = "SELECT rolsuper OR rolreplication, rolname FROM pg_roles WHERE rolname = current_user"
MAY_PUBLISH = "SELECT has_database_privilege(current_user, current_database(), 'CREATE'), current_user"
#: WAL in MiB that a server of ours must be able to keep for a slot.
_LEAST_KEPT = 64

#: schema, name, file, whether changes of its rows can be told by an index, whether the role may publish it
TABLES = (
    "SELECT n.nspname, c.relname, c.relfilenode::bigint, c.relpersistence = 'p' AND EXISTS (SELECT FROM pg_index AS i"
    " WHERE i.indrelid = c.oid AND i.indisvalid AND i.indimmediate AND i.indisunique"
    " AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident ELSE false END),"
    " pg_has_role(current_user, c.relowner, 'USAGE')"
    " FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
    " WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND " + queries.USER_SCHEMA + " AND " + queries.own("c") + ""
    " ORDER BY 1, 2"
)
OURS = "SELECT pubname FROM pg_publication WHERE left(pubname, {0}) = '{1}' ORDER BY 1".format(len(PREFIX), PREFIX)
#: Bytes of WAL that a slot keeps, where it is, and whether the server has given it up.
KEPT = (
    "SELECT pg_current_wal_insert_lsn() - restart_lsn, pg_current_wal_insert_lsn() - '0/0'::pg_lsn"
    " FROM pg_replication_slots WHERE slot_name = {0}"
)
#: Something is committed, so that all that was committed before is on disk and is sent. Nothing is written to a table.
MARK = (
    "SELECT pg_logical_emit_message(true, 'relocate.django', '')",
    "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn",
)

#: Of incoming: schema, name, columns, those that are GENERATED ALWAYS AS IDENTITY, and of each column of an index that
#: may tell rows apart its name and the operator of its equality. A site's types have operators of their own.
TARGETS = (
    "SELECT n.nspname, c.relname, (SELECT array_agg(a.attname::text) FROM pg_attribute AS a WHERE a.attrelid = c.oid"
    " AND a.attnum > 0 AND NOT a.attisdropped), (SELECT array_agg(a.attname::text) FROM pg_attribute AS a"
    " WHERE a.attrelid = c.oid AND a.attidentity = 'a' AND NOT a.attisdropped), k.names, k.schemas, k.operators"
    " FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace CROSS JOIN LATERAL ("
    "SELECT array_agg(a.attname::text) AS names, array_agg(s.nspname::text) AS schemas,"
    " array_agg(o.oprname::text) AS operators FROM pg_index AS i CROSS JOIN LATERAL"
    " unnest(i.indkey::int2[], i.indclass::oid[]) WITH ORDINALITY AS u (number, class, place)"
    " JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = u.number JOIN pg_opclass AS p ON p.oid = u.class"
    " JOIN pg_amop AS m ON m.amopfamily = p.opcfamily AND m.amoplefttype = p.opcintype"
    " AND m.amoprighttype = p.opcintype AND m.amopstrategy = 3 JOIN pg_operator AS o ON o.oid = m.amopopr"
    " JOIN pg_namespace AS s ON s.oid = o.oprnamespace WHERE i.indrelid = c.oid AND i.indisunique"
    " AND u.place <= i.indnkeyatts"
    ") AS k WHERE c.relkind = 'r' AND " + queries.USER_SCHEMA
)


_OUR_PUBLICATION = re.compile(r"\bpublication {0}[0-9a-f]+$".format(PREFIX))
_OUR_ENTRY = re.compile(r"^\d+; \d+ \d+ PUBLICATION (?:- |TABLE .*){0}[0-9a-f]+ ".format(PREFIX))


def is_ours(label: str) -> bool:
    """Tell whether a description is of a publication of ours, which is no part of the site."""
    return bool(_OUR_PUBLICATION.search(label))


def without_ours(lines: Sequence[str]) -> List[str]:
    """The entries of a dump but those of a publication of ours, which was there while the dump was made."""
    return [line for line in lines if not _OUR_ENTRY.match(line)]


class Published(NamedTuple):
    """The tables of a database, sorted by how their changes are carried."""

    tables: Tuple[Tuple[str, str], ...]  # published: schema, name
    files: Mapping[str, int]  # of these: label -> the file that it had at the beginning
    without: Tuple[str, ...]  # labels of those whose rows no index tells apart
    others: Tuple[str, ...]  # labels of those that the role may not publish


def sorted_out(rows: Sequence[Sequence[Any]]) -> Published:
    """Sort the rows of :data:`TABLES`."""
    tables: List[Tuple[str, str]] = []
    files: Dict[str, int] = {}
    without: List[str] = []
    others: List[str] = []
    for schema, name, file, has_identity, is_own in rows:
        label = queries.qualified(schema, name)
        if has_identity and is_own:
            tables.append((str(schema), str(name)))
            files[label] = int(file)
        else:
            (others if has_identity else without).append(label)
    return Published(tuple(tables), files, tuple(without), tuple(others))


def name_of(path: str) -> str:
    """Return the name of publication and slot for a stream's directory: the same for whoever asks again."""
    return PREFIX + hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()[:24]


def publication_sql(name: str, tables: Sequence[Tuple[str, str]]) -> str:
    """Publish the tables, each partition by its own name; partitions of a named table would be published anyhow."""
    listed = ", ".join("ONLY {0}.{1}".format(ident(schema), ident(table)) for schema, table in tables)
    return "CREATE PUBLICATION {0} FOR TABLE {1}".format(ident(name), listed)


_RESTART = "; then restart PostgreSQL (systemctl restart postgresql), which interrupts every site on it"
_RELOAD = "; SELECT pg_reload_conf()"
_SET = "as a superuser on old: ALTER SYSTEM SET {0} = {1}{2}; or set relocate_replicate: false"


def unfit(found: Sequence[Any]) -> List[Tuple[str, str]]:
    """Return what in a row of :data:`CAPACITY` stands in the way: what, and the lines that help."""
    level, slots, slots_used, senders, senders_used, standby, kept = found
    problems = []
    if standby:
        problems.append(("the server is a standby", "set relocate_replicate: false"))
    if level != "logical":
        why = "wal_level of the server is {0}, and replication needs logical".format(level)
        problems.append((why, _SET.format("wal_level", "'logical'", _RESTART)))
    for setting, limit, used in (
        ("max_replication_slots", int(slots), int(slots_used)),
        ("max_wal_senders", int(senders), int(senders_used)),
    ):
        if used >= limit:
            why = "{0} is {1}, and all of them are in use".format(setting, limit)
            problems.append((why, _SET.format(setting, limit + 4, _RESTART)))
    if kept is not None and 0 <= int(kept) < _LEAST_KEPT:
        why = "max_slot_wal_keep_size is {0} MB: the server would give up the slot of a busy site".format(kept)
        problems.append((why, _SET.format("max_slot_wal_keep_size", "'1GB'", _RELOAD)))
    return problems
