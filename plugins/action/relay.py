# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Opens a tunnel through the controller, for hosts that do not reach each other."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shlex
import signal
import subprocess
import sys
from typing import Any, Dict, List, Mapping, Optional

from ansible import constants
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import connection_loader

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.plugin_utils import _told, _tunnel

_SSH = ("ssh", "ansible.builtin.ssh", "ansible.legacy.ssh", "smart")
_OPTIONS = (
    "host port remote_user private_key_file host_key_checking ssh_executable ssh_args ssh_common_args ssh_extra_args"
).split()
_OWN = {
    "BatchMode": "yes",
    "ConnectTimeout": "15",
    "ControlMaster": "no",
    "ControlPath": "none",
    "ExitOnForwardFailure": "yes",
    "ServerAliveInterval": "15",
    "ServerAliveCountMax": "4",
    "StreamLocalBindUnlink": "yes",
    "StreamLocalBindMask": "0177",
}


def ssh_argv(options: Mapping[str, Any]) -> List[str]:
    """The SSH command that Ansible would use for a host, as one that only forwards. SSH takes the first value."""
    argv = [str(options.get("ssh_executable") or "ssh"), "-N", "-T"]
    for name, value in _OWN.items():
        argv += ["-o", "{0}={1}".format(name, value)]
    for name in ("ssh_args", "ssh_common_args", "ssh_extra_args"):
        argv += _words(options.get(name))
    if options.get("host_key_checking") is False:
        argv += ["-o", "StrictHostKeyChecking=no"]
    if options.get("port"):
        argv += ["-p", str(options["port"])]
    if options.get("private_key_file"):
        argv += ["-i", os.path.expanduser(str(options["private_key_file"]))]
    if options.get("remote_user"):
        argv += ["-l", str(options["remote_user"])]
    return [*argv, str(options["host"])]


def _words(arguments: Any) -> List[str]:
    """Split arguments; what passes is encrypted, so compressing it costs time and gains nothing."""
    return [word for word in shlex.split(str(arguments or "")) if word != "-C"]


def options_of(host: str, known: Mapping[str, Any], keywords: Mapping[str, Any]) -> Dict[str, Any]:
    """The SSH options of a host as its variables, the configuration and the command line set them.

    Raises transfer_unreachable when it is not reached by SSH.
    """
    kind = str(known.get("ansible_connection") or constants.DEFAULT_TRANSPORT)
    if kind not in _SSH:
        raise RelocateError(
            "transfer_unreachable",
            "{0} is reached by the connection {1}, which carries no tunnel".format(host, kind),
            "set ansible_connection: ssh for it, or let new reach the SSH port of old",
        )
    connection_loader.get("ssh", class_only=True)  # makes its options known
    names = {item["name"] for entry in _definitions().values() for item in entry.get("vars", [])}
    variables = {name: known[name] for name in names if name in known}
    values = {
        name: constants.config.get_config_value(
            name, plugin_type="connection", plugin_name="ssh", keys=dict(keywords), variables=variables
        )
        for name in _OPTIONS
    }
    return dict(values, host=known.get("ansible_host") or known.get("ansible_ssh_host") or host)


def _definitions() -> Mapping[str, Any]:
    found: Mapping[str, Any] = constants.config.get_configuration_definitions("connection", "ssh")
    return found


def state_path(old: str, new: str) -> str:
    """Return where this run notes the tunnel of a pair; Ansible removes the directory at the run's end."""
    digest = hashlib.sha256("{0}\0{1}".format(old, new).encode()).hexdigest()[:16]
    return os.path.join(constants.DEFAULT_LOCAL_TMP, "relocate-relay-{0}.json".format(digest))


def read_state(path: str) -> Dict[str, Any]:
    """The open tunnel of a pair; empty when there is none."""
    try:
        with open(path, encoding="ascii") as stream:
            state: Dict[str, Any] = json.load(stream)
    except (OSError, ValueError):
        return {}
    return state if _tunnel.started(state["pids"][0]) == state["started"] else {}


def open_tunnel(request: Mapping[str, Any]) -> Dict[str, Any]:
    """Start the process that keeps the tunnel, and wait for its answer. Raises transfer_unreachable."""
    process = subprocess.Popen(
        [sys.executable, str(_tunnel.__file__)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
    )
    answer: Dict[str, Any] = {}
    if process.stdin is not None and process.stdout is not None:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(json.dumps(dict(request)) + "\n")
            process.stdin.close()
        with contextlib.suppress(ValueError):
            answer = json.loads(process.stdout.readline() or "{}")
    if not answer.get("port"):
        raise RelocateError(
            "transfer_unreachable",
            "the tunnel could not be opened ({0})".format(answer.get("why", "its process ended")),
            "allow TCP forwarding in the SSH servers of both hosts, or let new reach the SSH port of old",
        )
    return dict(answer, started=_tunnel.started(process.pid))


def close_tunnel(state: Mapping[str, Any], path: str) -> bool:
    """End the tunnel's process, which closes both connections; says whether there was one."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    if not state:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(state["pids"][0], signal.SIGTERM)
    return True


class ActionModule(ActionBase):
    """One tunnel for each pair of hosts in a run."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: Optional[str] = None, task_vars: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        """Entry point."""
        result: Dict[str, Any] = super().run(tmp, task_vars)
        _checked, args = self.validate_argument_spec(
            argument_spec={
                "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
                "old": {"type": "str", "required": True},
                "port": {"type": "int", "default": 22},
                "pids": {"type": "list", "elements": "int", "default": []},
            }
        )
        try:
            result.update(self._bring_about(args, task_vars or {}))
        except RelocateError as error:
            result.update(failed=True, changed=False, **error.as_result())
        return _told.shortened(result, task_vars or {})

    def _bring_about(self, args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> Dict[str, Any]:
        new = str(task_vars["inventory_hostname"])
        path = state_path(args["old"], new)
        state = read_state(path)
        if args["state"] == "absent":
            return {"changed": bool(state) if self._task.check_mode else close_tunnel(state, path)}
        if args["old"] not in task_vars["hostvars"]:
            raise RelocateError(
                "bad_option",
                "{0} is not in the inventory".format(args["old"]),
                "name the old host as the inventory does",
            )
        changed = not state
        if not state:
            sides = {
                side: ssh_argv(self._options(host, task_vars)) for side, host in (("old", args["old"]), ("new", new))
            }
            if not self._task.check_mode:
                run = os.getppid()  # a task's process is a child of the run's
                target = "127.0.0.1:{0}".format(args["port"])
                state = open_tunnel({"parent": run, "started": _tunnel.started(run), "target": target, **sides})
                with open(os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w", encoding="ascii") as out:
                    json.dump(state, out)
        return {"changed": changed, "host": "127.0.0.1", "port": state.get("port", 0), "pids": state.get("pids", [])}

    def _options(self, host: str, task_vars: Mapping[str, Any]) -> Dict[str, Any]:
        keywords = {"remote_user": self._task.remote_user, "port": self._task.port}
        known = task_vars["hostvars"][host]
        return options_of(host, known, {name: value for name, value in keywords.items() if value})
