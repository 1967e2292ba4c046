#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: upgrade
short_description: Switch a site to another revision on its own host, and back
version_added: 0.1.0
description:
  - The steps of the playbook C(relocate.django.upgrade) that concern code, packages and the way back. Dumps, copies,
    migrations and services are the work of the other modules.
  - The new revision is first checked out beside the one that serves, and its packages are installed into an environment
    of their own. The switch checks it out in place, so files that git does not hold stay where they are, and makes the
    path of the environment a link to the new one. The one of before is kept.
  - What the switch began from is noted on the host, so that a later call finds the way back, whatever a killed run has
    left.
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
    support: partial
    details: In check mode V(planned) and V(asked) answer as ever; the others do nothing and say that they would.
  diff_mode:
    support: none
options:
  state:
    description:
      - V(planned) says whether there is anything to do, and refuses what is in the way.
      - V(staged) makes code and environment beside those that serve, and asks the new code about itself.
      - V(begun) notes what the site is. V(switched) exchanges code and environment. Both want the site frozen.
      - V(checked) refuses migrations that took rows away, and notes what the databases hold before the site serves.
      - V(done) notes that the site serves, and removes what nobody needs any more.
      - V(asked) says whether there is a way back, and what was written since.
      - V(back) brings code, environment and databases of before back after an upgrade that did not end;
        V(rolled_back) after one that did.
    type: str
    required: true
    choices: [planned, staged, begun, switched, checked, done, asked, back, rolled_back]
  label:
    description: The backup set that the step is about.
    type: str
  revision:
    description: The full commit id to switch to.
    type: str
  remote:
    description: The repository to fetch from; by default the site's own.
    type: str
  python:
    description: The Python that creates the virtual environment.
    type: str
    default: python3
  python_from:
    description:
      - Where O(python) comes from. With V(uv) and V(pyenv) it is a version that M(relocate.django.interpreter) has
        installed.
    type: str
    choices: [system, uv, pyenv]
    default: system
  requirements:
    description: Requirements files, relative to O(path); by default those that are found.
    type: list
    elements: str
    default: []
  command:
    description: A command that installs the packages in place of requirements files, as a list; it runs in the new
      checkout as the owner.
    type: list
    elements: str
    default: []
  pip_extra:
    description: Packages that no file of the project names, as a requirements file would name them.
    type: list
    elements: str
    default: []
  pip_ignored:
    description: Packages that no file of the project names, and that the new environment may lack; V(*) for all.
    type: list
    elements: str
    default: []
  rows_lost:
    description: Tables that migrations may take rows from; V(*) for all.
    type: list
    elements: str
    default: []
  refuse_written:
    description: Whether V(asked) refuses when databases were written since the upgrade was checked.
    type: bool
    default: false
seealso:
  - module: relocate.django.checkout
  - module: relocate.django.restore
  - module: relocate.django.migrate
"""

EXAMPLES = r"""
- name: Ask what an upgrade would do
  relocate.django.upgrade:
    site: shop
    path: /srv/shop/app
    revision: 8d3bb3dca4d3ad7d1ed4b0c5a1c6d1b7ae3e3a55
    state: planned
"""

RETURN = r"""
needed:
  description: Whether the site runs another revision.
  returned: with state V(planned)
  type: bool
unfinished:
  description: Whether a run was killed in the middle of an upgrade, which is to be put back first.
  returned: with state V(planned)
  type: bool
before:
  description: The revision that the site runs, or ran before the upgrade.
  returned: unless there is no upgrade to speak of
  type: str
revision:
  description: The revision that it is switched to.
  returned: unless there is no upgrade to speak of
  type: str
path:
  description: The project's directory in the checkout beside the one that serves.
  returned: with state V(staged)
  type: str
interpreter:
  description: The Python of the new environment.
  returned: with state V(staged)
  type: str
plan:
  description: The migrations that will be applied, by alias.
  returned: with state V(staged)
  type: dict
warnings_of_check:
  description: Warnings of Django's system check on the new code.
  returned: with state V(staged)
  type: list
  elements: str
rows_lost:
  description: How many rows migrations took from each table, by alias.
  returned: with state V(checked)
  type: dict
upgraded:
  description: Whether an upgrade is noted that there is a way back from.
  returned: with state V(asked)
  type: bool
done:
  description: Whether that upgrade came to its end.
  returned: with state V(asked), when there is one
  type: bool
taken_in:
  description: The databases that were written since the upgrade was checked.
  returned: with state V(asked)
  type: list
  elements: str
put_back:
  description: Whether code, environment and databases were brought back.
  returned: with the states V(back) and V(rolled_back)
  type: bool
saved:
  description: The set that holds what was written since, as O(label) says; empty for none.
  returned: with the states V(back) and V(rolled_back), when they brought anything back
  type: str
notes:
  description: Notes that are no errors.
  returned: with the states V(staged), V(back) and V(rolled_back)
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relocate.django.plugins.module_utils import _module
from ansible_collections.relocate.django.plugins.module_utils._modules.upgrade import MODULE


def main() -> None:
    """Entry point."""
    _module.answer(AnsibleModule(supports_check_mode=True, **MODULE.arguments), MODULE.work_on, MODULE.writes)


if __name__ == "__main__":
    main()
