# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The backup set: one directory, all that a dead server's site needs. The only file that knows the manifest's keys.

A set is built in its final place without a manifest; the manifest comes last, in one durable step. No manifest, no
backup: what a crash left is recognised by its absence and never taken for a set.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import datetime
import hashlib
import json
import os
import re
import shutil
import stat
from dataclasses import dataclass, field
from typing import Any, Iterator, List, Mapping, Optional, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import sync_directory, write_atomically
from ansible_collections.relocate.django.plugins.module_utils._model import (
    DatabaseFacts,
    DatabaseState,
    DumpFile,
    FileEntry,
    Fixture,
    SystemUser,
    as_plain,
    facts_from_plain,
    state_from_plain,
)
from ansible_collections.relocate.django.plugins.module_utils._secrets import make_directory

FORMAT = 1
TOOL = "relocate.django 0.1.0"
MANIFEST, BUNDLE, PATCH, ENVIRONMENT, MEDIA = (
    "manifest.json",
    "code.bundle",
    "code.patch",
    "environment.json",
    "media.tar.zst",
)
DATABASES, UNVERSIONED, FIXTURES = "databases", "files", "fixtures"
#: What is known before the freeze, for the checkout on new; the manifest, when it is there, is what holds.
PREPARED = "prepared.json"
LABEL = re.compile(r"^[0-9]{8}T[0-9]{6}Z-[0-9a-f]{12}$")
_CHUNK = 1024 * 1024


@dataclass(frozen=True)
class DatabaseEntry:
    """One alias in a set: who served it, where its dump lies, and what must be there after a load."""

    config: Mapping[str, Any]  # DatabaseConfig.public()
    dump: DumpFile
    facts: DatabaseFacts
    state: DatabaseState
    migrations: Tuple[str, ...] = ()
    fixture: Optional[Fixture] = None  # the same rows in a second form, when asked for


@dataclass(frozen=True)
class UnversionedFile:
    """A file that git does not hold: where it lay and where the set keeps it."""

    path: str  # absolute, on both hosts
    stored: str  # relative to the set; empty for a symbolic link
    mode: int
    owner: str
    group: str
    link: str = ""  # target, when it is a symbolic link


@dataclass(frozen=True)
class Manifest:
    """All that is known about a set; what manifest.json holds."""

    label: str
    site: str
    created: str  # ISO 8601, UTC
    host: Mapping[str, Any]
    code: Mapping[str, Any]  # as_plain(Revision) and the names of bundle and patch
    django: Mapping[str, Any]  # versions, settings module, MEDIA_ROOT, ...; no secret
    owner: Mapping[str, Any]
    databases: Mapping[str, DatabaseEntry] = field(default_factory=dict)
    media: Mapping[str, Any] = field(default_factory=dict)
    unversioned: Tuple[UnversionedFile, ...] = ()
    files: Tuple[FileEntry, ...] = ()
    tool: str = TOOL


@dataclass(frozen=True)
class Prepared:
    """What the checkout on new needs to know; a part of the manifest, known before the freeze."""

    code: Mapping[str, Any]
    django: Mapping[str, Any]
    owner: Mapping[str, Any]
    unversioned: Tuple[UnversionedFile, ...]


def make_label(revision: str, now: datetime.datetime) -> str:
    """A set's name: UTC time and revision, sortable by age."""
    return now.astimezone(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ") + "-" + (revision or "0" * 12)[:12]


def check_label(label: str) -> str:
    """The label, or path_refused: it names a directory."""
    if not LABEL.fullmatch(label):
        raise RelocateError(
            "path_refused",
            "{0!r} is not a label".format(label),
            "use one that backup_info lists, such as 20261120T193000Z-1a2b3c4d5e6f",
        )
    return label


def as_text(manifest: Manifest) -> str:
    """The manifest as JSON text."""
    plain = as_plain(manifest)
    plain["format"] = FORMAT
    return json.dumps(plain, indent=1, sort_keys=True, ensure_ascii=True) + "\n"


def from_text(text: str, where: str = MANIFEST) -> Manifest:
    """The inverse of :func:`as_text`. Raises manifest_invalid, or format_unknown for a newer format."""
    try:
        plain = json.loads(text)
        version = plain.pop("format")
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise RelocateError("manifest_invalid", "{0} is not a manifest".format(where), "take another set") from exc
    if version != FORMAT:
        raise RelocateError(
            "format_unknown",
            "{0} has format {1}, this version reads {2}".format(where, version, FORMAT),
            "upgrade relocate.django",
        )
    try:
        plain["databases"] = {
            alias: DatabaseEntry(
                config=item["config"],
                dump=DumpFile(**item["dump"]),
                facts=facts_from_plain(item["facts"]),
                state=state_from_plain(item["state"]),
                migrations=tuple(item["migrations"]),
                fixture=_fixture_from(item.get("fixture")),
            )
            for alias, item in plain["databases"].items()
        }
        plain["unversioned"] = tuple(UnversionedFile(**item) for item in plain["unversioned"])
        plain["files"] = tuple(FileEntry(**item) for item in plain["files"])
        return Manifest(**plain)
    except (KeyError, TypeError, AttributeError) as exc:
        raise RelocateError(
            "manifest_invalid", "{0} lacks what a manifest holds ({1})".format(where, exc), "take another set"
        ) from exc


def _fixture_from(plain: Optional[Mapping[str, Any]]) -> Optional[Fixture]:
    if plain is None:
        return None
    lists = {key: tuple(plain[key]) for key in ("migrations", "left_out")}
    return Fixture(**{**plain, **lists})


def _own_tree(handle: int, uid: int, gid: int) -> None:
    """Give an open directory and all below it to a user, and to nobody else.

    By handles, and the directory before what is in it: its former owner may have put links there.
    """
    os.fchown(handle, uid, gid)
    os.fchmod(handle, 0o700)
    for name in os.listdir(handle):
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            child = os.open(name, flags, dir_fd=handle)
        except OSError:  # a link or a socket: no file of a set, which _walk refuses
            continue
        try:
            status = os.fstat(child)
            if stat.S_ISDIR(status.st_mode):
                _own_tree(child, uid, gid)
            elif stat.S_ISREG(status.st_mode) and status.st_nlink == 1:
                os.fchown(child, uid, gid)
                os.fchmod(child, 0o600)
        finally:
            os.close(child)


class BackupSet:
    """A set's directory. Made by :meth:`create`, found by :meth:`find`."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.label = os.path.basename(path)

    # --- finding

    @staticmethod
    def home(directory: str, site: str) -> str:
        """Where a site's sets are: below our work directory or a repository of the user's."""
        return os.path.join(directory, "sets", site)

    @classmethod
    def labels(cls, directory: str, site: str) -> List[str]:
        """The labels of complete sets, oldest first."""
        home = cls.home(directory, site)
        try:
            names = sorted(os.listdir(home))
        except (FileNotFoundError, NotADirectoryError):
            return []
        return [name for name in names if LABEL.fullmatch(name) and os.path.isfile(os.path.join(home, name, MANIFEST))]

    @classmethod
    def find(cls, directory: str, site: str, label: Optional[str] = None) -> BackupSet:
        """A complete set by its label, or the newest. Raises set_not_found, set_incomplete."""
        if label:
            found = cls(os.path.join(cls.home(directory, site), check_label(label)))
            if os.path.isdir(found.path) and not os.path.isfile(os.path.join(found.path, MANIFEST)):
                raise RelocateError(
                    "set_incomplete",
                    "{0} has no manifest: its backup did not end".format(found.path),
                    "take another set, or back up again",
                )
            if os.path.isdir(found.path):
                return found
        else:
            labels = cls.labels(directory, site)
            if labels:
                return cls(os.path.join(cls.home(directory, site), labels[-1]))
        raise RelocateError(
            "set_not_found",
            "there is no backup set {0} below {1}".format(label or "of site " + site, cls.home(directory, site)),
            "list the sets with relocate.django.backup_info",
        )

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
            return Prepared(manifest.code, manifest.django, manifest.owner, manifest.unversioned)
        try:
            with open(self.file(PREPARED), encoding="ascii") as stream:
                plain = json.load(stream)
            unversioned = tuple(UnversionedFile(**item) for item in plain.pop("unversioned"))
            return Prepared(unversioned=unversioned, **plain)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as exc:
            raise RelocateError(
                "manifest_invalid", "{0} cannot be read".format(self.file(PREPARED)), "transfer the set again"
            ) from exc

    def read_environment(self) -> Mapping[str, Any]:
        """Python version, Django version and packages, as recorded on old."""
        try:
            with open(self.file(ENVIRONMENT), encoding="ascii") as stream:
                data: Mapping[str, Any] = json.load(stream)
                return data
        except (OSError, ValueError) as exc:
            raise RelocateError(
                "manifest_invalid", "{0} cannot be read".format(self.file(ENVIRONMENT)), "transfer the set again"
            ) from exc

    def discard(self) -> None:
        """Remove the set, its manifest first, so that a half-removed one is no set."""
        try:
            os.unlink(self.file(MANIFEST))
        except FileNotFoundError:
            pass
        shutil.rmtree(self.path)

    def file(self, relative: str) -> str:
        """The absolute path of a file of the set; refuses one that leads out of it."""
        if not relative or relative.startswith("/") or ".." in relative.split("/") or "\0" in relative:
            raise RelocateError(
                "path_refused", "{0!r} leads out of the backup set".format(relative), "take another set"
            )
        return os.path.join(self.path, relative)

    def finish(self, manifest: Manifest, jobs: int = 2) -> str:
        """Hash every file, write the manifest last; returns the manifest's own sha256."""
        self.take_dumps()  # before they are hashed: what is hashed is what stays
        entries = self._hash(sorted(self._walk()), jobs)
        for entry in entries:
            handle = os.open(self.file(entry.path), os.O_RDONLY | os.O_NOFOLLOW)
            os.fsync(handle)
            os.close(handle)
        for top, _directories, _names in os.walk(self.path):
            sync_directory(top)
        text = as_text(Manifest(**{**manifest.__dict__, "files": tuple(entries)}))
        write_atomically(self.file(MANIFEST), text)
        sync_directory(os.path.dirname(self.path))
        return hashlib.sha256(text.encode("ascii")).hexdigest()

    # --- reading

    def read(self, sha256: Optional[str] = None) -> Manifest:
        """The manifest. Raises manifest_edited when ``sha256`` is given and differs, and what from_text raises."""
        text = self._manifest_text()
        if sha256 and hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest() != sha256:
            raise RelocateError(
                "manifest_edited",
                "{0} is not the manifest that was written".format(self.file(MANIFEST)),
                "transfer the set again, or take another one",
            )
        manifest = from_text(text, self.file(MANIFEST))
        if manifest.label != self.label:
            raise RelocateError(
                "manifest_invalid",
                "the manifest in {0} is of {1}".format(self.path, manifest.label),
                "take another set",
            )
        return manifest

    def digest(self) -> str:
        """The sha256 of the manifest as it lies here: the set's identity."""
        return hashlib.sha256(self._manifest_text().encode("utf-8", "surrogateescape")).hexdigest()

    def verify(self, manifest: Manifest, jobs: int = 2) -> int:
        """Compare every file with the manifest; returns how many bytes were read.

        Raises file_missing, file_unlisted or file_differs naming the first that does not agree.
        """
        listed = {entry.path: entry for entry in manifest.files}
        present = set(self._walk())
        for path in sorted(set(listed) - present):
            raise RelocateError("file_missing", "file {0} of {1} is missing".format(path, self.label), "transfer again")
        for path in sorted(present - set(listed)):
            raise RelocateError(
                "file_unlisted", "file {0} of {1} is not in its manifest".format(path, self.label), "transfer again"
            )
        for path, entry in sorted(listed.items()):
            size = os.lstat(self.file(path)).st_size
            if size != entry.size:
                code = "dump_truncated" if size < entry.size and path.startswith(DATABASES + "/") else "file_differs"
                self._differs(path, "holds {0} of {1} bytes".format(size, entry.size), code)
        for entry in self._hash(sorted(listed), jobs):
            if entry.sha256 != listed[entry.path].sha256:
                self._differs(entry.path, "sha256 differs")
        return sum(entry.size for entry in manifest.files)

    @contextlib.contextmanager
    def lent_dumps(self, owner: SystemUser) -> Iterator[None]:
        """Let the owner's client programs read the dumps meanwhile; at rest they are root's alone."""
        try:
            self._own_dumps(owner.uid, owner.gid)
            yield
        finally:
            self.take_dumps()

    def take_dumps(self) -> None:
        """Make the dumps root's: who breaks into the site must not reach its backups."""
        self._own_dumps(0, 0)

    def _own_dumps(self, uid: int, gid: int) -> None:
        if os.geteuid() != 0 or not os.path.isdir(self.file(DATABASES)):
            return
        handle = os.open(self.file(DATABASES), os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            _own_tree(handle, uid, gid)
        finally:
            os.close(handle)

    def size(self) -> int:
        """Bytes of all files."""
        return sum(os.lstat(self.file(path)).st_size for path in self._walk())

    def _differs(self, path: str, how: str, code: str = "file_differs") -> None:
        raise RelocateError(
            code, "file {0} of {1}: {2}".format(path, self.label, how), "transfer the set again, or take another one"
        )

    def _manifest_text(self) -> str:
        try:
            handle = os.open(self.file(MANIFEST), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError as exc:
            raise RelocateError(
                "set_incomplete", "{0} has no manifest".format(self.path), "take another set, or back up again"
            ) from exc
        except OSError as exc:
            raise RelocateError(
                "path_refused", "{0} is not a plain file".format(self.file(MANIFEST)), "take another set"
            ) from exc
        with os.fdopen(handle, encoding="utf-8", errors="surrogateescape") as stream:
            return stream.read()

    def _walk(self) -> Iterator[str]:
        """Relative paths of all files but the manifest; refuses links and special files."""
        for top, directories, names in os.walk(self.path):
            for name in sorted(directories + names):
                path = os.path.join(top, name)
                mode = os.lstat(path).st_mode
                if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
                    raise RelocateError("path_refused", "{0} is neither file nor directory".format(path), "remove it")
            for name in names:
                relative = os.path.relpath(os.path.join(top, name), self.path)
                if relative not in (MANIFEST, MANIFEST + ".new"):
                    yield relative

    def _hash(self, paths: List[str], jobs: int) -> List[FileEntry]:
        with concurrent.futures.ThreadPoolExecutor(max(1, jobs)) as pool:
            return list(pool.map(self._entry, paths))

    def _entry(self, relative: str) -> FileEntry:
        digest, size = hashlib.sha256(), 0
        handle = os.open(self.file(relative), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(handle, "rb", buffering=0) as stream:
            for chunk in iter(lambda: stream.read(_CHUNK), b""):
                digest.update(chunk)  # drops the interpreter's lock: files are hashed in parallel
                size += len(chunk)
        return FileEntry(relative, size, digest.hexdigest())
