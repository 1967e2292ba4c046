# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real Subversion: read on old, and brought to new as a working copy."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._code import new, placed, tree
from ansible_collections.relocate.django.plugins.module_utils._code.old import SvnCode, code_at, descends, told
from ansible_collections.relocate.django.plugins.module_utils._model import OtherRevision, SystemUser, as_plain
from ansible_collections.relocate.django.plugins.module_utils._project import svn, tracked, vcs
from ansible_collections.relocate.django.plugins.module_utils._set.label import digits_of
from tests.unit.fakes import refused

from .repositories import NAMES, Svn, run, write

pytestmark = pytest.mark.slow


@pytest.fixture(name="made")
def _made(home: Path, owner: SystemUser) -> Svn:
    return Svn.make(home / "shop", owner)


def at(made: Svn) -> SvnCode:
    found = code_at("svn", str(made.path), made.owner, "none")
    assert isinstance(found, SvnCode)
    return found


def wanted(code: SvnCode, base: Path) -> new.Wanted:
    """Write what a set holds; returns it as a checkout takes it."""
    revision = code.revision()
    assert isinstance(revision, OtherRevision)
    for part in code.parts(revision):
        with (base / part.name).open("wb") as stream:
            part.fill(stream)
    listing = tree.from_text((base / "code.list").read_text("ascii"))
    packed = placed.Packed(listing, str(base / "code.tar"), "none")
    return new.Wanted("svn", revision.commit, vcs.Source(), revision.uuid, packed)


@pytest.mark.drawn(4, of="other version control")
def test_a_working_copy_comes_to_new_without_its_repository(made: Svn, home: Path) -> None:
    """Uncommitted changes go along; it stays a working copy, and the same again does nothing."""
    code, there = at(made), home / "new" / "shop"
    clean = code.revision()
    assert (clean.commit, clean.dirty, clean.remote) == (f"{made.url}@2", False, made.url)
    code.check_whole()
    branch = clean.commit.replace("/trunk@", "/branches/x@")
    assert branch != clean.commit and digits_of(branch) != digits_of(clean.commit), "numbers are of all branches"
    assert re.fullmatch("[0-9a-f]{12}", digits_of(clean.commit))
    assert "has no bundle, so the working copy travels as an archive" in told(as_plain(clean))
    write(made.path, made.owner, {"manage.py": "changed\n", "beside.txt": "x", "media/a.jpg": "x"})
    assert (code.revision().changes, code.beside()) == (("manage.py",), ["beside.txt", "media/"])
    brought = wanted(code, home)
    shutil.move(home / "repository", home / "gone")
    assert new.plan(str(there), made.owner, brought).action == "clone"
    assert new.checkout(str(there), made.owner, brought)
    assert {name: (there / name).read_text() for name in NAMES} == {**NAMES, "manage.py": "changed\n"}
    assert not (there / "beside.txt").exists() and not (there / "media").exists()
    assert run(made.owner, "svn", "status", cwd=there).split() == ["M", "manage.py"]
    assert new.plan(str(there), made.owner, brought).action == "none"
    (there / "app/deep/x.py").write_text("by hand")
    with refused(
        "dirty_tree", "holds uncommitted changes: app/deep/x.py, manage.py.*first svn cleanup, then svn update -r"
    ):
        new.plan(str(there), made.owner, brought)


@pytest.mark.drawn(4, of="other version control")
def test_changes_of_old_are_never_left_out(made: Svn, home: Path) -> None:
    """New has the same revision of an earlier attempt, and old was changed by hand since."""
    code, there = at(made), home / "there"
    assert new.checkout(str(there), made.owner, wanted(code, home))
    write(made.path, made.owner, {"manage.py": "by hand\n"})
    for name in ("code.tar", "code.list"):
        (home / name).unlink()
    changed = replace(wanted(code, home), dirty=True)
    with refused("checkout_occupied", "it lacks the uncommitted changes that the set holds"):
        new.checkout(str(there), made.owner, changed)
    assert new.checkout(str(home / "fresh"), made.owner, changed)
    assert (home / "fresh/manage.py").read_text() == "by hand\n"
    assert new.plan(str(home / "fresh"), made.owner, changed).action == "none"


@pytest.mark.drawn(4, of="other version control")
def test_a_later_revision_and_another_repository(made: Svn, home: Path) -> None:
    """What the set does not hold comes from the repository; a working copy of another one is refused."""
    code, there, owner = at(made), home / "there", made.owner
    first = wanted(code, home)
    assert new.checkout(str(there), owner, first)
    later = made.commit({"app/later.py": "1\n"})
    assert descends("svn", str(made.path), owner, first.commit) and not descends("svn", str(there), owner, later)
    assert descends("svn", str(made.path / "app"), owner, first.commit), "of a project below the top too"
    assert new.checkout(str(there), owner, new.Wanted("svn", later, vcs.Source()))
    assert (there / "app/later.py").exists()
    run(owner, "svn", "update", "-q", "-r", svn.split_commit(first.commit)[1], "manage.py", cwd=there)  # as one killed
    with refused("dirty_tree", "parts of revisions 2 to 3.*first svn cleanup, then svn update -r"):
        new.plan(str(there), owner, new.Wanted("svn", later, vcs.Source()))
    for words in (["cleanup"], ["update", "-q", "-r", svn.split_commit(later)[1]]):
        run(owner, "svn", *words, cwd=there)
    assert new.plan(str(there), owner, new.Wanted("svn", later, vcs.Source())).action == "none"
    fresh = home / "fresh"
    assert new.checkout(str(fresh), owner, new.Wanted("svn", later, vcs.Source()))
    with refused("revision_not_found", "svn switch exited"):
        new.checkout(str(fresh), owner, new.Wanted("svn", f"{made.url}@99", vcs.Source()))
    (home / "2").mkdir()
    run(owner, "true", cwd=home)
    write(home / "2", owner, {"x": ""})
    other = Svn.make(home / "2" / "other", owner)
    with refused("checkout_occupied", "it is a working copy of another repository"):
        new.plan(str(there), owner, wanted(at(other), home))
    (home / "plain").mkdir()
    write(home / "plain", owner, {"x": ""})
    with refused("checkout_occupied", "it holds other files"):
        new.plan(str(home / "plain"), owner, first)


@pytest.mark.drawn(4, of="other version control")
def test_externals_travel_and_are_never_fetched(made: Svn, home: Path) -> None:
    """They may lead anywhere: to a host that new should not ask, or to code that nobody has seen."""
    run(made.owner, "svn", "mkdir", "-q", "-m", "begin", f"file://{home}/repository/vendor", cwd=home)
    run(made.owner, "svn", "checkout", "-q", f"file://{home}/repository/vendor", "v", cwd=home)
    write(home / "v", made.owner, {"lib.py": "1\n"})
    run(made.owner, "svn", "add", "-q", "lib.py", cwd=home / "v")
    run(made.owner, "svn", "commit", "-q", "-m", "its code", cwd=home / "v")
    made.svn("propset", "-q", "svn:externals", f"file://{home}/repository/vendor app/vendor", ".")
    commit = made.commit({})
    code, there = at(made), home / "new"
    assert (made.path / "app/vendor/lib.py").exists() and code.revision().dirty is False
    assert new.checkout(str(there), made.owner, wanted(code, home))
    assert (there / "app/vendor/lib.py").read_text() == "1\n"
    fresh = home / "fresh"
    with refused("revision_refused", "takes code from elsewhere by svn:externals, which is not fetched"):
        new.checkout(str(fresh), made.owner, new.Wanted("svn", commit, vcs.Source()))
    write(made.path, made.owner, {"app/vendor/lib.py": "changed\n"})
    assert code.revision().changes == ("app/vendor/lib.py",)


@pytest.mark.drawn(4, of="other version control")
def test_parts_of_several_revisions_are_uncommitted(made: Svn) -> None:
    """No single number says which code that is."""
    made.commit({"app/-rf": "changed\n"})
    made.svn("update", "-q", "-r", "2", "app/-rf")
    assert at(made).revision().changes == ("(parts of revisions 2 to 3: svn update makes them one)",)


@pytest.mark.parametrize(
    "url", ["svn+evil://host/x", "--config-option=x", "https://-oProxy/x", "/srv/svn", "https://a\nb", "ftp://x/y", ""]
)
def test_addresses_that_are_none(url: str) -> None:
    """They would run a program, or be taken for an option."""
    with refused("revision_refused", "is not acceptable as a Subversion address"):
        svn.split_commit(url + "@7")


def test_credentials_are_no_arguments() -> None:
    """The password goes through standard input; a token would be seen in place of a user."""
    bare, options, given = svn.credentials("https://me:s3cret@svn.example.org/x")
    assert (bare, given) == ("https://me@svn.example.org/x", b"s3cret\n") and "s3cret" not in " ".join(options)
    with refused("revision_refused", "holds a token as a user name"):
        svn.credentials("https://" + "a1" * 12 + ":@svn.example.org/x")
    with refused("revision_refused", "is not a revision of Subversion"):
        svn.split_commit("https://svn.example.org/x@HEAD")


def test_a_directory_without_it(home: Path, made: Svn, owner: SystemUser) -> None:
    with refused("not_a_checkout", "is not a working copy of Subversion.*relocate_vcs"):
        code_at("svn", str(home / "repository"), owner).revision()
    assert sorted(name for name in tracked.held(str(made.path), owner)[1] if (made.path / name).is_file()) == sorted(
        NAMES
    )
