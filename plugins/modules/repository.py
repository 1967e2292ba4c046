#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: repository
short_description: Keep backup sets in a repository
version_added: 0.1.0
description:
  - Stores a backup set in a repository, brings one back, and checks the repository. That is one of restic, whose
    encryption and deduplication it has; restic 0.11 or later must be on the host. Or it is a directory on this host or
    another one, to which rsync brings the sets as they are.
  - Of restic, locks of other programs are listed. Restic removes the locks of programs that are gone.
author:
  - The relocate.django authors (@relocate-django)
extends_documentation_fragment:
  - relocate.django.work
  - relocate.django.backup_set
  - relocate.django.retention
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
  state:
    description:
      - V(pushed) stores the set O(label), by default the newest, and removes from the repository what O(retention) does
        not keep. Without a word, O(keep) counts.
      - V(pulled) brings the set O(label), by default the newest, unless it is here. The set appears in one step, once
        every file of it agrees with its manifest.
      - V(noted) writes down at the set O(label) in the repository that a restore or a rehearsal on this host found all
        of it equal, so that O(retention) leaves it there.
      - V(checked) checks the repository as C(restic check) does, and reads a part of its data by chance. In a
        directory, it reads some files of the site's sets by chance, and holds them against the manifests.
    type: str
    choices: [pushed, pulled, noted, checked]
    default: pushed
  read_parts:
    description: With O(state=checked), one of so many parts of the data is read, 256 at most; V(0) reads none.
    type: int
    default: 20
  installs:
    description:
      - Whether the program that the repository needs is installed before this module works. Then check mode does not
        fail where it is missing, but says in RV(unread) and a warning that nothing is known.
    type: bool
    default: false
seealso:
  - module: relocate.django.backup
  - module: relocate.django.backup_info
"""

EXAMPLES = r"""
- name: Store the newest set
  relocate.django.repository:
    site: shop
    repository:
      type: restic
      address: sftp:backup@vault.example.org:/srv/restic/shop
      password_file: /etc/relocate/repository.password
    retention:
      daily: 7
      weekly: 5
      monthly: 12

- name: Bring the newest set to a host that has nothing
  relocate.django.repository:
    site: shop
    state: pulled
    repository:
      type: restic
      address: s3:https://s3.example.org/shop
      password_file: /etc/relocate/repository.password
      credentials_file: /etc/relocate/repository.env
"""

RETURN = r"""
unread:
  description: Whether the repository was not read, since its program is missing; see O(installs).
  returned: then, in check mode
  type: bool
label:
  description: The set's name.
  returned: but for O(state=checked)
  type: str
set:
  description: Its directory on this host.
  returned: when O(state=pulled)
  type: str
manifest_sha256:
  description: The digest of its manifest.
  returned: when O(state=pulled)
  type: str
created:
  description: Whether the repository was made.
  returned: when O(state=pushed)
  type: bool
bytes:
  description: The size of what was stored; 0 when it was there.
  returned: when O(state=pushed)
  type: int
added:
  description: The bytes that the repository did not hold yet, before compression.
  returned: when O(state=pushed)
  type: int
expired:
  description: Labels of sets that were removed from the repository, or would be.
  returned: when O(state=pushed)
  type: list
  elements: str
part:
  description: The part of the data that was read, such as V(7/20).
  returned: when O(state=checked)
  type: str
seconds:
  description: The seconds of the check.
  returned: when O(state=checked)
  type: dict
notes:
  description: Locks that were found.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relocate.django.plugins.module_utils import _module
from ansible_collections.relocate.django.plugins.module_utils._modules.repository import MODULE


def main() -> None:
    """Entry point."""
    _module.answer(AnsibleModule(supports_check_mode=True, **MODULE.arguments), MODULE.work_on, MODULE.writes)


if __name__ == "__main__":
    main()
