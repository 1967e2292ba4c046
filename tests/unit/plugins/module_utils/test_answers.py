# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers of a site, asked of a server of our own."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator

import pytest

from ansible_collections.relocate.django.plugins.module_utils import _answers
from ansible_collections.relocate.django.plugins.module_utils._answers import Question, ask, expect
from tests.unit.fakes import refused


class Site(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        port = self.server.server_address[1]  # type: ignore[index]
        places = {
            "/there": f"http://shop.example:{port}/",
            "/relative": "/",
            "/away": "https://elsewhere.example/?token=abc",
            "/loop": "/loop",
        }
        if self.path in places:
            self.send_response(302)
            self.send_header("Location", places[self.path])
            self.end_headers()
            return
        known = self.headers["Host"].split(":")[0] == "shop.example"
        self.send_response(200 if known else 400)
        self.end_headers()
        self.wfile.write(f"<h1>Welcome</h1><script>x</script> to {self.headers['X-Colour']}".encode())

    def log_message(self, *_args: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.mark.parametrize("path", ["/", "", "/there", "/relative", "/?q=1"])
def test_an_answer_under_the_sites_name(url: str, path: str) -> None:
    found = expect([Question(url + path, "shop.example", contains="Welcome")], 3)
    assert found[0]["status"] == 200


def test_headers_are_sent(url: str) -> None:
    assert "to red" in ask(Question(url, "shop.example", headers={"X-Colour": "red"}), 3).body


@pytest.mark.parametrize(
    ("path", "more", "text"),
    [
        ("/", {}, "answers 400 instead of 200: Welcome to None"),
        ("/", {"host": "shop.example", "contains": "Goodbye"}, "without the expected text: Welcome"),
        ("/away", {"host": "shop.example"}, r"answers 302 .*redirects to https://elsewhere.example/\)"),
        ("/loop", {"host": "shop.example"}, "more than 5 redirects"),
    ],
)
def test_what_is_not_as_expected(url: str, path: str, more: dict[str, str], text: str) -> None:
    with refused("site_silent", text):
        expect([Question(url + path, **more)], 0)  # type: ignore[arg-type]


def test_an_expected_redirect_is_not_followed(url: str) -> None:
    assert expect([Question(url + "/away", "shop.example", status=302)], 1)


def test_nothing_listens() -> None:
    with refused("site_silent", "does not answer: Connection refused"):
        expect([Question("http://127.0.0.1:1/")], 0)


def test_tags_are_left_out() -> None:
    assert _answers.plain_text("<p>a<b>b</b>\n<style>c</style> d</p>") == "a b d"
