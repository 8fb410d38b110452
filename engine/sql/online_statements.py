"""The statements of the online form: each stands alone, and short locks are all that they take."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from engine.diff.change import Action, Change
from engine.schema.kinds import Key, Kind
from engine.schema.model import Schema
from engine.schema.quoting import literal, name, suffixed
from engine.sql import statements
from engine.sql.online_split import (
    KEY,
    OnlineForm,
    constraint_form,
    only_takes_not_null_away,
)

PAGES = 1000
PASSES = 50
# It never waits while it holds rows, so it cannot be in a deadlock; what others hold comes in a
# later pass. Only what is still held after the last one is waited for.
# A column may be called as a variable is, so that is named with the loop's label.
FILL = """DO {quotes}
#variable_conflict use_column
DECLARE
    last_page bigint;
BEGIN
    FOR pass IN 1 .. {passes} LOOP
        last_page := pg_relation_size({relation}) / current_setting('block_size')::bigint;
        <<pages>>
        FOR page IN 0 .. last_page BY {pages} LOOP
            UPDATE {table} SET {column} = {value} WHERE ctid = ANY (ARRAY(
                SELECT ctid FROM {table}
                WHERE {column} IS NULL AND ctid >= format('(%s,0)', pages.page)::tid
                  AND ctid < format('(%s,0)', pages.page + {pages})::tid
                FOR NO KEY UPDATE SKIP LOCKED));
            COMMIT;
        END LOOP;
        EXIT WHEN NOT EXISTS (SELECT FROM {table} WHERE {column} IS NULL);
        PERFORM pg_sleep(0.1);
    END LOOP;
    UPDATE {table} SET {column} = {value} WHERE {column} IS NULL;
END
{quotes}"""


def online_statements(
    changes: Iterable[Change], old: Schema, filled: Collection[Key] = ()
) -> Iterator[tuple[Change, str]]:
    """(change, statement) for changes in order. old: the schema before them. filled: columns
    that are new, so that every row gets the default."""
    # "column b is in a primary key", as long as the key is there that is swapped for another.
    plan = sorted(changes, key=only_takes_not_null_away)
    swapped = _swapped(plan, old)
    for change in plan:
        if not _spares(change, old):
            yield change, statements.sql(change)
        elif change.key not in swapped:
            yield from ((change, sql) for sql in _alone(change, filled))
        elif change.action is Action.CREATE:
            yield from ((change, sql) for sql in SWAPS[change.kind](change))


def _swapped(plan: list[Change], old: Schema) -> set[Key]:
    """What goes and comes again, and nothing needs: for it the new one may come first, unless what
    the old one needs goes meanwhile: "cannot drop constraint p_id on table p because other objects
    depend on it", as the foreign key that is to be swapped later does."""
    needed: set[Key] = set()
    for keys in old.depends.values():
        needed |= keys
    made = {change.key for change in plan if change.action is Action.CREATE}
    gone = {change.key for change in plan if change.action is Action.DROP}
    return {
        key
        for key in (made & gone) - needed
        if key.kind in SWAPS and not gone & old.depends.get(key, frozenset())
    }


def _spares(change: Change, old: Schema) -> bool:
    table = old.tables.get(change.table)
    return table is not None and not table.partitioned


def _alone(change: Change, filled: Collection[Key]) -> Iterator[str]:
    form = constraint_form(change) if change.action is Action.CREATE else None
    if form:
        yield from _constraint(change, form, "")
    elif change.kind is Kind.INDEX:
        yield _concurrently(statements.sql(change))
    elif change.does(Action.ALTER, Kind.COLUMN):
        yield from _column(change, change.key in filled)
    else:
        yield statements.sql(change)


def _concurrently(sql: str) -> str:
    return sql.replace("INDEX ", "INDEX CONCURRENTLY ", 1)


def _swapped_index(change: Change) -> Iterator[str]:
    """The new one is there before the old one goes."""
    index, new = name(change.name), name(suffixed(change.name, "_new"))
    yield _concurrently(statements.sql(change)).replace(f" {index} ON ", f" {new} ON ", 1)
    yield f"DROP INDEX CONCURRENTLY {index}"
    yield f"ALTER INDEX {new} RENAME TO {index}"


def _swapped_constraint(change: Change) -> Iterator[str]:
    form = constraint_form(change)
    table, constraint = name(change.table), name(change.name)
    # In one step, so in one transaction: nobody sees the table without it. Two statements, for
    # Citus: "cannot execute ADD CONSTRAINT command with other subcommands".
    drop = f"ALTER TABLE {table} DROP CONSTRAINT {constraint};\n"
    if form:
        yield from _constraint(change, form, drop)
    else:
        yield f"{drop}ALTER TABLE {table}\n    ADD CONSTRAINT {constraint} {change.new.definition}"


def _constraint(change: Change, form: OnlineForm, before: str) -> Iterator[str]:
    """before: a statement that goes before the one that adds it, in the same step."""
    table, constraint = name(change.table), name(change.name)
    definition = change.new.definition
    if form is OnlineForm.VALIDATE:
        added = f"ADD CONSTRAINT {constraint} {definition} NOT VALID"
        yield f"{before}ALTER TABLE {table}\n    {added}"
        yield f"ALTER TABLE {table} VALIDATE CONSTRAINT {constraint}"
        return
    key = KEY.fullmatch(definition)
    assert key is not None
    index = name(suffixed(change.name, "_new")) if before else constraint
    columns = f"{key['columns']}{key['include'] or ''}{key['nulls'] or ''}"
    yield f"CREATE UNIQUE INDEX CONCURRENTLY {index} ON {table} {columns}"
    yield (
        f"{before}ALTER TABLE {table}\n"
        f"    ADD CONSTRAINT {constraint} {key['kind']} USING INDEX {index}{key['rest']}"
    )


def _column(change: Change, filled: bool) -> Iterator[str]:
    """A default before NOT NULL, and between the two the rows that have no value."""
    old, new = change.old, change.new
    table, column = name(change.table), name(change.name)
    if not new.not_null or old.not_null:
        yield statements.sql(change)
    elif filled:
        yield f"ALTER TABLE {table} ALTER COLUMN {column} SET DEFAULT {new.default}"
    if filled:
        yield _fill(table, column, "DEFAULT")
    elif change.fill:
        yield _fill(table, column, f"({change.fill.value})")
    if new.not_null and not old.not_null:
        # From PostgreSQL 18 on NOT NULL has a name, which would be items_name_not_null1 where the
        # check has the one that PostgreSQL would choose.
        check = name(suffixed(f"{change.table}_{change.name}", "_not_null_check"))
        checked = f"ADD CONSTRAINT {check} CHECK ({column} IS NOT NULL) NOT VALID"
        yield f"ALTER TABLE {table}\n    {checked}"
        yield f"ALTER TABLE {table} VALIDATE CONSTRAINT {check}"
        yield f"ALTER TABLE {table}\n    ALTER COLUMN {column} SET NOT NULL"
        yield f"ALTER TABLE {table} DROP CONSTRAINT {check}"


def _fill(table: str, column: str, value: str) -> str:
    return FILL.format(
        relation=literal(table),
        table=table,
        column=column,
        value=value,
        pages=PAGES,
        passes=PASSES,
        quotes="$fill$" if "$$" in value else "$$",
    )


SWAPS = {
    Kind.INDEX: _swapped_index,
    Kind.CONSTRAINT: _swapped_constraint,
    Kind.FOREIGN_KEY: _swapped_constraint,
}
