#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight
short_description: Find every obstacle to a move before anything is changed
version_added: 0.1.0
description:
  - Looks at one host, O(side=old) or O(side=new), and lists all that would make the move fail, each with its remedy.
  - It changes nothing and does not fail because of obstacles; the C(preflight) role joins the lists of both hosts and
    fails.
author:
  - The relocate.django authors (@relocate-django)
extends_documentation_fragment:
  - relocate.django.project
  - relocate.django.login
  - relocate.django.aliases
  - relocate.django.work
  - relocate.django.answers
  - relocate.django.sequences
  - relocate.django.definers
  - relocate.django.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  side:
    description: Whether this is the host that the site leaves, or the one it goes to.
    type: str
    choices: [old, new]
    required: true
  old:
    description:
      - The RV(info) that preflight returned on the old host. Without it, O(side=new) only tells of this host, and
        whether units of the project in O(path) run.
    type: dict
  units:
    description: The systemd units that serve the site.
    type: list
    elements: str
    default: []
  files:
    description: Files that git does not hold and that travel in the backup set; relative to O(path), or absolute.
    type: list
    elements: str
    default: []
  files_ignored:
    description:
      - Files and directories that git does not hold and that are carried by other means or may stay, such as a
        directory outside MEDIA_ROOT in which models keep files, or a build. Relative to O(path), or absolute; patterns
        are allowed.
    type: list
    elements: str
    default: []
  python:
    description: The Python that the project's environment is made with on the new host.
    type: str
    default: python3
  revision:
    description:
      - The commit that new gets instead of the one on old. Where no backup set of old brings it along, new must have it
        or get it from the remote.
    type: str
  remote:
    description: The git remote that new asks; by default the one of old. V(none) asks nobody.
    type: str
  requirements:
    description: Requirements files of the project, relative to it; by default they are found.
    type: list
    elements: str
    default: []
  command:
    description: The command that installs the packages instead. What it brings is only known afterwards.
    type: list
    elements: str
    default: []
  pip_extra:
    description: Packages that no file of the project names and that are installed on new.
    type: list
    elements: str
    default: []
  pip_ignored:
    description: Packages that no file of the project names and that new may lack; V(*) for all.
    type: list
    elements: str
    default: []
  installs:
    description: Whether missing programs will be installed later, so that they are no obstacle now.
    type: bool
    default: false
  allow_dirty:
    description: Whether uncommitted changes are accepted.
    type: bool
    default: false
  reload:
    description: Units that are only reloaded on new, such as V(nginx).
    type: list
    elements: str
    default: []
  packages:
    description: Packages of the operating system that are installed on new, so that what they bring is no obstacle.
    type: list
    elements: str
    default: []
  neighbours_ignored:
    description:
      - Settings whose servers need not answer on new, such as V(CACHES['default']); V(*) for all. Those that answer old
        and not new are an obstacle otherwise.
    type: list
    elements: str
    default: []
  cron:
    description:
      - What becomes of lines of cron that run the project on old. V(refuse) makes them an obstacle, since they would
        write while the databases are moved; V(leave) accepts that they go on.
    type: str
    choices: [refuse, leave]
    default: refuse
  services_kept_running:
    description: Units of the project that run on this host and are left running there on purpose.
    type: list
    elements: str
    default: []
  allow_unapplied:
    description:
      - Whether migrations that are not applied on the old host are applied on the new one, instead of being an
        obstacle.
    type: bool
    default: false
  engines:
    description: The databases that get another engine on new, as alias and engine.
    type: dict
    default: {}
  excluded_models:
    description: Tables and models that may stay behind when a database gets another engine.
    type: list
    elements: str
    default: []
  media:
    description: Whether MEDIA is moved, so that what of it cannot be is an obstacle.
    type: bool
    default: true
  media_skip:
    description: Names relative to MEDIA_ROOT that stay behind, with everything below them.
    type: list
    elements: str
    default: []
  orphans:
    description:
      - Tables of SQLite whose rows may refer to rows that are missing. They are copied as they are.
      - Any other such row is an obstacle on old.
    type: list
    elements: str
    default: []
  replace:
    description: Whether databases with tables on the new host will be put aside.
    type: bool
    default: false
  allow_same_host:
    description: Whether both directories may be on one machine, as in a demonstration.
    type: bool
    default: false
seealso:
  - module: relocate.django.project_info
"""

EXAMPLES = r"""
- name: Look at the old host
  relocate.django.preflight:
    site: shop
    side: old
    path: /srv/shop/app
    units: [shop-web.service]
    files: [.env]
  register: on_old
  delegate_to: old1

- name: Look at the new host
  relocate.django.preflight:
    site: shop
    side: new
    path: /srv/shop/app
    old: "{{ on_old.info }}"
"""

RETURN = r"""
obstacles:
  description: Everything that is in the way; empty when the move can begin.
  returned: success
  type: list
  elements: dict
  contains:
    code: {description: Stable error code., type: str, returned: always}
    msg: {description: What is in the way., type: str, returned: always}
    hint: {description: What to do about it., type: str, returned: always}
    alias: {description: The database it is about., type: str, returned: always}
    host: {description: The host it was found on., type: str, returned: always}
info:
  description: On old, what M(relocate.django.project_info) returns, and C(held), what servers beside it hold that no
      move brings along; on new, C(host), C(owner_exists) and
      C(users_missing), whom units run as and the host lacks.
  returned: success
  type: dict
past:
  description: What earlier runs have made of the site on this host.
  returned: success
  type: dict
  contains:
    serves_from:
      description: The backup set by which the site came to serve here; empty when it does not.
      type: str
      returned: always
    served: {description: Whether it served here and was stopped., type: bool, returned: always}
    served_from: {description: The backup set by which it did., type: str, returned: always}
    retired: {description: Whether another host took over., type: bool, returned: always}
    retired_by: {description: The backup set by which that host did., type: str, returned: always}
    held_for:
      description: The backup set that the site was frozen for, once the new host is about to serve.
      type: str
      returned: always
    cut_short:
      description: Whether a run froze the site, and neither ended nor put it back.
      type: bool
      returned: always
    ran:
      description: The units that ran before the site was frozen.
      type: list
      elements: str
      returned: always
    enabled:
      description: The units that started at boot before the site was frozen.
      type: list
      elements: str
      returned: always
"""

from typing import Any, Dict, List, Mapping

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relocate.django.plugins.module_utils import _argspec, _module
from ansible_collections.relocate.django.plugins.module_utils._engines.registry import ENGINES
from ansible_collections.relocate.django.plugins.module_utils._host import facts
from ansible_collections.relocate.django.plugins.module_utils._model import Obstacle, as_plain
from ansible_collections.relocate.django.plugins.module_utils._printable import printable
from ansible_collections.relocate.django.plugins.module_utils._record.lease import GRACE, Lease
from ansible_collections.relocate.django.plugins.module_utils._record.record import Record, check_site_name, read_record
from ansible_collections.relocate.django.plugins.module_utils._secrets import SecretStore, secret_base
from ansible_collections.relocate.django.plugins.module_utils._services import answers, checks
from ansible_collections.relocate.django.plugins.module_utils._site import collect
from ansible_collections.relocate.django.plugins.module_utils._steps import old_info, old_site, preflight_new, readiness
from ansible_collections.relocate.django.plugins.module_utils._users import lookup_user


def ask_old(params: Mapping[str, Any], record: Record) -> List[Obstacle]:
    """Ask old, while it serves, what new must answer: else a wrong expectation shows only during the downtime."""
    if record.is_stopped():
        return []  # it does not serve
    questions = [answers.Question(**item) for item in params["answers"]]
    errors = answers.asked_before(questions, params["answers_timeout"])
    return [Obstacle(error.code, error.msg, error.hint) for error in errors]


def look_at(params: Mapping[str, Any], obstacles: List[Obstacle]) -> Dict[str, Any]:
    """Look at the side that this host is."""
    if params["side"] == "old":
        return old_site.look(old_site.Options.of(params), obstacles)
    return look_at_new(params, obstacles)


def look_at_new(params: Mapping[str, Any], obstacles: List[Obstacle]) -> Dict[str, Any]:
    """The host's facts; the site is not there yet."""
    old = params["old"] or {}
    if old:
        old_info.by_old(old, [kind.name for kind in ENGINES])
        with SecretStore(secret_base(params["directory"])) as secrets:
            obstacles += preflight_new.obstacles_on_new(preflight_new.Options.of(params), old, secrets)
    else:
        obstacles += checks.running(params["path"], params["services_kept_running"])
    owner = params["owner"] or old.get("owner", {}).get("name")
    made = collect(obstacles, lambda: preflight_new.users_to_make(params["units"], old)) or []
    if old:
        obstacles += readiness.obstacles(old_info.needs(old), readiness.Options.of(params), str(owner), made)
    return {
        "host": facts.describe_host(),
        "owner_exists": bool(owner and lookup_user(owner)),
        "users_missing": [name for name in made if name != owner],
    }


def look(module: AnsibleModule) -> Dict[str, Any]:
    """Nothing is written, so there is no plan."""
    params = module.params
    obstacles: List[Obstacle] = []
    site = check_site_name(params["site"])
    other = Lease.holder(params["directory"], site, params["run"])
    if other:
        hint = "wait for it to end; after a crash the site is free again within {0} s".format(GRACE)
        obstacles.append(Obstacle("locked", "another run is at work on this site: {0}".format(other), hint))
    info = collect(obstacles, lambda: look_at(params, obstacles)) or {"host": facts.describe_host()}
    record = collect(obstacles, lambda: read_record(params["directory"], site)) or Record()
    if params["side"] == "old":
        obstacles += ask_old(params, record)
    unique = {(item.code, item.alias, item.msg): item for item in obstacles}
    listed = [dict(as_plain(item), host=info["host"]["name"]) for item in unique.values()]
    for line in info.get("held", ()):
        module.warn(printable(line))
    return {"changed": False, "obstacles": listed, "info": info, "past": record.told()}


#: Options that are lists of names.
_LISTS = (
    "units reload packages neighbours_ignored services_kept_running files files_ignored requirements command pip_extra"
    " pip_ignored excluded_models media_skip orphans"
).split()


def main() -> None:
    """Entry point."""
    names: Dict[str, Any] = {"type": "list", "elements": "str", "default": []}
    module = AnsibleModule(
        argument_spec=_argspec.merged(
            _argspec.project(),
            _argspec.login(),
            _argspec.aliases(),
            _argspec.work(),
            _argspec.sequences(),
            _argspec.definers(),
            _argspec.answers(),
            {
                "side": {"type": "str", "choices": ["old", "new"], "required": True},
                "old": {"type": "dict"},
                **dict.fromkeys(_LISTS, names),
                "cron": {"type": "str", "choices": ["refuse", "leave"], "default": "refuse"},
                "python": {"type": "str", "default": "python3"},
                "revision": {"type": "str"},
                "remote": {"type": "str"},
                "installs": {"type": "bool", "default": False},
                "allow_dirty": {"type": "bool", "default": False},
                "allow_unapplied": {"type": "bool", "default": False},
                "engines": {"type": "dict", "default": {}},
                "media": {"type": "bool", "default": True},
                "replace": {"type": "bool", "default": False},
                "allow_same_host": {"type": "bool", "default": False},
            },
        ),
        supports_check_mode=True,
    )
    _module.answer(module, look, writes=False)


if __name__ == "__main__":
    main()
