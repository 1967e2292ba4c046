#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: migrate
short_description: Plan and apply Django migrations, and note what they led to
version_added: 0.1.0
description:
  - Runs C(manage.py migrate) in the project's interpreter as the project's owner, for every database of the project.
  - A database that has never been migrated is data that another program made, and is left as it is, unless O(fresh) is
    set. It holds no C(django_migrations), or an empty one.
  - After migrations were applied, the counts of the databases are noted on the host, so that
    M(relocate.django.verify) knows what must be there.
author:
  - The relocate.django authors (@relocate-django)
extends_documentation_fragment:
  - relocate.django.project
  - relocate.django.aliases
  - relocate.django.work
  - relocate.django.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
options:
  state:
    description: V(applied) applies what the plan holds, V(planned) only tells it.
    type: str
    choices: [planned, applied]
    default: applied
  app:
    description: Migrate this app only.
    type: str
  migration:
    description: Migrate O(app) to this migration, forward or back; V(zero) takes all of its migrations back.
    type: str
  fake:
    description: Mark migrations as applied without running them.
    type: bool
    default: false
  fake_initial:
    description: Skip an initial migration whose tables exist already.
    type: bool
    default: false
  fresh:
    description: Whether databases that have never been migrated are migrated too, such as blank ones of a new project.
    type: bool
    default: false
  check_missing:
    description: Refuse when models hold changes that no migration holds.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Apply what is not applied
  relocate.django.migrate:
    site: shop
    path: /srv/shop/app

- name: Go back to a named migration
  relocate.django.migrate:
    site: shop
    path: /srv/shop/app
    app: orders
    migration: 0007_invoice
"""

RETURN = r"""
plan:
  description: The migrations in the order in which they are applied, by alias.
  returned: success
  type: dict
  sample: {default: [orders.0008_refund]}
databases:
  description: What became of each database, by alias.
  returned: success
  type: dict
  contains:
    state:
      description: V(applied), V(planned), V(current) when there was nothing to do, or V(never_migrated).
      type: str
      returned: always
    migrations:
      description: Those that were applied, or would be.
      type: list
      elements: str
      returned: always
    text:
      description: The same as a sentence.
      type: str
      returned: always
  sample: {legacy: {state: never_migrated, migrations: [], text: database legacy ...}}
"""

from dataclasses import replace
from typing import Any, Dict, List, Mapping, Optional, Sequence

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relocate.django.plugins.module_utils import _argspec, _module
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import as_plain
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
from ansible_collections.relocate.django.plugins.module_utils._steps.proof import state_of


def check(site: Site, check_missing: bool) -> None:
    """Refuse what migrate would stumble over half way. Raises migration_conflict, missing_migrations."""
    conflicts, missing = site.facts["migrations"]["conflicts"], site.facts["migrations"]["missing"]
    if conflicts:
        raise RelocateError(
            "migration_conflict",
            "conflicting migrations in {0}".format(", ".join(sorted(conflicts))),
            "merge them with manage.py makemigrations --merge",
        )
    if check_missing and missing:
        raise RelocateError(
            "missing_migrations",
            "models have changes that no migration holds: {0}".format(", ".join(missing)),
            "run makemigrations and commit the result",
        )


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


def apply(module: AnsibleModule, site: Site, plan: Dict[str, Any]) -> None:
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
        )
    states = {alias: as_plain(state_of(site.engines[alias], "live", "", True)) for alias in plan}
    done = Migrated(MIGRATIONS_APPLIED, {**known, **states})
    update_record(params["directory"], params["site"], lambda latest: replace(latest, migrated=done, restored=kept))


def work_on(module: AnsibleModule) -> Dict[str, Any]:
    """Plan by what Django says, then apply unless in check mode."""
    params = module.params
    check_site_name(params["site"])
    with open_site(SiteOptions.of(params), ("migrations",)) as site:
        check(site, params["check_missing"])
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


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec=_argspec.merged(
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
            },
        ),
        required_by={"migration": ["app"]},
        supports_check_mode=True,
    )
    _module.answer(module, work_on)


if __name__ == "__main__":
    main()
