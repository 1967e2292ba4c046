# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A project of Django's for the tests, as those of _project have it."""

from __future__ import annotations

from tests.unit.plugins.module_utils._project.conftest import home, owner, python, repository, site, three_commits

__all__ = ["home", "owner", "python", "repository", "site", "three_commits"]
