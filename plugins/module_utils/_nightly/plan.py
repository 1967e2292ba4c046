# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a night does, as the role ``schedule`` left it in a file that only root can read."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import dataclass, field, fields
from typing import Any, Dict, List, Mapping, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError

#: The modules that a night runs; they travel with the runner.
MODULES = ("backup", "repository", "rehearse", "backup_info")


@dataclass(frozen=True)
class Call:
    """One module with its arguments, which may hold secrets."""

    name: str
    module: str
    arguments: Mapping[str, Any] = field(repr=False)
    every: int = 1  # in one night of so many


@dataclass(frozen=True)
class Plan:
    """A night of one site."""

    site: str
    directory: str  # ours
    calls: Tuple[Call, ...]
    status: str  # the file
    group: int = -1  # who may read that besides root
    metrics: str = ""  # the file for the node exporter; "" for none
    max_age: str = "36h"
    mail_to: str = ""
    webhook: str = field(default="", repr=False)
    ping: str = field(default="", repr=False)
    command: str = field(default="", repr=False)

    def as_text(self) -> str:
        """Return the file's content."""
        plain: Dict[str, Any] = {one.name: getattr(self, one.name) for one in fields(self)}
        plain["calls"] = [{one.name: getattr(call, one.name) for one in fields(call)} for call in self.calls]
        return json.dumps(plain, indent=1, sort_keys=True) + "\n"

    def secrets(self) -> List[str]:
        """Return what must not be told of a hook that fails."""
        return [text for text in (self.webhook, self.ping, self.command) if text]


def read(path: str) -> Plan:
    """Read the file. Raises bad_option; a file that others can read or write is refused."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(handle, encoding="utf-8") as stream:
            status = os.fstat(stream.fileno())
            if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o077:
                raise _refused("{0} is not this user's alone (0600)".format(path))
            return of_plain(json.load(stream))
    except OSError as exc:
        raise _refused("{0} cannot be read: {1}".format(path, exc.strerror)) from exc
    except (ValueError, TypeError, KeyError) as exc:
        raise _refused("{0} is not as the role schedule writes it".format(path)) from exc


def of_plain(found: Mapping[str, Any]) -> Plan:
    """Return a plan out of JSON. Raises ValueError, TypeError or KeyError for something else."""
    calls = tuple(Call(**one) for one in found["calls"])
    if not calls or any(call.module not in MODULES for call in calls):
        raise ValueError("calls")
    return Plan(**{**found, "calls": calls})


def _refused(why: str) -> RelocateError:
    return RelocateError("bad_option", why, "run the role schedule again")
