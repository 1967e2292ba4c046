# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A whole database as its server describes it.

The description holds what every major version can say in the same words; what is printed differently for the same
meaning is made equal in ``words``. pg_dump's own words are compared besides, where both sides have the same
(``described``).
"""

from __future__ import annotations

from typing import Callable, Dict, List, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql import around, catalogue
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.session import Session
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.settings import may_be_secret
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.words import alike, plain_names
from ansible_collections.relocate.django.plugins.module_utils._model import brief

#: The key of what describes: other majors are not expected to know the same properties.
SERVER = "server"
RIGHTS, OWNER, COLUMN = "rights on ", "owner of ", "column "
_VIEWS_AT_A_TIME = 200

Ask = Callable[[Sequence[str]], Sequence[Tuple[object, ...]]]


class _Reader:
    """Collects the description of one database."""

    def __init__(self, session: Session, ask: Ask) -> None:
        self._session, self._ask = session, ask
        self.found: Dict[str, str] = {SERVER: "PostgreSQL {0}".format(session.major)}
        self._labels: Dict[Tuple[str, int], str] = {}
        self._lines: Dict[Tuple[str, int], List[str]] = {}

    def read(self) -> Dict[str, str]:
        """Everything, by kind and name."""
        columns = [(str(a), str(b), str(c)) for a, b, c in self._session.rows(catalogue.COLUMNS)]
        for name, number, kind, identity in self._session.rows(catalogue.OBJECTS):
            self._labels[name, number] = "{0} {1}".format(kind, plain_names(identity))
        for name in sorted({name for name, _number in self._labels}):
            self._properties(name, [(b, c) for a, b, c in columns if a == name])
        self._columns()
        self._views()
        for key, label in self._labels.items():
            self.found[label] = "\n".join(self._lines.get(key, []))
        self._of_the_database()
        self._rights()
        for name, number, role in self._ask([around.owners_sql(columns)]):
            self._beside(OWNER, (str(name), int(str(number))), "role {0}".format(role))
        return self.found

    def _beside(self, prefix: str, key: Tuple[str, int], value: str) -> None:
        if key in self._labels:
            self.found[prefix + self._labels[key]] = value

    def _add(self, key: Tuple[str, int], line: str) -> None:
        self._lines.setdefault(key, []).append(line)

    def _properties(self, name: str, columns: Sequence[Tuple[str, str]]) -> None:
        if not columns:  # not to be read by this role: the names must do
            return
        sql, texts = catalogue.described_sql(name, columns, self._session.major)
        for number, lines, *values in self._ask([sql]):
            key = (name, int(str(number)))
            if key not in self._labels:
                continue
            self._lines.setdefault(key, []).extend(str(lines).split("\n") if lines else [])
            for text, value in zip(texts, values):
                if value:
                    self._add(key, "{0}: {1}".format(text.label, _said(str(value), text.form)))

    def _columns(self) -> None:
        for relation, name, typed, default, more, options in self._ask([catalogue.columns_sql(self._session.major)]):
            key = ("pg_class", int(str(relation)))
            self._add(key, "{0}{1}: {2}".format(COLUMN, name, plain_names(str(typed))))
            if default is not None:
                self._add(key, "default of {0}: {1}".format(name, _said(str(default))))
            if more:
                self._add(key, "more of {0}: {1}".format(name, more))
            if options:
                self._add(key, "options of {0}: {1}".format(name, brief(str(options))))

    def _views(self) -> None:
        parts = int(self._session.value(catalogue.VIEWS)) // _VIEWS_AT_A_TIME + 1
        for number, text, reads in self._ask([catalogue.views_sql(part, parts) for part in range(parts)]):
            key = ("pg_class", int(str(number)))
            self._add(key, "definition: {0}".format(_said(str(text), catalogue.SQL)))
            if reads:
                self._add(key, "reads: {0}".format(plain_names(str(reads))))

    def _of_the_database(self) -> None:
        encoding, collation, ctype, limit, place = self._session.rows(around.DATABASE)[0]
        self.found["database"] = "\n".join(
            ["encoding: {0}".format(encoding), "collation: {0}".format(collation), "ctype: {0}".format(ctype)]
            + ["tablespace: {0}".format(place)] * (place != "pg_default")
        )
        self.found["connection limit"] = str(limit)
        for where, who, setting in self._session.rows(around.SETTINGS):
            name, _equals, value = str(setting).partition("=")
            if may_be_secret(name):
                continue  # it is told by its name, and not carried
            key = "setting {0}".format(" ".join(filter(None, (name, "of " + who if who else "", where))))
            self.found[key] = brief(value)
        for server, who, options in self._session.rows(around.MAPPINGS):
            self.found["user mapping of {0} on server {1}".format(who, server)] = brief(options) if options else ""
        for what, name, number, kind, identity, text in self._session.rows(around.COMMENTS):
            if (str(name), number) in self._labels or name == "pg_database" or identity == "public":
                label = "{0} {1}".format(kind, plain_names(identity)).strip()
                self.found["{0} on {1}".format(what, label)] = brief(text)

    def _rights(self) -> None:
        for name, number, more, listed, default in self._ask([around.rights_sql()]):
            if listed == default:
                continue
            if name == "pg_database":
                label = "database"
            elif name == "pg_default_acl":
                label = "new objects: {0}".format(more)
            elif (name, number) in self._labels:
                label = self._labels[str(name), int(str(number))]
                label = "column {0} of {1}".format(more, label) if more else label
            elif name == "pg_namespace" and more == "public":
                label = "schema public"
            else:
                continue  # an extension's: pg_dump tells, which knows what the extension itself has given
            self.found[RIGHTS + label] = str(listed or "nobody")


def _said(text: str, form: str = "") -> str:
    if form:
        return brief(alike(text, qualified=False) if form == catalogue.SQL else text)
    return plain_names(text).replace("\n", " ")


def catalogued_schema(session: Session, ask: Ask) -> Dict[str, str]:
    """Everything in a database, "kind name" -> its description.

    :param session: as the settings' role
    :param ask: runs statements and lets go of the locks that they take
    """
    return _Reader(session, ask).read()
