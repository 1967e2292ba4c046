# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a module of ours on its host, and takes from the answer what a host has no say in.

``meta/runtime.yml`` names it for every module that runs on a host. Ansible lets any module set variables of the run, by
``ansible_facts``: for the host that works, even when the task was delegated to another one. So the old host could name
commands that new runs, and either of them could send a task to the controller.

One fact passes: where Ansible itself found Python on the host, so that it need not look again for each task. Ansible
takes it out of what modules say, and it is a plain path or nothing.

Nearly all of them are sent by one, ``batch``: when a run sends a module for the first time, Ansible parses all that it
imports, a second for each of ours, though they import nearly the same.

Once a run has written to a host as root, a process waits there for its next calls (``_standby``), with our modules
loaded. Where there is none, where a task has an environment of its own, and where the connection cannot hand over a
task's input, a call is sent as every module.

Where ``relocate_puts_off`` names a step, nothing runs: the call is returned, for a later task that runs several
(``batch``). So the roles stay the one place that says what a module is given, and the window has no use for them.

Where ``relocate_told_later`` is set, a refusal is told in full at the end of the run, and not here (``_told``).

While the module works, a line every few seconds says how far it is (``_watch``), unless ``relocate_progress`` is false.
The module is told by its environment where to write that; it is asked over a connection of its own.

The text of an identity, which opens encrypted sets, may lie on no disk of the host. A task that is given one is sent
through the connection's standard input, whatever is configured; where that cannot be done it is refused.

A host that cannot be reached ends the play of the host that works for it, past every rescue. So a delegated task fails
instead, with a code.
"""

from __future__ import annotations

import copy
import json
import secrets
import shlex
from typing import Any, Dict, List, Mapping, Optional

from ansible import constants as C
from ansible.errors import AnsibleConnectionFailure
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action.normal import ActionModule as NormalAction
from ansible.utils.display import Display

from ansible_collections.relocate.django.plugins.module_utils._carried import CARRIED
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._standby import place
from ansible_collections.relocate.django.plugins.plugin_utils import _progress_lines, _received, _told
from ansible_collections.relocate.django.plugins.plugin_utils._watch import Watch

#: The module that runs others.
CARRIER = "relocate.django.batch"
#: By which a module is told where to write how far it is, and where that is: see _host/progress_file.py.
_VARIABLE, _PLACES = "RELOCATE_PROGRESS", (place.BASE, "/var/lib/relocate")
#: By which a module is told that a process may wait for the run's next calls.
_WAITS = {place.VARIABLE: "1"}
_SETTLES = 5.0  # seconds; see ActionModule._watched

display = Display()


def unreachable(host: str, error: Exception) -> RelocateError:
    """Return the refusal of a task that was delegated to a host which cannot be reached."""
    text = "{0} cannot be reached: {1}".format(host, _received.text(str(error)))
    return RelocateError("host_unreachable", text, "make it reachable, then run again")


def is_text(identity: Any) -> bool:
    """Tell whether an identity is given itself, and not by the path of a file on the host."""
    return bool(identity) and not str(identity).startswith("/")


def not_piped() -> RelocateError:
    """Return the refusal of a task whose identity would be written to a file on the host."""
    return RelocateError(
        "bad_option",
        "the text of relocate_age_identity cannot reach the host without being written to its disk",
        "use SSH with sudo, no async and no ANSIBLE_KEEP_REMOTE_FILES; or put the identity into a file on the host, and"
        " set relocate_age_identity to its path",
    )


def _taken(answer: str, found: Mapping[str, Any]) -> Dict[str, Any]:
    """Return what the process answered to a call that it took; without an answer the call has failed."""
    try:
        result = json.loads(answer)
    except ValueError:
        result = None
    if not isinstance(result, dict):
        said = {"module_stdout": answer, "module_stderr": str(found.get("stderr") or ""), "rc": found.get("rc")}
        return {"failed": True, "changed": False, "msg": "the module ended without an answer", **said}
    return {key: value for key, value in result.items() if not key.startswith("_ansible_")}


def _hands_on(become: Any) -> bool:
    """Tell whether a task's input comes through to another user; ansible-core 2.18 knows by the name alone."""
    return not become or bool(getattr(become, "pipelining", become.name != "su"))


class ActionModule(NormalAction):
    """As Ansible's own, with a look at what goes in and what comes out."""

    def run(self, tmp: Optional[str] = None, task_vars: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        """Entry point."""
        variables = task_vars or {}
        return _told.shortened(self._result(tmp, variables), variables)

    def _result(self, tmp: Optional[str], variables: Dict[str, Any]) -> Dict[str, Any]:
        try:
            _received.refuse_facts(str(variables.get("inventory_hostname", "")), variables)
        except RelocateError as error:
            return dict(error.as_result(), failed=True, changed=False)
        if variables.get("relocate_puts_off") and not self._task.check_mode:
            return self._put_off(str(self._templar.template(variables["relocate_puts_off"])))
        try:
            found = _received.answer(super().run(tmp, variables))
        except AnsibleConnectionFailure as error:
            elsewhere = str(self._task.delegate_to or "")
            if elsewhere in ("", variables.get("inventory_hostname")):
                raise
            return dict(unreachable(elsewhere, error).as_result(), failed=True, changed=False)
        # Set by Ansible only for the host to which the fact will go, which a delegated task says by delegate_facts.
        if self._discovered_interpreter_key == _received.PYTHON_FACT:
            python = _received.interpreter(self._discovered_interpreter)
            if python:
                found["ansible_facts"] = {_received.PYTHON_FACT: python}
        return found

    def _execute_module(
        self, module_name: Optional[str] = None, module_args: Optional[Dict[str, Any]] = None, **more: Any
    ) -> Dict[str, Any]:
        """Run the task's module, by the one that runs others; not in the background, whose answer comes otherwise."""
        self._pipes = any(is_text(given.get("age_identity")) for given in self._given())
        if self._pipes and (more.get("wrap_async") or not self._can_pipe()):
            return dict(not_piped().as_result(), failed=True, changed=False)
        if module_name is not None or more.get("wrap_async"):
            found: Dict[str, Any] = super()._execute_module(module_name, module_args, **more)
            return found
        name = self._task.action.rpartition(".")[2]
        if not self._shows_progress(more.get("task_vars") or {}):
            return self._carried(name, more)
        return self._watched(name, more)

    def _carried(self, name: str, more: Dict[str, Any]) -> Dict[str, Any]:
        """Run a module in the way that is the fastest for it."""
        if name not in CARRIED:
            ready = self._from_standby(dict(self._task.args)) if self._task.action == CARRIER else None
            found: Dict[str, Any] = super()._execute_module(**more) if ready is None else ready
            return found
        args = {"steps": [{"name": name, "module": name, "arguments": dict(self._task.args)}]}
        self._waits = not self._task.check_mode and not self._own_environment()
        ready = self._from_standby(args) if self._waits else None
        return _received.carried(name, super()._execute_module(CARRIER, args, **more) if ready is None else ready)

    def _own_environment(self) -> Dict[str, Any]:
        """Return the variables that the task is given: a process that waits has those of the task which began it."""
        found: Dict[str, Any] = {}
        super()._compute_environment_string(found)
        return found

    def _watched(self, name: str, more: Dict[str, Any]) -> Dict[str, Any]:
        """Run a module, and show how far it is."""
        self._token = secrets.token_hex(16)
        watch = self._watch = Watch(self._where(more["task_vars"]), self._step(name), self._asker(), display.display)
        found: Dict[str, Any] = {"failed": True}
        try:
            with watch:
                found = self._carried(name, more)
            return found
        finally:
            self._token = ""
            if display.verbosity > 2:
                # A question prints then. This process must not end meanwhile: it would keep the lock of the queue.
                watch.settle(_SETTLES)
            parts = _progress_lines.parts_of(found.pop("progress", None))
            watch.summarise(parts, bool(found.get("failed")))

    def _shows_progress(self, variables: Mapping[str, Any]) -> bool:
        wanted = self._templar.template(variables.get("relocate_progress", True))
        return bool(boolean(wanted, strict=False)) and self._connection.allow_executable

    #: Names the file in which the module writes how far it is; empty for none.
    _token = ""
    _watch: Optional[Watch] = None
    #: Whether the task holds what may lie on no disk of the host.
    _pipes = False
    #: Whether its module may leave a process that waits for the next calls.
    _waits = False

    def _can_pipe(self) -> bool:
        """Tell whether a module can be sent without a file on the host."""
        piped = self._connection.has_pipelining and _hands_on(self._connection.become)
        return bool(piped) and not C.DEFAULT_KEEP_REMOTE_FILES

    def _is_pipelining_enabled(self, module_style: str, wrap_async: bool = False) -> bool:
        return self._pipes or bool(super()._is_pipelining_enabled(module_style, wrap_async))

    def _configure_module(self, *args: Any, **more: Any) -> Any:
        """As Ansible's own, which packs a module: seconds, the first time. Its host is at work from then on."""
        found = super()._configure_module(*args, **more)
        if self._watch is not None:
            self._watch.begin()
        return found

    def _compute_environment_string(self, raw_environment_out: Optional[Dict[str, Any]] = None) -> str:
        found: str = super()._compute_environment_string(raw_environment_out)
        own = {**({_VARIABLE: self._token} if self._token else {}), **(_WAITS if self._waits else {})}
        return "{0} {1}".format(self._connection._shell.env_prefix(**own), found) if own else found

    def _asker(self) -> Any:
        """Return what asks the host how far the module is, over another connection with the same options."""
        other = copy.copy(self)
        other._connection = copy.copy(self._connection)
        other._connection.become = copy.copy(self._connection.become)  # it keeps the prompt of its command
        other._connection._shell = copy.copy(self._connection._shell)
        own = [str(given["directory"]) for given in self._given() if given.get("directory")]
        paths = ["{0}/progress/{1}".format(base, self._token) for base in (_PLACES[0], *(own[:1] or _PLACES[1:]))]
        command = " || ".join("cat {0} 2>/dev/null".format(shlex.quote(path)) for path in paths)

        def ask() -> str:
            return str(other._low_level_execute_command(command)["stdout"])

        return ask

    def _given(self) -> List[Mapping[str, Any]]:
        """Return the arguments of the task, and those of the steps that it runs, or of the calls that it plans."""
        args = self._task.args
        steps = [_received.mapping(one) for name in ("steps", "calls") for one in _received.items(args.get(name))]
        return [args, _received.mapping(args.get("common")), *[_received.mapping(s.get("arguments")) for s in steps]]

    def _where(self, variables: Mapping[str, Any]) -> str:
        """Return the host that works, and the site where it has a name of its own."""
        host = _received.text(str(self._task.delegate_to or variables.get("inventory_hostname") or ""))
        sites = [str(given["site"]) for given in self._given() if given.get("site")]
        return "{0}: {1}".format(host, _received.text(sites[0])) if sites and sites[0] != "site" else host

    def _step(self, name: str) -> str:
        steps = [_received.mapping(step).get("name") for step in _received.items(self._task.args.get("steps"))]
        return ", ".join(_received.text(step) for step in steps) or name

    def _from_standby(self, args: Mapping[str, Any]) -> Optional[Dict[str, Any]]:
        """Return the answer of the process that waits on the host for these calls; None where none took the call.

        :param args: those of the module that runs others
        """
        where = place.place_for(args.get("steps") or ())
        if not where or not self._connection.has_pipelining or not _hands_on(self._connection.become):
            return None
        asked = {"arguments": args, "check_mode": bool(self._task.check_mode), **self._watched_from_now()}
        # A value of the inventory that is encrypted is no text to JSON, but tells its own.
        data = json.dumps(asked, default=str).encode("utf-8", "surrogateescape")
        found = self._low_level_execute_command("sh {0}/{1}".format(where, place.CALL), sudoable=True, in_data=data)
        _before, taken, answer = str(found.get("stdout") or "").partition(place.TAKEN + "\n")
        return _taken(answer, found) if taken else None

    def _watched_from_now(self) -> Dict[str, str]:
        """Begin to watch a call that the process takes; returns what that is told for it."""
        if self._watch is None:
            return {}
        self._watch.begin()
        return {"progress": self._token}

    def _put_off(self, name: str) -> Dict[str, Any]:
        """Return the call of this task. It is not shown: its arguments may hold secrets."""
        call = {"name": name, "module": self._task.action.rpartition(".")[2], "arguments": dict(self._task.args)}
        return {"changed": False, "call": call, "_ansible_no_log": True}
