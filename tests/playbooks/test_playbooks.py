# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way back of a move, and undo: the real playbooks on hosts that are directories, where a stub does the services.

The stub writes down what it is asked for. A file ``fail-STATE`` in a host's directory makes it fail there; ``cut``
holds the connection by which the host is reached.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.tools import packed
from tests.unit import sources
from tests.unit.fakes import ROOT_ONLY
from tests.unit.records import given

#: Each test is a run of a playbook whose modules only say what they were asked.
pytestmark = pytest.mark.drawn(2, of="playbooks without modules")

#: What brings the other modules to their hosts: it runs the stub of each.
CARRIER = """#!/usr/bin/python
# WANT_JSON
import json, subprocess, sys
args = json.load(open(sys.argv[1]))
mode = {name: value for name, value in args.items() if name.startswith("_ansible")}
[step] = args["steps"]
with open(sys.argv[1] + ".step", "w") as out:
    json.dump({**step["arguments"], **mode}, out)
stub = "STUBS/" + step["module"] + ".py"
found = json.loads(subprocess.check_output([sys.executable, stub, sys.argv[1] + ".step"]))
print(json.dumps(found if found.get("failed") else {"returned": {step["name"]: found}}))
"""
STUB = """#!/usr/bin/python
# WANT_JSON
import json, os, sys
args = json.load(open(sys.argv[1]))
host, state, check = os.path.basename(args["directory"]), args["state"], bool(args.get("_ansible_check_mode"))
here = args["directory"]
kept = bool(args.get("retired")) or not os.path.exists(here + "/rests")
with open(os.path.dirname(here) + "/log", "a") as out:
    words = [host, state] + (["check"] if check else []) + (["retired"] if args.get("retired") else [])
    out.write(" ".join(words + ["run" if args.get("run") else "no-run"]) + "\\n")
if os.path.exists(here + "/fail-" + state) and not check:
    print(json.dumps({"failed": True, "msg": "[unit_failed] no " + state + " on " + host, "code": "unit_failed"}))
else:
    unit = {"name": "web.service", "active": True, "was_active": True, "was_enabled": True}
    print(json.dumps({"changed": not check, "units": [unit], "frozen": not kept, "label": "l1"}))
"""
#: What other modules are asked for goes into a log of their own.
OTHER = """#!/usr/bin/python
# WANT_JSON
import json, os, sys
args = json.load(open(sys.argv[1]))
host, name = os.path.basename(args["directory"]), "MODULE"
with open(os.path.dirname(args["directory"]) + "/others", "a") as out:
    words = [name, host, args.get("state", ""), args.get("label", ""), "release" if args.get("release") else ""]
    out.write(" ".join(word for word in words if word) + "\\n")
failed = os.path.exists(args["directory"] + "/fail-" + name)
print(json.dumps({"changed": True, "failed": failed, "msg": "[x] no " + name, "code": "CODE"}))
"""
ANSWERING = """#!/usr/bin/python
# WANT_JSON
import json
print(json.dumps(ANSWER))
"""
QUIET = "- ansible.builtin.debug:\n    msg: nothing\n"
PUT_BACK = """
- hosts: new
  gather_facts: false
  roles: [relocate.django.common]
  tasks:
    - ansible.builtin.set_fact:
        relocate_run: a run
        relocate_attempt:
          {run: a run, phase: "{{ starting | ternary('starting', 'frozen') }}", begun: 1, label: "",
           frozen_at: "{{ frozen_at | default(5) }}",
           outcome: {failed: true, code: "{{ code }}", msg: it failed, task: here}}
        preflight_result: {done: false, old_path: /srv/shop}
        backup_result: {label: "{{ label | default('') }}", manifest_sha256: d}
    - ansible.builtin.include_tasks: "{{ tasks }}/put_back.yml"
    - ansible.builtin.include_tasks: "{{ tasks }}/report_site.yml"
    - relocate.django.report:
        state: ended
    - ansible.builtin.debug:
        msg: the next site
"""


LOST = """
- hosts: new
  gather_facts: false
  tasks:
    - ansible.builtin.set_fact:
        relocate_attempt:
          frozen:
            {old: old1, site: shop, run: "a run", label: "{{ label }}", path: /srv/shop,
             directory: "{{ hostvars.old1.relocate_directory }}"}
- hosts: old
  gather_facts: false
  tasks:
    - ansible.builtin.include_tasks: "{{ tasks }}/put_back_lost.yml"
      loop: [new1, new1]
      loop_control:
        loop_var: relocate_lost
"""


@dataclass
class Stage:
    """Two hosts in one directory, and the collection with stubs."""

    path: Path

    def prepare(self, *names: str) -> None:
        """Make things go wrong: HOST/fail-STATE, or HOST/rests."""
        for name in names:
            (self.path / name).write_text("")

    def run(self, playbook: str, **variables: Any) -> tuple[int, str, list[str]]:
        """Exit code, output, and what the stub was asked for."""
        host = "ansible_port=1 ansible_host=127.0.0.1 relocate_directory={0}/{1} ansible_python_interpreter={2}"
        cut = " ansible_connection=\"{{ lookup('ansible.builtin.file', '%s') }}\""
        lines = []
        for name in ("old", "new"):
            lines += [
                f"[{name}]",
                f"{name}1 {host.format(self.path, name, sys.executable)}{cut % (self.path / name / 'cut')}",
            ]
        (self.path / "inventory").write_text("\n".join([*lines, ""]))
        given = {"relocate_become": False, "relocate_services": ["web"], "relocate_reports": str(self.path / "reports")}
        given["relocate_transfer_login"] = "root"
        argv = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", str(self.path / "inventory"), playbook]
        argv += ["-e", json.dumps({**given, **variables})]
        environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(self.path), "ANSIBLE_NOCOLOR": "1"}
        environment.update(ANSIBLE_HOME=str(self.path / "home"), ANSIBLE_LOCALHOST_WARNING="0")
        environment.update(ANSIBLE_CONFIG=str(packed.SETTINGS))
        done = subprocess.run(argv, cwd=self.path, env=environment, capture_output=True, text=True, check=False)
        log = self.path / "log"
        return done.returncode, done.stdout + done.stderr, log.read_text().splitlines() if log.exists() else []

    def others(self) -> list[str]:
        """What the other modules were asked for."""
        log = self.path / "others"
        return log.read_text().splitlines() if log.exists() else []

    def report(self) -> dict[str, Any]:
        """The report that was written."""
        found: dict[str, Any] = json.loads(next((self.path / "reports").glob("*.json")).read_text())
        return found


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """The collection as it is, but for what would reach a host."""
    ours = tmp_path / "ansible_collections" / "relocate" / "django"
    for name in ("meta", "playbooks", "roles", "plugins"):
        (ours / name).mkdir(parents=True)
    for name in (
        "meta/runtime.yml",
        "galaxy.yml",
        "playbooks",
        "plugins/action",
        "plugins/plugin_utils",
        "plugins/lookup",
    ):
        target = ours / name
        if target.is_dir():
            target.rmdir()
        target.symlink_to(sources.ROOT / name)
    for role in sources.roles():
        (ours / "roles" / role.name).symlink_to(role)
    (ours / "roles" / "transfer").unlink()
    (ours / "roles" / "transfer" / "tasks").mkdir(parents=True)
    (ours / "roles" / "transfer" / "tasks" / "close.yml").write_text(QUIET)
    stubs = tmp_path / "stubs"
    stubs.mkdir()
    (stubs / "services.py").write_text(STUB)
    for name in ("backup", "backup_info", "preflight", "transfer", "verify"):
        code = "locked" if name == "backup_info" else "x"
        (stubs / f"{name}.py").write_text(OTHER.replace("MODULE", name).replace("CODE", code))
    (ours / "plugins" / "modules").mkdir()
    for path in sources.modules():
        if path.stem != "batch":
            (ours / "plugins" / "modules" / path.name).symlink_to(path)
    (ours / "plugins" / "modules" / "batch.py").write_text(CARRIER.replace("STUBS", str(stubs)))
    for name in ("module_utils", "doc_fragments"):
        (ours / "plugins" / name).symlink_to(sources.ROOT / "plugins" / name)
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "cut").write_text("ansible.builtin.local")
    (tmp_path / "put_back.yml").write_text(PUT_BACK)
    return Stage(tmp_path)


OLD, NEW = "old thawed run", "new stopped run"
SET = "20261120T193000Z-1a2b3c4d5e6f"


@pytest.mark.drawn(3)
@pytest.mark.parametrize(
    ("starting", "wrong", "asked", "headline"),
    [
        (False, (), [OLD, NEW], "FAILED; the old site serves again (web.service)\n"),
        (True, (), [NEW, OLD], "FAILED; the old site serves again (web.service)\n"),
        (False, ("old/fail-thawed",), [OLD, NEW], "FAILED; CHECK THE OLD SITE"),
        (
            False,
            ("new/fail-stopped",),
            [OLD, NEW],
            "FAILED; the old site serves again (web.service), but CHECK BOTH HOSTS",
        ),
        # Two sites that write are worse than none.
        (True, ("new/fail-stopped",), [NEW], "FAILED; CHECK BOTH HOSTS"),
        (True, ("old/fail-thawed",), [NEW, OLD], "FAILED; CHECK BOTH HOSTS"),
        (False, ("old/rests",), [OLD, NEW], "FAILED; the old site is retired, as it was before"),
    ],
)
def test_put_back(stage: Stage, starting: bool, wrong: tuple[str, ...], asked: list[str], headline: str) -> None:
    stage.prepare(*wrong)
    tasks = str(sources.ROOT / "playbooks" / "tasks")
    rc, output, log = stage.run("put_back.yml", starting=starting, code="unit_failed", tasks=tasks)
    assert rc == 0, output[-3000:]
    assert log == asked
    assert headline in output + "\n"
    assert "the next site" in output
    assert stage.report()["status"] == "failed"


@ROOT_ONLY
def test_a_controller_without_room_for_a_report(stage: Stage) -> None:
    """What became of the site is said, old is put back, and no half report is left."""
    small = stage.path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "small", str(small)], check=True)
    try:
        (small / "ballast").write_bytes(b"x" * 4096)
        more = {"starting": False, "code": "unit_failed", "relocate_reports": str(small)}
        rc, output, log = stage.run("put_back.yml", tasks=str(sources.ROOT / "playbooks" / "tasks"), **more)
        assert [path.name for path in small.iterdir()] == ["ballast"]
    finally:
        subprocess.run(["umount", "--lazy", str(small)], check=True)
    assert (rc, log) == (0, [OLD, NEW]), output[-3000:]
    assert "FAILED; the old site serves again (web.service)\n" in output and "the next site" in output
    said = f"NO REPORT WAS WRITTEN: {small}: No space left on device. Next: free space there, or set relocate_reports"
    assert said in output


def test_nobody_becomes_root(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sudo asks for a password that it does not get: nothing is asked of a host, and the run says who refused."""
    monkeypatch.setenv("ANSIBLE_BECOME_ALLOW_SAME_USER", "1")
    sudo = stage.path / "sudo"
    sudo.write_text("#!/bin/sh\necho 'sudo: a password is required' >&2\nexit 1\n")
    sudo.chmod(0o755)
    (stage.path / "put_back.yml").unlink()  # else it is taken for the tasks of that name
    more = {"relocate_become": True, "ansible_become_exe": str(sudo), "ansible_become_method": "sudo"}
    rc, output, log = stage.run("relocate.django.move", relocate_path="/srv/shop", **more)
    assert rc != 0 and log == [] and stage.others() == [], output[-3000:]
    assert "sudo: a password is required" in output
    last = " ".join(output.rpartition("NO MORE HOSTS LEFT")[2].split()) or output
    assert "FAILED before the freeze; the old site was not stopped" in output
    assert "next: fix the cause, then run the same command again: ansible-playbook relocate.django.move" in last


@pytest.mark.parametrize("unseen", [False, True])
def test_new_is_compared_with_its_set_before_that_is_removed(stage: Stage, unseen: bool) -> None:
    """Once old serves. What cannot be compared may have taken data in."""
    stage.prepare(*(["new/fail-verify"] if unseen else []))
    tasks = str(sources.ROOT / "playbooks" / "tasks")
    rc, output, log = stage.run("put_back.yml", starting=True, code="unit_failed", tasks=tasks, label=SET)
    assert (rc, log) == (0, [NEW, OLD]), output[-3000:]
    assert stage.others()[:2] == ["verify new", f"backup new absent {SET} release"]
    assert stage.report()["taken_in"] == (["what is there was not compared: [x] no verify"] if unseen else [])
    assert (
        "run the same command again with relocate_replace: true, which keeps what new took in aside: ansible-" in output
    ) is unseen
    assert "the old site serves again (web.service)" in output and "CHECK" not in output


@pytest.mark.parametrize(("starting", "wrong"), [(False, ""), (True, "new/fail-stopped"), (True, "old/fail-thawed")])
def test_new_is_not_compared_where_it_was_not_started_or_old_does_not_serve(
    stage: Stage, starting: bool, wrong: str
) -> None:
    stage.prepare(*([wrong] if wrong else []))
    tasks = str(sources.ROOT / "playbooks" / "tasks")
    rc, output, _log = stage.run("put_back.yml", starting=starting, code="unit_failed", tasks=tasks, label=SET)
    assert rc == 0 and "verify" not in " ".join(stage.others()), output[-3000:]


def test_an_old_host_that_is_lost_does_not_end_the_run(stage: Stage) -> None:
    (stage.path / "old" / "cut").write_text("ansible.builtin.ssh")
    tasks = str(sources.ROOT / "playbooks" / "tasks")
    rc, output, log = stage.run("put_back.yml", starting=False, code="x", tasks=tasks)
    assert (rc, log) == (0, ["new stopped run"]), output[-3000:]
    assert "CHECK THE OLD SITE" in output
    assert "[host_unreachable] old1" in stage.report()["put_back"]
    assert "the next site" in output


@pytest.mark.parametrize("stays", [False, True])
def test_a_set_that_stays_keeps_no_other_site_from_being_put_back(stage: Stage, stays: bool) -> None:
    (stage.path / "lost.yml").write_text(LOST)
    stage.prepare(*(["old/fail-backup"] if stays else []))
    rc, output, log = stage.run("lost.yml", tasks=str(sources.ROOT / "playbooks" / "tasks"), label=SET)
    assert (rc, log) == (0, ["old thawed run"] * 2), output[-3000:]
    assert stage.others() == [f"backup old absent {SET} release"] * 2
    assert output.count("the old site serves again (web.service)") == 2
    assert (f"The set {SET} of this attempt" in output) is stays


def test_an_old_host_that_is_lost_before_the_freeze_does_not_end_the_run(stage: Stage) -> None:
    (stage.path / "old" / "cut").write_text("ansible.builtin.ssh")
    tasks = str(sources.ROOT / "playbooks" / "tasks")
    more = {"starting": False, "code": "x", "tasks": tasks, "label": SET, "frozen_at": 0}
    rc, output, _log = stage.run("put_back.yml", **more)
    assert rc == 0, output[-3000:]
    assert stage.others() == [f"backup new absent {SET} release"]
    assert f"is still there: {SET}: [host_unreachable] old1 cannot be reached" in output
    assert "the next site" in output


@pytest.mark.drawn(3)
@pytest.mark.parametrize(
    ("wrong", "code", "removed"),
    [
        ((), "load_failed", ["new", "old"]),
        (("old/fail-backup",), "load_failed", ["new", "old"]),
        (("old/fail-thawed",), "load_failed", []),  # nothing serves: the set may be the last word
        (("new/fail-stopped",), "load_failed", []),
        ((), "locked", []),
    ],
)
def test_the_set_of_a_failed_attempt_is_removed(
    stage: Stage, wrong: tuple[str, ...], code: str, removed: list[str]
) -> None:
    stage.prepare(*wrong)
    tasks = str(sources.ROOT / "playbooks" / "tasks")
    rc, output, _log = stage.run("put_back.yml", starting=False, code=code, tasks=tasks, label=SET)
    assert rc == 0, output[-3000:]
    assert stage.others() == [f"backup {host} absent {SET} release" for host in removed]
    left = f"the set of this attempt, which holds passwords, is still there: {SET}: [x] no backup"
    assert (left in output) is ("old/fail-backup" in wrong)


@pytest.mark.parametrize("code", ["locked", "set_not_found"])
def test_a_restore_that_fails_gives_the_site_back_at_once(stage: Stage, code: str) -> None:
    stage.prepare("new/fail-backup_info")
    module = stage.path / "stubs/backup_info.py"
    module.write_text(module.read_text().replace("locked", code))
    rc, output, _log = stage.run("relocate.django.restore")
    assert rc != 0
    assert "[x] no backup_info" in output
    assert stage.others()[1:] == ([] if code == "locked" else ["transfer new absent release"])


def test_a_restore_is_refused_in_words(stage: Stage) -> None:
    """What the rescue says, in full and once, is what is in the way, not that one item of a loop failed."""
    modules = stage.path / "stubs"
    held = {"sets": [{"label": SET}]}
    (modules / "backup_info.py").write_text(ANSWERING.replace("ANSWER", repr(held)))
    obstacles = [{"code": f"code_{name}", "msg": f"{name} runs", "hint": f"stop {name}"} for name in ("a", "b")]
    obstacles[0]["msg"] += "\x1b[2J\u202e"
    answer = {"past": given().told(), "info": {"host": {"name": "new"}}, "obstacles": obstacles}
    (modules / "preflight.py").write_text(ANSWERING.replace("ANSWER", repr(answer)))
    rc, output, _log = stage.run("relocate.django.restore")
    assert rc != 0
    for number, name, strange in ((1, "a", "\\x1b[2J\\u202e"), (2, "b", "")):
        text = f"{number}. [code_{name}] on : {name} runs{strange}\n     Next: stop {name}\n"
        assert output.count(text) == output.count(f"stop {name}") == 1, output[-3000:]
    assert (
        "next: fix the cause, then run the same command again: ansible-playbook relocate.django.restore -i " in output
    )
    assert "\x1b" not in output and "\u202e" not in output
    assert stage.others() == ["transfer new absent release"]


SCAN = """#!/usr/bin/python
# WANT_JSON
import json, sys
args = json.load(open(sys.argv[1]))
print(json.dumps({"current": "sqlite", "needed": args["engine"] != "sqlite", "findings": []}))
"""


@pytest.mark.parametrize(("default", "frozen"), [("postgresql", True), ("sqlite", False)])
def test_a_database_is_converted_whatever_engine_another_one_has(stage: Stage, default: str, frozen: bool) -> None:
    """Here another database has, and keeps, the engine that the first one is to lose."""
    modules = stage.path / "stubs"
    (modules / "conversion_scan.py").write_text(SCAN)
    (modules / "preflight.py").write_text(ANSWERING.replace("ANSWER", repr({"past": given().told()})))
    (modules / "files.py").write_text(ANSWERING.replace("ANSWER", "{}"))
    stage.prepare("new/fail-frozen")
    wishes = {"relocate_engines": {"default": default, "logs": "sqlite"}, "relocate_path": "/srv/shop"}
    rc, output, log = stage.run("relocate.django.convert", relocate_env_overrides={".env": {"A": "b"}}, **wishes)
    assert (rc != 0, "new frozen run" in log) == (frozen, frozen), output[-3000:]


def test_a_backup_that_fails_gives_the_site_back_at_once(stage: Stage) -> None:
    stage.prepare("old/fail-backup")
    rc, output, _log = stage.run("relocate.django.backup", relocate_path="/srv/shop")
    assert rc != 0
    assert "[x] no backup" in output
    assert stage.others() == ["backup old present release", "transfer old absent release"]


ASKED = ["new stopped check run", "old thawed check retired run"]
UNDONE = [*ASKED, "new stopped run", "old thawed retired run"]


def test_undo_asks_both_hosts_first(stage: Stage) -> None:
    rc, output, log = stage.run("relocate.django.undo")
    assert (rc, log) == (0, UNDONE), output[-3000:]


def test_undo_that_cannot_reach_old_stops_nothing(stage: Stage) -> None:
    (stage.path / "old" / "cut").write_text("ansible.builtin.ssh")
    rc, output, log = stage.run("relocate.django.undo")
    assert (rc != 0, log) == (True, ASKED[:1]), output[-3000:]
    assert "[host_unreachable] old1 cannot be reached" in output


@pytest.mark.parametrize("wrong", ["old/fail-thawed", "new/fail-stopped"])
def test_undo_lets_new_serve_on_when_old_does_not_come_up(stage: Stage, wrong: str) -> None:
    stage.prepare(wrong)
    rc, output, log = stage.run("relocate.django.undo", relocate_sites=[{"name": "a"}, {"name": "b"}])
    assert rc != 0
    attempt = UNDONE if wrong == "old/fail-thawed" else UNDONE[:3]
    assert log == [*attempt, "new started run"] * 2, output[-3000:]
    assert "the site serves on new1 again" in output


def test_a_hook_that_fails_once_old_serves_again_undoes_nothing(stage: Stage) -> None:
    (stage.path / "hook.yml").write_text("- ansible.builtin.command: /bin/false\n")
    rc, output, log = stage.run("relocate.django.undo", relocate_after_put_back=str(stage.path / "hook.yml"))
    assert (rc != 0, log) == (True, UNDONE), output[-3000:]
    assert "the site serves, but a hook failed" in output and "on old1 again" in output, output[-3000:]


def test_undo_says_so_when_neither_serves(stage: Stage) -> None:
    stage.prepare("old/fail-thawed", "new/fail-started")
    rc, output, _log = stage.run("relocate.django.undo")
    assert rc != 0
    assert "CHECK BOTH HOSTS: [unit_failed] no started on new" in output


@pytest.mark.parametrize("gone", [False, True])
def test_undo_without_new(stage: Stage, gone: bool) -> None:
    (stage.path / "new" / "cut").write_text("ansible.builtin.ssh")
    more = {"relocate_new_is_gone": True} if gone else {}
    _rc, output, log = stage.run("relocate.django.undo", relocate_sites=[{"name": "a"}, {"name": "b"}], **more)
    assert log == (["old thawed retired run"] * 2 if gone else []), output[-3000:]
    assert gone or "[host_unreachable] new1 cannot be reached" in output
