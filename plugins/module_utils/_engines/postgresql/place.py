# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One database, and nobody who may create another: a load fills it in place, and the swap only says that it is live.

The database holds one content. Empty schemas of ours say which of the contract's databases that is. With that of
*incoming*, the content is incoming, and live counts as blank. The swap renames it, in one step: the content is live,
and what was put aside is blank, so that nothing is kept to go back to. A load begins where there is nothing to lose.
"""

from __future__ import annotations

import contextlib
from typing import Iterator, List, Optional, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.base import DISCARDED, INCOMING, PREVIOUS
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql import (
    around,
    managed,
    queries,
    unfinished,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.connect import Server
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.session import Session, ident, literal
from ansible_collections.relocate.django.plugins.module_utils._engines.sql import Findings
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseFacts

#: What a role that owns none of the database's schemas may drop in them: catalogue, name, schema, and what is left out.
_IN_SCHEMAS: Tuple[Tuple[str, str, str], ...] = (
    ("pg_class", "relnamespace", "o.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')"),
    ("pg_proc", "pronamespace", "true"),
    ("pg_operator", "oprnamespace", "true"),
    ("pg_opfamily", "opfnamespace", "true"),
    ("pg_conversion", "connamespace", "true"),
    ("pg_collation", "collnamespace", "true"),
    ("pg_statistic_ext", "stxnamespace", "true"),
    ("pg_ts_config", "cfgnamespace", "true"),
    ("pg_ts_dict", "dictnamespace", "true"),
    ("pg_type", "typnamespace", "o.typtype IN ('e', 'd', 'r', 'b', 'c')"),
)
_TRIES = 3  # what hangs on a thing that is still there goes with it, or after it


def mark(which: str) -> str:
    """Return the name of the schema that says which database the content is, or which blank one there is besides."""
    return queries.MARK + which


def is_marked(session: Session, which: str) -> bool:
    """Tell whether a database holds a mark."""
    return bool(session.value("SELECT count(*) FROM pg_namespace WHERE nspname = " + literal(mark(which))))


def _things(session: Session) -> List[Tuple[str, str]]:
    """What the session's role made in the database: the kind and name that DROP takes.

    Extensions and what belongs to them, what a server makes by itself for another thing, and marks are left out.
    """
    sql = " UNION ALL ".join(
        "SELECT '{0}'::regclass AS catalogue, o.oid AS number FROM {0} AS o JOIN pg_namespace AS n ON n.oid = o.{1}"
        " WHERE {2} AND {3}".format(catalogue, schema, where, queries.USER_SCHEMA)
        for catalogue, schema, where in _IN_SCHEMAS
    )
    own = "EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = t.catalogue AND d.objid = t.number AND d.objsubid = 0"
    sql = (
        "SELECT replace(i.type, 'statistics object', 'statistics'), i.identity FROM ({0}) AS t"
        " CROSS JOIN LATERAL pg_identify_object(t.catalogue, t.number, 0) AS i"
        " WHERE i.identity IS NOT NULL AND NOT {1} AND d.deptype IN ('e', 'i', 'a', 'I'))"
        " ORDER BY i.type <> 'table', 1, 2".format(sql, own)
    )
    return [(str(kind), str(name)) for kind, name in session.rows(sql)]


def holds(session: Session) -> List[str]:
    """Return what stands in a load's way: everything that is not an extension, as the server names it."""
    return ["{0} {1}".format(kind, name) for kind, name in _things(session)]


def clear(session: Session) -> None:
    """Drop all that the session's role has made in the database. What others made in it stays.

    Raises target_not_blank where something does that is in a load's way.
    """
    for _try in range(_TRIES):
        _drop_owned(session)
        if not _things(session):
            return
    raise not_blank(session, "could not be emptied, since other roles own")


def _drop_owned(session: Session) -> None:
    owned = "SELECT {0} FROM {1} AS o WHERE pg_get_userbyid(o.{2}) = current_user AND {3} ORDER BY 1"
    # Things one by one: a schema of thousands of tables, dropped at once, takes as many locks.
    for kind, name in _things(session):
        _try(session, "DROP {0} IF EXISTS {1} CASCADE".format(kind, name))
    for word, catalogue, name, owner, where in (
        ("EXTENSION", "pg_extension", "extname", "extowner", "o.extname <> 'plpgsql'"),
        ("PUBLICATION", "pg_publication", "pubname", "pubowner", "true"),
        ("SERVER", "pg_foreign_server", "srvname", "srvowner", "true"),
        ("SCHEMA", "pg_namespace", "nspname", "nspowner", "o.nspname <> 'public' AND o.nspname !~ '^pg_'"),
    ):
        for (found,) in session.rows(owned.format(name, catalogue, owner, where)):
            if not str(found).startswith(queries.MARK):
                _try(session, "DROP {0} IF EXISTS {1} CASCADE".format(word, ident(str(found))))
    for (number,) in session.rows(
        "SELECT oid FROM pg_largeobject_metadata WHERE pg_get_userbyid(lomowner) = current_user"
    ):
        _try(session, "SELECT lo_unlink({0:d})".format(int(number)))


def _try(session: Session, sql: str) -> None:
    """Run a statement; what it could not drop is seen afterwards."""
    try:
        session.run(sql)
    except RelocateError as exc:
        if exc.code == "server_unreachable":
            raise


def not_blank(session: Session, why: str = "holds") -> RelocateError:
    """Return the error of a database that is to be filled in place, and holds something."""
    found = holds(session)
    name = str(session.value("SELECT current_database()"))
    more = " and {0} more".format(len(found) - 5) if len(found) > 5 else ""
    return RelocateError(
        "target_not_blank",
        "database {0} {1} {2}{3}, and nobody may create another one to load into".format(
            name, why, ", ".join(found[:5]), more
        ),
        "empty it, or give the login of new CREATEDB: then what is live is kept, see docs/managed.md",
    )


def begin(server: Server, session: Session) -> None:
    """Make room for a load, and say that what is loaded is incoming.

    What bears the mark already is dropped where nothing but a load wrote it. Raises target_not_blank, right_missing.
    """
    there = holds(session)
    if is_marked(session, INCOMING):
        if there:
            unfinished.refuse_touched(server, session)
            clear(session)
    elif there:
        raise not_blank(session)
    else:
        session.run("CREATE SCHEMA " + ident(mark(INCOMING)))
    server.marked = unfinished.note(session)


def drop(server: Server, session: Session, which: Optional[str]) -> bool:
    """Drop a database beside live, or with None what is live; returns whether there was something.

    What is live is never dropped as incoming: only its own mark says that it is that, and that nobody has written to it
    since. Raises target_not_blank where somebody has.
    """
    if which is None or which == INCOMING:
        loading = is_marked(session, INCOMING)
        if loading != (which == INCOMING):
            return False
        held = holds(session)
        if loading and held:
            unfinished.refuse_touched(server, session)
        there = loading or bool(held)
        clear(session)
        if loading:
            session.run("DROP SCHEMA " + ident(mark(INCOMING)))
        return there
    if not is_marked(session, which):
        return False
    session.run("DROP SCHEMA " + ident(mark(which)))
    return True


def swap(session: Session, source: str, target: str) -> None:
    """Make the content live, or incoming again. Raises no_previous, database_missing, swap_failed."""
    if {source, target} not in ({INCOMING, PREVIOUS}, {INCOMING, DISCARDED}):
        raise RelocateError("no_previous", "databases that are filled in place keep no previous one")
    if not is_marked(session, source):
        raise RelocateError(
            "no_previous" if source == PREVIOUS else "database_missing",
            "the database holds no {0} content to make live".format(source),
        )
    if is_marked(session, target):
        raise RelocateError("swap_failed", "there is a {0} database already".format(target), "run again")
    try:
        session.run("ALTER SCHEMA {0} RENAME TO {1}".format(ident(mark(source)), ident(mark(target))))
    except RelocateError as exc:
        if exc.code == "server_unreachable":
            raise
        raise RelocateError("swap_failed", "the swap was not made: " + exc.msg, exc.hint) from None


def swapped(server: Server, source: str, target: str) -> None:
    """The same in a session of its own; a lost answer is asked for again."""
    try:
        with server.admin() as session:
            swap(session, source, target)
    except RelocateError as exc:
        if exc.details.get("session") != "lost":
            raise
        with server.admin() as session:
            if not is_marked(session, target):
                raise


def refuse(server: Server, session: Session, recorded: Optional[DatabaseFacts]) -> None:
    """Raise the first thing that would stop a load in place."""
    findings = Findings(server.config.alias)
    check(session, recorded, findings)
    for item in findings.found[:1]:
        raise RelocateError(item.code, item.msg, item.hint)


@contextlib.contextmanager
def filling(server: Server, session: Session, recorded: Optional[DatabaseFacts]) -> Iterator[None]:
    """Say, for a load in place, what of the database as its owner made it is unlike old's."""
    if recorded is not None and recorded.collation:
        sorts = str(session.value("SELECT datcollate FROM pg_database WHERE datname = current_database()"))
        if sorts != recorded.collation:
            server.context.notes.append(
                "database {0}: text sorts by {1} on new, and by {2} on old".format(
                    server.config.alias, sorts, recorded.collation
                )
            )
    yield


def check(session: Session, recorded: Optional[DatabaseFacts], findings: Findings) -> None:
    """Note what would stop a load in place.

    :param session: of the role that will own what is loaded, in the one database
    """
    name, role = session.rows("SELECT current_database(), current_user")[0]
    for right, where, grant in (
        (
            "has_database_privilege(current_database(), 'CREATE')",
            "schemas in database " + name,
            "DATABASE " + ident(name),
        ),
        ("has_schema_privilege('public', 'CREATE')", "tables in schema public of database " + name, "SCHEMA public"),
    ):
        if not session.value("SELECT to_regnamespace('public') IS NULL OR " + right):
            findings.add(
                "right_missing",
                "role {0} may neither create databases on new nor {1}".format(role, where),
                "as who owns database {0} on new: GRANT CREATE ON {1} TO {2}; or give the role CREATEDB".format(
                    name, grant, ident(role)
                ),
            )
    if recorded is not None:
        _matches(session, recorded, findings)


def _matches(session: Session, recorded: DatabaseFacts, findings: Findings) -> None:
    there = frozenset(str(extension) for (extension,) in session.rows("SELECT extname FROM pg_extension"))
    managed.check_extensions(session, recorded, there, findings)
    encoding = str(
        session.value("SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database()")
    )
    if recorded.encoding and encoding != recorded.encoding:
        findings.add(
            "setting_differs",
            "the one database on new has encoding {0}, and old's has {1}".format(encoding, recorded.encoding),
            "have it made anew on new with ENCODING '{0}', or give the login of new CREATEDB".format(recorded.encoding),
        )
    for right in _open_to_everybody(session, recorded.details.get("everybodys_in_public")):
        findings.add(
            "right_missing",
            "everybody has {0} on schema public on new and not on old, and its owner is another role".format(right),
            "as who owns schema public on new: REVOKE {0} ON SCHEMA public FROM PUBLIC".format(right),
        )


def _open_to_everybody(session: Session, before: object) -> Sequence[str]:
    """Rights in public that a load would have to take from everybody, and may not."""
    if not isinstance(before, list):
        return []
    owns = "SELECT pg_has_role(nspowner, 'USAGE') FROM pg_namespace WHERE nspname = 'public'"
    here = [str(right) for (right,) in session.rows(around.EVERYBODYS)]
    return [] if session.value(owns) else [right for right in here if right not in before]
