# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of units: of the system's systemd, and of users' own."""

from __future__ import annotations

import pytest

from ansible_collections.relocate.django.plugins.module_utils._services import names
from ansible_collections.relocate.django.plugins.module_utils._services.names import unit_name
from tests.unit.fakes import refused


@pytest.mark.parametrize(
    ("given", "full"),
    [
        ("web", "web.service"),
        ("a.b", "a.b.service"),
        ("x.timer", "x.timer"),
        ("g@shop.service", "g@shop.service"),
        ("~shop/web", "~shop/web.service"),
        ("~a.b-c_1/w@1.timer", "~a.b-c_1/w@1.timer"),
    ],
)
def test_names(given: str, full: str) -> None:
    assert unit_name(given) == full


@pytest.mark.parametrize(
    "name",
    [
        "",
        "-H",
        "--user",
        "a b",
        "web*",
        "a/b",
        "a\n",
        "a;b",
        "[ab]",
        "~shop",
        "~/web",
        "~shop/",
        "~shop/-H",
        "~shop/a/b",
        "~shop/../web",
        "~-u/web",
        "~a b/web",
        "~a@b/web",
        "~a/~b/web",
        "shop/web",
        "~shop/web*",
    ],
)
def test_names_that_are_refused(name: str) -> None:
    with refused("bad_option", "is not the name of a unit"):
        unit_name(name)


def test_units_are_asked_for_by_whose_they_are() -> None:
    given = ["web.service", "~shop/web.service", "~eve/a.timer", "x.socket", "~shop/b.service", "web.service"]
    assert names.by_user(given) == {
        "": ["web.service", "x.socket"],
        "shop": ["web.service", "b.service"],
        "eve": ["a.timer"],
    }
    assert [names.qualified(*names.split(name)) for name in given] == given
    assert names.by_user([]) == {}


def test_what_a_reader_types() -> None:
    assert names.by_hand("stop", ["a.service", "~shop/b.service", "c.timer"]) == (
        "systemctl stop a.service c.timer and systemctl --user --machine=shop@ stop b.service"
    )
    assert names.journal("a.service") == "journalctl -u a.service"
    assert names.journal("~shop/b.service") == "journalctl _SYSTEMD_USER_UNIT=b.service"
