# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connects to PostgreSQL: as the settings' user, as its administrator, and from client programs.

Connections take keyword arguments and programs take environment variables and a PGPASSFILE: a database name may hold
``=``, quotes or ``://``, which ``-d`` and URLs would parse, and libpq echoes parts of a URL that it cannot parse.
"""

from __future__ import annotations

import contextlib
import os
import re
from typing import Any, Dict, List, Optional, Set, Tuple
from urllib.parse import quote

from ansible_collections.relocate.django.plugins.module_utils._engines.base import (
    DISCARDED,
    INCOMING,
    PREVIOUS,
    EngineContext,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql import pooler
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.libpq import (
    KEYWORDS,
    check_key,
    directory_of,
    is_going,
    own_environment,
    pgpass_line,
    refusal,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.session import (
    FIRST_OPTIONS,
    NO_TRIGGERS,
    Session,
    derived_name,
    driver,
    ident,
    literal,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.sql import (
    Logins,
    keep_password,
    made_by,
    session_lost,
)
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseConfig, SystemUser
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as, current_user, lookup_user

#: What the administrator's connection takes over from OPTIONS: how to reach the server, not who is there, nor where.
_REACHING = tuple(
    word for word in KEYWORDS if word not in ("hostaddr", "options", "passfile", "requirepeer", "service")
)
#: Words whose values are paths, which a site writes relative to where it runs.
_PATHS = ("passfile", "sslcert", "sslcrl", "sslkey", "sslrootcert")
#: What a pooler goes by when it chooses how long a session keeps its server's.
_WAY = ("service", "host", "hostaddr", "port", "user", "dbname")
_PORT = 5432
_LOCAL_HOSTS = ("", "localhost", "127.0.0.1", "::1")
_SOCKET_DIRECTORIES = ("/var/run/postgresql", "/run/postgresql", "/tmp")
#: How PgBouncer and Amazon's RDS Proxy refuse options at the login.
_NO_OPTIONS = re.compile(r"unsupported startup parameter|support command-line options")
_CREATES = "SELECT rolsuper OR rolcreatedb FROM pg_catalog.pg_roles WHERE rolname = current_user"
_BESIDE = "SELECT count(*) FROM pg_catalog.pg_database WHERE datname IN ({0})"
_MAKES_SCHEMAS = "SELECT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')"


class Server(Logins[Session]):
    """The server of one alias: every way in that the engine uses."""

    def __init__(self, config: DatabaseConfig, context: EngineContext) -> None:
        self.config, self.context = config, context
        self._login_triggers: Dict[Tuple[str, str], bool] = {}
        self._pooled = False
        self._in_place: Optional[bool] = None
        self._direct: Set[Tuple[str, ...]] = set()
        #: the number of the schema by which this run has marked live for a load in place; see ``unfinished``
        self.marked = 0
        context.secrets.remember(str(config.options.get("sslpassword") or ""))

    @property
    def role(self) -> str:
        """The settings' role; as in libpq, the system user's name when USER is empty."""
        return self.config.user or (self.context.owner or current_user()).name

    @property
    def acts_as(self) -> str:
        """The role that owns what the site makes: OPTIONS may have it assumed after the login."""
        return str(self.config.options.get("assume_role") or "") or self.role

    @property
    def is_local(self) -> bool:
        """True when the settings' HOST is this machine, as far as its name tells."""
        return self.config.host in _LOCAL_HOSTS or self.config.host.startswith("/")

    def _options(self) -> Dict[str, str]:
        options = self.config.options
        found = {word: str(options[word]) for word in KEYWORDS if options.get(word) not in (None, "")}
        check_key(found)
        for word in _PATHS:
            path = found.get(word, "")
            if path and not os.path.isabs(path) and path != "system" and self.context.project:
                found[word] = os.path.join(self.context.project, path)
        return found

    def _reaching(self) -> Dict[str, str]:
        return {word: value for word, value in self._options().items() if word in _REACHING}

    def _settings_options(self) -> Dict[str, str]:
        options = self._options()
        if self.is_local and not {"hostaddr", "service"} & set(options):
            # TLS over the loopback protects nothing and takes a fifth of the time of a dump or load. libpq still
            # uses it where the server insists.
            options.setdefault("sslmode", "allow")
        if self.acts_as != self.role:
            words = options.get("options", "") + " -c role=" + re.sub(r"([\\\s])", r"\\\1", self.acts_as)
            options["options"] = words.strip()
        return options

    def _host(self) -> str:
        if self.config.host or "service" in self.config.options:
            return self.config.host
        return socket_directory(self.config.port or _PORT)

    def parameters(self, database: str) -> Dict[str, str]:
        """The libpq keywords of a connection as the settings' user."""
        found = self._settings_options()
        found.update(application_name="relocate.django", client_encoding="UTF8", dbname=database, user=self.role)
        if self._host():
            found["host"] = self._host()
        if self.config.port:
            found["port"] = str(self.config.port)
        if self.config.password:
            found["password"] = self.config.password
        return found

    def environment(self, database: str) -> Dict[str, str]:
        """The same for a client program; the password goes into a file. Raises login_failed for an odd password."""
        env = {KEYWORDS[word]: value for word, value in self._settings_options().items() if KEYWORDS[word]}
        env.update(PGAPPNAME="relocate.django", PGDATABASE=database, PGUSER=self.role)
        if self._host():
            env["PGHOST"] = self._host()
        if self.config.port:
            env["PGPORT"] = str(self.config.port)
        if self.config.password:
            if "\n" in self.config.password:
                raise RelocateError("login_failed", "a password file cannot hold a password with a line break")
            env["PGPASSFILE"] = self.context.secrets.write(
                "pgpass-" + quote(self.config.alias, safe=""), pgpass_line(self.config.password)
            )
        return env

    def loading_environment(self, database: str, major: int) -> Dict[str, str]:
        """The same for a program that loads: what the server does for it ends soon after it has gone.

        Otherwise the server would, for example, build an index to its end before it misses the one who wanted it.
        Nor does each of some hundred statements wait for the disk: the swap does, and with its own commit all that
        came before it is on disk.
        """
        env = self.environment(database)
        if not self._pooled:
            watching = " -c client_connection_check_interval=500" if major >= 14 else ""
            env["PGOPTIONS"] = (env.get("PGOPTIONS", "") + " -c synchronous_commit=off" + watching).strip()
        return env

    @property
    def in_place(self) -> bool:
        """Tell whether nobody here may create databases, so that a load fills live itself; see ``place``."""
        if self._in_place is None:
            with contextlib.suppress(RelocateError):
                self.admin().close()
        return bool(self._in_place)

    def admin(self, database: str = "") -> Session:
        """The base class's. Where nobody may create databases: the settings' user's, in live. Raises as that."""
        if self._in_place:
            return self._in_live()
        try:
            session = super().admin(database)
        except RelocateError as exc:
            if exc.code != "right_missing" or self.context.admin.given or self._in_place is not None:
                raise
            return self._only_place(exc)
        if self._in_place is None and self.context.admin.given and session.value(_CREATES) is False:
            session.close()
            return self._only_place(
                RelocateError(
                    "right_missing",
                    "the administrator may not create databases, and role {0} cannot use database {1}".format(
                        self.role, self.config.name
                    ),
                    "give it CREATEDB; or have database {0} made for role {1}, blank: docs/managed.md".format(
                        ident(self.config.name), ident(self.role)
                    ),
                )
            )
        self._in_place = False
        return self._away_from_live(session, database)

    def _away_from_live(self, session: Session, database: str) -> Session:
        """Exchange an administrator's session in live for another one: nobody renames the database he works in."""
        if database or not self._logs_in_to_live:
            return session
        session.close()
        return super().admin()

    @property
    def _logs_in_to_live(self) -> bool:
        return self.context.admin.database == self.config.name

    def _in_live(self) -> Session:
        """The settings' user's session in live; before the settings of new are there, whom the login names."""
        if self.config.password or not self.context.admin.given:
            return self.connect(self.config.name)
        return self.by_login("" if self.context.admin.database else self.config.name)

    def _only_place(self, refusal: RelocateError) -> Session:
        """Open live for a load in place. Raises the refusal where that is no way either."""
        try:
            session = self._in_live()
        except RelocateError as exc:
            if exc.code not in ("database_missing", "right_missing", "login_failed"):
                raise
            raise refusal from None
        if session.value(_BESIDE.format(self._names_beside())) or (
            not self.context.admin.given and not session.value(_MAKES_SCHEMAS)
        ):
            session.close()
            raise refusal
        self._in_place = True
        return session

    def _names_beside(self) -> str:
        """Databases that only somebody who may create databases has made: he is needed again."""
        return ", ".join(literal(derived_name(self.config.name, which)) for which in (INCOMING, PREVIOUS, DISCARDED))

    def factory(self) -> Any:
        """Return the driver's class of connections; None means its usual one."""
        return None

    def connect(self, database: str) -> Session:
        """A session as the settings' user.

        Raises database_missing, login_failed, right_missing, server_unreachable or library_missing.
        """
        return self._open(self.parameters(database), self.context.owner)

    def _open(self, parameters: Dict[str, str], user: Optional[SystemUser]) -> Session:
        psycopg2 = driver()
        parameters.setdefault("connect_timeout", "15")
        pinned = dict(parameters, options=(parameters.get("options", "") + " " + FIRST_OPTIONS).strip())
        service = parameters.get("service", "")
        try:
            with acting_as(user), own_environment((user or current_user()).home, service):
                try:
                    connection = psycopg2.connect(connection_factory=self.factory(), **pinned)
                except psycopg2.Error as exc:
                    if not _NO_OPTIONS.search(str(exc)) or parameters.get("options") == NO_TRIGGERS:
                        raise
                    # Poolers hand on few parameters. The session then pins its search_path by its first statement.
                    connection = psycopg2.connect(connection_factory=self.factory(), **parameters)
                    self._pooled = True
        except psycopg2.Error as exc:
            raise self._not_reached(parameters, exc) from None
        try:
            self._refuse_pooler(connection, parameters, user)
            return Session(connection, self.context.secrets.scrub)
        except psycopg2.Error as exc:  # the server may go at any moment
            connection.close()
            raise self._not_reached(parameters, exc) from None

    def _not_reached(self, parameters: Dict[str, str], exc: Exception) -> RelocateError:
        text = " ".join(self.context.secrets.scrub(str(exc)).split())
        code, hint = refusal(str(exc))  # of the server's own words, whatever the password hides in them
        msg = "role {0} cannot reach database {1}: {2}".format(parameters["user"], parameters["dbname"], text)
        return session_lost(msg) if is_going(str(exc)) else RelocateError(code, msg, hint)

    def _refuse_pooler(self, connection: Any, parameters: Dict[str, str], user: Optional[SystemUser]) -> None:
        """Refuse, once for each way in, a pooler that gives the session to others. Raises pooler_between.

        PgBouncer has a pool_mode for each database and each user, so that another one's says nothing.
        """
        way = tuple(parameters.get(word, "") for word in _WAY)
        if way in self._direct or self.factory() is not None:
            return

        def again() -> Any:
            with acting_as(user), own_environment((user or current_user()).home, parameters.get("service", "")):
                return driver().connect(**parameters)

        if pooler.lends(connection, again):
            connection.close()
            raise pooler.refused(parameters["user"], parameters["dbname"])
        self._direct.add(way)

    def maintenance_database(self) -> str:
        """Return where the administrator works: never in the database that is to be renamed."""
        if self.context.admin.database and not (self._logs_in_to_live and self._in_place is False):
            return self.context.admin.database
        return "template1" if self.config.name == "postgres" else "postgres"

    def by_login(self, database: str) -> Session:
        """The base class's; also raises bad_option."""
        login = self.context.admin
        host = self._host_of_login()
        port = login.port or self.config.port
        local = not host or host.startswith("/")
        place = _socket(host, port) if host and local else str(self.config.options.get("hostaddr") or host)
        keep_password(login, place, self.config.port, _PORT, "postgres")
        found = self._reaching()
        found.update(self._administrator(database, login.user or "postgres", host, port))
        if login.password:
            found["password"] = login.password
            # Keys and certificates are files that project code names: they are read as its owner could read them.
            return self._as_administrator(found, self.context.owner)
        return self._as_administrator(found, lookup_user(found["user"]) if local and os.geteuid() == 0 else None)

    def _host_of_login(self) -> str:
        """Find where the login is let in: a name, a socket's directory, or "" for the library's own place."""
        login = self.context.admin
        named = login.host or directory_of(login.unix_socket) or self._host()
        return named or ("localhost" if login.password else "")

    def by_root(self, database: str) -> Session:
        """The base class's: ``postgres``, by peer authentication."""
        user = lookup_user("postgres")
        if not self.is_local or "service" in self.config.options or user is None:
            raise RelocateError("right_missing", "the server is not known to run on this host")
        host = self.config.host if self.config.host.startswith("/") else socket_directory(self.config.port or _PORT)
        if host and not made_by(_socket(host, self.config.port), "postgres"):
            raise RelocateError("right_missing", "the socket in {0} is not the server's own".format(host))
        return self._as_administrator(self._administrator(database, "postgres", host, self.config.port), user)

    def _as_administrator(self, parameters: Dict[str, str], user: Optional[SystemUser]) -> Session:
        """Open a session that runs no trigger on login, which the function's owner could fill with what he likes.

        Only 17 and later know such triggers and how to turn them off, and only a superuser may. What the server is says
        a session in the maintenance database, where sites make none. A pooler that does not hand the option on is no
        way in for an administrator.
        """
        maintenance = self.maintenance_database()
        if parameters["dbname"] == maintenance:
            return self._open(parameters, user)
        key = (parameters.get("host", ""), parameters["user"])
        if key not in self._login_triggers:
            with self._open({**parameters, "dbname": maintenance}, user) as session:
                self._login_triggers[key] = session.major >= 17 and session.is_superuser
        if self._login_triggers[key]:
            parameters = {**parameters, "options": NO_TRIGGERS}
        return self._open(parameters, user)

    def _administrator(self, database: str, user: str, host: str, port: Optional[int]) -> Dict[str, str]:
        found = {
            "application_name": "relocate.django",
            "client_encoding": "UTF8",
            "dbname": database or self.maintenance_database(),
            "user": user,
        }
        found.update({"host": host} if host else {})
        found.update({"port": str(port)} if port else {})
        return found

    def by_creator(self, database: str) -> Session:
        """See the base class."""
        session = self.connect(database) if database else self.by_settings()
        if session.value(_CREATES):
            return session
        session.close()
        raise RelocateError("right_missing", "role {0} may not create databases".format(self.role))

    def more_ways(self) -> str:
        """See the base class."""
        return "set relocate_login (modules: login_user, ...), or ALTER ROLE {0} CREATEDB".format(ident(self.role))

    def by_settings(self) -> Session:
        """See the base class."""
        refusals: List[RelocateError] = []
        for database in (self.maintenance_database(), "template1", self.config.name):
            try:
                return self.connect(database)
            except RelocateError as exc:
                refusals.append(exc)
                if exc.code in ("server_unreachable", "library_missing"):
                    break
        raise refusals[0]


def socket_directory(port: int, directories: Tuple[str, ...] = _SOCKET_DIRECTORIES) -> str:
    """Return where the local server's socket is, or "" for libpq's default.

    A socket in a directory that anyone can write to counts only when root or postgres made it.
    """
    return next((directory for directory in directories if made_by(_socket(directory, port), "postgres")), "")


def _socket(directory: str, port: Optional[int]) -> str:
    return os.path.join(directory, ".s.PGSQL.{0}".format(port or _PORT))
