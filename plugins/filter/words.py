# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: words
short_description: The list that a text with commas means
version_added: 0.1.0
description:
  - Returns the words of a text with commas, as the command line gives it for a list; returns a list as it is.
author:
  - The relocate.django authors (@relocate-django)
options:
  _input:
    description: A text with commas, or a list.
    type: raw
    required: true
"""

EXAMPLES = r"""
- name: Install what the project needs
  ansible.builtin.package:
    name: "{{ ['git'] + (checkout_packages | relocate.django.words) }}"
"""

RETURN = r"""
_value:
  description: The words.
  type: list
  elements: raw
"""

from typing import Any, Callable, Dict

from ansible_collections.relocate.django.plugins.plugin_utils import _options


class FilterModule:
    """The filters of this file."""

    def filters(self) -> Dict[str, Callable[[Any], Any]]:
        """Give each filter by its name."""
        return {"words": _options.words}
