# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The facts of a PostgreSQL database and its server."""

from __future__ import annotations

from typing import Any, Dict, List, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql import (
    around,
    privileged,
    queries,
    unfinished,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.admin import database_exists
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.connect import Server
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.session import Session, literal
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.settings import (
    may_be_secret,
    scoped_settings,
    setting_name,
)
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseFacts


def describe(server: Server) -> DatabaseFacts:
    """The facts of live, or of the server alone when there is no such database. Raises what the connection met."""
    try:
        session = server.connect(server.config.name)
    except RelocateError as exc:
        if exc.code in ("library_missing", "server_unreachable"):
            raise
        return _without_login(server, exc)
    with session:
        return _facts(server, session)


def _without_login(server: Server, refused: RelocateError) -> DatabaseFacts:
    """On new neither the role nor the database need exist: what others may see tells which of them is missing."""
    try:
        session = server.anyone()
    except RelocateError:
        raise refused from None
    with session:
        if not database_exists(session, server.config.name):
            return server_facts(server, session)
    try:
        session = server.admin(server.config.name)
    except RelocateError:
        raise refused from None
    with session:
        return _facts(server, session)


def server_facts(server: Server, session: Session) -> DatabaseFacts:
    """The facts of a server on which the database does not exist."""
    return DatabaseFacts(
        engine="postgresql",
        server="PostgreSQL " + _server_version(session),
        version=session.version,
        major=str(session.major),
        exists=False,
        system_id=_system_id(session),
        details=_role_details(server, session),
    )


def _server_version(session: Session) -> str:
    return str(session.value("SELECT split_part(current_setting('server_version'), ' ', 1)"))


def _system_id(session: Session) -> str:
    try:
        return str(session.value("SELECT system_identifier FROM pg_control_system()"))
    except RelocateError:  # revoked by a careful administrator, or a managed server
        return ""


def _signs(session: Session) -> Dict[str, Any]:
    """Return what tells this server from a clone that bears its identity; what the session may not see is left out."""
    shown = session.rows("SELECT name, setting FROM pg_catalog.pg_settings WHERE name IN ('data_directory', 'port')")
    started = session.value("SELECT extract(epoch FROM pg_catalog.pg_postmaster_start_time())")
    return {**{str(name): str(setting) for name, setting in shown if setting}, "started": str(started)}


def _role_details(server: Server, session: Session) -> Dict[str, Any]:
    rows = session.rows(
        "SELECT rolsuper, rolcreatedb, rolconnlimit FROM pg_roles WHERE rolname = " + literal(server.role)
    )
    found: Dict[str, Any] = {
        "role": server.role,
        "assumed_role": server.acts_as if server.acts_as != server.role else "",
        "role_exists": bool(rows),
        "max_connections": int(session.value("SELECT current_setting('max_connections')")),
        "in_recovery": bool(session.value("SELECT pg_is_in_recovery()")),
        "server": _signs(session),
    }
    if rows:
        found.update(superuser=bool(rows[0][0]), createdb=bool(rows[0][1]), role_connection_limit=int(rows[0][2]))
    return found


def _database(session: Session) -> Tuple[Any, ...]:
    """Read what the catalogue says of the database; what this major has no column for is NULL."""
    icu = {15: "daticulocale", 16: "daticulocale"}.get(session.major, "datlocale" if session.major > 16 else "NULL")
    return session.rows(
        "SELECT pg_encoding_to_char(d.encoding), d.datcollate, d.datctype, pg_get_userbyid(d.datdba), d.datconnlimit,"
        " pg_database_size(d.oid), {provider}, {icu}, {rules} FROM pg_database AS d"
        " WHERE d.datname = current_database()".format(
            provider="d.datlocprovider::text" if session.major >= 15 else "'c'",
            icu=icu,
            rules="d.daticurules" if session.major >= 16 else "NULL",
        )
    )[0]


def _amount(server: Server, session: Session, size: int) -> Tuple[int, int]:
    """Return how many tables live has, and its bytes. What a load in place has not made live yet counts as nothing."""
    if unfinished.is_loads_own(server, session):
        return 0, 0
    return int(session.value(queries.TABLE_COUNT)), size


def _facts(server: Server, session: Session) -> DatabaseFacts:
    encoding, collation, ctype, owner, limit, size, provider, locale, rules = _database(session)
    settings, left_out = _settings(session, owner)
    extensions = session.rows(
        "SELECT x.extname, x.extversion, n.nspname FROM pg_extension AS x JOIN pg_namespace AS n"
        " ON n.oid = x.extnamespace ORDER BY 1"
    )
    details, (tables, size) = _role_details(server, session), _amount(server, session, int(size))
    details.update(
        owner=owner,
        connection_limit=int(limit),
        locale_provider={"i": "icu", "b": "builtin"}.get(provider, "libc"),
        locale=locale or "",
        icu_rules=rules or "",
        grantees=[name for (name,) in session.rows(queries.GRANTEES)],
        needs_superuser=[name for (name,) in session.rows(privileged.needs_superuser_sql(session.major))],
        forced_policies=[queries.qualified(*row) for row in session.rows(queries.FORCED_POLICIES)],
        foreign_servers=[[name, wrapper] for name, wrapper in session.rows(privileged.SERVERS)],
        settings_left_out=left_out,
        everybodys_in_public=[right for (right,) in session.rows(around.EVERYBODYS)],
    )
    return DatabaseFacts(
        engine="postgresql",
        server="PostgreSQL " + _server_version(session),
        version=session.version,
        major=str(session.major),
        tables=tables,
        size_bytes=size,
        encoding=encoding,
        collation=collation,
        ctype=ctype,
        time_zone=_time_zone(session, settings),
        system_id=_system_id(session),
        extensions={name: version for name, version, _schema in extensions},
        extension_schemas={name: schema for name, _version, schema in extensions},
        settings=tuple(settings),
        details=details,
    )


def _time_zone(session: Session, settings: Sequence[str]) -> str:
    """Return what the site's sessions get, where nothing pins it as ours is: the narrowest scope wins."""
    for item in reversed(settings):
        if setting_name(item).lower() == "timezone":
            return item.partition("=")[2]
    return str(session.value("SELECT reset_val FROM pg_settings WHERE name = 'TimeZone'"))


def _settings(session: Session, owner: str) -> Tuple[List[str], List[str]]:
    """Return the settings of this database and its owner, for apply_settings, and the names of those kept out.

    A custom setting whose name looks like a secret's is kept out.
    """
    rows = session.rows(
        "SELECT s.setrole <> 0, s.setdatabase <> 0, s.setconfig FROM pg_db_role_setting AS s"
        " LEFT JOIN pg_database AS d ON d.oid = s.setdatabase LEFT JOIN pg_roles AS r ON r.oid = s.setrole"
        " WHERE (s.setdatabase = 0 OR d.datname = current_database())"
        " AND (s.setrole = 0 OR r.rolname IN ({0}, current_user)) AND (s.setrole <> 0 OR s.setdatabase <> 0)".format(
            literal(owner)
        )
    )
    scoped = scoped_settings([(bool(role), bool(database), config) for role, database, config in rows])
    left_out = [item for item in scoped if may_be_secret(setting_name(item))]
    return [item for item in scoped if item not in left_out], sorted(setting_name(item) for item in left_out)
