#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: transfer_grant
short_description: Let a one-time key read a backup set on the old host
version_added: 0.1.0
description:
  - Adds one line to C(authorized_keys) of O(login). Its key can start an rsync daemon that knows the backup set and
    MEDIA_ROOT, read-only, from the given addresses, until it expires. It opens no shell, forwards nothing, and reads
    nothing else.
  - V(absent) restores the file byte by byte, with its modification time; a file that this module made is removed.
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
    support: none
options:
  state:
    description: Whether the key is accepted.
    type: str
    choices: [present, absent]
    default: present
  public_key:
    description: The key that M(relocate.django.transfer) made on the new host. Required with O(state=present).
    type: str
  addresses:
    description:
      - The addresses from which the key may be used, as the old host sees them. Required with O(state=present).
      - Behind M(relocate.django.relay) the old host sees itself, so V(127.0.0.1) and V(::1) belong here then.
    type: list
    elements: str
    default: []
  login:
    description: The user whose C(authorized_keys) gets the key. A user other than root needs sudo without a password.
    type: str
    default: root
  label:
    description: The backup set that may be read. Required with O(state=present).
    type: str
  media:
    description:
      - MEDIA_ROOT, when it may be read too. A link in its place must lead to a directory that O(owner) may write to.
    type: path
  owner:
    description: The project's owner, as whom O(media) is read. Required with O(media).
    type: str
  valid_for:
    description: Seconds until the key expires by itself. SSH servers before OpenSSH 7.7 know no expiry.
    type: int
    default: 86400
seealso:
  - module: relocate.django.transfer
  - module: relocate.django.relay
"""

EXAMPLES = r"""
- name: Let the new host read the set and MEDIA
  relocate.django.transfer_grant:
    site: shop
    label: 20261120T193000Z-1a2b3c4d5e6f
    media: /srv/shop/media
    owner: shop
    public_key: "{{ key.public_key }}"
    addresses: "{{ key.addresses }}"
  delegate_to: "{{ groups['old'] | first }}"

- name: Take the key back
  relocate.django.transfer_grant:
    site: shop
    state: absent
  delegate_to: "{{ groups['old'] | first }}"
"""

RETURN = r"""
port:
  description: The port of the SSH server.
  returned: when O(state=present)
  type: int
host_keys:
  description: The public host keys, for a strict check on the new host.
  returned: when O(state=present)
  type: list
  elements: str
addresses:
  description: The addresses of this host.
  returned: when O(state=present)
  type: list
  elements: str
login:
  description: The user to log in as.
  returned: when O(state=present)
  type: str
compress:
  description: The methods of compression that rsync on this host knows.
  returned: when O(state=present)
  type: list
  elements: str
media:
  description: Owner and group of MEDIA_ROOT.
  returned: when O(state=present) and O(media) is given
  type: dict
  sample:
    owner: shop
    group: www-data
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relocate.django.plugins.module_utils import _module
from ansible_collections.relocate.django.plugins.module_utils._modules.transfer_grant import MODULE


def main() -> None:
    """Entry point."""
    _module.answer(AnsibleModule(supports_check_mode=True, **MODULE.arguments), MODULE.work_on, MODULE.writes)


if __name__ == "__main__":
    main()
