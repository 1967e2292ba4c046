# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hooks run at their moments in playbooks with stubs for modules, and the examples do what they say."""

from __future__ import annotations

import http.server
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.relocate.django.plugins.plugin_utils import _hooks
from tests.playbooks.test_options_of_hosts import called, collection  # noqa: F401  # a fixture
from tests.tools import packed
from tests.unit import sources

EXAMPLES = sources.ROOT / "examples" / "hooks"
TASKS = sources.ROOT / "playbooks" / "tasks"
WRITES = """
- ansible.builtin.shell: cat >> {0}
  args:
    stdin: "{{{{ relocate_hook | combine({{'module': 'hook'}}) | to_json }}}}"
"""
#: Modules that their hosts run by themselves.
ALONE = """#!/usr/bin/python
# WANT_JSON
import json, sys
args = json.load(open(sys.argv[1]))
with open("ASKED", "a") as out:
    out.write(json.dumps({**args, "module": "MODULE"}) + chr(10))
print(json.dumps({"changed": args.get("label") == "newer", "label": "l1", "set": "x", "sets": []}))
"""
FAILS = "- ansible.builtin.command: /bin/false\n"


def hooks(base: Path, *failing: str) -> dict[str, str]:
    """Give a hook for each moment, which writes down what it knows, or fails after that."""
    (base / "hooks").mkdir(exist_ok=True)
    for moment in _hooks.MOMENTS:
        text = WRITES.format(base / "asked")
        (base / "hooks" / f"{moment}.yml").write_text(text + (FAILS if moment in failing else ""))
    return {f"relocate_{moment}": f"hooks/{moment}.yml" for moment in _hooks.MOMENTS}


def run(base: Path, playbook: str, given: dict[str, str], code: int = 0) -> list[dict[str, Any]]:
    """Give what modules and hooks were given; both hosts have the hooks."""
    hosts = {name: {**given, "relocate_directory": str(base / name)} for name in ("old1", "new1")}
    return called(base, playbook, hosts, code)


def moments(calls: list[dict[str, Any]]) -> list[str]:
    """Give hooks and states of the site's units in their order."""
    units = ("frozen", "held", "started", "retired", "thawed", "stopped")
    found = [call["moment"] if call["module"] == "hook" else call.get("state") for call in calls]
    return [word for word in found if word in (*units, *_hooks.MOMENTS)]


@pytest.mark.drawn(4, of="hooks of a move")
@pytest.mark.parametrize(
    ("failing", "code", "order"),
    [
        ("", 0, "before_freeze frozen before_cutover held started retired after_cutover"),
        ("before_freeze", 2, "before_freeze"),
        ("before_cutover", 2, "before_freeze frozen before_cutover thawed stopped after_put_back"),
        # New serves on, and old is retired: only the run has failed.
        ("after_cutover", 2, "before_freeze frozen before_cutover held started retired after_cutover"),
    ],
)
def test_a_move(collection: Path, failing: str, code: int, order: str) -> None:  # noqa: F811
    calls = run(collection, "move", hooks(collection, failing), code)
    assert moments(calls) == order.split()
    known = [call for call in calls if call["module"] == "hook"]
    assert {(call["host"], call["old"], call["site"], call["set"]) for call in known} == {
        ("new1", "old1", "site", "l1")
    }
    assert {call["failed"] != "" for call in known if call["moment"] == "after_put_back"} <= {True}


@pytest.mark.drawn(4, of="hooks of a move")
def test_a_backup(collection: Path) -> None:  # noqa: F811
    calls = run(collection, "backup", hooks(collection))
    told = [call["moment"] if call["module"] == "hook" else call["module"] for call in calls]
    assert told == ["before_backup", "backup", "after_backup"]
    assert (calls[-1]["set"], calls[-1]["manifest_sha256"], calls[0]["set"]) == ("l1", "0", "")


@pytest.mark.drawn(4, of="hooks of a move")
def test_a_hook_that_is_missing_is_refused_first(collection: Path) -> None:  # noqa: F811
    (collection / "asked").write_text("")
    given = hooks(collection)
    (collection / "hooks" / "after_cutover.yml").unlink()
    with pytest.raises(FileNotFoundError):  # no module was asked for anything
        run(collection, "move", given, 2)


@pytest.mark.drawn(4, of="hooks of a move")
@pytest.mark.parametrize("label", ["newer", "older"])  # the first is brought, the other one lay there
def test_a_clone_that_fails_leaves_no_copy_of_the_set(collection: Path, label: str) -> None:  # noqa: F811
    given: dict[str, Any] = {"relocate_site": "staging", "relocate_clone_of": "shop", "relocate_label": label}
    given["relocate_repository"] = {"type": "restic", "address": "/vault", "password_file": "/password"}
    for module in ("repository", "backup_info"):
        place = collection / "ansible_collections" / "relocate" / "django" / "plugins" / "modules" / f"{module}.py"
        place.unlink()
        place.write_text(ALONE.replace("ASKED", str(collection / "asked")).replace("MODULE", module))
    calls = run(collection, "clone", given, 2)  # no set is found
    assert [call["module"] for call in calls][:4] == ["sanitise", "repository", "sanitise", "backup_info"]
    [found] = [call for call in calls if call["module"] == "backup_info"]
    assert (found["site"], found["label"]) == ("staging", label)
    assert not found["repository"], "which knows nothing of a site of that name"
    removed = [(call["site"], call["label"]) for call in calls if call["module"] == "backup"]
    assert removed == [("staging", "l1"), ("shop", "l1")][: 2 if label == "newer" else 1]


#: Which of the playbooks for users runs a file of tasks; the way back of each is its own.
OF = {
    "backup_site.yml": {"backup"},
    "upgrade_prepare.yml": {"upgrade"},
    "upgrade_or_back.yml": {"upgrade"},
    "upgrade_window.yml": {"upgrade"},
    "upgrade_back.yml": {"upgrade", "rollback"},
    "move_site.yml": {"move"},
    "freeze_to_cutover.yml": {"move"},
    "after_cutover.yml": {"move"},
    "put_back.yml": {"move"},
    "put_back_lost.yml": {"move"},
    "undo_site.yml": {"undo"},
    "undo_lost.yml": {"undo"},
    "convert_site.yml": {"convert"},
    "convert_databases.yml": {"convert"},
    "convert_back.yml": {"convert"},
    "restore_set.yml": {"restore"},
    "restore_databases.yml": {"restore", "clone"},
    "clone_site.yml": {"clone"},
}


def test_the_table_says_which_playbook_runs_what() -> None:
    run: dict[str, set[str]] = {moment: set() for moment in _hooks.MOMENTS}
    for path in TASKS.glob("*.yml"):
        for moment in re.findall(r"relocate_moment: (\w+)", path.read_text()):
            run[moment] |= OF[path.name]
    rows = re.findall(r"(?m)^\| `relocate_(\w+)` \| ([^|]+) \|", (sources.ROOT / "docs" / "hooks.md").read_text())
    assert {moment: set(re.findall(r"`(\w+)`", named)) for moment, named in rows} == run


class _Told(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.told.append((self.path, json.loads(body)))  # type: ignore[attr-defined]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_arguments: Any) -> None:
        """Keep quiet."""


@pytest.fixture
def webhook() -> Iterator[http.server.HTTPServer]:
    """A server that keeps what it is sent."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Told)
    server.told = []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_the_examples_do_what_they_say(tmp_path: Path, webhook: http.server.HTTPServer) -> None:
    names = {path.stem for path in EXAMPLES.glob("*.yml")}
    assert names == set(_hooks.MOMENTS)
    for name in ("manage.py", "point"):
        (tmp_path / name).write_text(f"#!/bin/sh\necho {name} $* >> {tmp_path}/log\n")
        (tmp_path / name).chmod(0o755)
    address = f"http://127.0.0.1:{webhook.server_address[1]}"
    given = {f"relocate_{moment}": str(EXAMPLES / f"{moment}.yml") for moment in _hooks.MOMENTS}
    given.update(relocate_become=False, relocate_site="shop", relocate_path=str(tmp_path), hook_python="/bin/sh")
    given.update(hook_owner="root", hook_digests=str(tmp_path / "digests"), hook_may_be_restored=["new1"])
    given.update(hook_webhook=address, hook_cache=address, hook_point_address=str(tmp_path / "point"))
    given.update(ansible_connection="local", ansible_python_interpreter=sys.executable)
    known = {"old": "old1", "set": "l1", "manifest_sha256": "d1"}
    run = {"ansible.builtin.include_tasks": str(TASKS / "hook.yml"), "loop": list(_hooks.MOMENTS)}
    run.update(loop_control={"loop_var": "relocate_moment"}, vars={"relocate_known": known})
    refused = {"ansible.builtin.include_tasks": str(TASKS / "hook.yml")}
    refused["vars"] = {"relocate_moment": "before_restore", "hook_may_be_restored": []}
    play = {"hosts": "new1", "gather_facts": False, "roles": ["relocate.django.common"]}
    play["tasks"] = [{"relocate.django.inventory": {}}, run, refused]
    (tmp_path / "play.yml").write_text(json.dumps([play]))
    (tmp_path / "inventory.yml").write_text(yaml.safe_dump({"new": {"hosts": {"new1": given}}}))
    program = Path(sys.executable).parent / "ansible-playbook"
    environment = {**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_CONFIG": str(packed.SETTINGS)}
    argv = [str(program), "-i", "inventory.yml", "play.yml"]
    done = subprocess.run(argv, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "new1 is not among hook_may_be_restored" in done.stdout, done.stdout
    assert done.stdout.count("failed=1") == 1
    assert (tmp_path / "log").read_text().splitlines() == ["manage.py clearsessions", "point new1", "point old1"]
    assert (tmp_path / "digests").read_text() == "new1 shop l1 d1\n"
    told = webhook.told  # type: ignore[attr-defined]
    assert told == [("/", {"text": "shop stops on old1 now"}), ("/purge", {"site": "shop"})]
