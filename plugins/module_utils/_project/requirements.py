# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads what a project says about its packages: which file lists them, which versions are recorded."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from typing import Dict, Iterable, List, Optional, Sequence, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError

#: Lock files win over requirements, which win over a bare pyproject.toml.
LOCKS = (("uv", "uv.lock"), ("poetry", "poetry.lock"), ("pipenv", "Pipfile.lock"))
REQUIREMENTS = (
    "requirements.txt",
    "requirements/production.txt",
    "requirements/prod.txt",
    "requirements/base.txt",
    "requirements/requirements.txt",
)
#: Every file that tells the packages by itself, with its method; the first that is there holds.
_TELLING = LOCKS + tuple(("requirements", name) for name in REQUIREMENTS)
_PROJECT = ("pyproject.toml", "setup.py", "setup.cfg")
_FILE_LIMIT = 4 * 1024 * 1024  # bytes
NAME = re.compile(r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)")
_PIN = re.compile(r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*={2,3}\s*([^\s;,#*]+)\s*(?:[;#].*|\\.*)?$")
_PACKAGED = re.compile(r"(?m)^\s*\[(project|build-system|tool\.poetry)\]")
_PYTHON = (
    re.compile(r"(?m)^\s*requires-python\s*=\s*[\"']([^\"']+)"),
    re.compile(r"(?m)^\s*python\s*=\s*[\"']([^\"']+)"),
)


@dataclass(frozen=True)
class Found:
    """The way in which a project wants its packages installed.

    :param method: uv, poetry, pipenv, requirements, project or freeze
    :param files: relative paths of the files that tell
    """

    method: str
    files: Tuple[str, ...] = ()


def detect(path: str, given: Sequence[str] = ()) -> Found:
    """Return which files of a checkout tell its packages. Raises bad_option when a given file is not there."""
    missing = [name for name in given if not _holds(path, name)]
    if missing:
        raise RelocateError(
            "bad_option",
            "{0} holds no {1}".format(path, ", ".join(missing)),
            "set relocate_requirements to files of the revision",
        )
    if given:
        return Found("requirements", tuple(given))
    for method, name in _TELLING:
        if _holds(path, name):
            return Found(method, (name,))
    if _PACKAGED.search(read_text(os.path.join(path, "pyproject.toml"))) or _holds(path, "setup.py"):
        return Found("project", _present(path, _PROJECT))
    return Found("freeze")


def _holds(path: str, name: str) -> bool:
    return os.path.isfile(os.path.join(path, name))


def _present(path: str, names: Iterable[str]) -> Tuple[str, ...]:
    return tuple(name for name in names if _holds(path, name))


def read_text(path: str) -> str:
    """A regular file's text; empty when it cannot be read. The caller holds the rights of the checkout's owner."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as stream:
            plain = stat.S_ISREG(os.fstat(handle).st_mode)
            return stream.read(_FILE_LIMIT).decode("utf-8", "replace") if plain else ""
    except OSError:
        return ""


def requires_python(path: str) -> str:
    """The project's own statement of the Pythons that it runs on; empty when it makes none."""
    text = read_text(os.path.join(path, "pyproject.toml"))
    for pattern in _PYTHON:
        match = pattern.search(text)
        if match:
            return match.group(1).strip()
    return ""


def with_included(path: str, names: Iterable[str]) -> Dict[str, str]:
    """Requirement files and all that they include with -r or -c, by path relative to the project."""
    texts: Dict[str, str] = {}
    pending = list(names)
    while pending:
        name = os.path.normpath(pending.pop())
        if name in texts or name.startswith(".."):
            continue
        texts[name] = read_text(os.path.join(path, name))
        for match in re.finditer(r"(?m)^\s*(?:-r|-c|--requirement|--constraint)[ =]?\s*([^\s#]+)", texts[name]):
            if "://" not in match.group(1):
                pending.append(os.path.join(os.path.dirname(name), match.group(1)))
    return texts


def canonical(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned(lines: Iterable[str]) -> Dict[str, str]:
    """The ``name==version`` lines, by canonical name."""
    matches = [_PIN.match(line) for line in lines]
    return {canonical(match.group(1)): match.group(2) for match in matches if match}


def constraints(requirement_texts: Iterable[str], freeze: Sequence[str]) -> List[str]:
    """The recorded versions of everything that the requirement files leave open, dependencies included.

    What the files pin themselves is left to them: on old the environment may lag behind the checkout. Files with
    hashes need no help, and pip refuses it.
    """
    texts = list(requirement_texts)
    if any("--hash" in text for text in texts):
        return []
    own: Set[str] = set()
    for text in texts:
        own.update(pinned(text.splitlines()))
    recorded = pinned(freeze)
    return sorted("{0}=={1}".format(name, version) for name, version in recorded.items() if name not in own)


def recorded_versions(packages: Sequence[str], freeze: Sequence[str]) -> List[str]:
    """The recorded versions of these very packages, where they name none themselves."""
    names = {canonical(match.group(1)) for match in map(NAME.match, packages) if match}
    recorded, own = pinned(freeze), pinned(packages)
    wanted = sorted(name for name in names if name in recorded and name not in own)
    return ["{0}=={1}".format(name, recorded[name]) for name in wanted]


def installable(freeze: Sequence[str]) -> Tuple[List[str], List[str]]:
    """The lines of ``pip freeze`` that another host can install, and those that it cannot: local paths."""
    kept: List[str] = []
    local_lines: List[str] = []
    for line in (line.strip() for line in freeze):
        if not line or line.startswith("#") or line == "pkg-resources==0.0.0":  # Debian's invention; no such package
            continue
        local = re.match(r"^(-e|--editable)\s+(?!\w+\+)", line) or re.search(r"@\s*(file:|/)", line)
        (local_lines if local else kept).append(line)
    return kept, local_lines


def django_of(freeze: Sequence[str]) -> Optional[str]:
    """The Django version in a freeze."""
    return pinned(freeze).get("django")
