# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Our own directory on the host, and which run the task belongs to."""

    DOCUMENTATION = r"""
options:
  directory:
    description:
      - The work directory on the host, for backup sets and records. It is created when absent; one that others can
        write to is refused.
    type: path
    default: /var/lib/relocate
  site:
    description:
      - The site's name, which keeps the sets of several sites on one host apart.
      - It is made of letters, digits, dots, dashes and underscores.
    type: str
    required: true
  run:
    description:
      - A name for the run that people recognise, such as V(alice@laptop 20261120T193000Z). While one run works on a
        site, a run with another name is refused.
      - When empty, runs do not exclude each other.
    type: str
    default: ""
  release:
    description: Whether this is the last task of O(run), so that the site is free for others at once.
    type: bool
    default: false
"""
