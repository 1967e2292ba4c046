# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions for what hangs on objects: rights, owners, comments, settings, user mappings. Pure: text out."""

from __future__ import annotations

from typing import Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.catalogue import (
    FIRST,
    listed,
    role_name,
)
from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.session import literal

#: Catalogues of things with rights, and what acldefault() calls them.
_RIGHTS: Tuple[Tuple[str, str, str, str], ...] = (
    ("pg_class", "relacl", "relowner", "CASE WHEN o.relkind = 'S' THEN 's' ELSE 'r' END::\"char\""),
    ("pg_proc", "proacl", "proowner", "'f'"),
    ("pg_type", "typacl", "typowner", "'T'"),
    ("pg_namespace", "nspacl", "nspowner", "'n'"),
    ("pg_language", "lanacl", "lanowner", "'l'"),
    ("pg_foreign_data_wrapper", "fdwacl", "fdwowner", "'F'"),
    ("pg_foreign_server", "srvacl", "srvowner", "'S'"),
)


def _listed(acl: str, owner: str) -> str:
    """An access list as sorted text, whoever granted."""
    who = "CASE WHEN x.grantee = {0} THEN 'owner' ELSE {1} END".format(owner, role_name("x.grantee"))
    return (
        "(SELECT string_agg(g.who || ': ' || g.rights, '; ' ORDER BY g.who COLLATE \"C\") FROM (SELECT {0} AS who,"
        " string_agg(x.privilege_type || CASE WHEN x.is_grantable THEN '*' ELSE '' END, ', ' ORDER BY x.privilege_type)"
        " AS rights FROM aclexplode({1}) AS x GROUP BY 1) AS g)"
    ).format(who, acl)


def rights_sql() -> str:
    """Rights that are not the server's own: catalogue, number, column, list, default list."""
    found = [
        "SELECT {0}, o.oid, '', {1}, {2} FROM {3} AS o WHERE o.{4} IS NOT NULL AND (o.oid >= {5} OR"
        " (SELECT p.initprivs FROM pg_init_privs AS p WHERE p.classoid = {0}::regclass AND p.objoid = o.oid"
        " AND p.objsubid = 0) IS DISTINCT FROM o.{4})".format(
            literal(catalogue),
            _listed("o." + acl, "o." + owner),
            _listed("acldefault({0}, o.{1})".format(letter, owner), "o." + owner),
            catalogue,
            acl,
            FIRST,
        )
        for catalogue, acl, owner, letter in _RIGHTS
        if catalogue != "pg_namespace"
    ]
    found.append(
        "SELECT 'pg_namespace', o.oid, CASE WHEN o.nspname = 'public' THEN 'public' ELSE '' END, {0}, {1}"
        " FROM pg_namespace AS o WHERE o.nspacl IS NOT NULL"
        " AND (o.oid >= {2} OR o.nspname = 'public')".format(
            _listed("o.nspacl", "o.nspowner"), _listed("acldefault('n', o.nspowner)", "o.nspowner"), FIRST
        )
    )
    found.append(
        "SELECT 'pg_class', a.attrelid, a.attname::text, {0}, NULL FROM pg_attribute AS a JOIN pg_class AS c"
        " ON c.oid = a.attrelid WHERE a.attacl IS NOT NULL AND a.attrelid >= {1}".format(
            _listed("a.attacl", "c.relowner"), FIRST
        )
    )
    found.append(
        "SELECT 'pg_database', 0::oid, '', {0}, {1} FROM pg_database AS o WHERE o.datname = current_database()".format(
            _listed("coalesce(o.datacl, acldefault('d', o.datdba))", "o.datdba"),
            _listed("acldefault('d', o.datdba)", "o.datdba"),
        )
    )
    found.append(
        "SELECT 'pg_default_acl', o.oid, o.defaclobjtype::text || ' of ' || {0} || coalesce(' in ' || (SELECT n.nspname"
        " FROM pg_namespace AS n WHERE n.oid = o.defaclnamespace), ''), {1}, NULL FROM pg_default_acl AS o".format(
            role_name("o.defaclrole"), _listed("o.defaclacl", "o.defaclrole")
        )
    )
    return " UNION ALL ".join(found)


#: Comments and security labels: "comment" or "security label of PROVIDER", kind and name, text.
COMMENTS = """
SELECT 'comment', d.classoid::regclass::text, d.objoid, i.type, i.identity, d.description
FROM pg_description AS d CROSS JOIN LATERAL pg_identify_object(d.classoid, d.objoid, d.objsubid) AS i
WHERE (d.objoid >= {first} OR (d.classoid = 'pg_namespace'::regclass
    AND d.objoid = (SELECT n.oid FROM pg_namespace AS n WHERE n.nspname = 'public')))
    AND d.classoid NOT IN ('pg_largeobject'::regclass, 'pg_extension'::regclass)
UNION ALL
SELECT 'security label of ' || d.provider, d.classoid::regclass::text, d.objoid, i.type, i.identity, d.label
FROM pg_seclabel AS d CROSS JOIN LATERAL pg_identify_object(d.classoid, d.objoid, d.objsubid) AS i
WHERE d.objoid >= {first} AND d.classoid <> 'pg_largeobject'::regclass
UNION ALL
SELECT 'comment', 'pg_database', 0, 'database', '', d.description FROM pg_shdescription AS d
WHERE d.classoid = 'pg_database'::regclass
    AND d.objoid = (SELECT oid FROM pg_database WHERE datname = current_database())
""".format(first=FIRST)


def owners_sql(columns: Sequence[Tuple[str, str, str]]) -> str:
    """Objects that others own; catalogues are asked by their column of owners, whatever its name."""
    found = [
        "SELECT {0}, o.oid, pg_get_userbyid(o.{1}) FROM {2} AS o WHERE o.oid >= {3}"
        " AND pg_get_userbyid(o.{1}) <> current_user".format(literal(catalogue), column, catalogue, FIRST)
        for catalogue, column, typed in columns
        if typed == "oid" and column.endswith("owner") and catalogue != "pg_extension"
    ]
    return " UNION ALL ".join(found)


#: What everybody may do in the schema public; nothing where there is none.
EVERYBODYS = """
SELECT DISTINCT x.privilege_type FROM pg_namespace AS o
CROSS JOIN LATERAL aclexplode(coalesce(o.nspacl, acldefault('n', o.nspowner))) AS x
WHERE o.nspname = 'public' AND x.grantee = 0 ORDER BY 1
"""

DATABASE = """
SELECT pg_encoding_to_char(d.encoding), d.datcollate, d.datctype, d.datconnlimit,
    (SELECT s.spcname FROM pg_tablespace AS s WHERE s.oid = d.dattablespace)
FROM pg_database AS d WHERE d.datname = current_database()
"""

#: Settings of the database, of the session's role, and of others in this database; values may be secrets.
SETTINGS = """
SELECT CASE WHEN s.setdatabase = 0 THEN 'everywhere' ELSE 'here' END,
    CASE WHEN s.setrole = 0 THEN '' ELSE {0} END, c.setting
FROM pg_db_role_setting AS s CROSS JOIN LATERAL unnest(s.setconfig) AS c (setting)
WHERE s.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
    OR (s.setdatabase = 0 AND s.setrole = (SELECT oid FROM pg_roles WHERE rolname = current_user))
""".format(role_name("s.setrole"))

#: User mappings: server, whose, and options as far as they are shown.
MAPPINGS = listed(
    "SELECT m.srvname::text, {0}, {{sorted:m.umoptions}} FROM pg_user_mappings AS m".format(role_name("m.umuser"))
)
