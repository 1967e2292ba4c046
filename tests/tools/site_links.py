# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Follow every link of a built site: to its other pages and places in them, and to files of the public repository."""

from __future__ import annotations

import posixpath
import urllib.parse
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from tests.tools.collection import ROOT

BLOB = "/relocate-django/relocate.django/blob/main/"
#: Pages that no reader sees as such.
_OTHERS = ("_static", "_sources")


class Page(HTMLParser):
    """What a page links to, and the places in it that others may link to."""

    def __init__(self, path: Path) -> None:
        """Read it."""
        super().__init__()
        self.links: list[str] = []
        self.places: set[str] = {""}
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note one element."""
        found = dict(attrs)
        self.places.update(value for value in (found.get("id"), found.get("name")) if value)
        link = found.get("href" if tag in ("a", "link") else "src")
        if link:
            self.links.append(link)


def dead(site: Path) -> list[str]:
    """Return the links that lead nowhere, each with its page."""
    pages = {
        path.relative_to(site).as_posix(): Page(path)
        for path in sorted(site.rglob("*.html"))
        if path.relative_to(site).parts[0] not in _OTHERS
    }
    return [f"{name}: {link}" for name, page in pages.items() for link in _dead_of(site, name, page, pages)]


def _dead_of(site: Path, name: str, page: Page, pages: dict[str, Page]) -> Iterator[str]:
    for link in page.links:
        parts = urllib.parse.urlsplit(link)
        if parts.scheme or parts.netloc:
            path = parts.path.partition(BLOB)[2]
            if path and not (ROOT / path).exists():
                yield link
            continue
        folder = posixpath.dirname(name)
        target = posixpath.normpath(posixpath.join(folder, urllib.parse.unquote(parts.path))) if parts.path else name
        target += "/index.html" if (site / target).is_dir() else ""
        if target in pages:
            if urllib.parse.unquote(parts.fragment) not in pages[target].places:
                yield link
        elif not (site / target).is_file():
            yield link
