#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: forward
short_description: Send visitors who still come to the old host on to the new one
version_added: 0.1.0
description:
  - Runs on the old host of a site that was moved, until DNS has moved everywhere. A nginx that goes on for other sites
    gets a file of ours in C(/etc/nginx/conf.d), which takes the site's names. The ports of a web server that was
    stopped with the site, and of units that serve by themselves, are listened at by sockets of systemd.
  - nginx sends the visitor's address along in C(X-Forwarded-For) and C(X-Real-IP). systemd passes bytes through, TLS
    included, so new sees old's address for every visitor. C(PROXY protocol) is not spoken.
  - The record of the site holds all that is written, so that an undo takes it away before old serves again.
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
  platform:
    platforms: linux
options:
  state:
    description:
      - V(present) sends visitors on, and asks old by the site's name until it gives the answer of new. What cannot be
        done right is refused, and taken away again. It refuses a host that serves the site itself.
      - V(told) changes nothing, and tells since when nobody came.
      - V(absent) sends nobody on any more, as soon as it was quiet for O(quiet_hours).
    type: str
    choices: [present, absent, told]
    default: told
  path:
    description: The project's directory on this host. Required with O(state=present).
    type: path
  units:
    description:
      - The units that are stopped with the site. Where the web server is among them, its ports are free.
    type: list
    elements: str
    default: []
  to:
    description: The new host, by its address or by a name that this host knows. Required with O(state=present).
    type: str
  quiet_hours:
    description:
      - With O(state=absent), the hours in which nobody may have come. V(0) does not wait.
      - It counts since visitors are sent on, since the last one, and since the web server or the socket came up,
        whichever was last. Where what was written is no longer there, or does not run, it has not been quiet.
    type: int
    default: 0
seealso:
  - module: relocate.django.services
"""

EXAMPLES = r"""
- name: Send visitors of the site on to new
  relocate.django.forward:
    site: shop
    state: present
    path: /srv/shop
    units: [gunicorn]
    to: 192.0.2.7

- name: Send nobody on any more, once nobody came for three days
  relocate.django.forward:
    site: shop
    state: absent
    quiet_hours: 72
"""

RETURN = r"""
forwards:
  description: Whether visitors were sent on before this task, or are with O(state=present).
  returned: success
  type: bool
removed:
  description: Whether nobody is sent on any more; in check mode, whether it would be so.
  returned: success
  type: bool
to:
  description: The IP address of new.
  returned: when visitors are sent on
  type: str
by:
  description: What sends them on.
  returned: when visitors are sent on
  type: str
  sample: a file of nginx, ports 80, 443
at:
  description: Since when, in seconds since 1970.
  returned: when visitors are sent on
  type: int
files:
  description: The files that were written for it.
  returned: when visitors are sent on
  type: list
  elements: str
answers:
  description: The request that was asked of old and of new, and the status that both gave.
  returned: with O(state=present), but in check mode
  type: dict
quiet_hours:
  description: For how many hours it is known that nobody came; 0 where nobody can know.
  returned: when visitors are sent on
  type: float
quiet_since:
  description: Since when, in seconds since 1970.
  returned: when visitors are sent on
  type: int
last_visit:
  description:
    - When the last visitor came, in seconds since 1970; 0 when none is known. Of systemd's sockets it is the end of the
      last connection since the host was started, to a minute.
  returned: when visitors are sent on
  type: int
visits:
  description: Requests in the last 24 hours. C(-1) where they are not counted, as by systemd's sockets.
  returned: when visitors are sent on
  type: int
visits_more:
  description: Whether there may have been more requests in that time, since the log is longer than what is read of it.
  returned: when visitors are sent on
  type: bool
broken:
  description: Why nobody can come by old, or be seen; empty when all is in place.
  returned: when visitors are sent on
  type: str
notes:
  description: What the user should know of.
  returned: with O(state=present)
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relocate.django.plugins.module_utils import _module
from ansible_collections.relocate.django.plugins.module_utils._modules.forward import MODULE


def main() -> None:
    """Entry point."""
    _module.answer(AnsibleModule(supports_check_mode=True, **MODULE.arguments), MODULE.work_on, MODULE.writes)


if __name__ == "__main__":
    main()
