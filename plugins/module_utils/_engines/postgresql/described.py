# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""After a load: rights and comments that pg_restore leaves out are carried, and the whole schema is compared.

The dump of old holds its schema in pg_dump's words, and so does pg_dump of what was loaded; every difference between
the two is named. Where they are words of different versions, definitions are left to ``whole``. Rights are
given by the settings' role, which owns what was loaded. An administrator only takes rights away, and only by statements
that consist of names.
"""

from __future__ import annotations

import re
from typing import Dict, List, Optional

from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql import (
    admin,
    around,
    programs,
    schema,
    scripts,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.connect import Server
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.schema import Entry, Right
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.session import Session, ident
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseFacts

_COMMENT = re.compile(r"^COMMENT ON (DATABASE|SCHEMA) (?:\"(?:[^\"]|\"\")*\"|[\w$]+) IS ('(?:[^']|'')*')$")
_SHOWN = 20
#: First words of what lies within a database. Tablespaces, parameters and other databases are everybody's.
_WITHIN = "DATABASE DOMAIN FOREIGN FUNCTION LANGUAGE LARGE PROCEDURE SCHEMA SEQUENCE TABLE TYPE".split()


class Described:
    """One loaded database, and the dump that it was loaded from."""

    def __init__(
        self, server: Server, client: programs.Client, path: str, lines: List[str], recorded: DatabaseFacts
    ) -> None:
        self._server, self._client, self._recorded = server, client, recorded
        text = scripts.schema_of_dump(server, client, path, lines, str(recorded.encoding))
        self._old = schema.parse(text)
        self._dumped_by = scripts.dumped_by(text)
        old_role = str(
            recorded.details.get("assumed_role") or recorded.details.get("role") or recorded.details.get("owner") or ""
        )
        self._roles: Dict[str, str] = {old_role: server.acts_as} if old_role else {}
        self._missing: Dict[str, int] = {}
        self._failed: List[str] = []  # what no comparison would show

    def carry(self, database: str) -> None:
        """Replay rights, and the comments on the database and its public schema. What cannot be is left to compare."""
        with self._server.connect(database) as own, self._server.admin(database) as other:
            superuser = other if admin.is_superuser(other) else None
            here = {name for (name,) in own.rows("SELECT rolname FROM pg_roles")}
            for entry in self._old:
                if schema.is_rights(entry):
                    for right in schema.rights_of(entry, self._roles):
                        self._carry_right(own, superuser, right, entry, here, database)
                elif entry.kind == "COMMENT":
                    self._carry_comment(own, superuser, entry, database)
            self._close_public(own, superuser)

    def _close_public(self, own: Session, superuser: Optional[Session]) -> None:
        """Take from everybody what a new database gives in public, and old's does not.

        A dump does not say so where public was dropped, or made anew under an old version.
        """
        before = self._recorded.details.get("everybodys_in_public")
        if isinstance(before, list):
            for (right,) in own.rows(around.EVERYBODYS):
                if right not in before:
                    _try(superuser or own, "REVOKE {0} ON SCHEMA public FROM PUBLIC".format(right))

    def _carry_right(
        self, own: Session, superuser: Optional[Session], right: Right, entry: Entry, here: "set[str]", database: str
    ) -> None:
        absent = {right.role, right.defaults_of} - here - {""}
        for name in absent:
            self._missing[name] = self._missing.get(name, 0) + 1
        if absent or self._is_moot(right, entry):
            return
        session = superuser if superuser is not None and _is_taken_within(right) else own
        if not _try(session, right.sql(database)) and entry.name.startswith("LARGE OBJECT"):
            self._failed.append("not carried: {0}".format(right))

    def _is_moot(self, right: Right, entry: Entry) -> bool:
        """Rights of the one who now owns the object, where another did; public keeps its owner."""
        if entry.name == "SCHEMA public":
            return False
        was_his = self._roles.get(entry.owner, entry.owner) == self._server.acts_as
        return right.role == self._server.acts_as and not was_his and not right.defaults_of

    def _carry_comment(self, own: Session, superuser: Optional[Session], entry: Entry, database: str) -> None:
        match = _COMMENT.match(entry.statements[0]) if len(entry.statements) == 1 else None
        if match is None or (match.group(1) == "SCHEMA" and entry.name != "SCHEMA public"):
            return
        target = "DATABASE " + ident(database) if match.group(1) == "DATABASE" else "SCHEMA public"
        _try(superuser or own, "COMMENT ON {0} IS {1}".format(target, match.group(2)))

    def compare(self, database: str, major: int) -> List[str]:
        """Every difference, in words.

        Raises load_failed when everybody may do on new what old had forbidden.
        """
        client = programs.first_of(programs.installed("pg_dump"), major)
        if client is None:
            raise RelocateError(
                "client_too_old",
                "no pg_dump here can read server {0}, so rights cannot be compared with old's".format(major),
                "install postgresql-client-{0}".format(major),
            )
        found = scripts.schema_of_database(self._server, client, database)
        exact = self._recorded.major == str(major) and self._dumped_by == scripts.dumped_by(found)
        result = schema.compare(self._old, schema.parse(found), self._roles, exact, self._server.acts_as)
        regained = [right for right in result.regained if right.defaults_of not in self._missing]
        if regained:
            raise RelocateError(
                "load_failed",
                "rights that old had revoked from PUBLIC are back: " + schema.some([str(right) for right in regained]),
                "set relocate_login to a superuser of new, who can revoke them; the live database was not touched",
            )
        return self._words(result)

    def _words(self, result: schema.Comparison) -> List[str]:
        words = self._failed + [item for item in result.differences if not self._is_told(item)]
        if self._missing:
            names = ["{0} ({1})".format(name, count) for name, count in sorted(self._missing.items())]
            words.append("rights of roles that new lacks are not carried: " + schema.some(names))
        more = len(words) - _SHOWN
        return words[:_SHOWN] + (["and {0} more differences".format(more)] if more > 0 else [])

    def _is_told(self, item: str) -> bool:
        """Tell whether a difference is about a role or a setting that is told by itself."""
        for name in self._recorded.details.get("settings_left_out") or ():
            if item.replace('"', "").endswith(" SET {0} is not carried".format(name)):
                return True
        return item.startswith("not carried: ") and any(
            re.search(r"(?:TO|FROM|FOR ROLE) {0}(?: |$)".format(re.escape(ident(name))), item) for name in self._missing
        )


def _is_taken_within(right: Right) -> bool:
    """Tell whether a right on something within the database, as pg_dump has it, is taken; others are the server's."""
    takes = right.verb == "REVOKE" and not right.defaults_of
    return takes and right.object.split(" ", 1)[0] in _WITHIN


def _try(session: Session, statement: str) -> bool:
    """Run one; whether it took effect is seen when everything is compared."""
    try:
        session.run(statement)
    except RelocateError as exc:
        if exc.code == "server_unreachable":
            raise
        return False
    return True
