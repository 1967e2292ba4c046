# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Extensions: which the administrator makes because a set lists them, and how."""

from __future__ import annotations

from typing import Dict, Iterable, List, Mapping, NamedTuple, Sequence, Set, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.admin import (
    database_exists,
    is_superuser,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.connect import Server
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.session import Session, ident, literal
from ansible_collections.relocate.django.plugins.module_utils._errors import RelocateError
from ansible_collections.relocate.django.plugins.module_utils._model import DatabaseFacts

#: Marked as trusted by PostgreSQL 13, for servers that have no such mark yet.
_TRUSTED_BEFORE_13 = frozenset(
    "btree_gin btree_gist citext cube dict_int fuzzystrmatch hstore intarray isn lo ltree pg_trgm pgcrypto plpgsql seg"
    " tablefunc tcn tsm_system_rows tsm_system_time unaccent uuid-ossp".split()
)

#: Further ones that sites use and that give their users no way to the server's files, programs or network.
KNOWN_GOOD = frozenset(
    "address_standardizer address_standardizer_data_us autoinc bloom dict_xsyn earthdistance h3 h3_postgis hll"
    " insert_username intagg moddatetime pg_bigm pg_stat_statements pgrouting postgis postgis_raster postgis_sfcgal"
    " postgis_tiger_geocoder postgis_topology prefix refint rum vector".split()
)


class Unapproved(NamedTuple):
    """An extension that a set wants and the administrator does not make unasked."""

    name: str
    msg: str
    hint: str


def unapproved(server: Server, session: Session, recorded: DatabaseFacts) -> List[Unapproved]:
    """The recorded extensions that take an administrator's word on new, which live or template1 gives by having them.

    :param session: of who makes extensions: a role that is no superuser makes what the server lets it
    """
    if not is_superuser(session):
        return []
    known = catalogue(session)
    wanted = with_required(recorded.extensions, known)
    asking = sorted(name for name in wanted if name in known and not known[name][0] and name not in KNOWN_GOOD)
    asking = [name for name in asking if name not in _given(server, session)] if asking else []
    return [_unapproved(server, session, name) for name in asking]


def _unapproved(server: Server, session: Session, name: str) -> Unapproved:
    live = server.config.name
    first = "" if database_exists(session, live) else "CREATE DATABASE {0}; then ".format(ident(live))
    return Unapproved(
        name,
        "extension {0} is not marked as trusted: the administrator of new does not make it because old has it".format(
            name
        ),
        "when it may be used on new, make it there by hand, as a superuser: {0}in the database {1}: CREATE EXTENSION"
        " {2}".format(first, live, ident(name)),
    )


def catalogue(session: Session) -> Dict[str, Tuple[bool, Sequence[str]]]:
    """Return what the server offers: name -> (trusted, required extensions)."""
    rows = session.rows(
        "SELECT name, {0}, coalesce(requires::text[], '{{}}') FROM pg_available_extension_versions".format(
            "trusted" if session.major >= 13 else "false"
        )
    )
    old = _TRUSTED_BEFORE_13 if session.major < 13 else frozenset()
    found: Dict[str, Tuple[bool, Sequence[str]]] = {}
    for name, trusted, requires in rows:
        before = found.get(name, (False, ()))
        found[name] = (before[0] or trusted or name in old, [*before[1], *requires])
    return found


def with_required(names: Iterable[str], known: Mapping[str, Tuple[bool, Sequence[str]]]) -> Set[str]:
    """The names, and whatever CASCADE would bring with them."""
    found: Set[str] = set()
    open_ones = list(names)
    while open_ones:
        name = open_ones.pop()
        if name not in found:
            found.add(name)
            open_ones += known.get(name, (False, ()))[1]
    return found


def _asked(server: Server, session: Session, sql: str) -> Set[str]:
    """Names out of live and template1: what an administrator has made or allowed on new, since only a superuser can."""
    found: Set[str] = set()
    for database in (server.config.name, "template1"):
        if database_exists(session, database):
            with server.admin(database) as inside:
                found |= {name for (name,) in inside.rows(sql)}
    return found


def _given(server: Server, session: Session) -> Set[str]:
    return _asked(server, session, "SELECT extname FROM pg_extension")


def usable_wrappers(server: Server, session: Session) -> Set[str]:
    """Foreign data wrappers that the settings' role may use on new."""
    if not session.value("SELECT count(*) FROM pg_roles WHERE rolname = " + literal(server.acts_as)):
        return set()
    may = "has_foreign_data_wrapper_privilege({0}, oid, 'USAGE')".format(literal(server.acts_as))
    return _asked(server, session, "SELECT fdwname FROM pg_foreign_data_wrapper WHERE " + may)


def allow_wrappers(server: Server, session: Session, inside: Session, recorded: DatabaseFacts) -> None:
    """Let the settings' role use in a new database the foreign data wrappers that it may use in live."""
    wanted = {str(wrapper) for _name, wrapper in recorded.details.get("foreign_servers") or []}
    here = {name for (name,) in inside.rows("SELECT fdwname FROM pg_foreign_data_wrapper")} if wanted else set()
    for wrapper in sorted(wanted & here & usable_wrappers(server, session)) if here else []:
        inside.run("GRANT USAGE ON FOREIGN DATA WRAPPER {0} TO {1}".format(ident(wrapper), ident(server.acts_as)))


def create_extensions(server: Server, session: Session, recorded: DatabaseFacts) -> List[str]:
    """Make the recorded extensions in the session's database; returns the schemas that had to be made for them.

    Raises extension_missing or right_missing.
    """
    for one in unapproved(server, session, recorded):
        raise RelocateError("right_missing", one.msg, one.hint)
    here = {row[0] for row in session.rows("SELECT extname FROM pg_extension")}
    made: List[str] = []
    for name in sorted(set(recorded.extensions) - here):
        schema = recorded.extension_schemas.get(name, "")
        if schema and not session.value("SELECT count(*) FROM pg_namespace WHERE nspname = " + literal(schema)):
            session.run("CREATE SCHEMA {0} AUTHORIZATION {1}".format(ident(schema), ident(server.acts_as)))
            made.append(schema)
        place = " SCHEMA " + ident(schema) if schema else ""
        try:
            # Extensions that need others come after them, or bring them.
            session.run("CREATE EXTENSION IF NOT EXISTS {0}{1} CASCADE".format(ident(name), place))
        except RelocateError as exc:
            if exc.code != "query_failed":  # a lost session says nothing of the extension
                raise
            raise RelocateError("extension_missing", exc.msg, extension_hint(name, session.major)) from None
    return made


def extension_hint(name: str, major: int) -> str:
    """Name the package that brings an extension."""
    if name in CONTRIB:
        return "install postgresql-contrib (Debian has it in postgresql-{0})".format(major)
    package = {"vector": "pgvector", "postgis_topology": "postgis-3", "postgis_raster": "postgis-3"}.get(
        name, "postgis-3" if name == "postgis" else name.replace("_", "-")
    )
    return "install postgresql-{0}-{1}".format(major, package)


#: Extensions of PostgreSQL's own contrib directory that sites use.
CONTRIB = frozenset(
    "amcheck autoinc bloom btree_gin btree_gist citext cube dblink dict_int dict_xsyn earthdistance file_fdw"
    " fuzzystrmatch hstore insert_username intagg intarray isn lo ltree moddatetime pageinspect pg_buffercache"
    " pg_freespacemap pg_prewarm pg_stat_statements pg_trgm pg_visibility pgcrypto pgrowlocks pgstattuple postgres_fdw"
    " refint seg sslinfo tablefunc tcn tsm_system_rows tsm_system_time unaccent uuid-ossp xml2".split()
)


def allow_extension_rows(server: Server, session: Session, allow: bool) -> None:
    """Let the settings' role write into extensions' configuration tables (spatial_ref_sys), or no longer.

    A dump holds the rows that the site added to them, and a COPY even when there are none.
    """
    tables = session.rows(
        "SELECT DISTINCT n.nspname, c.relname, c.relkind::text FROM pg_extension AS x"
        " CROSS JOIN LATERAL unnest(x.extconfig) AS u (oid) JOIN pg_class AS c ON c.oid = u.oid"
        " JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'S')"
    )
    form = "GRANT {0} ON {1} TO {2}" if allow else "REVOKE {0} ON {1} FROM {2}"
    role = ident(server.acts_as)
    for schema in sorted({schema for schema, _table, _kind in tables} - _usable(server, session, allow)):
        session.run(form.format("USAGE", "SCHEMA " + ident(schema), role))
    for schema, table, kind in tables:
        session.run(form.format("UPDATE" if kind == "S" else "INSERT", ident(schema) + "." + ident(table), role))


def _usable(server: Server, session: Session, allow: bool) -> Set[str]:
    """Schemas to leave alone: those that the role may use anyway, as everybody or as their owner."""
    everybody = "EXISTS (SELECT FROM aclexplode(n.nspacl) AS x WHERE x.grantee = 0)"
    owner = "pg_has_role({0}, n.nspowner, 'USAGE')"
    words = "has_schema_privilege({0}, n.oid, 'USAGE')" if allow else owner + " OR " + everybody
    sql = "SELECT n.nspname FROM pg_namespace AS n WHERE " + words.format(literal(server.acts_as))
    return {name for (name,) in session.rows(sql)}
