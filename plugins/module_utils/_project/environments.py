# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Exchanges the virtual environment of a site for another one that lies beside it, and back.

Units name the path of the environment, and its scripts have that path in their first line: none can be renamed and go
on working. So each new environment is built where it stays, below a name of its own beside that path, and the path
becomes a link to it: scripts begun by either path find their packages. The first one, a directory, is put aside as
``.NAME.relocate-before`` and works again once it has its name back.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
from typing import Iterable, List, Optional

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host import openat
from ansible_collections.relocate.django.plugins.module_utils._host.openat import Place
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._project.requirements import read_text
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as

_DIGITS = 12  # of a commit, as in a set's label
_NAMING = ("direct_url.json", ".pth", ".egg-link")  # files by whose end a package says where its source lies


def place_of(interpreter: str) -> str:
    """Return the path of the virtual environment that an interpreter belongs to.

    Raises environment_failed for one that belongs to none: what the system's own Python sees is not ours to exchange.
    """
    venv = os.path.dirname(os.path.dirname(os.path.abspath(interpreter)))
    if not os.path.exists(os.path.join(venv, "pyvenv.cfg")):
        raise RelocateError(
            "environment_failed",
            "{0} belongs to no virtual environment, so none can be put beside it".format(interpreter),
            "give the project a virtual environment, and set relocate_interpreter to its Python",
        )
    return venv


def built_name(venv: str, commit: str) -> str:
    """Return what the environment for a revision is called, beside the path of the one that serves."""
    return "{0}{1}".format(_prefix(venv), commit[:_DIGITS])


def before_name(venv: str) -> str:
    """Return what a directory at that path is called while a link is in its place."""
    return _prefix(venv) + "before"


def pattern(venv: str) -> str:
    """Return the names of ours beside an environment, as git ignores them."""
    return _prefix(venv) + "*"


def _prefix(venv: str) -> str:
    return ".{0}.relocate-".format(os.path.basename(venv).lstrip("."))


def beside(venv: str, name: str) -> str:
    """Return the path of a name beside an environment."""
    return os.path.join(os.path.dirname(venv), name)


def kept_as(venv: str, owner: Optional[SystemUser]) -> str:
    """Return what brings an environment back: a link's target, or the name that the directory is going to have."""
    with openat.parent(venv, owner) as (place, name):
        return _target(place, name) or before_name(venv)


def _target(place: Place, name: str) -> str:
    """Return where a link leads; "" for what is none, or is not there."""
    try:
        return place.readlink(name)
    except OSError as exc:
        if exc.errno not in (errno.EINVAL, errno.ENOENT):
            raise
        return ""


def point(venv: str, owner: Optional[SystemUser], target: str) -> None:
    """Make the path a link to the target; a directory that is there is put aside."""
    with openat.parent(venv, owner) as (place, name):
        if _target(place, name) == target:
            return
        if not _target(place, name) and _is_there(place, name):
            place.replace(name, before_name(venv))
        fresh = _prefix(venv) + "link"
        with contextlib.suppress(FileNotFoundError):
            place.unlink(fresh)
        place.symlink(target, fresh)
        place.replace(fresh, name)
        place.sync()


def put_back(venv: str, owner: Optional[SystemUser], kept: str) -> None:
    """Bring back what :func:`kept_as` spoke of, whatever of an exchange was done."""
    if kept != before_name(venv):
        point(venv, owner, kept)
        return
    with openat.parent(venv, owner) as (place, name):
        if not _is_there(place, kept):
            return  # it was never put aside
        if _target(place, name):
            place.unlink(name)
        place.replace(kept, name)
        place.sync()


def _is_there(place: Place, name: str) -> bool:
    try:
        place.lstat(name)
    except FileNotFoundError:
        return False
    return True


def left(venv: str, owner: Optional[SystemUser], keep: Iterable[str]) -> List[str]:
    """List the environments of ours beside a path that are neither in use nor among those to keep."""
    with openat.parent(venv, owner) as (place, name):
        used = {_target(place, name), *keep}
        return [item for item in place.names() if item.startswith(_prefix(venv)) and item not in used]


def remove(path: str, owner: Optional[SystemUser]) -> None:
    """Remove a directory of the owner's, with his rights; no link is followed."""
    try:
        with openat.parent(path, owner) as (place, name):
            status = place.lstat(name)
            if not stat.S_ISDIR(status.st_mode):
                place.unlink(name)
                return
            with acting_as(owner if os.geteuid() == 0 else None):
                shutil.rmtree(path, ignore_errors=True)
            with contextlib.suppress(FileNotFoundError):
                place.rmdir(name)
    except FileNotFoundError:
        return
    except OSError as exc:
        raise RelocateError(
            "environment_failed",
            "{0} cannot be removed: {1}".format(path, exc.strerror),
            "remove it by hand, then run the same command again",
        ) from exc


def moved_source(venv: str, owner: Optional[SystemUser], source: str, other: str) -> List[str]:
    """Let packages that are used out of a source directory (``pip install -e``) be used out of another; returns files.

    :param source: the directory by which they were installed
    :param other: the one that has the same code now
    """
    changed = []
    with acting_as(owner if os.geteuid() == 0 else None):
        for directory, names, files in os.walk(os.path.join(venv, "lib")):
            names[:] = [name for name in names if directory.count("/") - venv.count("/") <= 3 and name != "__pycache__"]
            for name in files:
                path = os.path.join(directory, name)
                if (name.endswith(_NAMING) or name.startswith("__editable__")) and source in read_text(path):
                    text = read_text(path).replace(source, other)
                    with open(path, "w", encoding="utf-8") as stream:
                        stream.write(text)
                    changed.append(path)
    return changed
