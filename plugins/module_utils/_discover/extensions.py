# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looks through a virtual environment for extension modules: what they link to, and whether pip compiled them here."""

from __future__ import annotations

import glob
import os
import re
import stat
from dataclasses import dataclass
from typing import Dict, Iterator, List, Optional, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._discover import elf
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as

_MODULE = re.compile(r"\.so(\.[0-9.]+)?$")
_TAG = re.compile(r"(?m)^Tag:\s*\S+-(\S+?)\s*$")
_LIMIT = 3000  # extension modules
_TEXT = 4 * 1024 * 1024  # bytes of a RECORD
_DIRECTORIES = 50000
_NO_PLACE = frozenset(("__pycache__", "node_modules", ".git"))


@dataclass(frozen=True)
class Extension:
    """A distribution with extension modules."""

    name: str  # of the distribution; "" for modules that belong to none
    compiled: bool  # on this host, by pip, and not in a wheel for many
    libraries: Tuple[str, ...]  # that its modules link to: libpq.so.5


def find(interpreter: str, owner: Optional[SystemUser]) -> List[Extension]:
    """Return what an interpreter's virtual environment holds; nothing for a Python without one.

    It is read with the rights of the project's owner, who can write it.
    """
    environment = os.path.dirname(os.path.dirname(interpreter))
    with acting_as(owner if os.geteuid() == 0 else None):
        if not os.path.isfile(os.path.join(environment, "pyvenv.cfg")):
            return []
        places = glob.glob(os.path.join(glob.escape(environment), "lib*", "python*", "site-packages"))
        return _in_places(sorted({os.path.realpath(place) for place in places}))


def _in_places(places: List[str]) -> List[Extension]:
    found: Dict[str, Tuple[bool, Set[str]]] = {}
    for place in places:
        owners = _owners(place)
        modules = list(_modules(place))
        own = {os.path.basename(path) for path in modules}
        for path in modules:
            name, compiled = owners.get(os.path.relpath(path, place), ("", True))
            libraries = set(_linked(path)) - own
            known = found.setdefault(name, (compiled, set()))
            known[1].update(libraries)
    return [Extension(name, found[name][0], tuple(sorted(found[name][1]))) for name in sorted(found)]


def _modules(place: str) -> Iterator[str]:
    number = 0
    for count, (above, directories, files) in enumerate(os.walk(place)):
        directories[:] = sorted(item for item in directories if item not in _NO_PLACE)
        for name in sorted(files):
            if _MODULE.search(name) and number < _LIMIT:
                number += 1
                yield os.path.join(above, name)
        if count > _DIRECTORIES:
            return


def _owners(place: str) -> Dict[str, Tuple[str, bool]]:
    """The distribution of each extension module, by its relative path, and whether it was compiled here."""
    found: Dict[str, Tuple[str, bool]] = {}
    for directory in sorted(glob.glob(os.path.join(glob.escape(place), "*.dist-info"))):
        platforms = _TAG.findall(_text(os.path.join(directory, "WHEEL")))
        if not platforms or set(platforms) == {"any"}:
            continue
        name = os.path.basename(directory).partition("-")[0]
        compiled = is_compiled(platforms)
        for line in _text(os.path.join(directory, "RECORD")).splitlines():
            path = line.partition(",")[0].strip('"')
            if _MODULE.search(path):
                found[os.path.normpath(path)] = name, compiled
    return found


def is_compiled(platforms: List[str]) -> bool:
    """Tell whether the platforms of a wheel say that it was made for one host alone: ``linux_x86_64``."""
    return all(part.startswith("linux_") for platform in platforms for part in platform.split("."))


def _linked(path: str) -> List[str]:
    handle = _opened(path)
    if handle is None:
        return []
    with os.fdopen(handle, "rb") as stream:
        return elf.needed(stream)


def _text(path: str) -> str:
    handle = _opened(path)
    if handle is None:
        return ""
    with os.fdopen(handle, "rb") as stream:
        return stream.read(_TEXT).decode("utf-8", "replace")


def _opened(path: str) -> Optional[int]:
    """Open a regular file; its reader holds the rights of the owner."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    if stat.S_ISREG(os.fstat(handle).st_mode):
        return handle
    os.close(handle)
    return None
