# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A whole database as its server describes it, so that whatever a move loses or changes is found by comparing.

Nothing in here knows which kinds of objects and properties there are, but for those that are not a part of ``SHOW
CREATE``: what a server prints is compared whole, without what is no property of the object (``normal``).
"""

from __future__ import annotations

import datetime
import difflib
import re
from dataclasses import replace
from typing import Callable, Dict, List, Mapping, Sequence, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import statement as statements
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.objects import StoredObject
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.session import Session, is_named
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.state import OwnSequence
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.statement import EVENT, TRIGGER, VIEW
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.text import NAME, STRING, Token, tokens
from ansible_collections.relocate.django.plugins.module_utils._model import Difference, brief

#: Two servers print the same object in two ways; of other releases, patch levels too, its text need not be equal.
SERVER = "server"
#: What the description of an event begins with that does nothing after a time, which follows.
_GONE = {"AT": "once at", "ENDS": "ends at"}
_KEPT = "kept until"
_SECRET = re.compile(r"\b(CONNECTION|PASSWORD)\s*=", re.IGNORECASE)
_LINES = 6  # that a message shows of a definition


def describe(
    session: Session,
    database: str,
    tables: Mapping[str, str],
    sequences: Sequence[OwnSequence],
    items: Sequence[StoredObject],
) -> Dict[str, str]:
    """Everything in a database: "kind name" -> its definition.

    :param tables: name -> the statement that makes it
    :param items: all else, events as they are to be when the database is live
    """
    found = {SERVER: "{0} {1}".format(session.flavor.product, ".".join(map(str, session.flavor.numbers)))}
    found["database"] = _database(session, database)
    for name, statement in tables.items():
        text = normal_table(statement)
        found["table " + name] = brief(text) if _SECRET.search(text) else text
    for item in sequences:
        found["sequence " + item.name] = item.statement
    for one in items:
        found["{0} {1}".format(one.kind, one.name)] = normal(one)
    triggers = [one.name for one in items if one.kind == TRIGGER]
    if triggers:
        found["order of triggers"] = ", ".join(triggers)
    return found


def _database(session: Session, database: str) -> str:
    comment = ", SCHEMA_COMMENT" if session.flavor.mariadb and session.flavor.numbers >= (10, 5) else ", ''"
    row = session.rows(
        "SELECT DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME{0} FROM information_schema.SCHEMATA"
        " WHERE {1}".format(comment, is_named("SCHEMA_NAME", database))
    )[0]
    return modern(" ".join(str(word) for word in row).strip())


def normal_table(statement: str) -> str:
    """A table's statement without its next number, which is compared by itself, and in the newest names."""
    text = []
    found = tokens(statement)
    skip = 0
    for place, token in enumerate(found):
        if skip:
            skip -= 1
        elif token.says("AUTO_INCREMENT") and [one.text for one in found[place + 1 : place + 2]] == ["="]:
            skip = 3  # "=", the number and the blank behind it
        elif _is_told_by_the_collation(found[place : place + 9]):
            skip = 5  # to the word COLLATE
        elif token.kind in (STRING, NAME):
            text.append(token.text)
        else:
            text.append(modern(token.text))
    return "".join(text)


def _is_told_by_the_collation(words: Sequence[Token]) -> bool:
    """Tell whether these are a CHARACTER SET and its COLLATE: MySQL shows the first only where somebody wrote it."""
    if len(words) < 9 or not (words[0].says("CHARACTER") and words[2].says("SET") and words[6].says("COLLATE")):
        return False
    return modern(words[8].text).startswith(modern(words[4].text) + "_")


def modern(text: str) -> str:
    """The three-byte character set by its newer name, as in the names of its collations."""
    return re.sub(r"\butf8(?=_|\b)(?!mb)", "utf8mb3", text)


def normal(item: StoredObject) -> str:
    """Return what an object is, apart from whose it is and in which database. Short, since bodies may hold a secret."""
    parts = item.parts()
    rest = parts.rest
    if item.kind == VIEW:
        rest = statements.view_in(rest, item.database, "")
    if item.kind == EVENT:
        rest = statements.event_state(rest, item.sql_mode, item.enabled)[1]
    whole = statements.put_together(item.kind, replace(parts, rest=rest), "", "")
    around = [
        item.sql_mode,
        modern(item.charset),
        modern(item.collation),
        item.time_zone,
        modern(item.database_collation),
    ]
    if item.kind == EVENT:
        return _of_event(item, "\n".join([whole, *around]), rest)
    return brief("\n".join([whole, *around]))


def _of_event(item: StoredObject, text: str, rest: str) -> str:
    """With the time after which an event does nothing: it is gone then, or kept and disabled."""
    moment, word, kept = statements.event_end(rest, item.sql_mode)
    if not moment:
        return brief(text)
    if not kept:
        return "{0} {1}, {2}".format(_GONE[word], moment, brief(text))
    state = statements.event_state(rest, item.sql_mode)
    return "{0} {1}, {2}, {3}".format(_KEPT, moment, state[0], brief(text.replace(rest, _stateless(item, rest), 1)))


def _stateless(item: StoredObject, rest: str) -> str:
    return statements.event_state(rest, item.sql_mode, statements.STATES[0])[1]


def passed(definition: str, now: datetime.datetime) -> bool:
    """Tell whether the last time of an event is over: no server makes it then, or makes it disabled when it is kept.

    Its time is in a zone of its own, so that it counts as over half a day early.
    """
    head = next((word for word in (*_GONE.values(), _KEPT) if definition.startswith(word + " ")), "")
    if not head:
        return False
    text = definition[len(head) :].split(",", maxsplit=1)[0].strip()[:19]
    try:
        moment = datetime.datetime.strptime(text, "%Y-%m-%d %H:%M:%S")
    except ValueError:
        return False
    return moment < now.replace(tzinfo=None) + datetime.timedelta(hours=14)


def _disabled_when_over(item: Difference, now: datetime.datetime) -> bool:
    """Tell whether all that differs is that an event which is kept is disabled now, its last time being over."""
    before, after = item.recorded.split(", "), item.found.split(", ")
    same = before[:1] + before[2:] == after[:1] + after[2:] and len(before) == len(after) == 3
    return same and item.recorded.startswith(_KEPT) and passed(item.recorded, now) and after[1] == "DISABLE"


#: How an event's name begins among all that a schema holds.
_OF_EVENT = "event "


def judge(differences: Sequence[Difference], now: datetime.datetime) -> Tuple[List[Difference], List[str]]:
    """Sort differences into losses, and sentences about the others.

    Between releases, servers print the same table in other words: such a difference is named, not refused.
    """
    schema = {item.name: item for item in differences if item.what == "schema of"}
    over = _events(schema, _is_over, now)
    disabled = _events(schema, _disabled_when_over, now)
    named = [_over_sentence(name, schema[_OF_EVENT + name]) for name in sorted(over)]
    for name in sorted(disabled):
        named.append("the last time of event {0} has passed: it is kept, and disabled".format(name))
    refused: List[Difference] = []
    for item in differences:
        if _told_of_event(item, over, disabled):
            continue
        shown = _shown(item)
        if SERVER in schema and _is_described_on_both(item):
            text = "{0} is described otherwise by this server: {1}, before {2}"
            named.append(text.format(shown.name, shown.found, shown.recorded))
        else:
            refused.append(shown)
    return refused, named


def _events(
    schema: Mapping[str, Difference], is_so: Callable[[Difference, datetime.datetime], bool], now: datetime.datetime
) -> Set[str]:
    """Name the events for which that is so now."""
    return {name[len(_OF_EVENT) :] for name, item in schema.items() if is_so(item, now)}


def _is_described_on_both(item: Difference) -> bool:
    return item.what == "schema of" and "absent" not in (item.recorded, item.found)


def _told_of_event(item: Difference, over: Set[str], disabled: Set[str]) -> bool:
    """Whether a difference is one of an event that a sentence tells of, or only says that the servers differ."""
    if item.what == "schema of":
        return item.name == SERVER or item.name[len(_OF_EVENT) :] in over | disabled
    return item.what == EVENT and item.found == "absent" and item.name.rpartition(" ")[0] in over


def _is_over(item: Difference, now: datetime.datetime) -> bool:
    return item.found == "absent" and passed(item.recorded, now)


def _over_sentence(name: str, item: Difference) -> str:
    once = item.recorded.startswith(_GONE["AT"])
    was = "was to run once, at a time" if once else "was to end at a time"
    return "event {0} {1} that has passed: it was not made".format(name, was)


def _shown(item: Difference) -> Difference:
    """Of long definitions only the lines that differ."""
    before, after = item.recorded.split("\n"), item.found.split("\n")
    if item.what != "schema of" or len(before) + len(after) < 3:
        return item
    lines = [line for line in difflib.ndiff(before, after) if line[:2] in ("- ", "+ ")]
    texts = ["; ".join(line[2:].strip() for line in lines if line[0] == sign)[:500] for sign in "-+"]
    return replace(item, recorded=texts[0] or "nothing", found=texts[1] or "nothing")
