# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The swap: one database's content gets the name of another, in one step.

Tables change places in one ``RENAME TABLE``, which is atomic. Views, triggers, routines and events cannot be renamed:
they are dropped before it and made again after it. Until all is done, their statements are kept in a database that
nobody but the administrator reaches, so that a swap which was killed on the way is finished or taken back by the next
one. Whoever owns a database that takes part in a swap must not write what the administrator runs.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import replace
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import admin, rights
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import objects as stored
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.objects import StoredObject
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.session import (
    Session,
    ident,
    is_named,
    literal,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.statement import EVENT
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import as_plain

_JOURNAL = "swap"
_NOTED = 2  # events in the comment of one column, which takes 1024 letters
#: In a database that is not live: which events are to run once it is.
EVENTS = "__relocate_events"


def journal_of(displaced: str) -> str:
    """The database that holds what a swap needs to be finished, by the name of what it puts aside."""
    return "{0}_swap_{1}".format(rights.RESERVED, hashlib.sha256(displaced.encode("utf-8")).hexdigest()[:16])


def park(
    session: Session, name: str, items: Sequence[StoredObject], makers: Optional[Sequence[Session]] = None
) -> None:
    """Make objects in a database that is not live: nothing may happen by itself there. Raises load_failed.

    :param makers: who makes them, see :func:`stored.create`; by default the session
    """
    stored.create(name, [stored.disabled(item) for item in items], makers or [session])
    states = [(item.name, item.enabled) for item in items if item.kind == EVENT]
    columns = ["id TINYINT NOT NULL PRIMARY KEY"]
    for number in range(0, len(states), _NOTED):
        text = json.dumps(states[number : number + _NOTED], ensure_ascii=True)
        columns.append("e{0} TINYINT COMMENT {1}".format(number, literal(text)))
    # Also without events: it tells a database that is complete from one that a swap has only made. In one statement:
    # whoever owns the database could put a view in the table's place before a second one. Without rows: clusters and
    # servers with global transaction ids take no CREATE TABLE ... SELECT.
    form = "CREATE TABLE {0}.{1} ({2}) CHARACTER SET utf8mb4 ENGINE=InnoDB"
    session.run(form.format(ident(name), ident(EVENTS), ", ".join(columns)))


def parked(session: Session, name: str) -> List[StoredObject]:
    """The inverse of :func:`park`: the objects, events as they are to be when the database is live."""
    items = stored.read(session, name)
    if EVENTS not in admin.tables_of(session, name):
        return items
    enabled = dict(_noted(session, name))
    return [replace(item, enabled=enabled.get(item.name, item.enabled)) for item in items]


def _noted(session: Session, name: str) -> Iterator[Tuple[str, str]]:
    """Name and state of events. The database's owner can write them, and exchange the table for a view.

    A SELECT from it would run functions of his as the administrator; the catalogue tells comments of columns only.
    """
    sql = (
        "SELECT COLUMN_COMMENT FROM information_schema.COLUMNS WHERE {0} AND TABLE_NAME = {1} AND COLUMN_COMMENT <> ''"
    )
    for (text,) in session.rows(sql.format(is_named("TABLE_SCHEMA", name), literal(EVENTS))):
        with contextlib.suppress(ValueError, TypeError):  # not ours: the events rest
            yield from [(str(event), str(state)) for event, state in json.loads(str(text))]


def swap(session: Session, live: str, source: str, displaced: str) -> None:
    """Give ``source`` the name ``live``; what is live, if anything, becomes ``displaced``, which must not exist.

    Raises swap_failed or right_missing, live being as it was then; server_unreachable when the session is lost:
    :func:`recover` tells and settles what became of it.
    """
    if holds(session, displaced):
        raise RelocateError(
            "swap_failed",
            "the swap was not made: database {0} exists".format(displaced),
            "remove it, then run this again",
        )
    there = [source] + ([live] if admin.database_exists(session, live) else [])
    objects = {name: parked(session, name) for name in there}
    charsets = {name: admin.properties_of(session, name) for name in there}
    Swap(session, (live, source, displaced), objects.get(live, []), objects[source], charsets).run()


class Swap:
    """One swap on its way.

    :param names: live, source, displaced
    :param old: the live database's objects that cannot be renamed
    :param new: those of the source
    :param charsets: character set, collation and comment of those that exist
    """

    def __init__(
        self,
        session: Session,
        names: Tuple[str, str, str],
        old: Sequence[StoredObject],
        new: Sequence[StoredObject],
        charsets: Mapping[str, Tuple[str, str, str]],
    ) -> None:
        self.session, self.old, self.new, self.charsets = session, old, new, charsets
        self.live, self.source, self.displaced = names
        self.had_live = self.live in charsets

    def run(self) -> None:
        """Do it. Raises as :func:`swap`."""
        session = self.session
        self._try_rights()
        try:
            self._write_journal()
            if not self.had_live:
                admin.create_database(session, self.live, *self.charsets[self.source])
            stored.drop(session, self.source, self.new)
            stored.drop(session, self.live, self.old)
            self._rename(((self.live, self.displaced), (self.source, self.live)))
        except RelocateError as exc:
            self._give_up(exc, "the swap was not made: ")
        try:
            self.define()
        except RelocateError as exc:
            if exc.code != "server_unreachable":
                self._rename_back(exc)
            self._give_up(exc, "the swap was taken back: ")
        with contextlib.suppress(RelocateError):  # the swap is made: what is left of it is cleared up by the next
            self.clear_up()

    def _give_up(self, exc: RelocateError, what: str) -> None:
        if exc.code == "server_unreachable":
            raise exc
        self.undo()
        code = exc.code if exc.code == "right_missing" else "swap_failed"
        raise RelocateError(code, what + exc.msg, exc.hint) from None

    def _try_rights(self) -> None:
        """Check before dropping anything that it can be created again. Leaves the database for the journal."""
        place = journal_of(self.displaced)
        try:
            self.session.run("CREATE DATABASE {0} CHARACTER SET utf8mb4".format(ident(place)))
            rights.attempt(self.session, place, [*self.old, *self.new])
        except RelocateError as exc:
            if exc.code != "server_unreachable":
                with contextlib.suppress(RelocateError):
                    _forget(self.session, self.displaced)
            if exc.code != "right_missing":
                raise
            raise RelocateError(exc.code, "the swap was not made: " + exc.msg, exc.hint) from None

    def _write_journal(self) -> None:
        """Statements of both sides, where only the administrator is; then the database for what is displaced."""
        session, charset = self.session, self.charsets.get(self.live, self.charsets[self.source])
        place = _place(self.displaced)
        form = "CREATE TABLE {0} (side VARCHAR(16) PRIMARY KEY, item LONGTEXT) CHARACTER SET utf8mb4 ENGINE=InnoDB"
        session.run(form.format(place))
        plain = {
            "names": {"live": self.live, "source": self.source},
            "tables": {name: len(_tables(session, name)) for name in (self.live, self.source)},
            "charsets": self.charsets,
            "old": as_plain(self.old),
            "new": as_plain(self.new),
        }
        rows = ", ".join(
            "({0}, {1})".format(literal(side), literal(json.dumps(value, ensure_ascii=True)))
            for side, value in plain.items()
        )
        session.run("INSERT INTO {0} VALUES {1}".format(place, rows))
        if not admin.database_exists(session, self.displaced):
            admin.create_database(session, self.displaced, *charset)
        admin.alter_properties(session, self.displaced, *charset)

    def _rename(self, steps: Sequence[Tuple[str, str]]) -> None:
        moves = [
            "{0}.{2} TO {1}.{2}".format(ident(source), ident(target), ident(name))
            for source, target in steps
            for name in _tables(self.session, source)
        ]
        if moves:
            self.session.run("RENAME TABLE " + ", ".join(moves))

    def _rename_back(self, cause: RelocateError) -> None:
        """Tables go where they were; those with triggers would refuse to. Raises swap_failed when they cannot."""
        try:
            for name in (self.live, self.displaced):
                stored.drop(self.session, name, stored.read(self.session, name))
            self._rename(((self.live, self.source), (self.displaced, self.live)))
        except RelocateError as exc:
            raise RelocateError(
                "swap_failed",
                "the swap was made, but not all definitions ({0}), and it could not be taken back: {1}".format(
                    cause.msg, exc.msg
                ),
                "fix the cause, then run this again: it goes on from there",
            ) from None

    def define(self) -> None:
        """After the rename: the definitions of both sides."""
        if self.had_live:
            admin.alter_properties(self.session, self.live, *self.charsets[self.source])
            admin.alter_properties(self.session, self.displaced, *self.charsets[self.live])
        self._make(self.live, self.new)
        self._park(self.displaced, self.old)

    def clear_up(self) -> None:
        """Drop what is empty now, the journal last."""
        self.session.run("DROP DATABASE IF EXISTS " + ident(self.source))
        if not self.had_live:
            self.session.run("DROP DATABASE IF EXISTS " + ident(self.displaced))
        _forget(self.session, self.displaced)

    def undo(self) -> None:
        """Without the rename, or after it was turned back: live and source as before. What fails stays journaled."""
        with contextlib.suppress(RelocateError):
            if self.had_live:
                admin.alter_properties(self.session, self.live, *self.charsets[self.live])
                self._make(self.live, self.old)
            elif admin.database_exists(self.session, self.live):
                self.session.run("DROP DATABASE " + ident(self.live))
            if admin.database_exists(self.session, self.source):
                admin.alter_properties(self.session, self.source, *self.charsets[self.source])
                self._park(self.source, self.new)
            self.session.run("DROP DATABASE IF EXISTS " + ident(self.displaced))
            _forget(self.session, self.displaced)

    def _park(self, name: str, items: Sequence[StoredObject]) -> None:
        self.session.run("DROP TABLE IF EXISTS {0}.{1}".format(ident(name), ident(EVENTS)))
        stored.drop(self.session, name, stored.read(self.session, name))
        park(self.session, name, items)

    def _make(self, name: str, items: Sequence[StoredObject]) -> None:
        there = {(item.kind, item.name) for item in stored.read(self.session, name)}
        stored.create(name, [item for item in items if (item.kind, item.name) not in there], [self.session])


def _tables(session: Session, name: str) -> List[str]:
    """The tables of a database but ours."""
    return [table for table in admin.tables_of(session, name) if table != EVENTS]


def _place(displaced: str) -> str:
    return "{0}.{1}".format(ident(journal_of(displaced)), ident(_JOURNAL))


def _forget(session: Session, displaced: str) -> None:
    session.run("DROP DATABASE IF EXISTS " + ident(journal_of(displaced)))


def _journal(session: Session, displaced: str) -> Optional[Dict[str, Any]]:
    """Return what an unfinished swap left to be finished by: None without one, {} before it was written."""
    if not admin.database_exists(session, journal_of(displaced)):
        return None
    if _JOURNAL not in admin.tables_of(session, journal_of(displaced)):
        return {}
    return {
        str(side): json.loads(str(item)) for side, item in session.rows("SELECT side, item FROM " + _place(displaced))
    }


def _renamed(session: Session, journal: Mapping[str, Any]) -> bool:
    """Tell whether an unfinished swap got as far as its RENAME: a database that held tables holds none since."""
    source, live = journal["names"]["source"], journal["names"]["live"]
    if journal["tables"][source]:
        return not _tables(session, source)
    return not _tables(session, live)


def interrupted(session: Session, displaced: str) -> bool:
    """Tell whether a swap that put a database aside so was killed on its way."""
    return _journal(session, displaced) is not None


def holds(session: Session, name: str) -> bool:
    """Tell whether there is such a database. One that a swap made in advance, and has not filled yet, is none."""
    if not admin.database_exists(session, name):
        return False
    if _tables(session, name) or stored.read(session, name):
        return True
    journal = _journal(session, name)
    if journal is None:
        return EVENTS in admin.tables_of(session, name)
    return bool(journal) and _renamed(session, journal)


def recover(session: Session, displaced_names: Sequence[str]) -> List[str]:
    """Finish or take back swaps that were killed on their way; returns what was done, in words."""
    done = []
    for displaced in displaced_names:
        journal = _journal(session, displaced)
        if journal is None:
            continue
        if not journal:  # killed before it was written: nothing had been dropped
            _forget(session, displaced)
            continue
        names = (str(journal["names"]["live"]), str(journal["names"]["source"]), displaced)
        charsets = {name: (value[0], value[1], value[2]) for name, value in journal["charsets"].items()}
        old, new = stored.from_plain(journal["old"]), stored.from_plain(journal["new"])
        one = Swap(session, names, old, new, charsets)
        finished = _renamed(session, journal)
        if finished:
            one.define()
            one.clear_up()
        else:
            one.undo()
        done.append("an interrupted swap of {0} was {1}".format(names[0], "finished" if finished else "taken back"))
    return done
