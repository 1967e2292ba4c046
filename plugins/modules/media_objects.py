#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: media_objects
short_description: Copy MEDIA from or to object storage
version_added: 0.1.0
description:
  - Compares where the old host and this one keep MEDIA, and files of model fields that have a storage of their own.
    Where both use one place, nothing is copied, and a note says so.
  - Where one of them keeps MEDIA in a bucket of S3 and the other one elsewhere, it is copied by C(rclone), as the
    project's owner. Both places are listed before and after, and compared by name, size and checksum.
  - What opens a bucket is read from the settings on this host, or from O(credentials_file), and reaches C(rclone) by
    its environment. Credentials of the old host stay there.
  - What has arrived is not sent again, so an interrupted copy is resumed by the next run.
author:
  - The relocate.django authors (@relocate-django)
extends_documentation_fragment:
  - relocate.django.project
  - relocate.django.aliases
  - relocate.django.work
  - relocate.django.attributes
attributes:
  action_group:
    support: full
    membership:
      - relocate.django.project
      - relocate.django.work
  check_mode:
    support: partial
    details: Where something is to be copied, it does not list the places, and always tells of a change.
  diff_mode:
    support: none
requirements:
  - rclone on this host, where something is copied
options:
  stores:
    description: Where the old host keeps files in object storage, as M(relocate.django.preflight) returned it.
    type: list
    elements: dict
    default: []
  machine:
    description: The machine id of the old host, so that a loopback address is not taken for the same server.
    type: str
    default: ""
  on_disk:
    description: Whether MEDIA_ROOT of the old host holds MEDIA, which M(relocate.django.transfer) has brought here.
    type: bool
    default: false
  objects:
    description:
      - What becomes of MEDIA that the old host keeps in another place than this one.
      - V(refuse) fails. V(copy) copies it. V(leave) leaves it where it is, and a note says so.
    type: str
    choices: [refuse, copy, leave]
    default: refuse
  credentials_file:
    description:
      - A file on this host that root alone can read, with C(AWS_ACCESS_KEY_ID), C(AWS_SECRET_ACCESS_KEY), and
        C(AWS_SESSION_TOKEN) where there is one. They open the bucket of the old host, for reading.
      - By default the credentials in the settings on this host do.
    type: path
  delete:
    description:
      - Whether this is the last pass, so that objects that are gone on the old host are removed here, and both places
        must be equal in the end. What no pass saw on the old host stays here.
    type: bool
    default: false
  skip:
    description: Names that stay behind, with everything below them.
    type: list
    elements: str
    default: []
seealso:
  - module: relocate.django.preflight
  - module: relocate.django.transfer
  - module: relocate.django.verify
"""

EXAMPLES = r"""
- name: Copy MEDIA from old's bucket to the one that the settings on new name
  relocate.django.media_objects:
    site: shop
    path: /srv/shop/app
    stores: "{{ preflight.info.django.media_stores }}"
    machine: "{{ preflight.info.host.machine_id }}"
    objects: copy
    credentials_file: /etc/relocate/old-bucket
"""

RETURN = r"""
copied:
  description: What was compared in each pair of places.
  returned: success
  type: list
  elements: dict
  contains:
    who: {description: Whose files they are., type: str, returned: always}
    objects: {description: How many there are., type: int, returned: always}
    bytes: {description: Their size., type: int, returned: always}
    by_size:
      description: How many of them could be compared by name and size only, since a place knows no checksum of them.
      type: int
      returned: always
    sent: {description: How many were copied in this pass., type: int, returned: always}
    removed: {description: How many were removed in this pass., type: int, returned: always}
copies:
  description: Whether there is a pair of places that is copied.
  returned: success
  type: bool
notes:
  description: What was not copied, and why.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relocate.django.plugins.module_utils import _module
from ansible_collections.relocate.django.plugins.module_utils._modules.media_objects import MODULE


def main() -> None:
    """Entry point."""
    _module.answer(AnsibleModule(supports_check_mode=True, **MODULE.arguments), MODULE.work_on, MODULE.writes)


if __name__ == "__main__":
    main()
