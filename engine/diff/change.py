"""One difference between two schemas, as a value: what to make, to alter or to drop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.schema.model import Composite, DomainType, Enum, Key
from engine.schema.quoting import suffixed

KINDS = (
    "extension",
    "enum",
    "domain",
    "composite",
    "sequence",
    "function",
    "table",
    "column",
    "ownership",
    "default",
    "constraint",
    "foreign key",
    "view",
    "index",
    "setting",
    "trigger",
    "policy",
    "comment",
)
# What goes before anything is made. A sequence is let go before its column takes it along.
PARTS = frozenset(
    {
        *("default", "constraint", "foreign key", "index", "trigger"),
        *("policy", "setting", "ownership"),
    }
)


# Types that columns may be of.
TYPES = ("enum", "domain", "composite")


@dataclass(frozen=True)
class Change:
    """One difference. action: create, alter or drop. table: the owner of a part, else empty.

    old, new: the values before and after. optional: for extensions. losing: what data goes with
    it, or empty. by_text: a column's values are carried over by what they are called. in_place: a
    type is altered, not made anew. counting: the column of a new sequence may hold numbers.
    """

    action: str
    kind: str
    name: str
    table: str = ""
    old: Any = None
    new: Any = None
    optional: bool = False
    losing: str = ""
    by_text: bool = False
    in_place: bool = False
    counting: bool = False

    @property
    def key(self) -> Key:
        """What it changes; a default is its column's."""
        return "column" if self.kind == "default" else self.kind, self.table, self.name

    @property
    def target(self) -> str:
        """The name by which a person refers to it: `customers.phone` for a column."""
        whole = self.table and self.kind in ("column", "default")
        return f"{self.table}.{self.name}" if whole else self.name

    def __str__(self) -> str:
        place = f" on {self.table}" if self.table and self.kind in PARTS - {"default"} else ""
        kind = (self.new or self.old).kind if self.kind == "view" else self.kind
        kind = "ownership of sequence" if kind == "ownership" else kind
        return f"{self.action} {kind} {self.target}{place}"


def grows(old: Enum, new: Enum) -> bool:
    """Whether the new enum is the old one with more labels."""
    labels = iter(new.labels)
    return all(label in labels for label in old.labels)


def set_aside(old: Enum | DomainType | Composite) -> str:
    """What a type is called while another of its name takes its place."""
    return suffixed(old.name, "_before")
