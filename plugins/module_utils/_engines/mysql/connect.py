# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connects to MySQL and MariaDB: as the settings' user, as the administrator, and from client programs.

Programs get everything in an options file of mode 0600, which is the first argument, so that neither a password nor
another program's ``my.cnf`` has a part in it.
"""

from __future__ import annotations

import importlib
import inspect
import os
import ssl
from typing import Any, Dict, List, Mapping, Optional, Tuple
from urllib.parse import quote

from ansible_collections.relocate.django.plugins.module_utils._engines.base import EngineContext
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.session import (
    Session,
    driver,
    error_code,
    number_and_text,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.sql import Logins, keep_password
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseConfig, SystemUser
from ansible_collections.relocate.django.plugins.module_utils._printable import printable
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as, current_user, lookup_user

_SOCKETS = ("/run/mysqld/mysqld.sock", "/var/run/mysqld/mysqld.sock", "/var/lib/mysql/mysql.sock", "/tmp/mysql.sock")


_LOOPBACK = ("localhost", "127.0.0.1", "::1")


_CONNECT_SECONDS = 15


_HINTS = {
    "login_failed": "check USER, PASSWORD and HOST in the settings against the users on the server",
    "database_missing": "check NAME in the settings",
    "right_missing": "grant the user its rights on the database",
    "server_unreachable": "start the server, or check HOST and PORT in the settings",
}
_TLS_HINT = (
    "check ssl in OPTIONS of the settings: ca must name a file with the certificate of the authority that signed the"
    " server's"
)


class Server(Logins[Session]):
    """The server of one alias: every way in that the engine uses."""

    def __init__(self, config: DatabaseConfig, context: EngineContext) -> None:
        self.config, self.context = config, context
        self._tls: Dict[str, bool] = {}  # by user: what the last login found to work

    @property
    def user(self) -> str:
        """The settings' user; as in the client library, the system user's name when USER is empty."""
        return self.config.user or (self.context.owner or current_user()).name

    @property
    def socket(self) -> str:
        """The socket that the settings use, or ""."""
        if self.config.host.startswith("/"):
            return self.config.host
        given = str(self.config.options.get("unix_socket") or "")
        if given or self.config.host not in ("", "localhost"):
            return given
        return local_socket()

    @property
    def is_local(self) -> bool:
        """True when the server is this machine's, as far as the settings tell."""
        return bool(self.socket) or self.config.host in ("", *_LOOPBACK)

    def connect(self, database: str = "", login: Optional[Tuple[str, str]] = None) -> Session:
        """A session as the settings' user. Raises database_missing, login_failed, server_unreachable, ...

        :param login: user and password instead of the settings'
        """
        user, password = login or (self.user, self.config.password)
        return self._open(self._place(), user, password, database, self.context.owner)

    def raw(self, database: str) -> Session:
        """The same, giving values as the server sends them: text as text, binary as bytes, nothing converted."""
        return self._open(self._place(), self.user, self.config.password, database, self.context.owner, raw=True)

    def _place(self) -> Dict[str, Any]:
        if self.socket:
            return {"unix_socket": self.socket}
        return {"host": self.config.host or "127.0.0.1", "port": int(self.config.port or 3306)}

    def by_login(self, database: str) -> Session:
        """The base class's; also raises bad_option."""
        login = self.context.admin
        place = self._place()
        if login.unix_socket:
            place = {"unix_socket": login.unix_socket}
        elif login.host or login.port:
            place = {
                "host": login.host or self.config.host or "127.0.0.1",
                "port": int(login.port or self.config.port or 3306),
            }
        way = str(place.get("unix_socket") or place["host"])
        keep_password(login, way, self.config.port, 3306, "mysql")
        return self._open(place, login.user or "root", login.password, database, None)

    def by_root(self, database: str) -> Session:
        """The base class's: ``root``, by the local socket."""
        path = self.socket or local_socket()
        if not self.is_local or not path or os.geteuid() != 0:
            raise RelocateError("right_missing", "the server is not known to run on this host")
        session = self._open({"unix_socket": path}, "root", "", database, None)
        port = int(self.config.port or 3306)
        if not self.socket and int(session.value("SELECT @@port")) != port:
            session.close()
            raise RelocateError("right_missing", "the server behind {0} does not serve port {1}".format(path, port))
        return session

    def by_creator(self, database: str) -> Session:
        """See the base class."""
        session = self.connect(database)
        if may_create(session):
            return session
        session.close()
        raise RelocateError("right_missing", "user {0} may not create databases".format(self.user))

    def by_settings(self) -> Session:
        """See the base class."""
        return self.connect()

    def more_ways(self) -> str:
        """See the base class."""
        return "or set relocate_login (modules: login_user, ...)"

    def _open(
        self,
        place: Mapping[str, Any],
        user: str,
        password: str,
        database: str,
        actor: Optional[SystemUser],
        raw: bool = False,
    ) -> Session:
        """Log in with TLS or without, whichever the place makes likelier, then the other."""
        refusals: List[RelocateError] = []
        for tls in self._orders(place, user):
            try:
                arguments = self._arguments(place, user, password, database, tls, raw)
                session = self._try(arguments, actor)
            except RelocateError as exc:
                refusals.append(exc)
                if exc.code in ("database_missing", "library_missing"):
                    break
                continue
            self._tls[user] = tls
            return session
        raise next((item for item in refusals if item.code != "server_unreachable"), refusals[0])

    def _orders(self, place: Mapping[str, Any], user: str) -> List[bool]:
        mode = self.tls_mode()
        if "unix_socket" in place:
            return [False]
        if mode is not None:
            return [mode]
        if user in self._tls:
            return [self._tls[user]]
        # TLS over the loopback protects nothing and costs time; elsewhere it comes first.
        return [False, True] if place.get("host") in _LOOPBACK else [True, False]

    def tls_mode(self) -> Optional[bool]:
        """Return what OPTIONS says of TLS: demanded, forbidden, or nothing."""
        mode = str(self.config.options.get("ssl_mode") or "").upper()
        if mode == "DISABLED":
            return False
        if mode in ("REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY") or self.ssl_files():
            return True
        return None

    def ssl_files(self) -> Dict[str, str]:
        """``ca``, ``cert`` and ``key`` out of OPTIONS["ssl"], as far as they are given."""
        given = self.config.options.get("ssl")
        if not isinstance(given, Mapping):
            return {}
        # As the site would find them, which runs in its own directory.
        words = [word for word in ("ca", "cert", "key") if given.get(word)]
        return {word: os.path.join(self.context.project, str(given[word])) for word in words}

    def _context(self) -> ssl.SSLContext:
        files = self.ssl_files()
        try:
            context = ssl.create_default_context(cafile=files.get("ca"))
        except OSError as exc:
            msg = "the certificate in {0} cannot be read: {1}".format(
                printable(files.get("ca", "")), exc.strerror or exc
            )
            raise RelocateError("server_unreachable", msg, _TLS_HINT) from None
        mode = str(self.config.options.get("ssl_mode") or "").upper()
        context.check_hostname = mode == "VERIFY_IDENTITY"
        if "ca" not in files and mode not in ("VERIFY_CA", "VERIFY_IDENTITY"):
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE  # as the client library does unless it is told to verify
        if "cert" in files:
            context.load_cert_chain(files["cert"], files.get("key"))
        return context

    def _arguments(
        self, place: Mapping[str, Any], user: str, password: str, database: str, tls: bool, raw: bool
    ) -> Dict[str, Any]:
        found = dict(place, user=user, database=database or None, charset="utf8mb4", autocommit=True)
        found.update(connect_timeout=_CONNECT_SECONDS, local_infile=False, defer_connect=True)
        # As bytes: PyMySQL would send text as Latin-1, all other clients send UTF-8.
        found["password"] = password.encode("utf-8")
        if tls:
            with acting_as(self.context.owner):  # the settings name the files: they are read as the site reads them
                found["ssl"] = self._context()
        elif "ssl_disabled" in inspect.signature(driver().connections.Connection.__init__).parameters:
            found["ssl_disabled"] = True  # newer ones try TLS by themselves, and read all of the system's authorities
        found.update({"conv": {int: str}} if raw else {})
        return found

    def _try(self, arguments: Mapping[str, Any], actor: Optional[SystemUser]) -> Session:
        pymysql = driver()
        user, database = str(arguments["user"]), str(arguments["database"] or "")
        try:
            # Only a socket asks who we are, and root may read what the libraries load late.
            with acting_as(actor if "unix_socket" in arguments else None):
                connection = pymysql.connect(**arguments)
                one_statement_only(connection)
                connection.connect()
        except pymysql.MySQLError as exc:
            number, text = number_and_text(exc)
            raise self._refusal(user, database, error_code(number) or "login_failed", text) from None
        except (RuntimeError, OSError, AttributeError, TypeError) as exc:
            # PyMySQL's own words for a password that it cannot encrypt without TLS or the library cryptography.
            code = "server_unreachable" if isinstance(exc, OSError) else "login_failed"
            raise self._refusal(user, database, code, str(exc)) from None
        try:
            return Session(connection, self.context.secrets.scrub)
        except BaseException:
            connection.close()
            raise

    def _refusal(self, user: str, database: str, code: str, text: str) -> RelocateError:
        where = " database " + database if database else " the server"
        msg = "user {0} cannot reach{1}: {2}".format(user, where, self.context.secrets.scrub(text))
        return RelocateError(code, msg, _TLS_HINT if "certificate" in text.lower() else _HINTS[code])

    def options_file(self, mariadb_client: bool, login: Optional[Tuple[str, str]] = None) -> str:
        """The file that makes a client program log in as the settings' user.

        :param login: user and password instead of the settings'
        """
        user, password = login or (self.user, self.config.password)
        options: Dict[str, str] = {"user": user, "password": password}
        if self.socket:
            options.update(socket=self.socket, protocol="SOCKET")
        else:
            place = self._place()
            options.update(host=str(place["host"]), port=str(place["port"]), protocol="TCP")
            options.update(self._tls_options(mariadb_client, user))
        text = "[client]\n" + "".join("{0}={1}\n".format(name, quoted(value)) for name, value in options.items())
        name = "mysql-{0}-{1}{2}.cnf".format(
            quote(self.config.alias, safe=""), "m" if mariadb_client else "o", "-load" if login else ""
        )
        return self.context.secrets.write(name, text)

    def _tls_options(self, mariadb_client: bool, user: str) -> Dict[str, str]:
        tls = self._orders(self._place(), user)[0]
        files = {"ssl-" + word: path for word, path in self.ssl_files().items()} if tls else {}
        mode = str(self.config.options.get("ssl_mode") or "").upper()
        if mariadb_client:
            verify = tls and mode.startswith("VERIFY")
            # Since 11.4 this client verifies unless told not to; the settings' driver does only when asked.
            return dict(files, ssl="1" if tls else "0", **{"loose-ssl-verify-server-cert": "1" if verify else "0"})
        if not tls:
            return {"ssl-mode": "DISABLED", "loose-get-server-public-key": "1"}
        return dict(files, **{"ssl-mode": mode if mode.startswith("VERIFY") else "REQUIRED"})


def one_statement_only(connection: Any) -> None:
    """Let the server refuse a second statement behind a first one: PyMySQL before 1.0 allows it."""
    flag = importlib.import_module("pymysql.constants.CLIENT").MULTI_STATEMENTS
    connection.client_flag &= ~flag


def may_create(session: Session) -> bool:
    """Tell whether a session's user may create databases and users' rights."""
    grants = [str(row[0]).upper() for row in session.rows("SHOW GRANTS")]
    everywhere = [text for text in grants if " ON *.* TO " in text]
    return any("ALL PRIVILEGES" in text or " CREATE," in text or " CREATE ON" in text for text in everywhere)


def quoted(value: str) -> str:
    """A value of an options file, in quotes: backslash sequences are read in it, and ``#`` begins a comment outside.

    Raises login_failed for what such a file cannot hold.
    """
    if "\0" in value:
        raise RelocateError("login_failed", "an options file cannot hold a password with a NUL")
    escapes = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", '"': '\\"'}
    return '"' + "".join(escapes.get(letter, letter) for letter in value) + '"'


def local_socket(paths: Tuple[str, ...] = _SOCKETS) -> str:
    """The socket of the server on this machine, or "". One that just anybody made is passed over."""
    mysql = lookup_user("mysql")
    trusted = {0, os.geteuid()} | ({mysql.uid} if mysql else set())
    for path in paths:
        try:
            if os.stat(path).st_uid in trusted:
                return path
        except OSError:
            continue
    return ""
