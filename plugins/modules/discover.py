#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: discover
short_description: Find the Django sites of a host, and what belongs to each
version_added: 0.1.0
description:
  - Reads the units, supervisors, cron lines and web servers of a host, finds the Django projects that they run, asks
    each project what only it knows, and returns what an inventory of this collection needs, with the reason for each
    value. Nothing is changed.
  - Values of variables and other secrets stay on the host.
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
  directory:
    description: The work directory on the host, where secrets lie while they are needed.
    type: path
    default: /var/lib/relocate
seealso:
  - module: relocate.django.inventory_file
  - module: relocate.django.preflight
"""

EXAMPLES = r"""
- name: Look at the sites of a host
  relocate.django.discover:
  register: discover_result
"""

RETURN = r"""
sites:
  description: The sites that something on the host serves.
  returned: success
  type: list
  elements: dict
  contains:
    name: {description: A name for the site., type: str, returned: always}
    values:
      description: By variable, without its prefix C(relocate_), a list of values, each with the reason for it.
      type: dict
      returned: always
    notices:
      description: What a move does not do by itself (C(what)), and what to do about it (C(hint)).
      type: list
      elements: dict
      returned: always
notices:
  description: The same, of the host.
  returned: success
  type: list
  elements: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relocate.django.plugins.module_utils import _module
from ansible_collections.relocate.django.plugins.module_utils._modules.discover import MODULE


def main() -> None:
    """Entry point."""
    _module.answer(AnsibleModule(supports_check_mode=True, **MODULE.arguments), MODULE.work_on, MODULE.writes)


if __name__ == "__main__":
    main()
