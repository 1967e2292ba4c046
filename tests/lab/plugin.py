# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pytest fixtures: ``lab``, ``old``, ``new`` and ``db``. Loaded by tests/conftest.py."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from itertools import count

import pytest

from ._command import LabError
from .host import Host
from .lab import DEFAULT_HOSTS, Lab, obstacle


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Begin no move after the time in RELOCATE_LAB_UNTIL: a run that is cut off tells of no test at all."""
    until = float(os.environ.get("RELOCATE_LAB_UNTIL") or 0)
    if until and time.time() > until and "lab" in getattr(item, "fixturenames", ()):
        pytest.skip("no time left (RELOCATE_LAB_UNTIL): NOT RUN")


@pytest.fixture(scope="session")
def lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    """Give a lab with those of old, new and db that the collected tests ask for, started side by side.

    Without podman or root the tests are skipped, or fail where RELOCATE_LAB_REQUIRED=1. With RELOCATE_LAB_KEEP=1 the
    lab stays for a look: ``python3 -m tests.lab --prefix=test0 status``.
    """
    reason = obstacle()
    if reason:
        if os.environ.get("RELOCATE_LAB_REQUIRED") == "1":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    asked = {name for item in request.session.items for name in getattr(item, "fixturenames", ())}
    with _free_lab() as started:
        started.up({name: suite for name, suite in DEFAULT_HOSTS.items() if name in asked})
        yield started


def _free_lab() -> Lab:
    """Give the first of test0, test1 ... that no other process uses, so that sessions can run side by side."""
    keep = os.environ.get("RELOCATE_LAB_KEEP") == "1"
    chosen = os.environ.get("RELOCATE_LAB_PREFIX")
    if chosen:
        return Lab(chosen, keep=keep)
    for number in count():
        lab = Lab(f"test{number}", keep=keep)
        if lab.take():
            return lab
    raise LabError("unreachable")


@pytest.fixture
def old(lab: Lab) -> Host:
    """Give the old server (bookworm)."""
    return lab.host("old")


@pytest.fixture
def new(lab: Lab) -> Host:
    """Give the new server (trixie)."""
    return lab.host("new")


@pytest.fixture
def db(lab: Lab) -> Host:
    """Give the database server and git remote (bookworm)."""
    return lab.host("db")
