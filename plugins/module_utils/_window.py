# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Has a host stand ready for the calls of a run, and answers them there.

The calls are those of the module ``batch``; it is loaded, with the modules that it runs, before one of them comes. A
process is begun as soon as a run has the site. Before the window it loads the project too.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
from typing import Any, List, Mapping, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._broken import broken
from ansible_collections.relocate.django.plugins.module_utils._carried import CARRIED
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._module import answered
from ansible_collections.relocate.django.plugins.module_utils._project import answers
from ansible_collections.relocate.django.plugins.module_utils._site import SiteOptions
from ansible_collections.relocate.django.plugins.module_utils._standby import begin, place, serve

_MODULES = __name__.rpartition(".")[0] + "._modules."
_HERE: List[str] = []  # the place at which this process waits


def stand_ready(
    steps: Sequence[Mapping[str, Any]], run: Tuple[str, str, str], asking: Sequence[Mapping[str, Any]]
) -> bool:
    """Have a process wait that has loaded what the steps run: in the window no call waits for Python to do so.

    In the process that waits for their run, that is this one: who answers this call answers the next, too.

    :param steps: as the task has them
    :param run: our directory, the site, and the run
    :param asking: the parameters of those steps that will ask the project what databases say
    :returns: whether this is the process that answers the next call
    """
    where = place.place_for(steps)
    if where in _HERE:
        for params in asking[:1]:
            _load(params)
        return True
    if not where or not begin.begin(where, *run[:2], sorted({step["module"] for step in steps})):
        return False
    if asking:  # it is asked in the window, of a project that is loaded
        begin.say(where, json.dumps({"load": asking[0]}).encode("utf-8"))
    return False


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
    _HERE.append(where)
    serve.serve(where, answer)


def _load(params: Mapping[str, Any]) -> None:
    """Load a project, for the next call to ask it; where that fails, it is loaded then."""
    with contextlib.suppress(RelocateError):
        answers.get_ready(SiteOptions.of(params).project.find())


def answer(request: bytes) -> serve.Answer:
    """Return what a call is answered, as JSON."""
    try:
        asked = json.loads(request.decode("utf-8"))
        if "load" in asked:
            _load(asked["load"])
            return serve.Answer(b"{}", goes_on=True)
        batch = importlib.import_module(_MODULES + "batch")
        token = str(asked.get("progress") or "")
        result = answered(batch.MODULE, asked["arguments"], bool(asked["check_mode"]), batch.shown, token)
        goes_on = asked["arguments"].get("state") == "prepared"
    except Exception as error:
        result = {"failed": True, "changed": False, **broken(error).as_result()}
        goes_on = False
    return serve.Answer(json.dumps(result).encode("utf-8"), goes_on)
