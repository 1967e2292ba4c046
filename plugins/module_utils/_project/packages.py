# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds packages that a site has and that no requirements file names: a new environment would lack them.

What another package brings is no concern, nor are the installers themselves or what the operating system installed.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, Dict, FrozenSet, Iterable, List, Mapping, Optional, Sequence, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._process import Command, run
from ansible_collections.relocate.django.plugins.module_utils._project import (
    inside,
    replies,
    requirements,
    venv_packages,
)
from ansible_collections.relocate.django.plugins.module_utils._project.requirements import canonical

#: What makes environments, and is made anew with each.
_INSTALLERS = ("pip", "setuptools", "wheel", "pkg-resources", "distribute")
_LIMIT = 64 * 1024 * 1024  # bytes of an answer
_NEED = re.compile(r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[([^\]]*)\])?")
_EXTRA = re.compile(r"extra\s*==\s*['\"]([^'\"]+)['\"]")
_EGG = re.compile(r"[#&]egg=([A-Za-z0-9._-]+)")
_LOCKED = re.compile(r"(?m)^name\s*=\s*\"([^\"]+)\"")

Roots = Dict[str, Set[str]]  # canonical name -> extras


@dataclass(frozen=True)
class Need:
    """One requirement of a distribution: whom it needs, with which extras, and for which extras of its own."""

    name: str
    extras: FrozenSet[str] = frozenset()
    only_for: FrozenSet[str] = frozenset()
    marker: str = field(default="", compare=False)  # when it is needed, as written


@dataclass(frozen=True)
class Package:
    """An installed distribution."""

    name: str
    version: str
    line: str  # as a requirements file would name it, without credentials
    needs: Tuple[Need, ...] = ()
    system: bool = False
    local: bool = False
    compiled: bool = False  # some of it is not Python
    key: str = field(default="", compare=False)


def parse_need(text: str) -> Optional[Need]:
    """A line of Requires-Dist, or of a requirements file that begins with a name."""
    match = _NEED.match(text)
    if match is None:
        return None
    marker = text.partition(";")[2].partition(" --")[0].strip()
    extras = frozenset(canonical(part.strip()) for part in (match.group(2) or "").split(",") if part.strip())
    only_for = frozenset(canonical(name) for name in _EXTRA.findall(marker))
    return Need(canonical(match.group(1)), extras, only_for, marker)


def from_plain(plain: Iterable[Mapping[str, Any]]) -> List[Package]:
    """Return what the interpreter told, or a set recorded; the first one of a name holds."""
    found: Dict[str, Package] = {}
    for item in plain:
        needs = tuple(need for need in map(parse_need, item["needs"]) if need is not None)
        key = canonical(str(item["name"]))
        package = Package(
            str(item["name"]),
            str(item["version"]),
            str(item["line"]),
            needs,
            bool(item["system"]),
            bool(item["local"]),
            bool(item.get("compiled")),
            key,
        )
        found.setdefault(key, package)
    return [found[key] for key in sorted(found)]


def installed(
    interpreter: str, owner: Optional[SystemUser], env: Mapping[str, str], directory: str, timeout: float = 60
) -> List[Dict[str, Any]]:
    """Ask an interpreter for its distributions, as plain as a set keeps them. Raises probe_failed, timed_out."""
    marker = inside.new_marker()
    command = Command([interpreter, "-", marker], owner, dict(env), directory, umask=0o022)
    result = run(command, stdin=inside.program((venv_packages,)), timeout=timeout)
    _before, found, after = result.stdout.rpartition(marker.encode("ascii"))
    try:
        if result.rc != 0 or not found or len(after) > _LIMIT:
            raise ValueError("no answer")
        plain: List[Dict[str, Any]] = replies.checked(json.loads(after.decode("ascii")), replies.PACKAGES)
        return plain
    except (ValueError, RecursionError) as exc:
        raise RelocateError(
            "probe_failed",
            "{0} does not tell its packages (exit {1})".format(interpreter, result.rc),
            "run `{0} -m pip list` as the project's owner".format(interpreter),
        ) from exc


# --- what the files name


def named(path: str, given: Sequence[str] = (), packages: Sequence[Package] = ()) -> Optional[Roots]:
    """The packages that a checkout's own files ask for; None when that cannot be told without running them.

    :param given: requirement files that the user named. Raises bad_option when one is not there
    :param packages: what is installed, for lines that name a directory or an address only
    """
    found = requirements.detect(path, given)
    if found.method == "requirements":
        return _in_requirements(requirements.with_included(path, found.files), packages)
    if found.method in ("uv", "poetry", "pipenv"):
        return _in_lock(requirements.read_text(path + "/" + found.files[0]))
    return None


def _in_lock(text: str) -> Roots:
    if text.lstrip().startswith("{"):
        try:
            sections = json.loads(text)
            return {canonical(name): set() for part in ("default", "develop") for name in sections.get(part, {})}
        except (ValueError, AttributeError):
            return {}
    return {canonical(name): set() for name in _LOCKED.findall(text)}


def _in_requirements(texts: Mapping[str, str], packages: Sequence[Package]) -> Optional[Roots]:
    roots: Roots = {}
    for text in texts.values():
        for line in text.replace("\\\n", " ").splitlines():
            line = re.sub(r"(^|\s)#.*$", "", line).strip()
            if re.match(r"(-r|-c|--requirement|--constraint)[ =]?\s*\S+://", line):
                return None  # a file that lies elsewhere
            need = need_of_line(line)
            if need is not None:
                roots.setdefault(need.name, set()).update(need.extras)
            elif re.match(r"-e\b|--editable\b|[^-]", line):
                # An address or directory without a name: whatever was installed from one may be it.
                for package in packages:
                    if " @ " in package.line:
                        roots.setdefault(package.key, set())
    return roots


def need_of_line(line: str) -> Optional[Need]:
    """Return what a line of a requirements file asks for by its name; None for a line that names nothing."""
    egg = _EGG.search(line)
    if egg is not None:
        return Need(canonical(egg.group(1)))
    if not line or line.startswith(("-", ".", "/")) or re.match(r"[\w+.]+://|\w+\+", line):
        return None
    words = line.split(";", maxsplit=1)[0].split()
    is_file = len(words) == 1 and ("/" in words[0] or words[0].endswith((".whl", ".gz", ".zip")))
    return None if is_file else parse_need(line)


# --- what they leave out


def reach(packages: Sequence[Package], roots: Mapping[str, Iterable[str]]) -> Set[str]:
    """The canonical names of roots and of all that they bring, extras included."""
    by_key = {package.key: package for package in packages}
    seen: Dict[str, Set[str]] = {}
    pending = [(name, frozenset(extras)) for name, extras in roots.items()]
    while pending:
        name, extras = pending.pop()
        if name in seen and extras <= seen[name]:
            continue
        seen.setdefault(name, set()).update(extras)
        for need in by_key[name].needs if name in by_key else ():
            if not need.only_for or need.only_for & seen[name]:
                pending.append((need.name, need.extras))
    return set(seen)


def unnamed(packages: Sequence[Package], roots: Optional[Mapping[str, Iterable[str]]]) -> List[Package]:
    """The packages that neither the files nor another package bring.

    :param roots: what the files name; None when that is not known, so that nothing is taken to be named
    """
    spared = reach(packages, roots or {}) | set(_INSTALLERS)
    others = [item for item in packages if item.key not in spared and not item.system]
    brought: Set[str] = set()
    for item in others:
        if item.key not in brought:  # of two that need each other, one is told
            brought |= reach(packages, {item.key: ()}) - {item.key}
    return [item for item in others if item.key not in brought]


def unaccounted(found: Sequence[Package], extra: Sequence[str], ignored: Sequence[str]) -> List[Package]:
    """Those that the user has neither asked to be installed nor agreed to leave behind (``*`` leaves all)."""
    if "*" in ignored:
        return []
    needs = [need_of_line(line) for line in extra]
    known = {need.name for need in needs if need is not None} | {canonical(name) for name in ignored}
    # An entry that is a directory, such as ".", brings what was installed from one.
    return [item for item in found if item.key not in known and not (item.local and None in needs)]


def lacking(found: Sequence[Package], here: Sequence[Package]) -> List[Package]:
    """Those that an environment has not got."""
    there = {item.key for item in here}
    return [item for item in found if item.key not in there]


def changed_versions(before: Sequence[Package], after: Sequence[Package]) -> List[str]:
    """Packages of both whose versions differ, such as ``Django 4.2.16 -> 5.2``."""
    old = {item.key: item for item in before}
    return [
        "{0} {1} -> {2}".format(item.name, old[item.key].version, item.version)
        for item in after
        if item.key in old and old[item.key].version != item.version and item.key not in _INSTALLERS
    ]


def refusal(found: Sequence[Package], where: str) -> RelocateError:
    """The error for packages that would be lacking on new, with the lines that help."""
    lines = [item.line for item in found]
    return RelocateError(
        "packages_unlisted",
        "{0} packages are installed on old and named by no file of {1}: {2}".format(
            len(found), where, ", ".join(lines[:10]) + (", ..." if len(lines) > 10 else "")
        ),
        "add them to the project's requirements, or set relocate_pip_extra: [{0}] to install them on new, or name what"
        " may stay behind in relocate_pip_ignored".format(", ".join(json.dumps(line) for line in lines[:10])),
        {"packages": lines},
    )
