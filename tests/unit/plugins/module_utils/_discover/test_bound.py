# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One way to write an address, so that a starter's and a web site's can be compared."""

from __future__ import annotations

import pytest

from ansible_collections.relocate.django.plugins.module_utils._discover.bound import tcp


@pytest.mark.parametrize(
    ("host", "port", "expected"),
    [
        ("127.0.0.1", "8000", "tcp:127.0.0.1:8000"),
        ("localhost", "8000", "tcp:127.0.0.1:8000"),
        ("", "80", "tcp:*:80"),
        ("0.0.0.0", "80", "tcp:*:80"),
        ("::", "80", "tcp:*:80"),
        ("[::]", "80", "tcp:*:80"),
        ("::1", "80", "tcp:[::1]:80"),
        ("[::1]", "80", "tcp:[::1]:80"),
        ("app.internal", "80", "tcp:app.internal:80"),
        ("127.0.0.1", "$PORT", ""),
        ("127.0.0.1", "", ""),
        ("127.0.0.1", "\u0661", ""),
    ],
)
def test_tcp(host: str, port: str, expected: str) -> None:
    assert tcp(host, port) == expected
