#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: fixture_load
short_description: Load a fixture into a project's database, compare what was loaded, then swap it in
version_added: 0.1.0
description:
  - Does what C(manage.py loaddata) is for. Creates a fresh database next to the live one, migrates it to the
    migrations that the fixture was made at, loads the rows, reads every one back and compares it.
  - Reads the lossless form of M(relocate.django.fixture_dump), from any engine, and Django's own formats, made by that
    module or by plain C(dumpdata). The fixture's rows replace those that migrations created in the table of a model,
    content types and permissions among them. The project's own managers find natural keys.
  - The handlers of C(post_migrate) run first, as C(migrate) lets them, so a fixture may refer to what they make. What
    migrations and handlers made stays where the fixture holds no object of the model, and is put back where the
    fixture refers to it; RV(made) names it.
  - Then applies the migrations that the code has beyond those, so that data migrations run on the data, and puts the
    database in the place of the live one. Until then the live one is not touched; afterwards it is kept as
    previous, unless it was blank.
  - Rows bypass the models, so no signal handler runs. Foreign keys that point nowhere are refused, and the error names
    the row. Sequences continue after the highest key.
author:
  - The relocate.django authors (@relocate-django)
extends_documentation_fragment:
  - relocate.django.project
  - relocate.django.login
  - relocate.django.work
  - relocate.django.identity
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
  alias:
    description: The key of DATABASES to load into.
    type: str
    default: default
  src:
    description:
      - The fixture on this host. It is decompressed when its name ends in C(.zst), C(.gz), C(.bz2), C(.xz) or
        C(.lzma), and decrypted by O(age_identity) when that is followed by C(.age). Then it is decrypted to nowhere
        first, so that one that is not whole is refused before anything is done. No plain copy of it is written.
      - Several files, or a directory, are loaded as one fixture, in one transaction. Of a directory the files are taken
        whose names tell a format, but for hidden ones; RV(notes) name the others. Each file may have a format of its
        own. The order has no meaning, but with O(signals), and objects may refer to those of other files. An object
        that two files hold is refused (C(fixture_invalid)), and both places are named.
      - With O(mode=blank) several files are of Django's own formats; with O(mode=merge) some may be in the lossless
        form.
      - A path with a comma in it is given as an element of a list.
    type: list
    elements: path
    required: true
  format:
    description:
      - The fixture's format, of all of its files; by default their names tell. V(lines) is the lossless form, which is
        also known by its first line.
    type: str
    choices: [lines, json, jsonl, xml, yaml]
  state:
    description:
      - Which migrations a fixture of Django's own formats is of, since it does not tell by itself. By app label the
        last migration that was applied when it was dumped; of other apps the newest is taken.
      - The rows are loaded into the tables of that moment, and the later migrations run on them.
    type: dict
    default: {}
  signals:
    description:
      - Whether objects are saved one by one by the project's models, so that its signal handlers run. It is slow, and
        only the number of objects is proven, since handlers may change rows. For Django's own formats only.
    type: bool
    default: false
  skip_leading:
    description:
      - Whether lines before the fixture are left out, such as those of a log that were redirected with it. The first
        line that begins as the format does is taken for its beginning; RV(notes) say how many were left out.
    type: bool
    default: false
  mode:
    description:
      - With V(blank) the fixture is everything that the new database holds.
      - With V(merge) it is put into the live database, in one transaction. A row of the same key is updated, in the
        fields that the fixture gives; a row of a new key is inserted; nothing is deleted but the relations of an object
        whose list the fixture gives. Content types and permissions are those of the database. For fixtures of parts of
        a site, and while nothing else writes to the same rows.
    type: str
    choices: [blank, merge]
    default: blank
  forward:
    description: Whether migrations that the code has beyond the fixture's are applied to the rows.
    type: bool
    default: true
  replace:
    description: Whether a live database that holds tables is put aside as previous; by default it is refused.
    type: bool
    default: false
  excluded_models:
    description:
      - Apps, models and tables that are left out of the fixture, as C(shop) or C(shop.Book). They are counted and named
        in RV(excluded). What O(relocate.django.fixture_dump#module:excluded_models) left out of a dump has to be listed
        here too before the dump is loaded with O(mode=blank).
    type: list
    elements: str
    default: []
    aliases: [exclude]
  ignore_unknown:
    description:
      - Whether models and fields that the code does not have are left out of a fixture of Django's own formats, as with
        C(loaddata --ignorenonexistent). They are counted and named in RV(ignored). By default they are refused.
    type: bool
    default: false
  allow_partial:
    description:
      - Whether a fixture of a part of the models may become all that the new database holds. By default a lossless one
        of chosen models or keys is refused (C(fixture_partial)), and with O(replace=true) one of Django's own formats
        that holds nothing of a model that the live database has rows of.
    type: bool
    default: false
  keep_made:
    description:
      - Whether objects that migrations or handlers of C(post_migrate) made stay in the table of a model that the
        fixture holds, where it has no other object for them, as plain C(loaddata) leaves them. By default the fixture's
        objects are all that there is, so that what was deleted on old does not come back; RV(replaced) names what went.
        For Django's own formats, without O(signals).
    type: bool
    default: false
seealso:
  - module: relocate.django.fixture_dump
  - module: relocate.django.restore
"""

EXAMPLES = r"""
- name: Load the rows of another server, whatever its engine was
  relocate.django.fixture_load:
    site: shop
    path: /srv/shop/app
    src: /var/backups/shop.jsonl.zst

- name: Load what plain dumpdata wrote three migrations ago, and migrate the rows
  relocate.django.fixture_load:
    site: shop
    path: /srv/shop/app
    src: /var/backups/shop.json.gz
    state: {shop: "0004"}

- name: Load a fixture of the web into code that has moved on, without its users
  relocate.django.fixture_load:
    site: shop
    path: /srv/shop/app
    src: /srv/shop/demo.json
    excluded_models: [auth.User]
    ignore_unknown: true

- name: Bring the books of the shop's other site up to date
  relocate.django.fixture_load:
    site: shop
    path: /srv/shop/app
    src: /var/backups/books.jsonl
    mode: merge

- name: Load a fixture that was encrypted to a key in the vault
  relocate.django.fixture_load:
    site: shop
    path: /srv/shop/app
    src: /tmp/orders.jsonl.zst.age
    mode: merge
    age_identity: "{{ vault_age_identity }}"

- name: Load the fixtures of a project's apps in one go
  relocate.django.fixture_load:
    site: shop
    path: /srv/shop/app
    src:
      - /srv/shop/app/shop/fixtures
      - /srv/shop/app/blog/fixtures/posts.yaml.gz
"""

RETURN = r"""
objects:
  description: How many objects the database gave back, by model.
  returned: when something was loaded
  type: dict
migrated:
  description: The migrations that were applied to the rows, beyond those that the fixture was made at.
  returned: when something was loaded
  type: list
  elements: str
made:
  description:
    - What the database holds and the fixture does not, since migrations or handlers of C(post_migrate) made it. By
      model, how many C(objects) there are, and in C(names) what the first ten are named, by natural key or else by key.
  returned: when something was loaded
  type: dict
replaced:
  description: Keys of what migrations or handlers had made and the fixture has no other object for, by model.
  returned: when something was loaded
  type: dict
excluded:
  description: How many objects were left out since O(excluded_models) names them, by model.
  returned: when something was loaded
  type: dict
ignored:
  description:
    - How many objects of a model, or values of a field, the code does not know and O(ignore_unknown) left out.
  returned: when something was loaded
  type: dict
merged:
  description: How many rows were inserted, updated, left and (relations only) deleted, by model.
  returned: with O(mode=merge)
  type: dict
rows:
  description:
    - What became of each row, of the first 10,000; C(model), C(pk), C(action), and the C(fields) that were changed.
  returned: with O(mode=merge)
  type: list
  elements: dict
untold:
  description: How many more rows there are than RV(rows) lists.
  returned: with O(mode=merge)
  type: int
pinned:
  description:
    - What the manifest of the set that O(src) lies in was held against, V(file) or V(not pinned). The file is refused
      when it is not the one that the manifest lists.
  returned: when O(src) lies in a backup set
  type: str
files:
  description: The files that were read.
  returned: success
  type: list
  elements: str
sha256:
  description:
    - The digest of the file; of several files one of all of their digests. A database that came from it is not loaded
      again.
  returned: success
  type: str
seconds:
  description: The seconds of each step.
  returned: success
  type: dict
notes:
  description: Notes that are no errors, such as tables that the fixture does not hold.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relocate.django.plugins.module_utils import _module
from ansible_collections.relocate.django.plugins.module_utils._modules.fixture_load import MODULE


def main() -> None:
    """Entry point."""
    _module.answer(AnsibleModule(supports_check_mode=True, **MODULE.arguments), MODULE.work_on, MODULE.writes)


if __name__ == "__main__":
    main()
