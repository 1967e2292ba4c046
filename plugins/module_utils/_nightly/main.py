# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The program that systemd runs on the host: the same modules that the playbooks send, in one archive, without Ansible.

``run PLAN`` does one night; ``failed PLAN`` tells people that it failed; ``check STATUS [MAX_AGE]`` is for Icinga, and
needs no rights but to read that file. Exit codes are Icinga's: 0 good, 1 warning, 2 failed, 3 unknown.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib
import os
import signal
import sys
import time
from typing import Any, Callable, Dict, Iterator, List, Mapping, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._nightly import metrics, night, plan, status, telling
from ansible_collections.relocate.django.plugins.module_utils._nightly.night import Night, Stopped
from ansible_collections.relocate.django.plugins.module_utils._nightly.plan import Plan
from ansible_collections.relocate.django.plugins.module_utils._nightly.status import FAILED, GOOD, RUNNING, Status
from ansible_collections.relocate.django.plugins.module_utils._printable import printable, printable_lines
from ansible_collections.relocate.django.plugins.module_utils._record.lease import Lease

_BASE = __name__.rpartition("._nightly.")[0]
Say = Callable[[str], None]
#: What the program's exit codes mean.
EXIT_CODES = {"good": metrics.OK, "warning": metrics.WARNING, "failed": metrics.CRITICAL, "unknown": metrics.UNKNOWN}


def answer(module: str, arguments: Mapping[str, Any]) -> Dict[str, Any]:
    """Run a module as Ansible would, and return what it would print."""
    exit_of = importlib.import_module(_BASE + "._module")
    found = importlib.import_module("{0}._modules.{1}".format(_BASE, module))
    result: Dict[str, Any] = exit_of.answered(found.MODULE, arguments, False, exit_of.without_secrets)
    return result


def run(
    wanted: Plan,
    say: Say,
    does: night.Answer = answer,
    send: telling.Post = telling.post,
    now: Callable[[], float] = time.time,
) -> int:
    """Do one night; returns the exit code."""
    with _alone(wanted), _stoppable():
        last = status.read(wanted.status, wanted.site)

        def tell(current: Status) -> None:
            say("{0}: {1}".format(current.site, current.step))
            for text in _write(wanted, current):
                say(text)

        ended = Night(wanted, does, tell, now).run(last, os.uname().nodename)
        if ended.state != GOOD:
            _give_back(wanted, ended)
    left = telling.good(wanted, send) if ended.state == GOOD else []
    ended = ended.but(notes=(*ended.notes, *left))
    for text in (*night.lines(ended), *left, *_write(wanted, ended)):
        say(text)
    return metrics.OK if ended.state == GOOD else metrics.CRITICAL


def tell_failed(wanted: Plan, say: Say, send: telling.Post = telling.post, now: Callable[[], float] = time.time) -> int:
    """Tell people of a night that failed. One that could not even say so, as it was killed, is noted first."""
    found = status.read(wanted.status, wanted.site)
    if found.state in (RUNNING, status.NEVER) or found.state == GOOD:
        result = os.environ.get("MONITOR_SERVICE_RESULT", "")
        text = "the night ended without a word{0}".format(" ({0})".format(printable(result)) if result else "")
        hint = "read its journal: journalctl -u {0}".format(unit_of(wanted.site))
        found = found.but(state=FAILED, code="killed", message=text, hint=hint, ended=now(), host=os.uname().nodename)
        for line in _write(wanted, found):
            say(line)
    left = telling.failed(wanted, found, send)
    for line in left:
        say(line)
    return metrics.CRITICAL if left else metrics.OK


def unit_of(site: str) -> str:
    """Return the name of the unit that runs a site's nights."""
    return "relocate-nightly-{0}.service".format(site)


def check(path: str, max_age: str, say: Say, now: float) -> int:
    """Say in one line whether all is well; returns the exit code."""
    if not os.access(path, os.R_OK):
        say("UNKNOWN - {0} cannot be read: schedule_group names a group that may".format(path))
        return metrics.UNKNOWN
    found = status.read(path, "?")
    code, line = metrics.judged(found, max_age or found.max_age or "36h", now)
    say(line)
    return code


def _give_back(wanted: Plan, ended: Status) -> None:
    """Let others have the site at once; where another run has it, it is that one's."""
    with contextlib.suppress(OSError, RelocateError), Lease(
        wanted.directory, wanted.site, night.run_of(ended)
    ) as lease:
        lease.release()


def _write(wanted: Plan, current: Status) -> List[str]:
    """Write status and figures; returns what could not be written. A night goes on without them."""
    left = []
    texts: List[Tuple[str, Callable[[], None]]] = [
        ("the status", lambda: status.write(wanted.status, current, wanted.group)),
    ]
    if wanted.metrics and current.state != RUNNING:
        figures = metrics.of_night(current)
        texts.append(("the metrics", lambda: status.replace(wanted.metrics, figures, 0o644)))
    for what, write in texts:
        try:
            write()
        except (OSError, RelocateError) as error:
            left.append("{0} could not be written: {1}".format(what, getattr(error, "strerror", None) or error))
    return left


@contextlib.contextmanager
def _alone(wanted: Plan) -> Iterator[None]:
    """Wait for the nights of other sites on this host."""
    place = os.path.dirname(wanted.status)
    handle = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextlib.contextmanager
def _stoppable() -> Iterator[None]:
    """Let systemd's wish to stop end the step at work, which drops what it has loaded."""

    def stop(_number: int, _frame: Any) -> None:
        raise Stopped

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def main(argv: Sequence[str]) -> int:
    """Entry point of the archive."""

    def say(text: str) -> None:
        sys.stdout.write(printable_lines(text) + "\n")
        sys.stdout.flush()

    words = list(argv[1:])
    try:
        if len(words) == 2 and words[0] in ("run", "failed"):
            return (run if words[0] == "run" else tell_failed)(plan.read(words[1]), say)
        if words[:1] == ["check"] and len(words) in (2, 3):
            return check(words[1], words[2] if len(words) > 2 else "", say, time.time())
    except RelocateError as error:
        say("[{0}] {1}\nnext: {2}".format(error.code, error.msg, error.hint))
        return metrics.UNKNOWN
    say("UNKNOWN - say: run PLAN, failed PLAN, or check STATUS [MAX_AGE]")
    return metrics.UNKNOWN
