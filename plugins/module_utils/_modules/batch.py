# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says what the module ``batch`` takes, and does it: several modules of ours, one after the other, in one call."""

from __future__ import annotations

import contextlib
import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils import _window
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
from ansible_collections.relocate.django.plugins.module_utils._progress import PROGRESS
from ansible_collections.relocate.django.plugins.module_utils._project.ahead import AHEAD, LASTING
from ansible_collections.relocate.django.plugins.module_utils._record import kept
from ansible_collections.relocate.django.plugins.module_utils._site import ask_before

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
        forward,
        interpreter,
        media_objects,
        migrate,
        owner_info,
        packages_info,
        preflight,
        project_info,
        rehearse,
        restore,
        sanitise,
        services,
        transfer,
        transfer_grant,
        upgrade,
        verify,
    )

_PACKAGE = __name__.rpartition(".")[0]


@dataclass
class Step:
    """One module to be run, as its work sees it."""

    name: str
    module: Module
    params: Dict[str, Any]
    check_mode: bool
    said: List[str]

    @property
    def holds(self) -> bool:
        """Tell whether it has the site for its run."""
        return not self.check_mode and self.module.writes(self.params)

    @property
    def opens(self) -> bool:
        """Tell whether it opens its project."""
        return self.module.asks is not None

    def asks(self) -> Sequence[str]:
        """Return the topics that its project will be asked about."""
        return self.module.asks(self.params) if self.module.asks else ()

    def run(self) -> Tuple[str, str, str]:
        """Return our directory, the site, and the run that this is a step of."""
        return self.params["directory"], self.params["site"], self.params["run"]

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
    """Look at all arguments, then do what is to be done before, or run one step after the other."""
    params = module.params
    steps = [step_of(wanted, params["common"] or {}, module.check_mode) for wanted in params["steps"]]
    if params["state"] == "prepared":
        prepare(steps)
        if steps and not module.check_mode:
            asking = [step.params for step in steps if set(step.asks()) - set(LASTING)]
            if _window.stand_ready(params["steps"], steps[0].run(), asking):
                get_ready(steps)
        return {"changed": False, "returned": {}}
    return done(module, steps)


def prepare(steps: Sequence[Step]) -> None:
    """Ask projects what the steps will want to know of code and settings, and keep it for the calls that run them."""
    opening = [step for step in steps if step.opens and not step.check_mode]
    if opening:
        topics = [topic for topic in LASTING if any(topic in step.asks() for step in opening)]
        kept.keep(*opening[0].run(), ask_before(opening[0].params, topics), len(opening))


def get_ready(steps: Sequence[Step]) -> None:
    """Do what makes the steps faster, in the process that will run them; they do without it where it fails."""
    for step in steps:
        if step.module.ready is not None:
            with contextlib.suppress(RelocateError, OSError):
                step.module.ready(step.params)


def _take_kept(opening: Sequence[Step]) -> None:
    """Take what was kept for the steps that open their project."""
    if opening:
        AHEAD.use(kept.take(*opening[0].run(), len(opening)))


def done(module: Call, steps: Sequence[Step]) -> Dict[str, Any]:
    """Run one step after the other; the first failure ends it."""
    results: Dict[str, Any] = {}
    AHEAD.shared = True
    _take_kept([step for step in steps if step.opens])
    try:
        for number, step in enumerate(steps):
            AHEAD.expected = [topic for later in steps[number + 1 :] for topic in later.asks()]
            PROGRESS.step = step.name
            results[step.name] = _result_of(step, results)
        if goes_on(steps):
            _window.stay(module.params["steps"], steps[0].run())
    finally:
        tell(module, _said(steps))
    # Ansible gives another name to what is called results.
    return {"changed": any(result["changed"] for result in results.values()), "returned": results}


def goes_on(steps: Sequence[Step]) -> bool:
    """Tell whether the run has the site after these steps."""
    return any(step.holds for step in steps) and not any(step.params.get("release") for step in steps)


def _result_of(step: Step, before: Mapping[str, Mapping[str, Any]]) -> Dict[str, Any]:
    """Run a step. Raises what it does, with the names of those that were done before and what they took."""
    result, error = perform(step, step.module.work_on, step.module.writes)
    if error is not None:
        done = {name: found["elapsed"] for name, found in before.items()}
        raise RelocateError(error.code, error.msg, error.hint, {**error.details, "step": step.name, "done": done})
    if result["changed"]:
        AHEAD.changed()
    return result


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
            "state": {"type": "str", "choices": ["done", "prepared"], "default": "done"},
        }
    },
    work_on,
)
