# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A project's code under version control, as modules use it.

``revision.py`` reads a checkout and never writes into it; ``checkout.py`` makes one; ``git.py`` runs git.
"""

from __future__ import annotations

from ansible_collections.relocate.django.plugins.module_utils._project.checkout import (
    CheckoutPlan,
    Source,
    checkout,
    holds,
    plan_checkout,
)
from ansible_collections.relocate.django.plugins.module_utils._project.git import (
    check_remote,
    check_revision,
    split_credentials,
)
from ansible_collections.relocate.django.plugins.module_utils._project.revision import (
    Reach,
    brings,
    bundle,
    changes,
    check_whole,
    comes_after,
    descends,
    files_at,
    patch,
    prefix,
    reachable,
    revision,
    top_of,
    toplevel,
)

__all__ = [
    "CheckoutPlan",
    "Reach",
    "Source",
    "brings",
    "bundle",
    "changes",
    "check_remote",
    "check_revision",
    "check_whole",
    "checkout",
    "comes_after",
    "descends",
    "files_at",
    "holds",
    "patch",
    "plan_checkout",
    "prefix",
    "reachable",
    "revision",
    "split_credentials",
    "top_of",
    "toplevel",
]
