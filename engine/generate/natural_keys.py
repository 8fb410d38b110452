"""By what the rows of a schema are known: natural keys, and references as look-ups by these."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.errors import GenerateError
from engine.schema.model import Constraint, Index, Schema, Table
from engine.schema.quoting import unquoted
from engine.schema.sequences import is_counted

Row = dict[str, str | None]
NAME = r'(?:"(?:[^"]|"")+"|[\w$]+)'
REFERENCE = re.compile(rf"FOREIGN KEY \(({NAME})\) REFERENCES ({NAME})\(({NAME})\)")
NAMES = rf"\(({NAME}(?:, {NAME})*)\)"
PLAIN_UNIQUE = re.compile(rf"(?:CREATE UNIQUE INDEX {NAME} ON {NAME} USING btree|UNIQUE) {NAMES}")
PRIMARY_KEY = re.compile(rf"PRIMARY KEY {NAMES}")


@dataclass(frozen=True)
class NaturalKeys:
    """By what the rows of a schema are known.

    declared: natural keys that seeds gave, by table. expressions: SQL that they gave for a column
    of a row, by (table, column, values of the natural key as text).
    """

    schema: Schema
    declared: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    expressions: Mapping[tuple[str, str, tuple[str | None, ...]], str] = field(default_factory=dict)

    def of(self, table: str) -> tuple[str, ...]:
        """The natural key: declared, or the first that is unique over plain columns. Raises
        GenerateError where there is none."""
        if table in self.declared:
            return self.declared[table]
        definition = self.schema.tables[table]
        if natural := _primary_key(definition):
            return natural
        parts: list[Index | Constraint] = [
            *definition.indexes.values(),
            *definition.constraints.values(),
        ]
        for part in parts:
            if match := PLAIN_UNIQUE.fullmatch(part.definition):
                return _names(match[1])
        raise GenerateError(
            f"rows of the table {table} are seeded, but nothing tells them apart.",
            fix="seed them with seeder.ensure(Model, rows, key=…), or give the table a unique "
            "index over plain columns.",
        )

    def references(self, table: str) -> dict[str, tuple[str, str]]:
        """Column to (table, column) of the foreign keys that refer to a drawn identity."""
        references = {}
        for constraint in self.schema.tables[table].constraints.values():
            if match := REFERENCE.match(constraint.definition):
                column, target, target_column = map(unquoted, match.groups())
                if is_counted(self.schema.tables[target].columns[target_column]):
                    references[column] = (target, target_column)
        return references


def identity_of(table: Table, row: Row) -> str:
    """By what a row is the same row before and after: its identity, or its natural primary key."""
    identities = [row[c.name] for c in table.columns.values() if is_counted(c)]
    if identities:
        return str(identities[0])
    return repr([row[column] for column in _primary_key(table) or table.columns])


def _primary_key(table: Table) -> tuple[str, ...]:
    """The columns of a primary key that is not drawn; empty where there is none."""
    for constraint in table.constraints.values():
        if match := PRIMARY_KEY.fullmatch(constraint.definition):
            names = _names(match[1])
            return () if any(is_counted(table.columns[name]) for name in names) else names
    return ()


def _names(text: str) -> tuple[str, ...]:
    """The names of a list of columns, as they are without quotes."""
    return tuple(map(unquoted, re.findall(NAME, text)))
