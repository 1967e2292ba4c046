# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Puts the project's WSGI application through requests, in its own interpreter, with other databases than live.

``requested.py`` runs it as a file. The request comes as JSON by standard input, since headers may hold a password. One
line of standard error for each request tells what it got, so that what was asked is known when the time is over: the
marker, then base64 of zlib of JSON. Nothing that the project does here leaves a trace: see ``venv_quiet``.

Python 3.6 syntax, ASCII only, standard library only, Django imported inside functions.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

import base64
import contextlib
import io
import json
import os
import signal
import sys
import time
import traceback
import zlib
from typing import Any, Callable, Dict, Iterator, List, Optional, Set, Tuple
from urllib.parse import quote, unquote, urlsplit

from ansible_collections.relocate.django.plugins.module_utils._project import (
    venv_held,
    venv_pages,
    venv_probe,
    venv_quiet,
    venv_secrets,
    venv_still,
)

Request = Dict[str, Any]
Question = Dict[str, Any]
_BODY = 1024 * 1024  # bytes read of an answer
_MOST = 40  # requests in all


class TooLong(BaseException):
    """A request that does not end; no Exception, which middleware would turn into an answer."""


# --- the databases


def substitute(request: Request, read_only: bool = True) -> List[str]:
    """Point each alias to the database that the request names for it, before any connects; returns notes."""
    from django.conf import settings
    from django.db import connections

    notes, same = [], {raw["alias"]: raw["same_as"] for raw in venv_probe.topic_databases({"secrets": False})}
    for alias, found in settings.DATABASES.items():
        target = request["databases"].get(alias) or request["databases"].get(same.get(alias))
        del connections[alias]  # made of the settings as they were
        if target is not None:
            found["NAME"] = target["name"]
            if read_only:
                _READ_ONLY[target["engine"]](found)
        elif "memory" not in str(found.get("NAME") or ""):
            found["ENGINE"] = "django.db.backends.dummy"
            notes.append("database {0} is not part of the set: nothing was read from it".format(alias))
    return notes


def _sqlite(found: Dict[str, Any]) -> None:
    """Nobody else has the file open; statements that would lock it for writing are left out."""
    found["NAME"] = "file:{0}?mode=ro&immutable=1".format(quote(os.fsencode(found["NAME"])))
    found["OPTIONS"] = _without(found, "init_command", "transaction_mode")


def _postgresql(found: Dict[str, Any]) -> None:
    options = _without(found, "pool")
    options["options"] = (str(options.get("options") or "") + " -c default_transaction_read_only=on").strip()
    found["OPTIONS"] = options


def _mysql(_found: Dict[str, Any]) -> None:
    """Say so on each connection: the settings have room for one statement only, which may be taken."""
    from django.db.backends.signals import connection_created

    connection_created.connect(_make_read_only, weak=False, dispatch_uid="relocate")


def _make_read_only(connection: Any, **_more: Any) -> None:
    if connection.vendor == "mysql":
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION TRANSACTION READ ONLY")


def _without(found: Dict[str, Any], *names: str) -> Dict[str, Any]:
    return {key: value for key, value in (found.get("OPTIONS") or {}).items() if key not in names}


_READ_ONLY: Dict[str, Callable[[Dict[str, Any]], None]] = {
    "sqlite": _sqlite,
    "postgresql": _postgresql,
    "mysql": _mysql,
}


# --- starting


def load(request: Request) -> Tuple[Any, List[str]]:
    """Become the project, with nothing of it that speaks to others; returns its WSGI application, and notes."""
    import django
    from django.conf import settings

    venv_probe.start(request)
    notes = substitute(request)
    venv_quiet.allow_peers(settings.DATABASES.values())
    venv_still.settle_settings(settings)
    venv_held.hold_apps()
    django.setup()
    _load_urls()  # views bring the queues along
    from django.core.servers.basehttp import get_internal_wsgi_application

    application = get_internal_wsgi_application()
    venv_quiet.STATE.programs, venv_quiet.STATE.asks = False, True
    return application, notes


def _load_urls() -> None:
    """Import what the first request would; what fails there is told of each page."""
    from django.urls import get_resolver

    with contextlib.suppress(Exception):
        get_resolver().reverse_dict  # noqa: B018


# --- asking


class Caught:
    """The exception that a request raised, which Django turned into a page."""

    def __init__(self) -> None:
        self.error: Optional[BaseException] = None
        self.refused: List[str] = []
        from django.core.signals import got_request_exception

        got_request_exception.connect(self.note, weak=False, dispatch_uid="relocate")

    def note(self, **_more: Any) -> None:
        """Keep the first one, and what had been refused before it."""
        self.keep(sys.exc_info()[1])

    def keep(self, error: Optional[BaseException]) -> None:
        """Keep it, unless there is one."""
        if self.error is None:
            self.error, self.refused = error, venv_quiet.STATE.mine()

    def clear(self) -> None:
        """Begin with another request."""
        self.error, self.refused = None, []
        del venv_quiet.STATE.refused[:]


def wanted(request: Request) -> Iterator[Question]:
    """Questions of the user and of old, then the pages that each site has. Each is for one path of one host."""
    given = request["questions"]
    host, scheme = _usual([question for question in given if question["host"]])
    for question in given:
        yield question if question["host"] else dict(question, host=host)
    plain = {"status": 0, "contains": "", "headers": {}, "title": "", "by_old": False}
    for path in venv_pages.usual_paths():
        yield dict(plain, path=path, host=host, scheme=scheme)


def _usual(given: List[Question]) -> Tuple[str, str]:
    """Choose the name and scheme that the site is asked by, where nobody says so."""
    from django.conf import settings

    if given:
        return given[0]["host"], given[0]["scheme"]
    names = [str(name).lstrip(".") for name in settings.ALLOWED_HOSTS if "*" not in str(name)]
    return (names or ["localhost"])[0], "http"


def environ_of(question: Question) -> Dict[str, Any]:
    """Return what a server gives the application, behind a proxy that speaks TLS where the settings want it."""
    from django.conf import settings

    header = getattr(settings, "SECURE_PROXY_SSL_HEADER", None)
    secure = question["scheme"] == "https" or header or getattr(settings, "SECURE_SSL_REDIRECT", False)
    path, _mark, query = question["path"].partition("?")
    name = urlsplit("//" + question["host"]).hostname or "localhost"
    environ = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(path, "latin-1") or "/",
        "QUERY_STRING": query,
        "REQUEST_URI": question["path"],
        "SERVER_NAME": name,
        "SERVER_PORT": "443" if secure else "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": question["host"],
        "HTTP_USER_AGENT": "relocate.django",
        "HTTP_ACCEPT": "text/html,*/*",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https" if secure else "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    if header and secure:
        environ[header[0]] = header[1]
    environ.update(("HTTP_" + key.upper().replace("-", "_"), str(value)) for key, value in question["headers"].items())
    return environ


def _get(application: Any, question: Question) -> Dict[str, Any]:
    """One request: its status, title and place of a redirect."""
    told = {"status": 0, "location": ""}

    def start_response(status: str, headers: List[Tuple[str, str]], _error: Any = None) -> Any:
        told["status"] = int(status.split(" ", 1)[0])
        told["location"] = next((value for name, value in headers if name.lower() == "location"), "")
        return lambda _data: None

    body = b""
    parts = application(environ_of(question), start_response)
    try:
        for part in parts:
            body += part
            if len(body) > _BODY:
                break
    finally:
        if hasattr(parts, "close"):
            parts.close()
    text = body.decode("utf-8", "replace")
    return dict(told, title=venv_pages.title_of(text), contained=question["contains"] in text)


def ask(application: Any, question: Question, caught: Caught, seconds: float) -> Dict[str, Any]:
    """Tell what became of one request."""
    caught.clear()
    venv_still.settle_queues()
    begun = time.time()
    found: Dict[str, Any] = {"status": 0, "title": "", "location": "", "contained": False}
    signal.setitimer(signal.ITIMER_REAL, seconds)
    late = False
    try:
        found = _get(application, question)
    except TooLong:
        late = True
    except (Exception, SystemExit) as failure:
        caught.keep(failure)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    error = caught.error
    refused = caught.refused if error else venv_quiet.STATE.mine()
    return dict(
        {key: question[key] for key in ("path", "host")},
        expected=question["status"],
        old_title=question["title"],
        by_old=question["by_old"],
        known=_is_known(question["path"]),
        late=late,
        seconds=round(time.time() - begun, 3),
        refused=refused[:5],
        refusal=venv_quiet.refusal_in(error),
        error=_described(error) if error else None,
        **found,
    )


def _is_known(path: str) -> bool:
    """Tell whether the code has a page of this path; where it cannot be asked, it may."""
    from django.urls import Resolver404, resolve

    try:
        resolve(unquote(path.partition("?")[0]))
    except Resolver404:
        return False
    except Exception:
        return True
    return True


def _described(error: BaseException) -> Dict[str, Any]:
    """Tell an exception with its last places, and with the last one in code of the project, however deep that is."""
    found = venv_secrets.describe_error("request", error)
    library = os.path.dirname(os.__file__) + os.sep
    own = ["{0}, line {1}, in {2}".format(*entry[:3]) for entry in traceback.extract_tb(error.__traceback__)
           if not entry[0].startswith(("<", library)) and "-packages" + os.sep not in entry[0]]  # fmt: skip
    if own and own[-1] not in found["lines"]:
        found["lines"].insert(0, own[-1])
    return found


def ask_all(application: Any, request: Request, say: Callable[[Dict[str, Any]], None]) -> None:
    """Ask each question, and where a redirect within the site leads."""
    signal.signal(signal.SIGALRM, _end)
    caught = Caught()
    todo = list(wanted(request))
    seen: Set[Any] = set()
    while todo and len(seen) < _MOST:
        question = todo.pop(0)
        place = (question["path"], question["host"], question["scheme"])
        if place in seen:
            continue
        seen.add(place)
        found = ask(application, question, caught, request["seconds"])
        target = _within(question, found["location"])
        # What a redirect leads to is what the user expects of the first address.
        found["redirects"] = False
        if target is not None and found["status"] != question["status"]:
            found["redirects"] = True
            todo.insert(0, target)
        say({"page": found, "secrets": venv_secrets.all_secrets(caught.error)})


def _within(question: Question, location: str) -> Optional[Question]:
    """Follow a redirect on the same site; None for none."""
    parts = urlsplit(location)
    own = urlsplit("//" + question["host"]).hostname
    if not location or (parts.hostname or own) != own or not parts.path.startswith("/"):
        return None
    path = parts.path + ("?" + parts.query if parts.query else "")
    return dict(question, path=path, scheme=parts.scheme or question["scheme"])


def _end(_number: int, _frame: Any) -> None:
    raise TooLong()


# --- request and answer


def work(request: Request, say: Callable[[Dict[str, Any]], None]) -> None:
    """Ask all; what keeps the project from starting is told instead."""
    try:
        venv_quiet.begin(request["place"])
        os.environ["PGOPTIONS"] = "-c default_transaction_read_only=on"  # of whoever connects without Django
        venv_quiet.confine(request["ports"])
        application, notes = load(request)
    except (Exception, SystemExit) as error:
        failed = venv_secrets.describe_error("start", error)
        say({"failed": failed, "secrets": venv_secrets.all_secrets(error)})
        return
    ask_all(application, request, say)
    say({"ended": True, "notes": notes + venv_still.told(), "secrets": venv_secrets.all_secrets()})


def main() -> None:
    """Tell line by line on standard error; what the project prints goes there too."""
    tell(work)


def tell(does: Callable[[Request, Callable[[Dict[str, Any]], None]], None]) -> None:
    """Read the request, do the work with it, and end. What it says goes to standard error, and nothing else does."""
    sys.stdout.flush()
    handle = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for number in (1, 2):
        os.dup2(nowhere, number)
    request = json.loads(sys.stdin.readline())
    stream = os.fdopen(handle, "wb")

    def say(found: Dict[str, Any]) -> None:
        data = base64.b64encode(zlib.compress(json.dumps(found, ensure_ascii=True).encode("ascii"), 6))
        stream.write(request["marker"].encode("ascii") + data + b"\n")
        stream.flush()

    does(request, say)
    venv_quiet.end()
    os._exit(0)  # threads that the project started, and its atexit hooks, must not keep us
