# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A site's lines of cron: commented out on old while new takes over, added on new, and each put back.

What is going to be changed is written down first, and a timer of systemd's own brings the lines back on old when nobody
comes back. Each step is worked out from the tables as they are, so a run that was killed is gone on with.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from dataclasses import dataclass, field, replace
from typing import Callable, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._host.files import make_directory, replaced
from ansible_collections.relocate.django.plugins.module_utils._model import CronTable
from ansible_collections.relocate.django.plugins.module_utils._record.record import Record, read_record, update_record
from ansible_collections.relocate.django.plugins.module_utils._services import crontab
from ansible_collections.relocate.django.plugins.module_utils._services.crontab import Crontabs
from ansible_collections.relocate.django.plugins.module_utils._services.systemd import Systemd

SILENCE, WAKE, ADD, REMOVE = "comment out", "bring back", "add", "remove"


@dataclass(frozen=True)
class Plan:
    """What becomes of tables: the text that each is to hold. ``names`` are those that the step is about."""

    verb: str
    names: Tuple[str, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict, repr=False)  # they may hold secrets
    errors: Tuple[RelocateError, ...] = ()  # of tables that cannot be read

    def steps(self) -> List[str]:
        """Return a line for each table that changes."""
        return ["{0} {1}".format(self.verb, label(name)) for name in self.texts]


def label(name: str) -> str:
    """Return a table in words."""
    return "lines of " + name if name.startswith("/") else "lines of the crontab of " + name


class SiteCron:
    """The lines of one site on this host.

    :param directory: our work directory, which holds the site's record
    :param tables: how to reach the tables
    :param systemd: how to reach systemd; None where it does not run
    """

    def __init__(self, directory: str, site: str, tables: Crontabs, systemd: Optional[Systemd]) -> None:
        self._directory, self._site, self._tables, self._systemd = directory, site, tables, systemd
        self._saved = os.path.join(directory, site + ".cron")

    # --- what is to be done; nothing is written

    def silence(self, carried: Sequence[CronTable], strict: bool = True) -> Plan:
        """Plan to comment the lines out.

        :param strict: refuse lines that are no longer there: those in their place would go on
        """
        texts: Dict[str, str] = {}
        for table in carried:
            before = self._tables.read(table.name)
            wanted = dict.fromkeys(line.text for line in table.lines)
            after, missing = crontab.silenced(before, list(wanted), self._site)
            if missing and strict:
                raise RelocateError(
                    "cron_runs",
                    "{0} of the {1} were changed since the set was begun".format(len(missing), label(table.name)),
                    "run the move again; it reads them again",
                )
            if after != before:
                texts[table.name] = after
        return Plan(SILENCE, tuple(table.name for table in carried), texts)

    def wake(self) -> Plan:
        """Plan to bring back what was commented out here."""
        return self._each(WAKE, self._record().cron_silenced, lambda text: crontab.woken(text, self._site))

    def add(self, carried: Sequence[CronTable]) -> Plan:
        """Plan to add the lines. Raises cron_failed where a table could not be written."""
        texts: Dict[str, str] = {}
        for table in carried:
            self._tables.check(table.name)
            before = self._tables.read(table.name)
            after = crontab.added(before, table.lines, self._site)
            if after != before:
                texts[table.name] = after
        return Plan(ADD, tuple(table.name for table in carried), texts)

    def remove(self) -> Plan:
        """Plan to take away what was added here."""
        return self._each(REMOVE, self._record().cron_added, lambda text: crontab.removed(text, self._site))

    def is_still(self, carried: Sequence[CronTable]) -> bool:
        """Tell whether all lines are commented out: neither the timer nor anybody else has brought one back."""
        return not self.silence(carried, strict=False).texts

    def _each(self, verb: str, names: Iterable[str], change: Callable[[str], str]) -> Plan:
        texts: Dict[str, str] = {}
        errors, fine = [], []
        for name in names:
            try:
                before = self._tables.read(name)
            except RelocateError as error:
                errors.append(error)
                continue
            fine.append(name)
            if change(before) != before:
                texts[name] = change(before)
        return Plan(verb, tuple(fine), texts, tuple(errors))

    # --- doing it

    def apply(self, plan: Plan, seconds: int = 0) -> None:
        """Carry a plan out: note first what is begun, and last what is no longer.

        :param seconds: after which systemd brings the lines back, whatever happens to us; 0: never
        """
        if plan.verb in (SILENCE, ADD):
            self._note(plan.verb, plan.names)
        if plan.verb == SILENCE and seconds and plan.names:
            self._arm(seconds)
        for name, text in plan.texts.items():
            self._tables.write(name, text)
        if plan.verb in (WAKE, REMOVE):
            self._note(plan.verb, plan.names)

    def _arm(self, seconds: int) -> None:
        """Let systemd bring the lines back. A user's crontab comes back as it is now, and loses later changes then."""
        if self._systemd is None:
            return
        self.disarm()
        make_directory(self._saved)
        for number, name in enumerate(self._record().cron_silenced):
            saved = os.path.join(self._saved, str(number))
            with replaced(saved) as stream:
                text = crontab.woken(self._tables.read(name), self._site)
                stream.write(text.encode("utf-8", "surrogateescape"))
            command = self._tables.command(name, saved, self._site)
            why = "Bring back the lines of cron of site {0}".format(self._site)
            self._systemd.arm(self._switch(number), seconds, (), why, command)

    def is_armed(self) -> bool:
        """Tell whether the timer waits."""
        timer = self._switch(0) + ".timer"
        return self._systemd is not None and self._systemd.states([timer])[timer].up

    def disarm(self) -> None:
        """Take the timers back, and remove what they would have needed."""
        with contextlib.suppress(FileNotFoundError):
            for name in os.listdir(self._saved):
                if name.isdigit() and self._systemd is not None:
                    self._systemd.disarm(self._switch(int(name)))
            shutil.rmtree(self._saved)

    def _switch(self, number: int) -> str:
        return "relocate-cron-{0}-{1}".format(self._site, number)

    def _record(self) -> Record:
        return read_record(self._directory, self._site)

    def _note(self, verb: str, names: Sequence[str]) -> None:
        def changed(latest: Record) -> Record:
            silenced, added = latest.cron_silenced, latest.cron_added
            return {
                SILENCE: replace(latest, cron_silenced=_with(silenced, names)),
                WAKE: replace(latest, cron_silenced=_without(silenced, names)),
                ADD: replace(latest, cron_added=_with(added, names)),
                REMOVE: replace(latest, cron_added=_without(added, names)),
            }[verb]

        if changed(self._record()) != self._record():
            update_record(self._directory, self._site, changed)


def _with(known: Sequence[str], names: Sequence[str]) -> Tuple[str, ...]:
    return tuple(sorted({*known, *names}))


def _without(known: Sequence[str], names: Sequence[str]) -> Tuple[str, ...]:
    return tuple(name for name in known if name not in names)
