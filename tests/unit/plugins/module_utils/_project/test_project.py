# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import SystemUser
from ansible_collections.relocate.django.plugins.module_utils._project import probe, project
from tests.unit.fakes import nobody, reachable

from .conftest import give

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root can hand files to others")


def refusal(code: str, *args: object, **options: object) -> RelocateError:
    with pytest.raises(RelocateError) as caught:
        probe.find_project(*args, **options)  # type: ignore[arg-type]
    assert caught.value.code == code, str(caught.value)
    assert caught.value.hint
    return caught.value


def test_everything_is_found(site: Path, python: str, owner: SystemUser) -> None:
    (site / ".env").write_text("A=1\nB='two words'\n")
    (site / "venv" / "bin").mkdir(parents=True)
    (site / "venv" / "bin" / "python").symlink_to(python)
    found = probe.find_project(str(site), env={"B": "3"}, env_files=[".env", "-absent"])
    assert found.interpreter == str(site / "venv" / "bin" / "python")  # not resolved
    assert (found.settings, found.owner.uid, dict(found.env)) == ("site1.settings", owner.uid, {"A": "1", "B": "3"})
    assert "two words" not in repr(found) and found.environment()["DJANGO_SETTINGS_MODULE"] == "site1.settings"


def test_settings_by_precedence(site: Path, python: str) -> None:
    assert (
        probe.find_project(str(site), python, settings="a.b", env={"DJANGO_SETTINGS_MODULE": "c.d"}).settings == "a.b"
    )
    assert probe.find_project(str(site), python, env={"DJANGO_SETTINGS_MODULE": "c.d"}).settings == "c.d"
    (site / "manage.py").write_text('import os\nos.environ["DJANGO_SETTINGS_MODULE"] = "e.f"\n')
    assert probe.find_project(str(site), python).settings == "e.f"
    (site / "manage.py").write_text("from decouple import config\n")
    assert probe.find_project(str(site), python).settings == ""


def test_wsgi_that_names_other_settings_is_not_guessed_away(site: Path, python: str) -> None:
    (site / "site1" / "wsgi.py").write_text(
        'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "site1.prod")\n'
    )
    error = refusal("settings_unknown", str(site), python)
    assert "site1.settings" in error.msg and "site1.prod" in error.msg
    assert probe.find_project(str(site), python, settings="site1.prod").settings == "site1.prod"


def test_not_found(site: Path, home: Path, python: str) -> None:
    refusal("project_not_found", str(home / "absent"))
    assert "set relocate_path to" in refusal("project_not_found", str(home)).hint
    refusal("interpreter_not_found", str(site))
    refusal("interpreter_not_found", str(site), "bin/nothing")
    refusal("owner_missing", str(site), python, owner="nobody-of-that-name")
    refusal("bad_option", str(site), python, env_files=["absent.env"])
    assert probe.find_project(str(home), python, manage="site/manage.py").directory == str(site)


def test_undecodable_env_file_is_not_quoted(site: Path, python: str) -> None:
    (site / ".env").write_bytes(b"PASSWORD=hunter\xff2\n")
    error = refusal("bad_option", str(site), python, env_files=[".env"])
    assert "hunter" not in str(error) and error.__cause__ is None


def test_interpreter_that_does_not_start(site: Path) -> None:
    broken = site / "python"
    broken.write_text("#!/bin/sh\necho no library >&2\nexit 3\n")
    broken.chmod(0o755)
    assert "exits 3" in refusal("interpreter_unusable", str(site), str(broken)).msg
    broken.write_text("#!/absent/interpreter\n")
    refusal("interpreter_unusable", str(site), str(broken))


@ROOT_ONLY
def test_root_is_refused_unless_it_owns_and_was_allowed(site: Path, python: str, owner: SystemUser) -> None:
    refusal("runs_as_root", str(site), python, owner="root", allow_root=True)
    os.chown(site / "manage.py", 0, 0)
    refusal("runs_as_root", str(site), python)
    assert probe.find_project(str(site), python, owner=owner.name).owner.uid == owner.uid
    refusal("owner_missing", str(site), python, allow_root=True)  # who owns the directory would be root
    os.chown(site, 0, 0)
    refusal("owner_missing", str(site), python, allow_root=True)  # who owns the one above could exchange it
    os.chown(site.parent, 0, 0)
    assert probe.find_project(str(site), python, allow_root=True).owner.uid == 0
    os.chown(site / "manage.py", 64999, 64999)
    refusal("owner_missing", str(site), python)
    give(site, owner)


def test_interpreters_are_looked_for_near_manage_py_first(tmp_path: Path) -> None:
    for place in ("top/app/env", "top/venv", ".venv"):
        python = tmp_path / place / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.write_text("")
        python.chmod(0o755)
    (tmp_path / "top" / "app").mkdir(exist_ok=True)
    top = tmp_path / "top"
    assert project.find_interpreter(str(top), manage="app/manage.py") == f"{top}/app/env/bin/python"
    assert project.find_interpreter(str(top)) == f"{top}/venv/bin/python"
    assert project.find_interpreter(str(top), "venv") == f"{top}/venv/bin/python"
    assert project.find_interpreter(str(tmp_path / "other")) == f"{tmp_path}/.venv/bin/python"


@ROOT_ONLY
@pytest.mark.parametrize("kind", ["link", "fifo", "endless"])
def test_settings_are_not_looked_for_where_the_owner_may_not_look(tmp_path: Path, kind: str) -> None:
    """manage.py is the owner's: a link in its place led root to read what he may not, and a pipe held root up."""
    owner = nobody()
    app, secret = reachable(tmp_path) / "app", tmp_path / "secret.py"
    app.mkdir()
    os.chown(app, owner.uid, -1)
    secret.write_text("import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'roots.own')\n")
    secret.chmod(0o600)
    if kind == "fifo":
        os.mkfifo(app / "manage.py")
    else:
        (app / "manage.py").symlink_to(secret if kind == "link" else "/dev/zero")
    assert project.named_settings(str(app / "manage.py"), owner) == ""
    os.chown(secret, owner.uid, -1)
    assert project.named_settings(str(app / "manage.py"), owner) == ("roots.own" if kind == "link" else "")


@ROOT_ONLY
@pytest.mark.parametrize("kind", ["link", "directory"])
def test_nobodys_code_runs_as_another_user(tmp_path: Path, kind: str) -> None:
    """Whoever owns the directory chooses the interpreter and the settings beside manage.py."""
    app, theirs = reachable(tmp_path) / "app", tmp_path / "theirs.py"
    app.mkdir()
    theirs.write_text("")
    os.chown(theirs, 1, 1)
    if kind == "link":
        (app / "manage.py").symlink_to(theirs)
        os.chown(app / "manage.py", nobody().uid, -1, follow_symlinks=False)
    else:
        theirs.rename(app / "manage.py")
        os.chown(app, nobody().uid, -1)
    refusal("owner_missing", str(app))
    assert project.find_owner(str(app / "manage.py"), "nobody", False).name == "nobody"
    os.chown(app / "manage.py", 0, 0, follow_symlinks=False)
    os.chown(app, 0, 0)
    if kind == "link":
        assert project.find_owner(str(app / "manage.py"), None, False).uid == 1  # root's own link


@ROOT_ONLY
def test_a_link_of_the_owners_to_anothers_project_runs_nothing_as_the_other(tmp_path: Path) -> None:
    """``current`` leads to another site, and the environment beside it is one's own: both are found by that path."""
    base, proof = reachable(tmp_path) / "app", tmp_path / "proof"
    theirs = tmp_path / "theirs"
    for directory in (base / "venv" / "bin", theirs):
        directory.mkdir(parents=True)
    (theirs / "manage.py").write_text("")
    proof.write_text("")
    proof.chmod(0o666)
    python = base / "venv" / "bin" / "python"
    python.write_text(f"#!/bin/sh\nid -u >> {proof}\n")
    python.chmod(0o755)
    (base / "current").symlink_to(theirs)
    for path in (theirs, theirs / "manage.py"):
        os.chown(path, 1, 1)
    for path in (base, base / "current", python):
        os.chown(path, nobody().uid, -1, follow_symlinks=False)
    error = refusal("owner_missing", str(base / "current"))
    assert error.msg.startswith(f"{base} belongs to uid {nobody().uid}")
    assert proof.read_text() == ""
    os.chown(base, 0, 0)  # the link alone is theirs
    assert f"{base}/current belongs" in refusal("owner_missing", str(base / "current")).msg
    os.chown(base / "current", 0, 0, follow_symlinks=False)
    assert probe.find_project(str(base / "current"), str(python), settings="x").owner.uid == 1  # root's own link
    assert probe.find_project(str(base / "current"), str(python), settings="x", owner="daemon").owner.uid == 1
    (base / "round").symlink_to("round")
    with pytest.raises(OSError, match="levels of symbolic links"):
        list(project._way(str(base / "round")))
    assert [path for path, _status in project._way("/usr/../tmp/./.")] == ["/usr", "/", "/tmp"]
