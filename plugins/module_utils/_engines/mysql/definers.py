# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Chooses new definers for views, triggers, routines and events: the settings' user, or accounts of the inventory.

A definer's rights are the object's, and a set is not trusted. So what a set says of definers chooses nothing by itself:
the inventory says which definer of old becomes which account of new. An account that may do more than the settings'
user takes over only from a definer that is named in full, never from all of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Callable, Dict, Iterable, List, Mapping, Optional, Sequence, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import grants
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.objects import (
    StoredObject,
    account,
    with_definer,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.session import (
    Session,
    ident,
    is_named,
    literal,
)
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError

#: In the option: every definer that is neither named nor the settings' user.
ALL = "*"
_FORM = "write accounts as user@host, such as root@localhost or app@%"


@dataclass(frozen=True)
class Definers:
    """Accounts as servers write them: `user`@`host`."""

    named: Mapping[str, str]  # definer on old -> account on new
    others: str = ""  # for all other definers but the settings' user; "" is the settings' user

    @property
    def accounts(self) -> List[str]:
        """Everybody who becomes a definer."""
        return sorted(set(self.named.values()) | ({self.others} if self.others else set()))

    def of(self, definer: str) -> str:
        """Return the account that replaces a definer other than the settings' user; "" is the settings' user."""
        return self.named.get(definer, self.others)


def chosen(option: Mapping[str, str]) -> Definers:
    """The option ``definers`` in the servers' form. Raises bad_option."""
    named = {
        parsed(str(definer), role=True): parsed(str(wanted))
        for definer, wanted in option.items()
        if str(definer) != ALL
    }
    return Definers(named, parsed(str(option[ALL])) if ALL in option else "")


def parsed(text: str, role: bool = False) -> str:
    """``user@host``, with quotes or without, as servers write it. Raises bad_option.

    :param role: whether a name alone will do, which is a role of MariaDB's
    """
    user, at, host = _split(text)
    if not user or not (host or (role and not at)):
        raise RelocateError("bad_option", "definers: {0!r} is no account".format(text[:80]), _FORM)
    return account(user, host) if at else ident(user)


def _split(text: str) -> Tuple[str, str, str]:
    quoted = r"(?:`((?:[^`]|``)*)`|'((?:[^']|'')*)'|\"((?:[^\"]|\"\")*)\")"
    match = re.match(quoted + r"(?:(@)" + quoted + r")?\Z", text)
    if match is None:
        user, at, host = text.rpartition("@") if "@" in text else (text, "", "")
        return ("", "", "") if set(user + host) & set("`'\" \t\r\n\0") else (user, at, host)
    groups = match.groups()
    return _unquoted(groups[:3]), groups[3] or "", _unquoted(groups[4:])


def _unquoted(groups: Sequence[Optional[str]]) -> str:
    return next((text.replace(quote * 2, quote) for text, quote in zip(groups, "`'\"") if text is not None), "")


def settle(
    items: Sequence[StoredObject], own: str, former: str, wanted: Definers, tell: Callable[[str], None]
) -> List[StoredObject]:
    """Give every object to whom it belongs on new, and say so of those that were another's.

    :param own: the account of the settings' user
    :param former: the account that he had on old
    """
    found = []
    for item in items:
        mine = item.definer in ("", own, former)
        target = (wanted.named.get(item.definer, "") if mine else wanted.of(item.definer)) or own
        if target != item.definer and not (mine and target == own):
            tell(
                "{0} {1}: its definer was {2}, {3} takes its place".format(
                    item.kind, item.name, item.definer or own, target
                )
            )
        found.append(with_definer(item, target))
    unused = sorted(set(wanted.named) - {item.definer for item in items})
    if unused:
        tell("nothing belonged to {0}, which relocate_definers names".format(", ".join(unused)))
    return found


def definers_of(items: Sequence[StoredObject]) -> Dict[str, List[str]]:
    """Return the definers of objects: account -> "kind name"."""
    found: Dict[str, List[str]] = {}
    for item in items:
        if item.definer:
            found.setdefault(item.definer, []).append("{0} {1}".format(item.kind, item.name))
    return {definer: sorted(names) for definer, names in sorted(found.items())}


def refusals(
    session: Session, wanted: Definers, owners: Tuple[str, str], database: str, used: Set[str]
) -> List[RelocateError]:
    """Return why named accounts cannot become definers, one error each. ``session`` is the administrator's.

    :param owners: the accounts of the settings' user on new, where he need not be yet, and on old
    :param used: the definers that old has
    """
    found = []
    own = owners[0]
    mine = grants.of(session, own) or {} if wanted.accounts else {}
    for target in wanted.accounts:
        others = target == wanted.others and bool(used - set(wanted.named) - set(owners))
        if target == own or not (others or _is_heir(wanted, target, used)):
            continue
        refusal = _refusal(session, target, mine, database, others)
        if refusal is not None:
            found.append(refusal)
    return found


def _is_heir(wanted: Definers, target: str, used: Set[str]) -> bool:
    """Tell whether an account takes over from a definer of old that is named."""
    return any(heir == target and definer in used for definer, heir in wanted.named.items())


def _refusal(
    session: Session, target: str, mine: Mapping[str, Set[str]], database: str, others: bool
) -> Optional[RelocateError]:
    theirs = grants.of(session, target)
    if theirs is None:
        return RelocateError(
            "bad_option",
            "relocate_definers names {0}, an account that the new server does not know".format(target),
            "CREATE USER {0} there, or name another account in relocate_definers".format(target),
        )
    if not any(grants.covers(place, database) or not place for place in theirs):
        return RelocateError(
            "right_missing",
            "{0}, named in relocate_definers, has no rights on database {1}: what it defines there would fail".format(
                target, database
            ),
            "GRANT ALL PRIVILEGES ON {0}.* TO {1}".format(ident(re.sub(r"([_%\\])", r"\\\1", database)), target),
        )
    more = _beyond(theirs, mine, database)
    if more and others:
        return RelocateError(
            "bad_option",
            "{0} would define all that others define on old, and may do more than the settings' user: {1}".format(
                target, ", ".join(more[:5])
            ),
            "name the definer of old in full in relocate_definers, or choose an account with no such rights",
        )
    return None


def _beyond(theirs: Mapping[str, Set[str]], mine: Mapping[str, Set[str]], database: str) -> List[str]:
    """List what an account may do beyond this database, and another one may not."""
    return sorted(
        "{0} on {1}".format(right, place or "roles")
        for place, rights in theirs.items()
        if place == "*.*" or not grants.covers(place, database)
        for right in rights - mine.get(place, set())
    )


def of_views(session: Session, databases: Sequence[str]) -> Set[str]:
    """The accounts that made the views of some databases."""
    where = " OR ".join(is_named("TABLE_SCHEMA", name) for name in databases)
    rows = session.rows("SELECT DEFINER FROM information_schema.VIEWS WHERE " + where)
    found = [str(definer).rpartition("@") for (definer,) in rows]
    return {account(user, host) for user, at, host in found if at}


def existing(session: Session, accounts: Iterable[str]) -> List[str]:
    """Those of the accounts that the server has: MariaDB makes those that a GRANT names and that are not there.

    None for an administrator who is not shown who there is.
    """
    found = []
    for one in sorted(accounts):
        user, _at, host = _split(one)
        sql = "SELECT COUNT(*) FROM mysql.user WHERE User = {0} AND Host = {1}".format(literal(user), literal(host))
        try:
            if session.value(sql):
                found.append(one)
        except RelocateError as exc:
            if exc.code != "right_missing":
                raise
            return []
    return found
