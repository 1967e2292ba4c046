# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: option
short_description: What is set for the site at work
version_added: 0.1.0
description:
  - Returns the value of a variable of the role C(relocate.django.common) for the site that the playbooks are at. The
    entry of C(relocate_sites) wins; then come the variables of the host that is meant, then those of the host that the
    task is for.
  - On the old host C(relocate_old_NAME), and C(old_NAME) in the entry, win over those without C(old_).
  - A switch or a list that was written as a text, as on the command line, is returned as what it means.
author:
  - The relocate.django authors (@relocate-django)
options:
  _terms:
    description: The name of one variable, without C(relocate_).
    required: true
  host:
    description: The host that is meant; the one that the task is for when it is empty.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Say where the site is
  ansible.builtin.debug:
    msg: "{{ lookup('relocate.django.option', 'path') }}, {{ lookup('relocate.django.option', 'path', host='old1') }}"
"""

RETURN = r"""
_raw:
  description: The value.
  type: list
  elements: raw
"""

from typing import Any, List, Mapping, Optional

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase

from ansible_collections.relocate.django.plugins.plugin_utils import _options, _values


class LookupModule(LookupBase):
    """One value for each question: nothing that may be a secret is kept in a fact."""

    def run(self, terms: List[Any], variables: Optional[Mapping[str, Any]] = None, **kwargs: Any) -> List[Any]:
        """Entry point."""
        self.set_options(var_options=variables, direct=kwargs)
        if len(terms) != 1 or "relocate_{0}".format(terms[0]) not in _values.options():
            raise AnsibleError("relocate.django.option wants the name of one variable, without relocate_")
        return [_options.value_of(str(terms[0]), self.get_option("host"), variables or {}, self._templar.template)]
