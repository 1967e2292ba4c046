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
  - It never changes anything. Everything that does not hold is told in one error.
author:
  - The relocate.django authors (@relocate-django)
extends_documentation_fragment:
  - relocate.django.project
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
  fingerprints:
    description: Whether the content of every table is hashed again, not only counted.
    type: bool
    default: true
  models:
    description: Whether the rows of every model are counted through Django too.
    type: bool
    default: true
  checks:
    description: Whether C(manage.py check --deploy) is run. Errors fail, warnings are told.
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
  description: What the system check warned of.
  returned: success
  type: list
  elements: str
proven:
  description: Always true on success.
  returned: success
  type: bool
seconds:
  description: The seconds of each step; steps that ran side by side overlap.
  returned: success
  type: dict
"""

from typing import Any, Dict, List, Mapping

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relocate.django.plugins.module_utils import _argspec, _host, _restore, _verify
from ansible_collections.relocate.django.plugins.module_utils._backup_set import BackupSet, Manifest
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._site import Site, check_code, open_site


def work_on(module: AnsibleModule) -> Dict[str, Any]:
    """Collect everything that does not hold, then say so at once."""
    params = module.params
    backup = BackupSet.find(params["directory"], _host.check_site_name(params["site"]), params["label"])
    manifest = backup.read(params["manifest_sha256"])
    record = _host.read_record(params["directory"], params["site"])
    topics = ["django", "history"] + (["counts"] if params["models"] else []) + (["checks"] if params["checks"] else [])
    findings: List[str] = []
    tables = {}
    if params["frozen"]:
        return still(params, backup, manifest, record)
    with open_site(params, topics) as site:
        _restore.check_aliases(manifest, site.engines, params["aliases"])
        findings += code_findings(site, manifest)
        for alias, engine in site.engines.items():
            expected = _verify.expected_state(manifest, record, alias)
            with site.stopwatch.step("count"):
                state, tables[alias] = _verify.compare(engine, expected, params["fingerprints"], findings)
            if params["models"]:
                findings += _verify.models_without_rows(alias, site.facts.get("counts", {}), state)
        warned = _verify.checks(site.facts.get("checks", []), findings)
        if params["media"]:
            with site.stopwatch.step("media"):
                findings += _verify.media(manifest.media, site.facts["django"], site.project.owner)
    if findings:
        serves = bool(record.get("moved") or record.get("served"))
        raise RelocateError(
            "not_proven",
            "; ".join(findings[:10]) + ("; ..." if len(findings) > 10 else ""),
            "the site has served here since, and what it took in differs from the set: verify is for the time before"
            if serves
            else "nothing was switched on: find out who changed the data, then run again",
            {"findings": findings},
        )
    return {
        "changed": False,
        "label": backup.label,
        "tables": tables,
        "warnings_of_check": warned,
        "proven": True,
        "seconds": site.stopwatch.seconds(),
    }


def code_findings(site: Site, manifest: Manifest) -> List[str]:
    """Migrations of the set that the code on this host lacks: the first INSERT could fail."""
    try:
        check_code(site, manifest.code)
    except RelocateError as error:
        if error.code != "unknown_migration":
            raise
        return [error.msg]
    return []


def still(
    params: Mapping[str, Any], backup: BackupSet, manifest: Manifest, record: Mapping[str, Any]
) -> Dict[str, Any]:
    """On the old host: nobody wrote to the databases since they were dumped, whoever that could be."""
    with open_site(params, ["django"]) as site:
        _restore.check_aliases(manifest, site.engines, params["aliases"])
        with site.stopwatch.step("count"):
            findings = _verify.written_since(site.engines, manifest, record, backup.label)
    if findings:
        raise RelocateError(
            "freeze_lost",
            "the old databases were written after they were dumped: " + "; ".join(findings[:10]),
            "find who writes that is no unit in relocate_services: cron, a shell, another machine, an event of the "
            "server; stop it, then run again. When it is the project itself, each time that Django loads it, and the "
            "rows are worth nothing, set relocate_recheck: false",
            {"findings": findings},
        )
    result = {"changed": False, "label": backup.label, "tables": {}, "warnings_of_check": [], "proven": True}
    return dict(result, seconds=site.stopwatch.seconds())


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec=_argspec.merged(
            _argspec.project(),
            _argspec.aliases(),
            _argspec.work(),
            _argspec.backup_set(),
            {
                "fingerprints": {"type": "bool", "default": True},
                "models": {"type": "bool", "default": True},
                "checks": {"type": "bool", "default": True},
                "media": {"type": "bool", "default": True},
                "frozen": {"type": "bool", "default": False},
            },
        ),
        supports_check_mode=True,
    )
    _argspec.answer(module, work_on, writes=False)


if __name__ == "__main__":
    main()
