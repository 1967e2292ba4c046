# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps passwords while they are needed: 0600 files in a 0700 directory that is removed afterwards.

A killed module cannot clean up after itself; the next run removes every directory whose owner process is no longer
alive, which it knows by a lock that the kernel drops with the process.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import re
import secrets as _random
import shutil
import urllib.parse
from types import TracebackType
from typing import Iterable, List, Optional, Set, Type

from ansible_collections.relocate.django.plugins.module_utils._host.files import created, make_directory
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser

_PREFIX = "secret-"
_LOCK = ".lock"
MASK = "********"


def secret_base(directory: str) -> str:
    """Return where secret files go: memory (/run) for root, so that no disk ever held them; else our work directory."""
    return "/run/relocate" if os.geteuid() == 0 and os.path.isdir("/run") else directory


class SecretStore:
    """A directory for files that hold secrets, and the memory of what must never be printed.

    Use as a context manager. Files belong to the user who runs the program that reads them.

    :param base: an existing directory that only its owner can write to; made 0711 when absent
    :param user: who will read the files; None means this process's user
    """

    def __init__(self, base: str, user: Optional[SystemUser] = None) -> None:
        self._base, self._user = base, user
        self.path = ""
        self._lock: Optional[int] = None
        self._secrets: Set[str] = set()

    def __enter__(self) -> SecretStore:
        make_directory(self._base, 0o711)
        turn = os.open(self._base, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(turn, fcntl.LOCK_EX)  # else another task could take the new directory for a leftover
            remove_leftovers(self._base)
            self.path = os.path.join(self._base, _PREFIX + _random.token_hex(8))
            os.mkdir(self.path, 0o700)
            with created(os.path.join(self.path, _LOCK)) as stream:
                self._lock = os.dup(stream.fileno())
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        finally:
            os.close(turn)
        if self._user is not None and os.geteuid() == 0:
            os.chown(self.path, self._user.uid, self._user.gid)
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], exc: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)

    def remember(self, *values: Optional[str]) -> None:
        """Note values that :meth:`scrub` removes. Empty ones are passed over."""
        self._secrets.update(value for value in values if value)

    def scrub(self, text: str) -> str:
        """The text without any form of any remembered secret."""
        return scrub(text, self._secrets)

    def write(self, name: str, content: str) -> str:
        """Write a secret file, 0600, owned by the reading user; returns its path."""
        path = os.path.join(self.path, name)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        with created(path) as stream:
            stream.write(content.encode("utf-8", "surrogateescape"))
            if self._user is not None and os.geteuid() == 0:
                os.fchown(stream.fileno(), self._user.uid, self._user.gid)  # not by path: the directory is the user's
        return path


def remove_leftovers(base: str) -> List[str]:
    """Remove the secret directories of processes that are gone; returns their names."""
    removed = []
    for name in sorted(os.listdir(base)):
        path = os.path.join(base, name)
        if not name.startswith(_PREFIX) or os.path.islink(path):
            continue
        try:
            handle = os.open(os.path.join(path, _LOCK), os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            handle = -1
        try:
            if handle >= 0:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path, ignore_errors=True)
            removed.append(name)
        except OSError:
            pass  # its process is alive
        finally:
            if handle >= 0:
                os.close(handle)
    return removed


def forms(secret: str) -> List[str]:
    """Every form in which a secret may turn up in text, longest first."""
    raw = secret.encode("utf-8", "surrogateescape")
    quoted = [urllib.parse.quote(raw, safe=safe) for safe in ("", "/")] + [urllib.parse.quote_plus(raw)]
    found = {
        secret,
        raw.decode("utf-8", "backslashreplace"),  # as _process shows what is not UTF-8
        *quoted,
        *[re.sub("%..", lambda match: match.group().lower(), item) for item in quoted],
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
        ascii(secret)[1:-1],
        secret.replace("'", "''"),
        secret.replace("\\", "\\\\"),
        secret.replace("\\", "\\\\").replace(":", "\\:"),
        secret.replace("\\", "\\\\").replace("'", "\\'"),
        secret.replace("\\", "\\\\").replace('"', '\\"'),
        base64.b64encode(raw).decode("ascii"),
        *_within_base64(raw),
    }
    return sorted((form for form in found if form), key=len, reverse=True)


def _within_base64(raw: bytes) -> List[str]:
    """Return what every base64 of a text with the secret contains, such as ``user:password``; nothing when short."""
    found = []
    for before in range(3):
        encoded = base64.b64encode(b"-" * before + raw).decode("ascii")
        inner = encoded[(0, 2, 3)[before] : (before + len(raw)) * 8 // 6]
        found += [inner, inner.replace("+", "-").replace("/", "_")] if len(inner) >= 8 else []
    return found


def scrub(text: str, secrets: Iterable[str]) -> str:
    """Replace every form of every secret, and any eight characters in a row of one, by a mask."""
    for secret in sorted(secrets, key=len, reverse=True):
        for form in forms(secret):
            text = text.replace(form, MASK)
        for form in forms(secret):
            text = _scrub_parts(text, form)
    return text


def _scrub_parts(text: str, secret: str, width: int = 8) -> str:
    """libpq and others echo pieces of what they could not parse: mask those too."""
    for start in range(len(secret) - width + 1):
        part = secret[start : start + width]
        if part != MASK and part in text:
            text = text.replace(part, MASK)
    return text


_SECRET = re.compile(
    r"passw|passphrase|secret|token|credential|api[_-]?key|private[_-]?key|authorization|cookie|dsn"
    r"|://[^\s/@]*:[^\s@]*@|\b(pwd|pass)\b\s*[=:]",
    re.IGNORECASE,
)
_LONGEST = 2000  # characters of a line of a journal


def without_secrets(text: str) -> str:
    """Log lines without those that look as if they held a secret; what is too long to be looked at is cut off.

    Whoever writes a line could otherwise make one over which the search takes hours.
    """
    return "\n".join(line for line in (line[:_LONGEST] for line in text.splitlines()) if not _SECRET.search(line))
