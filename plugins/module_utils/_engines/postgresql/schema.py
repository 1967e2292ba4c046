# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A schema as pg_dump writes it: taken apart, and compared with another one.

Everything that pg_dump knows is compared, whatever its kind. Pure: text in, text out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.session import ident
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.words import alike

#: What is looked at besides plain characters. Strings are standard ones: pg_dump sets standard_conforming_strings.
_TOKEN = re.compile(
    r"""(?P<comment>--[^\n]*)
    |(?P<meta>^\\[^\n]*)
    |(?P<end>;)
    |(?<![\w$])[eE]'(?:[^'\\]|\\.|'')*'
    |'(?:[^']|'')*'
    |"(?:[^"]|"")*"
    |(?<![\w$])\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?\$(?P=tag)\$""",
    re.DOTALL | re.VERBOSE | re.MULTILINE,
)
_HEADER = re.compile(r"^-- Name: (.*); Type: ([A-Z ]+); Schema: (.*?); Owner: (.*?)(?:; Tablespace: .*)?$")
_NAME = r'(?:"(?:[^"]|"")*"|[\w$]+)'
_SESSION = re.compile(r"^(SET (?!SESSION)\w+ |SELECT pg_catalog\.set_config\('search_path', )")
_PLACE = re.compile(r"^SET (default_tablespace|default_table_access_method) = (.*)$", re.DOTALL)
_OWNER = re.compile(r"^ALTER [A-Z ]+ .* OWNER TO " + _NAME + "$", re.DOTALL)

#: The words of a name or signature in GRANT and REVOKE: nothing in them could end a statement or begin another.
_OBJECT = r'(?:"(?:[^"\0]|"")*"|[\w .,()\[\]])+'
_RIGHT = re.compile(
    r"^(?P<verb>GRANT|REVOKE)(?P<option> GRANT OPTION FOR)? (?P<rights>"
    + _OBJECT
    + r"?) ON (?P<object>"
    + _OBJECT
    + ")"
    r" (?:TO|FROM) (?P<role>" + _NAME + r")(?P<with> WITH GRANT OPTION)?$"
)
_DEFAULT = re.compile(
    r"^ALTER DEFAULT PRIVILEGES FOR ROLE (?P<owner>" + _NAME + r")(?P<schema> IN SCHEMA " + _NAME + r")?"
    r" (?P<verb>GRANT|REVOKE)(?P<option> GRANT OPTION FOR)? (?P<rights>[A-Z, ]+) ON (?P<object>[A-Z ]+?)"
    r" +(?:TO|FROM) (?P<role>" + _NAME + r")(?P<with> WITH GRANT OPTION)?$"
)
_GRANTOR = re.compile(r"^SET SESSION AUTHORIZATION (" + _NAME + ")$")

#: Compared in other ways: by the engine's own counts, by the facts, or not at all since the server brings them.
_ELSEWHERE = frozenset(("DATABASE", "EXTENSION", "BLOB", "BLOB METADATA", "BLOBS", "MATERIALIZED VIEW DATA"))


#: Entries by themselves for some versions of pg_dump, and a part of another one for others.
_SOME_MAJORS = frozenset(("TABLE ATTACH", "INDEX ATTACH"))


@dataclass
class Entry:
    """One thing that pg_dump writes."""

    kind: str
    schema: str
    name: str
    owner: str
    place: str = ""  # tablespace and access method, where it has them
    statements: List[str] = field(default_factory=list)

    @property
    def label(self) -> str:
        """Return the name that people use for it."""
        where = "" if self.schema in ("-", "") else self.schema + "."
        return "{0} {1}{2}".format(self.kind.lower(), where, self.name)


class Right(NamedTuple):
    """One GRANT or REVOKE, or the same of default privileges."""

    verb: str
    option: str
    rights: str
    object: str
    role: str  # "" is PUBLIC
    grants_on: str
    grantor: str = ""  # "" is the owner
    defaults_of: str = ""  # whose new objects it is about
    defaults_in: str = ""

    def sql(self, database: str = "") -> str:
        """The statement, for a database of this name."""
        target = "DATABASE " + ident(database) if self.object == "DATABASE" else self.object
        prefix = "ALTER DEFAULT PRIVILEGES FOR ROLE {0}{1} ".format(ident(self.defaults_of), self.defaults_in)
        return "{0}{1}{2} {3} ON {4} {5} {6}{7}".format(
            prefix if self.defaults_of else "",
            self.verb,
            self.option,
            self.rights,
            target,
            "TO" if self.verb == "GRANT" else "FROM",
            ident(self.role) if self.role else "PUBLIC",
            self.grants_on,
        )

    def __str__(self) -> str:
        by = " (granted by {0})".format(self.grantor) if self.grantor else ""
        return self.sql("...") + by


def unquoted(name: str) -> str:
    """A name without its quotes."""
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def _pieces(text: str) -> Iterator[Tuple[str, str]]:
    """The text's ("comment", ...), ("meta", ...) and ("statement", ...), a statement without its semicolon."""
    start = 0
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup if match.lastgroup in ("comment", "meta", "end") else ""
        if kind == "end":
            yield "statement", text[start : match.start()].strip()
            start = match.end()
        elif kind and not text[start : match.start()].strip():
            yield kind, match.group()
            start = match.end()


def parse(text: str) -> List[Entry]:
    """The entries of a script by pg_dump or pg_restore with --create."""
    entries: List[Entry] = []
    places: Dict[str, str] = {}
    for kind, piece in _pieces(text):
        header = _HEADER.match(piece) if kind == "comment" else None
        if header:
            name, typed, schema, owner = header.groups()
            entries.append(Entry(typed, schema, name, owner))
        elif kind == "statement":
            place = _PLACE.match(piece)
            if place:
                places[place.group(1)] = place.group(2).strip("'")
            elif entries and not _SESSION.match(piece):
                _take(entries[-1], piece, places)
    return entries


def _take(entry: Entry, statement: str, places: Dict[str, str]) -> None:
    if entry.statements and _OWNER.match(statement):
        return  # the header tells
    if not entry.statements and entry.kind in ("TABLE", "INDEX", "MATERIALIZED VIEW", "CONSTRAINT"):
        space = places.get("default_tablespace", "")
        method = places.get("default_table_access_method", "") if entry.kind in ("TABLE", "MATERIALIZED VIEW") else ""
        entry.place = " ".join(word for word in (space and "tablespace " + space, method) if word)
    entry.statements.append(statement)


def rights_of(entry: Entry, roles: Dict[str, str]) -> List[Right]:
    """The rights in an ACL entry, in order; what cannot be read as one is left out, see :func:`odd_rights`.

    :param roles: what roles are called on the other side
    """
    found, grantor = [], ""
    for statement in entry.statements:
        change = _GRANTOR.match(statement)
        if change or statement == "RESET SESSION AUTHORIZATION":
            grantor = _role(change.group(1), roles) if change else ""
        right = _right(statement, grantor, roles)
        if right is not None:
            found.append(right)
    return found


def odd_rights(entry: Entry) -> List[str]:
    """The statements of an ACL entry that :func:`rights_of` leaves out."""
    known = ("RESET SESSION AUTHORIZATION",)
    return [s for s in entry.statements if s not in known and not _GRANTOR.match(s) and _right(s, "", {}) is None]


def _right(statement: str, grantor: str, roles: Dict[str, str]) -> Optional[Right]:
    match = _DEFAULT.match(statement) or _RIGHT.match(statement)
    if match is None:
        return None
    parts = match.groupdict()
    role = "" if parts["role"] == "PUBLIC" else _role(parts["role"], roles)
    target = "DATABASE" if parts["object"].startswith("DATABASE ") else parts["object"]
    return Right(
        parts["verb"],
        parts["option"] or "",
        parts["rights"],
        target,
        role,
        parts["with"] or "",
        grantor,
        _role(parts["owner"], roles) if "owner" in parts else "",
        parts.get("schema") or "",
    )


def _role(token: str, roles: Dict[str, str]) -> str:
    name = unquoted(token)
    return roles.get(name, name)


def is_rights(entry: Entry) -> bool:
    """Tell whether an entry holds rights."""
    return entry.kind in ("ACL", "DEFAULT ACL")


Key = Tuple[str, str, str]


def by_key(entries: Sequence[Entry], exclude: Sequence[str] = ()) -> Dict[Key, Entry]:
    """Entries by kind, schema and name; the database goes by no name, as it has another one elsewhere."""
    found: Dict[Key, Entry] = {}
    for entry in entries:
        if entry.kind in exclude or _is_left_out(entry):
            continue
        about_database = entry.kind == "DATABASE PROPERTIES" or entry.name.startswith("DATABASE ")
        key = (entry.kind, entry.schema, "DATABASE" if about_database and entry.schema == "-" else entry.name)
        if key in found:
            found[key].statements += entry.statements
        else:
            found[key] = Entry(entry.kind, entry.schema, key[2], entry.owner, entry.place, list(entry.statements))
    return found


def _is_left_out(entry: Entry) -> bool:
    """Tell whether an entry says nothing of how two databases differ."""
    if entry.kind == "SCHEMA":
        return entry.name == "public"  # in every database, and listed where it was made anew
    if entry.kind == "COMMENT" and entry.name.startswith("EXTENSION "):
        return True
    if entry.kind in ("COMMENT", "ACL") and entry.name.startswith("LARGE OBJECT"):
        return True  # pg_dump --schema-only leaves large objects out
    return entry.kind in _ELSEWHERE


@dataclass
class Comparison:
    """Compares new's schema with old's."""

    regained: List[Right] = field(default_factory=list)  # rights that old had taken away and that are there on new
    differences: List[str] = field(default_factory=list)  # every other difference, in words


def compare(old: Sequence[Entry], new: Sequence[Entry], roles: Dict[str, str], exact: bool, owner: str) -> Comparison:
    """Compare two schemas.

    :param roles: old's names of roles -> new's
    :param exact: both are in the words of one pg_dump and one server version, so that definitions can be compared
    :param owner: new's role, which owns everything that was restored
    """
    found = Comparison()
    before, after = by_key(old), by_key(new)
    owners: Dict[str, List[str]] = {}
    for key in sorted(set(before) | set(after)):
        if key[0] in _SOME_MAJORS and not exact:
            continue
        one, other = before.get(key), after.get(key)
        if key[0] in ("ACL", "DEFAULT ACL"):
            _compare_rights(one, other, roles, found)
        elif one is None:
            found.differences.append("{0} is there, and was not on old".format(after[key].label))
        elif other is None:
            found.differences.append("{0} is missing".format(one.label))
        else:
            _compare_entries(one, other, exact, found)
            if roles.get(one.owner, one.owner) not in (other.owner, "") and other.owner == owner:
                owners.setdefault(one.owner, []).append(one.label)
    for name, labels in sorted(owners.items()):
        found.differences.append("{0} belonged to role {1} and now to {2}".format(some(labels), name, owner))
    return found


def _compare_entries(one: Entry, other: Entry, exact: bool, found: Comparison) -> None:
    if one.kind == "DATABASE PROPERTIES":
        lost = _properties(one) - _properties(other)
        found.differences += ["{0} is not carried".format(words) for words in sorted(lost)]
        return
    if one.place != other.place and (exact or "tablespace" in one.place):
        found.differences.append("{0} is in {2}, and was in {1}".format(one.label, _place(one), _place(other)))
    if (exact or one.kind == "COMMENT") and not _same_body(one, other):
        found.differences.append("{0} is defined otherwise".format(one.label))


def _place(entry: Entry) -> str:
    return entry.place or "the default place"


def _same_body(one: Entry, other: Entry) -> bool:
    before, after = one.statements, other.statements
    if one.kind == "COMMENT" and one.name == "DATABASE":  # the name is another one
        before, after = ([text.partition(" IS ")[2] for text in body] for body in (before, after))
    return before == after or [alike(text) for text in before] == [alike(text) for text in after]


def _properties(entry: Entry) -> Set[str]:
    """Settings of the database without their values, which may be secrets, and without its name."""
    found = set()
    for statement in entry.statements:
        words = re.sub(r"DATABASE " + _NAME, "DATABASE", statement, count=1)
        found.add(re.split(r" TO | = ", words, maxsplit=1)[0])
    return found


def _compare_rights(one: Optional[Entry], other: Optional[Entry], roles: Dict[str, str], found: Comparison) -> None:
    before = set(rights_of(one, roles)) if one else set()
    after = set(rights_of(other, {})) if other else set()
    for right in sorted(before - after):
        if right.verb == "REVOKE" and not right.role:
            found.regained.append(right)
        else:
            found.differences.append("not carried: {0}".format(right))
    found.differences += ["there, and not on old: {0}".format(right) for right in sorted(after - before)]
    if one:
        found.differences += ["not understood, and not carried: a right in {0}".format(one.label)] * bool(
            odd_rights(one)
        )


def some(names: Sequence[str], limit: int = 10) -> str:
    """The first of some names."""
    return ", ".join(names[:limit]) + (" and {0} more".format(len(names) - limit) if len(names) > limit else "")
