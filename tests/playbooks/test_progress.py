# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What people see of a task that takes long: by the default callback, with many forks, and in a log file."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.tools import packed
from tests.unit import sources

HERE = Path(sys.executable).parent
OLDEST = sources.ROOT / "build" / "venv-2.18" / "bin"

#: A host whose Python works for as long as it is told, says so like a module of ours, and lies about its names.
PYTHON = """#!{python}
import json, os, sys, time
token, seconds = os.environ.get("RELOCATE_PROGRESS", ""), float(os.environ["SECONDS"])
place, began = {work!r} + "/progress", time.monotonic()
with open({seen!r}, "a") as seen:
    seen.write("{{}} {{}}\\n".format(seconds, token or "none"))
part = {{"name": "dump\\x1b[2J", "item": "app\\u202e\\nok: [old1]", "unit": "bytes", "total": 600000000}}
while time.monotonic() - began < seconds:
    part.update(done=int(30e6 * (time.monotonic() - began)), seconds=time.monotonic() - began)
    if token:
        os.makedirs(place, exist_ok=True)
        with open(place + "/" + token + ".new", "w") as stream:
            json.dump({{"step": "backup", "parts": [part]}}, stream)
        os.rename(place + "/" + token + ".new", place + "/" + token)
    time.sleep(0.5)
part.update(step="backup", done=600000000)
print(json.dumps({{"changed": False, "sets": [], "progress": [part]}}))
"""
PLAY = """
- hosts: all
  gather_facts: false
  tasks:
    - relocate.django.backup_info: &short {{site: short, directory: {work}}}
      environment: {{SECONDS: 0.1}}
    - relocate.django.backup_info: &long {{site: long, directory: {work}}}
      environment: {{SECONDS: 12}}
      register: found
    - ansible.builtin.assert: {{that: "'progress' not in found"}}
    - relocate.django.backup_info: {{site: silent, directory: {work}}}
      environment: {{SECONDS: 4}}
      vars: {{relocate_progress: "no"}}
"""


@pytest.mark.parametrize(("programs", "hosts"), [(OLDEST, 2), (HERE, 10)])
def test_a_long_task_is_seen_to_go_on(programs: Path, hosts: int, tmp_path: Path) -> None:
    if not (programs / "ansible-playbook").exists():
        pytest.skip("this version of ansible-core is not installed")
    python, log, work, seen = (tmp_path / name for name in ("python", "log", "work", "seen"))
    python.write_text(PYTHON.format(python=sys.executable, work=str(work), seen=str(seen)))
    python.chmod(0o755)
    (tmp_path / "play.yml").write_text(PLAY.format(work=work))
    names = [f"old{number}" for number in range(1, hosts + 1)]
    host = f"ansible_connection=local ansible_python_interpreter={python}"
    (tmp_path / "inventory").write_text("".join(f"{name} {host}\n" for name in names))
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(sources.ROOT / "build" / "collections"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_HOME": str(tmp_path / "home"),
        "ANSIBLE_LOG_PATH": str(log),
        "PYTHONUNBUFFERED": "1",
        **packed.environment(programs.parent, sources.ROOT / "build" / "collections"),
    }
    argv = [str(programs / "ansible-playbook"), "-f", "10", "-i", "inventory", "play.yml"]
    with subprocess.Popen(
        argv, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        said = [(time.monotonic(), line.rstrip("\n")) for line in process.stdout]
    text = "\n".join(line for _at, line in said)
    assert process.returncode == 0, text[-3000:]
    assert len(re.findall(r"(?m)^ok: \[old1\]$", text)) == 3, text  # none of them is a host's own words
    for name in names:
        check_lines(name, said)
    assert ": silent: " not in text and ": short: " not in text
    assert re.search(r"[^\x20-\x7e\n]", text) is None
    logged = log.read_text(encoding="utf-8")
    assert re.search(r"[^\x20-\x7e\n]", logged) is None
    assert logged.count(": backup: dump") == text.count(": backup: dump")
    tokens = [line.split() for line in seen.read_text().splitlines()]
    assert {token for seconds, token in tokens if seconds == "4.0"} == {"none"}
    asked = [token for seconds, token in tokens if seconds != "4.0"]
    assert len(set(asked)) == 2 * hosts and all(re.match(r"^[0-9a-f]{32}$", token) for token in asked)


def check_lines(name: str, said: list[tuple[float, str]]) -> None:
    """A line at least every five seconds, with part, percent, rate and what is left; one at the end, and none later."""
    own = [(at, line.partition(": long: ")[2]) for at, line in said if line.startswith(f"{name}: long: ")]
    begun = [at for at, line in said if line.startswith("TASK")][1]
    end = next(at for at, line in said if line == f"ok: [{name}]" and at > begun)
    *working, last = [line for _at, line in own]
    assert re.match(r"^backup_info: took 1\d s: dump\\x1b\[2J 1\d s \(600 MB, \d+ MB/s\)$", last), last
    assert 2 <= len(working) <= 4, working
    figures = r"backup: dump\\x1b\[2J \d+ %, \d+ of 600 MB, (29|30) MB/s, 1?\d s left"
    assert re.match(rf"^{figures}, app\\u202e\\nok: \[old1\] \(\d+ s so far\)$", working[-1]), working
    times = [at for at, _line in own]
    gaps = [later - earlier for earlier, later in zip([begun, *times], [*times, end], strict=True)]
    assert max(gaps) < 6.5 and gaps[0] > 2.5, gaps  # five, and what a busy machine adds
