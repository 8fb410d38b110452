"""A live schema, read into values: the only reader of PostgreSQL's catalogs for that purpose.

One query for each kind of object, whatever the number of tables. What an extension made is the
extension's. PostgreSQL's own functions print the definitions; they leave a schema's name out as
long as that schema is on the search_path, which is why nothing else may be read this way. What
needs what is read from pg_depend, never guessed from a text.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from engine.schema import Column, Constraint, Enum, Function, Index, Key, Schema, Table, Trigger

HISTORY_TABLE = "migratehistory"
JOURNAL_TABLE = "migratejournal"
READING_TABLE = "migratereading"
OWN_TABLES = (HISTORY_TABLE, JOURNAL_TABLE, READING_TABLE)

OURS = (
    "NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = '{0}'::regclass"
    " AND d.objid = {1}.oid AND d.deptype = 'e')"
)
TABLES = f"""
    SELECT c.oid, c.relname, obj_description(c.oid, 'pg_class')
    FROM pg_class c
    WHERE c.relnamespace = quote_ident(current_schema())::regnamespace AND c.relkind = 'r'
      AND c.relname <> ALL (%(own)s) AND {OURS.format("pg_class", "c")}
    ORDER BY c.relname
"""
# count(*), as EXISTS would be made one join over all of pg_depend, badly where nothing is analyzed.
COLUMNS = """
    SELECT a.attrelid, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
           CASE WHEN a.attgenerated = '' THEN pg_get_expr(ad.adbin, ad.adrelid, true) END,
           CASE a.attidentity WHEN 'a' THEN 'ALWAYS' WHEN 'd' THEN 'BY DEFAULT' ELSE '' END,
           CASE WHEN a.attgenerated <> '' THEN pg_get_expr(ad.adbin, ad.adrelid, true) ELSE '' END,
           CASE WHEN a.attcollation <> t.typcollation THEN a.attcollation::regcollation::text END,
           col_description(a.attrelid, a.attnum),
           (SELECT count(*) > 0 FROM pg_depend d
                   JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
                   WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid
                     AND d.refobjsubid = a.attnum AND d.deptype = 'a')
    FROM pg_attribute a
    JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_attrdef ad ON ad.adrelid = a.attrelid AND ad.adnum = a.attnum
    WHERE a.attrelid = ANY (%(tables)s) AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY a.attrelid, a.attnum
"""
CONSTRAINTS = """
    SELECT c.conrelid, c.conname,
           CASE c.contype WHEN 'p' THEN 'primary key' WHEN 'u' THEN 'unique' WHEN 'c' THEN 'check'
                          WHEN 'f' THEN 'foreign key' WHEN 'x' THEN 'exclude' END,
           pg_get_constraintdef(c.oid, true), coalesce(f.relname, ''),
           obj_description(c.oid, 'pg_constraint')
    FROM pg_constraint c LEFT JOIN pg_class f ON f.oid = c.confrelid
    WHERE c.conrelid = ANY (%(tables)s) AND c.contype IN ('p', 'u', 'c', 'f', 'x')
    ORDER BY c.conname
"""
INDEXES = """
    SELECT i.indrelid, c.relname, pg_get_indexdef(i.indexrelid, 0, true), i.indisvalid,
           obj_description(c.oid, 'pg_class')
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE i.indrelid = ANY (%(tables)s)
      AND NOT EXISTS (SELECT FROM pg_constraint k
                      WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
    ORDER BY c.relname
"""
TRIGGERS = """
    SELECT t.tgrelid, t.tgname, pg_get_triggerdef(t.oid, true),
           obj_description(t.oid, 'pg_trigger')
    FROM pg_trigger t
    WHERE t.tgrelid = ANY (%(tables)s) AND NOT t.tgisinternal
    ORDER BY t.tgname
"""
ENUMS = f"""
    SELECT t.typname, array_remove(array_agg(e.enumlabel::text ORDER BY e.enumsortorder), NULL),
           obj_description(t.oid, 'pg_type')
    FROM pg_type t LEFT JOIN pg_enum e ON e.enumtypid = t.oid
    WHERE t.typnamespace = quote_ident(current_schema())::regnamespace AND t.typtype = 'e'
      AND {OURS.format("pg_type", "t")}
    GROUP BY t.oid, t.typname ORDER BY t.typname
"""
SIGNATURE = "format('%%I(%%s)', p.proname, oidvectortypes(p.proargtypes))"
FUNCTIONS = f"""
    SELECT {SIGNATURE}, CASE p.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END,
           concat_ws(' ', pg_get_function_arguments(p.oid), pg_get_function_result(p.oid)),
           pg_get_functiondef(p.oid), obj_description(p.oid, 'pg_proc')
    FROM pg_proc p
    WHERE p.pronamespace = quote_ident(current_schema())::regnamespace AND p.prokind IN ('f', 'p')
      AND {OURS.format("pg_proc", "p")}
    ORDER BY 1
"""
# Whatever has a key, by its address in pg_depend. The index of a constraint, the default of a
# column, the types of a table's rows and the array of an enum stand for what they belong to.
DEPENDS = f"""
    WITH relation AS (
        SELECT c.oid, c.relname AS name, c.reltype FROM pg_class c
        WHERE c.oid = ANY (%(tables)s)
    ), thing (class, oid, part, kind, owner, name) AS (
        SELECT 'pg_class'::regclass, r.oid, 0, 'table', '', r.name FROM relation r
        UNION ALL
        SELECT 'pg_type'::regclass, unnest(ARRAY[t.oid, t.typarray]), 0, 'table', '', r.name
        FROM relation r JOIN pg_type t ON t.oid = r.reltype
        UNION ALL SELECT 'pg_class'::regclass, r.oid, a.attnum, 'column', r.name, a.attname
        FROM relation r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0
        UNION ALL SELECT 'pg_attrdef'::regclass, d.oid, 0, 'column', r.name, a.attname
        FROM relation r JOIN pg_attrdef d ON d.adrelid = r.oid
        JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum = d.adnum
        UNION ALL SELECT 'pg_constraint'::regclass, k.oid, 0,
               CASE k.contype WHEN 'f' THEN 'foreign key' ELSE 'constraint' END, r.name, k.conname
        FROM relation r JOIN pg_constraint k ON k.conrelid = r.oid
        WHERE k.contype IN ('p', 'u', 'c', 'f', 'x')
        UNION ALL SELECT 'pg_class'::regclass, k.conindid, 0, 'constraint', r.name, k.conname
        FROM relation r JOIN pg_constraint k ON k.conrelid = r.oid
        WHERE k.contype IN ('p', 'u', 'x')
        UNION ALL SELECT 'pg_class'::regclass, i.indexrelid, 0, 'index', r.name, c.relname
        FROM relation r JOIN pg_index i ON i.indrelid = r.oid
        JOIN pg_class c ON c.oid = i.indexrelid
        WHERE c.oid NOT IN (SELECT conindid FROM pg_constraint WHERE contype <> 'f')
        UNION ALL SELECT 'pg_trigger'::regclass, t.oid, 0, 'trigger', r.name, t.tgname
        FROM relation r JOIN pg_trigger t ON t.tgrelid = r.oid AND NOT t.tgisinternal
        UNION ALL SELECT 'pg_proc'::regclass, p.oid, 0, 'function', '', {SIGNATURE}
        FROM pg_proc p
        WHERE p.pronamespace = quote_ident(current_schema())::regnamespace
          AND p.prokind IN ('f', 'p')
        UNION ALL
        SELECT 'pg_type'::regclass, unnest(ARRAY[e.oid, e.typarray]), 0, 'enum', '', e.typname
        FROM pg_type e
        WHERE e.typnamespace = quote_ident(current_schema())::regnamespace AND e.typtype = 'e'
        UNION ALL SELECT d.classid::regclass, d.objid, d.objsubid, 'extension', '', e.extname
        FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
        WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
    )
    SELECT DISTINCT a.kind, a.owner, a.name, b.kind, b.owner, b.name
    FROM pg_depend d
    JOIN thing a ON (a.class, a.oid, a.part) = (d.classid, d.objid, d.objsubid)
    JOIN thing b ON (b.class, b.oid, b.part) = (d.refclassid, d.refobjid, d.refobjsubid)
    WHERE (a.kind, a.owner, a.name) <> (b.kind, b.owner, b.name) AND a.kind <> 'extension'
"""
SERIAL = {"smallint": "smallserial", "integer": "serial", "bigint": "bigserial"}
EXTENSIONS = "SELECT extname FROM pg_extension WHERE extname <> 'plpgsql'"


def read(connection: Any, *, depends: bool = True) -> Schema:
    """Read the current schema of a psycopg2 connection (Schema); nothing is changed.

    depends: whether to read what needs what; a comparison does without.
    """
    with connection.cursor() as cursor:
        found = _rows(cursor, TABLES, own=list(OWN_TABLES))
        tables = {oid: Table(name, comment=comment) for oid, name, comment in found}
        _fill(cursor, tables)
        return Schema(
            extensions=frozenset(name for (name,) in _rows(cursor, EXTENSIONS)),
            enums={
                name: Enum(name, tuple(labels), comment)
                for name, labels, comment in _rows(cursor, ENUMS)
            },
            functions={row[0]: _function(*row) for row in _rows(cursor, FUNCTIONS)},
            tables={table.name: table for table in tables.values()},
            depends=_depends(cursor, list(tables)) if depends else {},
        )


def _fill(cursor: Any, tables: dict[int, Table]) -> None:
    """Give the tables, by their oid, all that belongs to them."""
    oids = list(tables)
    for oid, *values in _rows(cursor, COLUMNS, tables=oids):
        tables[oid].columns[values[0]] = _column(*values)
    for oid, *values in _rows(cursor, CONSTRAINTS, tables=oids):
        tables[oid].constraints[values[0]] = Constraint(*values)
    for oid, *values in _rows(cursor, INDEXES, tables=oids):
        tables[oid].indexes[values[0]] = Index(*values)
    for oid, *values in _rows(cursor, TRIGGERS, tables=oids):
        tables[oid].triggers[values[0]] = Trigger(*values)


def _depends(cursor: Any, tables: list[int]) -> dict[Key, frozenset[Key]]:
    needs: dict[Key, set[Key]] = {}
    for *needing, kind, owner, name in _rows(cursor, DEPENDS, tables=tables):
        needs.setdefault((needing[0], needing[1], needing[2]), set()).add((kind, owner, name))
    return {key: frozenset(needed) for key, needed in needs.items()}


def _column(*values: Any) -> Column:
    """A column with a sequence of its own is PostgreSQL's `serial`, and is written so."""
    *plain, owns_sequence = values
    column = Column(*plain)
    if owns_sequence and not column.identity and column.type in SERIAL:
        return replace(column, type=SERIAL[column.type], default=None)
    return column


def _function(name: str, kind: str, signature: str, text: str, comment: str | None) -> Function:
    """pg_get_functiondef alone prints the schema; its first line is brought back to the rule."""
    quoted = r'(?:"(?:[^"]|"")+"|[^\s".(]+)\.'
    head, newline, body = text.partition("\n")
    head = re.sub(rf"^(CREATE OR REPLACE \w+ ){quoted}", r"\1", head)
    return Function(name, kind, signature, (head + newline + body).rstrip(), comment)


def _rows(cursor: Any, query: str, **parameters: Any) -> list[tuple[Any, ...]]:
    cursor.execute(query, parameters)
    rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
