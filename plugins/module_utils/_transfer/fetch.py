# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The new host's side of a transfer: rsync over SSH with a one-time key, from the daemon that the old host grants.

A set's manifest comes last, so that an interrupted transfer leaves no set; what has arrived is not sent again.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from dataclasses import replace
from typing import Any, Callable, Dict, Iterator, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host.files import make_directory, write_atomically
from ansible_collections.relocate.django.plugins.module_utils._model import Directory, SystemUser
from ansible_collections.relocate.django.plugins.module_utils._process import (
    Command,
    Completed,
    last_lines,
    require_program,
    run,
)
from ansible_collections.relocate.django.plugins.module_utils._progress import BYTES
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import DATABASES, MANIFEST
from ansible_collections.relocate.django.plugins.module_utils._set.relocation import of_media
from ansible_collections.relocate.django.plugins.module_utils._transfer.network import reachable
from ansible_collections.relocate.django.plugins.module_utils._transfer.rsync import (
    COPY_AS,
    KEY,
    KNOWN_HOSTS,
    MEDIA_SOURCE,
    PARTIAL,
    Moved,
    Request,
    Way,
    amount_of,
    failure,
    known_hosts,
    manifest_request,
    nothing_there,
    parse_stats,
    rsync_argv,
    set_request,
    unreachable,
)

_ATTEMPTS = 3  # a lost connection is taken up again so many times
_PAUSE = 3.0  # seconds before that


# --- the key


def make_key(directory: str, site: str) -> bool:
    """Make the one-time key pair; False when it is there."""
    if os.path.isfile(os.path.join(directory, KEY)) and os.path.isfile(os.path.join(directory, KEY + ".pub")):
        return False
    make_directory(directory, 0o700)
    for name in (KEY, KEY + ".pub"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(directory, name))
    program = require_program("ssh-keygen", "install the OpenSSH client")
    argv = [program, "-q", "-t", "ed25519", "-N", "", "-C", "relocate-" + site, "-f", os.path.join(directory, KEY)]
    done = run(Command(argv), timeout=60)
    if done.rc:
        raise RelocateError("program_failed", "ssh-keygen exited {0}: {1}".format(done.rc, last_lines(done.err)))
    return True


def read_public_key(directory: str) -> str:
    """Type and key, without the comment; empty when there is none."""
    try:
        with open(os.path.join(directory, KEY + ".pub"), encoding="ascii") as stream:
            return " ".join(stream.read().split()[:2])
    except FileNotFoundError:
        return ""


# --- fetching


class Fetcher:
    """Runs requests against the first address that is really the old host.

    :param way: how to reach it
    :param host_keys: its public keys; no other host is talked to
    """

    def __init__(self, way: Way, host_keys: Sequence[str], runner: Callable[..., Completed] = run) -> None:
        self._way, self._run = way, runner
        self._rsync, self._ssh = require_program("rsync"), require_program("ssh")
        if not os.path.isfile(os.path.join(way.keys, KEY)):
            raise RelocateError(
                "transfer_refused",
                "there is no one-time key on this host",
                "run relocate.django.transfer with state: ready first",
            )
        write_atomically(os.path.join(way.keys, KNOWN_HOSTS), known_hosts(way.site, host_keys))
        self._addresses, self._reasons = reachable(way.addresses, way.port)

    def fetch(self, request: Request) -> Moved:
        """Bring what a request asks for. Raises transfer_unreachable, transfer_refused, transfer_failed, disk_full."""
        error = unreachable(self._reasons)
        for address in list(self._addresses):
            try:
                moved = self._from(address, request)
            except RelocateError as exc:
                error = exc
                if not exc.details.get("host_key"):
                    raise
                self._addresses.remove(address)  # an address that both hosts have, such as a container bridge
                continue
            self._addresses = [address]
            return moved
        raise error

    def _from(self, address: str, request: Request) -> Moved:
        with _key_for(request.user, self._way) as (way, user):
            command = Command(rsync_argv(request, way, address, self._rsync, self._ssh), user, family=True)
            return self._tried(command, address, request.source == MEDIA_SOURCE)

    def _tried(self, command: Command, address: str, may_be_absent: bool) -> Moved:
        for attempt in range(_ATTEMPTS):
            done = self._run(command, measure=(BYTES, amount_of))
            if done.rc in (0, 24):  # 24: files vanished, as they do on a site that serves
                return replace(parse_stats(done.out), address=address, vanished=done.rc == 24)
            if may_be_absent and nothing_there(done.err):
                return Moved(address=address)
            error = failure(done.rc, done.err, address)
            if not error.details.get("lost") or attempt + 1 == _ATTEMPTS:
                break
            time.sleep(_PAUSE)
        raise error


def lent_path(keys: str) -> str:
    """Return where a copy of the key lies while the project's owner needs it; no site's name begins with a dot."""
    return os.path.join(os.path.dirname(keys), ".lent-" + os.path.basename(keys))


@contextlib.contextmanager
def _key_for(user: Optional[SystemUser], way: Way) -> Iterator[Tuple[Way, Optional[SystemUser]]]:
    """The key, and who starts rsync: root, unless its rsync cannot let go of root's rights by itself.

    Then the project's owner starts it, with a copy of the key while it runs. It reads nothing but his own site.
    """
    if user is None or way.version >= COPY_AS:
        yield way, None
        return
    lent = lent_path(way.keys)
    try:
        shutil.rmtree(lent, ignore_errors=True)
        make_directory(lent, 0o700)
        for name in (KEY, KNOWN_HOSTS):
            shutil.copyfile(os.path.join(way.keys, name), os.path.join(lent, name))
            os.chmod(os.path.join(lent, name), 0o600)
            os.chown(os.path.join(lent, name), user.uid, user.gid)
        os.chown(lent, user.uid, user.gid)  # last: from here on he could put links there
        yield replace(way, keys=lent, control=""), user
    finally:
        shutil.rmtree(lent, ignore_errors=True)


Fetch = Callable[[Request], Moved]
#: :meth:`Stopwatch.step`
Step = Callable[[str], "contextlib.AbstractContextManager[None]"]


def _uncounted(_name: str) -> "contextlib.AbstractContextManager[None]":
    return contextlib.nullcontext()


def bring_set(fetch: Fetch, backup: BackupSet, sha256: str, jobs: int, step: Step = _uncounted) -> Moved:
    """Bring a set; with the digest of its manifest also that, and verify every file.

    A file that fails its verification is fetched once more by content, since its size and time may be right.
    """
    manifest = backup.file(MANIFEST)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(manifest)
    with step("fetch"):
        moved = fetch(set_request(backup.path))
        if not sha256:
            return moved
        moved.add(fetch(manifest_request(backup.path)))
    remove_partial(backup.path)
    try:
        with step("hash"):
            prove(backup, sha256, jobs)
    except RelocateError as error:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(manifest)
        if error.code not in ("file_differs", "dump_truncated", "file_missing", "file_unlisted"):
            raise
        moved.add(fetch(set_request(backup.path, again=True)))
        moved.add(fetch(manifest_request(backup.path)))
        _verify_or_discard(backup, sha256, jobs)
    return moved


def prove(backup: BackupSet, sha256: str, jobs: int, keep: bool = True) -> None:
    """Verify a set by a digest that did not come with it, and keep that beside it."""
    backup.verify(backup.read(sha256), jobs)
    if keep:
        backup.pin(sha256)


def _verify_or_discard(backup: BackupSet, sha256: str, jobs: int) -> None:
    try:
        prove(backup, sha256, jobs)
    except RelocateError:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(backup.file(MANIFEST))  # what is not proven must not be taken for a set
        raise


def remove_partial(path: str) -> None:
    """Remove the directories in which rsync keeps what an interruption left."""
    for top, directories, _names in os.walk(path):
        if PARTIAL in directories:
            directories.remove(PARTIAL)
            shutil.rmtree(os.path.join(top, PARTIAL), ignore_errors=True)


@contextlib.contextmanager
def claimed(backup: BackupSet) -> Iterator[None]:
    """Hold the databases of a set as our own while they come in and ever after: a restore lends them."""
    path = backup.file(DATABASES)
    if os.geteuid() == 0:
        os.chown(path, 0, 0)
    try:
        yield
    finally:
        backup.take_dumps()


def directories_of(directory: str, site: str, label: Optional[str], media: str) -> Tuple[Directory, ...]:
    """Those above what is moved, as the set has them, where they are on this host; none without a set."""
    if not label:
        return ()
    with contextlib.suppress(RelocateError):
        prepared = BackupSet.prepared(directory, site, label).read_prepared()
        return of_media(prepared, media).directories(prepared.directories)
    return ()


def result_of(moved: Moved) -> Dict[str, Any]:
    """The part of a module's result that tells what was brought."""
    return {
        "files": moved.files,
        "bytes": moved.size,
        "received": moved.received,
        "deleted": moved.deleted,
        "address": moved.address,
    }
