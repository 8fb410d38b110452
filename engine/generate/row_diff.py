"""The rows of seeded tables as values, their differences, and those differences as SQL.

A row is known by its natural key. A foreign key is written as a look-up by the natural key of the
row it refers to, so that the statements mean the same in every database.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from engine.diff.ordering import places
from engine.generate.natural_keys import Row, Tables, identity_of
from engine.schema.model import Column, Table
from engine.schema.quoting import literal, name
from engine.schema.sequences import is_counted

Comparable = dict[str, list[list[tuple[str, Any]]]]
LONGEST_LINE = 100
BARE = re.compile(r"smallint|integer|bigint|numeric.*|boolean")


@dataclass(frozen=True)
class Snapshot:
    """All rows at one moment, by table and identity, with what the defaults were worth then."""

    tables: Tables
    rows: dict[str, dict[str, Row]]
    defaults: dict[str, Row]

    def comparable(self) -> Comparable:
        """The rows without what differs from run to run: identities, moments, drawn values."""
        return {
            table: sorted(([*self._settled(table, row)] for row in rows.values()), key=repr)
            for table, rows in self.rows.items()
            if rows
        }

    def _settled(self, table: str, row: Row) -> Iterator[tuple[str, Any]]:
        references = self.tables.references(table)
        for column in self.tables.schema.tables[table].columns.values():
            value = row[column.name]
            drawn = is_counted(column) or "(" in (column.default or "")
            if drawn or self.expression(table, column.name, row):
                continue
            if value is not None and column.name in references:
                target, _ = references[column.name]
                yield column.name, self._natural(target, value)
            else:
                yield column.name, value

    def _natural(self, table: str, identity: str) -> Any:
        row = self.rows[table][identity]
        references = self.tables.references(table)
        return [
            self._natural(references[column][0], value)
            if column in references and (value := row[column]) is not None
            else row[column]
            for column in self.tables.key(table)
        ]

    def expression(self, table: str, column: str, row: Row) -> str | None:
        """The SQL that the seed function gave for this column of this row."""
        if table not in self.tables.keys:
            return None
        key = tuple(row[part] for part in self.tables.keys[table])
        return self.tables.expressions.get((table, column, key))

    def where(self, table: str, row: Row) -> str:
        """The condition that finds the row in any database."""
        conditions = []
        for column in self.tables.key(table):
            value = self.value(table, column, row[column])
            conditions.append(
                f"{name(column)} IS NULL" if value == "NULL" else f"{name(column)} = {value}"
            )
        return " AND ".join(conditions)

    def value(self, table: str, column: str, text: str | None) -> str:
        """A column's value as SQL."""
        reference = self.tables.references(table).get(column)
        if text is None:
            return "NULL"
        if reference:
            target, key = reference
            row = self.rows[target][text]
            return f"(SELECT {name(key)} FROM {name(target)} WHERE {self.where(target, row)})"
        kind = self.tables.schema.tables[table].columns[column].type
        return text if BARE.fullmatch(kind) else literal(text)


def read(cursor: Any, tables: Tables) -> Snapshot:
    """All rows, and the defaults of the columns, as one psycopg2 cursor sees them now."""
    rows: dict[str, dict[str, Row]] = {}
    defaults: dict[str, Row] = {}
    for table in tables.schema.tables.values():
        columns = ", ".join(f"{name(column)}::text" for column in table.columns)
        order = next((name(c.name) for c in table.columns.values() if is_counted(c)), "1")
        cursor.execute(f"SELECT {columns} FROM {name(table.name)} ORDER BY {order}")
        found = [dict(zip(table.columns, row, strict=True)) for row in cursor.fetchall()]
        rows[table.name] = {identity_of(table, row): row for row in found}
        defaults[table.name] = _defaults(cursor, table) if found else {}
    return Snapshot(tables, rows, defaults)


def changes(
    before: Snapshot, after: Snapshot, rank: Callable[[str], int]
) -> Iterator[tuple[str, str]]:
    """(table, statement) for each step from the rows before to those after.

    rank: the place of a table's domain in dependency order; inside a domain the foreign keys say.
    """
    position = places(after.tables.schema.tables)
    tables = sorted(after.rows, key=lambda table: (rank(table), position[table]))
    for table in tables:
        old, new = before.rows.get(table, {}), after.rows[table]
        added = [row for identity, row in new.items() if identity not in old]
        for statement in _inserts(after, table, added):
            yield table, statement
        for identity in new:
            if identity in old:
                for statement in _updates(before, after, table, old[identity], new[identity]):
                    yield table, statement
    for table in reversed(tables):
        gone = [
            row for key, row in before.rows.get(table, {}).items() if key not in after.rows[table]
        ]
        if gone:
            conditions = (before.where(table, row) for row in reversed(gone))
            yield table, f"DELETE FROM {name(table)}\nWHERE " + "\n   OR ".join(conditions)


def differences(got: Comparable, expected: Comparable) -> list[str]:
    """The rows that one side lacks, a line each."""
    lines = []
    for table in sorted(got.keys() | expected.keys()):
        ours, theirs = got.get(table, []), expected.get(table, [])
        lines += [f"{table}: there is {dict(row)}" for row in ours if row not in theirs]
        lines += [f"{table}: there is no {dict(row)}" for row in theirs if row not in ours]
    return lines


def _defaults(cursor: Any, table: Table) -> Row:
    columns = [column for column in table.columns.values() if column.default is not None]
    if not columns:
        return {}
    cursor.execute("SELECT " + ", ".join(f"({column.default})::text" for column in columns))
    return dict(zip((column.name for column in columns), cursor.fetchone(), strict=True))


def _inserts(after: Snapshot, table: str, rows: list[Row]) -> Iterator[str]:
    """One INSERT for all new rows that give the same columns; one of its own for a row that refers
    to another of its table, which has to be there before."""
    groups: dict[tuple[tuple[str, ...], int], list[Row]] = {}
    own = [c for c, (target, _) in after.tables.references(table).items() if target == table]
    for number, row in enumerate(rows, start=1):
        columns = tuple(column.name for column in _given(after, table, row))
        alone = number if any(row[column] for column in own) else 0
        groups.setdefault((columns, alone), []).append(row)
    for (columns, _), members in groups.items():
        lines = []
        for row in members:
            values = [
                after.expression(table, column, row) or after.value(table, column, row[column])
                for column in columns
            ]
            line = f"    ({', '.join(values)})"
            if len(line) > LONGEST_LINE:
                line = "    (\n        " + ",\n        ".join(values) + "\n    )"
            lines.append(line)
        yield (
            f"INSERT INTO {name(table)} ({', '.join(map(name, columns))}) VALUES\n"
            + ",\n".join(lines)
            + "\nON CONFLICT DO NOTHING"
        )


def _given(after: Snapshot, table: str, row: Row) -> list[Column]:
    """The columns that an INSERT has to give: not the identity, and not what a default gives."""
    defaults = after.defaults[table]
    return [
        column
        for column in after.tables.schema.tables[table].columns.values()
        if not is_counted(column)
        and not column.generated
        and row[column.name] != defaults.get(column.name)
    ]


def _updates(before: Snapshot, after: Snapshot, table: str, old: Row, new: Row) -> Iterator[str]:
    """One UPDATE for each column, so that an edit of one does not keep the others back."""
    for column in after.tables.schema.tables[table].columns.values():
        value = new[column.name]
        drawn = "(" in (column.default or "")  # created_at and the like follow by themselves
        if old.get(column.name) == value or column.generated or drawn:
            continue
        held = before.value(table, column.name, old.get(column.name))
        yield (
            f"UPDATE {name(table)} SET {name(column.name)} = "
            f"{after.value(table, column.name, value)}\n"
            f"WHERE {after.where(table, new)} AND {name(column.name)} IS NOT DISTINCT FROM {held}"
        )
