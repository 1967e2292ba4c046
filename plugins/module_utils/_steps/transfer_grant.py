# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lets new fetch one set, and MEDIA, from old: a line for the daemon's key file, which is taken back at the end."""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import time
from dataclasses import dataclass, replace
from typing import Any, Dict, Optional, Sequence

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._media.root import check_link
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._options import ModuleOptions
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


@dataclass(frozen=True)
class Options(ModuleOptions):
    """Holds the options of the module ``transfer_grant``."""

    directory: str  # ours
    site: str
    state: str  # present, absent
    public_key: Optional[str]  # new's
    addresses: Sequence[str]  # from where alone it is let in
    login: str  # the user of this host whom it logs in as
    label: Optional[str]  # the set that it may read
    media: Optional[str]  # MEDIA_ROOT that it may read too
    owner: Optional[str]  # the project's user, whose rights the daemon takes for it
    valid_for: int  # seconds


def work(options: Options, check_mode: bool) -> Dict[str, Any]:
    """Grant or withdraw. Raises owner_missing, bad_option, path_refused, and what reading sshd's settings raises."""
    check_site_name(options.site)
    addresses = check_addresses(options.addresses) if options.state == "present" else []
    user = user_of(options.login)
    sshd = transfer_sshd.read_sshd(user.name, (addresses or ["127.0.0.1"])[0])
    with contextlib.nullcontext() if check_mode else grant.one_at_a_time(options.directory):
        if options.state == "absent":
            return {"changed": withdraw(options, user, sshd, check_mode)}
        transfer_sshd.check_login(sshd, user)
        changed = give(options, user, sshd, check_mode)
    return {
        "changed": changed,
        "port": sshd.ports[0],
        "host_keys": list(sshd.host_keys),
        "addresses": own_addresses(),
        "login": user.name,
        "compress": list(transfer_rsync.compressions()),
        "media": media_facts(options.media or ""),
    }


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


def withdraw(options: Options, user: SystemUser, sshd: transfer_sshd.Sshd, check: bool) -> bool:
    """Take back what this or a crashed run granted; says whether there was anything."""
    earlier = read_record(options.directory, options.site).grant
    keys = _key_file(earlier, user, sshd)
    text, conf = keys.read() or b"", grant.conf_path(options.directory, options.site)
    ours, configured = bool(grant.ours(text, options.site)), os.path.lexists(conf)
    if not check:
        if ours:
            keys.put_back(grant.without_lines(text, options.site), earlier.made if earlier else "")
        if configured:
            os.unlink(conf)
        if earlier:
            update_record(options.directory, options.site, lambda latest: replace(latest, grant=None))
    return ours or configured or bool(earlier)


def _key_file(earlier: Optional[Grant], user: SystemUser, sshd: transfer_sshd.Sshd) -> authorized_keys.KeyFile:
    """The key file that an earlier run changed, or else the one that this run would."""
    if earlier and earlier.path:
        return authorized_keys.KeyFile(earlier.path, user_of(earlier.login))
    return authorized_keys.KeyFile(transfer_sshd.key_path(sshd, user), user)


@dataclass(frozen=True)
class Plan:
    """What a grant consists of: a line for the key file and a configuration for the daemon."""

    keys: authorized_keys.KeyFile
    line: bytes
    conf: str
    text: str
    fresh: bool  # the key is in, for long enough


def plan(options: Options, user: SystemUser, sshd: transfer_sshd.Sshd) -> Plan:
    """Decide what is let in; nothing is written. Raises program_missing, path_refused and bad_option."""
    directory, site = options.directory, options.site
    prefix, rsync = grant.command_prefix(user), require_program("rsync", "install rsync on the old host")
    conf = grant.conf_path(directory, site)
    shared, readers = {"set": os.path.join(BackupSet.home(directory, site), check_label(options.label or ""))}, {}
    if options.media:
        readers["media"] = user_of(options.owner or "")
        shared["media"] = check_link(options.media, readers["media"])
    text = grant.conf_text(shared, user.uid == 0 or bool(prefix), readers)
    now, valid = time.time(), options.valid_for
    expiry = time.strftime("%Y%m%d%H%M", time.localtime(now + valid)) if sshd.version >= (7, 7) else ""
    command = [*prefix, rsync, "--server", "--daemon", "--config=" + conf, "."]
    line = grant.key_line(
        site, grant.check_key(options.public_key or ""), check_addresses(options.addresses), command, expiry
    )
    keys = authorized_keys.KeyFile(transfer_sshd.key_path(sshd, user), user)
    lines = grant.ours(keys.read() or b"", site)
    return Plan(keys, line, conf, text, len(lines) == 1 and grant.is_still_valid(lines[0], line, now, valid))


def give(options: Options, user: SystemUser, sshd: transfer_sshd.Sshd, check: bool) -> bool:
    """Let the key in, unless it is in for long enough; says whether anything was changed."""
    planned = plan(options, user, sshd)
    if check:
        return not planned.fresh
    if planned.fresh:
        return grant.write_conf(planned.conf, planned.text)
    keys = planned.keys
    withdraw(options, user, sshd, False)
    given = Grant(user.name, keys.path, keys.missing())
    update_record(options.directory, options.site, lambda latest: replace(latest, grant=given))
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
