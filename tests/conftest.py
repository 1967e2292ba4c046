# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Before any test: the copy of the collection that Python imports from is brought up to date."""

from __future__ import annotations

import os
from importlib.util import find_spec

from tests.tools import collection

# Inside the copy it is up to date already; of the processes of one run only the first one does it.
if collection.ROOT != collection.COPY and "PYTEST_XDIST_WORKER" not in os.environ:
    collection.sync()

# The published collection comes without the lab.
pytest_plugins = ["tests.lab.plugin", "tests.tools.drawn"] if find_spec("tests.lab") else []
