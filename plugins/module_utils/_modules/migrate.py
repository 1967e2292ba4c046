# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says what the module ``migrate`` takes, and does it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ansible_collections.relocate.django.plugins.module_utils import _argspec
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import as_plain
from ansible_collections.relocate.django.plugins.module_utils._module import Call, Module
from ansible_collections.relocate.django.plugins.module_utils._process import last_lines
from ansible_collections.relocate.django.plugins.module_utils._project import probe
from ansible_collections.relocate.django.plugins.module_utils._record.keys import Migrated
from ansible_collections.relocate.django.plugins.module_utils._record.record import (
    MIGRATING,
    MIGRATIONS_APPLIED,
    MIGRATIONS_BEGUN,
    check_site_name,
    read_record,
    update_record,
)
from ansible_collections.relocate.django.plugins.module_utils._site import Site, SiteOptions, never_migrated, open_site
from ansible_collections.relocate.django.plugins.module_utils._steps import migrations
from ansible_collections.relocate.django.plugins.module_utils._steps.proof import state_of

TOPICS = ("migrations",)


def is_left(site: Site, alias: str, fresh: bool) -> bool:
    """Tell whether a database is left as it is: it was never migrated, and nobody asked for that."""
    return never_migrated(site, alias) and not fresh


def plan_of(site: Site, alias: str, app: Optional[str], name: Optional[str], fresh: bool) -> List[str]:
    """The migrations to be applied (or taken back) in one database, in order."""
    if is_left(site, alias, fresh):
        return []
    if not app:
        return list(site.facts["migrations"]["aliases"][alias]["unapplied"])
    args = ["migrate", "--plan", "--no-color", "--database", alias, "--", app] + ([name] if name else [])
    result = probe.run_manage(site.project, args)
    if result.rc != 0:
        text = probe.scrubbed(last_lines(result.err, 3), probe.secrets_of(site.project))
        raise RelocateError(
            "migration_failed", "no plan for {0} on {1}: {2}".format(app, alias, text), "run manage.py showmigrations"
        )
    planned = result.out.partition("Planned operations:")[2]
    return [line.strip() for line in planned.splitlines() if line and not line.startswith(" ")]


def apply(module: Call, site: Site, plan: Dict[str, Any]) -> None:
    """Apply alias by alias. The record says first that the databases are in motion: a failure is never resumed."""
    params = module.params
    record = read_record(params["directory"], params["site"])
    kept, known = record.restored, record.migrated.states if record.migrated else {}
    moving = {alias: MIGRATING if alias in plan else digest for alias, digest in kept.items()}
    begun = Migrated(MIGRATIONS_BEGUN)
    update_record(params["directory"], params["site"], lambda latest: replace(latest, migrated=begun, restored=moving))
    for alias in plan:
        probe.migrate(
            site.project,
            alias,
            app=params["app"],
            name=params["migration"],
            fake=params["fake"],
            fake_initial=params["fake_initial"],
            timeout=params["timeout"] or None,
        )
    states = {alias: as_plain(state_of(site.engines[alias], "live", "", True)) for alias in plan}
    done = Migrated(MIGRATIONS_APPLIED, {**known, **states})
    update_record(params["directory"], params["site"], lambda latest: replace(latest, migrated=done, restored=kept))


def work_on(module: Call) -> Dict[str, Any]:
    """Plan by what Django says, then apply unless in check mode."""
    params = module.params
    check_site_name(params["site"])
    with open_site(SiteOptions.of(params), TOPICS) as site:
        migrations.check(site, params["check_missing"])
        plans = {
            alias: plan_of(site, alias, params["app"], params["migration"], params["fresh"]) for alias in site.engines
        }
        applies = params["state"] == "applied" and not module.check_mode
        databases = {
            alias: tell(alias, plan, is_left(site, alias, params["fresh"]), applies) for alias, plan in plans.items()
        }
        todo = {alias: plan for alias, plan in plans.items() if plan}
        if todo and applies:
            apply(module, site, todo)
    changed = bool(todo) and params["state"] == "applied"
    diff = {"before": "", "after": listed(todo) if changed else ""}
    return {"changed": changed, "plan": plans, "databases": databases, "diff": diff}


def listed(plans: Mapping[str, Sequence[str]]) -> str:
    """A line for each migration, for the diff."""
    return "".join("{0}: {1}\n".format(alias, name) for alias, plan in plans.items() for name in plan)


def tell(alias: str, plan: Sequence[str], left: bool, applies: bool) -> Dict[str, Any]:
    """Say what became of one database, for the report."""
    if left:
        state, text = "never_migrated", "has never been migrated: left as it is"
    elif not plan:
        state, text = "current", "needed no migration"
    else:
        state = "applied" if applies else "planned"
        text = "{0} {1} migrations: {2}".format("got" if applies else "would get", len(plan), ", ".join(plan))
    return {"state": state, "migrations": list(plan), "text": "database {0} {1}".format(alias, text)}


MODULE = Module(
    {
        "argument_spec": _argspec.merged(
            _argspec.project(),
            _argspec.aliases(),
            _argspec.work(),
            {
                "state": {"type": "str", "choices": ["planned", "applied"], "default": "applied"},
                "app": {"type": "str"},
                "migration": {"type": "str"},
                "fake": {"type": "bool", "default": False},
                "fake_initial": {"type": "bool", "default": False},
                "fresh": {"type": "bool", "default": False},
                "check_missing": {"type": "bool", "default": False},
                "timeout": {"type": "int", "default": 0},
            },
        ),
        "required_by": {"migration": ["app"]},
    },
    work_on,
    asks=lambda _params: TOPICS,
)
