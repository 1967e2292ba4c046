# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options: the definers that views, triggers, routines and events of MySQL and MariaDB get."""

    DOCUMENTATION = r"""
options:
  definers:
    description:
      - Whose views, triggers, routines and events of MySQL and MariaDB become on new. Keys are definers on old, values
        accounts that new has, both in the form V(user@host); the key V(*) stands for every definer that is neither
        named nor the settings' user. By default the settings' user becomes the definer of all.
      - What a set calls the work of a definer then runs with the rights of that account. One that may do more than the
        settings' user is refused for V(*).
    type: dict
    default: {}
"""
