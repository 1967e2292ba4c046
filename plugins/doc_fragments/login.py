# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options: how to reach the database server as its administrator."""

    DOCUMENTATION = r"""
options:
  login_user:
    description:
      - The server's administrator; needed when the server is on another machine.
      - Without any of the C(login_) options a PostgreSQL server on this host is reached on its socket as the system
        user C(postgres); failing that, the settings' own user serves if it may create databases.
    type: str
  login_password:
    description: The administrator's password. Client programs read it from a file that is gone after the task.
    type: str
  login_host:
    description:
      - The server's address. By default the one in the project's settings.
      - With O(login_password) the settings are not asked, since they could name anybody's server. Give this, or
        O(login_unix_socket), unless the server runs on this host at its usual port.
    type: str
  login_port:
    description: The server's port. By default the one in the project's settings.
    type: int
  login_unix_socket:
    description: The directory of the server's socket, in place of O(login_host).
    type: path
  login_database:
    description:
      - The database of PostgreSQL to log in to, by default C(postgres).
      - Name the site's own one where O(login_user) may create no databases, and may use no other. It is filled in place
        then.
    type: str
"""
