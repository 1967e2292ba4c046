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
  exclude:
    description: Apps and models to leave out.
    type: list
    elements: str
    default: []
  primary_keys:
    description: Only the objects with these keys, of the one model that O(models) names.
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
  description: What the database holds and the fixture does not; only for a fixture of everything.
  returned: when something was written
  type: list
  elements: dict
migrations:
  description: The migrations that were applied when the fixture was made.
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
seconds:
  description: The seconds of each step.
  returned: success
  type: dict
"""

import os
from typing import Any, Dict

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relocate.django.plugins.module_utils import _argspec, _module
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._fixtures import dump
from ansible_collections.relocate.django.plugins.module_utils._record.record import check_site_name
from ansible_collections.relocate.django.plugins.module_utils._site import Site, SiteOptions, engine_of, open_site


def target(params: Dict[str, Any]) -> str:
    """The file to write. Raises bad_option when its directory is not there."""
    path = params["dest"]
    if os.path.isdir(path):
        ending = "jsonl.zst" if params["format"] == dump.LINES else params["format"]
        return os.path.join(path, "{0}-{1}.{2}".format(params["site"], params["alias"], ending))
    if not os.path.isdir(os.path.dirname(path) or "."):
        raise RelocateError("bad_option", "there is no directory {0}".format(os.path.dirname(path)), "make it first")
    return str(path)


def write(module: AnsibleModule, site: Site, path: str) -> Dict[str, Any]:
    """Write the fixture, unless in check mode; one that is there and is the same is left as it is."""
    params = module.params
    if module.check_mode:
        return {"changed": True}
    before = dump.sha256_of(path, site.project.owner)
    options = {
        "format": params["format"],
        "models": params["models"],
        "exclude": params["exclude"],
        "keys": params["primary_keys"],
        "natural_foreign": params["natural_foreign"],
        "natural_primary": params["natural_primary"],
    }
    answer = dump.dump_fixture(site, engine_of(site, params["alias"]), path, options)
    counts = answer["counts"]
    return {
        "changed": dump.sha256_of(path, site.project.owner) != before,
        "objects": {label: item["objects"] for label, item in counts.items()},
        "fingerprints": {label: item["fingerprint"] for label, item in counts.items() if "fingerprint" in item},
        "left_out": answer["left_out"],
        "migrations": answer["migrations"],
        "bytes": os.path.getsize(path),
        "sha256": dump.sha256_of(path, site.project.owner),
    }


def work_on(module: AnsibleModule) -> Dict[str, Any]:
    """Open the one database and write."""
    params = module.params
    check_site_name(params["site"])
    path = target(params)
    with open_site(SiteOptions.of(params).only(params["alias"])) as site:
        result = write(module, site, path)
        return dict(result, dest=path, seconds=site.stopwatch.seconds())


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec=_argspec.merged(
            _argspec.project(),
            _argspec.work(),
            {
                "alias": {"type": "str", "default": "default"},
                "dest": {"type": "path", "required": True},
                "format": {"type": "str", "choices": ["lines", "json", "jsonl", "xml", "yaml"], "default": "lines"},
                "models": {"type": "list", "elements": "str", "default": []},
                "exclude": {"type": "list", "elements": "str", "default": []},
                "primary_keys": {"type": "list", "elements": "str", "no_log": False},
                "natural_foreign": {"type": "bool", "default": False},
                "natural_primary": {"type": "bool", "default": False},
            },
        ),
        required_by={"primary_keys": ["models"]},
        supports_check_mode=True,
    )
    _module.answer(module, work_on)


if __name__ == "__main__":
    main()
