# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes MEDIA out of a folder or an archive that people keep, into a set."""

from __future__ import annotations

import contextlib
import os
import shutil
from dataclasses import dataclass
from typing import IO, Any, Dict, Iterator, List, Optional, Sequence

from ansible_collections.relocate.django.plugins.module_utils._adopt import kinds, opened
from ansible_collections.relocate.django.plugins.module_utils._engines.foreign import check_tar, truncated
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._process import (
    Command,
    Completed,
    pipeline,
    require_program,
    run,
)
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BackupSet
from ansible_collections.relocate.django.plugins.module_utils._site import Site
from ansible_collections.relocate.django.plugins.module_utils._steps import store_media
from ansible_collections.relocate.django.plugins.module_utils._users import acting_as

FOLDER, TAR, ZIP = "folder", "tar", "zip"
_SCRATCH = "databases/media"
#: Unpacks a zip archive into the directory where it runs; what leads out of it is put within, and sums are checked.
_UNZIP = "import sys, zipfile; zipfile.ZipFile(sys.stdin.buffer).extractall()"


@dataclass(frozen=True)
class Looked:
    """Tells what MEDIA is given as.

    :param needed: bytes that it may take on this host's disk meanwhile
    """

    path: str
    kind: str
    compression: str = ""
    needed: int = 0


def look(site: Site, path: str) -> Looked:
    """Look what MEDIA is given as. Raises bad_option, file_missing, dump_unknown, dump_truncated."""
    root = str(site.facts["django"].get("media_root") or "")
    if not root or not os.path.isabs(path):
        why = "{0} is not an absolute path".format(path) if root else "the settings have no MEDIA_ROOT"
        raise RelocateError("bad_option", "media cannot be taken: {0}".format(why), "correct media, or leave it out")
    if os.path.isdir(path):
        return Looked(path, FOLDER)
    owner = site.project.owner
    with opened.opened(path, owner) as stream:
        head = stream.read(kinds.HEAD)
        size = os.fstat(stream.fileno()).st_size
        if kinds.is_zip(head):
            return Looked(path, ZIP, needed=4 * size)
        compression = kinds.compression_of(head)
        if compression:
            size = opened.size_of(stream, compression, owner, path)
            head = opened.head_of(stream, compression, owner)
        if not kinds.is_tar(head):
            raise RelocateError(
                "dump_unknown", "{0} is neither a folder nor a tar or zip archive".format(path), "correct media"
            )
        if not compression:
            check_tar(stream)
    return Looked(path, TAR, compression, 2 * size)


def store(
    site: Site, made: BackupSet, looked: Optional[Looked], skip: Sequence[str], compression: str
) -> Dict[str, Any]:
    """Store MEDIA in the set; returns what the manifest says of it. Raises media_skipped, path_refused, disk_full."""
    if looked is None:
        site.notes.append("the set holds no MEDIA: set media to its folder or archive if there is any")
        return {}
    with site.stopwatch.step("media"), _as_folder(site, made, looked) as folder:
        return store_media.media_in(site, made, folder, compression, skip)


@contextlib.contextmanager
def _as_folder(site: Site, made: BackupSet, looked: Looked) -> Iterator[str]:
    """Have an archive unpacked, by the project's owner, for as long as the block takes."""
    if looked.kind == FOLDER:
        yield looked.path
        return
    owner, scratch = site.project.owner, made.file(_SCRATCH)
    with acting_as(owner):  # he owns the directory above
        os.mkdir(scratch, 0o700)
    try:
        with opened.opened(looked.path, owner) as stream:
            for done in _unpack(site, looked, stream, scratch):
                if done.rc:
                    full = "No space left" in done.err
                    raise RelocateError(
                        "disk_full" if full else "dump_truncated",
                        "{0} cannot be unpacked to its end: {1} exited {2}".format(
                            looked.path, os.path.basename(done.argv[0]), done.rc
                        ),
                        "free space, then run this again" if full else "use another copy of the archive",
                    )
        yield _top(site, scratch)
    finally:
        with acting_as(owner):
            shutil.rmtree(scratch, ignore_errors=True)


def _unpack(site: Site, looked: Looked, stream: IO[bytes], scratch: str) -> List[Completed]:
    """Unpack as the project's owner: whatever an archive leads to, he could have written it himself."""
    owner = site.project.owner
    if looked.kind == ZIP:
        return [run(Command([site.project.interpreter, "-I", "-c", _UNZIP], user=owner, cwd=scratch), stdin=stream)]
    argv = [require_program("tar"), "--extract", "--file=-", "--no-same-owner", "--no-same-permissions"]
    tar = Command([*argv, "--delay-directory-restore"], user=owner, cwd=scratch)
    if not looked.compression:
        return [run(tar, stdin=stream)]
    return pipeline([opened.program(looked.compression, owner), tar], stdin=stream)


def _top(site: Site, scratch: str) -> str:
    """Return where MEDIA begins: in an archive of one directory of MEDIA_ROOT's name, or named media, within that."""
    name = os.path.basename(str(site.facts["django"]["media_root"]).rstrip("/"))
    with acting_as(site.project.owner):
        names = os.listdir(scratch)
        if not names:
            raise truncated("the archive with MEDIA is empty")
        if len(names) == 1 and names[0] in (name, "media"):
            inner = os.path.join(scratch, names[0])
            if os.path.isdir(inner) and not os.path.islink(inner):
                return inner
    return scratch
