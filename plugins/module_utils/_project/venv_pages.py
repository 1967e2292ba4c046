# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: FA100  (Python 3.6 has no annotations from the future)

"""Says, inside the project's interpreter, which pages each site has, and which title a page has.

Python 3.6 syntax, ASCII only, Django imported inside functions.
"""

# mypy: disable-error-code="import-untyped,import-not-found"

import html
import re
from typing import Dict, List

_TITLE = re.compile(r"(?is)<title[^>]*>(.{0,500}?)</title>")


def topic_pages() -> Dict[str, List[str]]:
    """Return the paths of the pages to log in and of the front page, and the beginnings of those of files."""
    from django.conf import settings

    files = [str(getattr(settings, name, "") or "") for name in ("STATIC_URL", "MEDIA_URL")]
    return {"usual": usual_paths(), "files": [path for path in files if path.startswith("/") and path != "/"]}


def usual_paths() -> List[str]:
    """Return the paths of pages that each site has."""
    from django.conf import settings
    from django.shortcuts import resolve_url
    from django.urls import NoReverseMatch, reverse

    if not getattr(settings, "ROOT_URLCONF", None):
        return []  # it serves nothing
    paths = ["/"]
    for name in ("admin:login", "wagtailadmin_login"):
        try:
            paths.append(str(reverse(name)))
        except NoReverseMatch:
            continue
    if "django.contrib.auth" in settings.INSTALLED_APPS:
        paths.append(str(resolve_url(settings.LOGIN_URL)))
    return [path for path in dict.fromkeys(paths) if path.startswith("/") and "?" not in path]


def title_of(page: str) -> str:
    """Return the title of a page, "" where it has none."""
    found = _TITLE.search(page)
    return " ".join(html.unescape(found.group(1)).replace("\0", "").split()) if found else ""
