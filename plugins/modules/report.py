#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: report
short_description: Write down how a move went
version_added: 0.1.0
description:
  - Runs on the controller. Writes a JSON and an HTML report, and prints a screenful.
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
    description:
      - V(written) reports one site, out of what the attempt and the modules returned.
      - V(turn) fails when O(stop_after) sites of this run failed or were not finished, so that no more are begun.
      - V(concluded) ends the work on a host, and fails when a site was not moved.
      - V(ended) ends the run. It prints one paragraph for each site that was not moved, on whatever host, which says
        what failed, what serves now, the downtime, and the next command.
      - V(told) only says in a sentence what became of a site, see O(what).
      - V(failed) fails in a rescue, with the code of the task that failed. It prints the whole message before, or
        O(failures), and the next command.
    type: str
    choices: [turn, written, concluded, ended, told, failed]
    default: written
  what:
    description: What was done to the site, for O(state=told) and O(state=failed).
    type: str
    choices: [restored, converted, kept, undone, rehearsed]
  stop_after:
    description: How many sites may fail, on all hosts together, for O(state=turn); V(0) for any number.
    type: int
    default: 0
  failures:
    description: What went wrong with each site, for O(state=failed).
    type: list
    elements: str
    default: []
  site:
    description: The site's name.
    type: str
  directory:
    description: Where the reports go, on the controller.
    type: path
    default: relocate-reports
  template:
    description:
      - A Jinja2 template on the controller that makes the HTML page, in place of the collection's own in
        C(roles/report/templates/report.html.j2). It gets the values of that one, and may include what lies beside it.
    type: path
    default: ""
  outcome:
    description: How the site was left, for O(state=told) and O(state=failed).
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Fail when a site was not moved
  relocate.django.report:
    state: concluded
"""

RETURN = r"""
outcome:
  description: The outcome with its status, times and the paths of the reports.
  returned: when O(state=written)
  type: dict
outcomes:
  description: The outcomes of all sites that this run has reported, the next task of this kind adds to them.
  returned: when O(state=written)
  type: list
  elements: dict
"""
