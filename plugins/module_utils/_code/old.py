# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The code of a site where it serves, whatever holds it: git, Mercurial, Subversion, or nothing.

One class for each; what a step asks of code is a method here, and no step knows which of them it is.
"""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass
from typing import IO, Any, Callable, Dict, List, Optional, Sequence, Type

from ansible_collections.relocate.django.plugins.module_utils._code import archive, tree
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host.tree import shown
from ansible_collections.relocate.django.plugins.module_utils._model import OtherRevision, Revision, SystemUser
from ansible_collections.relocate.django.plugins.module_utils._project import hg, svn, vcs
from ansible_collections.relocate.django.plugins.module_utils._set.directory import BUNDLE, PATCH

HG_BUNDLE, LISTING = "code.hg", "code.list"
ARCHIVES = {"zstd": "code.tar.zst", "none": "code.tar"}
KINDS = ("git", "hg", "svn", "none")


@dataclass(frozen=True)
class Part:
    """One file of a set that holds code; ``again`` when it is written anew although it is there."""

    name: str
    fill: Callable[[IO[bytes]], None]
    again: bool = False


@dataclass(frozen=True)
class Code:
    """Reads what git holds.

    :param path: of the project
    :param leave: tells what below it is no code; for code without version control
    """

    path: str
    owner: Optional[SystemUser]
    compression: str = "zstd"
    leave: Optional[tree.Leave] = None

    name = "git"
    program: str = "git"
    has_patch = True

    def revision(self) -> Revision:
        """Return what is checked out. Raises not_a_checkout."""
        return vcs.revision(self.path, self.owner)

    def top(self) -> str:
        """Return the top of what travels. Raises not_a_checkout."""
        return vcs.toplevel(self.path, self.owner)

    def prefix(self) -> str:
        """Return where below the top the project lies; empty at the top. Raises not_a_checkout."""
        found = os.path.relpath(os.path.realpath(self.path), os.path.realpath(self.top()))
        return "" if found == "." else found

    def check_whole(self) -> None:
        """Raise revision_refused for code of which a set would lack a part."""
        vcs.check_whole(self.path, self.owner)

    def brings(self, commit: str) -> bool:
        """Tell whether a set of what is checked out brings another revision along."""
        return vcs.brings(self.path, self.owner, commit)

    def files_at(self, commit: str) -> Optional[List[str]]:
        """Return the files of another revision; None when it is not here."""
        return vcs.files_at(self.path, self.owner, commit)

    def comes_after(self, commit: str) -> bool:
        """Tell whether a revision came after what is checked out."""
        return vcs.comes_after(self.path, self.owner, commit)

    def beside(self) -> Optional[List[str]]:
        """Return the files that are not held, relative to the top; None where git is to be asked."""
        return None

    def parts(self, revision: Revision) -> Sequence[Part]:
        """Return the files of a set that hold the code."""
        found = [Part(BUNDLE, lambda out: vcs.bundle(self.path, self.owner, revision.commit, out))]
        if revision.dirty:
            found.append(Part(PATCH, self._patch, True))
        return found

    def _patch(self, out: IO[bytes]) -> None:
        vcs.patch(self.path, self.owner, out)

    def words(self, revision: Revision) -> Dict[str, Any]:
        """Return what a manifest says of where a set holds the code."""
        return {"bundle": BUNDLE, "patch": PATCH if revision.dirty else ""}


class HgCode(Code):
    """Reads what Mercurial holds: a bundle of the whole repository travels."""

    name = "Mercurial"
    program = "hg"

    def revision(self) -> Revision:
        """As Code."""
        return hg.revision(self.path, self.owner)

    def top(self) -> str:
        """As Code."""
        return hg.toplevel(self.path, self.owner)

    def check_whole(self) -> None:
        """As Code."""
        hg.check_whole(self.path, self.owner)

    def brings(self, commit: str) -> bool:
        """As Code: the bundle is of the whole repository."""
        return hg.Hg(self.top(), self.owner).knows(commit)

    def files_at(self, commit: str) -> Optional[List[str]]:
        """As Code."""
        return hg.files_at(self.path, self.owner, commit)

    def comes_after(self, commit: str) -> bool:
        """As Code."""
        return hg.is_ancestor(self.path, self.owner, ".", commit)

    def beside(self) -> Optional[List[str]]:
        """As Code."""
        return hg.beside(self.top(), self.owner)

    def parts(self, revision: Revision) -> Sequence[Part]:
        """As Code."""
        found = [Part(HG_BUNDLE, lambda out: hg.bundle(self.path, self.owner, revision.commit, out))]
        if revision.dirty:
            found.append(Part(PATCH, lambda out: hg.patch(self.path, self.owner, out), True))
        return found

    def words(self, revision: Revision) -> Dict[str, Any]:
        """As Code."""
        return {"bundle": HG_BUNDLE, "patch": PATCH if revision.dirty else ""}


class _Packed(Code):
    """Packs what travels as an archive."""

    has_patch = False

    def listing(self) -> tree.Listing:
        """Return what travels."""
        return tree.look(self.top(), self.owner, self.leave or tree.belonging(self.path, (), ()))

    def check_whole(self) -> None:
        """As Code: all that belongs to the tree is in the archive."""

    def brings(self, commit: str) -> bool:
        """As Code: an archive holds one revision."""
        return commit == self.revision().commit

    def files_at(self, commit: str) -> Optional[List[str]]:
        """As Code: only the server knows another one."""
        return None

    def comes_after(self, commit: str) -> bool:
        """As Code."""
        return False

    def parts(self, revision: Revision) -> Sequence[Part]:
        """As Code; the archive first: a listing without one is of a call that was killed."""
        found = functools.lru_cache(maxsize=None)(self.listing)

        def pack(out: IO[bytes]) -> None:
            archive.pack(self.top(), self.owner, found(), out, self.compression)

        def write(out: IO[bytes]) -> None:
            out.write(found().text().encode("ascii"))

        again = revision.dirty
        return [Part(ARCHIVES[self.compression], pack, again), Part(LISTING, write, again)]

    def words(self, revision: Revision) -> Dict[str, Any]:
        """As Code."""
        return {"bundle": "", "patch": "", "archive": ARCHIVES[self.compression], "listing": LISTING}


class SvnCode(_Packed):
    """Packs what Subversion holds: the working copy travels as it lies, with what it needs to be one."""

    name = "Subversion"
    program = "svn"

    def revision(self) -> Revision:
        """As Code."""
        return svn.revision(self.path, self.owner)

    def top(self) -> str:
        """As Code."""
        return svn.toplevel(self.path, self.owner)

    def beside(self) -> Optional[List[str]]:
        """As Code."""
        top = self.top()
        names = svn.status(top, self.owner).beside
        return [name + "/" if os.path.isdir(os.path.join(top, name)) else name for name in names]

    def listing(self) -> tree.Listing:
        """As _Packed: what is versioned, of externals too, and the directories in which Subversion keeps its own."""
        looked = svn.status(self.top(), self.owner)
        own = tuple(os.path.normpath(os.path.join(root, ".svn")) for root in (".", *looked.externals))
        above = {
            "/".join(name.split("/")[:count]) for name in looked.versioned for count in range(1, name.count("/") + 1)
        }
        names = looked.versioned | above

        def leave(found: Any) -> bool:
            return found.name not in names and not (found.name + "/").startswith(tuple(one + "/" for one in own))

        return tree.look(self.top(), self.owner, leave)


class PlainCode(_Packed):
    """Packs what nothing holds: the tree travels, and its digest is its revision."""

    name = "no version control"
    program = ""

    def revision(self) -> Revision:
        """As Code: nothing is uncommitted, since all of it travels."""
        found = self.listing()
        if not found.files:
            raise RelocateError("not_a_checkout", "{0} holds no code".format(self.path), "set relocate_path")
        return OtherRevision(found.digest, vcs="none", files=found.files, bytes=found.bytes)

    def top(self) -> str:
        """As Code."""
        return self.path

    def prefix(self) -> str:
        """As Code."""
        return ""

    def brings(self, commit: str) -> bool:
        """As Code. Raises revision_refused for another revision: there is none."""
        now = self.revision().commit
        if commit != now:
            raise RelocateError(
                "revision_refused",
                "there is no version control that knows {0}: the code is at sha256:{1}".format(commit, now),
                "leave relocate_revision empty to move what old runs",
            )
        return True

    def beside(self) -> Optional[List[str]]:
        """As Code: all of it travels."""
        return []

    def changed_since(self, text: str) -> List[str]:
        """Return what differs from an earlier listing, a few names."""
        try:
            return [shown(name) for name in tree.changed(tree.from_text(text), self.listing())[:5]]
        except ValueError:
            return []


_CLASSES: Dict[str, Type[Code]] = {"git": Code, "hg": HgCode, "svn": SvnCode, "none": PlainCode}


def code_at(
    kind: str, path: str, owner: Optional[SystemUser], compression: str = "zstd", leave: Optional[tree.Leave] = None
) -> Code:
    """Return the code of a project.

    :param kind: git, hg, svn, none
    :param leave: see :class:`Code`
    """
    return _CLASSES[kind](path, owner, compression, leave)


def told(revision: Any) -> str:
    """Say what code without git is; empty for git's. ``revision`` is a revision, as JSON has it."""
    kind = str(revision.get("vcs") or "git")
    if kind == "git":
        return ""
    commit = str(revision.get("commit") or "")
    if kind == "none":
        return "code without version control: sha256:{0}, {1} files".format(commit, revision.get("files", 0))
    if kind == "svn":
        return "code of Subversion at {0}; it has no bundle, so the working copy travels as an archive".format(commit)
    return "code of Mercurial at {0}".format(commit)


def descends(kind: str, path: str, owner: Optional[SystemUser], before: str) -> bool:
    """Tell whether what is checked out on this host came after a revision."""
    if kind == "git":
        return vcs.descends(path, owner, before)
    if kind == "hg":
        return hg.revision(path, owner).commit != before and hg.is_ancestor(path, owner, before, ".")
    if kind == "svn":
        return _svn_later(svn.info(svn.toplevel(path, owner), owner).commit, before)
    return False


def _svn_later(now: str, before: str) -> bool:
    (url, number), (earlier_url, earlier) = svn.split_commit(now), svn.split_commit(before)
    return url == earlier_url and int(number) > int(earlier)
