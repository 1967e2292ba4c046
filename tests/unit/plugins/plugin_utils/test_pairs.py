# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which old host a new one takes its sites from, and what is refused because nothing says it."""

from __future__ import annotations

import random
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.plugin_utils import _pairs
from ansible_collections.relocate.django.plugins.plugin_utils._pairs import SiteWish


def pairs(old: str, new: str, run: str = "", named: dict[str, str] | None = None, **more: Any) -> dict[str, str]:
    """Give new host -> old host; with no run named, every host is in it."""
    inventory = _pairs.Inventory(
        old.split(), new.split(), (run or f"{old} {new}").split(), named or {}, **{"sites": {}, **more}
    )
    return {item.new: item.old for item in _pairs.pair(inventory)}


FROM = {"new1": "old2", "new2": "old1"}


@pytest.mark.parametrize(
    ("old", "new", "run", "named", "expected"),
    [
        ("a", "b", "", {}, {"b": "a"}),
        # The variable is above everything.
        ("old1 old2", "new1 new2", "", FROM, FROM),
        ("old1 old2", "new1 new2", "old2 new1", FROM, {"new1": "old2"}),
        ("old1 old2 old3", "new1", "", {"new1": "old3"}, {"new1": "old3"}),
        ("old1 old2", "new1 new2", "", {"new1": "old2"}, {"new1": "old2", "new2": "old1"}),
        # Names, whatever the order.
        ("old1 old2", "new2 new1", "", {}, {"new1": "old1", "new2": "old2"}),
        ("old3 old1 old2", "new2 new3 new1", "", {}, {"new1": "old1", "new2": "old2", "new3": "old3"}),
        ("shop-old blog-old", "blog-new shop-new", "", {}, {"shop-new": "shop-old", "blog-new": "blog-old"}),
        (
            "old.shop.org old.b.org",
            "new.b.org new.shop.org",
            "",
            {},
            {"new.b.org": "old.b.org", "new.shop.org": "old.shop.org"},
        ),
        ("a2 a1", "b1 b2", "", {}, {"b1": "a1", "b2": "a2"}),
        ("golden boldt", "renew knew", "", {}, {"renew": "golden", "knew": "boldt"}),
        # Order, where names say nothing.
        ("alpha beta", "gamma delta", "", {}, {"gamma": "alpha", "delta": "beta"}),
        ("10.0.0.1 10.0.0.2", "10.0.0.2.x 10.0.0.1.x", "", {}, {"10.0.0.2.x": "10.0.0.1", "10.0.0.1.x": "10.0.0.2"}),
        # --limit chooses among the pairs of the whole inventory.
        ("old1 old2", "new1 new2", "old2 new2", {}, {"new2": "old2"}),
        ("alpha beta", "gamma delta", "beta delta", {}, {"delta": "beta"}),
        # More old than new: one of them is named by the run.
        ("old1 old2 old3", "new1", "old2 new1", {}, {"new1": "old2"}),
        # One old host and several new: one of them at a time.
        ("old1", "new1 new2", "old1 new2", {}, {"new2": "old1"}),
    ],
)
def test_pairs(old: str, new: str, run: str, named: dict[str, str], expected: dict[str, str]) -> None:
    assert pairs(old, new, run, named) == expected


@pytest.mark.parametrize(
    ("old", "new", "run", "named", "text"),
    [
        ("old1 old2", "new1", "", {}, "nothing says which old host new1 takes its sites from: there are 2 old hosts"),
        (
            "old1 old2 old3",
            "new1 new2",
            "",
            {},
            "nothing says which old host new1.*set relocate_from for new1, new2: the",
        ),
        ("old1 old2", "new1 new2 new3", "", {}, "nothing says which old host new1"),
        ("old1 old2 old3", "new1", "new1", {}, "nothing says which old host new1"),
        ("old1 old2 old3", "new1", "old1 old2 new1", {}, "nothing says which old host new1"),
        # Some names say it and others do not.
        ("old1 old2", "new2 new3", "", {}, "nothing says which old host new2"),
        ("shop-old x", "shop-new y", "", {}, "nothing says which old host shop-new"),
        # The run and the inventory say different things.
        (
            "old1 old2",
            "new1 new2",
            "old1 new2",
            {},
            "--limit leaves old1 only, and by their names new2 takes its sites",
        ),
        ("alpha beta", "gamma delta", "alpha delta", {}, "--limit leaves alpha only, and by their order in the groups"),
        # The play that puts old back is old's.
        ("old1", "new1", "new1", {}, "--limit leaves out old1, where new1 .* Next: .*: --limit old1,new1$"),
        ("old1 old2", "new1 new2", "new2", {}, "--limit leaves out old2, .* put the site back there if new2 were lost"),
        ("alpha beta", "gamma delta", "delta", {}, "--limit beta,delta$"),
        ("old1 old2", "new1 new2", "old1 new1", FROM, "--limit leaves out old2, .*--limit old2,new1$"),
        ("old1", "new1 new2", "new1 new2", {}, "--limit old1,new1,new2$"),
        ("old1 old2", "new1 new2", "new1 old2 new2", {}, "--limit leaves old2 only, and by their names new1"),
        ("old1 old2 old3", "new1 new2 new3", "new1 old2 new2 old3", {}, "--limit leaves out old1, .*old1,new1,old2,n"),
        ("old1 old2", "new1 new2", "old1 old2", {}, "no host of the group new is in this run"),
        ("a b", "b c", "", {}, "b is in both groups, old and new Next: leave it in one of them"),
        ("a b", "b c", "", {"b": "a", "c": "b"}, "b is in both groups"),
        (
            "old1",
            "new1",
            "",
            {"new1": "new1"},
            r"relocate_from of new1 is new1, which is no host of the group old \(old1\)",
        ),
        ("old1", "new1", "", {"new1": "localhost"}, "relocate_from of new1 is localhost, which is no host of"),
    ],
)
def test_what_is_not_clear(old: str, new: str, run: str, named: dict[str, str], text: str) -> None:
    with pytest.raises(RelocateError, match=text) as caught:
        pairs(old, new, run, named)
    assert caught.value.code == "pairs_unclear"


SHOP, BLOG = SiteWish("shop", "/srv/shop"), SiteWish("blog", "/srv/blog")


@pytest.mark.parametrize(
    ("sites", "paths", "text"),
    [
        ({"new1": [SHOP], "new2": [SHOP]}, {}, r"the site with the name shop on old1 .* 2 times \(new: new1, new2\)"),
        ({"new1": [SHOP, BLOG], "new2": [BLOG]}, {}, "the site with the name blog on old1"),
        ({"new1": [SHOP, SHOP], "new2": [BLOG]}, {}, "the site with the name shop"),
        ({"new1": [SiteWish("a", "/s")], "new2": [SiteWish("b", "/s")]}, {}, "the site with the path /s on old1"),
        ({"new1": [SiteWish("a")], "new2": [SiteWish("b")]}, {"old1": "/s"}, "the site with the path /s on old1"),
        ({"new1": [SHOP], "new2": [BLOG]}, {"old1": "/s"}, ""),
        ({"new1": [SiteWish("a")], "new2": [SiteWish("b")]}, {}, ""),
    ],
)
def test_a_site_goes_to_one_host(sites: dict[str, list[SiteWish]], paths: dict[str, str], text: str) -> None:
    if not text:
        assert pairs("old1", "new1 new2", sites=sites, paths=paths) == {"new1": "old1", "new2": "old1"}
        return
    for named in ({}, {"new1": "old1", "new2": "old1"}):
        with pytest.raises(RelocateError, match=text + r".*Next: name other sites in relocate_sites of each"):
            pairs("old1", "new1 new2", named=named, sites=sites, paths=paths)


def test_shuffled_inventories_land_right() -> None:
    source = random.Random(7)
    old, new = [f"old{number}" for number in range(1, 9)], [f"new{number}" for number in range(1, 9)]
    for _round in range(500):
        source.shuffle(old)
        source.shuffle(new)
        some = source.sample(new, source.randint(1, 8))
        found = pairs(" ".join(old), " ".join(new), " ".join(some + ["old" + name[3:] for name in some]))
        assert found == {name: "old" + name[3:] for name in some}


def test_the_plan_names_what_goes_where_and_why() -> None:
    inventory = _pairs.Inventory(["a", "b"], ["c", "d"], list("abcd"), {"d": "a"}, {"c": [SHOP], "d": [BLOG, SHOP]})
    assert _pairs.plan_lines(_pairs.pair(inventory), inventory.sites) == [
        "b -> c: shop (paired by their order in the groups)",
        "a -> d: blog, shop (paired by relocate_from)",
    ]
