# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks old for some of the site's pages while it serves: what the code on new is compared with before the freeze.

Those that each site has, and a few out of the web server's log. They are asked of the server that visitors ask, by the
same addresses, logged out.
"""

from __future__ import annotations

import time
import urllib.parse
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._discover import asking, certificates, sites, visited
from ansible_collections.relocate.django.plugins.module_utils._discover.found import WebSite
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._printable import printable
from ansible_collections.relocate.django.plugins.module_utils._project import venv_pages
from ansible_collections.relocate.django.plugins.module_utils._secrets import without_secrets
from ansible_collections.relocate.django.plugins.module_utils._services import answers
from ansible_collections.relocate.django.plugins.module_utils._steps.belongings import Host

_EACH, _ALL = 3.0, 10.0  # seconds
_TITLE = 200  # characters
_CHANGING = "changes from one request to the next"
_UNREACHED = "no page was compared with old's: no web server on old passes requests on to the site"


@dataclass(frozen=True)
class OldPage:
    """What old answers to one request, after redirects within the site."""

    path: str
    host: str  # "" where the site answers to any name
    scheme: str
    status: int
    title: str = ""  # "" where there is none, or another one each time


@dataclass(frozen=True)
class OldPages:
    """Holds what old was asked; ``notes`` says what cannot be compared."""

    pages: Tuple[OldPage, ...] = ()
    notes: Tuple[str, ...] = ()


def ask(
    served: Optional[sites.FoundSite], host: Host, owner: SystemUser, told: Mapping[str, Any], most: int
) -> OldPages:
    """Ask for pages; at most so many of the log.

    :param served: what serves the site on this host
    :param told: what the probe answered to the topic pages; may be an error
    """
    if served is None:
        return OldPages(notes=(_UNREACHED,))
    webs, reaching = served.place.webs, asking.reaching(served.place.starters, served.place.webs)
    request = asking.best(webs, certificates.trusted(webs, host.files), reaching)
    if request is None:
        return OldPages(notes=(_UNREACHED,))
    notes: List[str] = []
    usual = told.get("usual") or ["/"]
    paths = _visited(webs, reaching, owner, told.get("files") or [], 2 * most) if most else []
    if most and not paths:
        notes.append("no address was taken out of old's access log: none that can be asked for was found in one")
    found = _asked(request, [*usual, *paths], len(usual) + most, notes)
    return OldPages(tuple(found), tuple(notes))


def _visited(
    webs: Sequence[WebSite], reaching: Sequence[str], owner: SystemUser, files: Sequence[str], most: int
) -> List[str]:
    """Return paths out of the logs of these servers that come to the site.

    :param files: beginnings of paths that hold files
    """
    log = visited.tails([path for web in webs for path in web.logs], owner)
    return [path for path in visited.chosen(log, most, files) if asking.comes_to(path, webs, reaching)]


def _asked(request: asking.Request, paths: Sequence[str], most: int, notes: List[str]) -> List[OldPage]:
    """Ask for one path after the other, until there are enough of them or the time is over."""
    deadline = time.monotonic() + _ALL
    found: List[OldPage] = []
    silent: Dict[str, int] = {}
    for path in dict.fromkeys(paths):
        if len(found) >= most:
            break
        if time.monotonic() > deadline:
            notes.append("old took so long to answer that only {0} of its pages are compared".format(len(found)))
            break
        page = _page(request, path, notes)
        if 200 <= page.status < 400:
            found.append(page)
        else:
            silent[path] = page.status
    if silent:
        text = "not compared, since old does not answer them well itself: {0}"
        shown = ["{0} ({1})".format(path, status or "no answer") for path, status in list(silent.items())[:5]]
        notes.append(text.format(", ".join(shown)))
    return found


def _page(request: asking.Request, path: str, notes: List[str]) -> OldPage:
    parts = urllib.parse.urlsplit(request.url)
    question = answers.Question(
        urllib.parse.urlunsplit((parts.scheme, parts.netloc, path, "", "")),
        request.host,
        0,  # redirects are followed, whatever they are
        validate_certs=request.validate_certs,
    )
    first = answers.ask(question, _EACH)
    title = _title(first)
    if title and _title(answers.ask(question, _EACH)) != title:
        notes.append("the title of {0} is not compared: on old it {1}".format(path, _CHANGING))
        title = ""
    return OldPage(path, request.host, parts.scheme, first.status, title)


def _title(answer: answers.Answer) -> str:
    return shown_title(venv_pages.title_of(answer.body))


def shown_title(title: str) -> str:
    """Return a title as it is compared and shown; it may hold what a message must not."""
    return printable(without_secrets(title))[:_TITLE]
