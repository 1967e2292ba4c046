#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: checkout
short_description: Check out the exact revision of a project, from its remote or from a backup set
version_added: 0.1.0
description:
  - Leaves a detached checkout of one commit, run and owned by the project's owner. Where the remote does not have the
    commit, it comes out of the bundle in the backup set. Hooks and file system monitors of the repository are not
    run.
  - With O(label) the packages are rebuilt too, from lock files or requirements, pinned by what was recorded on old.
author:
  - The relocate.django authors (@relocate-django)
extends_documentation_fragment:
  - relocate.django.work
  - relocate.django.identity
  - relocate.django.attributes
attributes:
  action_group:
    support: full
    membership:
      - relocate.django.work
  check_mode:
    support: full
  diff_mode:
    support: full
options:
  path:
    description: The project's directory.
    type: path
    required: true
  owner:
    description: The system user who owns the project.
    type: str
    required: true
  allow_root:
    description: Whether root may be the owner.
    type: bool
    default: false
  label:
    description: The backup set, complete or prepared, that holds bundle and package list.
    type: str
    required: true
  revision:
    description: The full commit id; by default the one that was recorded on old.
    type: str
  remote:
    description: The repository to fetch from; by default the one that was recorded. V(none) uses the bundle only.
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
  environment_path:
    description: The path of the virtual environment, relative to O(path) or absolute; by default as on old, else
      C(.venv).
    type: str
  requirements:
    description: Requirements files, relative to O(path); by default those that are found.
    type: list
    elements: str
    default: []
  command:
    description: A command that installs the packages in place of requirements files, as a list; it runs in O(path) as
      the owner.
    type: list
    elements: str
    default: []
  pip_extra:
    description:
      - Packages that no file of the project names, such as a web server that somebody installed by hand, as a
        requirements file would name them. Without a version they get the one that was recorded on old.
    type: list
    elements: str
    default: []
  pip_ignored:
    description:
      - Packages that old has, that no file of the project names, and that may be lacking here; V(*) for all. Any other
        one is refused, since the site could miss it.
    type: list
    elements: str
    default: []
  environment:
    description: Variables for git and for the installers, such as an index for pip or a command for ssh.
    type: dict
    default: {}
seealso:
  - module: relocate.django.files
"""

EXAMPLES = r"""
- name: Check out what old runs
  relocate.django.checkout:
    site: shop
    path: /srv/shop/app
    owner: shop
    label: 20261120T193000Z-1a2b3c4d5e6f
"""

RETURN = r"""
revision:
  description: The commit that is checked out.
  returned: success
  type: str
before:
  description: The commit that was checked out before; empty when there was none.
  returned: success
  type: str
python:
  description: The version of the Python in the environment.
  returned: success
  type: str
interpreter:
  description: The project's interpreter.
  returned: success
  type: str
method:
  description: How the packages were installed.
  returned: success
  type: str
notes:
  description: Notes that are no errors, such as packages whose versions differ from old's.
  returned: when not in check mode
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relocate.django.plugins.module_utils import _module
from ansible_collections.relocate.django.plugins.module_utils._modules.checkout import MODULE


def main() -> None:
    """Entry point."""
    _module.answer(AnsibleModule(supports_check_mode=True, **MODULE.arguments), MODULE.work_on, MODULE.writes)


if __name__ == "__main__":
    main()
