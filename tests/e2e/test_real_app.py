# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""An application that nobody here wrote: a shop of django-oscar, as its guide and a usual one for Ubuntu set it up.

It takes about ten minutes, most of them pip's, so it runs only when RELOCATE_REAL_APPS=1 asks for it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from tests.e2e.moving import Move
from tests.lab.lab import Lab
from tests.sites.facts import psql_in
from tests.sites.oscar import provision
from tests.sites.spec import SHOP

pytestmark = pytest.mark.skipif(os.environ.get("RELOCATE_REAL_APPS") != "1", reason="RELOCATE_REAL_APPS is not 1")
#: Of the shop's pages: the catalogue comes out of the index of Whoosh, pictures out of MEDIA.
PAGES = ("/catalogue/", "/search/?q=frob", "/dashboard/login/", "/static/oscar/css/styles.css")
COUNTS = "SELECT (SELECT count(*) FROM catalogue_product), (SELECT count(*) FROM reviews_productreview)"


def test_a_shop_of_oscar(lab: Lab, tmp_path: Path) -> None:
    """Discover, check, move: one value is typed, for cron, and the first real run succeeds."""
    old = lab.host("old", fresh=True)
    provision.provision_oscar(old, git=lab.host("db"))
    new = lab.host("new", fresh=True)
    provision.offer_wheels(new)
    new.run(["rm", "-f", "/etc/nginx/sites-enabled/default"])
    move = Move(lab, old, new, SHOP, tmp_path)
    before = {path: provision.ask(old, path) for path in PAGES}
    assert {answer.status for answer in before.values()} == {200} and "№" in before["/catalogue/"].body
    found = move.discover()
    assert found.rc == 0, found.stdout[-3000:]
    text = (tmp_path / "inventory.yml").read_text()
    assert not any(secret in text + found.stdout for secret in provision.SECRETS)
    assert "whoosh_index" in yaml.safe_load(text)["all"]["vars"]["relocate_files"]
    checked = move.play("move", "inventory.yml", "--check", "-e", "relocate_cron=carry")
    assert checked.rc == 0, checked.stdout[-3000:]
    result = move.play("move", "inventory.yml", "-e", "relocate_cron=carry")
    assert result.rc == 0, result.stdout[-5000:]
    after = {path: provision.ask(new, path) for path in PAGES}
    assert {answer.status for answer in after.values()} == {200}
    assert "№" in after["/catalogue/"].body and "№" in after["/search/?q=frob"].body
    assert psql_in(new, COUNTS, "frobshop") == psql_in(old, COUNTS, "frobshop") == "40|40"
