# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The program that a unit runs each night, run by itself: a good night, one without repository, and a good one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import ansible
import pytest

from ansible_collections.relocate.django.plugins.module_utils._nightly.plan import Call, Plan
from ansible_collections.relocate.django.plugins.module_utils._steps import schedule
from tests.engines.local_site import PREFIX, LocalSite
from tests.tools.collection import COLLECTIONS

pytestmark = pytest.mark.skipif(shutil.which("restic") is None, reason="restic is not installed")
CANARY = "Canary-of-the-repository"


def program(base: Path) -> Path:
    """Pack what Ansible would bring: its own files and ours."""
    tops = {Path(ansible.__file__).parent.parent: "ansible/module_utils", COLLECTIONS: "ansible_collections/relocate"}
    came, made = base / "came.zip", base / "nightly.zip"
    parts: dict[Path, bytes] = {}
    for top, below in tops.items():
        for path in sorted((top / below).rglob("*.py")):
            if "module_utils" in path.parts:
                parts[path.relative_to(top)] = path.read_bytes()
    for parent in {parent for path in parts for parent in path.parents if parent.name}:
        parts.setdefault(parent / "__init__.py", b"")  # as Ansible adds them
    with zipfile.ZipFile(came, "w") as target:
        for path, content in parts.items():
            target.writestr(str(path), content)
    made.write_bytes(schedule.packed(str(came)))
    return made


@pytest.mark.drawn(5, of="local moves")
def test_nights_without_ansible(tmp_path: Path) -> None:
    site = LocalSite(tmp_path)
    site.make()
    (tmp_path / "password").write_text(CANARY + "\n")
    (tmp_path / "password").chmod(0o600)
    vault = {"type": "restic", "address": str(tmp_path / "vault"), "password_file": str(tmp_path / "password")}
    work = tmp_path / "old" / "work"
    (work / "nightly").mkdir(parents=True)
    common: dict[str, Any] = {"site": "notes", "directory": str(work), "repository": {**vault, "create": True}}
    project = {"path": str(site.old / PREFIX), "allow_root": os.geteuid() == 0}
    installs = {"command": ["python", "-c", site.see_django()], "keep": 1}
    calls = (
        Call("backup", "backup", {**common, **project, **installs}),
        Call("push", "repository", {**common, "state": "pushed", "retention": {"last": 2}}),
        Call("rehearse", "rehearse", {**common, **project, "kind": "set", "requests": "none"}),
    )
    plan = Plan(
        "notes", str(work), calls, str(work / "nightly" / "notes.status.json"), metrics=str(tmp_path / "m.prom")
    )
    path = tmp_path / "plan.json"
    path.write_text(plan.as_text())
    path.chmod(0o600)
    runner = program(tmp_path)

    def run(*words: str | Path) -> tuple[int, str]:
        argv = [sys.executable, "-I", str(runner), *map(str, words)]
        done = subprocess.run(argv, env={}, capture_output=True, text=True, check=False, cwd="/")
        assert CANARY not in done.stdout + done.stderr
        return done.returncode, done.stdout + done.stderr

    def status() -> dict[str, Any]:
        return dict(json.loads(Path(plan.status).read_text()))

    code, said = run("run", path)
    assert code == 0 and "kept and restored beside the live databases" in said, said
    assert (status()["state"], status()["proven_set"]) == ("good", status()["label"])
    assert run("check", plan.status)[0] == 0

    (tmp_path / "vault").rename(tmp_path / "away")
    plan_without = json.loads(path.read_text())
    for call in plan_without["calls"]:
        call["arguments"]["repository"] = vault
    path.write_text(json.dumps(plan_without))
    before = status()
    code, said = run("run", path)
    assert code == 2 and "failed at push [repository_missing]" in said, said
    assert (status()["state"], status()["code"]) == ("failed", "repository_missing")
    assert status()["proven_set"] == before["proven_set"]
    assert 'django_night_failed{site="notes",step="push",code="repository_missing"} 1' in Path(plan.metrics).read_text()
    assert run("check", plan.status)[0] == 1

    (tmp_path / "away").rename(tmp_path / "vault")
    code, said = run("run", path)
    assert code == 0, said
    assert status()["proven_set"] == status()["label"] != before["label"]
    assert run("check", plan.status, "36h")[0] == 0
    assert list((site.old / PREFIX).glob("*__incoming*")) == []
