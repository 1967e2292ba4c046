#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: migrate
short_description: Plan and apply Django migrations, and note what they led to
version_added: 0.1.0
description:
  - Runs C(manage.py migrate) in the project's interpreter as the project's owner, for every database of the project.
  - A database that has never been migrated is data that another program made, and is left as it is, unless O(fresh) is
    set. It holds no C(django_migrations), or an empty one.
  - After migrations were applied, the counts of the databases are noted on the host, so that
    M(relocate.django.verify) knows what must be there.
author:
  - The relocate.django authors (@relocate-django)
extends_documentation_fragment:
  - relocate.django.project
  - relocate.django.aliases
  - relocate.django.work
  - relocate.django.attributes
attributes:
  action_group:
    support: full
    membership:
      - relocate.django.project
      - relocate.django.work
  check_mode:
    support: full
  diff_mode:
    support: full
options:
  state:
    description: V(applied) applies what the plan holds, V(planned) only tells it.
    type: str
    choices: [planned, applied]
    default: applied
  app:
    description: Migrate this app only.
    type: str
  migration:
    description: Migrate O(app) to this migration, forward or back; V(zero) takes all of its migrations back.
    type: str
  fake:
    description: Mark migrations as applied without running them.
    type: bool
    default: false
  fake_initial:
    description: Skip an initial migration whose tables exist already.
    type: bool
    default: false
  fresh:
    description: Whether databases that have never been migrated are migrated too, such as blank ones of a new project.
    type: bool
    default: false
  check_missing:
    description: Refuse when models hold changes that no migration holds.
    type: bool
    default: false
  timeout:
    description: Seconds that the migrations of one database may take; V(0) for as long as they take.
    type: int
    default: 0
"""

EXAMPLES = r"""
- name: Apply what is not applied
  relocate.django.migrate:
    site: shop
    path: /srv/shop/app

- name: Go back to a named migration
  relocate.django.migrate:
    site: shop
    path: /srv/shop/app
    app: orders
    migration: 0007_invoice
"""

RETURN = r"""
plan:
  description: The migrations in the order in which they are applied, by alias.
  returned: success
  type: dict
  sample: {default: [orders.0008_refund]}
databases:
  description: What became of each database, by alias.
  returned: success
  type: dict
  contains:
    state:
      description: V(applied), V(planned), V(current) when there was nothing to do, or V(never_migrated).
      type: str
      returned: always
    migrations:
      description: Those that were applied, or would be.
      type: list
      elements: str
      returned: always
    text:
      description: The same as a sentence.
      type: str
      returned: always
  sample: {legacy: {state: never_migrated, migrations: [], text: database legacy ...}}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relocate.django.plugins.module_utils import _module
from ansible_collections.relocate.django.plugins.module_utils._modules.migrate import MODULE


def main() -> None:
    """Entry point."""
    _module.answer(AnsibleModule(supports_check_mode=True, **MODULE.arguments), MODULE.work_on, MODULE.writes)


if __name__ == "__main__":
    main()
