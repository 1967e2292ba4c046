# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Before any test: the copy of the collection that Python imports from is brought up to date."""

from __future__ import annotations

from importlib.util import find_spec

from tests.tools import collection

# A test run inside the copy, as ansible-test's, is up to date already.
if collection.ROOT != collection.COPY:
    collection.sync()

# The published collection comes without the lab.
pytest_plugins = ["tests.lab.plugin"] if find_spec("tests.lab") else []
