# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A browser, and a server of pages."""

from __future__ import annotations

import functools
import http.server
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.tools import browser as driver


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serve files without a word; no page of ours has an icon, which browsers ask for by themselves."""

    def log_message(self, *_arguments: object) -> None:
        pass

    def do_GET(self) -> None:
        if self.path == "/favicon.ico":
            self.send_response(204)
            self.end_headers()
            return
        super().do_GET()


@pytest.fixture(scope="session")
def browser() -> Iterator[driver.Browser]:
    """One Chromium for all tests. Without it they are skipped, or fail where RELOCATE_LAB_REQUIRED=1."""
    program = driver.find_chromium()
    if program is None:
        if os.environ.get("RELOCATE_LAB_REQUIRED") == "1":
            pytest.fail("no Chromium: install chromium")
        pytest.skip("no Chromium")
    with driver.chromium(program) as found:
        yield found


@pytest.fixture
def served() -> Iterator[Callable[[Path], str]]:
    """Serve a directory; gives its address."""
    servers = []

    def serve(directory: Path) -> str:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(directory)))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()
