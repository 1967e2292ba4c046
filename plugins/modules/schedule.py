#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: schedule
short_description: Have a host back up a site every night, and prove the set
version_added: 0.1.0
description:
  - Installs a service and a timer of systemd that run modules of this collection on the host, by themselves. Neither
    Ansible nor a controller is needed for that. The code is the archive in which Ansible brought this module.
  - The arguments of the modules lie in a file of C(/etc/relocate/nightly) that only root can read (0600). They may hold
    secrets; the units, the journal and lists of processes hold none.
author:
  - The relocate.django authors (@relocate-django)
extends_documentation_fragment:
  - relocate.django.work
  - relocate.django.attributes
attributes:
  action_group:
    support: full
    membership:
      - relocate.django.work
  check_mode:
    support: full
  diff_mode:
    support: full
options:
  state:
    description: V(absent) takes away all that was written for the site. Its sets stay.
    type: str
    choices: [present, absent]
    default: present
  calls:
    description: What a night does, in order. A step that fails ends the night.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: What the step is called in the status.
        type: str
        required: true
      module:
        description: The module of this collection, without the collection's name.
        type: str
        choices: [backup, repository, rehearse, backup_info]
        required: true
      arguments:
        description: Its arguments. The run, and the set once the night has made one, are added to them.
        type: dict
        default: {}
      every:
        description: In one night of so many the step is run.
        type: int
        default: 1
  check_nights:
    description:
      - In one night of so many, the repository that the set is pushed to is checked last, and a part of its data is
        read; V(0) never does.
    type: int
    default: 7
  calendar:
    description: When a night begins, as C(OnCalendar) of systemd reads it.
    type: str
    default: "*-*-* 02:00:00"
  delay:
    description: The seconds by which the begin is put off at most, by chance.
    type: int
    default: 3600
  limit:
    description: The seconds that a night may take.
    type: int
    default: 21600
  max_age:
    description: How old the newest set may be that was found equal, for whoever asks the program's C(check).
    type: str
    default: 36h
  group:
    description: A group that may read the status, besides root, such as C(nagios).
    type: str
    default: ""
  metrics:
    description: The directory of the textfile collector of Prometheus' node exporter, where figures are written to.
    type: str
    default: ""
  mail_to:
    description: Who gets a mail, by C(sendmail), when a night has failed.
    type: str
    default: ""
  webhook:
    description: An address that gets the status as JSON when a night has failed. It is a secret.
    type: str
    default: ""
  ping:
    description: An address that is called after each good night. It is a secret.
    type: str
    default: ""
  command:
    description: A command for a shell that root runs when a night has failed. It is kept as a secret.
    type: str
    default: ""
seealso:
  - module: relocate.django.backup
  - module: relocate.django.rehearse
"""

EXAMPLES = r"""
- name: Back up every night, and see that the set can be restored
  relocate.django.schedule:
    site: shop
    calls:
      - name: backup
        module: backup
        arguments: {site: shop, path: /srv/shop/app, keep: 7}
      - name: rehearse
        module: rehearse
        arguments: {site: shop, path: /srv/shop/app, kind: set, requests: full}

- name: Take it away again
  relocate.django.schedule:
    site: shop
    state: absent
"""

RETURN = r"""
timer:
  description: The timer.
  returned: when O(state=present)
  type: str
service:
  description: The service, which can be started by hand.
  returned: when O(state=present)
  type: str
status:
  description: The file that says what became of the last night.
  returned: when O(state=present)
  type: str
check:
  description: The command for Icinga.
  returned: when O(state=present)
  type: list
  elements: str
exit_codes:
  description: What its exit codes mean.
  returned: success
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relocate.django.plugins.module_utils import _module
from ansible_collections.relocate.django.plugins.module_utils._modules.schedule import MODULE


def main() -> None:
    """Entry point."""
    _module.answer(AnsibleModule(supports_check_mode=True, **MODULE.arguments), MODULE.work_on, MODULE.writes)


if __name__ == "__main__":
    main()
