#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rehearse
short_description: Try on new, while old serves, whatever could fail at the cutover
version_added: 0.1.0
description:
  - Looks whether each unit can start (its user, directory, env files and programs are there, and systemd accepts its
    file), lets web servers test their configuration, looks whether the certificates that these name for the site are
    there, match their keys, are valid now and are for its names, imports all that a server imports at its first
    request, looks for what a build should have made, and runs Django's own checks with C(--deploy).
  - Asks the application for pages in its own interpreter, with the data of a backup set in databases beside the live
    ones, which are dropped again. Its databases are read only, its cache is in memory, mail and tasks go nowhere; it
    may write no file and connect to nothing else. What fails for that is a note and no error.
  - Nothing of the site is started. One error lists all that does not work.
author:
  - The relocate.django authors (@relocate-django)
extends_documentation_fragment:
  - relocate.django.project
  - relocate.django.work
  - relocate.django.identity
  - relocate.django.login
  - relocate.django.aliases
  - relocate.django.answers
  - relocate.django.backup_set
  - relocate.django.definers
  - relocate.django.sequences
  - relocate.django.repository
  - relocate.django.attributes
attributes:
  action_group:
    support: full
    membership:
      - relocate.django.project
      - relocate.django.work
      - relocate.django.login
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  units:
    description: The systemd units of the site, which the cutover starts.
    type: list
    elements: str
    default: []
  reload:
    description: Units that the cutover only reloads, such as V(nginx).
    type: list
    elements: str
    default: []
  created:
    description:
      - Files that this run has brought and that were not there before. Those of a server that refuses its configuration
        are removed again, since its next reload would fail.
    type: list
    elements: str
    default: []
  files:
    description:
      - Files and directories that the move carries. Server blocks in these are the site's, as are those that pass
        requests on to it.
    type: list
    elements: str
    default: []
  needs:
    description:
      - What old told of the site, as RV(relocate.django.preflight#module:info) has it under C(needs). Servers that
        answered there, paths that packages brought, and ports are looked for here once more; without it nothing is.
    type: dict
    default: {}
  neighbours_ignored:
    description: Settings whose servers need not answer, such as V(EMAIL_HOST); V(*) for all.
    type: list
    elements: str
    default: []
  carried:
    description:
      - The databases of Redis whose keys will be restored here, as preflight told of them on old; whether those that
        the settings name here are empty and of a late enough version is looked at.
    type: list
    elements: dict
    default: []
  certificates_ignored:
    description: Certificates, by path, and host names that need not fit here; V(*) for all.
    type: list
    elements: str
    default: []
  requests:
    description:
      - Whose data the application is asked with.
      - V(full) with O(label) is that set, which was made for this. That it cannot be loaded is an error.
      - V(requests) is the set of O(label) too, or else the newest set of the site on this host. Where there is none, or
        it cannot be loaded, nothing is asked.
      - V(none) asks nothing.
    type: str
    choices: [full, requests, none]
    default: none
  without:
    description: Why no set was brought to this host, which is said where it has none.
    type: str
    default: ""
  old_pages:
    description:
      - What old answers to some requests, as RV(relocate.django.preflight#module:info) has it under C(pages). They are
        made here too, and another status or title is an error.
    type: dict
    default: {}
  allow_same_host:
    description: Whether the databases may be on the machine that the set was made on.
    type: bool
    default: false
  kind:
    description:
      - V(move) tries what a move needs on this host.
      - V(set) proves the set O(label), or else the newest, on any host of the site, also on the one that serves. With
        O(repository) it is brought from there, and removed again unless it was here. It is loaded beside the
        live databases and compared with its manifest, whatever O(requests) says. Migrations of the code that it lacks
        are applied to the copies, which may do nothing else meanwhile. Then the requests are made, and all is dropped.
        There must be room for the copies.
    type: str
    choices: [move, set]
    default: move
  migrate_limit:
    description: The seconds that migrations of the copies may take.
    type: int
    default: 3600
"""

EXAMPLES = r"""
- name: Try what can be tried before old stops
  relocate.django.rehearse:
    site: shop
    path: /srv/shop/app
    units: [shop-web.service]
    reload: [nginx]

- name: See that a set can be restored, beside the databases that serve
  relocate.django.rehearse:
    site: shop
    path: /srv/shop/app
    label: 20261120T193000Z-1a2b3c4d5e6f
    kind: set
    requests: full
"""

RETURN = r"""
units:
  description: How many units were looked at, with those that these start.
  returned: success
  type: int
tests:
  description: The units whose configuration was tested.
  returned: success
  type: list
  elements: str
certificates:
  description: How many files of certificates were looked at.
  returned: success
  type: int
checked:
  description: Whether Django's checks were run; those that ask a database cannot be, while it is blank.
  returned: success
  type: bool
set:
  description: The label of the set whose data the requests were made with; empty without requests.
  returned: success
  type: str
requests:
  description: The path, host, status, title and seconds of each request.
  returned: success
  type: list
  elements: dict
warnings_of_check:
  description: The warnings of Django's checks.
  returned: success
  type: list
  elements: str
migrations:
  description: With O(kind=set), the migrations that the copies got, each with C(alias), C(name) and C(seconds).
  returned: success
  type: list
  elements: dict
measured:
  description: With O(kind=set), by alias, what of each database was compared with the set.
  returned: success
  type: dict
seconds:
  description: With O(kind=set), the seconds of each step.
  returned: success
  type: dict
notes:
  description: >-
    Notes that are no errors, such as a certificate that expires within 14 days, or a page that could not be judged.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relocate.django.plugins.module_utils import _module
from ansible_collections.relocate.django.plugins.module_utils._modules.rehearse import MODULE


def main() -> None:
    """Entry point."""
    _module.answer(AnsibleModule(supports_check_mode=True, **MODULE.arguments), MODULE.work_on, MODULE.writes)


if __name__ == "__main__":
    main()
