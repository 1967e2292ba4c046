# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fetches a backup set from old: the one-time key pair, what carries out requests, and the set with its proof."""

from __future__ import annotations

import contextlib
import os
import shutil
from dataclasses import dataclass
from typing import Any, Dict, Optional, Sequence

from ansible_collections.relocate.django.plugins.module_utils._engines.base import default_jobs
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._options import ModuleOptions
from ansible_collections.relocate.django.plugins.module_utils._record.record import check_site_name, read_record
from ansible_collections.relocate.django.plugins.module_utils._set import retention
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._set.label import check_label
from ansible_collections.relocate.django.plugins.module_utils._steps import retain
from ansible_collections.relocate.django.plugins.module_utils._stopwatch import Stopwatch
from ansible_collections.relocate.django.plugins.module_utils._transfer import fetch as transfer_fetch
from ansible_collections.relocate.django.plugins.module_utils._transfer import opened, rsync
from ansible_collections.relocate.django.plugins.module_utils._transfer.local import Copier
from ansible_collections.relocate.django.plugins.module_utils._transfer.network import own_addresses
from ansible_collections.relocate.django.plugins.module_utils._users import current_user, lookup_user


@dataclass(frozen=True)
class Options(ModuleOptions):
    """Holds the options of the module ``transfer``, except those that only MEDIA needs."""

    directory: str  # ours
    site: str
    state: str  # ready: there is a key pair; fetched; absent: there is none
    what: str  # is fetched: set, media
    method: str  # ssh, local
    label: Optional[str]  # the set
    manifest_sha256: Optional[str]  # what its manifest must have; None: the set is not complete yet
    owner: Optional[str]  # the project's user on this host
    host: Sequence[str]  # addresses of old
    port: int
    host_keys: Sequence[str]  # what old's daemon must show
    login: str  # the user on old
    compress: Sequence[str]  # the ways to compress that old knows
    source_directory: Optional[str]  # old's, for the method local
    media_source: Optional[str]  # MEDIA_ROOT of old, for the method local


def keys_of(options: Options) -> str:
    """The directory of the site's key pair."""
    return os.path.join(options.directory, "transfer", check_site_name(options.site))


def owner_of(options: Options) -> Optional[SystemUser]:
    """The project's owner, or owner_missing; None when no name is given."""
    owner = lookup_user(options.owner) if options.owner else None
    if options.owner and owner is None:
        raise RelocateError(
            "owner_missing", "{0} is not a user of this host".format(options.owner), "create that user first"
        )
    return owner


def fetch_of(options: Options) -> transfer_fetch.Fetch:
    """Choose what carries out requests: rsync with the one-time key, or copying."""
    if options.method == "local":
        home = BackupSet.home(options.source_directory or options.directory, options.site)
        sources = {"set": os.path.join(home, options.label or ""), "media": options.media_source or ""}
        return Copier(sources).fetch
    return transfer_fetch.Fetcher(_way_of(options), options.host_keys).fetch


def _way_of(options: Options) -> rsync.Way:
    keys = keys_of(options)
    zstd = "zstd" in options.compress and "zstd" in rsync.compressions()
    where = (options.host, options.port, options.login)
    return opened.by_it(rsync.Way(options.site, keys, *where, zstd, rsync.version()))


def make_open(options: Options) -> None:
    """Open the connection that the next call of this process fetches a set by."""
    if options.method == "ssh" and options.state == "fetched":
        way = _way_of(options)
        transfer_fetch.Fetcher(way, options.host_keys)  # it writes down the keys of old's host
        opened.keep_open(way)


def make_ready(options: Options, check_mode: bool) -> Dict[str, Any]:
    """The key pair, made when it is missing."""
    if options.method == "local":
        return {"changed": False, "public_key": "", "addresses": []}
    directory = keys_of(options)
    known = transfer_fetch.read_public_key(directory)
    changed = not known if check_mode else transfer_fetch.make_key(directory, options.site)
    return {"changed": changed, "public_key": transfer_fetch.read_public_key(directory), "addresses": own_addresses()}


def fetch_set(options: Options, check_mode: bool) -> Dict[str, Any]:
    """The set, unless it is here and proven."""
    owner, label = owner_of(options), check_label(options.label or "")
    path = os.path.join(BackupSet.home(options.directory, options.site), label)
    moved, stopwatch = rsync.Moved(), Stopwatch()
    if _is_proven(path, options.manifest_sha256 or "", not check_mode, stopwatch):
        return {"changed": False, "set": path, "complete": True, **transfer_fetch.result_of(moved)}
    if not check_mode:
        moved = _bring(options, label, owner or current_user(), stopwatch)
    return {
        "changed": check_mode or moved.anything,
        "set": path,
        "complete": bool(options.manifest_sha256),
        "seconds": stopwatch.seconds(),
        **transfer_fetch.result_of(moved),
    }


def _is_proven(path: str, sha256: str, keep: bool, stopwatch: Stopwatch) -> bool:
    """Tell whether the whole set is here already, every file of it as the manifest says.

    :param keep: whether the manifest's digest is kept beside it
    """
    if not sha256 or not os.path.isdir(path):
        return False
    with contextlib.suppress(RelocateError), stopwatch.step("hash"):
        transfer_fetch.prove(BackupSet(path), sha256, default_jobs(), keep)
        return True
    return False


def _bring(options: Options, label: str, owner: SystemUser, stopwatch: Stopwatch) -> rsync.Moved:
    fetch = fetch_of(options)
    moving = retain.is_moving(read_record(options.directory, options.site))
    retention.clear_unfinished(options.directory, options.site, label, moving)
    backup = BackupSet.create(options.directory, options.site, label, owner)
    with transfer_fetch.claimed(backup):
        return transfer_fetch.bring_set(fetch, backup, options.manifest_sha256 or "", default_jobs(), stopwatch.step)


def remove_key(options: Options, check_mode: bool) -> Dict[str, Any]:
    """Remove the key pair."""
    directory = keys_of(options)
    paths = [directory, transfer_fetch.lent_path(directory)]
    found = [path for path in paths if os.path.isdir(path) and not os.path.islink(path)]
    for path in found if not check_mode else []:
        shutil.rmtree(path)
    return {"changed": bool(found)}
