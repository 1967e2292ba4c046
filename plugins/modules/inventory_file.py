#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: inventory_file
short_description: Write an inventory out of what old hosts tell of their sites
version_added: 0.1.0
description:
  - Runs on the controller and connects to no host. Writes a file that holds what M(relocate.django.discover) found on
    each old host, as variables of this collection, with a comment behind each value that says where it comes from.
  - A file that is there is never written to. What was found and it lacks is shown instead.
  - A value that is not printable, or that Ansible would take for a template, stands in a comment only.
author:
  - The relocate.django authors (@relocate-django)
extends_documentation_fragment:
  - relocate.django.attributes
attributes:
  check_mode:
    support: full
    details: In check mode the text is printed.
  diff_mode:
    support: full
options:
  state:
    description:
      - V(planned) only says whether the task's host is an old one. V(written) writes the file.
    type: str
    choices: [planned, written]
    default: written
  answers:
    description: The variable in which each old host's answer of M(relocate.django.discover) is registered.
    type: str
    default: discover_result
  path:
    description: The file, on the controller.
    type: path
    default: inventory.yml
seealso:
  - module: relocate.django.discover
"""

EXAMPLES = r"""
- name: Look at the sites of each old host
  relocate.django.discover:
  register: discover_result

- name: Write an inventory of them
  relocate.django.inventory_file:
    path: sites.yml
  run_once: true
"""

RETURN = r"""
looks:
  description: Whether the sites of the task's host are to be looked for.
  returned: when O(state=planned)
  type: bool
path:
  description: The file.
  returned: when O(state=written)
  type: str
  sample: inventory.yml
sites:
  description: The names of the sites that were found.
  returned: when O(state=written)
  type: list
  elements: str
values:
  description: How many values were found.
  returned: when O(state=written)
  type: int
notices:
  description: How many things are left to the reader.
  returned: when O(state=written)
  type: int
missing:
  description: The lines that a file which is there lacks.
  returned: when O(state=written)
  type: list
  elements: str
"""
