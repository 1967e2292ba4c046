# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the paths of old are on new."""

from __future__ import annotations

import pytest

from ansible_collections.relocate.django.plugins.module_utils._model import Directory
from ansible_collections.relocate.django.plugins.module_utils._set import relocation
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import Prepared
from ansible_collections.relocate.django.plugins.module_utils._set.relocation import STAYS, Relocation, between


@pytest.mark.parametrize(
    ("old", "new", "prefix", "expected"),
    [
        ("/srv/a", "/opt/b", "", Relocation("/srv/a", "/opt/b")),
        ("/srv/a", "/opt/b/", "", Relocation("/srv/a", "/opt/b")),
        ("/srv/a/web/src", "/opt/b/web/src", "web/src", Relocation("/srv/a", "/opt/b")),
        ("/srv/link", "/opt/b/web", "web", Relocation("/srv/link", "/opt/b/web")),  # to the project below its top
        ("/srv/a/web", "/web", "web", Relocation("/srv/a/web", "/web")),
        ("/srv/a", "/srv/a", "", STAYS),
        ("/srv/a", "/srv//a/", "", STAYS),
        # What no project's directory is, whatever a set says.
        ("", "/opt/b", "", STAYS),
        ("/", "/opt/b", "", STAYS),
        ("srv/a", "/opt/b", "", STAYS),
        ("/srv/../etc", "/opt/b", "", STAYS),
        ("/srv/a/", "/opt/b", "", STAYS),
        ("/x/opt/b", "/opt/b", "opt/b", Relocation("/x/opt/b", "/opt/b")),  # the top would be the root directory
    ],
)
def test_between(old: str, new: str, prefix: str, expected: Relocation) -> None:
    assert between(old, new, prefix) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/srv/a", "/opt/new"),
        ("/srv/a/b/c", "/opt/new/b/c"),
        ("/srv/ab", "/srv/ab"),
        ("/srv", "/srv"),
        ("/etc/a", "/etc/a"),
        ("", ""),
    ],
)
def test_path(path: str, expected: str) -> None:
    moved = Relocation("/srv/a", "/opt/new")
    assert (moved.path(path), moved.moves(path), STAYS.path(path)) == (expected, expected != path, path)
    (found,) = moved.directories([Directory(path, 0o750, "root", "shop")])
    assert found == Directory(expected, 0o750, "root", "shop")


@pytest.mark.parametrize(
    ("path", "target", "expected"),
    [
        # Of the project, into it.
        ("/srv/a/.env", "conf/x", "conf/x"),
        ("/srv/a/.env", "/srv/a/conf/x", "/opt/new/conf/x"),
        # From outside into it.
        ("/etc/nginx/shop", "/srv/a/nginx", "/opt/new/nginx"),
        ("/etc/nginx/shop", "../../srv/a/nginx", "../../opt/new/nginx"),
        # Out of it.
        ("/srv/a/.env", "/etc/shop.env", "/etc/shop.env"),
        ("/srv/a/.env", "../shared/env", "../../srv/shared/env"),  # which comes
        ("/srv/a/.env", "../shared", "../../srv/shared"),
        ("/srv/a/.env", "../other", "../other"),  # which does not
        # Outside.
        ("/etc/nginx/shop", "../available/shop", "../available/shop"),
        ("/etc/nginx/shop", "/srv/./x", "/srv/./x"),
    ],
)
def test_a_link_leads_to_the_same_file(path: str, target: str, expected: str) -> None:
    moved = Relocation("/srv/a", "/opt/new")
    assert moved.link(path, target, {"/srv/shared/env", "/srv/shared", "/srv"}) == expected
    assert STAYS.link(path, target, set()) == target


@pytest.mark.parametrize(
    ("root", "media", "expected"),
    [
        ("/srv/a/web/media", "/opt/b/web/media", Relocation("/srv/a", "/opt/b")),
        ("/srv/a/web/media", "/opt/b/media", STAYS),
        ("/data/media", "/opt/b/media", STAYS),
        ("/srv/ab/media", "/opt/b/media", STAYS),
        ("/srv/a", "/opt/b", STAYS),
        ("", "/opt/b", STAYS),
    ],
)
def test_of_media(root: str, media: str, expected: Relocation) -> None:
    prepared = Prepared({"commit": "1a"}, {"path": "/srv/a", "media_root": root}, {"name": "shop"}, ())
    assert relocation.of_media(prepared, media) == expected


def test_of_a_set_that_says_nothing() -> None:
    assert relocation.of_set(Prepared({"commit": "1a"}, {}, {"name": "shop"}, ()), "/opt/b") == STAYS
