# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options: what opens a backup set that is encrypted."""

    DOCUMENTATION = r"""
options:
  age_identity:
    description:
      - What opens a set or a fixture that C(age) encrypted. A path is a file on the host, root's alone. Anything else
        is the text of an identity, such as what a vault holds; it comes through the connection's standard input, and is
        written to no disk. Where the connection cannot do that, the task is refused.
      - Plain copies of the files of a set lie below C(opened) in O(directory) while the module works.
    type: str
"""
