# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Administers a PostgreSQL server: roles, blank databases, renames."""

from __future__ import annotations

import contextlib
import re
import shlex
import time
from dataclasses import dataclass
from typing import Any, Iterator, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.connect import Server
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.session import Session, ident, literal
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseConfig, DatabaseFacts, Login

_SWAP_TRIES = 5
_ENDING_SECONDS = 10.0


def removal(config: DatabaseConfig, login: Login, name: str) -> str:
    """The command that drops a database, as the administrator that is given, or as postgres on this host."""
    where = [] if login.given else ["sudo", "-u", "postgres"]
    where += ["psql", "-d", login.database or "postgres"]
    place = (("-h", login.host or login.unix_socket), ("-p", login.port or config.port), ("-U", login.user))
    where += [part for option, value in place if value for part in (option, str(value))]
    return " ".join(shlex.quote(part) for part in [*where, "-c", "DROP DATABASE " + ident(name)])


def database_exists(session: Session, name: str) -> bool:
    """Tell whether the server has such a database."""
    return bool(session.value("SELECT count(*) FROM pg_database WHERE datname = " + literal(name)))


def ensure_role(server: Server, session: Session) -> List[str]:
    """Make the settings' role as far as a login needs it; returns what was made.

    The password of a role that exists is never changed, since others may use it. Raises login_failed instead.
    """
    role, password = server.role, server.config.password
    known = session.rows("SELECT rolcanlogin FROM pg_roles WHERE rolname = " + literal(role))
    secret = " PASSWORD " + literal(session.verifier(role, password)) if password else ""
    if not known:
        session.run("CREATE ROLE {0} LOGIN{1}".format(ident(role), secret))
        return ["role " + role, *_ensure_assumed(server, session)]
    if not known[0][0]:
        raise RelocateError(
            "login_failed",
            "role {0} exists and may not log in".format(role),
            "run ALTER ROLE {0} LOGIN if the role is the site's, or set another USER in the settings of new".format(
                ident(role)
            ),
        )
    made = _ensure_assumed(server, session)
    if password:
        check_login(server)
    return made


def _ensure_assumed(server: Server, session: Session) -> List[str]:
    """Make the role that the settings assume. One that is there is given to nobody: it may be anybody's."""
    role, login = server.acts_as, server.role
    if role == login:
        return []
    if not session.value("SELECT count(*) FROM pg_roles WHERE rolname = " + literal(role)):
        session.run("CREATE ROLE " + ident(role), "GRANT {0} TO {1}".format(ident(role), ident(login)))
        return ["role " + role]
    problem = assumed_problem(session, login, role)
    if problem is not None:
        raise problem
    return []


def assumed_problem(session: Session, login: str, role: str) -> Optional[RelocateError]:
    """Return why a role cannot assume another that exists, or None."""
    member = "SELECT pg_has_role(r.oid, {0}, 'MEMBER') FROM pg_roles AS r WHERE r.rolname = {1}"
    exists = session.value("SELECT count(*) FROM pg_roles WHERE rolname = " + literal(role))
    if not exists or session.value(member.format(literal(role), literal(login))):
        return None
    return RelocateError(
        "right_missing",
        "role {0} may not assume role {1}, which OPTIONS ask for (assume_role)".format(login, role),
        "on new: CREATE ROLE {0} LOGIN when it is missing, then GRANT {1} TO {0}".format(ident(login), ident(role)),
    )


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
            "run ALTER ROLE {0} PASSWORD '...' with the password in the settings of new if nobody else uses the role,"
            " or give the site another USER; look at pg_hba.conf when the password is right".format(ident(server.role)),
        ) from None


def is_superuser(session: Session) -> bool:
    """Tell whether the session's role is one."""
    return bool(session.value("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"))


@contextlib.contextmanager
def closed_to_others(server: Server, session: Session, name: str, recorded: Optional[DatabaseFacts]) -> Iterator[None]:
    """Make a blank database, to which nobody but superusers connects before the block has ended.

    Scripts of extensions run in it with the rights of a superuser: its owner must not be there to plant what they find.
    Raises as :func:`create_database`.
    """
    closed = is_superuser(session)
    create_database(server, session, name, recorded, " CONNECTION LIMIT 0" if closed else "")
    yield
    if closed:
        session.run("ALTER DATABASE {0} CONNECTION LIMIT -1".format(ident(name)))


def create_database(
    server: Server, session: Session, name: str, recorded: Optional[DatabaseFacts], more: str = ""
) -> None:
    """Make a blank database with the recorded encoding and locale, owned by the settings' role.

    Raises locale_missing, right_missing or query_failed.
    """
    _join_role(server, session)
    clauses = " ".join(database_clauses(recorded, session.major)) + more
    try:
        session.run(
            "CREATE DATABASE {0} OWNER {1} TEMPLATE template0 {2}".format(ident(name), ident(server.acts_as), clauses)
        )
    except RelocateError as exc:
        if re.search(r"locale|collat|provider", exc.msg) and exc.code == "query_failed":
            raise RelocateError("locale_missing", exc.msg, locale_hint(recorded)) from None
        raise


def locale_hint(recorded: Optional[DatabaseFacts]) -> str:
    """Return what to type when the server does not know a locale."""
    return "add {0} to /etc/locale.gen, run locale-gen and restart PostgreSQL".format(
        recorded.collation if recorded else "the locale"
    )


def _join_role(server: Server, session: Session) -> None:
    """An administrator who is no superuser may give a database only to a role that it is a member of."""
    if lacks_membership(session, server.acts_as):
        session.run("GRANT {0} TO CURRENT_USER".format(ident(server.acts_as)))


def lacks_membership(session: Session, role: str) -> bool:
    """Tell whether the session's role must be granted another one, before databases can be given to that.

    From 16 on, whoever makes a role is a member without its rights, who may grant them to himself.
    """
    kinds = ("SET", "USAGE") if session.major >= 16 else ("MEMBER",)
    has = " AND ".join("pg_has_role(current_user, {0}, {1})".format(literal(role), literal(kind)) for kind in kinds)
    return not session.value("SELECT rolsuper OR ({0}) FROM pg_roles WHERE rolname = current_user".format(has))


def database_clauses(recorded: Optional[DatabaseFacts], major: int) -> List[str]:
    """The clauses of CREATE DATABASE that make it like the recorded one."""
    if recorded is None or not recorded.encoding:
        return ["ENCODING 'UTF8'"]
    found = ["ENCODING " + literal(recorded.encoding)]
    found += _provider_clauses(recorded.details, major) if major >= 15 else []
    found += ["LC_COLLATE " + literal(recorded.collation)] if recorded.collation else []
    found += ["LC_CTYPE " + literal(recorded.ctype)] if recorded.ctype else []
    return found


def _provider_clauses(details: Mapping[str, Any], major: int) -> List[str]:
    """Make the clauses that say which library sorts; servers before 15 know none of them."""
    provider, locale = str(details.get("locale_provider") or "libc"), str(details.get("locale") or "")
    word = {"icu": "ICU_LOCALE", "builtin": "BUILTIN_LOCALE"}.get(provider)
    if not word or not locale:
        return ["LOCALE_PROVIDER libc"]
    found = ["LOCALE_PROVIDER " + provider, "{0} {1}".format(word, literal(locale))]
    rules = str(details.get("icu_rules") or "")
    if rules and major >= 16:
        found.append("ICU_RULES " + literal(rules))
    return found


def limit_connections(session: Session, name: str, recorded: DatabaseFacts) -> None:
    """Give a database the recorded limit, if there was one."""
    limit = recorded.details.get("connection_limit", -1)
    if isinstance(limit, int) and limit >= 0:
        with contextlib.suppress(RelocateError):  # of the database that a load in place fills, another may be the owner
            session.run("ALTER DATABASE {0} CONNECTION LIMIT {1:d}".format(ident(name), limit))


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
    """Return how many sessions use the databases."""
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
                "stop what uses the database (relocate_services lists what a move stops), then run this again",
            )
        time.sleep(0.05)
        session.rows("SELECT pg_terminate_backend(pid) " + _sessions_of(names))
    return ended


def workers(session: Session, names: Sequence[str]) -> List[str]:
    """Background workers in the databases, such as pg_cron's and a subscription's; autovacuum gives way by itself."""
    return [
        str(name)
        for (name,) in session.rows(
            "SELECT backend_type FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname IN ({0})"
            " AND backend_type NOT IN ('client backend', 'autovacuum worker', 'parallel worker') ORDER BY 1".format(
                ", ".join(literal(name) for name in names)
            )
        )
    ]


def _end_workers(session: Session, names: Sequence[str]) -> None:
    session.rows(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        " AND backend_type <> 'client backend' AND datname IN ({0})".format(", ".join(map(literal, names)))
    )


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
            held = workers(session, names) if busy else []
            if held and attempt < _SWAP_TRIES - 1:
                with contextlib.suppress(RelocateError):  # a superuser may; it comes back later than the next try
                    _end_workers(session, names)
            if not busy or attempt == _SWAP_TRIES - 1:
                raise _not_swapped(exc, held) from None


def _not_swapped(error: RelocateError, held: Sequence[str]) -> RelocateError:
    """Make the error of a rename that failed. ``held`` names the workers that did not let go of the database."""
    code = error.code if error.code in ("sessions_remain", "right_missing") else "swap_failed"
    hint = error.hint or _OWNER_HINT
    if held:
        hint = "stop what works in the database for the time of the move: {0}".format(", ".join(held))
    return RelocateError(code, "the swap was not made: " + error.msg, hint)


@dataclass(frozen=True)
class Identity:
    """Identifies a database across a rename by its oid; holds the server process that renames it too."""

    oid: int
    pid: int


def identity_of(session: Session, name: str) -> Identity:
    """Read a database's identity before it is renamed."""
    oid, pid = session.rows("SELECT oid, pg_backend_pid() FROM pg_database WHERE datname = " + literal(name))[0]
    return Identity(int(oid), int(pid))


def has_become(session: Session, identity: Identity, name: str) -> bool:
    """Ask in another session, once the one that renames has ended, whether the database has this name now."""
    working = "SELECT count(*) FROM pg_stat_activity WHERE pid = {0} AND state <> 'idle'".format(identity.pid)
    deadline = time.monotonic() + _ENDING_SECONDS
    while session.value(working) and time.monotonic() < deadline:
        time.sleep(0.05)
    oid = session.value("SELECT max(oid::bigint) FROM pg_database WHERE datname = " + literal(name))
    return oid is not None and int(oid) == identity.oid


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
