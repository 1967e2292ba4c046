# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says what the module ``batch`` takes, and does it: several modules of ours, one after the other, in one call."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Sequence

from ansible_collections.relocate.django.plugins.module_utils._carried import CARRIED
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._module import (
    Call,
    Module,
    perform,
    scrubbed,
    secrets_of,
    tell,
    validated,
    without_secrets,
)

if TYPE_CHECKING:
    # Ansible brings these to the host because they stand here; what a call does not need is not loaded.
    from ansible_collections.relocate.django.plugins.module_utils._modules import (  # noqa: F401
        backup,
        backup_info,
        build,
        checkout,
        conversion_scan,
        database,
        files,
        interpreter,
        migrate,
        owner_info,
        preflight,
        project_info,
        rehearse,
        restore,
        services,
        transfer,
        transfer_grant,
        verify,
    )

#: What is loaded before the site is stopped.
OF_THE_WINDOW = ("backup", "migrate", "restore", "services", "transfer", "verify")
_PACKAGE = __name__.rpartition(".")[0]


@dataclass
class Step:
    """One module to be run, as its work sees it."""

    name: str
    module: Module
    params: Dict[str, Any]
    check_mode: bool
    said: List[str]

    def warn(self, warning: str) -> None:
        """Tell something that is no error."""
        self.said.append(scrubbed(warning, secrets_of(self.params)))


def module_of(name: str) -> Module:
    """Return what a module takes and does."""
    found: Module = importlib.import_module("{0}.{1}".format(_PACKAGE, name)).MODULE
    return found


def step_of(wanted: Mapping[str, Any], common: Mapping[str, Any], check_mode: bool) -> Step:
    """Return a step whose arguments are as its module takes them. Raises bad_option.

    :param common: arguments of every step that takes an option of the name
    """
    module = module_of(wanted["module"])
    known = {name: value for name, value in common.items() if name in module.arguments["argument_spec"]}
    params = validated(module.arguments, {**wanted["arguments"], **known})
    return Step(wanted["name"], module, params, check_mode, [])


def work_on(module: Call) -> Dict[str, Any]:
    """Look at all arguments, then run one step after the other; the first failure ends it."""
    params = module.params
    if not params["steps"]:
        for name in OF_THE_WINDOW:
            module_of(name)
    steps = [step_of(wanted, params["common"] or {}, module.check_mode) for wanted in params["steps"]]
    results: Dict[str, Any] = {}
    try:
        for step in steps:
            result, error = perform(step, step.module.work_on, step.module.writes)
            if error is not None:
                done = {name: found["elapsed"] for name, found in results.items()}
                details = {**error.details, "step": step.name, "done": done}
                raise RelocateError(error.code, error.msg, error.hint, details)
            results[step.name] = result
    finally:
        tell(module, _said(steps))
    # Ansible gives another name to what is called results.
    return {"changed": any(result["changed"] for result in results.values()), "returned": results}


def shown(params: Mapping[str, Any], _spec: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the options as the invocation shows them: of each step what its module would show."""
    return {**params, "steps": [{**step, "arguments": _known(step)} for step in params["steps"]]}


def _known(step: Mapping[str, Any]) -> Dict[str, Any]:
    spec = module_of(step["module"]).arguments["argument_spec"]
    return without_secrets({name: value for name, value in step["arguments"].items() if name in spec}, spec)


def _said(steps: Sequence[Step]) -> List[str]:
    return list(dict.fromkeys(line for step in steps for line in step.said))


MODULE = Module(
    {
        "argument_spec": {
            "steps": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "name": {"type": "str", "required": True},
                    "module": {"type": "str", "choices": list(CARRIED), "required": True},
                    "arguments": {"type": "dict", "default": {}, "no_log": True},
                },
            },
            "common": {"type": "dict", "default": {}},
        }
    },
    work_on,
)
