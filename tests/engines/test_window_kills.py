# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kill -9 at every step of the window, of the process that waits for its calls and of the child that answers one.

The calls are those of a real move between two directories; they are made again as often as there are steps, without
Ansible. How the playbooks go on from a call that fails is in ``test_failing_steps``.

RELOCATE_STEPS=all kills at every step; otherwise a few are drawn, since each takes some seconds.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._standby import begin, place
from tests.engines.local_site import PREFIX, LocalSite
from tests.engines.traces import digest
from tests.tools.collection import COLLECTIONS
from tests.unit.fakes import ROOT_ONLY

pytestmark = ROOT_ONLY
UTILS = "ansible_collections/relocate/django/plugins/module_utils"
#: Keeps what the calls of the window are asked, and how both sides were before the first of them.
RECORD = """

_answer = answer


def answer(request):
    import os, shutil

    kept = {kept!r}
    arguments = json.loads(request.decode("utf-8")).get("arguments", {{}})
    if os.path.exists(kept + "/whole") or arguments.get("state") == "prepared":
        return _answer(request)
    steps = arguments.get("steps", [])
    if [step for step in steps if step["arguments"].get("state") == "frozen"]:
        for side in ("old", "new"):
            shutil.copytree({base!r} + "/" + side, kept + "/" + side, symlinks=True)
    if os.path.isdir(kept + "/old"):
        with open(kept + "/" + str(len(os.listdir(kept))) + ".json", "wb") as stream:
            stream.write(request)
    return _answer(request)
"""
#: Kills who works and who waits as soon as the step is done, before anybody is told.
KILL = """

_perform = perform


def perform(module, work_on, writes):
    import os, signal

    def work(module):
        result = work_on(module)
        with open({plan!r}) as stream:
            chosen = stream.read()
        if chosen and getattr(module, "name", "") == chosen:
            open({plan!r} + ".killed", "w").close()
            os.kill(os.getppid(), signal.SIGKILL)
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return _perform(module, work, writes)
"""


class Window:
    """The calls of a window, and both sides as they were before it."""

    def __init__(self, base: Path) -> None:
        self.base, self.kept, self.plan, self.killed = base, base / "kept", base / "plan", base / "plan.killed"
        self.kept.mkdir()
        self.plan.write_text("")
        self.collections = base / "collections"
        shutil.copytree(COLLECTIONS, self.collections, symlinks=True)
        self.add("_window.py", RECORD.format(kept=str(self.kept), base=str(base / "site")))
        self.add("_module.py", KILL.format(plan=str(self.plan)))
        self.site = LocalSite(base / "site", collections=self.collections)
        self.site.base.mkdir()
        self.site.make()
        self.site.manage("shell", "--command", "from notes.models import Note; Note.objects.create(text='a')")
        media = self.site.old / PREFIX / "media"
        media.mkdir()
        (media / "x.txt").write_text("x", encoding="utf-8")
        rc, said = self.site.play()
        assert rc == 0 and ": MOVED; proven: rows, content" in said, said
        (self.kept / "whole").touch()
        paths = sorted(self.kept.glob("*.json"), key=lambda path: int(path.stem))
        self.calls = [json.loads(path.read_text()) for path in paths]
        self.calls = self.calls[: 1 + max(number for number, call in enumerate(self.calls) if "started" in str(call))]
        self.truth = self.rows("old")
        self.modules = self.pack()

    def add(self, name: str, text: str) -> None:
        path = self.collections / UTILS / name
        path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")

    def pack(self) -> Path:
        """The modules as Ansible packs them."""
        path = self.base / "modules.zip"
        utils = self.collections / UTILS
        with zipfile.ZipFile(path, "w") as packed:
            for above in ("", "relocate/", "relocate/django/", "relocate/django/plugins/"):
                packed.writestr(f"ansible_collections/{above}__init__.py", "")
            for folder in [utils, *(item for item in utils.rglob("*") if item.is_dir() and item.name != "__pycache__")]:
                if not (folder / "__init__.py").exists():
                    packed.writestr(f"{folder.relative_to(self.collections)}/__init__.py", "")
            for file in utils.rglob("*.py"):
                packed.write(file, str(file.relative_to(self.collections)))
        return path

    def rows(self, side: str) -> list[Any]:
        """What both databases and MEDIA of a side hold; nothing where nothing is there yet."""
        repo = {"old": self.site.old, "new": self.site.new}[side]
        if not (repo / PREFIX / "db.sqlite3").exists() or not (repo / PREFIX / "db.sqlite3").stat().st_size:
            return []
        found: list[Any] = [self.site.rows(repo, "db.sqlite3", "select * from notes_note")]
        found.append(self.site.rows(repo, "legacy.sqlite3", "select * from invoice"))
        return [*found, (repo / PREFIX / "media" / "x.txt").read_text(encoding="utf-8")]

    def reset(self) -> None:
        for side in ("old", "new"):
            shutil.rmtree(self.site.base / side)
            shutil.copytree(self.kept / side, self.site.base / side, symlinks=True)

    def steps(self) -> list[str]:
        return [step["name"] for call in self.calls for step in call["arguments"]["steps"]]

    def make(self, run: str = "") -> list[str]:
        """Make the calls one after the other, as those of another run if one is named; the answers, until one fails."""
        answers: list[str] = []
        sha256 = ""
        for call in self.calls:
            text = json.dumps(call)
            first = call["arguments"]["steps"][0]["arguments"]
            text = re.sub(r'"manifest_sha256": "[0-9a-f]{64}"', f'"manifest_sha256": "{sha256}"', text)
            if run:
                text = text.replace(json.dumps(first["run"]), json.dumps(run))
                text = re.sub(r"\b(20\d{6}T\d{6}Z)(-[0-9a-f]{12})", r"20991231T235959Z\2", text)
            where = place.place_for(json.loads(text)["arguments"]["steps"])
            if not os.path.exists(where):
                assert begin.begin(where, first["directory"], first["site"], [])
            argv = ["sh", f"{where}/{place.CALL}"]
            done = subprocess.run(argv, input=text.encode(), capture_output=True, timeout=120, check=False)
            taken, _line, answer = done.stdout.decode().partition("\n")
            assert taken == place.TAKEN
            answers.append(answer)
            if not answer or json.loads(answer).get("failed"):
                break
            sha256 = sha256 or str(json.loads(answer)["returned"].get("backup", {}).get("manifest_sha256", ""))
        return answers

    def give_back(self) -> None:
        """Do what the rescue of the run does on both hosts: the site is free again."""
        for call in self.calls:
            first = call["arguments"]["steps"][0]["arguments"]
            place.remove(first["directory"], first["site"])
            Path(first["directory"], first["site"] + ".run").unlink(missing_ok=True)


@pytest.fixture(name="window", scope="module")
def _window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Window]:
    window = Window(tmp_path_factory.mktemp("window"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(begin, "__file__", f"{window.modules}/ansible_collections/relocate/django/begin.py")
        yield window
    window.give_back()


def chosen(steps: list[str]) -> list[str]:
    """Give the steps after which the processes are killed."""
    wanted = os.environ.get("RELOCATE_STEPS", "")
    if wanted == "all":
        return steps
    return random.Random(os.environ.get("RELOCATE_SEED", "window")).sample(steps, 2)


@pytest.mark.drawn(3, of="going on")
def test_every_step_is_followed_by_a_kill(window: Window) -> None:
    """Old's digest stays; what is live on new is nothing or all of it; the calls of another run then do the whole."""
    steps = window.steps()
    assert {"backup", "transfer", "restore", "migrate", "verify"} <= set(steps)
    assert len(window.calls) == 4
    # Who has started new has done the whole: the next run only retires old, as test_failing_steps shows.
    for step in chosen([step for step in dict.fromkeys(steps) if step != "start"]):
        window.reset()
        window.give_back()
        before = digest(window.site.old)
        window.plan.write_text(step)
        answers = window.make()
        assert answers[-1] == "" and window.killed.exists(), (step, answers)
        window.killed.unlink()
        window.plan.write_text("")
        assert digest(window.site.old) == before, step
        assert window.rows("new") in ([], window.truth), step
        time.sleep(0.2)
        window.give_back()
        answers = window.make("another run")
        assert len(answers) == 4 and not json.loads(answers[-1]).get("failed"), (step, answers[-1])
        assert window.rows("new") == window.truth and digest(window.site.old) == before, step
        print(step, "right", flush=True)
