#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_info
short_description: List and verify backup sets
version_added: 0.1.0
description:
  - Lists the complete backup sets of a site on a host, oldest first, and reads every file of those that O(verify)
    names.
  - With O(repository), it lists the sets of that too. Where the newest one (or O(label)) is not on the host, RV(sets)
    is that one alone, as its manifest in the repository describes it; nothing is brought.
author:
  - The relocate.django authors (@relocate-django)
extends_documentation_fragment:
  - relocate.django.work
  - relocate.django.backup_set
  - relocate.django.identity
  - relocate.django.repository
  - relocate.django.attributes
attributes:
  action_group:
    support: full
    membership:
      - relocate.django.work
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  verify:
    description:
      - V(none) reads manifests only, V(newest) hashes the files of the newest set (or of O(label)), V(all) those of
        every set.
    type: str
    choices: [none, newest, all]
    default: none
  opens:
    description:
      - Whether to fail when the newest set (or O(label)) is encrypted and O(age_identity) does not open it. Where the
        set or the program C(age) is not on the host yet, a warning says that this was not tried.
    type: bool
    default: false
  max_age:
    description:
      - How old the newest proven set may be, such as V(36h) or V(2d). An older one, and none at all, fails with
        C(backup_too_old). A set is proven when a restore or a rehearsal loaded every database of it and found it equal.
      - With O(repository), only the sets in it count.
    type: str
  metrics:
    description: Whether to return RV(age) and RV(metrics) without O(max_age) too.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: See that the newest set is whole
  relocate.django.backup_info:
    site: shop
    verify: newest
  register: backups

- name: Say when it was made
  ansible.builtin.debug:
    msg: "{{ backups.sets | map(attribute='label') | last }}"

- name: Fail when no set of the last two days was restored and found equal
  relocate.django.backup_info:
    site: shop
    max_age: 2d
"""

RETURN = r"""
sets:
  description: The complete sets, oldest first.
  returned: success
  type: list
  elements: dict
  contains:
    label: {description: The set's name., type: str, returned: always}
    path: {description: Its directory., type: str, returned: always}
    created: {description: "When it was written, in UTC.", type: str, returned: always}
    revision: {description: The commit., type: str, returned: always}
    host: {description: The host it was made on., type: str, returned: always}
    owner: {description: The project's owner there., type: dict, returned: always}
    engines: {description: The database engines in it., type: list, elements: str, returned: always}
    databases: {description: Facts of each database., type: dict, returned: always}
    bytes: {description: Its size., type: int, returned: always}
    rows: {description: The rows of each database., type: dict, returned: always}
    manifest_sha256: {description: Digest of the manifest., type: str, returned: always}
    sequence: {description: "Its number among those that its host made: clocks jump.", type: int, returned: always}
    recipients:
      description: The public keys to which its files are encrypted; none when whoever gets the set can read it.
      type: list
      elements: str
      returned: always
    pinned:
      description:
        - The digest that the manifest was compared with; V(option), V(file), V(repository) or V(not pinned).
        - For a set that is in O(repository) alone, V(file) is what this host noted when it pushed the set.
      type: str
      returned: always
    described:
      description: What the set tells of its site, in the form of RV(relocate.django.preflight#module:info) on old.
      type: dict
      returned: for the last set
    verified: {description: Whether every file was hashed and agrees., type: bool, returned: always}
    found_equal:
      description: When a restore or a rehearsal found all of it equal, in seconds since 1970; or empty.
      type: str
      returned: always
stored:
  description: The sets that O(repository) holds, oldest first.
  returned: success
  type: list
  elements: dict
  contains:
    label: {description: The set's name., type: str, returned: always}
    created: {description: "When it was written, in UTC.", type: str, returned: always}
    host: {description: The host it was made on., type: str, returned: always}
    manifest_sha256: {description: Digest of the manifest., type: str, returned: always}
    sequence: {description: Its number among those that its host made., type: int, returned: always}
    media: {description: Whether it holds MEDIA., type: bool, returned: always}
    found_equal:
      description: When a restore found all of it equal, in seconds since 1970; or empty.
      type: str
      returned: always
age:
  description: How old the sets are that are kept; with C(backup_too_old) it is C(details).
  returned: with O(max_age) or O(metrics)
  type: dict
  contains:
    sets: {description: How many there are., type: int, returned: always}
    newest: {description: The newest set., type: str, returned: always}
    newest_made: {description: "When it was made, in seconds since 1970; 0 without one.", type: float, returned: always}
    proven: {description: The newest set that was found equal; or empty., type: str, returned: always}
    proven_made: {description: "When it was made; 0 without one.", type: float, returned: always}
    proven_at: {description: "When it was found equal, in UTC; or empty.", type: str, returned: always}
    proven_seconds: {description: "The same in seconds since 1970, or 0.", type: float, returned: always}
    seconds: {description: The age of that set; none without one., type: int, returned: always}
metrics:
  description: The same as text for the textfile collector of Prometheus' node exporter.
  returned: with O(max_age) or O(metrics)
  type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relocate.django.plugins.module_utils import _module
from ansible_collections.relocate.django.plugins.module_utils._modules.backup_info import MODULE


def main() -> None:
    """Entry point."""
    _module.answer(AnsibleModule(supports_check_mode=True, **MODULE.arguments), MODULE.work_on, MODULE.writes)


if __name__ == "__main__":
    main()
