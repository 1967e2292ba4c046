# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the public CI and nox run is there, and the versions are those that we test with."""

from __future__ import annotations

import re
import shlex
from typing import Any

import pytest
import yaml

from tests.tools.venv import CONTROLLERS, ROOT
from tests.unit import sources

FILES = sources.files(".github/workflows/*.yml")
TARGETS = set(re.findall(r"(?m)^([a-z]+):", (sources.ROOT / "Makefile").read_text()))
OURS = set(re.findall(r"(?m)^def ([a-z]+)\(session", (sources.ROOT / "noxfile.py").read_text()))
COMMON = {"docs-check", "license-check", "extra-checks", "build-import-check", "ansible-test-sanity"}


def jobs() -> dict[str, Any]:
    """Give the jobs of all workflows by file and name."""
    return {
        f"{path.stem}:{name}": job for path in FILES for name, job in yaml.safe_load(path.read_text())["jobs"].items()
    }


JOBS = jobs()


def lines(job: dict[str, Any]) -> list[list[str]]:
    """Give the command lines of a job."""
    return [shlex.split(line) for step in job["steps"] for line in step.get("run", "").splitlines()]


@pytest.mark.parametrize("name", JOBS)
def test_what_a_job_runs_is_there(name: str) -> None:
    for words in lines(JOBS[name]):
        if words[0] == "make":
            assert {word for word in words[1:] if "=" not in word} <= TARGETS
        elif words[0] == "nox":
            assert set(words[2:]) <= COMMON | OURS
        elif words[0] == ".ci/run":
            stages = JOBS[name].get("strategy", {}).get("matrix", {}).get("stage", [])
            assert set(stages) <= TARGETS and (sources.ROOT / ".ci/run").stat().st_mode & 0o111
        else:
            assert words[0] in ("apt-get", "git", "python", "build/venv/bin/python")


@pytest.mark.parametrize("name", JOBS)
def test_a_job_ends_and_has_no_rights_that_it_does_not_need(name: str) -> None:
    job = JOBS[name]
    assert "timeout-minutes" in job or name == "docs:publish"
    assert set(job.get("permissions", {})) <= {"pages", "id-token"}
    for step in job["steps"]:
        if step.get("uses", "").startswith("actions/checkout"):
            assert step["with"]["persist-credentials"] is False


def test_each_workflow_reads_only() -> None:
    for path in FILES:
        assert yaml.safe_load(path.read_text())["permissions"] == {"contents": "read"}, path.name


def test_unit_tests_run_with_each_version_of_ansible_core() -> None:
    matrix = {item["ansible"]: item["python"] for item in JOBS["ci:units"]["strategy"]["matrix"]["include"]}
    assert set(matrix) == set(CONTROLLERS)
    assert [core for core, python in matrix.items() if python not in CONTROLLERS[core]] == []
    for core in matrix:
        assert (sources.ROOT / "tests/requirements" / f"controller-{core}.txt").exists()


def test_nothing_is_drawn_at_night() -> None:
    job = JOBS["nightly:all"]
    assert job["env"]["RELOCATE_DRAWN"] == "all"
    assert set(job["strategy"]["matrix"]["stage"]) == {"engines", "lab"}


def test_sessions_call_targets() -> None:
    called = re.findall(r'_make\(session, "(\w+)"\)', (sources.ROOT / "noxfile.py").read_text())
    assert len(called) == len(OURS) >= 4 and set(called) <= TARGETS


def test_the_oldest_ansible_core_of_nox_is_ours() -> None:
    text = (sources.ROOT / "antsibull-nox.toml").read_text()
    assert re.findall(r'min_version = "([\d.]+)"', text) == [min(CONTROLLERS)]
    assert sources.ROOT.samefile(ROOT)
