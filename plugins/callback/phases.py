# SPDX-FileCopyrightText: 2026 The relocate.django authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shows a run as its phases: a heading for each, and below it the tasks that changed something, took long or failed."""

from __future__ import annotations

DOCUMENTATION = r"""
name: phases
type: stdout
short_description: Show the phases of a run instead of each of its tasks
version_added: 0.1.0
description:
  - A move has more than a hundred tasks, most of which decide something or are skipped. This callback prints a heading
    for each phase, and below it a line for each task that changed a host, took two seconds or longer, or failed.
  - Progress, reports and what the end of a run says are printed as with the default callback.
  - It takes nothing away from C(-v), with which it is the default callback.
author:
  - The relocate.django authors (@relocate-django)
extends_documentation_fragment:
  - default_callback
  - result_format_callback
requirements:
  - set as stdout in the configuration
seealso:
  - plugin: ansible.builtin.default
    plugin_type: callback
"""

EXAMPLES = r"""
ansible.cfg: |
  # Enable it for all runs of this directory
  [defaults]
  stdout_callback = relocate.django.phases

environment: |
  # ... or for one run
  ANSIBLE_STDOUT_CALLBACK=relocate.django.phases ansible-playbook relocate.django.move -i inventory.yml
"""

import time
from typing import Any, Dict, List, Tuple

from ansible import constants as C
from ansible.playbook.task_include import TaskInclude
from ansible.plugins.callback.default import CallbackModule as Default

from ansible_collections.relocate.django.plugins.plugin_utils import _phases


class CallbackModule(Default):  # type: ignore[misc]
    """The default callback, which leaves out what nobody waits for."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "relocate.django.phases"

    def __init__(self) -> None:
        """Begin with no heading."""
        super().__init__()
        self._begun: Dict[Tuple[str, str], float] = {}
        #: The headings that a host's last line had; of hosts that wait for each other they are the same.
        self._shown: Dict[str, List[str]] = {}
        self._next_play = ""
        self._apart = False

    def _whole(self) -> bool:
        return bool(self._display.verbosity)

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """Note a play, which is shown with the first of its lines."""
        if self._whole():
            super().v2_playbook_on_play_start(play)
        self._play = play
        self._next_play, self._shown = play.get_name().strip(), {}
        self._apart = str(play.strategy).rpartition(".")[2] in ("free", "host_pinned")

    def _task_start(self, task: Any, prefix: Any = None) -> None:
        if self._whole():
            super()._task_start(task, prefix)

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        """Note when a host begins with a task, and say where it is, since that may take long."""
        super().v2_runner_on_start(host, task)
        self._begun[host.get_name(), task._uuid] = time.monotonic()
        if not self._whole() and _works(task):
            self._headings(host.get_name(), _above(task))

    def _print_task_banner(self, task: Any) -> None:
        if self._whole():
            super()._print_task_banner(task)
            return
        self._headings("", [*_above(task), _printed(task)])
        self._last_task_banner = task._uuid

    def _headings(self, host: str, path: List[str]) -> int:
        """Print those of the headings above a line that the line before it did not have; returns how deep they go.

        Hosts that go on by themselves have theirs in one line each.
        """
        if self._next_play:
            self._display.banner(_phases.plain(self._next_play))
            self._next_play = ""
        whose = host if self._apart else ""
        for depth, text in _phases.fresh(self._shown.get(whose, []), path, whose):
            self._display.display("  " * depth + text)
        self._shown[whose] = path
        return 0 if self._apart else len(path)

    def v2_playbook_on_include(self, included_file: Any) -> None:
        """Show nothing of an include itself: what it includes has its name as heading."""
        if self._whole():
            super().v2_playbook_on_include(included_file)

    def v2_runner_on_ok(self, result: Any) -> None:
        """Show a task that changed its host or took long, and what a debug task says."""
        if self._whole() or self._says(result._task):
            super().v2_runner_on_ok(result)
            return
        seconds = self._seconds(result)
        changed = bool(result._result.get("changed"))
        if not isinstance(result._task, TaskInclude) and (changed or seconds >= _phases.LONG):
            self._line(result, _phases.done(changed, seconds), C.COLOR_CHANGED if changed else C.COLOR_OK)
        self._warned(result)

    @staticmethod
    def _says(task: Any) -> bool:
        return str(task.action).rpartition(".")[2] == "debug"

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Show why a task failed, in its own words where it has some."""
        found = result._result
        ours = str(result._task.action).startswith("relocate.django.") and not ignore_errors
        if self._whole() or not (ours and found.get("code") and found.get("msg")):
            super().v2_runner_on_failed(result, ignore_errors)
            return
        self._line(result, _phases.failed(found["msg"]), C.COLOR_ERROR)
        self._warned(result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        """Show nothing of a task that is skipped."""
        if self._whole():
            super().v2_runner_on_skipped(result)
        else:
            self._warned(result)

    def v2_runner_item_on_ok(self, result: Any) -> None:
        """Show the items of a loop only as one task."""
        if self._whole() or self._says(result._task):
            super().v2_runner_item_on_ok(result)

    def v2_runner_item_on_skipped(self, result: Any) -> None:
        """Show nothing of an item that is skipped."""
        if self._whole():
            super().v2_runner_item_on_skipped(result)

    def _line(self, result: Any, text: str, color: str) -> None:
        """Print a line about a task on a host, below its headings."""
        depth = self._headings(result._host.get_name(), _above(result._task))
        line = "{0}[{1}] {2}: {3}".format(
            "  " * (depth + 1), self.host_label(result), _phases.plain(_printed(result._task)), text
        )
        self._display.display(line, color=color)

    def _seconds(self, result: Any) -> float:
        key = (result._host.get_name(), result._task._uuid)
        return time.monotonic() - self._begun.pop(key, time.monotonic())

    def _warned(self, result: Any) -> None:
        self._handle_warnings(result._result)


#: Of our actions, those that stay on the controller.
_HERE = ("attempt", "inventory", "obstacles", "report")
#: The variable by which a task is put off: it only settles what is done later.
_PUT_OFF = "relocate_puts_off"


def _works(task: Any) -> bool:
    """Tell whether a task asks something of a host by a module of ours."""
    collection, _dot, name = str(task.action).rpartition(".")
    if collection != "relocate.django" or name in _HERE:
        return False
    return not any(_PUT_OFF in (above.vars or {}) for above in (task, *_ancestors(task)))


def _printed(task: Any) -> str:
    """Return the name of a task without that of its role."""
    return str(task.name or task.action)


def _ancestors(task: Any) -> List[Any]:
    """Return what a task is in, from the innermost to the outermost."""
    found: List[Any] = []
    above = task._parent
    while above is not None:
        found.append(above)
        above = getattr(above, "_parent", None)
    return found


def _above(task: Any) -> List[str]:
    """Return the names of what a task was included by, from the outermost to the innermost."""
    included = [above for above in reversed(_ancestors(task)) if isinstance(above, TaskInclude) and above.name]
    return [_phases.heading(above.name, above.vars) for above in included]
