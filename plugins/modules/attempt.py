#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: attempt
short_description: Note how far the attempt at a site has come
version_added: 0.1.0
description:
  - Runs on the controller, for the playbooks of this collection. Adds to what was registered as C(relocate_attempt)
    what the step leaves, out of the results of the tasks before it. Rescues, the report and the play that follows when
    new was lost go by it.
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
  step:
    description:
      - The step that was reached. V(begun), V(freezing), V(switching), V(starting), V(serving),
        V(asked), V(stopping) and V(undone) are phases; the others note in a phase what went wrong and how it was left.
    type: str
    required: true
    choices:
      - begun
      - freezing
      - switching
      - starting
      - serving
      - asked
      - stopping
      - undone
      - copied
      - set_chosen
      - copy_failed
      - copy_removed
      - loaded
      - undoing
      - prepared
      - failed
      - unfinished
      - thawed
      - not_put_back
      - stopped
      - stopped_unseen
      - key_left
      - set_left
      - hook_failed
      - forward_failed
      - rehearsed
      - settled
      - serves_on
      - serves_nowhere
"""

EXAMPLES = r"""
- name: Note that new is about to serve
  relocate.django.attempt:
    step: starting
  register: relocate_attempt
"""

RETURN = r"""
phase:
  description: The last phase that was reached.
  returned: always
  type: str
outcome:
  description: What went wrong, and how both hosts were left.
  returned: always
  type: dict
frozen:
  description: The site that old is frozen for; empty once it was put back or moved.
  returned: always
  type: dict
"""
