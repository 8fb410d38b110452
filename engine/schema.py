"""A schema as an immutable value: what PostgreSQL's catalogs say, and nothing else.

Two schemas are the same when they compare equal. Definitions are PostgreSQL's own texts, so they
may be compared between databases of one server version, never with a text that a person wrote.
The order of columns is kept for printing and does not count in a comparison (dicts ignore it).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Key = tuple[str, str, str]
"""(kind, table, name): how one object of a schema is known; table is empty where it has none."""


@dataclass(frozen=True)
class Enum:
    """An ENUM type; the order of its labels is their sort order."""

    name: str
    labels: tuple[str, ...]
    comment: str | None = None


@dataclass(frozen=True)
class Function:
    """A function or procedure. name: with the argument types that tell it from its namesakes.

    signature: what CREATE OR REPLACE cannot change: arguments with names and defaults, and result.
    """

    name: str
    kind: str
    signature: str
    definition: str
    comment: str | None = None


@dataclass(frozen=True)
class Column:
    """A column. default: an SQL expression. identity: `ALWAYS`, `BY DEFAULT` or empty.

    generated: the expression of a stored generated column, or empty.
    """

    name: str
    type: str
    not_null: bool = False
    default: str | None = None
    identity: str = ""
    generated: str = ""
    collation: str | None = None
    comment: str | None = None


@dataclass(frozen=True)
class Constraint:
    """kind: `primary key`, `unique`, `check`, `foreign key` or `exclude`.

    target: the table that a foreign key refers to, or empty.
    """

    name: str
    kind: str
    definition: str
    target: str = ""
    comment: str | None = None

    @property
    def part(self) -> str:
        """What it is called as a part of its table: a foreign key needs another table."""
        return "foreign key" if self.kind == "foreign key" else "constraint"


@dataclass(frozen=True)
class Index:
    """An index that belongs to no constraint. valid: False after a failed CONCURRENTLY."""

    name: str
    definition: str
    valid: bool = True
    comment: str | None = None


@dataclass(frozen=True)
class Trigger:
    """A trigger that somebody created (none of PostgreSQL's own for foreign keys)."""

    name: str
    definition: str
    comment: str | None = None


@dataclass(frozen=True)
class Table:
    """An ordinary table with everything that goes when it goes."""

    name: str
    columns: dict[str, Column] = field(default_factory=dict)
    constraints: dict[str, Constraint] = field(default_factory=dict)
    indexes: dict[str, Index] = field(default_factory=dict)
    triggers: dict[str, Trigger] = field(default_factory=dict)
    comment: str | None = None

    def parts(self) -> Iterator[tuple[str, Any]]:
        """(kind, part) of everything that belongs to the table."""
        yield from (("column", column) for column in self.columns.values())
        yield from ((c.part, c) for c in self.constraints.values())
        yield from (("index", index) for index in self.indexes.values())
        yield from (("trigger", trigger) for trigger in self.triggers.values())


@dataclass(frozen=True)
class Schema:
    """Everything that the engine manages in one PostgreSQL schema, each by its name.

    depends: what each object needs, as PostgreSQL recorded it; it follows from the rest, so it
    does not count in a comparison.
    """

    extensions: frozenset[str] = frozenset()
    enums: dict[str, Enum] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)
    depends: Mapping[Key, frozenset[Key]] = field(default_factory=dict, compare=False)

    def objects(self) -> Iterator[tuple[Key, Any]]:
        """Everything that may need another thing, or have a comment, by its key."""
        yield from ((("enum", "", enum.name), enum) for enum in self.enums.values())
        yield from ((("function", "", f.name), f) for f in self.functions.values())
        for table in self.tables.values():
            yield ("table", "", table.name), table
            yield from (((kind, table.name, part.name), part) for kind, part in table.parts())
