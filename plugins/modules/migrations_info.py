#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: migrations_info
short_description: List a project's migrations, and what does not fit between them, models and databases
version_added: 0.1.0
description:
  - Does what C(manage.py showmigrations) is for, as a list that a playbook can go by. Tells besides which applied
    migrations the code lacks, what is applied in the wrong order, and what models hold and no migration does.
  - Nothing is changed.
author:
  - The relocate.django authors (@relocate-django)
extends_documentation_fragment:
  - relocate.django.project
  - relocate.django.aliases
  - relocate.django.attributes
attributes:
  action_group:
    support: full
    membership:
      - relocate.django.project
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  apps:
    description: The labels of the apps to list; all without one.
    type: list
    elements: str
    default: []
  fail_on:
    description:
      - What the module fails for. V(unapplied) migrations, and squashed ones that are applied V(partly), with
        C(unapplied_migrations); V(unknown) ones with C(unknown_migration); V(inconsistent) order and V(conflicts) with
        C(migration_conflict); changes of models that are V(missing) a migration with C(missing_migrations). The error
        has all of the lists.
    type: list
    elements: str
    choices: [conflicts, unknown, inconsistent, partly, missing, unapplied]
    default: []
seealso:
  - module: relocate.django.migrate
  - module: relocate.django.makemigrations
  - module: relocate.django.migration_lint
"""

EXAMPLES = r"""
- name: List the migrations
  relocate.django.migrations_info:
    path: /srv/shop/app
  register: shown

- name: Print them as showmigrations does
  ansible.builtin.debug:
    msg: "{{ shown.text.default }}"

- name: See that the database is up to date
  relocate.django.migrations_info:
    path: /srv/shop/app
    fail_on: [unapplied, unknown, inconsistent]
"""

RETURN = r"""
migrations:
  description:
    - By alias every migration that the code has, app by app in the order in which they are applied. C(at) is the time
      at which it was, C(replaces) what it was squashed from.
  returned: success
  type: dict
  sample: {default: [{app: orders, name: 0001_initial, applied: true, at: "2026-11-20 19:30:00", replaces: []}]}
text:
  description: By alias the same list as lines, as C(showmigrations) prints it.
  returned: success
  type: dict
  sample: {default: [orders, " [X] 0001_initial"]}
unapplied:
  description: By alias the migrations that C(migrate) would apply, in its order.
  returned: success
  type: dict
unknown:
  description: By alias applied migrations that the code does not have.
  returned: success
  type: dict
inconsistent:
  description: By alias what is wrong with the order in which migrations were applied; empty when nothing is.
  returned: success
  type: dict
partly:
  description:
    - By alias squashed migrations of which some of those that they replace are applied and others are not, with what is
      lacking. Django applies the rest while the files are there; without them nobody can.
  returned: success
  type: dict
conflicts:
  description: By app its last migrations, where there are several.
  returned: success
  type: dict
missing:
  description: Changes of models that no migration holds.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relocate.django.plugins.module_utils import _module
from ansible_collections.relocate.django.plugins.module_utils._modules.migrations_info import MODULE


def main() -> None:
    """Entry point."""
    _module.answer(AnsibleModule(supports_check_mode=True, **MODULE.arguments), MODULE.work_on, MODULE.writes)


if __name__ == "__main__":
    main()
