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
      - Maps definers of views, triggers, routines and events of MySQL and MariaDB on old to accounts on new. Both have
        the form V(user@host); the key V(*) stands for every definer that is neither named nor the settings' user. By
        default the settings' user becomes the definer.
      - These objects then run with the rights of that account. An account with more rights than the settings' user is
        refused for V(*).
    type: dict
    default: {}
"""
