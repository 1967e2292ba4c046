# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells whether a virtual host of Apache does nothing but redirect, as one does that leads from http to https."""

from __future__ import annotations

from typing import Iterable, List, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._discover.directives import Directive
from ansible_collections.relocate.django.plugins.module_utils._discover.nginx_redirects import fits_any_path

_OUTSIDE = ("http://", "https://", "%{REQUEST_SCHEME}://")
_REDIRECTS = ("redirect", "redirectpermanent", "redirecttemp", "redirectmatch")


def only_redirects(own: Sequence[Directive], tls: bool, names: Sequence[str]) -> bool:
    """Tell whether a virtual host, of these directives, redirects every request.

    mod_rewrite comes before all else, mod_proxy before ``Redirect``.

    :param tls: it is reached by TLS, so that a redirect to https does not count
    :param names: to which it answers
    """
    if _rewrites_all(own, tls, names):
        return True
    proxied = any(item.name in ("proxypass", "proxypassmatch") for item in own)
    return not proxied and any(_redirects_all(item) for item in own)


def _redirects_all(item: Directive) -> bool:
    if item.name not in _REDIRECTS or len(item.args) < 2:
        return False
    place, url = item.args[-2:]
    whole = fits_any_path(place) if item.name == "redirectmatch" else place == "/"
    return whole and url.startswith(_OUTSIDE)


def _rewrites_all(own: Iterable[Directive], tls: bool, names: Sequence[str]) -> bool:
    conditions: List[Tuple[str, ...]] = []
    for item in own:
        if item.name == "rewritecond":
            conditions.append(item.args)
        elif item.name == "rewriterule":
            if _leads_out(item) and all(_always(condition, tls, names) for condition in conditions):
                return True
            conditions = []
    return False


def _leads_out(rule: Directive) -> bool:
    if len(rule.args) < 2 or not fits_any_path(rule.args[0]):
        return False
    flags = {flag.strip().lower().partition("=")[0] for flag in "".join(rule.args[2:3]).strip("[]").split(",")}
    return rule.args[1].startswith(_OUTSIDE) and not {"p", "proxy"} & flags


def _always(condition: Sequence[str], tls: bool, names: Sequence[str]) -> bool:
    """Tell whether a condition holds for all requests, but for those by which certificates are proven."""
    test, pattern = (*condition, "", "")[:2]
    test = test.upper()
    if test in ("%{HTTPS}", "%{REQUEST_SCHEME}"):
        return not tls and pattern.lower() in ("off", "!on", "!=on", "=off", "!^on$", "!https", "http", "!=https")
    if test == "%{SERVER_PORT}":
        return not tls and pattern in ("80", "^80$", "!443", "!^443$", "=80", "!=443")
    if test == "%{REQUEST_URI}":
        return pattern.startswith("!") and ("well-known" in pattern or "acme" in pattern)
    if test in ("%{SERVER_NAME}", "%{HTTP_HOST}"):
        return pattern.startswith("=") and pattern[1:].lower() in names
    return False
