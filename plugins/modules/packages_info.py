#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: packages_info
short_description: Tell which servers and packages of the system a site lacks on this host
version_added: 0.1.0
description:
  - Compares what a site had on its old host, as that or a backup set tells, with this host, and lists the packages that
    are to be installed. Nothing is changed, and nothing is fetched; let apt read its lists first.
  - A server that is here is no matter of this module, whatever its version and its configuration are. A database whose
    C(HOST) is another machine needs none here.
  - Servers are chosen among names that the module knows. Names of other packages must have the form of one, and be
    known to the archives of this host by exactly that name. A warning lists the others.
  - Debian and Ubuntu only.
author:
  - The relocate.django authors (@relocate-django)
extends_documentation_fragment:
  - relocate.django.login
  - relocate.django.attributes
attributes:
  action_group:
    support: full
    membership:
      - relocate.django.login
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  old:
    description:
      - RV(relocate.django.preflight#module:info) of the old host, or
        RV(relocate.django.backup_info#module:sets[].described) of a set.
    type: dict
    required: true
  install_also:
    description:
      - What is looked for. V(database) is PostgreSQL or MariaDB; V(web) is nginx or Apache, by what old had and by the
        names in O(files), O(units) and O(reload); V(cache) is Redis and memcached; V(queue) is RabbitMQ; V(packages)
        are all other packages of the system that the site used.
    type: list
    elements: str
    choices: [database, web, cache, queue, packages]
    default: []
  units:
    description: The units of the site.
    type: list
    elements: str
    default: []
  reload:
    description: Units that are only reloaded, such as V(nginx).
    type: list
    elements: str
    default: []
  files:
    description: Files that git does not hold and that travel.
    type: list
    elements: str
    default: []
  engines:
    description: The databases that get another engine on new, as alias and engine.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Find what the site of the newest set lacks here
  relocate.django.packages_info:
    old: "{{ found.sets[-1].described }}"
    install_also: [database, web]
    reload: [nginx]
  register: lacking

- name: Install it
  ansible.builtin.apt:
    name: "{{ lacking.packages }}"
"""

RETURN = r"""
packages:
  description: The packages to be installed.
  returned: success
  type: list
  elements: str
  sample: [postgresql, nginx]
units:
  description: The units of the servers among them.
  returned: success
  type: list
  elements: str
  sample: [postgresql.service, nginx.service]
welcome:
  description: >-
    Links by which a web server that is to be installed shows its own page, and which no file of the site replaces: they
    would take the site's requests.
  returned: success
  type: list
  elements: str
  sample: [/etc/nginx/sites-enabled/default]
aliases:
  description: The databases whose server is missing here.
  returned: success
  type: list
  elements: str
lacks:
  description: Whether this host lacks anything that was looked for.
  returned: success
  type: bool
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relocate.django.plugins.module_utils import _module
from ansible_collections.relocate.django.plugins.module_utils._modules.packages_info import MODULE


def main() -> None:
    """Entry point."""
    _module.answer(AnsibleModule(supports_check_mode=True, **MODULE.arguments), MODULE.work_on, MODULE.writes)


if __name__ == "__main__":
    main()
