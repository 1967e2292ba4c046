# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells people how a run ended, by a webhook and by mail, from the controller.

Addresses are secrets: what cannot be told is said without them. Nothing here changes how a run ended.
"""

from __future__ import annotations

import http.client
import json
import smtplib
import urllib.error
import urllib.parse
from email.message import EmailMessage
from typing import Any, Callable, Dict, List, Mapping, Sequence

from ansible.module_utils.urls import open_url

from ansible_collections.relocate.django.plugins.plugin_utils import _ending, _received

KEYS = ("mail_from", "mail_to", "smtp", "webhook", "when")
#: Of what is sent; another number is another meaning of a key.
FORMAT = 1
ALWAYS, FAILURE = "always", "failure"
_SECONDS, _TRIES = 30.0, 2
_SITE = ("site", "old", "new", "status", "code", "downtime", "total")
_AGENT = "relocate.django"


class AnswerError(OSError):
    """What an address answered was not that all is well; its text is safe to print."""


def document(outcomes: Sequence[Mapping[str, Any]], text: str) -> Dict[str, Any]:
    """Return what is sent: figures of each site, and the text that the run printed, which chats show by that key."""
    sites = [{key: item[key] for key in _SITE if item.get(key) not in (None, "")} for item in outcomes]
    return {"format": FORMAT, "status": status(outcomes), "sites": sites, "text": text}


def status(outcomes: Sequence[Mapping[str, Any]]) -> str:
    """Return one word for the run: failed when there is something to do after a site, or when none was reported."""
    good = outcomes and all(item["status"] not in _ending.FAILING for item in outcomes)
    return "good" if good else "failed"


def post(url: str, data: bytes) -> None:
    """Send JSON to an address, through proxies as Ansible does. Raises OSError (AnswerError is one) or ValueError."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("no http or https address")
    headers = {"Content-Type": "application/json"}
    try:
        # Who redirects would be told what was meant for another.
        open_url(url, data, headers, "POST", timeout=_SECONDS, http_agent=_AGENT, follow_redirects="none").close()
    except urllib.error.HTTPError as exc:
        raise AnswerError("HTTP {0}".format(exc.code)) from None
    except http.client.HTTPException as exc:
        raise OSError(type(exc).__name__) from exc


def mail(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> EmailMessage:
    """Return the mail about a run.

    :param wanted: relocate_notify
    :param found: the document
    """
    message = EmailMessage()
    message["To"] = " ".join(str(wanted["mail_to"]).split())
    message["From"] = " ".join(str(wanted.get("mail_from") or wanted["mail_to"]).split())
    sites = ", ".join(str(item["site"]) for item in found["sites"])
    message["Subject"] = " ".join("relocate.django: {0}: {1}".format(found["status"], sites or "no site").split())
    message.set_content(found["text"] + "\n")
    return message


def submit(server: str, message: EmailMessage) -> None:
    """Hand a mail to a server, `HOST` or `HOST:PORT`. Raises OSError or ValueError."""
    host, _colon, port = server.partition(":")
    with smtplib.SMTP(host, int(port or 25), timeout=_SECONDS) as connection:
        connection.send_message(message)


def sent(
    wanted: Any,
    found: Mapping[str, Any],
    does_post: Callable[[str, bytes], None] = post,
    does_submit: Callable[[str, EmailMessage], None] = submit,
) -> List[str]:
    """Tell by every way that is set; returns what could not be told, without addresses.

    :param wanted: relocate_notify, as the user set it
    :param found: the document
    """
    known = _received.mapping(wanted)
    unknown = sorted(set(map(str, known)) - set(KEYS))
    if unknown or (wanted and not known) or known.get("when", ALWAYS) not in (ALWAYS, FAILURE):
        return ["relocate_notify takes {0}; when is {1} or {2}".format(", ".join(KEYS), ALWAYS, FAILURE)]
    if known.get("when") == FAILURE and found["status"] == "good":
        return []
    left: List[str] = []
    if known.get("webhook"):
        data = json.dumps(found).encode("utf-8")
        left += _tried("the webhook", lambda: does_post(str(known["webhook"]), data))
    if known.get("mail_to"):
        server = str(known.get("smtp") or "localhost")
        left += _tried("the mail", lambda: does_submit(server, mail(known, found)))
    return left


def _tried(what: str, act: Callable[[], None]) -> List[str]:
    why = ""
    for _attempt in range(_TRIES):
        try:
            act()
            return []
        except AnswerError as exc:
            why = str(exc)
        except (OSError, ValueError) as exc:  # whose text may hold the address
            why = type(exc).__name__
    return ["{0} could not be sent ({1})".format(what, why)]
