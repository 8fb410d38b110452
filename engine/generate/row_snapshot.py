"""The rows of seeded tables as values.

A row is known by its natural key. A foreign key is written as a look-up by the natural key of the
row it refers to, so that the statements mean the same in every database.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from engine.generate.natural_keys import NaturalKeys, Row, identity_of
from engine.schema.model import Table
from engine.schema.quoting import literal, name
from engine.schema.sequences import is_counted

Comparable = dict[str, list[list[tuple[str, Any]]]]
BARE = re.compile(r"smallint|integer|bigint|numeric.*|boolean")


@dataclass(frozen=True)
class Snapshot:
    """All rows at one moment, by table and identity, with what the defaults were worth then."""

    keys: NaturalKeys
    rows: dict[str, dict[str, Row]]
    defaults: dict[str, Row]

    def comparable(self) -> Comparable:
        """The rows without what differs from run to run: identities, moments, drawn values."""
        comparable: Comparable = {}
        for table, rows in self.rows.items():
            if rows:
                settled = [list(self._settled(table, row)) for row in rows.values()]
                comparable[table] = sorted(settled, key=repr)
        return comparable

    def _settled(self, table: str, row: Row) -> Iterator[tuple[str, Any]]:
        references = self.keys.references(table)
        for column in self.keys.schema.tables[table].columns.values():
            value = row[column.name]
            drawn = is_counted(column) or "(" in (column.default or "")
            if drawn or self.expression(table, column.name, row):
                continue
            if value is not None and column.name in references:
                target, _ = references[column.name]
                yield column.name, self._natural(target, value)
            else:
                yield column.name, value

    def _natural(self, table: str, identity: str) -> list[Any]:
        """The natural key of a row; of a row that this refers to, its natural key in turn."""
        row = self.rows[table][identity]
        references = self.keys.references(table)
        values: list[Any] = []
        for column in self.keys.of(table):
            value = row[column]
            if value is not None and column in references:
                target, _ = references[column]
                values.append(self._natural(target, value))
            else:
                values.append(value)
        return values

    def expression(self, table: str, column: str, row: Row) -> str | None:
        """The SQL that the seed function gave for this column of this row."""
        if table not in self.keys.declared:
            return None
        key = tuple(row[part] for part in self.keys.declared[table])
        return self.keys.expressions.get((table, column, key))

    def where(self, table: str, row: Row) -> str:
        """The condition that finds the row in any database."""
        conditions = []
        for column in self.keys.of(table):
            value = self.value(table, column, row[column])
            conditions.append(
                f"{name(column)} IS NULL" if value == "NULL" else f"{name(column)} = {value}"
            )
        return " AND ".join(conditions)

    def value(self, table: str, column: str, text: str | None) -> str:
        """A column's value as SQL."""
        reference = self.keys.references(table).get(column)
        if text is None:
            return "NULL"
        if reference:
            target, key = reference
            row = self.rows[target][text]
            return f"(SELECT {name(key)} FROM {name(target)} WHERE {self.where(target, row)})"
        kind = self.keys.schema.tables[table].columns[column].type
        return text if BARE.fullmatch(kind) else literal(text)


def read(cursor: Any, keys: NaturalKeys) -> Snapshot:
    """All rows, in the order of their identities, and the defaults of the columns, as one psycopg2
    cursor sees them now."""
    rows: dict[str, dict[str, Row]] = {}
    defaults: dict[str, Row] = {}
    for table in keys.schema.tables.values():
        rows[table.name] = _rows(cursor, table) if table.columns else {}
        defaults[table.name] = _defaults(cursor, table) if rows[table.name] else {}
    return Snapshot(keys, rows, defaults)


def _rows(cursor: Any, table: Table) -> dict[str, Row]:
    """By identity. A bare name in ORDER BY would mean the column of the result, which is text, and
    sort 10 before 2: SELECT id::text FROM t ORDER BY id."""
    columns = ", ".join(f"{name(column)}::text" for column in table.columns)
    order = "1"
    for column in table.columns.values():
        if is_counted(column):
            order = f"{name(table.name)}.{name(column.name)}"
    cursor.execute(f"SELECT {columns} FROM {name(table.name)} ORDER BY {order}")
    rows = {}
    for values in cursor.fetchall():
        row = dict(zip(table.columns, values, strict=True))
        rows[identity_of(table, row)] = row
    return rows


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
