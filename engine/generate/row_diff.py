"""The difference between the rows at two moments, as SQL."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from engine.diff.ordering import places, sorted_numbers
from engine.generate.natural_keys import Row
from engine.generate.row_snapshot import Snapshot
from engine.schema.model import Column
from engine.schema.quoting import name
from engine.schema.sequences import is_counted
from engine.sql.text_forms import masked

LONGEST_LINE = 100
SELECT = re.compile(r"\bSELECT\b", re.IGNORECASE)


def changes(
    before: Snapshot, after: Snapshot, rank: Callable[[str], int]
) -> Iterator[tuple[str, str]]:
    """(table, statement) for each step from the rows before to those after.

    rank: the place of a table's domain in dependency order; inside a domain the foreign keys say.
    """
    tables = _ordered(after, rank)
    steps = _Steps(before, after)
    for table in tables:
        for statement in steps.kept_and_added(table):
            yield table, statement
    yield from steps.late
    for table in tables:
        for statement in steps.let_go(table, tables):
            yield table, statement
    for table in reversed(tables):
        for statement in steps.deletes(table):
            yield table, statement


def _ordered(after: Snapshot, rank: Callable[[str], int]) -> list[str]:
    """The tables, each after those to which its rows have to refer. In a circle of references
    those that may be NULL give way: INSERT INTO a (b) …, where the row of b needs that of a."""
    schema = after.keys.schema
    position = places(schema.tables)
    tables = list(after.rows)
    numbers = {table: number for number, table in enumerate(tables)}
    needed = set()
    for table, number in numbers.items():
        for column, (target, _) in after.keys.references(table).items():
            if target != table and schema.tables[table].columns[column].not_null:
                needed.add((numbers[target], number))
    order = sorted_numbers([(rank(table), position[table]) for table in tables], needed)
    return [tables[number] for number in order]


class _Steps:
    """The statements of each table, and those that have to wait for the rows of another one.

    now: the rows of both moments, those that stay as they are afterwards: an UPDATE or a DELETE
    finds what it refers to by the key that this has by then. late: (table, statement).
    """

    def __init__(self, before: Snapshot, after: Snapshot) -> None:
        self.before = before
        self.after = after
        rows = {table: before.rows.get(table, {}) | new for table, new in after.rows.items()}
        self.now = replace(after, rows=rows)
        self.there = {table: set(rows) for table, rows in before.rows.items()}
        self.late: list[tuple[str, str]] = []

    def kept_and_added(self, table: str) -> Iterator[str]:
        """The new rows of a table, then what has changed in those that stay."""
        old, new = self.before.rows.get(table, {}), self.after.rows[table]
        there = self.there.setdefault(table, set())
        added = []
        for identity, row in new.items():
            if identity not in old:
                added.append(self._without_what_is_late(table, row))
                there.add(identity)
        yield from _inserts(self.after, table, added)
        for identity in new:
            if identity in old:
                yield from self._updates(table, old[identity], new[identity])

    def _without_what_is_late(self, table: str, row: Row) -> Row:
        """The row as it can be inserted: what it refers to may be inserted only after it."""
        inserted = dict(row)
        for column in self.after.keys.schema.tables[table].columns.values():
            value = row[column.name]
            if column.not_null or not self._is_late(table, column.name, value):
                continue
            if column.name not in self.after.keys.of(table):
                inserted[column.name] = None
                self.late.append((table, self._update(table, row, column.name, None, value)))
        return inserted

    def _is_late(self, table: str, column: str, value: str | None) -> bool:
        """Whether it refers to a row that is not there yet."""
        reference = self.after.keys.references(table).get(column)
        return bool(reference and value and value not in self.there.get(reference[0], set()))

    def _updates(self, table: str, old: Row, new: Row) -> Iterator[str]:
        """One UPDATE for each column, so that an edit of one does not keep the others back. The
        columns of the natural key may be among them, so the row is known by what it is so far."""
        changed = list(_changed(self.after, table, old, new))
        late = [column for column in changed if self._is_late(table, column, new[column])]
        row = new | {column: old.get(column) for column in changed}
        for column in changed:
            if column not in late:
                yield self._update(table, row, column, row[column], new[column])
                row[column] = new[column]
        for column in late:
            update = self._update(table, row, column, row[column], new[column])
            self.late.append((table, update))
            row[column] = new[column]

    def _update(
        self, table: str, row: Row, column: str, known: str | None, value: str | None
    ) -> str:
        return (
            f"UPDATE {name(table)} SET {name(column)} = {self.now.value(table, column, value)}\n"
            f"WHERE {self.now.where(table, row)} AND {name(column)} IS NOT DISTINCT FROM "
            f"{self.now.value(table, column, known)}"
        )

    def let_go(self, table: str, tables: list[str]) -> Iterator[str]:
        """What lets a row that goes lose sight of one of a later table, which goes before it."""
        schema = self.after.keys.schema.tables[table]
        for column, (target, _) in self.after.keys.references(table).items():
            if schema.columns[column].not_null or tables.index(target) <= tables.index(table):
                continue
            gone = self._gone(target)
            for row in self._gone(table).values():
                value = row[column]
                if value in gone:
                    yield self._update(table, row, column, value, None)

    def deletes(self, table: str) -> Iterator[str]:
        """One DELETE for the rows that are gone, the last one first."""
        if gone := self._gone(table):
            conditions = (self.now.where(table, row) for row in reversed(gone.values()))
            yield f"DELETE FROM {name(table)}\nWHERE " + "\n   OR ".join(conditions)

    def _gone(self, table: str) -> dict[str, Row]:
        new = self.after.rows[table]
        old = self.before.rows.get(table, {})
        return {identity: row for identity, row in old.items() if identity not in new}


def _inserts(after: Snapshot, table: str, rows: list[Row]) -> Iterator[str]:
    """One INSERT for the new rows in a row that give the same columns, so that they get their
    identities in the order in which the seed inserted them."""
    for columns, together in _together(after, table, rows):
        given = [_values(after, table, columns, row) for row in together]
        if not columns:
            what = " DEFAULT VALUES"
        elif _looks_up(given[0]):
            what = f" ({', '.join(map(name, columns))})\nSELECT\n    " + ",\n    ".join(given[0])
        else:
            lines = ",\n".join(map(_line, given))
            what = f" ({', '.join(map(name, columns))}) VALUES\n{lines}"
        yield f"INSERT INTO {name(table)}{what}\nON CONFLICT DO NOTHING"


def _together(
    after: Snapshot, table: str, rows: list[Row]
) -> list[tuple[tuple[str, ...], list[Row]]]:
    """(columns, rows) for each INSERT. A row that looks up another one has an INSERT of its own: of
    the same table, for the look-up does not see what the same statement inserts; of any, for Citus:
    "subqueries are not supported within INSERT queries" that have VALUES. So has a row that gives
    no column at all: INSERT … VALUES () is no SQL."""
    together: list[tuple[tuple[str, ...], list[Row]]] = []
    open_columns: tuple[str, ...] = ()
    for row in rows:
        columns = tuple(column.name for column in _given(after, table, row))
        alone = not columns or _looks_up(_values(after, table, columns, row))
        if columns == open_columns and not alone:
            together[-1][1].append(row)
            continue
        together.append((columns, [row]))
        open_columns = () if alone else columns
    return together


def _values(after: Snapshot, table: str, columns: tuple[str, ...], row: Row) -> list[str]:
    """What the row gives for these columns, as SQL."""
    return [
        after.expression(table, column, row) or after.value(table, column, row[column])
        for column in columns
    ]


def _looks_up(values: list[str]) -> bool:
    """Whether one of them is asked of a table."""
    return any(SELECT.search(masked(value)) for value in values)


def _line(values: list[str]) -> str:
    """A row of VALUES: in one line, or a line for each."""
    line = f"    ({', '.join(values)})"
    if len(line) > LONGEST_LINE:
        line = "    (\n        " + ",\n        ".join(values) + "\n    )"
    return line


def _given(after: Snapshot, table: str, row: Row) -> list[Column]:
    """The columns that an INSERT has to give: not the identity, and not what a default gives."""
    defaults = after.defaults[table]
    return [
        column
        for column in after.keys.schema.tables[table].columns.values()
        if not is_counted(column)
        and not column.generated
        and row[column.name] != defaults.get(column.name)
    ]


def _changed(after: Snapshot, table: str, old: Row, new: Row) -> Iterator[str]:
    """The names of the columns that have another value."""
    for column in after.keys.schema.tables[table].columns.values():
        drawn = "(" in (column.default or "")  # created_at and the like follow by themselves
        if old.get(column.name) != new[column.name] and not (column.generated or drawn):
            yield column.name
