# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Holds what opens encrypted sets while a module works, and the plain copies of their files.

Copies lie below ``opened`` in our work directory, and go with the module: with its end, with its failure, and when it
is killed, by a process that waits for that. When the whole machine stops they stay until the next run opens a set, or
encrypts one.
"""

from __future__ import annotations

import contextlib
import os
from typing import Dict, Iterator, Optional

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import facts
from ansible_collections.relocate.django.plugins.module_utils._host.files import make_directory
from ansible_collections.relocate.django.plugins.module_utils._host.private import read_private
from ansible_collections.relocate.django.plugins.module_utils._process import removed_if_killed
from ansible_collections.relocate.django.plugins.module_utils._secrets import SecretStore, remove_leftovers

_HOME = "opened"
_SPARE = 64 * 1024 * 1024  # bytes that stay free


def home_of(directory: str) -> str:
    """Return where plain copies lie.

    :param directory: ours
    """
    return os.path.join(directory, _HOME)


def clear(directory: str) -> None:
    """Remove the copies of modules that are gone, as after a power failure."""
    if os.path.isdir(home_of(directory)):
        remove_leftovers(home_of(directory))


class Opener:
    """Knows the identity of the module at work."""

    def __init__(self) -> None:
        self._given = ""
        self._stack: Optional[contextlib.ExitStack] = None
        self._places: Dict[str, str] = {}

    @contextlib.contextmanager
    def given(self, identity: str) -> Iterator[None]:
        """Open sets by an identity until the block ends; then what was opened is removed.

        :param identity: a path on this host, or the text of it
        """
        before = self._given, self._stack, self._places
        try:
            with contextlib.ExitStack() as stack:
                self._given, self._stack, self._places = identity, stack, {}
                yield
        finally:
            self._given, self._stack, self._places = before

    def identity(self, label: str, what: str = "set") -> str:
        """Return the text of the identity. Raises set_encrypted without one, identity_unusable.

        :param label: of the set that is to be opened, or the name of another file
        """
        if not self._given:
            raise RelocateError(
                "set_encrypted",
                "{0} {1} is encrypted, and nothing opens it".format(what, label),
                "set relocate_age_identity: a file on this host that root alone can read, or the identity itself from"
                " a vault",
            )
        if self._given.startswith("/"):
            return read_private(self._given, "identity_unusable")
        return self._given

    def place(self, directory: str, path: str, needed: int) -> str:
        """Return the directory for plain copies of a set, which users may enter and nobody can list.

        :param directory: ours
        :param path: of the set
        :param needed: bytes that the copies take
        Raises disk_full, and set_encrypted where no module is at work.
        """
        found = self._places.get(path)
        if found is None:
            if self._stack is None:
                self.identity(os.path.basename(path))
            clear(directory)
            store = SecretStore(home_of(directory))
            found = self._places[path] = self._kept(store)
        if facts.free_bytes(found) < needed + _SPARE:
            raise RelocateError(
                "disk_full",
                "{0} has no room for {1:.0f} MB, which the set takes when it is decrypted".format(
                    home_of(directory), needed / 1e6
                ),
                "free space there, or set relocate_directory to another file system",
            )
        return found

    def _kept(self, store: SecretStore) -> str:
        stack = self._stack
        if stack is None:
            raise RelocateError("set_encrypted", "no module is at work", "give an identity")
        made = stack.enter_context(store).path
        stack.enter_context(removed_if_killed(made))
        make_directory(made, 0o711)  # the owner's programs load the dumps below
        return made


OPENER = Opener()
