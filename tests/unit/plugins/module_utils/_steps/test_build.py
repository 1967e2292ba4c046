# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands that build on new what git does not hold."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._process import Completed
from ansible_collections.relocate.django.plugins.module_utils._project.project import Project
from ansible_collections.relocate.django.plugins.module_utils._site import ProjectOptions
from ansible_collections.relocate.django.plugins.module_utils._steps import build
from ansible_collections.relocate.django.plugins.module_utils._users import current_user


class Bench:
    """A project whose manage.py notes what it is asked for."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch, static: bool = True) -> None:
        self.path, self.asked = path, []
        self.rc = 0
        project = Project(str(path), sys.executable, "", current_user())
        django = {"static_root": "/srv/static" if static else "", "apps": ["staticfiles"]}
        monkeypatch.setattr(ProjectOptions, "find", lambda _self: project)
        monkeypatch.setattr(build.probe, "ask", lambda *_args: {"django": django})
        monkeypatch.setattr(build.probe, "secrets_of", lambda _project: ["s3cret-canary"])
        monkeypatch.setattr(build.probe, "run_manage", self.manage)
        monkeypatch.setattr(build.probe, "run_held", self.held)

    def manage(self, _project: Project, words: Any) -> Completed:
        """Note, and say what collectstatic does."""
        self.asked.append(" ".join(words))
        return Completed(tuple(words), self.rc, b"3 static files copied.", b"refused: s3cret-canary")

    def held(self, project: Project, words: Any, writes: Any) -> Completed:
        """The same, held to the directory of static files."""
        assert writes == ["/srv/static"]
        return self.manage(project, words)

    def build(self, *commands: str, check_mode: bool = False) -> dict[str, Any]:
        """Build with these commands."""
        params = {"path": str(self.path), "owner": None, "interpreter": None, "settings": None, "environment": {},
                  "env_files": [], "allow_root": True, "commands": list(commands)}  # fmt: skip
        return build.build(build.Options.of(params), check_mode)


COLLECT = "collectstatic --noinput --no-color"


def test_static_files_are_collected_after_the_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(tmp_path, monkeypatch)
    assert bench.build("manage.py compilemessages", "touch 'a b'") == {"changed": True, "ran": 2, "collected": 3}
    assert bench.asked == ["compilemessages", COLLECT]
    assert (tmp_path / "a b").exists()


def test_a_command_says_when_static_files_are_collected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(tmp_path, monkeypatch)
    result = bench.build("manage.py collectstatic --noinput", "manage.py compress")
    assert result == {"changed": True, "ran": 2, "collected": 0}
    assert bench.asked == ["collectstatic --noinput", "compress"]


def test_without_static_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(tmp_path, monkeypatch, static=False)
    assert bench.build() == {"changed": False, "ran": 0, "collected": 0} and bench.asked == []


def test_check_mode_runs_no_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(tmp_path, monkeypatch)
    assert bench.build("touch x", check_mode=True) == {"changed": True, "ran": 0, "collected": 3}
    assert bench.asked == [COLLECT + " --dry-run"] and not (tmp_path / "x").exists()


@pytest.mark.parametrize("command", ["", "  ", "echo 'x"])
def test_what_is_no_command_is_refused_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    bench = Bench(tmp_path, monkeypatch)
    with pytest.raises(RelocateError, match="relocate_build: ") as caught:
        bench.build("touch x", command)
    assert caught.value.code == "bad_option" and not (tmp_path / "x").exists() and bench.asked == []


def test_a_command_is_no_shell_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Bench(tmp_path, monkeypatch).build("echo $HOME; touch x && touch y")
    assert list(tmp_path.iterdir()) == []


def test_the_first_that_fails_ends_the_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(tmp_path, monkeypatch)
    with pytest.raises(RelocateError, match=r"false failed on new \(exit 1\)") as caught:
        bench.build("false", "touch x")
    assert caught.value.code == "environment_failed" and not (tmp_path / "x").exists()
    assert "relocate_packages" in caught.value.hint


def test_a_failure_shows_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(tmp_path, monkeypatch)
    bench.rc = 1
    with pytest.raises(RelocateError, match="manage.py collectstatic --noinput failed") as caught:
        bench.build()
    assert "refused: " in caught.value.msg and "canary" not in caught.value.msg


def test_a_program_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RelocateError) as caught:
        Bench(tmp_path, monkeypatch).build("npm-of-nowhere ci")
    assert caught.value.code == "program_missing"


def test_what_a_failed_command_lacked_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(tmp_path, monkeypatch)
    with pytest.raises(RelocateError, match="failed on new") as caught:
        bench.build('sh -c "echo \\"CommandError: Can\'t find msgfmt. Make sure\\" >&2; exit 1"')
    assert "new lacks msgfmt, of gettext: add to relocate_packages: [gettext]" in caught.value.hint
