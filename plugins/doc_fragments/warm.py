# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options: the pages that the site is asked for before its answers are judged."""

    DOCUMENTATION = r"""
options:
  warm:
    description:
      - Pages that the site is asked for on the new host as soon as it comes up, before O(answers) are, so that its
        caches and workers are warm when its visitors come. Four are asked for at a time.
      - A warning names a page that answers with an error, which decides nothing. All of them together have
        O(answers_timeout) seconds; O(answers) has as many again, once one of them has been answered.
    type: list
    elements: dict
    default: []
    suboptions:
      url:
        description: What to ask for, by the address at which the host serves. Redirects within the site are followed.
        type: str
        required: true
      host:
        description: The name of the site, for the C(Host) header and the certificate.
        type: str
        default: ""
      headers:
        description: Further headers. Their values are not shown.
        type: dict
        default: {}
      validate_certs:
        description: Whether the certificate must be valid for O(warm[].host).
        type: bool
        default: true
"""
