#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: interpreter
short_description: Install a Python of its own for a project, by uv or pyenv
version_added: 0.1.0
description:
  - Where the system's Python does not fit the project, this installs another one below C(/opt/relocate), which belongs
    to root and which every user can run.
  - uv brings Pythons that are built already. Where uv is not there it is installed too, out of the package index. pyenv
    must be there, and compiles.
  - What cannot be had is refused before anything is changed.
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
  python:
    description: The version, such as V(3.12) or V(3.12.4). Write it in quotes.
    type: str
    required: true
  source:
    description: What installs it.
    type: str
    required: true
    choices: [uv, pyenv]
  environment:
    description:
      - Variables for the installers. Taken are those that name an index, a mirror (C(UV_PYTHON_INSTALL_MIRROR),
        C(PYTHON_BUILD_MIRROR_URL)) or a proxy. A directory that they name must be root's.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Have a newer Python than the system's
  relocate.django.interpreter:
    python: "3.12"
    source: uv
"""

RETURN = r"""
path:
  description: The Python's program; empty in check mode when it would be installed.
  returned: success
  type: str
  sample: /opt/relocate/python/cpython-3.12.16-linux-x86_64-gnu/bin/python3.12
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relocate.django.plugins.module_utils import _module
from ansible_collections.relocate.django.plugins.module_utils._modules.interpreter import MODULE


def main() -> None:
    """Entry point."""
    _module.answer(AnsibleModule(supports_check_mode=True, **MODULE.arguments), MODULE.work_on, MODULE.writes)


if __name__ == "__main__":
    main()
