# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A headless Chromium that is asked by its own protocol over a pipe: pages are opened, looked at and photographed.

Needed are the program `chromium`, and axe-core out of a package of the index; neither a driver nor Node.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.tools.collection import ROOT

PHOTOGRAPHS = ROOT / "build" / "screenshots"
#: A package that carries axe-core's one file. Of it nothing else is used, nor what it would need.
AXE = "axe-playwright-python==0.1.8"
_AXE_FILE = "axe_playwright_python/axe.min.js"
_PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
_SECONDS = 60.0


class BrowserError(Exception):
    """The browser did not do what it was asked."""


def find_chromium() -> str | None:
    """Return the path of the program, or None."""
    return next(filter(None, map(shutil.which, _PROGRAMS)), None)


def axe() -> str:
    """Return the source of axe-core: RELOCATE_AXE names another one than the package's, which is kept in build/."""
    kept = Path(os.environ.get("RELOCATE_AXE") or ROOT / "build" / "axe" / f"{AXE}.js")
    if not kept.exists():
        with tempfile.TemporaryDirectory() as directory:
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
            subprocess.run([*pip, "--dest", directory, AXE], check=True, stdout=subprocess.DEVNULL)
            with zipfile.ZipFile(next(Path(directory).glob("*.whl"))) as archive:
                kept.parent.mkdir(parents=True, exist_ok=True)
                kept.write_bytes(archive.read(_AXE_FILE))
    return kept.read_text(encoding="utf-8")


class Browser:
    """One page of a Chromium. What it complained about is in :attr:`complaints`, what it loaded in :attr:`loaded`."""

    def __init__(self, reading: int, writing: int) -> None:
        """Take the ends of its pipes, and open a page."""
        self._reading, self._writing = reading, writing
        self._number, self._rest, self._session = 0, b"", ""
        self._loaded = False
        self.complaints: list[str] = []
        self.loaded: list[str] = []
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **parameters: Any) -> Any:
        """Send one command and return its answer. Raises BrowserError."""
        self._number += 1
        session = {"sessionId": self._session} if self._session else {}
        message = {"id": self._number, "method": method, "params": parameters, **session}
        _write(self._writing, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + _SECONDS
        while time.monotonic() < end:
            found = self._next()
            if found.get("id") == self._number:
                if "error" in found:
                    raise BrowserError(f"{method}: {found['error'].get('message')}")
                return found["result"]
        raise BrowserError(f"{method}: no answer")

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            part = os.read(self._reading, 1 << 20)
            if not part:
                raise BrowserError("the browser is gone")
            self._rest += part
        text, _end, self._rest = self._rest.partition(b"\0")
        found: dict[str, Any] = json.loads(text)
        self._note(found.get("method", ""), found.get("params", {}))
        return found

    def _note(self, event: str, about: dict[str, Any]) -> None:
        if event == "Page.loadEventFired":
            self._loaded = True
        elif event == "Network.requestWillBeSent":
            self.loaded.append(about["request"]["url"])
        elif event == "Runtime.exceptionThrown":
            details = about["exceptionDetails"]
            self.complaints.append(str(details.get("exception", {}).get("description") or details["text"]))
        elif event == "Log.entryAdded" and about["entry"]["level"] == "error":
            self.complaints.append(f"{about['entry']['text']} {about['entry'].get('url', '')}".strip())
        elif event == "Runtime.consoleAPICalled" and about["type"] in ("error", "assert"):
            self.complaints.append(" ".join(str(item.get("value", item)) for item in about["args"]))

    def open(self, url: str, width: int, dark: bool = False) -> None:
        """Open a page at a width in pixels, and wait until all of it is there."""
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        self.ask("Emulation.setEmulatedMedia", features=scheme)
        self.complaints.clear()
        self.loaded.clear()
        self._loaded = False
        self.ask("Page.navigate", url=url)
        end = time.monotonic() + _SECONDS
        while not self._loaded:
            if time.monotonic() > end:
                raise BrowserError(f"{url} does not load")
            self._next()

    def run(self, expression: str) -> Any:
        """Return the value of JavaScript on the page, of a promise what it becomes. Raises BrowserError."""
        found = self.ask("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in found:
            raise BrowserError(str(found["exceptionDetails"].get("exception", {}).get("description")))
        return found["result"].get("value")

    def wait_for(self, expression: str) -> Any:
        """Return the value of JavaScript as soon as it is true. Raises BrowserError."""
        end = time.monotonic() + _SECONDS
        while time.monotonic() < end:
            found = self.run(expression)
            if found:
                return found
            time.sleep(0.05)
        raise BrowserError(f"never true: {expression}")

    def violations(self) -> list[str]:
        """Return what axe-core finds on the page, each with the elements."""
        self.run(f"window.axe || (() => {{ {axe()} }})()")
        rules = "{resultTypes: ['violations'], elementRef: false}"
        found = self.run(f"axe.run(document, {rules}).then(found => found.violations)")
        return [_violation(item) for item in found]

    def overflow(self) -> int:
        """Return by how many pixels the page is wider than what shows it."""
        return int(self.run("document.scrollingElement.scrollWidth - document.scrollingElement.clientWidth"))

    def photograph(self, name: str, height: int = 2400) -> Path:
        """Write what the page looks like, from its top to a height in pixels, below build/screenshots."""
        size = self.ask("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], height), "scale": 1}
        found = self.ask("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)
        PHOTOGRAPHS.mkdir(parents=True, exist_ok=True)
        path = PHOTOGRAPHS / f"{name}.png"
        path.write_bytes(base64.b64decode(found["data"]))
        return path


def _violation(found: dict[str, Any]) -> str:
    where = " | ".join(str(node["target"]) for node in found["nodes"][:5])
    return f"{found['impact']}: {found['id']}: {found['help']}: {where}"


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _high(descriptor: int) -> int:
    """Move a descriptor out of the way of those that the browser's own ends take."""
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(descriptor)
    return moved


@contextlib.contextmanager
def chromium(program: str) -> Iterator[Browser]:
    """Start the program with an empty profile, and give its page; all of it is gone afterwards."""
    its_end, our_writing = map(_high, os.pipe())
    our_reading, its_other_end = map(_high, os.pipe())
    with contextlib.ExitStack() as left:
        for descriptor in (our_writing, our_reading):
            left.callback(os.close, descriptor)
        profile = left.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        # As root it has no sandbox; it opens nothing but pages of ours.
        options = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--hide-scrollbars",
        ]
        options += [f"--user-data-dir={profile}", "--remote-debugging-pipe", "about:blank"]
        # What it is asked by has the numbers 3 and 4.
        script = f'exec "$@" 3<&{its_end} 4>&{its_other_end}'
        process = subprocess.Popen(
            ["bash", "-c", script, "bash", program, *options],
            pass_fds=(its_end, its_other_end),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for descriptor in (its_end, its_other_end):
            os.close(descriptor)
        left.callback(process.wait)
        left.callback(process.kill)
        yield Browser(our_reading, our_writing)
