# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decides which servers and packages a new host lacks of those that the site had, and that the user has installed.

What old or a set says chooses among names that stand here; the names of other packages are passed on when they have the
form of one and the archives of this host know them. A server that is here is left as it is, whatever it is.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import AbstractSet, Any, Callable, Collection, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._discover import (
    here,
    installed,
    listening,
    package_names,
)
from ansible_collections.relocate.django.plugins.module_utils._discover.found import Neighbour
from ansible_collections.relocate.django.plugins.module_utils._discover.installed import Installed
from ansible_collections.relocate.django.plugins.module_utils._discover.servers import PORTS
from ansible_collections.relocate.django.plugins.module_utils._host import archives, facts
from ansible_collections.relocate.django.plugins.module_utils._model import Obstacle, Software
from ansible_collections.relocate.django.plugins.module_utils._options import ModuleOptions
from ansible_collections.relocate.django.plugins.module_utils._process import Command, find_program, run
from ansible_collections.relocate.django.plugins.module_utils._project.untracked import covers
from ansible_collections.relocate.django.plugins.module_utils._services.names import split, unit_name
from ansible_collections.relocate.django.plugins.module_utils._site import LoginOptions
from ansible_collections.relocate.django.plugins.module_utils._steps import belongings, old_info
from ansible_collections.relocate.django.plugins.module_utils._steps.software import CLASSES

PACKAGES = "packages"
CHOICES = (*CLASSES, PACKAGES)

#: Kinds of servers -> the packages of Debian that are one, the first before others, each with its unit.
_SERVERS: Mapping[str, Mapping[str, str]] = {
    "postgresql": {"postgresql": "postgresql.service"},
    "mysql": {"mariadb-server": "mariadb.service", "mysql-server": "mysql.service"},
    "nginx": dict.fromkeys("nginx nginx-light nginx-core nginx-full nginx-extras".split(), "nginx.service"),
    "apache": {"apache2": "apache2.service"},
    "mod_wsgi": {"libapache2-mod-wsgi-py3": "apache2.service"},
    "redis": {"redis-server": "redis-server.service", "valkey-server": "valkey-server.service"},
    "redis sentinel": {"redis-sentinel": "redis-sentinel.service"},
    "memcached": {"memcached": "memcached.service"},
    "rabbitmq": {"rabbitmq-server": "rabbitmq-server.service"},
}
#: By which a server shows that came with no package.
_PROGRAMS: Mapping[str, Sequence[str]] = {
    "postgresql": ("postgres",),
    "mysql": ("mariadbd", "mysqld"),
    "nginx": ("nginx",),
    "apache": ("apache2", "httpd"),
    "redis": ("redis-server", "valkey-server"),
    "redis sentinel": ("redis-sentinel",),
    "memcached": ("memcached",),
    "rabbitmq": ("rabbitmq-server",),
}
_WEB = {"nginx": "/etc/nginx/", "apache": "/etc/apache2/"}
#: The page that a web server's package shows: it would take the site's requests. A link, and what it leads to.
_WELCOME = {
    "nginx": ("/etc/nginx/sites-enabled/default", "/etc/nginx/sites-available/default"),
    "apache": ("/etc/apache2/sites-enabled/000-default.conf", "/etc/apache2/sites-available/000-default.conf"),
}
_WEB_PORT = 80
_LOCALES = "locales-all"
_EXTENSION = re.compile(r"postgresql-\d+-(.+)")
_SHOWN = 20


@dataclass(frozen=True)
class Options(ModuleOptions):
    """Holds what the user has installed, and by what it is chosen."""

    install_also: Sequence[str]  # of CHOICES
    units: Sequence[str]
    reload: Sequence[str]
    files: Sequence[str]  # besides those of version control, as the user names them
    engines: Mapping[str, str]  # by alias: the engine that new has instead
    login: LoginOptions


@dataclass(frozen=True)
class Here:
    """Describes this host, as far as it matters."""

    family: str
    installed: Installed
    ports: AbstractSet[int]  # at which something listens
    locales: Collection[str]  # as ``locale -a`` writes them
    host: here.Host
    candidates: Callable[[Iterable[str]], Optional[Dict[str, str]]] = archives.candidates
    has: Callable[[str], bool] = field(default=lambda name: find_program(name) is not None)
    exists: Callable[[str], bool] = os.path.lexists

    @classmethod
    def read(cls) -> Here:
        """Read this host."""
        program = find_program("locale")
        told = run(Command([program, "-a"]), timeout=20).out if program else ""
        return cls(
            str(facts.describe_host()["family"]),
            installed.read(),
            {port for port in map(_port_of, listening.read()) if port},
            frozenset(told.split()),
            belongings.this_host(),
        )


def _port_of(one: listening.Listener) -> int:
    port = one.address.rpartition(":")[2]
    return int(port) if one.address.startswith("tcp:") and port.isdigit() else 0


@dataclass
class Lacking:
    """Holds what will be installed, and what there is to say of it."""

    packages: Dict[str, str] = field(default_factory=dict)  # name -> version, "" where nobody knows it yet
    units: List[str] = field(default_factory=list)  # of the servers among them
    welcome: List[str] = field(default_factory=list)  # links to pages of web servers' packages, which go
    aliases: List[str] = field(default_factory=list)  # databases whose server is not here yet
    unknown: List[str] = field(default_factory=list)  # packages that nobody knows to be in the archives
    obstacles: List[Obstacle] = field(default_factory=list)
    notes: List[str] = field(default_factory=list)

    def told(self) -> List[str]:
        """Return what a look says of it."""
        names = ["{0} {1}".format(name, version).strip() for name, version in self.packages.items()]
        found = ["by relocate_install_also these come first: {0}".format(", ".join(names))] if names else []
        if self.aliases:
            text = "no server was asked for {0}, since it is not installed yet: what it would refuse shows once it is,"
            found.append((text + " before anything of the site is written").format(", ".join(self.aliases)))
        return [*found, *self.notes]


def look(options: Options, old: Mapping[str, Any], host: Optional[Here] = None) -> Lacking:
    """Return what this host lacks; nothing where the user has nothing installed.

    :param old: what preflight told of old, or what a set tells
    """
    if not options.install_also or not old:
        return Lacking()
    host = host or Here.read()
    if host.family != "debian":
        text = "relocate_install_also works where apt installs packages, and this host is no Debian"
        hint = "install what the site needs by hand, or name it in relocate_packages, and leave relocate_install_also"
        return Lacking(obstacles=[Obstacle("bad_option", text, hint + " empty")])
    return _Look(options, old, host).all()


class _Look:
    """One look at this host."""

    def __init__(self, options: Options, old: Mapping[str, Any], host: Here) -> None:
        self.options, self.old, self.host = options, old, host
        self.software: Software = old_info.software(old)
        self.chosen = frozenset(options.install_also)
        self.found = Lacking()
        self.known: Optional[Dict[str, str]] = None  # what the archives hold; None: nobody knows

    def all(self) -> Lacking:
        """Go through all that the user named."""
        aliases = self._databases() if "database" in self.chosen else {}
        kinds = [*aliases, *(self._webs() if "web" in self.chosen else ()), *self._beside()]
        kinds = [kind for kind in dict.fromkeys(kinds) if not self._is_there(kind, aliases.get(kind, ()))]
        self.known = self.host.candidates([*self._choice(kinds), *self._names(), _LOCALES])
        if self.known is None:
            text = "apt has read no list of packages on this host yet: which of these its archives hold, and in which"
            self.found.notes.append(text + " version, shows once it has")
        for kind in kinds:
            self._add_server(kind, aliases.get(kind, ()))
        if PACKAGES in self.chosen:
            self._add_packages()
        return self.found

    # --- which servers

    def _databases(self) -> Dict[str, List[str]]:
        """Return the kinds of database servers that are to be on this host, each with its aliases."""
        found: Dict[str, List[str]] = {}
        for alias, item in sorted(self.old["databases"].items()):
            kind = self.options.engines.get(alias, item["engine"])
            if kind in CLASSES["database"] and (kind != item["engine"] or self._is_here(item)):
                found.setdefault(kind, []).append(alias)
        return found

    def _is_here(self, item: Mapping[str, Any]) -> bool:
        name = self.options.login.login_host or item["host"]
        return name.startswith("/") or here.is_here(Neighbour("", "", "", name, item["port"]), self.host.host)

    def _webs(self) -> List[str]:
        """Return the web servers that old has, and those whose files or units are named."""
        found = [kind for kind in CLASSES["web"] if kind in self.software.servers or self._is_named(kind)]
        if not found:
            self.found.notes.append("neither the site's files and units nor what is known of old name a web server")
        return found

    def _is_named(self, kind: str) -> bool:
        """Tell whether files or units of the inventory or the set are those of a web server."""
        names = [*self.options.files, *self._files_of_set()]
        units = {unit_name(name) for name in [*self.options.units, *self.options.reload] if not split(name)[0]}
        own = any(name.startswith(_WEB[kind]) for name in names) if kind in _WEB else False
        return own or (kind in _WEB and not units.isdisjoint(_SERVERS[kind].values()))

    def _files_of_set(self) -> Sequence[str]:
        found: Sequence[str] = self.old.get("set", {}).get("files", ())
        return found

    def _beside(self) -> List[str]:
        """Return the servers of caches and queues that the site used on its own host."""
        kinds = [kind for name in ("cache", "queue") if name in self.chosen for kind in CLASSES[name]]
        return [kind for kind in kinds if kind in self.software.servers]

    def _is_there(self, kind: str, aliases: Sequence[str]) -> bool:
        if package_names.server(kind, self.host.installed) or any(map(self.host.has, _PROGRAMS.get(kind, ()))):
            return True
        return not self.host.ports.isdisjoint({PORTS.get(kind, 0), *map(self._port, aliases)} - {0})

    def _port(self, alias: str) -> int:
        item = self.old["databases"][alias]
        kept = self.options.engines.get(alias, item["engine"]) == item["engine"]
        return int((self.options.login.login_port or item["port"] or 0) if kept else 0)

    # --- which packages

    def _order(self, kind: str) -> List[str]:
        """Return the packages that may be a server of a kind: the one of old first, when it is one of ours."""
        ours = list(_SERVERS[kind])
        if kind == "mysql":
            return ours[::-1] if "MySQL" in self._products() else ours[:1]
        before = self.software.servers.get(kind, "")
        return [*([before] if before in ours else []), *(name for name in ours if name != before)]

    def _products(self) -> List[str]:
        items = [item for item in self.old["databases"].values() if item["engine"] == "mysql"]
        return [str(item["facts"].get("details", {}).get("product", "")) for item in items]

    def _choice(self, kinds: Iterable[str]) -> List[str]:
        return [name for kind in kinds for name in self._order(kind)]

    def _names(self) -> List[str]:
        """Return all names of packages that old gives and that may be asked for, in each form that they may have."""
        others = PACKAGES in self.chosen
        names = [name for name in self.software.packages if others or _EXTENSION.fullmatch(name)]
        return [form for name in names for form in self._forms(name)]

    def _forms(self, name: str) -> List[str]:
        """Return the names that a package may have here: libraries of Debian 13 bear another one."""
        extends = _EXTENSION.fullmatch(name)
        if extends:
            return ["postgresql-{0}-{1}".format(major, extends.group(1)) for major in range(11, 40)]
        return [name, name + "t64"]

    def _choose(self, kind: str) -> Optional[str]:
        """Return the package that is the server; None where there is none that may be installed."""
        order = self._order(kind)
        package = next((name for name in order if self.known is None or name in self.known), None)
        if package is None:
            text = "the archives of this host hold no {0}, which relocate_install_also is to install"
            self._refuse("program_missing", text.format(order[0]), "install {0} by hand".format(order[0]))
            return None
        if kind == "mod_wsgi" and self._is_there("apache", ()):
            text = "{0} is missing, and Apache, which is here already, would be restarted to have it"
            self._refuse("program_missing", text.format(package), "install {0} by hand".format(package))
            return None
        return package

    def _add_server(self, kind: str, aliases: Sequence[str]) -> None:
        package = self._choose(kind)
        if package is None:
            return
        version = (self.known or {}).get(package, "")
        if kind in _WELCOME:
            self._add_welcome(kind, package)
        for alias in aliases:
            self._check_database(alias, kind, package, version)
        self.found.packages[package] = version
        unit = _SERVERS[kind][package]
        self.found.units += [unit] if unit not in self.found.units else []
        self.found.aliases += aliases
        if kind == "postgresql":
            self._add_locales(aliases)
            self._add_extensions(version)

    def _refuse(self, code: str, text: str, hint: str, alias: str = "") -> None:
        self.found.obstacles.append(Obstacle(code, text, hint, alias))

    def _add_welcome(self, kind: str, package: str) -> None:
        if _WEB_PORT in self.host.ports:
            text = "something listens on port {0} here, which {1} takes when it is installed".format(_WEB_PORT, package)
            self._refuse("port_taken", text, "stop it and disable it, or take web out of relocate_install_also")
        link, target = _WELCOME[kind]
        named = self._files_of_set() if self.old.get("set") else self.options.files
        if self.host.exists(link):
            return  # whoever made it meant it: the package's own is not there yet
        if not any(name.startswith("/") and covers(name, path) for name in named for path in (link, target)):
            self.found.welcome.append(link)

    def _check_database(self, alias: str, kind: str, package: str, version: str) -> None:
        """Note what a server that is installed will not do for a database, as far as it shows by now."""
        item, port = self.old["databases"][alias], self._port(alias)
        if port and port != PORTS[kind]:
            text = "the settings name port {0} of this host, and {1} listens on {2} once it is installed"
            hint = "install a server for that port by hand, or let the settings of new name port {0}"
            self._refuse("server_unreachable", text.format(port, package, PORTS[kind]), hint.format(PORTS[kind]), alias)
        product = str(item["facts"].get("details", {}).get("product", "")) or "PostgreSQL"
        same = kind == item["engine"] and (kind == "postgresql" or package.startswith(product.lower()))
        before, brought = _numbers(str(item["facts"].get("major", ""))), _numbers(version)
        if same and before and brought and brought[: len(before)] < before:
            text = "a dump of {0} {1} cannot be loaded into the {2} of this host's archives, {3}"
            hint = "use a later release of the distribution, or add an archive that has {0} {1} or later"
            major = item["facts"]["major"]
            self._refuse(
                "server_too_old", text.format(product, major, package, version), hint.format(product, major), alias
            )

    def _add_locales(self, aliases: Sequence[str]) -> None:
        """Add the locales of the databases, without which PostgreSQL makes none like them."""
        known = [self.old["databases"][alias]["facts"] for alias in aliases]
        named = {str(item.get(key) or "C") for item in known for key in ("collation", "ctype")}
        lacking = any(not _has_locale(name, self.host.locales) for name in named)
        if lacking and (self.known is None or _LOCALES in self.known):
            self.found.packages[_LOCALES] = (self.known or {}).get(_LOCALES, "")

    def _add_extensions(self, version: str) -> None:
        """Add what extended PostgreSQL on old, for the version that comes."""
        major = next(iter(_numbers(version)), 0)
        for name in self.software.packages:
            extends = _EXTENSION.fullmatch(name)
            if extends and major:
                self._add_known(["postgresql-{0}-{1}".format(major, extends.group(1))])

    def _add_known(self, forms: Sequence[str]) -> bool:
        known = self.known or {}
        name = next((form for form in forms if form in self.host.installed or form in known), None)
        if name is not None and name not in self.host.installed:
            self.found.packages.setdefault(name, known[name])
        return name is not None

    def _add_packages(self) -> None:
        """Add the other packages that old or the set names."""
        if self.software.manager != "dpkg":
            text = "its packages are not those of a Debian" if self.software.manager else "it does not say them"
            note = "packages of the system that {0} used: {1}. None is installed for it: name them in relocate_packages"
            self.found.notes.append(note.format("the site of the set" if self.old.get("set") else "old", text))
            return
        names = [name for name in self.software.packages if not _EXTENSION.fullmatch(name)]
        for name in names:
            if not archives.is_name(name):
                text = "{0!r} is named as a package of the system, and cannot be one".format(name[:80])
                self._refuse("answer_refused", text, "find who changed the set, or what answers on old")
        self._add_all(filter(archives.is_name, names))

    def _add_all(self, names: Iterable[str]) -> None:
        """Add packages, and tell which are not known here."""
        unknown = self.found.unknown = [name for name in names if not self._add_known(self._forms(name))]
        if unknown and self.known is not None:
            text = "the archives of this host do not hold {0}: name what brings the same in relocate_packages"
            self.found.notes.append(text.format(", ".join(unknown[:_SHOWN]) + ", ..." * (len(unknown) > _SHOWN)))


def _numbers(version: str) -> Tuple[int, ...]:
    """Return the first numbers of a version, without Debian's epoch: "1:11.8.2-1" -> (11, 8, 2)."""
    match = re.match(r"(?:\d+:)?(\d+(?:\.\d+)*)", version)
    return tuple(map(int, match.group(1).split("."))) if match else ()


def _has_locale(name: str, there: Collection[str]) -> bool:
    """Tell whether a locale is there: ``en_US.UTF-8`` is ``en_US.utf8`` to the C library."""
    language, _dot, encoding = name.partition(".")
    plain = encoding.lower().replace("-", "")
    return (
        name in ("C", "POSIX")
        or name in there
        or "{0}.{1}".format(language, plain) in there
        or (language == "C" and plain == "utf8")
    )
