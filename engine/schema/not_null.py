"""NOT NULL as PostgreSQL 18 and later have it: a constraint that has a name, and that may hold for
new rows alone, or for no child.

That a column is NOT NULL is said by the column. What a person has stated beside that is a setting
of it; the name that PostgreSQL gives by itself (items_code_not_null, and items_code_not_null1
where that is taken) follows from what the table and the column were called once, and says nothing.
One that has the name of neither was stated: price_not_null. Of a long name a part is cut.
What sets one does nothing on an older server, which knows none of it.
"""

from __future__ import annotations

from engine.schema.kinds import Key, Kind
from engine.schema.model import Setting
from engine.schema.quoting import literal, name, suffixed

# What NOT NULL asks of a value. Of a composite `IS NULL` is true also where all its parts are, and
# `IS NOT NULL` false where one is, so that ROW(1, NULL) would be in the way. Of all other types
# PostgreSQL makes the same of both forms.
GIVEN = "IS DISTINCT FROM NULL"
LACKING = "IS NOT DISTINCT FROM NULL"
SINCE = 180000  # the number of that version
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


def setting(table: str, column: str, title: str, definition: str, plain: bool) -> Setting:
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
