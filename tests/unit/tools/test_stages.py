# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The runner of stages fails when one fails, and says what took how long."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.tools import stages

REPORT = """<testsuites><testsuite tests="3" failures="1" errors="0" skipped="1">
<testcase classname="a" name="slow" time="9.5"/><testcase classname="a" name="fast" time="0.1"/>
<testcase classname="a" name="middle" time="3"/></testsuite></testsuites>"""


@pytest.fixture
def reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(stages, "REPORTS", tmp_path)
    return tmp_path


def programs(monkeypatch: pytest.MonkeyPatch, *bad: str) -> list[str]:
    """Have every stage succeed but the bad ones; gives what was run."""
    ran: list[str] = []

    def run(stage: str, shown: bool) -> tuple[bool, str]:
        ran.append(stage)
        return stage not in bad, "" if shown else f"words of {stage}\n"

    monkeypatch.setattr(stages, "run", run)
    return ran


def test_all_lanes_are_run_before_the_next_group(
    reports: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = programs(monkeypatch)
    assert stages.main(["one,two+three", "lab"]) == 0
    assert sorted(ran) == ["lab", "one", "three", "two"] and ran.index("one") < ran.index("two") and ran[-1] == "lab"
    said = capsys.readouterr().out
    assert "words of two" in said and "words of lab" not in said
    assert said.splitlines()[-2:] == ["all stages are good", "tests: 0 passed, 0 failed, 0 skipped"]


def test_a_failure_in_any_lane_fails_the_run_and_spares_the_lab(
    reports: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = programs(monkeypatch, "one")
    assert stages.main(["one,two+three", "lab"]) == 1
    assert sorted(ran) == ["one", "three", "two"]
    said = capsys.readouterr().out
    assert "lab        not run" in said and "failed: one" in said


def test_lanes_run_side_by_side(reports: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    meeting = threading.Barrier(2, timeout=10)

    def run(stage: str, shown: bool) -> tuple[bool, str]:
        meeting.wait()
        return True, ""

    monkeypatch.setattr(stages, "run", run)
    assert stages.main(["one+two"]) == 0


def test_figures_and_the_slowest(reports: Path) -> None:
    (reports / "unit.xml").write_text(REPORT)
    assert stages.figures() == "tests: 1 passed, 1 failed, 1 skipped"
    assert [line.split() for line in stages.slowest(2)] == [
        ["9.5", "s", "unit", "a::slow"],
        ["3.0", "s", "unit", "a::middle"],
    ]


def test_a_stage_is_a_target_of_the_makefile(reports: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text("good:\n\t@echo well\nbad:\n\t@echo ill; exit 1\n")
    monkeypatch.setattr(stages, "ROOT", tmp_path)
    assert stages.run("good", shown=False) == (True, "well\n")
    good, said = stages.run("bad", shown=False)
    assert not good and said.startswith("ill\n")
    assert stages.run("good", shown=True) == (True, "")
