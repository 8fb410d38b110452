"""The statements of the online form: each stands alone, and short locks are all that they take."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from engine.diff.change import Action, Change
from engine.schema.kinds import Key, Kind
from engine.schema.model import Constraint, Index, Schema
from engine.schema.quoting import literal, name, suffixed
from engine.schema.table_settings import GIVEN, LACKING
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
                WHERE {column} {lacking} AND ctid >= format('(%s,0)', pages.page)::tid
                  AND ctid < format('(%s,0)', pages.page + {pages})::tid
                FOR NO KEY UPDATE SKIP LOCKED));
            COMMIT;
        END LOOP;
        EXIT WHEN NOT EXISTS (SELECT FROM {table} WHERE {column} {lacking});
        PERFORM pg_sleep(0.1);
    END LOOP;
    UPDATE {table} SET {column} = {value} WHERE {column} {lacking};
END
{quotes}"""


@dataclass(frozen=True)
class Paired:
    """A statement that stands alone, and what undoes it, one statement after the other."""

    sql: str
    back: tuple[str, ...] = ()


class Undo:
    """Knows how each change of a plan is undone by itself; this one says nothing of it."""

    def of(self, change: Change) -> tuple[str, ...]:
        """The statements that undo it."""
        return ()

    def again(self, key: Key) -> tuple[str, ...]:
        """What comes again with an object that the plan drops, such as its comment."""
        return ()


UNASKED = Undo()


def online_statements(
    changes: Iterable[Change],
    old: Schema,
    filled: Collection[Key] = (),
    undo: Undo = UNASKED,
) -> Iterator[tuple[Change, Paired]]:
    """(change, statement) for changes in order. old: the schema before them. filled: columns
    that are new, so that every row gets the default. undo: for what undoes each statement."""
    # "column b is in a primary key", as long as the key is there that is swapped for another.
    plan = sorted(changes, key=only_takes_not_null_away)
    swapped = _swapped(plan, old)
    dropped = {change.key: change for change in plan if change.action is Action.DROP}
    for change in plan:
        if not _spares(change, old):
            yield change, Paired(statements.sql(change), undo.of(change))
        elif change.key not in swapped:
            yield from ((change, pair) for pair in _alone(change, filled, undo.of(change)))
        elif change.action is Action.CREATE:
            swap, before = SWAPS[change.kind], dropped[change.key].old
            yield from ((change, pair) for pair in swap(change, before, undo.again(change.key)))


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


def _alone(change: Change, filled: Collection[Key], back: tuple[str, ...]) -> Iterator[Paired]:
    """back: what undoes all of it."""
    form = constraint_form(change) if change.action is Action.CREATE else None
    if form:
        yield from _constraint(change, form, "", back)
    elif change.kind is Kind.INDEX:
        yield Paired(_concurrently(statements.sql(change)), back)
    elif change.does(Action.ALTER, Kind.COLUMN):
        yield from _column(change, change.key in filled, back)
    else:
        yield Paired(statements.sql(change), back)


def _concurrently(sql: str) -> str:
    return sql.replace("INDEX ", "INDEX CONCURRENTLY ", 1)


def _swapped_index(change: Change, before: Index, again: tuple[str, ...]) -> Iterator[Paired]:
    """The new one is there before the old one goes; and on the way back the other way round."""
    index, new = name(change.name), name(suffixed(change.name, "_new"))
    made = _concurrently(statements.sql(change)).replace(f" {index} ON ", f" {new} ON ", 1)
    yield Paired(made, (f"DROP INDEX CONCURRENTLY {new}",))
    old = _concurrently(statements.sql(replace(change, new=before)))
    yield Paired(f"DROP INDEX CONCURRENTLY {index}", (old, *again))
    renamed = f"ALTER INDEX {new} RENAME TO {index}"
    yield Paired(renamed, (f"ALTER INDEX {index} RENAME TO {new}",))


def _swapped_constraint(
    change: Change, before: Constraint, again: tuple[str, ...]
) -> Iterator[Paired]:
    """before: the one of that name that goes. again: what comes again with it."""
    mirror = replace(change, old=change.new, new=before)
    back = (*_swap(mirror), *again)
    form = constraint_form(change)
    if form:
        yield from _constraint(change, form, _drop_first(change), back)
    else:
        (statement,) = _swap(change)
        yield Paired(statement, back)


def _swap(change: Change) -> list[str]:
    """The statements that put the new constraint in the place of the old one."""
    form, drop = constraint_form(change), _drop_first(change)
    if form:
        return [pair.sql for pair in _constraint(change, form, drop, ())]
    table, constraint = name(change.table), name(change.name)
    return [f"{drop}ALTER TABLE {table}\n    ADD CONSTRAINT {constraint} {change.new.definition}"]


def _drop_first(change: Change) -> str:
    """In one step, so in one transaction: nobody sees the table without it. Two statements, for
    Citus: "cannot execute ADD CONSTRAINT command with other subcommands"."""
    return f"ALTER TABLE {name(change.table)} DROP CONSTRAINT {name(change.name)};\n"


def _constraint(
    change: Change, form: OnlineForm, before: str, back: tuple[str, ...]
) -> Iterator[Paired]:
    """before: a statement that goes before the one that adds it, in the same step. back: what
    undoes that step."""
    table, constraint = name(change.table), name(change.name)
    definition = change.new.definition
    if form is OnlineForm.VALIDATE:
        added = f"ADD CONSTRAINT {constraint} {definition} NOT VALID"
        yield Paired(f"{before}ALTER TABLE {table}\n    {added}", back)
        yield Paired(f"ALTER TABLE {table} VALIDATE CONSTRAINT {constraint}")
        return
    key = KEY.fullmatch(definition)
    assert key is not None
    index = name(suffixed(change.name, "_new")) if before else constraint
    columns = f"{key['columns']}{key['include'] or ''}{key['nulls'] or ''}"
    # The constraint takes the index over, and along when it is dropped.
    yield Paired(
        f"CREATE UNIQUE INDEX CONCURRENTLY {index} ON {table} {columns}",
        (f"DROP INDEX CONCURRENTLY IF EXISTS {index}",),
    )
    yield Paired(
        f"{before}ALTER TABLE {table}\n"
        f"    ADD CONSTRAINT {constraint} {key['kind']} USING INDEX {index}{key['rest']}",
        back,
    )


def _column(change: Change, filled: bool, back: tuple[str, ...]) -> Iterator[Paired]:
    """A default before NOT NULL, and between the two the rows that have no value. back: what undoes
    all of it."""
    old, new = change.old, change.new
    table, column = name(change.table), name(change.name)
    altered = f"ALTER TABLE {table} ALTER COLUMN {column}"
    if not new.not_null or old.not_null:
        yield Paired(statements.sql(change), back)
    elif filled and new.default != old.default:
        undo = f"SET DEFAULT {old.default}" if old.default else "DROP DEFAULT"
        yield Paired(f"{altered} SET DEFAULT {new.default}", (f"{altered} {undo}",))
    if filled:
        yield Paired(_fill(table, column, "DEFAULT"))
    elif change.fill:
        yield Paired(_fill(table, column, f"({change.fill.value})"))
    if new.not_null and not old.not_null:
        # From PostgreSQL 18 on NOT NULL has a name, which would be items_name_not_null1 where the
        # check has the one that PostgreSQL would choose.
        check = name(suffixed(f"{change.table}_{change.name}", "_not_null_check"))
        checked = f"ADD CONSTRAINT {check} CHECK ({column} {GIVEN}) NOT VALID"
        drop = f"ALTER TABLE {table} DROP CONSTRAINT"
        yield Paired(f"ALTER TABLE {table}\n    {checked}", (f"{drop} IF EXISTS {check}",))
        yield Paired(f"ALTER TABLE {table} VALIDATE CONSTRAINT {check}")
        altered = f"ALTER TABLE {table}\n    ALTER COLUMN {column}"
        yield Paired(f"{altered} SET NOT NULL", (f"{altered} DROP NOT NULL",))
        yield Paired(f"{drop} {check}")


def _fill(table: str, column: str, value: str) -> str:
    return FILL.format(
        relation=literal(table),
        table=table,
        column=column,
        value=value,
        lacking=LACKING,
        pages=PAGES,
        passes=PASSES,
        quotes="$fill$" if "$$" in value else "$$",
    )


SWAPS: dict[Kind, Callable[[Change, Any, tuple[str, ...]], Iterator[Paired]]] = {
    Kind.INDEX: _swapped_index,
    Kind.CONSTRAINT: _swapped_constraint,
    Kind.FOREIGN_KEY: _swapped_constraint,
}
