# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Statements out of a set, taken apart and put together again: each is the one that it is said to be, or refused.

A set comes from a host and an owner that are not trusted, and some of what it holds is run by the server's
administrator. So only what follows an object's name is taken from it. What kind of object is made, whose it is, and in
which database, are our own words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Dict, List, NoReturn, Optional, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.session import ident
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.text import (
    COMMENT,
    NAME,
    STRING,
    WORD,
    Token,
    executable,
    requalified,
    significant,
    tokens,
)
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError

VIEW, TRIGGER, FUNCTION, PROCEDURE, EVENT = "view", "trigger", "function", "procedure", "event"
PACKAGE, PACKAGE_BODY = "package", "package body"
#: What an event may be; written by us in place of what the statement says.
STATES = ("ENABLE", "DISABLE", "DISABLE ON SLAVE", "DISABLE ON REPLICA")
_PLAIN = re.compile(r"[A-Za-z0-9_]+\Z")
_ALGORITHMS = ("UNDEFINED", "MERGE", "TEMPTABLE")
_HINT = "use another copy of the backup set, or make a new backup"


def plain(word: str, what: str) -> str:
    """The name of a character set or collation, or dump_refused."""
    if not isinstance(word, str) or not _PLAIN.match(word):
        raise RelocateError("dump_refused", "the dump's {0} is no such name".format(what), _HINT)
    return word


@dataclass(frozen=True)
class Parts:
    """A CREATE statement of something that is no table.

    :param options: what stands before the kind, other than the definer: ALGORITHM=..., AGGREGATE, SQL SECURITY ...
    :param rest: all that follows the name, as it is
    """

    options: Tuple[str, ...]
    definer: str  # quoted by us, or ""
    name: str
    rest: str
    when: str = ""  # of triggers: BEFORE INSERT, ...
    table: str = ""  # of triggers


class _Reader:
    """Reads the head of a statement, in which there is nothing but words and names."""

    def __init__(self, statement: str, sql_mode: str, what: str) -> None:
        self.statement, self.what = statement, what
        self._all = significant(tokens(statement, sql_mode))
        self._place = 0

    def refuse(self, why: str) -> NoReturn:
        """Raise dump_refused."""
        raise RelocateError("dump_refused", "{0}: its statement {1}".format(self.what, why), _HINT)

    def peek(self) -> Optional[Token]:
        return self._all[self._place] if self._place < len(self._all) else None

    def take(self) -> Token:
        token = self.peek()
        if token is None or token.kind == COMMENT:
            self.refuse("ends too early, or has a comment where it says what it makes")
        self._place += 1
        return token

    @property
    def end(self) -> int:
        """Return where in the statement that begins which is not yet read."""
        return self._all[self._place - 1].end

    def accept(self, *words: str) -> bool:
        """Take words that follow each other, if they do."""
        found = self._all[self._place : self._place + len(words)]
        if len(found) < len(words) or not all(token.says(word) for token, word in zip(found, words)):
            return False
        self._place += len(words)
        return True

    def expect(self, *words: str) -> None:
        if not self.accept(*words):
            self.refuse("does not say " + " ".join(words))

    def name(self) -> Token:
        token = self.take()
        if token.kind not in (NAME, WORD):
            self.refuse("has no name")
        return token


def take_apart(kind: str, name: str, statement: str, sql_mode: str = "", database: str = "") -> Parts:
    """A statement as the server prints it. Raises dump_refused unless it makes just this object and nothing else.

    :param database: where it was read; its name may stand in front of the object's
    """
    reader = _Reader(statement, sql_mode, "{0} {1}".format(kind, name))
    options, definer = _head(reader, kind)
    if kind == TRIGGER:  # servers keep these words as their author wrote them
        reader.accept("IF", "NOT", "EXISTS")
    found = _last_name(reader, database)
    if found.name != name:
        reader.refuse("makes something else")
    when = table = ""
    if kind == TRIGGER:
        when, on = _when(reader), _last_name(reader, database)
        table, found = on.name, on
    return Parts(tuple(options), definer, name, statement[found.end :], when, table)


def _head(reader: _Reader, kind: str) -> Tuple[List[str], str]:
    """Options and definer, which stand before the kind."""
    options: List[str] = []
    definer = ""
    reader.expect("CREATE")
    while not reader.accept(*kind.upper().split()):
        if reader.accept("ALGORITHM", "="):
            word = reader.take().text.upper()
            if word not in _ALGORITHMS:
                reader.refuse("has an unknown ALGORITHM")
            options.append("ALGORITHM=" + word)
        elif reader.accept("DEFINER", "="):
            definer = _account(reader)
        elif reader.accept("AGGREGATE") and kind == FUNCTION:
            options.append("AGGREGATE")
        elif reader.accept("SQL", "SECURITY", "DEFINER"):
            options.append("SQL SECURITY DEFINER")
        elif reader.accept("SQL", "SECURITY", "INVOKER"):
            options.append("SQL SECURITY INVOKER")
        else:
            reader.refuse("does not make a " + kind)
    return options, definer


def _last_name(reader: _Reader, database: str) -> Token:
    """A name, which may have its own database in front of it."""
    found = reader.name()
    if reader.accept("."):
        if found.name != database:
            reader.refuse("leads to another database")
        found = reader.name()
    return found


def _when(reader: _Reader) -> str:
    words = []
    while not reader.accept("ON"):
        word = reader.take()
        if not word.says("BEFORE", "AFTER", "INSERT", "UPDATE", "DELETE", "OR", "OF", ","):
            reader.refuse("does not say when it runs")
        words.append(word.text.upper())
    return " ".join(words)


def _account(reader: _Reader) -> str:
    """``user@host`` with or without quotes, or a role; as we quote it."""
    user = reader.name()
    if user.kind == WORD and "@" in user.text:
        found, _at, host = user.text.rpartition("@")
        return ident(found) + "@" + ident(host or reader.name().name)
    if not reader.accept("@"):
        return ident(user.name)
    return ident(user.name) + "@" + ident(reader.name().name)


def put_together(kind: str, parts: Parts, database: str, definer: str) -> str:
    """The statement that makes an object in a database, of this definer; whoever runs it when that is empty.

    The database is the session's own, too.
    """
    options = list(parts.options)
    security = [word for word in options if word.startswith("SQL SECURITY")]
    words = ["CREATE", *[word for word in options if word.startswith("ALGORITHM")]]
    words += ["DEFINER=" + definer] if definer else []
    words += security + [word for word in options if word == "AGGREGATE"]
    if kind == TRIGGER:  # servers keep its head as it is here; no other place is meant than the session's database
        words += [kind.upper(), ident(parts.name), parts.when, "ON", ident(parts.table)]
    else:
        words += [kind.upper(), ident(database) + "." + ident(parts.name)]
    return " ".join(words) + parts.rest


def event_state(rest: str, sql_mode: str, state: str = "") -> Tuple[str, str]:
    """Return what an event says of being enabled; and the text with another word for it.

    It stands before COMMENT and DO, behind a schedule of which neither strings nor names are mistaken for it.
    """
    found = significant(tokens(rest, sql_mode))
    depth = 0
    for number, token in enumerate(found):
        depth += (token.text == "(") - (token.text == ")")
        if depth == 0 and token.says("DO"):
            break
        if depth or not token.says("ENABLE", "DISABLE"):
            continue
        last = token
        if found[number + 1 : number + 3] and found[number + 1].says("ON"):
            last = found[number + 2]
        before = " ".join(one.text.upper() for one in found[number : found.index(last) + 1])
        return before, rest[: token.start] + (state or before) + rest[last.end :]
    return "", rest


def event_end(rest: str, sql_mode: str) -> Tuple[str, str, bool]:
    """The time after which an event does nothing, whether it is that of AT or of ENDS, and whether it is kept then."""
    found = significant(tokens(rest, sql_mode))
    moment = word = ""
    kept = False
    for before, token, following in zip([found[0], *found] if found else [], found, [*found[1:], *found[-1:]]):
        if token.says("DO"):
            break
        if token.says("AT", "ENDS") and following.kind == STRING:
            moment, word = following.text[1:-1].strip(), token.text.upper()
        kept = kept or (token.says("PRESERVE") and not before.says("NOT"))
    return moment, word, kept


def checked_table(name: str, statement: str) -> str:
    """The statement that makes a table, which is run as the settings' user. Raises dump_refused when it is none."""
    reader = _Reader(statement, "", "table {0}".format(name))
    reader.expect("CREATE", "TABLE")
    if reader.name().name != name:
        reader.refuse("makes something else")
    reader.expect("(")
    if _fills(statement[reader.end :]):
        reader.refuse("takes rows from elsewhere")
    if _unites(statement[reader.end :]):
        reader.refuse("reaches into another database")
    return statement


def _fills(text: str) -> bool:
    """Tell whether a table is made of a query: SELECT, TABLE or VALUES ROW, also within a comment that servers run."""
    found = significant(tokens(text))
    for token, following in zip(found, [*found[1:], found[-1]]):
        if token.says("SELECT", "TABLE") or (token.says("VALUES") and following.says("ROW")):
            return True
        if executable(token) and _fills(_inner(token)):
            return True
    return False


def _unites(text: str) -> bool:
    """Tell whether a MERGE table is made of tables of another database, which would take its rows."""
    found = significant(tokens(text))
    inside = False
    for token in found:
        inside = (inside or token.says("UNION")) and token.text != ")"
        if (inside and token.text == ".") or (executable(token) and _unites(_inner(token))):
            return True
    return False


def _inner(token: Token) -> str:
    return re.sub(r"^/\*M?!\d*", "", token.text)[:-2]


def checked_sequence(name: str, statement: str) -> str:
    """The statement that makes a sequence. Raises dump_refused when it is none."""
    reader = _Reader(statement, "", "sequence {0}".format(name))
    reader.expect("CREATE", "SEQUENCE")
    if reader.name().name != name:
        reader.refuse("makes something else")
    return statement


def view_in(statement_rest: str, source: str, target: str) -> str:
    """Return what follows a view's name, with the names of its own database leading to another."""
    return requalified(statement_rest, source, target)


def codec_of(charset: str) -> str:
    """Return the codec for text in a character set. Raises dump_refused for one that clients lack."""
    found = _CODECS.get(charset.lower())
    if found is None:
        raise RelocateError("dump_refused", "the character set {0!r} is unknown".format(charset[:40]), _HINT)
    return found


_CODECS: Dict[str, str] = {
    "utf8": "utf-8",
    "utf8mb3": "utf-8",
    "utf8mb4": "utf-8",
    "binary": "utf-8",
    "ascii": "ascii",
    "latin1": "cp1252",
    "latin2": "iso8859-2",
    "latin5": "iso8859-9",
    "latin7": "iso8859-13",
    "cp1250": "cp1250",
    "cp1251": "cp1251",
    "cp1256": "cp1256",
    "cp1257": "cp1257",
    "cp850": "cp850",
    "cp852": "cp852",
    "cp866": "cp866",
    "koi8r": "koi8-r",
    "koi8u": "koi8-u",
    "greek": "iso8859-7",
    "hebrew": "iso8859-8",
    "gbk": "gbk",
    "gb2312": "gb2312",
    "gb18030": "gb18030",
    "big5": "big5",
    "sjis": "shift_jis",
    "cp932": "cp932",
    "ujis": "euc-jp",
    "eucjpms": "euc-jp",
    "euckr": "euc-kr",
    "tis620": "tis-620",
    "macroman": "mac-roman",
    "macce": "mac-latin2",
    "hp8": "hp-roman8",
    "armscii8": "ascii",
    "geostd8": "ascii",
    "dec8": "ascii",
    "swe7": "ascii",
    "keybcs2": "ascii",
}
