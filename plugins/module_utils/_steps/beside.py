# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Brings what belongs to a site beside its units to the state that these are brought to: lines of cron, and a page.

On old the lines are commented out before the first unit stops, and come back after the last has started; so does the
page come and go. On new the lines are added once the site has answered, and taken away before its first unit stops.
What sends visitors on to new goes before the first unit of old starts again, since it may have that unit's port.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import List, Optional, Sequence

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import CronTable
from ansible_collections.relocate.django.plugins.module_utils._options import ModuleOptions
from ansible_collections.relocate.django.plugins.module_utils._record.keys import Forward
from ansible_collections.relocate.django.plugins.module_utils._record.record import Record
from ansible_collections.relocate.django.plugins.module_utils._services import crontab, systemd
from ansible_collections.relocate.django.plugins.module_utils._services.cron import Plan, SiteCron, label
from ansible_collections.relocate.django.plugins.module_utils._services.crontab import Crontabs
from ansible_collections.relocate.django.plugins.module_utils._services.forward import Forwarding
from ansible_collections.relocate.django.plugins.module_utils._services.maintenance import Page
from ansible_collections.relocate.django.plugins.module_utils._services.systemd import Systemd
from ansible_collections.relocate.django.plugins.module_utils._set import cron as set_cron
from ansible_collections.relocate.django.plugins.module_utils._steps import maintenance
from ansible_collections.relocate.django.plugins.module_utils._steps.cron_lines import CARRY


@dataclass(frozen=True)
class Options(ModuleOptions):
    """Holds what the module ``services`` is asked for, as far as it is about more than units."""

    directory: str  # ours
    site: str
    run: str  # the run that the task belongs to
    state: str
    label: str  # of the set that holds the lines
    cron: str  # carry: the lines go along
    freeze_limit: int  # seconds until they come back by themselves; 0: never
    retired: bool  # thawed: a retired site is brought back too
    abandoned: bool  # thawed: a site that another host may serve is left alone
    path: Optional[str] = None  # the project's directory on this host
    maintenance: Optional[str] = None  # a page on this host that is shown while the site is frozen


class Beside:
    """What one call of the module does about a site's lines of cron.

    :param record: the site's, as it was before this call
    :param check_mode: nothing is written
    """

    def __init__(self, options: Options, record: Record, check_mode: bool, tables: Optional[Crontabs] = None) -> None:
        self._options, self._record, self._check_mode = options, record, check_mode
        runs = os.path.isdir(systemd.RUNNING)
        units = Systemd() if runs and _is_about(options) else None
        self._cron = SiteCron(options.directory, options.site, tables or Crontabs(), units)
        self._page = Page(options.directory, options.site, units) if units is not None else None
        self._forwarding = Forwarding(options.directory, options.site, Systemd()) if runs else None
        self._sent_on: Optional[Forward] = None  # what sent visitors on, and was taken away by this call
        self._added = Plan("")
        self._silenced = Plan("")
        self.steps: List[str] = []
        self.warnings: List[str] = []

    def before(self) -> None:
        """Do what comes before the units: refuse what must not be, comment out, take away."""
        state = self._options.state
        if state == "frozen":
            self._silence()
            self._show()
        elif state == "held":
            self._see_still()
        elif state == "thawed":
            self._serve_again()
        elif state == "started":
            self._send_nobody_on()
            carried = self._carried()
            self._added = self._cron.add(carried)
            self._name_places(carried)
        elif state == "stopped":
            self._do(self._cron.remove())

    def after(self) -> None:
        """Do what comes once the units are as they should be: bring back, let nothing come back by itself."""
        state = self._options.state
        if state == "thawed":
            self._wake()
        elif state in ("held", "retired"):
            self._rest()
        elif state == "started":
            self._do(self._added)

    def failed(self) -> None:
        """Take back what was done before the units failed; old is thawed whatever comes of it, but for an undo."""
        try:
            self._take_back()
        except RelocateError as error:  # what failed first is what is told
            self.warnings.append("{0}. Next: {1}".format(error.msg, error.hint))

    def _take_back(self) -> None:
        state = self._options.state
        if state == "thawed":
            self._take_thaw_back()
        elif state == "frozen":
            self._hide()
            if self._silenced.names:
                self._do(self._cron.wake())
                self._cron.disarm()
        elif state == "started" and self._added.names:
            self._do(self._cron.remove())

    def _take_thaw_back(self) -> None:
        """Let lines run again, since old is to serve whatever comes of it; of an undo, new will serve on."""
        if not (self._options.retired and self._record.serves_elsewhere()):
            self._wake()
        elif self._forwarding and self._sent_on:
            self._forwarding.put_up(self._sent_on)

    # --- each of them

    def _carried(self) -> Sequence[CronTable]:
        """Return the lines that the set holds, when they are to go along."""
        options = self._options
        if options.cron != CARRY:
            return ()
        found = set_cron.of_label(options.directory, options.site, options.label)
        crontab.check(found)
        return found

    def _name_places(self, carried: Sequence[CronTable]) -> None:
        """Warn of lines that lead to where the project was on old: they are added as they stood there."""
        options = self._options
        if not carried or not options.path or not self._added.texts:
            return
        theirs = set_cron.project_of(options.directory, options.site, options.label)
        if theirs in ("", options.path):
            return
        place = re.compile(r"(?<![\w/.-])" + re.escape(theirs) + r"(?![\w.-])")
        names = [table.name for table in carried if any(place.search(line.text) for line in table.lines)]
        for name in names:
            text = "{0} name {1}, and the project is in {2} here: correct them"
            self.warnings.append(text.format(label(name), theirs, options.path))

    def _silence(self) -> None:
        self._silenced = self._cron.silence(self._carried())
        if not self._silenced.names:
            return
        # A timer would bring a retired site back to life beside the new one.
        seconds = 0 if self._record.retired else max(0, self._options.freeze_limit)
        again = self._record.is_frozen_by(self._options.run, self._options.label) and self._cron.is_armed()
        if self._silenced.texts or (seconds and not again):
            self._do(self._silenced, seconds)

    def _see_still(self) -> None:
        """Refuse when lines run again: somebody, or the timer, has brought them back. Raises freeze_lost."""
        if self._record.cron_silenced and not self._cron.is_still(self._carried()):
            raise RelocateError(
                "freeze_lost",
                "lines of cron that were commented out on old run again: its data may be newer than the backup set",
                "run the move again; it freezes the site and takes a new backup set",
                {"reasons": ["lines of cron run again"]},
            )

    def _show(self) -> None:
        """Show the page; without it the freeze goes on."""
        options = self._options
        if not (self._page and options.maintenance and options.path):
            return
        if self._page.shown() and self._record.is_frozen_by(options.run, options.label):
            return
        self.steps.append("show {0}".format(options.maintenance))
        if self._check_mode:
            return
        try:
            maintenance.show(self._page, options.maintenance, options.path, max(0, options.freeze_limit))
        except RelocateError as error:
            self._without_page("{0}. Next: {1}".format(error.msg, error.hint))
        except OSError as error:
            self._without_page("{0}: {1}".format(error.filename, error.strerror))

    def _without_page(self, why: str) -> None:
        self.steps.pop()
        self.warnings.append("no maintenance page is shown: {0}".format(why))

    def _hide(self) -> None:
        if not (self._page and self._page.shown()):
            return
        self.steps.append("take away {0}".format(self._page.shown()))
        if self._check_mode:
            return
        try:
            self._page.hide()
        except RelocateError as error:
            self.warnings.append("{0}. Next: {1}".format(error.msg, error.hint))

    def _serve_again(self) -> None:
        """Send nobody on any more. Raises config_refused, unit_failed: two hosts would be asked in turn."""
        if not self._may_serve_elsewhere():
            self._send_nobody_on()

    def _send_nobody_on(self) -> None:
        """Take away what sends visitors on to another host: the site is to serve here. Raises as the above."""
        if self._forwarding is None or self._record.forward is None:
            return
        self.steps.append("send no visitors on to {0}".format(self._record.forward.to))
        if not self._check_mode:
            self._sent_on = self._forwarding.take_down()

    def _rest(self) -> None:
        self._disarm()
        if self._options.state == "retired":
            self._do(self._cron.silence(self._carried(), strict=False))

    def _wake(self) -> None:
        if self._may_serve_elsewhere():
            return
        self._hide()
        self._do(self._cron.wake())
        self._disarm()

    def _may_serve_elsewhere(self) -> bool:
        """Tell whether another host may serve. Of a site without units, only the timer tells that it was not held."""
        record, options = self._record, self._options
        held = bool(record.cron_silenced) and record.freeze is None and not self._cron.is_armed()
        return (record.retired is not None and not options.retired) or (options.abandoned and held)

    def _disarm(self) -> None:
        if self._check_mode:
            return
        self._cron.disarm()
        if self._page and self._page.shown():
            self._page.disarm()

    def _do(self, plan: Plan, seconds: int = 0) -> None:
        self.steps += plan.steps()
        self.warnings += ["{0}; its lines stay as they are".format(error.msg) for error in plan.errors]
        if not self._check_mode:
            self._cron.apply(plan, seconds)


def _is_about(options: Options) -> bool:
    """Tell whether the state has to do with the timer."""
    return options.state in ("frozen", "held", "thawed", "retired")
