# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options: which sets of a site stay."""

    DOCUMENTATION = r"""
options:
  keep:
    description:
      - How many sets of the site to keep; V(0) keeps all.
      - Sets with MEDIA and sets without are counted separately, so that sets of moves do not replace the others.
      - A set of a frozen site removes no other one, since that would be downtime.
    type: int
    default: 0
  retention:
    description:
      - Which sets of the site to keep, by the time that each was made. A set stays when any of these words
        keeps it; without a word O(keep) counts. The words and their meaning are restic's.
      - Never removed are the set that is being made, the last one that a restore or a rehearsal on this host loaded and
        found equal, one that a process is at work with, and one that an interrupted restore or a move still needs.
      - The clock of a host may have jumped. Its sets are numbered, and a time that contradicts the order, or makes
        regular intervals irregular, counts as one between its neighbours.
    type: dict
    default: {}
    suboptions:
      last:
        description: How many of the newest sets; by default what O(keep) says.
        type: int
      hourly:
        description: The newest set of each of so many hours.
        type: int
      daily:
        description: The newest set of each of so many days, in UTC.
        type: int
      weekly:
        description: The newest set of each of so many weeks.
        type: int
      monthly:
        description: The newest set of each of so many months.
        type: int
      yearly:
        description: The newest set of each of so many years.
        type: int
      within:
        description: All sets of a duration before the newest, such as V(14d) or V(1y6m).
        type: str
"""
