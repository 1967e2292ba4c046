# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names the modules that ``batch`` can run, for it and for the controller, which sends them by it."""

from __future__ import annotations

#: What the playbooks run on hosts, but for those that a run needs once and by themselves.
CARRIED = (
    "backup",
    "backup_info",
    "build",
    "checkout",
    "conversion_scan",
    "database",
    "files",
    "forward",
    "interpreter",
    "media_objects",
    "migrate",
    "owner_info",
    "packages_info",
    "preflight",
    "project_info",
    "rehearse",
    "restore",
    "sanitise",
    "services",
    "transfer",
    "transfer_grant",
    "upgrade",
    "verify",
)
