"""What lies in a schema and is never compared, and what is so of the rest and is not."""

from __future__ import annotations

from typing import Any

from engine.schema import own_sql
from engine.schema.catalog_queries import (
    APART,
    HERE,
    OUR_RELATIONS,
    OUR_ROUTINES,
    OUR_TYPES,
)
from engine.unmanaged.beside import BESIDE, PUBLISHED_SCHEMA, PUBLISHES_SCHEMAS

# What an extension or another object brought along is theirs; a cast counts where one of its
# types lies here, an event trigger where its function does.
UNMANAGED = f"""
    WITH found (class, oid) AS (
        SELECT 'pg_class'::regclass, c.oid FROM pg_class c
        WHERE {OUR_RELATIONS} AND NOT c.relispartition
          AND (c.relkind = 'f' OR (c.relkind = 'r' AND NOT {APART}))
        UNION ALL SELECT 'pg_type'::regclass, t.oid FROM pg_type t
        WHERE {OUR_TYPES} AND t.typtype IN ('r', 'b', 'p')
          AND NOT EXISTS (SELECT FROM pg_type e WHERE e.oid = t.typelem AND e.typarray = t.oid)
        UNION ALL SELECT 'pg_proc'::regclass, p.oid FROM pg_proc p
        WHERE {OUR_ROUTINES} AND p.prokind = 'a'
        UNION ALL SELECT 'pg_operator'::regclass, oid FROM pg_operator WHERE oprnamespace = {HERE}
        UNION ALL SELECT 'pg_opclass'::regclass, oid FROM pg_opclass WHERE opcnamespace = {HERE}
        UNION ALL SELECT 'pg_opfamily'::regclass, oid FROM pg_opfamily WHERE opfnamespace = {HERE}
        UNION ALL SELECT 'pg_conversion'::regclass, oid FROM pg_conversion
        WHERE connamespace = {HERE}
        UNION ALL SELECT 'pg_collation'::regclass, oid FROM pg_collation
        WHERE collnamespace = {HERE}
        UNION ALL SELECT 'pg_ts_config'::regclass, oid FROM pg_ts_config WHERE cfgnamespace = {HERE}
        UNION ALL SELECT 'pg_ts_dict'::regclass, oid FROM pg_ts_dict WHERE dictnamespace = {HERE}
        UNION ALL SELECT 'pg_ts_parser'::regclass, oid FROM pg_ts_parser WHERE prsnamespace = {HERE}
        UNION ALL SELECT 'pg_ts_template'::regclass, oid FROM pg_ts_template
        WHERE tmplnamespace = {HERE}
        UNION ALL SELECT 'pg_statistic_ext'::regclass, oid FROM pg_statistic_ext
        WHERE stxnamespace = {HERE}
        UNION ALL SELECT 'pg_rewrite'::regclass, r.oid FROM pg_rewrite r
        JOIN pg_class c ON c.oid = r.ev_class
        WHERE {OUR_RELATIONS} AND r.rulename <> '_RETURN'
        UNION ALL SELECT 'pg_event_trigger'::regclass, t.oid FROM pg_event_trigger t
        JOIN pg_proc p ON p.oid = t.evtfoid WHERE {OUR_ROUTINES}
        UNION ALL SELECT 'pg_cast'::regclass, c.oid FROM pg_cast c
        WHERE EXISTS (SELECT FROM pg_type t
                      WHERE t.oid IN (c.castsource, c.casttarget) AND {OUR_TYPES})
    )
    SELECT i.type, replace(i.identity, quote_ident(n.nspname) || '.', '')
    FROM found f, LATERAL pg_identify_object(f.class, f.oid, 0) i, pg_namespace n
    WHERE n.oid = {HERE}
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = f.class AND d.objid = f.oid
                      AND d.deptype IN ('e', 'i'))
    ORDER BY 1, 2
"""


def unmanaged(connection: Any) -> list[str]:
    """What the current schema holds of kinds that the engine leaves alone: `aggregate total(int)`;
    and what is so of its objects and is left alone: `type of table t: pair`.

    Partitions are not listed: they come and go as the data does. What one has beside its table is.
    """
    listed = []
    with connection.cursor() as cursor:
        queries = [UNMANAGED, BESIDE]
        if connection.server_version >= PUBLISHES_SCHEMAS:
            queries.append(PUBLISHED_SCHEMA)
        for query in queries:
            own_sql.fetch(cursor, query)
            listed += [f"{kind} {name}" for kind, name in cursor.fetchall()]
    return listed
