# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an installer prints tells how far it is."""

from __future__ import annotations

import pytest

from ansible_collections.relocate.django.plugins.module_utils._progress import Amount
from ansible_collections.relocate.django.plugins.module_utils._project import installer

PIP = b"""Collecting django==5.2 (from -r requirements.txt (line 1))
  Downloading django-5.2-py3-none-any.whl (8.3 MB)
Processing ./wheels/x.whl
  Collecting of old rows
Requirement already satisfied: pip in ./lib
Obtaining file:///srv/shop (from -r requirements.txt (line 2))
"""


@pytest.mark.parametrize(
    ("output", "found"),
    [
        (b"", Amount(0, 0, "collecting")),
        (PIP, Amount(3, 0, "collecting")),
        (PIP + b"Installing collected packages: django, x\n", Amount(3, 0, "installing")),
        (b"Resolved 40 packages in 5ms\n", Amount(0, 0, "collecting")),  # of uv, which says no more
    ],
)
def test_packages_of(output: bytes, found: Amount) -> None:
    assert installer.packages_of(output) == found
