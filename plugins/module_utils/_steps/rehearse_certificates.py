# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looks on new, while old serves, whether the certificates that web servers name for the site fit it and this day."""

from __future__ import annotations

import time
import urllib.parse
from dataclasses import dataclass, field
from typing import Any, Collection, Iterable, Iterator, List, Mapping, Optional, Sequence, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._discover import certificates
from ansible_collections.relocate.django.plugins.module_utils._discover.certificates import Certificate, Problem
from ansible_collections.relocate.django.plugins.module_utils._discover.config_files import ConfigFiles
from ansible_collections.relocate.django.plugins.module_utils._discover.found import WebSite
from ansible_collections.relocate.django.plugins.module_utils._model import Obstacle
from ansible_collections.relocate.django.plugins.module_utils._options import ModuleOptions
from ansible_collections.relocate.django.plugins.module_utils._process import find_program
from ansible_collections.relocate.django.plugins.module_utils._steps import unnamed
from ansible_collections.relocate.django.plugins.module_utils._steps.belongings import Host

CODE = "certificate_unfit"
_ALL = "*"
_WARNED = ("soon", "renewal")
_CARRY = "carry it by relocate_files (of certbot's, what /etc/letsencrypt/live links to, and its renewal files)"
_IGNORE = "; or name {0} in relocate_certificates_ignored"
_HINTS = {
    "missing": _CARRY,
    "unreadable": "carry it anew by relocate_files, or correct the site's file on old",
    "key": "carry the certificate and its key together by relocate_files, or correct the site's file on old",
    "expired": "renew it on old, as by certbot renew, and run the same command again, which carries the new one",
    "early": "correct the clock of new, or wait for that day",
    "name": "get a certificate that is for all names of the site, or take the name out of the site's file on old",
    "soon": "renew it on old before the move, or on new after it",
    "renewal": "carry the files in /etc/letsencrypt by relocate_files, and name certbot in relocate_packages",
}


@dataclass(frozen=True)
class Options(ModuleOptions):
    """Tells which certificates are the site's, and what need not fit."""

    path: str  # the project's directory
    files: Sequence[str]  # that the move carries; those of web servers are the site's
    answers: Sequence[Mapping[str, Any]] = field(repr=False)  # what the site is asked for, with headers
    certificates_ignored: Sequence[str]  # names of hosts and paths; "*": all


@dataclass
class Looked:
    """Collects what is found."""

    certificates: int = 0  # how many files were looked at
    obstacles: List[Obstacle] = field(default_factory=list)
    notes: List[str] = field(default_factory=list)


def look(options: Options, host: Optional[Host] = None) -> Looked:
    """Look at each certificate that a web server of this host names for the site. Nothing is changed."""
    looked = Looked()
    if _ALL in options.certificates_ignored:
        return looked
    host = host or Host.read()
    webs = [web for web in webs_of(options, host) if web.certificates]
    looked.certificates = len({path for web in webs for path in web.certificates})
    ignored, now = _ignored(options), time.time()
    for web in webs:
        _tell(web, certificates.check(web, host.files, now), ignored, looked)
    if find_program("openssl"):
        looked.obstacles += _unanswered(options, webs, host.files, ignored)
    elif webs:
        looked.notes.append("certificates were not read: new has no openssl; name it in relocate_packages")
    looked.notes = list(dict.fromkeys(looked.notes))
    return looked


def webs_of(options: Options, host: Host) -> List[WebSite]:
    """Return the server blocks that lead to the project, and those whose own file the move has carried."""
    site = unnamed.find(host, options.path)
    mine = site.place.webs if site is not None else ()
    return [web for web in host.webs if web in mine or _is_carried(web, options.files, host.files)]


def _is_carried(web: WebSite, carried: Iterable[str], files: ConfigFiles) -> bool:
    """Tell whether the file in which a server block stands is among those that were carried, be it by its link."""
    own = files.chain(web.files[0]) if web.files else ()
    tops = [path.rstrip("/") for path in carried if path.startswith("/")]
    return any(path == top or path.startswith(top + "/") for path in own for top in tops)


def _ignored(options: Options) -> Set[str]:
    """Return names and paths that need not fit: with those whose certificate no answer is to prove."""
    return {*options.certificates_ignored, *(name for name, proven in _asked(options) if not proven)} - {""}


def _asked(options: Options) -> Iterator[Tuple[str, bool]]:
    """Give each name that answers are asked for by TLS, and whether its certificate must be valid."""
    for item in options.answers:
        try:
            parts = urllib.parse.urlsplit(str(item["url"]))
            name = str(item.get("host") or parts.hostname or "")
        except ValueError:
            continue  # preflight refuses it
        if parts.scheme == "https" and name:
            yield _plain(name), bool(item.get("validate_certs", True))


def _plain(name: str) -> str:
    """Return a host's name as names are compared."""
    return name.lower().rstrip(".")


def _tell(web: WebSite, problems: Iterable[Problem], ignored: Collection[str], looked: Looked) -> None:
    """Add problems, with the file that names the certificate, to what is in the way or to what is only said."""
    where = "{0} of {1}".format(", ".join(web.names[:2]) or "the default server", (*web.files, web.server)[0])
    for problem in problems:
        text, hint = "{0}: {1}".format(where, problem.text), _HINTS[problem.kind]
        if problem.path in ignored or _plain(problem.name) in ignored:
            continue
        if problem.kind in _WARNED:
            looked.notes.append("{0}; {1}".format(text, hint))
        else:
            looked.obstacles.append(Obstacle(CODE, text, hint + _IGNORE.format(problem.name or problem.path)))


def _unanswered(
    options: Options, webs: Sequence[WebSite], files: ConfigFiles, ignored: Collection[str]
) -> List[Obstacle]:
    """Return what relocate_answers asks for, and neither a server block nor a certificate of the site is for."""
    told = {_plain(name) for web in webs for name in web.names}.union(ignored)
    asked = dict.fromkeys(name for name, proven in _asked(options) if proven and name not in told)
    known = _read(webs, files) if asked else []
    covered = _covered(asked, known)
    return [_unborne(name) for name in asked if known and name not in covered]


def _read(webs: Iterable[WebSite], files: ConfigFiles) -> List[Certificate]:
    paths = dict.fromkeys(path for web in webs for path in web.certificates)
    return list(filter(None, (certificates.read_certificate(path, files) for path in paths)))


def _covered(names: Iterable[str], known: Iterable[Certificate]) -> Set[str]:
    return {name for one in known for name in names if certificates.covers(one, name)}


def _unborne(name: str) -> Obstacle:
    text = "relocate_answers asks for {0} by https, and no certificate of the site is for it".format(name)
    hint = "correct its host in relocate_answers, or say validate_certs: false there" + _IGNORE.format(name)
    return Obstacle(CODE, text, hint)
