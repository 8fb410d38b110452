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
# pg_get_triggerdef() has to know whether the bare name of a function leads to it, and for that
# PostgreSQL reads every function of that name in the database (FuncnameGetCandidates in its
# namespace.c): a thousand for each name where a thousand schemas have the same files, which takes
# milliseconds a name. So it is asked only for what it alone can say; the rest is put together as it
# does it (pg_get_triggerdef_worker in ruleutils.c).
#
# No other function could be meant by the name: those of pg_catalog come first on every path, and
# one with a default for each of its arguments can be called without any.
ALONE_OF_ITS_NAME = f"""
    p.pronamespace = {HERE}
    AND NOT EXISTS (SELECT FROM pg_proc o WHERE o.proname = p.proname AND o.oid <> p.oid
                    AND o.pronamespace IN ({HERE}, 'pg_catalog'::regnamespace))
"""
# The arguments are bytes with a NUL behind each; here that is a backslash and 000, as a backslash
# of their own would be two, and what is not ASCII one and three digits. Quotation marks and
# backslashes are said by their numbers, since a session decides how literals have them.
MARK = "chr(39)"
NUL = "chr(92) || '000'"
ARGUMENT_BYTES = "encode(t.tgargs, 'escape')"
# Its condition is a tree that nothing else prints.
IS_PLAIN_TRIGGER = f"""
    t.tgqual IS NULL AND t.tgoldtable IS NULL AND t.tgnewtable IS NULL AND t.tgconstrrelid = 0
    AND strpos(replace({ARGUMENT_BYTES}, {NUL}, ''), chr(92)) = 0 AND {ALONE_OF_ITS_NAME}
"""
TRIGGER_EVENTS = """
    concat_ws(' OR ', CASE WHEN t.tgtype & 4 <> 0 THEN 'INSERT' END,
              CASE WHEN t.tgtype & 8 <> 0 THEN 'DELETE' END,
              CASE WHEN t.tgtype & 16 <> 0 THEN concat_ws(' OF ', 'UPDATE', (
                  SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY k.place)
                  FROM unnest(t.tgattr::int2[]) WITH ORDINALITY k (number, place)
                  JOIN pg_attribute a ON a.attrelid = t.tgrelid AND a.attnum = k.number)) END,
              CASE WHEN t.tgtype & 32 <> 0 THEN 'TRUNCATE' END)
"""
TRIGGER_DEFERRED = """
    CASE WHEN t.tgconstraint <> 0
         THEN concat_ws(' ', CASE WHEN NOT t.tgdeferrable THEN 'NOT' END, 'DEFERRABLE INITIALLY',
                        CASE WHEN t.tginitdeferred THEN 'DEFERRED' ELSE 'IMMEDIATE' END) END
"""
TRIGGER_ARGUMENTS = f"""
    SELECT string_agg({MARK} || replace(w.word, {MARK}, {MARK} || {MARK}) || {MARK}, ', '
                      ORDER BY w.place)
    FROM unnest(string_to_array({ARGUMENT_BYTES}, {NUL})) WITH ORDINALITY w (word, place)
    WHERE w.place <= t.tgnargs
"""
PLAIN_TRIGGER = f"""
    concat_ws(' ', CASE WHEN t.tgconstraint = 0 THEN 'CREATE TRIGGER'
                        ELSE 'CREATE CONSTRAINT TRIGGER' END, quote_ident(t.tgname),
              CASE WHEN t.tgtype & 2 <> 0 THEN 'BEFORE'
                   WHEN t.tgtype & 64 <> 0 THEN 'INSTEAD OF' ELSE 'AFTER' END,
              {TRIGGER_EVENTS}, 'ON', t.tgrelid::regclass, {TRIGGER_DEFERRED}, 'FOR EACH',
              CASE WHEN t.tgtype & 1 <> 0 THEN 'ROW' ELSE 'STATEMENT' END,
              'EXECUTE FUNCTION', concat(quote_ident(p.proname), '(', ({TRIGGER_ARGUMENTS}), ')'))
"""
TRIGGER_STATE = """
    CASE {0}.tgenabled WHEN 'O' THEN 'ENABLE' WHEN 'D' THEN 'DISABLE' WHEN 'A' THEN 'ENABLE ALWAYS'
                       ELSE 'ENABLE REPLICA' END
"""
TRIGGERS = f"""
    SELECT t.tgrelid, t.tgname,
           CASE WHEN {IS_PLAIN_TRIGGER} THEN {PLAIN_TRIGGER}
                ELSE pg_get_triggerdef(t.oid, true) END,
           obj_description(t.oid, 'pg_trigger'),
           {TRIGGER_STATE.format("t")}
    FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
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
# What a base type made by hand reads and prints its values with is a part of it: neither can be
# there without the other.
OF_BASE_TYPE = """
    SELECT FROM pg_depend u JOIN pg_type t ON t.oid = u.objid
    WHERE u.refclassid = 'pg_proc'::regclass AND u.refobjid = p.oid
      AND u.classid = 'pg_type'::regclass AND t.typtype = 'b'
      AND p.oid IN (t.typinput, t.typoutput, t.typreceive, t.typsend, t.typmodin, t.typmodout,
                    t.typanalyze)
"""
# The extensions with which it goes, though it is a part of none.
GOES_WITH = """
    ARRAY(SELECT e.extname::text FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
          WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid
            AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'x' ORDER BY 1)
"""
SIGNATURE = "format('%%I(%%s)', p.proname, oidvectortypes(p.proargtypes))"
FUNCTIONS = f"""
    SELECT {SIGNATURE}, CASE p.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END,
           concat_ws(' ', pg_get_function_arguments(p.oid), pg_get_function_result(p.oid)),
           pg_get_functiondef(p.oid), obj_description(p.oid, 'pg_proc'),
           (SELECT substr(c, strpos(c, '=') + 1) FROM unnest(p.proconfig) c
            WHERE starts_with(c, 'search_path=')), {GOES_WITH}
    FROM pg_proc p
    WHERE {OUR_ROUTINES} AND p.prokind IN ('f', 'p', 'w')
      AND {ALONE.format("pg_proc", "p")} AND NOT EXISTS ({OF_BASE_TYPE})
    ORDER BY 1
"""
EXTENSIONS = "SELECT extname FROM pg_extension WHERE extname <> 'plpgsql'"
