# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells people how a night ended: a ping after a good one; mail, a webhook and a command after one that failed.

Addresses are secrets: they reach no command line, and nothing that a failing hook says of them is passed on.
"""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import json
import time
import urllib.parse
from email.message import EmailMessage
from typing import Callable, List, Mapping, Type

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._nightly import night
from ansible_collections.relocate.django.plugins.module_utils._nightly.plan import Plan
from ansible_collections.relocate.django.plugins.module_utils._nightly.status import Status
from ansible_collections.relocate.django.plugins.module_utils._process import Command, find_program, run

_SECONDS = 30.0  # for each hook
_TRIES, _PAUSE = 3, 5.0
_LISTED = ("/usr/sbin", "/usr/lib")

_KINDS: Mapping[str, Type[http.client.HTTPConnection]] = {
    "http": http.client.HTTPConnection,
    "https": http.client.HTTPSConnection,
}

Post = Callable[[str, bytes], None]


class AnswerError(OSError):
    """What an address answered was not that all is well."""

    def __init__(self, status: int) -> None:
        super().__init__("HTTP {0}".format(status))


def post(url: str, data: bytes) -> None:
    """Send JSON to an address. Raises OSError, AnswerError for an answer that is no good one, or ValueError."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in _KINDS or not parts.hostname:
        raise ValueError("it is no http or https address")
    headers = {"Content-Type": "application/json", "User-Agent": "relocate.django"}
    path = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
    with contextlib.closing(_KINDS[parts.scheme](parts.hostname, parts.port, timeout=_SECONDS)) as connection:
        try:
            connection.request("POST", path, data, headers)
            status = connection.getresponse().status
        except http.client.HTTPException as exc:
            raise OSError("no answer of HTTP came ({0})".format(type(exc).__name__)) from exc
    if not 200 <= status < 300:
        raise AnswerError(status)


def good(plan: Plan, send: Post = post) -> List[str]:
    """Ping after a good night; returns what could not be told. A night is no worse for that."""
    return _sent("the ping", plan.ping, b"", send) if plan.ping else []


def failed(plan: Plan, status: Status, send: Post = post) -> List[str]:
    """Tell of a night that failed, by every hook that is set; returns what could not be told."""
    found: List[str] = []
    if plan.webhook:
        data = json.dumps({key: value for key, value in dataclasses.asdict(status).items() if key != "notes"})
        found += _sent("the webhook", plan.webhook, data.encode("utf-8"), send)
    if plan.mail_to:
        found += _mailed(plan, status)
    if plan.command:
        found += _ran(plan, status)
    return found


def _sent(what: str, url: str, data: bytes, send: Post) -> List[str]:
    why = ""
    for attempt in range(_TRIES):
        try:
            send(url, data)
            return []
        except AnswerError as error:
            why = str(error)
        except (OSError, ValueError) as error:  # whose text may hold the address
            why = type(error).__name__
        if attempt + 1 < _TRIES:
            time.sleep(_PAUSE)
    return ["{0} could not be sent: {1}".format(what, why)]


def message(plan: Plan, status: Status) -> bytes:
    """Return the mail."""
    mail = EmailMessage()
    mail["To"] = " ".join(plan.mail_to.split())
    subject = "{0} on {1}: the nightly backup failed [{2}]".format(status.site, status.host, status.code)
    mail["Subject"] = " ".join(subject.split())
    mail.set_content("\n".join(night.lines(status)) + "\n")
    return mail.as_bytes()


def _mailed(plan: Plan, status: Status) -> List[str]:
    program = find_program("sendmail", _LISTED)
    if program is None:
        return ["mail could not be sent: sendmail is not on this host"]
    try:
        done = run(Command([program, "-t", "-i"]), stdin=message(plan, status), timeout=_SECONDS)
    except RelocateError as error:
        return ["mail could not be sent: {0}".format(error.code)]
    return ["mail could not be sent: sendmail exited {0}".format(done.rc)] if done.rc else []


def _ran(plan: Plan, status: Status) -> List[str]:
    """The command is a shell's input, so that no list of processes shows it; it finds the status in its environment."""
    given = {"site": status.site, "host": status.host, "step": status.step, "code": status.code}
    env = {"RELOCATE_" + name.upper(): value for name, value in given.items()}
    env["RELOCATE_MESSAGE"] = status.message
    env["RELOCATE_STATUS"] = plan.status
    try:
        done = run(Command(["/bin/sh", "-s"], env=env), stdin=plan.command.encode("utf-8"), timeout=_SECONDS)
    except RelocateError as error:
        return ["the command of schedule_on_failure failed: {0}".format(error.code)]
    return ["the command of schedule_on_failure exited {0}".format(done.rc)] if done.rc else []
