# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report's pages as a browser shows them: on a telephone and on a screen, light and dark, and without a network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.plugin_utils import _view
from tests.tools.browser import Browser
from tests.unit.plugins.plugin_utils.test_report import FAILED, MOVED, enriched

WIDTHS = (360, 1280)
LONG = "[load_failed] relation public.shop_order does not fit\nNext: give the settings' user rights on " + "x" * 90


def tables(count: int, wrong: int = 0) -> dict[str, Any]:
    """Give the tables of a site; the first ones differ, and one in three is empty."""
    rows = [
        {"table": f"public.app_{number:05}_table", "old": number % 3 * number * 7, "fingerprint": number % 5 > 0}
        for number in range(count)
    ]
    return {"default": [{**row, "new": row["old"] - (number < wrong)} for number, row in enumerate(rows)]}


OUTCOMES: dict[str, dict[str, Any]] = {
    "report-3-tables": {**MOVED, "tables": tables(3)},
    "report-3000-tables": {**MOVED, "tables": tables(3000)},
    "report-failed": {
        **FAILED,
        "msg": LONG,
        "frozen_at": 1000010,
        "thawed_at": 1000040,
        "old_serves": True,
        "old_units": ["web.service"],
        "tables": tables(12, wrong=4),
    },
    "report-put-back": {
        **FAILED,
        "frozen_at": 1000010,
        "served_at": 1000030,
        "thawed_at": 1000040,
        "old_serves": True,
        "old_units": ["web.service"],
        "put_back": "new was started, and took data in",
        "tables": tables(3),
    },
}


#: What axe looks at, which takes seconds: each kind of element once, light (360) and dark (1280).
EXAMINED = {("report-3-tables", 360), ("report-3-tables", 1280), ("report-failed", 360), ("reports-index", 360)}


@pytest.fixture
def pages(tmp_path: Path, served: Callable[[Path], str]) -> str:
    for name, outcome in OUTCOMES.items():
        (tmp_path / f"{name}.html").write_text(_view.page(enriched(**outcome)), encoding="utf-8")
    listed = [(f"{name}.html", enriched(**outcome)) for name, outcome in OUTCOMES.items()]
    (tmp_path / "reports-index.html").write_text(_view.index(listed, True), encoding="utf-8")
    return served(tmp_path)


@pytest.mark.drawn(3)
@pytest.mark.parametrize("name", [*OUTCOMES, "reports-index"])
def test_a_page_is_whole_readable_and_alone(name: str, pages: str, browser: Browser) -> None:
    for width in WIDTHS:
        dark = width == WIDTHS[-1]
        address = f"{pages}/{name}.html"
        browser.open(address, width, dark=dark)
        browser.photograph(f"{name}-{width}")
        assert browser.complaints == []
        assert browser.overflow() == 0, f"wider than {width}"
        assert {url for url in browser.loaded if not url.endswith("/favicon.ico")} == {address}
        if (name, width) in EXAMINED:
            assert browser.violations() == []
            assert browser.complaints == []


def rows(browser: Browser) -> list[str]:
    """Give the names of the tables that are shown, in order."""
    shown = "#tables ~ .wide tbody tr:not([hidden]) th"
    found = browser.run(f"[...document.querySelectorAll('{shown}')].map(cell => cell.textContent)")
    return [str(name) for name in found]


def test_tables_are_sorted_and_filtered(pages: str, browser: Browser) -> None:
    browser.open(f"{pages}/report-3000-tables.html", 1280)
    every = rows(browser)
    assert len(every) == 2000 and every[0] == "public.app_02999_table"
    head = "[...document.querySelectorAll('#tables ~ .wide thead button')][1]"
    browser.run(f"{head}.click()")
    browser.run(f"{head}.click()")
    assert rows(browser) == sorted(every)
    browser.run("filter.value = '_029'; filter.dispatchEvent(new Event('input'))")
    assert rows(browser) == [name for name in sorted(every) if "_029" in name] != []
    assert browser.complaints == []


@pytest.mark.drawn(3)
@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ("<p style='color: #999; background: #fff'>pale</p>", "color-contrast"),
        ("<input>", "label"),
        ("<a href='/'></a>", "link-name"),
    ],
)
def test_a_page_that_somebody_cannot_use_is_seen(
    body: str, rule: str, tmp_path: Path, served: Callable[[Path], str], browser: Browser
) -> None:
    page = f"<!doctype html><html lang=en><title>t</title><main><h1>t</h1>{body}</main>"
    (tmp_path / "bad.html").write_text(page)
    browser.open(f"{served(tmp_path)}/bad.html", 360)
    assert rule in " ".join(browser.violations())


def test_an_error_of_a_script_and_a_page_too_wide_are_seen(
    tmp_path: Path, served: Callable[[Path], str], browser: Browser
) -> None:
    text = "<!doctype html><p style='width: 500px'>x</p><script>console.error('a'); b()</script><img src='gone.png'>"
    (tmp_path / "bad.html").write_text(text)
    browser.open(f"{served(tmp_path)}/bad.html", 360)
    assert browser.overflow() > 0
    said = " ".join(browser.complaints)
    assert "a" in said.split() and "b is not defined" in said and "gone.png" in said
