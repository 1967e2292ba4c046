# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Administers a MySQL or MariaDB server: users, blank databases, and the swap."""

from __future__ import annotations

import contextlib
import hashlib
import re
import shlex
import time
from typing import List, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import objects as stored
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.connect import Server
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.session import (
    Session,
    ident,
    is_named,
    literal,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.statement import plain
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseConfig, DatabaseFacts, Login
from ansible_collections.relocate.django.plugins.module_utils._process import find_program

_NAME_LENGTH = 64  # characters
_ENDING_SECONDS = 10.0
_LOOPBACK = ("localhost", "127.0.0.1", "::1", "")


def removal(config: DatabaseConfig, login: Login, name: str) -> str:
    """The command that drops a database, as the administrator that is given, or as root on this host."""
    argv = ["mariadb" if find_program("mariadb") else "mysql"]
    place = (
        ("-h", login.host),
        ("-P", (login.port or config.port) if login.host else None),
        ("-S", "" if login.host else login.unix_socket),
        ("-u", login.user),
    )
    argv += [part for option, value in place if value for part in (option, str(value))]
    argv += ["-p"] if login.password else []
    return " ".join(shlex.quote(part) for part in [*argv, "-e", "DROP DATABASE " + ident(name)])


def derived_name(name: str, suffix: str) -> str:
    """``NAME__incoming``, cut and told apart by a hash where a name would be longer than 64 characters."""
    tail = "__" + suffix
    if len(name) + len(tail) <= _NAME_LENGTH:
        return name + tail
    tail = "_" + hashlib.sha256(name.encode("utf-8")).hexdigest()[:8] + tail
    return name[: _NAME_LENGTH - len(tail)] + tail


def database_exists(session: Session, name: str) -> bool:
    """Tell whether the server has such a database."""
    return bool(
        session.value("SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE " + is_named("SCHEMA_NAME", name))
    )


def create_database(session: Session, name: str, charset: str = "", collation: str = "", comment: str = "") -> None:
    """Make a blank database with a character set and collation. Raises collation_missing, right_missing."""
    clauses = " CHARACTER SET {0}".format(plain(charset or "utf8mb4", "character set"))
    clauses += " COLLATE {0}".format(plain(collation, "collation")) if collation else ""
    clauses += " COMMENT {0}".format(literal(comment)) if comment and _has_comments(session) else ""
    try:
        session.run("CREATE DATABASE {0}{1}".format(ident(name), clauses))
    except RelocateError as exc:
        if exc.details.get("number") in (1115, 1273, 1253):
            raise RelocateError(
                "collation_missing", exc.msg, "upgrade the server, or change the collation on old first"
            ) from None
        raise


def drop_database(session: Session, name: str) -> bool:
    """Drop a database, ending the sessions that use it; returns whether it was there."""
    if not database_exists(session, name):
        return False
    end_sessions(session, [name])
    session.run("DROP DATABASE IF EXISTS " + ident(name))
    return True


def may_set(session: Session) -> bool:
    """Tell whether a session's user may change settings of the running server."""
    grants = [str(row[0]).upper() for row in session.rows("SHOW GRANTS")]
    words = ("ALL PRIVILEGES ON *.*", "SUPER", "SYSTEM_VARIABLES_ADMIN")
    return any(" ON *.* TO " in text and any(word in text for word in words) for text in grants)


# --- users


def ensure_user(server: Server, session: Session) -> List[str]:
    """Make the settings' user where the server has none that fits; returns what was made.

    The password of a user who exists is never changed: somebody else may log in with it. Raises login_failed.
    """
    try:
        server.connect().close()
        return []
    except RelocateError as exc:
        if exc.code != "login_failed":
            raise
        refusal = exc
    host = host_part(server, session)
    if user_exists(session, server.user, host):
        raise wrong_password(server, host, refusal)
    make_user(server, session, host)
    server.connect().close()
    return ["user " + stored.account(server.user, host)]


def wrong_password(server: Server, host: str, refusal: RelocateError) -> RelocateError:
    """The error for a user who exists and whom the settings' password does not let in."""
    account = stored.account(server.user, host)
    return RelocateError(
        "login_failed",
        "user {0} exists on the server and the password in the settings is not its own: {1}".format(
            account, refusal.msg
        ),
        "correct PASSWORD in the settings of new, or set it by hand: ALTER USER {0} IDENTIFIED BY '...'".format(
            account
        ),
    )


def make_user(server: Server, session: Session, host: str) -> None:
    """CREATE USER with a method that the project's driver can use."""
    account = "{0}@{1}".format(literal(server.user), literal(host))
    password = server.config.password
    if not password and server.socket:
        how = "VIA unix_socket" if session.flavor.mariadb else "WITH auth_socket"
        session.run("CREATE USER {0} IDENTIFIED {1}".format(account, how))
    elif session.flavor.mariadb:
        # As a hash: MariaDB writes the statement to its log as it is.
        session.run("CREATE USER {0} IDENTIFIED BY PASSWORD {1}".format(account, literal(native_hash(password))))
    else:
        # MySQL keeps the password out of its logs, and its default method is salted.
        session.run("CREATE USER {0} IDENTIFIED BY {1}".format(account, literal(password)))


def native_hash(password: str) -> str:
    """Return what mysql_native_password stores."""
    if not password:
        return ""
    once = hashlib.sha1(password.encode("utf-8")).digest()  # noqa: S324 - the server's own method, not our choice
    return "*" + hashlib.sha1(once).hexdigest().upper()  # noqa: S324


def host_part(server: Server, session: Session) -> str:
    """From where the settings' user comes, in the server's eyes: localhost, an address or a name."""
    if server.is_local:
        by_number = not server.socket and server.config.host in ("127.0.0.1", "::1")
        unresolved = str(session.value("SELECT @@skip_name_resolve")) in ("1", "ON")
        return server.config.host if by_number and unresolved else "localhost"
    seen = str(session.value("SELECT SUBSTRING_INDEX(USER(), '@', -1)"))
    return seen if seen not in _LOOPBACK else "%"


def user_exists(session: Session, user: str, host: str) -> bool:
    """Tell whether the server has such an account."""
    sql = "SELECT COUNT(*) FROM mysql.user WHERE User = {0} AND Host = {1}".format(literal(user), literal(host))
    return bool(session.value(sql))


def ensure_rights(server: Server, session: Session, name: str) -> List[str]:
    """Let the settings' user into the live database if it is not; returns what was given."""
    try:
        server.connect(name).close()
    except RelocateError as exc:
        if exc.code != "right_missing":
            raise
        grant(server, session, name)
        return ["rights on database " + name]
    return []


def grant(server: Server, session: Session, name: str, give: bool = True) -> None:
    """Let the settings' user do everything in one database, or no longer.

    Accounts are those that the user can log in as; in a GRANT, ``_`` and ``%`` of a database's name are wildcards.
    """
    with server.connect() as own:
        account = own_account(own)
    grant_to(session, name, account, give)


def grant_to(session: Session, name: str, account: str, give: bool = True) -> None:
    """The same for an account that exists. An administrator's own rights are left as they are."""
    pattern = ident(re.sub(r"([_%\\])", r"\\\1", name))
    if account == own_account(session):
        return
    form = "GRANT ALL PRIVILEGES ON {0}.* TO {1}" if give else "REVOKE ALL PRIVILEGES ON {0}.* FROM {1}"
    session.run(form.format(pattern, account))


def own_account(session: Session) -> str:
    """The account that a session was let in as, quoted."""
    user, _at, host = str(session.value("SELECT CURRENT_USER()")).rpartition("@")
    return stored.account(user, host)


# --- sessions


def _sessions_of(names: Sequence[str]) -> str:
    where = "FROM information_schema.PROCESSLIST WHERE ID <> CONNECTION_ID() AND COMMAND <> 'Daemon' AND ("
    return where + " OR ".join(is_named("DB", name) for name in names) + ")"


def count_sessions(session: Session, names: Sequence[str]) -> int:
    """Return how many other sessions use the databases."""
    return int(session.value("SELECT COUNT(*) " + _sessions_of(names)))


def end_sessions(session: Session, names: Sequence[str]) -> int:
    """End the other sessions that use the databases; returns how many. Raises sessions_remain or right_missing."""
    ended = 0
    deadline = time.monotonic() + _ENDING_SECONDS
    while True:
        ids = [int(row[0]) for row in session.rows("SELECT ID " + _sessions_of(names))]
        if not ids:
            return ended
        if time.monotonic() > deadline:
            raise RelocateError(
                "sessions_remain",
                "sessions that use {0} come back or do not end".format(", ".join(names)),
                "stop what uses the database (relocate_services lists what a move stops), then run this again",
            )
        for number in ids:
            with contextlib.suppress(RelocateError):  # it may have ended by itself; else the deadline tells
                session.run("KILL {0}".format(number))
                ended += 1
        time.sleep(0.05)


# --- the swap


def tables_of(session: Session, name: str) -> List[str]:
    """Everything in a database that RENAME TABLE takes along."""
    return [
        str(row[0])
        for row in session.rows(
            "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_TYPE <> 'VIEW' AND {0} ORDER BY 1".format(
                is_named("TABLE_SCHEMA", name)
            )
        )
    ]


def charset_of(session: Session, name: str) -> Tuple[str, str]:
    """Character set and collation of a database."""
    row = session.rows(
        "SELECT DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA"
        " WHERE " + is_named("SCHEMA_NAME", name)
    )[0]
    return str(row[0]), str(row[1])


def _has_comments(session: Session) -> bool:
    return session.flavor.mariadb and session.flavor.numbers[:2] >= (10, 5)


def properties_of(session: Session, name: str) -> Tuple[str, str, str]:
    """Character set, collation and comment of a database."""
    if not _has_comments(session):
        return (*charset_of(session, name), "")
    comment = session.value(
        "SELECT SCHEMA_COMMENT FROM information_schema.SCHEMATA WHERE " + is_named("SCHEMA_NAME", name)
    )
    return (*charset_of(session, name), str(comment or ""))


def alter_properties(session: Session, name: str, charset: str, collation: str, comment: str) -> None:
    """Give a database the character set, collation and comment of what comes into it."""
    before = properties_of(session, name)
    if before[:2] != (charset, collation):
        words = plain(charset, "character set"), plain(collation, "collation")
        session.run("ALTER DATABASE {0} CHARACTER SET {1} COLLATE {2}".format(ident(name), *words))
    if before[2] != comment and _has_comments(session):
        session.run("ALTER DATABASE {0} COMMENT = {1}".format(ident(name), literal(comment)))


def collation_of(recorded: Optional[DatabaseFacts]) -> Tuple[str, str]:
    """Character set and collation for a blank database like the recorded one."""
    if recorded is None or not recorded.encoding:
        return "utf8mb4", ""
    return recorded.encoding, recorded.collation
