#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: restore
short_description: Restore the databases of a backup set, compared with it before they go live
version_added: 0.1.0
description:
  - Loads each dump into an incoming database beside the live one, and compares every table's count and fingerprint,
    every sequence and every view, trigger and function with the manifest. Only when all databases of the site are
    equal, each incoming one takes the name in the settings in one step.
  - What was live before is kept as previous, so that O(state=rolled_back) can put it back, unless it is worth nothing.
    That is a blank database, and one that came out of a set and with which the site has not served since.
  - A previous database that is kept is never dropped or replaced by this module. Remove it with
    M(relocate.django.database) when it is no longer needed.
  - Refuses on the host, and on the database, that the set was made of.
author:
  - The relocate.django authors (@relocate-django)
extends_documentation_fragment:
  - relocate.django.project
  - relocate.django.login
  - relocate.django.aliases
  - relocate.django.work
  - relocate.django.identity
  - relocate.django.backup_set
  - relocate.django.sequences
  - relocate.django.proof
  - relocate.django.definers
  - relocate.django.attributes
attributes:
  action_group:
    support: full
    membership:
      - relocate.django.project
      - relocate.django.work
      - relocate.django.login
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  state:
    description:
      - V(present) makes the set's databases live; those that already came from this set are left alone.
      - V(copied) loads and compares the first copy of the set O(label), which has no manifest yet, and leaves it beside
        the live databases. V(present) then applies to it what changed since, and compares the whole. Its digest
        is given as O(manifest_sha256).
      - V(absent) drops what V(copied) left, when nothing was made live.
      - V(rehearsed) loads and compares them, then drops them again; the live ones are not touched.
      - V(rolled_back) puts the previous databases back, and drops those that are live, whatever they took in since.
    type: str
    choices: [present, copied, absent, rehearsed, rolled_back]
    default: present
  replace:
    description:
      - Whether a live database may be put aside that holds tables of another origin, or with which the site has served
        here. By default it is refused. It is kept as previous; when there is a previous one with tables already, this
        is refused all the same.
      - Also whether files of the set may replace those in a MEDIA_ROOT that holds files of another origin, or with
        which the site has served here. These are not kept.
    type: bool
    default: false
  verified:
    description: Whether the files of the set have just been verified in the same run, so that they are not
      hashed again.
    type: bool
    default: false
  services_kept_running:
    description:
      - Systemd units of the project in O(path) that may run while the databases are replaced; V(*) is all of them. When
        any other runs, and there is something to restore, O(state=present) refuses.
    type: list
    elements: str
    default: []
  media:
    description:
      - Whether MEDIA_ROOT is brought back too, when the set holds it. Other files in it are left alone.
      - It is brought once. A rerun that loads no database leaves it as it is.
    type: bool
    default: true
  allow_same_host:
    description: Whether the set may be restored on the host that it was made on, as when both sites are on one machine.
      Its databases must be others all the same, see O(allow_same_database).
    type: bool
    default: false
  neighbours:
    description: Whether what servers beside the site held, such as sessions in Redis, is brought out of the set too.
    type: bool
    default: true
  allow_same_database:
    description: Whether a database may be restored onto the very one that the set was made of, for instance to undo a
      mistake. On the host of the set this needs O(allow_same_host) as well.
    type: bool
    default: false
seealso:
  - module: relocate.django.backup
  - module: relocate.django.verify
"""

EXAMPLES = r"""
- name: Restore the newest set
  relocate.django.restore:
    site: shop
    path: /srv/shop/app

- name: Go back to what was live before
  relocate.django.restore:
    site: shop
    path: /srv/shop/app
    state: rolled_back
"""

RETURN = r"""
label:
  description: The set.
  returned: success
  type: str
restored:
  description: The aliases whose databases were made live, rehearsed or put back.
  returned: success
  type: list
  elements: str
pinned:
  description:
    - The digest that the manifest was compared with. V(option) is O(manifest_sha256), V(file) the one stored next to
      the sets when the backup ended, or when a transfer had proven the set.
    - With V(not pinned), only the manifest itself says that nobody edited it.
  returned: when O(state) is not V(rolled_back)
  type: str
  sample: file
served:
  description: Whether the site has served here with these databases, so that what they hold has moved on from the set.
  returned: when O(state) is not V(rolled_back)
  type: bool
tables:
  description: Table by table, the rows on old and on new, for each alias that was loaded.
  returned: when O(state) is not V(rolled_back)
  type: dict
followed:
  description: >-
    By alias, how far a first copy has come by replication, where O(state=copied) finds it loaded already.
  returned: when O(state) is not V(rolled_back) or V(absent)
  type: dict
  contains:
    parts:
      description: How many files of the stream of changes the database has taken in.
      type: int
    behind:
      description: How many bytes of its log old had not yet read when the files were brought.
      type: int
    bytes:
      description: Bytes of the stream.
      type: int
measured:
  description: By alias, what of each loaded database was compared with the set, as M(relocate.django.verify) tells it.
  returned: when O(state) is not V(rolled_back)
  type: dict
seconds:
  description: The seconds of each step; parallel steps overlap.
  returned: success
  type: dict
notes:
  description: Notes that are no errors, such as a definer that had to be replaced.
  returned: when O(state=present)
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relocate.django.plugins.module_utils import _module
from ansible_collections.relocate.django.plugins.module_utils._modules.restore import MODULE


def main() -> None:
    """Entry point."""
    _module.answer(AnsibleModule(supports_check_mode=True, **MODULE.arguments), MODULE.work_on, MODULE.writes)


if __name__ == "__main__":
    main()
