# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads what lies in a backup set: its manifest, held against its pin, and its files, held against the manifest."""

from __future__ import annotations

import concurrent.futures
import contextlib
import os
from typing import Callable, Dict, Iterator, List, Optional, Set

from ansible_collections.relocate.django.plugins.module_utils._age.age import SUFFIX
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import FileEntry, SystemUser
from ansible_collections.relocate.django.plugins.module_utils._progress import BYTES, PROGRESS
from ansible_collections.relocate.django.plugins.module_utils._set import encrypted, pins, seal
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import (
    DATABASES,
    MANIFEST,
    READABLE,
    Manifest,
    digest_of,
    from_text,
)


class Content:
    """A set's directory, as it is read."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.label = os.path.basename(path)
        self._listed: Dict[str, FileEntry] = {}
        self._closed = False

    def file(self, relative: str) -> str:
        """The absolute path of a file of the set; refuses one that leads out of it."""
        if not relative or relative.startswith("/") or ".." in relative.split("/") or "\0" in relative:
            raise RelocateError(
                "path_refused", "{0!r} leads out of the backup set".format(relative), "use another backup set"
            )
        return os.path.join(self.path, relative)

    def read(self, sha256: Optional[str] = None) -> Manifest:
        """The manifest, held against its pin: ``sha256``, or what was noted when the backup ended.

        Raises manifest_edited when it is another one, and what from_text raises. :meth:`pinned` tells what it was
        held against.
        """
        text, pin = self._manifest_text(), sha256 or pins.read(self.path)
        if pin and digest_of(text) != pin:
            raise RelocateError(
                "manifest_edited",
                "{0} is not the manifest that was written".format(self.file(MANIFEST)),
                "transfer the set again, or use another one",
            )
        manifest = from_text(text, self.file(MANIFEST))
        if manifest.label != self.label:
            raise RelocateError(
                "manifest_invalid",
                "the manifest in {0} is of {1}".format(self.path, manifest.label),
                "use another backup set",
            )
        return manifest

    def pinned(self, sha256: Optional[str] = None) -> str:
        """Return what :meth:`read` holds the manifest against: an option, the file beside the sets, or nothing."""
        if sha256:
            return pins.BY_OPTION
        return pins.BY_FILE if pins.read(self.path) else pins.NOT_PINNED

    def unpinned(self, sha256: Optional[str] = None) -> List[str]:
        """The sentence that tells people so, when nothing pins the set."""
        if self.pinned(sha256) != pins.NOT_PINNED:
            return []
        return [pins.sentence(self.path)]

    def pin(self, sha256: str) -> None:
        """Note the digest that a transfer proved the set by."""
        if pins.read(self.path) != sha256:
            pins.write(self.path, sha256)

    def digest(self) -> str:
        """The sha256 of the manifest as it lies here: the set's identity."""
        return digest_of(self._manifest_text())

    def check_file(self, relative: str) -> str:
        """The path of one file that agrees with the manifest; a set that has none yet is not proven by it.

        Of an encrypted set it is that of a plain copy, which goes with the module.
        Raises file_unlisted, file_missing, file_differs, and what opening an encrypted set raises.
        """
        path = self.file(relative)
        if not os.path.lexists(self.file(MANIFEST)):
            return path
        if self.is_encrypted() and relative not in READABLE:
            return self.content(relative)
        self._check_one(relative)
        return path

    def content(self, relative: str) -> str:
        """The path of a file, or directory, of the set as the restore reads it: of an encrypted one, a plain copy.

        Raises set_encrypted, identity_wrong, and what :meth:`check_file` raises.
        """
        path = self.file(relative)
        if not self.is_encrypted() or relative in READABLE:
            return path
        parts = encrypted.wanted(self._listed, relative)
        for one in parts:
            self._check_one(one.path)
        if not parts:
            self._differs(relative, "is not in its manifest", "file_unlisted")
        return encrypted.opened(self.path, relative, parts)

    def has(self, relative: str) -> bool:
        """Tell whether there is a file, plain or encrypted."""
        return any(os.path.lexists(self.file(relative) + ends) for ends in ("", SUFFIX))

    def is_encrypted(self) -> bool:
        """Tell whether an identity is needed to read the files of a finished set."""
        if not self._listed and os.path.lexists(self.file(MANIFEST)):
            manifest = self.read()
            self._listed.update({entry.path: entry for entry in manifest.files})
            self._closed = bool(manifest.recipients)
        return self._closed

    def check_opens(self) -> None:
        """See that an encrypted set can be read. Raises set_encrypted, identity_wrong, identity_unusable."""
        if self.is_encrypted():
            encrypted.check_opens(self.path, list(self._listed.values()))

    def _check_one(self, relative: str) -> None:
        path = self.file(relative)
        if relative not in self._listed:
            self._differs(relative, "is not in its manifest", "file_unlisted")
        if not os.path.isfile(path) or os.path.islink(path):
            self._differs(relative, "is missing", "file_missing")
        if self._entry(relative) != self._listed[relative]:
            self._differs(relative, "sha256 differs")

    def verify(self, manifest: Manifest, jobs: int = 2) -> int:
        """Compare every file with the manifest; returns how many bytes were read.

        Raises file_missing, file_unlisted or file_differs naming the first that does not agree; path_refused for what
        somebody could still change after it was compared.
        """
        seal.check_owned(self.path)
        listed = {entry.path: entry for entry in manifest.files}
        stored = manifest.media.get("stored")
        self._check_names(set(listed), stored and stored + (SUFFIX if manifest.recipients else ""))
        for path in sorted(listed):
            self._check_size(listed[path])
        for entry in self._each(self._entry, sorted(listed), jobs):
            if entry.sha256 != listed[entry.path].sha256:
                self._differs(entry.path, "sha256 differs")
        return sum(entry.size for entry in manifest.files)

    def _check_names(self, listed: Set[str], stored: Optional[str]) -> None:
        present = set(self._walk())
        for path in sorted(listed - present):
            self._differs(path, "is missing", "file_missing")
        for path in sorted(present - listed):
            self._differs(path, "is not in its manifest", "file_unlisted")
        if stored and stored not in listed:  # before a restore notes that it begins to bring MEDIA
            self._differs(str(stored), "is not in its manifest", "file_unlisted")

    def _check_size(self, entry: FileEntry) -> None:
        size = os.lstat(self.file(entry.path)).st_size
        if size != entry.size:
            cut = size < entry.size and entry.path.startswith(DATABASES + "/")
            how = "holds {0} of {1} bytes".format(size, entry.size)
            self._differs(entry.path, how, "dump_truncated" if cut else "file_differs")

    @contextlib.contextmanager
    def lent_dumps(self, owner: SystemUser) -> Iterator[None]:
        """Let the owner's client programs read the dumps meanwhile, and nobody write; at rest they are root's alone.

        Raises work_directory where the file system cannot do that.
        """
        try:
            self.take_dumps()
            self._with_dumps(lambda handle: seal.lend(handle, owner), self.content(DATABASES))
            yield
        finally:
            self.take_dumps()

    def take_dumps(self) -> None:
        """Make the dumps root's: who breaks into the site must not reach its backups."""
        self._with_dumps(seal.take, self.file(DATABASES))

    def _with_dumps(self, work: Callable[[int], None], path: str) -> None:
        if os.geteuid() != 0 or not os.path.isdir(path):
            return
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            work(handle)
        finally:
            os.close(handle)

    def size(self) -> int:
        """Bytes of all files."""
        return sum(os.lstat(self.file(path)).st_size for path in self._walk())

    def _differs(self, path: str, how: str, code: str = "file_differs") -> None:
        raise RelocateError(
            code, "file {0} of {1}: {2}".format(path, self.label, how), "transfer the set again, or use another one"
        )

    def _manifest_text(self) -> str:
        try:
            handle = os.open(self.file(MANIFEST), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError as exc:
            raise RelocateError(
                "set_incomplete", "{0} has no manifest".format(self.path), "use another backup set, or back up again"
            ) from exc
        except OSError as exc:
            raise RelocateError(
                "path_refused", "{0} is not a plain file".format(self.file(MANIFEST)), "use another backup set"
            ) from exc
        with os.fdopen(handle, encoding="utf-8", errors="surrogateescape") as stream:
            return stream.read()

    def _walk(self) -> Iterator[str]:
        """Relative paths of all files but the manifest; refuses links and special files."""
        return (relative for relative in seal.files_below(self.path) if relative != MANIFEST)

    def _each(self, work: Callable[[str], FileEntry], paths: List[str], jobs: int) -> List[FileEntry]:
        PROGRESS.expect(BYTES, self.size())
        with concurrent.futures.ThreadPoolExecutor(max(1, jobs)) as pool:
            return list(pool.map(work, paths))

    def entry_of(self, relative: str) -> FileEntry:
        """Return a file as a manifest would list it."""
        return self._entry(relative)

    def _sealed(self, relative: str) -> FileEntry:
        return FileEntry(relative, *seal.sealed(self.file(relative)))

    def _entry(self, relative: str) -> FileEntry:
        handle = os.open(self.file(relative), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            return FileEntry(relative, *seal.hashed(handle))
        finally:
            os.close(handle)
