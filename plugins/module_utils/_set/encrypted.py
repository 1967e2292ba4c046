# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sets whose files are encrypted to recipients, each by itself; the manifest, and what it repeats, can be read by all.

The manifest lists the files as they lie there, so a set can be listed, counted, pushed and held against its digest by
whoever cannot open it. It names no digest of a plain file: that would let a short secret be guessed.
"""

from __future__ import annotations

import os
from typing import Iterable, List, Mapping, Sequence

from ansible_collections.relocate.django.plugins.module_utils._age import age
from ansible_collections.relocate.django.plugins.module_utils._age.opener import OPENER
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host.files import created
from ansible_collections.relocate.django.plugins.module_utils._model import FileEntry
from ansible_collections.relocate.django.plugins.module_utils._set.manifest import READABLE


def encrypt_all(path: str, names: Iterable[str], recipients: Sequence[str]) -> None:
    """Encrypt files of a set, each in its place; the plain one goes as soon as the other is on disk.

    :param path: of the set
    :param names: of its files
    """
    for name in names:
        plain = os.path.join(path, name)
        if name not in READABLE:
            age.encrypt(plain, plain + age.SUFFIX, recipients)
            os.unlink(plain)


def check_opens(path: str, files: Sequence[FileEntry]) -> None:
    """See that the identity of the module at work opens a set, by its smallest file; nothing is written.

    Raises set_encrypted, identity_wrong, identity_unusable.
    """
    identity = OPENER.identity(os.path.basename(path))
    closed = [one for one in files if one.path.endswith(age.SUFFIX)]
    for one in sorted(closed, key=lambda entry: entry.size)[:1]:
        age.check_opens(os.path.join(path, one.path), identity)


def wanted(files: Mapping[str, FileEntry], relative: str) -> List[FileEntry]:
    """Return the encrypted files that a file or directory of a set is made of.

    Raises set_encrypted for what is an encrypted file itself.
    """
    if relative in files:
        raise RelocateError(
            "set_encrypted",
            "{0} of the set is encrypted".format(relative),
            "decrypt it with age --decrypt -i IDENTITY, and give what that writes",
        )
    found = files.get(relative + age.SUFFIX)
    return [found] if found else [one for name, one in files.items() if name.startswith(relative + "/")]


def opened(path: str, relative: str, parts: Sequence[FileEntry]) -> str:
    """Return the path of a plain copy of a file or directory of a set; it goes with the module at work.

    :param path: of the set
    :param parts: the files that it is made of, which were held against the manifest
    Raises set_encrypted, identity_wrong, identity_unusable, encryption_failed, disk_full.
    """
    directory = os.path.dirname(os.path.dirname(os.path.dirname(path)))
    identity = OPENER.identity(os.path.basename(path))
    place = OPENER.place(directory, path, sum(one.size for one in parts))
    for one in parts:
        target = os.path.join(place, one.path[: -len(age.SUFFIX)])
        if os.path.lexists(target):
            continue
        os.makedirs(os.path.dirname(target), 0o700, exist_ok=True)
        with created(target) as out:
            try:
                age.decrypt(os.path.join(path, one.path), out, identity)
            except RelocateError:
                os.unlink(target)  # half of it would be taken for whole
                raise
    return os.path.join(place, relative)
