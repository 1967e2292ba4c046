#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: fixture_dump
short_description: Write the rows of a project's models to a fixture, without losing any
version_added: 0.1.0
description:
  - Does what C(manage.py dumpdata) is for, without its losses. Rows that a default manager hides come along, times keep
    their microseconds, and memory stays flat whatever the size.
  - Everything is read in one transaction, so the counts in the result are those of the file.
  - Rows are those of the database. A fixture tells what it does not hold, such as tables without a model, views and
    generated columns, as RV(left_out).
  - The file belongs to root, since it may hold what nobody else should read. It takes its name when it is complete.
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
    description: The key of DATABASES whose rows are written.
    type: str
    default: default
  dest:
    description:
      - The file to write; in a directory that exists it is named after site and alias.
      - It is compressed with zstd when the name ends in C(.zst).
    type: path
    required: true
  format:
    description:
      - V(lines) is the lossless form, which M(relocate.django.fixture_load) loads into any engine.
      - V(json), V(jsonl), V(xml) and V(yaml) are Django's own, for plain C(loaddata).
    type: str
    choices: [lines, json, jsonl, xml, yaml]
    default: lines
  models:
    description: Apps and models to write, as C(shop) or C(shop.Book); by default all.
    type: list
    elements: str
    default: []
  excluded_models:
    description:
      - Apps, models and tables to leave out, as a move does with C(relocate_excluded_models). A dump without them is
        loaded where O(relocate.django.fixture_load#module:excluded_models) lists the same.
    type: list
    elements: str
    default: []
    aliases: [exclude]
  primary_keys:
    description:
      - Only the objects with these keys, of the one model that O(models) names. A key of several columns is a list of
        JSON within a text, such as C("[1, 10]"). RV(missing_keys) tells those that no object has.
    type: list
    elements: str
  natural_foreign:
    description: Whether Django's formats refer to objects by their natural keys, where models have them.
    type: bool
    default: false
  natural_primary:
    description: Whether Django's formats leave out the primary keys of models that have natural keys.
    type: bool
    default: false
  indent:
    description:
      - How many spaces each level is indented by, so that people can read the file and a version control system can
        compare it, as C(dumpdata --indent) does it. By default an object is a line. For V(json), V(xml) and V(yaml),
        where PyYAML takes 2 to 9.
    type: int
seealso:
  - module: relocate.django.fixture_load
"""

EXAMPLES = r"""
- name: Write the rows of the site
  relocate.django.fixture_dump:
    site: shop
    path: /srv/shop/app
    dest: /var/backups/shop.jsonl.zst

- name: Write two models for plain loaddata
  relocate.django.fixture_dump:
    site: shop
    path: /srv/shop/app
    models: [shop.Category, shop.Tag]
    format: json
    indent: 2
    dest: /tmp/categories.json
"""

RETURN = r"""
dest:
  description: The file.
  returned: success
  type: str
objects:
  description: How many objects there are, by model.
  returned: when something was written
  type: dict
fingerprints:
  description: A fingerprint of the rows of each model, in any order and on any engine; only for O(format=lines).
  returned: when something was written
  type: dict
left_out:
  description: What the database holds and the fixture does not; not where models were chosen.
  returned: when something was written
  type: list
  elements: dict
migrations:
  description: The migrations that were applied when the fixture was made.
  returned: when something was written
  type: list
  elements: str
missing_keys:
  description: Those of O(primary_keys) that no object has.
  returned: when something was written
  type: list
  elements: str
needs:
  description: Parents of the models that were written, whose rows are needed too and are not in the fixture.
  returned: when something was written
  type: list
  elements: str
bytes:
  description: The size of the file.
  returned: when something was written
  type: int
sha256:
  description: The digest of the file.
  returned: when something was written
  type: str
notes:
  description: Notes that are no errors, such as keys that no object has.
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
from ansible_collections.relocate.django.plugins.module_utils._modules.fixture_dump import MODULE


def main() -> None:
    """Entry point."""
    _module.answer(AnsibleModule(supports_check_mode=True, **MODULE.arguments), MODULE.work_on, MODULE.writes)


if __name__ == "__main__":
    main()
