# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds the Django projects of a host: directories with ``manage.py`` that something on the host points to.

What points to a project also belongs to it, so the answer is both at once. A project to which nothing points is found
below the usual directories; it is told of, and not taken for a site that serves.
"""

from __future__ import annotations

import glob
import os
from dataclasses import dataclass, field
from typing import Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._discover.found import Starter, WebSite
from ansible_collections.relocate.django.plugins.module_utils._discover.processes import Unit
from ansible_collections.relocate.django.plugins.module_utils._discover.rights import find_user
from ansible_collections.relocate.django.plugins.module_utils._discover.texts import is_name
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import openat
from ansible_collections.relocate.django.plugins.module_utils._users import lookup_user

_MANAGE = "manage.py"
_LIMIT = 64 * 1024  # bytes of manage.py that are looked through
#: Where projects lie that nothing points to, and how deep.
_USUAL = ("/srv", "/opt", "/var/www", "/home/*", "/root")
_DEPTH = 3
_MOST = 4000  # directories that are looked into for those
#: No project lies right in one of these, however many point there.
_SHARED = frozenset(
    "/ /bin /boot /dev /etc /home /lib /media /mnt /opt /proc /root /run /sbin /srv /sys /tmp /usr /usr/bin /usr/lib"
    " /usr/local /usr/local/bin /usr/sbin /usr/share /var /var/cache /var/lib /var/log /var/run /var/spool /var/tmp"
    " /var/www".split()
)
_NOT_BELOW = ("/bin", "/boot", "/dev", "/etc", "/lib", "/proc", "/run", "/sbin", "/sys", "/usr/bin", "/usr/lib")
_NO_PROJECT = frozenset("site-packages dist-packages node_modules .git .venv venv env .tox .nox __pycache__".split())


@dataclass(frozen=True)
class Place:
    """A project's directory, and what belongs to it."""

    path: str  # the directory that holds manage.py
    why: str  # what pointed to it first
    environments: Tuple[str, ...] = ()  # virtual environments that its starters use
    starters: Tuple[Starter, ...] = ()
    webs: Tuple[WebSite, ...] = ()
    owner: str = ""  # of manage.py, when that is not root
    strangers: Tuple[Starter, ...] = ()  # of other users, who named it: nothing that they say of it is relied on

    @property
    def pointing(self) -> Tuple[Starter, ...]:
        """Return all that may run the project, strangers too."""
        return (*self.starters, *self.strangers)

    def takes(self, starter: Starter) -> bool:
        """Tell whether what a starter says of the project may be relied on: root wrote it, or the project's owner."""
        return not starter.by or starter.by == self.owner


@dataclass
class _Looker:
    """Remembers what each directory is, since many point to the same ones."""

    projects: Dict[str, bool] = field(default_factory=dict)

    def is_project(self, directory: str) -> bool:
        """Tell whether a directory holds a ``manage.py`` of Django."""
        if directory not in self.projects:
            self.projects[directory] = _is_django(os.path.join(directory, _MANAGE))
        return self.projects[directory]

    def of(self, pointer: str) -> List[str]:
        """Return the projects that a path leads to: the one that it lies in, else the only one right below it."""
        for directory in _upwards(pointer):
            if self.is_project(directory):
                return [directory]
        environment = environment_of(pointer)
        beside = os.path.dirname(environment) if environment else pointer
        if environment and self.is_project(beside):
            return [beside]
        below = [path for path in _below(beside) if self.is_project(path)]
        return below if len(below) == 1 else []


def find(
    starters: Sequence[Starter], webs: Sequence[WebSite], running: Optional[Mapping[Unit, Iterable[str]]] = None
) -> List[Place]:
    """Return the projects that units, cron and web servers of this host point to, with these; sorted by path.

    :param running: where the processes of each unit run, by :func:`processes.places`
    """
    looker = _Looker()
    found: Dict[str, _Found] = {}  # by what a link such as /srv/shop/current leads to; the name is the first
    for starter in starters:
        paths = pointers(starter)
        if starter.kind == "service":  # those of supervisor are the ones of all its programs
            paths += sorted((running or {}).get((starter.name, starter.manager), ()))
        for real, place in _once(_places(looker, paths)).items():
            found.setdefault(real, _Found(place)).add(starter, map(environment_of, paths))
    for web in webs:
        for real, place in _once(_places(looker, web_pointers(web))).items():
            found.setdefault(real, _Found(place)).add_web(web)
    return sorted((item.place() for item in found.values()), key=lambda place: place.path)


def _once(names: Iterable[str]) -> Dict[str, str]:
    """Return each directory's first name: real path -> name."""
    once: Dict[str, str] = {}
    for name in names:
        once.setdefault(os.path.realpath(name), name)
    return once


@dataclass
class _Found:
    """Collects what belongs to a project."""

    path: str
    why: str = ""
    environments: Set[str] = field(default_factory=set)
    starters: List[Starter] = field(default_factory=list)
    strangers: List[Starter] = field(default_factory=list)
    webs: List[WebSite] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.owner = _owner(os.path.join(self.path, _MANAGE))

    def add(self, starter: Starter, used: Iterable[str]) -> None:
        """Add what names the project."""
        if not Place(self.path, "", owner=self.owner).takes(starter):
            self.strangers.append(starter)
            return
        self.starters.append(starter)
        self._point(starter.name, used)

    def add_web(self, web: WebSite) -> None:
        """Add a server block that leads there."""
        self.webs.append(web)
        self._point(", ".join(web.names) or web.server, [web.python_home])

    def _point(self, name: str, used: Iterable[str]) -> None:
        self.why = self.why or "{0} leads there".format(name)
        self.environments.update(filter(None, used))

    def place(self) -> Place:
        """Return all of it."""
        named = [item.user for item in self.starters if not item.by] + [web.user for web in self.webs]
        users = [self.owner] if self.owner else named
        kept = tuple(path for path in sorted(self.environments) if _is_of(path, users))
        return Place(
            self.path, self.why, kept, tuple(self.starters), tuple(self.webs), self.owner, tuple(self.strangers)
        )


def _owner(manage: str) -> str:
    """Return whose a file is, when it is not root's; a number for one who is no user of this host."""
    try:
        uid = os.stat(manage).st_uid
    except (OSError, ValueError):
        return ""
    user = lookup_user(uid)
    return "" if uid == 0 else user.name if user is not None else str(uid)


def _is_of(environment: str, users: Iterable[str]) -> bool:
    """Tell whether a virtual environment is root's, or one of some users': its code would run as them.

    A script, and where a process runs, are of users even where root wrote the unit.
    """
    known = {0, *(user.uid for user in map(find_user, users) if user is not None)}
    try:
        way = [*_ways(environment), *_ways(os.path.realpath(environment)), os.path.realpath(environment) + "/bin"]
        return all(os.lstat(path).st_uid in known for path in way)
    except (OSError, ValueError):
        return False


def _ways(path: str) -> Iterator[str]:
    while path != os.path.dirname(path):
        yield path
        path = os.path.dirname(path)


def _places(looker: _Looker, paths: Sequence[str]) -> List[str]:
    """Return the projects that some paths lead to.

    Two projects may share the environment of one of them: a program in an environment counts when no other path does.
    """
    plain = [path for path in paths if not environment_of(path)]
    for some in (plain, [path for path in paths if path not in plain]):
        found = dict.fromkeys(place for path in some for place in looker.of(path))
        if found:
            return list(found)
    return []


def pointers(starter: Starter) -> List[str]:
    """Return the absolute paths that a starter names, its directory first; what no project can lie in is left out."""
    words = [starter.directory]
    words += [name.lstrip("-") for name in starter.env_files]
    for command in starter.commands:
        for word in command:
            words += _paths_in(word, starter.directory)
    return list(dict.fromkeys(_worth(words)))


def web_pointers(web: WebSite) -> List[str]:
    """Return the absolute paths by which a web server points to a project."""
    words = [*web.scripts, *web.python_path, web.python_home, *web.directories]
    return _worth(words)


def _worth(words: Iterable[str]) -> List[str]:
    """Return the absolute paths that a project may lie in; what no file is called is left out."""
    kept = [os.path.normpath(word) for word in words if word.startswith("/")]
    return [path for path in kept if not _of_the_system(path) and is_name(path)]


def unserved(known: Iterable[str]) -> List[str]:
    """Return further projects below the usual directories, to which nothing points."""
    taken, looker, found = set(known), _Looker(), []
    for directory in _walk():
        if not any(_is_below(directory, path) for path in taken) and looker.is_project(directory):
            found.append(directory)
            taken.add(directory)
    return sorted(found)


def environment_of(path: str) -> str:
    """Return the virtual environment that a program lies in, as the path of its directory; "" for none."""
    head, tail = os.path.split(os.path.dirname(path))
    if tail == "bin" and os.path.isfile(os.path.join(head, "pyvenv.cfg")):
        return head
    return path if os.path.isfile(os.path.join(path, "pyvenv.cfg")) else ""


def _paths_in(word: str, directory: str) -> Iterator[str]:
    """The paths in one word of a command: the word, or what follows = in an option; relative to where it runs."""
    for part in (word, word.partition("=")[2]):
        if part.startswith("/"):
            yield part
        elif "/" in part and directory and not part.startswith("-") and "://" not in part:
            yield os.path.join(directory, part)


def _of_the_system(path: str) -> bool:
    return path in _SHARED or any(_is_below(path, top) for top in _NOT_BELOW)


def _is_below(path: str, top: str) -> bool:
    return path == top or path.startswith(top.rstrip("/") + "/")


def _upwards(path: str) -> Iterator[str]:
    """A path and what is above it, as far as a project may lie there."""
    while path not in _SHARED and path != os.path.dirname(path):
        yield path
        path = os.path.dirname(path)


def _below(directory: str) -> List[str]:
    """The directories right below one, but for those that hold other people's code."""
    if directory in _SHARED:
        return []
    found = glob.glob(os.path.join(glob.escape(directory), "*", _MANAGE))
    return [os.path.dirname(path) for path in found if os.path.basename(os.path.dirname(path)) not in _NO_PROJECT]


def _walk() -> Iterator[str]:
    """The usual directories and what lies in them, as deep as projects do."""
    tops = [path for pattern in _USUAL for path in glob.glob(pattern)]
    layer, seen = tops, 0
    for _depth in range(_DEPTH):
        below: List[str] = []
        for directory in layer:
            for entry in _directories(directory):
                seen += 1
                if seen > _MOST:
                    return
                yield entry
                below.append(entry)
        layer = below


def _directories(directory: str) -> List[str]:
    try:
        with os.scandir(directory) as entries:
            found = [entry for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []
    return sorted(entry.path for entry in found if entry.name not in _NO_PROJECT and not entry.name.startswith("."))


def _is_django(manage: str) -> bool:
    """Tell whether a file is Django's ``manage.py``; Flask's has the same name. It is read with its owner's rights."""
    try:
        owner = lookup_user(os.stat(manage).st_uid)
        with openat.open_file(manage, owner) as stream:
            return b"django" in stream.read(_LIMIT).lower()
    except (OSError, RelocateError, ValueError):
        return False
