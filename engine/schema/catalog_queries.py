"""What engine.schema.catalog asks PostgreSQL's catalogs: one query for each kind of object.

PostgreSQL's own functions print the definitions; they leave a schema's name out as long as that
schema is on the search_path. What an extension or another object brought along is theirs.
"""

from __future__ import annotations

HERE = "%(here)s"
# Those of a list of oids, where there is one; PostgreSQL sees a constant, and asks by its index.
ONLY = "(%(only)s::oid[] IS NULL OR m.objid = ANY (%(only)s::oid[]))"
OURS = (
    "NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = '{0}'::regclass"
    " AND d.objid = {1}.oid AND d.deptype = 'e')"
)
# Whatever lies in a schema depends on it, and pg_depend has an index for that; the catalogs have
# none by schema, and where a database has a thousand of them each query would read them whole.
INSIDE = (
    "{1}.oid IN (SELECT m.objid FROM pg_depend m WHERE m.classid = '{0}'::regclass"
    f" AND m.refclassid = 'pg_namespace'::regclass AND m.refobjid = {HERE} AND {ONLY})"
)
OUR_RELATIONS = INSIDE.format("pg_class", "c")
OUR_TYPES = INSIDE.format("pg_type", "t")
OUR_ROUTINES = INSIDE.format("pg_proc", "p")
# A function that a range type brought along, a type that a table did.
ALONE = OURS.replace("= 'e'", "IN ('e', 'i')")
# Neither a partition nor a child of another table: what these are is said by more than themselves.
APART = "NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = c.oid)"
TABLES = f"""
    SELECT c.oid, c.relname, obj_description(c.oid, 'pg_class'),
           CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) ELSE '' END
    FROM pg_class c
    WHERE {OUR_RELATIONS} AND c.relkind IN ('r', 'p') AND {APART}
      AND c.relname <> ALL (%(own)s) AND {OURS.format("pg_class", "c")}
    ORDER BY c.relname
"""
VIEWS = f"""
    SELECT c.oid, c.relname,
           CASE c.relkind WHEN 'v' THEN 'view' ELSE 'materialized view' END,
           pg_get_viewdef(c.oid, true), coalesce(c.reloptions, '{{}}'),
           obj_description(c.oid, 'pg_class')
    FROM pg_class c
    WHERE {OUR_RELATIONS} AND c.relkind IN ('v', 'm')
      AND {OURS.format("pg_class", "c")}
    ORDER BY c.relname
"""
COLUMNS = """
    SELECT a.attrelid, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
           CASE WHEN a.attgenerated = '' THEN pg_get_expr(ad.adbin, ad.adrelid, true) END,
           CASE a.attidentity WHEN 'a' THEN 'ALWAYS' WHEN 'd' THEN 'BY DEFAULT' ELSE '' END,
           CASE WHEN a.attgenerated <> '' THEN pg_get_expr(ad.adbin, ad.adrelid, true) ELSE '' END,
           CASE WHEN a.attcollation <> t.typcollation THEN a.attcollation::regcollation::text END,
           col_description(a.attrelid, a.attnum), a.attgenerated = 'v'
    FROM pg_attribute a
    JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_attrdef ad ON ad.adrelid = a.attrelid AND ad.adnum = a.attnum
    WHERE a.attrelid = ANY (%(relations)s) AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY a.attrelid, a.attnum
"""
SEQUENCES = f"""
    SELECT c.relname, format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement, s.seqmin, s.seqmax,
           s.seqcache, s.seqcycle, o.refobjid, a.attname, coalesce(o.deptype = 'i', false),
           obj_description(c.oid, 'pg_class')
    FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid
    LEFT JOIN pg_depend o ON o.classid = 'pg_class'::regclass AND o.objid = c.oid AND o.objsubid = 0
      AND o.refclassid = 'pg_class'::regclass AND o.refobjsubid > 0 AND o.deptype IN ('a', 'i')
    LEFT JOIN pg_attribute a ON a.attrelid = o.refobjid AND a.attnum = o.refobjsubid
    WHERE {OUR_RELATIONS}
      AND {OURS.format("pg_class", "c")}
    ORDER BY c.relname
"""
# Of a constraint that a partitioned table or the target of a key hands on, only the origin counts.
CONSTRAINTS = """
    SELECT c.conrelid, c.conname,
           CASE c.contype WHEN 'p' THEN 'primary key' WHEN 'u' THEN 'unique' WHEN 'c' THEN 'check'
                          WHEN 'f' THEN 'foreign key' WHEN 'x' THEN 'exclude' END,
           pg_get_constraintdef(c.oid, true), coalesce(f.relname, ''),
           obj_description(c.oid, 'pg_constraint')
    FROM pg_constraint c LEFT JOIN pg_class f ON f.oid = c.confrelid
    WHERE c.conrelid = ANY (%(relations)s) AND c.contype IN ('p', 'u', 'c', 'f', 'x')
      AND c.conparentid = 0
    ORDER BY c.conname
"""
INDEXES = """
    SELECT i.indrelid, c.relname,
           CASE c.relkind WHEN 'I'
                THEN replace(pg_get_indexdef(i.indexrelid, 0, true),
                             'INDEX ' || quote_ident(c.relname) || ' ON ONLY ',
                             'INDEX ' || quote_ident(c.relname) || ' ON ')
                ELSE pg_get_indexdef(i.indexrelid, 0, true) END,
           i.indisvalid, obj_description(c.oid, 'pg_class')
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE i.indrelid = ANY (%(relations)s)
      AND NOT EXISTS (SELECT FROM pg_constraint k
                      WHERE k.conrelid = i.indrelid AND k.conindid = i.indexrelid
                        AND k.contype IN ('p', 'u', 'x'))
    ORDER BY c.relname
"""
TRIGGERS = """
    SELECT t.tgrelid, t.tgname, pg_get_triggerdef(t.oid, true),
           obj_description(t.oid, 'pg_trigger'),
           CASE t.tgenabled WHEN 'O' THEN 'ENABLE' WHEN 'D' THEN 'DISABLE'
                            WHEN 'A' THEN 'ENABLE ALWAYS' ELSE 'ENABLE REPLICA' END
    FROM pg_trigger t
    WHERE t.tgrelid = ANY (%(relations)s) AND NOT t.tgisinternal
    ORDER BY t.tgname
"""
POLICIES = """
    SELECT p.polrelid, p.polname,
           concat_ws(' ', CASE WHEN NOT p.polpermissive THEN 'AS RESTRICTIVE' END,
               'FOR ' || CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT'
                                       WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' END,
               'TO ' || (SELECT string_agg(r::regrole::text, ', ' ORDER BY r::regrole::text)
                         FROM unnest(p.polroles) r WHERE r <> 0),
               'USING (' || pg_get_expr(p.polqual, p.polrelid, true) || ')',
               'WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid, true) || ')'),
           obj_description(p.oid, 'pg_policy')
    FROM pg_policy p
    WHERE p.polrelid = ANY (%(relations)s)
    ORDER BY p.polname
"""
# Name, statement and the one that sets it back; then the column, index or constraint it goes with.
STORAGE = '{"p": "PLAIN", "e": "EXTERNAL", "m": "MAIN", "x": "EXTENDED"}'
SETTINGS = f"""
    WITH relation AS (
        SELECT c.*, t.reloptions AS toast FROM pg_class c
        LEFT JOIN pg_class t ON t.oid = c.reltoastrelid
        WHERE c.oid = ANY (%(relations)s)
    )
    SELECT c.oid, o.prefix || o.option_name,
           format('ALTER TABLE %%I SET (%%s = %%L)', c.relname, o.prefix || o.option_name,
                  o.option_value),
           format('ALTER TABLE %%I RESET (%%s)', c.relname, o.prefix || o.option_name), NULL, NULL
    FROM relation c, LATERAL (
        SELECT '' AS prefix, * FROM pg_options_to_table(c.reloptions)
        UNION ALL SELECT 'toast.', * FROM pg_options_to_table(c.toast)) o
    UNION ALL
    SELECT c.oid, s.name, format('ALTER TABLE %%I %%s', c.relname, s.set),
           format('ALTER TABLE %%I %%s', c.relname, s.reset), s.kind, s.part
    FROM relation c LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisreplident
    LEFT JOIN pg_class n ON n.oid = i.indexrelid
    LEFT JOIN pg_constraint k ON k.conindid = n.oid AND k.conrelid = c.oid,
    LATERAL (VALUES
        (c.relrowsecurity, 'row level security', 'ENABLE ROW LEVEL SECURITY',
         'DISABLE ROW LEVEL SECURITY', NULL, NULL),
        (c.relforcerowsecurity, 'row level security for the owner', 'FORCE ROW LEVEL SECURITY',
         'NO FORCE ROW LEVEL SECURITY', NULL, NULL),
        (EXISTS (SELECT FROM pg_trigger g JOIN pg_constraint o ON o.oid = g.tgconstraint
                 WHERE g.tgrelid = c.oid AND g.tgisinternal AND g.tgenabled <> 'O'
                   AND o.contype = 'f'),
         'foreign keys switched off', 'DISABLE TRIGGER ALL', 'ENABLE TRIGGER ALL', NULL, NULL),
        (c.relpersistence = 'u', 'unlogged', 'SET UNLOGGED', 'SET LOGGED', NULL, NULL),
        (c.relreplident = 'f', 'replica identity', 'REPLICA IDENTITY FULL',
         'REPLICA IDENTITY DEFAULT', NULL, NULL),
        (c.relreplident = 'n' OR (c.relreplident = 'i' AND n.oid IS NULL), 'replica identity',
         'REPLICA IDENTITY NOTHING', 'REPLICA IDENTITY DEFAULT', NULL, NULL),
        (c.relreplident = 'i' AND n.oid IS NOT NULL, 'replica identity',
         'REPLICA IDENTITY USING INDEX ' || quote_ident(n.relname), 'REPLICA IDENTITY DEFAULT',
         CASE WHEN k.oid IS NULL THEN 'index' ELSE 'constraint' END, n.relname)
    ) s (given, name, set, reset, kind, part)
    WHERE s.given
    UNION ALL
    SELECT c.oid, format('%%s of column %%s', s.name, a.attname),
           format('ALTER TABLE %%I ALTER COLUMN %%I SET %%s', c.relname, a.attname, s.set),
           format('ALTER TABLE %%I ALTER COLUMN %%I SET %%s', c.relname, a.attname, s.reset),
           'column', a.attname
    FROM relation c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_type t ON t.oid = a.atttypid,
    LATERAL (VALUES
        (a.attstorage <> t.typstorage, 'storage',
         'STORAGE ' || ('{STORAGE}'::jsonb ->> a.attstorage::text),
         'STORAGE ' || ('{STORAGE}'::jsonb ->> t.typstorage::text)),
        (coalesce(a.attstattarget, -1) >= 0, 'statistics', 'STATISTICS ' || a.attstattarget,
         'STATISTICS -1'),
        (a.attcompression = 'l', 'compression', 'COMPRESSION lz4', 'COMPRESSION DEFAULT'),
        (a.attcompression = 'p', 'compression', 'COMPRESSION pglz', 'COMPRESSION DEFAULT')
    ) s (given, name, set, reset)
    WHERE s.given
    UNION ALL
    SELECT c.oid, format('%%s of column %%s', o.option_name, a.attname),
           format('ALTER TABLE %%I ALTER COLUMN %%I SET (%%s = %%s)', c.relname, a.attname,
                  o.option_name, o.option_value),
           format('ALTER TABLE %%I ALTER COLUMN %%I RESET (%%s)', c.relname, a.attname,
                  o.option_name), 'column', a.attname
    FROM relation c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped,
    LATERAL pg_options_to_table(a.attoptions) o
    WHERE starts_with(o.option_name, 'n_distinct')  -- pg_attver of 15.20 is the server's own
    UNION ALL
    SELECT c.oid, 'cluster', format('ALTER TABLE %%I CLUSTER ON %%I', c.relname, n.relname),
           format('ALTER TABLE %%I SET WITHOUT CLUSTER', c.relname),
           CASE WHEN k.oid IS NULL THEN 'index' ELSE 'constraint' END, n.relname
    FROM relation c JOIN pg_index i ON i.indrelid = c.oid AND i.indisclustered
    JOIN pg_class n ON n.oid = i.indexrelid
    LEFT JOIN pg_constraint k ON k.conindid = n.oid AND k.conrelid = c.oid
    UNION ALL
    SELECT c.oid, format('%%s of %%s', o.option_name, k.conname),
           format('ALTER INDEX %%I SET (%%s = %%L)', k.conname, o.option_name, o.option_value),
           format('ALTER INDEX %%I RESET (%%s)', k.conname, o.option_name), 'constraint', k.conname
    FROM relation c
    JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype IN ('p', 'u', 'x')
    JOIN pg_class i ON i.oid = k.conindid, LATERAL pg_options_to_table(i.reloptions) o
    ORDER BY 2
"""
ENUMS = f"""
    SELECT t.typname, array_remove(array_agg(e.enumlabel::text ORDER BY e.enumsortorder), NULL),
           obj_description(t.oid, 'pg_type')
    FROM pg_type t LEFT JOIN pg_enum e ON e.enumtypid = t.oid
    WHERE {OUR_TYPES} AND t.typtype = 'e' AND {ALONE.format("pg_type", "t")}
    GROUP BY t.oid, t.typname ORDER BY t.typname
"""
DOMAIN_TYPES = f"""
    SELECT t.typname, format_type(t.typbasetype, t.typtypmod), t.typnotnull,
           pg_get_expr(t.typdefaultbin, 0, true),
           CASE WHEN t.typcollation <> b.typcollation THEN t.typcollation::regcollation::text END,
           coalesce((SELECT jsonb_object_agg(c.conname, pg_get_constraintdef(c.oid, true))
                     FROM pg_constraint c WHERE c.contypid = t.oid AND c.contype = 'c'), '{{}}'),
           obj_description(t.oid, 'pg_type')
    FROM pg_type t JOIN pg_type b ON b.oid = t.typbasetype
    WHERE {OUR_TYPES} AND t.typtype = 'd' AND {ALONE.format("pg_type", "t")}
    ORDER BY t.typname
"""
COMPOSITES = f"""
    SELECT t.typname, coalesce(jsonb_agg(jsonb_build_array(a.attname,
               concat_ws(' COLLATE ', format_type(a.atttypid, a.atttypmod), CASE
                   WHEN a.attcollation <> b.typcollation THEN a.attcollation::regcollation::text
               END)) ORDER BY a.attnum) FILTER (WHERE a.attnum IS NOT NULL), '[]'),
           obj_description(t.oid, 'pg_type')
    FROM pg_type t JOIN pg_class c ON c.oid = t.typrelid AND c.relkind = 'c'
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_type b ON b.oid = a.atttypid
    WHERE {OUR_TYPES} AND {ALONE.format("pg_type", "t")}
    GROUP BY t.oid, t.typname ORDER BY t.typname
"""
SIGNATURE = "format('%%I(%%s)', p.proname, oidvectortypes(p.proargtypes))"
FUNCTIONS = f"""
    SELECT {SIGNATURE}, CASE p.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END,
           concat_ws(' ', pg_get_function_arguments(p.oid), pg_get_function_result(p.oid)),
           pg_get_functiondef(p.oid), obj_description(p.oid, 'pg_proc'),
           (SELECT substr(c, strpos(c, '=') + 1) FROM unnest(p.proconfig) c
            WHERE starts_with(c, 'search_path='))
    FROM pg_proc p
    WHERE {OUR_ROUTINES} AND p.prokind IN ('f', 'p', 'w')
      AND {ALONE.format("pg_proc", "p")}
    ORDER BY 1
"""
EXTENSIONS = "SELECT extname FROM pg_extension WHERE extname <> 'plpgsql'"
