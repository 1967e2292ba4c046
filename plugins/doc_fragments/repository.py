# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options: where sets are kept, and what opens it."""

    DOCUMENTATION = r"""
options:
  repository:
    description:
      - Where sets are kept. No value is a secret; files and commands on the host tell those.
    type: dict
    default: {}
    suboptions:
      type:
        description:
          - V(restic) stores sets in a repository of restic. V(directory) stores them in the directory
            O(repository.address), on this host or by rsync over SSH on another one; without an address they stay where
            they are made.
        type: str
        choices: [directory, restic]
        default: directory
      address:
        description:
          - The repository as restic names it, such as V(/mnt/backups), V(sftp:user@host:/srv/restic),
            V(rest:https://host:8000/) or V(s3:https://host/bucket). An address with a password in it is refused; put it
            as E(RESTIC_REPOSITORY) into O(repository.credentials_file).
          - With V(directory), V(/mnt/sets) or V(backup@vault.example.org:/srv/sets). On that host rsync must be
            installed; no other program is run there, so the key may be restricted by C(rrsync).
        type: str
      password_file:
        description: A file on the host with the repository's password; root's alone.
        type: path
      password_command:
        description: A command on the host that prints the repository's password, as restic runs it.
        type: str
      credentials_file:
        description:
          - A file on the host with variables that the backend needs, one C(NAME=value) a line, such as
            E(AWS_ACCESS_KEY_ID) and E(AWS_SECRET_ACCESS_KEY); root's alone. It may hold E(RESTIC_REPOSITORY) and
            E(RESTIC_PASSWORD) too.
        type: path
      credentials_command:
        description: A command on the host that prints such lines.
        type: str
      key_file:
        description: >-
          With V(directory) on another host, and for an address such as V(sftp:user@host:/srv/restic), the private key
          of SSH on this host; root's alone.
        type: path
      host_keys:
        description:
          - The public keys of that host, such as the line of C(/etc/ssh/ssh_host_ed25519_key.pub) there. No other host
            is talked to.
        type: list
        elements: str
        default: []
      port:
        description: The port of SSH there.
        type: int
        default: 22
      options:
        description: Restic's extended options, such as C(sftp.command=...); they are on its command line.
        type: list
        elements: str
        default: []
      create:
        description:
          - Whether to make the repository where there is none. By default that is refused, since the address may be
            wrong, or its disk not mounted.
        type: bool
        default: false
"""
