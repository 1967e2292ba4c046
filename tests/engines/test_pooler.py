# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""PgBouncer before the server: with pool_mode session a site is dumped through it; otherwise it is an obstacle."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql import pooler
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import Login
from tests.engines.postgresql_cluster import Cluster, Make

psycopg2 = pytest.importorskip("psycopg2")

USER, PASSWORD = "shop", "secret"


def prepare(server: Cluster) -> None:
    server.psql("postgres", "CREATE ROLE shop LOGIN PASSWORD 'secret'")
    server.psql("postgres", "CREATE DATABASE site OWNER shop")
    server.psql("site", "SET ROLE shop; CREATE TABLE public.t (n int); INSERT INTO public.t VALUES (1), (2)")


@contextlib.contextmanager
def bouncer(cluster: Cluster, directory: Path, mode: str, size: int = 8) -> Iterator[int]:
    """A PgBouncer of this mode before the cluster; gives its port."""
    program = shutil.which("pgbouncer", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if program is None:
        if os.environ.get("RELOCATE_LAB_REQUIRED") == "1":
            pytest.fail("pgbouncer is not installed")
        pytest.skip("pgbouncer is not installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    directory.chmod(0o755)
    users, settings = directory / "users.txt", directory / "pgbouncer.ini"
    users.write_text('"shop" "secret"\n')
    settings.write_text(
        f"[databases]\n* = host=127.0.0.1 port={cluster.port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
        f"listen_port = {port}\nauth_type = scram-sha-256\nauth_file = {users}\npool_mode = {mode}\n"
        f"default_pool_size = {size}\nunix_socket_dir =\nignore_startup_parameters = extra_float_digits\n"
    )
    argv = [program, *(["--user", "nobody"] if os.geteuid() == 0 else []), str(settings)]
    with (directory / "log").open("wb") as log, subprocess.Popen(argv, stdout=log, stderr=log) as process:
        try:
            for _try in range(100):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                time.sleep(0.05)
            yield port
        finally:
            process.terminate()


def reach(tmp_path: Path) -> Path:
    """A directory that the pooler's user can enter."""
    for above in (tmp_path, *tmp_path.parents):
        if above.stat().st_uid == 0 and str(above).startswith("/tmp/"):
            above.chmod(0o755)
    return tmp_path


@pytest.mark.parametrize(("mode", "size"), [("transaction", 8), ("transaction", 1), ("statement", 8)])
def test_a_pooler_that_lends_sessions_is_an_obstacle(
    cluster: Cluster, make: Make, tmp_path: Path, mode: str, size: int
) -> None:
    """Before anything is set in a session that the site's own queries get next."""
    with bouncer(cluster, reach(tmp_path), mode, size) as port:
        site: Any = psycopg2.connect(host="127.0.0.1", port=port, dbname="site", user=USER, password=PASSWORD)
        site.autocommit = True
        [item] = make("site", port=port, admin=Login()).preflight("old")
        assert (item.code, "pool_mode = session" in item.hint) == ("pooler_between", True), item
        with site.cursor() as cursor:
            cursor.execute("SELECT sum(n) FROM t")
            assert cursor.fetchone() == (3,)
        site.close()
        with pytest.raises(RelocateError) as caught, make("site", port=port, admin=Login()).snapshot():
            pass
        assert caught.value.code == "pooler_between"


def test_a_pooler_that_keeps_sessions_works(
    cluster: Cluster, make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with bouncer(cluster, reach(tmp_path), "session") as port:
        engine = make("site", port=port, admin=Login())
        assert engine.preflight("old") == []
        with engine.snapshot() as snapshot:
            target = tmp_path / "dump"
            target.mkdir()
            snapshot.dump(str(target))
            assert {table.name: table.rows for table in snapshot.state().tables} == {"public.t": 2}
    monkeypatch.setattr(pooler, "_PATIENCE", 0.5)
    with bouncer(cluster, tmp_path, "session", 1) as port, make("site", port=port)._server.connect("site") as one:
        assert one.value("SELECT 1") == 1
