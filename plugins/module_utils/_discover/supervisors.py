# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything that starts programs on behalf of a unit: supervisor, circus, runit, uWSGI."""

from __future__ import annotations

from typing import List, Sequence

from ansible_collections.relocate.django.plugins.module_utils._discover import circus, runit, supervisor, uwsgi
from ansible_collections.relocate.django.plugins.module_utils._discover.config_files import ConfigFiles
from ansible_collections.relocate.django.plugins.module_utils._discover.found import Starter


def read(starters: Sequence[Starter], files: ConfigFiles) -> List[Starter]:
    """Return the programs of all supervisors.

    :param starters: the units, and lines of cron: what starts a supervisor names its configuration
    """
    found = [*supervisor.read(starters, files), *circus.read(starters, files), *runit.read(starters, files)]
    return [*found, *uwsgi.read([*starters, *found], files)]
