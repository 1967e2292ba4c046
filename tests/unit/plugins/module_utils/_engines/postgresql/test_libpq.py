# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a project's OPTIONS, its owner's files and its HOST try on a process of root that connects with libpq."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Dict, List

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines import sql
from ansible_collections.relocate.django.plugins.module_utils._engines.base import EngineContext
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import connect as mysql_connect
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql import connect, libpq
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseConfig, Login, SystemUser
from ansible_collections.relocate.django.plugins.module_utils._secrets import SecretStore

OWNER = SystemUser("app", os.geteuid(), os.getegid(), (), "/home/app")
Servers = Callable[..., Any]


@pytest.fixture(name="opened")
def _opened(monkeypatch: pytest.MonkeyPatch) -> List[Dict[str, Any]]:
    """Where connections went instead of to a server, as whom, and with what."""
    found: List[Dict[str, Any]] = []

    def postgresql(self: connect.Server, parameters: Dict[str, str], user: Any) -> Any:
        found.append(dict(parameters, acts=user))
        return SimpleNamespace(value=lambda _sql: True)  # he may create databases

    def mysql(self: Any, place: Any, user: str, password: str, database: str, acts: Any, raw: bool = False) -> None:
        found.append(dict(place, password=password, acts=acts))

    monkeypatch.setattr(connect.Server, "_open", postgresql)
    monkeypatch.setattr(mysql_connect.Server, "_open", mysql)
    return found


@pytest.fixture(name="servers")
def _servers(tmp_path: Path) -> Iterator[Servers]:
    with SecretStore(str(tmp_path / "work")) as store:

        def make(engine: str, login: Login, **fields: Any) -> Any:
            config = DatabaseConfig("default", engine, "", "shop", **{"user": "shop", "password": "known", **fields})
            kind = connect.Server if engine == "postgresql" else mysql_connect.Server
            return kind(config, EngineContext(store, owner=OWNER, admin=login))

        yield make


@pytest.fixture(name="root")
def _root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 0)


@pytest.mark.parametrize("key", ["/srv/app/evil:k", "evil:k", "pkcs11:token=x"])
def test_no_library_of_the_project_is_loaded_into_a_process_of_root(
    servers: Servers, opened: List[Any], root: None, key: str
) -> None:
    """Seen with libpq 15 and 17: OpenSSL loads the engine, whose constructor takes root's rights back."""
    one = servers("postgresql", Login("postgres", "db", password="x"), host="127.0.0.1", options={"sslkey": key})
    for way in (one.connect, one.admin, one.environment):
        with pytest.raises(RelocateError, match="engine of OpenSSL"):
            way("shop")
    assert opened == []


def test_a_key_file_is_no_engine(servers: Servers, opened: List[Any], root: None) -> None:
    one = servers("postgresql", Login(), host="127.0.0.1", options={"sslkey": "/etc/ssl/private/shop.key"})
    one.connect("shop")
    assert opened[0]["sslkey"] == "/etc/ssl/private/shop.key"


@pytest.mark.parametrize(
    "line", ["sslkey=/srv/app/evil:k", "  sslkey = /srv/app/evil:k", "ldap://evil.example/x?y?one?z"]
)
def test_a_service_file_says_no_more_than_OPTIONS_may(tmp_path: Path, root: None, line: str) -> None:
    (tmp_path / ".pg_service.conf").write_text(f"[other]\nhost=a\n\n[shop]\nhost=b\n{line}\n")
    with pytest.raises(RelocateError) as refused, libpq.own_environment(str(tmp_path), "shop"):
        pass
    assert refused.value.code == "bad_option"
    with libpq.own_environment(str(tmp_path), "other"):
        pass


def test_libpq_reads_the_service_that_was_checked(tmp_path: Path, root: None) -> None:
    """Not the file, which its owner can exchange meanwhile."""
    psycopg2 = pytest.importorskip("psycopg2")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        path = tmp_path / ".pg_service.conf"
        path.write_text(f"[shop]\nhost=127.0.0.1\nport={port}\n")
        before = dict(os.environ)
        with libpq.own_environment(str(tmp_path), "shop"):
            path.write_text("[shop]\nhost=127.0.0.1\nport=1\nsslkey=/srv/app/evil:k\n")
            with pytest.raises(psycopg2.Error, match=f"port {port}"):
                psycopg2.connect(service="shop", dbname="shop", user="shop")
        assert dict(os.environ) == before


def test_a_service_that_is_a_pipe_or_missing_is_none(tmp_path: Path, root: None) -> None:
    os.mkfifo(tmp_path / ".pg_service.conf")
    for home in (tmp_path, tmp_path / "nowhere"):
        with libpq.own_environment(str(home), "shop"):
            assert Path(os.environ["PGSERVICEFILE"]).read_bytes() == b""


# --- where the administrator's password goes

ELSEWHERE: List[Dict[str, Any]] = [
    {"host": "evil.example"},
    {"host": "127.0.0.1", "port": 6666},  # anybody may listen there
    {"host": "/srv/app"},
    {"host": "localhost", "port": 6666},
]


@pytest.mark.parametrize("engine", ["postgresql", "mysql"])
@pytest.mark.parametrize("settings", ELSEWHERE)
def test_the_settings_do_not_say_where_the_administrators_password_goes(
    servers: Servers, opened: List[Any], engine: str, settings: Dict[str, Any]
) -> None:
    one = servers(engine, Login("admin", password="s3cret"), **settings)
    for way in (one.admin, one.anyone):
        with pytest.raises(RelocateError) as refused:
            way()
        assert refused.value.code == "bad_option"
        assert "relocate_login" in refused.value.hint
        assert "s3cret" not in str(refused.value)
    assert opened == []


@pytest.mark.parametrize("engine", ["postgresql", "mysql"])
@pytest.mark.parametrize("settings", ELSEWHERE)
def test_it_goes_where_the_user_says(
    servers: Servers, opened: List[Any], engine: str, settings: Dict[str, Any]
) -> None:
    servers(engine, Login("admin", "db.example", 7777, password="s3cret"), **settings).admin()
    assert (opened[0]["host"], str(opened[0]["port"]), opened[0]["password"]) == ("db.example", "7777", "s3cret")


@pytest.mark.parametrize(("engine", "usual"), [("postgresql", 5432), ("mysql", 3306)])
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_it_goes_to_this_machines_own_server(
    servers: Servers, opened: List[Any], engine: str, usual: int, host: str
) -> None:
    servers(engine, Login("admin", password="s3cret"), host=host).admin()
    servers(engine, Login("admin", password="s3cret"), host=host, port=usual).admin()
    servers(engine, Login("admin", port=7777, password="s3cret"), host=host, port=7777).admin()
    assert [item["host"] for item in opened] == [host] * 3


def test_another_address_in_OPTIONS_is_not_followed(servers: Servers, opened: List[Any]) -> None:
    options = {"hostaddr": "192.0.2.66"}
    with pytest.raises(RelocateError):
        servers("postgresql", Login("admin", password="s3cret"), host="127.0.0.1", options=options).admin()
    servers("postgresql", Login("admin", "db.example", password="s3cret"), host="db.example", options=options).admin()
    assert "hostaddr" not in opened[0]


def test_a_socket_in_OPTIONS_does_not_vouch_for_HOST(tmp_path: Path, servers: Servers, opened: List[Any]) -> None:
    """A port without a host leads to HOST, whatever trusted socket OPTIONS name."""
    path = tmp_path / "mysqld.sock"
    path.touch()
    options = {"unix_socket": str(path)}
    login = Login("admin", port=3307, password="s3cret")
    with pytest.raises(RelocateError) as refused:
        servers("mysql", login, host="evil.example", options=options).admin()
    assert refused.value.code == "bad_option"
    servers("mysql", Login("admin", password="s3cret"), host="evil.example", options=options).admin()
    assert [item.get("unix_socket") for item in opened] == [str(path)]


def test_keys_that_OPTIONS_name_are_read_as_the_owner_could(servers: Servers, opened: List[Any]) -> None:
    options = {"sslcert": "/root/x.pem", "sslkey": "/root/x.key"}
    servers("postgresql", Login("admin", "db.example", password="s3cret"), host="x", options=options).admin()
    assert opened[0]["acts"] == OWNER


def test_the_administrator_does_not_talk_to_a_socket_that_somebody_else_made(
    tmp_path: Path, servers: Servers, opened: List[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What libpq finds in ~postgres/.pgpass would be sent to whoever listens there."""
    monkeypatch.setattr(connect, "lookup_user", lambda _name: OWNER)
    (tmp_path / ".s.PGSQL.5432").touch()
    one = servers("postgresql", Login(), host=str(tmp_path), user="shop")
    monkeypatch.setattr(connect.Server, "by_creator", lambda self, _database: "the settings' user")
    one.admin()
    assert opened[0]["user"] == "postgres"
    opened.clear()
    real, theirs = os.stat, os.geteuid() + 4242

    def stat(path: Any, **how: Any) -> Any:
        found = real(path, **how)
        fields = list(found[:10])
        fields[4] = theirs
        return os.stat_result(fields)

    monkeypatch.setattr(sql.os, "stat", stat)
    assert one.admin() == "the settings' user"
    assert opened == []
