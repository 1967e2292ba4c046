# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says which files a project's settings open that git does not hold: those must travel by themselves.

The probe's topic ``opened`` gives the paths. The project chose them, so whatever is looked at here is looked at with
the rights of its owner.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._discover.found import Guess
from ansible_collections.relocate.django.plugins.module_utils._discover.host_files import is_of_the_host
from ansible_collections.relocate.django.plugins.module_utils._discover.texts import is_name
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._project import env_files, tracked
from ansible_collections.relocate.django.plugins.module_utils._project.git import Git
from ansible_collections.relocate.django.plugins.module_utils._project.revision import toplevel
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as

_HEAD = 4096  # bytes of a file by which its kind is judged
_LIMIT = 500  # files
_LINKS = 40  # as many as the kernel follows
#: Data that others write, or that is there only while something runs.
_PASSING = re.compile(r"^/(run/(?!secrets/|credentials/)|tmp/|var/tmp/|var/log/|var/cache/)")
_JUNK = re.compile(r"\.(log|pid|sock|lock|tmp)$")
#: What a file is by its name; the first that fits holds.
_BY_NAME = (
    (re.compile(r"(^|/)\.env(\.[^/]+)?$|\.env$|(^|/)\.flaskenv$"), "an environment file"),
    (re.compile(r"\.(crt|cer|pem|der|ca)$"), "a certificate"),
    (re.compile(r"\.(key|p12|pfx|jks|asc|gpg)$|(^|/)id_(rsa|ed25519|ecdsa)$"), "a key"),
    (re.compile(r"\.(json|toml|ya?ml|ini|cfg|conf|properties|xml|hcl)$"), "configuration"),
)
_SECRET = re.compile(r"(?i)secret|passw|credential|token|(^|[/_.-])key([/_.-]|$)|^/run/(secrets|credentials)/")
_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----")


@dataclass(frozen=True)
class Opened:
    """A file that the settings open."""

    path: str  # absolute; below the project as it was named, although a link may lead there
    what: str  # "an environment file", "a secret", "a certificate", "a key", "configuration", "a file"
    lacking: Tuple[str, ...] = ()  # what a checkout would lack of it: itself, and what it leads to where it is a link


def find(path: str, owner: Optional[SystemUser], files: Sequence[str]) -> List[Opened]:
    """Return what the settings open, sorted by path.

    :param path: of the project
    :param files: ``opened["files"]`` of the probe
    """
    chains: Dict[str, Tuple[str, ...]] = {}
    kinds: Dict[str, str] = {}
    with acting_as(owner if os.geteuid() == 0 else None):
        for item in _worth(path, files):
            head, full = _head(item), _placed(path, item)
            if head is not None:
                kinds[full], chains[full] = (
                    what(item, head),
                    (full,) + tuple(_placed(path, step) for step in _chain(item)),
                )
    held = held_by_git(path, owner, sorted({step for chain in chains.values() for step in chain}))
    return [
        Opened(full, kinds[full], tuple(step for step in chains[full] if step not in held)) for full in sorted(chains)
    ]


def _worth(path: str, files: Sequence[str]) -> List[str]:
    """Choose the paths that are there whenever the site starts."""
    below = (path.rstrip("/") + "/", os.path.realpath(path) + "/")
    lasting = (item for item in files if item.startswith(below) or not _PASSING.match(item))
    return [item for item in lasting if item.startswith("/") and not _JUNK.search(item)][:_LIMIT]


def _placed(project: str, path: str) -> str:
    """Return a path below the project as the project was named, where settings have resolved the links above it."""
    real = _real(path)
    top = os.path.realpath(project) + "/"
    return os.path.join(project, real[len(top) :]) if real.startswith(top) else os.path.normpath(path)


def _real(path: str) -> str:
    """Return a path without the links above it; as it is, when no file has such a name."""
    try:
        return os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
    except (OSError, ValueError):
        return path


def guesses(path: str, found: Sequence[Opened], others: Sequence[str] = ()) -> List[Guess]:
    """Return the entries of ``relocate_files`` for what git does not hold: links, and what they lead to.

    :param path: of the project
    :param others: absolute paths of files that travel by other means
    """
    entries: Dict[str, Guess] = {}
    for item in found:
        for full in item.lacking:
            if full not in others and not is_of_the_host(full):
                entries.setdefault(full, Guess(named(path, full), "the settings open it: {0}".format(item.what)))
    return [entries[full] for full in sorted(entries)]


def named(project: str, full: str) -> str:
    """Return a path as relocate_files has it: relative to the project when it lies below."""
    top = project.rstrip("/") + "/"
    return full[len(top) :] if full.startswith(top) else full


def what(path: str, head: bytes) -> str:
    """Say what a file is, by its name and its first bytes."""
    match = _PEM.search(head)
    if match is not None:
        return "a key" if b"PRIVATE KEY" in match.group(1) else "a certificate"
    by_name = next((kind for pattern, kind in _BY_NAME if pattern.search(path)), "")
    if by_name == "configuration" and _SECRET.search(path):
        return "a secret"
    if by_name:
        return by_name
    if _SECRET.search(path):
        return "a secret"
    return "an environment file" if _assigns(head) else "a file"


def _assigns(head: bytes) -> bool:
    """Tell whether a text is made of lines of KEY=VALUE and comments."""
    try:
        lines = head.decode("utf-8", "strict" if len(head) < _HEAD else "ignore").splitlines()
    except UnicodeDecodeError:
        return False
    lines = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith(("#", ";"))]
    return bool(lines) and all(env_files.parse(line) for line in lines[:50])


def _head(path: str) -> Optional[bytes]:
    """The first bytes of a regular file; None for anything else, and for what may not be read."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return None
    try:
        return os.read(handle, _HEAD) if stat.S_ISREG(os.fstat(handle).st_mode) else None
    finally:
        os.close(handle)


def _chain(path: str) -> Tuple[str, ...]:
    """Return what a link leads to, one after the other; nothing for a file that is none."""
    found: List[str] = []
    while os.path.islink(path) and len(found) < _LINKS:
        path = os.path.normpath(os.path.join(os.path.dirname(path), os.readlink(path)))
        found.append(path)
    return tuple(found)


def _held_by_others(top: str, names: Sequence[str], owner: Optional[SystemUser], files: Sequence[str]) -> Set[str]:
    """Return the files that another version control holds."""
    held = {os.path.join(top, name) for name in names}
    with acting_as(owner if os.geteuid() == 0 else None):
        return {item for item in files if is_name(item) and _real(item) in held}


def held_by_git(path: str, owner: Optional[SystemUser], files: Sequence[str]) -> Set[str]:
    """The files that git, or another version control, holds, by their given names; none where there is no checkout."""
    top, names = tracked.held(path, owner)
    return _held_by_others(top, names, owner, files) if top else _held_by_git(path, owner, files)


def _held_by_git(path: str, owner: Optional[SystemUser], files: Sequence[str]) -> Set[str]:
    try:
        top = os.path.realpath(toplevel(path, owner))
        with acting_as(owner if os.geteuid() == 0 else None):
            places = {item: _real(item) for item in files if is_name(item)}
        below = {item: real[len(top) + 1 :] for item, real in places.items() if real.startswith(top + "/")}
        if not below:
            return set()
        git = Git(top, owner)
        listed = set(git.names("--literal-pathspecs", "ls-files", "-z", "--cached", "--", *sorted(set(below.values()))))
    except RelocateError:
        return set()
    return {item for item, relative in below.items() if relative in listed}
