# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A set tells of its site in the form that preflight reads."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._model import Directory, FileEntry, Software
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import UnversionedFile, as_text, from_text
from ansible_collections.relocate.django.plugins.module_utils._steps import old_info
from ansible_collections.relocate.django.plugins.module_utils._steps.described_set import described
from tests.unit.fakes import entry, manifest

FILES = (FileEntry("code.bundle", 1000, "0" * 64), FileEntry("files/env", 24, "1" * 64))


@pytest.mark.parametrize(("here", "brings"), [(True, 0), (False, 1024)])
def test_what_a_set_tells_is_read_as_what_old_told(here: bool, brings: int) -> None:
    """Also after it went through the controller, and from a set that was written by hand."""
    whole = manifest(
        files=FILES,
        unversioned=(UnversionedFile("/srv/shop/app/.env", "files/env", 0o600, "shop", "shop"),),
        directories=(Directory("/srv/shop", 0o755, "shop", "shop"),),
        media={"bytes": 5, "root": "/srv/shop/media"},
        code={"commit": "1" * 40, "vcs": "hg"},
        django={"version": "5.2", "path": "/srv/shop/app", "settings": "shop.settings"},
        software=Software("dpkg", {"nginx": "nginx-light"}, ("poppler-utils",)),
    )
    told: dict[str, Any] = json.loads(json.dumps(described(from_text(as_text(whole)), here)))
    assert old_info.by_old(told, ["fake", "postgresql"]) == told
    assert told["set"] == {"label": whole.label, "brings": brings, "files": ["/srv/shop/app/.env"]}
    assert (told["project"]["path"], told["media"]) == ("/srv/shop/app", {})
    assert old_info.log_directories(told)[0].owner == "shop"
    assert told["revision"]["vcs"] == "hg"
    assert old_info.software(told) == whole.software
    stored = replace(whole, media={**whole.media, "stored": "media.tar"})
    assert described(stored, here)["media"] == {"bytes": 5}, "MEDIA that the set does not hold needs no room"


def test_a_set_that_says_no_more_than_it_must() -> None:
    one = entry()
    bare = manifest(django={}, databases={"default": replace(one, config={"name": "shop"})})
    told = described(bare, True)
    assert old_info.by_old(told, [one.facts.engine]) == told
    assert (told["databases"]["default"]["engine"], told["media"]) == (one.facts.engine, {})
