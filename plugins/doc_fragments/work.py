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
      - Our own directory on the host, where backup sets and our notes are kept. It is made when it is absent; one that
        others can write to is refused.
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
      - Who is at work, in words that people recognise, such as V(alice@laptop 20261120T193000Z). While a run works on a
        site, one with another name is refused.
      - When it is empty, nothing is kept from working at the same time.
    type: str
    default: ""
  release:
    description: Whether this is the last task of O(run), so that the site is free for others at once.
    type: bool
    default: false
"""
