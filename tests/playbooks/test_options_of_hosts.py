# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A whole move with stubs for modules: what is set for a host is what its tasks are given, on old as on new."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.tools import packed
from tests.unit import records, sources

pytestmark = pytest.mark.drawn(2, of="options of hosts")

STUB = """#!/usr/bin/python
# WANT_JSON
import json, os, sys


def answer(args, module):
    here = args.get("directory") or "BASE/owner_info"  # which has none
    with open(os.path.dirname(here) + "/asked", "a") as out:
        out.write(json.dumps({**args, "module": module}) + "\\n")
    if args.get("state") == "frozen":
        open(os.path.dirname(here) + "/frozen", "w").close()
    host = {"name": "h", "machine_id": os.path.basename(here), "family": "debian"}
    info = {"host": host, "project": {"path": "/srv/old"}, "owner": {"name": "app", "home": ""}, "databases": {}}
    return {
        "changed": False, "obstacles": [], "past": PAST, "info": {**info, "django": {"media_root": ""}}, "label": "l1",
        "set": "x", "exists": True, "elapsed": 1, "comment": "", "manifest_sha256": "0", "media_root": "",
        "addresses": [], "public_key": "k", "port": 22, "host_keys": [], "compress": [], "frozen": False, "tables": {},
        "clone": False, "notes": [], "units": [], "proven": True, "measured": {"still": 1}, "answers": [],
        "seconds": {}, "plan": {}, "revision": "r",
    }


args = json.load(open(sys.argv[1]))
prepared = args.get("state") == "prepared"
wanted = [] if prepared else args["steps"]
steps = [(item["name"], {**item["arguments"], **args.get("common", {})}, item["module"]) for item in wanted]
print(json.dumps({"changed": False, "returned": {name: answer(given, kind) for name, given, kind in steps}}))
"""
#: A connection that is lost once the site is frozen: that of a new host which dies in the downtime.
MORTAL = """
from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection.local import Connection as Local
DOCUMENTATION = "name: mortal\\nshort_description: local, until the freeze\\ndescription: [of a test]\\noptions: {}\\n"


class Connection(Local):
    transport = "mortal"

    def exec_command(self, *args, **kwargs):
        if __import__("os").path.exists("FROZEN"):
            raise AnsibleConnectionFailure("lost")
        return super().exec_command(*args, **kwargs)
"""
#: Roles by themselves, each told which host it works on.
ALONE = [
    {
        "hosts": "new",
        "gather_facts": False,
        "roles": [
            "relocate.django.common",
            {"role": "relocate.django.preflight", "preflight_from": "old2"},
            {"role": "relocate.django.backup", "backup_host": "old2"},
            {"role": "relocate.django.verify", "verify_host": "old2", "verify_label": "l1"},
            {"role": "relocate.django.backup"},
        ],
    }
]
READS = ("interpreter", "settings", "environment", "env_files", "owner", "allow_root")


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The collection, where every module that runs on a host writes down what it is given."""
    base = tmp_path_factory.mktemp("options")
    ours = base / "ansible_collections" / "relocate" / "django"
    (ours / "plugins" / "modules").mkdir(parents=True)
    for name in ("meta", "galaxy.yml", "playbooks", "roles"):
        (ours / name).symlink_to(sources.ROOT / name)
    for name in ("action", "filter", "lookup", "plugin_utils", "module_utils", "doc_fragments"):
        (ours / "plugins" / name).symlink_to(sources.ROOT / "plugins" / name)
    stub = STUB.replace("BASE", str(base)).replace("PAST", repr(records.given().told()))
    for path in sources.modules():
        place = ours / "plugins" / "modules" / path.name
        if path.stem == "batch":  # which brings all others to their hosts
            place.write_text(stub)
        else:
            place.symlink_to(path)
    (base / "connections").mkdir()
    (base / "connections" / "mortal.py").write_text(MORTAL.replace("FROZEN", str(base / "frozen")))
    return base


def asked(base: Path, playbook: str, hosts: dict[str, dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """What each host's modules were given, by the host's name, which begins with its group's."""
    own = {name: {**values, "relocate_directory": str(base / name)} for name, values in hosts.items()}
    calls = called(base, playbook, own)
    return {host: [call for call in calls if Path(call.get("directory", "")).name == host] for host in hosts}


def called(
    base: Path, playbook: str, hosts: dict[str, dict[str, Any]], code: int = 0, extra: str = "{}"
) -> list[dict[str, Any]]:
    """What the modules were given, in their order, of a run that ends with this code."""
    for name in ("asked", "frozen"):
        (base / name).unlink(missing_ok=True)
    common = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, "relocate_become": False}
    common.update(relocate_install=False, relocate_allow_unfrozen=True, relocate_media=False)
    groups: dict[str, Any] = {"old": {"hosts": {}}, "new": {"hosts": {}}}
    for name, values in hosts.items():
        groups[name[:3]]["hosts"][name] = values
    if playbook.endswith(".yml"):
        (base / playbook).write_text(json.dumps(ALONE))
    (base / "inventory.json").write_text(json.dumps({"all": {"vars": common, "children": groups}}))
    argv = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", str(base / "inventory.json"), "-e", extra]
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(base), "ANSIBLE_NOCOLOR": "1"}
    environment.update(ANSIBLE_HOME=str(base / "home"), ANSIBLE_LOCALHOST_WARNING="0")
    environment.update(ANSIBLE_CONFIG=str(packed.SETTINGS), ANSIBLE_CONNECTION_PLUGINS=str(base / "connections"))
    named = playbook if playbook.endswith(".yml") else f"relocate.django.{playbook}"
    done = subprocess.run([*argv, named], cwd=base, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == code, (done.stdout + done.stderr)[-4000:]
    return [json.loads(line) for line in (base / "asked").read_text().splitlines()]


def wanted(side: str) -> dict[str, Any]:
    """Give every option by which a project is read, as it is on one side."""
    return {
        "interpreter": f"/venvs/{side}/bin/python",
        "settings": f"site.{side}",
        "environment": {"SIDE": side},
        "env_files": [f"/etc/site/{side}.env"],
        "owner": "app",
        "allow_root": side == "old",
    }


def variables(side: str) -> dict[str, Any]:
    return {f"relocate_{name}": value for name, value in wanted(side).items()}


def given(call: dict[str, Any]) -> dict[str, Any]:
    return {name: call[name] for name in READS if name in call}


def see(calls: list[dict[str, Any]], side: str, modules: set[str]) -> None:
    read = [call for call in calls if "settings" in call]
    assert {call["module"] for call in read} == modules
    for call in read:
        assert given(call) == wanted(side), call["module"]


ON_OLD = {"preflight", "backup", "verify"}
ON_NEW = {"preflight", "build", "database", "rehearse", "restore", "migrate", "verify"}


def test_each_host_is_read_by_its_own_variables(collection: Path) -> None:
    """Pairs: each side sets its own; old sets nothing, and is read as new is; a site of a list says what is another."""
    entry = {"name": "shop", **wanted("new"), **{f"old_{name}": value for name, value in wanted("old").items()}}
    hosts = asked(
        collection,
        "move",
        {
            "old1": {**variables("old"), "relocate_jobs": 3},
            "old2": {"relocate_transfer_login": "mover"},
            "old3": variables("new"),
            "new1": {**variables("new"), "relocate_jobs": 5},
            "new2": variables("new"),
            "new3": {"relocate_sites": [entry]},
        },
    )
    for number, side in (("1", "old"), ("2", "new"), ("3", "old")):
        see(hosts[f"old{number}"], side, ON_OLD)
        see(hosts[f"new{number}"], "new", ON_NEW)
    assert {call["jobs"] for call in hosts["old1"] if call["module"] == "backup"} == {3}
    assert {call["jobs"] for call in hosts["new1"] if call["module"] == "restore"} == {5}
    assert {call["login"] for call in hosts["old2"] if call["module"] == "transfer_grant"} == {"mover"}


def test_a_backup_is_of_the_host_that_it_runs_on(collection: Path) -> None:
    hosts = asked(collection, "backup", {"old1": variables("old"), "new1": variables("new")})
    see(hosts["old1"], "old", {"backup"})


def test_old_is_put_back_where_new_said_when_new_is_lost(collection: Path) -> None:
    """The second play runs on old, which knows nothing of what is set for new alone."""
    new = {"relocate_directory": str(collection / "d"), "relocate_site": "shop", "ansible_connection": "mortal"}
    calls = called(collection, "move", {"old1": {}, "new1": new}, code=4)
    frozen = next(number for number, call in enumerate(calls) if call.get("state") == "frozen")
    last = [call for call in calls[frozen + 1 :] if call.get("state") in ("thawed", "absent")]
    assert [(call["module"], call["state"]) for call in last] == [("services", "thawed"), ("backup", "absent")]
    assert {(call["directory"], call["site"]) for call in last} == {(str(collection / "d"), "shop")}


def test_old_is_undone_where_new_said_when_new_is_lost(collection: Path) -> None:
    new = {"relocate_directory": str(collection / "d"), "relocate_site": "shop", "relocate_services": ["web"]}
    away = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
    calls = called(
        collection, "undo", {"old1": {}, "new1": {**new, **away}}, code=4, extra='{"relocate_new_is_gone": true}'
    )
    assert [(call["state"], call["directory"], call["site"], call["units"]) for call in calls] == [
        ("thawed", str(collection / "d"), "shop", ["web"])
    ]


def test_a_role_by_itself_reads_the_host_that_it_is_told(collection: Path) -> None:
    old = {**variables("old"), "relocate_path": "/srv/two"}
    hosts = asked(
        collection, "alone.yml", {"old1": {}, "old2": old, "new1": {**variables("new"), "relocate_path": "/srv/one"}}
    )
    see(hosts["old2"], "old", ON_OLD)
    see(hosts["new1"], "new", {"preflight", "backup"})
    assert {call["path"] for call in hosts["old2"]} == {"/srv/two"}
    assert {call["path"] for call in hosts["new1"]} == {"/srv/one"}


def test_who_names_the_owner_for_old_has_named_him(collection: Path) -> None:
    """He has one name on both hosts: "set relocate_owner if you mean him" was done."""
    hosts = asked(collection, "move", {"old1": {"relocate_owner": "app"}, "new1": {}})
    assert [call["owner"] for call in hosts["new1"] if call["module"] == "preflight"] == ["app"]
    wanted = [json.loads(line) for line in (collection / "asked").read_text().splitlines()]
    assert [call["wanted"] for call in wanted if call["module"] == "owner_info"] == ["app"]
