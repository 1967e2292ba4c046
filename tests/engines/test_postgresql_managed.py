# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""PostgreSQL without a superuser, restricted as managed servers are: what works, and what is refused before a load."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, Callable

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.base import INCOMING, LIVE, PREVIOUS
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseFacts, Login
from ansible_collections.relocate.django.plugins.module_utils._secrets import SecretStore
from tests.engines.postgresql_cluster import Cluster, Make, maker
from tests.engines.test_postgresql import SITE

pytest.importorskip("psycopg2")

USER, PASSWORD = "shop", "secret"

#: The administrators of RDS and Cloud SQL are about this: they make roles and databases, and are no superusers.
ROLES = """
CREATE ROLE rds_superuser NOLOGIN;
GRANT pg_monitor, pg_signal_backend TO rds_superuser;
CREATE ROLE master LOGIN CREATEDB CREATEROLE PASSWORD 'secret' IN ROLE rds_superuser;
CREATE ROLE maker LOGIN CREATEDB PASSWORD 'secret';
CREATE ROLE shop LOGIN PASSWORD 'secret';
CREATE ROLE solo LOGIN CREATEDB PASSWORD 'secret';
CREATE ROLE third NOLOGIN;
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


@pytest.mark.parametrize(("user", "administrator"), [("shop", "master"), ("solo", "")])
def test_who_may_create_databases_moves_a_site(
    make: Make, taken: Any, login: Callable[[str], Login], user: str, administrator: str
) -> None:
    """An administrator of the server's, or the site's own role: load, proof, swap, and the swap taken back."""
    directory, dump, recorded, facts = taken
    new = make("new", user=user, admin=login(administrator) if administrator else Login())
    assert new.preflight("new", facts) == []
    new.create_blank(facts)
    new.load(directory, dump, facts)
    with new.snapshot(INCOMING) as snapshot:
        assert new.differences(recorded, snapshot.state()) == []
    with pytest.raises(RelocateError) as caught:
        new.try_apply()
    assert caught.value.code == "cannot_catch_up"
    new.swap(INCOMING, PREVIOUS)
    assert (new.describe().tables, new.exists(PREVIOUS), new.exists(INCOMING)) == (facts.tables, True, False)
    new.swap(PREVIOUS, INCOMING)
    assert (new.describe().tables, new.exists(PREVIOUS)) == (0, False)
    assert new.drop(INCOMING)
    assert new.drop(LIVE)


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
