# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Has a host stand ready for the calls of a run, and answers them there.

The calls are those of the module ``batch``; it is loaded, with the modules that it runs, before one of them comes. One
process is begun as soon as a run has the site; before the window another one takes its place, which has also loaded the
project.
"""

from __future__ import annotations

import importlib
import json
import os
import traceback
from typing import Any, Mapping, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._carried import CARRIED
from ansible_collections.relocate.django.plugins.module_utils._module import answered
from ansible_collections.relocate.django.plugins.module_utils._project import answers
from ansible_collections.relocate.django.plugins.module_utils._site import SiteOptions
from ansible_collections.relocate.django.plugins.module_utils._standby import begin, place, serve

_MODULES = __name__.rpartition(".")[0] + "._modules."


def stand_ready(
    steps: Sequence[Mapping[str, Any]], run: Tuple[str, str, str], asking: Sequence[Mapping[str, Any]]
) -> None:
    """Have a process wait that has loaded what the steps run: in the window no call waits for Python to do so.

    :param steps: as the task has them
    :param run: our directory, the site, and the run
    :param asking: the parameters of those steps that will ask the project what databases say
    """
    where = place.place_for(steps)
    if not where or not begin.begin(where, *run[:2], sorted({step["module"] for step in steps})):
        return
    if asking:  # it is asked in the window, of a project that is loaded
        begin.say(where, json.dumps({"load": asking[0]}).encode("utf-8"))


def stay(steps: Sequence[Mapping[str, Any]], run: Tuple[str, str, str]) -> None:
    """Have a process wait for the next calls of a run that holds the site, unless there is one; nobody waits for it.

    :param steps: those that were done
    :param run: our directory, the site, and the run
    """
    where = place.place_for(steps) if os.environ.get(place.VARIABLE) else ""
    if where and not os.path.lexists(where):
        begin.begin(where, *run[:2], CARRIED, waits=False)


def stand_by(where: str, modules: Sequence[str]) -> None:
    """Wait for calls, in the process that was begun for that.

    :param where: the place that the controller looks for it
    """
    for name in ("batch", *modules):
        importlib.import_module(_MODULES + name)
    serve.serve(where, answer)


def answer(request: bytes) -> serve.Answer:
    """Return what a call is answered, as JSON; what is no error of ours, as Ansible tells of a module that broke."""
    try:
        asked = json.loads(request.decode("utf-8"))
        if "load" in asked:
            answers.get_ready(SiteOptions.of(asked["load"]).project.find())
            return serve.Answer(b"{}", goes_on=True)
        batch = importlib.import_module(_MODULES + "batch")
        token = str(asked.get("progress") or "")
        result = answered(batch.MODULE, asked["arguments"], bool(asked["check_mode"]), batch.shown, token)
    except Exception:
        result = {"failed": True, "changed": False, "msg": "MODULE FAILURE", "module_stderr": traceback.format_exc()}
    return serve.Answer(json.dumps(result).encode("utf-8"))
