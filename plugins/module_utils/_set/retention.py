# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""All sets of a site: what crashed runs left in them, and which are kept."""

from __future__ import annotations

import contextlib
import os
from typing import Dict, List, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._set.label import LABEL
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import MANIFEST


def clear_unfinished(directory: str, site: str, keep: str) -> List[str]:
    """Remove what crashed runs left: sets without a manifest, except the one at work; returns their labels."""
    home, removed = BackupSet.home(directory, site), []
    for name in sorted(os.listdir(home)) if os.path.isdir(home) else []:
        one = BackupSet(os.path.join(home, name))
        ours = LABEL.fullmatch(name) and name != keep and not os.path.lexists(one.file(MANIFEST))
        if ours and os.path.isdir(one.path) and not os.path.islink(one.path):
            one.discard()
            removed.append(name)
    return removed


def take_back(directory: str, site: str) -> None:
    """Make the dumps of every set root's: a run that was killed may have lent some."""
    home = BackupSet.home(directory, site)
    for name in sorted(os.listdir(home)) if os.path.isdir(home) else []:
        if LABEL.fullmatch(name) and not os.path.islink(os.path.join(home, name)):
            BackupSet(os.path.join(home, name)).take_dumps()


def expire(directory: str, site: str, keep: int, made: str = "") -> Tuple[str, ...]:
    """Remove all but the newest ``keep`` sets with MEDIA, and as many without; returns the labels that went.

    Those of moves hold no MEDIA, so they must not push out the ones that do. A set that cannot be read is kept.

    :param keep: how many; 0 keeps all
    :param made: the set of this run: never removed, although a clock that was set back makes it look old
    """
    kinds: Dict[bool, List[str]] = {True: [], False: []}
    for label in BackupSet.labels(directory, site) if keep > 0 else []:
        with contextlib.suppress(RelocateError):
            kinds[bool(_set(directory, site, label).read().media.get("stored"))].append(label)
    gone = []
    for labels in kinds.values():
        old = [label for label in labels if label != made]
        gone += old[: max(0, len(labels) - keep)]
    for label in gone:
        _set(directory, site, label).discard()
    return tuple(sorted(gone))


def _set(directory: str, site: str, label: str) -> BackupSet:
    return BackupSet(os.path.join(BackupSet.home(directory, site), label))
