#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: transfer_grant
short_description: Let a one-time key read a backup set on the old host
version_added: 0.1.0
description:
  - Adds one line to C(authorized_keys) of O(login). Its key can start an rsync daemon that knows the backup set and
    MEDIA_ROOT, read-only, from the given addresses, until it expires. It opens no shell, forwards nothing, and reads
    nothing else.
  - V(absent) restores the file byte by byte, with its modification time; a file that this module made is removed.
author:
  - The relocate.django authors (@relocate-django)
extends_documentation_fragment:
  - relocate.django.work
  - relocate.django.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  state:
    description: Whether the key is accepted.
    type: str
    choices: [present, absent]
    default: present
  public_key:
    description: The key that M(relocate.django.transfer) made on the new host. Required with O(state=present).
    type: str
  addresses:
    description:
      - The addresses from which the key may be used, as the old host sees them. Required with O(state=present).
      - Behind M(relocate.django.relay) the old host sees itself, so V(127.0.0.1) and V(::1) belong here then.
    type: list
    elements: str
    default: []
  login:
    description: The user whose C(authorized_keys) gets the key. A user other than root needs sudo without a password.
    type: str
    default: root
  label:
    description: The backup set that may be read. Required with O(state=present).
    type: str
  media:
    description:
      - MEDIA_ROOT, when it may be read too. A link in its place must lead to a directory that O(owner) may write to.
    type: path
  owner:
    description: The project's owner, as whom O(media) is read. Required with O(media).
    type: str
  valid_for:
    description: Seconds until the key expires by itself. SSH servers before OpenSSH 7.7 know no expiry.
    type: int
    default: 86400
seealso:
  - module: relocate.django.transfer
  - module: relocate.django.relay
"""

EXAMPLES = r"""
- name: Let the new host read the set and MEDIA
  relocate.django.transfer_grant:
    site: shop
    label: 20261120T193000Z-1a2b3c4d5e6f
    media: /srv/shop/media
    owner: shop
    public_key: "{{ key.public_key }}"
    addresses: "{{ key.addresses }}"
  delegate_to: "{{ groups['old'] | first }}"

- name: Take the key back
  relocate.django.transfer_grant:
    site: shop
    state: absent
  delegate_to: "{{ groups['old'] | first }}"
"""

RETURN = r"""
port:
  description: The port of the SSH server.
  returned: when O(state=present)
  type: int
host_keys:
  description: The public host keys, for a strict check on the new host.
  returned: when O(state=present)
  type: list
  elements: str
addresses:
  description: The addresses of this host.
  returned: when O(state=present)
  type: list
  elements: str
login:
  description: The user to log in as.
  returned: when O(state=present)
  type: str
compress:
  description: The methods of compression that rsync on this host knows.
  returned: when O(state=present)
  type: list
  elements: str
media:
  description: Owner and group of MEDIA_ROOT.
  returned: when O(state=present) and O(media) is given
  type: dict
  sample:
    owner: shop
    group: www-data
"""

import contextlib
import grp
import os
import pwd
import time
from dataclasses import dataclass, replace
from typing import Any, Dict, Mapping

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relocate.django.plugins.module_utils import _argspec, _module
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._media.root import check_link
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._process import require_program
from ansible_collections.relocate.django.plugins.module_utils._record.keys import Grant
from ansible_collections.relocate.django.plugins.module_utils._record.record import (
    check_site_name,
    read_record,
    update_record,
)
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._set.label import check_label
from ansible_collections.relocate.django.plugins.module_utils._transfer import authorized_keys, grant
from ansible_collections.relocate.django.plugins.module_utils._transfer import rsync as transfer_rsync
from ansible_collections.relocate.django.plugins.module_utils._transfer import sshd as transfer_sshd
from ansible_collections.relocate.django.plugins.module_utils._transfer.network import check_addresses, own_addresses
from ansible_collections.relocate.django.plugins.module_utils._users import lookup_user


def user_of(name: str) -> SystemUser:
    """A user of this host, or owner_missing."""
    user = lookup_user(name)
    if user is None:
        raise RelocateError(
            "owner_missing",
            "{0} is not a user of this host".format(name),
            "set relocate_transfer_login to a user of it",
        )
    return user


def withdraw(params: Mapping[str, Any], user: SystemUser, sshd: transfer_sshd.Sshd, check: bool) -> bool:
    """Take back what this or a crashed run granted; says whether there was anything."""
    earlier = read_record(params["directory"], params["site"]).grant
    if earlier and earlier.path:
        keys = authorized_keys.KeyFile(earlier.path, user_of(earlier.login))
    else:
        keys = authorized_keys.KeyFile(transfer_sshd.key_path(sshd, user), user)
    text, conf = keys.read() or b"", grant.conf_path(params["directory"], params["site"])
    ours, configured = bool(grant.ours(text, params["site"])), os.path.lexists(conf)
    if not check:
        if ours:
            keys.put_back(grant.without_lines(text, params["site"]), earlier.made if earlier else "")
        if configured:
            os.unlink(conf)
        if earlier:
            update_record(params["directory"], params["site"], lambda latest: replace(latest, grant=None))
    return ours or configured or bool(earlier)


@dataclass(frozen=True)
class Plan:
    """What a grant consists of: a line for the key file and a configuration for the daemon."""

    keys: authorized_keys.KeyFile
    line: bytes
    conf: str
    text: str
    fresh: bool  # the key is in, for long enough


def plan(params: Mapping[str, Any], user: SystemUser, sshd: transfer_sshd.Sshd) -> Plan:
    """Decide what is let in; nothing is written. Raises program_missing, path_refused and bad_option."""
    directory, site = params["directory"], params["site"]
    prefix, rsync = grant.command_prefix(user), require_program("rsync", "install rsync on the old host")
    conf = grant.conf_path(directory, site)
    shared, readers = {"set": os.path.join(BackupSet.home(directory, site), check_label(params["label"]))}, {}
    if params["media"]:
        readers["media"] = user_of(params["owner"])
        shared["media"] = check_link(params["media"], readers["media"])
    text = grant.conf_text(shared, user.uid == 0 or bool(prefix), readers)
    now, valid = time.time(), params["valid_for"]
    expiry = time.strftime("%Y%m%d%H%M", time.localtime(now + valid)) if sshd.version >= (7, 7) else ""
    command = [*prefix, rsync, "--server", "--daemon", "--config=" + conf, "."]
    line = grant.key_line(
        site, grant.check_key(params["public_key"]), check_addresses(params["addresses"]), command, expiry
    )
    keys = authorized_keys.KeyFile(transfer_sshd.key_path(sshd, user), user)
    lines = grant.ours(keys.read() or b"", site)
    return Plan(keys, line, conf, text, len(lines) == 1 and grant.is_still_valid(lines[0], line, now, valid))


def give(params: Mapping[str, Any], user: SystemUser, sshd: transfer_sshd.Sshd, check: bool) -> bool:
    """Let the key in, unless it is in for long enough; says whether anything was changed."""
    planned = plan(params, user, sshd)
    if check:
        return not planned.fresh
    if planned.fresh:
        return grant.write_conf(planned.conf, planned.text)
    keys = planned.keys
    withdraw(params, user, sshd, False)
    given = Grant(user.name, keys.path, keys.missing())
    update_record(params["directory"], params["site"], lambda latest: replace(latest, grant=given))
    grant.write_conf(planned.conf, planned.text)
    keys.write(grant.with_line(keys.read() or b"", planned.line))
    return True


def media_facts(path: str) -> Dict[str, str]:
    """Return who owns MEDIA_ROOT, by name where there is one."""
    facts = {}
    if path and os.path.isdir(path):
        status = os.stat(path)
        try:
            facts = {"owner": pwd.getpwuid(status.st_uid).pw_name, "group": grp.getgrgid(status.st_gid).gr_name}
        except KeyError:
            facts = {"owner": str(status.st_uid), "group": str(status.st_gid)}
    return facts


def work_on(module: AnsibleModule) -> Dict[str, Any]:
    """Grant or withdraw."""
    params = module.params
    check_site_name(params["site"])
    addresses = check_addresses(params["addresses"]) if params["state"] == "present" else []
    user = user_of(params["login"])
    sshd = transfer_sshd.read_sshd(user.name, (addresses or ["127.0.0.1"])[0])
    with contextlib.nullcontext() if module.check_mode else grant.one_at_a_time(params["directory"]):
        if params["state"] == "absent":
            return {"changed": withdraw(params, user, sshd, module.check_mode)}
        transfer_sshd.check_login(sshd, user)
        changed = give(params, user, sshd, module.check_mode)
    return {
        "changed": changed,
        "port": sshd.ports[0],
        "host_keys": list(sshd.host_keys),
        "addresses": own_addresses(),
        "login": user.name,
        "compress": list(transfer_rsync.compressions()),
        "media": media_facts(params["media"] or ""),
    }


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec=_argspec.merged(
            _argspec.work(),
            {
                "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
                "public_key": {"type": "str", "no_log": False},
                "addresses": {"type": "list", "elements": "str", "default": []},
                "login": {"type": "str", "default": "root"},
                "label": {"type": "str"},
                "media": {"type": "path"},
                "owner": {"type": "str"},
                "valid_for": {"type": "int", "default": 86400},
            },
        ),
        required_if=[("state", "present", ["public_key", "label"])],
        required_by={"media": "owner"},
        supports_check_mode=True,
    )
    _module.answer(module, work_on)


if __name__ == "__main__":
    main()
