# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""All supervisors of a host together."""

from __future__ import annotations

from ansible_collections.relocate.django.plugins.module_utils._discover import supervisors
from ansible_collections.relocate.django.plugins.module_utils._discover.found import Starter
from tests.unit.plugins.module_utils._discover.held import HeldFiles

UNIT = Starter("service", "supervisor.service", "supervisor.service", commands=(("supervisord",),), runs=True)


def test_programs_of_each_kind_and_of_one_within_another() -> None:
    files = HeldFiles(
        {
            "/etc/supervisord.conf": "[program:web]\ncommand=uwsgi --ini /etc/shop.ini\nuser=shop",
            "/etc/shop.ini": "[uwsgi]\nchdir=/srv/shop\nsocket=:9000",
            "/etc/circus.ini": "[watcher:mail]\ncmd=mail",
            "/etc/service/queue/run": "exec queue",
        }
    )
    found = {one.name: one for one in supervisors.read([UNIT], files)}
    assert {name: one.kind for name, one in found.items()} == {
        "web": "supervisor",
        "mail": "circus",
        "queue": "runit",
        "shop": "uwsgi",
    }
    assert (found["shop"].unit, found["shop"].user) == ("supervisor.service", "shop")
    assert found["shop"].listens == ("tcp:*:9000",)


def test_a_host_without() -> None:
    assert supervisors.read([UNIT], HeldFiles({})) == []
