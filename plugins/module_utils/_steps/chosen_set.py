# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds the backup set that a site is restored from, or held against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Sequence

from ansible_collections.relocate.django.plugins.module_utils._options import ModuleOptions
from ansible_collections.relocate.django.plugins.module_utils._record.record import check_site_name
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import Manifest


@dataclass(frozen=True)
class Source:
    """The set that is restored, or that a site is held against."""

    backup: BackupSet
    manifest: Manifest
    digest: str

    @classmethod
    def find(cls, directory: str, site: str, label: Optional[str], sha256: Optional[str]) -> Source:
        """Find a set, the newest one without a label. Raises what finding and reading a set raises."""
        backup = BackupSet.find(directory, check_site_name(site), label, sha256)
        return cls(backup, backup.read(sha256), backup.digest())


@dataclass(frozen=True)
class SetOptions(ModuleOptions):
    """Holds which set of a site a module reads, and which of its databases take part."""

    directory: str  # ours
    site: str
    label: Optional[str]  # the set; None: the newest
    manifest_sha256: Optional[str]  # what its manifest must have; None: what is pinned
    aliases: Sequence[str]  # all without one

    def source(self) -> Source:
        """Find the set. Raises what finding and reading a set raises."""
        return Source.find(self.directory, self.site, self.label, self.manifest_sha256)
