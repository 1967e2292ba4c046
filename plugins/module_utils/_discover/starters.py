# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything that starts programs on a host: units, lines of cron, programs of supervisors, with where they listen."""

from __future__ import annotations

from dataclasses import replace
from typing import Callable, List, Optional

from ansible_collections.relocate.django.plugins.module_utils._discover import (
    cron,
    listening,
    supervisors,
    units,
    user_units,
)
from ansible_collections.relocate.django.plugins.module_utils._discover.config_files import ConfigFiles
from ansible_collections.relocate.django.plugins.module_utils._discover.found import Starter
from ansible_collections.relocate.django.plugins.module_utils._discover.packaged import untouched
from ansible_collections.relocate.django.plugins.module_utils._discover.scripts import followed
from ansible_collections.relocate.django.plugins.module_utils._process import Completed, run
from ansible_collections.relocate.django.plugins.module_utils._services.systemd import Systemd


def read(
    files: Optional[ConfigFiles] = None,
    systemd: Optional[Systemd] = None,
    proc: str = listening.PROC,
    runner: Callable[..., Completed] = run,
) -> List[Starter]:
    """Return all starters of this host.

    :param files: the host's configuration; tests put their own in its place, as for the others
    """
    files = files or ConfigFiles()
    found = [*units.read(systemd, files), *user_units.read(files)]
    found = _with_packages([*found, *cron.read(found, files)], runner)
    found = [followed(one, files) for one in found]
    programs = _with_packages(supervisors.read(found, files), runner)
    found += [followed(one, files) for one in programs]
    return listening.with_listeners(found, listening.read(proc))


def _with_packages(starters: List[Starter], runner: Callable[..., Completed]) -> List[Starter]:
    """Say which starters came with a package, by asking for all their files at once."""
    asked = {path for one in starters for path in _asked(one)}
    came = untouched(sorted(asked), runner) if asked else set()
    return [replace(one, packaged=True) if _asked(one) and came.issuperset(_asked(one)) else one for one in starters]


def _asked(starter: Starter) -> List[str]:
    """Return the files to ask for: those of the system that do not lie where only packages put them."""
    return [] if starter.packaged or starter.manager else list(starter.files)
