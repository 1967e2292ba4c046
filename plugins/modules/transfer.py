#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: transfer
short_description: Bring a backup set or MEDIA from the old host to the new one
version_added: 0.1.0
description:
  - Makes a one-time key on the new host, and with it fetches from the old host what M(relocate.django.transfer_grant)
    lets it read, by rsync over SSH. Nothing passes through the controller.
  - What has arrived is not sent again. A lost connection is taken up again, and an interrupted task resumes at the next
    run.
  - The manifest of a set comes last. Then every file is compared with its sha256, so what lies here as a set is one.
author:
  - The relocate.django authors (@relocate-django)
extends_documentation_fragment:
  - relocate.django.work
  - relocate.django.backup_set
  - relocate.django.attributes
attributes:
  check_mode:
    support: partial
    details: For MEDIA it cannot ask the old host, and always tells of a change.
  diff_mode:
    support: none
options:
  state:
    description:
      - V(ready) makes the key pair.
      - V(fetched) brings O(what).
      - V(absent) removes the key pair. What was fetched stays.
    type: str
    choices: [ready, fetched, absent]
    default: fetched
  what:
    description:
      - What to bring. A set is named by O(label). Without O(manifest_sha256) it comes without its manifest, as it does
        before the site is frozen, and is no set yet.
    type: str
    choices: [set, media]
    default: set
  method:
    description: V(local) copies between two directories of one machine, without rsync and SSH.
    type: str
    choices: [ssh, local]
    default: ssh
  host:
    description: Addresses of the old host. The first one that answers with one of O(host_keys) is taken.
    type: list
    elements: str
    default: []
  port:
    description: The port of its SSH server.
    type: int
    default: 22
  host_keys:
    description: Its public host keys. No other host is accepted.
    type: list
    elements: str
    default: []
  login:
    description: The user on the old host whose C(authorized_keys) holds the key.
    type: str
    default: root
  owner:
    description: The project's owner on this host, who gets MEDIA.
    type: str
  group:
    description: The group of MEDIA, when this host has it. By default that of O(owner).
    type: str
  media:
    description: MEDIA_ROOT on this host. Required with O(what=media).
    type: path
  delete:
    description:
      - Whether this is the last pass, so that files of MEDIA that are gone on the old host are removed here.
    type: bool
    default: false
  replace:
    description:
      - Whether files that were in MEDIA before the first transfer are accepted. By default they are refused, in the
        first pass already, but for those that came with the checkout.
      - What would be overwritten or deleted of them is kept in RV(previous), as is what a site that served here took
        in.
    type: bool
    default: false
  skip:
    description: Names relative to MEDIA_ROOT that stay unchanged on both hosts, with everything below them.
    type: list
    elements: str
    default: []
  compress:
    description:
      - The methods of compression that rsync on the old host knows, as M(relocate.django.transfer_grant) returns them.
        A set is compressed on its way when both hosts know zstd. MEDIA, mostly compressed already, is not.
    type: list
    elements: str
    default: []
  source_directory:
    description: The work directory of the old side. Required with O(method=local) and O(what=set).
    type: path
  media_source:
    description: MEDIA_ROOT on the old side. Required with O(method=local) and O(what=media).
    type: path
seealso:
  - module: relocate.django.transfer_grant
  - module: relocate.django.relay
  - module: relocate.django.backup
"""

EXAMPLES = r"""
- name: Make a one-time key
  relocate.django.transfer:
    site: shop
    state: ready
  register: key

- name: Fetch the backup set, and verify it
  relocate.django.transfer:
    site: shop
    label: 20261120T193000Z-1a2b3c4d5e6f
    manifest_sha256: "{{ backup.manifest_sha256 }}"
    host: "{{ grant.addresses }}"
    port: "{{ grant.port }}"
    host_keys: "{{ grant.host_keys }}"
    owner: shop

- name: Fetch what is new in MEDIA
  relocate.django.transfer:
    site: shop
    what: media
    media: /srv/shop/media
    owner: shop
    host: "{{ grant.addresses }}"
    port: "{{ grant.port }}"
    host_keys: "{{ grant.host_keys }}"
"""

RETURN = r"""
public_key:
  description: The key to accept on the old host.
  returned: when O(state=ready)
  type: str
addresses:
  description: The addresses of this host.
  returned: when O(state=ready)
  type: list
  elements: str
set:
  description: The set's directory on this host.
  returned: when O(state=fetched) and O(what=set)
  type: str
complete:
  description: Whether it is a whole set, each file of it with the digest that O(manifest_sha256) stands for.
  returned: when O(state=fetched) and O(what=set)
  type: bool
files:
  description: How many files were transferred.
  returned: when O(state=fetched)
  type: int
bytes:
  description: The size of these files.
  returned: when O(state=fetched)
  type: int
received:
  description: How many bytes came over the network.
  returned: when O(state=fetched)
  type: int
deleted:
  description: How many files were removed.
  returned: when O(state=fetched)
  type: int
previous:
  description:
    - The directory next to MEDIA_ROOT that holds files that would have been lost here; empty when there are none.
    - Only the owner can read it, and this collection never deletes it.
  returned: when O(state=fetched) and O(what=media)
  type: str
address:
  description: The address of the old host that was used; empty when nothing had to be fetched.
  returned: when O(state=fetched)
  type: str
seconds:
  description: The seconds of each step; parallel steps overlap.
  returned: success
  type: dict
"""

import contextlib
import functools
import os
import shutil
from typing import Any, Dict, Mapping, Optional

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.relocate.django.plugins.module_utils import _argspec, _module
from ansible_collections.relocate.django.plugins.module_utils._engines.base import default_jobs
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._record.record import check_site_name
from ansible_collections.relocate.django.plugins.module_utils._set import retention
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._set.label import check_label
from ansible_collections.relocate.django.plugins.module_utils._steps import fetch_media as steps_fetch_media
from ansible_collections.relocate.django.plugins.module_utils._stopwatch import Stopwatch
from ansible_collections.relocate.django.plugins.module_utils._transfer import fetch as transfer_fetch
from ansible_collections.relocate.django.plugins.module_utils._transfer import rsync
from ansible_collections.relocate.django.plugins.module_utils._transfer.local import Copier
from ansible_collections.relocate.django.plugins.module_utils._transfer.network import own_addresses
from ansible_collections.relocate.django.plugins.module_utils._users import current_user, lookup_user


def keys_of(params: Mapping[str, Any]) -> str:
    """The directory of the site's key pair."""
    return os.path.join(params["directory"], "transfer", check_site_name(params["site"]))


def owner_of(params: Mapping[str, Any]) -> Optional[SystemUser]:
    """The project's owner, or owner_missing; None when no name is given."""
    owner = lookup_user(params["owner"]) if params["owner"] else None
    if params["owner"] and owner is None:
        raise RelocateError(
            "owner_missing", "{0} is not a user of this host".format(params["owner"]), "create that user first"
        )
    return owner


def fetch_of(params: Mapping[str, Any]) -> transfer_fetch.Fetch:
    """Choose what carries out requests: rsync with the one-time key, or copying."""
    if params["method"] == "local":
        home = BackupSet.home(params["source_directory"] or params["directory"], params["site"])
        sources = {"set": os.path.join(home, params["label"] or ""), "media": params["media_source"] or ""}
        return Copier(sources).fetch
    zstd = "zstd" in params["compress"] and "zstd" in rsync.compressions()
    way = rsync.Way(
        params["site"], keys_of(params), params["host"], params["port"], params["login"], zstd, rsync.version()
    )
    return transfer_fetch.Fetcher(way, params["host_keys"]).fetch


def make_ready(module: AnsibleModule) -> Dict[str, Any]:
    """The key pair, made when it is missing."""
    params = module.params
    if params["method"] == "local":
        return {"changed": False, "public_key": "", "addresses": []}
    directory = keys_of(params)
    known = transfer_fetch.read_public_key(directory)
    changed = not known if module.check_mode else transfer_fetch.make_key(directory, params["site"])
    return {"changed": changed, "public_key": transfer_fetch.read_public_key(directory), "addresses": own_addresses()}


def fetch_set(module: AnsibleModule) -> Dict[str, Any]:
    """The set, unless it is here and proven."""
    params = module.params
    owner, sha256 = owner_of(params), params["manifest_sha256"] or ""
    path = os.path.join(BackupSet.home(params["directory"], params["site"]), check_label(params["label"] or ""))
    moved, jobs, stopwatch = rsync.Moved(), default_jobs(), Stopwatch()
    with contextlib.suppress(RelocateError):
        here = BackupSet(path)
        if sha256 and os.path.isdir(path):
            with stopwatch.step("hash"):
                transfer_fetch.prove(here, sha256, jobs, not module.check_mode)
            return {"changed": False, "set": path, "complete": True, **transfer_fetch.result_of(moved)}
    if not module.check_mode:
        fetch = fetch_of(params)
        retention.clear_unfinished(params["directory"], params["site"], params["label"])
        backup = BackupSet.create(params["directory"], params["site"], params["label"], owner or current_user())
        with transfer_fetch.claimed(backup):
            moved = transfer_fetch.bring_set(fetch, backup, sha256, jobs, stopwatch.step)
    changed, seconds = module.check_mode or moved.anything, stopwatch.seconds()
    return {
        "changed": changed,
        "set": path,
        "complete": bool(sha256),
        "seconds": seconds,
        **transfer_fetch.result_of(moved),
    }


def fetch_media(module: AnsibleModule) -> Dict[str, Any]:
    """Fetch what is new in MEDIA."""
    params = module.params
    fetch = None if module.check_mode else functools.partial(fetch_of, params)
    options = steps_fetch_media.Options.of(params)
    return steps_fetch_media.fetch_media(options, owner_of(params) or current_user(), fetch)


def remove_key(module: AnsibleModule) -> Dict[str, Any]:
    """Remove the key pair."""
    directory = keys_of(module.params)
    paths = [directory, transfer_fetch.lent_path(directory)]
    found = [path for path in paths if os.path.isdir(path) and not os.path.islink(path)]
    for path in found if not module.check_mode else []:
        shutil.rmtree(path)
    return {"changed": bool(found)}


def work_on(module: AnsibleModule) -> Dict[str, Any]:
    """Do what the state asks for."""
    params = module.params
    check_site_name(params["site"])
    if params["state"] == "ready":
        return make_ready(module)
    if params["state"] == "absent":
        return remove_key(module)
    return fetch_set(module) if params["what"] == "set" else fetch_media(module)


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec=_argspec.merged(
            _argspec.work(),
            _argspec.backup_set(),
            {
                "state": {"type": "str", "choices": ["ready", "fetched", "absent"], "default": "fetched"},
                "what": {"type": "str", "choices": ["set", "media"], "default": "set"},
                "method": {"type": "str", "choices": ["ssh", "local"], "default": "ssh"},
                "host": {"type": "list", "elements": "str", "default": []},
                "port": {"type": "int", "default": 22},
                "host_keys": {"type": "list", "elements": "str", "default": [], "no_log": False},
                "login": {"type": "str", "default": "root"},
                "owner": {"type": "str"},
                "group": {"type": "str"},
                "media": {"type": "path"},
                "delete": {"type": "bool", "default": False},
                "replace": {"type": "bool", "default": False},
                "skip": {"type": "list", "elements": "str", "default": []},
                "compress": {"type": "list", "elements": "str", "default": []},
                "source_directory": {"type": "path"},
                "media_source": {"type": "path"},
            },
        ),
        required_if=[("what", "media", ["media"])],
        supports_check_mode=True,
    )
    _module.answer(module, work_on)


if __name__ == "__main__":
    main()
