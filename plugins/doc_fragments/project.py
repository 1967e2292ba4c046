# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options: where the project is, and how its settings are read."""

    DOCUMENTATION = r"""
options:
  path:
    description: The project's directory, the one that holds C(manage.py).
    type: path
    required: true
  interpreter:
    description:
      - The project's Python interpreter or its virtual environment, absolute or relative to O(path).
      - By default the virtual environment C(.venv), C(venv) or C(env) in O(path) or next to it.
    type: path
  settings:
    description: The settings module. By default the one that the environment, O(env_files) or C(manage.py) names.
    type: str
  environment:
    description:
      - Variables that the settings read. They win over those in O(env_files).
      - The values are never shown.
    type: dict
    default: {}
  env_files:
    description:
      - Files of C(NAME=value) lines that the settings rely on, such as C(.env) or the file that a systemd unit names as
        C(EnvironmentFile); absolute or relative to O(path). A later file wins.
      - Also what starts the site. Of a unit file of systemd (C(NAME.service)) and the drop-ins named right after it
        (C(NAME.service.d/*.conf)), C(Environment) and C(EnvironmentFile) are read as systemd reads them. Of a file
        of supervisor (C(*.conf) or C(*.ini) with C([program:NAME])), C(environment) of the programs below O(path) is;
        of one of uWSGI (C(*.ini) with C([uwsgi])), each C(env).
      - One whose name begins with C(-) may be absent.
      - A file is read as O(owner) could read it, unless only root can write the directory that holds it.
    type: list
    elements: path
    default: []
  owner:
    description:
      - The system user as whom the project's code and git run. By default whoever owns C(manage.py).
    type: str
  allow_root:
    description: Whether the project's code may run as root, when root owns the project.
    type: bool
    default: false
"""
