# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Drives restic: the program that encrypts, deduplicates and stores. Nothing of that is ours.

Options are those that restic 0.11 has, Debian 11's. Secrets reach it by files, or by its environment, which root alone
can read; never by its command line.
"""

from __future__ import annotations

import datetime
import os
import secrets
import tempfile
from dataclasses import replace
from typing import IO, Any, Callable, Dict, List, Optional, Sequence

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host.files import make_directory
from ansible_collections.relocate.django.plugins.module_utils._process import (
    Command,
    Completed,
    Measure,
    require_program,
    run,
)
from ansible_collections.relocate.django.plugins.module_utils._progress import BYTES
from ansible_collections.relocate.django.plugins.module_utils._repository import parsed, ssh
from ansible_collections.relocate.django.plugins.module_utils._repository.access import Access
from ansible_collections.relocate.django.plugins.module_utils._repository.failures import failure
from ansible_collections.relocate.django.plugins.module_utils._secrets import scrub
from ansible_collections.relocate.django.plugins.module_utils._set.label import Made
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import MANIFEST

_INCOMPLETE = 3  # restic's exit code when it could not read a file: it stores the others nevertheless


class Restic:
    """A repository, as root of this host reaches it.

    :param directory: our work directory, below which restic keeps its cache
    """

    #: Whether what it says of a manifest is as good as a pin.
    authenticates = True

    def __init__(
        self, access: Access, directory: str, program: str = "", runner: Callable[..., Completed] = run
    ) -> None:
        self._program = program or require_program("restic", "install the package restic")
        self._environment, self._secrets = access.environment()
        self.may_be_made, self._run = access.create, runner
        self._access, self._directory = access, directory
        self._options = [word for one in access.options for word in ("-o", one)]
        self._cache = os.path.join(directory, "cache", "restic")
        make_directory(self._cache, 0o700)

    # --- the repository

    def make(self) -> bool:
        """Make the repository where it is not there and may be made; tells whether it was made."""
        try:
            self._list_locks()
            return False
        except RelocateError as error:
            if error.code != "repository_missing" or not self.may_be_made:
                raise
        self._call(["init"])
        return True

    def locks(self) -> List[parsed.Lock]:
        """Return who has locked the repository. Raises repository_missing, repository_password, repository_failed."""
        now = datetime.datetime.now(datetime.timezone.utc)
        found = []
        for identity in self._list_locks():
            done = self._start(["cat", "lock", identity], locks=False)
            one = parsed.lock(identity, done.out, now) if not done.rc else None
            found += [one] if one else []
        return found

    def _list_locks(self) -> List[str]:
        return self._call(["list", "locks"], locks=False).out.split()

    def unlock(self) -> None:
        """Remove locks whose programs are gone, as restic finds out."""
        self._call(["unlock"])

    def check(self, parts: int) -> str:
        """Check the repository, and read one of so many parts of its data, by chance; returns which.

        :param parts: 0 reads none; 256 at most
        Raises repository_damaged.
        """
        part = "{0}/{1}".format(secrets.randbelow(parts) + 1, parts) if parts else ""
        done = self._start(["check", *(["--read-data-subset=" + part] if part else [])])
        if done.rc:
            error = self._failure(["check"], done)
            if error.code == "repository_failed":
                error = RelocateError("repository_damaged", error.msg, error.hint, error.details)
            raise error
        return part

    # --- sets

    def sets(self, site: str) -> List[parsed.Stored]:
        """Return the sets of a site, oldest first."""
        text = self._whole(["snapshots", "--json", "--tag", "{0},site={1}".format(parsed.OURS, site)])
        try:
            return parsed.newest(parsed.snapshots(text.decode("utf-8", "backslashreplace"), site))
        except (ValueError, TypeError, AttributeError) as exc:
            raise RelocateError("repository_failed", "restic's list of snapshots cannot be read") from exc

    def push(self, path: str, tags: Sequence[str], made: Made, host: str) -> Dict[str, Any]:
        """Store a set; returns restic's summary. A file that cannot be read ends it, and leaves no snapshot.

        :param host: the name of the host that made it
        """
        home, label = os.path.split(path)
        argv = ["backup", "--json", "--host", host, "--time", made.created.strftime("%Y-%m-%d %H:%M:%S")]
        argv += [word for tag in tags for word in ("--tag", tag)]
        done = self._start([*argv, label], home, measure=(BYTES, parsed.amount_of))
        said = parsed.summary(done.out)
        if done.rc == _INCOMPLETE and said.get("snapshot_id"):
            self.forget([str(said["snapshot_id"])], prune=False)
        if done.rc:
            raise self._failure(["backup"], done)
        return said

    def pull(self, one: parsed.Stored, target: str) -> None:
        """Bring all files of a set but its manifest, which is to come last, below a directory of ours."""
        self._call(["restore", one.id, "--target", target, "--exclude", "/{0}/{1}".format(one.label, MANIFEST)])

    def manifest(self, one: parsed.Stored) -> bytes:
        """Return the manifest of a set."""
        return self._whole(["dump", one.id, "/{0}/{1}".format(one.label, MANIFEST)])

    def note_equal(self, one: parsed.Stored, at: float) -> None:
        """Write down at a set that it was restored and found equal."""
        argv = ["tag", "--add", "equal={0:.0f}".format(at)]
        self._call([*argv, *(["--remove", "equal=" + one.equal] if one.equal else []), one.id])

    def forget(self, identities: Sequence[str], prune: bool = True) -> None:
        """Remove snapshots, and data that no other one needs."""
        if identities:
            self._call(["forget", *(["--prune"] if prune else []), *identities])

    # --- calls

    def _call(self, argv: Sequence[str], locks: bool = True) -> Completed:
        done = self._start(argv, locks=locks)
        if done.rc:
            raise self._failure(argv, done)
        return done

    def _whole(self, argv: Sequence[str]) -> bytes:
        """Return all that a call prints, however long that is."""
        with tempfile.TemporaryFile() as stream:
            done = self._start(argv, stdout=stream)
            if done.rc:
                raise self._failure(argv, done)
            stream.seek(0)
            return stream.read()

    def _start(
        self,
        argv: Sequence[str],
        cwd: Optional[str] = None,
        locks: bool = True,
        measure: Optional[Measure] = None,
        stdout: Optional[IO[bytes]] = None,
    ) -> Completed:
        fixed = [*([] if locks else ["--no-lock"]), *argv]
        with ssh.command(self._access, self._directory) as shell:
            if not shell:
                return self._started(fixed, cwd, measure, stdout)
            # restic may end before it has read why SSH did: SSH writes that down itself.
            with tempfile.NamedTemporaryFile(prefix="ssh-", dir=os.path.join(self._directory, "cache")) as said:
                way = "sftp.command={0} -E {1} {2} -s sftp".format(shell, said.name, self._access.host)
                done = self._started(["-o", way, *fixed], cwd, measure, stdout)
                return replace(done, stderr=done.stderr + said.read()) if done.rc else done

    def _started(
        self, argv: Sequence[str], cwd: Optional[str], measure: Optional[Measure], stdout: Optional[IO[bytes]]
    ) -> Completed:
        fixed = [self._program, "--cache-dir", self._cache, *self._options]
        environment = {**self._environment, "TZ": "UTC", "RESTIC_PROGRESS_FPS": "0.5"}
        command = Command([*fixed, *argv], env=environment, cwd=cwd, family=True)
        return self._run(command, stdout=stdout, measure=measure)

    def _failure(self, argv: Sequence[str], done: Completed) -> RelocateError:
        """Name what failed, by what restic said; nothing that is secret is in it."""
        return failure(argv[0], done.rc, scrub(done.err, self._secrets))
