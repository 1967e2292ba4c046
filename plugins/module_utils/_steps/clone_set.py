# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes a set of another site on this host over, for a clone that has a name of its own."""

from __future__ import annotations

import os
import shutil
from typing import Any, Dict, Optional

from ansible_collections.relocate.django.plugins.module_utils._engines.base import default_jobs
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host.files import make_directory, sync_directory
from ansible_collections.relocate.django.plugins.module_utils._record.record import check_site_name
from ansible_collections.relocate.django.plugins.module_utils._set import pins
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._set.held import held


def place(
    directory: str, origin: str, site: str, label: Optional[str], sha256: Optional[str], check_mode: bool
) -> Dict[str, Any]:
    """Copy a set of a site among those of another one; it appears in one step, once every file of it was compared.

    :param origin: the site that the set is of
    :param label: the set; by default the newest, or the one whose manifest has the digest

    Raises set_not_found, set_incomplete, manifest_edited, dump_truncated, bad_option.
    """
    check_site_name(origin)
    if origin == site:
        raise RelocateError(
            "bad_option",
            "relocate_clone_of names the clone itself",
            "give the clone a relocate_site of its own, or leave relocate_clone_of empty",
        )
    source = BackupSet.find(directory, origin, label, sha256)
    manifest = source.read(sha256)
    target = BackupSet(os.path.join(BackupSet.home(directory, site), source.label))
    result = {"changed": True, "label": source.label, "set": target.path}
    if os.path.lexists(target.path):
        if target.digest() == source.digest():
            return {**result, "changed": False}
        raise RelocateError(
            "manifest_edited",
            "{0} is another set than that of {1}".format(target.path, origin),
            "look at it, then move it away",
        )
    if not check_mode:
        _copy(source, target, os.path.join(directory, "incoming", site), manifest)
    return result


def _copy(source: BackupSet, target: BackupSet, incoming: str, manifest: Any) -> None:
    shutil.rmtree(incoming, ignore_errors=True)  # of a run that was killed
    make_directory(incoming, 0o700)
    try:
        with held(source.path):
            came = BackupSet(os.path.join(incoming, source.label))
            shutil.copytree(source.path, came.path, symlinks=True)
        came.verify(manifest, default_jobs())
        for top, _directories, _names in os.walk(came.path):
            sync_directory(top)
        make_directory(os.path.dirname(target.path), 0o711)
        pins.write(target.path, source.digest())
        os.rename(came.path, target.path)
        sync_directory(os.path.dirname(target.path))
    finally:
        shutil.rmtree(incoming, ignore_errors=True)
