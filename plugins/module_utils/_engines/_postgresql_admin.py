# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the administrator does on a PostgreSQL server: roles, blank databases, extensions, renames."""

from __future__ import annotations

import contextlib
import hashlib
import re
import time
from dataclasses import dataclass
from typing import Iterator, List, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines._postgresql_connect import Server
from ansible_collections.relocate.django.plugins.module_utils._engines._postgresql_scram import scram_verifier
from ansible_collections.relocate.django.plugins.module_utils._engines._postgresql_session import (
    Session,
    ident,
    literal,
)
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseFacts

_NAME_BYTES = 63
_SWAP_TRIES = 5
_ENDING_SECONDS = 10.0
#: GUC_LIST_QUOTE settings: stored as a quoted list, which a single literal would turn into one odd name.
_LISTS = frozenset(
    "local_preload_libraries search_path session_preload_libraries shared_preload_libraries temp_tablespaces"
    " unix_socket_directories".split()
)


def derived_name(name: str, suffix: str) -> str:
    """``NAME__incoming``, cut and told apart by a hash where PostgreSQL would cut a name at 63 bytes."""
    tail = "__" + suffix
    raw = name.encode("utf-8")
    if len(raw) + len(tail) <= _NAME_BYTES:
        return name + tail
    tail = "_" + hashlib.sha256(raw).hexdigest()[:8] + tail
    return raw[: _NAME_BYTES - len(tail)].decode("utf-8", "ignore") + tail


def database_exists(session: Session, name: str) -> bool:
    """Whether the server has such a database."""
    return bool(session.value("SELECT count(*) FROM pg_database WHERE datname = " + literal(name)))


def ensure_role(server: Server, session: Session) -> List[str]:
    """Make the settings' role as far as a login needs it; returns what was made.

    The password of a role that exists is never changed, since others may use it. Raises login_failed instead.
    """
    role, password = server.role, server.config.password
    known = session.rows("SELECT rolcanlogin FROM pg_roles WHERE rolname = " + literal(role))
    secret = " PASSWORD " + literal(scram_verifier(password)) if password else ""
    if not known:
        session.run("CREATE ROLE {0} LOGIN{1}".format(ident(role), secret))
        return ["role " + role]
    if not known[0][0]:
        raise RelocateError(
            "login_failed",
            "role {0} exists and may not log in".format(role),
            "ALTER ROLE {0} LOGIN when it is the site's, or give the site another USER".format(ident(role)),
        )
    if password:
        check_login(server)
    return []


def check_login(server: Server) -> None:
    """Try the password in the settings on a role that exists. Raises login_failed with what to type."""
    try:
        server.connect(server.maintenance_database()).close()
    except RelocateError as exc:
        # A database that is missing or closed to the role is found out only after the login.
        if exc.code in ("database_missing", "right_missing"):
            return
        if exc.code != "login_failed":
            raise
        raise RelocateError(
            "login_failed",
            "role {0} exists, and its password is left as it is: {1}".format(server.role, exc.msg),
            "ALTER ROLE {0} PASSWORD '...' with the password in the settings of new, when nobody else uses the role,"
            " or give the site another USER; look at pg_hba.conf when the password is right".format(ident(server.role)),
        ) from None


def create_database(server: Server, session: Session, name: str, recorded: Optional[DatabaseFacts]) -> None:
    """Make a blank database with the recorded encoding and locale, owned by the settings' role.

    Raises locale_missing, right_missing or query_failed.
    """
    _join_role(server, session)
    clauses = " ".join(database_clauses(recorded, session.major))
    try:
        session.run(
            "CREATE DATABASE {0} OWNER {1} TEMPLATE template0 {2}".format(ident(name), ident(server.role), clauses)
        )
    except RelocateError as exc:
        if re.search(r"locale|collat|provider", exc.msg) and exc.code == "query_failed":
            raise RelocateError("locale_missing", exc.msg, locale_hint(recorded)) from None
        raise


def locale_hint(recorded: Optional[DatabaseFacts]) -> str:
    """What to type when the server does not know a locale."""
    return "add {0} to /etc/locale.gen, run locale-gen and restart PostgreSQL".format(
        recorded.collation if recorded else "the locale"
    )


def _join_role(server: Server, session: Session) -> None:
    """An administrator who is no superuser may give a database only to a role that it is a member of."""
    member = "SELECT rolsuper OR pg_has_role(current_user, {0}, 'MEMBER') FROM pg_roles WHERE rolname = current_user"
    if not session.value(member.format(literal(server.role))):
        session.run("GRANT {0} TO CURRENT_USER".format(ident(server.role)))


def database_clauses(recorded: Optional[DatabaseFacts], major: int) -> List[str]:
    """The clauses of CREATE DATABASE that make it like the recorded one."""
    if recorded is None or not recorded.encoding:
        return ["ENCODING 'UTF8'"]
    found = ["ENCODING " + literal(recorded.encoding)]
    provider = str(recorded.details.get("locale_provider") or "libc")
    locale = str(recorded.details.get("locale") or "")
    if provider != "libc" and major >= 15 and locale:
        word = "ICU_LOCALE" if provider == "icu" else "BUILTIN_LOCALE"
        found += ["LOCALE_PROVIDER " + provider, "{0} {1}".format(word, literal(locale))]
        rules = str(recorded.details.get("icu_rules") or "")
        found += ["ICU_RULES " + literal(rules)] if rules and major >= 16 else []
    elif major >= 15:
        found.append("LOCALE_PROVIDER libc")
    found += ["LC_COLLATE " + literal(recorded.collation)] if recorded.collation else []
    found += ["LC_CTYPE " + literal(recorded.ctype)] if recorded.ctype else []
    return found


def drop_database(session: Session, name: str) -> bool:
    """Drop a database with whoever uses it; returns whether it was there."""
    if not database_exists(session, name):
        return False
    force = " WITH (FORCE)" if session.major >= 13 else ""
    if not force:
        end_sessions(session, [name])
    session.run("DROP DATABASE IF EXISTS {0}{1}".format(ident(name), force))
    return True


def _sessions_of(names: Sequence[str]) -> str:
    """The kind of another role's session is hidden from those who are no administrators."""
    return (
        "FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        " AND coalesce(backend_type, 'client backend') = 'client backend' AND datname IN ("
        + ", ".join(literal(name) for name in names)
        + ")"
    )


def count_sessions(session: Session, names: Sequence[str]) -> int:
    """How many sessions use the databases."""
    return int(session.value("SELECT count(*) " + _sessions_of(names)))


def end_sessions(session: Session, names: Sequence[str]) -> int:
    """End the sessions that use the databases; returns how many. Raises sessions_remain or right_missing."""
    ended = len(session.rows("SELECT pg_terminate_backend(pid) " + _sessions_of(names)))
    deadline = time.monotonic() + _ENDING_SECONDS
    while count_sessions(session, names):
        if time.monotonic() > deadline:
            raise RelocateError(
                "sessions_remain",
                "sessions that use {0} come back or do not end".format(", ".join(names)),
                "stop the services that use the database, then run this again",
            )
        time.sleep(0.05)
        session.rows("SELECT pg_terminate_backend(pid) " + _sessions_of(names))
    return ended


def rename(session: Session, renames: Sequence[Tuple[str, str]]) -> None:
    """Rename databases in one transaction, ending their sessions.

    Raises swap_failed. Nothing is renamed then, unless it was the answer that was lost, see :func:`has_become`.

    A rename locks its database against new sessions and waits 5 s for old ones: only a session that slips in between
    the ending and the lock can disturb, so trying again is enough.
    """
    names = [old for old, _new in renames]
    for attempt in range(_SWAP_TRIES):
        try:
            end_sessions(session, names)
            with _transaction(session):
                for old, new in renames:
                    session.run("ALTER DATABASE {0} RENAME TO {1}".format(ident(old), ident(new)))
            return
        except RelocateError as exc:
            busy = exc.details.get("sqlstate") == "55006"
            if not busy or attempt == _SWAP_TRIES - 1:
                code = exc.code if exc.code in ("sessions_remain", "right_missing") else "swap_failed"
                raise RelocateError(code, "the swap was not made: " + exc.msg, exc.hint or _OWNER_HINT) from None


@dataclass(frozen=True)
class Mark:
    """A database by what a rename does not change, and the server's process that is asked to rename it."""

    oid: int
    pid: int


def mark_of(session: Session, name: str) -> Mark:
    """Mark a database before it is renamed."""
    oid, pid = session.rows("SELECT oid, pg_backend_pid() FROM pg_database WHERE datname = " + literal(name))[0]
    return Mark(int(oid), int(pid))


def has_become(session: Session, mark: Mark, name: str) -> bool:
    """Whether a marked database has this name now, asked in another session once the one that renames has ended."""
    working = "SELECT count(*) FROM pg_stat_activity WHERE pid = {0} AND state <> 'idle'".format(mark.pid)
    deadline = time.monotonic() + _ENDING_SECONDS
    while session.value(working) and time.monotonic() < deadline:
        time.sleep(0.05)
    oid = session.value("SELECT max(oid::bigint) FROM pg_database WHERE datname = " + literal(name))
    return oid is not None and int(oid) == mark.oid


_OWNER_HINT = "renaming takes a superuser, or the owner with CREATEDB; the live database is as before"


@contextlib.contextmanager
def _transaction(session: Session) -> Iterator[None]:
    session.run("BEGIN")
    try:
        yield
    except BaseException:
        with contextlib.suppress(RelocateError):
            session.run("ROLLBACK")
        raise
    session.run("COMMIT")


def create_extensions(server: Server, session: Session, recorded: DatabaseFacts) -> List[str]:
    """Make the recorded extensions in the session's database; returns the schemas that had to be made for them.

    Raises extension_missing or right_missing.
    """
    here = {row[0] for row in session.rows("SELECT extname FROM pg_extension")}
    made: List[str] = []
    for name in sorted(set(recorded.extensions) - here):
        schema = recorded.extension_schemas.get(name, "")
        if schema and not session.value("SELECT count(*) FROM pg_namespace WHERE nspname = " + literal(schema)):
            session.run("CREATE SCHEMA {0} AUTHORIZATION {1}".format(ident(schema), ident(server.role)))
            made.append(schema)
        place = " SCHEMA " + ident(schema) if schema else ""
        try:
            # Extensions that need others come after them, or bring them.
            session.run("CREATE EXTENSION IF NOT EXISTS {0}{1} CASCADE".format(ident(name), place))
        except RelocateError as exc:
            if exc.code == "right_missing":
                raise
            raise RelocateError("extension_missing", exc.msg, extension_hint(name, session.major)) from None
    return made


def extension_hint(name: str, major: int) -> str:
    """Which package brings an extension."""
    if name in CONTRIB:
        return "install postgresql-contrib (Debian has it in postgresql-{0})".format(major)
    package = {"vector": "pgvector", "postgis_topology": "postgis-3", "postgis_raster": "postgis-3"}.get(
        name, "postgis-3" if name == "postgis" else name.replace("_", "-")
    )
    return "install postgresql-{0}-{1}".format(major, package)


#: Extensions of PostgreSQL's own contrib directory that sites use.
CONTRIB = frozenset(
    "amcheck autoinc bloom btree_gin btree_gist citext cube dblink dict_int dict_xsyn earthdistance file_fdw"
    " fuzzystrmatch hstore insert_username intagg intarray isn lo ltree moddatetime pageinspect pg_buffercache"
    " pg_freespacemap pg_prewarm pg_stat_statements pg_trgm pg_visibility pgcrypto pgrowlocks pgstattuple postgres_fdw"
    " refint seg sslinfo tablefunc tcn tsm_system_rows tsm_system_time unaccent uuid-ossp xml2".split()
)


def allow_extension_rows(server: Server, session: Session, allow: bool) -> None:
    """Let the settings' role write into extensions' configuration tables (spatial_ref_sys), or no longer.

    A dump holds the rows that the site added to them, and a COPY even when there are none.
    """
    tables = session.rows(
        "SELECT DISTINCT n.nspname, c.relname FROM pg_extension AS x CROSS JOIN LATERAL unnest(x.extconfig) AS u (oid)"
        " JOIN pg_class AS c ON c.oid = u.oid JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.relkind = 'r'"
    )
    form = "GRANT INSERT ON {0}.{1} TO {2}" if allow else "REVOKE INSERT ON {0}.{1} FROM {2}"
    for schema, table in tables:
        session.run(form.format(ident(schema), ident(table), ident(server.role)))


def apply_settings(server: Server, session: Session, name: str, settings: Sequence[str]) -> None:
    """Replay database settings; one that this server does not know is noted and left out."""
    targets = {
        "": "DATABASE " + ident(name),
        OWNER: "ROLE {0}".format(ident(server.role)),
        OWNER_HERE: "ROLE {0} IN DATABASE {1}".format(ident(server.role), ident(name)),
    }
    for setting in settings:
        key, value = setting_name(setting), setting.partition("=")[2]
        known = "." in key or session.value(
            "SELECT count(*) FROM pg_settings WHERE lower(name) = lower({0})".format(literal(key))
        )
        if not known:
            server.context.notes.append("database setting {0} is unknown to this server and left out".format(key))
            continue
        target = targets[setting.partition("=")[0][: -len(key)]]
        quoted = ".".join(ident(part) for part in key.split("."))
        session.run("ALTER {0} SET {1} TO {2}".format(target, quoted, setting_value(key, value)))


def setting_value(key: str, value: str) -> str:
    """The right side of ALTER DATABASE ... SET for a value as pg_db_role_setting keeps it."""
    if key.lower() not in _LISTS:
        return literal(value)
    parts = re.findall(r'\s*("(?:[^"]|"")*"|[^,]+)\s*(?:,|$)', value)
    names = [part[1:-1].replace('""', '"') if part.startswith('"') else part.strip() for part in parts]
    return ", ".join(literal(name) for name in names) or "''"


#: Scopes of a recorded setting, written before its name; a database's own has none. The later wins in a session.
OWNER, OWNER_HERE = "owner: ", "owner here: "


def setting_name(setting: str) -> str:
    """The name in "name=value" or "owner: name=value"."""
    return setting.partition("=")[0].rpartition(" ")[2]


def scoped_settings(rows: Sequence[Tuple[bool, bool, Sequence[str]]]) -> List[str]:
    """Settings out of (of a role, of a database, ["name=value", ...]) rows, sorted, the narrowest scope last."""
    scopes = {(True, False): OWNER, (False, True): "", (True, True): OWNER_HERE}
    order = [OWNER, "", OWNER_HERE]
    found = [(order.index(scopes[role, database]), item) for role, database, config in rows for item in config]
    return [order[scope] + item for scope, item in sorted(found)]
