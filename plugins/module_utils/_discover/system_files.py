# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds the files of the system that name a site: its paths, its units, its owner. What names it is to go along.

Logs are rotated, directories below /run are made, rights are given by such files; without them a site that was moved
works for a day.
"""

from __future__ import annotations

import fnmatch
import posixpath
import re
from dataclasses import dataclass
from typing import Dict, Iterable, Iterator, List, Mapping, Optional, Pattern, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._discover.config_files import ConfigFiles
from ansible_collections.relocate.django.plugins.module_utils._discover.found import Guess, Notice

#: Patterns of files that may be of one site, and where in a line a user's name stands there: a word after one of
#: these, or the words of these numbers, counted from 0.
_PLACES: Mapping[str, Tuple[Tuple[str, ...], Tuple[int, ...]]] = {
    "/etc/logrotate.d/*": (("su", "create", "createolddir"), ()),
    "/etc/tmpfiles.d/*.conf": ((), (3, 4)),
    "/etc/sudoers.d/*": ((), (0,)),
    "/etc/doas.d/*.conf": (("permit", "nopass", "persist", "keepenv", "as"), ()),
    "/etc/polkit-1/rules.d/*.rules": ((), ()),
    "/etc/rsyslog.d/*.conf": ((), ()),
    "/etc/syslog-ng/conf.d/*.conf": ((), ()),
    "/etc/fail2ban/jail.d/*": ((), ()),
    "/etc/fail2ban/filter.d/*": ((), ()),
    "/etc/security/limits.d/*.conf": ((), (0,)),
    "/etc/ssh/sshd_config.d/*.conf": (("user",), ()),
    "/etc/monit/conf.d/*": ((), ()),
    "/etc/monit/conf-enabled/*": ((), ()),
    "/etc/haproxy/*.cfg": ((), ()),
    "/etc/haproxy/conf.d/*.cfg": ((), ()),
    "/etc/varnish/*.vcl": ((), ()),
    "/etc/apparmor.d/local/*": ((), ()),
}
#: Files of the whole host, in which only a line may be of a site.
_SHARED: Mapping[str, Tuple[Tuple[str, ...], Tuple[int, ...]]] = {
    "/etc/sudoers": ((), (0,)),
    "/etc/doas.conf": (("permit", "nopass", "persist", "keepenv", "as"), ()),
    "/etc/logrotate.conf": (("su", "create"), ()),
    "/etc/security/limits.conf": ((), (0,)),
    "/etc/rsyslog.conf": ((), ()),
    "/etc/fail2ban/jail.local": ((), ()),
    "/etc/ssh/sshd_config": (("user",), ()),
    "/etc/fstab": ((), ()),
}
#: Left by editors and package managers; the programs pass them over too.
_LEFT_OVER = re.compile(
    r"(?i).*(~|\.(bak|orig|old|save|swp|disabled|rpmsave|rpmnew|rpmorig|cfsaved|(dpkg|ucf)-[a-z]+))\Z"
)
#: Users of the system, whose names stand everywhere.
_SYSTEM_USERS = frozenset(
    "root www-data apache nginx nobody http daemon adm syslog systemd postgres mysql redis".split()
)
_STEM = re.compile(r"systemctl|service|supervisorctl|programname|syslogtag|_SYSTEMD|check process|journalmatch")
_LINES = 5000


@dataclass(frozen=True)
class Wanted:
    """Holds what a file may name of a site.

    :param paths: absolute: the project, its environment, MEDIA, sockets; not such as /srv
    :param units: with their suffixes
    :param owner: left out of the search when he is a user of the system
    :param addresses: where it listens: 127.0.0.1:8000
    """

    paths: Sequence[str] = ()
    units: Sequence[str] = ()
    owner: str = ""
    addresses: Sequence[str] = ()


class SystemFiles:
    """The files of a host that may name its sites, read once."""

    def __init__(self, files: ConfigFiles) -> None:
        self._files = files
        self._texts: Dict[str, Dict[str, str]] = {pattern: self._read(pattern) for pattern in (*_PLACES, *_SHARED)}

    def _read(self, pattern: str) -> Dict[str, str]:
        paths = [path for path in self._files.expand(pattern) if not _is_passed_over(path)]
        texts = {path: self._files.text(path) for path in paths}
        return {path: text for path, text in texts.items() if text is not None}

    def naming(self, wanted: Wanted) -> List[Guess]:
        """Return the files that name a site, links first and then what they lead to, with what is named."""
        found: Dict[str, Guess] = {}
        for path, why in self._matching(_PLACES, wanted):
            for link in self._files.chain(path):
                found.setdefault(link, Guess(link, why))
        return list(found.values())

    def shared(self, wanted: Wanted) -> List[Notice]:
        """Return files of the whole host that name a site: they cannot go along as they are."""
        hint = "copy the lines that it needs to the same file on new"
        return [Notice("{0} {1}".format(path, why), hint) for path, why in self._matching(_SHARED, wanted)]

    def _matching(
        self, places: Mapping[str, Tuple[Tuple[str, ...], Tuple[int, ...]]], wanted: Wanted
    ) -> Iterator[Tuple[str, str]]:
        test = _Test(wanted)
        for pattern, (after, numbers) in places.items():
            for path, text in self._texts[pattern].items():
                named = test.named(text, after, numbers)
                if named:
                    yield path, "names " + named


def _is_passed_over(path: str) -> bool:
    name = posixpath.basename(path)
    return bool(_LEFT_OVER.match(name)) or (posixpath.dirname(path) == "/etc/sudoers.d" and "." in name)


class _Test:
    """Looks for what is wanted, in whole words and whole components of paths."""

    def __init__(self, wanted: Wanted) -> None:
        self._paths = [path.rstrip("/") for path in wanted.paths if path.strip("/")]
        self._units = list(wanted.units)
        stems = [unit.rpartition(".")[0] for unit in wanted.units]
        self._words = _alternatives([*wanted.units, *wanted.addresses], r"(?<![\w.@:-])", r"(?![\w.@:-]|\.\w)")
        self._stems = _alternatives(stems, r"(?<![\w./@-])", r"(?![\w./@-])")
        self._whole = _alternatives(self._paths, r"(?<![\w./~-])", r"(?=/|\Z|[^\w.~-]|\.(?:\s|\Z))")
        self._owner = "" if wanted.owner in _SYSTEM_USERS else wanted.owner

    def named(self, text: str, after: Sequence[str], numbers: Sequence[int]) -> str:
        """Return the first that a text names, in words; comments do not count.

        :param after: words before the name of a user
        :param numbers: of the words that are a user's name
        """
        lines = [line.strip() for line in text.splitlines()[:_LINES]]
        told = (self._in_line(line, after, numbers) for line in lines if line and not line.startswith(("#", "//")))
        return next(filter(None, told), "")

    def _in_line(self, line: str, after: Sequence[str], numbers: Sequence[int]) -> str:
        match = _search(self._whole, line) or _search(self._words, line)
        if match:
            return match
        if self._owner and self._owner in _users(line, after, numbers):
            return "the user " + self._owner
        match = _search(self._stems, line) if _STEM.search(line) else ""
        return match or next((path for word in line.split() for path in self._paths if _covers(word, path)), "")


def _search(pattern: Optional[Pattern[str]], line: str) -> str:
    match = pattern.search(line) if pattern else None
    return match.group() if match else ""


def _users(line: str, after: Sequence[str], numbers: Sequence[int]) -> List[str]:
    """Return the words of a line that stand where users do."""
    words = [word.strip("\"',:") for word in line.split()]
    first = next((number for number, word in enumerate(words) if word.lower() in after), len(words))
    found = words[first + 1 : first + 5] + [words[number] for number in numbers if number < len(words)]
    return found + re.findall(r"\(([\w.-]+)[:)]", line)  # ALL=(shop) in sudoers


def _alternatives(words: Iterable[str], before: str, behind: str) -> Optional[Pattern[str]]:
    known = sorted(set(filter(None, words)), key=len, reverse=True)
    if not known:
        return None
    return re.compile("{0}(?:{1}){2}".format(before, "|".join(map(re.escape, known)), behind))


def _covers(word: str, path: str) -> bool:
    """Tell whether a pattern such as /srv/*/app/log/*.log stands for files below a path."""
    word = word.strip("\"'{")
    if not word.startswith("/") or not any(char in word for char in "*?["):
        return False
    parts, ours = word.split("/"), path.split("/")
    if len(parts) < len(ours) or word.count("*") > 5:
        return False
    return all(part.count("*") < 4 and fnmatch.fnmatchcase(own, part) for own, part in zip(ours, parts))
