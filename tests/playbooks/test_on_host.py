# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts that answer with templates, escapes and variables of the run drive the real playbooks."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relocate.django.plugins.module_utils._carried import CARRIED
from ansible_collections.relocate.django.plugins.plugin_utils import _received
from tests.tools import packed
from tests.unit import sources
from tests.unit.records import given

LOOK = "{{ lookup('ansible.builtin.pipe', 'touch PWNED') }}"
HOSTILE = "\x1b[2J\u202e\n" + LOOK
FACTS = {
    "relocate_from": "localhost",
    "relocate_allow_root": True,
    "relocate_command": ["touch", "PWNED"],
    "services_host": "localhost",
    "preflight_from": "localhost",
    "ansible_sudo_exe": "touch",
    "relocate_sites": [{"name": LOOK}],
}
#: What Ansible takes out of an answer besides facts: hosts, groups, figures that AWX makes variables of.
INVENTORY = {
    "add_host": {"host_name": "new1", "host_vars": {"ansible_connection": "local"}, "groups": []},
    "add_group": "old",
    "parent_groups": ["new"],
    "ansible_stats": {"data": {"relocate_allow_root": True}, "per_host": False, "aggregate": False},
}
INTERPRETER = """#!{python}
import sys
print(open({answer!r}, encoding="utf-8").read())
"""


def good(word: str) -> dict[str, Any]:
    """Give an answer that lets every step go on, with a word wherever a host has one."""
    host = {"name": word, "machine_id": word, "family": word}
    return {
        "changed": False,
        "obstacles": [],
        "info": {
            "host": host,
            "project": {"path": word},
            "owner": {"name": "app", "home": word, "uid": 1500},
            "databases": {word: {"engine": word, "name": word}},
            "django": {"media_root": word},
            "owner_exists": True,
        },
        "past": given().told(),
        "label": word,
        "set": word,
        "elapsed": word,
        "units": [{"name": word, "was_active": True, "was_enabled": True}],
        "frozen": False,
        "manifest_sha256": word,
        "media_root": word,
        "public_key": word,
        "addresses": [word],
        "port": 22,
        "host_keys": [word],
        "compress": [],
        "revision": word,
        "tables": {word: [{"table": word, "old": word, "new": word, "fingerprint": True}]},
        "plan": {word: [word]},
        "databases": {word: word},
        "warnings_of_check": [word],
        "warnings": [word],
        "measured": {word: word, "still": word, "databases": {word: word}},
        "answers": [{"url": word, "status": word}],
        "seconds": {word: word},
        "notes": [word],
        "proven": True,
        "bytes": word,
        "previous": word,
        "sets": [],
        "ansible_facts": FACTS,
        **INVENTORY,
        "diff": {"before": word, "after": word},
        "msg": word,
        "skipped": False,
        "exists": True,
        "comment": word,
    }


HERE = Path(sys.executable).parent
#: The oldest ansible-core templates the most; `make controllers` installs it.
OLDEST = sources.ROOT / "build" / "venv-2.18" / "bin"


@pytest.mark.parametrize(("programs", "ends"), [(OLDEST, "moves"), (HERE, "unreachable")])
def test_hosts_that_answer_what_they_like(programs: Path, ends: str, tmp_path: Path) -> None:
    if not (programs / "ansible-playbook").exists():
        pytest.skip("this version of ansible-core is not installed")
    pwned, answer = tmp_path / "pwned", tmp_path / "answer.json"
    found = good(HOSTILE)
    steps = "freeze backup transfer media restore migrate verify still hold start".split()
    found["returned"] = {step: dict(found) for step in (*steps, *CARRIED)}
    if ends != "moves":
        found.update(failed=True, code=HOSTILE, unreachable=ends == "unreachable")
    answer.write_text(json.dumps(found).replace("PWNED", str(pwned)))
    python = tmp_path / "python"
    python.write_text(INTERPRETER.format(python=sys.executable, answer=str(answer)))
    python.chmod(0o755)
    host = f"ansible_connection=local ansible_python_interpreter={python}"
    (tmp_path / "inventory").write_text(f"[old]\nold1 {host}\n[new]\nnew1 {host}\n")
    given = {
        "relocate_become": False,
        "relocate_services": ["web"],
        "relocate_install": False,
        "relocate_path": "/srv/x",
    }
    given.update(relocate_reports=str(tmp_path / "reports"), relocate_owner="app")
    argv = [str(programs / "ansible-playbook"), "-i", str(tmp_path / "inventory"), "relocate.django.move", "--diff"]
    argv += ["-e", json.dumps(given)]
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(sources.ROOT / "build" / "collections"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_HOME": str(tmp_path / "home"),
        "ANSIBLE_LOCALHOST_WARNING": "0",
        **packed.environment(programs.parent, sources.ROOT / "build" / "collections"),
    }
    done = subprocess.run(argv, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    output = done.stdout + done.stderr
    assert not pwned.exists(), output[-5000:]
    assert "PLAY RECAP" in output, output[-5000:]
    assert "localhost ->" not in output
    assert "Plan: old1 -> new1: site (paired by the only old host)" in output
    assert ("unreachable=1" in output) is False
    assert "\x1b" not in output, output[-5000:]
    assert "\u202e" not in output
    assert "Site site: old1 -> new1: " in output, output[-5000:]
    if ends == "moves":
        assert "Start the site on new" in output, output[-6000:]
    else:
        assert "FAILED before the freeze" in output, output[-3000:]


def test_what_a_host_has_no_say_in() -> None:
    result = {"changed": True, "ansible_facts": FACTS, "unreachable": True, "skipped": True, "msg": "a\x1b\nb"}
    result.update(INVENTORY)
    result.update(
        warnings=["a\nb", 5], diff=[{"before": "a\n\x1b", "after": ""}], code="\u202e", details={"a": ["\x1b"]}
    )
    assert _received.answer(result) == {
        "changed": True,
        "failed": True,
        "msg": "a\\x1b\n| b",
        "warnings": ["a\\nb", 5],
        "diff": [{"before": "a\n\\x1b", "after": ""}],
        "code": "\\u202e",
        "details": {"a": ["\\x1b"]},
    }
    assert _received.answer({"changed": False, "set": "a\nb"}) == {"changed": False, "set": "a\nb"}


PATH = "/usr/bin:/bin"
FINDS = """
- hosts: new1
  gather_facts: false
  vars: {where: discovered_interpreter_python}
  tasks:
    - relocate.django.owner_info: &asked {name: root, wanted: root, allow_root: true}
    - relocate.django.owner_info: *asked
      delegate_to: old1
      delegate_facts: true
    - ansible.builtin.debug:
        msg: "new {{ ansible_facts[where] }}, old {{ hostvars.old1.ansible_facts[where] }}"
    - relocate.django.owner_info: *asked
      register: again
    - ansible.builtin.debug:
        msg: "again {{ again.ansible_facts | default('not looked for') }}"
"""


@pytest.mark.parametrize("programs", [OLDEST, HERE])
def test_where_python_is_is_found_once_and_kept_for_its_host(programs: Path, tmp_path: Path) -> None:
    if not (programs / "ansible-playbook").exists():
        pytest.skip("this version of ansible-core is not installed")
    if shutil.which("python3", path=PATH) is None:
        pytest.skip("this machine has no Python of its own")
    (tmp_path / "inventory").write_text("[old]\nold1\n[new]\nnew1\n[all:vars]\nansible_connection=local\n")
    (tmp_path / "play.yml").write_text(FINDS)
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(sources.ROOT / "build" / "collections"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_HOME": str(tmp_path / "home"),
        "PATH": PATH,
    }
    argv = [str(programs / "ansible-playbook"), "-i", str(tmp_path / "inventory"), str(tmp_path / "play.yml")]
    done = subprocess.run(argv, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said[-3000:]
    assert re.search(r"new (/[\w./-]+), old \1", said), said[-3000:]
    assert "again not looked for" in said, said[-3000:]


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("/usr/bin/python3.11", "/usr/bin/python3.11"),
        ("/opt/py-3+x/bin/python", "/opt/py-3+x/bin/python"),
        *(
            (word, "")
            for word in ("python3", "", "/", "/a b", "/a;b", "/{{ x }}", "/a\n", "/../a", "/a//b", "/" + "a" * 300)
        ),
        *((word, "") for word in (None, False, True, 7, ["/usr/bin/python3"], "/usr/bin/pyth\u00f6n")),
    ],
)
def test_an_interpreter_is_a_plain_absolute_path(value: Any, found: str) -> None:
    assert _received.interpreter(value) == found
