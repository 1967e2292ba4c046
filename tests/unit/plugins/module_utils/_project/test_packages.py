# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._project import python_support, requirements


@pytest.mark.parametrize(
    ("version", "specifier", "expected"),
    [
        ("3.11.2", ">=3.9", True),
        ("3.8.10", ">=3.9", False),
        ("3.13.0", ">=3.9,<3.13", False),
        ("3.12.9", ">=3.9, <3.13", True),
        ("3.11.2", "==3.11.*", True),
        ("3.12.0", "==3.11.*", False),
        ("3.11.2", "!=3.11.*", False),
        ("3.11.2", "^3.9", True),
        ("4.0.0", "^3.9", False),
        ("3.9.7", "~3.9", True),
        ("3.10.0", "~3.9", False),
        ("3.10.0", "~=3.9", True),
        ("3.10.0", "~=3.9.2", False),
        ("3.8.0", "~3.7 || ~3.8", True),
        ("3.9.0", "~3.7 || ~3.8", False),
        ("3.9.0", "*", True),
        ("3.9.0", "python_full > 3", None),
        ("3.9.0", "", None),
        ("", ">=3.9", None),
        ("3.10.4", ">3.10", True),
        ("3.10.4", "<=3.10.4", True),
    ],
)
def test_satisfies(version: str, specifier: str, expected: bool | None) -> None:
    assert python_support.satisfies(version, specifier) is expected


@pytest.mark.parametrize(
    ("requires", "django", "needs", "python", "code"),
    [
        ("", "5.2.4", ">=3.10", "3.11.2", ""),
        ("", "5.2.4", ">=3.10", "3.9.18", "python_too_old"),
        ("", "6.0", ">=3.12", "3.11.2", "python_too_old"),
        ("", "6.0", "", "3.11.2", ""),  # no metadata: nobody says so
        ("", "3.2.25", ">=3.6", "3.11.2", ""),  # not in its release notes, but it runs
        ("", "3.2.25", ">=3.6", "3.12.1", ""),
        ("", "3.2.25", ">=3.6", "3.13.0", "interpreter_unusable"),
        ("", "3.1.14", ">=3.6", "3.12.1", "interpreter_unusable"),
        ("", "1.11.29", "", "3.12.1", "interpreter_unusable"),
        ("", "4.0.10", ">=3.8", "3.13.0", "interpreter_unusable"),
        ("", "4.1.13", ">=3.8", "3.13.0", ""),
        ("", "4.2.16", ">=3.8", "3.13.0", ""),
        ("", "7.4", ">=3.12", "3.13.0", ""),
        ("", "", "", "3.13.0", ""),
        (">=3.12", "5.2", ">=3.10", "3.11.2", "python_too_old"),
        ("<3.11", "4.2", ">=3.8", "3.11.2", "interpreter_unusable"),
        ("~3.9", "4.2", ">=3.8", "3.11.2", "interpreter_unusable"),
        ("nonsense", "4.2", "nonsense", "3.11.2", ""),
    ],
)
def test_python_obstacle(requires: str, django: str, needs: str, python: str, code: str) -> None:
    obstacle = python_support.python_obstacle(requires, python, python_support.Django(django, needs))
    assert (obstacle.code if obstacle else "") == code
    assert obstacle is None or (python in obstacle.msg and "relocate_python" in obstacle.hint)


@pytest.mark.parametrize(
    ("files", "method", "found"),
    [
        (["uv.lock", "pyproject.toml", "requirements.txt"], "uv", ("uv.lock",)),
        (["poetry.lock", "requirements.txt"], "poetry", ("poetry.lock",)),
        (["Pipfile.lock"], "pipenv", ("Pipfile.lock",)),
        (["requirements.txt", "requirements/production.txt"], "requirements", ("requirements.txt",)),
        (["requirements/production.txt", "requirements/base.txt"], "requirements", ("requirements/production.txt",)),
        (["pyproject.toml"], "project", ("pyproject.toml",)),
        (["setup.py"], "project", ("setup.py",)),
        (["pyproject.toml", "setup.cfg", "setup.py"], "project", ("pyproject.toml", "setup.py", "setup.cfg")),
        (["setup.cfg"], "freeze", ()),
        ([], "freeze", ()),
    ],
)
def test_detect(tmp_path: Path, files: list[str], method: str, found: tuple[str, ...]) -> None:
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("[project]\nname = 'x'\nrequires-python = '>=3.9'\n")
    assert requirements.detect(str(tmp_path)) == requirements.Found(method, found)


def test_detect_given_and_tool_only_pyproject(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.ruff]\nline-length = 100\n")
    assert requirements.detect(str(tmp_path)).method == "freeze"
    (tmp_path / "mine.txt").write_text("Django\n")
    assert requirements.detect(str(tmp_path), ["mine.txt"]).files == ("mine.txt",)
    with pytest.raises(RelocateError, match="bad_option"):
        requirements.detect(str(tmp_path), ["absent.txt"])


@pytest.mark.parametrize(
    ("texts", "freeze", "expected"),
    [
        (
            ["Django\nrequests==2.0"],
            ["Django==4.2.1", "requests==1.9", "urllib3==2.0"],
            ["django==4.2.1", "urllib3==2.0"],
        ),
        (["Django==4.2.1 --hash=sha256:00"], ["urllib3==2.0"], []),
        (["Django>=4"], ["-e git+https://x/y@1#egg=z", "A.b_C==1", "x @ file:///tmp/x"], ["a-b-c==1"]),
        (["celery[redis]==5.0  # why\nx==1; python_version > '3'"], ["celery==4", "x==2", "redis==3"], ["redis==3"]),
        (["Django==4.*"], ["Django==4.2.1"], ["django==4.2.1"]),
    ],
)
def test_constraints(texts: list[str], freeze: list[str], expected: list[str]) -> None:
    assert requirements.constraints(texts, freeze) == expected


def test_recorded_versions_of_further_packages() -> None:
    freeze = ["uWSGI==2.0.21", "Sentry.SDK==1.2", "Django==4.2", "-e /srv/lib"]
    wanted = ["uwsgi", "sentry_sdk[django]", "django==5", "gunicorn", "git+https://h/z@1"]
    assert requirements.recorded_versions(wanted, freeze) == ["sentry-sdk==1.2", "uwsgi==2.0.21"]


def test_included_files(tmp_path: Path) -> None:
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "prod.txt").write_text(
        "-r base.txt\n-r ../../outside.txt\n-c https://x/y\ngunicorn==1\n"
    )
    (tmp_path / "requirements" / "base.txt").write_text("-r prod.txt\nDjango==5\n")
    texts = requirements.with_included(str(tmp_path), ["requirements/prod.txt"])
    assert sorted(texts) == ["requirements/base.txt", "requirements/prod.txt"]
    assert requirements.constraints(texts.values(), ["Django==4", "sqlparse==1"]) == ["sqlparse==1"]


def test_what_pip_can_install() -> None:
    freeze = [
        "Django==5.2", "-e /srv/lib", "-e git+ssh://git@h/x@1#egg=x", "y @ file:///wheel", "z @ git+https://h/z@1",
        "pkg-resources==0.0.0", "# Editable install with no version control (q==1)", "",
    ]  # fmt: skip
    kept, left = requirements.installable(freeze)
    assert kept == ["Django==5.2", "-e git+ssh://git@h/x@1#egg=x", "z @ git+https://h/z@1"]
    assert left == ["-e /srv/lib", "y @ file:///wheel"]
    assert requirements.django_of(freeze) == "5.2"
