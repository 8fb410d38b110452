"""A schema as an immutable value: what PostgreSQL's catalogs say, and nothing else.

Two schemas are the same when they compare equal. Definitions are PostgreSQL's own texts, so they
may be compared between databases of one server version, never with a text that a person wrote.
The order of columns is kept for printing and does not count in a comparison (dicts ignore it).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.schema.access import Access
from engine.schema.kinds import KINDS, ConstraintKind, Key, Kind, TriggerState


@dataclass(frozen=True)
class Enum:
    """An ENUM type; the order of its labels is their sort order."""

    name: str
    labels: tuple[str, ...]
    comment: str | None = None


@dataclass(frozen=True)
class DomainType:
    """A type made with CREATE DOMAIN. checks: the definitions of its constraints by their names."""

    name: str
    type: str
    not_null: bool = False
    default: str | None = None
    collation: str | None = None
    checks: dict[str, str] = field(default_factory=dict)
    comment: str | None = None


@dataclass(frozen=True)
class Composite:
    """A type made with CREATE TYPE … AS. attributes: the type of each by its name."""

    name: str
    attributes: dict[str, str]
    comment: str | None = None


@dataclass(frozen=True)
class Sequence:
    """A sequence; `serial` and identity columns have theirs inside. owner: the table and column
    that it goes with, or empty."""

    name: str
    type: str
    start: int
    increment: int
    minimum: int
    maximum: int
    cache: int
    cycle: bool
    owner: tuple[str, ...] = ()
    comment: str | None = None


@dataclass(frozen=True)
class Function:
    """A function or procedure, as its kind says. name: with the argument types. signature: what
    CREATE OR REPLACE cannot change: arguments with names and defaults, and result. extensions: with
    which it goes (DEPENDS ON EXTENSION)."""

    name: str
    kind: Kind
    signature: str
    definition: str
    comment: str | None = None
    extensions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Column:
    """A column. default: an SQL expression. identity: `ALWAYS`, `BY DEFAULT` or empty; numbers:
    what it counts by, where that is not what PostgreSQL would choose.

    generated: the expression of a generated column, or empty; virtual: it is computed when read.
    """

    name: str
    type: str
    not_null: bool = False
    default: str | None = None
    identity: str = ""
    generated: str = ""
    collation: str | None = None
    comment: str | None = None
    virtual: bool = False
    numbers: Sequence | None = None


@dataclass(frozen=True)
class Constraint:
    """A constraint of a table. target: the table that a foreign key refers to, or empty."""

    name: str
    kind: ConstraintKind
    definition: str
    target: str = ""
    comment: str | None = None

    @property
    def part(self) -> Kind:
        """What it is as a part of its table: a foreign key needs another table."""
        foreign = self.kind is ConstraintKind.FOREIGN_KEY
        return Kind.FOREIGN_KEY if foreign else Kind.CONSTRAINT


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
    state: TriggerState = TriggerState.ENABLE


@dataclass(frozen=True)
class Policy:
    """A policy of row-level security. definition: what follows the table in CREATE POLICY."""

    name: str
    definition: str
    comment: str | None = None


@dataclass(frozen=True)
class Setting:
    """What a statement sets and another sets back: a storage parameter, a flag. of: the key of what
    it goes with, where not the whole. extension, partition: of which it speaks, or empty."""

    name: str
    statement: str
    reset: str
    of: Key | None = None
    comment: None = None
    extension: str = ""
    partition: str = ""


@dataclass(frozen=True)
class Table:
    """A table with everything that goes when it goes. partitioned: by what, or empty; partitions
    come and go as the data does: they are no part of a schema (but see engine.drift.partitions)."""

    name: str
    columns: dict[str, Column] = field(default_factory=dict)
    constraints: dict[str, Constraint] = field(default_factory=dict)
    indexes: dict[str, Index] = field(default_factory=dict)
    triggers: dict[str, Trigger] = field(default_factory=dict)
    comment: str | None = None
    partitioned: str = ""
    policies: dict[str, Policy] = field(default_factory=dict)
    settings: dict[str, Setting] = field(default_factory=dict)

    def parts(self) -> Iterator[tuple[Kind, Any]]:
        """(kind, part) of everything that belongs to the table."""
        yield from _parts(self)


@dataclass(frozen=True)
class View:
    """A view, materialized or not, as its kind says. options: as WITH takes them.

    columns: name, type and comment of each, in their order; all else follows from the definition.
    """

    name: str
    kind: Kind
    definition: str
    options: tuple[str, ...] = ()
    columns: dict[str, Column] = field(default_factory=dict)
    indexes: dict[str, Index] = field(default_factory=dict)
    triggers: dict[str, Trigger] = field(default_factory=dict)
    comment: str | None = None
    settings: dict[str, Setting] = field(default_factory=dict)

    def parts(self) -> Iterator[tuple[Kind, Any]]:
        """(kind, part) of everything that has to be made after the view."""
        yield from ((kind, part) for kind, part in _parts(self) if kind is not Kind.COLUMN)


def _parts(owner: Table | View) -> Iterator[tuple[Kind, Any]]:
    for kind, row in KINDS.items():
        parts: dict[str, Any] = getattr(owner, row.part, {}) if row.part else {}
        for part in parts.values():
            yield part.part if kind is Kind.CONSTRAINT else kind, part


@dataclass(frozen=True)
class Schema:
    """Everything that the engine manages in one PostgreSQL schema, each by its name.

    access: what roles may do with all that. depends: what each object needs, as PostgreSQL recorded
    it; it follows from the rest, so it does not count in a comparison. roles: of which abstract
    roles it tells; partitions: of which it was asked what is set on them.
    """

    extensions: frozenset[str] = frozenset()
    enums: dict[str, Enum] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)
    domain_types: dict[str, DomainType] = field(default_factory=dict)
    composites: dict[str, Composite] = field(default_factory=dict)
    sequences: dict[str, Sequence] = field(default_factory=dict)
    views: dict[str, View] = field(default_factory=dict)
    access: dict[str, Access] = field(default_factory=dict)
    depends: Mapping[Key, frozenset[Key]] = field(default_factory=dict, compare=False)
    roles: frozenset[str] = field(default=frozenset(), compare=False)
    partitions: frozenset[str] = field(default=frozenset(), compare=False)

    def objects(self) -> Iterator[tuple[Key, Any]]:
        """Everything that may need another thing, or have a comment, by its key."""
        for kind, things in self.standing().items():
            yield from ((Key(kind, "", thing.name), thing) for thing in things.values())
        owners: list[Table | View] = [*self.tables.values(), *self.views.values()]
        for owner in owners:
            yield from ((Key(kind, owner.name, part.name), part) for kind, part in owner.parts())
        for view in self.views.values():
            for column in view.columns.values():
                yield Key(Kind.VIEW_COLUMN, view.name, column.name), column
        for access in self.access.values():
            yield Key(Kind.ACCESS, "", access.name), access

    def standing(self) -> dict[Kind, Mapping[str, Any]]:
        """What stands alone, by its kind."""
        return {kind: getattr(self, row.alone) for kind, row in KINDS.items() if row.alone}

    def relation(self, name: str) -> Kind:
        """What has the name: a table or a view."""
        return Kind.VIEW if name in self.views else Kind.TABLE
