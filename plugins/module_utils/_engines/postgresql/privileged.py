# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions for what the settings' role can neither make on new nor read on old. Pure: text out."""

from __future__ import annotations

from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.queries import USER_SCHEMA, own
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.session import literal


def _named_ones(words: str, catalogue: str, name: str, where: str) -> str:
    return "SELECT {0} || o.{1} FROM {2} AS o WHERE {3} AND {4}".format(
        literal(words + " "), name, catalogue, own("o", catalogue), where
    )


def _in_schema(words: str, catalogue: str, name: str, schema: str, where: str = "true") -> str:
    return (
        "SELECT {0} || n.nspname || '.' || o.{1} FROM {2} AS o JOIN pg_namespace AS n ON n.oid = o.{3}"
        " WHERE {4} AND {5} AND {6}"
    ).format(literal(words + " "), name, catalogue, schema, USER_SCHEMA, own("o", catalogue), where)


def needs_superuser_sql(major: int) -> str:
    """Return what only a superuser can create anew; the load runs as the settings' role."""
    # Constructors of a range type come with it.
    inner = (
        "NOT EXISTS (SELECT FROM pg_depend AS i WHERE i.classid = 'pg_proc'::regclass AND i.objid = o.oid"
        " AND i.deptype = 'i')"
    )
    untrusted = "(SELECT NOT l.lanpltrusted FROM pg_language AS l WHERE l.oid = o.prolang)"
    schemas = "EXISTS (SELECT FROM pg_publication_namespace AS s WHERE s.pnpubid = o.oid)" if major >= 15 else "false"
    base = "o.typtype = 'b' AND NOT EXISTS (SELECT FROM pg_type AS e WHERE e.typarray = o.oid)"
    kinds = [
        _named_ones("event trigger", "pg_event_trigger", "evtname", "true"),
        _named_ones("foreign data wrapper", "pg_foreign_data_wrapper", "fdwname", "true"),
        _named_ones("publication", "pg_publication", "pubname", "(o.puballtables OR {0})".format(schemas)),
        _named_ones("language", "pg_language", "lanname", "o.oid >= 16384"),
        _named_ones("access method", "pg_am", "amname", "o.oid >= 16384"),
        (
            "SELECT 'subscription ' || o.subname FROM pg_subscription AS o"
            " WHERE o.subdbid = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())"
        ),
        "SELECT 'cast ' || format_type(o.castsource, NULL) || ' as ' || format_type(o.casttarget, NULL)"
        " FROM pg_cast AS o WHERE o.castmethod = 'b' AND o.oid >= 16384 AND " + own("o", "pg_cast"),
        _in_schema(
            "function",
            "pg_proc",
            "proname",
            "pronamespace",
            "o.prokind <> 'a' AND {0} AND {1}".format(untrusted, inner),
        ),
        _in_schema("LEAKPROOF function", "pg_proc", "proname", "pronamespace", "o.proleakproof AND " + inner),
        _in_schema("operator class", "pg_opclass", "opcname", "opcnamespace"),
        _in_schema("operator family", "pg_opfamily", "opfname", "opfnamespace"),
        _in_schema("base type", "pg_type", "typname", "typnamespace", base),
        _in_schema("text search parser", "pg_ts_parser", "prsname", "prsnamespace"),
        _in_schema("text search template", "pg_ts_template", "tmplname", "tmplnamespace"),
    ]
    return " UNION ALL ".join(kinds) + " ORDER BY 1"


#: Foreign servers with the wrapper that one must be allowed to use: what makes them is usually a superuser's grant.
SERVERS = (
    "SELECT o.srvname, w.fdwname FROM pg_foreign_server AS o JOIN pg_foreign_data_wrapper AS w ON w.oid = o.srvfdw"
    " WHERE " + own("o", "pg_foreign_server") + " ORDER BY 1"
)

#: User mappings whose options the role is not shown: pg_dump writes them without any.
HIDDEN_MAPPINGS = (
    "SELECT m.srvname, m.usename FROM pg_user_mappings AS m JOIN pg_foreign_server AS s ON s.oid = m.srvid"
    " WHERE m.umoptions IS NULL AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)"
    " AND NOT (m.umuser = 0 AND pg_has_role(s.srvowner, 'USAGE'))"
    " AND NOT (m.usename = current_user AND (pg_has_role(s.srvowner, 'USAGE') OR has_server_privilege(s.oid, 'USAGE')))"
    " ORDER BY 1, 2"
)
