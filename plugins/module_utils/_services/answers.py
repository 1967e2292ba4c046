# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks that the site answers on this host: HTTP to a given address, under the site's name, before DNS points here."""

from __future__ import annotations

import contextlib
import http.client
import math
import re
import shlex
import socket
import ssl
import threading
import time
import urllib.parse
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._secrets import without_secrets

_BODY = 1024 * 1024  # bytes read of an answer
_SHOWN = 16 * 1024  # characters of a page that are looked through for its text
_HOPS = 5
PAUSE = 0.5  # seconds between attempts
_SOON, _AT_FIRST = (
    0.05,
    5.0,
)  # seconds between attempts at first, and for how long: what comes up is downtime until then
#: Statuses of a proxy or a server that waits for the application to come up.
HEALING = (408, 425, 429, 502, 503, 504)
GRACE = 5.0  # seconds in which a proxy that was reloaded may still answer as it did before


@dataclass(frozen=True)
class Question:
    """One request, and the answer that is expected."""

    url: str
    host: str = ""
    status: int = 200
    contains: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    validate_certs: bool = True
    old: bool = True  # whether old is asked too, before the freeze


@dataclass(frozen=True)
class Answer:
    """The answer that came back; status 0 when none did."""

    status: int
    body: str = ""
    location: str = ""
    why: str = ""
    patience: float = 0.0  # seconds for which it is worth asking again; math.inf for an error that can heal


class _Limited:
    """Cuts a connection after so many seconds: a timeout of the socket begins anew with each byte.

    :param seconds: for all of a request, however slowly its answer comes
    """

    def __init__(self, seconds: float) -> None:
        self.over = False
        self._socket: Optional[socket.socket] = None
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> _Limited:
        self._timer.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._timer.cancel()

    def watch(self, link: socket.socket) -> None:
        """Cut this one."""
        self._socket = link
        if self.over:
            self._cut()

    def _cut(self) -> None:
        self.over = True
        if self._socket is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


class _Plain(http.client.HTTPConnection):
    """HTTP that is cut when it takes too long."""

    def __init__(self, host: str, port: int, timeout: float, limited: _Limited) -> None:
        super().__init__(host, port, timeout=timeout)
        self._limited = limited

    def connect(self) -> None:
        super().connect()
        self._limited.watch(self.sock)


class _Pinned(http.client.HTTPSConnection):
    """TLS to an address, checked against the site's name rather than against that address."""

    def __init__(
        self, host: str, port: int, timeout: float, limited: _Limited, name: str, context: ssl.SSLContext
    ) -> None:
        super().__init__(host, port, context=context, timeout=timeout)
        self._name, self._tls, self._limited = name, context, limited

    def connect(self) -> None:
        plain = socket.create_connection((self.host, self.port), self.timeout)
        link = self._tls.wrap_socket(plain, server_hostname=self._name, do_handshake_on_connect=False)
        self.sock = link
        self._limited.watch(link)
        link.do_handshake()


def ask(question: Question, timeout: float) -> Answer:
    """One request with its redirects, which are followed on the site's own name only."""
    try:
        return _follow(question, timeout)
    except ValueError:
        return Answer(0, why="its url, or what it redirects to, is no URL")


def _at_the_address(found: urllib.parse.SplitResult, asked: urllib.parse.SplitResult) -> urllib.parse.SplitResult:
    """Give the place that a redirect leads to, at the address that was asked before."""
    port = found.port or (asked.port if found.scheme == asked.scheme else None)
    address = asked.hostname or ""
    where = "[{0}]".format(address) if ":" in address else address
    return found._replace(netloc=where + (":{0}".format(port) if port else ""))


def _follow(question: Question, timeout: float) -> Answer:
    target = urllib.parse.urlsplit(question.url)
    name = question.host or target.netloc.rpartition("@")[2]
    deadline = time.monotonic() + timeout
    for _hop in range(_HOPS):
        answer = _request(question, target, name, max(1.0, deadline - time.monotonic()))
        here = urllib.parse.urlunsplit((target.scheme, name, target.path, "", ""))
        found = urllib.parse.urlsplit(urllib.parse.urljoin(here, answer.location))
        own = {_hostname(name), target.hostname}
        if not answer.location or answer.status == question.status or found.hostname not in own:
            return answer
        target = _at_the_address(found, target)
    return Answer(0, why="more than {0} redirects".format(_HOPS), patience=GRACE)


def _hostname(name: str) -> str:
    return (urllib.parse.urlsplit("//" + name).hostname or "").lower()


def _request(question: Question, target: urllib.parse.SplitResult, name: str, timeout: float) -> Answer:
    path = urllib.parse.urlunsplit(("", "", target.path or "/", target.query, ""))
    headers = {"Host": name, "User-Agent": "relocate.django", "Connection": "close", **question.headers}
    with _Limited(timeout) as limited:
        try:
            link = _link(question, target, name, timeout, limited)
            try:
                link.request("GET", path, headers=headers)
                response = link.getresponse()
                if limited.over:  # the end of the headers is not that of the answer
                    raise TimeoutError
                return _read(response, limited)
            finally:
                link.close()
        except (OSError, http.client.HTTPException, ValueError) as exc:
            why = "it does not end within {0:g} s".format(timeout) if limited.over else _why(exc)
            return Answer(0, why=why, patience=_patience(exc))


def _link(
    question: Question, target: urllib.parse.SplitResult, name: str, timeout: float, limited: _Limited
) -> http.client.HTTPConnection:
    address = target.hostname or ""
    if target.scheme != "https":
        return _Plain(address, target.port or 80, timeout, limited)
    context = ssl.create_default_context()
    if not question.validate_certs:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return _Pinned(address, target.port or 443, timeout, limited, _hostname(name), context)


def _read(response: http.client.HTTPResponse, limited: _Limited) -> Answer:
    """The answer; of a page that never ends, what has come until the time was over."""
    body = bytearray()
    try:
        while len(body) < _BODY:
            part = response.read1(_BODY - len(body))
            if not part:
                break
            body += part
    except (OSError, http.client.HTTPException, ValueError):
        if not limited.over:
            raise
    location = response.getheader("Location") or ""
    return Answer(
        response.status,
        body.decode("utf-8", "replace"),
        location if 300 <= response.status < 400 else "",
        patience=math.inf if response.status in HEALING else GRACE,
    )


def _why(exc: Exception) -> str:
    if isinstance(exc, ssl.SSLCertVerificationError):
        return "the certificate is refused: {0}".format(exc.verify_message)
    return getattr(exc, "strerror", None) or type(exc).__name__


def _patience(exc: Exception) -> float:
    """For how many seconds an error may be one of a site that is coming up.

    Nobody listens yet, or what listens is not ready: as long as the user waits. A certificate may be the one from
    before a reload. A name that is unknown, an address that is none, a port that speaks no TLS: not at all.
    """
    if isinstance(exc, ssl.SSLCertVerificationError):
        return GRACE
    if isinstance(exc, ssl.SSLError):
        return 0.0 if exc.reason == "WRONG_VERSION_NUMBER" else math.inf
    if isinstance(exc, socket.gaierror):
        return math.inf if exc.errno == socket.EAI_AGAIN else 0.0
    return 0.0 if isinstance(exc, (ValueError, http.client.InvalidURL)) else math.inf


def fits(question: Question, answer: Answer) -> bool:
    """Tell whether the answer is the expected one."""
    return answer.status == question.status and question.contains in answer.body


def plain_text(body: str, limit: int = 200) -> str:
    """The beginning of a page without its tags, as an error message can show it.

    Each ``<`` that nothing closes is looked after to the end: of a whole page that would take hours.
    """
    text = re.sub(r"(?is)<(script|style)\b.*?</\1>|<[^>]*>", " ", body[:_SHOWN])
    return " ".join(text.split())[:limit]


def expect(
    questions: Sequence[Question], timeout: float, given_up: Callable[[], bool] = lambda: False
) -> List[Dict[str, Any]]:
    """Ask until every answer is as expected, ``timeout`` seconds in all, as long as what comes back can become it.

    :param given_up: tells that nobody waits for it any more
    Raises site_silent for one that is not.
    """
    begun = time.monotonic()
    return [_expect_one(question, begun, begun + timeout, given_up) for question in questions]


def _expect_one(question: Question, begun: float, deadline: float, given_up: Callable[[], bool]) -> Dict[str, Any]:
    attempts, wrong_since = 0, 0.0
    while True:
        attempts += 1
        answer = ask(question, max(1.0, min(10.0, deadline - time.monotonic())))
        if fits(question, answer):
            return {"url": question.url, "host": question.host, "status": answer.status, "attempts": attempts}
        now = time.monotonic()
        pause = _SOON if now - begun < _AT_FIRST else PAUSE
        wrong_since = (wrong_since or now) if answer.patience < math.inf else 0.0
        late = now + pause > deadline or (wrong_since and now + pause > wrong_since + answer.patience)
        if late or given_up():
            raise _silent(question, answer)
        time.sleep(pause)


#: Given what tells that nobody waits any more, does what comes before the answers; tells whether anything answered.
Before = Callable[[Callable[[], bool]], bool]


class Asking:
    """Asks for the answers while the units that give them are watched: they may come long before these have settled.

    :param timeout: seconds from :meth:`begin` on; from the end of ``before`` on, where anything answered that
    """

    def __init__(self, questions: Sequence[Question], timeout: float, before: Before = lambda _given_up: False) -> None:
        self.at = 0.0  # when the last of them was right, by the monotonic clock; 0 without a question
        self._questions, self._timeout, self._before = questions, timeout, before
        self._given_up = threading.Event()
        self._answers: List[Dict[str, Any]] = []
        self._error: Optional[BaseException] = None
        self._thread = threading.Thread(target=self._ask, daemon=True)

    def begin(self) -> None:
        """Ask from now on."""
        self._thread.start()

    def _ask(self) -> None:
        try:
            begun = time.monotonic()
            up = self._before(self._given_up.is_set)
            left = self._timeout if up else begun + self._timeout - time.monotonic()
            self._answers = expect(self._questions, left, self._given_up.is_set)
            self.at = time.monotonic() if self._questions else 0.0
        except BaseException as error:
            self._error = error

    def give_up(self) -> None:
        """Ask no more: the units did not stay up."""
        self._given_up.set()

    def finish(self) -> List[Dict[str, Any]]:
        """Wait for the answers, asked from now on where that has not begun. Raises site_silent."""
        if self._thread.ident is None:
            self.begin()
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._answers


def asked_before(questions: Sequence[Question], timeout: float) -> List[RelocateError]:
    """Ask each once while the site serves on old: what does not answer there is expected wrongly, or broken."""
    errors = []
    for question in questions:
        if not question.old:
            continue
        answer = ask(question, max(1.0, min(10.0, timeout)))
        if not fits(question, answer):
            error = _silent(question, answer)
            hint = (
                "correct relocate_answers, or the site: the same request is asked of new before the cutover. Where old "
                "cannot answer it, as under another address, set old: false in its item; {0}".format(error.hint)
            )
            errors.append(RelocateError(error.code, "the old site: " + error.msg, hint, error.details))
    return errors


def _silent(question: Question, answer: Answer) -> RelocateError:
    asked = question.url + (" (Host: {0})".format(question.host) if question.host else "")
    found = without_secrets(plain_text(answer.body))
    if not answer.status:
        msg = "{0} does not answer: {1}".format(asked, answer.why)
    elif answer.status != question.status:
        msg = "{0} answers {1} instead of {2}: {3}".format(asked, answer.status, question.status, found)
    else:
        msg = "{0} answers {1} without the expected text: {2}".format(asked, answer.status, found)
    if answer.location:
        msg += " (redirects to {0})".format(urllib.parse.urlsplit(answer.location)._replace(query="").geturl())
    header = ["-H", "Host: " + question.host] if question.host else []
    command = " ".join(shlex.quote(word) for word in ["curl", "-i", *header, question.url])
    hint = "ask it by hand on this host: " + command
    return RelocateError("site_silent", msg, hint, {"url": question.url, "status": answer.status})
