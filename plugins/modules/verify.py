#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: verify
short_description: Prove that the live databases hold what the backup set recorded
version_added: 0.1.0
description:
  - Counts every table of every database again and compares it with the manifest, or, when migrations were applied
    since, with what was counted right after them. Sequences must not be behind, every model must find its rows, and
    Django's own system check must find no error.
  - It changes nothing on the site, and reports everything that does not hold in one error.
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
  fingerprints:
    description: Whether the content of every table is hashed again, not only counted.
    type: bool
    default: true
  models:
    description: Whether the rows of every model are counted through Django too.
    type: bool
    default: true
  checks:
    description: Whether C(manage.py check --deploy) is run. Errors fail the task; warnings are returned.
    type: bool
    default: true
  media:
    description: Whether MEDIA_ROOT must hold what the manifest recorded.
    type: bool
    default: true
  frozen:
    description:
      - Only see, on the old host, that nobody wrote to the databases since they were dumped for the set. A database
        that bears no sign of a write is not counted again; the other options for what is compared are not used.
    type: bool
    default: false
  unused:
    description:
      - See whether a site that was started on this host from the set, and stopped again, took nothing in. If so, its
        databases and MEDIA may be replaced without being asked to, as if it had never been started. That is noted on
        the host, and is all that this module ever writes.
      - What differs does not fail the task; RV(unused) is false then, and RV(taken_in) tells it. The other options for
        what is compared are not used, but for O(media).
    type: bool
    default: false
seealso:
  - module: relocate.django.restore
"""

EXAMPLES = r"""
- name: Prove that the restored site is whole
  relocate.django.verify:
    site: shop
    path: /srv/shop/app
"""

RETURN = r"""
label:
  description: The set that was compared with.
  returned: success
  type: str
tables:
  description: Table by table, rows on old and on new, by alias.
  returned: success
  type: dict
warnings_of_check:
  description: The warnings of the system check.
  returned: success
  type: list
  elements: str
pinned:
  description:
    - The digest that the manifest was compared with. V(option) is O(manifest_sha256), V(file) the one stored next to
      the sets when the backup ended, or when a transfer had proven the set.
    - With V(not pinned), only the manifest itself says that nobody edited it.
  returned: success
  type: str
  sample: file
proven:
  description: Whether the rows of a database were compared, and nothing that was asked for differs.
  returned: success
  type: bool
measured:
  description:
    - What was compared in this run, in figures. What was not asked for is absent or null.
    - With O(frozen), how many databases of old were found as they were dumped.
  returned: success
  type: dict
  contains:
    databases:
      description: By alias, C(tables), C(rows), C(contents) (tables whose fingerprints were compared), C(counted) (the
        names of the others), C(sequences) and C(schema) (definitions that were compared).
      type: dict
    settings:
      description: Whether the project's settings were imported on this host.
      type: bool
    models:
      description: How many models were asked for their rows.
      type: int
    checks:
      description: How many warnings Django's check gave; it found no error.
      type: int
    migrations:
      description: Whether the code was asked for every migration that the set's databases have applied.
      type: bool
    media:
      description: C(files), C(bytes) and C(root) of what was recorded and found again; an empty dictionary when the old
        site had none.
      type: dict
    still:
      description: With O(frozen), how many databases were not written since they were dumped.
      type: int
unused:
  description: Whether the site was started from the set, stopped again, and took nothing in meanwhile.
  returned: when O(unused=true)
  type: bool
taken_in:
  description: How the site differs from what it held before it was started, ten findings at most.
  returned: when O(unused=true)
  type: list
  elements: str
notes:
  description: Notes that are no errors, such as a difference that loses nothing.
  returned: success
  type: list
  elements: str
seconds:
  description: The seconds of each step; parallel steps overlap.
  returned: success
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relocate.django.plugins.module_utils import _module
from ansible_collections.relocate.django.plugins.module_utils._modules.verify import MODULE


def main() -> None:
    """Entry point."""
    _module.answer(AnsibleModule(supports_check_mode=True, **MODULE.arguments), MODULE.work_on, MODULE.writes)


if __name__ == "__main__":
    main()
