# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file of a user's authorized keys, read and replaced whole."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from typing import Iterator, Optional

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import files
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as


class KeyFile:
    """One authorized_keys file, changed in whole and only while it is what it should be.

    Files in a home are handled with the rights of its user, who could put a link in their place meanwhile.
    """

    def __init__(self, path: str, user: SystemUser) -> None:
        self.path, self._directory = path, os.path.dirname(path)
        self._user = user if path.startswith(user.home.rstrip("/") + "/") else None
        self._owners = {0, user.uid}

    def read(self) -> Optional[bytes]:
        """The content; None when there is no such file. Raises path_refused for links and somebody else's file."""
        with acting_as(self._user):
            for path, kind in ((self._directory, stat.S_ISDIR), (self.path, stat.S_ISREG)):
                try:
                    status = os.lstat(path)
                except FileNotFoundError:
                    return None
                except OSError as exc:
                    raise _refused(path, exc.strerror or "cannot be read") from exc
                if not kind(status.st_mode) or status.st_uid not in self._owners:
                    raise _refused(path, "is a link, or belongs to somebody else")
            with os.fdopen(os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as stream:
                return stream.read()

    def missing(self) -> str:
        """Return what :meth:`write` would make: directory, file, or nothing."""
        with acting_as(self._user):
            if not os.path.lexists(self._directory):
                return "directory"
            return "" if os.path.lexists(self.path) else "file"

    def write(self, text: bytes) -> None:
        """Replace the content in one step; mode, owner and time stay, of the directory too."""
        with acting_as(self._user), _same_time(self._directory):
            if not os.path.isdir(self._directory):
                with _same_time(os.path.dirname(self._directory)):
                    os.makedirs(self._directory, 0o700)
            temporary = self.path + ".relocate"

            def like_before() -> None:
                if os.path.lexists(self.path):
                    status = os.lstat(self.path)
                    if os.geteuid() == 0:
                        os.chown(temporary, status.st_uid, status.st_gid)
                    shutil.copystat(self.path, temporary, follow_symlinks=False)

            with files.replaced(self.path, temporary, like_before) as stream:
                stream.write(text)

    def put_back(self, text: bytes, made: str) -> None:
        """Write what is not ours; a file that we made, and that holds nothing else, is removed."""
        if made and not text:
            self.remove(made)
        else:
            self.write(text)

    def remove(self, made: str) -> None:
        """Remove the file that we made, and the directory when we made that too and it is empty."""
        with acting_as(self._user):
            with _same_time(self._directory):
                os.unlink(self.path)
            if made == "directory":
                with contextlib.suppress(OSError), _same_time(os.path.dirname(self._directory)):
                    os.rmdir(self._directory)


@contextlib.contextmanager
def _same_time(directory: str) -> Iterator[None]:
    """Let a directory keep its modification time while a file in it is replaced."""
    before = os.stat(directory) if os.path.isdir(directory) else None
    yield
    if before is not None:
        with contextlib.suppress(OSError):
            os.utime(directory, ns=(before.st_atime_ns, before.st_mtime_ns))


def _refused(path: str, why: str) -> RelocateError:
    return RelocateError(
        "path_refused", "{0} {1}".format(path, why), "correct it, or set relocate_transfer_login to another user"
    )
