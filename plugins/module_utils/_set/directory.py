# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The backup set: one directory, all that a dead server's site needs.

A set is built in its final place without a manifest; the manifest comes last, in one durable step. No manifest, no
backup: what a crash left is recognised by its absence and never taken for a set.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import json
import os
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Set

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host.files import (
    make_directory,
    remove_tree,
    sync_directory,
    write_atomically,
)
from ansible_collections.relocate.django.plugins.module_utils._model import FileEntry, SystemUser, as_plain
from ansible_collections.relocate.django.plugins.module_utils._progress import BYTES, PROGRESS
from ansible_collections.relocate.django.plugins.module_utils._set import pins, seal
from ansible_collections.relocate.django.plugins.module_utils._set.label import (
    LABEL,
    Made,
    check_label,
    in_order,
    time_in,
)
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import (
    ARCHIVE,
    DATABASES,
    MANIFEST,
    Manifest,
    Prepared,
    as_text,
    created_at,
    digest_of,
    from_text,
    prepared_from,
)

BUNDLE, PATCH, ENVIRONMENT, MEDIA = ("code.bundle", "code.patch", "environment.json", ARCHIVE + ".zst")
UNVERSIONED, FIXTURES = "files", "fixtures"
#: What is known before the freeze, for the checkout on new; the manifest, when it is there, is what holds.
PREPARED = "prepared.json"


class BackupSet:
    """A set's directory. Made by :meth:`create`, found by :meth:`find`."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.label = os.path.basename(path)
        self._listed: Dict[str, FileEntry] = {}

    # --- finding

    @staticmethod
    def home(directory: str, site: str) -> str:
        """Return where a site's sets are: below our work directory or a repository of the user's."""
        return os.path.join(directory, "sets", site)

    @classmethod
    def labels(cls, directory: str, site: str) -> List[str]:
        """The labels of complete sets, oldest first: by what their manifests say, not by their names.

        Of two sets that one host made, the one of the higher sequence is newer, whatever its clock said. So a set
        counts as no younger than those that its host made after it; by that time the sets of several hosts are put in
        order. A set whose manifest cannot be read has its name only, and keeps that place: nobody makes an older set
        the newest by spoiling a manifest.
        """
        home = cls.home(directory, site)
        try:
            names = sorted(os.listdir(home))
        except (FileNotFoundError, NotADirectoryError):
            return []
        found = [name for name in names if LABEL.fullmatch(name) and os.path.isfile(os.path.join(home, name, MANIFEST))]
        return in_order([cls(os.path.join(home, name)).made() for name in found])

    @classmethod
    def next_sequence(cls, directory: str, site: str, noted: int = 0) -> int:
        """The number of the set that is made next: above those of all that are there, and of what the record notes."""
        home = cls.home(directory, site)
        there = [cls(os.path.join(home, label)).made().sequence for label in cls.labels(directory, site)]
        return 1 + max([noted, *there])

    def made(self) -> Made:
        """Return when and where the set was made, as far as its manifest can be read."""
        try:
            manifest = self.read()
            return Made(self.label, str(manifest.host["machine_id"]), manifest.sequence, created_at(manifest))
        except (RelocateError, OSError):
            return Made(self.label, "", 0, time_in(self.label))

    @classmethod
    def find(cls, directory: str, site: str, label: Optional[str] = None, sha256: Optional[str] = None) -> BackupSet:
        """A complete set by its label, else by its manifest's digest, else the newest.

        Raises set_not_found, set_incomplete.
        """
        home = cls.home(directory, site)
        if label:
            found = cls(os.path.join(home, check_label(label)))
            if os.path.isdir(found.path):
                return found._finished()
        else:
            sets = [cls(os.path.join(home, name)) for name in cls.labels(directory, site)]
            sets = [item for item in sets if not sha256 or item.digest() == sha256]
            if sets:
                return sets[-1]
        what = label or "of site {0}{1}".format(site, ", whose manifest has that sha256," if sha256 else "")
        raise RelocateError(
            "set_not_found",
            "there is no backup set {0} below {1}".format(what, home),
            "list the sets with relocate.django.backup_info",
        )

    def _finished(self) -> BackupSet:
        if not os.path.isfile(os.path.join(self.path, MANIFEST)):
            raise RelocateError(
                "set_incomplete",
                "{0} has no manifest: its backup did not finish".format(self.path),
                "use another backup set, or back up again",
            )
        return self

    @classmethod
    def around(cls, path: str) -> Optional[BackupSet]:
        """The complete set that a file lies in; None for any other file."""
        top = os.path.dirname(os.path.abspath(path))
        while top != os.path.dirname(top):
            if LABEL.fullmatch(os.path.basename(top)) and os.path.isfile(os.path.join(top, MANIFEST)):
                return cls(top)
            top = os.path.dirname(top)
        return None

    # --- writing

    @classmethod
    def create(cls, directory: str, site: str, label: str, owner: SystemUser) -> BackupSet:
        """Make (or go on with) the directory of a set that has no manifest yet."""
        home = cls.home(directory, site)
        make_directory(home, 0o711)
        made = cls(os.path.join(home, check_label(label)))
        # 0711, not 0700: the owner's client programs must reach the databases below, and can list nothing.
        make_directory(made.path, 0o711)
        make_directory(os.path.join(made.path, DATABASES), 0o700, owner)
        make_directory(os.path.join(made.path, UNVERSIONED), 0o700)
        return made

    @classmethod
    def prepared(cls, directory: str, site: str, label: str) -> BackupSet:
        """A set of which code and files at least are there. Raises set_not_found."""
        found = cls(os.path.join(cls.home(directory, site), check_label(label)))
        if not os.path.isfile(found.file(PREPARED)):
            raise RelocateError(
                "set_not_found",
                "there is no set {0} below {1}".format(label, os.path.dirname(found.path)),
                "transfer it",
            )
        return found

    def note_prepared(self, prepared: Prepared) -> None:
        """Write down what the checkout on new needs before there is a manifest."""
        write_atomically(self.file(PREPARED), json.dumps(as_plain(prepared), indent=1, sort_keys=True) + "\n")

    def read_prepared(self) -> Prepared:
        """Code, Django facts, owner and unversioned files, from the manifest or what :meth:`note_prepared` wrote."""
        if os.path.isfile(self.file(MANIFEST)):
            manifest = self.read()
            return Prepared(manifest.code, manifest.django, manifest.owner, manifest.unversioned, manifest.directories)
        try:
            with open(self.file(PREPARED), encoding="ascii") as stream:
                return prepared_from(json.load(stream))
        except (OSError, ValueError, RecursionError) as exc:
            raise RelocateError(
                "manifest_invalid", "{0} cannot be read".format(self.file(PREPARED)), "transfer the set again"
            ) from exc

    def read_environment(self) -> Mapping[str, Any]:
        """Python version, Django version and packages, as recorded on old. Raises what :meth:`check_file` raises."""
        path = self.check_file(ENVIRONMENT)
        try:
            with open(path, encoding="ascii") as stream:
                data: Mapping[str, Any] = json.load(stream)
                return data
        except (OSError, ValueError, RecursionError) as exc:
            raise RelocateError(
                "manifest_invalid", "{0} cannot be read".format(self.file(ENVIRONMENT)), "transfer the set again"
            ) from exc

    def discard(self) -> None:
        """Remove the set, its manifest first, so that a half-removed one is no set; its pin last."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.file(MANIFEST))
        remove_tree(self.path)
        pins.forget(self.path)

    def discard_unfinished(self) -> None:
        """Remove what there is of a set that has no manifest; a whole one stays, whatever failed after it."""
        if not os.path.lexists(self.file(MANIFEST)):
            self.discard()

    def file(self, relative: str) -> str:
        """The absolute path of a file of the set; refuses one that leads out of it."""
        if not relative or relative.startswith("/") or ".." in relative.split("/") or "\0" in relative:
            raise RelocateError(
                "path_refused", "{0!r} leads out of the backup set".format(relative), "use another backup set"
            )
        return os.path.join(self.path, relative)

    def finish(self, manifest: Manifest, jobs: int = 2) -> str:
        """Hash every file, note the manifest's sha256 beside the sets and write it last; returns that sha256.

        Raises path_refused for what is no plain file, file_differs when somebody changed a dump that was ours to write.
        """
        self.take_dumps()  # before they are hashed: what is hashed is what stays
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.file(MANIFEST + ".new"))  # of a run that was killed
        with seal.leases():
            entries = self._each(self._sealed, sorted(self._walk()), jobs)
        for top, _directories, _names in os.walk(self.path):
            sync_directory(top)
        text = as_text(Manifest(**{**manifest.__dict__, "files": tuple(entries)}))
        from_text(text, self.file(MANIFEST))  # a set that no restore could read is none
        pins.write(self.path, digest_of(text))
        write_atomically(self.file(MANIFEST), text)
        sync_directory(os.path.dirname(self.path))
        return digest_of(text)

    # --- reading

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

        Raises file_unlisted, file_missing, file_differs.
        """
        path = self.file(relative)
        if not os.path.lexists(self.file(MANIFEST)):
            return path
        if not self._listed:
            self._listed.update({entry.path: entry for entry in self.read().files})
        listed = self._listed
        if relative not in listed:
            self._differs(relative, "is not in its manifest", "file_unlisted")
        if not os.path.isfile(path) or os.path.islink(path):
            self._differs(relative, "is missing", "file_missing")
        if self._entry(relative) != listed[relative]:
            self._differs(relative, "sha256 differs")
        return path

    def verify(self, manifest: Manifest, jobs: int = 2) -> int:
        """Compare every file with the manifest; returns how many bytes were read.

        Raises file_missing, file_unlisted or file_differs naming the first that does not agree; path_refused for what
        somebody could still change after it was compared.
        """
        seal.check_owned(self.path)
        listed = {entry.path: entry for entry in manifest.files}
        self._check_names(set(listed), manifest.media.get("stored"))
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
            self._with_dumps(lambda handle: seal.lend(handle, owner))
            yield
        finally:
            self.take_dumps()

    def take_dumps(self) -> None:
        """Make the dumps root's: who breaks into the site must not reach its backups."""
        self._with_dumps(seal.take)

    def _with_dumps(self, work: Callable[[int], None]) -> None:
        if os.geteuid() != 0 or not os.path.isdir(self.file(DATABASES)):
            return
        handle = os.open(self.file(DATABASES), os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
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

    def _sealed(self, relative: str) -> FileEntry:
        return FileEntry(relative, *seal.sealed(self.file(relative)))

    def _entry(self, relative: str) -> FileEntry:
        handle = os.open(self.file(relative), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            return FileEntry(relative, *seal.hashed(handle))
        finally:
            os.close(handle)
