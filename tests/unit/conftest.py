# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What makes ten thousand small tests fast; none of it changes what they see."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator

import pytest

# Collecting makes objects that stay, a million of them: no search among them finds anything to free.
gc.disable()


def pytest_collection_finish() -> None:
    """Leave what was collected alone from now on; what tests start has the usual memory (see the Makefile)."""
    gc.freeze()
    gc.set_threshold(50_000)
    gc.enable()
    for name in ("PYTHONMALLOC", "GLIBC_TUNABLES"):
        os.environ.pop(name, None)


@pytest.fixture(autouse=True, scope="session")
def _no_power_cut() -> Iterator[None]:
    """Spare waiting for the disk: a test that kills a process needs none of it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", os.fstat)  # still an error on what is closed
        yield
