# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers of a site, asked of a server of our own."""

from __future__ import annotations

import contextlib
import http.server
import shutil
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._services import answers
from ansible_collections.relocate.django.plugins.module_utils._services.answers import Question, ask, expect
from tests.unit.fakes import refused

pytestmark = pytest.mark.slow


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
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
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


@pytest.mark.parametrize(
    ("asked", "command"),
    [
        ({"url": "http://127.0.0.1:1/a?b=1&c=2"}, "curl -i 'http://127.0.0.1:1/a?b=1&c=2'"),
        ({"url": "http://127.0.0.1:1/", "host": "shop.example"}, "curl -i -H 'Host: shop.example' http://127.0.0.1:1/"),
    ],
)
def test_the_hint_is_a_command_that_asks_the_same(asked: dict[str, str], command: str) -> None:
    with pytest.raises(RelocateError) as caught:
        expect([Question(**asked)], 0)  # type: ignore[arg-type]
    assert caught.value.hint == f"ask it by hand on this host: {command}"


def test_tags_are_left_out() -> None:
    assert answers.plain_text("<p>a<b>b</b>\n<style>c</style> d</p>") == "a b d"


@pytest.mark.parametrize("word", ["<", "<script ", "<style><"])
def test_a_page_over_which_a_search_could_take_hours(word: str) -> None:
    began = time.process_time()
    answers.plain_text(word * (1024 * 1024 // len(word)))
    assert time.process_time() - began < 3


class Dripping(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Never end: within the page, or before it begins."""
        first = b"HTTP/1.0 200 OK\r\n\r\nWelcome" if self.path == "/events" else b"HTTP/1.0 200 OK\r\nX-A: "
        if self.path == "/continue":
            first = b"HTTP/1.1 100 Continue\r\n\r\n"
        with contextlib.suppress(OSError):
            self.wfile.write(first)
            for _number in range(100):
                self.wfile.write(first if self.path == "/continue" else b".")
                self.wfile.flush()
                time.sleep(0.1)

    def log_message(self, *_args: object) -> None:
        pass


@pytest.mark.parametrize(
    ("path", "contains", "text"),
    [
        ("/events", "Welcome", ""),
        ("/events", "never", "answers 200 without the expected text: Welcome"),
        ("/header", "", "does not answer: it does not end within 1 s"),
        ("/continue", "", "does not answer: it does not end within 1 s"),
    ],
)
def test_an_answer_that_never_ends(path: str, contains: str, text: str) -> None:
    """The site is down meanwhile: each byte would begin the timeout anew."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Dripping) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        question = Question(f"http://127.0.0.1:{server.server_address[1]}{path}", contains=contains)
        began = time.monotonic()
        with refused("site_silent", text) if text else contextlib.nullcontext():
            expect([question], 1)
        assert time.monotonic() - began < 9  # it drips for ten seconds
        server.shutdown()


def spent(question: Question, timeout: float = 30.0) -> float:
    """Seconds until it is told that the answer is wrong."""
    began = time.monotonic()
    with refused("site_silent", ""):
        expect([question], timeout)
    return time.monotonic() - began


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "GRACE", 0.3)
    monkeypatch.setattr(answers, "PAUSE", 0.1)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("url", "least", "most"),
    [
        ("http://name.invalid/", 0, 5),  # nobody knows it: at once, whatever the resolver takes
        ("http://[x/", 0, 2),
        ("https://127.0.0.1:{port}/", 0, 2.4),  # no TLS there
        ("http://127.0.0.1:{port}/404", 0.1, 2),
        ("http://127.0.0.1:{port}/500", 0.1, 2),
        ("http://127.0.0.1:{port}/200", 0.1, 2),
        ("http://127.0.0.1:{port}/503", 1, 4),
        ("http://127.0.0.1:{port}/502", 1, 4),
        ("http://127.0.0.1:1/", 1, 4),
    ],
)
def test_only_what_can_heal_is_waited_for(statuses: int, url: str, least: float, most: float) -> None:
    assert least <= spent(Question(url.format(port=statuses), contains="never"), 1.5) <= most


class Statuses(http.server.BaseHTTPRequestHandler):
    seen: ClassVar[dict[str, int]] = {}

    def do_GET(self) -> None:
        self.seen[self.path] = self.seen.get(self.path, 0) + 1
        late = self.path == "/late" and self.seen[self.path] < 4
        self.send_response(503 if late else int(self.path[1:]) if self.path[1:].isdigit() else 200)
        self.end_headers()
        self.wfile.write(b"Welcome")

    def log_message(self, *_args: object) -> None:
        pass


@pytest.fixture
def statuses() -> Iterator[int]:
    Statuses.seen.clear()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Statuses) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.mark.usefixtures("impatient")
def test_a_site_that_comes_up_is_waited_for(statuses: int) -> None:
    found = expect([Question(f"http://127.0.0.1:{statuses}/late", contains="Welcome")], 20)
    assert found[0]["attempts"] == 4


@pytest.mark.usefixtures("impatient")
def test_a_wrong_certificate_is_told_soon(tmp_path: Path, statuses: int) -> None:
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    argv = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "1",
    ]
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed")
    made = [*argv, "-subj", "/CN=other.example", "-keyout", str(key), "-out", str(cert)]
    subprocess.run(made, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Statuses) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        url = f"https://127.0.0.1:{server.server_address[1]}/200"
        began = time.monotonic()
        with refused("site_silent", "the certificate is refused: "):
            expect([Question(url, "shop.example")], 30)
        assert time.monotonic() - began < 25  # it could ask for 30 s
        assert expect([Question(url, "shop.example", validate_certs=False)], 5)[0]["status"] == 200
        server.shutdown()


def test_old_is_asked_the_same_before_the_freeze(statuses: int) -> None:
    base = f"http://127.0.0.1:{statuses}"
    questions = [
        Question(base + "/200", contains="Welcome"),
        Question(base + "/500"),
        Question(base + "/404", old=False),
        Question(base + "/200", contains="only new says this"),
    ]
    found = answers.asked_before(questions, 5)
    assert [error.code for error in found] == ["site_silent", "site_silent"]
    assert found[0].msg.startswith(f"the old site: {base}/500 answers 500 instead of 200")
    assert "relocate_answers" in found[0].hint and "old: false" in found[0].hint


def test_it_is_asked_while_others_are_waited_for(url: str) -> None:
    asking = answers.Asking([Question(url, "shop.example")], 5)
    before = time.monotonic()
    asking.begin()
    assert asking.finish()[0]["status"] == 200 and before < asking.at < time.monotonic()
    nothing = answers.Asking([], 5)
    nothing.begin()
    assert (nothing.finish(), nothing.at) == ([], 0.0)


def test_nobody_is_asked_any_more_once_that_is_given_up() -> None:
    asking = answers.Asking([Question("http://127.0.0.1:9/")], 60)
    asking.begin()
    asking.give_up()
    began = time.monotonic()
    with refused("site_silent", "does not answer"):
        asking.finish()
    assert time.monotonic() - began < 5 and asking.at == 0.0


def test_what_comes_up_is_asked_often_at_first(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    clock = [0.0]

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        clock[0] += seconds

    monkeypatch.setattr(answers.time, "sleep", sleep)
    monkeypatch.setattr(answers.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(answers, "ask", lambda *_args: answers.Answer(502, patience=float("inf")))
    with refused("site_silent", "answers 502"):
        expect([Question("http://127.0.0.1/")], 9)
    assert set(pauses[:90]) == {answers._SOON} and set(pauses[101:]) == {answers.PAUSE} and sum(pauses) <= 9
