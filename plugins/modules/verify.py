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
  - It never changes anything, and reports everything that does not hold in one error.
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
    description: Whether C(manage.py check --deploy) is run. Errors fail the task; warnings are returned.
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
  description: The warnings of the system check.
  returned: success
  type: list
  elements: str
pinned:
  description:
    - The digest that the manifest was compared with. V(option) is O(manifest_sha256), V(file) the one stored next to
      the sets when the backup ended, or when a transfer had proven the set.
    - With V(not pinned), only the manifest itself says that nobody edited it.
  returned: success
  type: str
  sample: file
proven:
  description: Whether the rows of a database were compared, and nothing that was asked for differs.
  returned: success
  type: bool
measured:
  description:
    - What was compared in this run, in figures. What was not asked for is absent or null.
    - With O(frozen), how many databases of old were found as they were dumped.
  returned: success
  type: dict
  contains:
    databases:
      description: By alias, C(tables), C(rows), C(contents) (tables whose fingerprints were compared), C(counted) (the
        names of the others), C(sequences) and C(schema) (definitions that were compared).
      type: dict
    settings:
      description: Whether the project's settings were imported on this host.
      type: bool
    models:
      description: How many models were asked for their rows.
      type: int
    checks:
      description: How many warnings Django's check gave; it found no error.
      type: int
    migrations:
      description: Whether the code was asked for every migration that the set's databases have applied.
      type: bool
    media:
      description: C(files), C(bytes) and C(root) of what was recorded and found again; an empty dictionary when the old
        site had none.
      type: dict
    still:
      description: With O(frozen), how many databases were not written since they were dumped.
      type: int
notes:
  description: Notes that are no errors, such as a difference that loses nothing.
  returned: success
  type: list
  elements: str
seconds:
  description: The seconds of each step; parallel steps overlap.
  returned: success
  type: dict
"""

import contextlib
from typing import Any, Dict, Iterator, List, Mapping

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relocate.django.plugins.module_utils import _argspec, _module
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._printable import printable
from ansible_collections.relocate.django.plugins.module_utils._record.record import Record, check_site_name, read_record
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import Manifest
from ansible_collections.relocate.django.plugins.module_utils._site import Site, SiteOptions, check_code, open_site
from ansible_collections.relocate.django.plugins.module_utils._steps import measured as steps_measured
from ansible_collections.relocate.django.plugins.module_utils._steps import restore, verify


def work_on(module: AnsibleModule) -> Dict[str, Any]:
    """Collect everything that does not hold, then say so at once."""
    params = module.params
    sha256 = params["manifest_sha256"]
    backup = BackupSet.find(params["directory"], check_site_name(params["site"]), params["label"], sha256)
    manifest = backup.read(sha256)
    for line in backup.unpinned(sha256):
        module.warn(printable(line))
    record = read_record(params["directory"], params["site"])
    topics = ["django", "history"] + (["counts"] if params["models"] else []) + (["checks"] if params["checks"] else [])
    if params["frozen"]:
        return still(params, backup, manifest, record)
    tables: Dict[str, Any] = {}
    measured: Dict[str, Any] = {"databases": {}}
    findings = _Findings()
    with open_site(SiteOptions.of(params), topics) as site:
        restore.check_aliases(manifest, site.engines, params["aliases"])
        with findings.about("migrations") as found:
            found += code_findings(site, manifest)
        measured["migrations"] = True
        for alias, engine in site.engines.items():
            expected = verify.expected_state(manifest, record, alias)
            with site.stopwatch.step("count"), findings.about("rows") as found:
                state, tables[alias] = verify.compare(engine, expected, params["fingerprints"], found)
            measured["databases"][alias] = steps_measured.database(expected, state)
            if params["models"]:
                with findings.about("models") as found:
                    found += verify.models_without_rows(alias, site.facts.get("counts", {}), state)
        warned = ask_django(params, site, findings, measured)
        if params["media"]:
            with site.stopwatch.step("media"), findings.about("media") as found:
                found += verify.media(manifest.media, site.facts["django"], site.project.owner)
            measured["media"] = {key: manifest.media.get(key) for key in ("root", "files", "bytes", "skip")}
    if findings.texts:
        raise _not_proven(findings, serves=record.has_served())
    return {
        "changed": False,
        "label": backup.label,
        "pinned": backup.pinned(sha256),
        "tables": tables,
        "warnings_of_check": warned,
        "proven": bool(tables),
        "measured": measured,
        "notes": site.notes,
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


def ask_django(params: Mapping[str, Any], site: Site, findings: _Findings, measured: Dict[str, Any]) -> List[str]:
    """Ask the project about itself on this host; returns the warnings of its check."""
    measured["settings"] = True  # they were imported to come here
    if params["models"]:
        measured["models"] = sum(len(item.get("models", {})) for item in site.facts.get("counts", {}).values())
    with findings.about("checks") as found:
        warned = verify.checks(site.facts.get("checks", []), found)
    if params["checks"]:
        measured["checks"] = len(warned)
    return warned


class _Findings:
    """Collects what does not hold, and the promises of the report that this breaks."""

    def __init__(self) -> None:
        self.texts: List[str] = []
        self.broken: List[str] = []

    @contextlib.contextmanager
    def about(self, promise: str) -> Iterator[List[str]]:
        """Gives the list that takes findings about one promise."""
        found: List[str] = []
        yield found
        self.texts += found
        if found and promise not in self.broken:
            self.broken.append(promise)


def _not_proven(findings: _Findings, serves: bool) -> RelocateError:
    return RelocateError(
        "not_proven",
        "; ".join(findings.texts[:10]) + ("; ..." if len(findings.texts) > 10 else ""),
        "the site has served here since, so its data has moved on; run verify before the site serves"
        if serves
        else "fix what is listed, then run the same command again; where rows differ, move or restore once more",
        {"findings": findings.texts, "broken": findings.broken},
    )


def still(params: Mapping[str, Any], backup: BackupSet, manifest: Manifest, record: Record) -> Dict[str, Any]:
    """On the old host: nobody wrote to the databases since they were dumped, whoever that could be."""
    with open_site(SiteOptions.of(params), ["django"]) as site:
        restore.check_aliases(manifest, site.engines, params["aliases"])
        with site.stopwatch.step("count"):
            findings = verify.written_since(site.engines, manifest, record, backup.label)
    if findings:
        raise RelocateError(
            "freeze_lost",
            "the old databases were written after they were dumped: " + "; ".join(findings[:10]),
            "find the process that still writes and is not listed in relocate_services: cron, a shell, another "
            "machine, an event of the server; stop it, then run again. If the project itself writes whenever Django "
            "loads it, and nobody needs those rows, set relocate_recheck: false",
            {"findings": findings},
        )
    return {
        "changed": False,
        "label": backup.label,
        "pinned": backup.pinned(params["manifest_sha256"]),
        "tables": {},
        "warnings_of_check": [],
        "proven": False,
        "measured": {"still": len(site.engines)},
        "notes": site.notes,
        "seconds": site.stopwatch.seconds(),
    }


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
    _module.answer(module, work_on, writes=False)


if __name__ == "__main__":
    main()
