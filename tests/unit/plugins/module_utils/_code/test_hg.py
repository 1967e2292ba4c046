# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real Mercurial: read on old without its settings, and brought to new."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._code import new
from ansible_collections.relocate.django.plugins.module_utils._code.old import HgCode, code_at, descends
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._project import hg, tracked, vcs
from tests.unit.fakes import refused

from .repositories import NAMES, Hg, run, write

pytestmark = pytest.mark.slow


@pytest.fixture(name="made")
def _made(home: Path, owner: SystemUser) -> Hg:
    """A repository whose settings run a program at each turn."""
    made = Hg.make(home / "shop", owner)
    hook = f"touch {home}/ran"
    names = "pre-status pre-bundle pre-log pre-init pre-update post-status pre-pull update preupdate pre-files".split()
    lines = ["[paths]", "default = https://me:s3cret@hg.example.org/shop", "[alias]", f"status = !{hook}", "[hooks]"]
    lines += [f"{name} = {hook}" for name in names] + ["[extensions]", f"evil = {home}/evil.py", ""]
    write(home, owner, {"evil.py": f"open('{home}/ran', 'w')\n"})
    write(made.path, owner, {".hg/hgrc": "\n".join(lines)})
    return made


def bundled(code: HgCode, base: Path) -> vcs.Source:
    """Write what a set holds; returns it as a checkout takes it."""
    parts = {part.name: part for part in code.parts(code.revision())}
    for name, part in parts.items():
        with (base / name).open("wb") as stream:
            part.fill(stream)
    (base / "code.hg").chmod(0o600)
    patch = (base / "code.patch").read_bytes() if "code.patch" in parts else b""
    return vcs.Source(remote=code.revision().remote, bundle=str(base / "code.hg"), patch=patch)


def at(made: Hg) -> HgCode:
    found = code_at("hg", str(made.path), made.owner)
    assert isinstance(found, HgCode)
    return found


@pytest.mark.drawn(4, of="other version control")
def test_it_comes_to_new_without_its_remote(made: Hg, home: Path) -> None:
    """Uncommitted changes as a patch; no hook, alias or extension of the repository runs on either host."""
    code, there = at(made), home / "new" / "shop"
    clean = code.revision()
    assert (len(clean.commit), clean.branch, clean.dirty) == (40, "default", False)
    assert clean.remote == "https://me@hg.example.org/shop"
    write(made.path, made.owner, {"manage.py": "changed\n", "beside.txt": "x"})
    dirty = code.revision()
    assert (dirty.changes, code.beside(), code.prefix()) == (("manage.py",), ["beside.txt"], "")
    wanted = new.Wanted("hg", clean.commit, bundled(code, home))
    assert new.plan(str(there), made.owner, wanted).action == "clone"
    assert new.checkout(str(there), made.owner, wanted)
    assert {name: (there / name).read_text() for name in NAMES} == {**NAMES, "manage.py": "changed\n"}
    assert not (there / "beside.txt").exists() and not (home / "ran").exists()
    assert new.plan(str(there), made.owner, wanted).action == "none"
    (there / "app/deep/x.py").write_text("by hand")
    with refused("dirty_tree", "holds uncommitted changes: app/deep/x.py, manage.py.*hg update --clean"):
        new.plan(str(there), made.owner, wanted)
    (there / "app/deep/x.py").unlink()  # the patch of what is left is the wanted one
    with refused("dirty_tree", "lacks files that Mercurial holds, and no patch says so: app/deep/x.py"):
        new.plan(str(there), made.owner, wanted)
    assert (there / ".hg/hgrc").read_text() == "[paths]\ndefault = https://me@hg.example.org/shop\n"
    run(made.owner, "touch", "canary", cwd=home)  # the owner could have made it


@pytest.mark.drawn(4, of="other version control")
def test_the_hooks_would_run(made: Hg, home: Path) -> None:
    """Else the test above proves nothing."""
    run(made.owner, "hg", "bundle", "--all", "x.hg", cwd=made.path)
    assert (home / "ran").exists()


@pytest.mark.drawn(4, of="other version control")
def test_a_later_revision_and_another_repository(made: Hg, home: Path) -> None:
    """What the set does not hold comes from the remote; an unrelated repository is refused."""
    code, there, owner = at(made), home / "there", made.owner
    first = code.revision().commit
    source = replace(bundled(code, home), remote=str(made.path))
    assert new.checkout(str(there), owner, new.Wanted("hg", first, source))
    later = made.commit({"app/later.py": "1\n"})
    assert code.comes_after(later) and code.brings(first) and not descends("hg", str(made.path), owner, later)
    assert descends("hg", str(made.path), owner, first)
    assert "app/later.py" in (code.files_at(later) or []) and code.files_at("0" * 39 + "1") is None
    with refused("revision_not_found", f"bundle did not give {later}"):
        new.checkout(str(there), owner, new.Wanted("hg", later, replace(source, remote="")))
    assert new.checkout(str(there), owner, new.Wanted("hg", later, source))
    assert (there / "app/later.py").exists()
    other = Hg.make(home / "other", owner)
    theirs = other.commit({"their.py": "1\n"})
    with refused("checkout_occupied", "its history has nothing in common with the revision"):
        new.checkout(str(there), owner, new.Wanted("hg", theirs, replace(bundled(at(other), home), remote="")))
    assert hg.revision(str(there), owner).commit == later


@pytest.mark.drawn(4, of="other version control")
@pytest.mark.parametrize("beside", [{}, {"manage.py": "changed\n"}])
def test_a_file_that_was_removed_behind_its_back_does_not_come_again(
    made: Hg, home: Path, beside: dict[str, str]
) -> None:
    """Mercurial's own patch would not say that it is gone, and new would have it."""
    write(made.path, made.owner, beside)
    (made.path / "app/deep/x.py").unlink()
    code = at(made)
    assert "app/deep/x.py" in code.revision().changes
    for _again in range(2):
        with refused("dirty_tree", "lacks files that Mercurial holds, and no patch says so: app/deep/x.py"):
            code.check_whole()
    with (home / "x").open("wb") as out, refused("dirty_tree", "hg remove --after"):
        hg.bundle(str(made.path), made.owner, code.revision().commit, out)
    with (home / "y").open("wb") as out, refused("dirty_tree", "hg remove --after"):
        hg.patch(str(made.path), made.owner, out)
    made.hg("remove", "--after", "app/deep/x.py")
    code.check_whole()
    assert new.checkout(str(home / "new"), made.owner, new.Wanted("hg", code.revision().commit, bundled(code, home)))
    assert not (home / "new/app/deep/x.py").exists() and (home / "new/app").is_dir()


@pytest.mark.drawn(4, of="other version control")
def test_an_update_that_was_killed_is_gone_on_with(made: Hg, home: Path) -> None:
    """In a directory that was there, so that half of it lies in its place: no parent yet, and files that are none's."""
    code, there = at(made), home / "there"
    there.mkdir()
    os.chown(there, made.owner.uid, made.owner.gid)
    run(made.owner, "hg", "init", ".", cwd=there)
    run(made.owner, "hg", "pull", "-q", str(made.path), cwd=there)
    write(there, made.owner, {"manage.py": "half of i"})
    wanted = new.Wanted("hg", code.revision().commit, bundled(code, home))
    run(made.owner, "hg", "add", "-q", "manage.py", cwd=there)
    with refused("dirty_tree", "holds uncommitted changes: manage.py"):
        new.checkout(str(there), made.owner, wanted)  # somebody's own, who has not committed yet
    run(made.owner, "hg", "forget", "-q", "manage.py", cwd=there)
    assert new.checkout(str(there), made.owner, wanted)
    assert {name: (there / name).read_text() for name in NAMES} == NAMES
    assert (there / ".hg/hgrc").read_text() == "[paths]\ndefault = https://me@hg.example.org/shop\n"
    assert new.plan(str(there), made.owner, wanted).action == "none"


@pytest.mark.drawn(4, of="other version control")
def test_what_a_bundle_would_lack_or_no_patch_can_carry(made: Hg, home: Path) -> None:
    """Subrepositories, and a merge that goes on."""
    first = made.commit({"a": "1\n"})
    made.hg("update", "-q", "0")
    made.commit({"b": "1\n"})
    made.hg("merge", "-q", first)
    assert "(a merge that is not committed)" in at(made).revision().changes
    with (home / "x").open("wb") as out, refused("dirty_tree", "merge that is not committed"):
        hg.patch(str(made.path), made.owner, out)
    made.hg("commit", "-q", "-m", "merged", "-u", "t")
    write(made.path, made.owner, {".hgsub": ""})
    made.hg("commit", "-q", "--addremove", "-m", "subs", "-u", "t")
    with refused("revision_refused", "has subrepositories: a bundle of it would lack their code"):
        at(made).check_whole()


@pytest.mark.parametrize(
    "remote",
    ["--config=hooks.x=y", "ssh://-oProxyCommand=id/x", "bundle:/x", "ext::sh", "https://a\nb", "static-http://x", ""],
)
def test_remotes_that_are_none(remote: str) -> None:
    """They would run a program, or be taken for an option."""
    with refused("revision_refused", "is not acceptable as a remote"):
        hg.check_remote(remote)


def test_remotes_and_revisions(home: Path, owner: SystemUser) -> None:
    for remote in ("https://hg.example.org/x", "ssh://me@host/x", "/srv/hg/x", "../x", "file:///srv/x"):
        assert hg.check_remote(remote) == remote
    for node in ("default", "-1", "abc", "F" * 40, "0" * 64):
        with refused("revision_refused", "is not a full node id"):
            hg.check_node(node)
    bare, text, password = hg.credentials_file("https://me:s3cret%2Fx@hg.example.org/x")
    assert (bare, password) == ("https://me@hg.example.org/x", "s3cret/x")
    write(home, owner, {"rc": text})
    shown = run(owner, "hg", "config", "auth", cwd=home, HGRCPATH=str(home / "rc"))
    assert "auth.x.prefix=hg.example.org" in shown and "auth.x.password=" in shown


def test_a_directory_without_it(home: Path, owner: SystemUser) -> None:
    """It is said what is missing, and which variable says otherwise."""
    with refused("not_a_checkout", "is not a Mercurial checkout: there is no .hg in it or above it.*relocate_vcs"):
        at(Hg(home, owner)).revision()
    assert tracked.held(str(home), owner) == ("", [])


@pytest.mark.drawn(4, of="other version control")
def test_which_files_it_holds(made: Hg) -> None:
    """Discovery asks whatever version control is there."""
    top, names = tracked.held(str(made.path / "app"), made.owner)
    assert (top, sorted(names)) == (os.path.realpath(made.path), sorted(NAMES))
    (made.path.parent / ".git").mkdir()
    assert tracked.held(str(made.path / "app"), made.owner)[0] == top, "what lies further out holds other files"
    (made.path / "app" / ".git").mkdir()
    assert tracked.held(str(made.path / "app"), made.owner) == ("", [])


def test_a_mercurial_that_cannot_be_kept_from_hooks(made: Hg, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the repository is read by it."""
    old = tmp_path / "hg"
    old.write_text("#!/bin/sh\necho 5.3\n")
    old.chmod(0o755)
    with pytest.raises(RelocateError, match=r"Mercurial 5.3 is too old"):
        hg._check_version(str(old), None)
