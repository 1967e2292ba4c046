#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_adopt
short_description: Make a proven backup set of dumps that other tools made
version_added: 0.1.0
description:
  - Makes an ordinary backup set of what people have. That is a dump by C(pg_dump) (plain, custom, directory or tar), by
    C(mysqldump) or C(mariadb-dump), a SQLite database with its C(-wal), the text of C(sqlite3 DATABASE .dump), or a
    fixture of C(manage.py dumpdata); and a folder or an archive with MEDIA.
  - Each dump is loaded into a scratch database beside the live one, on the server that the settings name. It is held
    against the code, counted, and dumped into the set as M(relocate.django.backup) does it. What the set holds is then
    loaded once more and compared, so that the set counts as proven. The scratch database is dropped whatever happens.
    The live databases and MEDIA_ROOT are not touched.
  - The dump is data of a stranger. No client program runs it. Its statements are read one by one, run as the settings'
    user (on PostgreSQL in one transaction; rows of MariaDB and MySQL by an account of their own), and refused where
    they lead out of the database (C(dump_refused)). Owners, rights, publications and what else a restore settles in its
    own way are left out, which RV(ignore:notes) counts.
  - A dump that has lost its end is refused. Files may be compressed by gzip, bzip2, xz or zstd.
  - PowerShell's C(>) writes UTF-16. Such a file is read where it holds nothing but ASCII; else it is refused with the
    command that makes it right (C(dump_encoding)), since other characters may have been lost.
author:
  - The relocate.django authors (@relocate-django)
extends_documentation_fragment:
  - relocate.django.project
  - relocate.django.login
  - relocate.django.aliases
  - relocate.django.work
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
    details: Looks at each dump. One that is compressed, or written by Windows, is only looked at whether it is whole.
  diff_mode:
    support: none
options:
  dumps:
    description:
      - The absolute path of the dump of each database, by its key in DATABASES. Every database of the settings needs
        one, unless O(aliases) lists those that the set is to hold.
      - A dump of another engine than the settings name is refused (C(dump_of_another)).
    type: dict
    required: true
  media:
    description:
      - A folder, or a tar or zip archive, that holds what MEDIA_ROOT held. The project's owner must be able to read a
        folder. An archive of one directory that is called like MEDIA_ROOT, or C(media), is taken from within it.
    type: path
  media_skip:
    description: Names relative to O(media) to leave out, with everything below them.
    type: list
    elements: str
    default: []
  revision:
    description:
      - The commit that the site ran when the dumps were made, at least its first seven digits. The checkout in O(path)
        must be at it, and fit the dumps by its migrations and models.
    type: str
  files:
    description: Files that git does not track; relative to O(path), or absolute; patterns are allowed.
    type: list
    elements: str
    default: []
  orphans:
    description: Tables of SQLite whose rows may refer to rows that are missing; V(*) for all.
    type: list
    elements: str
    default: []
  allow_dirty:
    description: Whether to carry uncommitted changes as a patch; by default they are refused.
    type: bool
    default: false
seealso:
  - module: relocate.django.backup
  - module: relocate.django.restore
  - module: relocate.django.fixture_load
"""

EXAMPLES = r"""
- name: Make a set of last night's pg_dump
  relocate.django.backup_adopt:
    site: shop
    path: /srv/shop/app
    dumps:
      default: /var/backups/shop.dump
    media: /var/backups/shop-media.tar.gz
    revision: 1a2b3c4d5e6f

- name: Would it do
  relocate.django.backup_adopt:
    site: shop
    path: /srv/shop/app
    dumps:
      default: /var/backups/shop.sql.xz
  check_mode: true
"""

RETURN = r"""
label:
  description: The set's name.
  returned: success
  type: str
  sample: 20261120T193000Z-1a2b3c4d5e6f
set:
  description: The set's directory.
  returned: success, but for check mode
  type: str
manifest_sha256:
  description: The digest of the manifest, as M(relocate.django.backup) returns it.
  returned: success, but for check mode
  type: str
revision:
  description: The commit that the set holds.
  returned: success
  type: str
kinds:
  description: What each dump is, by alias.
  returned: success
  type: dict
  sample: {default: pg_custom}
bytes:
  description: The size of the set.
  returned: success, but for check mode
  type: int
rows:
  description: The rows of each database, by alias.
  returned: success, but for check mode
  type: dict
media:
  description: What is stored of MEDIA; empty without O(media).
  returned: success, but for check mode
  type: dict
notes:
  description: What was left out of the dumps, and what cannot be known of them.
  returned: success
  type: list
  elements: str
seconds:
  description: The seconds of each step; parallel steps overlap.
  returned: success, but for check mode
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relocate.django.plugins.module_utils import _module
from ansible_collections.relocate.django.plugins.module_utils._modules.backup_adopt import MODULE


def main() -> None:
    """Entry point."""
    _module.answer(AnsibleModule(supports_check_mode=True, **MODULE.arguments), MODULE.work_on, MODULE.writes)


if __name__ == "__main__":
    main()
