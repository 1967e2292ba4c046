# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looks once more, when new has all packages that were named, for what the site needs besides code and databases.

Preflight passes over what a package may bring: a server beside the site, a program that the settings name. Whether one
of the named packages did bring it is known only now.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, List, Mapping, Sequence

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import Obstacle
from ansible_collections.relocate.django.plugins.module_utils._options import ModuleOptions
from ansible_collections.relocate.django.plugins.module_utils._steps import old_info, readiness


@dataclass(frozen=True)
class Options(ModuleOptions):
    """Tells what old said of the site, and what of it new may do without."""

    needs: Mapping[str, Any]  # what preflight told of old; empty: nothing is looked at
    units: Sequence[str]
    reload: Sequence[str]
    files: Sequence[str]
    neighbours_ignored: Sequence[str]  # settings whose servers need not answer; "*": all
    allow_same_host: bool


def look(options: Options, ask: readiness.Answers = readiness.answers) -> List[Obstacle]:
    """Return what this host lacks. Raises answer_refused for needs of another form than ours."""
    try:
        needs = old_info.needs({"needs": options.needs})
    except ValueError as error:
        raise RelocateError(
            "answer_refused",
            "what old reported about the site has another form than in this version, in {0}".format(error),
            "find what answers on old in place of relocate.django",
        ) from None
    wanted = readiness.Options(
        units=options.units,
        reload=options.reload,
        files=options.files,
        packages=(),  # they are here by now
        neighbours_ignored=options.neighbours_ignored,
        installs=False,
        allow_same_host=options.allow_same_host,
    )
    return readiness.obstacles_left(needs, wanted, ask)
