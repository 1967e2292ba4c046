# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names the modules of Apache that a virtual host needs, as ``a2enmod`` and their links in mods-enabled name them."""

from __future__ import annotations

import re
from typing import FrozenSet, Iterable, Iterator, List, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._discover.config_files import ConfigFiles
from ansible_collections.relocate.django.plugins.module_utils._discover.directives import Directive

#: Beginnings of directives, in small letters, and the module that they are of; the first that fits counts.
_DIRECTIVES = (
    ("wsgi", "wsgi"),
    ("proxyhtml", "proxy_html"),
    ("balancermember", "proxy_balancer"),
    ("proxy", "proxy"),
    ("rewrite", "rewrite"),
    ("sslproxy", "ssl"),
    ("ssl", "ssl"),
    ("requestheader", "headers"),
    ("header", "headers"),
    ("expires", "expires"),
    ("xsendfile", "xsendfile"),
    ("remoteip", "remoteip"),
    ("setenvif", "setenvif"),
    ("browsermatch", "setenvif"),
    ("deflate", "deflate"),
    ("brotli", "brotli"),
    ("substitute", "substitute"),
    ("cachedisk", "cache_disk"),
    ("cacheroot", "cache_disk"),
    ("cache", "cache"),
    ("authldap", "authnz_ldap"),
    ("authuserfile", "authn_file"),
    ("authgroupfile", "authz_groupfile"),
    ("authform", "auth_form"),
    ("session", "session"),
    ("oidc", "auth_openidc"),
    ("mellon", "auth_mellon"),
    ("shib", "shib"),
    ("security", "security2"),
    ("secrule", "security2"),
    ("evasive", "evasive"),
    ("dosp", "evasive"),
    ("dav", "dav"),
    ("virtualdocumentroot", "vhost_alias"),
    ("addoutputfilterbytype", "filter"),
    ("filter", "filter"),
)
_SCHEMES = {"http": "proxy_http", "https": "proxy_http", "ws": "proxy_wstunnel", "wss": "proxy_wstunnel"}
_SCHEMES.update({"uwsgi": "proxy_uwsgi", "fcgi": "proxy_fcgi", "scgi": "proxy_scgi", "ajp": "proxy_ajp"})
_SCHEMES.update({"h2": "proxy_http2", "h2c": "proxy_http2", "balancer": "proxy_balancer"})
_DEPENDS = re.compile(r"(?m)^# *Depends:(.*)$")
_PLAIN = re.compile(r"[a-z0-9_]+\Z")
_WORDS = {"deflate": "deflate", "brotli_compress": "brotli", "h2": "http2", "h2c": "http2"}


def needed(directives: Iterable[Directive], loaded: FrozenSet[str]) -> Tuple[str, ...]:
    """Return the names of the modules that some directives need, of those that are loaded.

    :param loaded: by the names that conditions know: ``wsgi_module``
    """
    found: Set[str] = set()
    for item in directives:
        found.add(next((module for start, module in _DIRECTIVES if item.name.startswith(start)), ""))
        for word in item.args:
            found |= _of_word(item.name, word)
    if "proxy_balancer" in found:
        found |= {"slotmem_shm", "lbmethod_byrequests", "lbmethod_bybusyness", "lbmethod_bytraffic"}
    return tuple(sorted(name for name in found if name + "_module" in loaded))


def links(names: Iterable[str], root: str, files: ConfigFiles) -> Iterator[str]:
    """Give the files by which Debian loads some modules, and those that they depend on: its a2enmod makes the links.

    :param root: where httpd is configured
    """
    waiting: List[str] = list(names)
    seen: Set[str] = set()
    while waiting:
        name = waiting.pop(0)
        text = None if name in seen else files.text("{0}/mods-enabled/{1}.load".format(root, name))
        seen.add(name)
        if text is not None:
            yield from ("{0}/mods-enabled/{1}.{2}".format(root, name, kind) for kind in ("load", "conf"))
            waiting += [word for line in _DEPENDS.findall(text) for word in line.split() if _PLAIN.match(word)]


def _of_word(directive: str, word: str) -> Set[str]:
    """Return what the words of a directive need: the scheme of a URL, a filter, a protocol."""
    if directive.startswith(("proxypass", "balancer", "rewriterule", "sethandler")):
        url = word.partition("|")[2] if "|" in word and "unix:" in word else word
        scheme = url.replace("proxy:", "").partition("://")[0].lower()
        return {_SCHEMES.get(scheme, "")} if "://" in url else set()
    if directive in ("addoutputfilterbytype", "setoutputfilter", "addoutputfilter", "protocols"):
        return {_WORDS.get(part, "") for part in word.lower().split(";")}
    if directive == "authtype":
        return {"auth_" + word.lower()}
    return set()
