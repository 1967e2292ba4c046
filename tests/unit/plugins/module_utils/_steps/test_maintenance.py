# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which server blocks a maintenance page takes the place of, and that it is seen to come."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._discover.found import WebSite
from ansible_collections.relocate.django.plugins.module_utils._discover.places import Place
from ansible_collections.relocate.django.plugins.module_utils._services.answers import Answer
from ansible_collections.relocate.django.plugins.module_utils._steps import maintenance
from tests.unit.fakes import refused

NGINX = "nginx.service"
SHOP = WebSite("nginx", NGINX, ("shop.test",), ports=(("*", 80, False),))
BLOG = WebSite("nginx", NGINX, ("blog.test",), ports=(("*", 80, False),))
SAYS_SO = WebSite("nginx", NGINX, ("x.test",), ports=(("*", 80, False),), default_for=(("*", 80),))
NAMELESS = WebSite("nginx", NGINX, ports=(("*", 80, False),))
APACHE = WebSite("apache", "apache2.service", ("shop.test",), ports=(("*", 80, False),))

CONF = "/etc/nginx/conf.d/000-relocate-shop.conf"
OURS = WebSite("nginx", NGINX, ("shop.test",), ports=(("*", 80, False),), files=(CONF,))


class Page:
    """Notes what is shown."""

    def __init__(self) -> None:
        self.blocks: Any = None

    def show(self, blocks: Any, page: bytes, seconds: int) -> None:
        self.blocks = blocks
        assert (page, seconds) == ("Bald zur\u00fcck".encode(), 60)

    def shown(self) -> str:
        return CONF

    def hide(self) -> None:
        self.blocks = None


@pytest.fixture
def shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    (tmp_path / "page.html").write_text("Bald zur\u00fcck", encoding="utf-8")
    monkeypatch.setattr(maintenance, "_SECONDS", 0.2)

    def show(webs: list[WebSite], mine: list[WebSite], answers: Any = ()) -> Page:
        page, told = Page(), iter([*answers, *[Answer(503, "Bald zur\u00fcck")] * 9])
        place = Place("/srv/shop", "", webs=tuple(mine))
        monkeypatch.setattr(
            maintenance.unnamed, "find", lambda _host, _path: SimpleNamespace(place=place) if mine else None
        )
        host: Any = SimpleNamespace(webs=webs)
        try:
            maintenance.show(page, str(tmp_path / "page.html"), "/srv/shop", 60, host, lambda _q, _t: next(told))  # type: ignore[arg-type]
        finally:
            show.page = page  # type: ignore[attr-defined]
        return page

    return show


def names(page: Page) -> list[tuple[str, ...]]:
    return [block.names for block in page.blocks]


def test_the_sites_own_blocks(shown: Any) -> None:
    assert names(shown([SHOP, BLOG], [SHOP])) == [("shop.test",)]
    assert names(shown([SAYS_SO, SHOP], [SHOP])) == [("shop.test",)]
    assert names(shown([OURS, SHOP, BLOG], [SHOP])) == [("shop.test",)], "left by a run that was killed"
    assert names(shown([SAYS_SO, SHOP], [SHOP, NAMELESS, APACHE])) == [("shop.test",)]


@pytest.mark.parametrize("mine", [[], [NAMELESS], [APACHE]])
def test_a_site_without_a_name_in_nginx(shown: Any, mine: list[WebSite]) -> None:
    with refused("config_refused", "no server block of nginx serves the site by a name"):
        shown(mine, mine)


def test_the_place_of_another_site_is_not_taken(shown: Any) -> None:
    with refused("config_refused", r"another site answers unknown names at \*:80 .*default_server"):
        shown([BLOG, SHOP], [SHOP])


def test_nginx_takes_a_moment(shown: Any) -> None:
    assert shown([SHOP], [SHOP], [Answer(200, "shop"), Answer(503, "its own"), Answer(0)]).blocks


def test_a_page_that_does_not_come_is_taken_away(shown: Any) -> None:
    with refused("config_refused", "does not show the page by the site's name.*conf.d"):
        shown([SHOP], [SHOP], [Answer(502, "")] * 99)
    assert shown.page.blocks is None


@pytest.mark.parametrize("what", ["absent", "empty", "large", "directory"])
def test_a_page_that_cannot_be_read(tmp_path: Path, what: str) -> None:
    path = tmp_path / "page.html"
    if what == "directory":
        path.mkdir()
    elif what != "absent":
        path.write_bytes(b"x" * (300 * 1024) if what == "large" else b"")
    with refused("bad_option", "relocate_maintenance: "):
        maintenance.read(str(path))
