"""One difference between two schemas, as a value: what to make, to alter or to drop."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from engine.diff.typed_names import typed
from engine.schema.kinds import KINDS, TYPES, Key, Kind
from engine.schema.model import Composite, DomainType, Enum
from engine.schema.quoting import suffixed

STANDING = (*TYPES, Kind.TABLE, Kind.VIEW, Kind.FUNCTION)
# What a column has, and gives up without going itself.
OF_A_COLUMN = (Kind.DEFAULT, Kind.EXPRESSION)
FORCED = "row level security for the owner"


class Action(StrEnum):
    """What a change does, in the order of those of one name: what has it goes before what takes
    it."""

    DROP = "drop"
    ALTER = "alter"
    REMAKE = "remake"
    CREATE = "create"


@dataclass(frozen=True)
class Fill:
    """What rows get that have no value for a column that becomes NOT NULL. value: SQL. by_row:
    whether it may be another one in each row."""

    value: str
    by_row: bool


@dataclass(frozen=True)
class Change:
    """One difference. what: the key of what is made, altered or dropped.

    old, new: the values before and after. optional: for extensions. losing: what data goes with
    it, or empty. by_text: a column's values are carried over by what they are called; by_name:
    those of a composite type by its attributes. in_place: a type is altered, not made again.
    counting: the column of a new sequence may hold numbers. zone: in which a time without a zone is
    meant where it gets or loses one; empty for the session's.
    fill: what rows get without a value, where somebody has said it. hidden: policies hide rows of
    its table from the owner, too, before and after.
    """

    action: Action
    what: Key
    old: Any = None
    new: Any = None
    optional: bool = False
    losing: str = ""
    by_text: bool = False
    by_name: bool = False
    in_place: bool = False
    counting: bool = False
    zone: str = ""
    fill: Fill | None = None
    hidden: bool = False

    @property
    def kind(self) -> Kind:
        """The kind of what changes."""
        return self.what.kind

    @property
    def table(self) -> str:
        """The owner of a part, else empty."""
        return self.what.table

    @property
    def name(self) -> str:
        """The name of what changes."""
        return self.what.name

    @property
    def key(self) -> Key:
        """The object that has it: a default is its column's, and so is an expression."""
        return self.what._replace(kind=Kind.COLUMN) if self.kind in OF_A_COLUMN else self.what

    @property
    def target(self) -> str:
        """The name by which a person refers to it, as options take it: `authors.name` for a
        column."""
        whole = self.kind in (Kind.COLUMN, *OF_A_COLUMN)
        return typed(self.name, self.table if whole else "")

    def __str__(self) -> str:
        on_table = self.table and KINDS[self.kind].loosened and self.kind not in OF_A_COLUMN
        place = f" on {self.table}" if on_table else ""
        kind: str = (self.new or self.old).kind if self.kind is Kind.VIEW else self.kind
        kind = "ownership of sequence" if self.kind is Kind.OWNERSHIP else kind
        return f"{self.action} {kind} {self.target}{place}"

    def does(self, action: Action, kind: Kind) -> bool:
        """Whether it does that to an object of that kind."""
        return self.action is action and self.kind is kind


MIRRORS = {Action.CREATE: Action.DROP, Action.DROP: Action.CREATE}


def mirrored(change: Change) -> Change:
    """The change that undoes it, where nothing else has changed."""
    action = MIRRORS.get(change.action, change.action)
    return replace(change, action=action, old=change.new, new=change.old, losing="", fill=None)


def grows(old: Enum, new: Enum) -> bool:
    """Whether the new enum is the old one with more labels."""
    labels = iter(new.labels)
    return all(label in labels for label in old.labels)


def set_aside(old: Enum | DomainType | Composite) -> str:
    """What a type is called while another of its name takes its place."""
    return suffixed(old.name, "_before")


def is_rebuilt(change: Change) -> bool:
    """Whether it is a type that is set aside and made again."""
    return change.action is Action.ALTER and change.kind in TYPES and not change.in_place


def is_retyped(change: Change) -> bool:
    """Whether a column gets another type or collation, which is one statement."""
    if not change.does(Action.ALTER, Kind.COLUMN):
        return False
    old, new = change.old, change.new
    return bool((old.type, old.collation) != (new.type, new.collation))


def is_logged_otherwise(change: Change) -> bool:
    """Whether it lets a table be logged from now on, or no more."""
    return change.kind is Kind.SETTING and change.name == "unlogged"


def gone_with(change: Change) -> Iterator[Key]:
    """What is there no more, or not as it was; with a table goes all that belongs to it. A column
    without its default or its expression is there as it was."""
    if change.kind not in OF_A_COLUMN:
        yield change.key
    for kind, part in change.old.parts() if change.kind is Kind.TABLE else ():
        yield Key(kind, change.name, part.name)


def ends_of_links(change: Change) -> set[str]:
    """The tables at both ends of a foreign key that goes, or to which a table that goes refers."""
    if change.does(Action.DROP, Kind.FOREIGN_KEY):
        return {change.table, change.old.target}
    if change.does(Action.DROP, Kind.TABLE):
        return {constraint.target for constraint in change.old.constraints.values()}
    return set()


def touched(plan: Iterable[Change]) -> dict[Key, bool]:
    """The keys of types, columns, relations and functions that a plan takes away or makes anew, and
    whether each goes for good. Others may need them that no plan knows."""
    listed = list(plan)
    made = {change.key for change in listed if change.action is Action.CREATE}
    keys = {}
    for change in listed:
        drops = change.action is Action.DROP and change.kind in (*STANDING, Kind.COLUMN)
        if drops or is_rebuilt(change) or is_retyped(change):
            keys[change.key] = drops and change.key not in made
    return keys
