# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""An administrator who is no superuser, as managed servers give one: what he may not do is found out before a load."""

from __future__ import annotations

from typing import FrozenSet, Optional, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.admin import (
    is_superuser,
    lacks_membership,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.connect import Server
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.extensions import (
    catalogue,
    with_required,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.session import Session, ident, literal
from ansible_collections.relocate.django.plugins.module_utils._engines.sql import Findings
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseFacts

#: Settings that name all extensions which may be made on a server: RDS, Azure. Others are refused, trusted ones too.
_ONLY = ("rds.allowed_extensions", "rds.extensions", "azure.extensions")
#: Settings that name extensions which may be made besides trusted ones: pgextwlist, supautils.
_MORE = ("extwlist.extensions", "supautils.privileged_extensions")
#: Whose members make every extension that the server offers: Cloud SQL.
_EVERY = "cloudsqlsuperuser"
_ALL = "*"


def check(server: Server, session: Session, recorded: Optional[DatabaseFacts], findings: Findings) -> None:
    """Note what stops an administrator who may create databases and is no superuser.

    :param session: his, in the maintenance database
    """
    if is_superuser(session):
        return
    _membership(server, session, findings)
    _ownership(server, session, findings)
    if recorded is not None:
        check_extensions(session, recorded, frozenset(), findings)


def _membership(server: Server, session: Session, findings: Findings) -> None:
    """He must become a member of the settings' role: he gives it the databases that he makes, and renames its own."""
    role = server.acts_as
    if not session.value("SELECT count(*) FROM pg_roles WHERE rolname = " + literal(role)):
        return  # whoever makes it may grant it
    may = "pg_has_role(current_user, {0}, 'MEMBER WITH ADMIN OPTION')".format(literal(role))
    if session.major < 16:
        may += " OR EXISTS (SELECT FROM pg_roles WHERE rolname = current_user AND rolcreaterole)"
    if lacks_membership(session, role) and not session.value("SELECT " + may):
        who = str(session.value("SELECT current_user"))
        findings.add(
            "right_missing",
            "the administrator {0} of new is no member of role {1}, so he may not make databases for it".format(
                who, role
            ),
            "on new, as who made the role: GRANT {0} TO {1}; or set relocate_login to another administrator".format(
                ident(role), ident(who)
            ),
        )


def _ownership(server: Server, session: Session, findings: Findings) -> None:
    """Only its owner with CREATEDB renames a database, so that the swap can put it aside."""
    rows = session.rows(
        "SELECT pg_get_userbyid(d.datdba), pg_has_role(current_user, d.datdba, 'USAGE'), current_user"
        " FROM pg_database AS d WHERE d.datname = " + literal(server.config.name)
    )
    if rows and not rows[0][1] and rows[0][0] != server.acts_as:
        owner, _may, who = (str(item) for item in rows[0])
        findings.add(
            "right_missing",
            "database {0} on new belongs to {1}, so the administrator {2} may not rename it, as the swap does".format(
                server.config.name, owner, who
            ),
            "on new, as {0}: ALTER DATABASE {1} OWNER TO {2}; or drop the database, and the move makes it".format(
                owner, ident(server.config.name), ident(who)
            ),
        )


def check_extensions(session: Session, recorded: DatabaseFacts, there: FrozenSet[str], findings: Findings) -> None:
    """Note the recorded extensions that a role which is no superuser may not make.

    :param there: those that the database to be filled has already
    """
    known = catalogue(session)
    wanted = sorted(name for name in with_required(recorded.extensions, known) - there if name in known)
    only, more = _allowed(session)
    for name in wanted:
        trusted = known[name][0] or name in more or _ALL in more
        if not (trusted if only is None else name in only or name == "plpgsql"):
            findings.add(
                "right_missing",
                "extension {0} is available on new, and the administrator may not create it: {1}".format(
                    name, "the server does not mark it as trusted" if only is None else "it is not on the server's list"
                ),
                "allow it on the server (rds.allowed_extensions, azure.extensions), set relocate_login to a superuser,"
                " or drop the extension on old",
            )


def _allowed(session: Session) -> Tuple[Optional[FrozenSet[str]], FrozenSet[str]]:
    """Return the only extensions that may be made, None where no list says so; and those made besides trusted ones."""
    only: Optional[FrozenSet[str]] = None
    for name in _ONLY:
        listed = _listed(session, name)
        if listed is not None and _ALL not in listed:
            only = listed if only is None else only & listed
    more = frozenset().union(*(_listed(session, name) or frozenset() for name in _MORE))
    every = "SELECT pg_has_role(current_user, oid, 'MEMBER') FROM pg_roles WHERE rolname = " + literal(_EVERY)
    return only, frozenset({_ALL}) if session.value(every) else more


def _listed(session: Session, name: str) -> Optional[FrozenSet[str]]:
    """Return the names that a setting lists; None where the server does not have it, or says nothing by it."""
    text = session.value("SELECT current_setting({0}, true)".format(literal(name)))
    if text is None or (not text and name == "rds.allowed_extensions"):
        return None
    return frozenset(part.strip().lower() for part in str(text).split(",") if part.strip())
