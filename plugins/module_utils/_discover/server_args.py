# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells where a server of Python applications listens, by its command line. All functions are pure.

A configuration file that the command names is not read: then nothing is said but what the command says.
``listening.py`` has it from the kernel.
"""

from __future__ import annotations

import os
import re
from typing import Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._discover.bound import tcp
from ansible_collections.relocate.django.plugins.module_utils._discover.shell import split, unwrapped
from ansible_collections.relocate.django.plugins.module_utils._discover.texts import is_number

Words = Tuple[str, ...]
Environment = Mapping[str, str]
_Reader = Callable[[Sequence[str], Environment], List[str]]

#: Programs that start the one that they are given.
_RUNNERS = frozenset(
    "env sudo su-exec gosu runuser setpriv nice ionice chrt taskset chpst setuidgid softlimit authbind timeout stdbuf"
    " poetry pipenv uv uvx pdm hatch rye dotenv newrelic-admin ddtrace-run opentelemetry-instrument nohup exec flock"
    " systemd-cat catchsegv start-stop-daemon honcho coverage kolo doppler aws-vault infisical op chamber watchmedo"
    " watchfiles xvfb-run eatmydata firejail numactl prlimit".split()
)
_PYTHON = re.compile(r"(python|pypy)[0-9.]*\Z")
#: Options of those, and of servers, whose values may be called as a server is.
_NAMING = frozenset("-u --user -g --group -n --name -A --app -U --umask -p --process -l --logfile".split())
_LOCAL = "127.0.0.1"


def listens_of(commands: Sequence[Words], environment: Environment, directory: str = "") -> Tuple[str, ...]:
    """Return the addresses of the servers among some commands.

    :param environment: variables that servers go by, such as GUNICORN_CMD_ARGS
    :param directory: where they run; sockets may be relative to it
    """
    found: List[str] = []
    for command in commands:
        script = unwrapped(command, directory, environment)
        for words in script.commands:
            found += _addresses(words, {**environment, **script.environment}, script.directory)
    return tuple(dict.fromkeys(found))


def _addresses(words: Words, environment: Environment, directory: str) -> List[str]:
    at = _server(words)
    if at is None:
        return []
    arguments = words[at + 1 :]
    raw = _SERVERS[_name(words[at])](arguments, environment)
    where = [*_values(arguments, "--chdir", "--working-dir"), directory][0]
    found = [resolved(item, os.path.join(directory, where)) for item in raw]
    return [item for item in found if item and "$" not in item]


def _name(word: str) -> str:
    name = os.path.basename(word)
    name = name[:-3] if name.endswith(".py") else name
    return "uwsgi" if name.startswith(("uwsgi_python", "uwsgi-")) else name


def _server(words: Words) -> Optional[int]:
    """Return the place of the server's name among the words of a command."""
    for at, word in enumerate(words):
        if _name(word) in _SERVERS and (at == 0 or (words[at - 1] not in _NAMING and _is_started(words, at))):
            return at
    return None


def _is_started(words: Words, at: int) -> bool:
    """Tell whether the words before a name start it."""
    hosts = _SUBCOMMANDS.get(_name(words[at]))
    return _starts_others(words[0]) if hosts is None else bool(hosts & {_name(other) for other in words[:at]})


def _starts_others(word: str) -> bool:
    name = os.path.basename(word)
    return name in _RUNNERS or _PYTHON.match(name) is not None


def _values(arguments: Sequence[str], *names: str) -> List[str]:
    """Return the values of an option, by any of its names: ``-b X``, ``-bX``, ``--bind X``, ``--bind=X``."""
    found: List[str] = []
    for at, word in enumerate(arguments):
        if word == "--":
            break
        for name in names:
            if word == name:
                found += arguments[at + 1 : at + 2]
            elif word.startswith(name + "="):
                found.append(word[len(name) + 1 :])
            elif len(name) == 2 and word.startswith(name) and not name.startswith("--"):
                found.append(word[2:])
    return found


def bound(value: str, port: str = "8000") -> str:
    """Return the address that gunicorn, hypercorn and others mean by ``HOST:PORT``, ``:PORT``, ``unix:PATH``."""
    if value.startswith("unix:"):
        path = value[5:]
        return "unix:" + (path[2:] if path.startswith("//") else path)
    if value.startswith(("fd:", "fd@")):
        return ""
    value = value.rpartition("://")[2]
    if value.endswith("]") or ":" not in value:
        return tcp(value, port)
    host, _sep, number = value.rpartition(":")
    return tcp(host, number)


def resolved(address: str, directory: str) -> str:
    """Return an address whose socket may be relative to a directory; "" when that is not known."""
    if not address.startswith("unix:") or address.startswith(("unix:/", "unix:@")):
        return address
    path = os.path.normpath(os.path.join(directory, address[5:]))
    return "unix:" + path if path.startswith("/") else ""


def _gunicorn(arguments: Sequence[str], environment: Environment) -> List[str]:
    more = split(environment.get("GUNICORN_CMD_ARGS", ""))
    binds = _values(arguments, "-b", "--bind") or _values(more, "-b", "--bind")
    if binds:
        return [bound(part) for value in binds for part in value.split(",")]
    if _values([*more, *arguments], "-c", "--config") or environment.get("LISTEN_FDS"):
        return []  # the file says it, or the socket unit that starts the service
    port = environment.get("PORT", "")
    return [tcp("", port) if port else tcp(_LOCAL, "8000")]


def _uvicorn(arguments: Sequence[str], environment: Environment) -> List[str]:
    return _host_and_port(arguments, environment, "UVICORN")


def _granian(arguments: Sequence[str], environment: Environment) -> List[str]:
    return _host_and_port(arguments, environment, "GRANIAN")


def _host_and_port(arguments: Sequence[str], environment: Environment, prefix: str) -> List[str]:
    sockets = _values(arguments, "--uds") or [environment.get(prefix + "_UDS", "")]
    if sockets[-1]:
        return ["unix:" + sockets[-1]]
    if _values(arguments, "--fd"):
        return []
    host = [environment.get(prefix + "_HOST", _LOCAL), *_values(arguments, "--host")]
    port = [environment.get(prefix + "_PORT", "8000"), *_values(arguments, "--port")]
    return [tcp(host[-1], port[-1])]


def _daphne(arguments: Sequence[str], _environment: Environment) -> List[str]:
    found = ["unix:" + path for path in _values(arguments, "-u", "--unix-socket")]
    ports, hosts = _values(arguments, "-p", "--port"), _values(arguments, "-b", "--bind")
    endpoints = _values(arguments, "-e", "--endpoint")
    found += [_endpoint(value) for value in endpoints]
    if ports or hosts or not (found or endpoints or _values(arguments, "--fd")):
        found.append(tcp((hosts or [_LOCAL])[-1], (ports or ["8000"])[-1]))
    return found


def _endpoint(value: str) -> str:
    """Return the address in Twisted's words: ``tcp:8000:interface=127.0.0.1``, ``unix:/run/x.sock``."""
    kind, *parts = [part.replace("\0", ":") for part in value.replace("\\:", "\0").split(":")]
    named = dict(part.partition("=")[::2] for part in parts if "=" in part)
    first = parts[0] if parts and "=" not in parts[0] else ""
    if kind == "unix":
        return "unix:" + named.get("address", first)
    return tcp(named.get("interface", ""), named.get("port", first)) if kind in ("tcp", "tcp6", "ssl") else ""


def _hypercorn(arguments: Sequence[str], _environment: Environment) -> List[str]:
    binds = _values(arguments, "-b", "--bind", "--insecure-bind")
    if not binds and _values(arguments, "-c", "--config"):
        return []
    return [bound(value) for value in binds or [_LOCAL]]


def _waitress(arguments: Sequence[str], _environment: Environment) -> List[str]:
    found = [bound(part, "8080") for value in _values(arguments, "--listen") for part in value.split()]
    found += ["unix:" + path for path in _values(arguments, "--unix-socket")]
    host, port = _values(arguments, "--host"), _values(arguments, "--port")
    return found if found and not (host or port) else [*found, tcp((host or [""])[-1], (port or ["8080"])[-1])]


#: Options of uWSGI that bind, on its command line and in its files.
UWSGI_OPTIONS = (
    "socket",
    "uwsgi-socket",
    "http",
    "http-socket",
    "https",
    "https-socket",
    "fastcgi-socket",
    "scgi-socket",
    "http11-socket",
)


def uwsgi_address(value: str) -> str:
    """Return the address of uWSGI's ``socket=``: a path, ``HOST:PORT``, ``:PORT``; a certificate follows a comma."""
    value = value.partition(",")[0].strip()
    if value.startswith(("/", "@", ".")) or ":" not in value:
        return "unix:" + value
    host, _sep, port = value.rpartition(":")
    return tcp("" if host == "*" else host, port)


def _uwsgi(arguments: Sequence[str], _environment: Environment) -> List[str]:
    found = _values(arguments, "-s", *("--" + name for name in UWSGI_OPTIONS))
    return [uwsgi_address(value) for value in found]


def _runserver(arguments: Sequence[str], _environment: Environment) -> List[str]:
    plain = [word for word in arguments if not word.startswith("-") and re.match(r"[\w.:\[\]*]*\d\Z", word)]
    host = "[::1]" if "--ipv6" in arguments or "-6" in arguments else _LOCAL
    if plain and is_number(plain[0]):
        return [tcp(host, plain[0])]
    return [bound(plain[0])] if plain else [tcp(host, "8000")]


def _flower(arguments: Sequence[str], environment: Environment) -> List[str]:
    sockets = _values(arguments, "--unix-socket", "--unix_socket")
    port = [environment.get("FLOWER_PORT", "5555"), *_values(arguments, "--port")]
    return ["unix:" + sockets[-1]] if sockets else [tcp([*_values(arguments, "--address"), ""][0], port[-1])]


def _mod_wsgi(arguments: Sequence[str], _environment: Environment) -> List[str]:
    if "start-server" not in arguments:
        return []
    return [tcp([*_values(arguments, "--host"), ""][0], [*_values(arguments, "--port"), "8000"][0])]


def _chaussette(arguments: Sequence[str], _environment: Environment) -> List[str]:
    if _values(arguments, "--fd"):
        return []
    host = [*_values(arguments, "--host"), "localhost"][0]
    return [bound(host)] if host.startswith("unix:") else [tcp(host, [*_values(arguments, "--port"), "8080"][0])]


_SERVERS: Dict[str, _Reader] = {
    "gunicorn": _gunicorn,
    "gunicorn3": _gunicorn,
    "gunicorn_django": _gunicorn,
    "uvicorn": _uvicorn,
    "granian": _granian,
    "daphne": _daphne,
    "hypercorn": _hypercorn,
    "waitress-serve": _waitress,
    "waitress": _waitress,
    "uwsgi": _uwsgi,
    "runserver": _runserver,
    "runserver_plus": _runserver,
    "runtornado": _runserver,
    "flower": _flower,
    "mod_wsgi-express": _mod_wsgi,
    "chaussette": _chaussette,
}
#: Commands of other programs, and of which.
_SUBCOMMANDS = {
    "runserver": frozenset(("manage", "django-admin", "django")),
    "runserver_plus": frozenset(("manage", "django-admin", "django")),
    "runtornado": frozenset(("manage",)),
    "flower": frozenset(("celery",)),
}
