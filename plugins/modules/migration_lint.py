#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: migration_lint
short_description: Find migrations that break on a fresh database, cannot be taken back, or lose data
version_added: 0.1.0
description:
  - Reads a project's migrations, as Django loads them and as they are written, and tells file, line and remedy of each
    finding. No migration is run and no database is asked.
  - A move, a restore and a fixture's load all run migrations on a new server, often years after they were written.
    What was right on the day fails then, when it used the models of the day.
  - "Errors: C(loaddata_in_migration), a fixture that is loaded inside a migration without the models of that moment;
    C(model_import), a model that is imported, asked for or used as the code has it today; C(missing_migration), a
    change of a model that no migration holds; C(conflicting_leaves), two last migrations of one app."
  - "Warnings: C(no_reverse), an operation without a way back; C(loses_data), a column or table that is removed with
    what is in it, by an operation, code or SQL; C(breaks_on_rows), a column that becomes NOT NULL without a default, or
    is added as unique with one default for all rows; C(narrows_field), a field that holds less than it did;
    C(locks_table), what keeps others from writing to one of the O(large) tables."
  - "Of squashed migrations, errors: C(squash_function), a function of a replaced migration that nobody copied;
    C(squash_partial), replaced migrations of which some are gone; C(squash_circular), migrations that depend on each
    other in a circle. Warnings: C(squash_kept), code or SQL that is not C(elidable) and only changes rows that are
    there; C(squash_leftover), C(replaces) of migrations that are all gone."
  - Functions that a migration calls are read too, in the project and in its apps, and what no operation reaches is not.
author:
  - The relocate.django authors (@relocate-django)
extends_documentation_fragment:
  - relocate.django.project
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
    description: The labels of the apps to look at; by default those that lie below the project's directory.
    type: list
    elements: str
    default: []
  ignore:
    description:
      - What is meant to be as it is.
      - The code of a finding, a migration as C(app.name), or both as C(app.name:code).
    type: list
    elements: str
    default: []
  migrations:
    description: The migrations to tell of, as C(app.name), such as those that are about to be applied; all without one.
    type: list
    elements: str
    default: []
  large:
    description:
      - Tables of a live site that nobody may lock for long, as a model such as C(shop.Order) or by the table's name.
      - Only these are looked at for C(locks_table).
    type: list
    elements: str
    default: []
  fail_on:
    description: Which findings make the module fail. V(warning) is for errors too.
    type: str
    choices: [error, warning, nothing]
    default: error
seealso:
  - module: relocate.django.migrate
  - module: relocate.django.fixture_load
"""

EXAMPLES = r"""
- name: Look at the project's own migrations
  relocate.django.migration_lint:
    path: /srv/shop/app
    ignore: ["shop.0004_drop_legacy:loses_data"]
    large: [shop.Order]
    fail_on: warning
"""

RETURN = r"""
findings:
  description:
    - What was found, by app, migration and line; in C(details) when the module fails.
    - One for all places of a migration that are faulted for the same.
  returned: success
  type: list
  elements: dict
  contains:
    code: {description: The kind of the finding., type: str, returned: always}
    level: {description: Either C(error) or C(warning)., type: str, returned: always}
    app: {description: The app's label., type: str, returned: always}
    migration: {description: The migration's name; empty when it is about the app., type: str, returned: always}
    file: {description: "The file; of the project's own, below its directory.", type: str, returned: always}
    line: {description: The line; the first one of several., type: int, returned: always}
    msg: {description: What is wrong; of more than three places the first three., type: str, returned: always}
    places:
      description: Every place.
      type: list
      elements: dict
      returned: always
      contains:
        line: {description: The line., type: int, returned: always}
        msg: {description: What is wrong there., type: str, returned: always}
    remedy: {description: What to do about it., type: str, returned: always}
    patch:
      description:
        - Of C(loaddata_in_migration) a unified diff that gives the migration's functions its own models, to look at and
          to apply with C(git apply) in the project's directory. Else empty.
      type: str
      returned: always
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relocate.django.plugins.module_utils import _module
from ansible_collections.relocate.django.plugins.module_utils._modules.migration_lint import MODULE


def main() -> None:
    """Entry point."""
    _module.answer(AnsibleModule(supports_check_mode=True, **MODULE.arguments), MODULE.work_on, MODULE.writes)


if __name__ == "__main__":
    main()
