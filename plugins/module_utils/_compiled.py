# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps compiled code from one task to the next, where a module runs as root.

Ansible brings a module to its host as an archive of sources, out of which Python compiles every file anew, and twice
(once to say the file's name): a second of a processor's time for the largest of our modules, at each task, and some of
them run while the site is down. So what was compiled once is kept in memory (``/run``), under the digest of its source,
in a directory that only root can read.

``_module`` imports this file before any other of ours. Outside of such an archive it does nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.abc
import importlib.machinery
import importlib.util
import marshal
import os
import pkgutil
import stat
import sys
import zipimport
from types import CodeType, ModuleType
from typing import Optional, Sequence

_PACKAGE = "ansible_collections.relocate.django.plugins."
_BASE = "/run/relocate"
DIRECTORY = _BASE + "/code"
_LARGEST = 4 << 20  # bytes of one file's compiled code
_MOST = 2000  # files, six times what one version of us has; then all of them go, since nobody asks for older ones


class Kept:
    """Compiled code by the digest of its source, in one directory. Whatever does not work is as if nothing were kept.

    :param handle: the open directory; None keeps nothing
    """

    def __init__(self, handle: Optional[int]) -> None:
        self._handle = handle

    def find(self, source: bytes, path: str) -> CodeType:
        """Return the code of a source; compiled, and kept, when it is not there yet."""
        name = self.name_of(source)
        code = self._read(name)
        if code is None:
            code = compile(source, path, "exec", dont_inherit=True)
            self._write(name, marshal.dumps(code))
        return code

    @staticmethod
    def name_of(source: bytes) -> str:
        """Return under which name the code of a source is kept, for this Python."""
        python = "{0} {1}".format(importlib.util.MAGIC_NUMBER.hex(), sys.flags.optimize).encode()
        return hashlib.sha256(python + b"\0" + source).hexdigest()

    def _read(self, name: str) -> Optional[CodeType]:
        if self._handle is None:
            return None
        try:
            handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self._handle)
            with os.fdopen(handle, "rb") as stream:
                code = marshal.loads(stream.read(_LARGEST))  # noqa: S302  root wrote it, where only root can
        except (OSError, EOFError, ValueError, TypeError):
            return None
        return code if isinstance(code, CodeType) else None

    def _write(self, name: str, content: bytes) -> None:
        """Write under another name first, since others read at the same time."""
        if self._handle is None:
            return
        part = "{0}.{1}".format(name, os.getpid())
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with contextlib.suppress(OSError):
            with os.fdopen(os.open(part, flags, 0o600, dir_fd=self._handle), "wb") as stream:
                stream.write(content)
            os.rename(part, name, src_dir_fd=self._handle, dst_dir_fd=self._handle)


class _Loader(importlib.abc.InspectLoader):
    """Loads one module of the archive by code that may be kept.

    The archive's own loader is asked for bytes only: it compiles a source to say its file name, and again to run it.
    """

    def __init__(self, kept: Kept, path: str, source: bytes) -> None:
        self._kept, self._path, self._source = kept, path, source

    def is_package(self, fullname: str) -> bool:
        """Only files are loaded here."""
        return False

    def get_source(self, fullname: str) -> str:
        """Return the source, which travels to the project's interpreter."""
        return self._source.decode("utf-8")

    def exec_module(self, module: ModuleType) -> None:
        """Run the module's code in it."""
        exec(self._kept.find(self._source, self._path), module.__dict__)  # noqa: S102  as every loader does


class _Finder(importlib.abc.MetaPathFinder):
    """Finds the modules of our collection in the archive; packages, whose files are empty, are left to Python."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    def find_spec(
        self, name: str, path: Optional[Sequence[str]], target: Optional[ModuleType] = None
    ) -> Optional[importlib.machinery.ModuleSpec]:
        """Return the spec of a module of ours that is a file in the archive; None leaves it to others."""
        for entry in path or () if name.startswith(_PACKAGE) else ():
            archive = pkgutil.get_importer(entry)
            if isinstance(archive, zipimport.zipimporter):
                place = os.path.join(entry, name.rpartition(".")[2] + ".py")
                with contextlib.suppress(OSError):
                    loader = _Loader(self._kept, place, archive.get_data(place))
                    return importlib.util.spec_from_file_location(name, place, loader=loader)
        return None


def opened(base: str = _BASE, directory: str = DIRECTORY) -> Optional[int]:
    """Open the directory of what is kept, made when it is missing; None where it is not root's alone."""
    try:
        for path, mode in ((base, 0o711), (directory, 0o700)):
            with contextlib.suppress(FileExistsError):
                os.mkdir(path, mode)
        handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    found = os.fstat(handle)
    if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
        os.close(handle)
        return None
    _clear(handle)
    return handle


def _clear(handle: int) -> None:
    """Forget all, when code of many versions has come together."""
    names = os.listdir(handle)
    for name in names if len(names) > _MOST else ():
        with contextlib.suppress(OSError):
            os.unlink(name, dir_fd=handle)


def use() -> None:
    """Load what is imported from now on once, when this runs out of an archive; for root, keep what was compiled."""
    if isinstance(globals().get("__loader__"), zipimport.zipimporter):
        sys.meta_path.insert(0, _Finder(Kept(opened() if os.geteuid() == 0 else None)))


use()
