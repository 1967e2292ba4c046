# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two sites on one pair: the one that fails is put back and does not stop the other (acceptance 8)."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.moving import active, prepare, still, variables_of
from tests.lab.lab import Lab
from tests.sites.facts import wait_http
from tests.sites.provision import provision, publish
from tests.sites.spec import BLOG, SHOP


def entry(site: object, **more: object) -> dict[str, object]:
    """A site's entry of relocate_sites: the same words without their prefix."""
    words = variables_of(site)  # type: ignore[arg-type]
    keys = {key.removeprefix("relocate_"): value for key, value in words.items()}
    return {"name": keys.pop("site"), **keys, **more}


def test_the_first_fails_and_the_second_moves(lab: Lab, tmp_path: Path) -> None:
    """shop gets a revision whose migration raises; blog is moved in the same run."""
    move = prepare(lab, tmp_path)
    provision(move.old, BLOG, git=lab.host("db"), rows=500)
    raises = publish(lab.host("db"))["raises"]
    move.variables["relocate_sites"] = [entry(SHOP, revision=raises), entry(BLOG)]
    result = move.run()
    assert result.rc != 0
    assert "Site shop: old.lab -> new.lab: FAILED; the old site serves again" in result.stdout
    assert "Site blog: old.lab -> new.lab: MOVED; proven: rows, content, " in result.stdout
    assert '"codes": {"shop": "migration_failed"}' in result.stdout
    assert wait_http(move.old, port=SHOP.public_port).status == 200
    assert wait_http(move.new, port=BLOG.public_port).status == 200
    assert active(move.old, SHOP.web_unit) and not active(move.new, SHOP.web_unit)
    assert active(move.new, BLOG.web_unit) and not active(move.old, BLOG.web_unit)
    assert still(move.new, BLOG) == still(move.old, BLOG)
