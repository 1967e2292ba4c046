# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks the package manager which package a file came with, and whether it is as it came. dpkg and rpm are known."""

from __future__ import annotations

import hashlib
import os
from typing import Callable, Dict, Iterable, Iterator, List, Mapping, Sequence, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._discover.config_files import ConfigFiles
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._process import Command, Completed, find_program, run

_TIMEOUT = 20.0
_AT_ONCE = 500  # paths of one call
#: Directories that became links into /usr: packages know their files by either name.
_MERGED = ("/bin/", "/sbin/", "/lib/", "/lib64/", "/lib32/")
_INFO = "/var/lib/dpkg/info/"
_UCF = "/var/lib/ucf/hashfile"
_PATTERN = frozenset("*?[\\\n")  # of dpkg-query -S

Runner = Callable[..., Completed]


def owners_of(paths: Iterable[str], runner: Runner = run) -> Dict[str, str]:
    """Return the packages that absolute paths came with: by themselves, or else by what they lead to.

    A path that no package has is left out; so is every path where there is neither dpkg nor rpm.
    """
    return {path: found[0][1] for path, found in _owned(paths, _names, runner).items() if found}


def untouched(paths: Iterable[str], runner: Runner = run) -> Set[str]:
    """Return those of some absolute paths that came with a package and are as they came. Without a manager: none."""
    owned = _owned(paths, _merged, runner)
    packages = sorted({package for found in owned.values() for _name, package in found})
    if find_program("dpkg-query"):
        files = ConfigFiles()
        sums = _sums(packages, files, runner)
        return {path for path, found in owned.items() if _is_as_it_came(path, found, sums, files)}
    changed = _changed(packages, runner)
    return {path for path, found in owned.items() if found and not changed.intersection(_merged(path))}


def _owned(
    paths: Iterable[str], names_of: Callable[[str], List[str]], runner: Runner
) -> Dict[str, List[Tuple[str, str]]]:
    """Return for each path the names by which a package has it, with the package."""
    names = {path: names_of(path) for path in dict.fromkeys(paths) if path.startswith("/")}
    known = _known({name for found in names.values() for name in found}, runner)
    return {path: [(name, known[name]) for name in found if name in known] for path, found in names.items()}


def _names(path: str) -> List[str]:
    """Return the names by which a package may know a file, its own first."""
    return list(dict.fromkeys([*_merged(path), *_merged(os.path.realpath(path))]))


def _merged(path: str) -> List[str]:
    other = [path[len("/usr") :]] if path.startswith("/usr/") and path[len("/usr") :].startswith(_MERGED) else []
    return [path, *(["/usr" + path] if path.startswith(_MERGED) else other)]


def _known(paths: Iterable[str], runner: Runner) -> Dict[str, str]:
    """Return the package of each path that one has."""
    program = find_program("dpkg-query")
    ask: Callable[[str, Sequence[str], Runner], Dict[str, str]] = _ask_dpkg
    if program is None:
        program, ask = find_program("rpm"), _ask_rpm
    if program is None:
        return {}
    found: Dict[str, str] = {}
    wanted = sorted(path for path in paths if not _PATTERN.intersection(path))
    for start in range(0, len(wanted), _AT_ONCE):
        found.update(ask(program, wanted[start : start + _AT_ONCE], runner))
    return found


def _output(argv: Sequence[str], runner: Runner) -> str:
    """Return what a program prints; nothing when it cannot be run, or takes too long."""
    try:
        return runner(Command(argv), timeout=_TIMEOUT).out
    except RelocateError:
        return ""


# --- dpkg


def _ask_dpkg(program: str, paths: Sequence[str], runner: Runner) -> Dict[str, str]:
    return parse_search(_output([program, "-S", "--", *paths], runner))


def parse_search(text: str) -> Dict[str, str]:
    """Return the package of each path, out of what ``dpkg-query -S`` prints."""
    found = {}
    for line in text.splitlines():
        packages, mark, path = line.partition(": /")
        if mark and not line.startswith("diversion by "):
            found["/" + path] = packages.split(", ")[0]
    return found


def parse_conffiles(text: str) -> Dict[Tuple[str, str], str]:
    """Return MD5 by package and path, out of packages' ``${binary:Package}`` and ``${Conffiles}``."""
    found, package = {}, ""
    for line in text.splitlines():
        if not line.startswith(" "):
            package = line.strip()
            continue
        path, _space, digest = line.strip().replace(" obsolete", "").rpartition(" ")
        found[package, path] = digest
    return found


def _sums(packages: Sequence[str], files: ConfigFiles, runner: Runner) -> Mapping[Tuple[str, str], str]:
    """Return MD5 by package and path: of configuration, and of all other files."""
    found: Dict[Tuple[str, str], str] = {}
    for package in packages:
        for line in (files.text(_INFO + package + ".md5sums") or "").splitlines():
            digest, _space, path = line.partition("  ")
            found[package, "/" + path] = digest
    if packages:
        program = find_program("dpkg-query") or "dpkg-query"
        found.update(parse_conffiles(_output([program, "-W", "-f", _CONFFILES, "--", *packages], runner)))
    for line in (files.text(_UCF) or "").splitlines():  # configuration that a package's script put there
        digest, _space, path = line.partition("  ")
        found["", path] = digest
    return found


_CONFFILES = "${binary:Package}\\n${Conffiles}\\n"


def _is_as_it_came(
    path: str, owned: Sequence[Tuple[str, str]], sums: Mapping[Tuple[str, str], str], files: ConfigFiles
) -> bool:
    if os.path.islink(path):
        return bool(owned)  # what it led to at first is not known
    expected = {sums.get((package, name)) for name, package in owned} | {sums.get(("", path))}
    return bool(expected - {None}) and _digest(files.text(path)) in expected


def _digest(text: object) -> str:
    if not isinstance(text, str):
        return "absent"
    try:
        return hashlib.new("md5", text.encode("utf-8", "surrogateescape")).hexdigest()  # noqa: S324 dpkg's choice
    except ValueError:  # a host that forbids MD5
        return "unknown"


# --- rpm


def _ask_rpm(program: str, paths: Sequence[str], runner: Runner) -> Dict[str, str]:
    there = [path for path in paths if os.path.lexists(path)]  # rpm prints no line for one that is not
    return dict(_ask_in_order(program, there, runner))


def _ask_in_order(program: str, paths: Sequence[str], runner: Runner) -> Iterator[Tuple[str, str]]:
    """Give the packages of paths: rpm prints a line for each, but several for one that several packages have."""
    lines = _output([program, "-qf", "--qf", "%{NAME}\\n", *paths], runner).splitlines() if paths else []
    if len(paths) > 1 and len(lines) != len(paths):
        half = len(paths) // 2
        yield from _ask_in_order(program, paths[:half], runner)
        yield from _ask_in_order(program, paths[half:], runner)
        return
    yield from ((path, line) for path, line in zip(paths, lines) if " " not in line)


def _changed(packages: Sequence[str], runner: Runner) -> Set[str]:
    """Return the files of packages that are not as they came."""
    program = find_program("rpm")
    if program is None or not packages:
        return set()
    argv = [program, "-V", "--nodeps", "--noscripts", "--nosignature", "--nodigest", *packages]
    return parse_verify(_output(argv, runner))


def parse_verify(text: str) -> Set[str]:
    """Return the files whose content changed, or that are gone, out of what ``rpm -V`` prints."""
    found = set()
    for line in text.splitlines():
        flags, mark, path = line.partition(" /")
        if mark and (flags.startswith("missing") or set("S5L?") & set(flags[:9])):
            found.add("/" + path)
    return found
