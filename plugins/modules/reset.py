#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: reset
short_description: Empty a development database, or make it anew, with migrations and a fixture
version_added: 0.1.0
description:
  - Does what C(manage.py flush) and C(reset_db) are for, where a typing error must not cost a site its data.
  - It has to be confirmed with the site's name. A database that something uses, and data that is in no backup set
    which was found equal, are refused besides, unless O(accept) names that too.
  - With O(state=reset) the new database is made beside the live one, migrated and filled; only then it takes its
    place. When a migration or the fixture fails, the live one is as it was.
author:
  - The relocate.django authors (@relocate-django)
extends_documentation_fragment:
  - relocate.django.project
  - relocate.django.login
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
  alias:
    description: The key of DATABASES to work on.
    type: str
    default: default
  state:
    description:
      - V(flushed) has C(manage.py flush) delete the rows. Tables and applied migrations stay; content types,
        permissions and what handlers of C(post_migrate) make are there again; rows that migrations made are not.
        Nothing is done when there are no rows.
      - V(reset) drops the database, makes a blank one, applies all migrations and loads O(src). This is done at each
        run. Databases that a restore put aside as previous stay.
    type: str
    choices: [flushed, reset]
    required: true
  src:
    description:
      - The fixture for the new database, of the migrations that the code has; files and directories, as
        O(relocate.django.fixture_load#module:src) takes them.
    type: list
    elements: path
    default: []
  format:
    description: The fixture's format; by default its name tells.
    type: str
    choices: [lines, json, jsonl, xml, yaml]
  confirm:
    description: The site's name again, so that a typing error drops nothing.
    type: str
    required: true
  accept:
    description:
      - V(serving) accepts that something uses the database. By default it is refused while a unit runs the project
        (C(site_running)), where a move or a restore has started the site, and while others are connected to the
        database or have its file open (C(sessions_remain)).
      - V(unsaved) accepts that rows are lost. By default they are refused (C(data_unsaved)) unless a backup set holds
        the very same, and a restore or a rehearsal on this host has found that set equal. Rows that C(migrate) makes by
        itself do not count.
    type: list
    elements: str
    choices: [serving, unsaved]
    default: []
seealso:
  - module: relocate.django.fixture_load
  - module: relocate.django.database
"""

EXAMPLES = r"""
- name: Begin again, with the demo data of two apps
  relocate.django.reset:
    site: shop
    path: /home/ada/shop
    state: reset
    src: [/home/ada/shop/shop/fixtures, /home/ada/shop/blog/fixtures/demo.json]
    confirm: shop
    accept: [unsaved]

- name: Delete all rows
  relocate.django.reset:
    site: shop
    path: /home/ada/shop
    state: flushed
    confirm: shop
    accept: [unsaved]
"""

RETURN = r"""
lost:
  description: How many rows were there, by table, of those that held some.
  returned: success
  type: dict
  sample: {shop_order: 12}
migrated:
  description: The migrations that are applied to the new database.
  returned: with O(state=reset), but in check mode
  type: list
  elements: str
objects:
  description: How many objects of the fixture the database gave back, by model.
  returned: with O(state=reset), but in check mode
  type: dict
notes:
  description: Notes that are no errors, such as handlers of C(post_migrate) that failed.
  returned: success
  type: list
  elements: str
seconds:
  description: The seconds of each step.
  returned: success
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relocate.django.plugins.module_utils import _module
from ansible_collections.relocate.django.plugins.module_utils._modules.reset import MODULE


def main() -> None:
    """Entry point."""
    _module.answer(AnsibleModule(supports_check_mode=True, **MODULE.arguments), MODULE.work_on, MODULE.writes)


if __name__ == "__main__":
    main()
