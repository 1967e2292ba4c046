# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pages that a site which has just started is asked for."""

from __future__ import annotations

import http.server
import math
import threading
import time
from collections.abc import Iterator

import pytest

from ansible_collections.relocate.django.plugins.module_utils._services import answers, warm
from ansible_collections.relocate.django.plugins.module_utils._services.answers import Answer, Question

pytestmark = pytest.mark.slow


class Site(http.server.BaseHTTPRequestHandler):
    """Answers with the status that the path names, and notes how many pages are made at a time."""

    now, most, asked = 0, 0, 0
    lock = threading.Lock()

    def do_GET(self) -> None:
        with self.lock:
            Site.now, Site.asked = Site.now + 1, Site.asked + 1
            Site.most, early = max(Site.most, Site.now), Site.asked < 4
        time.sleep(0.05)
        status = int(self.path[1:4])
        self.send_response(502 if self.path.endswith("/late") and early else status)
        self.end_headers()
        self.wfile.write(self.headers["Host"].encode())
        with self.lock:
            Site.now -= 1

    def log_message(self, *_args: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    Site.now = Site.most = Site.asked = 0
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_each_page_is_asked_for_once_and_four_at_a_time(url: str) -> None:
    pages = [Question(f"{url}/200/{number}", "shop.example") for number in range(12)]
    found = warm.warm(pages, 30)
    assert [page.url for page in found] == [page.url for page in pages], "in the order in which they were named"
    assert {page.status for page in found} == {200} and Site.asked == 12 and Site.most == 4
    assert [page.told() for page in found] == [None] * 12


def test_an_error_is_told_and_not_asked_for_again(url: str) -> None:
    [gone, good] = warm.warm([Question(url + "/500"), Question(url + "/200")], 30)
    assert gone.told() == f"relocate_warm: {url}/500 answers 500; it was left as cold as it is"
    assert (good.told(), Site.asked) == (None, 2)


def test_a_proxy_is_asked_until_the_site_is_up(url: str) -> None:
    [page] = warm.warm([Question(url + "/200/late")], 30)
    assert (page.status, Site.asked) == (200, 4)


def test_a_site_that_does_not_come_up_is_not_waited_for_longer_than_that() -> None:
    began = time.monotonic()
    [page] = warm.warm([Question("http://127.0.0.1:9/")], 1)
    assert page.status == 0 and "does not answer: Connection refused" in str(page.told())
    assert time.monotonic() - began < 5


def test_nobody_waits_for_it_any_more() -> None:
    gone = threading.Event()
    gone.set()
    assert warm.warm([Question("http://127.0.0.1:9/")], 60, gone.is_set) == []


def test_answers_have_their_own_time_once_a_page_came(url: str) -> None:
    def before(up: bool) -> answers.Before:
        def wait(_given_up: object) -> bool:
            time.sleep(1.2)
            return up

        return wait

    late = Question(url + "/200/late")
    assert answers.Asking([late], 1.0, before(True)).finish()[0]["attempts"] > 1
    Site.asked = 0
    with pytest.raises(answers.RelocateError):
        answers.Asking([late], 1.0, before(False)).finish()
    assert Site.asked == 1


@pytest.mark.parametrize(
    ("answer", "again"),
    [
        (Answer(200), False),
        (Answer(404), False),
        (Answer(500), False),
        (Answer(502), True),
        (Answer(0, patience=math.inf), True),
        (Answer(0, why="a wrong certificate", patience=answers.GRACE), False),
        (Answer(0, why="no URL"), False),
    ],
)
def test_what_is_asked_again(answer: Answer, again: bool) -> None:
    assert warm._comes_up(answer) is again
