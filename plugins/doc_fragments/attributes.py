# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Attributes: check mode, diff mode and platform of every module."""

    DOCUMENTATION = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/relocate.django.GROUP) in C(module_defaults) to set the options that its modules share.
    support: none
    membership: []
  check_mode:
    description: Can run in C(check_mode) and tell what would change without changing anything.
  diff_mode:
    description: Returns what would change, or has changed, in diff mode.
  platform:
    description: The systems that the module can work on.
    support: full
    platforms: posix
"""
