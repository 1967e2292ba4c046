#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: transfer
short_description: Bring a backup set or MEDIA from the old host to the new one
version_added: 0.1.0
description:
  - Makes a one-time key on the new host, and with it fetches from the old host what M(relocate.django.transfer_grant)
    lets it read, by rsync over SSH. Nothing passes through the controller.
  - What has arrived is not sent again. A lost connection is taken up again, and an interrupted task resumes at the next
    run.
  - The manifest of a set comes last. Then every file is compared with its sha256, so what lies here as a set is one.
author:
  - The relocate.django authors (@relocate-django)
extends_documentation_fragment:
  - relocate.django.work
  - relocate.django.backup_set
  - relocate.django.attributes
attributes:
  action_group:
    support: full
    membership:
      - relocate.django.work
  check_mode:
    support: partial
    details: For MEDIA it cannot ask the old host, and always tells of a change.
  diff_mode:
    support: none
options:
  state:
    description:
      - V(ready) makes the key pair.
      - V(fetched) brings O(what).
      - V(absent) removes the key pair. What was fetched stays.
    type: str
    choices: [ready, fetched, absent]
    default: fetched
  what:
    description:
      - What to bring. A set is named by O(label). Without O(manifest_sha256) it comes without its manifest, as it does
        before the site is frozen, and is no set yet.
    type: str
    choices: [set, media]
    default: set
  method:
    description: V(local) copies between two directories of one machine, without rsync and SSH.
    type: str
    choices: [ssh, local]
    default: ssh
  host:
    description: Addresses of the old host. The first one that answers with one of O(host_keys) is taken.
    type: list
    elements: str
    default: []
  port:
    description: The port of its SSH server.
    type: int
    default: 22
  host_keys:
    description: Its public host keys. No other host is accepted.
    type: list
    elements: str
    default: []
  login:
    description: The user on the old host whose C(authorized_keys) holds the key.
    type: str
    default: root
  owner:
    description: The project's owner on this host, who gets MEDIA.
    type: str
  group:
    description: The group of MEDIA, when this host has it. By default that of O(owner).
    type: str
  media:
    description: MEDIA_ROOT on this host. Required with O(what=media).
    type: path
  delete:
    description:
      - Whether this is the last pass, so that files of MEDIA that are gone on the old host are removed here.
    type: bool
    default: false
  replace:
    description:
      - Whether files that were in MEDIA before the first transfer are accepted. By default they are refused, in the
        first pass already, but for those that came with the checkout.
      - What would be overwritten or deleted of them is kept in RV(previous), as is what a site that served here took
        in.
    type: bool
    default: false
  skip:
    description: Names relative to MEDIA_ROOT that stay unchanged on both hosts, with everything below them.
    type: list
    elements: str
    default: []
  compress:
    description:
      - The methods of compression that rsync on the old host knows, as M(relocate.django.transfer_grant) returns them.
        A set is compressed on its way when both hosts know zstd. MEDIA, mostly compressed already, is not.
    type: list
    elements: str
    default: []
  source_directory:
    description: The work directory of the old side. Required with O(method=local) and O(what=set).
    type: path
  media_source:
    description: MEDIA_ROOT on the old side. Required with O(method=local) and O(what=media).
    type: path
seealso:
  - module: relocate.django.transfer_grant
  - module: relocate.django.relay
  - module: relocate.django.backup
"""

EXAMPLES = r"""
- name: Make a one-time key
  relocate.django.transfer:
    site: shop
    state: ready
  register: key

- name: Fetch the backup set, and verify it
  relocate.django.transfer:
    site: shop
    label: 20261120T193000Z-1a2b3c4d5e6f
    manifest_sha256: "{{ backup.manifest_sha256 }}"
    host: "{{ grant.addresses }}"
    port: "{{ grant.port }}"
    host_keys: "{{ grant.host_keys }}"
    owner: shop

- name: Fetch what is new in MEDIA
  relocate.django.transfer:
    site: shop
    what: media
    media: /srv/shop/media
    owner: shop
    host: "{{ grant.addresses }}"
    port: "{{ grant.port }}"
    host_keys: "{{ grant.host_keys }}"
"""

RETURN = r"""
public_key:
  description: The key to accept on the old host.
  returned: when O(state=ready)
  type: str
addresses:
  description: The addresses of this host.
  returned: when O(state=ready)
  type: list
  elements: str
set:
  description: The set's directory on this host.
  returned: when O(state=fetched) and O(what=set)
  type: str
complete:
  description: Whether it is a whole set, each file of it with the digest that O(manifest_sha256) stands for.
  returned: when O(state=fetched) and O(what=set)
  type: bool
files:
  description: How many files were transferred.
  returned: when O(state=fetched)
  type: int
bytes:
  description: The size of these files.
  returned: when O(state=fetched)
  type: int
received:
  description: How many bytes came over the network.
  returned: when O(state=fetched)
  type: int
deleted:
  description: How many files were removed.
  returned: when O(state=fetched)
  type: int
previous:
  description:
    - The directory next to MEDIA_ROOT that holds files that would have been lost here; empty when there are none.
    - Only the owner can read it, and this collection never deletes it.
  returned: when O(state=fetched) and O(what=media)
  type: str
address:
  description: The address of the old host that was used; empty when nothing had to be fetched.
  returned: when O(state=fetched)
  type: str
seconds:
  description: The seconds of each step; parallel steps overlap.
  returned: success
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relocate.django.plugins.module_utils import _module
from ansible_collections.relocate.django.plugins.module_utils._modules.transfer import MODULE


def main() -> None:
    """Entry point."""
    _module.answer(AnsibleModule(supports_check_mode=True, **MODULE.arguments), MODULE.work_on, MODULE.writes)


if __name__ == "__main__":
    main()
