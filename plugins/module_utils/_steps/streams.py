# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Streams of changes between a first copy and its catch-up: begun and ended on old, followed on new.

A stream is a directory of the set, ``changes/ALIAS``. Who removes the set ends it. Where there is none, or it has
ended early, what changed is found as for any first copy.
"""

from __future__ import annotations

import contextlib
import shutil
from typing import Any, Dict, Mapping, Optional, Protocol, Tuple
from urllib.parse import quote

from ansible_collections.relocate.django.plugins.module_utils._engines.base import Engine, Snapshot
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host.files import make_directory
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import CHANGES, DatabaseEntry

_MIB = 1 << 20


class Asked(Protocol):
    """Says of replication what the options of a backup do."""

    @property
    def replicate(self) -> bool:
        """Tell whether changes are followed from the first copy on."""

    @property
    def replicate_limit(self) -> int:
        """Say how many MiB a stream and what the server keeps for it may have."""


def opened(stack: contextlib.ExitStack, engine: Engine, backup: BackupSet, asked: Asked) -> Tuple[Snapshot, str]:
    """Open the view of a first copy; returns it, and the stream that begins there, relative to the set, or "".

    A note says why no stream has begun although one was asked for.
    """
    if asked.replicate:
        relative = "{0}/{1}".format(CHANGES, quote(engine.config.alias, safe=""))
        make_directory(backup.file(CHANGES))
        make_directory(backup.file(relative))
        try:
            return stack.enter_context(engine.follow(backup.file(relative), asked.replicate_limit * _MIB)), relative
        except RelocateError as exc:
            if exc.code != "cannot_catch_up":
                raise
            discard(backup, relative)
            engine.context.notes.append("database {0}: it is not replicated: {1}".format(engine.config.alias, exc.msg))
    return stack.enter_context(engine.snapshot()), ""


def discard(backup: BackupSet, relative: str = CHANGES) -> None:
    """Remove a stream, or all of a set; who follows sees that and ends."""
    shutil.rmtree(backup.file(relative), ignore_errors=True)


def finished(
    engine: Engine, backup: BackupSet, copied: DatabaseEntry, base: Mapping[str, Any]
) -> Tuple[Mapping[str, Any], str]:
    """End the stream of a first copy, now that nobody writes; returns what a catch-up starts from, and the stream.

    Where it has ended early, there is none any more: a note says why.
    """
    if not copied.changes:
        return base, ""
    try:
        return engine.finish(backup.file(copied.changes), base), copied.changes
    except RelocateError as exc:
        if exc.code != "cannot_catch_up":
            raise
        discard(backup, copied.changes)
        engine.context.notes.append(
            "database {0}: what changed since the first copy was looked for in the downtime: {1}".format(
                engine.config.alias, exc.msg
            )
        )
        return base, ""


def follow(engine: Engine, backup: BackupSet, entry: DatabaseEntry) -> Optional[Dict[str, Any]]:
    """Take what has come of a stream into the first copy on new; returns how far it is.

    None where the stream has ended early: the copy is to be loaded anew then, so that a catch-up can be applied to it.
    Nothing for a copy without a stream, which stays as it is. Raises cannot_catch_up.
    """
    if not entry.changes:
        return {}
    found = engine.followed(backup.file(entry.changes))
    if found.get("ended"):
        engine.context.notes.append(
            "database {0}: it is replicated no longer: {1}".format(engine.config.alias, found["ended"])
        )
        return None
    try:
        parts = engine.replay(backup.file(entry.changes))
    except RelocateError as exc:
        if exc.code != "cannot_catch_up":
            raise
        raise RelocateError(exc.code, exc.msg, "set relocate_replicate: false") from exc
    return {"parts": parts, "behind": int(found.get("behind", 0)), "bytes": int(found.get("bytes", 0))}
