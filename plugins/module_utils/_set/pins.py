# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pins: the digest of a set's manifest, kept outside of the set, so that an edited manifest is noticed.

``DIRECTORY/pins/SITE/LABEL.sha256`` holds one line as ``sha256sum`` writes it. It is written when the backup ends, and
where a transfer has proven the set by a digest that came from elsewhere. A set that arrives without one, on somebody's
disk, is *not pinned*: the user gives the digest (``manifest_sha256``), or nothing speaks for the manifest but itself.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host.files import make_directory, write_atomically

#: By what a manifest was held against a digest: an option, the file beside the repository, or nothing.
BY_OPTION, BY_FILE, NOT_PINNED = "option", "file", "not pinned"
_LINE = re.compile(r"^([0-9a-f]{64})  manifest\.json\n$")


def path_of(set_path: str) -> str:
    """Return where the pin of a set lies: beside the directory of all sets, never within the set."""
    home, label = os.path.split(set_path)
    sets, site = os.path.split(home)
    return os.path.join(os.path.dirname(sets), "pins", site, label + ".sha256")


def read(set_path: str) -> str:
    """The digest that was noted for a set, or "". Raises path_refused when the file is not what this writes."""
    path = path_of(set_path)
    refused = RelocateError("path_refused", "{0} is not a pin".format(path), "check what it is, then remove it")
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as exc:
        raise refused from exc
    with os.fdopen(handle, "rb") as stream:
        status = os.fstat(stream.fileno())
        if not stat.S_ISREG(status.st_mode) or status.st_uid not in (0, os.geteuid()) or status.st_mode & 0o022:
            raise refused
        found = _LINE.match(stream.read(4096).decode("ascii", "replace"))
    if found is None:
        raise refused
    return found.group(1)


def write(set_path: str, sha256: str) -> None:
    """Note a set's digest, durably; root alone reads it."""
    path = path_of(set_path)
    make_directory(os.path.dirname(os.path.dirname(path)), 0o700)
    make_directory(os.path.dirname(path), 0o700)
    write_atomically(path, "{0}  manifest.json\n".format(sha256))


def forget(set_path: str) -> None:
    """Remove the pin of a set that goes."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        os.unlink(path_of(set_path))


def sentence(path: str) -> str:
    """Tell people what it means that nothing pins the set at ``path``."""
    return (
        "set {0} is not pinned: only its own manifest says that it was not edited; give the"
        " digest that the backup printed (relocate_manifest_sha256), or bring {1} along with the set"
    ).format(os.path.basename(path), path_of(path))
