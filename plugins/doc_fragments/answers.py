# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options: the answers that the site must give, and the time it has for them."""

    DOCUMENTATION = r"""
options:
  answers:
    description:
      - Requests that the site must answer on the new host before it counts as started.
      - Preflight asks the old site the same while it serves; an answer that is not as expected is an obstacle. A site
        that is frozen or retired is not asked.
    type: list
    elements: dict
    default: []
    suboptions:
      url:
        description: Where to ask, by the address at which the host serves. Redirects within the site are followed.
        type: str
        required: true
      host:
        description: The name of the site, for the C(Host) header and the certificate.
        type: str
        default: ""
      status:
        description: The status that is expected.
        type: int
        default: 200
      contains:
        description: Text that the answer must hold.
        type: str
        default: ""
      headers:
        description:
          - Further headers, such as C(X-Forwarded-Proto) for an application server that expects a proxy.
          - Their values are not shown. Those of credentials, such as C(Authorization), are taken out of every message.
        type: dict
        default: {}
      validate_certs:
        description: Whether the certificate must be valid for O(answers[].host).
        type: bool
        default: true
      old:
        description: Whether preflight asks the same of the old site, before anything is stopped.
        type: bool
        default: true
  answers_timeout:
    description:
      - Seconds that all of O(answers) may take together. The old site serves already, and gets ten at most.
      - Failures that pass while a site starts are retried, such as a refused connection, a time-out, or 502, 503 and
        504. An unknown host name is reported at once, another answer or a wrong certificate after five seconds.
    type: int
    default: 60
"""
