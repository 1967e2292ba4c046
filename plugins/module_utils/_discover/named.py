# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Chooses, of the paths that a project's settings name, those that a checkout on new would lack."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._discover.config_files import ConfigFiles
from ansible_collections.relocate.django.plugins.module_utils._discover.found import Guess, Starter
from ansible_collections.relocate.django.plugins.module_utils._discover.host_files import is_of_the_host
from ansible_collections.relocate.django.plugins.module_utils._discover.opened import named
from ansible_collections.relocate.django.plugins.module_utils._discover.units import variables_in
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._project import tracked
from ansible_collections.relocate.django.plugins.module_utils._project.git import Git
from ansible_collections.relocate.django.plugins.module_utils._project.vcs import toplevel
from ansible_collections.relocate.django.plugins.module_utils._project.venv_opened import EVERYWHERE
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as

#: Directories of the host, which a setting such as ROOT may name; what lies in them may be the site's.
_SHARED = frozenset(
    "/ /etc /home /media /mnt /opt /root /srv /usr /usr/bin /usr/lib /usr/local /usr/local/bin /usr/share /var /var/lib"
    " /var/www /bin /sbin /lib".split()
)
_PASSING = re.compile(r"^/(run|proc|sys|dev|tmp|var/(run|tmp|log|cache|spool))(/|$)")
#: Options whose files a program writes by itself, and names of such files.
_MADE = re.compile(r"(?i)log|pid|sock|bind|chdir|tmp|temp|cache|schedule|state|statedb|home")
_JUNK = re.compile(r"\.(log|pid|sock|lock|tmp|db|sqlite3?)$")
_LENGTH = 4096  # characters of a path
_MOST = 2000  # entries of a directory that are looked at


@dataclass(frozen=True)
class Named:
    """A path that is there, and the setting or variable that names it."""

    path: str
    setting: str


def parse(plain: Optional[Iterable[Mapping[str, Any]]]) -> List[Named]:
    """Return what the probe told."""
    return [Named(str(item["path"]), str(item["setting"])) for item in plain or ()]


def of_starters(starters: Iterable[Starter], files: ConfigFiles) -> List[Named]:
    """Return the files and directories that units name in their variables, and as arguments of their commands.

    What somebody else than root can write is passed over: he may name files that are not his.
    """
    told = [item for item in starters if not (item.by or item.manager or item.kind == "cron")]
    found = [Named(path, item.name) for item in told for path in _named_by(item, files)]
    return list({item.path: item for item in reversed(found)}.values())[::-1]


def _named_by(item: Starter, files: ConfigFiles) -> Iterator[str]:
    variables = {**item.environment, **variables_in(item.env_files, files)}
    pairs = [(name, value) for name, value in variables.items() if not EVERYWHERE.match(name)]
    for option, word in [*pairs, *_arguments(item.commands)]:
        if _is_read(option, word) and os.path.exists(word):
            yield os.path.normpath(word)


def _is_read(option: str, word: str) -> bool:
    """Tell whether a word is an absolute path of what a program reads, as far as the names tell."""
    if not word.startswith("/") or "\0" in word or len(word) >= _LENGTH:
        return False
    return not _MADE.search(option) and not _JUNK.search(word)


def _arguments(commands: Iterable[Sequence[str]]) -> Iterator[Tuple[str, str]]:
    """Give the arguments of commands, each with the option that it belongs to."""
    for words in commands:
        for before, word in zip(words, words[1:]):
            option, equals, value = word.partition("=")
            yield (option, value) if equals and option.startswith("-") else (before, word)


def worth(project: str, found: Iterable[Named], apart: Sequence[str]) -> List[Named]:
    """Return those that are neither of every host, nor brought along in another way. Pure.

    :param project: its directory
    :param apart: what travels, or is made anew, by other means: MEDIA_ROOT, environments
    """
    places = [os.path.normpath(path) for path in apart if path]
    below = [item for item in found if not _is_of_every_host(item.path) and not _is_below(project, item.path)]
    return [item for item in below if not any(_overlap(item.path, place) for place in places)]


def _is_of_every_host(path: str) -> bool:
    return path in _SHARED or bool(_PASSING.match(path)) or is_of_the_host(path)


def _overlap(path: str, place: str) -> bool:
    return _is_below(path, place) or _is_below(place, path)


def _is_below(path: str, top: str) -> bool:
    return (path.rstrip("/") + "/").startswith(top.rstrip("/") + "/")


def guesses(project: str, owner: Optional[SystemUser], found: Sequence[Named]) -> List[Guess]:
    """Return the entries of ``relocate_files`` for what git holds nothing of; a directory without files is none."""
    tracked = _tracked(project, owner)
    entries: Dict[str, Guess] = {}
    for item in found:
        real = os.path.realpath(item.path)
        if not any(_is_below(path, real) for path in tracked) and _holds(item.path, owner):
            name = named(project, item.path)
            entries.setdefault(name, Guess(name, "{0} names it".format(item.setting)))
    return list(entries.values())


def _tracked(project: str, owner: Optional[SystemUser]) -> List[str]:
    """Return the absolute paths that git holds; nothing where there is no checkout."""
    place, names = tracked.held(project, owner)
    if place:
        return [os.path.join(place, name) for name in names]
    try:
        top = os.path.realpath(toplevel(project, owner))
        return [os.path.join(top, name) for name in Git(top, owner).names("ls-files", "-z", "--cached")]
    except RelocateError:
        return []


def _holds(path: str, owner: Optional[SystemUser]) -> bool:
    """Tell whether a path is a file, or a directory with one; what the owner cannot look into may hold some."""
    left = _MOST
    unseen: List[OSError] = []
    with acting_as(owner if os.geteuid() == 0 else None):
        if not os.path.isdir(path):
            return True
        for _directory, below, files in os.walk(path, onerror=unseen.append):
            left -= len(below)
            if files or left < 0:
                return True
    return bool(unseen)
