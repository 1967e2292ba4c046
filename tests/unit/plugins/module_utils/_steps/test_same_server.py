# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether two databases are one: clones are told from the original, and the original is never missed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.base import LIVE
from ansible_collections.relocate.django.plugins.module_utils._host import facts as host_facts
from ansible_collections.relocate.django.plugins.module_utils._model import as_plain
from ansible_collections.relocate.django.plugins.module_utils._steps import database, preflight_new, same_server
from ansible_collections.relocate.django.plugins.module_utils._steps.same_server import Place, same_database
from tests.unit.fakes import BLANK, FakeEngine, entry, facts, manifest, refused, state
from tests.unit.plugins.module_utils._steps.engines import engine

SIGNS = {"port": "5432", "data_directory": "/var/lib/postgresql/15/main", "hostname": "db1", "started": "1000000.25"}
LOCAL = Place("shop", "", None, "m1", "id1", SIGNS)
REMOTE = Place("shop", "db.example", 5432, "m1", "id1", SIGNS)


FILE = Place("/srv/old/db", machine="m1", signs={"file": "1:7"})


def signs(**changes: Any) -> dict[str, Any]:
    return {**SIGNS, **changes}


@pytest.mark.parametrize(
    ("old", "new", "recent", "same"),
    [
        (LOCAL, LOCAL, True, True),
        (LOCAL, replace(LOCAL, name="other"), True, False),
        (LOCAL, replace(LOCAL, identity="id2"), True, False),
        (REMOTE, replace(REMOTE, machine="m2"), True, True),  # one server, asked from both hosts
        (REMOTE, replace(REMOTE, machine="m2", host="10.0.0.5"), True, True),  # by another address
        (LOCAL, replace(REMOTE, machine="m2"), True, True),  # new reaches old's own server over the network
        # Clones that bear the identity of the original.
        (LOCAL, replace(LOCAL, machine="m2", signs=signs(started="2000000")), True, False),
        (LOCAL, replace(LOCAL, machine="m2", signs={}), True, False),
        (LOCAL, replace(LOCAL, machine="m2", signs={}), False, False),
        (LOCAL, replace(LOCAL, signs=signs(port="5433", started="2000000")), True, False),
        (LOCAL, replace(LOCAL, signs=signs(data_directory="/srv/copy", started="2000000")), True, False),
        (REMOTE, replace(REMOTE, host="b.example", signs=signs(hostname="db2")), True, False),
        (REMOTE, replace(REMOTE, host="b.example", signs=signs(started="2000000")), True, False),
        # A server that was started anew is still the same one.
        (LOCAL, replace(LOCAL, signs=signs(started="2000000")), True, True),
        (REMOTE, replace(REMOTE, signs=signs(started="2000000")), True, True),
        # A set of long ago: times of start tell nothing.
        (REMOTE, replace(REMOTE, host="10.0.0.5", signs=signs(started="2000000")), False, True),
        # Two hosts that share a socket's directory.
        (LOCAL, replace(LOCAL, machine="m2"), True, True),
        # A server that tells no identity: where it is.
        (replace(LOCAL, identity=""), replace(LOCAL, identity=""), True, True),
        (replace(LOCAL, identity=""), replace(LOCAL, identity="", machine="m2"), True, False),
        (replace(REMOTE, identity=""), replace(REMOTE, identity="", host="b.example"), True, False),
        (replace(REMOTE, identity="", signs={}), replace(REMOTE, port=5433, signs={}), True, False),
        (replace(REMOTE, identity="", signs={}), replace(REMOTE, port=None, signs={}), True, True),
        # Clones that were started within the same second, by servers that tell the microsecond.
        (
            replace(REMOTE, signs=signs(started="1000000.25")),
            replace(REMOTE, host="b.example", signs=signs(started="1000000.75")),
            True,
            False,
        ),
        (
            replace(REMOTE, signs=signs(started="1000000.25")),
            replace(REMOTE, host="10.0.0.5", signs=signs(started="1000000.250000")),
            True,
            True,
        ),
        # One file by two names, on one machine; on another one, or long ago, its number says nothing.
        (FILE, replace(FILE, name="/srv/new/db"), True, True),
        (FILE, replace(FILE, name="/srv/new/db", signs={"file": "1:8"}), True, False),
        (FILE, replace(FILE, name="/srv/new/db", machine="m2"), True, False),
        (FILE, replace(FILE, name="/srv/new/db"), False, False),
        (FILE, replace(FILE, signs={"file": "1:8"}), True, True),  # replaced meanwhile: the same name
        (replace(FILE, signs={}), replace(FILE, name="/srv/new/db", signs={}), True, False),
        # What a host makes up.
        (LOCAL, replace(LOCAL, machine="m2", signs={"started": "soon", "port": []}), True, False),
    ],
)
def test_one_database_or_two(old: Place, new: Place, recent: bool, same: bool) -> None:
    assert same_database(old, new, recent) is same
    assert same_database(new, old, recent) is same


def engine_at(**changes: Any) -> FakeEngine:
    kept = replace(facts(), system_id="id1", details={"server": signs(**changes)})
    return FakeEngine(facts=kept, databases={"live": state()})


@pytest.mark.parametrize(("changes", "olds"), [({}, True), ({"port": "5433"}, False)])
def test_olds_own_database_is_not_told_to_be_emptied(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], olds: bool
) -> None:
    """Preflight on new asks with the settings of old: a live database there may be old's, and is no obstacle then."""
    monkeypatch.setattr(host_facts, "machine_id", lambda: "m1")
    item = engine_at().config.public()
    here: Any = engine_at(**changes)
    found = preflight_new._is_olds(here, {"host": {"machine_id": "m1"}}, item, engine_at().describe())
    assert found is olds


def test_settings_of_new_that_name_olds_database_are_refused_before_the_freeze(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_facts, "machine_id", lambda: "m1")
    here: Any = engine_at()
    known = dict(here.config.public(), facts=as_plain(here.describe()), machine_id="m1")
    with refused("same_host", "by the settings of new, database default is the OLD one.*relocate_env_overrides"):
        database.refuse_olds(here, known, here.describe())
    other: Any = engine_at(port="5433")
    database.refuse_olds(other, known, here.describe())
    database.refuse_olds(here, dict(known, machine_id=""), here.describe())  # out of a set: restore refuses
    database.refuse_olds(here, known, None)  # another engine


# --- whose host, whose server


@pytest.mark.parametrize(
    ("mine", "system", "name", "allowed", "text"),
    [
        ("n3w", "server-2", "shop", False, ""),
        ("n3w", "server-1", "other", False, ""),
        ("n3w", "", "shop", False, ""),  # a server without identity
        ("0ld", "server-2", "shop", True, ""),
        ("0ld", "server-1", "other", True, ""),
        ("0ld", "server-1", "shop", True, "database default is the OLD one"),  # about the machine alone
        ("0ld", "", "shop", True, "database default is the OLD one"),
        ("0ld", "", "other", True, ""),
        ("0ld", "server-2", "shop", False, "refusing: this is the OLD host, old1 Next: correct the inventory"),
        ("n3w", "server-1", "shop", False, ""),  # a clone of the whole machine: its identity alone does not tell
    ],
)
def test_the_old_host_is_refused(
    monkeypatch: pytest.MonkeyPatch, mine: str, system: str, name: str, allowed: bool, text: str
) -> None:
    monkeypatch.setattr(host_facts, "machine_id", lambda: mine)
    one = engine(facts=replace(facts(), system_id=system), databases={LIVE: BLANK})
    recorded = manifest(databases={"default": entry(config=dict(entry().config, name=name))})
    if text:
        with refused("same_host", text):
            same_server.refuse_old_host(recorded, {"default": one}, allowed)
    else:
        same_server.refuse_old_host(recorded, {"default": one, "surplus": engine("surplus")}, allowed)
    same_server.refuse_old_host(recorded, {"default": one}, True, allow_same_database=True)


@pytest.mark.parametrize(
    ("here", "there", "same"),
    [
        (("db.example.com", 5432), ("db.example.com", 5432), True),
        (("db.example.com", 5432), ("db.example.com", None), True),  # the default, perhaps
        (("db.example.com", 5432), ("db.example.com", 5433), False),
        (("db.example.com", None), ("other.example.com", None), False),
        (("127.0.0.1", None), ("", None), False),  # local, of another machine
        (("db.example.com", None), ("", None), False),
    ],
)
def test_a_server_without_identity_is_told_by_its_address(
    monkeypatch: pytest.MonkeyPatch, here: Any, there: Any, same: bool
) -> None:
    monkeypatch.setattr(host_facts, "machine_id", lambda: "n3w")
    one = engine(facts=replace(facts(), system_id=""), place=here)
    recorded = manifest(databases={"default": entry(config=dict(entry().config, host=there[0], port=there[1]))})
    if not same:
        same_server.refuse_old_host(recorded, {"default": one}, False)
        return
    with refused("same_host", "database default is the OLD one.*allow_same_database"):
        same_server.refuse_old_host(recorded, {"default": one}, False)
