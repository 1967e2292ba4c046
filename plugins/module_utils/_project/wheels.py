# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks pip, before it installs, which packages have no wheel for new's Python, and looks for what builds these.

It is asked as the owner, with his indexes: ``--dry-run --only-binary :all:`` ends at the first package without
a wheel. Those before it have one, so the next question begins behind it, and each package is looked up about once.
"""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from typing import Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._process import Completed
from ansible_collections.relocate.django.plugins.module_utils._project import native, packages, requirements
from ansible_collections.relocate.django.plugins.module_utils._project.installer import (
    Installer,
    lacking_refusal,
    series_of,
)

_SECONDS = 120.0  # for all questions
_QUESTIONS = 20
#: Found wherever an index can be reached at all: pip says of an index that is silent that it has no wheel.
_PROBE = "pip"
_NONE = re.compile(r"No matching distribution found for ([A-Za-z0-9][\w.-]*)")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")
_VERSION = re.compile(r"[0-9A-Za-z.+!_-]+\Z")
_OPTION = re.compile(r"(?m)^\s*((?:-i|-f|--index-url|--extra-index-url|--find-links|--trusted-host)\b[ =]*)(\S+)"
                     r"|^\s*(--no-index|--pre)\b")  # fmt: skip
_NO_BINARY = re.compile(r"(?m)^\s*--no-binary[ =]+(\S+)")
_ONLY_EXTRA = re.compile(r"\(?\s*extra\s*==\s*['\"][^'\"]+['\"]\s*\)?\Z")
_HEADER = "import os, sysconfig; print(os.path.exists(os.path.join(sysconfig.get_paths()['include'], 'Python.h')))"
_METHODS = ("requirements", "project", "freeze", "poetry", "pipenv")


@dataclass(frozen=True)
class Wanted:
    """Describes what will be installed.

    :param interpreter: of the environment, which has pip
    :param method: how packages are installed
    :param texts: requirement files by path relative to the project, with all that they include
    :param before: what old has
    :param directory: of the owner, for files of ours
    """

    interpreter: str
    method: str
    texts: Mapping[str, str]
    before: Sequence[packages.Package]
    directory: str


@dataclass(frozen=True)
class Asked:
    """Holds what pip said.

    :param sources: canonical names of packages that will be built from source
    :param why_not: why that is not known
    """

    sources: Tuple[str, ...] = ()
    why_not: str = ""


def refuse_lacking(wanted: Wanted, installer: Installer) -> str:
    """Look whether new has what packages are built with. Raises build_tools_missing.

    Returns a note when pip could not be asked; "" otherwise.
    """
    asked = ask(wanted, installer)
    compiled = {item.key: item.compiled for item in wanted.before}
    needed = {name: native.needed(name, compiled.get(name, False)) for name in asked.sources}
    things = [thing for names in needed.values() for thing in names]
    if things:
        lacking = native.lacking(things, _has_header(wanted, installer))
        if lacking:
            built = [name for name, names in needed.items() if set(names).intersection(lacking)]
            names = native.packages(lacking, series_of(installer.setting))
            raise lacking_refusal(built, [native.words(lacking)], names)
    return "pip was not asked which packages new must build from source: " + asked.why_not if asked.why_not else ""


def _has_header(wanted: Wanted, installer: Installer) -> bool:
    """Tell whether the Python that builds has its headers; its own program is asked, as the owner."""
    try:
        return installer.ask([wanted.interpreter, "-c", _HEADER], 30).out.strip() != "False"
    except RelocateError:
        return True


def ask(wanted: Wanted, installer: Installer) -> Asked:
    """Return which packages have no wheel for this Python."""
    lines = pins(wanted)
    if wanted.method not in _METHODS or not lines:
        why = "the versions are not known before they are installed" if wanted.before else "the set does not list them"
        return Asked(why_not=why)
    wished = _built_on_purpose(wanted.texts, installer.env())
    sources = [key for key, _line in lines if key in wished or ":all:" in wished]
    return _eliminate([item for item in lines if item[0] not in sources], sources, wanted, installer)


def _eliminate(lines: List[Tuple[str, str]], sources: List[str], wanted: Wanted, installer: Installer) -> Asked:
    """Ask until pip has found a wheel for each of the remaining lines."""
    end, options = time.monotonic() + _SECONDS, _options(wanted.texts, installer.setting.path)
    for number in range(_QUESTIONS):
        path = os.path.join(wanted.directory, "wheels-{0}.txt".format(number))
        text = "\n".join([*options, _PROBE, *(line for _key, line in lines)]) + "\n"
        done = _pip(wanted.interpreter, installer.write(path, text), installer, end - time.monotonic())
        if done is not None and done.rc == 0:
            return Asked(tuple(dict.fromkeys(sources)))
        keys = [key for key, _line in lines]
        name = _without_wheel(done)
        if name not in keys:
            return Asked(tuple(dict.fromkeys(sources)) if number else (), _why(done, name))
        sources.append(name)
        lines = [item for item in lines[keys.index(name) + 1 :] if item[0] != name]
    return Asked(tuple(dict.fromkeys(sources)))


def _pip(interpreter: str, path: str, installer: Installer, seconds: float) -> Optional[Completed]:
    """Ask pip for wheels of all that a file names; None when it took too long."""
    argv = [interpreter, "-m", "pip", "install", "--dry-run", "--no-deps", "--ignore-installed", "--quiet"]
    argv += ["--only-binary", ":all:", "--retries", "0", "--timeout", "10", "-r", path]
    try:
        return installer.ask(argv, seconds) if seconds > 0 else None
    except RelocateError as error:
        if error.code != "timed_out":
            raise
        return None


def _without_wheel(done: Optional[Completed]) -> str:
    match = _NONE.search(done.err) if done is not None else None
    return requirements.canonical(match.group(1)) if match else ""


def _why(done: Optional[Completed], name: str) -> str:
    if done is None:
        return "its answer took too long"
    if name == _PROBE:
        return "no package index answers new"
    if "no such option" in done.err:
        return "it is older than 22.2"
    return "it exited {0}".format(done.rc)


# --- what is asked for


def pins(wanted: Wanted) -> List[Tuple[str, str]]:
    """Return the packages that will be installed, in lines of a requirements file, each with its canonical name.

    Those that come from elsewhere than an index are left out, and those that no requirement reaches.
    """
    by_key = {item.key: item for item in wanted.before if not item.system and " @ " not in item.line}
    conditions = _conditions(wanted.before, _roots(wanted, by_key))
    own = requirements.pinned(line for text in wanted.texts.values() for line in text.splitlines())
    return [
        (key, "{0}=={1}{2}".format(key, own.get(key, by_key[key].version), end))
        for key in sorted(set(by_key).intersection(conditions) - {_PROBE})
        for end in _ends(conditions[key])
        if _NAME.match(key) and _VERSION.match(own.get(key, by_key[key].version))
    ]


def _roots(wanted: Wanted, by_key: Mapping[str, packages.Package]) -> List[packages.Need]:
    """Return what is asked for by name: by requirement files, or else what no other package brings."""
    if wanted.method == "freeze":
        return [packages.Need(key) for key in by_key]
    if wanted.method == "requirements":
        return [need for text in wanted.texts.values() for need in _named(text)]
    brought = {need.name for item in wanted.before for need in item.needs}
    return [packages.Need(key) for key in by_key if key not in brought]


def _named(text: str) -> Iterator[packages.Need]:
    """Give what the lines of a requirements file ask for by name."""
    for line in text.replace("\\\n", " ").splitlines():
        need = packages.need_of_line(re.sub(r"(^|\s)#.*$", "", line).strip())
        if need is not None:
            yield need


def _conditions(before: Sequence[packages.Package], roots: Sequence[packages.Need]) -> Dict[str, Set[str]]:
    """Return under which markers each package is needed, of all that the roots bring; "" is always."""
    named: Dict[str, Set[str]] = {}
    for need in roots:
        named.setdefault(need.name, set()).update(need.extras)
    reached = packages.reach(before, named)
    brought = [need for item in before if item.key in reached for need in item.needs]
    found: Dict[str, Set[str]] = {}
    for need in [*roots, *(need for need in brought if need.name in reached)]:
        found.setdefault(need.name, set()).add("" if _ONLY_EXTRA.match(need.marker) else need.marker)
    return found


def _ends(markers: Iterable[str]) -> List[str]:
    plain = [marker for marker in sorted(markers) if marker.isprintable() and " --" not in marker]
    return [""] if "" in plain else [" ; " + marker for marker in plain]


def _options(texts: Mapping[str, str], path: str) -> List[str]:
    """Return the lines of requirement files that say where packages come from."""
    found: List[str] = []
    for name, text in texts.items():
        for option, value, flag in _OPTION.findall(text):
            here = bool(option) and option.lstrip("-").startswith("f") and "://" not in value
            value = os.path.join(path, os.path.dirname(name), value) if here else value
            found.append(flag or "{0} {1}".format(option.rstrip(" ="), value))
    return list(dict.fromkeys(found))


def _built_on_purpose(texts: Mapping[str, str], env: Mapping[str, str]) -> Set[str]:
    """Return the packages that the files or the owner want built from source; ":all:" for all of them."""
    words = [word for text in texts.values() for word in _NO_BINARY.findall(text)]
    names = [name.strip() for word in [*words, env.get("PIP_NO_BINARY", "")] for name in re.split(r"[, ]", word)]
    return {name if name == ":all:" else requirements.canonical(name) for name in names if name}
