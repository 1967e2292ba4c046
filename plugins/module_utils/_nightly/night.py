# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs one night: the modules of its plan in order, and tells what became of it. What fails ends the night.

What modules return holds no secret (``_module``); of anything else that is raised only the kind is told.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Mapping, Tuple

from ansible_collections.relocate.django.plugins.module_utils._broken import broken
from ansible_collections.relocate.django.plugins.module_utils._nightly.plan import Call, Plan
from ansible_collections.relocate.django.plugins.module_utils._nightly.status import FAILED, GOOD, RUNNING, Status, Step

#: Runs a module with these arguments, and returns what it would print.
Answer = Callable[[str, Mapping[str, Any]], Dict[str, Any]]
_MOST = 20  # notes that are kept
_NOTE = 300  # characters of one


class Stopped(BaseException):
    """Somebody ends this process: systemd, when the time is over, or the host stops."""


@dataclass
class Night:
    """One night at work.

    :param answer: runs a module
    :param tell: called with the status when it changes
    :param now: seconds since 1970
    """

    plan: Plan
    answer: Answer
    tell: Callable[[Status], None]
    now: Callable[[], float] = time.time

    def run(self, last: Status, host: str) -> Status:
        """Run the steps; returns how the night ended. Raises nothing that a step does.

        :param last: what became of the night before
        """
        begun = self.now()
        status = last.but(
            site=self.plan.site,
            host=host,
            state=RUNNING,
            begun=begun,
            ended=0.0,
            steps=(),
            label="",
            notes=(),
            nights=last.nights + 1,
            max_age=self.plan.max_age,
            **_CLEAN,
        )
        try:
            calls = self._calls(status.nights)
            for call in calls:
                status = status.but(step=call.name)
                self.tell(status)
                status = self._step(call, status, call is calls[-1])
                if status.state == FAILED:
                    break
            else:
                status = status.but(state=GOOD, step="", good=self.now())
        except Stopped:
            text = "it was stopped after {0:.0f} s: out of time, or the host went down".format(self.now() - begun)
            status = status.but(state=FAILED, code="timed_out", message=text, hint="see what took so long")
        if status.code != "timed_out":
            status = self._looked(status)
        return status.but(ended=self.now())

    def _calls(self, number: int) -> List[Call]:
        return [call for call in self.plan.calls if number % max(1, call.every) == 0]

    def _step(self, call: Call, status: Status, is_last: bool) -> Status:
        begun = time.monotonic()
        found = self._answered(call.module, self._arguments(call, status, is_last))
        took = round(time.monotonic() - begun, 1)
        notes = [str(note)[:_NOTE] for note in (*(found.get("notes") or ()), *(found.get("warnings") or ()))]
        status = status.but(
            steps=(*status.steps, Step(call.name, took, not found.get("failed"))),
            notes=tuple(dict.fromkeys((*status.notes, *notes)))[:_MOST],
        )
        if found.get("failed"):
            return status.but(state=FAILED, **_told(found))
        return status.but(label=str(found.get("label") or "")) if call.module == "backup" else status

    def _arguments(self, call: Call, status: Status, is_last: bool) -> Dict[str, Any]:
        """Return the arguments of a step: which set it is about is known tonight only."""
        given = dict(call.arguments, run=run_of(status), release=is_last)
        if call.module == "repository" and given.get("state") == "checked":
            return given
        return {**given, "label": status.label} if status.label else given

    def _answered(self, module: str, arguments: Mapping[str, Any]) -> Dict[str, Any]:
        try:
            return self.answer(module, arguments)
        except Exception as error:  # before the module's own exit, which tells what it did not foresee
            return {"failed": True, **broken(error, module).as_result()}

    def _looked(self, status: Status) -> Status:
        """Add how old the newest proven set is; what is not known tonight stays as it was."""
        kept = next((call.arguments.get("repository") for call in self.plan.calls if call.module == "rehearse"), None)
        given = {"site": self.plan.site, "directory": self.plan.directory, "repository": kept or {}, "metrics": True}
        found = self._answered("backup_info", given)
        age = found.get("age")
        if found.get("failed") or not isinstance(age, Mapping):
            return status
        return status.but(**{key: age[name] for key, name in _AGES.items()})


#: What a night begins without.
_CLEAN = {"step": "", "code": "", "message": "", "hint": ""}
#: Of a status, the key of backup_info's answer.
_AGES = {
    "sets": "sets",
    "newest": "newest_made",
    "proven_set": "proven",
    "proven_made": "proven_made",
    "proven_at": "proven_seconds",
}


def run_of(status: Status) -> str:
    """Return the name by which a night has the site, as people recognise it."""
    begun = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(status.begun))
    return "nightly@{0} {1} -> {0}".format(status.host, begun)


def _told(found: Mapping[str, Any]) -> Dict[str, str]:
    """Return code, message and hint of a failure; the message of a module holds the other two as well."""
    code, hint = (str(found.get(key) or "") for key in ("code", "hint"))
    text = str(found.get("msg") or "it failed without a word")
    before, after = "[{0}] ".format(code), " Next: {0}".format(hint)
    text = text[len(before) :] if text.startswith(before) else text
    return {"code": code, "hint": hint, "message": text[: -len(after)] if hint and text.endswith(after) else text}


def lines(status: Status) -> Tuple[str, ...]:
    """Say for people, and for the journal, how a night ended."""
    took = "".join("\n  {0}: {1:.1f} s{2}".format(one.name, one.seconds, "" if one.good else ", failed")
                   for one in status.steps)  # fmt: skip
    if status.state == GOOD:
        return ("site {0}: set {1} was made, kept and restored beside the live databases{2}".format(
            status.site, status.label, took),)  # fmt: skip
    text = "site {0}: the night failed at {1} [{2}] {3}".format(status.site, status.step, status.code, status.message)
    return (text + took, "next: " + status.hint)
