# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""People hear how a run ended; what cannot be told is said without an address, and changes nothing."""

from __future__ import annotations

import http.server
import json
import socketserver
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.action import report
from ansible_collections.relocate.django.plugins.plugin_utils import _notify
from tests.unit.plugins.plugin_utils.test_report import FAILED, MOVED, enriched

SECRET = "T0PS3CRET"
GOOD = _notify.document([enriched(**MOVED)], "Site shop: MOVED")
BAD = _notify.document([enriched(**FAILED)], "Site shop: FAILED")


class Hook(http.server.BaseHTTPRequestHandler):
    got: list[tuple[str, Any]]
    answers: list[int]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.got.append((self.path, json.loads(body)))
        self.send_response(self.answers.pop(0))
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        pass


class Mailbox(socketserver.StreamRequestHandler):
    """As much of SMTP as takes one mail."""

    got: list[str]

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        for line in self.rfile:
            if line.upper().startswith(b"DATA"):
                self.wfile.write(b"354 go on\r\n")
                self.got.append(b"".join(iter(self.rfile.readline, b".\r\n")).decode())
            self.wfile.write(b"221 bye\r\n" if line.upper().startswith(b"QUIT") else b"250 good\r\n")


@pytest.fixture
def hook() -> Iterator[tuple[str, list[tuple[str, Any]], list[int]]]:
    got: list[tuple[str, Any]] = []
    answers: list[int] = []
    handler = type("H", (Hook,), {"got": got, "answers": answers})
    with http.server.HTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/hooks/{SECRET}?a=b", got, answers
        server.shutdown()


def test_a_webhook_gets_figures_and_text(hook: Any) -> None:
    url, got, answers = hook
    answers += [204]
    assert _notify.sent({"webhook": url}, GOOD) == []
    [(path, found)] = got
    assert path == f"/hooks/{SECRET}?a=b"
    assert found["format"] == 1 and found["status"] == "good" and found["text"] == "Site shop: MOVED"
    site = {"site": "shop", "old": "old1", "new": "new1", "status": "moved", "downtime": 30.5, "total": 100.0}
    assert found["sites"] == [site]


def test_an_error_of_the_webhook_is_said_without_its_address(hook: Any) -> None:
    url, got, answers = hook
    answers += [500, 204]
    assert _notify.sent({"webhook": url}, BAD) == [] and len(got) == 2  # the second time it went well
    answers += [404, 404]
    [said] = _notify.sent({"webhook": url}, BAD)
    assert said == "the webhook could not be sent (HTTP 404)"


@pytest.mark.parametrize(
    "wanted",
    [
        {"webhook": f"http://127.0.0.1:9/{SECRET}"},
        {"webhook": f"ftp://x/{SECRET}"},
        {"webhook": f"http://127.0.0.1:{SECRET}/"},
        {"mail_to": f"{SECRET}@example.org", "smtp": "127.0.0.1:9"},
        {"mail_to": f"{SECRET}@example.org", "smtp": f"127.0.0.1:{SECRET}"},
        {"webhok": SECRET},
        {"webhook": SECRET, "when": "sometimes"},
        SECRET,
        [SECRET],
    ],
)
def test_what_cannot_be_told_is_said_without_secrets(wanted: Any) -> None:
    said = _notify.sent(wanted, BAD)
    assert len(said) == 1 and SECRET not in said[0]
    assert ("could not be sent" in said[0]) == (
        isinstance(wanted, dict) and "webhok" not in wanted and "when" not in wanted
    )


def test_a_mail_says_how_it_ended() -> None:
    got: list[str] = []
    with socketserver.TCPServer(("127.0.0.1", 0), type("M", (Mailbox,), {"got": got})) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        wanted = {"mail_to": "ops@example.org", "smtp": f"127.0.0.1:{server.server_address[1]}"}
        assert _notify.sent(wanted, BAD) == []
    [text] = got
    assert "Subject: relocate.django: failed: shop" in text and "Site shop: FAILED" in text
    assert "To: ops@example.org" in text and "From: ops@example.org" in text


def test_headers_of_a_mail_hold_one_line() -> None:
    found = _notify.document([{**enriched(**MOVED), "site": "a\nBcc: x@y"}], "t")
    assert "\n" not in str(_notify.mail({"mail_to": "a@b\nCc: c@d"}, found)["Subject"])
    assert "\n" not in str(_notify.mail({"mail_to": "a@b\nCc: c@d"}, found)["To"])


@pytest.mark.parametrize(("found", "calls"), [(GOOD, 0), (BAD, 1)])
def test_failures_alone(found: Any, calls: int) -> None:
    told: list[bytes] = []
    assert _notify.sent({"webhook": "x", "when": "failure"}, found, lambda _url, data: told.append(data)) == []
    assert len(told) == calls


def test_a_run_without_a_report_counts_as_failed() -> None:
    assert _notify.status([]) == "failed" and BAD["status"] == "failed" and BAD["sites"][0]["code"] == "load_failed"


def variables(**more: Any) -> dict[str, Any]:
    outcome = {**enriched(**MOVED), "run": "r"}
    return {"relocate_run": "r", "report_result": {"outcomes": [outcome]}, **more}


def test_the_end_of_a_run_tells_where_somebody_wants_it(hook: Any) -> None:
    url, got, answers = hook
    assert report.notified(["new1"], {"new1": variables()}, "") == [] and got == []
    answers += [200, 500, 500]
    run_of = {"new1": variables(), "new2": variables(relocate_notify={"webhook": url})}
    assert report.notified(["new1", "new2"], run_of, "") == []
    assert len(got[0][1]["sites"]) == 2 and "shop" in got[0][1]["text"]
    assert report.notified(["new2"], run_of, "what is left") == ["the webhook could not be sent (HTTP 500)"]
    assert got[-1][1]["text"] == "what is left"
