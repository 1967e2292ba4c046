# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decides which sets of a site stay: by the policy, by what the record says is needed, and by what was proven."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Optional, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._record.keys import Event, Proof
from ansible_collections.relocate.django.plugins.module_utils._record.record import (
    BRINGING,
    MIGRATING,
    SANITISING,
    Record,
    RecordFile,
    read_record,
    update_record,
)
from ansible_collections.relocate.django.plugins.module_utils._set import retention
from ansible_collections.relocate.django.plugins.module_utils._set.clock import Times
from ansible_collections.relocate.django.plugins.module_utils._set.label import Made
from ansible_collections.relocate.django.plugins.module_utils._set.policy import Policy

_NOTED = 2000  # sets whose times are noted


def refuse_retired(record: Record) -> None:
    """A nightly backup of a host that no longer serves would push out the sets that are worth something."""
    if record.is_retired() and not record.came_back():
        raise RelocateError(
            "old_retired",
            "the site was retired here by set {0}: another host serves it".format((record.retired or Event()).label),
            "put that host into the group old of the inventory by which backups are made",
        )


def needed(record: Record) -> Set[str]:
    """Return labels, and digests of manifests, of the sets that a restore or a move still goes by.

    That is what a swap was begun with, what incoming holds, what a site was restored from that has not served yet, and
    what it was frozen for.
    """
    found = {begun.digest for begun in record.begun.values()} | set(record.copied.values())
    if not record.has_served():
        found |= {*record.restored.values(), record.media_restored, *record.neighbours.values()}
    found |= {event.label for event in (record.freeze, record.marks) if event}
    return found - {"", MIGRATING, SANITISING, BRINGING}


def is_moving(record: Record) -> bool:
    """Tell whether a move to another host is at work, or was when it was killed: its key is let in."""
    return record.grant is not None


def note_proven(kept: RecordFile, label: str, digest: str) -> None:
    """Note that every database of a set was loaded here and found equal."""
    kept.write(replace(kept.record, found_equal={**kept.record.found_equal, label: Proof(digest, time.time())}))


def note_pushed(directory: str, site: str, label: str, digest: str) -> None:
    """Note what a set was when this host pushed it: whoever keeps it can change it with its manifest."""
    if read_record(directory, site).pushed.get(label) == digest:
        return

    def noted(latest: Record) -> Record:
        return replace(latest, pushed=dict(sorted({**latest.pushed, label: digest}.items())[-_NOTED:]))

    update_record(directory, site, noted)


def leaving(
    directory: str, site: str, policy: Policy, made: Optional[Made] = None, media: bool = False
) -> retention.Leaving:
    """Choose the sets that go; nothing is written.

    :param made: the set that this run makes: it never goes, although a clock that was set back makes it look old
    :param media: whether it holds MEDIA
    """
    record = read_record(directory, site)
    proven = {label: proof.digest for label, proof in record.found_equal.items()}
    stock = retention.stock_of(directory, site, dict(record.set_times), proven)
    return retention.choose(
        retention.added(stock, made, media), policy, needed(record) | ({made.label} if made else set())
    )


def _with(record: Record, settled: Times) -> Times:
    """Add times to those that are noted. Sets that went here may be kept elsewhere, so theirs stay for years."""
    return dict(sorted({**record.set_times, **settled}.items(), key=lambda item: item[1])[-_NOTED:])


def note_times(directory: str, site: str, settled: Times) -> None:
    """Note the times that sets have for good, where there are new ones."""
    if set(settled) - set(read_record(directory, site).set_times):
        update_record(directory, site, lambda latest: replace(latest, set_times=_with(latest, settled)))


def expire(directory: str, site: str, policy: Policy, made: Made, media: bool) -> Tuple[str, ...]:
    """Remove the sets that go; returns their labels. Times of the others are noted, before the evidence is gone."""
    if not policy:
        return ()
    chosen = leaving(directory, site, policy, made, media)

    def noted(latest: Record) -> Record:
        proven = {label: proof for label, proof in latest.found_equal.items() if label not in chosen.labels}
        return replace(latest, set_times=_with(latest, chosen.settled), found_equal=proven)

    update_record(directory, site, noted)
    return retention.expire(directory, site, chosen.labels)
