# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Database servers that tests share, by module."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._secrets import SecretStore
from tests.engines.fixture_sites import Servers
from tests.engines.postgresql_cluster import Cluster, Make, maker, running


@pytest.fixture(scope="module", name="servers")
def _servers() -> Iterator[Servers]:
    """One PostgreSQL and one MariaDB."""
    found = Servers()
    try:
        found.start()
        yield found
    finally:
        found.stop()


@pytest.fixture(scope="module", name="cluster")
def _cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """A PostgreSQL server of the module's own, made ready by its function ``prepare``."""
    with running() as server:
        request.module.prepare(server)
        yield server


@pytest.fixture(name="make")
def _make(cluster: Cluster, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Make]:
    """Makes engines for the module's ``USER`` and ``PASSWORD``."""
    with SecretStore(str(tmp_path / "work")) as store:
        yield maker(cluster, store, request.module.USER, request.module.PASSWORD)
