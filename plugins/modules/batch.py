#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: batch
short_description: Run several modules of this collection on a host in one task
version_added: 0.1.0
description:
  - Does what the named modules do, one after the other, as if each were a task. Starting a task takes up to a second,
    and within a move the site is down meanwhile.
  - The playbooks send their other modules by this one too. Ansible packs what a module imports once in each run, for
    about a second and for each module anew, and what they import is nearly the same.
  - The arguments of all steps are looked at before the first one is run. The first step that fails ends the task.
author:
  - The relocate.django authors (@relocate-django)
extends_documentation_fragment:
  - relocate.django.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  steps:
    description:
      - What is done, in order.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: What the step is called, in the results and when it fails.
        type: str
        required: true
      module:
        description: The module of this collection, without the collection's name.
        type: str
        choices:
          - backup
          - backup_info
          - build
          - checkout
          - conversion_scan
          - database
          - files
          - forward
          - interpreter
          - media_objects
          - migrate
          - owner_info
          - packages_info
          - preflight
          - project_info
          - rehearse
          - restore
          - sanitise
          - services
          - transfer
          - transfer_grant
          - upgrade
          - verify
        required: true
      arguments:
        description: Its arguments. They may hold secrets, so they are not shown.
        type: dict
        default: {}
  state:
    description:
      - V(done) runs the steps.
      - V(prepared) runs none. Their arguments are looked at, and projects are asked what steps will want to know of
        code and settings alone. For root, the answers are kept in memory (C(/run)), so that later tasks of the same
        run need not ask. They hold what the settings hold of databases, passwords included, and are gone when those
        tasks have read them or the run gives the site back.
      - For root, V(prepared) also starts a process that waits for these tasks, with the modules and the project loaded,
        in a directory of C(/run) that only root can enter. It ends when the run gives the site back, and after 15
        minutes at the latest. A task that it does not take is run as every module.
      - A process of that kind is also begun by V(done), without the project, once the run has the site, where the
        playbooks say that its later tasks have no environment of their own. It takes the tasks until V(prepared) begins
        another one in its place.
    type: str
    choices: [done, prepared]
    default: done
  common:
    description:
      - Arguments of every step that has an option of the name, such as C(label). They replace those in
        C(arguments).
    type: dict
    default: {}
seealso:
  - module: relocate.django.services
  - module: relocate.django.backup
"""

EXAMPLES = r"""
- name: Stop the site, then dump its databases
  relocate.django.batch:
    common:
      site: shop
      label: 20261120T193000Z-1a2b3c4d5e6f
    steps:
      - name: Freeze the site
        module: services
        arguments:
          state: frozen
          units: [celery, gunicorn]
      - name: Back up the databases
        module: backup
        arguments:
          path: /srv/shop/app
          frozen: true
"""

RETURN = r"""
returned:
  description: What each step returned, by its name.
  returned: success
  type: dict
details:
  description: The C(step) that failed, how many seconds each of those before it took (C(done)), and what the error
    itself says.
  returned: failure
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relocate.django.plugins.module_utils import _module
from ansible_collections.relocate.django.plugins.module_utils._modules.batch import MODULE, shown


def main() -> None:
    """Entry point."""
    _module.answer(AnsibleModule(supports_check_mode=True, **MODULE.arguments), MODULE.work_on, MODULE.writes, shown)


if __name__ == "__main__":
    main()
