# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The maintenance page: what nginx is given, and that nothing of it is left when nginx refuses it."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._process import Command, Completed
from ansible_collections.relocate.django.plugins.module_utils._services import config_test, maintenance
from ansible_collections.relocate.django.plugins.module_utils._services.maintenance import UNIT, Block, Page, config
from tests.unit.fakes import refused
from tests.unit.plugins.module_utils._services.played import Played, unit
from tests.unit.records import noted

PLAIN = Block(("shop.example.org", "www.example.org"), (("*", 80, False), ("::", 80, False)))
SECURE = Block(
    ("shop.example.org",), (("10.0.0.1", 8443, True), ("[fe80::1]", 443, True)), ("/etc/c.pem",), ("/etc/k",)
)


def test_what_nginx_is_given() -> None:
    text = config([PLAIN, SECURE], "/var/lib/relocate/shop.maintenance")
    plain, secure = text.split("server {\n")[1:]
    assert plain.startswith("    listen 80;\n    listen [::]:80;\n    server_name shop.example.org www.example.org;\n")
    assert "ssl" not in plain
    assert "    listen 10.0.0.1:8443 ssl;\n    listen [fe80::1]:443 ssl;\n" in secure
    assert "    ssl_certificate /etc/c.pem;\n    ssl_certificate_key /etc/k;\n" in secure
    for block in (plain, secure):
        assert "    location / { return 503; }\n" in block and "    add_header Retry-After 120 always;\n" in block
        assert (
            "    root /var/lib/relocate/shop.maintenance;\n    charset utf-8;\n    error_page 503 /page.html;\n"
            in block
        )


@pytest.mark.parametrize(
    "block",
    [
        Block((), (("*", 80, False),)),
        Block(("a",), ()),
        Block(("a; include /etc/shadow",), (("*", 80, False),)),
        Block(("a\n",), (("*", 80, False),)),
        Block(("a",), (("*; x", 80, False),)),
        Block(("a",), (("*", 443, True),)),
        Block(("a",), (("*", 443, True),), ("/c;x",), ("/k",)),
        Block(("a",), (("*", 443, True),), ("/c", "/d"), ("/k",)),
        Block(("a",), (("*", 443, True),), ("data:x",), ("/k",)),
    ],
    ids=repr,
)
def test_what_cannot_be_written_as_it_is(block: Block) -> None:
    assert not block.is_plain()


def test_what_can() -> None:
    assert PLAIN.is_plain() and SECURE.is_plain()


class Nginx(Played):
    """A systemd with nginx, and nginx' own test of what lies in its directory."""

    def __init__(self, place: Path, up: bool = True) -> None:
        super().__init__({UNIT: unit(UNIT, up)})
        self.place, self.bad, self.armed = place, "", {}  # type: ignore[var-annotated]

    def test(self, command: Command, timeout: float = 0) -> Completed:
        texts = [path.read_text() for path in self.place.glob("*.conf")]
        bad = self.bad and any(self.bad in text for text in texts)
        return Completed(tuple(command.argv), int(bool(bad)), b"", b"nginx: [emerg] no\n" if bad else b"")

    def arm(self, name: str, seconds: int, names: Any, why: str, command: Any = ()) -> None:
        self.armed[name] = (seconds, list(command))

    def disarm(self, name: str) -> None:
        self.armed.pop(name, None)


@pytest.fixture
def nginx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Nginx:
    (tmp_path / "conf.d").mkdir()
    monkeypatch.setattr(config_test, "find_program", lambda name: f"/usr/sbin/{name}")
    monkeypatch.setattr(config_test.os, "geteuid", lambda: 0)
    monkeypatch.setattr(maintenance, "require_program", lambda name: f"/usr/bin/{name}")
    return Nginx(tmp_path / "conf.d")


def page_of(nginx: Nginx) -> Page:
    return Page(str(nginx.place.parent / "work"), "shop", nginx, str(nginx.place), nginx.test)


def left(nginx: Nginx) -> tuple[Any, ...]:
    work = nginx.place.parent / "work"
    there = sorted(item.name for item in work.iterdir()) if work.exists() else []
    return [*nginx.place.iterdir()], [name for name in there if name != "shop.json"], nginx.armed, noted(work)


def test_there_and_away(nginx: Nginx) -> None:
    page = page_of(nginx)
    page.show([PLAIN], b"<h1>soon</h1>", 60)
    [conf] = nginx.place.iterdir()
    html = nginx.place.parent / "work" / "shop.maintenance" / "page.html"
    assert conf.name == "000-relocate-shop.conf" and html.read_bytes() == b"<h1>soon</h1>"
    assert [stat.S_IMODE(item.stat().st_mode) for item in (conf, html, html.parent)] == [0o644, 0o644, 0o711]
    assert nginx.calls == ["reload nginx.service"]
    assert nginx.armed == {
        "relocate-page-shop-0": (60, ["/usr/bin/rm", "-f", str(conf)]),
        "relocate-page-shop-1": (62, ["/usr/bin/systemctl", "reload", "nginx.service"]),
    }
    assert noted(nginx.place.parent / "work") == {"maintenance": str(conf)}
    page.hide()
    assert left(nginx) == ([], [], {}, {}) and len(nginx.calls) == 2
    page.hide()
    assert len(nginx.calls) == 2


def test_without_a_limit_there_is_no_timer(nginx: Nginx) -> None:
    page_of(nginx).show([PLAIN], b"x", 0)
    assert nginx.armed == {}


def test_a_page_that_nginx_refuses(nginx: Nginx) -> None:
    nginx.bad = "server_name shop.example.org"
    with refused("config_refused", "nginx refuses it with the page: .*emerg"):
        page_of(nginx).show([PLAIN], b"x", 60)
    assert left(nginx) == ([], [], {}, {})


def test_a_configuration_that_is_broken_already(nginx: Nginx) -> None:
    (nginx.place / "other.conf").write_text("broken")
    nginx.bad = "broken"
    with refused("config_refused", "nginx refuses its configuration as it is"):
        page_of(nginx).show([PLAIN], b"x", 60)
    assert nginx.calls == [] and noted(nginx.place.parent / "work") == {}


def test_a_reload_that_fails(nginx: Nginx, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def call(verb: str, *_names: str) -> None:
        calls.append(verb)
        if len(calls) == 1:
            raise RelocateError("unit_failed", "reload")

    monkeypatch.setattr(nginx, "call", call)
    with refused("unit_failed", "reload"):
        page_of(nginx).show([PLAIN], b"x", 60)
    assert left(nginx) == ([], [], {}, {})


def test_a_disk_that_is_full(nginx: Nginx, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_path: str) -> Any:
        raise OSError(28, "No space left on device", _path)

    with monkeypatch.context() as patch:
        patch.setattr(maintenance, "replaced", full)
        with pytest.raises(OSError, match="No space"):
            page_of(nginx).show([PLAIN], b"x", 60)
    assert left(nginx) == ([], [], {}, {})


def test_a_page_that_nginx_cannot_forget_is_kept_in_mind(nginx: Nginx) -> None:
    page = page_of(nginx)
    page.show([PLAIN], b"x", 60)
    (nginx.place / "other.conf").write_text("broken")
    nginx.bad = "broken"
    with refused("config_refused", "is removed, and nginx shows it until it is reloaded"):
        page.hide()
    assert page.shown() and nginx.armed
    nginx.bad = ""
    page.hide()
    assert not page.shown() and nginx.armed == {}


@pytest.mark.parametrize("lacks", ["nginx", "directory"])
def test_where_nginx_does_not_serve(nginx: Nginx, lacks: str) -> None:
    if lacks == "nginx":
        nginx.units[UNIT] = unit(UNIT, False)
    else:
        nginx.place.rmdir()
    with refused("config_refused", "does not run here" if lacks == "nginx" else "there is no directory"):
        page_of(nginx).show([PLAIN], b"x", 60)
    assert nginx.calls == []


def test_an_nginx_that_was_stopped_meanwhile_is_not_started(nginx: Nginx) -> None:
    page = page_of(nginx)
    page.show([PLAIN], b"x", 60)
    nginx.units[UNIT] = unit(UNIT, False)
    page.hide()
    assert nginx.calls == ["reload nginx.service"] and not page.shown()
