# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sorts the statements of somebody else's dump: some are run, some are left out, all others are refused. Pure.

Run is what makes tables, rows and what goes with them in one database. Left out is what the load settles otherwise:
owners, rights, extensions, the database itself. All else is refused: what is not listed here no dump needs.
"""

from __future__ import annotations

import re
from typing import Dict, Optional, Sequence, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.foreign import refused
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.foreign_script import Statement

#: What is run: a statement, and rows; and what is left out without a loss.
RUN, COPY, QUIET = "", "copy", "-"
_SHORT = 8192  # bytes of a statement that are searched for what it drops
#: Of a dump of --clean: nothing is there yet.
_CLEANING = "statements that drop"
_NAME = rb'(?:"(?:[^"]|"")*"|[\w$\x80-\xff]+)'
_NAMES = rb"\(\s*(?:" + _NAME + rb"(?:\s*,\s*" + _NAME + rb")*)?\s*\)\s*"
_COPY_IN = re.compile(
    rb"COPY\s+" + _NAME + rb"(?:\s*\.\s*" + _NAME + rb")?\s*(?:" + _NAMES + rb")?FROM\s+stdin\Z", re.IGNORECASE
)
#: The calls that pg_dump writes, with nothing but literals.
_CALL = re.compile(
    rb"SELECT\s+pg_catalog\s*\.\s*(set_config|setval|lo_create|lo_open|lowrite|lo_close)\s*"
    rb"\((?:[eE]?'(?:[^'\\]|''|\\.)*'|-?\d+|true|false|null|[\s,])*\)\Z",
    re.IGNORECASE | re.DOTALL,
)
_SETTINGS = frozenset(
    "bytea_output check_function_bodies client_encoding client_min_messages datestyle default_table_access_method"
    " escape_string_warning extra_float_digits idle_in_transaction_session_timeout intervalstyle lock_timeout"
    " row_security search_path standard_conforming_strings statement_timeout transaction_timeout xmloption".split()
)
_UNNEEDED_SETTINGS = frozenset("default_tablespace default_with_oids session role".split())
#: What CREATE, ALTER and COMMENT ON may be about.
_KINDS: Tuple[Tuple[str, ...], ...] = tuple(
    tuple(text.split())
    for text in (
        "AGGREGATE|CAST|COLLATION|COLUMN|CONSTRAINT TRIGGER|CONSTRAINT|CONVERSION|DOMAIN|FOREIGN DATA WRAPPER"
        "|FOREIGN TABLE|FUNCTION|INDEX|LANGUAGE|LARGE OBJECT|MATERIALIZED VIEW|OPERATOR CLASS|OPERATOR FAMILY|OPERATOR"
        "|POLICY|PROCEDURE|ROUTINE|RULE|SCHEMA|SEQUENCE|SERVER|STATISTICS|TABLE|TEXT SEARCH|TRANSFORM|TRIGGER|TYPE"
        "|UNIQUE INDEX|UNLOGGED SEQUENCE|UNLOGGED TABLE|USER MAPPING|VIEW|RECURSIVE VIEW"
    ).split("|")
)
_LEFT_KINDS: Dict[Tuple[str, ...], str] = {
    ("EXTENSION",): "extensions",
    ("EVENT", "TRIGGER"): "event triggers",
    ("PUBLICATION",): "publications",
    ("SUBSCRIPTION",): "subscriptions",
    ("DATABASE",): "settings of the database",
    ("DEFAULT", "PRIVILEGES"): "default rights",
}
_LEFT_WORDS: Dict[str, str] = {
    "GRANT": "rights",
    "REVOKE": "rights",
    "SECURITY": "security labels",
    "ANALYZE": QUIET,
    "BEGIN": QUIET,
    "COMMIT": QUIET,
    "START": QUIET,
    "RESET": QUIET,
}
_HINT = "dump one database with pg_dump, as who owns it, and give that dump"
_EXTENSION = re.compile(
    rb"CREATE\s+EXTENSION\s+(?:IF\s+NOT\s+EXISTS\s+)?(" + _NAME + rb")"
    rb"(?:\s+WITH)?(?:\s+SCHEMA\s+(" + _NAME + rb"))?(?:\s+VERSION\s+\S+)?\Z",
    re.IGNORECASE,
)


def plain_name(quoted: bytes) -> str:
    """A name as the catalogue has it."""
    text = quoted.decode("utf-8", "surrogateescape")
    return text[1:-1].replace('""', '"') if text.startswith('"') else text.lower()


def extension_of(statement: Statement) -> Optional[Tuple[str, str]]:
    """Return name and schema of an extension that a statement makes; None for any other statement."""
    match = _EXTENSION.match(statement.text)
    return (plain_name(match.group(1)), plain_name(match.group(2) or b"")) if match else None


class Policy:
    """Judges the statements of one dump, in their order.

    :param known: settings that the server knows
    """

    def __init__(self, known: Set[str]) -> None:
        self._known = known
        self._databases: Set[str] = set()

    def judge(self, statement: Statement) -> str:
        """Return RUN, COPY, or what is left out ("-" where nothing is lost). Raises dump_refused."""
        if b"\0" in statement.text:
            raise refused(statement.where, "holds a zero byte, which no text of SQL does")
        if statement.is_command:
            return self._command(statement)
        words = statement.words(8)
        first = words[0]
        if first in _LEFT_WORDS:
            return _LEFT_WORDS[first]
        found = {
            "COPY": self._copy,
            "SELECT": self._select,
            "SET": self._set,
            "INSERT": self._insert,
            "CREATE": self._create,
            "ALTER": self._alter,
            "DROP": self._drop,
            "COMMENT": self._comment,
            "REFRESH": self._refresh,
        }.get(first)
        if found is None:
            raise refused(statement.where, "is none that a dump of one database needs", _HINT)
        return found(statement, words)

    def _command(self, statement: Statement) -> str:
        """Judge a command of psql. Those that guard against others are of no use here; all others are refused."""
        word, _blank, rest = statement.text.partition(b" ")
        if word in (b"\\restrict", b"\\unrestrict"):
            return QUIET
        if word == b"\\connect" and re.match(_NAME + rb"\Z", rest):
            return self._one_database(plain_name(rest), statement)
        raise refused("line {0} of the dump".format(statement.line), "is a command of psql, and none is run", _HINT)

    def _one_database(self, name: str, statement: Statement) -> str:
        """Leave out what makes the dumped database and goes there; refuse a second one."""
        self._databases.add(name)
        if len(self._databases) > 1:
            raise refused(statement.where, "leads to another database", _HINT)
        return QUIET

    @staticmethod
    def _copy(statement: Statement, _words: Sequence[str]) -> str:
        if _COPY_IN.match(statement.text):
            return COPY
        raise refused(statement.where, "copies from elsewhere than the dump", _HINT)

    @staticmethod
    def _select(statement: Statement, _words: Sequence[str]) -> str:
        match = _CALL.match(statement.text)
        if match is None:
            if statement.words(6)[-1].startswith("PG_RESTORE_") or b"lo_unlink" in statement.text[:200]:
                return QUIET
            raise refused(statement.where, "calls what no dump calls", _HINT)
        if match.group(1).lower() == b"set_config" and b"'search_path'" not in statement.text:
            raise refused(statement.where, "sets what no dump sets", _HINT)
        return RUN

    def _set(self, statement: Statement, words: Sequence[str]) -> str:
        name = words[1].lower() if len(words) > 1 else ""
        if name in _UNNEEDED_SETTINGS:
            return QUIET
        if name not in _SETTINGS:
            raise refused(statement.where, "sets what no dump sets", _HINT)
        if name == "standard_conforming_strings" and "ON" not in words[2:5]:
            raise refused(
                statement.where,
                "says that backslashes escape in its texts",
                "dump again with PGOPTIONS='-c standard_conforming_strings=on' in the environment of pg_dump",
            )
        return RUN if name in self._known else QUIET

    @staticmethod
    def _insert(statement: Statement, words: Sequence[str]) -> str:
        if words[1:2] == ["INTO"]:
            return RUN
        raise refused(statement.where, "is none that a dump needs", _HINT)

    @staticmethod
    def _refresh(statement: Statement, words: Sequence[str]) -> str:
        if words[1:3] == ["MATERIALIZED", "VIEW"]:
            return RUN
        raise refused(statement.where, "is none that a dump needs", _HINT)

    def _create(self, statement: Statement, words: Sequence[str]) -> str:
        kind = words[3:] if words[1:3] == ["OR", "REPLACE"] else words[1:]
        if kind[:1] == ["DATABASE"]:
            return self._one_database(_name_at(statement, kind, 1), statement)
        if kind[:2] == ["SCHEMA", "PUBLIC"]:
            return QUIET
        return self._of_kind(statement, kind)

    def _alter(self, statement: Statement, words: Sequence[str]) -> str:
        kind = list(words[1:])
        if kind[:1] == ["DATABASE"]:
            self._one_database(_name_at(statement, kind, 1), statement)
            return "owner of the database" if "OWNER" in kind else _LEFT_KINDS[("DATABASE",)]
        left = self._of_kind(statement, kind)
        if left:
            return left
        if re.search(rb"\bOWNER\s+TO\s+" + _NAME + rb"\Z", statement.text, re.IGNORECASE):
            return QUIET  # all becomes the settings' user's
        if re.search(rb"\bDROP\s+(?:CONSTRAINT|DEFAULT|IDENTITY)\b[^;]*\Z", statement.text[:_SHORT], re.IGNORECASE):
            return _CLEANING
        return RUN

    def _drop(self, statement: Statement, words: Sequence[str]) -> str:
        kind = list(words[1:])
        if kind[:1] == ["DATABASE"]:
            name = kind[1:]
            return self._one_database(_name_at(statement, kind, 3 if name[:2] == ["IF", "EXISTS"] else 1), statement)
        self._of_kind(statement, kind)
        return _CLEANING

    def _comment(self, statement: Statement, words: Sequence[str]) -> str:
        kind = list(words[2:])
        if words[1:2] != ["ON"]:
            raise refused(statement.where, "is none that a dump needs", _HINT)
        if kind[:2] == ["SCHEMA", "PUBLIC"] or kind[:1] == ["EXTENSION"]:
            return QUIET
        return self._of_kind(statement, kind)

    @staticmethod
    def _of_kind(statement: Statement, kind: Sequence[str]) -> str:
        for words, what in _LEFT_KINDS.items():
            if tuple(kind[: len(words)]) == words:
                return what
        if any(tuple(kind[: len(words)]) == words for words in _KINDS):
            return RUN
        raise refused(statement.where, "is about what lies outside of one database", _HINT)


def _name_at(statement: Statement, kind: Sequence[str], place: int) -> str:
    """The name of a database, as it stands there. Names of databases are compared, and never used."""
    if len(kind) <= place:
        raise refused(statement.where, "names no database", _HINT)
    word = kind[place]
    return word[1:-1].replace('""', '"') if word.startswith('"') else word.lower()
