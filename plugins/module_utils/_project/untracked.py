# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds files beside a project's code that git does not hold and that the site may need.

A checkout on new lacks them: translations are gone, ``static()`` raises, a settings module is not found. What can be
made again without them (environments, caches, STATIC_ROOT, logs) is passed over, since a false alarm costs time too.
"""

from __future__ import annotations

import fnmatch
import os
import re
import time
from dataclasses import dataclass
from typing import Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._project.git import Git
from ansible_collections.relocate.django.plugins.module_utils._project.revision import toplevel
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as

#: Directories that are made anew, by name.
_MADE_ANEW = (
    "__pycache__ .git .hg .svn node_modules .venv venv env virtualenv .virtualenv .tox .nox .mypy_cache .pytest_cache"
    " .ruff_cache .cache .parcel-cache .sass-cache .npm .yarn .pnpm-store .idea .vscode htmlcov .eggs log logs tmp temp"
    " _build site-packages .ipynb_checkpoints __pypackages__"
).split()
_JUNK = (
    "*.pyc",
    "*.pyo",
    "*.log",
    "*.log.*",
    "*.pid",
    "*.sock",
    "*.swp",
    "*.tmp",
    "*~",
    "*.bak",
    "*.old",
    "*.orig",
    ".DS_Store",
    "Thumbs.db",
    ".coverage",
    ".gitkeep",
    "celerybeat-schedule*",
    "*.egg-link",
    "*.map",
)
_NO_CONCERN = frozenset("log logs tmp run cache .cache lost+found".split())  # where somebody else may write
_ENVIRONMENTS = ("pyvenv.cfg", "conda-meta")
#: What a file is by its name alone; the first that fits holds.
_BY_NAME = (
    (r"\.mo$", "a compiled translation"),
    (r"^\.env(\.(?!example$|sample$|template$|dist$)[^.]+)?$|\.env$", "an environment file"),
    (r"^(local_?settings|settings_?local|local|secrets?|local_config)\.py$", "local settings"),
    (r"\.(pem|key|p12|pfx|jks)$|^id_(rsa|ed25519|ecdsa)$", "a key"),
    (r"(credential|client_secret|service.?account).*\.json$", "credentials"),
    (r"^(webpack-stats|staticfiles|asset-manifest|rev-manifest|mix-manifest)[^/]*\.json$", "a manifest of a build"),
)
_BUILD = re.compile(r"(^|/)(dist|build|bundles|webpack_bundles|public|assets|bower_components)/")
_FRONT_END = re.compile(r"\.(js|css)$|^manifest\.json$")
_DATABASE = re.compile(r"\.(sqlite3?|db)$")
_FRESH = 30 * 24 * 3600.0  # seconds: a database that nobody wrote to for so long is not in use
_LIMIT = 200000  # entries of untracked directories that are looked at
_SEVERAL = 3  # files of one kind in a directory that are named one by one


@dataclass(frozen=True)
class Left:
    """Something that a checkout on new would lack: its path as relocate_files would name it, and what it is."""

    path: str
    what: str


@dataclass(frozen=True)
class Held:
    """What lies beside the code of another version control than git's: its top, and names relative to that.

    Those of directories that are whole end with a slash.
    """

    top: str
    beside: Sequence[str]


def find(
    path: str,
    owner: Optional[SystemUser],
    used: Mapping[str, Sequence[str]],
    apart: Sequence[str],
    accepted: Sequence[str] = (),
    held: Optional[Held] = None,
) -> List[Left]:
    """Return what git does not hold and the site may need, sorted. Raises not_a_checkout.

    :param used: kind (static, templates, locale) -> directories that the settings name
    :param apart: what travels, or is made anew, by other means: MEDIA_ROOT, STATIC_ROOT, database files
    :param accepted: patterns and paths, relative to the project or absolute, that the user has spoken of
    :param held: None for git
    """
    top = os.path.realpath(held.top if held else toplevel(path, owner))
    project = os.path.realpath(path)
    places = {kind: [os.path.realpath(item) for item in items] for kind, items in used.items()}
    look = _Look(top, places, [os.path.realpath(item) for item in apart if item])
    found: Dict[str, str] = {}
    names = held.beside if held else Git(top, owner).names("ls-files", "-z", "--others", "--directory")
    with acting_as(owner):
        for full in look.files(names):
            what = look.what(full)
            if what:
                found[full] = what
    found.update(dict.fromkeys(look.unseen, "a directory that the project's owner cannot look into"))
    spoken = [os.path.normpath(os.path.join(project, item)) for item in accepted]
    return _grouped(_unspoken(found, spoken), project)


def _unspoken(found: Mapping[str, str], spoken: Sequence[str]) -> Dict[str, str]:
    """Return what no pattern of the user's covers."""
    return {full: what for full, what in found.items() if not any(covers(item, full) for item in spoken)}


def covers(pattern: str, full: str) -> bool:
    """Tell whether a path is what the pattern names, or lies below it. ``*`` does not cross a slash."""
    parts, wanted = full.split("/"), pattern.rstrip("/").split("/")
    return len(parts) >= len(wanted) and all(fnmatch.fnmatchcase(part, want) for part, want in zip(parts, wanted))


class _Look:
    """Looks through what is untracked below one checkout."""

    def __init__(self, top: str, places: Mapping[str, Sequence[str]], apart: Sequence[str]) -> None:
        self._top, self._places, self._apart = top, places, apart
        self._wanted = [item for items in places.values() for item in items]
        self._left = _LIMIT
        self.unseen: List[str] = []  # directories

    def files(self, names: Sequence[str]) -> Iterator[str]:
        """Every untracked file that is not of a kind that is made anew."""
        for name in names:
            full = os.path.join(self._top, name.rstrip("/"))
            if any(part in _MADE_ANEW for part in name.rstrip("/").split("/")[:-1]) and not self._is_used(full):
                continue
            if not name.endswith("/"):
                yield from self._file(full)
            elif self._enters(full):
                yield from self._below(full)

    def _below(self, directory: str) -> Iterator[str]:
        for above, directories, files in os.walk(directory, onerror=self._note):
            directories[:] = sorted(item for item in directories if self._enters(os.path.join(above, item)))
            self._left -= len(files) + len(directories)
            if self._left < 0:
                return
            for name in sorted(files):
                yield from self._file(os.path.join(above, name))

    def _note(self, error: OSError) -> None:
        name = str(error.filename)
        if not isinstance(error, FileNotFoundError) and os.path.basename(name) not in _NO_CONCERN:
            self.unseen.append(name)

    def _enters(self, directory: str) -> bool:
        name = os.path.basename(directory)
        if self._is_apart(directory) or any(os.path.lexists(os.path.join(directory, mark)) for mark in _ENVIRONMENTS):
            return False
        if os.path.basename(os.path.dirname(directory)) == "build" and re.match(r"(lib|bdist|temp)\b", name):
            return False  # of setuptools
        made = name in _MADE_ANEW or name.endswith((".egg-info", ".dist-info", "__previous")) or "__previous-" in name
        return not made or self._is_used(directory)

    def _is_used(self, path: str) -> bool:
        """Tell whether the settings name this place, or one in it."""
        return any((item + "/").startswith(path + "/") or (path + "/").startswith(item + "/") for item in self._wanted)

    def _is_apart(self, full: str) -> bool:
        return any((full + "/").startswith(item + "/") for item in self._apart)

    def _file(self, full: str) -> Iterator[str]:
        name = os.path.basename(full)
        if not self._is_apart(full) and not any(fnmatch.fnmatchcase(name, junk) for junk in _JUNK):
            yield full

    def what(self, full: str) -> str:
        """Return what a file is that the site may need; empty when it does not look like that."""
        name, relative = os.path.basename(full), full[len(self._top) + 1 :]
        return self._by_place(full) or _by_name(name) or self._by_kind(full, name, relative)

    def _by_place(self, full: str) -> str:
        for kind, what in (("static", "a static file"), ("templates", "a template")):
            if any(full.startswith(item + "/") for item in self._places.get(kind, ())):
                return what
        return ""

    @staticmethod
    def _by_kind(full: str, name: str, relative: str) -> str:
        if _FRONT_END.search(name) and _BUILD.search(relative):
            return "a front-end build"
        if name.endswith((".py", ".so")) and _is_package(os.path.dirname(full)):
            return "a module of the project"
        if "/fixtures/" in "/" + relative and name.endswith((".json", ".yaml", ".yml", ".xml", ".jsonl")):
            return "a fixture"
        if _DATABASE.search(name) and _is_fresh(full):
            return "a database file that was written lately"
        return ""


def _by_name(name: str) -> str:
    return next((what for pattern, what in _BY_NAME if re.search(pattern, name, re.IGNORECASE)), "")


def _is_package(directory: str) -> bool:
    return os.path.isfile(os.path.join(directory, "__init__.py")) or os.path.isfile(
        os.path.join(directory, "manage.py")
    )


def _is_fresh(full: str) -> bool:
    try:
        status = os.lstat(full)
    except OSError:
        return False
    return status.st_size > 0 and time.time() - status.st_mtime < _FRESH


def _grouped(found: Mapping[str, str], project: str) -> List[Left]:
    """Few entries for many files: a directory of a build, a pattern for files of one kind."""
    groups: Dict[Tuple[str, str], List[str]] = {}
    for full, what in sorted(found.items()):
        groups.setdefault((_pattern(full, what), what), []).append(full)
    entries = set()
    for (pattern, what), members in groups.items():
        for path in [pattern] if len(members) > _SEVERAL or pattern.endswith("/") else members:
            inside = path.startswith(project + "/")
            entries.add(Left(path[len(project) + 1 :] if inside else path, what))
    return sorted(entries, key=lambda item: item.path)


def _pattern(full: str, what: str) -> str:
    if what == "a compiled translation":
        return re.sub(r"[^/]+/LC_MESSAGES/[^/]+$", "*/LC_MESSAGES/*.mo", full)
    build = _BUILD.search(full) if what in ("a front-end build", "a static file") else None
    if build is not None:
        return full[: build.end()]
    return os.path.join(os.path.dirname(full), "*" + os.path.splitext(full)[1])
