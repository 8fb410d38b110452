"""What of that has to step aside for a change, and what keeps an extension where it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.schema import own_sql
from engine.schema.catalog_queries import HERE, SIGNATURE
from engine.schema.kinds import TYPES, Key, Kind

# A column of a type that is made anew is made anew, too. What needs something that goes for good
# stays, so that PostgreSQL refuses and names it; unless PostgreSQL takes it along unasked
# (auto: https://www.postgresql.org/docs/current/catalog-pg-depend.html), so that it has to return.
BYSTANDERS = f"""
    WITH named (kind, owner, title, gone) AS (
        SELECT * FROM unnest(%(kinds)s::text[], %(owners)s::text[], %(titles)s::text[],
                             %(gone)s::boolean[])
    ), types AS (
        SELECT t.oid, t.typarray, n.gone FROM named n JOIN pg_type t ON t.typname = n.title
        WHERE n.kind = 'type' AND t.typnamespace = {HERE}
    ), touched (class, oid, part, gone) AS (
        SELECT 'pg_type'::regclass, oid, 0, gone FROM types
        UNION ALL SELECT 'pg_type'::regclass, typarray, 0, gone FROM types
        UNION ALL SELECT 'pg_class'::regclass, a.attrelid, a.attnum, false
        FROM types t JOIN pg_attribute a ON a.atttypid IN (t.oid, t.typarray)
        UNION ALL SELECT 'pg_class'::regclass, c.oid, coalesce(a.attnum, 0), n.gone
        FROM named n JOIN pg_class c ON c.relname = n.owner AND c.relnamespace = {HERE}
        LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = n.title
          AND n.kind = 'column'
        WHERE n.kind = 'relation' OR a.attnum IS NOT NULL
        UNION ALL SELECT 'pg_proc'::regclass, p.oid, 0, n.gone
        FROM named n JOIN pg_proc p ON {SIGNATURE} = n.title
        WHERE n.kind = 'function' AND p.pronamespace = {HERE}
    ), beside AS (
        SELECT d.classid, d.objid, bool_or(t.gone) AS gone
        FROM touched t JOIN pg_depend d ON (d.refclassid, d.refobjid) = (t.class, t.oid)
          AND (t.part = 0 OR t.part = d.refobjsubid)
        GROUP BY d.classid, d.objid
        HAVING NOT bool_or(t.gone) OR bool_or(t.gone AND d.deptype = 'a')
    )
    SELECT format('DROP CAST (%%s AS %%s)', c.castsource::regtype, c.casttarget::regtype),
           format('CREATE CAST (%%s AS %%s) %%s%%s', c.castsource::regtype, c.casttarget::regtype,
               CASE c.castmethod WHEN 'f' THEN 'WITH FUNCTION ' || c.castfunc::regprocedure
                                 WHEN 'i' THEN 'WITH INOUT' ELSE 'WITHOUT FUNCTION' END,
               CASE c.castcontext WHEN 'a' THEN ' AS ASSIGNMENT' WHEN 'i' THEN ' AS IMPLICIT'
                                  ELSE '' END), b.gone
    FROM beside b JOIN pg_cast c ON b.classid = 'pg_cast'::regclass AND c.oid = b.objid
    UNION ALL
    SELECT format('DROP RULE %%I ON %%s', r.rulename, r.ev_class::regclass),
           rtrim(pg_get_ruledef(r.oid, true), ';'), b.gone
    FROM beside b JOIN pg_rewrite r ON b.classid = 'pg_rewrite'::regclass AND r.oid = b.objid
    WHERE r.rulename <> '_RETURN'
    UNION ALL
    SELECT format('DROP STATISTICS %%I', s.stxname),
           replace(pg_get_statisticsobjdef(s.oid),
                   'CREATE STATISTICS ' || quote_ident(n.nspname) || '.', 'CREATE STATISTICS '),
           true
    FROM beside b JOIN pg_statistic_ext s
      ON b.classid = 'pg_statistic_ext'::regclass AND s.oid = b.objid
    JOIN pg_namespace n ON n.oid = s.stxnamespace
    WHERE b.gone  -- else ALTER COLUMN TYPE makes them anew by itself
    ORDER BY 1
"""
# What a publication says of columns can be said since PostgreSQL 15.
PUBLISHED = """
    SELECT format('ALTER PUBLICATION %%I DROP TABLE %%s', p.pubname, r.prrelid::regclass),
           format('ALTER PUBLICATION %%I ADD TABLE %%s', p.pubname, r.prrelid::regclass)
           || coalesce((SELECT ' (' || string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)
                               || ')'
                        FROM pg_attribute a
                        WHERE a.attrelid = r.prrelid AND a.attnum = ANY (r.prattrs)), '')
           || coalesce(' WHERE (' || pg_get_expr(r.prqual, r.prrelid) || ')', ''), b.gone
    FROM beside b JOIN pg_publication_rel r
      ON b.classid = 'pg_publication_rel'::regclass AND r.oid = b.objid
    JOIN pg_publication p ON p.oid = r.prpubid
    UNION ALL
"""
# An extension goes only where nothing needs it that no plan drops: a foreign server, say.
NEEDED_EXTENSIONS = """
    SELECT DISTINCT e.extname::text FROM pg_extension e
    JOIN pg_depend m ON m.refclassid = 'pg_extension'::regclass AND m.refobjid = e.oid
      AND m.deptype = 'e'
    JOIN pg_depend d ON (d.refclassid, d.refobjid) = (m.classid, m.objid) AND d.deptype = 'n'
    WHERE d.classid IN ('pg_foreign_server'::regclass, 'pg_ts_config'::regclass,
                        'pg_ts_dict'::regclass, 'pg_opclass'::regclass, 'pg_opfamily'::regclass,
                        'pg_operator'::regclass, 'pg_cast'::regclass, 'pg_collation'::regclass,
                        'pg_event_trigger'::regclass, 'pg_statistic_ext'::regclass)
      AND NOT EXISTS (SELECT FROM pg_depend o WHERE (o.classid, o.objid) = (d.classid, d.objid)
                      AND o.deptype IN ('e', 'i'))
"""


@dataclass(frozen=True)
class Bystander:
    """A cast, a rule, statistics or a part of a publication that a file made by hand, and that
    needs what a change takes away or makes anew. drop, create: statements. gone: whether it needs
    what goes for good."""

    drop: str
    create: str
    gone: bool


def bystanders(connection: Any, touched: Mapping[Key, bool]) -> list[Bystander]:
    """Those of what is touched, and whether that goes for good. connection: psycopg2."""
    if not touched:
        return []
    listed = list(touched)
    query = BYSTANDERS
    if connection.server_version >= 150000:
        query = query.replace(
            "    SELECT format('DROP CAST", f"{PUBLISHED}    SELECT format('DROP CAST"
        )
    values = {
        "kinds": [_said(key.kind) for key in listed],
        "owners": [key.table or key.name for key in listed],
        "titles": [key.name for key in listed],
        "gone": list(touched.values()),
    }
    with connection.cursor() as cursor:
        own_sql.fetch(cursor, query, values)
        return [Bystander(*row) for row in cursor.fetchall()]


def _said(kind: Kind) -> str:
    """What the query calls it."""
    if kind in (Kind.TABLE, Kind.VIEW):
        return "relation"
    return "type" if kind in TYPES else str(kind)


def needed_extensions(connection: Any) -> frozenset[str]:
    """The extensions that something needs which is never compared. connection: psycopg2."""
    with connection.cursor() as cursor:
        own_sql.fetch(cursor, NEEDED_EXTENSIONS)
        return frozenset(name for (name,) in cursor.fetchall())
