#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: sanitise
short_description: Take addresses, passwords, sessions and tokens out of a clone
version_added: 0.1.0
description:
  - Changes the databases of a site that was restored out of a backup set on this host, in the project's interpreter as
    the project's owner. A database that did not come out of a set here, or that the site has served with since, is
    refused. So is any other database that the settings name, unless O(rules.others) does.
  - All of it is one transaction for each database, and they are committed together at the end, once constraints that
    are put off have been looked at. When anything fails, nothing is changed but what the error names, such as tables of
    MySQL that know no transaction, and the next restore loads the set anew.
  - Tables whose rows lie in other databases are never changed, as foreign tables of PostgreSQL and FEDERATED ones of
    MySQL do. The notes name them. What O(rules.sql) and O(rules.command) reach is not looked at.
  - An error names classes, codes, tables and constraints, and quotes no text of the server's or of the project's, which
    may hold a row.
  - Models are known by the classes that they are made of, so that a project's own user or token model is met too.
    Passwords of users become unusable. Each C(EmailField), and a user's login that is an address, becomes an address of
    its own at C(example.invalid). Sessions, the log of the admin, tables of caches, tokens (Django REST framework,
    simplejwt, knox, allauth, django-oauth-toolkit, social-auth, django-otp), copies of rows (reversion, auditlog),
    mails that wait and results of tasks are emptied. Periodic tasks of django-celery-beat are switched off.
  - Then every column that can be written as text is searched, by the server, for what looks like an address, a hash of
    a password or a token. What is found is returned, by column and rows, without a value.
  - No signal handler and no method of a model is called, except by what O(rules.command) does.
author:
  - The relocate.django authors (@relocate-django)
extends_documentation_fragment:
  - relocate.django.project
  - relocate.django.aliases
  - relocate.django.work
  - relocate.django.backup_set
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
  state:
    description:
      - V(sanitised) sanitises what is not sanitised yet.
      - V(asked) only refuses a host on which the site has served, and not as a clone.
      - V(placed) copies a set of the site O(of) among those of O(site), where a restore finds it.
      - V(ready) sees that the settings load and would send no mail. It asks no database.
    type: str
    choices: [asked, placed, ready, sanitised]
    default: sanitised
  of:
    description: The site whose set is copied, for O(state=placed).
    type: str
  rules:
    description: What is done besides the built-in rules, or in their place.
    type: dict
    suboptions:
      builtin:
        description: Whether the built-in rules are applied.
        type: bool
        default: true
      domain:
        description:
          - The clone's domain, for the framework of sites. The site of C(SITE_ID) gets it, others get one below it.
          - When empty, sites are left as they are.
        type: str
        default: ""
      columns:
        description:
          - What becomes of columns that no rule names, as C(TABLE.COLUMN). V(mask) gives each row an address of its own
            at C(example.invalid), V(empty) empties them.
        type: dict
        default: {}
      sql:
        description: Statements, each a text or a list of texts, by engine (V(postgresql), V(mysql), V(sqlite)) or by
          alias. On MySQL and MariaDB, statements that change the schema end the transaction.
        type: dict
        default: {}
      command:
        description: A management command of the project's with its arguments, run after all else in the same
          transaction.
        type: list
        elements: str
        default: []
      mail_backends:
        description: Backends of mail that reach nobody, besides Django's C(console), C(dummy), C(filebased) and
          C(locmem). Settings that name any other are refused.
        type: list
        elements: str
        default: []
      others:
        description: Databases of the settings that the clone may use although they take no part, so that they are
          neither restored nor sanitised here. Settings that name any other are refused, since the clone would work on
          the original's databases.
        type: list
        elements: str
        default: []
      unrecognised:
        description: Whether columns that no rule names, and that hold what looks like an address, a hash of a password
          or a token, are only returned, or refused; then nothing is changed.
        type: str
        choices: [report, refuse]
        default: report
seealso:
  - module: relocate.django.restore
"""

EXAMPLES = r"""
- name: Sanitise what was restored, before anything is started
  relocate.django.sanitise:
    site: shop
    path: /srv/staging/shop
    rules:
      domain: staging.example.org
      columns:
        shop_order.contact: mask
        shop_note.text: empty
      command: [anonymise, --all]
"""

RETURN = r"""
clone:
  description: Whether each database that was restored here is sanitised.
  returned: success
  type: bool
sanitised:
  description: The aliases that were sanitised in this run, or would be.
  returned: success
  type: list
  elements: str
tables:
  description: By alias and table, how many rows were C(masked), C(emptied) (deleted) or C(set).
  returned: success
  type: dict
  sample: {default: {auth_user: {masked: 12, set: 12}, django_session: {emptied: 3}}}
statements:
  description: By alias, how many rows each statement of O(rules.sql) changed.
  returned: success
  type: dict
unrecognised:
  description: By alias, the columns that hold what looks like something that no rule names.
  returned: success
  type: dict
  contains:
    table:
      description: The table, with its schema unless that is C(public).
      type: str
      returned: always
    column:
      description: The column.
      type: str
      returned: always
    looks_like:
      description: C(e-mail address), C(password hash) or C(token).
      type: str
      returned: always
    rows:
      description: In how many rows.
      type: int
      returned: always
label:
  description: The set.
  returned: when O(state) is V(placed)
  type: str
set:
  description: Its directory.
  returned: when O(state) is V(placed)
  type: str
notes:
  description: What there is to know besides.
  returned: success
  type: list
  elements: str
seconds:
  description: How long each part took.
  returned: when O(state) is V(ready) or V(sanitised)
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relocate.django.plugins.module_utils import _module
from ansible_collections.relocate.django.plugins.module_utils._modules.sanitise import MODULE


def main() -> None:
    """Entry point."""
    _module.answer(AnsibleModule(supports_check_mode=True, **MODULE.arguments), MODULE.work_on, MODULE.writes)


if __name__ == "__main__":
    main()
