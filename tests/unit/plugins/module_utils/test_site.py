# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the options say of a site."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils import _argspec, _site
from ansible_collections.relocate.django.plugins.module_utils._engines.base import default_jobs
from ansible_collections.relocate.django.plugins.module_utils._secrets import SecretStore
from ansible_collections.relocate.django.plugins.module_utils._stopwatch import Stopwatch
from tests.unit.fakes import me


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ("", "", None, "", "", "", False)),
        ({"login_user": "a", "login_port": 5433}, ("a", "", 5433, "", "", "", True)),
        (
            {"login_host": "h", "login_password": "p", "login_unix_socket": "/s", "login_database": "d"},
            ("", "h", None, "/s", "d", "p", True),
        ),
    ],
)
def test_login(given: dict[str, Any], expected: tuple[Any, ...]) -> None:
    found = _site.LoginOptions.of({**dict.fromkeys(_argspec.login()), **given}).admin()
    assert (
        found.user,
        found.host,
        found.port,
        found.unix_socket,
        found.database,
        found.password,
        found.given,
    ) == expected


@pytest.mark.parametrize(("jobs", "expected"), [(None, default_jobs()), (7, 7)])
@pytest.mark.parametrize("login", [True, False])
def test_engine_context(tmp_path: Path, jobs: int | None, expected: int, login: bool) -> None:
    params: dict[str, Any] = dict.fromkeys(_argspec.project())
    params.update(directory=str(tmp_path), jobs=jobs, compression="none")
    if login:
        params.update(dict.fromkeys(_argspec.login()), login_user="adm")
    project: Any = type("P", (), {"owner": me(), "path": "/srv/shop"})
    watch = Stopwatch()
    found = _site.SiteOptions.of(params).context(SecretStore(str(tmp_path)), project, watch)
    assert (found.jobs, found.compression, found.owner) == (expected, "none", me())
    assert found.stopwatch is watch
    assert found.project == "/srv/shop"
    assert found.admin.user == ("adm" if login else "")
