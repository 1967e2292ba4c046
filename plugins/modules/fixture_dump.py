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
      - It is compressed with zstd when the name ends in C(.zst), or in C(.zst.age) with O(age_recipients).
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
  follow:
    description:
      - Whether all that the chosen objects refer to is written too, such as fixtures of tests need it. That is foreign
        keys, parents of models, many-to-many relations with their models, and generic keys; so on from there, each
        object once. What refers to a chosen object is not written for that.
      - An object comes after those that it refers to, as far as references are not circular. Content types and
        permissions are written without numbers, and are referred to by natural keys. So plain C(loaddata), and
        C(TestCase.fixtures), take the file into a database that C(migrate) made.
      - References to models that O(excluded_models) leaves out are empty in the file (RV(cut)). One that may not be
        empty is refused (C(reference_missing)).
      - For Django's formats. Keys are held in memory, and objects of models that refer to each other.
    type: bool
    default: false
  where:
    description:
      - Only objects that meet these conditions, of the one model that O(models) names. They are what Django's C(filter)
        takes, such as C(category__slug) or C(price__lt). With O(follow).
    type: dict
  max_objects:
    description: How many objects O(follow) may take; more are refused (C(fixture_too_large)).
    type: int
    default: 10000
  anonymised:
    description:
      - Whether objects are masked on their way into the file, by the rules that M(relocate.django.sanitise) has for
        clones. Addresses are masked, passwords cannot be used, sessions and tokens are left out. The database stays as
        it is. With O(follow).
      - The same row gets the same address in each dump, and wherever a natural key refers to it.
      - What is written is searched. Where a value that the built-in rules masked is found in another place, nothing is
        written (C(not_sanitised)). What looks like an address, a hash of a password or a token is returned as
        RV(unrecognised).
    type: bool
    default: false
  rules:
    description:
      - What is masked besides, or in place of the built-in rules, as C(relocate_sanitise) has it.
      - O(rules.sql) and O(rules.command) change a database, so they are refused here. O(rules.mail_backends) and
        O(rules.others) have no meaning here.
    type: dict
    suboptions:
      builtin:
        description: Whether the built-in rules are applied.
        type: bool
        default: true
      domain:
        description: The domain that the framework of sites gets. When empty, sites are left as they are.
        type: str
        default: ""
      columns:
        description:
          - What becomes of columns that no rule names, as C(TABLE.COLUMN). V(mask) gives each row an address of its own
            at C(example.invalid), V(empty) empties them.
        type: dict
        default: {}
      sql:
        description: Refused here.
        type: dict
        default: {}
      command:
        description: Refused here.
        type: list
        elements: str
        default: []
      mail_backends:
        description: Without meaning here.
        type: list
        elements: str
        default: []
      others:
        description: Without meaning here.
        type: list
        elements: str
        default: []
      unrecognised:
        description: Whether columns that no rule names, and that hold what looks like an address, a hash of a password
          or a token, are only returned, or refused; then nothing is written.
        type: str
        choices: [report, refuse]
        default: report
  age_recipients:
    description:
      - Public keys to which the file is encrypted by C(age), on its way; no plain file is written. Then O(dest) ends in
        C(.age), and each run writes another file.
    type: list
    elements: str
    default: []
seealso:
  - module: relocate.django.fixture_load
  - module: relocate.django.sanitise
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

- name: Write a fixture for tests, of two orders and all that they refer to, without any person in it
  relocate.django.fixture_dump:
    site: shop
    path: /srv/shop/app
    models: [shop.Order]
    primary_keys: [17, 4711]
    follow: true
    anonymised: true
    rules:
      columns: {shop_order.phone: empty}
    format: json
    indent: 2
    dest: /srv/shop/orders.json

- name: Write the orders of a day for a colleague, who alone can read the file
  relocate.django.fixture_dump:
    site: shop
    path: /srv/shop/app
    models: [shop.Order]
    where: {placed_at__date: "2026-11-20", customer__country: AT}
    follow: true
    format: jsonl
    age_recipients: [age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p]
    dest: /tmp/orders.jsonl.zst.age
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
selected:
  description:
    - By model, how many objects were C(chosen), how many are C(referred) to by others, and C(by) which fields.
  returned: with O(follow)
  type: dict
cut:
  description: How many references are empty in the file, since what they refer to is left out, by field.
  returned: with O(follow)
  type: dict
loose:
  description:
    - How many references point to no object that the file could hold, by field. They are written as they are, such as
      generic keys of objects that are gone, or keys of another database.
  returned: with O(follow)
  type: dict
not_followed:
  description: Fields of other libraries' kinds that refer to objects in ways which are not known.
  returned: with O(follow)
  type: list
  elements: str
models_left_out:
  description: Models that are left out, by O(excluded_models) or since the rules empty them.
  returned: with O(follow)
  type: list
  elements: str
masked:
  description: How many values were C(masked) or C(set), by table.
  returned: with O(follow)
  type: dict
unrecognised:
  description:
    - Columns (C(table), C(column)) that hold what C(looks_like) an address, a hash of a password, a token or a value
      that was masked elsewhere, and in how many objects (C(rows)).
  returned: with O(follow)
  type: list
  elements: dict
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
