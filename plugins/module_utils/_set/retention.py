# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""All sets of a site: what crashed runs left in them, and which are kept."""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass, field
from typing import Collection, Dict, FrozenSet, List, Mapping, Optional, Sequence, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._set import clock
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._set.held import alone_with
from ansible_collections.relocate.django.plugins.module_utils._set.label import LABEL, Made
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import MANIFEST, PREPARED
from ansible_collections.relocate.django.plugins.module_utils._set.policy import Policy

#: Seconds for which a set that a move began is left alone while the move's key is let in. It has frozen nothing, so
#: only that tells that it is at work.
MOVE_LASTS = 24 * 3600


def unfinished(directory: str, site: str, keep: str, moving: bool = False) -> List[str]:
    """Return the labels of what crashed runs left: sets without a manifest, except the one at work.

    :param keep: the label of that one
    :param moving: a move of the site is at work, or was when it was killed: what it began lately stays too
    """
    home, found = BackupSet.home(directory, site), []
    for name in sorted(os.listdir(home)) if os.path.isdir(home) else []:
        one = BackupSet(os.path.join(home, name))
        ours = LABEL.fullmatch(name) and name != keep and not os.path.lexists(one.file(MANIFEST))
        if ours and os.path.isdir(one.path) and not os.path.islink(one.path) and not (moving and _is_young(one)):
            found.append(name)
    return found


def _is_young(one: BackupSet) -> bool:
    with contextlib.suppress(OSError):
        return abs(time.time() - os.lstat(one.file(PREPARED)).st_mtime) < MOVE_LASTS
    return False


def clear_unfinished(directory: str, site: str, keep: str, moving: bool = False) -> List[str]:
    """Remove what :func:`unfinished` names and nobody holds; returns the labels."""
    return _discard(directory, site, unfinished(directory, site, keep, moving))


def take_back(directory: str, site: str) -> None:
    """Make the dumps of every set root's: a run that was killed may have lent some."""
    home = BackupSet.home(directory, site)
    for name in sorted(os.listdir(home)) if os.path.isdir(home) else []:
        if LABEL.fullmatch(name) and not os.path.islink(os.path.join(home, name)):
            BackupSet(os.path.join(home, name)).take_dumps()


@dataclass(frozen=True)
class Stock:
    """The sets of a repository, and what is known of them besides."""

    sets: Sequence[Made]  # oldest first; those that cannot be read are not among them
    with_media: FrozenSet[str]  # labels
    digests: Mapping[str, str]  # label -> of its manifest
    settled: clock.Times = field(default_factory=dict)  # label -> the time that it has for good
    proven: Mapping[str, str] = field(default_factory=dict)  # label -> digest of the manifest that a restore proved


@dataclass(frozen=True)
class Leaving:
    """The sets that a policy removes, and what is to be noted for the next time."""

    labels: Tuple[str, ...]
    settled: clock.Times


def choose(stock: Stock, policy: Policy, needed: Collection[str] = ()) -> Leaving:
    """Decide which sets go. Pure.

    Sets of moves hold no MEDIA, so they must not push out the ones that do: both kinds are counted by themselves. Where
    the clocks can be read in two ways, a set goes only if it goes by both.

    :param needed: labels, and digests of manifests, of sets that never go
    """
    both = clock.readings(stock.sets, stock.settled)
    settled = {**stock.settled, **clock.settle(stock.sets, both[0])}
    known = {one.label for one in stock.sets}
    settled = {label: at for label, at in settled.items() if label in known}
    if not policy:
        return Leaving((), settled)
    stays = {*needed, *(label for label, digest in stock.digests.items() if digest in needed)}
    stays |= _last_proven(stock, both[0])
    for times in both:
        stays |= _kept(stock, policy, times)
    return Leaving(tuple(sorted(known - stays)), settled)


def _kept(stock: Stock, policy: Policy, times: clock.Times) -> Set[str]:
    """Return what the policy keeps by one reading of the clocks."""
    kept: Set[str] = set()
    for media in (True, False):
        mine = {label: at for label, at in times.items() if (label in stock.with_media) == media}
        kept.update(policy.keeps(mine, _in_order(stock, mine)))
    return kept


def _in_order(stock: Stock, times: clock.Times) -> List[str]:
    return sorted((one.label for one in stock.sets if one.label in times), key=lambda label: times[label])


def _last_proven(stock: Stock, times: clock.Times) -> Set[str]:
    """The newest set that a restore has proven, with MEDIA and without; the manifest may not be another one since."""
    found: Dict[bool, str] = {}
    for label in _in_order(stock, times):
        if stock.proven.get(label) and stock.proven[label] == stock.digests.get(label):
            found[label in stock.with_media] = label
    return set(found.values())


def stock_of(directory: str, site: str, settled: clock.Times, proven: Mapping[str, str]) -> Stock:
    """Read all sets of a site that lie in a directory."""
    sets, with_media, digests = [], set(), {}
    for label in BackupSet.labels(directory, site):
        one = _set(directory, site, label)
        with contextlib.suppress(RelocateError):
            manifest = one.read()
            sets.append(one.made())
            digests[label] = one.digest()
            if manifest.media.get("stored"):
                with_media.add(label)
    return Stock(tuple(sets), frozenset(with_media), digests, settled, proven)


def added(stock: Stock, made: Optional[Made], media: bool) -> Stock:
    """Return the stock as it will be with one more set."""
    if made is None or made.label in {one.label for one in stock.sets}:
        return stock
    with_media = stock.with_media | {made.label} if media else stock.with_media
    return Stock((*stock.sets, made), with_media, stock.digests, stock.settled, stock.proven)


def expire(directory: str, site: str, labels: Sequence[str]) -> Tuple[str, ...]:
    """Remove sets, except those that somebody holds; returns the labels that went."""
    return tuple(_discard(directory, site, labels))


def _discard(directory: str, site: str, labels: Sequence[str]) -> List[str]:
    gone = []
    for label in labels:
        one = _set(directory, site, label)
        with alone_with(one.path) as free:
            if free:
                one.discard()
                gone.append(label)
    return gone


def _set(directory: str, site: str, label: str) -> BackupSet:
    return BackupSet(os.path.join(BackupSet.home(directory, site), label))
