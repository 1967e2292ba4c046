# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options: the backup set, and the digest that proves its manifest."""

    DOCUMENTATION = r"""
options:
  label:
    description:
      - The backup set's name, such as V(20261120T193000Z-1a2b3c4d5e6f). By default the one that O(manifest_sha256)
        names, else the newest, by what its manifest says of time and number.
    type: str
  manifest_sha256:
    description:
      - The digest that M(relocate.django.backup) returned. With it, a manifest that was edited since is refused.
      - By default the digest stored next to the sets, in C(pins/SITE/LABEL.sha256), is used when there is one.
    type: str
"""
