# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps sets in a directory, on this host or by rsync over SSH on another one; no other program is run there.

A set's manifest comes last and goes first, each in one step of rsync's. So an upload or a removal that was broken off
is no set. Whoever can write there can change a set with its manifest: only the digest that a backup printed tells.

What lies there can be restored with plain tools:

    relocate.repository              its mark: a directory without it may be a disk that is not mounted
    sets/SITE/LABEL/...              sets as backups write them
    equal/SITE/LABEL                 when a restore found the set equal, and the digest of its manifest

What is read of it lies in a directory of this process alone, so that no other one changes it meanwhile. Its host is not
trusted with this host's disk either: what it lists is added up first, and no file may become larger than it can be.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import tempfile
import weakref
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import facts
from ansible_collections.relocate.django.plugins.module_utils._host.files import make_directory, write_atomically
from ansible_collections.relocate.django.plugins.module_utils._model import FileEntry
from ansible_collections.relocate.django.plugins.module_utils._process import (
    Command,
    Completed,
    find_program,
    last_lines,
    require_program,
    run,
)
from ansible_collections.relocate.django.plugins.module_utils._progress import BYTES
from ansible_collections.relocate.django.plugins.module_utils._repository import ssh
from ansible_collections.relocate.django.plugins.module_utils._repository.access import Access
from ansible_collections.relocate.django.plugins.module_utils._repository.parsed import Lock, Stored
from ansible_collections.relocate.django.plugins.module_utils._secrets import SecretStore
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
_LARGEST = 16 << 20  # bytes of a manifest, a mark or a note that is read
_MOST = 512 << 20  # bytes of all of them
_MOST_FILES = 200_000
_SPARE = 64 << 20  # bytes that stay free
_LISTED = re.compile(r"^(Number of files|Total transferred file size): ([0-9,.]+)", re.MULTILINE)
_NAMED = "[0-9]" * 8 + "T" + "[0-9]" * 6 + "Z-*"  # a label, as rsync matches it
_MODES = ("--no-perms", "--chmod=D700,F600", "--no-links")


class Remote:
    """A directory with sets, as root of this host reaches it.

    :param directory: our work directory, below which the manifests lie that were read, as long as this object does
    """

    #: Whether what it says of a manifest is as good as a pin.
    authenticates = False

    def __init__(self, access: Access, directory: str, site: str, runner: Callable[..., Completed] = run) -> None:
        self._program = require_program("rsync", "install the package rsync")
        self._access, self._directory, self._run = access, directory, runner
        self.may_be_made = access.create
        self._site = site
        self._top = _own_directory(self, os.path.join(directory, "cache"))
        self._cache = os.path.join(self._top, "seen")
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
            self._compare_present(listed[part - 1 :: parts])
        return "{0}/{1}".format(part, parts) if part else ""

    def _compare_present(self, wanted: Sequence[Tuple[str, FileEntry]]) -> None:
        """Compare, but for the sets that another host removes meanwhile: these are looked for again."""
        try:
            self._compare(wanted)
        except RelocateError:
            self._see()
            there = self._labels()
            left = [(label, entry) for label, entry in wanted if label in there]
            if len(left) == len(wanted):
                raise
            self._compare(left)

    def _compare(self, wanted: Sequence[Tuple[str, FileEntry]]) -> None:
        """Bring files of sets, and hold each against its manifest. Raises repository_damaged."""
        with self._scratch() as top:
            done = self._bring(wanted, top)
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
        self._see()  # what was an upload at work may be a set by now
        self._remove([one for one in self._labels(finished=False) if one != label and _older(one, made.label)])
        source = "{0}/./sets/{1}/{2}".format(os.path.dirname(os.path.dirname(home)), self._site, label)
        apart = "--exclude=/sets/{0}/{1}/{2}".format(self._site, label, MANIFEST)
        self._rsync(["--relative", "--delete", *_MODES, apart, source + "/"], "")
        self._rsync(["--relative", *_MODES, source + "/" + MANIFEST], "")
        size = BackupSet(path).size()
        return {"total_bytes_processed": size, "data_added": size}

    def pull(self, one: Stored, target: str) -> None:
        """Bring the files that the manifest of a set lists, and nothing else, below a directory of ours.

        Raises disk_full, repository_damaged.
        """
        make_directory(os.path.join(target, one.label), 0o700)
        done = self._bring([(one.label, entry) for entry in self._read(one.label).files], target)
        if done.rc:
            raise self._failure(done)

    def manifest(self, one: Stored) -> bytes:
        """Return the manifest of a set. Raises set_not_found when it went meanwhile."""
        return self._content(one.label)

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
        home = "sets/{0}/" + _NAMED
        places = [
            "sets/",
            "sets/{0}/",
            home + "/",
            home + "/" + MANIFEST,
            "equal/",
            "equal/{0}/",
            "equal/{0}/" + _NAMED,
        ]
        argv = ["--include=/" + name.format(self._site) for name in (MARK, *places)]
        argv += ["--exclude=*", "--delete", "--delete-excluded", "--checksum", "--max-size={0}".format(_LARGEST)]
        argv += [*_MODES, self._at(""), self._cache + "/"]
        self._check_listed(self._start(["--dry-run", "--stats", *argv]))
        done = self._start(argv, largest=_LARGEST)
        if done.rc:
            raise self._failure(done)
        if not os.path.isfile(os.path.join(self._cache, MARK)):
            raise _missing()

    def _check_listed(self, done: Completed) -> None:
        """Refuse a host that lists more than sets can make. Raises repository_failed, disk_full."""
        if done.rc:
            raise self._failure(done)
        found = {name: int(re.sub(r"[^0-9]", "", text) or 0) for name, text in _LISTED.findall(done.out)}
        files, size = (found.get(name, 0) for name in ("Number of files", "Total transferred file size"))
        if files > _MOST_FILES or size > _MOST:
            raise RelocateError(
                "repository_failed",
                "the repository lists {0} files with {1:.0f} MB of manifests for the site".format(files, size / 1e6),
                "look at what lies below sets/{0} and equal/{0} there, and remove what is no set".format(self._site),
            )
        _check_room(self._top, size)

    def _labels(self, finished: bool = True) -> List[str]:
        home = os.path.join(self._cache, "sets", self._site)
        names = sorted(os.listdir(home)) if os.path.isdir(home) else []
        return [
            name
            for name in names
            if LABEL.fullmatch(name) and os.path.isfile(os.path.join(home, name, MANIFEST)) == finished
        ]

    def _text(self, label: str) -> str:
        return self._content(label).decode("utf-8", "surrogateescape")

    def _content(self, label: str) -> bytes:
        path = os.path.join(self._cache, "sets", self._site, label, MANIFEST)
        try:
            with open(path, "rb") as stream:
                return stream.read()
        except OSError as exc:
            raise RelocateError(
                "set_not_found",
                "the repository holds no set {0} any more".format(label),
                "list them with relocate.django.backup_info",
            ) from exc

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
        top = tempfile.mkdtemp(prefix="remote-", dir=self._top)
        try:
            yield top
        finally:
            shutil.rmtree(top, ignore_errors=True)

    def _bring(self, wanted: Sequence[Tuple[str, FileEntry]], top: str) -> Completed:
        """Bring files of sets that manifests list; none may be larger than the largest of them. Raises disk_full."""
        _check_room(top, sum(entry.size for _label, entry in wanted))
        largest = max([entry.size for _label, entry in wanted], default=0)
        names = ["{0}/{1}".format(label, entry.path) for label, entry in wanted]
        listed = "\0".join(names).encode("utf-8", "surrogateescape")
        argv = ["--from0", "--files-from=-", "--relative", "--max-size={0}".format(largest), *_MODES]
        return self._start([*argv, self._at("sets/{0}/".format(self._site)), top + "/"], listed, largest)

    def _at(self, relative: str) -> str:
        return "{0}/{1}".format(self._access.address.rstrip("/"), relative)

    def _rsync(self, argv: Sequence[str], to: str) -> None:
        done = self._start([*argv, self._at(to)])
        if done.rc:
            raise self._failure(done)

    def _start(self, argv: Sequence[str], stdin: Optional[bytes] = None, largest: int = -1) -> Completed:
        """Run rsync.

        :param largest: bytes that a file may get which it writes here, whatever the other host sends; -1 for no limit
        """
        # Not --protect-args, which rrsync refuses: an address on another host has nothing in it that a shell reads.
        fixed = [*_limited(largest), self._program, "--recursive", "--times", "--timeout=600"]
        with ssh.command(self._access, self._directory) as shell:
            command = Command([*fixed, *(["--rsh=" + shell] if shell else []), *argv], family=True)
            return self._run(command, stdin=stdin, measure=(BYTES, lambda _output: None))

    def _failure(self, done: Completed) -> RelocateError:
        return ssh.failure(self._access.address, done.rc, last_lines(done.err, 6))


def _own_directory(owner: Remote, home: str) -> str:
    """Return a directory that goes with an object, or with the next one when this process is killed.

    :param home: our cache
    """
    make_directory(home, 0o700)
    stack, pid = contextlib.ExitStack(), os.getpid()
    path = stack.enter_context(SecretStore(os.path.join(home, "directory"))).path
    weakref.finalize(owner, lambda: stack.close() if os.getpid() == pid else None)  # not by a child of this process
    return path


def _limited(largest: int) -> List[str]:
    """Return what runs a program so that no file it writes becomes larger than so many bytes."""
    program = find_program("prlimit") if largest >= 0 else None
    return [program, "--fsize={0}".format(largest), "--"] if program else []


def _check_room(path: str, needed: int) -> None:
    """Raise disk_full where so many bytes do not fit."""
    if facts.free_bytes(path) < needed + _SPARE:
        raise RelocateError(
            "disk_full",
            "{0} has no room for {1:.0f} MB out of the repository".format(path, needed / 1e6),
            "free space there, or set relocate_directory to another file system",
        )


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
