# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Opens a repository by its type."""

from __future__ import annotations

from typing import Union

from ansible_collections.relocate.django.plugins.module_utils._process import find_program
from ansible_collections.relocate.django.plugins.module_utils._repository.access import Access
from ansible_collections.relocate.django.plugins.module_utils._repository.remote import Remote
from ansible_collections.relocate.django.plugins.module_utils._repository.restic import Restic

Repository = Union[Restic, Remote]


def lacking(access: Access) -> str:
    """Return the program that the repository needs and this host lacks, or ""."""
    program = "restic" if access.is_restic else "rsync"
    return "" if find_program(program) else program


def open_repository(access: Access, directory: str, site: str) -> Repository:
    """Return what drives it.

    :param directory: our work directory
    """
    return Restic(access, directory) if access.is_restic else Remote(access, directory, site)
