#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: restore
short_description: Restore the databases of a backup set, proven equal before they go live
version_added: 0.1.0
description:
  - Loads each dump into an incoming database beside the live one, and compares every table's count and fingerprint,
    every sequence and every view, trigger and function with the manifest. Only when all databases of the site are
    equal, each incoming one takes the name in the settings in one step.
  - What was live before is kept as previous, unless it was blank, so that O(state=rolled_back) can put it back.
  - Refuses on the host, and on the database, that the set was made of.
author:
  - The relocate.django authors (@relocate-django)
extends_documentation_fragment:
  - relocate.django.project
  - relocate.django.login
  - relocate.django.aliases
  - relocate.django.work
  - relocate.django.backup_set
  - relocate.django.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  state:
    description:
      - V(present) makes the set's databases live; those that already came from this set are left alone.
      - V(rehearsed) loads and proves them, then drops them again; the live ones are not touched.
      - V(rolled_back) puts the previous databases back.
    type: str
    choices: [present, rehearsed, rolled_back]
    default: present
  replace:
    description: Whether a live database that holds tables of another origin may be put aside. By default it is refused.
    type: bool
    default: false
  verified:
    description: Whether the files of the set have just been verified in the same run, so that they are not
      hashed again.
    type: bool
    default: false
  media:
    description: Whether MEDIA_ROOT is brought back too, when the set holds it. Other files in it are left alone.
    type: bool
    default: true
  allow_same_host:
    description: Whether the set may be restored on the host that it was made on, for instance to undo a mistake.
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
tables:
  description: Table by table, the rows on old and on new, for each alias that was loaded.
  returned: when O(state) is not V(rolled_back)
  type: dict
seconds:
  description: The seconds of each step; steps that ran side by side overlap.
  returned: success
  type: dict
"""

from typing import Any, Dict, List

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relocate.django.plugins.module_utils import _argspec, _host, _restore
from ansible_collections.relocate.django.plugins.module_utils._backup_set import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._engines.base import INCOMING, default_jobs
from ansible_collections.relocate.django.plugins.module_utils._site import Site, open_site


def apply(
    module: AnsibleModule, site: Site, backup: BackupSet, todo: List[_restore.Step], digest: str
) -> Dict[str, Any]:
    """Load and prove all, then swap all."""
    params = module.params
    known = dict(_host.read_record(params["directory"], params["site"]).get(_restore.RESTORED, {}))
    engines = [site.engines[step.alias] for step in todo]
    backup.give_dumps(site.project.owner)
    tables = {}
    with _restore.incoming_dropped_on_failure(engines):
        for step in todo:
            state, tables[step.alias] = _restore.load_and_prove(site.engines[step.alias], backup, step.entry)
            behind = _restore.check_sequences(step.alias, state)
            if behind:
                raise behind
        if params["state"] == "present":
            # Before the swap: should this process die, the next run knows that what is live came from us.
            begun = dict(known, **{step.alias: _restore.BEGUN for step in todo})
            _host.update_record(params["directory"], params["site"], {_restore.RESTORED: begun})
            with site.stopwatch.step("swap"):
                _restore.swap_all(engines)
    if params["state"] == "rehearsed":
        for engine in engines:
            engine.drop(INCOMING)
        return tables
    known.update({step.alias: digest for step in todo})
    _host.update_record(params["directory"], params["site"], {_restore.RESTORED: known, "migrated": None})
    with site.stopwatch.step("clear up"):
        for engine in engines:
            _restore.drop_blank_previous(engine)
    return tables


def restore(module: AnsibleModule, site: Site) -> Dict[str, Any]:
    """Plan, then apply unless in check mode."""
    params = module.params
    if params["state"] == "rolled_back":
        engines = list(site.engines.values())
        _restore.require_previous(engines)
        done = [] if module.check_mode else _restore.roll_back(engines)
        kept = _host.read_record(params["directory"], params["site"]).get(_restore.RESTORED, {})
        if set(done) & set(kept):
            left = {alias: digest for alias, digest in kept.items() if alias not in done}
            _host.update_record(params["directory"], params["site"], {_restore.RESTORED: left, "migrated": None})
        return {"changed": True, "label": "", "restored": done}
    backup = BackupSet.find(params["directory"], _host.check_site_name(params["site"]), params["label"])
    manifest = backup.read(params["manifest_sha256"])
    digest = backup.digest()
    _restore.refuse_old_host(manifest, site.engines, params["allow_same_host"])
    record = _host.read_record(params["directory"], params["site"])
    steps = _restore.plan(site, manifest, digest, record, params["replace"] or params["state"] == "rehearsed")
    todo = [step for step in steps if not step.done or params["state"] == "rehearsed"]
    result: Dict[str, Any] = {
        "changed": bool(todo),
        "label": backup.label,
        "restored": [step.alias for step in todo],
        "tables": {},
    }
    if not module.check_mode and not params["verified"]:
        with site.stopwatch.step("hash"):
            backup.verify(manifest, params["jobs"] or default_jobs())
    if params["media"] and params["state"] == "present":
        result["changed"] |= _restore.restore_media(site, backup, manifest, module.check_mode)
    if not module.check_mode and todo:
        result["tables"] = apply(module, site, backup, todo, digest)
    result["seconds"] = site.stopwatch.seconds()
    return result


def work_on(module: AnsibleModule) -> Dict[str, Any]:
    """Open the site and restore into it."""
    with open_site(module.params, ("django",)) as site:
        return restore(module, site)


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec=_argspec.merged(
            _argspec.project(),
            _argspec.login(),
            _argspec.aliases(),
            _argspec.work(),
            _argspec.backup_set(),
            {
                "state": {"type": "str", "choices": ["present", "rehearsed", "rolled_back"], "default": "present"},
                "replace": {"type": "bool", "default": False},
                "verified": {"type": "bool", "default": False},
                "media": {"type": "bool", "default": True},
                "allow_same_host": {"type": "bool", "default": False},
            },
        ),
        supports_check_mode=True,
    )
    _argspec.answer(module, work_on)


if __name__ == "__main__":
    main()
