# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps sets in a directory, on this host or by rsync over SSH on another one; no other program is run there.

A set's manifest comes last and goes first, each in one step of rsync's. So an upload or a removal that was broken off
is no set. Whoever can write there can change a set with its manifest: only the digest that a backup printed tells.

What lies there can be restored with plain tools:

    relocate.repository              its mark: a directory without it may be a disk that is not mounted
    sets/SITE/LABEL/...              sets as backups write them
    equal/SITE/LABEL                 when a restore found the set equal, and the digest of its manifest
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import shutil
import tempfile
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host.files import make_directory, write_atomically
from ansible_collections.relocate.django.plugins.module_utils._model import FileEntry
from ansible_collections.relocate.django.plugins.module_utils._process import (
    Command,
    Completed,
    last_lines,
    require_program,
    run,
)
from ansible_collections.relocate.django.plugins.module_utils._progress import BYTES
from ansible_collections.relocate.django.plugins.module_utils._repository import ssh
from ansible_collections.relocate.django.plugins.module_utils._repository.access import Access
from ansible_collections.relocate.django.plugins.module_utils._repository.parsed import Lock, Stored
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._set.label import LABEL, Made, in_order
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import (
    MANIFEST,
    Manifest,
    created_at,
    digest_of,
    from_text,
)

MARK = "relocate.repository"
_EQUAL = re.compile(r"^([0-9]{1,12}) ([0-9a-f]{64})\n?\Z")
_LARGEST = "256m"  # of a manifest, a mark or a note that is read
_MODES = ("--no-perms", "--chmod=D700,F600", "--no-links")


class Remote:
    """A directory with sets, as root of this host reaches it.

    :param directory: our work directory, below which the manifests are kept that were read
    """

    #: Whether what it says of a manifest is as good as a pin.
    authenticates = False

    def __init__(self, access: Access, directory: str, site: str, runner: Callable[..., Completed] = run) -> None:
        self._program = require_program("rsync", "install the package rsync")
        self._access, self._directory, self._run = access, directory, runner
        self.may_be_made = access.create
        self._site = site
        name = hashlib.sha256(access.address.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        self._cache = os.path.join(directory, "cache", "directory", name)
        make_directory(self._cache, 0o700)

    # --- the repository

    def make(self) -> bool:
        """Make the repository where it is not there and may be made; tells whether it was made."""
        try:
            self._see()
            return False
        except RelocateError as error:
            if error.code != "repository_missing" or not self.may_be_made:
                raise
        with self._scratch() as top:
            write_atomically(os.path.join(top, MARK), "Backup sets of relocate.django lie here.\n")
            self._rsync([*_MODES, top + "/"], "")
        return True

    def locks(self) -> List[Lock]:
        """See that it is there; nobody locks it. Raises repository_missing, repository_unreachable."""
        self._see()
        return []

    def unlock(self) -> None:
        """Do nothing: nobody locks it."""

    def check(self, parts: int) -> str:
        """Read one of so many parts of the files of a site's sets, by chance; returns which. Raises repository_damaged.

        :param parts: 0 reads none
        """
        listed = [(one.label, entry) for one in self.sets(self._site) for entry in self._read(one.label).files]
        part = secrets.randbelow(parts) + 1 if parts and listed else 0
        if part:
            self._compare(listed[part - 1 :: parts])
        return "{0}/{1}".format(part, parts) if part else ""

    def _compare(self, wanted: Sequence[Tuple[str, FileEntry]]) -> None:
        """Bring files of sets, and hold each against its manifest. Raises repository_damaged."""
        with self._scratch() as top:
            done = self._bring(["{0}/{1}".format(label, entry.path) for label, entry in wanted], top)
            for label, entry in wanted:
                came = BackupSet(os.path.join(top, label))
                if not os.path.isfile(came.file(entry.path)):
                    raise _damaged(label, entry.path, "is missing")
                if came.entry_of(entry.path) != entry:
                    raise _damaged(label, entry.path, "is another one than its manifest lists")
            if done.rc:
                raise self._failure(done)

    # --- sets

    def sets(self, site: str) -> List[Stored]:
        """Return the sets of a site, oldest first. One whose manifest cannot be read is none."""
        self._site = site
        self._see()
        found = []
        for label in self._labels():
            with contextlib.suppress(RelocateError, OSError, ValueError):
                found.append(self._stored(label, self._read(label)))
        order = in_order([one.made for one in found])
        return sorted(found, key=lambda one: order.index(one.label))

    def push(self, path: str, _tags: Sequence[str], made: Made, _host: str) -> Dict[str, Any]:
        """Store a set. What was left of uploads that were broken off a day ago or more is removed.

        Raises manifest_edited where another set of that name is there.
        """
        home, label = os.path.split(path)
        if label in self._labels():
            raise RelocateError(
                "manifest_edited",
                "the repository holds another set {0} than this host".format(label),
                "look at both, then remove one of them",
            )
        self._remove([one for one in self._unfinished() if one != label and _older(one, made.label)])
        source = "{0}/./sets/{1}/{2}".format(os.path.dirname(os.path.dirname(home)), self._site, label)
        apart = "--exclude=/sets/{0}/{1}/{2}".format(self._site, label, MANIFEST)
        self._rsync(["--relative", "--delete", *_MODES, apart, source + "/"], "")
        self._rsync(["--relative", *_MODES, source + "/" + MANIFEST], "")
        size = BackupSet(path).size()
        return {"total_bytes_processed": size, "data_added": size}

    def pull(self, one: Stored, target: str) -> None:
        """Bring all files of a set but its manifest below a directory of ours."""
        place = os.path.join(target, one.label)
        make_directory(place, 0o700)
        argv = [*_MODES, "--exclude=/" + MANIFEST]
        done = self._start([*argv, self._at("sets/{0}/{1}/".format(self._site, one.label)), place + "/"])
        if done.rc:
            raise self._failure(done)

    def manifest(self, one: Stored) -> bytes:
        """Return the manifest of a set."""
        with open(os.path.join(self._cache, "sets", self._site, one.label, MANIFEST), "rb") as stream:
            return stream.read()

    def note_equal(self, one: Stored, at: float) -> None:
        """Write down beside a set that it was restored and found equal."""
        with self._scratch() as top:
            make_directory(os.path.join(top, "equal"))
            make_directory(os.path.join(top, "equal", self._site))
            text = "{0:.0f} {1}\n".format(at, one.digest)
            write_atomically(os.path.join(top, "equal", self._site, one.label), text)
            self._rsync([*_MODES, top + "/"], "")

    def forget(self, identities: Sequence[str], prune: bool = True) -> None:
        """Remove sets, each with its manifest first."""
        self._remove(identities)

    # --- what is there

    def _see(self) -> None:
        """Bring the mark, and the manifests and notes of the site. Raises repository_missing."""
        places = ["sets/", "sets/{0}/", "sets/{0}/*/", "sets/{0}/*/" + MANIFEST, "equal/", "equal/{0}/", "equal/{0}/*"]
        argv = ["--include=/" + name.format(self._site) for name in (MARK, *places)]
        argv += ["--exclude=*", "--delete", "--delete-excluded", "--checksum", "--max-size=" + _LARGEST, *_MODES]
        done = self._start([*argv, self._at(""), self._cache + "/"])
        if done.rc:
            raise self._failure(done)
        if not os.path.isfile(os.path.join(self._cache, MARK)):
            raise _missing()

    def _labels(self, finished: bool = True) -> List[str]:
        home = os.path.join(self._cache, "sets", self._site)
        names = sorted(os.listdir(home)) if os.path.isdir(home) else []
        return [
            name
            for name in names
            if LABEL.fullmatch(name) and os.path.isfile(os.path.join(home, name, MANIFEST)) == finished
        ]

    def _unfinished(self) -> List[str]:
        return self._labels(finished=False)

    def _text(self, label: str) -> str:
        path = os.path.join(self._cache, "sets", self._site, label, MANIFEST)
        with open(path, encoding="utf-8", errors="surrogateescape") as stream:
            return stream.read()

    def _read(self, label: str) -> Manifest:
        found = from_text(self._text(label))
        if (found.label, found.site) != (label, self._site):
            raise RelocateError("manifest_invalid", "the manifest of {0} is another set's".format(label))
        return found

    def _stored(self, label: str, manifest: Manifest) -> Stored:
        digest = digest_of(self._text(label))
        return Stored(
            label,
            label,
            digest,
            created_at(manifest),
            str(manifest.host["name"]),
            str(manifest.host["machine_id"]),
            manifest.sequence,
            bool(manifest.media.get("stored")),
            self._equal(label, digest),
        )

    def _equal(self, label: str, digest: str) -> str:
        try:
            with open(os.path.join(self._cache, "equal", self._site, label), encoding="ascii") as stream:
                found = _EQUAL.match(stream.read(200))
        except (OSError, ValueError):
            return ""
        return found.group(1) if found and found.group(2) == digest else ""

    def _remove(self, labels: Sequence[str]) -> None:
        """Remove sets, whole or not: their manifests first, so that half of one is none."""
        if not labels:
            return
        with self._scratch() as top:
            for label in labels:
                make_directory(os.path.join(top, label))
            chosen = ["--include=/{0}/".format(label) for label in labels]
            manifests = ["--include=/{0}/{1}".format(label, MANIFEST) for label in labels]
            self._rsync(["--delete", *chosen, *manifests, "--exclude=*", top + "/"], "sets/" + self._site + "/")
            for label in labels:
                os.rmdir(os.path.join(top, label))
            whole = ["--include=/{0}/**".format(label) for label in labels]
            self._rsync(["--delete", *chosen, *whole, "--exclude=*", top + "/"], "sets/" + self._site + "/")

    # --- rsync

    @contextlib.contextmanager
    def _scratch(self) -> Iterator[str]:
        top = tempfile.mkdtemp(prefix="remote-", dir=self._cache)
        try:
            yield top
        finally:
            shutil.rmtree(top, ignore_errors=True)

    def _bring(self, names: Sequence[str], top: str) -> Completed:
        listed = "\0".join(names).encode("utf-8", "surrogateescape")
        argv = ["--from0", "--files-from=-", "--relative", *_MODES]
        return self._start([*argv, self._at("sets/{0}/".format(self._site)), top + "/"], listed)

    def _at(self, relative: str) -> str:
        return "{0}/{1}".format(self._access.address.rstrip("/"), relative)

    def _rsync(self, argv: Sequence[str], to: str) -> None:
        done = self._start([*argv, self._at(to)])
        if done.rc:
            raise self._failure(done)

    def _start(self, argv: Sequence[str], stdin: Optional[bytes] = None) -> Completed:
        fixed = [self._program, "--recursive", "--times", "--timeout=600", "--protect-args"]
        with ssh.command(self._access, self._directory) as shell:
            command = Command([*fixed, *(["--rsh=" + shell] if shell else []), *argv], family=True)
            return self._run(command, stdin=stdin, measure=(BYTES, lambda _output: None))

    def _failure(self, done: Completed) -> RelocateError:
        return ssh.failure(self._access.address, done.rc, last_lines(done.err, 6))


def _missing() -> RelocateError:
    return RelocateError(
        "repository_missing",
        "there is no repository at the address",
        "correct the address, mount what it lies on, or have one made there (create: true)",
    )


def _older(label: str, other: str) -> bool:
    """Tell whether a set was begun a day or more before another one."""
    return label[:8] < other[:8]


def _damaged(label: str, path: str, how: str) -> RelocateError:
    return RelocateError(
        "repository_damaged",
        "{0} of set {1} in the repository {2}".format(path, label, how),
        "keep a copy of the repository as it is, and push the sets that are still here again",
    )
