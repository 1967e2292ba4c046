# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks the rights of new's administrator: asked before a freeze, tried before anything is dropped.

Asking reads SHOW GRANTS, and refuses only what these say clearly: rights may also come by a role that is not active
now. Trying makes the smallest object of each kind, and is the server's own answer.
"""

from __future__ import annotations

import re
from typing import Any, List, Mapping, Sequence, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import admin, grants
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.objects import StoredObject
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.session import Session, ident, literal
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.statement import (
    FUNCTION,
    PACKAGE,
    PACKAGE_BODY,
    PROCEDURE,
    TRIGGER,
)
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError

#: What the names of databases of our own begin with; none in a site's settings may.
RESERVED = "__relocate"
_ALL = "ALL PRIVILEGES"
_DEFINER = ("SUPER", "SET USER", "SET_USER_ID", "SET_ANY_DEFINER")
_TRUSTED = ("SUPER", "BINLOG ADMIN")
_SHOWN = ("SELECT", "SHOW_ROUTINE", "SHOW CREATE ROUTINE")
_NEEDS_SUPER = 1419
_BINARY_LOG = "add the line log_bin_trust_function_creators = 1 to the new server's configuration below [mysqld]"


class Rights:
    """The lines of SHOW GRANTS of a session's user."""

    def __init__(self, session: Session) -> None:
        self.account = admin.own_account(session)
        self._mariadb = session.flavor.mariadb
        self._given: List[Tuple[str, Set[str]]] = []
        for (text,) in session.rows("SHOW GRANTS"):
            given, place, rights = grants.line(str(text))
            if given and rights:
                self._given.append((place, rights))

    @property
    def by_role(self) -> bool:
        """Tell whether there may be more than what is listed."""
        return any(not place for place, _rights in self._given)

    def everywhere(self, *rights: str) -> bool:
        """Tell whether one of these is given for the whole server."""
        return any(place == "*.*" and has & {_ALL, *rights} for place, has in self._given)

    def on(self, database: str, right: str) -> bool:
        """Tell whether this is given for a whole database. ALL PRIVILEGES do not hold the right to give them on."""
        wanted = {right} if right == "GRANT OPTION" else {right, _ALL}
        return any(has & wanted and grants.is_whole(place, database) for place, has in self._given)

    def databases(self, names: Sequence[str], gives: bool, journals: Sequence[str]) -> List[RelocateError]:
        """The error for databases that the administrator may not make, or not let the settings' user into.

        :param journals: databases that nobody but he reaches
        """
        closed = [pattern(name) for name in names if not self._has(name, gives)]
        if not all(self._has(name, False) for name in journals):
            closed.append("`{0}%`".format(pattern(RESERVED + "_").strip("`")))
        if not closed or self.by_role:
            return []
        form = "GRANT ALL PRIVILEGES ON {0}.* TO {1} WITH GRANT OPTION"
        return [
            RelocateError(
                "right_missing",
                "{0}, the administrator, lacks rights on databases that a restore creates: {1}".format(
                    self.account, ", ".join(closed)
                ),
                "run there as the database's root: " + "; ".join(form.format(name, self.account) for name in closed),
            )
        ]

    def _has(self, name: str, gives: bool) -> bool:
        return self.on(name, "CREATE") and (not gives or self.on(name, "GRANT OPTION"))

    def definitions(self, user: str, details: Mapping[str, Any], heirs: Sequence[str]) -> List[RelocateError]:
        """The errors for definitions of old that this administrator could not make again.

        :param user: the settings' user, whose they become
        :param heirs: other accounts that become definers
        """
        names = sorted({name for some in dict(details.get("definers") or {}).values() for name in some})
        if not names or self.by_role:
            return []
        if self.account.rpartition("@")[0] == ident(user) and all(heir == self.account for heir in heirs):
            return []  # they are the administrator's own
        return [*self._making(names), *self._showing(names)]

    def _making(self, names: Sequence[str]) -> List[RelocateError]:
        if self.everywhere(*_DEFINER):
            return []
        right = "SET USER" if self._mariadb else "SET_USER_ID (since 8.2 SET_ANY_DEFINER)"
        return [
            _of_others(
                self.account,
                names,
                "run there as the database's root: GRANT {0} ON *.* TO {1}".format(right, self.account),
            )
        ]

    def _showing(self, names: Sequence[str]) -> List[RelocateError]:
        routines = [name for name in names if name.rpartition(" ")[0] in (FUNCTION, PROCEDURE, PACKAGE, PACKAGE_BODY)]
        if not routines or self.everywhere(*_SHOWN) or self._reads_routines():
            return []
        where = "SELECT ON mysql.proc" if self._mariadb else "SHOW_ROUTINE ON *.*"
        return [
            RelocateError(
                "right_missing",
                "{0}, the administrator, may not see other accounts' routines: {1}".format(
                    self.account, _some(routines)
                ),
                "run there as the database's root: GRANT {0} TO {1}".format(where, self.account),
            )
        ]

    def _reads_routines(self) -> bool:
        places = {place.replace("`", "") for place, has in self._given if has & {"SELECT", _ALL}}
        return self._mariadb and bool(places & {"mysql.*", "mysql.proc"})


def pattern(name: str) -> str:
    """A database in a GRANT, where ``_`` and ``%`` are wildcards."""
    return ident(re.sub(r"([_%\\])", r"\\\1", name))


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:10]) + (" and {0} more".format(len(names) - 10) if len(names) > 10 else "")


def _of_others(account: str, names: Sequence[str], hint: str) -> RelocateError:
    return RelocateError(
        "right_missing",
        "{0}, the administrator, may not create what belongs to another account: {1}".format(account, _some(names)),
        hint + ", or set relocate_login to the settings' user",
    )


def needs_trust(details: Mapping[str, Any]) -> List[str]:
    """Triggers and functions of old."""
    names = {name for some in dict(details.get("definers") or {}).values() for name in some}
    return sorted(name for name in names if name.partition(" ")[0] in (FUNCTION, TRIGGER))


def untrusted(rights: Rights, names: Sequence[str]) -> List[RelocateError]:
    """The error for triggers and functions where the server writes a binary log and trusts only SUPER."""
    if not names or rights.by_role or rights.everywhere(*_TRUSTED):
        return []
    return [
        RelocateError(
            "setting_differs",
            "the new server writes a binary log and accepts triggers and functions only from users with SUPER, which"
            " {0} lacks: {1}".format(rights.account, _some(names)),
            _BINARY_LOG,
        )
    ]


def attempt(session: Session, database: str, items: Sequence[StoredObject]) -> None:
    """Make what is like the objects in a database of ours. Raises right_missing for the first that is refused."""
    for number, definer in enumerate(sorted({item.definer for item in items if item.definer})):
        procedure = "{0}.{1}".format(ident(database), ident("p{0}".format(number)))
        _attempt_as(session, definer, procedure, [item for item in items if item.definer == definer])
    if any(item.kind in (FUNCTION, TRIGGER) for item in items):
        _attempt_function(session, database)


def _attempt_as(session: Session, definer: str, procedure: str, items: Sequence[StoredObject]) -> None:
    """Make a procedure of another definer. Raises right_missing, which names what he defines."""
    try:
        session.run("CREATE DEFINER={0} PROCEDURE {1}() SELECT 1".format(definer, procedure))
    except RelocateError as exc:
        if exc.code != "right_missing":
            return  # of an account in this form a procedure cannot be: its own object tells
        names = ["{0} {1}".format(item.kind, item.name) for item in items]
        right = "SET USER" if session.flavor.mariadb else "SET_USER_ID, or SET_ANY_DEFINER,"
        refusal = _of_others(admin.own_account(session), names, "GRANT it {0} ON *.*".format(right))
        raise RelocateError("right_missing", "{0} ({1})".format(refusal.msg, exc.msg), refusal.hint) from None


def _attempt_function(session: Session, database: str) -> None:
    """Make a function, which a server with a binary log may refuse. Raises right_missing."""
    text = "CREATE FUNCTION {0}.f() RETURNS INT DETERMINISTIC NO SQL COMMENT {1} RETURN 1"
    try:
        session.run(text.format(ident(database), literal("tried")))
    except RelocateError as exc:
        if exc.details.get("number") == _NEEDS_SUPER:
            raise RelocateError("right_missing", exc.msg, _BINARY_LOG) from None
