# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: hook
short_description: The task file that the user wants run at a moment
version_added: 0.1.0
description:
  - Returns the absolute path on the controller of the task file that C(relocate_MOMENT) names for the site at work; an
    empty text where none is named. A relative path is looked for beside the inventory.
author:
  - The relocate.django authors (@relocate-django)
options:
  _terms:
    description: The name of one moment, such as V(before_backup).
    required: true
seealso:
  - plugin: relocate.django.option
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Run what the user wants done before the backup
  ansible.builtin.include_tasks: "{{ lookup('relocate.django.hook', 'before_backup') }}"
  when: lookup('relocate.django.option', 'before_backup') | length > 0
"""

RETURN = r"""
_raw:
  description: The path.
  type: list
  elements: str
"""

from typing import Any, List, Mapping, Optional

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase

from ansible_collections.relocate.django.plugins.plugin_utils import _hooks, _options


class LookupModule(LookupBase):
    """Finds the file of one moment."""

    def run(self, terms: List[Any], variables: Optional[Mapping[str, Any]] = None, **kwargs: Any) -> List[Any]:
        """Entry point."""
        self.set_options(var_options=variables, direct=kwargs)
        if len(terms) != 1 or terms[0] not in _hooks.MOMENTS:
            raise AnsibleError("relocate.django.hook wants the name of one moment: " + ", ".join(_hooks.MOMENTS))
        known = variables or {}
        return [_hooks.path_of(_options.value_of(str(terms[0]), "", known, self._templar.template), known)]
