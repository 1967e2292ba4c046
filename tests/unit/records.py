# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The record of a site as tests write and read it: the JSON object that lies on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.relocate.django.plugins.module_utils._record import record as record_record

SITE = "shop"
#: Of the time before a test puts another one in its place.
UPDATE = record_record.update_record


def given(**keys: Any) -> record_record.Record:
    """Give the record that holds these keys."""
    return record_record.from_plain(keys)


def note(directory: Path | str, site: str = SITE, **keys: Any) -> None:
    """Put keys into the record on disk; None removes one."""
    UPDATE(str(directory), site, lambda latest: given(**{**record_record.as_plain(latest), **keys}))


def noted(directory: Path | str, site: str = SITE) -> dict[str, Any]:
    """Give the keys of the record on disk."""
    return record_record.as_plain(record_record.read_record(str(directory), site))
