# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pure parts of the PostgreSQL engine, in tables. What needs a server is in tests/engines."""

from __future__ import annotations

import dataclasses
import os
import stat
from types import SimpleNamespace
from typing import Any, Dict, List, Optional

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.base import EngineContext
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql import (
    admin,
    connect,
    extensions,
    libpq,
    preflight,
    programs,
    queries,
    settings,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql import session as session_module
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql import state as states
from ansible_collections.relocate.django.plugins.module_utils._engines.sql import Findings
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseConfig, DatabaseFacts, Login
from ansible_collections.relocate.django.plugins.module_utils._process import Command, Completed
from ansible_collections.relocate.django.plugins.module_utils._secrets import SecretStore

CANARY = "ca'n\"a ry é%:\\$#@1"


@pytest.mark.parametrize(
    ("name", "identifier", "text"),
    [
        ("shop", '"shop"', "'shop'"),
        ('a"b', '"a""b"', "'a\"b'"),
        ("it's", '"it\'s"', "'it''s'"),
        ("back\\slash", '"back\\slash"', " E'back\\\\slash'"),
        ("per%cent", '"per%cent"', "'per%cent'"),
        ("", '""', "''"),
    ],
)
def test_quoting(name: str, identifier: str, text: str) -> None:
    assert session_module.ident(name) == identifier
    assert session_module.literal(name) == text


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ('FATAL:  database "x\'y" does not exist', "database_missing"),
        ('FATAL:  role "shop" does not exist', "login_failed"),
        ('FATAL:  password authentication failed for user "shop"', "login_failed"),
        ('FATAL:  Peer authentication failed for user "shop"', "login_failed"),
        ("fe_sendauth: no password supplied", "login_failed"),
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.1", user "shop", database "x", no encryption', "login_failed"),
        ('FATAL:  role "shop" is not permitted to log in', "login_failed"),
        ('FATAL:  permission denied for database "x"', "right_missing"),
        ('connection to server at "127.0.0.1", port 1 failed: Connection refused', "server_unreachable"),
        ('connection to server on socket "/s/.s.PGSQL.5432" failed: No such file or directory', "server_unreachable"),
        ('could not translate host name "nowhere" to address: Name or service not known', "server_unreachable"),
        ("FATAL:  the database system is starting up", "server_unreachable"),
        # What a server says between a crash and the end of its recovery.
        ("FATAL:  the database system is in recovery mode", "server_unreachable"),
        ("FATAL:  the database system is not yet accepting connections", "server_unreachable"),
        ("could not send SSL negotiation packet: Broken pipe", "server_unreachable"),
        ("SSL SYSCALL error: EOF detected", "server_unreachable"),
        ("FATAL:  sorry, too many clients already", "server_unreachable"),
        # ::1 refuses, 127.0.0.1 answers: the answer counts
        (
            (
                'to server at "localhost" (::1), port 5432 failed: Connection refused connection to server at'
                ' "localhost" (127.0.0.1), port 5432 failed: FATAL:  password authentication failed for user "shop"'
            ),
            "login_failed",
        ),
        ("FATAL:  Passwort-Authentifizierung für Benutzer »shop« fehlgeschlagen", "login_failed"),
    ],
)
def test_connection_error_code(message: str, code: str) -> None:
    assert libpq.connection_error_code(message) == code


@pytest.mark.parametrize(
    ("message", "code", "tls"),
    [
        ("SSL error: certificate verify failed", "server_unreachable", True),
        ('root certificate file "/ca.pem" does not exist', "server_unreachable", True),
        ('server certificate for "db" does not match host name "x"', "server_unreachable", True),
        ("server does not support SSL, but SSL was required", "server_unreachable", True),
        # sslmode allow tries once more after the server's own answer
        ("FATAL:  password authentication failed for user; server does not support SSL", "login_failed", False),
        ('FATAL:  certificate authentication failed for user "shop"', "login_failed", False),
        ("Connection refused", "server_unreachable", False),
    ],
)
def test_hints_of_tls(message: str, code: str, tls: bool) -> None:
    found, hint = libpq.refusal(message)
    assert (found, "sslrootcert" in hint) == (code, tls)


def test_every_pattern_names_a_known_code() -> None:
    for _pattern, code in libpq.ERRORS:
        assert RelocateError(code, "").code == code


def test_pgpass_line() -> None:
    assert libpq.pgpass_line("a:b\\c d'é") == "*:*:*:*:a\\:b\\\\c d'é\n"


def server(tmp_path: Any, **fields: Any) -> connect.Server:
    store = SecretStore(str(tmp_path / "work"))
    store.__enter__()
    values: Dict[str, Any] = {"user": "shop", "password": CANARY, "host": "db.example.org", "port": 6432}
    values.update(fields)
    config = DatabaseConfig("de fault", "postgresql", "", values.pop("name", "we ird\"'=x://"), **values)
    return connect.Server(config, EngineContext(store))


def test_parameters_and_environment(tmp_path: Any) -> None:
    options = {
        "sslmode": "verify-full",
        "sslrootcert": "/ca.pem",
        "sslpassword": "hush",
        "options": "-c search_path=a",
        "isolation_level": 4,
        "pool": True,
        "server_side_binding": True,
        "assume_role": "shop",
        "connect_timeout": 5,
        "keepalives": 1,
    }
    one = server(tmp_path, options=options)
    assert one.parameters("x=y") == {
        "application_name": "relocate.django",
        "client_encoding": "UTF8",
        "connect_timeout": "5",
        "dbname": "x=y",
        "host": "db.example.org",
        "keepalives": "1",
        "options": "-c search_path=a",
        "password": CANARY,
        "port": "6432",
        "sslmode": "verify-full",
        "sslpassword": "hush",
        "sslrootcert": "/ca.pem",
        "user": "shop",
    }
    env = one.environment("x=y")
    path = env.pop("PGPASSFILE")
    assert env == {
        "PGAPPNAME": "relocate.django",
        "PGCONNECT_TIMEOUT": "5",
        "PGDATABASE": "x=y",
        "PGHOST": "db.example.org",
        "PGOPTIONS": "-c search_path=a",
        "PGPORT": "6432",
        "PGSSLMODE": "verify-full",
        "PGSSLROOTCERT": "/ca.pem",
        "PGUSER": "shop",
    }
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    with open(path, encoding="utf-8") as stream:
        assert stream.read() == libpq.pgpass_line(CANARY)
    assert one.context.secrets.scrub("sslpassword=hush") == "sslpassword=********"


@pytest.mark.parametrize(
    ("fields", "mode"),
    [
        ({"host": "127.0.0.1"}, "allow"),
        ({"host": "localhost"}, "allow"),
        ({"host": ""}, "allow"),
        ({"host": "/run/postgresql"}, "allow"),
        ({"host": "127.0.0.1", "options": {"sslmode": "require"}}, "require"),
        ({"host": "127.0.0.1", "options": {"hostaddr": "192.0.2.1"}}, None),
        ({"host": "", "options": {"service": "shop"}}, None),
        ({"host": "db.example.org"}, None),
        ({"host": "192.0.2.1"}, None),
    ],
)
def test_only_the_loopback_may_go_without_tls(tmp_path: Any, fields: Dict[str, Any], mode: Optional[str]) -> None:
    one = server(tmp_path, **fields)
    assert one.parameters("x").get("sslmode") == mode
    assert one.environment("x").get("PGSSLMODE") == mode


class FakeDriver:
    """psycopg2 as far as a session needs it: notes how it is called, and what it is asked in which order."""

    class Error(Exception):
        pgcode = None
        diag = None

    def __init__(self, refuses: str = "") -> None:
        self.calls: List[Dict[str, str]] = []
        self.asked: List[str] = []
        self.refuses = refuses
        self.description, self.autocommit, self.server_version, self.closed = None, False, 150018, False
        self.is_superuser = "off"

    def connect(self, **parameters: str) -> FakeDriver:
        self.calls.append(parameters)
        if self.refuses and "options" in parameters:
            raise self.Error(self.refuses)
        return self

    def cursor(self) -> FakeDriver:
        return self

    def __enter__(self) -> FakeDriver:
        return self

    def __exit__(self, *exc: object) -> None:
        pass

    def get_parameter_status(self, name: str) -> str:
        return str(getattr(self, name))

    def close(self) -> None:
        pass

    def execute(self, sql: str) -> None:
        self.asked.append(sql)


@pytest.fixture(name="fake")
def _fake(monkeypatch: pytest.MonkeyPatch) -> FakeDriver:
    found = FakeDriver()
    for module in (connect, session_module):
        monkeypatch.setattr(module, "driver", lambda: found)
    return found


PINNED = "-c search_path=pg_catalog -c local_preload_libraries="


def test_search_path_is_pinned_before_anything_is_asked(tmp_path: Any, fake: FakeDriver) -> None:
    """In the connection's options and by the first statement: the database's and the role's settings come too late."""
    one = server(tmp_path, options={"options": "-c search_path=trap -c role=x"})
    one = connect.Server(one.config, dataclasses.replace(one.context, admin=Login("postgres", "db", password="x")))
    for way in (one.connect, one.admin):
        fake.asked.clear()
        way("site")
        assert fake.calls[-1]["options"].endswith(PINNED)
        assert fake.asked[0] == "SET search_path TO pg_catalog"
        assert " = " not in fake.asked[1].partition("JOIN")[2], "an operator by its bare name"
    assert fake.calls[-1]["options"] == PINNED, "the settings' OPTIONS are no administrator's"


@pytest.mark.parametrize(
    "refusal",
    [
        "unsupported startup parameter: options",
        "unsupported startup parameter in options: search_path",
        "FATAL:  Feature not supported: RDS Proxy currently doesn\u2019t support command-line options.",
    ],
)
def test_a_pooler_that_takes_no_options_is_asked_without(tmp_path: Any, fake: FakeDriver, refusal: str) -> None:
    fake.refuses = refusal
    server(tmp_path).connect("site")
    assert ["options" in call for call in fake.calls] == [True, False]
    assert fake.asked[0] == "SET search_path TO pg_catalog"
    fake.refuses = "FATAL:  password authentication failed"
    fake.calls.clear()
    with pytest.raises(RelocateError):
        server(tmp_path).connect("site")
    assert len(fake.calls) == 1


@pytest.mark.parametrize(
    ("version", "user", "off"),
    [(170012, "on", True), (180001, "on", True), (160003, "on", False), (170012, "off", False)],
)
def test_an_administrator_runs_no_trigger_on_login(
    tmp_path: Any, fake: FakeDriver, version: int, user: str, off: bool
) -> None:
    """Asked in the maintenance database, once; a pooler that hands the option on to nobody is no way in."""
    fake.server_version, fake.is_superuser = version, user
    one = server(tmp_path)
    object.__setattr__(one.context, "admin", Login(user="postgres", host="db.example.org", password="x"))
    for _again in range(2):
        one.admin("site")
    one.admin()
    assert [call["dbname"] for call in fake.calls] == ["postgres", "site", "site", "postgres"]
    assert ["event_triggers=off" in call["options"] for call in fake.calls] == [False, off, off, False]
    fake.refuses = "unsupported startup parameter: options"
    fake.calls.clear()
    if off:
        with pytest.raises(RelocateError):
            one.admin("site")
        assert len(fake.calls) == 1
    else:
        one.admin("site")


def test_pg_restore_stops_at_the_first_error(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: List[Command] = []

    def run(command: Command, **_how: Any) -> Completed:
        ran.append(command)
        return Completed(tuple(command.argv), 0, "", "")

    monkeypatch.setattr(programs, "run", run)
    entries = ["7; 1 2 TABLE public t x"]
    for major in (15, 13):
        programs.restore(server(tmp_path), client(15), "site__incoming", "/set/default.pgdump", entries, major)
    assert "--exit-on-error" in ran[0].argv
    assert ran[0].env["PGOPTIONS"].endswith("-c client_connection_check_interval=500")
    assert ran[1].env["PGOPTIONS"] == "-c synchronous_commit=off"  # 13 does not know the other
    assert ran[0].family
    assert "--jobs=1" in ran[0].argv
    assert ran[0].env["PGDATABASE"] == "site__incoming"


def test_a_password_with_a_line_break_is_refused(tmp_path: Any) -> None:
    with pytest.raises(RelocateError):
        server(tmp_path, password="a\nb").environment("x")


def test_no_password_leaves_the_users_own_password_file(tmp_path: Any) -> None:
    one = server(tmp_path, password="", options={"passfile": "/home/shop/.my_pgpass"})
    assert one.environment("x")["PGPASSFILE"] == "/home/shop/.my_pgpass"
    assert one.parameters("x")["passfile"] == "/home/shop/.my_pgpass"


def test_paths_are_the_projects(tmp_path: Any) -> None:
    options = {"passfile": "conf/pgpass", "sslrootcert": "system", "sslcert": "/etc/c.pem", "sslkey": "k.pem"}
    one = server(tmp_path, password="", options=options)
    one = connect.Server(one.config, dataclasses.replace(one.context, project="/srv/shop"))
    found = one.parameters("x")
    assert [found[word] for word in options] == ["/srv/shop/conf/pgpass", "system", "/etc/c.pem", "/srv/shop/k.pem"]
    assert one.environment("x")["PGPASSFILE"] == "/srv/shop/conf/pgpass"


def test_a_role_is_assumed_by_every_session_of_the_settings(tmp_path: Any) -> None:
    one = server(tmp_path, options={"assume_role": "app owner", "options": "-c a=b"})
    assert (one.role, one.acts_as) == ("shop", "app owner")
    assert one.parameters("x")["options"] == one.environment("x")["PGOPTIONS"] == "-c a=b -c role=app\\ owner"
    assert "options" not in server(tmp_path).parameters("x")


@pytest.mark.parametrize(
    ("name", "expected"),
    [("site", "postgres"), ("postgres", "template1")],
)
def test_maintenance_database(tmp_path: Any, name: str, expected: str) -> None:
    assert server(tmp_path, name=name).maintenance_database() == expected


@pytest.mark.parametrize(
    ("host", "local"),
    [("", True), ("localhost", True), ("127.0.0.1", True), ("::1", True), ("/run/postgresql", True), ("db1", False)],
)
def test_is_local(tmp_path: Any, host: str, local: bool) -> None:
    assert server(tmp_path, host=host).is_local is local


def test_a_strangers_socket_is_not_trusted(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / ".s.PGSQL.5432"
    path.write_text("")
    assert connect.socket_directory(5432, (str(tmp_path),)) == str(tmp_path)
    assert connect.socket_directory(5433, (str(tmp_path),)) == ""
    real = os.stat

    def strange(where: Any, *args: Any, **kwargs: Any) -> Any:
        found = list(real(where, *args, **kwargs))
        found[4] = 4242
        return os.stat_result(found)

    monkeypatch.setattr(os, "stat", strange)
    assert connect.socket_directory(5432, (str(tmp_path),)) == ""


def test_a_driver_that_makes_no_verifier(monkeypatch: pytest.MonkeyPatch) -> None:
    """psycopg2 before 2.8 has no encrypt_password, and libpq before 10 no SCRAM. What they do is in tests/engines."""

    class RefusedError(Exception):
        pass

    def refusing(*_args: object) -> str:
        raise RefusedError

    session = object.__new__(session_module.Session)
    session._connection = None
    for extensions_of in (SimpleNamespace(), SimpleNamespace(encrypt_password=refusing)):
        modules = {
            "psycopg2": SimpleNamespace(__version__="2.7.7", NotSupportedError=RefusedError),
            "psycopg2.extensions": extensions_of,
        }
        monkeypatch.setattr(session_module.importlib, "import_module", modules.__getitem__)
        with pytest.raises(RelocateError) as caught:
            session.verifier("shop", CANARY)
        assert caught.value.code == "library_missing" and CANARY not in str(caught.value)
        assert caught.value.msg == "psycopg2 2.7.7 cannot make a SCRAM verifier"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("site", "site__incoming"),
        ('we ird"', 'we ird"__incoming'),
        ("a" * 53, "a" * 53 + "__incoming"),
        ("a" * 54, "a" * 44 + "_a3f01b69__incoming"),
        ("é" * 31, "é" * 22 + "_f299f682__incoming"),
    ],
)
def test_derived_name(name: str, expected: str) -> None:
    assert session_module.derived_name(name, "incoming") == expected
    assert len(expected.encode()) <= 63


def test_long_names_stay_apart() -> None:
    assert session_module.derived_name("a" * 60 + "1", "previous") != session_module.derived_name(
        "a" * 60 + "2", "previous"
    )


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("timezone", "Europe/Berlin", "'Europe/Berlin'"),
        ("search_path", '"$user", public', "'$user', 'public'"),
        ("search_path", '"a, b", "c""d", e', "'a, b', 'c\"d', 'e'"),
        ("search_path", "", "''"),
        ("DateStyle", "ISO, DMY", "'ISO, DMY'"),
        ("app.note", "it's", "'it''s'"),
    ],
)
def test_setting_value(key: str, value: str, expected: str) -> None:
    assert settings.setting_value(key, value) == expected


def test_scoped_settings() -> None:
    rows = [(True, True, ["a=role in database"]), (False, True, ["b=x=y", "a=database"]), (True, False, ["c="])]
    found = settings.scoped_settings(rows)
    assert found == ["owner: c=", "a=database", "b=x=y", "owner here: a=role in database"]
    assert [settings.setting_name(item) for item in found] == ["c", "a", "b", "a"]


FACTS = DatabaseFacts("postgresql", "", 150018, "15", encoding="UTF8", collation="de_DE.UTF-8", ctype="C")


@pytest.mark.parametrize(
    ("details", "major", "expected"),
    [
        ({}, 14, ["ENCODING 'UTF8'", "LC_COLLATE 'de_DE.UTF-8'", "LC_CTYPE 'C'"]),
        ({}, 17, ["ENCODING 'UTF8'", "LOCALE_PROVIDER libc", "LC_COLLATE 'de_DE.UTF-8'", "LC_CTYPE 'C'"]),
        (
            {"locale_provider": "icu", "locale": "de", "icu_rules": "&a < b"},
            16,
            ["ENCODING 'UTF8'", "LOCALE_PROVIDER icu", "ICU_LOCALE 'de'", "ICU_RULES '&a < b'"]
            + ["LC_COLLATE 'de_DE.UTF-8'", "LC_CTYPE 'C'"],
        ),
        (
            {"locale_provider": "builtin", "locale": "C.UTF-8"},
            17,
            ["ENCODING 'UTF8'", "LOCALE_PROVIDER builtin", "BUILTIN_LOCALE 'C.UTF-8'"]
            + ["LC_COLLATE 'de_DE.UTF-8'", "LC_CTYPE 'C'"],
        ),
    ],
)
def test_database_clauses(details: Dict[str, Any], major: int, expected: List[str]) -> None:
    assert admin.database_clauses(dataclasses.replace(FACTS, details=details), major) == expected
    assert admin.database_clauses(None, major) == ["ENCODING 'UTF8'"]


def test_what_old_says_of_its_locale_adds_no_clause() -> None:
    """CREATE DATABASE runs as administrator, and the facts come from the old host, or out of a set."""
    details = {"locale_provider": "icu ICU_LOCALE 'und' IS_TEMPLATE true --", "locale": "x' y", "icu_rules": "'"}
    clauses = admin.database_clauses(dataclasses.replace(FACTS, details=details), 16)
    assert "TEMPLATE" not in " ".join(clauses)
    assert "LOCALE_PROVIDER libc" in clauses


@pytest.mark.parametrize(
    ("name", "package"),
    [
        ("citext", "postgresql-contrib"),
        ("postgis", "postgresql-17-postgis-3"),
        ("vector", "postgresql-17-pgvector"),
        ("pg_cron", "postgresql-17-pg-cron"),
    ],
)
def test_extension_hint(name: str, package: str) -> None:
    assert package in extensions.extension_hint(name, 17)


@pytest.mark.parametrize(
    ("met", "extension", "locale"),
    [
        ("query_failed", "extension_missing", ""),
        ("right_missing", "right_missing", "right_missing"),
        ("server_unreachable", "server_unreachable", "server_unreachable"),
    ],
)
def test_a_lost_session_says_nothing_of_extensions_and_locales(met: str, extension: str, locale: str) -> None:
    class Session:
        major = 17

        def rows(self, _sql: str) -> List[Any]:
            return []

        def value(self, _sql: str) -> Any:
            return None

        def run(self, *_statements: str) -> None:
            raise RelocateError(met, "the server says so")

    asked: Any = (Session(), dataclasses.replace(FACTS, extensions={"citext": "1.6"}, extension_schemas={}))
    with pytest.raises(RelocateError) as caught:
        extensions.create_extensions(SimpleNamespace(acts_as="shop"), *asked)  # type: ignore[arg-type]
    assert caught.value.code == extension
    findings = Findings("default")
    if locale:
        with pytest.raises(RelocateError) as caught:
            preflight._locale(*asked, findings)
        assert caught.value.code == locale
    else:
        preflight._locale(*asked, findings)
        assert {item.code for item in findings.found} == {"locale_missing"}


def client(major: int) -> programs.Client:
    return programs.Client("/p/{0}".format(major), "pg_dump (PostgreSQL) {0}.1".format(major), major)


@pytest.mark.parametrize(
    ("installed", "server_major", "chosen"),
    [([15], 15, 15), ([13, 15, 17], 14, 15), ([13, 15, 17], 17, 17), ([13], 15, None), ([], 15, None)],
)
def test_choose_dump(installed: List[int], server_major: int, chosen: Optional[int]) -> None:
    clients = [client(major) for major in installed]
    if chosen is None:
        with pytest.raises(RelocateError) as caught:
            programs.choose_dump(clients, server_major)
        assert caught.value.code == ("client_too_old" if installed else "program_missing")
        assert "postgresql-client-15" in caught.value.hint
    else:
        assert programs.choose_dump(clients, server_major).major == chosen


@pytest.mark.parametrize(
    ("installed", "dump", "server_major", "chosen"),
    [
        ([15, 17], 13, 17, 15),
        ([17], 13, 17, 17),
        ([17, 18], 17, 17, 17),
        ([15], 17, 17, "client_too_old"),
        ([15, 17], 17, 15, "server_too_old"),
        ([], 15, 15, "program_missing"),
    ],
)
def test_choose_restore(installed: List[int], dump: int, server_major: int, chosen: Any) -> None:
    clients = [client(major) for major in installed]
    if isinstance(chosen, str):
        with pytest.raises(RelocateError) as caught:
            programs.choose_restore(clients, dump, server_major)
        assert caught.value.code == chosen
    else:
        assert programs.choose_restore(clients, dump, server_major).major == chosen


@pytest.mark.parametrize(
    ("text", "major"),
    [
        ("pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", 15),
        ("pg_restore (PostgreSQL) 18beta1", 18),
        ("Error: You must install at least one postgresql-client-<version> package", 0),
        ("", 0),
    ],
)
def test_client_major(text: str, major: int) -> None:
    assert programs.client_major(text) == major


@pytest.mark.parametrize(
    ("major", "wanted", "expected"),
    [(15, "zstd", ["0"]), (16, "zstd", ["zstd:1", "0"]), (17, "none", ["0"])],
)
def test_compressions(major: int, wanted: str, expected: List[str]) -> None:
    assert programs.compressions(client(major), wanted) == expected


LISTING = """;
; Archive created at 2026-11-20 21:29:31 UTC
;
7; 2615 16386 SCHEMA - ext shop
5; 2615 2200 SCHEMA - public postgres
3400; 0 0 COMMENT - SCHEMA public postgres
2; 3079 16385 EXTENSION - citext
3345; 0 0 COMMENT - EXTENSION citext
8; 2615 16387 SCHEMA - publicity shop
9; 2615 16388 SCHEMA - public-x shop
10; 2615 16389 SCHEMA - ext2 shop
215; 1259 16394 TABLE public SCHEMA shop
3346; 0 0 COMMENT public TABLE public shop
3342; 0 16389 TABLE DATA public t shop"""


def test_load_entries() -> None:
    kept = programs.load_entries(LISTING.splitlines(), ["ext"])
    assert [line.split(";")[0] for line in kept] == ["8", "9", "10", "215", "3346", "3342"]


def test_parse_setvals() -> None:
    text = "\n".join(
        [
            "SET statement_timeout = 0;",
            "SELECT pg_catalog.setval('public.a_id_seq', 5, true);",
            'SELECT pg_catalog.setval(\'"Ot her"."a.b""c_seq"\', -7, false);',
            "SELECT pg_catalog.setval('public.\"it''s\"', 1, true);",
            "SELECT pg_catalog.setval(E'public.\"back\\\\slash\"', 2, true);",
            "SELECT pg_catalog.setval('nonsense', 2, true);",
        ]
    )
    assert programs.parse_setvals(text) == {
        ("public", "a_id_seq"): (5, True),
        ("Ot her", 'a.b"c_seq'): (-7, False),
        ("public", "it's"): (1, True),
        ("public", "back\\slash"): (2, True),
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "pg_restore: to\npg_restore: error: could not execute query: ERROR:  type x\nLINE 3: x\nCommand was: x",
            "pg_restore: error: could not execute query: ERROR:  type x",
        ),
        ("something odd\n\nlast", "something odd\nlast"),
    ],
)
def test_complaint(text: str, told: str) -> None:
    assert programs.complaint(text) == told


def test_progress_is_sparing() -> None:
    told: List[str] = []
    progress = programs.Progress(told.append, pause=60)
    for line in (
        "pg_dump: last built-in OID is 16383",
        'pg_dump: dumping contents of table "public.a"',
        'pg_dump: dumping contents of table "public.b"',
    ):
        progress(line)
    assert told == ['dumping contents of table "public.a"']


def test_files_of_a_dump(tmp_path: Any) -> None:
    one = server(tmp_path)
    path = tmp_path / "dump"
    path.mkdir()
    (path / "toc.dat").write_bytes(b"toc")
    (path / "1.dat").write_bytes(b"a\t1\n\\.\n\n\n")
    (path / "blob_9.dat").write_bytes(b"")
    (path / "blob_9.dat.zst").write_bytes(b"")
    programs.check_complete(one, str(path))
    for content in (b"", b"a\t1\n", b"a\t1\n\\.\n\n"):
        (path / "1.dat").write_bytes(content)
        with pytest.raises(RelocateError) as caught:
            programs.check_complete(one, str(path))
        assert (caught.value.code, "1.dat" in caught.value.msg) == ("dump_truncated", True)
    (path / "1.dat").unlink()
    (path / "toc.dat").unlink()
    with pytest.raises(RelocateError):
        programs.check_complete(one, str(path))
    with pytest.raises(RelocateError):
        programs.check_complete(one, str(tmp_path / "nowhere"))


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (("public", "a_1"), "public.a_1"),
        (("public", "user"), "public.user"),  # a keyword or not: the same on every version
        (("Ot her", "A"), '"Ot her"."A"'),
        (("a.b", 'c"d'), '"a.b"."c""d"'),
        (("1a", "é"), '"1a"."é"'),
    ],
)
def test_qualified(parts: Any, expected: str) -> None:
    assert queries.qualified(*parts) == expected


def column(type_name: str, schema: str = "pg_catalog", kind: str = "b", modifier: int = -1, plain: bool = True) -> Any:
    return queries.Column("c", schema, type_name, kind, modifier, plain)


AS_TEXT = '"c"::text COLLATE "C"'


@pytest.mark.parametrize(
    ("one", "record", "text"),
    [
        (column("int4"), '"c"', '"c"'),
        (column("text"), '"c"', '"c"'),
        (column("text", plain=False), '"c" COLLATE "C"', '"c"'),
        (column("float8"), '"c"', 'float8send("c")'),
        (column("float4"), '"c"', 'float4send("c")'),
        (column("numeric", modifier=655366), '"c"', '"c"'),
        (column("numeric"), AS_TEXT, '"c"'),
        (column("jsonb"), AS_TEXT, '"c"'),
        (column("json"), AS_TEXT, '"c"'),
        (column("xml"), AS_TEXT, '"c"'),
        (column("_text"), AS_TEXT, '"c"'),
        (column("mood", "public", "e"), AS_TEXT, '"c"'),
        (column("citext", "public"), AS_TEXT, '"c"'),
        (column("text", "public", "d"), AS_TEXT, '"c"'),  # a domain that is called text
        (column("tstzrange", kind="r"), AS_TEXT, '"c"'),
        (column("oid"), AS_TEXT, '"c"'),
    ],
)
def test_column_expression(one: queries.Column, record: str, text: str) -> None:
    assert queries.column_expression(one, queries.RECORD) == record
    assert queries.column_expression(one, queries.TEXT) == text


def table(name: str, pages: int, columns: int = 1) -> queries.Table:
    return queries.Table("public", name, "table", pages, tuple(column("int4") for _number in range(columns)))


def test_count_sql() -> None:
    one = table("t", 1)
    assert queries.count_sql(one, 3, queries.RECORD, True) == (
        'SELECT 3, count(*), coalesce(sum(hashint8extended(hash_record_extended(ROW("c"), 0), 0)::bigint), 0)'
        ' FROM ONLY "public"."t"'
    )
    assert 'hashtextextended(ROW("c")::text COLLATE "C", 0)' in queries.count_sql(one, 3, queries.TEXT, True)
    assert "hash" not in queries.count_sql(one, 3, queries.RECORD, False)
    assert "sum(0::bigint)" in queries.count_sql(table("t", 1, 0), 3, queries.RECORD, True)


def test_table_of() -> None:
    row = ("s", "t", True, 7, ["a", "b"], ["pg_catalog", "x"], ["int4", "mood"], ["b", "e"], [-1, -1], [True, False])
    assert queries.table_of(row) == queries.Table(
        "s",
        "t",
        "partition",
        7,
        (queries.Column("a", "pg_catalog", "int4"), queries.Column("b", "x", "mood", "e", -1, False)),
    )
    assert queries.table_of(("s", "t", False, 0, None, None, None, None, None, None)).columns == ()


def test_batches() -> None:
    tables = [table("s1", 1), table("big", 10000), table("s2", 2), table("bigger", 20000), table("wide", 0, 1499)]
    assert states.batches(tables) == [[3], [1], [2, 0], [4]]
    assert [len(group) for group in states.batches([table("t", 0)] * 120)] == [50, 50, 20]
    assert states.batches([]) == []


@pytest.mark.parametrize(
    ("wanted", "major", "expected"),
    [
        ("", 17, "pg-record-1"),
        ("", 14, "pg-record-1"),
        ("", 13, "pg-text-1"),
        ("pg-text-1", 17, "pg-text-1"),
        ("pg-record-1", 13, "server_too_old"),
        ("pg-new-2", 17, "format_unknown"),
    ],
)
def test_fingerprint_method(wanted: str, major: int, expected: str) -> None:
    try:
        assert states.fingerprint_method(wanted, major) == expected
    except RelocateError as exc:
        assert exc.code == expected


def test_a_count_lets_go_of_its_locks() -> None:
    """They would be kept until the snapshot's end otherwise: 3,000 tables with two indexes each are 9,000."""
    asked: List[str] = []

    class Recording:
        def rows(self, sql: str) -> List[Any]:
            asked.append(sql)
            return [(1,)]

        def run(self, *statements: str) -> None:
            asked.extend(statements)

    view = states.View.__new__(states.View)
    view._all, view.sessions = [Recording()], 1  # type: ignore[list-item]
    assert view.ask(["SELECT 1", "SELECT 2"]) == [(1,), (1,)]
    for first in (0, 4):
        assert asked[first] == "SAVEPOINT part"
        assert asked[first + 1].startswith("SELECT ")
        assert asked[first + 2 : first + 4] == ["ROLLBACK TO SAVEPOINT part", "RELEASE SAVEPOINT part"]


@pytest.mark.parametrize(
    ("tables", "room", "jobs", "expected"),
    [(100, 6400, 4, 4), (2800, 6400, 4, 4), (3000, 6400, 4, 1), (3000, 0, 4, 4), (3000, 25600, 8, 8)],
)
def test_dump_jobs(tables: int, room: int, jobs: int, expected: int) -> None:
    assert programs.dump_jobs(tables, room, jobs) == expected


@pytest.mark.parametrize("side", ["old", "new"])
@pytest.mark.parametrize(
    ("needed", "each", "processes", "expected"),
    [
        (6000, 64, 122, 0),  # 3,000 tables with a serial each, as a server comes
        (7808, 64, 122, 0),
        (7809, 64, 122, 128),
        (20000, 64, 122, 256),
        (20000, 256, 122, 0),
        (200000, 128, 122, 2112),
    ],
)
def test_locks_that_a_dump_takes(needed: int, each: int, processes: int, expected: int, side: str) -> None:
    """On new too, where one compares what was loaded."""

    class Asked:
        def rows(self, sql: str) -> List[Any]:
            assert sql == queries.CAPACITY
            return [(needed if side == "old" else 7, each, processes)]

    findings = Findings("default")
    preflight._locks(Asked(), findings, side, needed)  # type: ignore[arg-type]
    assert [item.code for item in findings.found] == ["locks_lacking"] * bool(expected)
    for item in findings.found:
        assert "{0} tables".format(needed) in item.msg
        assert "the server on {0} has room".format(side) in item.msg
        assert "superuser on {0}: ALTER SYSTEM SET max_locks_per_transaction = {1}, then".format(side, expected) in (
            item.hint
        )
    assert preflight.locks_wanted(needed, expected or each, processes) == 0  # the hint helps


@pytest.mark.parametrize(
    ("majors", "expected"),
    [([15], []), ([15, 16], []), ([14], ["client_too_old"]), ([], ["program_missing"])],
)
def test_a_pg_dump_that_can_read_new_is_asked_for_before(
    monkeypatch: pytest.MonkeyPatch, majors: List[int], expected: List[str]
) -> None:
    """What was loaded is compared by it, after the freeze."""
    clients = {"pg_dump": majors, "pg_restore": [15]}
    monkeypatch.setattr(
        preflight, "installed", lambda name: [programs.Client(name, name, major) for major in clients[name]]
    )
    findings = Findings("default")
    preflight._restore_client(15, DatabaseFacts("postgresql", "PostgreSQL 14", 140001, "14"), findings)
    assert [item.code for item in findings.found] == expected
    assert all("server 15" in item.msg and item.hint == "install postgresql-client-15" for item in findings.found)


@pytest.mark.parametrize(
    ("major", "sqlstate", "live", "whole"),
    [(13, "XX000", True, False), (13, "42P01", True, None), (13, "XX000", False, None), (14, "XX000", True, None)],
)
def test_a_server_before_14_fails_at_what_was_dropped_meanwhile(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, major: int, sqlstate: str, live: bool, whole: Optional[bool]
) -> None:
    """None: the failure is one. Whatever the schema, the transaction is good for what is asked next."""
    ran: List[str] = []

    class Main:
        def __init__(self) -> None:
            self.major = major

        def run(self, *statements: str) -> None:
            ran.extend(statements)

    def fails(*_args: Any) -> None:
        raise RelocateError("query_failed", "cache lookup failed for type 16420", details={"sqlstate": sqlstate})

    view = states.View.__new__(states.View)
    view.main, view.server, view.is_live = Main(), server(tmp_path), live  # type: ignore[assignment]
    monkeypatch.setattr(states, "catalogued_schema", fails)
    if whole is None:
        with pytest.raises(RelocateError):
            states._schema(view)
        return
    assert states._schema(view) is None
    assert ran == ["SAVEPOINT whole", "ROLLBACK TO SAVEPOINT whole"]
    (note,) = view.server.context.notes
    assert "no whole schema is compared" in note


class BusyServer:
    """A server on which a background worker keeps a database from being renamed until it is ended often enough."""

    def __init__(self, ends: int) -> None:
        self.left = ends

    def rows(self, sql: str) -> List[Any]:
        if "backend_type <> 'client backend'" in sql:
            self.left -= 1
        return [("pg_cron launcher",)] if sql.startswith("SELECT backend_type") and self.left > 0 else []

    def value(self, _sql: str) -> int:
        return 0

    def run(self, *statements: str) -> None:
        if "RENAME" in statements[0] and self.left > 0:
            raise RelocateError("query_failed", "is being accessed by other users", details={"sqlstate": "55006"})


def test_a_background_worker_is_ended_for_a_swap_or_named() -> None:
    one: Any = BusyServer(ends=2)
    admin.rename(one, [("site", "site__previous")])
    assert one.left == 0
    with pytest.raises(RelocateError) as caught:
        admin.rename(BusyServer(ends=99), [("site", "site__previous")])  # type: ignore[arg-type]
    assert caught.value.code == "swap_failed"
    assert "pg_cron launcher" in caught.value.hint


@pytest.mark.parametrize(("total", "digits"), [(0, "0"), (5, "5"), (-1, str(2**128 - 1))])
def test_as_digits(total: int, digits: str) -> None:
    assert states.as_digits(total) == digits
