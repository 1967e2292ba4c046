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
  - relocate.django.login
  - relocate.django.aliases
  - relocate.django.work
  - relocate.django.sequences
  - relocate.django.attributes
attributes:
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
  keep:
    description:
      - How many complete sets of the site to keep; V(0) keeps all.
      - Sets with MEDIA and sets without are counted separately, so that sets of moves do not replace the others.
    type: int
    default: 0
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
"""

RETURN = r"""
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
expired:
  description: Labels of sets that O(keep) removed.
  returned: when O(state=present), but for check mode
  type: list
  elements: str
seconds:
  description: The seconds of each step; parallel steps overlap.
  returned: when something was written to a set
  type: dict
notes:
  description: Notes that are no errors, such as a definer that had to be replaced.
  returned: when O(state=present), but for check mode
  type: list
  elements: str
"""

import os
from dataclasses import replace
from typing import Any, Dict, Mapping

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relocate.django.plugins.module_utils import _argspec, _module
from ansible_collections.relocate.django.plugins.module_utils._engines.base import default_jobs, removed_on_failure
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import Revision
from ansible_collections.relocate.django.plugins.module_utils._printable import printable
from ansible_collections.relocate.django.plugins.module_utils._record.keys import Marks
from ansible_collections.relocate.django.plugins.module_utils._record.record import (
    check_site_name,
    read_record,
    update_record,
)
from ansible_collections.relocate.django.plugins.module_utils._set import retention
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._set.label import check_label
from ansible_collections.relocate.django.plugins.module_utils._site import Site, open_site
from ansible_collections.relocate.django.plugins.module_utils._steps import backup as steps_backup
from ansible_collections.relocate.django.plugins.module_utils._steps import preflight
from ansible_collections.relocate.django.plugins.module_utils._steps.proof import check_sequences

LISTS = ("files_ignored", "requirements", "command", "pip_extra", "pip_ignored")


def make(module: AnsibleModule, site: Site) -> Dict[str, Any]:
    """Write the set, or what of it comes before the freeze."""
    params = module.params
    if params["state"] == "present" and not params["checked"]:
        preflight.refuse_set(site, dict(params, installs=False))
    revision = steps_backup.revision_of(site, params["allow_dirty"])
    label = params["label"] or steps_backup.label_for(revision)
    if label.rpartition("-")[2] != revision.commit[:12]:
        raise RelocateError(
            "revision_refused",
            "the set {0} was begun for another revision than {1}".format(label, revision.commit),
            "pause deployments on old, then start again",
        )
    if params["media"] and params["state"] == "present":
        steps_backup.check_media(site, params["media_skip"])
    result = {"changed": True, "label": label, "revision": revision.commit}
    if module.check_mode:
        return dict(result, set=BackupSet.home(params["directory"], params["site"]) + "/" + label)
    retention.clear_unfinished(params["directory"], params["site"], label)
    backup = BackupSet.create(params["directory"], params["site"], label, site.project.owner)
    with removed_on_failure(backup.discard_unfinished):
        return dict(result, set=backup.path, **write(module, site, backup, revision))


def write(module: AnsibleModule, site: Site, backup: BackupSet, revision: Revision) -> Dict[str, Any]:
    """Fill the set; what fails leaves nothing of it."""
    params, label, result = module.params, backup.label, {}  # type: Any, str, Dict[str, Any]
    with site.stopwatch.step("code and files"):
        steps_backup.prepare(site, backup, revision, params)
    if params["state"] == "prepared":
        return dict(result, seconds=site.stopwatch.seconds())
    databases, tokens = steps_backup.dump_all(
        site, backup, params["frozen"], params["fixtures"], params["excluded_models"]
    )
    # Other engines have no use for them. Frozen, a refusal now saves the transfer and the load.
    strict = params["sequences"] == "keep" and (not params["checked"] or (params["frozen"] and not params["fixtures"]))
    for alias, entry in databases.items() if strict else ():
        behind = check_sequences(alias, entry.state)
        if behind:  # a restore would refuse it
            raise behind
    with site.stopwatch.step("media"):
        media = steps_backup.media_of(site, backup, params["media"], params["compression"], params["media_skip"])
    record = read_record(params["directory"], params["site"])
    number = BackupSet.next_sequence(params["directory"], params["site"], record.sequence)
    manifest = steps_backup.compose(site, backup, revision, params, databases, media, number)
    with site.stopwatch.step("hash"):
        result["manifest_sha256"] = backup.finish(manifest, params["jobs"] or default_jobs())
    noted = Marks(label, tokens) if params["frozen"] else None
    update_record(
        params["directory"],
        params["site"],
        lambda latest: replace(latest, sequence=number, marks=noted or latest.marks),
    )
    for note in site.notes:
        module.warn(printable(note))
    result.update(seconds=site.stopwatch.seconds(), notes=site.notes)
    result["bytes"] = backup.size()
    result["rows"] = {alias: entry.state.rows() for alias, entry in databases.items()}
    result["media"] = dict(media)
    result["expired"] = retention.expire(params["directory"], params["site"], params["keep"], label)
    return result


def work_on(module: AnsibleModule) -> Dict[str, Any]:
    """Decide what is missing, then make or remove it."""
    params = module.params
    check_site_name(params["site"])
    known = params["label"] in BackupSet.labels(params["directory"], params["site"])
    if params["state"] == "absent":
        return remove(params, module.check_mode)
    if known:
        found = BackupSet.find(params["directory"], params["site"], params["label"])
        manifest = found.read()
        return {
            "changed": False,
            "label": found.label,
            "set": found.path,
            "revision": manifest.code["commit"],
            "manifest_sha256": found.digest(),
            "bytes": found.size(),
            "rows": {alias: entry.state.rows() for alias, entry in manifest.databases.items()},
            "media": dict(manifest.media),
            "expired": [],
        }
    if params["state"] == "present" and not params["frozen"]:
        steps_backup.refuse_retired(read_record(params["directory"], params["site"]))
    with open_site(params, ("django", "packages", "migrations", "history")) as site:
        return make(module, site)


def remove(params: Mapping[str, Any], check_mode: bool) -> Dict[str, Any]:
    """Remove a set, complete or not, and its pin."""
    found = BackupSet(os.path.join(BackupSet.home(params["directory"], params["site"]), check_label(params["label"])))
    there = os.path.isdir(found.path) and not os.path.islink(found.path)
    if there and not check_mode:
        found.discard()
    return {"changed": there, "label": found.label}


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec=_argspec.merged(
            _argspec.project(),
            _argspec.login(),
            _argspec.aliases(),
            _argspec.work(),
            _argspec.sequences(),
            {
                "state": {"type": "str", "choices": ["prepared", "present", "absent"], "default": "present"},
                "label": {"type": "str"},
                "files": {"type": "list", "elements": "str", "default": []},
                "media": {"type": "bool", "default": True},
                "media_skip": {"type": "list", "elements": "str", "default": []},
                "orphans": {"type": "list", "elements": "str", "default": []},
                "frozen": {"type": "bool", "default": False},
                "fixtures": {"type": "bool", "default": False},
                "excluded_models": {"type": "list", "elements": "str", "default": []},
                "checked": {"type": "bool", "default": False},
                **{name: {"type": "list", "elements": "str", "default": []} for name in LISTS},
                "allow_unapplied": {"type": "bool", "default": False},
                "allow_dirty": {"type": "bool", "default": False},
                "keep": {"type": "int", "default": 0},
            },
        ),
        required_if=[("state", "absent", ["label"])],
        supports_check_mode=True,
    )
    _module.answer(module, work_on)


if __name__ == "__main__":
    main()
