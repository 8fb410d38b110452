"""The difference between the rows at two moments, as SQL."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from engine.diff.ordering import places
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
    position = places(after.keys.schema.tables)
    tables = sorted(after.rows, key=lambda table: (rank(table), position[table]))
    for table in tables:
        for statement in _kept_and_added(before, after, table):
            yield table, statement
    for table in reversed(tables):
        for statement in _deletes(before, after, table):
            yield table, statement


def _kept_and_added(before: Snapshot, after: Snapshot, table: str) -> Iterator[str]:
    """The new rows of a table, then what has changed in those that stay."""
    old, new = before.rows.get(table, {}), after.rows[table]
    added = [row for identity, row in new.items() if identity not in old]
    yield from _inserts(after, table, added)
    for identity in new:
        if identity in old:
            yield from _updates(before, after, table, old[identity], new[identity])


def _deletes(before: Snapshot, after: Snapshot, table: str) -> Iterator[str]:
    """One DELETE for the rows that are gone, the last one first."""
    old, new = before.rows.get(table, {}), after.rows[table]
    gone = [row for identity, row in old.items() if identity not in new]
    if gone:
        conditions = (before.where(table, row) for row in reversed(gone))
        yield f"DELETE FROM {name(table)}\nWHERE " + "\n   OR ".join(conditions)


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


def _updates(before: Snapshot, after: Snapshot, table: str, old: Row, new: Row) -> Iterator[str]:
    """One UPDATE for each column, so that an edit of one does not keep the others back."""
    for column in after.keys.schema.tables[table].columns.values():
        value = new[column.name]
        drawn = "(" in (column.default or "")  # created_at and the like follow by themselves
        if old.get(column.name) == value or column.generated or drawn:
            continue
        known = before.value(table, column.name, old.get(column.name))
        yield (
            f"UPDATE {name(table)} SET {name(column.name)} = "
            f"{after.value(table, column.name, value)}\n"
            f"WHERE {after.where(table, new)} AND {name(column.name)} IS NOT DISTINCT FROM {known}"
        )
