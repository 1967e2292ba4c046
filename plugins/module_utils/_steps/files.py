# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Places files that git does not hold, and makes the directories that logging writes into."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import Directory, SystemUser
from ansible_collections.relocate.django.plugins.module_utils._options import ModuleOptions
from ansible_collections.relocate.django.plugins.module_utils._set import placement
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._set.relocation import between, of_set
from ansible_collections.relocate.django.plugins.module_utils._steps import logs
from ansible_collections.relocate.django.plugins.module_utils._users import lookup_user


@dataclass(frozen=True)
class Options(ModuleOptions):
    """Holds the options of the module ``files``."""

    directory: str  # ours
    site: str
    path: str  # the project on this host
    old_path: Optional[str]  # the project on old, by which files are named; None: the same
    owner: str  # the project's user on this host
    label: str  # the set
    files: Sequence[str]  # which files of it are placed
    overrides: Mapping[str, Any] = field(repr=False)  # variables that get other values here, some of them secret


@dataclass(frozen=True)
class Plan:
    """What is going to be placed and made."""

    owner: SystemUser
    todo: Sequence[placement.Placement]  # files that differ
    logs: List[str]  # directories of the project that logging writes into
    elsewhere: List[str]  # the same, outside of it
    notes: Tuple[str, ...]  # why others of these cannot be made
    recorded: Tuple[Directory, ...]  # how directories were on old

    def result(self) -> Dict[str, Any]:
        """What the module returns; to be made before the plan is carried out, since the diff reads what is there."""
        made = self.logs + self.elsewhere
        return {
            "changed": bool(self.todo or made),
            "placed": [item.path for item in self.todo],
            "created": [item.path for item in self.todo if not os.path.lexists(item.path)],
            "made": made,
            "diff": placement.diff_of(self.todo, self.owner),
        }


def plan(options: Options) -> Plan:
    """Decide what differs from the set; nothing is written. Raises owner_missing, and what reading a set raises."""
    owner = lookup_user(options.owner)
    if owner is None:
        raise RelocateError("owner_missing", "there is no user {0}".format(options.owner), "run the checkout role")
    backup = BackupSet.prepared(options.directory, options.site, options.label)
    backup.check_opens()
    prepared = backup.read_prepared()
    path, prefix = options.path, str(prepared.code.get("prefix") or "")
    relocation, named = of_set(prepared, path), between(options.old_path or path, path, prefix)
    items = placement.plan(backup, prepared.unversioned, options.files, options.overrides, path, relocation, named)
    within, elsewhere = logs.missing(prepared.django, relocation, path, prefix)
    recorded = relocation.directories(prepared.directories)
    # The settings of this host may log elsewhere; else Django says so when static files are collected.
    notes = ["{0}: {1}".format(found.msg, found.hint) for found in logs.obstacles(elsewhere, owner.name, recorded)]
    return Plan(
        owner,
        [item for item in items if placement.differs(item, owner)],
        within,
        [one for one in elsewhere if not logs.obstacles([one], owner.name, recorded)],
        tuple(notes),
        recorded,
    )


def apply(planned: Plan) -> None:
    """Make the directories and place the files."""
    logs.make(planned.logs, planned.owner, planned.recorded)
    logs.make_elsewhere(planned.elsewhere, planned.owner, planned.recorded)
    for item in planned.todo:
        placement.place(item, planned.owner, planned.recorded)
