# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""PostgreSQL without a superuser, restricted as managed servers are: what works, and what is refused before a load."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.base import (
    DISCARDED,
    INCOMING,
    LIVE,
    PREVIOUS,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.engine import PostgresqlEngine
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseFacts, Login
from ansible_collections.relocate.django.plugins.module_utils._secrets import SecretStore
from tests.engines.postgresql_cluster import Cluster, Make, maker
from tests.engines.test_postgresql import SITE

pytest.importorskip("psycopg2")

USER, PASSWORD = "shop", "secret"
DOCS = Path(__file__).parents[2] / "docs" / "managed.md"

#: The administrators of RDS and Cloud SQL are about this: they make roles and databases, and are no superusers.
ROLES = """
CREATE ROLE rds_superuser NOLOGIN;
GRANT pg_monitor, pg_signal_backend TO rds_superuser;
CREATE ROLE master LOGIN CREATEDB CREATEROLE PASSWORD 'secret' IN ROLE rds_superuser;
CREATE ROLE root LOGIN SUPERUSER PASSWORD 'secret';
CREATE ROLE maker LOGIN CREATEDB PASSWORD 'secret';
CREATE ROLE shop LOGIN PASSWORD 'secret';
CREATE ROLE solo LOGIN CREATEDB PASSWORD 'secret';
CREATE ROLE third NOLOGIN;
CREATE ROLE poor LOGIN PASSWORD 'secret';
"""


def prepare(server: Cluster) -> None:
    server.psql("postgres", ROLES)
    server.psql("postgres", "CREATE DATABASE site OWNER shop")
    server.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", SITE], {"PGDATABASE": "site"})


@pytest.fixture(name="login")
def _login(cluster: Cluster) -> Callable[[str], Login]:
    return lambda user: Login(user=user, password=PASSWORD, host="127.0.0.1", port=cluster.port)


@pytest.fixture(name="clean", autouse=True)
def _clean(cluster: Cluster) -> Iterator[None]:
    yield
    for name in cluster.psql("postgres", "SELECT datname FROM pg_database WHERE datname ~ '^(new|one)'").split():
        cluster.psql("postgres", f'DROP DATABASE "{name}" WITH (FORCE)')
    cluster.psql("postgres", "ALTER ROLE master RESET ALL; REVOKE shop FROM master, maker")


@pytest.fixture(scope="module", name="taken")
def _taken(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The site's dump, by its own role alone: no administrator of old helps."""
    directory = str(tmp_path_factory.mktemp("dump"))
    with SecretStore(str(tmp_path_factory.mktemp("secrets")), None) as store:
        old = maker(cluster, store, USER, PASSWORD)("site", admin=Login())
        assert old.preflight("old") == []
        with old.snapshot() as snapshot:
            return directory, snapshot.dump(directory), snapshot.state(), old.describe()


def test_of_old_only_the_sites_role_is_needed(make: Make, taken: Any, cluster: Cluster) -> None:
    """It dumps, counts, tells whether somebody wrote, and ends its own sessions; those of others it may not end."""
    old = make("site", admin=Login())
    token = old.change_token()
    mine = make("site")._server.connect("site")
    assert old.sessions() == 1
    assert old.sessions(terminate=True) == 1
    mine.close()
    cluster.psql("site", "SET ROLE shop; INSERT INTO word VALUES ('y'); DELETE FROM word WHERE w = 'y'")
    assert old.change_token() != token
    cluster.psql("site", "GRANT CONNECT ON DATABASE site TO maker")
    others = make("site", user="maker")._server.connect("site")
    with pytest.raises(RelocateError) as caught:
        old.sessions(terminate=True)
    others.close()
    assert caught.value.code == "right_missing"


def promised(login: str) -> list[str]:
    """What the documentation says of a login on new: its row of the table."""
    rows = [line.strip("| ").split(" | ") for line in DOCS.read_text(encoding="utf-8").splitlines()]
    [cells] = [cells[1:] for cells in rows if cells[0] == login and len(cells) == 5]
    return cells


def measured(new: PostgresqlEngine, taken: Any) -> list[str]:
    """The same, tried: load and proof, the swap, what live held before is kept, and a catch-up."""
    directory, dump, recorded, facts = taken
    new.create_blank(facts)
    with new._server.connect(new.config.name) as session:
        session.run("CREATE TABLE public.served (n int)")
    kept = True
    try:
        new.load(directory, dump, facts)
    except RelocateError as exc:
        assert exc.code == "target_not_blank"
        kept = False
        with new._server.connect(new.config.name) as session:
            session.run("DROP TABLE public.served")
        new.load(directory, dump, facts)
    with new.snapshot(INCOMING) as snapshot:
        assert new.differences(recorded, snapshot.state()) == []
    caught_up = True
    try:
        new.try_apply()
    except RelocateError as exc:
        assert exc.code == "cannot_catch_up"
        caught_up = False
    live = [new.describe().tables]
    new.swap(INCOMING, PREVIOUS)
    live.append(new.describe().tables)
    with new.snapshot(PREVIOUS) as snapshot:
        kept = kept and snapshot.has_tables()
    new.swap(PREVIOUS, INCOMING)
    live.append(new.describe().tables)
    swapped = live == [int(kept), facts.tables, int(kept)]
    return ["yes" if item else "no" for item in (True, swapped, kept, caught_up)]


@pytest.mark.drawn(2)
@pytest.mark.parametrize(
    ("row", "user", "administrator"),
    [
        ("superuser", "shop", "root"),
        ("administrator with CREATEDB and CREATEROLE", "shop", "master"),
        ("the site's own role, with CREATEDB", "solo", ""),
        ("the site's own role, with one blank database", "poor", ""),
        ("the site's own role, with one blank database", "poor", "poor"),
    ],
)
def test_the_documentation_promises_what_is_measured(
    make: Make, taken: Any, login: Callable[[str], Login], cluster: Cluster, row: str, user: str, administrator: str
) -> None:
    """For each login: nothing stands in the way, and each column of its row holds."""
    if user == "poor":
        cluster.psql("postgres", "CREATE DATABASE new OWNER poor")
    new = make("new", user=user, admin=login(administrator) if administrator else Login())
    assert new.preflight("new", taken[3]) == []
    assert measured(new, taken) == promised(row)
    assert new.drop(INCOMING)
    assert new.drop(LIVE) == (user != "poor")


def with_extension(facts: DatabaseFacts, name: str) -> DatabaseFacts:
    return dataclasses.replace(facts, extensions={**facts.extensions, name: "1"})


def test_extensions_that_only_a_superuser_makes(
    make: Make, taken: Any, login: Callable[[str], Login], cluster: Cluster
) -> None:
    """Trusted ones, those of the server's list, or every one, as each provider has it."""
    facts = with_extension(taken[3], "earthdistance")

    def found() -> "list[tuple[str, str]]":
        return [(item.code, item.msg.split()[1]) for item in make("new", admin=login("master")).preflight("new", facts)]

    def set_to(name: str, value: str) -> None:
        cluster.psql("postgres", f"ALTER ROLE master RESET ALL; ALTER ROLE master SET {name} TO '{value}'")

    assert found() == [("right_missing", "earthdistance")]
    set_to("rds.extensions", "citext, cube,Earthdistance")
    assert found() == [("right_missing", "hstore")]
    set_to("azure.extensions", "")
    assert [name for _code, name in found()] == ["citext", "cube", "earthdistance", "hstore"]
    set_to("rds.allowed_extensions", "*")
    assert found() == [("right_missing", "earthdistance")]
    set_to("extwlist.extensions", "earthdistance")
    assert found() == []
    cluster.psql(
        "postgres", "ALTER ROLE master RESET ALL; CREATE ROLE cloudsqlsuperuser; GRANT cloudsqlsuperuser TO master"
    )
    assert found() == []
    cluster.psql("postgres", "DROP ROLE cloudsqlsuperuser")


def test_a_role_that_the_administrator_is_no_member_of(
    make: Make, taken: Any, login: Callable[[str], Login], cluster: Cluster
) -> None:
    """What the hint says is tried; an administrator who may make roles grants it to himself."""
    facts: DatabaseFacts = taken[3]
    [item] = make("new", admin=login("maker")).preflight("new", facts)
    assert item.code == "right_missing" and "is no member of role shop" in item.msg
    assert make("new", admin=login("master")).preflight("new", facts) == []
    cluster.psql("postgres", item.hint.partition(": ")[2].partition(";")[0])
    new = make("new", admin=login("maker"))
    assert new.preflight("new", facts) == []
    assert new.create_blank(facts) == ["database new"]


def test_a_database_that_the_administrator_may_not_rename(
    make: Make, taken: Any, login: Callable[[str], Login], cluster: Cluster
) -> None:
    cluster.psql("postgres", "CREATE DATABASE new OWNER third")
    facts: DatabaseFacts = taken[3]
    [item] = make("new", admin=login("master")).preflight("new", facts)
    assert (item.code, "belongs to third" in item.msg) == ("right_missing", True)
    cluster.psql("postgres", item.hint.partition(": ")[2].partition(";")[0])
    assert make("new", admin=login("master")).preflight("new", facts) == []


@pytest.fixture(name="one")
def _one(cluster: Cluster, make: Make) -> Iterator[Callable[..., PostgresqlEngine]]:
    """Makes engines whose role has one blank database, and nobody who may create another."""
    cluster.psql("postgres", "CREATE DATABASE one OWNER poor")
    yield lambda admin=None: make("one", user="poor", admin=admin or Login())


@pytest.mark.parametrize("user", ["poor", "master"])
def test_a_login_that_may_use_no_database_but_the_named_one(
    make: Make, taken: Any, cluster: Cluster, login: Callable[[str], Login], user: str
) -> None:
    """``relocate_login.database`` names it. Who may create others works in another one nevertheless: he renames it."""
    cluster.psql("postgres", f"CREATE DATABASE one OWNER {user}")
    cluster.psql("postgres", "REVOKE CONNECT ON DATABASE postgres FROM PUBLIC")
    if user == "master":
        cluster.psql("postgres", "GRANT CONNECT ON DATABASE postgres TO master")
    try:
        lost = make("one", user=user, admin=login(user))
        assert bool(lost.preflight("new", taken[3])) == (user == "poor")
        new = make("one", user=user, admin=dataclasses.replace(login(user), database="one"))
        assert make_ready(new, taken[3]) == []
        fill(new, taken)
        assert new.in_place == (user == "poor")
        new.swap(INCOMING, PREVIOUS)
        assert new.describe().tables == taken[3].tables
    finally:
        cluster.psql(
            "postgres", "GRANT CONNECT ON DATABASE postgres TO PUBLIC; REVOKE CONNECT ON DATABASE postgres FROM master"
        )


def fill(new: PostgresqlEngine, taken: Any) -> None:
    """Load and prove, as a restore does."""
    directory, dump, recorded, facts = taken
    new.load(directory, dump, facts)
    with new.snapshot(INCOMING) as snapshot:
        assert new.differences(recorded, snapshot.state()) == []


def test_one_blank_database_is_filled_in_place(
    taken: Any, one: Callable[..., PostgresqlEngine], cluster: Cluster, login: Callable[[str], Login]
) -> None:
    """Live counts as blank until the swap, which can be taken back; a second load begins anew; nothing stays."""
    facts: DatabaseFacts = taken[3]
    new = one()
    assert make_ready(one(login("poor")), facts) == make_ready(new, facts) == []
    assert (new.in_place, new.exists(LIVE), new.exists(INCOMING), new.drop(INCOMING)) == (True, True, False, False)
    for _again in range(2):
        fill(new, taken)
        assert (new.describe().tables, new.exists(INCOMING)) == (0, True)
    assert not [note for note in new.context.notes if "relocate__" in note], new.context.notes
    with new.snapshot() as snapshot:
        assert not snapshot.has_tables()
        with pytest.raises(RelocateError):
            snapshot.state()
    with pytest.raises(RelocateError) as caught:
        new.try_apply()
    assert caught.value.code == "cannot_catch_up"
    new.swap(INCOMING, PREVIOUS)
    live = one()
    assert (live.describe().tables, live.exists(PREVIOUS), live.exists(INCOMING)) == (facts.tables, True, False)
    with live.snapshot(PREVIOUS) as snapshot:
        assert not snapshot.has_tables()
    assert live.drop(INCOMING) is False, "what is live is never dropped as incoming"
    new.swap(PREVIOUS, INCOMING)
    assert (new.describe().tables, new.exists(PREVIOUS)) == (0, False)
    new.swap(INCOMING, DISCARDED)
    with pytest.raises(RelocateError) as caught:
        new.load(taken[0], taken[1], facts)
    assert caught.value.code == "target_not_blank" and "public.customer" in caught.value.msg
    assert new.drop(DISCARDED)
    with new.snapshot() as snapshot:
        assert new.differences(taken[2], snapshot.state()) == [], "the refused load has left it alone"
    assert "relocate__" not in cluster.psql("one", "SELECT string_agg(nspname, ' ') FROM pg_namespace")
    assert new.drop(LIVE)
    assert new.drop(LIVE) is False
    assert cluster.psql("one", "SELECT count(*) FROM pg_class WHERE relowner = 'poor'::regrole").strip() == "0"


def make_ready(new: PostgresqlEngine, facts: DatabaseFacts) -> "list[Any]":
    """Look, and make what is missing, before the freeze."""
    found = new.preflight("new", facts)
    return found if found else list(new.create_blank(facts))


def test_a_load_in_place_that_fails_leaves_a_blank_database(
    taken: Any, one: Callable[..., PostgresqlEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or, killed before it could tidy up, one that the next load begins anew."""
    directory, dump, _recorded, facts = taken
    new = one()
    with monkeypatch.context() as patched:
        patched.setattr(new, "_analysed", lambda _name: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            new.load(directory, dump, facts)
    assert (new.exists(INCOMING), new.describe().tables) == (False, 0)
    with monkeypatch.context() as patched:
        patched.setattr(new, "_analysed", lambda _name: 1 / 0)
        patched.setattr(new, "drop", lambda _which: False)
        with pytest.raises(ZeroDivisionError):
            new.load(directory, dump, facts)
    killed = one()
    assert (killed.exists(INCOMING), killed.describe().tables) == (True, 0)
    assert killed.drop(INCOMING)
    assert not killed.exists(INCOMING)


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("UPDATE customer SET name = name", "rows of public.customer"),
        ("CREATE TABLE restored (n int)", "things were made"),
        ("COMMENT ON SCHEMA relocate__incoming IS NULL", "nothing tells"),
        ("", "others are connected"),
    ],
)
def test_what_people_put_where_a_load_was_killed_is_never_emptied(
    taken: Any,
    one: Callable[..., PostgresqlEngine],
    cluster: Cluster,
    monkeypatch: pytest.MonkeyPatch,
    sql: str,
    words: str,
) -> None:
    """It counts, and neither a load nor a clean-up drops it, until the mark is taken away as the hint says."""
    directory, dump, _recorded, facts = taken
    new = one()
    with monkeypatch.context() as patched:
        patched.setattr(new, "_analysed", lambda _name: 1 / 0)
        patched.setattr(new, "drop", lambda _which: False)
        with pytest.raises(ZeroDivisionError):
            new.load(directory, dump, facts)
    before = cluster.psql("one", "SELECT count(*) FROM customer")
    with contextlib.ExitStack() as stack:
        if sql:
            cluster.psql("one", "SET ROLE poor; SET search_path = public; " + sql)
        else:
            psycopg2 = pytest.importorskip("psycopg2")
            stack.callback(psycopg2.connect(**{**one()._server.parameters("one"), "application_name": "site"}).close)
        found = one()
        assert found.describe().tables >= facts.tables
        with found.snapshot() as snapshot:
            assert snapshot.has_tables()
        for act in (lambda: found.load(directory, dump, facts), lambda: found.drop(INCOMING)):
            with pytest.raises(RelocateError) as caught:
                act()
            assert caught.value.code == "target_not_blank" and words in caught.value.msg, caught.value
    assert cluster.psql("one", "SELECT count(*) FROM customer") == before
    assert found.exists(INCOMING)
    cluster.psql("one", "SET ROLE poor; " + caught.value.hint.partition("in it: ")[2].partition(";")[0])
    with found.snapshot() as snapshot:
        assert snapshot.state(), "it is live, and backed up again"


@pytest.mark.parametrize(
    ("sql", "code", "words"),
    [
        (
            "ALTER DATABASE one OWNER TO third; GRANT ALL ON SCHEMA public TO poor",
            "right_missing",
            "schemas in database",
        ),
        ("ALTER DATABASE one OWNER TO third; GRANT ALL ON DATABASE one TO poor", "right_missing", "tables in schema"),
        (  # as the schema's owner: everybody may create there, as before 15
            "ALTER SCHEMA public OWNER TO third; GRANT CREATE ON SCHEMA public TO PUBLIC, poor",
            "right_missing",
            "everybody has CREATE",
        ),
        ("", "right_missing", "extension earthdistance"),
    ],
)
def test_what_a_load_in_place_would_fail_at(
    taken: Any,
    one: Callable[..., PostgresqlEngine],
    cluster: Cluster,
    login: Callable[[str], Login],
    sql: str,
    code: str,
    words: str,
) -> None:
    """It is said before the freeze, by preflight and once more by what makes the database ready; hints are tried."""
    facts: DatabaseFacts = taken[3] if sql else with_extension(taken[3], "earthdistance")
    if sql:
        cluster.psql("one", sql)
    [item] = one(login("poor")).preflight("new", facts)
    assert (item.code, words in item.msg) == (code, True), item
    with pytest.raises(RelocateError) as caught:
        one(login("poor")).create_blank(facts)
    assert (caught.value.code, caught.value.msg) == (item.code, item.msg)
    if not sql:
        cluster.psql("one", "CREATE EXTENSION earthdistance CASCADE")
    else:
        cluster.psql("one", item.hint.partition(": ")[2].partition(";")[0])
    assert one(login("poor")).preflight("new", facts) == []


def test_no_database_and_nobody_who_may_create_one(make: Make, taken: Any, login: Callable[[str], Login]) -> None:
    for admin in (Login(), login("poor")):
        [item] = make("new", user="poor", admin=admin).preflight("new", taken[3])
        assert item.code == "right_missing"
    assert "docs/managed.md" in item.hint


def test_what_an_administrator_has_put_aside_takes_him_to_come_back(
    taken: Any, one: Callable[..., PostgresqlEngine], cluster: Cluster
) -> None:
    """A previous database that is really there is no blank one of a load in place."""
    cluster.psql("postgres", "CREATE DATABASE one__previous OWNER poor")
    new = one()
    assert (new.in_place, new.exists(PREVIOUS)) == (False, True)
    with pytest.raises(RelocateError) as caught:
        new.swap(PREVIOUS, DISCARDED)
    assert (caught.value.code, "relocate_login" in caught.value.hint) == ("right_missing", True)
