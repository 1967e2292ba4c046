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
  - relocate.django.code
  - relocate.django.login
  - relocate.django.aliases
  - relocate.django.work
  - relocate.django.answers
  - relocate.django.sequences
  - relocate.django.definers
  - relocate.django.attributes
attributes:
  action_group:
    support: full
    membership:
      - relocate.django.project
      - relocate.django.work
      - relocate.django.login
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
      - Before a restore, RV(relocate.django.backup_info#module:sets[].described) of the set.
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
  python_from:
    description:
      - Where O(python) comes from. With V(uv) and V(pyenv) it is a version that is installed before it is needed; what
        keeps it from being installed is an obstacle.
    type: str
    choices: [system, uv, pyenv]
    default: system
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
  install_also:
    description:
      - What else of the site's old host will be installed on new, as M(relocate.django.packages_info) says it, so that
        what it brings is no obstacle now. With O(side=old), RV(info) then says what the site uses of its system; with
        O(side=new) it says what would be installed, as C(installs), and a warning does.
    type: list
    elements: str
    choices: [database, web, cache, queue, packages]
    default: []
  neighbours_carried:
    description:
      - Databases of Redis and virtual hosts of RabbitMQ on old that are carried to new, by address such as
        V(redis://127.0.0.1:6379/0) and V(amqp://127.0.0.1:5672/shop) or by the setting that names them.
    type: list
    elements: str
    default: []
  replicate:
    description: >-
      Whether old is looked at for what replication needs (O(relocate.django.backup#module:replicate)).
    type: bool
    default: false
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
        write while the databases are moved; V(leave) accepts that they go on; V(carry) takes them along, and makes an
        obstacle of what it cannot take.
    type: str
    choices: [refuse, leave, carry]
    default: refuse
  maintenance:
    description: A page on the old host that is shown while the site is frozen; an obstacle when it cannot be read.
    type: path
  forward:
    description:
      - Whether the old host will send visitors on to the new one after the cutover; what cannot be done right is an
        obstacle. The TTL of the site's names in DNS is asked of a name server, and told as a note.
    type: bool
    default: false
  forward_to:
    description: The new host, as the old one reaches it, for O(forward).
    type: str
    default: ""
  pages:
    description:
      - With O(side=old), how many addresses out of the web server's log the site is asked for, besides its front page
        and its pages to log in, so that new can be compared with it. Only paths of plain words that were answered well
        are asked, without their query. Without this option nothing is asked.
    type: int
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
  overridden:
    description:
      - Whether variables of environment files get other values on this host. Before a restore, O(side=new) then asks no
        database server, since the settings may name other ones.
    type: bool
    default: false
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
      move brings along, C(carried), what of Redis and RabbitMQ one does, and C(pages), what O(pages) are answered; on
      new, C(host), C(owner_exists) and C(users_missing), whom units run as and the host lacks.
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

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relocate.django.plugins.module_utils import _module
from ansible_collections.relocate.django.plugins.module_utils._modules.preflight import MODULE


def main() -> None:
    """Entry point."""
    _module.answer(AnsibleModule(supports_check_mode=True, **MODULE.arguments), MODULE.work_on, MODULE.writes)


if __name__ == "__main__":
    main()
