# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two sites on one pair: the one that fails is put back and does not stop the other (acceptance 8); then it moves."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.e2e.moving import active, prepare, still, variables_of
from tests.e2e.test_failures import fails_and_is_put_back
from tests.lab.lab import Lab
from tests.sites.facts import wait_http
from tests.sites.provision import provision, publish
from tests.sites.spec import BLOG, SHOP


def entry(site: object, **more: object) -> dict[str, object]:
    """A site's entry of relocate_sites: the same words without their prefix."""
    words = variables_of(site)  # type: ignore[arg-type]
    keys = {key.removeprefix("relocate_"): value for key, value in words.items()}
    return {"name": keys.pop("site"), **keys, **more}


@pytest.mark.drawn(4, of="ways on")
def test_the_first_fails_and_the_second_moves(lab: Lab, tmp_path: Path) -> None:
    """shop gets a revision whose migration raises; blog is moved in the same run; shop follows with one that works."""
    move = prepare(lab, tmp_path)
    provision(move.old, BLOG, git=lab.host("db"), rows=500)
    revisions = publish(lab.host("db"))
    move.variables["relocate_sites"] = [entry(SHOP, revision=revisions["raises"]), entry(BLOG)]
    result = fails_and_is_put_back(move, "migration_failed")
    assert "Site shop: old.lab -> new.lab: FAILED; the old site serves again" in result.stdout
    assert "Site blog: old.lab -> new.lab: MOVED; proven: rows, content, " in result.stdout
    assert '"codes": {"shop": "migration_failed"}' in result.stdout
    assert wait_http(move.new, port=BLOG.public_port).status == 200
    assert active(move.new, BLOG.web_unit) and not active(move.old, BLOG.web_unit)
    assert still(move.new, BLOG) == still(move.old, BLOG)
    move.variables["relocate_sites"] = [entry(SHOP, revision=revisions["next"]), entry(BLOG)]
    result = move.run()
    assert result.rc == 0, result.stdout[-5000:]
    assert wait_http(move.new, "/").status == 200
    assert re.search(r"database default got 1 migrations: shop\.", result.stdout), result.stdout[-5000:]
    assert "Site blog: old.lab -> new.lab: was moved before: nothing to do" in result.stdout, result.stdout[-3000:]
