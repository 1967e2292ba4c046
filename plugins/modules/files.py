#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: files
short_description: Place the files that git does not hold from a backup set
version_added: 0.1.0
description:
  - Puts env files, local settings, unit files and the like where they lay on old, with the same owner, group and mode.
  - Where the project lies in another directory than on old, its files move with it, and so do the other files of its
    checkout. Symbolic links lead to the same files as on old. Every other file has the same path on both hosts.
  - Variables of env files that must differ on new are set by O(overrides). Secret values are masked in the diff.
author:
  - The relocate.django authors (@relocate-django)
extends_documentation_fragment:
  - relocate.django.work
  - relocate.django.identity
  - relocate.django.attributes
attributes:
  action_group:
    support: full
    membership:
      - relocate.django.work
  check_mode:
    support: full
  diff_mode:
    support: full
options:
  path:
    description: The project's directory.
    type: path
    required: true
  old_path:
    description:
      - The project's directory on old, where that is another. Absolute paths of O(files) and O(overrides) below it, or
        below its checkout's top, mean the same files in O(path). Relative ones need no such help.
    type: path
  owner:
    description: The project's owner, as whom the files that belong to it are written.
    type: str
    required: true
  label:
    description: The backup set, complete or prepared.
    type: str
    required: true
  files:
    description: The same list that the backup was made with. A file that it does not name is refused.
    type: list
    elements: str
    default: []
  overrides:
    description: Env files, and the variables to set in them.
    type: dict
    default: {}
seealso:
  - module: relocate.django.backup
"""

EXAMPLES = r"""
- name: Place the env file, with the new database server in it
  relocate.django.files:
    site: shop
    path: /srv/shop/app
    owner: shop
    label: 20261120T193000Z-1a2b3c4d5e6f
    files: [.env]
    overrides:
      .env:
        DATABASE_URL: "{{ vault_shop_database_url }}"
"""

RETURN = r"""
placed:
  description: The paths that were written.
  returned: success
  type: list
  elements: str
created:
  description: Those of them that were not there before.
  returned: success
  type: list
  elements: str
made:
  description:
    - The directories that were made because C(LOGGING) of the settings writes into them, each as it was on old. One
      that cannot be made is left out with a warning; the settings of this host may log elsewhere.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relocate.django.plugins.module_utils import _module
from ansible_collections.relocate.django.plugins.module_utils._modules.files import MODULE


def main() -> None:
    """Entry point."""
    _module.answer(AnsibleModule(supports_check_mode=True, **MODULE.arguments), MODULE.work_on, MODULE.writes)


if __name__ == "__main__":
    main()
