#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: database
short_description: Create, check or drop the databases that a project's settings name
version_added: 0.1.0
description:
  - Reads the settings on this host and makes, for every alias, the user with the password in the settings, its
    rights, and a blank database. Passwords are read and used in one process and appear nowhere.
author:
  - The relocate.django authors (@relocate-django)
extends_documentation_fragment:
  - relocate.django.project
  - relocate.django.login
  - relocate.django.aliases
  - relocate.django.work
  - relocate.django.attributes
attributes:
  action_group:
    support: full
    membership:
      - relocate.django.project
      - relocate.django.work
      - relocate.django.login
  check_mode:
    support: full
  diff_mode:
    support: full
options:
  state:
    description:
      - V(present) makes what is missing and leaves a database that exists as it is.
      - V(blank) does the same, and refuses a database that holds tables, unless they were restored by this collection
        and the site has not served with them since.
      - V(absent) drops the databases that O(which) names. It asks for O(confirm).
    type: str
    choices: [present, blank, absent]
    default: present
  recorded:
    description:
      - The facts about the databases on old that M(relocate.django.preflight) returned,
        RV(relocate.django.preflight#module:info) C(databases). Encoding, collation and locale follow it.
    type: dict
    default: {}
  engines:
    description: The databases that get another engine than O(recorded) says, as alias and engine.
    type: dict
    default: {}
  label:
    description:
      - The set, complete or prepared, to restore databases from. Nothing is created when the code on this host lacks
        migrations that they have applied.
    type: str
  replace:
    description: Whether V(blank) accepts tables, since the restore will keep them aside. That works only while no
      previous database with tables is kept already.
    type: bool
    default: false
  which:
    description: Whether V(absent) drops the live databases with their incoming and previous ones (V(all)), or only
      those that a restore kept aside as previous (V(previous)).
    type: str
    choices: [all, previous]
    default: all
  confirm:
    description: The site's name again, so that a typing error drops nothing.
    type: str
"""

EXAMPLES = r"""
- name: Make the databases that the settings name
  relocate.django.database:
    site: shop
    path: /srv/shop/app
    state: blank

- name: Remove the previous databases, which nobody needs any longer
  relocate.django.database:
    site: shop
    path: /srv/shop/app
    state: absent
    which: previous
    confirm: shop
"""

RETURN = r"""
made:
  description: What was created or dropped, by alias.
  returned: success
  type: dict
  sample: {default: [role shop, database shop]}
notes:
  description: Notes that are no errors, such as applied migrations that no code knows any longer.
  returned: success
  type: list
  elements: str
media_stores:
  description: Where the settings on this host keep files in object storage.
  returned: success
  type: list
  elements: dict
media_root:
  description: MEDIA_ROOT as the settings on this host have it.
  returned: success
  type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relocate.django.plugins.module_utils import _module
from ansible_collections.relocate.django.plugins.module_utils._modules.database import MODULE


def main() -> None:
    """Entry point."""
    _module.answer(AnsibleModule(supports_check_mode=True, **MODULE.arguments), MODULE.work_on, MODULE.writes)


if __name__ == "__main__":
    main()
