"""What the pages tell, as values: domains, their tables, and how these hang together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Reference:
    """A foreign key. columns of the table that has it; target: the table that it refers to.
    on_delete: `CASCADE`, `RESTRICT`, `SET NULL`, or empty. optional: whether it may be NULL."""

    name: str
    table: str
    columns: tuple[str, ...]
    target: str
    on_delete: str
    optional: bool


@dataclass(frozen=True)
class ColumnFacts:
    """A column. default: an SQL expression or empty. keys: of `PK`, `FK` and `UK`."""

    name: str
    type: str
    nullable: bool
    default: str
    comment: str
    keys: tuple[str, ...]


@dataclass(frozen=True)
class RuleFacts:
    """A CHECK, an EXCLUDE, an index or a trigger: its name, in words, and as PostgreSQL has it."""

    name: str
    words: str
    definition: str


@dataclass(frozen=True)
class TableFacts:
    """A table of a domain. parents: tables that it refers to; children: those that refer to it.
    rights: what each role may do with it, by the role's name."""

    name: str
    domain: str
    comment: str
    columns: tuple[ColumnFacts, ...]
    parents: tuple[Reference, ...]
    children: tuple[Reference, ...]
    checks: tuple[RuleFacts, ...]
    indexes: tuple[RuleFacts, ...]
    triggers: tuple[RuleFacts, ...]
    rights: tuple[RuleFacts, ...]


@dataclass(frozen=True)
class EnumFacts:
    """An ENUM type and its values in order."""

    name: str
    labels: tuple[str, ...]
    comment: str


@dataclass(frozen=True)
class MachineFacts:
    """A status machine: the column it governs, and the moves that it allows; an empty `before` is
    a new row. final: statuses that nothing follows."""

    table: str
    column: str
    moves: tuple[tuple[str, str], ...]
    final: tuple[str, ...]


DRAWN_AT_MOST = 40


@dataclass(frozen=True)
class DomainFacts:
    """A domain. seeds: what each of its seed functions says of itself."""

    name: str
    description: str
    requires: tuple[str, ...]
    tables: tuple[TableFacts, ...]
    enums: tuple[EnumFacts, ...]
    machines: tuple[MachineFacts, ...]
    permissions: tuple[str, ...]
    seeds: tuple[str, ...]

    @property
    def is_drawable(self) -> bool:
        """Whether one diagram of its tables could still be read."""
        return len(self.tables) <= DRAWN_AT_MOST


@dataclass(frozen=True)
class Coverage:
    """How many things of a kind have a comment, of how many."""

    kind: str
    commented: int
    total: int


@dataclass(frozen=True)
class SchemaFacts:
    """Everything. version: PostgreSQL's major version that was asked. sql: the schema as
    statements."""

    title: str
    version: int
    domains: tuple[DomainFacts, ...]
    coverage: tuple[Coverage, ...]
    sql: str

    def tables(self) -> Mapping[str, TableFacts]:
        """All tables by name."""
        return {table.name: table for domain in self.domains for table in domain.tables}


def count(tables: Mapping[str, TableFacts]) -> Mapping[str, int]:
    """How many tables, columns, foreign keys, indexes and triggers there are."""
    values = tables.values()
    return {
        "tables": len(values),
        "columns": sum(len(table.columns) for table in values),
        "foreign keys": sum(len(table.parents) for table in values),
        "indexes": sum(len(table.indexes) for table in values),
        "triggers": sum(len(table.triggers) for table in values),
    }
