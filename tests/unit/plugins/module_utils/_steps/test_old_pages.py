# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What old is asked before the freeze, of a server of our own."""

from __future__ import annotations

import http.server
import itertools
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._discover.config_files import ConfigFiles
from ansible_collections.relocate.django.plugins.module_utils._discover.found import WebSite
from ansible_collections.relocate.django.plugins.module_utils._discover.places import Place
from ansible_collections.relocate.django.plugins.module_utils._discover.sites import FoundSite
from ansible_collections.relocate.django.plugins.module_utils._discover.system_files import SystemFiles
from ansible_collections.relocate.django.plugins.module_utils._steps import old_pages
from ansible_collections.relocate.django.plugins.module_utils._steps.belongings import Host
from ansible_collections.relocate.django.plugins.module_utils._steps.old_pages import OldPage, OldPages
from tests.unit.fakes import me

TITLES = {"/": "Shop &amp; more", "/login/": "Sign in", "/blog/": "Blog", "/odd/": "\u202e\x1b[2Ja"}


class Site(http.server.BaseHTTPRequestHandler):
    asked: list[str]
    count = itertools.count()

    def do_GET(self) -> None:
        self.asked.append(self.path)
        if self.path == "/moved/":
            self.send_response(302)
            self.send_header("Location", "/login/")
            self.end_headers()
            return
        known = self.path in (*TITLES, "/clock/", "/plain/") and self.headers["Host"] == "shop.example"
        self.send_response(200 if known else 401)
        self.end_headers()
        title = str(next(self.count)) if self.path == "/clock/" else TITLES.get(self.path, "")
        self.wfile.write(f"<title> {title} </title>".encode() if title else b"plain")

    def log_message(self, *_args: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    Site.asked = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def asked(port: int, log: Path, *usual: str, most: int = 9) -> OldPages:
    """Ask a site whose server writes this log."""
    web = WebSite("nginx", "nginx.service", ("shop.example",), ports=(("*", port, False),), logs=(str(log),))
    host = Host(ConfigFiles(), (), (web,), SystemFiles(ConfigFiles()))
    served = FoundSite("shop", Place("/srv/shop", "", webs=(web,)))
    return old_pages.ask(served, host, me(), {"usual": list(usual), "files": ["/static/"]}, most)


def write(log: Path, *paths: str) -> Path:
    log.write_text("".join(f'x "GET {path} HTTP/1.1" 200 1\n' for path in paths), encoding="utf-8")
    return log


def test_usual_pages_and_those_of_the_log_are_asked_as_visitors_do(port: int, tmp_path: Path) -> None:
    log = write(tmp_path / "log", "/blog/", "/moved/", "/plain/", "/static/x/", "/clock/", "/closed/", "/odd/")
    found = asked(port, log, "/", "/login/")
    assert set(found.pages) == {
        OldPage("/", "shop.example", "http", 200, "Shop & more"),
        OldPage("/login/", "shop.example", "http", 200, "Sign in"),
        OldPage("/blog/", "shop.example", "http", 200, "Blog"),
        OldPage("/moved/", "shop.example", "http", 200, "Sign in"),
        OldPage("/plain/", "shop.example", "http", 200),
        OldPage("/clock/", "shop.example", "http", 200),
        OldPage("/odd/", "shop.example", "http", 200, "\\u202e\\x1b[2Ja"),
    }
    assert set(found.notes) == {
        "the title of /clock/ is not compared: on old it changes from one request to the next",
        "not compared, since old does not answer them well itself: /closed/ (401)",
    }
    assert "/static/x/" not in Site.asked


def test_no_more_is_asked_than_is_allowed(port: int, tmp_path: Path) -> None:
    log = write(tmp_path / "log", "/blog/", "/plain/", "/clock/")
    assert [page.path for page in asked(port, log, "/", most=1).pages] == ["/", "/blog/"]
    found = asked(port, log, "/", most=0)
    assert [page.path for page in found.pages] == ["/"] and found.notes == ()


def test_what_cannot_be_compared_is_said(port: int, tmp_path: Path) -> None:
    assert asked(port, tmp_path / "gone", "/").notes == (
        "no address was taken out of old's access log: none that can be asked for was found in one",
    )
    host = Host(ConfigFiles(), (), (), SystemFiles(ConfigFiles()))
    said = ("no page was compared with old's: no web server on old passes requests on to the site",)
    for served in (None, FoundSite("shop", Place("/srv/shop", ""))):
        assert old_pages.ask(served, host, me(), {}, 3) == OldPages((), said)


def test_a_slow_site_is_not_waited_for(port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(old_pages, "_ALL", -1.0)
    assert asked(port, write(tmp_path / "log", "/blog/"), "/").notes == (
        "old took so long to answer that only 0 of its pages are compared",
    )
