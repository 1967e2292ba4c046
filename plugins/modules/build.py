#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: build
short_description: Build what a checkout lacks, and collect its static files
version_added: 0.1.0
description:
  - Runs the project's build as its owner, in the order given, then C(manage.py collectstatic). Static files are
    generated from code, so new generates its own instead of copying them.
  - While files are collected the project writes below C(STATIC_ROOT) alone, and speaks to no server, unless it fails
    for that. Commands of O(commands) do what they do.
  - A project without STATIC_ROOT, or without C(django.contrib.staticfiles), collects nothing.
author:
  - The relocate.django authors (@relocate-django)
extends_documentation_fragment:
  - relocate.django.project
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
    details: In check mode no command of O(commands) runs, and C(collectstatic) only says what it would write.
  diff_mode:
    support: none
options:
  commands:
    description:
      - Commands that run in the project's directory with its environment first in C(PATH), such as V(npm run build)
        or V(manage.py compilemessages). No shell reads them.
      - A command that collects static files says when that is done, so that others can follow it. Without one it is
        done at the end.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Collect the static files
  relocate.django.build:
    site: shop
    path: /srv/shop/app

- name: Build the front end, collect its files and compress them
  relocate.django.build:
    site: shop
    path: /srv/shop/app
    commands:
      - npm ci
      - npm run build
      - manage.py collectstatic --noinput
      - manage.py compress
"""

RETURN = r"""
ran:
  description: How many of O(commands) ran.
  returned: success
  type: int
collected:
  description: How many static files were written, where no command of O(commands) does that.
  returned: success
  type: int
notes:
  description: What the project wanted to do beside that, and whether it was let.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relocate.django.plugins.module_utils import _module
from ansible_collections.relocate.django.plugins.module_utils._modules.build import MODULE


def main() -> None:
    """Entry point."""
    _module.answer(AnsibleModule(supports_check_mode=True, **MODULE.arguments), MODULE.work_on, MODULE.writes)


if __name__ == "__main__":
    main()
