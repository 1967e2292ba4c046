# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says what the module ``restore`` takes, and does it."""

from __future__ import annotations

from typing import Any, Dict

from ansible_collections.relocate.django.plugins.module_utils import _argspec
from ansible_collections.relocate.django.plugins.module_utils._media import stores
from ansible_collections.relocate.django.plugins.module_utils._module import Call, Module, tell
from ansible_collections.relocate.django.plugins.module_utils._record.record import RecordFile
from ansible_collections.relocate.django.plugins.module_utils._site import Site, SiteOptions, check_code, open_site
from ansible_collections.relocate.django.plugins.module_utils._steps import on_copy, verify
from ansible_collections.relocate.django.plugins.module_utils._steps import restore as steps_restore

TOPICS = ("django", "history")


def roll_back(module: Call, site: Site) -> Dict[str, Any]:
    """Go back to the previous databases, unless in check mode."""
    kept = RecordFile.read(module.params["directory"], module.params["site"])
    tell(module, steps_restore.back(site, kept, module.check_mode))
    return {"changed": True, "label": "", "restored": [] if module.check_mode else sorted(site.engines)}


def drop_copies(module: Call, site: Site) -> Dict[str, Any]:
    """Drop the first copies that no restore has made live, unless in check mode."""
    kept = RecordFile.read(module.params["directory"], module.params["site"])
    found = on_copy.drop(site, kept, module.check_mode)
    return {"changed": bool(found), "label": "", "restored": []}


def restore(module: Call, site: Site) -> Dict[str, Any]:
    """Plan, then apply unless in check mode."""
    options = steps_restore.Options.of(module.params)
    source = options.source()
    site.notes.extend(source.backup.unpinned(options.manifest_sha256))
    site.notes.extend(check_code(site, source.manifest.code))
    if options.takes_media and not options.verified:  # a move says it by itself
        site.notes.extend(stores.of_a_restore(verify.stores_of(source.manifest, site)))
    kept = RecordFile.read(options.directory, options.site)
    plan = steps_restore.plan(site, options, source, kept.record)
    measured = steps_restore.Measured()
    if not module.check_mode:
        measured = steps_restore.apply(site, options, source, kept, plan)
    tell(module, measured.failures)
    return {
        "changed": plan.changes,
        "label": source.backup.label,
        "pinned": source.backup.pinned(options.manifest_sha256),
        "restored": plan.restored,
        "tables": measured.tables,
        "measured": measured.measured,
        "followed": measured.followed,
        "served": any(kept.record.has_served_with(alias) for alias in site.engines),
        "seconds": site.stopwatch.seconds(),
        "notes": site.notes,
    }


def work_on(module: Call) -> Dict[str, Any]:
    """Open the site and restore into it."""
    with open_site(SiteOptions.of(module.params), TOPICS) as site:
        does = {"rolled_back": roll_back, "absent": drop_copies}
        return does.get(module.params["state"], restore)(module, site)


MODULE = Module(
    {
        "argument_spec": _argspec.merged(
            _argspec.project(),
            _argspec.login(),
            _argspec.aliases(),
            _argspec.work(),
            _argspec.identity(),
            _argspec.sequences(),
            _argspec.proof(),
            _argspec.definers(),
            _argspec.backup_set(),
            {
                "state": {
                    "type": "str",
                    "choices": ["present", "copied", "absent", "rehearsed", "rolled_back"],
                    "default": "present",
                },
                "replace": {"type": "bool", "default": False},
                "verified": {"type": "bool", "default": False},
                "media": {"type": "bool", "default": True},
                "neighbours": {"type": "bool", "default": True},
                "services_kept_running": {"type": "list", "elements": "str", "default": []},
                "allow_same_host": {"type": "bool", "default": False},
                "allow_same_database": {"type": "bool", "default": False},
            },
        ),
    },
    work_on,
    asks=lambda _params: TOPICS,
)
