# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds the packages that a site needs on new: of Python's, those in no file of requirements; the system's own.

What is found is what the site uses here: programs that its units start, libraries that its environment links to,
headers of those that pip compiled here, the servers beside it.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import Callable, Collection, Dict, Iterator, List, Mapping, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._discover import package_names
from ansible_collections.relocate.django.plugins.module_utils._discover.extensions import Extension
from ansible_collections.relocate.django.plugins.module_utils._discover.found import Guess, Notice, Starter, WebSite
from ansible_collections.relocate.django.plugins.module_utils._discover.installed import Installed
from ansible_collections.relocate.django.plugins.module_utils._discover.shell import unwrapped
from ansible_collections.relocate.django.plugins.module_utils._discover.texts import is_name
from ansible_collections.relocate.django.plugins.module_utils._process import find_program
from ansible_collections.relocate.django.plugins.module_utils._project import packages
from ansible_collections.relocate.django.plugins.module_utils._project.project import Project
from ansible_collections.relocate.django.plugins.module_utils._project.python_support import INSTALLS
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as

Owners = Callable[[Sequence[str]], Mapping[str, str]]

_SYSTEM_PYTHON = "/usr/bin/python3"
_VERSION = re.compile(r"python(3\.\d+)\Z")
_EVERYWHERE = frozenset("env sh bash dash true false sleep echo test nice exec cd sudo su".split())


@dataclass(frozen=True)
class Needs:
    """Holds what a site uses on this host."""

    interpreter: str = ""  # of its environment
    programs: Mapping[str, str] = field(default_factory=dict)  # absolute path -> who starts it
    extensions: Sequence[Extension] = ()
    distributions: Collection[str] = ()  # canonical names of Python packages, and labels of Django's apps
    servers: Mapping[str, str] = field(default_factory=dict)  # kind -> who talks to it; those on this host


@dataclass
class Found:
    """The packages of the system, each once, and what a user has to look at."""

    packages: Dict[str, Guess] = field(default_factory=dict)
    notices: List[Notice] = field(default_factory=list)

    def add(self, name: str, why: str) -> None:
        """Add a package under the name that lasts longest."""
        lasting, lasts = package_names.lasting(name)
        if lasting in self.packages:
            return
        self.packages[lasting] = Guess(lasting, why)
        if not lasts:
            self.notices.append(
                Notice(
                    "the package {0} bears a version in its name: {1}".format(lasting, why),
                    "when new runs another release, name the package that it has instead in relocate_packages",
                )
            )


# --- Python's


def python(project: Project, requirements: Sequence[str] = ()) -> Tuple[List[Guess], List[Notice], List[str]]:
    """Return the lines of ``relocate_pip_extra``, what cannot be such a line, and the names of all distributions.

    :param requirements: the user's files, relative to the project

    Raises probe_failed, timed_out, bad_option.
    """
    plain = packages.installed(project.interpreter, project.owner, project.environment(), project.path)
    there = packages.from_plain(plain)
    with acting_as(project.owner if os.geteuid() == 0 else None):
        roots = packages.named(project.path, requirements, there)
    unnamed = packages.unnamed(there, roots) if roots is not None else []
    extra = [
        Guess(item.line, "installed here, and named by no file of the project") for item in unnamed if not item.local
    ]
    notices = [
        Notice(
            "the package {0} was installed out of a directory of this host".format(item.name),
            "add its directory to the project, or name {0} in relocate_pip_ignored".format(item.key),
        )
        for item in unnamed
        if item.local
    ]
    return extra, notices, [item.key for item in there]


# --- the system's


def programs(starters: Sequence[Starter], path: str, environments: Sequence[str] = ()) -> Dict[str, str]:
    """Return the programs that starters name and that lie outside of the project and its environments.

    :param path: of the project
    """
    apart = tuple(item.rstrip("/") + "/" for item in (path, *environments) if item)
    found: Dict[str, str] = {}
    for starter in starters:
        for command in starter.commands:
            for words in unwrapped(command, starter.directory, starter.environment).commands:
                for program in _named(words):
                    if not program.startswith(apart):
                        found.setdefault(program, "command of {0}".format(starter.name))
    return found


def modules(webs: Sequence[WebSite]) -> Dict[str, str]:
    """Return the files by which Apache loads modules that its sites need: a package brings each."""
    return {
        path: "a module of {0}, for {1}".format(web.server, ", ".join(web.names[:3]) or "any name")
        for web in webs
        for path in web.files
        if "/mods-enabled/" in path and path.endswith(".load")
    }


def _named(words: Sequence[str]) -> Iterator[str]:
    """The programs among the words of a command: the first, those that are written in full, those that it starts."""
    for number, word in enumerate(words):
        if os.path.basename(word) in _EVERYWHERE or "=" in word or not is_name(word):
            continue
        plain = not number or os.path.basename(words[number - 1]) in _EVERYWHERE
        full = find_program(word) if word.startswith("/") or plain else None
        if full is not None and os.path.isfile(full):
            yield full


def system(needs: Needs, here: Installed, libraries: Mapping[str, str], owners: Owners) -> Found:
    """Return the packages of the system that a site needs.

    :param here: those that are installed
    :param libraries: where the loader finds each library
    :param owners: tells which packages some paths came with: one call for all
    """
    found = Found()
    linked = {name: libraries[name] for item in needs.extensions for name in item.libraries if name in libraries}
    base = os.path.realpath(needs.interpreter) if needs.interpreter else ""
    owned = owners(sorted({*needs.programs, *linked.values(), base} - {""}))
    owned = {path: package.partition(":")[0] for path, package in owned.items()}
    _add_servers(found, needs, here)
    _add_programs(found, needs, here, owned)
    _add_python(found, needs, here, base, owned.get(base, ""))
    _add_libraries(found, needs, here, {name: owned.get(path, "") for name, path in linked.items()})
    _add_compilers(found, needs, here, base if owned.get(base) else "")
    _add_loaded(found, needs, here)
    return found


def _add_loaded(found: Found, needs: Needs, here: Installed) -> None:
    """Add what Python packages load without linking to it."""
    brings_its_own = not {"psycopg-binary", "psycopg-c"}.isdisjoint(needs.distributions)
    for name in needs.distributions:
        for package in package_names.LOADED.get(name, ()):
            if package in here and not (name == "psycopg" and brings_its_own):
                found.add(package, "{0} needs it".format(name))


def _add_servers(found: Found, needs: Needs, here: Installed) -> None:
    for kind, why in needs.servers.items():
        package = package_names.server(kind, here)
        if package:
            found.add(package, why)
        elif kind in package_names.SERVERS and here.manager:
            found.notices.append(
                Notice(
                    "no package of this host is known to be {0}, which the site looks for here: {1}".format(kind, why),
                    "if it runs here, have it on new before the move, by the way in which it came here",
                )
            )
        if package and kind == "postgresql":
            for name in package_names.extensions_of_server(here):
                found.notices.append(
                    Notice(
                        "the package {0} extends one version of PostgreSQL".format(name),
                        "name the one for new's version in relocate_packages, if the site uses it",
                    )
                )


def _add_programs(found: Found, needs: Needs, here: Installed, owned: Mapping[str, str]) -> None:
    for program, why in needs.programs.items():
        package = owned.get(program, "")
        if package and package not in here.base:
            found.add(package, why)
        elif not package and here.manager:
            found.notices.append(
                Notice(
                    "the program {0} came with no package: {1}".format(program, why),
                    "have it on new before the move, or name it in relocate_files when it is one file",
                )
            )


def _add_python(found: Found, needs: Needs, here: Installed, base: str, package: str) -> None:
    """Add what makes virtual environments with the same Python, or say that it came from elsewhere."""
    if not base or not here.manager:
        return
    match = _VERSION.search(base)
    if not package:
        found.notices.append(
            Notice(
                "the site's Python, {0}, came with no package".format(base),
                "have a Python on new that is as new, and set relocate_python to it" + INSTALLS,
            )
        )
    elif base == os.path.realpath(_SYSTEM_PYTHON) or match is None:
        found.add("python3-venv" if here.manager == "dpkg" else "python3", "makes the environment")
    else:
        found.add(
            "python{0}-venv".format(match.group(1)) if here.manager == "dpkg" else package, "makes the environment"
        )
        found.notices.append(
            Notice(
                "the site runs with Python {0}, which is not this host's own".format(match.group(1)),
                "set relocate_python: python{0} when new has it; or set relocate_python_from: uv and relocate_python: "
                '"{0}", which is installed then'.format(match.group(1)),
            )
        )


def _add_libraries(found: Found, needs: Needs, here: Installed, owned: Mapping[str, str]) -> None:
    for item in needs.extensions:
        for library in item.libraries:
            package = owned.get(library, "")
            if package and not _is_everywhere(package, here):
                _add_library(found, item, here, library, package)


def _add_library(found: Found, item: Extension, here: Installed, library: str, package: str) -> None:
    """Add a library, or what it is compiled with, which brings the library in any release."""
    developing = package_names.headers(package, here) if item.compiled else ""
    why = "{0} links to {1}".format(item.name or "a module", library)
    found.add(developing or package, why + (", and is compiled" if developing else ""))


def _add_compilers(found: Found, needs: Needs, here: Installed, base: str) -> None:
    """Add what pip compiles with.

    :param base: the Python behind the environment; "" for one of no package, which has its headers with it
    """
    compiled = [item.name or "a module" for item in needs.extensions if item.compiled]
    match = _VERSION.search(base)
    names = ["python3-dev", "python3-devel"] if base else []
    if match is not None and base != os.path.realpath(_SYSTEM_PYTHON):
        names = ["python{0}-dev".format(match.group(1)), "python{0}-devel".format(match.group(1))]
    for name in package_names.compilers(here, names) if compiled else ():
        found.add(name, "compiles {0}".format(", ".join(compiled[:3]) + ", ..." * (len(compiled) > 3)))


def _is_everywhere(package: str, here: Installed) -> bool:
    """Tell whether a library comes with any system, with Python itself, or with every compiler."""
    source = here.sources.get(package, package)
    return package in here.base or re.match(r"python3|gcc-\d+|gcc\Z|glibc|zlib", source) is not None
