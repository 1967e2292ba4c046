# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The swap: one database's content gets the name of another, in one step.

Tables change places in one ``RENAME TABLE``, which is atomic. Views, triggers, routines and events cannot be renamed:
they are dropped before it and made again after it. Until all is done, their statements are kept in a table of the
database that is put aside, so that a swap which was killed on the way is finished or taken back by the next one.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from typing import List, Mapping, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines import _mysql_admin as admin
from ansible_collections.relocate.django.plugins.module_utils._engines import _mysql_objects as stored
from ansible_collections.relocate.django.plugins.module_utils._engines._mysql_connect import Session, ident, literal
from ansible_collections.relocate.django.plugins.module_utils._engines._mysql_objects import StoredObject
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import as_plain

JOURNAL = "__relocate_swap"


#: In a database that is not live: which events are to run once it is.
EVENTS = "__relocate_events"
_OURS = (JOURNAL, EVENTS)


def park(session: Session, name: str, items: Sequence[StoredObject]) -> None:
    """Make objects in a database that is not live: nothing may happen by itself there. Raises load_failed."""
    stored.create(session, name, [stored.disabled(item) for item in items])
    events = [item for item in items if item.kind == stored.EVENT]
    if events:
        place = "{0}.{1}".format(ident(name), ident(EVENTS))
        session.run("CREATE TABLE {0} (name TEXT, enabled TEXT) CHARACTER SET utf8mb4 ENGINE=InnoDB".format(place))
        rows = ["({0}, {1})".format(literal(item.name), literal(item.enabled)) for item in events]
        session.run("INSERT INTO {0} VALUES {1}".format(place, ", ".join(rows)))


def parked(session: Session, name: str) -> List[StoredObject]:
    """The inverse of :func:`park`: the objects, events as they are to be when the database is live."""
    items = stored.read(session, name)
    if EVENTS not in admin.tables_of(session, name):
        return items
    rows = session.rows("SELECT name, enabled FROM {0}.{1}".format(ident(name), ident(EVENTS)))
    enabled = {str(event): str(word) for event, word in rows}
    return [replace(item, enabled=enabled.get(item.name, item.enabled)) for item in items]


def swap(session: Session, live: str, source: str, aside: str) -> None:
    """Give ``source`` the name ``live``; what is live, if anything, becomes ``aside``, which must not exist.

    Raises swap_failed or right_missing; live is as it was then.
    """
    if admin.database_exists(session, aside):
        raise RelocateError(
            "swap_failed", "the swap was not made: database {0} exists".format(aside), "remove it, then run this again"
        )
    there = [source] + ([live] if admin.database_exists(session, live) else [])
    objects = {name: parked(session, name) for name in there}
    charsets = {name: admin.charset_of(session, name) for name in there}
    Swap(session, (live, source, aside), objects.get(live, []), objects[source], charsets).run()


class Swap:
    """One swap on its way.

    :param names: live, source, aside
    :param old: the live database's objects that cannot be renamed
    :param new: those of the source
    :param charsets: character set and collation of those that exist
    """

    def __init__(
        self,
        session: Session,
        names: Tuple[str, str, str],
        old: Sequence[StoredObject],
        new: Sequence[StoredObject],
        charsets: Mapping[str, Tuple[str, str]],
    ) -> None:
        self.session, self.old, self.new, self.charsets = session, old, new, charsets
        self.live, self.source, self.aside = names
        self.had_live = self.live in charsets

    def run(self) -> None:
        """Do it. Raises as :func:`swap`."""
        session = self.session
        try:
            self._write_journal()
            if not self.had_live:
                admin.create_database(session, self.live, *self.charsets[self.source])
            stored.drop(session, self.source, self.new)
            stored.drop(session, self.live, self.old)
            self._rename(((self.live, self.aside), (self.source, self.live)))
        except RelocateError as exc:
            self.undo()
            code = exc.code if exc.code == "right_missing" else "swap_failed"
            raise RelocateError(code, "the swap was not made: " + exc.msg, exc.hint) from None
        try:
            self.finish()
        except RelocateError as exc:
            self._rename(((self.live, self.source), (self.aside, self.live)))
            self.undo()
            raise RelocateError("swap_failed", "the swap was taken back: " + exc.msg, exc.hint) from None

    def _write_journal(self) -> None:
        """Statements of both sides, in the database that is put aside; it is made like the live one."""
        admin.create_database(self.session, self.aside, *self.charsets.get(self.live, self.charsets[self.source]))
        place = "{0}.{1}".format(ident(self.aside), ident(JOURNAL))
        self.session.run(
            "CREATE TABLE {0} (side TEXT, item LONGTEXT) CHARACTER SET utf8mb4 ENGINE=InnoDB".format(place)
        )
        plain = {"old": as_plain(self.old), "new": as_plain(self.new), "charsets": self.charsets}
        for side, value in plain.items():
            text = json.dumps(value, ensure_ascii=True)
            self.session.run("INSERT INTO {0} VALUES ({1}, {2})".format(place, literal(side), literal(text)))

    def _rename(self, steps: Sequence[Tuple[str, str]]) -> None:
        moves = [
            "{0}.{2} TO {1}.{2}".format(ident(source), ident(target), ident(name))
            for source, target in steps
            for name in admin.tables_of(self.session, source)
            if name not in _OURS
        ]
        if moves:
            self.session.run("RENAME TABLE " + ", ".join(moves))

    def finish(self) -> None:
        """After the rename: definitions on both sides, then what is empty goes."""
        if self.had_live:
            admin.alter_charset(self.session, self.live, *self.charsets[self.source])
        self._make(self.live, [stored.as_recorded(item) for item in self.new])
        self._park(self.aside, self.old)
        self.session.run("DROP DATABASE IF EXISTS " + ident(self.source))
        if self.had_live:
            self.session.run("DROP TABLE {0}.{1}".format(ident(self.aside), ident(JOURNAL)))
        else:
            self.session.run("DROP DATABASE " + ident(self.aside))

    def undo(self) -> None:
        """Without the rename, or after it was turned back: live and source as before. What fails stays journaled."""
        with contextlib.suppress(RelocateError):
            if self.had_live:
                admin.alter_charset(self.session, self.live, *self.charsets[self.live])
                self._make(self.live, [stored.as_recorded(item) for item in self.old])
            elif admin.database_exists(self.session, self.live):
                self.session.run("DROP DATABASE " + ident(self.live))
            if admin.database_exists(self.session, self.source):
                self._park(self.source, self.new)
            self.session.run("DROP DATABASE IF EXISTS " + ident(self.aside))

    def _park(self, name: str, items: Sequence[StoredObject]) -> None:
        self.session.run("DROP TABLE IF EXISTS {0}.{1}".format(ident(name), ident(EVENTS)))
        stored.drop(self.session, name, stored.read(self.session, name))
        park(self.session, name, items)

    def _make(self, name: str, items: Sequence[StoredObject]) -> None:
        there = {(item.kind, item.name) for item in stored.read(self.session, name)}
        stored.create(self.session, name, [item for item in items if (item.kind, item.name) not in there])


def holds(session: Session, name: str) -> bool:
    """Whether there is such a database. One that a swap made in advance, and has not filled yet, is none."""
    if not admin.database_exists(session, name):
        return False
    tables = set(admin.tables_of(session, name))
    return JOURNAL not in tables or bool(tables - set(_OURS))


def recover(session: Session, live: str, source: str, asides: Sequence[str]) -> List[str]:
    """Finish or take back a swap that was killed on its way; returns what was done, in words."""
    done = []
    for aside in asides:
        if JOURNAL not in (admin.tables_of(session, aside) if admin.database_exists(session, aside) else []):
            continue
        kept = {
            str(side): json.loads(str(item))
            for side, item in session.rows("SELECT side, item FROM {0}.{1}".format(ident(aside), ident(JOURNAL)))
        }
        if set(kept) != {"old", "new", "charsets"}:  # killed while it was written: nothing had been dropped
            session.run("DROP DATABASE " + ident(aside))
            continue
        charsets = {name: (value[0], value[1]) for name, value in kept["charsets"].items()}
        old, new = stored.from_plain(kept["old"]), stored.from_plain(kept["new"])
        one = Swap(session, (live, source, aside), old, new, charsets)
        left = set(admin.tables_of(session, source)) - set(_OURS) if admin.database_exists(session, source) else set()
        renamed = not left
        (one.finish if renamed else one.undo)()
        done.append("a swap of {0} that was interrupted was {1}".format(live, "finished" if renamed else "taken back"))
    return done
