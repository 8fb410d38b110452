"""What is set on tables and their columns beside what defines them.

To that belongs NOT NULL as PostgreSQL 18 and later have it: a constraint that has a name, and that
may hold for new rows alone, or for no child. That a column is NOT NULL is said by the column. What
a person has stated beside that is a setting of it; the name that PostgreSQL gives by itself
(items_code_not_null, and items_code_not_null1 where that is taken) follows from what the table and
the column were called once, and says nothing. One that has the name of neither was stated:
price_not_null. Of a long name a part is cut. What sets one does nothing on an older server, which
knows none of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from engine.schema import part_settings
from engine.schema.kinds import Key, Kind
from engine.schema.model import Setting, Table, View
from engine.schema.quoting import literal, name, suffixed

# What NOT NULL asks of a value. Of a composite `IS NULL` is true also where all its parts are, and
# `IS NOT NULL` false where one is, so that ROW(1, NULL) would be in the way. Of all other types
# PostgreSQL makes the same of both forms.
GIVEN = "IS DISTINCT FROM NULL"
LACKING = "IS NOT DISTINCT FROM NULL"
SINCE = 180000  # the number of that version
# Name, statement and the one that sets it back; then the column, index or constraint it goes with.
STORAGE = '{"p": "PLAIN", "e": "EXTERNAL", "m": "MAIN", "x": "EXTENDED"}'
SETTINGS = f"""
    WITH relation AS (
        SELECT c.*, t.reloptions AS toast, format(
                   'ALTER %%s %%I', CASE c.relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE'
                   END, c.relname) AS alter
        FROM pg_class c
        LEFT JOIN pg_class t ON t.oid = c.reltoastrelid
        WHERE c.oid = ANY (%(relations)s)
    )
    SELECT c.oid, o.prefix || o.option_name,
           format('%%s SET (%%s = %%L)', c.alter, o.prefix || o.option_name, o.option_value),
           format('%%s RESET (%%s)', c.alter, o.prefix || o.option_name), NULL, NULL
    FROM relation c, LATERAL (
        SELECT '' AS prefix, * FROM pg_options_to_table(c.reloptions)
        WHERE c.relkind <> 'm'  -- a view has its own
        UNION ALL SELECT 'toast.', * FROM pg_options_to_table(c.toast)) o
    UNION ALL
    SELECT c.oid, s.name, concat_ws(' ', c.alter, s.set), concat_ws(' ', c.alter, s.reset),
           s.kind, s.part
    FROM relation c LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisreplident
    LEFT JOIN pg_class n ON n.oid = i.indexrelid
    LEFT JOIN pg_constraint k ON k.conindid = n.oid AND k.conrelid = c.oid
      AND k.contype <> 'f',
    LATERAL (VALUES
        (c.relrowsecurity, 'row level security', 'ENABLE ROW LEVEL SECURITY',
         'DISABLE ROW LEVEL SECURITY', NULL, NULL),
        (c.relforcerowsecurity, 'row level security for the owner', 'FORCE ROW LEVEL SECURITY',
         'NO FORCE ROW LEVEL SECURITY', NULL, NULL),
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
           format('%%s ALTER COLUMN %%I SET %%s', c.alter, a.attname, s.set),
           format('%%s ALTER COLUMN %%I SET %%s', c.alter, a.attname, s.reset),
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
           format('%%s ALTER COLUMN %%I SET (%%s = %%s)', c.alter, a.attname, o.option_name,
                  o.option_value),
           format('%%s ALTER COLUMN %%I RESET (%%s)', c.alter, a.attname, o.option_name),
           'column', a.attname
    FROM relation c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped,
    LATERAL pg_options_to_table(a.attoptions) o
    WHERE starts_with(o.option_name, 'n_distinct')  -- pg_attver of 15.20 is the server's own
    UNION ALL
    SELECT c.oid, 'cluster', format('%%s CLUSTER ON %%I', c.alter, n.relname),
           concat_ws(' ', c.alter, 'SET WITHOUT CLUSTER'),
           CASE WHEN k.oid IS NULL THEN 'index' ELSE 'constraint' END, n.relname
    FROM relation c JOIN pg_index i ON i.indrelid = c.oid AND i.indisclustered
    JOIN pg_class n ON n.oid = i.indexrelid
    LEFT JOIN pg_constraint k ON k.conindid = n.oid AND k.conrelid = c.oid
      AND k.contype <> 'f'
    UNION ALL
    SELECT c.oid, format('%%s of %%s', o.option_name, k.conname),
           format('ALTER INDEX %%I SET (%%s = %%L)', k.conname, o.option_name, o.option_value),
           format('ALTER INDEX %%I RESET (%%s)', k.conname, o.option_name), 'constraint', k.conname
    FROM relation c
    JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype IN ('p', 'u', 'x')
    JOIN pg_class i ON i.oid = k.conindid, LATERAL pg_options_to_table(i.reloptions) o
    UNION ALL
    SELECT c.oid, format('statistics of column %%s of %%s', a.attnum, n.relname),
           format('ALTER INDEX %%I ALTER COLUMN %%s SET STATISTICS %%s', n.relname, a.attnum,
                  a.attstattarget),
           format('ALTER INDEX %%I ALTER COLUMN %%s SET STATISTICS -1', n.relname, a.attnum),
           CASE WHEN k.oid IS NULL THEN 'index' ELSE 'constraint' END, n.relname
    FROM relation c JOIN pg_index i ON i.indrelid = c.oid
    JOIN pg_class n ON n.oid = i.indexrelid
    CROSS JOIN LATERAL (SELECT attnum, attstattarget FROM pg_attribute
                        WHERE attrelid = n.oid AND attnum > 0 AND attstattarget >= 0 OFFSET 0) a
    LEFT JOIN pg_constraint k ON k.conindid = n.oid AND k.conrelid = c.oid
      AND k.contype <> 'f'
    ORDER BY 2
"""
NOT_NULLS = r"""
    SELECT k.conrelid, a.attname, k.conname, pg_get_constraintdef(k.oid),
           k.convalidated AND NOT k.connoinherit
    FROM pg_constraint k JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
    JOIN pg_class c ON c.oid = k.conrelid,
    LATERAL regexp_replace(k.conname, '_not_null[0-9]*$', '') AS of (names)
    WHERE k.conrelid = ANY (%(relations)s) AND k.contype = 'n' AND k.conparentid = 0
      AND (NOT k.convalidated OR k.connoinherit OR of.names = k.conname
           OR NOT (starts_with(of.names, c.relname || '_') OR octet_length(k.conname) > 54
                   OR right(of.names, length(a.attname) + 1) = '_' || a.attname))
    ORDER BY a.attnum
"""
RENAMED = """DO $$
DECLARE
    known name := (
        SELECT k.conname FROM pg_catalog.pg_constraint k
        JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
        WHERE k.conrelid = {relation}::regclass AND k.contype = 'n' AND a.attname = {attribute});
BEGIN
    IF known <> {title} THEN
        EXECUTE format('ALTER TABLE %s RENAME CONSTRAINT %I TO %I', {relation}, known, {title});
    END IF;
END
$$"""
# The first statement would be no error on an older server, and the second would.
MADE_AGAIN = """DO $$
BEGIN
    IF current_setting('server_version_num')::integer >= 180000 THEN
        ALTER TABLE {table} ALTER COLUMN {column} DROP NOT NULL;
        EXECUTE {constraint};
    END IF;
END
$$"""


class Ask(Protocol):
    """Gives the rows of a query."""

    connection: Any

    def __call__(self, query: str, **parameters: Any) -> list[tuple[Any, ...]]: ...


def fill(ask: Ask, owners: Mapping[int, Table | View]) -> None:
    """Give tables and views, by their oid, what is set on them. A plain view has no more than its
    triggers."""
    tables = [oid for oid, owner in owners.items() if isinstance(owner, Table)]
    stored = [*tables]
    for oid, owner in owners.items():
        if isinstance(owner, View) and owner.kind is Kind.MATERIALIZED_VIEW:
            stored.append(oid)
    for oid, *values in ask(SETTINGS, relations=stored):
        _add(owners[oid], _stated(owners[oid], *values))
    for oid, *values in ask(part_settings.GO_WITH_EXTENSIONS, relations=list(owners)):
        _add(owners[oid], part_settings.bond(owners[oid].name, *values))
    rows = ask(part_settings.CONSTRAINT_TRIGGERS, relations=tables)
    for oid, setting in part_settings.of_triggers(rows):
        _add(owners[oid], setting)
    if ask.connection.server_version >= SINCE:
        for oid, *values in ask(NOT_NULLS, relations=tables):
            _add(owners[oid], _not_null(owners[oid].name, *values))


def _add(owner: Table | View, setting: Setting) -> None:
    owner.settings[setting.name] = setting


def _stated(
    owner: Table | View, title: str, made: str, back: str, kind: str | None, part: str
) -> Setting:
    """A column of a view is no object of its own."""
    if kind is None or (kind == Kind.COLUMN and isinstance(owner, View)):
        return Setting(title, made, back)
    return Setting(title, made, back, Key(Kind(kind), owner.name, part))


def _not_null(table: str, column: str, title: str, definition: str, plain: bool) -> Setting:
    """What is stated of the NOT NULL of a column. title: its name, if plain all that is stated."""
    texts = {"table": name(table), "column": name(column)}
    if plain:
        texts |= {"relation": literal(name(table)), "attribute": literal(column)}
        usual = suffixed(f"{table}_{column}", "_not_null")
        made = RENAMED.format(title=literal(title), **texts)
        back = RENAMED.format(title=literal(usual), **texts)
    else:
        start = f"ALTER TABLE {name(table)}"
        added = literal(f"{start} ADD CONSTRAINT {name(title)} {definition}")
        made = MADE_AGAIN.format(constraint=added, **texts)
        usual = literal(f"{start} ALTER COLUMN {name(column)} SET NOT NULL")
        back = MADE_AGAIN.format(constraint=usual, **texts)
    of = Key(Kind.COLUMN, table, column)
    return Setting(f"NOT NULL of column {column}", made, back, of)
