# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stands in the way of a replication out of MariaDB, rows by their keys, and when a file is due."""

from __future__ import annotations

import struct
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import (
    replicate_follow,
    replicate_old,
    replicate_sql,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.queries import Column
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.replicate_events import (
    Followed,
    KeyColumn,
    Position,
    Query,
    Rows,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.session import Flavor
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError

READY = {"log_bin": "ON", "binlog_format": "ROW", "binlog_row_image": "FULL", "log_bin_compress": "OFF"}
BOTH = {"REPLICATION SLAVE", "REPLICATION CLIENT"}


@pytest.mark.parametrize(
    ("setting", "why", "line"),
    [
        ({"log_bin": "OFF"}, "writes no binary log", "below [mysqld]: log_bin and binlog_format = ROW, then restart"),
        ({"binlog_format": "MIXED"}, "is MIXED, and replication needs ROW", "SET GLOBAL binlog_format = 'ROW'"),
        ({"binlog_format": "STATEMENT"}, "is STATEMENT", "restart the units of this site"),
        ({"binlog_row_image": "NOBLOB"}, "is NOBLOB", "SET GLOBAL binlog_row_image = 'FULL'"),
        ({"log_bin_compress": "ON"}, "compresses", "SET GLOBAL log_bin_compress = OFF"),
        ({"wsrep_on": "ON"}, "other nodes", "log_slave_updates = ON, then restart MariaDB"),
    ],
)
def test_what_a_server_lacks(setting: "dict[str, str]", why: str, line: str) -> None:
    assert replicate_sql.unfit(READY) == []
    assert replicate_sql.unfit({**READY, "wsrep_on": "ON", "log_slave_updates": "ON"}) == []
    [(said, hint)] = replicate_sql.unfit({**READY, **setting})
    assert why in said and line in hint


@pytest.mark.parametrize(
    ("grants", "missing"),
    [
        (["GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost`"], set()),
        (["GRANT REPLICATION SLAVE, BINLOG MONITOR ON *.* TO `a`"], set()),
        (["GRANT REPLICATION CLIENT, REPLICATION SLAVE ON *.* TO `a`"], set()),
        (["GRANT SUPER, REPLICATION SLAVE ADMIN ON *.* TO `a`"], {"REPLICATION SLAVE"}),
        (
            ["GRANT ALL PRIVILEGES ON `shop`.* TO `a`", "GRANT USAGE ON *.* TO `a`"],
            {"REPLICATION SLAVE", "REPLICATION CLIENT"},
        ),
    ],
)
def test_rights(grants: "list[str]", missing: "set[str]") -> None:
    assert replicate_sql.may_replicate(grants) == missing


@pytest.mark.parametrize(
    ("wanted", "unwanted", "hidden"),
    [("", "", False), ("shop,other", "", False), ("other", "", True), ("", "Shop", True), ("", "shopping", False)],
)
def test_filters(wanted: str, unwanted: str, hidden: bool) -> None:
    assert replicate_sql.hidden([("log.000001", 4, wanted, unwanted)], "shop") == hidden


def test_mysql_is_refused_with_its_reason() -> None:
    class Session:
        flavor = Flavor(False, "8.4.3")

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *_exc: object) -> None:
            pass

    server: Any = SimpleNamespace(config=SimpleNamespace(alias="default", name="shop"), admin=Session)
    [found] = replicate_old.check(server)
    assert found.code == "replication_refused" and found.msg.startswith("MySQL does not tell")
    assert found.hint == "set relocate_replicate: false"


def test_rows_by_their_keys() -> None:
    one = replicate_sql.Target("`item`", ("id",), ("",))
    assert list(replicate_sql.conditions(one, [(1,), (-2,)])) == ["`id` IN (1,-2)"]
    assert len(list(replicate_sql.conditions(one, [(number,) for number in range(1001)]))) == 3
    assert list(replicate_sql.conditions(one, [])) == []
    two = replicate_sql.Target("`p`", ("a`b", "d"), ("latin1", ""))
    assert list(replicate_sql.conditions(two, [(b"\xe9'", "2024-02-29"), (b"", b"\0")])) == [
        "(`a``b` = _latin1 0xe927 AND `d` = '2024-02-29') OR (`a``b` = _latin1 '' AND `d` = 0x00)"
    ]
    columns = [Column("f", "float", True), Column("v", "text", True)]
    wanted = "SELECT (`f` + 0e0), `v` FROM `item` WHERE TRUE"
    assert replicate_sql.select_sql(one, columns, "TRUE") == wanted


def test_where_a_snapshot_stands() -> None:
    session: Any = SimpleNamespace(
        rows=lambda _sql: [("Binlog_snapshot_file", "log.000012"), ("Binlog_snapshot_position", "345")]
    )
    assert replicate_sql.place(session) == ("log.000012", Position(12, 345))
    with pytest.raises(RelocateError, match="does not tell where"):
        replicate_sql.place(SimpleNamespace(rows=lambda _sql: []))  # type: ignore[arg-type]


# --- what is gathered


def gathered() -> replicate_follow.Gathered:
    tables = {name: Followed(name, 1, (KeyColumn("id", 0, "int"),)) for name in ("item", "pair")}
    start = replicate_follow.Start(Position(1, 4), tables, ["loose"], False)
    return replicate_follow.Gathered("shop", start)


def test_keys_are_gathered_once_until_they_are_due(monkeypatch: pytest.MonkeyPatch) -> None:
    found = gathered()
    for keys in ([(1,), (2,)], [(2,), (3,)], []):
        monkeypatch.setattr(found.log, "take", lambda _packet, keys=keys: Rows("item", keys))
        found.take(b"")
    assert found.count == 3 and list(found.keys["item"]) == [(1,), (2,), (3,)] and not found.is_due()
    monkeypatch.setattr(replicate_follow, "FILE_KEYS", 3)
    assert found.is_due()
    assert list(found.taken()) == ["item"] and found.count == 0 and not found.is_due()


def test_a_table_that_is_emptied_is_followed_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    found = gathered()
    for said in (
        Rows("item", [(1,)]),
        Rows("pair", [(2,)]),
        Query(b"shop", b"TRUNCATE item"),
        Query(b"shop", b"TRUNCATE loose"),
    ):
        monkeypatch.setattr(found.log, "take", lambda _packet, said=said: said)
        found.take(b"")
    assert found.whole == ["item"] and found.followed == {"pair"} and found.count == 1 and list(found.keys) == ["pair"]
    monkeypatch.setattr(found.log, "take", lambda _packet: Query(b"shop", b"TRUNCATE stranger"))
    with pytest.raises(ValueError, match="not known: stranger"):
        found.take(b"")


def test_a_reader_has_a_number_of_its_own() -> None:
    sent: "list[Any]" = []
    session: Any = SimpleNamespace(
        run=lambda *lines: sent.extend(lines), packets=lambda *asked: sent.append(asked) or iter([b"x"])
    )
    assert list(replicate_follow.packets(session, Position(2, 77), "log.000002")) == [b"x"]
    command, payload, _patience = sent[-1]
    offset, flags, number = struct.unpack("<IHI", payload[:10])
    assert (command, offset, flags, payload[10:]) == (0x12, 77, 0, b"log.000002") and number >= 1 << 31
