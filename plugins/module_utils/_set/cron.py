# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A site's lines of cron in a backup set: a file of its own, since they may hold passwords and the manifest may not."""

from __future__ import annotations

import json
import os
from typing import Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host.files import write_atomically
from ansible_collections.relocate.django.plugins.module_utils._model import CronTable, as_plain
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._set.label import check_label
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import read_as

CRON = "cron.json"


def write(backup: BackupSet, tables: Sequence[CronTable]) -> None:
    """Write them down; a set without the file brings none."""
    if tables:
        write_atomically(backup.file(CRON), json.dumps([as_plain(table) for table in tables], indent=1) + "\n")


def read(backup: BackupSet) -> Tuple[CronTable, ...]:
    """Return them; none when the set brings none. Raises manifest_invalid, file_differs, file_unlisted."""
    if not backup.has(CRON):
        return ()
    try:
        with open(backup.check_file(CRON), encoding="ascii") as stream:
            found: Tuple[CronTable, ...] = read_as(Tuple[CronTable, ...], json.load(stream), CRON)
            return found
    except (OSError, ValueError, RecursionError) as exc:
        raise RelocateError(
            "manifest_invalid", "{0} cannot be read".format(backup.file(CRON)), "transfer the set again"
        ) from exc


def of_label(directory: str, site: str, label: str) -> Tuple[CronTable, ...]:
    """Return those of a set, finished or not; none without a label or a set."""
    if not label:
        return ()
    return read(_set(directory, site, label))


def project_of(directory: str, site: str, label: str) -> str:
    """Return where the project was on the host that wrote a set; "" when the set does not say."""
    return str(_set(directory, site, label).read_prepared().django.get("path") or "")


def _set(directory: str, site: str, label: str) -> BackupSet:
    return BackupSet(os.path.join(BackupSet.home(directory, site), check_label(label)))
