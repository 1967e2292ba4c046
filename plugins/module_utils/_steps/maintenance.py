# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shows a page in place of a frozen site: finds its server blocks, and sees that the page comes by its name."""

from __future__ import annotations

import time
from typing import Callable, List, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._discover import asking
from ansible_collections.relocate.django.plugins.module_utils._discover.found import WebSite
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import openat
from ansible_collections.relocate.django.plugins.module_utils._services import answers, maintenance
from ansible_collections.relocate.django.plugins.module_utils._services.answers import Answer, Question
from ansible_collections.relocate.django.plugins.module_utils._services.maintenance import Block, Page
from ansible_collections.relocate.django.plugins.module_utils._steps import unnamed
from ansible_collections.relocate.django.plugins.module_utils._steps.belongings import Host

_LIMIT = 256 * 1024  # bytes of a page
_SECONDS = 3.0  # for nginx to take notice
_PAUSE = 0.05


def read(path: str) -> bytes:
    """Return the page. Raises bad_option."""
    try:
        with openat.open_file(path, None) as stream:
            page = stream.read(_LIMIT + 1)
    except OSError as exc:
        raise _bad("{0}: {1}".format(path, exc.strerror or "it cannot be read")) from exc
    if not page or len(page) > _LIMIT:
        raise _bad("{0} is empty, or larger than {1} KB".format(path, _LIMIT >> 10))
    return page


def _bad(why: str) -> RelocateError:
    return RelocateError("bad_option", "relocate_maintenance: " + why, "name a page (HTML) that lies on old")


def show(
    page: Page,
    file: str,
    project: str,
    seconds: int,
    host: Optional[Host] = None,
    ask: Callable[[Question, float], Answer] = answers.ask,
) -> None:
    """Let nginx show the page by the site's names. Raises bad_option, config_refused, unit_failed.

    :param project: the site's directory
    :param seconds: after which it is taken away by itself; 0: never
    :param host: what its readers told; tests put their own in its place, as for ``ask``
    """
    content, webs = read(file), _webs(page, project, host or Host.read())
    page.show(list(map(block_of, webs)), content, seconds)
    if not _comes(webs, content, ask):
        page.hide()
        raise RelocateError(
            "config_refused",
            "nginx does not show the page by the site's name",
            "let nginx.conf include {0}/*.conf before the site's own file, and see in nginx' error log that it may "
            "read what lies below relocate_directory".format(maintenance.DIRECTORY),
        )


def _webs(page: Page, project: str, host: Host) -> List[WebSite]:
    """Return the site's server blocks whose place the page takes. Raises config_refused."""
    found = unnamed.find(host, project)
    webs = [web for web in (found.place.webs if found else ()) if web.unit == maintenance.UNIT]
    webs = [web for web in webs if block_of(web).is_plain()]
    others = [web for web in host.webs if page.shown() not in web.files]  # a run that was killed may have left ours
    why = maintenance.unfit(list(map(block_of, webs)), read_first(webs, others))
    if why:
        raise RelocateError("config_refused", why, "correct that, or leave relocate_maintenance empty")
    return webs


def block_of(web: WebSite) -> Block:
    """Return what of a server block is written into a file of ours."""
    return Block(web.names, web.ports, web.certificates, web.keys)


def read_first(webs: Sequence[WebSite], others: Sequence[WebSite]) -> Optional[str]:
    """Return an address where a block that is read first would become the default one in place of another site's."""
    nginx = [web for web in others if web.unit == maintenance.UNIT]
    said = {place for web in nginx for place in web.default_for}
    for place in _places(webs):
        if place not in said and _first_at(place, nginx) not in webs:
            return "{0}:{1}".format(*place)
    return None


def _first_at(place: Tuple[str, int], webs: Sequence[WebSite]) -> Optional[WebSite]:
    return next((web for web in webs if place in _places([web])), None)


def _places(webs: Sequence[WebSite]) -> List[Tuple[str, int]]:
    return [(address, port) for web in webs for address, port, _tls in web.ports]


def _comes(webs: Sequence[WebSite], content: bytes, ask: Callable[[Question, float], Answer]) -> bool:
    """Tell whether the page comes; where no request reaches the site by a name, nobody can tell."""
    request = asking.best(webs)
    if request is None:
        return True
    question = Question(request.url, request.host, status=503, validate_certs=False)
    deadline, wanted = time.monotonic() + _SECONDS, content.decode("utf-8", "replace")
    while True:
        answer = ask(question, _SECONDS)
        if answer.status == 503 and answer.body == wanted:
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(_PAUSE)
