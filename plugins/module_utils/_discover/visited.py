# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Chooses a few addresses out of a web server's log, to be asked for again.

Whoever sent a request wrote a part of its line, and what he asked for may be about him, or open a door: a link to reset
a password. So only what is made of plain words is taken, nothing that was asked with a query, and nothing whose words
say that it does something.
"""

from __future__ import annotations

import collections
import os
import re
from typing import Collection, Counter, Dict, Iterable, List, Optional, Sequence

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import openat
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser

_LAST = 4 * 1024 * 1024  # bytes that are read of a log, from its end
_LONGEST = 200  # characters of a path
_DEEPEST = 6  # its components
_LINE = re.compile(rb'"GET (/[^\s"?]*) HTTP/[0-9.]+" ([0-9]{3})[ "]')
#: Characters of a path that is taken; no percent sign, which may hide any other.
_PATH = re.compile(r"/[A-Za-z0-9/._~,+-]*\Z")
_SEPARATORS = re.compile(r"[-_.~,+]")
#: A word, a small number, or both as pages and versions have them. Anything else may be a token.
_WORD = re.compile(
    r"([a-z]{1,24}|[A-Z][a-z]{0,23}|[A-Z]{1,6}|[0-9]{1,5}|(v|page|p)[0-9]{1,4}|[0-9]{1,3}(st|nd|rd|th))\Z"
)
_CONSONANTS = re.compile(r"(?i)[bcdfghjklmnpqrstvwxz]{6}")
#: Pages that do something although they are only asked for, and those of single persons.
_ACTING = frozenset(
    "accept account accounts activate activation add approve cancel callback cart checkout clear confirm confirmation"
    " confirmed create cron del delete disable disconnect do download edit email enable exec export feed flush hook"
    " import invitation invitations invite invites join key logoff logout magic mail me oauth optin optout password pay"
    " payment ping profile profiles publish purge recover refresh register reject remove renew reset restart run save"
    " saml secret send session set share signoff signout signup sso start stop subscribe subscription switch sync task"
    " tasks toggle token trigger uninstall unlock unsubscribe update upload user users validate verification verify"
    " vote webhook webhooks".split()
)
_FILES = frozenset(
    "7z avi avif bmp bz2 css csv doc docx eot exe flac gif gz ico jpeg jpg js json map mjs mov mp3 mp4 ogg otf pdf php"
    " png rar svg swf tar tgz tif tiff ttf txt wasm wav webm webmanifest webp woff woff2 xls xlsx xml zip".split()
)


def tails(paths: Iterable[str], owner: Optional[SystemUser]) -> bytes:
    """Return the ends of logs; where one is short, of the one before it too. What cannot be read is left out.

    :param owner: of the project, with whose rights a directory of his is read
    """
    found = []
    for path in dict.fromkeys(paths):
        last = _tail(path, owner)
        if len(last) < _LAST:
            found.append(_tail(path + ".1", owner))
        found.append(last)
    return b"\n".join(found)


def _tail(path: str, owner: Optional[SystemUser]) -> bytes:
    try:
        with openat.open_file(path, owner) as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, size - _LAST))
            return stream.read(_LAST)
    except (OSError, RelocateError):
        return b""


def chosen(log: bytes, most: int, without: Collection[str] = ()) -> List[str]:
    """Return paths that were answered well: those asked for most, and the rest out of the seldom ones.

    :param without: beginnings of paths that others than the application answer
    """
    counted: Counter[bytes] = collections.Counter()
    for path, status in _LINE.findall(log):
        if b"200" <= status < b"400":
            counted[path] += 1
    plain = [path for path, _count in sorted(counted.items(), key=lambda item: (-item[1], item[0]))]
    paths = [text for text in (_plain(path, without) for path in plain) if text]
    return _spread(paths, most)


def _plain(path: bytes, without: Collection[str]) -> str:
    """Return a path that may be asked for and shown; "" for another."""
    text = path.decode("latin-1")
    parts = text.strip("/").split("/") if text != "/" else []
    fits = len(text) <= _LONGEST and len(parts) <= _DEEPEST and _PATH.match(text) is not None
    if not fits or text.startswith(tuple(without)) or _is_file(text):
        return ""
    return text if all(map(_is_plain, parts)) else ""


def _is_file(path: str) -> bool:
    name = path.rpartition("/")[2]
    return "." in name and name.rpartition(".")[2].lower() in _FILES


def _is_plain(part: str) -> bool:
    """Tell whether a component is made of words that name a page, and does not look like a token."""
    words = [word for word in _SEPARATORS.split(part) if word]
    few = len(re.findall("[0-9]", part)) <= 8  # as many as a date has
    acts = "".join(words).lower() in _ACTING
    return bool(words) and few and not acts and not part.startswith(".") and all(map(_is_word, words))


def _is_word(word: str) -> bool:
    return bool(_WORD.match(word)) and not _CONSONANTS.search(word) and word.lower() not in _ACTING


def _spread(paths: Sequence[str], most: int) -> List[str]:
    """Take two thirds from the front, and the rest from all over; of pages of one kind a few only."""
    kinds: Dict[str, int] = {}
    front: List[str] = []
    for path in paths:
        kind = re.sub(r"[^/]+/?\Z", "", path)
        if kinds.get(kind, 0) < 3 and len(front) < most - most // 3:
            kinds[kind] = kinds.get(kind, 0) + 1
            front.append(path)
    rest = [path for path in paths if path not in front]
    wanted = min(len(rest), most - len(front))
    return front + [rest[(number + 1) * len(rest) // wanted - 1] for number in range(wanted)]
