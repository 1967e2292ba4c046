# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Database servers that the tests of fixtures share, by module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.engines.fixture_sites import Servers


@pytest.fixture(scope="module", name="servers")
def _servers() -> Iterator[Servers]:
    """One PostgreSQL and one MariaDB."""
    found = Servers()
    try:
        found.start()
        yield found
    finally:
        found.stop()
