#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: owner_info
short_description: Tell whether a user may own a project on this host
version_added: 0.1.0
description:
  - The old host, or a backup set, names the project's owner, and project code runs as that user on new. So users of the
    system, members of powerful groups such as C(sudo) or C(docker), and homes in directories of the system are refused,
    unless the user named the owner himself. Nothing is changed.
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
  name:
    description: The owner, as the old host or the set says.
    type: str
    required: true
  wanted:
    description: The owner whom the user named. It must be O(name), and may then be a user of the system.
    type: str
    default: ""
  home:
    description: The home directory that a new user would get.
    type: str
    default: ""
  allow_root:
    description: Whether root may be the owner.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: See that the set's owner may be one here
  relocate.django.owner_info:
    name: "{{ found.sets[-1].owner.name }}"
    home: "{{ found.sets[-1].owner.home }}"
  register: owner
"""

RETURN = r"""
exists:
  description: Whether the user is there already.
  returned: success
  type: bool
comment:
  description: What the entry of a user that is made must say, so that a later run knows him again.
  returned: success
  type: str
  sample: relocate.django
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relocate.django.plugins.module_utils import _module
from ansible_collections.relocate.django.plugins.module_utils._modules.owner_info import MODULE


def main() -> None:
    """Entry point."""
    _module.answer(AnsibleModule(supports_check_mode=True, **MODULE.arguments), MODULE.work_on, MODULE.writes)


if __name__ == "__main__":
    main()
