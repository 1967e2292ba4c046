# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in a site's databases, by plain SQL and without a line of the product: the independent comparison."""

from __future__ import annotations

import json
import re
import time
from dataclasses import asdict, dataclass, field
from subprocess import CompletedProcess

from tests.lab.host import Host
from tests.lab.services import mysql, psql

from .databases import identifier, literal
from .spec import UID_LOG, Site

_PG_TABLES = """
    SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'm') AND c.relispopulated
        AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') ORDER BY 1"""
_PG_SEQUENCES = """
    SELECT format('%I.%I', schemaname, sequencename) || ' ' || coalesce(last_value, 0) FROM pg_sequences ORDER BY 1"""
_OURS = "relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname IN ('public', 'warehouse'))"
_PG_OBJECTS = f"""
    SELECT 'views ' || count(*) FROM pg_class WHERE relkind = 'v' AND {_OURS}
    UNION ALL SELECT 'materialized views ' || count(*) FROM pg_class WHERE relkind = 'm' AND {_OURS}
    UNION ALL SELECT 'filled materialized views ' || count(*) FROM pg_matviews WHERE ispopulated
    UNION ALL SELECT 'indexes ' || count(*) FROM pg_class WHERE relkind IN ('i', 'I') AND {_OURS}
    UNION ALL SELECT 'triggers ' || count(*) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT 'routines ' || count(*) FROM pg_proc
        WHERE pronamespace IN (SELECT oid FROM pg_namespace WHERE nspname IN ('public', 'warehouse'))
            AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = pg_proc.oid AND d.deptype = 'e')
    UNION ALL SELECT 'constraints ' || count(*) FROM pg_constraint WHERE contype <> 'n'
        AND connamespace IN (SELECT oid FROM pg_namespace WHERE nspname IN ('public', 'warehouse'))
    UNION ALL SELECT 'extensions ' || count(*) FROM pg_extension
    UNION ALL SELECT 'large objects ' || count(*) FROM pg_largeobject_metadata"""
_PG_SETTINGS = """
    SELECT coalesce(setrole::regrole::text, '') || ' ' || unnest(setconfig) FROM pg_db_role_setting
    WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database()) ORDER BY 1"""
_PG_PIN = "SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET extra_float_digits = 1; SET bytea_output = 'hex';"

# DB stands for the database's name as a literal.
_MYSQL_TABLES = "SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = DB"
# MySQL caches the counters for a day unless told otherwise; MariaDB skips such a comment.
_MYSQL_SEQUENCES = """
    /*!80000 SET SESSION information_schema_stats_expiry = 0 */;
    SELECT table_name, auto_increment FROM information_schema.tables
    WHERE table_schema = DB AND auto_increment IS NOT NULL"""
_MYSQL_OBJECTS = """
    SELECT 'views', count(*) FROM information_schema.views WHERE table_schema = DB
    UNION ALL SELECT 'triggers', count(*) FROM information_schema.triggers WHERE trigger_schema = DB
    UNION ALL SELECT 'routines', count(*) FROM information_schema.routines WHERE routine_schema = DB
    UNION ALL SELECT 'events', count(*) FROM information_schema.events WHERE event_schema = DB
    UNION ALL SELECT 'partitions', count(*) FROM information_schema.partitions
        WHERE table_schema = DB AND partition_name IS NOT NULL
    UNION ALL SELECT 'index columns', count(*) FROM information_schema.statistics WHERE table_schema = DB
    UNION ALL SELECT concat('constraints ', constraint_type), count(*) FROM information_schema.table_constraints
        WHERE table_schema = DB GROUP BY constraint_type"""
# All but the definers, which a move has to change, and whether an event is enabled.
_MYSQL_DETAILS = """
    SELECT 'database', default_character_set_name, default_collation_name FROM information_schema.schemata
        WHERE schema_name = DB;
    SELECT 'table', table_name, engine, table_collation, table_comment FROM information_schema.tables
        WHERE table_schema = DB AND table_type <> 'VIEW';
    SELECT 'column', table_name, column_name, column_type, is_nullable, coalesce(collation_name, '-'), extra
        FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
        WHERE table_schema = DB AND table_type <> 'VIEW';
    SELECT 'trigger', trigger_name, action_timing, event_manipulation, event_object_table, action_order, sql_mode,
        action_statement FROM information_schema.triggers WHERE trigger_schema = DB;
    SELECT 'routine', routine_type, routine_name, security_type, sql_mode, routine_comment, routine_definition
        FROM information_schema.routines WHERE routine_schema = DB;
    SELECT 'event', event_name, time_zone, interval_value, interval_field, sql_mode, event_definition
        FROM information_schema.events WHERE event_schema = DB"""
# Column names are part of it, since rows of two tables may be equal; binary data come out escaped, so lines are rows.
# The number -0.0 is 0 in every dump (a literal -0 is an integer), so these two are taken as equal.
_MYSQL_DIGESTS = """
    while IFS= read -r name; do
        mysql --quick --batch --default-character-set=binary -e "SELECT * FROM $name" < /dev/null \\
            | LC_ALL=C sed -E ":a; s/(^|\\t)-0(\\t|$)/\\10\\2/; ta" | LC_ALL=C sort | md5sum | cut -d" " -f1
    done"""

_SQLITE = r"""
import hashlib, json, sqlite3, sys
out = {"counts": {}, "digests": {}, "sequences": {}, "objects": {}}
db = sqlite3.connect("file:" + sys.argv[1] + "?mode=ro", uri=True)
db.text_factory = bytes
query = "SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY name"
for kind, name in [(kind.decode(), name.decode()) for kind, name in db.execute(query)]:
    out["objects"][kind + "s"] = out["objects"].get(kind + "s", 0) + 1
    if kind == "table":
        rows = sorted(repr(row) for row in db.execute('SELECT * FROM "%s"' % name.replace('"', '""')))
        out["counts"][name] = len(rows)
        out["digests"][name] = hashlib.md5("\n".join(rows).encode()).hexdigest()
out["sequences"] = {name.decode(): seq for name, seq in db.execute("SELECT name, seq FROM sqlite_sequence")}
print(json.dumps(out))
"""


@dataclass
class Facts:
    """One database. Digests are equal when the rows are, in any order, on any version of the same engine."""

    counts: dict[str, int] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    sequences: dict[str, int] = field(default_factory=dict)
    objects: dict[str, int] = field(default_factory=dict)
    settings: list[str] = field(default_factory=list)

    def without(self, tables: frozenset[str]) -> Facts:
        """Leave out tables that change all the time, and their sequences."""
        copy = Facts(**asdict(self))
        for values in (copy.counts, copy.digests, copy.sequences):
            for name in list(values):
                if name.removesuffix("_id_seq") in tables:
                    del values[name]
        return copy


def facts_of(host: Host, site: Site, *, content: bool = True) -> dict[str, Facts]:
    """Give each alias's facts; `host` is where the databases are, which is not the web server for a remote one.

    Without `content` there are no digests: they read every row, 10 s per million.
    """
    return {alias: facts_in(host, site, name, content=content) for alias, name in site.databases.items()}


def facts_in(host: Host, site: Site, database: str, *, content: bool = True) -> Facts:
    """Give the facts of one database of any name, on a server of the site's engine."""
    if site.engine == "postgresql":
        return _postgresql(host, database, content)
    if site.engine == "mysql":
        return _mysql(host, database, content)
    return Facts(**json.loads(host.run(["python3", "-", database], input=_SQLITE).stdout))


def _postgresql(host: Host, database: str, content: bool) -> Facts:
    def rows(sql: str) -> list[str]:
        return [line for line in psql_in(host, sql, database).splitlines() if line]

    def pairs(sql: str) -> dict[str, int]:
        return {line.rpartition(" ")[0]: int(line.rpartition(" ")[2]) for line in rows(sql)}

    tables = rows(_PG_TABLES)
    union = " UNION ALL ".join(f"SELECT {literal(table)} || ' ' || count(*) FROM {table}" for table in tables)
    digest = "\n".join(
        f"SELECT {literal(table)} || ' ' || coalesce(md5(string_agg(h, '' ORDER BY h COLLATE \"C\")), '-')"
        f' FROM (SELECT md5(t::text) AS h FROM {table} t) AS "the hashes";'
        for table in tables
    )
    scans = (
        "SELECT 'large objects ' || coalesce(md5(string_agg(md5(lo_get(oid)), '' ORDER BY md5(lo_get(oid)))), '-')"
        " FROM pg_largeobject_metadata;"
    )
    digests = [line.rpartition(" ") for line in rows(f"{_PG_PIN}{digest}\n{scans}")] if content else []
    return Facts(
        counts=pairs(union) if union else {},
        digests={name: value for name, _, value in digests},
        sequences=pairs(_PG_SEQUENCES),
        objects=pairs(_PG_OBJECTS),
        settings=rows(_PG_SETTINGS),
    )


def _mysql(host: Host, database: str, content: bool) -> Facts:
    def rows(sql: str) -> list[list[str]]:
        text = mysql(host, sql.replace("DB", literal(database, backslashes=True)))
        return [line.split("\t") for line in text.splitlines()]

    def numbers(names: dict[str, str], value: str) -> dict[str, int]:
        union = " UNION ALL ".join(f"SELECT {literal(key)}, {value} FROM {name}" for key, name in names.items())
        return {key: int(number) for key, number in rows(union)} if union else {}

    kinds = dict(rows(_MYSQL_TABLES))
    quoted = {table: f"{identifier(database, '`')}.{identifier(table, '`')}" for table in sorted(kinds)}
    tables = {table: name for table, name in quoted.items() if kinds[table] != "VIEW"}
    views = {f"view {table}": name for table, name in quoted.items() if kinds[table] == "VIEW"}
    digests = {}
    if content and tables:
        lines = host.run(_MYSQL_DIGESTS, input="".join(f"{name}\n" for name in tables.values()), timeout=1800)
        digests = dict(zip(tables, lines.stdout.split(), strict=True))
    return Facts(
        # A view answers only where the account that defined it exists.
        counts=numbers({**tables, **views}, "count(*)"),
        digests=digests,
        sequences={name: int(value) for name, value in rows(_MYSQL_SEQUENCES)},
        objects={name: int(value) for name, value in rows(_MYSQL_OBJECTS)},
        # MariaDB 10.5 still calls utf8mb3 utf8.
        settings=sorted(re.sub(r"\butf8(?=_)", "utf8mb3", "  ".join(row)) for row in rows(_MYSQL_DETAILS)),
    )


def events_of(host: Host, database: str) -> dict[str, str]:
    """Give the events of a MySQL database with their status: ENABLED, DISABLED or (SLAVESIDE_DISABLED) another one."""
    where = f"WHERE event_schema = {literal(database, backslashes=True)}"
    text = mysql(host, f"SELECT event_name, status FROM information_schema.events {where}")
    return dict(line.split("\t") for line in text.splitlines())


def psql_in(host: Host, sql: str, database: str) -> str:
    """Run SQL in a database of any name: by environment, since `psql -d` parses `=` in it."""
    if re.fullmatch(r"\w+", database):
        return psql(host, sql, database)
    argv = ["psql", "-X", "-qAt", "-v", "ON_ERROR_STOP=1", "-f", "-"]
    return host.run(argv, user="postgres", input=sql, env={"PGDATABASE": database}).stdout.strip()


@dataclass(frozen=True)
class Response:
    """An HTTP answer."""

    status: int
    body: str

    @property
    def counts(self) -> dict[str, int]:
        """What the front page counts: `{"books": 500, ...}`; -1 where it could not read the table."""
        found = re.findall(r"<li>([\w ]+): (\d+|unreachable)</li>", self.body)
        return {name: -1 if value == "unreachable" else int(value) for name, value in found}


def http_get(host: Host, path: str = "/", *, port: int = 80, address: str = "127.0.0.1") -> Response:
    """Ask a web server from the host itself; status 0 means that nobody listens."""
    argv = ["curl", "--silent", "--max-time", "20", "--write-out", "\\n%{http_code}", f"http://{address}:{port}{path}"]
    result: CompletedProcess[str] = host.run(argv, check=False)
    body, _, status = result.stdout.rpartition("\n")
    return Response(int(status or 0), body)


def wait_http(host: Host, path: str = "/health", *, port: int = 80, seconds: float = 30) -> Response:
    """Ask until the answer is 200 or time is up; give the last answer."""
    limit = time.monotonic() + seconds
    while True:
        response = http_get(host, path, port=port)
        if response.status == 200 or time.monotonic() > limit:
            return response
        time.sleep(0.3)


def watch_uids(host: Host) -> None:
    """Let settings.py record who runs it, from now on.

    The file is root's: in /tmp the kernel keeps even root from opening another user's file for appending.
    """
    host.write(UID_LOG, "", owner="root:root", mode="0666")


def seen_uids(host: Host) -> set[int]:
    """Give the user ids that have run the settings since watch_uids()."""
    return {int(line) for line in host.read(UID_LOG).split()}
