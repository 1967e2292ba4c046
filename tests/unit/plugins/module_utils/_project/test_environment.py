# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Environments are built from small local packages: no index is asked."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._project import environment, native, packages
from ansible_collections.relocate.django.plugins.module_utils._users import current_user

pytestmark = pytest.mark.slow

OFFLINE = {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": "/dev/null"}
#: Stands for a Python: `-m venv` makes a link to itself, `-m pip` notes its arguments, the rest is a version.
FAKE = """#!/bin/sh
version=$(cat "{root}/version")
case "$2" in
venv)
    for last; do :; done
    mkdir -p "$last/bin"
    cp "$0" "$last/bin/python"
    echo "version = $version" > "$last/pyvenv.cfg"
    echo "$@" >> "{root}/log" ;;
pip)
    asked="$*"
    echo "$@" >> "{root}/log"
    while [ $# -gt 0 ]; do
        case "$1" in -c|-r) cat "$2" >> "{root}/log" ;; esac
        shift
    done
    case "$asked" in *--dry-run*)
        if [ -e "{root}/wheels" ]; then cat "{root}/wheels" >&2; exit 1; fi
        exit 0 ;;
    esac
    if [ -e "{root}/fail" ]; then cat "{root}/fail" >&2; exit 1; fi ;;
*)
    echo "$version" ;;
esac
"""


@pytest.fixture
def fake(tmp_path: Path) -> Path:
    root = tmp_path / "fake"
    root.mkdir()
    (root / "version").write_text("3.11.2\n")
    (root / "log").write_text("")
    python = root / "python"
    python.write_text(FAKE.format(root=root))
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    return root


@pytest.fixture
def project(tmp_path: Path) -> Path:
    path = tmp_path / "project"
    path.mkdir()
    return path


def planned(project: Path, fake: Path, **options: object) -> environment.EnvironmentPlan:
    wanted = environment.Wanted(**{"python": str(fake / "python"), **options})  # type: ignore[arg-type]
    return environment.plan(str(project), current_user(), wanted)


def log(fake: Path) -> str:
    text = (fake / "log").read_text()
    (fake / "log").write_text("")
    return text


FREEZE = ("Django==4.2.1", "sqlparse==0.4.4", "-e /srv/local")


def test_requirements_with_recorded_versions(project: Path, fake: Path) -> None:
    (project / "requirements.txt").write_text("Django\n")
    plan = planned(project, fake, freeze=FREEZE)
    assert (plan.method, plan.files, plan.needed) == ("requirements", ("requirements.txt",), True)
    assert plan.constraints == ("django==4.2.1", "sqlparse==0.4.4") and not os.path.exists(plan.venv)
    assert environment.build(plan)
    told = log(fake)
    assert f"-r {project}/requirements.txt" in told and "django==4.2.1\nsqlparse==0.4.4\n" in told
    again = planned(project, fake, freeze=FREEZE)
    assert not again.needed and not environment.build(again) and log(fake) == ""
    (project / "requirements.txt").write_text("Django==5.0\n")
    changed = planned(project, fake, freeze=FREEZE)
    assert changed.needed and changed.constraints == ("sqlparse==0.4.4",) and not changed.recreate
    environment.build(changed)
    assert "venv" not in log(fake)  # kept, updated in place


def test_another_python_starts_afresh(project: Path, fake: Path) -> None:
    environment.build(planned(project, fake, freeze=FREEZE))
    log(fake)
    (fake / "version").write_text("3.11.9\n")
    assert not planned(project, fake, freeze=FREEZE).needed
    (fake / "version").write_text("3.12.0\n")
    plan = planned(project, fake, freeze=FREEZE)
    assert plan.needed and plan.recreate
    environment.build(plan)
    assert "--clear" in log(fake)


def test_freeze_alone_and_nothing_at_all(project: Path, fake: Path) -> None:
    plan = planned(project, fake, freeze=FREEZE)
    assert plan.method == "freeze" and plan.left_out == ("-e /srv/local",)
    assert environment.build(plan) and "Django==4.2.1\nsqlparse==0.4.4\n" in log(fake)
    plan = planned(project, fake, venv="other")
    assert plan.obstacles[0].code == "environment_failed"
    with pytest.raises(RelocateError, match="does not say which packages"):
        environment.build(plan)


def test_failure_is_scrubbed_and_begun_again(project: Path, fake: Path) -> None:
    (project / "requirements.txt").write_text("Django\n")
    (fake / "fail").write_text("ERROR: https://me:s3cret@index/ says hunter2-hunter2\n")
    plan = planned(project, fake, env={"INDEX_TOKEN": "hunter2-hunter2"}, python_version="3.8.1")
    shown: list[str] = []
    with pytest.raises(RelocateError) as caught:
        environment.build(plan, on_line=shown.append)
    assert caught.value.code == "environment_failed" and "old has Python 3.8.1, new has 3.11.2" in caught.value.msg
    for text in (str(caught.value), *shown):
        assert "s3cret" not in text and "hunter2" not in text
    assert shown and planned(project, fake).needed
    (fake / "fail").write_text("ERROR: Package 'x' requires a different Python: 3.11.2 not in '>=3.12'\n")
    with pytest.raises(RelocateError, match="python_too_old"):
        environment.build(planned(project, fake))
    (fake / "fail").unlink()
    assert environment.build(planned(project, fake)) and not planned(project, fake).needed


RECORDED = {"version": "1.0", "line": "x==1.0", "needs": [], "system": False, "local": False}


def test_what_packages_are_built_with_is_looked_for_first(
    project: Path, fake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is installed, and again by the next run."""
    (project / "requirements.txt").write_text("psycopg2\n")
    (fake / "wheels").write_text("ERROR: No matching distribution found for psycopg2==1.0\n")
    recorded = tuple(packages.from_plain([{**RECORDED, "name": "psycopg2"}]))
    monkeypatch.setattr(native, "_is_here", lambda thing: "gcc" in thing.signs)
    for _again in range(2):
        with pytest.raises(RelocateError, match=r"build_tools_missing.*psycopg2 is built.*lacks pg_config") as caught:
            environment.build(planned(project, fake, recorded=recorded))
        assert "relocate_packages: [libpq-dev]" in caught.value.hint
        assert "--dry-run" in (told := log(fake)) and f"-r {project}/requirements.txt" not in told
    monkeypatch.setattr(native, "_is_here", lambda _thing: True)
    (fake / "wheels").write_text("ERROR: it is late\n")
    notes: list[str] = []
    assert environment.build(planned(project, fake, recorded=recorded), on_note=notes.append)
    assert notes == ["pip was not asked which packages new must build from source: it exited 1"]


def test_a_failed_build_names_what_it_lacked(project: Path, fake: Path) -> None:
    (project / "requirements.txt").write_text("psycopg2\n")
    log_of_build = "copying x -> y\n" * 100 + "Error: pg_config executable not found.\nhttps://me:s3cret@index/\n"
    (fake / "fail").write_text(log_of_build + "ERROR: Failed building wheel for psycopg2\n")
    with pytest.raises(RelocateError) as caught:
        environment.build(planned(project, fake, python=str(fake / "python")))
    assert caught.value.code == "build_tools_missing" and len(str(caught.value)) < 400
    assert caught.value.msg.startswith("psycopg2 is built from source on new, which lacks pg_config and libpq-fe.h")


def test_command(project: Path, fake: Path) -> None:
    (project / "install").write_text('#!/bin/sh\necho "$VIRTUAL_ENV $(command -v python)" > told\n')
    (project / "install").chmod(0o755)
    assert environment.build(planned(project, fake, command=("./install",), venv="env"))
    assert (project / "told").read_text() == f"{project}/env {project}/env/bin/python\n"
    assert not planned(project, fake, command=("./install",), venv="env").needed


def test_lock_files(project: Path, fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "uv.lock").write_text("version = 1\n")
    monkeypatch.setattr(environment, "_tool", lambda name, owner: None)
    assert planned(project, fake, freeze=FREEZE).method == "freeze"  # as good, without the tool
    with pytest.raises(RelocateError, match=r"program_missing.*uv is not on new"):
        environment.build(planned(project, fake))
    uv = fake / "uv"
    uv.write_text(f'#!/bin/sh\necho "$@ $UV_PYTHON" >> {fake}/log\nmkdir -p "$UV_PROJECT_ENVIRONMENT/bin"\n'
                  'touch "$UV_PROJECT_ENVIRONMENT/bin/python"\n')  # fmt: skip
    uv.chmod(0o755)
    monkeypatch.setattr(environment, "_tool", lambda name, owner: str(uv))
    plan = planned(project, fake, freeze=FREEZE)
    assert plan.method == "uv" and environment.build(plan)
    assert f"sync --frozen {fake}/python" in log(fake)
    uv.write_text("#!/bin/sh\n")
    (project / "uv.lock").write_text("version = 2\n")
    with pytest.raises(RelocateError, match="made no"):
        environment.build(planned(project, fake, venv="elsewhere"))


def test_python_of_new(project: Path, fake: Path) -> None:
    (project / "pyproject.toml").write_text('[project]\nname = "x"\nrequires-python = ">=3.12"\n')
    plan = planned(project, fake, freeze=FREEZE)
    assert [obstacle.code for obstacle in plan.obstacles] == ["python_too_old"]
    with pytest.raises(RelocateError, match=r"program_missing.*python3\.99"):
        planned(project, fake, python="python3.99")


def test_link_in_place_of_the_stamp_is_not_followed(project: Path, fake: Path, tmp_path: Path) -> None:
    plan = planned(project, fake, freeze=FREEZE)
    environment.build(plan)
    victim = tmp_path / "victim"
    victim.write_text("kept")
    stamp = Path(plan.venv) / environment.STAMP
    stamp.unlink()
    stamp.symlink_to(victim)
    assert environment.build(planned(project, fake, freeze=FREEZE))
    assert victim.read_text() == "kept" and not stamp.is_symlink()


def test_with_a_real_python_and_pip(project: Path) -> None:
    """A package of our own, without an index; two builds, the second does nothing."""
    (project / "setup.py").write_text("from setuptools import setup\nsetup(name='tiny-package', version='1')\n")
    (project / "requirements.txt").write_text("# nothing\n")
    wanted = environment.Wanted(python=sys.executable, env=OFFLINE)
    plan = environment.plan(str(project), current_user(), wanted)
    assert environment.build(plan)
    assert os.path.realpath(plan.interpreter) == os.path.realpath(sys.executable)
    assert not environment.plan(str(project), current_user(), wanted).needed
    (project / "requirements.txt").write_text("no-such-package-anywhere==1\n")
    with pytest.raises(RelocateError, match=r"environment_failed.*no-such-package-anywhere"):
        environment.build(environment.plan(str(project), current_user(), wanted))
