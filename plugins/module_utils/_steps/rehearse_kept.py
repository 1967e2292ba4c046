# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Proves a set where it is kept: brings it out of its repository, rehearses it, tells the repository, removes it."""

from __future__ import annotations

import dataclasses
from typing import List

from ansible_collections.relocate.django.plugins.module_utils._model import Obstacle
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._steps import rehearse_requests, repository
from ansible_collections.relocate.django.plugins.module_utils._steps.rehearse_requests import Outcome


def prove(options: rehearse_requests.Options, kept: repository.Options, found: List[Obstacle]) -> Outcome:
    """Rehearse the set that is named, or else the newest; adds what fails to the obstacles.

    The repository is told of a set that was found equal also when a request fails then.

    :param kept: the repository; with a directory, the set is on this host
    Raises what bringing and loading it raises.
    """
    if not kept.keeps_sets:
        return rehearse_requests.ask(options, found)
    brought = repository.pull(kept, False)
    # Not with the digest that came with it: a set that nothing here knows is not pinned.
    wanted = dataclasses.replace(options, label=brought["label"])
    notes = list(brought["notes"])
    try:
        outcome = rehearse_requests.ask(wanted, found)
    finally:
        notes += repository.note(dataclasses.replace(kept, label=brought["label"]), False)["notes"]
        if brought["changed"]:
            BackupSet(brought["set"]).discard()
    outcome.notes += notes
    return outcome
