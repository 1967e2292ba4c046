# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Code without version control: what belongs to it, and how it comes to new."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._code import archive, new, placed, tree
from ansible_collections.relocate.django.plugins.module_utils._code.old import PlainCode, told
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser, as_plain
from ansible_collections.relocate.django.plugins.module_utils._project import vcs
from tests.unit.fakes import refused

from .repositories import NAMES, give, write

CODE = {**NAMES, "run.sh": "#!/bin/sh\n", "app/a\nb": "newline\n", ".env.example": "x\n"}
#: What lies in the directory and is none.
OTHERS = {
    ".env": "SECRET=1\n",
    "media/photo.jpg": "jpg",
    "static/all.css": "css",
    "db.sqlite3": "rows",
    "db.sqlite3-wal": "rows",
    "app/__pycache__/x.pyc": "pyc",
    "venv/pyvenv.cfg": "home = /usr\n",
    "venv/lib/x.py": "x",
    "logs/site.txt": "line",
    "logs/site.txt.1": "line",
    "run/worker.pid": "1",
    ".relocate-code": "{}",
    "media__previous-x/a": "1",
    "cache/one": "1",
}


pytestmark = pytest.mark.slow


@pytest.fixture(name="top")
def _top(home: Path, owner: SystemUser) -> Path:
    """A project's directory with everything in it."""
    top = home / "shop"
    write(top, owner, {**CODE, **OTHERS})
    os.fsencode(top)
    (top / "run.sh").chmod(0o750)
    os.mkdir(os.fsencode(top) + b"/app/\xff")
    (top / "app" / "to-deep").symlink_to("deep/x.py")
    (top / "app" / "out").symlink_to("/etc/hostname")
    (top / "app" / "deep").chmod(0o710)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(top / "site.s"))
    os.mkfifo(top / "pipe")
    give(top, owner)
    return top


def code_at(top: Path, owner: SystemUser) -> PlainCode:
    apart = [str(top / name) for name in ("media", "static", "db.sqlite3", "db.sqlite3-wal", "venv")]
    leave = tree.belonging(str(top), [*apart, str(top)], [".env", "cache/*"], [str(top / "logs/site.txt")])
    return PlainCode(str(top), owner, "none", leave)


def packed(code: PlainCode, base: Path) -> placed.Packed:
    """Write the tree as a set does; returns it as a checkout takes it."""
    parts = {part.name: part for part in code.parts(code.revision())}
    assert list(parts) == ["code.tar", "code.list"]
    for name, part in parts.items():
        with (base / name).open("wb") as stream:
            part.fill(stream)
    (base / "code.tar").chmod(0o600)
    return placed.Packed(tree.from_text((base / "code.list").read_text("ascii")), str(base / "code.tar"), "none")


def wanted(code: PlainCode, tree_of_set: placed.Packed | None) -> new.Wanted:
    return new.Wanted("none", code.revision().commit, vcs.Source(), packed=tree_of_set)


def test_what_belongs_to_the_tree_and_its_digest(top: Path, owner: SystemUser) -> None:
    """Nothing that travels otherwise, or is made anew; the digest is of names, modes and contents."""
    code = code_at(top, owner)
    names = {entry.name for entry in code.listing().entries if entry.kind != "directory"}
    assert names == {*CODE, "app/to-deep", "app/out"}
    first = code.revision()
    assert (first.dirty, len(first.commit), as_plain(first)["files"]) == (False, 64, len(names))
    assert told(as_plain(first)) == f"code without version control: sha256:{first.commit}, {len(names)} files"
    for name in OTHERS:
        (top / name).write_text("another")
    os.utime(top / "manage.py", (1, 1))
    assert code.revision() == first
    changes: list[Callable[[], Any]] = [
        lambda: (top / "manage.py").write_text("2\n"),
        lambda: (top / "run.sh").chmod(0o700),
        lambda: (top / "app/deep/x.py").rename(top / "app/deep/y.py"),
        (top / "app" / "empty").mkdir,
    ]
    seen = {first.commit}
    for change in changes:
        change()
        seen.add(code.revision().commit)
    assert len(seen) == 5


def test_what_the_owner_may_not_read(top: Path, owner: SystemUser) -> None:
    """A tree that lacks a file in silence would be no copy."""
    if os.geteuid() != 0:
        pytest.skip("needs two users")
    (top / "secret.py").write_text("x")
    (top / "secret.py").chmod(0o600)
    with refused("right_missing", "secret.py cannot be read.*relocate_files_ignored"):
        code_at(top, owner).revision()


def test_it_comes_to_new_and_the_next_revision_replaces_it(top: Path, owner: SystemUser, home: Path) -> None:
    """With its modes, as the owner's; files that came otherwise stay, and what is gone on old goes."""
    code, there = code_at(top, owner), home / "new" / "shop"
    code.check_whole()
    first = wanted(code, packed(code, home))
    assert new.plan(str(there), owner, first).action == "clone"
    assert new.checkout(str(there), owner, first)
    assert (there / "app/a\nb").read_text() == "newline\n" and os.path.isdir(os.fsencode(there) + b"/app/\xff")
    assert ((there / "run.sh").stat().st_mode & 0o777, (there / "app/deep").stat().st_mode & 0o777) == (0o750, 0o710)
    assert os.readlink(there / "app/out") == "/etc/hostname"
    assert {entry.lstat().st_uid for entry in there.rglob("*")} == {owner.uid}
    assert not any((there / name).exists() for name in OTHERS if name != placed.MARK)
    assert new.plan(str(there), owner, first).action == "none" and not new.checkout(str(there), owner, first)
    write(there, owner, {".env": "SECRET=2\n", "media/a": "1", "app/deep/kept": "1"})
    assert code_at(there, owner).changed_since(code.listing().text()) == ["app/deep/kept"]
    write(top, owner, {"app/deep/later.py": "5\n", "manage.py": "changed\n"})
    (top / "app/deep/x.py").unlink()
    (top / "app/to-deep").unlink()
    (top / "app/to-deep").mkdir()
    give(top, owner)
    second = wanted(code, packed(code, home))
    assert new.plan(str(there), owner, second).before == first.commit
    assert new.checkout(str(there), owner, second)
    assert (there / "manage.py").read_text() == "changed\n" and (there / "app/to-deep").is_dir()
    assert not (there / "app/deep/x.py").exists() and (there / "app/deep/kept").exists()
    assert (there / ".env").read_text() == "SECRET=2\n"


def test_directories_that_were_opened_or_closed(top: Path, owner: SystemUser, home: Path) -> None:
    """One that somebody opened on new is no edit; one that is closed on old takes the next revision's files."""
    code, there = code_at(top, owner), home / "there"
    write(top, owner, {"app/closed/in/x": "1", "app/closed/y": "1"})
    for name, mode in (("app/closed/in", 0o555), ("app/closed", 0o500)):
        (top / name).chmod(mode)
    first = wanted(code, packed(code, home))
    assert new.checkout(str(there), owner, first)
    (there / "app/deep").chmod(0o775)
    assert new.plan(str(there), owner, first).action == "none"
    for name in ("app/closed", "app/closed/in"):
        (top / name).chmod(0o755)
    write(top, owner, {"app/closed/in/later": "2", "app/closed/y": "2"})
    (top / "app/closed/in/x").unlink()
    (top / "app/closed").chmod(0o500)
    second = wanted(code, packed(code, home))
    assert new.checkout(str(there), owner, second)
    assert sorted(item.name for item in (there / "app/closed/in").iterdir()) == ["later"]
    modes = [(there / name).stat().st_mode & 0o777 for name in ("app/closed", "app/closed/in", "app/deep")]
    assert modes == [0o500, 0o755, 0o710]


def test_what_is_there_is_never_overwritten(top: Path, owner: SystemUser, home: Path) -> None:
    """Another directory, a change on new, a file in the way, and a revision that nobody knows are refused."""
    code, there = code_at(top, owner), home / "there"
    first = wanted(code, packed(code, home))
    with refused("revision_refused", "no version control that knows"):
        new.plan(str(there), owner, wanted(code, None))
    with refused("revision_refused", "there is no version control that knows 1234"):
        code.brings("1234")
    write(there, owner, {"other": "1"})
    with refused("checkout_occupied", "it holds other files"):
        new.checkout(str(there), owner, first)
    (there / "other").unlink()
    assert new.checkout(str(there), owner, first)
    (there / "manage.py").write_text("by hand")
    with refused("dirty_tree", "was changed since its code was brought: manage.py"):
        new.checkout(str(there), owner, first)
    write(there, owner, {"manage.py": NAMES["manage.py"], "app/coming.py": "by hand"})
    write(top, owner, {"app/coming.py": "from old"})
    with refused("checkout_occupied", "brings files where others lie: app/coming.py"):
        new.checkout(str(there), owner, wanted(code, packed(code, home)))
    assert (there / "app/coming.py").read_text() == "by hand"


def test_a_checkout_that_was_killed_is_gone_on_with(
    top: Path, owner: SystemUser, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of the next revision lies there: that is no change of somebody else's."""
    code, there = code_at(top, owner), home / "there"
    assert new.checkout(str(there), owner, wanted(code, packed(code, home)))
    write(top, owner, {"manage.py": "changed\n", "app/later.py": "1"})
    (top / "app/-rf").unlink()
    second = wanted(code, packed(code, home))

    def half(*_args: Any) -> None:
        write(there, owner, {"manage.py": "changed\n"})
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(placed, "fill", half)
        new.checkout(str(there), owner, second)
    assert not (there / "app/-rf").exists() and new.plan(str(there), owner, second).action == "update"
    assert new.checkout(str(there), owner, second)
    assert (there / "app/later.py").exists() and new.plan(str(there), owner, second).action == "none"


def test_an_archive_never_leaves_its_directory(top: Path, owner: SystemUser, home: Path) -> None:
    """A link that lies in the way, a name that climbs out and one that is not listed are refused."""
    code, outside = code_at(top, owner), home / "outside"
    whole, there = packed(code, home), home / "there"
    for path in (outside, there):
        path.mkdir()
        give(path, owner)
    (there / "app").symlink_to(outside)
    give(there, owner)
    with refused("checkout_failed", "could not be written to"):
        placed.fill(str(there), owner, whole)
    assert list(outside.iterdir()) == []
    (there / "app").unlink()
    less = tree.Listing(tuple(entry for entry in whole.listing.entries if entry.name != "manage.py"))
    with refused("path_refused", "manage.py in the archive of the code"):
        placed.fill(str(there), owner, placed.Packed(less, whole.archive, "none"))
    text = whole.listing.text()
    for bad in (text.replace('"manage.py"', '"../manage.py"'), text.replace(", 420, ", ", 2541, "), "[1]\n", "{}\n"):
        with pytest.raises(ValueError, match="listing"):
            tree.from_text(bad)


def test_code_that_changes_while_it_is_read(top: Path, owner: SystemUser, home: Path) -> None:
    """The archive would not be what its digest says."""
    listing = code_at(top, owner).listing()
    (top / "manage.py").write_text("deployed meanwhile")
    with (home / "code.tar").open("wb") as out, refused("revision_not_found", "changes while it is read: manage.py"):
        archive.pack(str(top), owner, listing, out, "none")
