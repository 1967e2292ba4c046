#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: services
short_description: Freeze, thaw, start or retire the systemd units of a Django site
version_added: 0.1.0
description:
  - Brings all units of a site to one state, in one task. Stopping those of the old host is the only thing that a
    move alters there, so their states are written down first. V(thawed) brings back exactly those.
  - While a site is frozen, a timer of systemd waits on the host itself. It starts the units again after
    O(freeze_limit), even when the controller is lost.
  - When a unit does not stop or start, what was done so far is taken back before the task fails.
author:
  - The relocate.django authors (@relocate-django)
extends_documentation_fragment:
  - relocate.django.work
  - relocate.django.identity
  - relocate.django.answers
  - relocate.django.warm
  - relocate.django.project
  - relocate.django.attributes
attributes:
  action_group:
    support: full
    membership:
      - relocate.django.project
      - relocate.django.work
  check_mode:
    support: full
  diff_mode:
    support: full
  platform:
    platforms: linux
options:
  state:
    description:
      - V(frozen) writes the states down, arms the timer, and stops the units. It refuses before it stops anything when
        a unit does not exist, or when a timer or socket that is not among O(units) would start one again.
      - V(held) makes sure that the freeze is that of O(run) and O(label), and that nothing has run since. It takes the
        timer away, and disables the units, so that a reboot does not bring the site back beside the new one. Ask for it
        just before the cutover.
      - V(thawed) starts what was active before V(frozen), enables what was enabled, and takes the timer away. Without a
        record of a freeze it does nothing. A site that was V(retired) is left alone unless O(retired=true).
      - V(started) enables and starts the units on the new host, waits until they stay up, and asks for O(warm), then
        for O(answers).
      - V(stopped) stops and disables the units on the new host, and makes sure that all of them are down.
      - V(retired) stops and disables the units on the old host after the cutover. It refuses, and stops nothing, when a
        unit runs there although the site was V(held). V(thawed) with O(retired=true) undoes it.
      - V(frozen), V(held) and V(retired) refuse an empty list of O(units), unless O(allow_unfrozen=true).
    type: str
    choices: [frozen, held, thawed, started, stopped, retired]
    required: true
  units:
    description:
      - The units, in the order in which to stop them. They are started in the reverse order. A name without suffix
        is a service.
      - A unit of a user's own systemd (C(systemctl --user)) is named C(~USER/NAME). It is stopped and started as that
        user, whose systemd is started where that is needed, and with V(started) starts with the host.
      - Timers, sockets and paths are stopped before the services that they start, wherever they stand in the list.
      - What these start need not be named. While it runs it is stopped with them, since it would go on writing.
      - A service that runs to its end, such as one that a timer starts, is never started by this module. A warning
        names one that was running and had to be stopped.
    type: list
    elements: str
    default: []
  named:
    description:
      - Whom O(units) and O(enable) may name, when another host said what ran there. What is neither among these nor
        started by one of them on this host is left out, with a warning. Used with O(state=started).
      - V(*) is everything, for units that nobody but the user named.
    type: list
    elements: str
    default: ["*"]
  reload:
    description:
      - Units that take notice of the new site by a reload, such as nginx. One that is not running is started.
      - They are reloaded only when something else was changed. Used with O(state=started).
    type: list
    elements: str
    default: []
  enable:
    description: Which of the units start with the host. By default all that can be enabled. Used with O(state=started).
    type: list
    elements: str
  freeze_limit:
    description: Seconds after which a frozen site starts again by itself; V(0) never does. Used with O(state=frozen).
    type: int
    default: 14400
  timeout:
    description: Seconds that one unit may take to start, or to stop where its C(TimeoutStopSec) is no longer.
    type: int
    default: 60
  abandoned:
    description:
      - With O(state=thawed), leave a site alone that was V(held) or V(retired), since the new host may be serving then.
        Meant for a run that lost the new host.
    type: bool
    default: false
  retired:
    description: With O(state=thawed), bring back a site that was V(retired) too. Meant for an undo.
    type: bool
    default: false
  allow_unfrozen:
    description: Whether O(units) may be empty when the old site is to be stopped, since something else keeps it still.
    type: bool
    default: false
  path:
    description:
      - The project's directory on this host, to warn of lines of cron that lead to where it was on old, and to find the
        server blocks for O(maintenance).
    type: path
    required: false
  queues_empty_within:
    description:
      - With O(state=frozen), how many seconds queues of Redis and RabbitMQ on this host have to become empty once all
        but the workers has been stopped. The settings of the project in O(path) name them. Where tasks still wait then,
        the freeze is taken back. V(0) does not look at queues.
    type: int
    default: 0
  maintenance:
    description:
      - A page (HTML) on this host. While the site is V(frozen), nginx shows it by the site's names, with status 503 and
        C(Retry-After), by a file of ours in C(/etc/nginx/conf.d). V(thawed) takes it away, and so does a timer of
        systemd after O(freeze_limit). V(retired) leaves it, for visitors who still come to the old host.
      - A freeze goes on without the page, with a warning, where nginx refuses it or does not show it.
    type: path
  cron:
    description:
      - With V(carry), the lines of cron that the backup set of O(label) holds go along. V(frozen) and V(retired)
        comment them out, V(started) adds them once the site has answered, V(stopped) takes away what was added, and
        V(thawed) brings back what was commented out. The two last ones go by the record, whatever this option says.
      - While a site is frozen, a timer of systemd brings the lines back after O(freeze_limit).
    type: str
    choices: [refuse, leave, carry]
    default: refuse
  label:
    description:
      - The backup set that the freeze belongs to, or from which the site is served here, for the record. From then on
        nothing replaces its databases and MEDIA on this host without being asked to.
    type: str
    default: ""
seealso:
  - module: relocate.django.backup
  - module: ansible.builtin.systemd_service
"""

EXAMPLES = r"""
- name: Stop the site on the old host, for two hours at most
  relocate.django.services:
    site: shop
    state: frozen
    units: [shop-clearsessions.timer, celery, gunicorn]
    freeze_limit: 7200

- name: Put the old site back
  relocate.django.services:
    site: shop
    state: thawed

- name: Bring the old site back although it was retired
  relocate.django.services:
    site: shop
    state: thawed
    retired: true

- name: Start the site on the new host and see it answer
  relocate.django.services:
    site: shop
    state: started
    units: [shop-clearsessions.timer, celery, gunicorn]
    reload: [nginx]
    answers:
      - url: http://127.0.0.1/
        host: shop.example.com
        contains: Welcome
"""

RETURN = r"""
units:
  description: Every unit of the site.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The unit's full name.
      type: str
    active:
      description: Whether it runs now; in check mode, whether it would.
      type: bool
    enabled:
      description: Whether it starts with the host.
      type: bool
    was_active:
      description: Whether it ran before the site was frozen.
      type: bool
    was_enabled:
      description: Whether it started with the host before the site was frozen.
      type: bool
frozen:
  description: Whether the site was left frozen, or retired.
  returned: success
  type: bool
label:
  description: The backup set by which the site came to serve on this host, before this task; empty when it did not.
  returned: success
  type: str
at:
  description: When the site was frozen, in seconds since 1970; 0 when it is not.
  returned: success
  type: int
steps:
  description: What was done, in order; in check mode, what would be done.
  returned: success
  type: list
  elements: str
  sample: [record, arm, stop gunicorn.service]
answers:
  description: What each request of O(answers) got, and after how many attempts.
  returned: when O(state=started)
  type: list
  elements: dict
warmed:
  description: What each page of O(warm) answered, and how many seconds that took.
  returned: when O(state=started)
  type: list
  elements: dict
answered_since:
  description:
    - For how many seconds the site had given all answers of O(answers) when the task ended, which waits for units to
      have stayed up for a while. 0 where nothing was asked.
  returned: when O(state=started)
  type: float
until_stop:
  description: Seconds until the first unit began to stop; 0 when none was stopped.
  returned: when O(units) names some
  type: float
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relocate.django.plugins.module_utils import _module
from ansible_collections.relocate.django.plugins.module_utils._modules.services import MODULE


def main() -> None:
    """Entry point."""
    _module.answer(AnsibleModule(supports_check_mode=True, **MODULE.arguments), MODULE.work_on, MODULE.writes)


if __name__ == "__main__":
    main()
