# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lets one test's run of ansible-playbook use the modules that another one has packed (see tests/tools/packed.py)."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from ansible import constants
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: packed
type: aggregate
short_description: Keep packed modules from one run to the next
description: Copies them into the run's own directory when it begins, and what is new out of it when it ends.
requirements: [the environment variable RELOCATE_PACKED]
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Says nothing."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "packed"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_start(self, playbook: object) -> None:
        """Take what is there."""
        copy_new(*self.places())

    def v2_playbook_on_stats(self, stats: object) -> None:
        """Keep what was made; the next run takes it."""
        copy_new(*reversed(self.places()))

    @staticmethod
    def places() -> list[Path]:
        """Give the directory of all runs, and the one that Ansible removes at the end of this one."""
        return [Path(os.environ["RELOCATE_PACKED"]), Path(constants.DEFAULT_LOCAL_TMP, "ansiballz_cache")]


def copy_new(source: Path, target: Path) -> None:
    """Copy modules that the other directory lacks, each in one step: runs work side by side."""
    target.mkdir(parents=True, exist_ok=True)
    for path in source.iterdir() if source.is_dir() else ():
        whole = not path.name.startswith(".") and not path.name.endswith((".lock", "-part"))
        if whole and ".relocate.django." in path.name and not (target / path.name).exists():
            part = target / f".{os.getpid()}-{path.name}"
            shutil.copyfile(path, part)
            part.rename(target / path.name)
