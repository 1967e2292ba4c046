# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the server blocks of nginx, with all the files that each needs.

The files are read as nginx would read them, and nginx is not asked: ``nginx -T`` creates logs, its pid file and
directories of its cache that are not there, binds sockets, asks name servers for each upstream, and prints nothing
where one certificate is missing.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field, replace
from typing import Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._discover import nginx_redirects, nginx_targets
from ansible_collections.relocate.django.plugins.module_utils._discover.addresses import (
    fixed_part,
    is_host_name,
    is_ipv6,
    plain_path,
    split_port,
)
from ansible_collections.relocate.django.plugins.module_utils._discover.config_files import ConfigFiles
from ansible_collections.relocate.django.plugins.module_utils._discover.directives import Directive, flat, nested
from ansible_collections.relocate.django.plugins.module_utils._discover.found import WebSite
from ansible_collections.relocate.django.plugins.module_utils._discover.nginx_syntax import Loader
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._process import Command, Completed, find_program, run

#: Programs that read this syntax, each with its unit, and where they lie when they were built from source.
_PROGRAMS = ("nginx", "openresty", "angie")
_PLACES = ("/usr/local/nginx/sbin", "/usr/local/openresty/bin", "/opt/nginx/sbin")
_CONFIG = "/etc/nginx/nginx.conf"
_PREFIX = "/usr/share/nginx"
_ANY = {"0.0.0.0": "*", "[::]": "::"}  # noqa: S104 an address to recognise
#: Directives whose first argument is a file that the server needs.
_NAMED = frozenset(
    "auth_basic_user_file ssl_dhparam ssl_trusted_certificate ssl_client_certificate ssl_crl ssl_password_file"
    " ssl_session_ticket_key ssl_stapling_file proxy_ssl_certificate proxy_ssl_certificate_key"
    " proxy_ssl_trusted_certificate uwsgi_ssl_certificate uwsgi_ssl_certificate_key grpc_ssl_certificate"
    " grpc_ssl_certificate_key js_import js_include perl_require geoip_country geoip_city auth_jwt_key_file".split()
)
#: Those whose value comes from the http block when the server has none.
_INHERITED = _NAMED - {"js_import", "js_include", "perl_require"}
_ZONE = re.compile(r"(?:keys_)?zone=([^:]+)")


@dataclass(frozen=True)
class _Http:
    """Holds what the servers of an http block share."""

    main: str  # nginx.conf
    prefix: str  # where relative roots begin
    unit: str
    own: Sequence[Directive]
    defined: Mapping[str, Directive] = field(default_factory=dict)  # "$variable", a zone's name -> what defines it

    def path(self, value: str) -> str:
        """Return the absolute path of a file that the configuration names; "" when it depends on a request."""
        if "$" in value or value.startswith(("data:", "engine:", "store:", "syslog:")) or not value:
            return ""
        return plain_path(posixpath.join(posixpath.dirname(self.main), value))

    def inherited(self, own: Iterable[Directive], name: str) -> List[Directive]:
        """Return the directives of this name of a server, or else those of the http block."""
        return [item for item in own if item.name == name] or [item for item in self.own if item.name == name]


def find(runner: Callable[..., Completed] = run) -> List[WebSite]:
    """Return the server blocks of this host; nothing without nginx."""
    files = ConfigFiles()
    for name in _PROGRAMS:
        program = find_program(name, _PLACES)
        if program:
            main, prefix = _paths(program, runner)
            return sites(files, main, prefix, name + ".service")
    return []


def _paths(program: str, runner: Callable[..., Completed]) -> Tuple[str, str]:
    """Return the configuration file and the prefix that nginx was built with: ``-V`` only prints."""
    try:
        text = runner(Command([program, "-V"]), timeout=5).err
    except RelocateError:
        text = ""
    return parse_version(text)


def parse_version(text: str) -> Tuple[str, str]:
    """Return the configuration file and the prefix, out of what ``nginx -V`` prints."""
    found = dict(re.findall(r"--(conf-path|prefix)=(\S+)", text))
    prefix = found.get("prefix", "").strip("'\"") or _PREFIX
    main = found.get("conf-path", "").strip("'\"")
    if not main:
        main = posixpath.join(prefix, "conf/nginx.conf") if "prefix" in found else _CONFIG
    return posixpath.join(prefix, main), prefix


def sites(files: ConfigFiles, main: str, prefix: str = _PREFIX, unit: str = "nginx.service") -> List[WebSite]:
    """Return the server blocks that a configuration file holds or includes.

    :param main: nginx.conf
    :param prefix: where relative paths of ``root`` begin
    :param unit: the unit that serves them
    """
    top = Loader(files, posixpath.dirname(main)).load(main)
    found: List[WebSite] = []
    for block in flat(top):
        if block.name == "http":
            http = _http(block, main, prefix, unit)
            servers = [item for item in http.own if item.name == "server" and item.block is not None]
            found += _with_defaults([(_site(item, http, files), _explicit(item)) for item in servers])
    return found


def _http(block: Directive, main: str, prefix: str, unit: str) -> _Http:
    own = tuple(flat(block.block))
    return _Http(main, prefix, unit, own, {name: item for item in own for name in _defines(item)})


def _defines(item: Directive) -> Iterator[str]:
    """Give the names that a directive of the http block defines for its servers."""
    if item.name in nginx_targets.CHOICES and item.args:
        yield item.args[-1]
    elif item.name in ("upstream", "log_format") and item.args:
        yield item.args[0]
    elif item.name.endswith(("_zone", "_cache_path")):
        for word in item.args:
            match = _ZONE.match(word)
            if match:
                yield match.group(1)


def _uses(item: Directive) -> Iterator[str]:
    """Give the names that a directive may use and the http block define."""
    for word in item.args:
        yield from ("$" + name for name in nginx_targets.variables(word))
        zone = _ZONE.match(word)
        if zone:
            yield zone.group(1)
    if item.name == "access_log":
        yield from item.args[1:2]
    elif item.name == "limit_conn" or item.name.endswith("_cache"):
        yield from item.args[:1]
    elif item.args:
        yield nginx_targets.authority(item.args[-1])  # an upstream, also as a value of set and map


def _definitions(everything: Sequence[Directive], http: _Http) -> List[Directive]:
    """Return what the http block defines for a server: what it uses, and what that uses in turn."""
    found: Dict[str, Directive] = {}
    waiting = list(everything)
    while waiting:
        for name in _uses(waiting.pop()):
            item = http.defined.get(name)
            if item is not None and name not in found:
                found[name] = item
                waiting += [item, *nested(item.block)]
    return list(found.values())


def _site(server: Directive, http: _Http, files: ConfigFiles) -> WebSite:
    own = list(flat(server.block))
    everything = list(nested(server.block))
    ports = _ports(own)
    mounts = nginx_targets.mounts(server, everything, http.own)
    secure = any(tls for _address, _port, tls in ports)
    return WebSite(
        server="nginx",
        unit=http.unit,
        names=_names(own),
        ports=ports,
        targets=tuple(dict.fromkeys(target for _path, target in mounts)),
        mounts=tuple(mount for mount in mounts if mount[0]),
        redirects=nginx_redirects.only_redirects(own),
        directories=_directories(own, everything, http),
        files=files.chains(filter(files.exists, _files(server, own, everything, http))),
        certificates=_certificates("ssl_certificate", own, http) if secure else (),
        keys=_certificates("ssl_certificate_key", own, http) if secure else (),
        logs=_logs(own, everything, http),
    )


def _names(own: Iterable[Directive]) -> Tuple[str, ...]:
    words = [word for item in own if item.name == "server_name" for word in item.args]
    # ".example.org" stands for the name itself and all below it.
    plain = [word[1:].lower() if word.startswith(".") else word.lower() for word in words]
    return tuple(dict.fromkeys(word for word in plain if is_host_name(word)))


def _listen(item: Directive) -> Optional[Tuple[str, int]]:
    """Return the address and port of a listen directive; None for a socket's path."""
    word = item.args[0] if item.args else ""
    host, port = split_port("*:" + word if re.match(r"[0-9]+\Z", word) else word)
    if host == "[::]" and "ipv6only=off" in item.args:
        host = "*"
    host = _ANY.get(host, host)
    if host in ("*", "::") or is_host_name(host) or is_ipv6(host):
        return host, port or 80
    return None


def _listens(own: Sequence[Directive]) -> List[Tuple[Tuple[str, int], Directive]]:
    listens = [item for item in own if item.name == "listen"]
    if not listens:
        return [(("*", 80), Directive("listen", ("80",), ""))]
    return [(place, item) for place, item in ((_listen(item), item) for item in listens) if place is not None]


def _ports(own: Sequence[Directive]) -> Tuple[Tuple[str, int, bool], ...]:
    always = any(item.name == "ssl" and item.args == ("on",) for item in own)  # before nginx 1.25
    found = [(*place, always or bool({"ssl", "quic"} & set(item.args[1:]))) for place, item in _listens(own)]
    return tuple(dict.fromkeys(found))


def _explicit(server: Directive) -> Set[Tuple[str, int]]:
    """Return the addresses for which a server says that it is the default one."""
    own = list(flat(server.block))
    return {place for place, item in _listens(own) if {"default_server", "default"} & set(item.args[1:])}


def _with_defaults(found: Sequence[Tuple[WebSite, Set[Tuple[str, int]]]]) -> List[WebSite]:
    """Mark the default server of each address: the one that says so, else the first."""
    first: Dict[Tuple[str, int], int] = {}
    for number, (site, _explicit_for) in enumerate(found):
        for address, port, _tls in site.ports:
            first.setdefault((address, port), number)
    for number, (_site_found, explicit_for) in enumerate(found):
        first.update(dict.fromkeys(explicit_for, number))
    defaults = set(first.values())
    return [
        replace(site, default=number in defaults, default_for=tuple(sorted(explicit_for)))
        for number, (site, explicit_for) in enumerate(found)
    ]


def _certificates(name: str, own: Iterable[Directive], http: _Http) -> Tuple[str, ...]:
    paths = [http.path(item.args[0]) for item in http.inherited(own, name) if item.args]
    return tuple(dict.fromkeys(path for path in paths if path))


def _logs(own: Iterable[Directive], everything: Iterable[Directive], http: _Http) -> Tuple[str, ...]:
    """Return the files that requests are written to: the server's, or else those of the http block, and locations'."""
    chosen = [*http.inherited(own, "access_log"), *(item for item in everything if item.name == "access_log")]
    paths = [http.path(item.args[0]) for item in chosen if item.args and item.args[0] != "off"]
    return tuple(dict.fromkeys(path for path in paths if path))


def _directories(own: Iterable[Directive], everything: Iterable[Directive], http: _Http) -> Tuple[str, ...]:
    words = [item.args[0] for item in http.inherited(own, "root") if item.args]
    words += [item.args[0] for item in everything if item.name in ("root", "alias") and item.args]
    paths = [fixed_part(posixpath.join(http.prefix, word)) for word in words if not word.startswith("$")]
    return tuple(dict.fromkeys(path for path in paths if path))


def _files(server: Directive, own: Sequence[Directive], everything: Sequence[Directive], http: _Http) -> Iterator[str]:
    """Give what a server consists of: where it stands, its includes, and what they name or use."""
    yield server.file
    yield from (item.args[0] for item in everything if item.name == "include")
    yield from _named([*everything, *_shared(own, http)], http)
    yield from (item.file for item in _definitions(everything, http) if item.file != http.main)


def _shared(own: Sequence[Directive], http: _Http) -> List[Directive]:
    """Return the directives of the http block that name files and count for a server, too."""
    set_here = {item.name for item in own}
    return [item for item in http.own if item.name in _INHERITED and item.name not in set_here]


def _named(directives: Iterable[Directive], http: _Http) -> Iterator[str]:
    for item in directives:
        if item.name in _NAMED and item.args:
            yield http.path(item.args[-1] if item.name == "js_import" else item.args[0])
