# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells what a load in place has left from what people put into the same database since: only the former may go.

A run that is killed leaves the mark of *incoming*. Whoever then restores by hand, and serves, seldom knows of it. So a
load writes into the mark's comment, each second and at its end, which number the next transaction will have. What a
later one wrote is not the load's: every row, table and function bears the number of the transaction that wrote it.
"""

from __future__ import annotations

import contextlib
import re
import threading
from typing import Iterator

from ansible_collections.relocate.django.plugins.module_utils._engines.base import INCOMING
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql import queries
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.connect import Server
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.session import Session, ident, literal
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError

_EVERY = 1.0  # seconds
_FAR = 2_000_000_000  # transactions, after which a number of 32 bits may be a newer one's
_FIRST = 3  # lower numbers mean something else than an age
_NOTE = re.compile(r"relocate\.django load (\d+) (\d+)")
_MARK = queries.MARK + INCOMING
_NEXT = "SELECT pg_catalog.txid_snapshot_xmax(pg_catalog.txid_current_snapshot())"
_OF_MARK = (
    "SELECT n.oid::bigint, n.xmin::text::bigint, coalesce(pg_catalog.obj_description(n.oid, 'pg_namespace'), '')"
    " FROM pg_catalog.pg_namespace AS n WHERE n.nspname = " + literal(_MARK)
)
#: Autovacuum and its kin are no sessions of anybody; of others' sessions a role is not shown what they are.
_OTHERS = (
    "SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE datname = pg_catalog.current_database()"
    " AND pid <> pg_catalog.pg_backend_pid() AND application_name IS DISTINCT FROM 'relocate.django'"
    " AND coalesce(backend_type, 'client backend') = 'client backend'"
)
_MADE = (
    "SELECT (SELECT count(*) FROM pg_catalog.pg_class AS o JOIN pg_catalog.pg_namespace AS n ON n.oid = o.relnamespace"
    " WHERE {0} AND {1}) + (SELECT count(*) FROM pg_catalog.pg_proc AS o JOIN pg_catalog.pg_namespace AS n"
    " ON n.oid = o.pronamespace WHERE {0} AND {1})"
    " + (SELECT count(*) FROM pg_catalog.pg_largeobject_metadata AS o WHERE {1})"
)
_HOLDING = (
    "SELECT n.nspname, o.relname FROM pg_catalog.pg_class AS o JOIN pg_catalog.pg_namespace AS n"
    " ON n.oid = o.relnamespace WHERE o.relkind = 'r' AND {0} ORDER BY o.relpages, 1, 2"
).format(queries.USER_SCHEMA)


def note(session: Session) -> int:
    """Write down that all which is there by now is the load's; returns the number of the mark."""
    number, made, _words = session.rows(_OF_MARK)[0]
    words = "relocate.django load {0} {1}".format(made, session.value(_NEXT))
    session.run("COMMENT ON SCHEMA {0} IS {1}".format(ident(_MARK), literal(words)))
    return int(number)


@contextlib.contextmanager
def noted(server: Server) -> Iterator[None]:
    """Write it down each second while a load in place fills live in the block, and once the block has ended or failed.

    Only after a kill, within a second of what the load wrote last, nobody can tell, and all is left alone.
    """
    ended = threading.Event()

    def go_on(session: Session) -> None:
        with contextlib.suppress(RelocateError):  # then the note is older, and a later run rather leaves all alone
            while not ended.wait(_EVERY):
                note(session)

    with server.admin() as session:  # opened here: a login acts as its user, and so would the other thread
        thread = threading.Thread(target=go_on, args=(session,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
            with contextlib.suppress(RelocateError):
                note(session)


def is_loads_own(server: Server, session: Session) -> bool:
    """Tell whether live is what a load in place has left or is filling, and nobody else has written to it.

    :param session: in live
    """
    return bool(session.value(queries.FILLING)) and not touched(server, session)


def touched(server: Server, session: Session) -> str:
    """Say why what bears the mark may be more than what a load left; "" when it is nothing else.

    What this very run has marked is its own.
    """
    number, made, words = session.rows(_OF_MARK)[0]
    if int(number) == server.marked:
        return ""
    if session.value(_OTHERS):
        return "others are connected to it"
    found = _NOTE.fullmatch(str(words))
    if found is None or int(found.group(1)) != int(made):
        return "nothing tells what wrote its content"
    since = int(found.group(2))
    if not 0 <= int(session.value(_NEXT)) - since < _FAR or since % 2**32 < _FIRST:
        return "it is too long ago to tell what wrote its content"
    try:
        return _written_since(session, since)
    except RelocateError as exc:
        if exc.code == "server_unreachable":
            raise
        return "what it holds cannot be read: " + exc.msg


def _written_since(session: Session, since: int) -> str:
    newer = "pg_catalog.age(o.xmin) <= pg_catalog.age('{0}'::pg_catalog.xid)".format(since % 2**32)
    if session.value(_MADE.format(queries.USER_SCHEMA, newer)):
        return "things were made in it after that load had ended"
    for schema, name in session.rows(_HOLDING):
        table = "{0}.{1}".format(ident(str(schema)), ident(str(name)))
        if session.value("SELECT EXISTS (SELECT FROM ONLY {0} AS o WHERE {1})".format(table, newer)):
            return "rows of {0}.{1} were written after that load had ended".format(schema, name)
    return ""


def refuse_touched(server: Server, session: Session) -> None:
    """Keep the content of a database that bears the mark and may be in use. Raises target_not_blank."""
    why = touched(server, session)
    if why:
        name = str(session.value("SELECT pg_catalog.current_database()"))
        raise RelocateError(
            "target_not_blank",
            "database {0} bears the mark of a load that did not end, and {1}: it is not emptied".format(name, why),
            remedy(name),
        )


def remedy(name: str) -> str:
    """Return what to type about a mark that a load has left in a database."""
    return (
        "where the site uses database {0}, take the mark away, as the site's role in it: DROP SCHEMA {1};"
        " where nobody needs what it holds, drop its tables, then run again"
    ).format(name, _MARK)
