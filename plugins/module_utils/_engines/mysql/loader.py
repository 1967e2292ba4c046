# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""An account for the time of a load, which reaches nothing but the database that is loaded.

The files of rows are SQL out of a set, and a set is not trusted. Whatever they say, the live database, other databases
of the settings' user and his password are out of their reach.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
from typing import Iterator, List, Optional, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import admin
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql import objects as stored
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.connect import Server
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.load import Schema
from ansible_collections.relocate.django.plugins.module_utils._engines.mysql.session import Session, literal
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError

#: User and password; None is the settings' user.
Login = Optional[Tuple[str, str]]
_PREFIX = "relocate_"


def name_of(database: str) -> str:
    """The account that loads into a database; at most 32 characters, which is MySQL's limit."""
    return _PREFIX + hashlib.sha256(database.encode("utf-8")).hexdigest()[:20]


@contextlib.contextmanager
def account(server: Server, session: Session, database: str) -> Iterator[Login]:
    """Make the account, and drop it afterwards. ``session`` is the administrator's.

    An administrator who may not make users leaves the work to the settings' user, which is said.
    """
    user, password = name_of(database), secrets.token_urlsafe(24) + "aA1!"
    server.context.secrets.remember(password)
    with server.connect() as own:
        host = str(own.value("SELECT SUBSTRING_INDEX(CURRENT_USER(), '@', -1)"))
    quoted = "{0}@{1}".format(literal(user), literal(host))
    made: Login = None
    try:
        try:
            session.run("DROP USER IF EXISTS " + quoted)  # a killed run may have left it
            session.run("CREATE USER {0} IDENTIFIED BY {1}".format(quoted, _by(session, password)))
            admin.grant_to(session, database, stored.account(user, host))
            server.connect(database, (user, password)).close()
            made = (user, password)
        except RelocateError as exc:
            if exc.code == "server_unreachable":
                raise
            server.context.notes.append(
                "database {0}: rows were loaded with all rights of the settings' user, since no account for the load"
                " could be made ({1})".format(server.config.alias, exc.msg)
            )
        yield made
    finally:
        with contextlib.suppress(RelocateError), server.admin() as last:
            last.run("DROP USER IF EXISTS " + quoted)


def _by(session: Session, password: str) -> str:
    # MariaDB writes statements to its log as they are: it gets the hash.
    if session.flavor.mariadb:
        return "PASSWORD " + literal(admin.native_hash(password))
    return literal(password)


def refuse_more_than_rows(session: Session, database: str, schema: Schema) -> None:
    """Raise dump_refused when the files of rows made something, or did away with something, that is no row."""
    wanted = sorted([*schema.tables, *(item.name for item in schema.sequences)])
    found = admin.tables_of(session, database)
    made: List[str] = ["{0} {1}".format(item.kind, item.name) for item in stored.read(session, database)]
    made += sorted(set(found) ^ set(wanted))
    if made:
        raise RelocateError(
            "dump_refused",
            "the files with rows create or drop other objects: {0}".format(", ".join(made[:10])),
            "use another copy of the backup set, or make a new backup",
        )
