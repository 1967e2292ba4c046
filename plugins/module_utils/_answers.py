# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the site answers on this host: HTTP to a given address, under the site's name, before DNS points here."""

from __future__ import annotations

import http.client
import math
import re
import socket
import ssl
import time
import urllib.parse
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Sequence

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._systemd import without_secrets

_BODY = 1024 * 1024  # bytes read of an answer
_HOPS = 5
_PAUSE = 0.5  # seconds between attempts
#: Statuses of a proxy or a server that waits for the application to come up.
_HEALING = (408, 425, 429, 502, 503, 504)
_GRACE = 5.0  # seconds in which a proxy that was reloaded may still answer as it did before
#: The options of one question, for every module that asks.
SUBOPTIONS: Dict[str, Dict[str, Any]] = {
    "url": {"type": "str", "required": True},
    "host": {"type": "str", "default": ""},
    "status": {"type": "int", "default": 200},
    "contains": {"type": "str", "default": ""},
    "headers": {"type": "dict", "default": {}, "no_log": True},
    "validate_certs": {"type": "bool", "default": True},
    "old": {"type": "bool", "default": True},
}


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
    """What came back; status 0 when nothing did."""

    status: int
    body: str = ""
    location: str = ""
    why: str = ""
    patience: float = 0.0  # seconds for which it is worth asking again; math.inf for an error that can heal


class _Pinned(http.client.HTTPSConnection):
    """TLS to an address, checked against the site's name rather than against that address."""

    def __init__(self, host: str, port: int, name: str, context: ssl.SSLContext, timeout: float) -> None:
        super().__init__(host, port, context=context, timeout=timeout)
        self._name, self._tls = name, context

    def connect(self) -> None:
        plain = socket.create_connection((self.host, self.port), self.timeout)
        self.sock = self._tls.wrap_socket(plain, server_hostname=self._name)


def ask(question: Question, timeout: float) -> Answer:
    """One request with its redirects, which are followed on the site's own name only."""
    try:
        return _follow(question, timeout)
    except ValueError:
        return Answer(0, why="its url, or what it redirects to, is no URL")


def _follow(question: Question, timeout: float) -> Answer:
    target = urllib.parse.urlsplit(question.url)
    name = question.host or target.netloc.rpartition("@")[2]
    for _hop in range(_HOPS):
        answer = _request(question, target, name, timeout)
        here = urllib.parse.urlunsplit((target.scheme, name, target.path, "", ""))
        found = urllib.parse.urlsplit(urllib.parse.urljoin(here, answer.location))
        own = {_hostname(name), target.hostname}
        if not answer.location or answer.status == question.status or found.hostname not in own:
            return answer
        port = found.port or (target.port if found.scheme == target.scheme else None)
        where = "[{0}]".format(target.hostname) if ":" in (target.hostname or "") else target.hostname or ""
        netloc = where + (":{0}".format(port) if port else "")
        target = found._replace(netloc=netloc)
    return Answer(0, why="more than {0} redirects".format(_HOPS), patience=_GRACE)


def _hostname(name: str) -> str:
    return (urllib.parse.urlsplit("//" + name).hostname or "").lower()


def _request(question: Question, target: urllib.parse.SplitResult, name: str, timeout: float) -> Answer:
    address = target.hostname or ""
    try:
        if target.scheme == "https":
            context = ssl.create_default_context()
            if not question.validate_certs:
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            link: http.client.HTTPConnection = _Pinned(address, target.port or 443, _hostname(name), context, timeout)
        else:
            link = http.client.HTTPConnection(address, target.port or 80, timeout=timeout)
        path = urllib.parse.urlunsplit(("", "", target.path or "/", target.query, ""))
        headers = {"Host": name, "User-Agent": "relocate.django", "Connection": "close", **question.headers}
        try:
            link.request("GET", path, headers=headers)
            response = link.getresponse()
            body = response.read(_BODY).decode("utf-8", "replace")
            location = response.getheader("Location") or ""
            patience = math.inf if response.status in _HEALING else _GRACE
            return Answer(response.status, body, location if 300 <= response.status < 400 else "", patience=patience)
        finally:
            link.close()
    except (OSError, http.client.HTTPException, ValueError) as exc:
        return Answer(0, why=_why(exc), patience=_patience(exc))


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
        return _GRACE
    if isinstance(exc, ssl.SSLError):
        return 0.0 if exc.reason == "WRONG_VERSION_NUMBER" else math.inf
    if isinstance(exc, socket.gaierror):
        return math.inf if exc.errno == socket.EAI_AGAIN else 0.0
    return 0.0 if isinstance(exc, (ValueError, http.client.InvalidURL)) else math.inf


def fits(question: Question, answer: Answer) -> bool:
    """Whether the answer is the expected one."""
    return answer.status == question.status and question.contains in answer.body


def plain_text(body: str, limit: int = 200) -> str:
    """The beginning of a page without its tags, as an error message can show it."""
    text = re.sub(r"(?is)<(script|style)\b.*?</\1>|<[^>]*>", " ", body)
    return " ".join(text.split())[:limit]


def expect(questions: Sequence[Question], timeout: float) -> List[Dict[str, Any]]:
    """Ask until every answer is as expected, ``timeout`` seconds in all, as long as what comes back can become it.

    Raises site_silent for one that is not.
    """
    deadline = time.monotonic() + timeout
    return [_expect_one(question, deadline) for question in questions]


def _expect_one(question: Question, deadline: float) -> Dict[str, Any]:
    attempts, wrong_since = 0, 0.0
    while True:
        attempts += 1
        answer = ask(question, max(1.0, min(10.0, deadline - time.monotonic())))
        if fits(question, answer):
            return {"url": question.url, "host": question.host, "status": answer.status, "attempts": attempts}
        now = time.monotonic()
        wrong_since = (wrong_since or now) if answer.patience < math.inf else 0.0
        if now + _PAUSE > deadline or (wrong_since and now + _PAUSE > wrong_since + answer.patience):
            raise _silent(question, answer)
        time.sleep(_PAUSE)


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
    hint = "ask it by hand on this host: curl -iH 'Host: {0}' {1}".format(question.host, question.url)
    return RelocateError("site_silent", msg, hint, {"url": question.url, "status": answer.status})
