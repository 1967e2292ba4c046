# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Database servers that tests share, by module; and which tests each worker takes.

Tests of one file share its servers, so one worker runs them all. Whole moves share nothing: each is anybody's, and they
come first, since one that began last would keep the other workers waiting.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._secrets import SecretStore
from tests.engines.fixture_sites import Servers
from tests.engines.postgresql_cluster import Cluster, Make, maker, running

#: Files whose tests run playbooks for minutes and share nothing; the longest first, as `make test` tells.
MOVES = (
    "test_failing_steps",
    "test_window_kills",
    "test_local_moves",
    "test_local_upgrades",
    "test_new_engine",
    "test_local_conversion",
    "test_local_rehearsals",
)


@pytest.hookimpl(tryfirst=True)  # the plugin that hands out tests reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of other files together, and put the moves before them."""

    def rank(item: pytest.Item) -> int:
        return MOVES.index(item.path.stem) if item.path.stem in MOVES else len(MOVES)

    for item in items:
        if item.path.stem not in MOVES:
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
    items.sort(key=rank)


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
