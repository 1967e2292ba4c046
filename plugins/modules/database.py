#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: database
short_description: Make, check or drop the databases that a project's settings name
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
      - V(blank) does the same, and refuses a database that holds tables, unless they were restored by this collection.
      - V(absent) drops the databases. It asks for O(confirm).
    type: str
    choices: [present, blank, absent]
    default: present
  recorded:
    description:
      - What M(relocate.django.preflight) told of the databases on old, RV(relocate.django.preflight#module:info)
        C(databases). Encoding, collation and locale follow it.
    type: dict
    default: {}
  replace:
    description: Whether V(blank) accepts tables, since the restore will put them aside.
    type: bool
    default: false
  confirm:
    description: The site's name again, so that no typing error drops a database.
    type: str
"""

EXAMPLES = r"""
- name: Make the databases that the settings name
  relocate.django.database:
    site: shop
    path: /srv/shop/app
    state: blank
"""

RETURN = r"""
made:
  description: What was made or dropped, by alias.
  returned: success
  type: dict
  sample: {default: [role shop, database shop]}
media_root:
  description: MEDIA_ROOT as the settings on this host have it.
  returned: success
  type: str
"""

from typing import Any, Dict, List

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relocate.django.plugins.module_utils import _argspec, _host
from ansible_collections.relocate.django.plugins.module_utils._engines.base import INCOMING, LIVE, PREVIOUS, Engine
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import facts_from_plain
from ansible_collections.relocate.django.plugins.module_utils._site import open_site


def make(module: AnsibleModule, alias: str, engine: Engine) -> List[str]:
    """Make what is missing for one alias; in check mode tell only."""
    params = module.params
    live = engine.describe()
    ours = alias in _host.read_record(params["directory"], params["site"]).get("restored", {})
    if params["state"] == "blank" and live.tables and not ours and not params["replace"]:
        raise RelocateError(
            "target_not_blank",
            "database {0}: target holds {1} tables".format(alias, live.tables),
            "empty it, or set relocate_replace to keep it aside as previous",
        )
    if module.check_mode:
        return [] if live.exists else ["database " + engine.config.name]
    recorded = params["recorded"].get(alias, {}).get("facts")
    return engine.create_blank(facts_from_plain(recorded) if recorded else None)


def drop(module: AnsibleModule, engine: Engine) -> List[str]:
    """Drop live, incoming and previous; in check mode tell only."""
    if module.params["confirm"] != module.params["site"]:
        raise RelocateError("bad_option", "state absent drops databases", "set confirm to the site's name")
    present = [which for which in (LIVE, INCOMING, PREVIOUS) if engine.exists(which)]
    if not module.check_mode:
        for which in present:
            engine.drop(which)
    return ["{0} database of {1}".format(which, engine.config.alias) for which in present]


def work_on(module: AnsibleModule) -> Dict[str, Any]:
    """One alias after the other."""
    _host.check_site_name(module.params["site"])
    absent = module.params["state"] == "absent"
    with open_site(module.params, ("django",)) as site:
        media_root = str(site.facts["django"].get("media_root") or "")
        made = {
            alias: drop(module, engine) if absent else make(module, alias, engine)
            for alias, engine in site.engines.items()
        }
    lines = [item for items in made.values() for item in items]
    text = "".join(line + "\n" for line in lines)
    diff = {"before": text if absent else "", "after": "" if absent else text}
    return {"changed": bool(lines), "made": made, "media_root": media_root, "diff": diff}


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
                "replace": {"type": "bool", "default": False},
                "confirm": {"type": "str"},
            },
        ),
        required_if=[("state", "absent", ["confirm"])],
        supports_check_mode=True,
    )
    _argspec.answer(module, work_on)


if __name__ == "__main__":
    main()
