# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever call of a module fails, old is as before, and the same command goes on from there.

RELOCATE_STEPS=all tries every call in every way, which takes about an hour; RELOCATE_STEPS=20,21 those calls in every
way; otherwise a few are drawn.
"""

from __future__ import annotations

import json
import os
import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.engines.local_site import PREFIX, LocalSite
from tests.tools.collection import COLLECTIONS

#: Wraps what does the work of each module, and of each step of several in one call: the one that the plan names fails.
WRAP = '''

_perform = perform


def perform(module, work_on, writes):
    """Do as ever, but for the call that the test has chosen."""
    import json, os, signal

    plan = json.load(open({plan!r}))
    kind = module.params.get("state") or ("unused" if module.params.get("unused") else "")
    name = getattr(module, "_name", "") or ("step " + module.name if hasattr(module, "name") else "batch")
    with open({calls!r}, "a") as stream:
        stream.write(name + " " + str(kind) + chr(10))
    with open({calls!r}) as stream:
        chosen = len(stream.readlines()) == plan["at"]

    def work(module):
        if chosen and plan["how"] == "not begun":
            raise RelocateError("program_failed", "failed on purpose", "run again")
        result = work_on(module)
        if chosen and plan["how"] == "used":
            import sqlite3

            with sqlite3.connect(plan["database"]) as session:
                session.execute("insert into notes_note (text) values ('of the start')")
        if chosen and plan["how"] == "controller killed":
            for path in (path for path in os.listdir("/proc") if path.isdigit()):
                try:
                    words = open("/proc/" + path + "/cmdline").read()
                except OSError:
                    continue
                if "ansible-playbook" in words and {inventory!r} in words:
                    os.kill(int(path), signal.SIGKILL)
            return result
        if chosen and plan["how"] == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if chosen:
            raise RelocateError("program_failed", "failed on purpose", "run again")
        return result

    return _perform(module, work, writes)
'''
#: How the step that starts new is noted.
STARTED = "step start started"
#: Before its work began; after it was done, as if it had failed then; killed before it could answer.
WAYS = ("not begun", "done", "killed")


class Bench:
    """A site of two directories, moved by a copy of the collection that fails where it is told to."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.collections = base / "collections"
        shutil.copytree(COLLECTIONS, self.collections, symlinks=True)
        module = self.collections / "ansible_collections/relocate/django/plugins/module_utils/_module.py"
        places = {
            "inventory": str(base / "site" / "inventory.json"),
            "plan": str(base / "plan.json"),
            "calls": str(base / "calls"),
        }
        module.write_text(module.read_text(encoding="utf-8") + WRAP.format(**places), encoding="utf-8")
        # Beside new, so that it is built once: only a move that fails while it is made needs it made again.
        self.environment = base / "environments" / "notes"
        self.environment.parent.mkdir()
        variables = {"relocate_environment_path": str(self.environment)}
        self.site = LocalSite(base / "site", variables, collections=self.collections)
        self.site.base.mkdir()
        self.site.make()
        self.site.manage("shell", "--command", "from notes.models import Note; Note.objects.create(text='a')")
        media = self.site.old / PREFIX / "media"
        media.mkdir()
        (media / "x.txt").write_text("x", encoding="utf-8")
        self.truth = self.state(self.site.old)

    def state(self, side: Path) -> list[Any]:
        """What a side holds: rows of both databases, MEDIA."""
        rows = [self.site.rows(side, "db.sqlite3", "select * from notes_note")]
        rows.append(self.site.rows(side, "legacy.sqlite3", "select * from invoice"))
        return [*rows, (side / PREFIX / "media" / "x.txt").read_text(encoding="utf-8")]

    def move(self, at: int = 0, how: str = "", **variables: Any) -> tuple[int, str, list[str]]:
        """Run the move, where the call with this number fails; gives its exit code, what it printed, and its calls."""
        plan = {"at": at, "how": how, "database": str(self.site.new / PREFIX / "db.sqlite3")}
        (self.base / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
        (self.base / "calls").write_text("", encoding="utf-8")
        rc, said = self.site.play(**variables)
        return rc, said, (self.base / "calls").read_text(encoding="utf-8").splitlines()

    def forget(self, failing: str = "") -> None:
        """Remove what new has, and what we keep on old; and the environment, when the call that makes it will fail."""
        made = [self.environment] if "checkout" in failing else []
        for place in (self.site.base / "new", self.site.base / "old" / "work", *made):
            shutil.rmtree(place, ignore_errors=True)


def attempts(calls: int) -> list[tuple[int, str]]:
    """Give which call fails in which way."""
    whole = [(at, how) for how in WAYS for at in range(1, calls + 1)]
    wanted = os.environ.get("RELOCATE_STEPS", "")
    if wanted == "all":
        return whole
    if wanted:
        return [(at, how) for at, how in whole if str(at) in wanted.split(",")]
    return random.Random(os.environ.get("RELOCATE_SEED", "steps")).sample(whole, 1)


@pytest.mark.drawn(3, of="going on")
def test_the_same_command_goes_on_from_every_call(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    rc, said, calls = bench.move()
    assert rc == 0 and bench.state(bench.site.new) == bench.truth, said
    assert len(calls) > 15
    wrong = []
    for at, how in attempts(len(calls)):
        bench.forget(calls[at - 1])
        rc, failed, _calls = bench.move(at, how)
        before = bench.state(bench.site.old)
        again, said, _calls = bench.move()
        # After the cutover new serves: what is left is old's to do, and nothing is moved twice.
        served = STARTED in calls[: at - 1]
        told, then = (": MOVED", ": was moved before") if served else (": FAILED", ": MOVED; proven: rows, content")
        right = (
            (rc, again) == (2, 0)
            and told in failed
            and then in said
            and before == bench.truth == bench.state(bench.site.old)
            and bench.state(bench.site.new) == bench.truth
        )
        print(calls[at - 1], how, "right" if right else "WRONG", flush=True)
        if not right:
            wrong.append((at, calls[at - 1], how, rc, failed, again, said))
    assert wrong == []


def a_minute_later(bench: Bench) -> None:
    """Let a minute pass for the runs that have a site: a run that is lost keeps it for that long."""
    for path in bench.site.base.glob("*/work/notes.run"):
        held = json.loads(path.read_text())
        path.write_text(json.dumps({**held, "seen": held["seen"] - 61}))


@pytest.mark.skipif("RELOCATE_STEPS" not in os.environ, reason="five moves, which take minutes: set RELOCATE_STEPS")
def test_the_same_command_goes_on_from_a_controller_that_was_killed(tmp_path: Path) -> None:
    """In the midst of the dump, then of the restore; the module goes on alone, and no rescue is run."""
    bench = Bench(tmp_path)
    rc, said, calls = bench.move()
    assert rc == 0, said
    for step in ("step backup ", "step restore "):
        bench.forget()
        at = max(number for number, call in enumerate(calls, 1) if call.startswith(step))
        rc, said, _calls = bench.move(at, "controller killed")
        assert rc == -9 and "PLAY RECAP" not in said, said
        assert bench.state(bench.site.old) == bench.truth
        a_minute_later(bench)
        rc, said, _calls = bench.move()
        assert rc == 0 and ": MOVED; proven: rows, content" in said, said
        assert bench.state(bench.site.old) == bench.truth == bench.state(bench.site.new)


@pytest.mark.drawn(3, of="going on")
def test_what_new_took_in_is_kept(tmp_path: Path) -> None:
    """Let the start fail, once with a row that new took in: that is not replaced without a word."""
    bench = Bench(tmp_path)
    rc, said, calls = bench.move()
    assert rc == 0, said
    bench.forget()
    at = 1 + calls.index(STARTED)
    rc, failed, made = bench.move(at, "used")
    assert rc == 2 and any(call.endswith("verify unused") for call in made), failed
    words = " ".join(failed.split())
    assert "new was started, and differs from what it got: database default: " in words
    assert "notes_note" in words and "run the same command again with relocate_replace: true" in words
    assert bench.state(bench.site.old) == bench.truth
    taken = bench.state(bench.site.new)
    assert taken != bench.truth
    rc, refused, _calls = bench.move()
    assert rc == 2 and "took in since" in " ".join(refused.split()) and "relocate_replace" in refused
    assert bench.state(bench.site.new) == taken
    rc, said, _calls = bench.move(relocate_replace=True)
    assert rc == 0 and bench.state(bench.site.new) == bench.truth, said
    [kept] = (bench.site.new / PREFIX).glob("db.sqlite3*previous*")
    assert "of the start" in str(bench.site.rows(bench.site.new, kept.name, "select * from notes_note"))
