# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import grp
import os
import re
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import Directory, SystemUser
from ansible_collections.relocate.django.plugins.module_utils._project import checkout as checkout_file
from ansible_collections.relocate.django.plugins.module_utils._project import git, vcs
from ansible_collections.relocate.django.plugins.module_utils._secrets import SecretStore
from tests.unit.fakes import reachable

from .conftest import Repository, as_owner, digest, give

pytestmark = pytest.mark.slow


def refusal(code: str, act: Any) -> RelocateError:
    with pytest.raises(RelocateError) as caught:
        act()
    assert caught.value.code == code, str(caught.value)
    return caught.value


def bundled(repository: Repository) -> Path:
    """A bundle of what is checked out, where only this process can read it."""
    path = repository.path.parent / "code.bundle"
    with path.open("wb") as stream:
        path.chmod(0o600)
        vcs.bundle(str(repository.path), repository.owner, repository.git("rev-parse", "HEAD"), stream)
    return path


def head(path: Path, owner: SystemUser) -> str:
    return as_owner(owner, "git", "rev-parse", "HEAD", cwd=path)


# --- reading ---


def test_revision_and_reading_changes_nothing(repository: Repository) -> None:
    path, owner = str(repository.path), repository.owner
    repository.git("remote", "add", "origin", "https://me:s3cret@example.org/shop.git")
    repository.git("tag", "v1")
    repository.write("new-untracked", "x")
    os.utime(repository.path / "manage.py")  # as if touched: the index is stale, the content is not
    before = digest(repository.path)
    found = vcs.revision(path, owner)
    assert found.commit == repository.git("rev-parse", "HEAD") and found.branch == "main" and found.described == "v1"
    assert found.remote == "https://me@example.org/shop.git"
    assert not found.dirty and found.changes == ()
    vcs.check_whole(path, owner)
    assert vcs.patch(path, owner) == b""
    bundled(repository)
    assert digest(repository.path) == before


def test_detached_and_dirty(repository: Repository) -> None:
    commit = repository.git("rev-parse", "HEAD")
    repository.git("checkout", "-q", "--detach")
    odd = "caf\u00e9 \n x"
    repository.write("manage.py", "changed\n")
    repository.write(odd, "staged\n")
    repository.git("add", odd)
    found = vcs.revision(str(repository.path), repository.owner)
    assert (found.commit, found.branch, found.remote, found.dirty) == (commit, "", "", True)
    assert found.changes == (odd, "manage.py")


def test_hidden_changes_are_seen(repository: Repository) -> None:
    """git status keeps silent about assume-unchanged and skip-worktree: a server's favourite for local settings."""
    repository.commit("settings.py", "a\n")
    repository.commit("other.py", "a\n")
    repository.git("update-index", "--assume-unchanged", "settings.py")
    repository.git("update-index", "--skip-worktree", "other.py")
    path, owner = str(repository.path), repository.owner
    assert not vcs.revision(path, owner).dirty
    repository.write("settings.py", "PASSWORD = 1\n")
    repository.write("other.py", "b\n")
    assert repository.git("status", "--porcelain") == ""
    before = digest(repository.path)
    assert vcs.revision(path, owner).changes == ("other.py", "settings.py")
    assert b"PASSWORD = 1" in vcs.patch(path, owner)
    assert digest(repository.path) == before


def test_hidden_changes_that_git_takes_for_none(repository: Repository) -> None:
    """Same size, same second, and the index is younger: git status writes it anew without a look at flagged files."""
    repository.git("config", "core.trustctime", "false")
    repository.commit("settings.py", "PORT = 1\n")
    repository.commit("other.py", "PORT = 1\n")
    repository.git("update-index", "--assume-unchanged", "settings.py")
    repository.git("update-index", "--skip-worktree", "other.py")
    for name in ("settings.py", "other.py"):
        written = (repository.path / name).stat()
        repository.write(name, "PORT = 2\n")
        os.utime(repository.path / name, ns=(written.st_atime_ns, written.st_mtime_ns))
    later = time.time() + 60
    os.utime(repository.path / ".git" / "index", (later, later))
    assert vcs.revision(str(repository.path), repository.owner).changes == ("other.py", "settings.py")
    assert vcs.patch(str(repository.path), repository.owner).count(b"+PORT = 2") == 2


def test_not_a_checkout(home: Path, repository: Repository, owner: SystemUser) -> None:
    (home / "plain").mkdir()
    give(home / "plain", owner)
    for mark, hint in (
        (None, "git init.*relocate_vcs: none"),
        (".svn", "relocate_vcs: svn"),
        (".hg", "relocate_vcs: hg"),
    ):
        if mark:
            (home / "plain" / mark).mkdir()
        assert re.search(hint, str(refusal("not_a_checkout", lambda: vcs.revision(str(home / "plain"), owner)).hint))
    (repository.path / "stray").mkdir()
    give(repository.path, owner)
    assert (
        "tracks nothing" in refusal("not_a_checkout", lambda: vcs.revision(str(repository.path / "stray"), owner)).msg
    )
    empty = home / "empty"
    empty.mkdir()
    give(empty, owner)
    as_owner(owner, "git", "init", "-q", cwd=empty)
    assert "no commit" in refusal("not_a_checkout", lambda: vcs.revision(str(empty), owner)).msg


def test_project_in_a_directory_of_the_repository(repository: Repository) -> None:
    commit = repository.commit("backend/manage.py", "x\n")
    below = str(repository.path / "backend")
    assert vcs.toplevel(below, repository.owner) == str(repository.path)
    repository.write("manage.py", "changed outside of backend\n")
    found = vcs.revision(below, repository.owner)
    assert found.commit == commit and found.changes == ("manage.py",)
    assert b"changed outside" in vcs.patch(below, repository.owner)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can hand files to others")
def test_checkout_of_root_is_read_as_the_owner(repository: Repository, home: Path) -> None:
    os.chmod(repository.path, 0o755)
    for entry in [repository.path, *repository.path.rglob("*")]:
        os.chown(entry, 0, 0)
    assert vcs.revision(str(repository.path), repository.owner).commit
    shutil.rmtree(repository.path)


def test_hooks_and_helpers_do_not_run(repository: Repository, home: Path) -> None:
    trap = home / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {home}/sprung\n")
    trap.chmod(0o755)
    hook = repository.path / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    shutil.copy(trap, hook)
    repository.git("config", "core.fsmonitor", str(trap))
    repository.git("config", "diff.external", str(trap))
    repository.write("manage.py", "changed\n")
    path, owner = str(repository.path), repository.owner
    assert vcs.revision(path, owner).dirty and vcs.patch(path, owner)
    repository.git("-c", "core.fsmonitor=", "-c", "core.hooksPath=/dev/null", "checkout", "-q", "--", "manage.py")
    (home / "sprung").unlink(missing_ok=True)
    first = repository.git("-c", "core.fsmonitor=", "rev-parse", "HEAD~1")
    (home / "sprung").unlink(missing_ok=True)
    vcs.checkout(path, owner, first, vcs.Source())
    refusal("revision_refused", lambda: vcs.reachable(f"ext::{trap}", first, owner))
    assert not (home / "sprung").exists()


@pytest.mark.parametrize("remote", ["-oProxyCommand=x", "ext::sh -c x", "fd::17", "", "a\nb"])
def test_remotes_refused(remote: str) -> None:
    refusal("revision_refused", lambda: vcs.check_remote(remote))


@pytest.mark.parametrize("commit", ["main", "HEAD", "--upload-pack=x", "abc123", "A" * 40, "a" * 41, ""])
def test_revisions_refused(commit: str) -> None:
    refusal("revision_refused", lambda: vcs.check_revision(commit))


TOKEN = "ghp_0123456789abcdefghij"


@pytest.mark.parametrize(
    ("remote", "expected"),
    [
        ("https://h/x.git", ("https://h/x.git", "", "")),
        ("https://me:p%40ss@h/x.git", ("https://me@h/x.git", "me", "p@ss")),
        ("https://:p@h/x", ("https://h/x", "", "p")),
        (f"https://{TOKEN}@h/x", ("https://h/x", TOKEN, "")),
        ("https://me:p@ss@h:8443/x", ("https://me@h:8443/x", "me", "p@ss")),
        ("git@h:a/x.git", ("git@h:a/x.git", "", "")),
        ("ssh://git@h/a/x.git", ("ssh://git@h/a/x.git", "", "")),
        ("/srv/git/x.git", ("/srv/git/x.git", "", "")),
    ],
)
def test_split_credentials(remote: str, expected: tuple[str, str, str]) -> None:
    assert vcs.split_credentials(remote) == expected


# --- checkout ---


def test_clone_update_and_nothing_to_do(repository: Repository, home: Path, owner: SystemUser) -> None:
    first, last = repository.git("rev-parse", "HEAD~1"), repository.git("rev-parse", "HEAD")
    new, source = home / "deep" / "er" / "new", vcs.Source(remote=str(repository.path))
    assert vcs.plan_checkout(str(new), owner, first, source).action == "clone" and not new.exists()
    assert vcs.checkout(str(new), owner, first, source)
    assert head(new, owner) == first and (new / "manage.py").read_text() == "# 1\n"
    assert (new / "manage.py").stat().st_uid == owner.uid and new.stat().st_mode & 0o777 == 0o755
    assert vcs.revision(str(new), owner).branch == "" and vcs.revision(str(new), owner).remote == str(repository.path)
    assert not vcs.checkout(str(new), owner, first, source)
    (new / "untracked").write_text("ours")
    assert vcs.plan_checkout(str(new), owner, last, source) == vcs.CheckoutPlan("update", str(new), last, first)
    assert vcs.checkout(str(new), owner, last, source) and head(new, owner) == last
    assert sorted(os.listdir(new.parent)) == ["new"]


def test_refusals(repository: Repository, home: Path, owner: SystemUser) -> None:
    commit, source = repository.git("rev-parse", "HEAD"), vcs.Source(remote=str(repository.path))
    occupied = home / "occupied"
    occupied.mkdir()
    (occupied / "file").write_text("x")
    give(occupied, owner)
    refusal("checkout_occupied", lambda: vcs.checkout(str(occupied), owner, commit, source))
    refusal("checkout_occupied", lambda: vcs.checkout(str(occupied / "file"), owner, commit, source))
    refusal("revision_not_found", lambda: vcs.checkout(str(home / "new"), owner, "0" * 40, source))
    assert not (home / "new").exists()
    vcs.checkout(str(home / "new"), owner, commit, source)
    (home / "new" / "manage.py").write_text("changed")
    give(home / "new", owner)
    assert "manage.py" in refusal("dirty_tree", lambda: vcs.plan_checkout(str(home / "new"), owner, commit, source)).msg
    assert (home / "new" / "manage.py").read_text() == "changed"


def test_another_project_is_not_overwritten(repository: Repository, home: Path, owner: SystemUser) -> None:
    commit = repository.git("rev-parse", "HEAD")
    other = Repository(home / "other", owner)
    other.path.mkdir()
    give(other.path, owner)
    other.git("init", "-q")
    kept = other.commit("else", "x")
    other.git("remote", "add", "origin", "https://example.org/other.git")
    remote = vcs.Source(remote=str(repository.path))
    refusal("checkout_occupied", lambda: vcs.checkout(str(other.path), owner, commit, remote))
    by_bundle = vcs.Source(bundle=str(bundled(repository)))
    refusal("checkout_occupied", lambda: vcs.checkout(str(other.path), owner, commit, by_bundle))
    assert head(other.path, owner) == kept


def test_empty_directory_and_leftovers(repository: Repository, home: Path, owner: SystemUser) -> None:
    commit, source = repository.git("rev-parse", "HEAD"), vcs.Source(remote=str(repository.path))
    (home / "new").mkdir()
    assert vcs.checkout(str(home / "new"), owner, commit, source) and head(home / "new", owner) == commit
    leftover = home / ".again.relocate-incoming"
    leftover.mkdir()
    (leftover / "half").write_text("x")
    give(leftover, owner)
    assert vcs.checkout(str(home / "again"), owner, commit, source) and not (home / "again" / "half").exists()
    (home / ".third.relocate-incoming").symlink_to(home / "again")
    refusal("checkout_occupied", lambda: vcs.checkout(str(home / "third"), owner, commit, source))
    cut = home / "cut"
    cut.mkdir()
    give(cut, owner)
    as_owner(owner, "git", "init", "-q", cwd=cut)  # a clone in place that was killed
    assert vcs.checkout(str(cut), owner, commit, source) and head(cut, owner) == commit


def test_bundle_serves_when_the_remote_does_not(repository: Repository, home: Path, owner: SystemUser) -> None:
    repository.git("checkout", "-q", "--detach", "HEAD~1")
    commit = repository.git("rev-parse", "HEAD")
    source = vcs.Source(remote="https://127.0.0.1:9/gone.git", bundle=str(bundled(repository)))
    assert vcs.checkout(str(home / "new"), owner, commit, source) and head(home / "new", owner) == commit
    assert as_owner(owner, "git", "rev-list", "--count", "HEAD", cwd=home / "new") == "2"
    newest = repository.commit("manage.py", "# newest\n")
    assert vcs.checkout(str(home / "new"), owner, newest, vcs.Source(bundle=str(bundled(repository))))
    assert head(home / "new", owner) == newest
    moved = "HEAD has moved" and refusal(
        "revision_not_found", lambda: vcs.bundle(str(repository.path), owner, commit, (home / "x").open("wb"))
    )
    assert commit in moved.msg
    absent = refusal("revision_not_found", lambda: vcs.checkout(str(home / "new"), owner, "0" * 40, source))
    assert "bundle and remote" in absent.msg


def test_truncated_bundle_is_refused(repository: Repository, home: Path, owner: SystemUser) -> None:
    repository.commit("large", os.urandom(20000))
    commit, path = repository.git("rev-parse", "HEAD"), bundled(repository)
    whole = path.read_bytes()
    for size in (0, 50, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        refusal(
            "revision_not_found",
            lambda: vcs.checkout(str(home / "new"), owner, commit, vcs.Source(bundle=str(path))),
        )
        assert not (home / "new").exists()


def test_shallow_checkout_is_taken_along(repository: Repository, home: Path, owner: SystemUser) -> None:
    repository.git("checkout", "-q", "-b", "side", "HEAD~1")
    repository.commit("side", "x")
    repository.git("checkout", "-q", "main")
    repository.git("merge", "-q", "--no-edit", "side")
    shallow = Repository(home / "shallow", owner)
    as_owner(owner, "git", "clone", "-q", "--depth=2", f"file://{repository.path}", "shallow", cwd=home)
    assert shallow.git("rev-parse", "--is-shallow-repository") == "true"
    commit, before = shallow.git("rev-parse", "HEAD"), digest(shallow.path)
    source = vcs.Source(bundle=str(bundled(shallow)))
    assert digest(shallow.path) == before
    assert vcs.checkout(str(home / "new"), owner, commit, source) and head(home / "new", owner) == commit
    assert not vcs.checkout(str(home / "new"), owner, commit, source)
    new = Repository(home / "new", owner)
    assert new.git("log", "--format=%H") == shallow.git("log", "--format=%H")
    new.git("fsck", "--connectivity-only")
    new.git("fetch", "-q", "--unshallow", str(repository.path), "main")


def test_sha256_repository(home: Path, owner: SystemUser) -> None:
    old = Repository(home / "old", owner)
    old.path.mkdir()
    give(old.path, owner)
    old.git("init", "-q", "--object-format=sha256")
    commit = old.commit()
    assert vcs.checkout(str(home / "new"), owner, commit, vcs.Source(bundle=str(bundled(old))))
    assert head(home / "new", owner) == commit and len(commit) == 64
    assert vcs.reachable(str(old.path), commit, owner).status == "found"


def test_partial_clone_is_refused(repository: Repository, home: Path, owner: SystemUser) -> None:
    repository.git("config", "uploadpack.allowFilter", "true")
    as_owner(owner, "git", "clone", "-q", "--filter=blob:none", f"file://{repository.path}", "partial", cwd=home)
    partial = Repository(home / "partial", owner)
    refusal("revision_refused", lambda: bundled(partial))
    assert "git fetch --refetch" in refusal("revision_refused", lambda: vcs.check_whole(str(partial.path), owner)).hint


def test_what_a_bundle_brings_and_a_checkout_holds(repository: Repository, home: Path, owner: SystemUser) -> None:
    path, first = str(repository.path), repository.git("rev-parse", "HEAD~1")
    repository.git("checkout", "-q", "-b", "side", first)
    side = repository.commit("side", "x")
    repository.git("checkout", "-q", "main")
    head = repository.git("rev-parse", "HEAD")
    for commit, brought in ((head, True), (first, True), (side, False), ("0" * 40, False)):
        assert vcs.brings(path, owner, commit) is brought
    assert vcs.holds(path, owner, side) and not vcs.holds(path, owner, "0" * 40)
    assert not vcs.holds(str(home), owner, side) and not vcs.holds(str(home / "absent"), owner, side)


def test_force_pushed_revision_is_still_asked_for(repository: Repository, home: Path, owner: SystemUser) -> None:
    lost = repository.commit("manage.py", "# lost\n")
    repository.git("reset", "-q", "--hard", "HEAD~1")
    assert vcs.reachable(str(repository.path), lost, owner).status == "found"
    assert vcs.checkout(str(home / "new"), owner, lost, vcs.Source(remote=str(repository.path)))
    assert head(home / "new", owner) == lost


def test_reachable(repository: Repository, home: Path, owner: SystemUser, tmp_path: Path) -> None:
    remote = str(repository.path)
    before = digest(repository.path)
    assert vcs.reachable(remote, repository.git("rev-parse", "HEAD"), owner).status == "found"
    assert vcs.reachable(remote, repository.git("rev-parse", "HEAD~2"), owner).status == "found"
    assert vcs.reachable(remote, "0" * 40, owner).status == "absent"
    gone = vcs.reachable(
        "https://me:hunter2-hunter2@127.0.0.1:9/x", "0" * 40, owner, secrets=_Store(reachable(tmp_path), owner)
    )
    assert gone.status == "unreachable" and "hunter2" not in repr(gone)
    assert digest(repository.path) == before


class _Store(SecretStore):
    """A store that is entered already; tests remove its directory."""

    def __init__(self, home: Path, owner: SystemUser) -> None:
        super().__init__(str(home / "secrets"), owner)
        self.__enter__()


def test_patch_travels(repository: Repository, home: Path, owner: SystemUser) -> None:
    commit = repository.git("rev-parse", "HEAD")
    repository.commit("image", b"\0\1\2" * 100)
    commit = repository.git("rev-parse", "HEAD")
    repository.write("image", b"\0\1\3" * 100)
    repository.write("manage.py", "no line break at the end")
    repository.write("added", "staged\n")
    repository.git("add", "added")
    changes = vcs.patch(str(repository.path), owner)
    source = vcs.Source(remote=str(repository.path), patch=changes)
    assert vcs.checkout(str(home / "new"), owner, commit, source)
    for name in ("image", "manage.py", "added"):
        assert (home / "new" / name).read_bytes() == (repository.path / name).read_bytes()
    assert not vcs.checkout(str(home / "new"), owner, commit, source)
    refusal(
        "dirty_tree", lambda: vcs.checkout(str(home / "new"), owner, commit, vcs.Source(remote=str(repository.path)))
    )


def test_untracked_file_in_the_way(repository: Repository, home: Path, owner: SystemUser) -> None:
    first = repository.git("rev-parse", "HEAD")
    last = repository.commit("local.py", "tracked\n")
    source = vcs.Source(remote=str(repository.path))
    vcs.checkout(str(home / "new"), owner, first, source)
    (home / "new" / "local.py").write_text("ours\n")
    give(home / "new", owner)
    assert "local.py" in refusal("checkout_failed", lambda: vcs.checkout(str(home / "new"), owner, last, source)).msg
    assert (home / "new" / "local.py").read_text() == "ours\n"


def test_submodules(repository: Repository, home: Path, owner: SystemUser) -> None:
    library = Repository(home / "library", owner)
    library.path.mkdir()
    give(library.path, owner)
    library.git("init", "-q")
    library.commit("lib.py", "x\n")
    repository.git("submodule", "add", "-q", str(library.path), "lib")
    repository.git("commit", "-q", "-m", "lib")
    commit = repository.git("rev-parse", "HEAD")
    # git itself refuses file remotes of submodules: the failure is told, not passed over
    refusal("checkout_failed", lambda: vcs.checkout(str(home / "new"), owner, commit, vcs.Source(str(repository.path))))
    allow = {"GIT_ALLOW_PROTOCOL": "file"}
    assert vcs.checkout(str(home / "new"), owner, commit, vcs.Source(str(repository.path), env=allow))
    assert (home / "new" / "lib" / "lib.py").read_text() == "x\n"


def test_lfs_pointers_are_not_served(repository: Repository, home: Path, owner: SystemUser) -> None:
    repository.write(".gitattributes", "*.jpg filter=lfs\n")
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"
    commit = repository.commit("a.jpg", pointer)
    error = refusal(
        "checkout_failed", lambda: vcs.checkout(str(home / "new"), owner, commit, vcs.Source(str(repository.path)))
    )
    assert "a.jpg" in error.msg and "git-lfs" in error.hint


# --- credentials ---


@contextmanager
def asking_server(seen: list[str]) -> Iterator[str]:
    """A server that wants a password and never is content; notes what it was told."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers.get("Authorization", ""))
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="x"')
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_credentials_reach_the_remote_and_nobody_else(
    home: Path, owner: SystemUser, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    password, seen, started = "pa'ss w\u00f6rd%:\\$1", [], []
    run = git.run

    def noting(command: Any, **options: Any) -> Any:
        started.append(" ".join(command.argv))
        return run(command, **options)

    monkeypatch.setattr(git, "run", noting)
    with asking_server(seen) as address:
        remote = f"http://me:{password}@{address}/x.git".replace("%", "%25").replace(" ", "%20")
        store = _Store(reachable(tmp_path), owner)
        found = vcs.reachable(remote, "0" * 40, owner, secrets=store)
        error = refusal(
            "revision_not_found",
            lambda: vcs.checkout(str(home / "new"), owner, "0" * 40, vcs.Source(remote=remote, secrets=store)),
        )
        without = refusal("revision_refused", lambda: vcs.reachable(remote, "0" * 40, owner))
    assert any(line.startswith("Basic ") for line in seen)
    assert found.status == "unreachable"
    leftover = (home / ".new.relocate-incoming" / ".git" / "config").read_text()
    for text in (repr(found), str(error), str(without), leftover, *started):
        assert "w\u00f6rd" not in text and "w%C3%B6rd" not in text and "pa'ss" not in text


def test_normal_forms_of_one_remote() -> None:
    forms = [
        "git@h.org:acme/shop.git",
        "ssh://git@h.org/acme/shop",
        "https://me:x@h.org/acme/shop.git/",
        "https://h.org/acme/shop",
    ]
    assert {checkout_file.normal(form) for form in forms} == {"h.org/acme/shop"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can hand directories to others")
def test_the_checkout_and_what_is_above_it_become_what_they_were(repository: Repository, home: Path) -> None:
    """/srv/app of the owner became root's, and a checkout that only its group could read was open to all."""
    commit, bundle, owner = repository.git("rev-parse", "HEAD"), bundled(repository), repository.owner
    os.chown(home, 0, 0)
    group = grp.getgrgid(owner.gid).gr_name
    above = (Directory(f"{home}/app", 0o750, owner.name, group), Directory(f"{home}/app/code", 0o2750, "root", "root"))
    new = home / "app" / "code"
    assert vcs.checkout(str(new), owner, commit, vcs.Source(bundle=str(bundle), directories=above))
    found = [path.stat() for path in (new.parent, new)]
    assert [(s.st_uid, s.st_gid, s.st_mode & 0o7777) for s in found] == [
        (owner.uid, owner.gid, 0o750),
        (owner.uid, owner.gid, 0o2750),  # itself is the owner's, whoever had it
    ]
    other = home / "unknown" / "code"
    assert vcs.checkout(str(other), owner, commit, vcs.Source(bundle=str(bundle), directories=above))
    assert [(path.stat().st_uid, path.stat().st_mode & 0o777) for path in (other.parent, other)] == [
        (0, 0o755),
        (owner.uid, 0o755),
    ]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as others")
def test_no_checkout_where_a_link_of_the_owners_leads(repository: Repository, home: Path, tmp_path: Path) -> None:
    commit, bundle = repository.git("rev-parse", "HEAD"), bundled(repository)
    (home / "link").symlink_to(reachable(tmp_path))
    with pytest.raises(RelocateError) as caught:
        vcs.checkout(str(home / "link" / "new"), repository.owner, commit, vcs.Source(bundle=str(bundle)))
    assert caught.value.code == "checkout_failed" and "Permission denied" in caught.value.msg
    assert os.listdir(tmp_path) == []
