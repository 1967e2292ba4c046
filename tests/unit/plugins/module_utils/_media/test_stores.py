# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Places in object storage are told apart as their servers do, whatever form an address has."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._media import stores

PLAIN: dict[str, Any] = {
    "kind": "s3",
    "bucket": "shop",
    "endpoint": "https://s3.example.org",
    "region": "eu",
    "prefix": "media",
    "backend": "storages.backends.s3.S3Storage",
    "acl": "",
    "addressing": "auto",
    "used_by": ["default"],
}


def store(**changes: Any) -> stores.Store:
    """Give one place, as facts tell it."""
    (found,) = stores.of_facts({"media_stores": [{**PLAIN, **changes}]})
    return found


@pytest.mark.parametrize(
    ("before", "after", "relation"),
    [
        ({}, {}, "same"),
        ({}, {"endpoint": "https://S3.example.org/"}, "same"),
        ({}, {"region": "us", "acl": "public-read", "backend": "shop.Media"}, "same"),
        ({"endpoint": ""}, {"endpoint": "https://s3.eu-west-1.amazonaws.com"}, "same"),
        ({}, {"endpoint": "https://s3.example.org:9000"}, "other"),
        ({}, {"endpoint": "https://s3.example.org:443"}, "same"),
        ({}, {"endpoint": "https://s3.example.org:80"}, "other"),
        ({"endpoint": "http://s3.example.org"}, {"endpoint": "http://s3.example.org:80/"}, "same"),
        ({"endpoint": ""}, {"endpoint": "https://s3.eu-west-1.amazonaws.com:443"}, "same"),
        ({}, {"bucket": "other"}, "other"),
        ({}, {"prefix": "media2"}, "other"),
        ({}, {"prefix": "media/in"}, "overlap"),
        ({}, {"prefix": ""}, "overlap"),
        ({}, {"kind": "gcs"}, "other"),
        ({"endpoint": "http://localhost:9000"}, {"endpoint": "http://localhost:9000"}, "other"),
        ({"endpoint": "http://127.0.0.1:9000"}, {"endpoint": "http://127.0.0.1:9000"}, "other"),
        ({"kind": "other", "bucket": "", "backend": "a.B"}, {"kind": "other", "bucket": "", "backend": "a.B"}, "same"),
        ({"kind": "other", "bucket": "", "backend": "a.B"}, {"kind": "other", "bucket": "", "backend": "a.C"}, "other"),
    ],
)
def test_two_places_are_one_or_not(before: dict[str, Any], after: dict[str, Any], relation: str) -> None:
    """A loopback address means another server on each host, and one prefix may lie within the other."""
    assert store(**before).relation(store(**after), False) == relation


@pytest.mark.parametrize(
    ("changes", "below"),
    [
        ({}, ""),
        ({"prefix": "media/static"}, "static"),
        ({"prefix": ""}, None),
        ({"prefix": "media2"}, None),
        ({"bucket": "other"}, None),
        ({"endpoint": "https://S3.example.org/", "prefix": "media/a/b"}, "a/b"),
    ],
)
def test_what_lies_within_a_place(changes: dict[str, Any], below: str | None) -> None:
    assert store().below(store(**changes)) == below
    assert store(prefix="").below(store(prefix="static")) == "static"


def test_a_loopback_address_is_one_server_on_one_machine() -> None:
    here = store(endpoint="http://localhost:9000")
    assert here.relation(here, True) == stores.SAME


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({}, "bucket shop/media of https://s3.example.org"),
        ({"endpoint": "", "prefix": ""}, "bucket shop of Amazon S3"),
        ({"kind": "gcs", "endpoint": ""}, "bucket shop/media of Google Cloud Storage"),
        ({"kind": "azure", "endpoint": "shopacc"}, "container shop/media of Azure shopacc"),
        ({"kind": "other", "bucket": "", "backend": "dbstore.Db"}, "the storage dbstore.Db"),
        ({"bucket": "sh\x1b[2Jop"}, "bucket sh\\x1b[2Jop/media of https://s3.example.org"),
    ],
)
def test_a_place_for_people(changes: dict[str, Any], shown: str) -> None:
    assert store(**changes).shown == shown


@pytest.mark.parametrize("junk", [None, 7, "x", [7, "x", {}], [{"kind": "tape"}], [{"kind": ["s3"]}]])
def test_junk_names_no_place(junk: Any) -> None:
    """A set may come from anywhere."""
    assert stores.of_facts({"media_stores": junk}) == []


def test_users_of_one_pair_of_places_stand_together() -> None:
    """Each user's files have a place of their own on each host; a disk is none of ours."""
    old = stores.of_facts({"media_stores": [{**PLAIN, "used_by": ["default", "shop.Item.photo"]}]})
    moved = {**PLAIN, "bucket": "new", "used_by": ["shop.Item.photo"]}
    new = stores.of_facts({"media_stores": [PLAIN, moved]})
    found = stores.pairs(old, new, False)
    assert [(pair.users, pair.relation) for pair in found] == [(("default",), "same"), (("shop.Item.photo",), "other")]
    assert found[1].who == "files of shop.Item.photo"
    (gone,) = stores.pairs([store()], [], False)
    assert (gone.relation, gone.who, gone.side(gone.new)) == ("other", "MEDIA", "MEDIA_ROOT")
    assert stores.pairs([], [], False) == []


def test_old_says_where_files_lie() -> None:
    (line,) = stores.of_old([store()])
    assert line.startswith("MEDIA lies in bucket shop/media of https://s3.example.org: nothing of it is copied")
    (line,) = stores.of_old([store(used_by=["shop.Item.photo"])])
    assert line.startswith("files of shop.Item.photo lie in bucket shop/media of https://s3.example.org: ")


def test_a_set_and_a_restore_say_what_they_do_not_hold() -> None:
    (line,) = stores.of_a_set([store()])
    assert line.startswith("MEDIA: not in the set, it is in bucket shop/media of https://s3.example.org. Next: ")
    same, other = store(), store(bucket="other")
    (line,) = stores.of_a_restore(stores.pairs([same], [same], False))
    assert "holds none of it; the site uses bucket shop/media of https://s3.example.org here as it did" in line
    (line,) = stores.of_a_restore(stores.pairs([same], [other], False))
    assert "it was in bucket shop/media of" in line and "name bucket other/media of https://s3.example.org" in line
    assert stores.of_a_restore(stores.pairs([], [other], False)) == []


def test_an_empty_media_root_is_no_media_where_a_bucket_has_it() -> None:
    """Files that lie there besides are still compared, and what could not be read is not passed over."""
    found = stores.pairs([store()], [], False)
    for recorded, is_kept in (({"files": 0}, False), ({"files": 2}, True), ({"files": 0, "unread": "x"}, True)):
        assert bool(stores.on_disk(recorded, found)) is is_kept
    assert stores.on_disk({"files": 0}, stores.pairs([], [store()], False)) == {"files": 0}
