# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Trees, and real repositories of Mercurial and Subversion, that belong to an unprivileged user."""

from __future__ import annotations

from tests.unit.plugins.module_utils._project.conftest import home, owner

__all__ = ["home", "owner"]
