# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a project's settings, or a set, try on roles and rights that are the whole PostgreSQL server's."""

from __future__ import annotations

import os
import re
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql import described, programs
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.admin import ensure_role
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.schema import Entry
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from tests.engines.postgresql_cluster import Cluster, Make

pytest.importorskip("psycopg2")

USER, PASSWORD = "mallory", "known"


def prepare(server: Cluster) -> None:
    server.psql("postgres", "CREATE ROLE mallory LOGIN PASSWORD 'known'; CREATE ROLE bob LOGIN PASSWORD 'his'")
    server.psql("postgres", "CREATE DATABASE hers OWNER mallory")
    server.psql("hers", "SET ROLE mallory; CREATE TABLE t (a int)")
    server.psql("postgres", "ALTER ROLE mallory SET search_path = evil, public")


def test_settings_of_another_role_are_not_changed(cluster: Cluster, make: Make) -> None:
    """USER of the project's settings is anybody's; without a password nobody asked whether it is the site's."""
    engine = make("hers", user="bob", password="")
    with pytest.raises(RelocateError) as refused, engine.incoming():
        pytest.fail("the role was changed")
    assert refused.value.code == "login_failed"
    assert cluster.psql("postgres", "SELECT count(*) FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole"
                        " WHERE rolname = 'bob'").strip() == "0"  # fmt: skip
    assert not engine.exists("incoming")
    with make("hers").incoming():  # her own
        pass
    assert make("hers").drop("incoming")


@pytest.mark.parametrize(
    "password", ["plain", "o'p\"q:\\ r$%", "soft\u00adhyphen", "\u2168", "e\u0301\u0007", "\u00ad"]
)
def test_the_server_never_sees_a_password(cluster: Cluster, make: Make, password: str) -> None:
    """The verifier is libpq's own, so it prepares a password as it does at a login."""
    engine = make("postgres", user="newcomer", password=password)
    with engine._server.admin() as session:
        try:
            assert ensure_role(engine._server, session) == ["role newcomer"]
            assert ensure_role(engine._server, session) == []  # after a login with it
            kept = session.value("SELECT rolpassword FROM pg_authid WHERE rolname = 'newcomer'")
        finally:
            session.run("DROP ROLE newcomer")
    assert re.fullmatch(r"SCRAM-SHA-256\$4096:[\w+/=]+\$[\w+/=]+:[\w+/=]+", kept)
    log = cluster.log()
    assert "CREATE ROLE newcomer" not in log and kept not in log and (password == "\u00ad" or password not in log)


@pytest.mark.parametrize(
    ("grant", "revoke", "holds"),
    [
        (
            "GRANT CREATE ON TABLESPACE pg_default TO bob",
            "REVOKE ALL ON TABLESPACE pg_default FROM bob",
            "SELECT has_tablespace_privilege('bob', 'pg_default', 'CREATE')",
        ),
        (
            "GRANT CREATE ON DATABASE template1 TO bob",
            "REVOKE ALL ON database template1 FROM bob",
            "SELECT has_database_privilege('bob', 'template1', 'CREATE')",
        ),
    ],
)
def test_a_set_takes_away_no_rights_outside_of_its_database(
    cluster: Cluster, make: Make, tmp_path: Any, grant: str, revoke: str, holds: str
) -> None:
    """An entry of its table of contents may hold any statement; those that take rights away run as administrator."""
    engine = make("hers")
    with engine.snapshot() as snapshot:
        dump = snapshot.dump(str(tmp_path))
    client = programs.installed("pg_restore")[-1]
    path = os.path.join(str(tmp_path), dump.path)
    lines = programs.listing(engine._server, client, path)
    one = described.Described(engine._server, client, path, lines, engine.describe())
    one._old.append(Entry("ACL", "-", "x", "mallory", statements=[revoke]))
    cluster.psql("postgres", grant)
    one.carry("hers")
    assert cluster.psql("postgres", holds).strip() == "t"
