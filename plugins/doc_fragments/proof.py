# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options: what is compared in the downtime after a first copy."""

    DOCUMENTATION = r"""
options:
  proof:
    description:
      - What is read and compared once the site is frozen, where its databases were copied before.
      - With V(full) that is everything.
      - With V(changed), rows of all tables are counted, and the content is read of the tables that changed since the
        first copy. That of the others was compared then. PostgreSQL shows which changed, by the transaction numbers of
        rows; MySQL, MariaDB and SQLite have no such sign, so that old reads all there.
      - Of a database without a first copy everything is compared.
    type: str
    choices: [full, changed]
    default: full
"""
