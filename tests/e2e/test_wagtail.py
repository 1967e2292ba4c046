# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real site: Wagtail's own project template, with pages and pictures; one moves through the controller."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from tests.e2e.moving import Move, leftovers, still, tasks
from tests.lab.lab import Lab
from tests.sites.facts import wait_http
from tests.sites.spec import WAGTAIL, Engine
from tests.sites.wagtail.provision import provision_wagtail


@pytest.mark.drawn(5, of="applications")
@pytest.mark.parametrize(("engine", "relayed"), [("postgresql", True), ("sqlite", False)])
def test_wagtail_moves(lab: Lab, tmp_path: Path, engine: Engine, relayed: bool) -> None:
    """Pages, revisions, images and their renditions: all there, and served.

    Where the hosts do not reach each other, the direct way is tried, then the tunnel through the controller is opened
    by itself and closed at the end. The other one moves at the first try by an inventory that nobody typed.
    """
    site = dataclasses.replace(WAGTAIL, engine=engine)
    old = lab.host("old", fresh=True)
    provision_wagtail(old, site, git=lab.host("db"))
    move = Move(lab, old, lab.host("new", fresh=True), site, tmp_path)
    move.new.run(["rm", "-f", "/etc/nginx/sites-enabled/default"])
    # manage.py of the template names the settings for development, wsgi.py those for production: preflight asks which.
    move.variables["relocate_settings"] = site.settings
    move.variables["relocate_answers"] = [{"url": f"http://127.0.0.1:{site.public_port}/"}]
    before = wait_http(old, "/", port=site.public_port)
    assert before.status == 200
    if relayed:
        with move.new.separated_from(old):
            result = move.run()
    else:
        found = move.discover()
        assert found.rc == 0, found.stdout[-3000:]
        result = move.play("move", "inventory.yml")
    assert result.rc == 0, result.stdout[-5000:]
    assert any(name.endswith(": Fetch the set through the tunnel") for name in tasks(result)) is relayed
    after = wait_http(move.new, "/", port=site.public_port)
    assert (after.status, after.body) == (before.status, before.body)
    assert still(move.new, site) == still(old, site)
    assert leftovers(old) == "" and leftovers(move.new) == ""
