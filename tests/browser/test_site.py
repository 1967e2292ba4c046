# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation's site in a browser; `make docs` builds it first."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tools.browser import Browser
from tests.tools.docs import BUILD

PAGES = {
    "docs-start": "index.html",
    "docs-guide": "reference/docsite/getting_started.html",
    "docs-module": "reference/fixture_dump_module.html",
}


#: At which widths axe looks at a page, which takes seconds; light at 360, dark at 1280.
EXAMINED = {"docs-start": (), "docs-guide": (1280,), "docs-module": (360,)}


@pytest.fixture
def site(served: Callable[[Path], str]) -> str:
    if not (BUILD / "html" / "index.html").exists():
        pytest.skip("the site is not built: make docs")
    return served(BUILD / "html")


@pytest.mark.drawn(3)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_can_be_used(name: str, site: str, browser: Browser) -> None:
    for width in (360, 1280):
        browser.open(f"{site}/{PAGES[name]}", width, dark=width == 1280)
        browser.photograph(f"{name}-{width}")
        assert browser.complaints == []
        assert browser.overflow() == 0, f"wider than {width}"
        if width in EXAMINED[name]:
            assert [found for found in browser.violations() if found.startswith(("serious", "critical"))] == []
        assert [url for url in browser.loaded if not url.startswith((site, "data:"))] == [], "loads from elsewhere"


@pytest.mark.drawn(2)
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("rows_written", "docs/errors.html"),
        ("rollback", "reference/docsite/upgrades.html"),
    ],
)
def test_the_search_finds(words: str, expected: str, site: str, browser: Browser) -> None:
    browser.open(f"{site}/search.html?q={words}", 1280)
    browser.wait_for("document.querySelector('#search-results .search-summary')?.textContent.match(/found/i)")
    found = browser.wait_for("[...document.querySelectorAll('#search-results li > a')].map(link => link.href)")
    assert expected in " ".join(found)
    browser.photograph(f"docs-search-{words}", 900)
    assert browser.complaints == []
