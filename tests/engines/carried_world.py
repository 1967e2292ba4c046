# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tests of servers beside a site share: a site as far as it is looked at, its set, its record, and a restore."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._record.record import Record, RecordFile
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import Manifest
from ansible_collections.relocate.django.plugins.module_utils._site import Site
from ansible_collections.relocate.django.plugins.module_utils._steps import carry
from ansible_collections.relocate.django.plugins.module_utils._stopwatch import Stopwatch
from ansible_collections.relocate.django.plugins.module_utils._users import current_user

BROKER = "CELERY_BROKER_URL"
DIGEST = "d" * 64


@dataclass(kw_only=True)
class CarriedWorld:
    """A directory for the set and the record of a site."""

    path: Path
    notes: list[str] = field(default_factory=list)

    @property
    def site(self) -> Site:
        """The site, as far as it is looked at."""
        project = SimpleNamespace(owner=current_user())
        return cast(Site, SimpleNamespace(project=project, stopwatch=Stopwatch(), notes=self.notes))

    @property
    def backup(self) -> BackupSet:
        """The set."""
        return BackupSet(str(self.path / "set"))

    def record(self, record: Record = Record()) -> RecordFile:  # noqa: B008
        """The record of the site on new."""
        return RecordFile(str(self.path / "work"), "shop", record)

    def manifest(self, entries: Any) -> Manifest:
        """The manifest of the set, with what was saved of neighbours."""
        blank: dict[str, Any] = {name: {} for name in ("host", "code", "django", "owner")}
        return Manifest("label", "shop", "", neighbours=entries, **blank)


def fill(world: CarriedWorld, manifest: Manifest, kept: RecordFile, fails: bool = False) -> None:
    """Do what a restore does."""
    loads = carry.plan(world.site, manifest, DIGEST, kept.record, loads=True)
    with carry.filled(world.site, loads, world.backup, DIGEST, kept):
        if fails:
            raise RelocateError("swap_failed", "the swap", "")
