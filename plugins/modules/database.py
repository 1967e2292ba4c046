#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: database
short_description: Create, check or drop the databases that a project's settings name
version_added: 0.1.0
description:
  - Reads the settings on this host and makes, for every alias, the user with the password in the settings, its
    rights, and a blank database. Passwords are read and used in one process and appear nowhere.
author:
  - The relocate.django authors (@relocate-django)
extends_documentation_fragment:
  - relocate.django.project
  - relocate.django.login
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
    description:
      - V(present) makes what is missing and leaves a database that exists as it is.
      - V(blank) does the same, and refuses a database that holds tables, unless they were restored by this collection
        and the site has not served with them since.
      - V(absent) drops the databases that O(which) names. It asks for O(confirm).
    type: str
    choices: [present, blank, absent]
    default: present
  recorded:
    description:
      - The facts about the databases on old that M(relocate.django.preflight) returned,
        RV(relocate.django.preflight#module:info) C(databases). Encoding, collation and locale follow it.
    type: dict
    default: {}
  engines:
    description: The databases that get another engine than O(recorded) says, as alias and engine.
    type: dict
    default: {}
  label:
    description:
      - The set, complete or prepared, to restore databases from. Nothing is created when the code on this host lacks
        migrations that they have applied.
    type: str
  replace:
    description: Whether V(blank) accepts tables, since the restore will keep them aside. That works only while no
      previous database with tables is kept already.
    type: bool
    default: false
  which:
    description: Whether V(absent) drops the live databases with their incoming and previous ones (V(all)), or only
      those that a restore kept aside as previous (V(previous)).
    type: str
    choices: [all, previous]
    default: all
  confirm:
    description: The site's name again, so that a typing error drops nothing.
    type: str
"""

EXAMPLES = r"""
- name: Make the databases that the settings name
  relocate.django.database:
    site: shop
    path: /srv/shop/app
    state: blank

- name: Remove the previous databases, which nobody needs any longer
  relocate.django.database:
    site: shop
    path: /srv/shop/app
    state: absent
    which: previous
    confirm: shop
"""

RETURN = r"""
made:
  description: What was created or dropped, by alias.
  returned: success
  type: dict
  sample: {default: [role shop, database shop]}
notes:
  description: Notes that are no errors, such as applied migrations that no code knows any longer.
  returned: success
  type: list
  elements: str
media_root:
  description: MEDIA_ROOT as the settings on this host have it.
  returned: success
  type: str
"""

from typing import Any, Dict, List, Mapping, Optional

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relocate.django.plugins.module_utils import _argspec, _module
from ansible_collections.relocate.django.plugins.module_utils._engines.base import (
    DISCARDED,
    INCOMING,
    LIVE,
    PREVIOUS,
    Engine,
)
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._fixtures import scan
from ansible_collections.relocate.django.plugins.module_utils._host import facts as host_facts
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseFacts
from ansible_collections.relocate.django.plugins.module_utils._printable import printable
from ansible_collections.relocate.django.plugins.module_utils._record.record import (
    Change,
    Record,
    check_site_name,
    read_record,
    update_record,
)
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._site import Site, SiteOptions, check_code, open_site
from ansible_collections.relocate.django.plugins.module_utils._steps import old_info, origin
from ansible_collections.relocate.django.plugins.module_utils._steps.same_server import (
    place_here,
    place_of,
    same_database,
)


def recorded_for(params: Mapping[str, Any], alias: str, engine: Engine) -> Optional[DatabaseFacts]:
    """The facts of the database on old, unless it gets another engine, as must have been said before."""
    plain = params["recorded"].get(alias, {}).get("facts")
    if not plain:
        return None
    facts = old_info.facts(plain)
    wanted = params["engines"].get(alias, facts.engine)
    if engine.name != wanted and alias in params["engines"]:
        raise RelocateError(
            "unsupported_engine",
            "database {0} is {1} in the settings of new, not {2}".format(alias, engine.name, wanted),
            "name the database of the new engine in relocate_env_overrides",
        )
    if engine.name == facts.engine:
        return facts
    if engine.name != wanted:
        raise RelocateError(
            "unsupported_engine",
            "database {0} is {1} on old and {2} in the settings of new".format(alias, facts.engine, engine.name),
            "use the same engine, or set relocate_engines: {{{0}: {1}}} to convert it".format(alias, engine.name),
        )
    return None


def make(module: AnsibleModule, site: Site, alias: str, engine: Engine) -> List[str]:
    """Make what is missing for one alias; in check mode tell only."""
    params = module.params
    recorded = recorded_for(params, alias, engine)
    if params["state"] == "blank":
        refuse_olds(engine, params["recorded"].get(alias, {}), recorded)
    live = engine.describe()
    if params["state"] == "blank":
        record = read_record(params["directory"], params["site"])
        came_from = origin.origin(engine, record, count=False)
        origin.displaced_name(engine, live, came_from, record, params["replace"])
    if module.check_mode:
        return [] if live.exists else ["database " + engine.config.name]
    made = engine.create_blank(recorded)
    scanned = params["recorded"].get(alias, {}).get("scanned")
    if scanned and recorded is None:
        scan.rehearse(site, engine, scanned)
    return made


def refuse_olds(engine: Engine, known: Mapping[str, Any], recorded: Optional[DatabaseFacts]) -> None:
    """The database must not be old's own, as preflight described it in this run. Raises same_host."""
    machine = str(known.get("machine_id") or "")
    if recorded is None or not machine:
        return
    if same_database(place_of(known, recorded, machine), place_here(engine, host_facts.machine_id())):
        raise RelocateError(
            "same_host",
            "refusing: by the settings of new, database {0} is the OLD one, on the same server".format(
                engine.config.alias
            ),
            "give the new site another database: name its HOST, PORT or NAME in relocate_env_overrides",
        )


def drop(module: AnsibleModule, engine: Engine) -> List[str]:
    """Drop what the options name; in check mode tell only. The record says first that live is no longer ours."""
    params = module.params
    if params["confirm"] != params["site"]:
        raise RelocateError("bad_option", "state absent drops databases", "set confirm to the site's name")
    chosen = (PREVIOUS,) if params["which"] == "previous" else (LIVE, INCOMING, PREVIOUS, DISCARDED)
    present = [which for which in chosen if engine.exists(which)]
    if not module.check_mode and present:
        record = read_record(params["directory"], params["site"])
        if LIVE in chosen and record != Record():
            change = Change(record, origin.forgotten(record, [engine.config.alias]))
            update_record(params["directory"], params["site"], change)
        for which in present:
            engine.drop(which)
    return ["{0} database of {1}".format(which, engine.config.alias) for which in present]


def work_on(module: AnsibleModule) -> Dict[str, Any]:
    """One alias after the other."""
    check_site_name(module.params["site"])
    absent = module.params["state"] == "absent"
    label = "" if absent else str(module.params["label"] or "")
    with open_site(SiteOptions.of(module.params), ("django", "history") if label else ("django",)) as site:
        notes = code_notes(module.params, site, label) if label else []
        media_root = str(site.facts["django"].get("media_root") or "")
        made = {
            alias: drop(module, engine) if absent else make(module, site, alias, engine)
            for alias, engine in site.engines.items()
        }
    lines = [item for items in made.values() for item in items]
    text = "".join(line + "\n" for line in lines)
    diff = {"before": text if absent else "", "after": "" if absent else text}
    for note in notes:
        module.warn(printable(note))
    return {"changed": bool(lines), "made": made, "media_root": media_root, "notes": notes, "diff": diff}


def code_notes(params: Mapping[str, Any], site: Site, label: str) -> List[str]:
    """Refuse code that is older than the set's databases, while old still serves. Raises unknown_migration."""
    backup = BackupSet.prepared(params["directory"], params["site"], label)
    return check_code(site, backup.read_prepared().code)


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec=_argspec.merged(
            _argspec.project(),
            _argspec.login(),
            _argspec.aliases(),
            _argspec.work(),
            {
                "state": {"type": "str", "choices": ["present", "blank", "absent"], "default": "present"},
                "recorded": {"type": "dict", "default": {}},
                "engines": {"type": "dict", "default": {}},
                "label": {"type": "str"},
                "replace": {"type": "bool", "default": False},
                "which": {"type": "str", "choices": ["all", "previous"], "default": "all"},
                "confirm": {"type": "str"},
            },
        ),
        required_if=[("state", "absent", ["confirm"])],
        supports_check_mode=True,
    )
    _module.answer(module, work_on)


if __name__ == "__main__":
    main()
