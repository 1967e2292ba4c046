#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: inventory
short_description: Refuse values that cannot be meant, and pair the hosts
version_added: 0.1.0
description:
  - Runs on the controller, before anything else, and connects to no host. Fails with every value of the inventory that
    its option cannot have, a line for each; values that may be secrets are not shown.
  - With O(pairs), finds the old host of each new one and prints the plan. The pair follows from C(relocate_from) of the
    new host; or there is one old host only; or the names of both groups say it, such as C(old2) and C(new2); or both
    groups have the same length, and their order says it. Whatever is not clear is refused, and a site that would go
    to two hosts is too.
author:
  - The relocate.django authors (@relocate-django)
extends_documentation_fragment:
  - relocate.django.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  converts:
    description: Whether each site needs an engine for its databases, and the variables that name the new ones.
    type: bool
    default: false
  groups:
    description: >-
      Groups that must have a host. A misspelled one would be "no hosts matched", and success. Nothing else is looked at
      then.
    type: list
    elements: str
    default: []
  lost:
    description: >-
      A new host that cannot be reached, while old is about to serve again; refused unless C(relocate_new_is_gone) says
      that it is gone for good.
    type: str
    default: ""
  pairs:
    description: Whether the play needs an old host for each new one.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Look at the inventory, and pair the hosts
  relocate.django.inventory:
    pairs: true
  register: relocate_pair
  any_errors_fatal: true
"""

RETURN = r"""
old:
  description: The old host of the task's host; empty for a host that is not in the group new.
  returned: success
  type: str
  sample: old1.example.org
"""
