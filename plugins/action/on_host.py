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

The calls of the window are taken by a process that waits for them on the host (``_standby``), where there is one. Else,
and where the connection cannot hand over a task's input, they are sent as every module.

Where ``relocate_puts_off`` names a step, nothing runs: the call is returned, for a later task that runs several
(``batch``). So the roles stay the one place that says what a module is given, and the window has no use for them.

Where ``relocate_told_later`` is set, a refusal is told in full at the end of the run, and not here (``_told``).

A host that cannot be reached ends the play of the host that works for it, past every rescue. So a delegated task fails
instead, with a code.
"""

from __future__ import annotations

import json
from typing import Any, Dict, Mapping, Optional

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action.normal import ActionModule as NormalAction

from ansible_collections.relocate.django.plugins.module_utils._carried import CARRIED
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._standby import place
from ansible_collections.relocate.django.plugins.plugin_utils import _received, _told

#: The module that runs others.
CARRIER = "relocate.django.batch"


def unreachable(host: str, error: Exception) -> RelocateError:
    """Return the refusal of a task that was delegated to a host which cannot be reached."""
    text = "{0} cannot be reached: {1}".format(host, _received.text(str(error)))
    return RelocateError("host_unreachable", text, "make it reachable, then run again")


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
        name = self._task.action.rpartition(".")[2]
        if module_name is None and self._task.action == CARRIER:
            ready = self._from_standby(more.get("wrap_async"))
            if ready is not None:
                return ready
        if module_name is not None or name not in CARRIED or more.get("wrap_async"):
            found: Dict[str, Any] = super()._execute_module(module_name, module_args, **more)
            return found
        step = {"name": name, "module": name, "arguments": dict(self._task.args)}
        return _received.carried(name, super()._execute_module(CARRIER, {"steps": [step]}, **more))

    def _from_standby(self, wrap_async: Any) -> Optional[Dict[str, Any]]:
        """Return the answer of the process that waits on the host for these calls; None where none took the call."""
        args, become = dict(self._task.args), self._connection.become
        where = place.place_for(args.get("steps") or ()) if args.get("state", "done") == "done" else ""
        if not where or wrap_async or not self._connection.has_pipelining or (become and not become.pipelining):
            return None
        asked = {"arguments": args, "check_mode": bool(self._task.check_mode)}
        # A value of the inventory that is encrypted is no text to JSON, but tells its own.
        data = json.dumps(asked, default=str).encode("utf-8", "surrogateescape")
        found = self._low_level_execute_command("sh {0}/{1}".format(where, place.CALL), sudoable=True, in_data=data)
        _before, taken, answer = str(found.get("stdout") or "").partition(place.TAKEN + "\n")
        return _taken(answer, found) if taken else None

    def _put_off(self, name: str) -> Dict[str, Any]:
        """Return the call of this task. It is not shown: its arguments may hold secrets."""
        call = {"name": name, "module": self._task.action.rpartition(".")[2], "arguments": dict(self._task.args)}
        return {"changed": False, "call": call, "_ansible_no_log": True}
