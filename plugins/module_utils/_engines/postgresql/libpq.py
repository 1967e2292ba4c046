# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decides which of a site's OPTIONS libpq gets in a process of root.

Acting as the project's owner is not being him: root's rights can be taken back within the process, so nothing that he
chose may be loaded into it. A key ``ENGINE:NAME`` makes OpenSSL load the library ENGINE; a service file can hold such a
key, or send libpq to a directory server for further options.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from typing import Dict, Iterator, Mapping, Optional, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError

_LIMIT = 1024 * 1024  # bytes of a service file

#: libpq keywords that OPTIONS may hold, with the environment variable that says the same to a client program.
#: Everything else in OPTIONS (isolation_level, pool, server_side_binding, ...) is for Django alone.
KEYWORDS: Dict[str, str] = {
    "channel_binding": "PGCHANNELBINDING",
    "connect_timeout": "PGCONNECT_TIMEOUT",
    "gssencmode": "PGGSSENCMODE",
    "hostaddr": "PGHOSTADDR",
    "keepalives": "",
    "keepalives_count": "",
    "keepalives_idle": "",
    "keepalives_interval": "",
    "krbsrvname": "PGKRBSRVNAME",
    "options": "PGOPTIONS",
    "passfile": "PGPASSFILE",
    "requirepeer": "PGREQUIREPEER",
    "service": "PGSERVICE",
    "ssl_max_protocol_version": "PGSSLMAXPROTOCOLVERSION",
    "ssl_min_protocol_version": "PGSSLMINPROTOCOLVERSION",
    "sslcert": "PGSSLCERT",
    "sslcompression": "PGSSLCOMPRESSION",
    "sslcrl": "PGSSLCRL",
    "sslkey": "PGSSLKEY",
    "sslmode": "PGSSLMODE",
    "sslnegotiation": "PGSSLNEGOTIATION",
    "sslpassword": "",
    "sslrootcert": "PGSSLROOTCERT",
    "sslsni": "PGSSLSNI",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
    "tcp_user_timeout": "",
}

ERRORS: Tuple[Tuple[str, str], ...] = (
    (r'database "[^\n]*" does not exist', "database_missing"),
    (r"permission denied for database|CONNECT privilege", "right_missing"),
    (
        (
            r"authentication failed|no pg_hba\.conf entry|no password supplied|not permitted to log in"
            r'|role "[^\n]*" does not exist|pg_hba\.conf rejects'
        ),
        "login_failed",
    ),
    (
        (
            r"[Cc]onnection refused|No such file or directory|could not translate host name|timeout expired"
            r"|timed out|could not connect|No route to host|unreachable|server closed the connection"
            r"|starting up|shutting down|in recovery mode|accepting connections|too many clients|connection slots"
            r"|Connection reset|Broken pipe|EOF detected|closed unexpectedly|terminating connection"
            r"|connection already closed"
        ),
        "server_unreachable",
    ),
)


#: A server that is there, and ends or begins.
_GOING = re.compile(
    r"server closed the connection|closed unexpectedly|terminating connection|Connection reset|Broken pipe|EOF detected"
    r"|connection already closed|starting up|shutting down|in recovery mode"
)

_HINTS: Dict[str, str] = {
    "database_missing": "check NAME in the settings",
    "login_failed": "check USER, PASSWORD and HOST in the settings against pg_hba.conf and the role on the server",
    "right_missing": "grant CONNECT on the database to the role",
    "server_unreachable": "start the server, or check HOST and PORT in the settings",
}

#: What libpq says where TLS could not be begun, or the other side is not who it should be.
_TLS = re.compile(r"certificate verify failed|certificate file|server certificate|SSL error|does not support SSL")
_TLS_HINT = (
    "check sslmode and sslrootcert in OPTIONS of the settings: the file must hold the certificate of the authority that"
    " signed the server's, and with verify-full HOST must be the name in that"
)


def connection_error_code(text: str) -> str:
    """The error code behind libpq's message. A message in the server's own language counts as a refused login."""
    return _known(text) or "login_failed"


def _known(text: str) -> Optional[str]:
    return next((code for pattern, code in ERRORS if re.search(pattern, text)), None)


def refusal(text: str) -> Tuple[str, str]:
    """The error code and the hint for what libpq says of a connection that was not made.

    Where the server itself has answered, it may have been tried again with TLS, in vain: the answer counts.
    """
    if _known(text) in (None, "server_unreachable") and _TLS.search(text):
        return "server_unreachable", _TLS_HINT
    code = connection_error_code(text)
    return code, _HINTS[code]


def is_going(text: str) -> bool:
    """Tell whether libpq says that the server went away, or is not ready yet: no other way in helps."""
    return bool(_GOING.search(text)) and not _TLS.search(text)


def check_key(options: Mapping[str, str]) -> None:
    """Refuse a key that would load a library, when this process can become root again. Raises bad_option."""
    if ":" in options.get("sslkey", "") and os.getuid() == 0:
        raise RelocateError(
            "bad_option",
            "sslkey in OPTIONS names an engine of OpenSSL: its library would be loaded into a process of root",
            "set sslkey to a file that holds the key",
        )


def pgpass_line(password: str) -> str:
    """The one line of a PGPASSFILE of our own: it serves whatever host and database the environment names."""
    return "*:*:*:*:" + password.replace("\\", "\\\\").replace(":", "\\:") + "\n"


def directory_of(path: str) -> str:
    """Where a socket is, which may be named itself."""
    return os.path.dirname(path) if os.path.basename(path).startswith(".s.PGSQL.") else path


@contextlib.contextmanager
def own_environment(home: str, service: str = "") -> Iterator[None]:
    """Hide this process's PG* variables from libpq, and set HOME for its ~/.pgpass.

    :param service: the service that OPTIONS name. Its file is read here, with the rights that the caller holds, and
        libpq is given what was checked

    Raises bad_option.
    """
    kept = {name: value for name, value in os.environ.items() if name.startswith("PG") or name == "HOME"}
    with _services(home, service) as ours:
        for name in kept:
            del os.environ[name]
        os.environ.update(ours, HOME=home)
        try:
            yield
        finally:
            for name in ours:
                del os.environ[name]
            del os.environ["HOME"]
            os.environ.update(kept)


@contextlib.contextmanager
def _services(home: str, service: str) -> Iterator[Dict[str, str]]:
    """The variable that leads libpq to a checked copy of ~/.pg_service.conf; the system's own file is root's."""
    if not service or os.getuid() != 0:
        yield {}
        return
    text = _read(os.path.join(home, ".pg_service.conf"))
    _check_service(text.decode("utf-8", "replace"), service)
    handle = os.memfd_create("pg_service")  # nobody else can write it, as one could a file
    try:
        os.write(handle, text)
        yield {"PGSERVICEFILE": "/proc/self/fd/{0}".format(handle)}
    finally:
        os.close(handle)


def _read(path: str) -> bytes:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return b""
    with os.fdopen(handle, "rb") as stream:
        text = stream.read(_LIMIT + 1) if stat.S_ISREG(os.fstat(handle).st_mode) else b""
    return text if len(text) <= _LIMIT else b""


def _check_service(text: str, service: str) -> None:
    within = False
    for line in re.split(r"[\r\n]+", text):
        words = line.strip()
        if words.startswith("["):
            within = words.startswith("[{0}]".format(service))
        elif within and (words.startswith("ldap") or re.match(r"sslkey\s*=.*:", words)):
            raise RelocateError(
                "bad_option",
                "service {0} in ~/.pg_service.conf leads to a directory server, or names an engine of OpenSSL: a"
                " process of root does not follow it".format(service),
                "write HOST, PORT and the name of a key file into the settings",
            )
