#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: project_info
short_description: Tell all about a Django project and its databases
version_added: 0.1.0
description:
  - Reads the settings by running them in the project's own interpreter, as the project's owner.
    It reports what plain settings, C(dj-database-url) or C(django-environ) make of them.
  - Tells databases, engine and server versions, migrations, packages, MEDIA, revision and host. No secret is returned.
author:
  - The relocate.django authors (@relocate-django)
extends_documentation_fragment:
  - relocate.django.project
  - relocate.django.login
  - relocate.django.aliases
  - relocate.django.work
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
  gather:
    description:
      - What to ask for besides databases, host and revision. V(counts) and V(checks) take time on a large site.
    type: list
    elements: str
    choices: [django, migrations, history, models, counts, packages, checks]
    default: [django, migrations, packages, history]
seealso:
  - module: relocate.django.preflight
"""

EXAMPLES = r"""
- name: Look at the project, with rows per model
  relocate.django.project_info:
    site: shop
    path: /srv/shop/app
    gather: [django, migrations, models, counts]
  register: shop

- name: Say which revision runs
  ansible.builtin.debug:
    msg: "{{ shop.info.revision.commit }}"
"""

RETURN = r"""
info:
  description: What was found; C(databases), C(revision), C(host), C(owner), C(project), C(media) and what was gathered.
  returned: success
  type: dict
  sample:
    revision: {commit: 1a2b3c4d5e6f, dirty: false}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relocate.django.plugins.module_utils import _module
from ansible_collections.relocate.django.plugins.module_utils._modules.project_info import MODULE


def main() -> None:
    """Entry point."""
    _module.answer(AnsibleModule(supports_check_mode=True, **MODULE.arguments), MODULE.work_on, MODULE.writes)


if __name__ == "__main__":
    main()
