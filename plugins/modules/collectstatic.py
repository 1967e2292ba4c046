#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: collectstatic
short_description: Collect a project's static files on this host
version_added: 0.1.0
description:
  - Runs C(manage.py collectstatic) as the project's owner. Static files are generated from code, so new generates its
    own instead of copying them.
  - A project without STATIC_ROOT, or without C(django.contrib.staticfiles), is left alone.
author:
  - The relocate.django authors (@relocate-django)
extends_documentation_fragment:
  - relocate.django.project
  - relocate.django.work
  - relocate.django.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
"""

EXAMPLES = r"""
- name: Collect the static files
  relocate.django.collectstatic:
    site: shop
    path: /srv/shop/app
"""

RETURN = r"""
collected:
  description: How many files were written.
  returned: success
  type: int
"""

import re
from typing import Any, Dict

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relocate.django.plugins.module_utils import _argspec, _module, _site
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._process import last_lines
from ansible_collections.relocate.django.plugins.module_utils._project import probe

_WRITTEN = re.compile(r"^(\d+) (?:static )?files? ", re.MULTILINE)


def work_on(module: AnsibleModule) -> Dict[str, Any]:
    """Collect, or in check mode ask what would be collected."""
    project = _site.ProjectOptions.of(module.params).find()
    django = probe.ask(project, ["django"])["django"]
    if not django["static_root"] or "staticfiles" not in django["apps"]:
        return {"changed": False, "collected": 0}
    args = ["collectstatic", "--noinput", "--no-color"] + (["--dry-run"] if module.check_mode else [])
    result = probe.run_manage(project, args)
    if result.rc != 0:
        text = probe.scrubbed(last_lines(result.err, 5), probe.secrets_of(project))
        raise RelocateError(
            "environment_failed",
            "collectstatic failed (exit {0}): {1}".format(result.rc, text),
            "fix the project's static files, or its build, on old",
        )
    written = _WRITTEN.search(result.out)
    collected = int(written.group(1)) if written else 0
    return {"changed": collected > 0, "collected": collected}


def main() -> None:
    """Entry point."""
    module = AnsibleModule(argument_spec=_argspec.merged(_argspec.project(), _argspec.work()), supports_check_mode=True)
    _module.answer(module, work_on)


if __name__ == "__main__":
    main()
