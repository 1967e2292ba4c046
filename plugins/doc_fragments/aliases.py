# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options: the databases that take part, and how many jobs run at a time."""

    DOCUMENTATION = r"""
options:
  aliases:
    description:
      - The keys of C(DATABASES) that take part. By default all of them; test mirrors, and aliases of a database that
        another alias names too, count once.
    type: list
    elements: str
    default: []
  jobs:
    description:
      - How many tables, indexes or files to work on at a time. By default one for each core, between two and eight.
    type: int
  compression:
    description: How dumps and archives are compressed.
    type: str
    choices: [zstd, none]
    default: zstd
"""
