#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: relay
short_description: Open a tunnel through the controller for hosts that do not reach each other
version_added: 0.1.0
description:
  - Brings the SSH server of the old host to a port on the new host, through two SSH connections of the controller.
    They are made with the connection variables that Ansible itself uses.
  - M(relocate.django.transfer) then reaches the old host at that port. What passes is encrypted between the two hosts.
    The controller sees no content and stores nothing.
  - A process on the controller keeps the tunnel, makes a broken connection again, and closes all when the run ends,
    however it ends.
  - This action runs on the controller; the host of the task is the new one.
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
  state:
    description: Whether the tunnel is open.
    type: str
    choices: [present, absent]
    default: present
  old:
    description: The old host, by its name in the inventory.
    type: str
    required: true
  port:
    description: The port of the old host's SSH server, which must listen on V(127.0.0.1) too.
    type: int
    default: 22
  pids:
    description: What V(present) returned. The tunnel of this run and pair is known without it.
    type: list
    elements: int
    default: []
notes:
  - Both hosts must be reached by the connection plugin P(ansible.builtin.ssh#connection), with a key or an agent.
    A password cannot be entered.
seealso:
  - module: relocate.django.transfer
  - module: relocate.django.transfer_grant
"""

EXAMPLES = r"""
- name: Join the hosts
  relocate.django.relay:
    old: old.example.com
  register: tunnel

- name: Fetch the backup set through the tunnel
  relocate.django.transfer:
    site: shop
    label: 20261120T193000Z-1a2b3c4d5e6f
    host: ["{{ tunnel.host }}"]
    port: "{{ tunnel.port }}"
    host_keys: "{{ grant.host_keys }}"

- name: Close the tunnel
  relocate.django.relay:
    old: old.example.com
    state: absent
"""

RETURN = r"""
host:
  description: The address at which the new host reaches the old one.
  returned: when O(state=present)
  type: str
  sample: 127.0.0.1
port:
  description: The port there; 0 in check mode.
  returned: when O(state=present)
  type: int
pids:
  description: The processes on the controller, the one that watches first.
  returned: when O(state=present)
  type: list
  elements: int
"""
