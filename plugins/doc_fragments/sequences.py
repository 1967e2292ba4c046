# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options: how to treat sequences that are behind the ids in their columns."""

    DOCUMENTATION = r"""
options:
  sequences:
    description:
      - How to treat a sequence whose next value its column already holds, because rows came with their own ids. The
        next insert would fail.
      - V(keep) leaves it alone, so that it is an obstacle.
      - V(advance) sets it to the highest value of the column, on new only, before the database is compared.
      - Only PostgreSQL has such sequences. MySQL, MariaDB and SQLite move their counters when a row brings its id.
    type: str
    choices: [keep, advance]
    default: keep
"""
