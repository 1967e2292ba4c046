# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps sets in a repository: pushes them, brings them back, checks it, and removes what no policy keeps."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.base import default_jobs
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host.files import (
    make_directory,
    sync_directory,
    write_atomically,
)
from ansible_collections.relocate.django.plugins.module_utils._options import ModuleOptions
from ansible_collections.relocate.django.plugins.module_utils._record.keys import Proof
from ansible_collections.relocate.django.plugins.module_utils._record.record import check_site_name, read_record
from ansible_collections.relocate.django.plugins.module_utils._repository import parsed
from ansible_collections.relocate.django.plugins.module_utils._repository.access import Access
from ansible_collections.relocate.django.plugins.module_utils._repository.opened import Repository, open_repository
from ansible_collections.relocate.django.plugins.module_utils._repository.parsed import Stored
from ansible_collections.relocate.django.plugins.module_utils._set import pins, retention
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._set.held import held
from ansible_collections.relocate.django.plugins.module_utils._set.label import in_order
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import (
    MANIFEST,
    Manifest,
    digest_of,
    from_text,
)
from ansible_collections.relocate.django.plugins.module_utils._set.policy import Policy
from ansible_collections.relocate.django.plugins.module_utils._steps import retain


@dataclass(frozen=True)
class Asked(ModuleOptions):
    """Holds which repository is meant, and which set of it."""

    directory: str  # ours
    site: str
    label: Optional[str]  # the set; None: the newest
    manifest_sha256: Optional[str]  # what its manifest must have
    repository: Mapping[str, Any]  # the fields of Access

    @property
    def keeps_sets(self) -> bool:
        """Tell whether sets are pushed to it."""
        return Access.of(self.repository).keeps_sets

    def access(self) -> Access:
        """Return where the repository is. Raises bad_option."""
        check_site_name(self.site)
        access = Access.of(self.repository)
        if not access.keeps_sets:
            raise RelocateError(
                "bad_option",
                "relocate_repository names no place that sets are pushed to",
                "set relocate_repository to one of the type restic, or to a directory with an address",
            )
        return access


@dataclass(frozen=True)
class Options(Asked):
    """Holds the options of the module ``repository``."""

    state: str = "pulled"  # pushed, pulled, noted, checked
    keep: int = 0  # sets that stay there; 0: all
    retention: Mapping[str, Any] = field(default_factory=dict)  # how many stay of each kind: the words of Policy
    installs: bool = False  # the program that it needs is installed before it is used
    read_parts: int = 0  # a check reads one of so many parts of the data; 0: none


# --- what is there


def choose(sets: Sequence[Stored], label: Optional[str], sha256: Optional[str]) -> Stored:
    """Return a set by its label, else by its manifest's digest, else the newest. Raises set_not_found."""
    found = {one.label: one for one in sets if label in (None, "", one.label) and sha256 in (None, "", one.digest)}
    if not found:
        raise RelocateError(
            "set_not_found",
            "the repository holds no set {0}".format(label or "of the site"),
            "list them with relocate.django.backup_info",
        )
    return found[in_order([one.made for one in found.values()])[-1]]


def look(asked: Asked) -> Tuple[List[Stored], Optional[Stored], Optional[Manifest]]:
    """Return the sets of a repository, the wanted one (by default the newest), and its manifest.

    Raises set_not_found for a set that is named, manifest_edited, and what from_text raises.
    """
    kept = open_repository(asked.access(), asked.directory, asked.site)
    sets = kept.sets(asked.site)
    if not sets and not (asked.label or asked.manifest_sha256):
        return sets, None, None
    one = choose(sets, asked.label, asked.manifest_sha256)
    return sets, one, from_text(_manifest_text(kept, one, known_digest(asked, kept.authenticates, one)), MANIFEST)


def known_digest(asked: Asked, authenticates: bool, one: Stored) -> str:
    """Return the digest that a set must have, by anybody else than whoever can write to the repository; or "".

    That is the user, a repository that authenticates what it holds, or what this host noted when it pushed the set.
    """
    if asked.manifest_sha256 or authenticates:
        return asked.manifest_sha256 or one.digest
    return read_record(asked.directory, asked.site).pushed.get(one.label, "")


def _manifest_text(kept: Repository, one: Stored, sha256: str) -> str:
    text = kept.manifest(one).decode("utf-8", "surrogateescape")
    if digest_of(text) != (sha256 or one.digest):
        raise RelocateError(
            "manifest_edited",
            "the manifest of {0} in the repository is not the one that was written".format(one.label),
            "use another backup set",
        )
    return text


def _clear_locks(kept: Repository, check_mode: bool) -> List[str]:
    """Tell of every lock, and have restic remove those whose programs are gone."""
    found = kept.locks()
    if found and not check_mode:
        kept.unlock()
        left = {one.id for one in kept.locks()}
        return [
            "the repository has {0}{1}".format(one.sentence(), "" if one.id in left else "; it was removed")
            for one in found
        ]
    return ["the repository has {0}".format(one.sentence()) for one in found]


def _opened(kept: Repository, check_mode: bool) -> Tuple[List[str], bool]:
    """Tell of locks; where the repository is not there, make it if it may be made."""
    try:
        return _clear_locks(kept, check_mode), False
    except RelocateError as error:
        if error.code != "repository_missing" or not kept.may_be_made:
            raise
        return [], check_mode or kept.make()


# --- to it


def push(options: Options, check_mode: bool) -> Dict[str, Any]:
    """Store a set, unless it is there, and remove what the policy does not keep."""
    policy = Policy.of(options.retention, options.keep)
    backup = BackupSet.find(options.directory, options.site, options.label, options.manifest_sha256)
    manifest = backup.read(options.manifest_sha256)
    kept = open_repository(options.access(), options.directory, options.site)
    notes, made = _opened(kept, check_mode)
    sets = kept.sets(options.site) if not made else []
    there = any((one.label, one.digest) == (backup.label, backup.digest()) for one in sets)
    said: Dict[str, Any] = {}
    if not there and not check_mode:
        said = _store(kept, options.site, backup, manifest)
        sets = kept.sets(options.site)
    gone = leaving(options, sets, policy, backup.label)
    if not check_mode:
        retain.note_pushed(options.directory, options.site, backup.label, backup.digest())
        gone = _forget(kept, [one for one in sets if one.label in gone], notes)
    return {
        "changed": not there or bool(gone),
        "label": backup.label,
        "created": made,
        "bytes": int(said.get("total_bytes_processed", 0)),
        "added": int(said.get("data_added", 0)),
        "expired": gone,
        "notes": notes,
    }


def _store(kept: Repository, site: str, backup: BackupSet, manifest: Manifest) -> Dict[str, Any]:
    """Store a set; returns what is said of it."""
    made = backup.made()
    tags = parsed.tags(site, made, backup.digest(), bool(manifest.media.get("stored")))
    with held(backup.path):
        return kept.push(backup.path, tags, made, str(manifest.host["name"]))


def _forget(kept: Repository, sets: Sequence[Stored], notes: List[str]) -> List[str]:
    """Remove sets; returns their labels. Another host that works on the repository is no reason to fail: it is told."""
    try:
        kept.forget([one.id for one in sets])
    except RelocateError as error:
        if error.code != "repository_locked":
            raise
        notes.append("sets that no policy keeps stay until the next time: {0}".format(error.msg))
        return []
    return [one.label for one in sets]


def leaving(options: Options, sets: Sequence[Stored], policy: Policy, label: str) -> List[str]:
    """Choose the sets that go, by the same policy as in a directory, and note the times that are sure.

    :param label: the set of this run, which never goes
    """
    if not policy:
        return []
    record = read_record(options.directory, options.site)
    stock = retention.Stock(
        tuple(one.made for one in sets),
        frozenset(one.label for one in sets if one.media),
        {one.label: one.digest for one in sets},
        dict(record.set_times),
        {one.label: one.digest for one in sets if one.equal},
    )
    chosen = retention.choose(stock, policy, retain.needed(record) | {label})
    if chosen.labels:
        retain.note_times(options.directory, options.site, chosen.settled)
    return list(chosen.labels)


# --- from it


def pull(options: Options, check_mode: bool) -> Dict[str, Any]:
    """Bring a set, unless it is here; it appears in one step, when every file of it agrees with its manifest."""
    kept = open_repository(options.access(), options.directory, options.site)
    notes = _clear_locks(kept, check_mode)
    one = choose(kept.sets(options.site), options.label, options.manifest_sha256)
    known = known_digest(options, kept.authenticates, one)
    path = os.path.join(BackupSet.home(options.directory, options.site), one.label)
    result = {"changed": True, "label": one.label, "set": path, "manifest_sha256": one.digest, "notes": notes}
    if os.path.isfile(os.path.join(path, MANIFEST)):
        if BackupSet(path).digest() != (known or one.digest):
            raise RelocateError(
                "manifest_edited",
                "{0} on this host is another set than that of the repository".format(path),
                "look at it, then move it away",
            )
        if known and not check_mode:
            BackupSet(path).pin(known)
        return {**result, "changed": False}
    if not check_mode:
        _bring(options, kept, one, path, known)
    return result


def _bring(options: Options, kept: Repository, one: Stored, path: str, known: str) -> None:
    """Bring a set.

    :param known: the digest that it must have and is pinned by; empty when nobody knows it
    """
    incoming = os.path.join(options.directory, "incoming", options.site)
    shutil.rmtree(incoming, ignore_errors=True)  # of a run that was killed
    make_directory(incoming, 0o700)
    try:
        kept.pull(one, incoming)
        came = BackupSet(os.path.join(incoming, one.label))
        _own(came.path)
        os.chmod(came.path, 0o711)  # noqa: S103  # as backups make it: the owner reaches the dumps that are lent to him
        write_atomically(came.file(MANIFEST), _manifest_text(kept, one, known))
        came.verify(came.read(one.digest), default_jobs())
        for top, _directories, _names in os.walk(came.path):
            sync_directory(top)
        retention.clear_unfinished(options.directory, options.site, "")
        make_directory(os.path.dirname(path), 0o711)
        if known:
            pins.write(path, known)
        os.rename(came.path, path)
        sync_directory(os.path.dirname(path))
    finally:
        shutil.rmtree(incoming, ignore_errors=True)


def _own(path: str) -> None:
    """Make root's what has numbers of users of another host; nobody else reaches this directory yet."""
    if os.geteuid() != 0 or not os.path.isdir(path):
        return
    for top, directories, names in os.walk(path):
        for each in [top, *(os.path.join(top, name) for name in (*directories, *names))]:
            os.chown(each, 0, 0, follow_symlinks=False)


# --- about it


def note(options: Options, check_mode: bool) -> Dict[str, Any]:
    """Write down in the repository that a restore or a rehearsal on this host found a set equal.

    Where it cannot be written to (its backend may only let sets be read, or be gone by now) a note says so: the site
    was restored all the same, and is to be started.
    """
    proof = read_record(options.directory, options.site).found_equal.get(options.label or "")
    result = {"changed": False, "label": options.label or "", "notes": []}
    if proof is None:
        return result
    try:
        return {**result, "changed": _noted(options, proof, check_mode)}
    except RelocateError as exc:
        note = "the repository does not know that set {0} was found equal, and may let it go sooner: {1}".format(
            options.label, exc.msg
        )
        return {**result, "notes": [note]}


def _noted(options: Options, proof: Proof, check_mode: bool) -> bool:
    kept = open_repository(options.access(), options.directory, options.site)
    found = [one for one in kept.sets(options.site) if (one.label, one.digest) == (options.label, proof.digest)]
    todo = [one for one in found if one.equal != "{0:.0f}".format(proof.at)]
    for one in todo if not check_mode else ():
        kept.note_equal(one, proof.at)
    return bool(todo)


def check(options: Options) -> Dict[str, Any]:
    """Check the repository, and read a part of its data by chance; nothing is changed, but for stale locks."""
    kept = open_repository(options.access(), options.directory, options.site)
    notes = _clear_locks(kept, False)
    began = time.monotonic()
    part = kept.check(options.read_parts)
    return {"changed": False, "part": part, "seconds": {"check": round(time.monotonic() - began, 1)}, "notes": notes}
