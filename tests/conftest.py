# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Before any test: the copy of the collection that Python imports from is brought up to date."""

from __future__ import annotations

import contextlib

from tests.tools import collection

# A test run inside the copy, as ansible-test's, is up to date already.
if collection.ROOT != collection.COPY:
    collection.sync()

pytest_plugins = []
# The published collection comes without the lab.
with contextlib.suppress(ImportError):
    from tests.lab import plugin as _plugin

    pytest_plugins.append(_plugin.__name__)
