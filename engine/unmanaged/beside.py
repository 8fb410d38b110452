"""What is so of something that is managed, or of the whole database, and is not compared: how each
of it is named.

Where a table lies and by what it is stored is the server's; what a partition has beside its table
comes and goes with the data; and of the rest PostgreSQL has few statements that nobody can miss.
"""

from __future__ import annotations

from engine.schema.catalog_queries import HERE, OUR_RELATIONS, OUR_TYPES, OURS

# A list that is long is cut, since all partitions may have the same.
FEW = """
    array_to_string((array_agg({0} ORDER BY {0}))[:3], ', ')
    || CASE WHEN count(*) > 3 THEN format(' and %%s more', count(*) - 3) ELSE '' END
"""
PUBLICATIONS = f"""
    SELECT 'publication', quote_ident(p.pubname) FROM pg_publication p
    WHERE p.puballtables OR EXISTS (SELECT FROM pg_publication_rel r JOIN pg_class c
                                    ON c.oid = r.prrelid
                                    WHERE r.prpubid = p.oid AND {OUR_RELATIONS})
    UNION ALL SELECT 'subscription', quote_ident(s.subname) FROM pg_subscription s
    WHERE s.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
PUBLISHES_SCHEMAS = 150000  # the number of the first version of which one can be published whole
PUBLISHED_SCHEMA = f"""
    SELECT 'publication', quote_ident(p.pubname)
    FROM pg_publication p JOIN pg_publication_namespace n ON n.pnpubid = p.oid
    WHERE n.pnnspid = {HERE} ORDER BY 2
"""
# Of a sequence that goes with a column the table says whether it is logged, and by its name and the
# column's what it is called.
SEQUENCES = f"""
    SELECT 'UNLOGGED of sequence', quote_ident(c.relname) FROM pg_class c
    WHERE {OUR_RELATIONS} AND c.relkind = 'S' AND c.relpersistence <> coalesce((
        SELECT t.relpersistence FROM pg_depend d JOIN pg_class t ON t.oid = d.refobjid
        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i')
          AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0), 'p')
    UNION ALL
    SELECT 'name of sequence', format('%%I: of column %%I.%%I', c.relname, t.relname, a.attname)
    FROM pg_class c
    JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'i'
      AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0
    JOIN pg_class t ON t.oid = d.refobjid
    JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
    WHERE {OUR_RELATIONS} AND c.relkind = 'S'
      AND c.relname <> concat_ws('_', t.relname, a.attname, 'seq')
      AND octet_length(concat_ws('_', t.relname, a.attname, 'seq')) < 64
"""
STORED = f"""
    SELECT 'type of table', format('%%I: %%I', c.relname, t.typname)
    FROM pg_class c JOIN pg_type t ON t.oid = c.reloftype WHERE {OUR_RELATIONS}
    UNION ALL SELECT 'access method', format('%%I: %%I', c.relname, m.amname)
    FROM pg_class c JOIN pg_am m ON m.oid = c.relam
    WHERE {OUR_RELATIONS} AND c.relkind IN ('r', 'p', 'm') AND m.amname <> 'heap'
      AND NOT c.relispartition
    UNION ALL SELECT 'tablespace', format('%%I: %%s', s.spcname, {FEW.format("i.name")})
    FROM (SELECT c.reltablespace, quote_ident(c.relname) AS name FROM pg_class c
          WHERE {OUR_RELATIONS} AND c.relkind IN ('r', 'p', 'm') AND NOT c.relispartition
          UNION ALL SELECT n.reltablespace, quote_ident(n.relname)
          FROM pg_class c JOIN pg_index x ON x.indrelid = c.oid
          JOIN pg_class n ON n.oid = x.indexrelid
          WHERE {OUR_RELATIONS} AND NOT c.relispartition) i
    JOIN pg_tablespace s ON s.oid = i.reltablespace GROUP BY s.spcname
    UNION ALL SELECT 'WITH NO DATA of materialized view', quote_ident(c.relname) FROM pg_class c
    WHERE {OUR_RELATIONS} AND c.relkind = 'm' AND NOT c.relispopulated
    UNION ALL SELECT 'schema of extension', format('%%I: %%I', e.extname, n.nspname)
    FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
    WHERE e.extnamespace <> {HERE} AND e.extname <> 'plpgsql'
"""
# All that has a comment of its own, but what is read, and what is named itself. The index for
# contypid begins with conrelid: without that, this took five seconds beside a thousand tenants.
COMMENTS = f"""
    WITH relation AS MATERIALIZED (
        SELECT c.oid, c.relkind, c.reltype FROM pg_class c
        WHERE {OUR_RELATIONS} AND NOT c.relispartition AND {OURS.format("pg_class", "c")}
    ), kept AS MATERIALIZED (
        SELECT t.oid, t.typtype, t.typarray, t.typrelid FROM pg_type t WHERE {OUR_TYPES}
    ), thing (class, oid, part) AS (
        SELECT 'pg_type'::regclass, unnest(ARRAY[t.oid, t.typarray]), 0
        FROM relation r JOIN pg_type t ON t.oid = r.reltype
        UNION ALL SELECT 'pg_type'::regclass, k.typarray, 0 FROM kept k
        UNION ALL SELECT 'pg_class'::regclass, k.typrelid, a.attnum::integer
        FROM kept k JOIN pg_attribute a ON a.attrelid = k.typrelid AND a.attnum > 0
        UNION ALL SELECT 'pg_constraint'::regclass, o.oid, 0
        FROM kept k JOIN pg_constraint o ON (o.conrelid, o.contypid) = (0, k.oid)
        UNION ALL SELECT 'pg_constraint'::regclass, o.oid, 0
        FROM relation r JOIN pg_constraint o ON o.conrelid = r.oid
        WHERE o.contype IN ('t', 'n')
        UNION ALL SELECT 'pg_class'::regclass, o.conindid, 0
        FROM relation r JOIN pg_constraint o ON o.conrelid = r.oid
        WHERE o.contype IN ('p', 'u', 'x')
        UNION ALL SELECT 'pg_rewrite'::regclass, w.oid, 0
        FROM relation r JOIN pg_rewrite w ON w.ev_class = r.oid AND w.rulename = '_RETURN'
        UNION ALL SELECT 'pg_class'::regclass, r.oid, 0
        FROM relation r JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = r.oid
          AND d.deptype = 'i' AND d.refobjsubid > 0
        WHERE r.relkind = 'S'
    )
    SELECT DISTINCT 'comment of', replace(
        concat_ws(' ', i.type, i.identity), quote_ident(n.nspname) || '.', '')
    FROM thing t
    JOIN pg_description d ON (d.objoid, d.classoid, d.objsubid) = (t.oid, t.class, t.part)
    JOIN pg_namespace n ON n.oid = {HERE}, LATERAL pg_identify_object(t.class, t.oid, t.part) i
"""
# On the rows of a table as a type, and on what an extension has made there, where that is not what
# its script says.
RIGHTS = f"""
    SELECT 'rights on', concat_ws(' ', 'row type', quote_ident(t.typname))
    FROM pg_class c JOIN pg_type t ON t.oid = c.reltype
    WHERE {OUR_RELATIONS} AND c.relkind <> 'c' AND NOT c.relispartition AND t.typacl IS NOT NULL
    UNION ALL
    SELECT 'rights on', format('what extension %%I has made', e.extname)
    FROM pg_extension e
    WHERE EXISTS (
        SELECT FROM pg_depend d
        JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
        LEFT JOIN pg_init_privs i ON (i.objoid, i.classoid, i.objsubid) = (p.oid, d.classid, 0)
        WHERE d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'
          AND coalesce(p.proacl, acldefault('f', p.proowner))
              <> coalesce(i.initprivs, acldefault('f', p.proowner)))
      OR EXISTS (
        SELECT FROM pg_depend d
        JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
        LEFT JOIN pg_init_privs i ON (i.objoid, i.classoid, i.objsubid) = (c.oid, d.classid, 0)
        WHERE d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'
          AND c.relacl IS DISTINCT FROM i.initprivs)
    UNION ALL SELECT 'security label', format('%%s on %%s', l.provider, replace(
        concat_ws(' ', i.type, i.identity), quote_ident(n.nspname) || '.', ''))
    FROM pg_class c JOIN pg_seclabel l ON l.objoid = c.oid AND l.classoid = 'pg_class'::regclass
    JOIN pg_namespace n ON n.oid = {HERE},
    LATERAL pg_identify_object(l.classoid, l.objoid, l.objsubid) i
    WHERE {OUR_RELATIONS}
"""
# What a partition has that its table does not give it.
PARTITIONS = f"""
    WITH partition AS MATERIALIZED (
        SELECT c.*, w.oid AS whole, w.relacl AS given FROM pg_class c
        JOIN pg_class w ON w.oid = pg_partition_root(c.oid)
        WHERE {OUR_RELATIONS} AND c.relispartition AND c.relkind IN ('r', 'p', 'f')
    ), part AS MATERIALIZED (
        SELECT p.oid AS partition, a.*, o.attstorage AS usual_storage,
               o.attnotnull AS usually_not_null, pg_get_expr(d.adbin, d.adrelid) AS expression,
               pg_get_expr(u.adbin, u.adrelid) AS usual_expression,
               coalesce(o.attstattarget, -1) AS usual_target, o.attcompression AS usual_compression
        FROM partition p
        JOIN pg_attribute a ON a.attrelid = p.oid AND a.attnum > 0 AND NOT a.attisdropped
        JOIN pg_attribute o ON o.attrelid = p.whole AND o.attname = a.attname
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        LEFT JOIN pg_attrdef u ON u.adrelid = o.attrelid AND u.adnum = o.attnum
    ), key AS MATERIALIZED (
        SELECT p.oid AS partition, n.oid, n.relname, n.relispartition, n.reloptions,
               i.indisclustered, n.reltablespace FROM partition p
        JOIN pg_index i ON i.indrelid = p.oid JOIN pg_class n ON n.oid = i.indexrelid
    ), own (partition, what) AS (
        SELECT p.oid, format('trigger %%I', t.tgname)
        FROM partition p JOIN pg_trigger t ON t.tgrelid = p.oid
        WHERE t.tgparentid = 0 AND NOT t.tgisinternal
        UNION SELECT p.oid, format('constraint %%I', k.conname)
        FROM partition p JOIN pg_constraint k ON k.conrelid = p.oid
        WHERE k.conparentid = 0 AND k.coninhcount = 0 AND k.contype IN ('c', 'f', 'p', 'u', 'x')
        UNION SELECT p.oid, format('policy %%I', y.polname)
        FROM partition p JOIN pg_policy y ON y.polrelid = p.oid
        UNION SELECT k.partition, 'index' FROM key k
        WHERE NOT k.relispartition
          AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = k.oid
                          AND c.conrelid = k.partition AND c.contype <> 'f')
        UNION SELECT p.oid, 'row level security' FROM partition p
        WHERE p.relrowsecurity OR p.relforcerowsecurity
        UNION SELECT p.oid, 'rights' FROM partition p
        WHERE p.relacl IS NOT NULL AND p.relacl IS DISTINCT FROM p.given
        UNION SELECT a.partition, 'rights' FROM part a WHERE a.attacl IS NOT NULL
        UNION SELECT a.partition, format('default of %%I', a.attname) FROM part a
        WHERE a.expression IS DISTINCT FROM a.usual_expression
        UNION SELECT a.partition, format('NOT NULL of %%I', a.attname) FROM part a
        WHERE a.attnotnull AND NOT a.usually_not_null
        UNION SELECT p.oid, 'settings' FROM partition p
        LEFT JOIN pg_class t ON t.oid = p.reltoastrelid
        WHERE p.reloptions IS NOT NULL OR t.reloptions IS NOT NULL OR p.relreplident <> 'd'
           OR p.relpersistence <> 'p' OR p.reltablespace <> 0
           OR p.relam <> ALL (SELECT m.oid FROM pg_am m WHERE m.amname = 'heap' UNION SELECT 0)
        UNION SELECT a.partition, 'settings' FROM part a
        WHERE array_to_string(a.attoptions, ' ') LIKE '%%n_distinct%%'
           OR a.attstorage <> a.usual_storage
           OR a.attcompression <> a.usual_compression
           OR coalesce(a.attstattarget, -1) <> a.usual_target
        UNION SELECT k.partition, 'settings' FROM key k
        WHERE k.indisclustered OR k.reltablespace <> 0 OR k.reloptions IS NOT NULL
           AND k.reloptions IS DISTINCT FROM (
               SELECT w.reloptions FROM pg_class w WHERE w.oid = pg_partition_root(k.oid))
        UNION SELECT k.partition, 'comment' FROM key k
        JOIN pg_description d ON d.objoid = k.oid AND d.classoid = 'pg_class'::regclass
        UNION SELECT p.oid, 'comment' FROM partition p
        JOIN pg_description d ON d.objoid = p.oid AND d.classoid = 'pg_class'::regclass
        UNION SELECT t.tgrelid, 'comment' FROM partition p JOIN pg_trigger t ON t.tgrelid = p.oid
        JOIN pg_description d ON d.objoid = t.oid AND d.classoid = 'pg_trigger'::regclass
        UNION SELECT k.conrelid, 'comment' FROM partition p JOIN pg_constraint k
          ON k.conrelid = p.oid
        JOIN pg_description d ON d.objoid = k.oid AND d.classoid = 'pg_constraint'::regclass
        UNION SELECT k.partition, format('extension %%I', e.extname) FROM key k
        JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = k.oid
          AND d.deptype = 'x'
        JOIN pg_extension e ON e.oid = d.refobjid
        UNION SELECT p.oid, format('extension %%I', e.extname) FROM partition p
        JOIN pg_trigger t ON t.tgrelid = p.oid
        JOIN pg_depend d ON d.classid = 'pg_trigger'::regclass AND d.objid = t.oid
          AND d.deptype = 'x'
        JOIN pg_extension e ON e.oid = d.refobjid
    ), told (name, what) AS (
        SELECT quote_ident(p.relname), string_agg(o.what, ', ' ORDER BY o.what)
        FROM own o JOIN partition p ON p.oid = o.partition GROUP BY p.oid, p.relname
    )
    SELECT 'own of partition', format('%%s: %%s', {FEW.format("t.name")}, t.what)
    FROM told t GROUP BY t.what
"""
BESIDE = " UNION ALL ".join(
    f"SELECT * FROM ({query}) q"
    for query in (PUBLICATIONS, SEQUENCES, STORED, COMMENTS, RIGHTS, PARTITIONS)
)
BESIDE = f"{BESIDE} ORDER BY 1, 2"
