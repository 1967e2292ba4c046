# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A site moves, with the real playbook, to a server where its role has one blank database and may create no other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines import postgresql_cluster
from tests.engines.local_site import LocalSite
from tests.engines.test_local_first_copy import make


@pytest.fixture(name="cluster")
def _cluster() -> Iterator[postgresql_cluster.Cluster]:
    with postgresql_cluster.running() as cluster:
        cluster.psql("postgres", "create role shop login password 'pw'")
        for name in ("shop", "shop2"):
            cluster.psql("postgres", f"create database {name} owner shop")
        yield cluster


@pytest.mark.drawn(3, of="local moves")
def test_a_site_moves_into_the_one_database_there_is(
    cluster: postgresql_cluster.Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is in the way is told while old serves; then the site is there, and nothing of ours is left."""
    site = LocalSite(tmp_path)
    make(site, cluster.port, monkeypatch)
    login = {"user": "shop", "password": "pw", "host": "127.0.0.1", "port": cluster.port, "database": "shop2"}
    site.variables.update(relocate_login=login, relocate_first_copy="never")
    cluster.psql(
        "shop", "set role shop; insert into notes_note (text) select 'note ' || i from generate_series(1, 5) i"
    )
    cluster.psql("shop2", "set role shop; create table theirs (n int)")
    rc, said = site.play()
    assert rc != 0 and "target_not_blank" in said and "may not create databases" in " ".join(said.split()), said[-9000:]
    assert cluster.psql("shop2", "select relname from pg_class where relowner = 'shop'::regrole").split() == ["theirs"]
    cluster.psql("shop2", "drop table theirs")
    rc, said = site.play()
    assert rc == 0, said[-9000:]
    rows = "select id, text from notes_note order by id"
    assert cluster.psql("shop2", rows) == cluster.psql("shop", rows) != ""
    assert "relocate" not in cluster.psql("shop2", "select string_agg(nspname, ' ') from pg_namespace")
    left = cluster.psql("postgres", "select datname from pg_database where datname like 'shop%' order by 1")
    assert left.split() == ["shop", "shop2"]
