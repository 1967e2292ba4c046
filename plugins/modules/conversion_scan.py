#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: conversion_scan
short_description: Find rows of a project that another database engine would refuse or change
version_added: 0.1.0
description:
  - Reads every row of every model, without changing anything, and lists what the new engine would refuse or change
    silently, such as texts that are too long, NUL characters, numbers and dates out of range, values that are not what
    their field says, unique keys that differ in case only, and foreign keys that point nowhere.
  - Tables that hold rows and have no model are listed too, since a fixture does not carry them.
  - A database that has this engine already is not read.
  - It fails when it finds anything. So does the preflight of a move to another engine (C(relocate_engines)).
author:
  - The relocate.django authors (@relocate-django)
extends_documentation_fragment:
  - relocate.django.project
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
    support: none
options:
  alias:
    description: The key of DATABASES to look at.
    type: str
    default: default
  engine:
    description: The engine that will store the rows.
    type: str
    choices: [postgresql, mysql, sqlite]
    required: true
  excluded_models:
    description: Apps, models and tables that may stay behind with their rows.
    type: list
    elements: str
    default: []
seealso:
  - module: relocate.django.fixture_dump
  - module: relocate.django.fixture_load
"""

EXAMPLES = r"""
- name: Would PostgreSQL take everything
  relocate.django.conversion_scan:
    site: shop
    path: /srv/shop/app
    engine: postgresql
"""

RETURN = r"""
findings:
  description: What was found; in C(details) when the module fails. Values themselves are never shown.
  returned: success
  type: list
  elements: dict
  contains:
    table: {description: The table., type: str, returned: always}
    column: {description: The column; empty when it is about the table., type: str, returned: always}
    code: {description: The kind of the finding., type: str, returned: always}
    reason: {description: Why the value is refused., type: str, returned: always}
    remedy: {description: What to do about it., type: str, returned: always}
    rows: {description: The keys of the first rows., type: list, elements: str, returned: always}
    count: {description: How many rows there are., type: int, returned: always}
current:
  description: The engine that the database has.
  returned: success
  type: str
  sample: sqlite
needed:
  description: Whether the database has another engine than O(engine) so far.
  returned: success
  type: bool
rows:
  description: How many rows were read.
  returned: success
  type: int
seconds:
  description: The seconds of each step.
  returned: success
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relocate.django.plugins.module_utils import _module
from ansible_collections.relocate.django.plugins.module_utils._modules.conversion_scan import MODULE


def main() -> None:
    """Entry point."""
    _module.answer(AnsibleModule(supports_check_mode=True, **MODULE.arguments), MODULE.work_on, MODULE.writes)


if __name__ == "__main__":
    main()
