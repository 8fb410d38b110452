"""A schema as an immutable value: what PostgreSQL's catalogs say, and nothing else.

Two schemas are the same when they compare equal. Definitions are PostgreSQL's own texts, so they
may be compared between databases of one server version, never with a text that a person wrote.
The order of columns is kept for printing and does not count in a comparison (dicts ignore it).
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Enum:
    """An ENUM type; the order of its labels is their sort order."""

    name: str
    labels: tuple[str, ...]
    comment: str | None = None


@dataclass(frozen=True)
class Function:
    """A function or procedure. name: with the argument types that tell it from its namesakes.

    after_tables: its signature or SQL body may need tables, so it cannot be made before them.
    """

    name: str
    kind: str
    definition: str
    after_tables: bool = False
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


@dataclass(frozen=True)
class Schema:
    """Everything that the engine manages in one PostgreSQL schema, each by its name."""

    extensions: frozenset[str] = frozenset()
    enums: dict[str, Enum] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)
