# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The record that we keep of a site on a host: what earlier runs did there."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from typing import Any, Dict, Mapping

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host.files import make_directory, write_atomically

_RECORD = ".json"
_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")


def check_site_name(site: str) -> str:
    """The name, or bad_option: it becomes a directory and part of unit and key names."""
    if not _NAME.fullmatch(site):
        raise RelocateError(
            "bad_option",
            "{0!r} cannot be a site's name".format(site),
            "use letters, digits, dot, dash and underscore, 64 at most",
        )
    return site


def read_record(directory: str, site: str) -> Dict[str, Any]:
    """What earlier runs wrote down about the site on this host; empty when there were none."""
    try:
        with open(os.path.join(directory, check_site_name(site) + _RECORD), encoding="utf-8") as stream:
            data = json.load(stream)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as exc:
        raise RelocateError(
            "work_directory",
            "the record of site {0} in {1} cannot be read".format(site, directory),
            "look at it, then remove it",
        ) from exc
    return data if isinstance(data, dict) else {}


def update_record(directory: str, site: str, changes: Mapping[str, Any]) -> None:
    """Merge keys into the site's record, atomically; a value of None removes its key."""
    make_directory(directory, 0o711)
    record = read_record(directory, site)
    record.update(changes)
    write_atomically(
        os.path.join(directory, site + _RECORD),
        json.dumps({key: value for key, value in record.items() if value is not None}, indent=1, sort_keys=True),
    )


#: The record's key that says which set each live database came from: alias -> digest.
RESTORED = "restored"
#: The record's key that says where each of these was: alias -> place. Settings may name another database since.
PLACES = "places"
#: The record's key for swaps that were begun, and of which nobody noted the end: alias -> digest, aside, state.
BEGUN = "begun"
#: The record's key for the aliases whose previous databases are being put back; whether one was, ``DISCARDED`` tells.
ROLLING = "rolling"
#: The record's keys that say that the site serves here, or did before an undo: written by the services module.
MOVED, SERVED = "moved", "served"
#: The record's key for the aliases that served was about, when others have been restored since: a list.
SERVED_WITH = "served_with"


def has_served(record: Mapping[str, Any], alias: str) -> bool:
    """Whether the site has taken in data here since the database was restored."""
    return bool(record.get(MOVED) or record.get(SERVED) or alias in record.get(SERVED_WITH, ()))


def changed(record: Mapping[str, Any], changes: Mapping[str, Any]) -> Dict[str, Any]:
    """The record with the changes in it, as :func:`update_record` would write it."""
    return {key: value for key, value in {**record, **changes}.items() if value is not None}


@dataclass
class Record:
    """A site's record on this host, as this run found it and wrote it."""

    directory: str
    site: str
    data: Dict[str, Any]

    @classmethod
    def read(cls, directory: str, site: str) -> Record:
        """Raises work_directory when it cannot be read."""
        return cls(directory, site, read_record(directory, site))

    def note(self, changes: Mapping[str, Any]) -> None:
        """Write changes down, durably."""
        if changes:
            update_record(self.directory, self.site, changes)
            self.data = changed(self.data, changes)
