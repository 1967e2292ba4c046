# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds what would stop a dump from, or a load into, PostgreSQL. Only reads."""

from __future__ import annotations

from typing import List, Optional, Sequence

from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql import managed, place, queries
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql import state as states
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.admin import (
    assumed_problem,
    check_login,
    is_superuser,
    locale_hint,
    workers,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.connect import Server
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.expressions import unfound
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.extensions import (
    extension_hint,
    unapproved,
    usable_wrappers,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.programs import (
    ZSTD_SINCE,
    choose_dump,
    choose_restore,
    first_of,
    installed,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.session import (
    Session,
    driver,
    ident,
    literal,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.settings import refused, replayable
from ansible_collections.relocate.django.plugins.module_utils._engines.sql import Findings
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseFacts, Obstacle
from ansible_collections.relocate.django.plugins.module_utils._process import find_program

#: hashtextextended() and sha256() came with 11.
OLDEST = 11


def check_old(server: Server) -> List[Obstacle]:
    """Everything that would stop a dump."""
    findings = Findings(server.config.alias)
    if not _basics(server, findings):
        return findings.found
    try:
        with server.connect(server.config.name) as session:
            _version(session, findings)
            _dump_client(session.major, findings)
            _readable(session, findings)
            _computable(session, findings)
            _sequences(server, session, findings)
            _locks(session, findings, "old")
    except RelocateError as exc:
        findings.error(exc)
        if not installed("pg_dump"):
            findings.add("program_missing", "pg_dump is not installed", "install postgresql-client")
    return findings.found


def _basics(server: Server, findings: Findings) -> bool:
    """Nothing can be asked without a driver and a name."""
    if not server.config.name:
        findings.add(
            "bad_option",
            "the settings give the alias no NAME (a service file is not followed)",
            "set NAME, USER and HOST in the settings",
        )
        return False
    try:
        driver()
    except RelocateError as exc:
        findings.error(exc)
        return False
    return True


def _version(session: Session, findings: Findings) -> None:
    if session.major < OLDEST:
        findings.add(
            "server_too_old",
            "PostgreSQL {0} is older than {1}".format(session.major, OLDEST),
            "upgrade the server first",
        )


def _dump_client(major: int, findings: Findings) -> None:
    try:
        choose_dump(installed("pg_dump"), major)
    except RelocateError as exc:
        findings.error(exc)


def _readable(session: Session, findings: Findings) -> None:
    role = session.value("SELECT current_user")
    for query, what, hint in (
        (
            queries.UNREADABLE,
            "role {0} may not read {1}",
            "GRANT SELECT on them to the role, and USAGE on their schemas",
        ),
        (
            queries.UNREADABLE_OF_EXTENSIONS,
            "role {0} may not read {1}, whose rows belong to the dump of an extension",
            "as a superuser on old: GRANT SELECT on them to the role, and USAGE on their schemas",
        ),
        (
            queries.HIDDEN_ROWS,
            "row-level security hides rows from role {0} in {1}",
            "ALTER ROLE {0} BYPASSRLS for the time of the move".format(ident(role)),
        ),
    ):
        names = [queries.qualified(*row) for row in session.rows(query)]
        if names:
            findings.add("right_missing", what.format(role, _some(names)), hint)


def _computable(session: Session, findings: Findings) -> None:
    for item in unfound(session):
        findings.add(
            "query_failed",
            "{0} cannot be created on new, since a load searches only the schema pg_catalog: {1}".format(
                item.label, item.why
            ),
            "qualify the names in its function with their schemas, or run on old: {0}".format(
                "; ".join("ALTER FUNCTION {0} SET search_path = public".format(name) for name in item.functions)
            ),
        )


def _sequences(server: Server, session: Session, findings: Findings) -> None:
    """Rows that came with ids of their own leave their sequence behind; the first insert on new would fail."""
    if server.context.advance_sequences:
        return
    for item in states.behind(session):
        findings.add(
            "sequence_behind",
            "sequence {0} is at {1}, table {2} holds {3}".format(
                item.name, item.last_value, item.table, item.column_max
            ),
            "on old: SELECT setval({0}, {1}); or set relocate_sequences: advance to advance it on new".format(
                literal(item.name), item.column_max
            ),
        )


def _locks(session: Session, findings: Findings, side: str, loaded: int = 0) -> None:
    """A dump locks every table until it ends, whatever its jobs are; on new what was loaded is compared by one.

    :param loaded: the tables that new will have
    """
    needed, each, processes = session.rows(queries.CAPACITY)[0]
    what, needed = ("tables", loaded) if side == "new" else ("tables and sequences", needed)
    wanted = locks_wanted(needed, each, processes)
    if wanted:
        findings.add(
            "locks_lacking",
            "a dump locks {0} {1}, and the server on {2} has room for {3} for sure (max_locks_per_transaction {4}, for"
            " {5} processes)".format(needed, what, side, each * processes, each, processes),
            "as a superuser on {0}: ALTER SYSTEM SET max_locks_per_transaction = {1}, then restart PostgreSQL".format(
                side, wanted
            ),
        )


def locks_wanted(needed: int, each: int, processes: int) -> int:
    """The max_locks_per_transaction that a dump takes, or 0 when the one that is set will do.

    :param needed: tables and sequences
    :param each: what is set
    :param processes: how many times the server makes room for it
    """
    if needed <= each * processes:
        return 0
    return -(-(needed * 5 // 4) // (64 * processes)) * 64


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:10]) + (" and {0} more".format(len(names) - 10) if len(names) > 10 else "")


def check_new(server: Server, recorded: Optional[DatabaseFacts]) -> List[Obstacle]:
    """Everything that would stop a load."""
    findings = Findings(server.config.alias)
    if not _basics(server, findings):
        return findings.found
    major = 0
    try:
        with server.anyone() as session:
            major = session.major
            _version(session, findings)
            _workers(server, session, findings)
            if recorded is not None:
                _matches(server, session, recorded, findings)
    except RelocateError as exc:
        findings.error(exc)
    else:
        _may_create(server, recorded, findings)
    _restore_client(major, recorded, findings)
    return findings.found


def _workers(server: Server, session: Session, findings: Findings) -> None:
    """Find workers that reconnect to live and so prevent its renaming, unless a superuser can end them."""
    held = workers(session, [server.config.name])
    if held and not is_superuser(session):
        findings.add(
            "sessions_remain",
            "background workers of the server use database {0} on new: {1}".format(server.config.name, _some(held)),
            "stop them for the time of the move (pg_cron: cron.database_name; a subscription: ALTER SUBSCRIPTION ..."
            " DISABLE), or set relocate_login to a superuser",
        )


def _may_create(server: Server, recorded: Optional[DatabaseFacts], findings: Findings) -> None:
    try:
        with server.admin() as session:
            if server.in_place:
                place.check(session, recorded, findings)
                return
            managed.check(server, session, recorded, findings)
            exists = _may_make_role(server, session, findings)
    except RelocateError as exc:
        findings.error(exc)
        return
    if exists and server.config.password:
        findings.collect(lambda: check_login(server))


def _may_make_role(server: Server, session: Session, findings: Findings) -> bool:
    """Note a role that is missing and cannot be made; returns whether it is there."""
    exists = bool(session.value("SELECT count(*) FROM pg_roles WHERE rolname = " + literal(server.role)))
    may = session.value("SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user")
    if not exists and not may:
        findings.add("right_missing", "the administrator may not create role " + server.role, "give it CREATEROLE")
    return exists


def _matches(server: Server, session: Session, recorded: DatabaseFacts, findings: Findings) -> None:
    if recorded.major.isdigit() and session.major < int(recorded.major):
        findings.add(
            "server_too_old",
            "a dump of PostgreSQL {0} cannot be loaded into PostgreSQL {1}".format(recorded.major, session.major),
            "install PostgreSQL {0} or later on new".format(recorded.major),
        )
    _extensions(server, session, recorded, findings)
    problem = assumed_problem(session, server.role, str(recorded.details.get("assumed_role") or server.role))
    if problem is not None:
        findings.error(problem)
    _settings(server, session, recorded, findings)
    _row_security(server, session, recorded, findings)
    _foreign_servers(server, session, recorded, findings)
    _locale(session, recorded, findings)
    _locks(session, findings, "new", recorded.tables)
    needed = recorded.details.get("needs_superuser") or []
    superuser = session.value("SELECT rolsuper FROM pg_roles WHERE rolname = " + literal(server.role))
    if needed and not superuser:
        findings.add(
            "right_missing",
            "only a superuser can create {0}".format(", ".join(str(name) for name in needed)),
            "create the role {0} on new as SUPERUSER for the move; where new has no superuser, drop them on old, or"
            " leave the alias out of relocate_aliases".format(server.role),
        )


def _settings(server: Server, session: Session, recorded: DatabaseFacts, findings: Findings) -> None:
    kept, _unfit = replayable(session, server.role, recorded.settings)
    for item in refused(session, kept):
        findings.add(
            "query_failed",
            "database setting {0} of old is refused by new: {1}".format(item.name, item.why),
            "create on new what it names, or ALTER DATABASE ... RESET {0} on old".format(item.name),
        )


def _row_security(server: Server, session: Session, recorded: DatabaseFacts, findings: Findings) -> None:
    """Policies that bind the owner too hide rows from whoever counts, unless he may pass by them."""
    forced = [str(name) for name in recorded.details.get("forced_policies") or []]
    passes = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = " + literal(server.role)
    if forced and not session.value(passes):
        findings.add(
            "right_missing",
            "FORCE ROW LEVEL SECURITY hides rows of {0} from role {1} on new".format(_some(forced), server.role),
            "as a superuser on new: CREATE ROLE {0} LOGIN BYPASSRLS with the settings' password, or ALTER ROLE {0} "
            "BYPASSRLS when it is there".format(ident(server.role)),
        )


def _foreign_servers(server: Server, session: Session, recorded: DatabaseFacts, findings: Findings) -> None:
    wanted = {str(wrapper) for _name, wrapper in recorded.details.get("foreign_servers") or []}
    if not wanted or session.value("SELECT rolsuper FROM pg_roles WHERE rolname = " + literal(server.role)):
        return
    for wrapper in sorted(wanted - usable_wrappers(server, session)):
        findings.add(
            "right_missing",
            "role {0} may not create servers of foreign data wrapper {1} on new".format(server.role, wrapper),
            "as a superuser on new, in the database {0} (create it if missing): CREATE EXTENSION {1}; GRANT USAGE"
            " ON FOREIGN DATA WRAPPER {1} TO {2}".format(server.config.name, ident(wrapper), ident(server.role)),
        )


def _extensions(server: Server, session: Session, recorded: DatabaseFacts, findings: Findings) -> None:
    available = {name for (name,) in session.rows("SELECT name FROM pg_available_extensions")}
    for name in sorted(set(recorded.extensions) - available):
        findings.add(
            "extension_missing",
            "extension {0} is not available on new".format(name),
            extension_hint(name, session.major),
        )
    for one in unapproved(server, session, recorded):
        findings.add("right_missing", one.msg, one.hint)


def _locale(session: Session, recorded: DatabaseFacts, findings: Findings) -> None:
    """Setting lc_time asks the server's C library for a locale without writing anything."""
    for name in sorted({recorded.collation, recorded.ctype} - {""}):
        try:
            session.run("SET lc_time TO " + literal(name))
        except RelocateError as exc:
            if exc.code != "query_failed":
                raise
            findings.add("locale_missing", "locale {0} is not available on new".format(name), locale_hint(recorded))
    provider = recorded.details.get("locale_provider") or "libc"
    if provider == "icu" and not session.value("SELECT count(*) FROM pg_collation WHERE collprovider = 'i'"):
        findings.add(
            "locale_missing", "the new server is built without ICU", "install a PostgreSQL that is built with ICU"
        )


def _restore_client(major: int, recorded: Optional[DatabaseFacts], findings: Findings) -> None:
    """The dump's client is at least as new as the old server; which one it will be is known only after the dump."""
    dump = int(recorded.major) if recorded is not None and recorded.major.isdigit() else 0
    try:
        choose_restore(installed("pg_restore"), dump, max(major, dump))
    except RelocateError as exc:
        findings.error(exc)
    if recorded is not None and major and first_of(installed("pg_dump"), major) is None:
        findings.add(
            "client_too_old" if installed("pg_dump") else "program_missing",
            "no pg_dump here can read server {0}, so that what is loaded could not be compared".format(major),
            "install postgresql-client-{0}".format(major),
        )
    if dump >= ZSTD_SINCE and find_program("zstd") is None:
        findings.add("program_missing", "zstd is not installed", "install zstd")
