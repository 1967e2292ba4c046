# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells whether a server of nginx does nothing but redirect, as one does that leads from http to https."""

from __future__ import annotations

from typing import Callable, List, Sequence

from ansible_collections.relocate.django.plugins.module_utils._discover.directives import Directive, flat, nested

_CODES = ("301", "302", "303", "307", "308")
#: Expressions that fit every path, as far as anybody writes them.
_ANY = frozenset(" ^ / ^/ .* ^.* ^(.*) (.*) ^(.*)$ ^.*$ ^/(.*) ^/(.*)$ ^/.* ^/.*$ ^/?(.*) ^/?(.*)$ ^/?$".split(" "))
_CHALLENGE = ("well-known", "acme")  # where certificates are proven: served by a server that redirects all else


def fits_any_path(pattern: str) -> bool:
    """Tell whether an expression fits every path, or all but those by which certificates are proven.

    It is not tried out: somebody else wrote it, and an expression can take for ever.
    """
    pattern = pattern.strip("\"'")
    return pattern in _ANY or (pattern.startswith("^/(?!") and any(word in pattern for word in _CHALLENGE))


def only_redirects(own: Sequence[Directive]) -> bool:
    """Tell whether a server, of these directives, answers every request by a redirect, or not at all."""
    if any(map(_redirects, own)):
        return True  # before any location is looked for
    rest = [item for item in own if not _is_challenge(item)]
    if any(map(_passes, nested(rest))):
        return False
    locations = _named(rest, "location")
    if any(map(_redirects_all, locations)):
        return all(_inside(_ends, item) for item in locations)
    conditional = any(_inside(_redirects, item) for item in _named(rest, "if"))
    return conditional and (any(map(_ends, own)) or not _named(rest, "location", "root", "try_files"))


def _named(directives: Sequence[Directive], *names: str) -> List[Directive]:
    return [item for item in directives if item.name in names]


def _passes(item: Directive) -> bool:
    return item.name.endswith("_pass")


def _redirects_all(location: Directive) -> bool:
    return any(map(fits_any_path, location.args[-1:])) and _inside(_redirects, location)


def _inside(test: Callable[[Directive], bool], block: Directive) -> bool:
    return any(map(test, flat(block.block)))


def _redirects(item: Directive) -> bool:
    if item.name == "return":
        return (len(item.args) > 1 and item.args[0] in _CODES) or any(map(_leads_out, item.args[:1]))
    if item.name == "rewrite" and len(item.args) > 1 and fits_any_path(item.args[0]):
        return _leads_out(item.args[1]) or item.args[-1] in ("permanent", "redirect")
    return False


def _leads_out(url: str) -> bool:
    return url.startswith(("http://", "https://", "$scheme:"))


def _ends(item: Directive) -> bool:
    """Tell whether nothing is served: a redirect, or a refusal."""
    return _redirects(item) or (item.name == "return" and item.args[:1] != ("200",)) or item.name == "deny"


def _is_challenge(item: Directive) -> bool:
    return item.name == "location" and any(word in argument for argument in item.args for word in _CHALLENGE)
