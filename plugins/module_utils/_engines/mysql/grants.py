# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads from SHOW GRANTS what an account may do, and which parts of a database it cannot see.

A server leaves out of its catalogue what a user has no right to, without a word. What two users read of one database is
compared only as far as both are shown it.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Dict, List, Optional, Sequence, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.session import Session
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.statement import (
    EVENT,
    FUNCTION,
    PACKAGE,
    PACKAGE_BODY,
    PROCEDURE,
    TRIGGER,
    VIEW,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.text import (
    NAME,
    STRING,
    Token,
    significant,
    tokens,
)
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseState

#: Among the objects of a state: the kinds that its reader is not shown all of.
HIDDEN = "hidden"
_ALL = "ALL PRIVILEGES"
_NO_SUCH_GRANT = 1141
_CALLED = ("EXECUTE", "CREATE ROUTINE", "ALTER ROUTINE", "SHOW_ROUTINE", "SHOW CREATE ROUTINE")
#: By kind, the rights any of which shows it.
_SHOWN: Dict[str, Tuple[str, ...]] = {
    VIEW: ("SELECT", "SHOW VIEW"),
    TRIGGER: ("TRIGGER",),
    EVENT: ("EVENT",),
    FUNCTION: _CALLED,
    PROCEDURE: _CALLED,
    PACKAGE: _CALLED,
    PACKAGE_BODY: _CALLED,
}


def hidden(session: Session, database: str) -> Tuple[str, ...]:
    """The kinds of objects of a database that a session's user is not shown, or not all of."""
    has: Set[str] = set()
    revoked: Set[str] = set()  # MySQL's partial REVOKEs
    for (text,) in session.rows("SHOW GRANTS"):
        given, place, rights = line(str(text))
        if is_whole(place, database):
            (has if given else revoked).update(rights)
    return tuple(
        sorted(kind for kind, rights in _SHOWN.items() if revoked & {*rights, _ALL} or not has & {*rights, _ALL})
    )


def sentence(alias: str, kinds: Tuple[str, ...]) -> str:
    """Return what people should know of a database that is not read whole."""
    return (
        "database {0}: this user is not shown every {1}, and there is no administrator who is: what there is of them is"
        " neither carried nor compared. GRANT the rights TRIGGER, EVENT, SHOW VIEW and EXECUTE, or give the"
        " administrator's login".format(alias, ", ".join(kinds))
    )


def seen_by_both(recorded: DatabaseState, found: DatabaseState) -> Tuple[DatabaseState, DatabaseState]:
    """Two states without what the reader of either is not shown."""
    kinds = {kind for state in (recorded, found) for kind in state.objects.get(HIDDEN, ())}
    if not kinds:
        return recorded, found
    left = kinds | {HIDDEN}
    without = [
        replace(state, schema=None, objects={kind: names for kind, names in state.objects.items() if kind not in left})
        for state in (recorded, found)
    ]
    return without[0], without[1]


def of(session: Session, who: str) -> Optional[Dict[str, Set[str]]]:
    """Return the rights of an account by place, those of a role at ""; None when there is no such account."""
    try:
        rows = session.rows("SHOW GRANTS FOR " + who)
    except RelocateError as exc:
        if exc.details.get("number") != _NO_SUCH_GRANT:
            raise
        return None
    found: Dict[str, Set[str]] = {}
    for (text,) in rows:
        given, place, rights = line(str(text))
        if given and rights:
            found.setdefault(place, set()).update(rights)
    return found


def line(text: str) -> Tuple[bool, str, Set[str]]:
    """A line of SHOW GRANTS: whether it gives or takes, where, and what. A role's place is ""."""
    words = significant(tokens(text))
    if not words or not words[0].says("GRANT", "REVOKE"):
        return True, "", set()  # SET DEFAULT ROLE
    given = words[0].says("GRANT")
    last = _first(words, "TO" if given else "FROM") or words[-1]
    place = words.index(last)
    on = _first(words[:place], "ON")
    if on is None:
        return given, "", {text[words[0].end : last.start].strip()}
    rights = {part for part in _parts(text[words[0].end : on.start]) if part != "USAGE"}
    if _first(words[place:], "GRANT"):  # WITH GRANT OPTION
        rights.add("GRANT OPTION")
    return given, text[on.end : last.start].strip(), rights


def _first(words: Sequence[Token], word: str) -> Optional[Token]:
    return next((one for one in words if one.says(word)), None)


def _parts(text: str) -> List[str]:
    """SELECT, INSERT (`a`, `b`) -> its two parts."""
    return [part.strip() for part in re.split(r",\s*(?![^(]*\))", text) if part.strip()]


def is_whole(place: str, database: str) -> bool:
    """Tell whether a GRANT is for all of a database, alone or among others."""
    return [one.text for one in significant(tokens(place))][-2:] == [".", "*"] and covers(place, database)


def covers(place: str, database: str) -> bool:
    r"""Tell whether a place of a GRANT lies in a database: *.*, `da\_ta%`.* or `data`.`table`."""
    if place == "*.*":
        return True
    first = next((one for one in tokens(place) if one.kind in (NAME, STRING)), None)
    if first is None:
        return False
    pieces = re.findall(r"\\.|.", first.name, re.DOTALL)
    pattern = "".join({"%": ".*", "_": "."}.get(piece) or re.escape(piece[-1]) for piece in pieces)
    return re.match(pattern + r"\Z", database, re.DOTALL) is not None
