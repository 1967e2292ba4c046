# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stage that does what the README says is not content with less than that."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ansible_collections.relocate.django.plugins.plugin_utils import _report, _sentences
from tests.demo.run import variables
from tests.tools import readme
from tests.tools.collection import ROOT
from tests.unit.plugins.plugin_utils import test_report

RECAP = """PLAY RECAP ****
localhost  : ok=1    changed=0    unreachable=0    failed=0    skipped=0    rescued=0    ignored=0
new-host   : ok=88   changed={0}    unreachable=0    failed={1}    skipped=15   rescued=0    ignored=0
old-host   : ok=1    changed=0    unreachable={2}    failed=0    skipped=2    rescued=0    ignored=0
"""


def test_the_commands_are_the_readmes() -> None:
    found = readme.promised((ROOT / "README.md").read_text())
    assert found[:2] == ["make demo", "ansible-galaxy collection install relocate.django"]
    assert found[3] == "ansible-playbook relocate.django.move -i inventory.yml --check"
    assert len(found) == 2 + len(readme.PLAYBOOKS)


def test_what_is_looked_for_is_what_the_playbooks_say() -> None:
    undone = _sentences.sentence("undone", "shop", {"host": "old-host", "new": "new-host"})
    assert readme.PLAYBOOKS["undo"] in undone
    assert readme.PLAYBOOKS["move --check"] in _report.headline(test_report.enriched(**test_report.CHECKED))
    rehearsed = {**test_report.CHECKED, "rehearsed": True}
    assert readme.PLAYBOOKS["rehearse_move"] in _report.headline(test_report.enriched(**rehearsed))
    assert readme.MOVED in _report.headline(test_report.enriched(**test_report.MOVED))


def test_the_recap_is_read_host_by_host() -> None:
    assert readme.changes(RECAP.format(8, 0, 0)) == {"localhost": 0, "new-host": 8, "old-host": 0}


@pytest.mark.parametrize(
    "output",
    ["", RECAP.format(8, 1, 0), RECAP.format(8, 0, 1), RECAP.format(8, 0, 0).replace("old-host", "else")],
)
def test_a_play_that_failed_or_did_not_run_is_told(output: str) -> None:
    with pytest.raises(readme.BrokenPromiseError, match="did not run"):
        readme.changes(output)


def test_a_program_that_fails_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(readme.BrokenPromiseError, match="sh ended with 3"):
        readme.Person(tmp_path).run("sh", "-c", "echo said; exit 3")
    assert "said" in capsys.readouterr().out


def test_a_person_has_nothing_of_the_run_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ANSIBLE_HOME", "MAKEFLAGS", "PYTHONPATH", "VIRTUAL_ENV", "RELOCATE_LAB_REQUIRED"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("PATH", f"{ROOT}/build/venv/bin:/usr/bin:/bin")
    monkeypatch.setenv("PIP_CERT", "/certificate")
    said = readme.Person(tmp_path).run("env")
    assert not [line for line in said.splitlines() if line.endswith("=x")]
    assert f"HOME={tmp_path}\n" in said and "PIP_CERT=/certificate\n" in said and "PATH=/usr/bin:/bin\n" in said


def test_the_inventory_is_the_readmes_on_two_directories(tmp_path: Path) -> None:
    text = readme.inventory((ROOT / "README.md").read_text(), tmp_path, ROOT, Path("/usr/bin/python3"))
    found = json.loads(text)["all"]
    assert found["vars"]["relocate_site"] == "shop"
    paths = [found["children"][side]["hosts"][f"{side}-host"]["relocate_path"] for side in ("old", "new")]
    assert len(set(paths)) == 2
    assert (found["vars"]["relocate_files"], found["vars"]["relocate_env_files"]) == ([".env"], [".env"])
    # What makes two directories of a machine two hosts is what the demonstration says, too.
    shared = {"relocate_become", "relocate_install", "relocate_allow_same_host", "relocate_allow_unfrozen"}
    assert {name: found["vars"][name] for name in shared} == {name: variables()[name] for name in shared}


def test_a_demonstration_that_fails_fails_the_stage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "Makefile").write_text("demo:\n\t@echo no such transfer; exit 2\n")

    @contextmanager
    def somebody() -> Iterator[readme.Person]:
        yield readme.Person(tmp_path)

    monkeypatch.setattr(readme, "somebody", somebody)
    monkeypatch.setattr(readme, "clone", lambda person: tmp_path)
    monkeypatch.setattr(readme, "configure_pip", lambda person: None)
    assert readme.main() == 1
    said = capsys.readouterr().out
    assert "no such transfer" in said and "readme: make ended with" in said


def test_a_clone_is_of_what_is_here(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    repository = readme.clone(readme.Person(tmp_path / "home"))
    assert (repository / "README.md").read_bytes() == (ROOT / "README.md").read_bytes()
    assert not (repository / "build").exists()
    subprocess.run(["git", "-C", str(repository), "rev-parse", "HEAD"], check=True, capture_output=True)
