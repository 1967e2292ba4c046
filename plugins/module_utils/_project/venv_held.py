# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Holds a project to looking while it is asked something: it loads as it does for ``manage.py``, and leaves no trace.

The nets are those of the requests (``venv_quiet``); the databases are the live ones, so no statement that writes gets
to them. What a project needs to load is let: what its settings ask others for, since what they say may depend on the
answer, and whatever it fails without. The next start lets it, and the result names it.

Part of a program that runs in the project's interpreter: Python 3.6 syntax, ASCII only, standard library only, Django
imported inside functions.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

import functools
import os
import re
import threading
import urllib.parse
from typing import Any, Callable, Dict, Iterable, List, Optional, Tuple

from ansible_collections.relocate.django.plugins.module_utils._project import venv_neighbours, venv_quiet

KERNEL = "be held by the kernel"  # what is let where the project fails for what only Landlock refuses
_DENIED = re.compile(r"(?i)denied|permitted|unable to open|readonly|could not connect|can't connect|read-only")
_READS = re.compile(
    r"(?is)^[\s(;]*(select|show|explain|pragma|with|values|table|set|reset|describe|desc|begin|start|commit|rollback"
    r"|savepoint|release|declare|fetch|move|close|use|discard|check|checksum|attach|detach)\b"
)
_WRITES_WITHIN = re.compile(r"(?i)\b(insert\s+into|update\s+\S+\s+set|delete\s+from|merge\s+into)\b")
_COMMENTS = re.compile(r"(?s)/\*.*?\*/|--[^\n]*(\n|$)")
#: Where mail, queues and caches listen, unless the settings say otherwise.
_USUAL_PORTS = (25, 465, 587, 2525, 6379, 11211, 5671, 5672)
_USUAL = (("mysql", 3306), ("postg", 5432))
_ELSEWHERE = {"service", "read_default_file", "read_default_group"}  # options that name a server in a file

#: How many refusals there were once the settings were there, None before; and what to let the next time.
_state: Dict[str, Any] = {"on": False, "settings": None, "kernel": False, "again": set()}


def begin(request: Dict[str, Any]) -> None:
    """Refuse from now on. Does nothing where Python has no audit hook, or nobody gave a place for temporary files.

    :param request: ``place``, ``writes`` (directories that are written to) and ``let`` (what is not refused)
    """
    if not request.get("place"):
        return
    try:
        venv_quiet.begin(request["place"], request["writes"])
    except RuntimeError:
        return
    venv_quiet.STATE.let.update(request["let"])
    venv_quiet.STATE.ask_peers = _allow_databases
    _state["on"] = True
    hold_apps()
    _hold_databases()
    _hold_caches()


def settings_read() -> None:
    """Note that the settings are there: what is refused from now on tells them nothing. The kernel's net is next."""
    if not _state["on"] or _state["settings"] is not None:
        return
    _state["settings"] = len(venv_quiet.STATE.refused)
    if not venv_quiet.STATE.let:
        ports, places = _used(_databases())
        _state["kernel"] = venv_quiet.confine(ports, places)


def count() -> int:
    """Return how many times something was refused by now."""
    return len(venv_quiet.STATE.refused)


def blame(since: int, words: str) -> None:
    """Let again what was refused since then, but to other threads: something failed, and it may be for that.

    :param words: in which it failed
    """
    main = threading.main_thread().ident
    _state["again"].update(what for thread, what, _tells in venv_quiet.STATE.refused[since:] if thread == main)
    if _state["kernel"] and _DENIED.search(words):
        _state["again"].add(KERNEL)


def outcome() -> Dict[str, List[str]]:
    """Tell what was refused, ``held``; what was let; and what to let ``again``, since the answers depend on it."""
    if not _state["on"]:
        return {"held": [], "let": [], "again": []}
    early = venv_quiet.STATE.refused[: _state["settings"] or 0]
    asked = {what for _thread, what, tells in early if tells and not _is_named(what)}
    return {
        "held": list(venv_quiet.STATE.beside),
        "let": list(venv_quiet.STATE.went),
        "again": sorted((asked | _state["again"]) - venv_quiet.STATE.let),
    }


def blame_programs(since: int) -> None:
    """Let again the programs that were refused since then: what a command makes may be theirs."""
    _state["again"].update(
        what for _thread, what, tells in venv_quiet.STATE.refused[since:] if tells and what.startswith("run ")
    )


# --- what starts with the project


def hold_apps() -> None:
    """Let an app's start end early where it is refused something, instead of the whole project."""
    from django.apps import AppConfig

    original = AppConfig.create.__func__

    def create(cls: Any, entry: Any) -> Any:
        found = original(cls, entry)
        found.ready = _bearing(found.ready)
        return found

    AppConfig.create = classmethod(create)


def _bearing(ready: Callable[[], Any]) -> Callable[[], None]:
    @functools.wraps(ready)
    def bear() -> None:
        try:
            ready()
        except Exception as error:
            if not venv_quiet.refusal_in(error):
                raise

    return bear


def _hold_caches() -> None:
    """Let Django's checks look at a cache in files without making its directory."""
    from django.core.cache.backends.filebased import FileBasedCache

    FileBasedCache._createdir = lambda self: None


# --- databases


def _databases() -> Dict[str, Dict[str, Any]]:
    from django.conf import settings

    return dict(settings.DATABASES) if settings.configured else {}


def _allow_databases() -> None:
    venv_quiet.allow_peers(_databases().values())


def _used(databases: Dict[str, Dict[str, Any]]) -> Tuple[Optional[List[int]], List[str]]:
    """Ports of databases, None when they are not known; directories in which SQLite reads and locks."""
    ports: List[Optional[int]] = []
    places = []
    for database in databases.values():
        if _is_file(database):
            path = sqlite_path(database.get("NAME") or "", os.getcwd())
            places += [os.path.dirname(path)] if path != ":memory:" else []
        else:
            ports.append(_port(database))
    return (None if None in ports else [port for port in ports if port]), places


def _is_file(database: Dict[str, Any]) -> bool:
    engine = str(database.get("ENGINE") or "")
    return "sqlite" in engine or "spatialite" in engine


def _port(database: Dict[str, Any]) -> Optional[int]:
    """Return the port that a database is reached by; None where that is not said here, or it is of another kind."""
    engine, options = str(database.get("ENGINE")), database.get("OPTIONS") or {}
    usual = [str(number) for name, number in _USUAL if name in engine]
    port = str(database.get("PORT") or options.get("port") or "".join(usual[:1]))
    if not usual or set(options) & _ELSEWHERE or not port.isdigit():
        return None
    return int(port)


def _hold_databases() -> None:
    """Open databases of the settings to read them; what is not there is not made, and no statement writes."""
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.backends.signals import connection_created
    from django.db.utils import OperationalError

    original = BaseDatabaseWrapper.connect

    @functools.wraps(original)
    def connect(self: Any) -> Any:
        name = self.settings_dict.get("NAME") or ""
        path = sqlite_path(name, os.getcwd()) if self.vendor == "sqlite" else ":memory:"
        if path != ":memory:" and not os.path.exists(path):
            raise OperationalError("unable to open database file: {0} is not there".format(path))
        before, venv_quiet.STATE.opening = venv_quiet.STATE.opening, threading.get_ident()
        try:
            return original(self)
        finally:
            venv_quiet.STATE.opening = before

    BaseDatabaseWrapper.connect = connect
    connection_created.connect(_hold_connection, weak=False, dispatch_uid="relocate-held")


def _hold_connection(connection: Any, **_more: Any) -> None:
    name = connection.settings_dict.get("NAME") or ""
    in_memory = connection.vendor == "sqlite" and sqlite_path(name, os.getcwd()) == ":memory:"
    if not in_memory and _only_read not in connection.execute_wrappers:
        connection.execute_wrappers.append(_only_read)


def _only_read(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
    if writes(sql):
        try:
            venv_quiet.STATE.refuse("write to the database")
        except venv_quiet.RefusedError as refused:
            from django.db.utils import OperationalError

            raise OperationalError("attempt to write a readonly database") from refused  # what code is ready for
    return execute(sql, params, many, context)


def writes(sql: Any) -> bool:
    """Tell whether a statement may write; one that is no text, as psycopg composes it, by what it shows of itself."""
    text = sql.decode("utf-8", "replace") if isinstance(sql, bytes) else sql
    if not isinstance(text, str):
        return bool(re.search(r"(?i)\b(insert|update|delete|create|alter|drop|truncate)\b", repr(sql)))
    plain = _COMMENTS.sub(" ", text)
    return not _READS.match(plain) or bool(_WRITES_WITHIN.search(plain)) if plain.strip() else False


def sqlite_path(name: Any, directory: str) -> str:
    """The absolute path behind a SQLite NAME, or the name itself when it is in memory."""
    text = os.fspath(name) if hasattr(name, "__fspath__") else str(name)
    if text.startswith("file:"):
        parts = urllib.parse.urlsplit(text)
        options = urllib.parse.parse_qs(parts.query)
        if parts.path == ":memory:" or options.get("mode") == ["memory"] or options.get("vfs") == ["memdb"]:
            return ":memory:"
        text = urllib.parse.unquote(parts.path, errors="surrogateescape")
    if not text or text == ":memory:":
        return ":memory:"
    return os.path.abspath(os.path.join(directory, text))


# --- neighbours


def _is_named(what: str) -> bool:
    """Tell whether a server that was not asked is the site's own cache, queue or mail: settings learn nothing of it."""
    asked = re.match(r"(?s)(?:connect to|look up) (.*)", what)
    if asked is None:
        return False
    texts = [str(item) for item in _leaves(_neighbours())]
    host, _colon, port = asked.group(1).rpartition(":")
    if not (host and port.isdigit()):  # a socket, or a name that is looked up
        return any(asked.group(1) in text for text in texts)
    return int(port) in _USUAL_PORTS or any(re.search(r"(^|:){0}(/|\Z)".format(port), text) for text in texts)


def _neighbours() -> Dict[str, Any]:
    from django.conf import settings

    return venv_neighbours.wanted() if settings.configured else {}


def _leaves(value: Any, depth: int = 0) -> Iterable[Any]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for item in value if depth < 7 else ():
            yield from _leaves(item, depth + 1)
    else:
        yield value
