# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the virtual hosts of Apache's httpd, with all the files that each needs.

The files are read as httpd would read them. ``apachectl -t`` makes directories below /run, loads modules into a process
of root, asks name servers, and prints nothing useful where one certificate is missing.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, replace
from typing import Dict, FrozenSet, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._discover import (
    apache_modules,
    apache_redirects,
    apache_targets,
)
from ansible_collections.relocate.django.plugins.module_utils._discover.addresses import (
    fixed_part,
    is_host_name,
    plain_path,
    split_port,
)
from ansible_collections.relocate.django.plugins.module_utils._discover.apache_syntax import Loader, parse_environment
from ansible_collections.relocate.django.plugins.module_utils._discover.config_files import ConfigFiles
from ansible_collections.relocate.django.plugins.module_utils._discover.directives import Directive, flat, nested
from ansible_collections.relocate.django.plugins.module_utils._discover.found import WebSite
from ansible_collections.relocate.django.plugins.module_utils._discover.texts import is_number

#: Where httpd is configured: the file, the root of relative paths, the variables of its environment, its unit.
_LAYOUTS = (
    ("/etc/apache2/apache2.conf", "/etc/apache2", "/etc/apache2/envvars", "apache2.service"),
    ("/etc/httpd/conf/httpd.conf", "/etc/httpd", "/etc/sysconfig/httpd", "httpd.service"),
    ("/etc/apache2/httpd.conf", "/etc/apache2", "/etc/sysconfig/apache2", "apache2.service"),
)
_SCRIPTS = ("wsgiscriptalias", "wsgiscriptaliasmatch")
_DIRECTORIES = {"documentroot": 0, "alias": 1, "aliasmatch": 1, "virtualdocumentroot": 0}
#: Directives whose first argument is a file that the host needs.
_NAMED = frozenset(
    "authuserfile authgroupfile sslcacertificatefile sslcarevocationfile sslproxycacertificatefile"
    " sslproxymachinecertificatefile wsgiaccessscript wsgiauthuserscript wsgiauthgroupscript wsgidispatchscript"
    " oidcprivatekeyfiles mellonspprivatekeyfile mellonspcertfile mellonspmetadatafile mellonidpmetadatafile".split()
)
_ANY = {"": "*", "_default_": "*", "*": "*", "0.0.0.0": "*", "[::]": "::"}  # noqa: S104 addresses to recognise


@dataclass(frozen=True)
class _Server:
    """Holds what all virtual hosts share."""

    main: str
    root: str
    unit: str
    own: Sequence[Directive]  # outside of virtual hosts
    listens: Sequence[Tuple[str, int, bool]]  # address, port, whether for https
    daemons: Mapping[str, Directive]  # of mod_wsgi, by name
    balancers: Mapping[str, Sequence[Directive]]
    modules: FrozenSet[str] = frozenset()

    def path(self, value: str) -> str:
        """Return the absolute path of a file that the configuration names."""
        return plain_path(posixpath.join(self.root, value)) if value and "%{" not in value else ""


def find() -> List[WebSite]:
    """Return the virtual hosts of this host; nothing without Apache."""
    files = ConfigFiles()
    for main, root, environment, unit in _LAYOUTS:
        if files.text(main) is not None:
            return sites(files, main, root, parse_environment(files.text(environment) or ""), unit)
    return []


def sites(
    files: ConfigFiles, main: str, root: str, variables: Mapping[str, str], unit: str = "apache2.service"
) -> List[WebSite]:
    """Return the virtual hosts that a configuration file holds or includes, and scripts outside of them.

    :param main: apache2.conf or httpd.conf
    :param root: where relative paths begin
    :param variables: of httpd's environment
    :param unit: the unit that serves them
    """
    loader = Loader(files, root, dict(variables))
    top = loader.load(main)
    own = [item for item in flat(top) if item.name != "virtualhost"]
    everything = list(nested(top))
    server = _Server(
        main,
        loader.root,
        unit,
        own,
        _listens(own),
        {item.args[0]: item for item in everything if item.name == "wsgidaemonprocess" and item.args},
        apache_targets.balancers(everything),
        frozenset(loader.modules),
    )
    hosts = [item for item in flat(top) if item.name == "virtualhost"]
    found = _with_defaults([_site(item, server, files) for item in hosts])
    return found + _outside(server, found, files)


def _listens(own: Iterable[Directive]) -> List[Tuple[str, int, bool]]:
    found = []
    for item in own:
        if item.name == "listen" and item.args:
            word = item.args[0]
            host, port = split_port("*:" + word if is_number(word) else word)
            if port is not None:
                found.append((_ANY.get(host, host), port, item.args[1:2] == ("https",) or port == 443))
    return found


def _values(directives: Iterable[Directive], name: str) -> List[str]:
    return [item.args[0] for item in directives if item.name == name and item.args]


def _site(host: Directive, server: _Server, files: ConfigFiles) -> WebSite:
    own = list(flat(host.block))
    everything = list(nested(host.block))
    ports = _ports(host.args, _values(own, "sslengine") or _values(server.own, "sslengine"), server)
    tls = any(secure for _address, _port, secure in ports)
    needed = [host, *everything]
    mounts = list(apache_targets.mounts(own, server.balancers))
    found = WebSite(
        server="apache",
        unit=server.unit,
        names=_names(own),
        ports=ports,
        targets=tuple(dict.fromkeys(target for _path, target in mounts)),
        mounts=tuple(dict.fromkeys(mount for mount in mounts if mount[0])),
        redirects=apache_redirects.only_redirects(own, tls, _names(own)),
        directories=_directories(everything, server),
        certificates=_certificates(own, server) if tls else (),
        keys=_keys(own, server) if tls else (),
        modules=apache_modules.needed(everything, server.modules),
        logs=_logs(own, server),
    )
    found, more = _with_scripts(found, everything, server)
    return _with_files(found, _files(host.file, needed, more, server), server, files)


def _names(own: Sequence[Directive]) -> Tuple[str, ...]:
    words = _values(own, "servername")[-1:]
    words += [word for item in own if item.name == "serveralias" for word in item.args]
    plain = [split_port(word.partition("://")[2] or word)[0].lower() for word in words]
    return tuple(dict.fromkeys(word for word in plain if is_host_name(word)))


def _ports(args: Iterable[str], engine: Sequence[str], server: _Server) -> Tuple[Tuple[str, int, bool], ...]:
    """Return where a virtual host is reached: where httpd listens, as far as its addresses fit."""
    found = []
    for word in args:
        host, port = split_port(word[:-2] if word.endswith(":*") else word)
        host = "*" if host in _ANY else host
        for address, number, https in server.listens:
            if port in (None, number) and (host == "*" or address in ("*", "::", host)):
                tls = https if not engine else engine[-1].lower() in ("on", "optional")
                found.append((address if host == "*" else host, number, tls))
    return tuple(dict.fromkeys(found))


def _directories(everything: Iterable[Directive], server: _Server) -> Tuple[str, ...]:
    words = [item.args[_DIRECTORIES[item.name]] for item in everything if _has_directory(item)]
    paths = [fixed_part(posixpath.join(server.root, word), ("$", "%")) for word in words]
    return tuple(dict.fromkeys(path for path in paths if path))


def _has_directory(item: Directive) -> bool:
    return item.name in _DIRECTORIES and len(item.args) > _DIRECTORIES[item.name]


def _certificates(own: Sequence[Directive], server: _Server) -> Tuple[str, ...]:
    words = _values(own, "sslcertificatefile") or _values(server.own, "sslcertificatefile")
    words = words + (_values(own, "sslcertificatechainfile") or _values(server.own, "sslcertificatechainfile"))
    return tuple(dict.fromkeys(server.path(word) for word in words))


def _keys(own: Sequence[Directive], server: _Server) -> Tuple[str, ...]:
    words = _values(own, "sslcertificatekeyfile") or _values(server.own, "sslcertificatekeyfile")
    # Without a key of its own, a certificate's file holds the key too.
    words = words or _values(own, "sslcertificatefile") or _values(server.own, "sslcertificatefile")
    return tuple(dict.fromkeys(server.path(word) for word in words))


def _logs(own: Iterable[Directive], server: _Server) -> Tuple[str, ...]:
    """Return the files that requests are written to, the host's own or else the server's; programs are none."""
    found: List[str] = []
    for directives in (own, server.own):
        if not found:
            found = [item.args[0] for item in directives if item.name in ("customlog", "transferlog") and item.args]
    return tuple(dict.fromkeys(filter(None, (server.path(word) for word in found if not word.startswith("|")))))


def _last(directives: Iterable[Directive], name: str) -> str:
    return "".join(_values(directives, name)[-1:])


def _with_scripts(site: WebSite, everything: Sequence[Directive], server: _Server) -> Tuple[WebSite, List[str]]:
    """Add what mod_wsgi runs, and as whom; returns too the files that say so."""
    aliases = [item for item in everything if item.name in _SCRIPTS and len(item.args) > 1]
    if not aliases:
        return site, []
    daemon = _daemon(aliases, everything, server)
    options = _options(daemon, server)
    paths = options["python-path"].split(":")
    found = replace(
        site,
        mounts=(*site.mounts, *_script_mounts(aliases, server)),
        scripts=tuple(dict.fromkeys(filter(None, (server.path(item.args[1]) for item in aliases)))),
        python_home=server.path(options["python-home"]),
        python_path=tuple(plain_path(part) for part in paths if part.startswith("/")),
        user=options["user"],
        group=options["group"],
    )
    return found, [daemon.file, *daemon.needs] if daemon else []


def _script_mounts(aliases: Iterable[Directive], server: _Server) -> List[Tuple[str, str]]:
    """Return the path of each script that has one; an expression of WSGIScriptAliasMatch is none."""
    found = [(item.args[0], server.path(item.args[1])) for item in aliases if item.name == _SCRIPTS[0]]
    return list(dict.fromkeys(found))


def _options(daemon: Optional[Directive], server: _Server) -> Dict[str, str]:
    """Return what a daemon is told, with what counts where it is told nothing: it runs as httpd does."""
    found = {name: _last(server.own, name) for name in ("user", "group")}
    found["python-home"] = _last(server.own, "wsgipythonhome")
    found["python-path"] = "" if daemon else _last(server.own, "wsgipythonpath")
    told = [word.partition("=") for word in daemon.args[1:]] if daemon else []
    found.update({name: value for name, _mark, value in told if value})
    return found


def _daemon(aliases: Sequence[Directive], everything: Sequence[Directive], server: _Server) -> Optional[Directive]:
    """Return the daemon that runs the scripts; None where they run within httpd."""
    words = [word.partition("=") for item in aliases for word in item.args[2:]]
    named = [value for name, _mark, value in words if name == "process-group"]
    named += _values(everything, "wsgiprocessgroup") or _values(server.own, "wsgiprocessgroup")
    return next((server.daemons[name] for name in named if name in server.daemons), None)


def _files(file: str, directives: Sequence[Directive], more: Iterable[str], server: _Server) -> Iterator[str]:
    """Give what a host consists of: where it stands, its includes, and what they name or use."""
    yield file
    yield from (item.args[0] for item in directives if item.name == "include")
    yield from _named(directives, server)
    balancers = [item.file for name in apache_targets.used(directives) for item in server.balancers.get(name, ())]
    shared = [*more, *balancers, *_listening(server), *(path for item in directives for path in item.needs)]
    yield from (path for path in shared if path != server.main)


def _listening(server: _Server) -> List[str]:
    """Return where it stands at which addresses httpd listens, for all sites: it may be the administrator's file."""
    return [item.file for item in server.own if item.name == "listen"]


def _named(directives: Iterable[Directive], server: _Server) -> Iterator[str]:
    for item in directives:
        if item.name in _NAMED:
            yield from map(server.path, item.args[:1])
        elif item.name == "sslopensslconfcmd" and item.args[:1] == ("DHParameters",):
            yield from map(server.path, item.args[1:])


def _with_defaults(found: Sequence[WebSite]) -> List[WebSite]:
    """Mark the first host of each address: it answers to names that no other one has."""
    first: Dict[Tuple[str, int], int] = {}
    for number, site in enumerate(found):
        for address, port, _tls in site.ports:
            first.setdefault((address, port), number)
    defaults = set(first.values())
    return [replace(site, default=number in defaults) for number, site in enumerate(found)]


def _outside(server: _Server, hosts: Sequence[WebSite], files: ConfigFiles) -> List[WebSite]:
    """Return what is served outside of virtual hosts, for each file that does so: it counts within all of them."""
    everything = list(nested(server.own))
    serving = dict.fromkeys(item.file for item in everything if item.name in (*_SCRIPTS, *apache_targets.NAMES))
    ports = _shared_ports(server, hosts)
    found = []
    for file in serving:
        directives = [item for item in everything if item.file == file]
        found.append(_shared_site(file, directives, ports, server, files))
    return [site for site in found if site.scripts or site.targets]


def _shared_ports(server: _Server, hosts: Sequence[WebSite]) -> Tuple[Tuple[str, int, bool], ...]:
    secure = {(address, port) for site in hosts for address, port, tls in site.ports if tls}
    return tuple(dict.fromkeys((address, port, (address, port) in secure) for address, port, _tls in server.listens))


def _shared_site(
    file: str,
    directives: Sequence[Directive],
    ports: Tuple[Tuple[str, int, bool], ...],
    server: _Server,
    files: ConfigFiles,
) -> WebSite:
    mounts = list(apache_targets.mounts([item for item in server.own if item.file == file], server.balancers))
    site = WebSite(
        server="apache",
        unit=server.unit,
        names=_names(server.own),
        default=True,
        ports=ports,
        targets=tuple(dict.fromkeys(target for _path, target in mounts)),
        mounts=tuple(dict.fromkeys(mount for mount in mounts if mount[0])),
        directories=_directories(directives, server),
        modules=apache_modules.needed(directives, server.modules),
        logs=_logs(directives, server),
    )
    site, more = _with_scripts(site, directives, server)
    return _with_files(site, _files(file, directives, more, server), server, files)


def _with_files(site: WebSite, own: Iterable[str], server: _Server, files: ConfigFiles) -> WebSite:
    paths = [*own, *apache_modules.links(site.modules, server.root, files)]
    return replace(site, files=files.chains(filter(files.exists, paths)))
