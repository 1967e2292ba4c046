# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks the types of what the old host said about a site: the old host may be anybody's."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseFacts, Directory, Software, as_plain
from ansible_collections.relocate.django.plugins.module_utils._project.replies import STORE, Each, Maybe, checked
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import read_as
from ansible_collections.relocate.django.plugins.module_utils._steps.old_pages import OldPages
from ansible_collections.relocate.django.plugins.module_utils._steps.readiness import Needs

_LONGEST = 500  # characters of a path
_DATABASE = {**dict.fromkeys("engine backend name user host".split(), str), "port": Maybe(int), "facts": Each(object)}
_INFO: Mapping[str, Any] = {
    "host": {"name": str, "machine_id": str},
    "project": {"path": str, "prefix": Maybe(str)},
    "owner": {"name": str, "home": Maybe(str)},
    "django": {"version": str, "requires_python": Maybe(str), "media_stores": Maybe([STORE])},
    "databases": Each(_DATABASE),
    "media": Maybe({"bytes": Maybe(int), "rights": Maybe(Each(object))}),
    "unit_users": Maybe([str]),
    "revision": Maybe({"remote": Maybe(str), "vcs": Maybe(str)}),
    "revision_brought": Maybe(bool),
    "needs": Maybe(Each(object)),
    "software": Maybe(Each(object)),
    "pages": Maybe(Each(object)),
    "set": Maybe({"label": str, "brings": int, "files": [str]}),
}


def by_old(info: Mapping[str, Any], engines: Any) -> Mapping[str, Any]:
    """Return what preflight returned on old. Raises answer_refused for what is not of the shape that it gives it.

    :param engines: the names of those that there are
    """
    try:
        checked(info, _INFO, "info")
        log_directories(info)
        needs(info)
        software(info)
        pages(info.get("pages") or {})
        for alias, item in info["databases"].items():
            read_as(DatabaseFacts, item["facts"], "info.databases.{0}.facts".format(alias))
            if item["engine"] not in engines:
                raise ValueError("info.databases.{0}.engine".format(alias))
    except ValueError as exc:
        raise _refused(exc) from None
    return info


def log_directories(info: Mapping[str, Any]) -> Tuple[Directory, ...]:
    """Return how the directories that LOGGING writes into are on old, and those above them. Raises ValueError."""
    plain = info.get("log_directories")
    found: Tuple[Directory, ...] = read_as(Tuple[Directory, ...], plain or [], "info.log_directories")
    return found


def needs(info: Mapping[str, Any]) -> Needs:
    """Return what new must have besides code and databases. Raises ValueError."""
    found: Needs = read_as(Needs, info.get("needs") or as_plain(Needs()), "info.needs")
    return found


def software(info: Mapping[str, Any]) -> Software:
    """Return what old uses of its operating system. Raises ValueError."""
    found: Software = read_as(Software, info.get("software") or as_plain(Software()), "info.software")
    return found


def pages(plain: Mapping[str, Any]) -> OldPages:
    """Return what old answers to requests. Raises ValueError."""
    found: OldPages = read_as(OldPages, dict(plain or as_plain(OldPages())), "info.pages")
    for number, page in enumerate(found.pages):
        texts = (page.path, page.host, page.title)
        fits = page.path.startswith("/") and page.scheme in ("http", "https") and len(page.path) < _LONGEST
        if not fits or not all(map(str.isprintable, texts)) or any(c.isspace() for c in page.path + page.host):
            raise ValueError("info.pages.pages[{0}]".format(number))
    return found


def pages_of_old(plain: Mapping[str, Any]) -> OldPages:
    """Return what old answers to requests. Raises answer_refused."""
    try:
        return pages(plain)
    except ValueError as exc:
        raise _refused(exc) from None


def facts(plain: Dict[str, Any]) -> DatabaseFacts:
    """The facts of a database on old. Raises answer_refused."""
    try:
        found: DatabaseFacts = read_as(DatabaseFacts, plain, "facts")
        return found
    except ValueError as exc:
        raise _refused(exc) from None


def _refused(exc: ValueError) -> RelocateError:
    return RelocateError(
        "answer_refused",
        "what old reported about the site has another form than in this version, in {0}".format(exc),
        "find what answers on old in place of relocate.django",
    )
