#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: obstacles
short_description: Join what preflight found on both hosts, and refuse to begin
version_added: 0.1.0
description:
  - Runs on the controller. Fails with every obstacle of both hosts in one message, or tells the playbook how to go on.
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
  site:
    description: The site's name.
    type: str
    required: true
  work:
    description: What is about to begin.
    type: str
    choices: [move, restore, convert]
    default: move
  on_old:
    description: What M(relocate.django.preflight) returned on old, for O(work=move).
    type: dict
  on_new:
    description: What M(relocate.django.preflight) returned on new.
    type: dict
    default: {}
  sets:
    description: The sets that M(relocate.django.backup_info) found, for O(work=restore).
    type: list
    elements: raw
    default: []
  scans:
    description: The results of M(relocate.django.conversion_scan), one for each of O(engines), for O(work=convert).
    type: list
    elements: raw
    default: []
  units:
    description: The systemd units of the site. None is an obstacle, since nothing would stop the old site.
    type: list
    elements: str
    default: []
  engines:
    description: The databases that get another engine on new, as alias and engine.
    type: dict
    default: {}
  from:
    description: The old host, whose variables are looked at too.
    type: str
  answers:
    description: What the site must answer on new, as the user wrote it; it is looked at here, before anything is asked.
    type: raw
    default: []
  warm:
    description: The pages that new is asked for first, as the user wrote them; they are looked at here too.
    type: raw
    default: []
  allow_unfrozen:
    description: Whether O(units) may be empty, since something else keeps the old site from writing.
    type: bool
    default: false
  allow_retired:
    description: Whether the data of an old host may be moved that an earlier move has retired.
    type: bool
    default: false
  replace:
    description: Whether what the site took in on new may be put aside.
    type: bool
    default: false
seealso:
  - module: relocate.django.preflight
"""

EXAMPLES = r"""
- name: Refuse to begin while anything is in the way
  relocate.django.obstacles:
    site: shop
    on_old: "{{ on_old }}"
    on_new: "{{ on_new }}"
    units: [shop-web.service]
"""

RETURN = r"""
aliases:
  description: The databases that have another engine so far.
  returned: when O(work=convert)
  type: list
  elements: str
done:
  description: Whether the site was moved, or has served from the newest set, so that there is nothing to do.
  returned: when O(work=move) or O(work=restore)
  type: bool
obstacles:
  description: Everything that is in the way.
  returned: always
  type: list
  elements: dict
"""
