# SPDX-FileCopyrightText: 2026 The relocate.django authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions for a whole database as PostgreSQL's catalogues describe it. Pure: text out.

No list of kinds of objects is kept here: whatever has a dependency is an object, and each column of its catalogue that
is a plain value is a property. Only what a catalogue keeps as numbers or trees is asked for by name.
"""

from __future__ import annotations

import re
from typing import Dict, List, NamedTuple, Sequence, Tuple

from ansible_collections.relocate.django.plugins.module_utils._engines.postgresql.session import literal

#: The first number of an object that initdb did not make.
FIRST = 16384

#: Catalogues whose objects are described as a part of others, by other means, or as rights.
ELSEWHERE = frozenset(("pg_attrdef", "pg_default_acl", "pg_largeobject", "pg_user_mapping", "pg_subscription"))

#: What says nothing of an object itself: sizes, states and places in a table, which change without anybody's doing;
#: and what is said by its kind or by a definition that is asked for.
_STATE = frozenset(
    "relpages reltuples relallvisible relallfrozen relnatts relchecks relhasindex relhasrules relhastriggers"
    " relhassubclass relispopulated relhasoids relispartition relkind relreplident tgnargs tgtype coninhcount"
    " conislocal connoinherit contype collversion proargmodes proargnames proconfig prosrc pronargs"
    " pronargdefaults proisagg proiswindow prokind typisdefined typtype typsubscript typanalyze typinput typoutput"
    " typreceive typsend typmodin typmodout"
    " typlen typalign typbyval typstorage typcategory typispreferred typdelim typtypmod typndims stxkind"
    " dictinitoption srvoptions fdwoptions ftoptions umoptions evtfoid polcmd extcondition extrelocatable"
    " conforencoding contoencoding ev_type colliculocale colllocale".split()
)

#: What a plain value is where nobody has chosen another.
_USUAL = {"relpersistence": "p", "proparallel": "u", "tgenabled": "O", "ev_enabled": "O", "castmethod": "f"}

#: True unless somebody says otherwise, and unknown to older servers.
_TRUE = frozenset("collisdeterministic conenforced convalidated polpermissive indimmediate".split())

#: How a column of a type is written, when it says anything; the column is {0}.
_FORMS = {
    "bool": "CASE WHEN {0} THEN 'yes' END",
    "char": "nullif(nullif(trim({0}::text), ''), {1})",
    "int2": "CASE WHEN {0} NOT IN (0, -1) THEN {0}::text END",
    "int4": "CASE WHEN {0} NOT IN (0, -1) THEN {0}::text END",
    "int8": "CASE WHEN {0} NOT IN (0, -1) THEN {0}::text END",
    "float4": "CASE WHEN {0} <> 0 THEN {0}::text END",
    "text": "nullif(replace({0}, E'\\n', ' '), '')",
    "_text": "(SELECT string_agg(e, ', ' ORDER BY e) FROM unnest({0}) AS u (e))",
    "regproc": "CASE WHEN {0}::oid <> 0 THEN {0}::text END",
}

#: Names of sessions' temporary objects and of what the server keeps beside tables.
PASSING = r"(^|[ (,])pg_(temp|toast|toast_temp)(_[0-9]+)?([.]|$)|^relocate__(incoming|previous|discarded)$"

#: Every object of the site's: catalogue, number, kind and the name by which the server identifies it. What belongs to
#: an extension is left out with all that hangs on it, and what a server makes by itself for another object. Left out is
#: what no dump brings: what is temporary, the schemas that every database has (public may have been made anew), an
#: index that was not built to its end, and whatever somebody made in those of the server.
OBJECTS = """
WITH RECURSIVE members (classid, objid) AS (
    SELECT classid, objid FROM pg_depend WHERE deptype = 'e'
    UNION
    SELECT d.classid, d.objid FROM pg_depend AS d
    JOIN members AS m ON m.classid = d.refclassid AND m.objid = d.refobjid
    WHERE d.deptype IN ('a', 'i', 'I', 'P', 'S')
), named (classid, objid) AS (
    SELECT classid, objid FROM pg_depend WHERE objid >= {first}
    UNION
    SELECT refclassid, refobjid FROM pg_depend WHERE refobjid >= {first}
    UNION
    SELECT classid, objid FROM pg_shdepend WHERE objid >= {first}
        AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
)
SELECT q.catalogue, q.objid, i.type, i.identity
FROM (
    SELECT c.relname::text AS catalogue, o.classid, o.objid FROM named AS o JOIN pg_class AS c ON c.oid = o.classid
    WHERE NOT EXISTS (SELECT FROM members AS m WHERE m.classid = o.classid AND m.objid = o.objid)
        AND (c.relname = 'pg_class' OR NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = o.classid
            AND d.objid = o.objid AND d.objsubid = 0 AND d.deptype IN ('i', 'I', 'P', 'S')))
        AND c.relname NOT IN ({elsewhere})
        AND NOT (c.relname = 'pg_class' AND EXISTS (SELECT FROM pg_index AS x JOIN pg_class AS t ON t.oid = x.indrelid
            WHERE x.indexrelid = o.objid AND NOT x.indisvalid AND t.relkind <> 'p'))
        AND NOT (c.relname = 'pg_constraint' AND EXISTS (SELECT FROM pg_constraint AS k WHERE k.oid = o.objid
            AND (k.conparentid <> 0 OR k.contype = 'n')))
    OFFSET 0
) AS q
CROSS JOIN LATERAL pg_identify_object(q.classid, q.objid, 0) AS i
WHERE i.identity IS NOT NULL AND i.identity !~ {passing}
    AND NOT (q.catalogue = 'pg_namespace' AND i.identity IN ('public', 'information_schema'))
    AND coalesce(i.schema, '') !~ '^(pg_|information_schema$)'
    AND NOT (i.schema IS NULL AND i.identity ~ ' (on|of) (pg_catalog|information_schema)[.]')
""".format(first=FIRST, elsewhere=", ".join(literal(n) for n in sorted(ELSEWHERE)), passing=literal(PASSING))

#: The columns of all catalogues that the session may read: catalogue, column, type.
COLUMNS = """
SELECT c.relname, a.attname, t.typname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
JOIN pg_type AS t ON t.oid = a.atttypid
WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
    AND has_table_privilege(c.oid, 'SELECT') ORDER BY c.relname, a.attname
"""


RAW, SQL = "raw", "sql"


class Text(NamedTuple):
    """Something that takes a function to be read."""

    label: str
    sql: str  # with the row as o
    form: str = ""  # "sql" or "raw": told by a hash, since it is long or may hold a secret
    since: int = 0  # the first major that knows it


_IDENTITY = "(SELECT i.type || ' ' || i.identity FROM pg_identify_object({0}::regclass, {1}, 0) AS i)"


def _identity(catalogue: str, number: str) -> str:
    return _IDENTITY.format(literal(catalogue), number)


#: What is asked for besides plain columns, by catalogue.
TEXTS: Dict[str, Tuple[Text, ...]] = {
    "pg_class": (
        Text("partition key", "CASE WHEN o.relkind = 'p' THEN pg_get_partkeydef(o.oid) END"),
        Text("partition bound", "pg_get_expr(o.relpartbound, o.oid)"),
        Text(
            "inherits",
            "(SELECT string_agg(" + _identity("pg_class", "h.inhparent") + ", ', ' ORDER BY h.inhseqno)"
            " FROM pg_inherits AS h WHERE h.inhrelid = o.oid AND o.relkind NOT IN ('i', 'I'))",
        ),
        Text("of type", "CASE WHEN o.reloftype <> 0 THEN format_type(o.reloftype, NULL) END"),
        Text(
            "replica identity",
            "CASE WHEN o.relkind IN ('r', 'p', 'm') AND o.relreplident <> 'd' THEN o.relreplident::text END",
        ),
        Text(
            "access method",
            "(SELECT m.amname::text FROM pg_am AS m WHERE m.oid = o.relam AND m.amname NOT IN ('heap', 'btree'))",
        ),
        Text("tablespace", "(SELECT s.spcname::text FROM pg_tablespace AS s WHERE s.oid = o.reltablespace)"),
        Text(
            "options of toast",
            "(SELECT {sorted:x.reloptions} FROM pg_class AS x WHERE x.oid = o.reltoastrelid)",
        ),
        Text("definition", "CASE WHEN o.relkind IN ('i', 'I') THEN pg_get_indexdef(o.oid) END"),
        Text(
            "marks",
            "(SELECT concat_ws(', ', CASE WHEN x.indisclustered THEN 'clustered' END,"
            " CASE WHEN x.indisreplident THEN 'replica identity' END, CASE WHEN NOT x.indisvalid THEN 'invalid' END)"
            " FROM pg_index AS x WHERE x.indexrelid = o.oid)",
        ),
        Text(
            "sequence",
            "(SELECT concat_ws(' ', format_type(x.seqtypid, NULL), x.seqstart, x.seqincrement, x.seqmin, x.seqmax,"
            " x.seqcache, x.seqcycle) FROM pg_sequence AS x WHERE x.seqrelid = o.oid)",
        ),
        Text(
            "owned by",
            "(SELECT min(pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid)) FROM pg_depend AS d"
            " WHERE o.relkind = 'S' AND d.classid = 'pg_class'::regclass AND d.objid = o.oid AND d.refobjsubid > 0"
            " AND d.deptype IN ('a', 'i'))",
        ),
        Text(
            "server",
            "(SELECT s.srvname || ' ' || coalesce({sorted:x.ftoptions}, '') FROM pg_foreign_table AS x"
            " JOIN pg_foreign_server AS s ON s.oid = x.ftserver WHERE x.ftrelid = o.oid)",
            form=RAW,
        ),
    ),
    "pg_cast": (Text("function", "CASE WHEN o.castfunc <> 0 THEN o.castfunc::regprocedure::text END"),),
    "pg_collation": (
        # Its name has changed twice.
        Text(
            "locale",
            "(SELECT coalesce(j ->> 'colllocale', j ->> 'colliculocale', j ->> 'collcollate') FROM to_jsonb(o) AS j)",
        ),
    ),
    "pg_conversion": (
        Text("encodings", "pg_encoding_to_char(o.conforencoding) || ' ' || pg_encoding_to_char(o.contoencoding)"),
    ),
    "pg_constraint": (Text("definition", "pg_get_constraintdef(o.oid)"),),
    "pg_event_trigger": (Text("function", "o.evtfoid::regproc::text"),),
    "pg_foreign_data_wrapper": (Text("options", "{sorted:o.fdwoptions}", form=RAW),),
    "pg_foreign_server": (Text("options", "{sorted:o.srvoptions}", form=RAW),),
    "pg_policy": (
        Text("command", "o.polcmd::text"),
        Text("roles", "(SELECT string_agg({role}, ', ' ORDER BY {role}) FROM unnest(o.polroles) AS u (r))"),
        Text("using", "pg_get_expr(o.polqual, o.polrelid)", form=SQL),
        Text("with check", "pg_get_expr(o.polwithcheck, o.polrelid)", form=SQL),
    ),
    "pg_proc": (
        Text("arguments", "pg_get_function_arguments(o.oid)"),
        Text("returns", "pg_get_function_result(o.oid)"),
        Text("language", "(SELECT l.lanname::text FROM pg_language AS l WHERE l.oid = o.prolang)"),
        Text("source", "o.prosrc", form=RAW),
        Text("proconfig", "{sorted:o.proconfig}", form=RAW),
        Text("body", "pg_get_function_sqlbody(o.oid)", form=SQL, since=14),
        Text(
            "aggregate",
            "(SELECT concat_ws(' ', a.aggkind, a.aggnumdirectargs, a.aggtransfn, a.aggfinalfn, a.aggcombinefn,"
            " a.aggserialfn, a.aggdeserialfn, a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn, a.aggfinalextra,"
            " a.aggmfinalextra, a.aggfinalmodify, a.aggmfinalmodify, a.aggsortop::regoperator,"
            " format_type(a.aggtranstype, NULL), a.aggtransspace, a.aggmtransspace, quote_nullable(a.agginitval),"
            " quote_nullable(a.aggminitval)) FROM pg_aggregate AS a WHERE a.aggfnoid = o.oid)",
        ),
    ),
    "pg_publication": (
        Text(
            "schemas",
            "(SELECT string_agg(n.nspname::text, ', ' ORDER BY n.nspname) FROM pg_publication_namespace AS p"
            " JOIN pg_namespace AS n ON n.oid = p.pnnspid WHERE p.pnpubid = o.oid)",
            since=15,
        ),
    ),
    "pg_publication_rel": (
        Text(
            "columns",
            "(SELECT string_agg(a.attname::text, ', ' ORDER BY a.attname) FROM pg_attribute AS a"
            " WHERE a.attrelid = o.prrelid AND a.attnum = ANY (o.prattrs))",
            since=15,
        ),
        Text("where", "pg_get_expr(o.prqual, o.prrelid)", since=15),
    ),
    "pg_rewrite": (Text("definition", "CASE WHEN o.rulename <> '_RETURN' THEN pg_get_ruledef(o.oid) END", form=SQL),),
    "pg_statistic_ext": (Text("definition", "pg_get_statisticsobjdef(o.oid)"),),
    "pg_transform": (Text("functions", "concat_ws(' ', o.trffromsql, o.trftosql)"),),
    # Arguments of triggers and settings of functions may be secrets.
    "pg_trigger": (Text("definition", "pg_get_triggerdef(o.oid)", form=SQL),),
    "pg_ts_config": (
        Text(
            "mapping",
            "(SELECT string_agg(concat_ws(' ', m.maptokentype, m.mapseqno, m.mapdict::regdictionary), ', '"
            " ORDER BY m.maptokentype, m.mapseqno) FROM pg_ts_config_map AS m WHERE m.mapcfg = o.oid)",
        ),
    ),
    "pg_ts_dict": (
        Text("template", _identity("pg_ts_template", "o.dicttemplate")),
        Text("options", "o.dictinitoption", form=RAW),
    ),
    "pg_type": (
        Text(
            "base",
            "CASE WHEN o.typtype = 'b' THEN concat_ws(' ', o.typinput, o.typoutput, o.typreceive, o.typsend,"
            " o.typmodin, o.typmodout, o.typlen, o.typalign, o.typbyval, o.typstorage, o.typcategory,"
            " o.typispreferred, o.typdelim) END",
        ),
        Text("based on", "CASE WHEN o.typbasetype <> 0 THEN format_type(o.typbasetype, o.typtypmod) END"),
        Text(
            "collation",
            "(SELECT c.collname::text FROM pg_collation AS c WHERE c.oid = o.typcollation AND o.typtype = 'd')",
        ),
        Text(
            "labels",
            "(SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder) FROM pg_enum AS e"
            " WHERE e.enumtypid = o.oid)",
        ),
        Text(
            "range",
            "(SELECT concat_ws(' ', format_type(r.rngsubtype, NULL), r.rngcanonical, r.rngsubdiff) FROM pg_range AS r"
            " WHERE r.rngtypid = o.oid)",
        ),
    ),
}


def listed(sql: str) -> str:
    """The statement with each {sorted:COLUMN} as the sorted text of that array: options have no order."""
    form = r"(SELECT string_agg(e, ', ' ORDER BY e) FROM unnest(\1) AS u (e))"
    return re.sub(r"\{sorted:([a-z.]+)\}", form, sql)


def role_name(number: str) -> str:
    """A role by its number: the session's own by a word, since it has another name where the settings say so."""
    return (
        "CASE WHEN {0} = 0 THEN 'PUBLIC' WHEN {0} = (SELECT m.oid FROM pg_roles AS m WHERE m.rolname = current_user)"
        " THEN 'the site''s role' ELSE 'role ' || pg_get_userbyid({0}) END"
    ).format(number)


def described_sql(catalogue: str, columns: Sequence[Tuple[str, str]], major: int) -> Tuple[str, List[Text]]:
    """One row an object: its number, plain properties as lines, and the texts; with the texts in that order.

    :param columns: (name, type) of the catalogue's columns
    """
    lines = []
    for name, typed in columns:
        if name in _STATE or (typed not in _FORMS and name not in _TRUE):
            continue
        form = _FORMS[typed].format("o." + name, literal(_USUAL.get(name, "")))
        if name in _TRUE:
            form = "CASE WHEN NOT o.{0} THEN 'no' END".format(name)
        lines.append("{0} || ({1})".format(literal(name + ": "), form))
    texts = [text for text in TEXTS.get(catalogue, ()) if text.since <= major]
    asked = ", ".join(
        ["concat_ws(E'\\n', {0})".format(", ".join(["NULL", *lines]))]
        + ["({0})::text".format(listed(text.sql).replace("{role}", role_name("u.r"))) for text in texts]
    )
    return "SELECT o.oid, {0} FROM {1} AS o WHERE o.oid >= {2}".format(asked, catalogue, FIRST), texts


def columns_sql(major: int) -> str:
    """Columns: relation, name, what it is, its default, further properties. Inherited ones may change places.

    pg_attver is a number of the server's own (17.12), which pg_dump leaves out as well.
    """
    generated = "nullif(a.attgenerated::text, '')" if major >= 12 else "NULL"
    compressed = "nullif(a.attcompression::text, '')" if major >= 14 else "NULL"
    return listed(
        """
SELECT a.attrelid, a.attname::text,
    concat_ws(' ', format_type(a.atttypid, a.atttypmod),
        'COLLATE ' || (SELECT k.collname FROM pg_collation AS k WHERE k.oid = a.attcollation
            AND a.attcollation <> t.typcollation),
        CASE WHEN a.attnotnull THEN 'NOT NULL' END, 'identity ' || nullif(a.attidentity::text, ''),
        'generated ' || {generated}),
    pg_get_expr(d.adbin, d.adrelid),
    concat_ws(', ', 'storage ' || CASE WHEN a.attstorage <> t.typstorage THEN a.attstorage::text END,
        'compression ' || {compressed}, 'statistics ' || CASE WHEN a.attstattarget >= 0 THEN a.attstattarget END,
        (SELECT string_agg(x, ', ' ORDER BY x) FROM unnest(a.attoptions) AS u (x) WHERE x !~ '^pg_attver=')),
    {{sorted:a.attfdwoptions}}
FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid JOIN pg_type AS t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid >= {first} AND a.attnum > 0 AND NOT a.attisdropped AND (c.relkind IN ('r', 'p', 'f', 'v', 'm', 'c')
    OR (c.relkind IN ('i', 'I') AND a.attstattarget >= 0))
ORDER BY a.attrelid, CASE WHEN c.relispartition OR NOT EXISTS (SELECT FROM pg_inherits AS h WHERE h.inhrelid = c.oid)
    THEN a.attnum END, a.attname COLLATE "C"
""".format(generated=generated, compressed=compressed, first=FIRST)
    )


def views_sql(part: int, parts: int) -> str:
    """The definitions of every ``parts``-th view: to write one, the server locks all that it reads from."""
    return (
        "SELECT c.oid, pg_get_viewdef(c.oid), (SELECT string_agg(DISTINCT {1}, ', ') FROM pg_rewrite AS w"
        " JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid ="
        " 'pg_class'::regclass AND d.refobjid <> c.oid WHERE w.ev_class = c.oid) FROM pg_class AS c"
        " WHERE c.relkind IN ('v', 'm') AND c.oid >= {0} AND c.oid::bigint % {3} = {2}"
    ).format(FIRST, _identity("pg_class", "d.refobjid"), part, parts)


VIEWS = "SELECT count(*) FROM pg_class WHERE relkind IN ('v', 'm') AND oid >= {0}".format(FIRST)
