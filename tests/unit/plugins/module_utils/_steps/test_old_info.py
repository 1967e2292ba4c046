# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the old host says of itself is looked at before new goes by it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._model import as_plain
from ansible_collections.relocate.django.plugins.module_utils._steps import old_info
from tests.unit.fakes import facts, refused

INFO: dict[str, Any] = {
    "host": {"name": "old1", "machine_id": "0ld", "cores": 2},
    "project": {"path": "/srv/shop", "prefix": ""},
    "owner": {"name": "shop", "home": "/home/shop", "uid": 1000},
    "django": {"version": "5.2"},
    "databases": {
        "default": {
            "engine": "fake", "backend": "b", "name": "shop", "user": "shop", "host": "", "port": None,
            "facts": json.loads(json.dumps(as_plain(facts()))), "scanned": {},
        }
    },
    "media": {"bytes": 10, "rights": {}},
    "unit_users": ["shop"],
    "revision": {"commit": "0" * 40, "remote": "https://example.org/shop.git"},
    "revision_brought": False,
    "pages": {"pages": [{"path": "/", "host": "", "scheme": "http", "status": 200, "title": "a b"}], "notes": ["n"]},
    "log_directories": [{"path": "/var/log/shop", "mode": 0o750, "owner": "shop", "group": "adm"}],
}  # fmt: skip


def test_what_it_ought_to_say() -> None:
    assert old_info.by_old(INFO, ["fake"]) is INFO
    assert old_info.by_old({**INFO, "media": {}, "revision": None}, ["fake"])
    assert old_info.facts(INFO["databases"]["default"]["facts"]) == facts()


def spoilt(*path: str | int, value: Any) -> Callable[[], dict[str, Any]]:
    def made() -> dict[str, Any]:
        info = copy.deepcopy(INFO)
        place: Any = info
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value
        return info

    return made


FACTS = ("databases", "default", "facts")


@pytest.mark.parametrize(
    "made",
    [
        spoilt("pages", value=["x"]),
        spoilt("pages", "pages", 0, "path", value="//x y"),
        spoilt("pages", "pages", 0, "path", value="x"),
        spoilt("pages", "pages", 0, "scheme", value="file"),
        spoilt("pages", "pages", 0, "status", value="200"),
        spoilt("pages", "pages", 0, "title", value="\x1b[2J"),
        spoilt("host", value="old1"),
        spoilt("host", "machine_id", value=["x"]),
        spoilt("project", "path", value={"x": 1}),
        spoilt("owner", "name", value=0),
        spoilt("owner", value=None),
        spoilt("databases", value=[]),
        spoilt("databases", "default", "engine", value="evil"),
        spoilt("databases", "default", "name", value="a\0b"),
        spoilt("databases", "default", "port", value="5432 -x"),
        spoilt("databases", "default", "port", value=70000),
        spoilt(*FACTS, value={}),
        spoilt(*FACTS, "size_bytes", value="much"),
        spoilt(*FACTS, "settings", value="work_mem=1"),
        spoilt(*FACTS, "extensions", value=["x"]),
        spoilt(*FACTS, "evil", value=1),
        spoilt("media", "bytes", value="1"),
        spoilt("unit_users", value=[0]),
        spoilt("revision", "remote", value=["-x"]),
        spoilt("revision_brought", value="no"),
        spoilt("software", value={"manager": "dpkg", "servers": {}, "packages": "nginx"}),
        spoilt("software", value={"manager": "dpkg", "servers": {"nginx": 1}, "packages": []}),
        spoilt("log_directories", value={"x": 1}),
        spoilt("log_directories", value=[{"path": "/var/log/shop", "mode": "7", "owner": "shop", "group": "adm"}]),
    ],
)
def test_anything_else_is_refused_by_name(made: Callable[[], dict[str, Any]]) -> None:
    with refused("answer_refused", "has another form than in this version, in info"):
        old_info.by_old(made(), ["fake"])


@pytest.mark.parametrize("plain", [{}, {"engine": 1}, {**INFO["databases"]["default"]["facts"], "details": []}])
def test_facts_of_another_shape(plain: dict[str, Any]) -> None:
    with refused("answer_refused", "in facts"):
        old_info.facts(plain)
