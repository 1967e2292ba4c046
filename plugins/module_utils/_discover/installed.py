# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists the packages that the operating system has installed, and where the loader finds libraries. dpkg and rpm."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Callable, Collection, Dict, List, Mapping

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._process import Command, Completed, find_program, run

Runner = Callable[..., Completed]

_TIMEOUT = 20.0
_DPKG = "${Package}\\t${source:Package}\\t${Priority}\\t${db:Status-Status}\\n"
_RPM = "%{NAME}\\t%{SOURCERPM}\\n"
_LIBRARY = re.compile(r"^\s+(\S+) \(([^)]*)\) => (/\S.*)$")
#: What every Red Hat system has: rpm knows no priorities.
_BASE = frozenset(
    "bash coreutils coreutils-single glibc glibc-common libgcc libstdc++ zlib zlib-ng-compat systemd systemd-libs"
    " util-linux filesystem setup shadow-utils sed grep gawk findutils tar gzip procps-ng".split()
)


@dataclass(frozen=True)
class Installed:
    """The packages of this host."""

    manager: str = ""  # dpkg, rpm; "" when neither is there
    sources: Mapping[str, str] = field(default_factory=dict)  # package -> the source that it was built from
    base: Collection[str] = ()  # those that any system has

    def __contains__(self, name: object) -> bool:
        return name in self.sources

    def first(self, *names: str) -> str:
        """Return the first of some packages that is installed; "" when none is."""
        return next((name for name in names if name in self.sources), "")

    def developing(self, source: str) -> List[str]:
        """Return the packages with the headers of a source, in order."""
        ending = "-devel" if self.manager == "rpm" else "-dev"
        return sorted(name for name, built in self.sources.items() if built == source and name.endswith(ending))


def read(runner: Runner = run) -> Installed:
    """Ask the package manager for all of its packages: one call."""
    if find_program("dpkg-query"):
        return parse_dpkg(_output(["dpkg-query", "-W", "-f", _DPKG], runner))
    if find_program("rpm"):
        return parse_rpm(_output(["rpm", "-qa", "--qf", _RPM], runner))
    return Installed()


def parse_dpkg(text: str) -> Installed:
    """The packages in what ``dpkg-query -W`` prints."""
    sources, base = {}, set()
    for line in text.splitlines():
        name, source, priority, status = [*line.split("\t"), "", "", ""][:4]
        if status == "installed":
            sources[name] = source or name
            base.update([name] if priority in ("required", "important") else [])
    return Installed("dpkg", sources, frozenset(base))


def parse_rpm(text: str) -> Installed:
    """The packages in what ``rpm -qa`` prints; the source is named by its file: ``zlib-1.2.11-40.el9.src.rpm``."""
    pairs = (line.split("\t") for line in text.splitlines() if line.count("\t") == 1)
    return Installed("rpm", {name: source.rsplit("-", 2)[0] for name, source in pairs}, _BASE)


def libraries(runner: Runner = run) -> Dict[str, str]:
    """Return where the loader finds each library: one call of ldconfig."""
    return parse_libraries(_output(["ldconfig", "-p"], runner))


def parse_libraries(text: str) -> Dict[str, str]:
    """The first path of each library in what ``ldconfig -p`` prints."""
    found: Dict[str, str] = {}
    for match in filter(None, map(_LIBRARY.match, text.splitlines())):
        name, _kind, path = match.groups()
        found.setdefault(name, path)
    return found


def _output(argv: List[str], runner: Runner) -> str:
    program = find_program(argv[0])
    if program is None:
        return ""
    try:
        return runner(Command([program, *argv[1:]]), timeout=_TIMEOUT).out
    except RelocateError:
        return ""
