#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: backup
short_description: Make a backup set of a Django site
version_added: 0.1.0
description:
  - Writes all that a dead server's site needs into one directory, the backup set. It holds the code as a git bundle,
    the packages, the files that git does not hold, and a dump of every database with the counts and fingerprints of
    its tables, taken out of the same snapshot.
  - The manifest is written last, so a directory without one is not a backup. A failed backup removes what it wrote;
    the next run removes what a killed one left behind.
author:
  - The relocate.django authors (@relocate-django)
extends_documentation_fragment:
  - relocate.django.project
  - relocate.django.code
  - relocate.django.login
  - relocate.django.aliases
  - relocate.django.work
  - relocate.django.sequences
  - relocate.django.retention
  - relocate.django.proof
  - relocate.django.repository
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
      - V(prepared) writes code, packages and files only, as a move does before it stops the site.
      - V(present) writes a whole set. With the O(label) of a complete set nothing is done.
      - V(absent) removes the set O(label), whether its backup finished or not.
    type: str
    choices: [prepared, present, absent]
    default: present
  label:
    description: The set's name. By default one is made of the time and the revision.
    type: str
  files:
    description: Files that git does not track; relative to O(path), or absolute; patterns are allowed.
    type: list
    elements: str
    default: []
  media:
    description:
      - Whether MEDIA_ROOT is stored in the set. A move copies it from host to host instead.
      - It is refused when it holds something that cannot be stored, such as a link that leads out of it, unless
        O(media_skip) names that.
    type: bool
    default: true
  media_skip:
    description: Names relative to MEDIA_ROOT to leave out, with everything below them.
    type: list
    elements: str
    default: []
  orphans:
    description:
      - Tables of SQLite whose rows may refer to rows that are missing. They are copied as they are.
      - Any other such row is refused (C(orphan_rows)).
    type: list
    elements: str
    default: []
  frozen:
    description:
      - Whether the site has been stopped, so that any remaining session is a writer that nobody named.
      - Without it, a site that was retired on this host is refused, since another host serves it.
    type: bool
    default: false
  first_copy:
    description:
      - With O(state=prepared), databases are dumped too while the site serves. With O(frozen) the same set then gets
        what changed since, instead of whole dumps, if that is all that changed. Notes say where it is not.
      - V(auto) does so when the databases together have 100 MB or more.
      - Only for a site without O(fixtures).
    type: str
    choices: [never, auto, always]
    default: never
  replicate:
    description:
      - Whether changes are followed from the first copy on, where O(first_copy) makes one. What is committed is written
        into the set while the site serves, and with O(frozen) up to the last of it.
      - PostgreSQL by logical replication, MariaDB by its binary log. Where it cannot be, notes say why, and what
        changed is found as without it.
      - A process on this host does so, on PostgreSQL by a replication slot that the server drops when the process ends.
        It ends when the set is finished or removed, at O(replicate_limit), and after a day.
    type: bool
    default: false
  replicate_limit:
    description: >-
      With O(replicate), how many MiB of changes are written down, or kept by the server for them, before replication is
      given up, so that the disk of a site that serves does not fill.
    type: int
    default: 4096
  fixtures:
    description:
      - Whether each database is written as a fixture too, out of the same snapshot as its dump.
      - A fixture holds the rows of every model, and can be restored into a database of another engine. What it does not
        hold (tables without a model, views, triggers) is listed in the manifest.
    type: bool
    default: false
  excluded_models:
    description: Models that fixtures leave out on purpose.
    type: list
    elements: str
    default: []
  checked:
    description:
      - Whether M(relocate.django.preflight) has checked this host in the same run, as in a move.
      - Otherwise O(state=present) checks for the same obstacles, and refuses to write a set from which the site could
        not be restored whole. The options O(files_ignored), O(requirements), O(command), O(pip_extra), O(pip_ignored)
        and O(allow_unapplied) are for that.
    type: bool
    default: false
  files_ignored:
    description: Files that git does not track, and directories in which models keep files, that may stay behind.
    type: list
    elements: str
    default: []
  requirements:
    description: The files that name the project's packages; by default those that are found.
    type: list
    elements: str
    default: []
  command:
    description: The command that installs the packages, when no requirements file does.
    type: list
    elements: str
    default: []
  pip_extra:
    description: Packages that no file names and that a restore installs in addition.
    type: list
    elements: str
    default: []
  pip_ignored:
    description: Packages that no file names and that may stay behind.
    type: list
    elements: str
    default: []
  allow_unapplied:
    description: Whether migrations that are not applied are accepted; a restore applies them.
    type: bool
    default: false
  allow_dirty:
    description: Whether to carry uncommitted changes as a patch; by default they are refused.
    type: bool
    default: false
  cron:
    description:
      - With V(carry), the lines of cron that run the project are written into the set, so that
        M(relocate.django.services) can add them on new. They are read before the freeze, and only once for a set.
    type: str
    choices: [refuse, leave, carry]
    default: refuse
  age_recipients:
    description:
      - Public keys to which C(age) encrypts each file of the set, such as C(age-keygen -y) prints, or keys of SSH. This
        host then cannot read the set; whoever restores it needs one of the identities.
      - Of no meaning with O(state=prepared) and O(frozen), since a move reads its set at once.
    type: list
    elements: str
    default: []
  neighbours_carried:
    description:
      - Databases of Redis whose keys, and virtual hosts of RabbitMQ whose definitions are written into the set, on this
        host, by address such as V(redis://127.0.0.1:6379/0) and V(amqp://127.0.0.1:5672/shop) or by the setting that
        names them.
    type: list
    elements: str
    default: []
seealso:
  - module: relocate.django.backup_info
  - module: relocate.django.restore
"""

EXAMPLES = r"""
- name: Back up the site, and keep a week of nightly sets
  relocate.django.backup:
    site: shop
    path: /srv/shop/app
    files: [.env]
    keep: 7

- name: Say which sets a week, a month and a year would leave
  relocate.django.backup:
    site: shop
    path: /srv/shop/app
    files: [.env]
    retention:
      daily: 7
      weekly: 5
      monthly: 12
  check_mode: true
"""

RETURN = r"""
first_copy:
  description: The digest of the first copy of the databases; empty when none was made.
  returned: when O(state=prepared)
  type: str
label:
  description: The set's name.
  returned: success
  type: str
  sample: 20261120T193000Z-1a2b3c4d5e6f
set:
  description: The set's directory; in check mode too, when nothing is written.
  returned: when O(state) is not V(absent)
  type: str
manifest_sha256:
  description:
    - The digest of the manifest. It is also stored next to the sets, in C(pins/SITE/LABEL.sha256) of O(directory).
      Keep a copy elsewhere, and an edited manifest will be noticed by
      O(relocate.django.restore#module:manifest_sha256).
  returned: when O(state=present), but for check mode
  type: str
revision:
  description: The commit that the project runs.
  returned: when O(state) is not V(absent)
  type: str
bytes:
  description: The size of the set.
  returned: when O(state=present), but for check mode
  type: int
rows:
  description: The rows of each database, by alias.
  returned: when O(state=present), but for check mode
  type: dict
media:
  description:
    - What MEDIA_ROOT held, such as C(root), C(files) and C(bytes), and as C(stored) the archive's name in the set.
    - Empty without a MEDIA_ROOT that is there. C(stored) is empty where the set holds no archive of it.
  returned: when O(state=present), but for check mode
  type: dict
expired:
  description: Labels of sets that O(keep) and O(retention) removed, or would remove.
  returned: when O(state=present)
  type: list
  elements: str
cleared:
  description: Labels of sets of runs that failed, which were removed, or would be.
  returned: when O(state) is not V(absent)
  type: list
  elements: str
seconds:
  description: The seconds of each step; parallel steps overlap.
  returned: when something was written to a set
  type: dict
notes:
  description: Notes that are no errors, such as a definer that had to be replaced.
  returned: when something was written to a set
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relocate.django.plugins.module_utils import _module
from ansible_collections.relocate.django.plugins.module_utils._modules.backup import MODULE


def main() -> None:
    """Entry point."""
    _module.answer(AnsibleModule(supports_check_mode=True, **MODULE.arguments), MODULE.work_on, MODULE.writes)


if __name__ == "__main__":
    main()
