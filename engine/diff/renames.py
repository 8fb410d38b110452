"""Renames: never guessed from a drop and an add, but named, or plain from an equal definition.

They come first in a file; the rest of it is the difference from what they leave.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from engine.diff.change import Change
from engine.errors import ConfigError
from engine.schema.model import Schema, Table
from engine.schema.quoting import literal, name

STATEMENTS = {
    "table": "ALTER TABLE {old} RENAME TO {new}",
    "column": "ALTER TABLE {table} RENAME COLUMN {old} TO {new}",
    "sequence": "ALTER SEQUENCE {old} RENAME TO {new}",
    "enum": "ALTER TYPE {old} RENAME TO {new}",
    "composite": "ALTER TYPE {old} RENAME TO {new}",
    "domain": "ALTER DOMAIN {old} RENAME TO {new}",
    "value": "ALTER TYPE {table} RENAME VALUE {old_text} TO {new_text}",
    "constraint": "ALTER TABLE {table} RENAME CONSTRAINT {old} TO {new}",
    "index": "ALTER INDEX {old} RENAME TO {new}",
    "trigger": "ALTER TRIGGER {old} ON {table} RENAME TO {new}",
}
SPECIFICATION = re.compile(r"(?:(?P<owner>[^.:]+)\.)?(?P<old>[^:]+):(?P<new>[^:]+)")


@dataclass(frozen=True)
class Rename:
    """kind: a key of STATEMENTS. table: which holds it; for a value, its enum."""

    kind: str
    old: str
    new: str
    table: str = ""

    @property
    def sql(self) -> str:
        """The statement."""
        return STATEMENTS[self.kind].format(
            table=name(self.table),
            old=name(self.old),
            new=name(self.new),
            old_text=literal(self.old),
            new_text=literal(self.new),
        )

    @property
    def back(self) -> Rename:
        """The way back."""
        return replace(self, old=self.new, new=self.old)

    def __str__(self) -> str:
        place = f"{self.table}." if self.kind in ("column", "value") else ""
        return f"rename {self.kind} {place}{self.old} to {self.new}"


class Names:
    """What `old:new`, `table.old:new` and `enum.old:new` mean. A column's table, or a value's
    enum, may be named by what it is called now or was before."""

    def __init__(self, known: Schema, wanted: Schema) -> None:
        self.known = known
        self.wanted = wanted
        self.now: dict[str, str] = {}

    def applicable(self, specifications: Iterable[str]) -> list[Rename]:
        """Those that fit; a domain may go on saying one for ever."""
        return [found for text in _whole_first(specifications) if (found := self._found(text))]

    def asked(self, specifications: Iterable[str]) -> list[Rename]:
        """All of them. Raises ConfigError for one that fits nothing."""
        return [self._found(text) or _unfit(text) for text in _whole_first(specifications)]

    def _found(self, text: str) -> Rename | None:
        match = SPECIFICATION.fullmatch(text)
        owner, old, new = match.groups("") if match else ("", "", "")
        owner = self.now.get(owner, owner)
        for kind, held, wanted in self._namespaces(owner):
            if old in held and old not in wanted and new in wanted and new not in held:
                if not owner:
                    self.now[old] = new
                return Rename(kind, old, new, owner)
        return None

    def _namespaces(self, owner: str) -> Iterator[tuple[str, Any, Any]]:
        """(kind, names before, names now) in which the rename may be. owner: by its new name."""
        if not owner:
            yield "table", self.known.tables, self.wanted.tables
            yield "sequence", self.known.sequences, self.wanted.sequences
            yield "enum", self.known.enums, self.wanted.enums
            yield "composite", self.known.composites, self.wanted.composites
            yield "domain", self.known.domains, self.wanted.domains
            return
        before = {new: old for old, new in self.now.items()}.get(owner, owner)
        if before in self.known.tables and owner in self.wanted.tables:
            held, wanted = self.known.tables[before], self.wanted.tables[owner]
            yield "column", held.columns, wanted.columns
        if before in self.known.enums and owner in self.wanted.enums:
            yield "value", self.known.enums[before].labels, self.wanted.enums[owner].labels


def _whole_first(specifications: Iterable[str]) -> list[str]:
    """Tables and enums before what is in them."""
    return sorted(specifications, key=lambda text: "." in text.partition(":")[0])


def _unfit(text: str) -> NoReturn:
    old, _, new = text.partition(":")
    raise ConfigError(
        f"--rename {text}: there is no {old} in the migrations that could have become "
        f"{new or 'something'} in the domains.",
        fix="name a table, column, sequence, type or value of an enum that the domains no longer "
        "have, and one that they have instead: old:new, table.column:new, enum.value:new.",
    )


def plain(held: Schema, wanted: Schema) -> list[Rename]:
    """Parts of tables whose name alone is another: their definitions are equal."""
    both = held.tables.keys() & wanted.tables.keys()
    return [
        rename
        for table in sorted(both)
        for rename in _parts(held.tables[table], wanted.tables[table])
    ]


def _parts(old: Table, new: Table) -> Iterator[Rename]:
    before, after = dict(_definitions(old)), dict(_definitions(new))
    for definition, names in before.items():
        others = after.get(definition, [])
        if len(names) == len(others) == 1 and names != others:
            yield Rename(definition[0], names[0], others[0], old.name)


def _definitions(table: Table) -> Iterator[tuple[tuple[str, str], list[str]]]:
    """((kind, definition without its own name), the names of all that have it)."""
    found: dict[tuple[str, str], list[str]] = {}
    for kind, part in table.parts():
        kind = "constraint" if kind == "foreign key" else kind
        if kind in ("constraint", "index", "trigger"):
            own = re.compile(rf"(INDEX|TRIGGER) {re.escape(name(part.name))} ")
            text = own.sub(r"\1 ", part.definition, count=1)
            found.setdefault((kind, text), []).append(part.name)
    yield from found.items()


def possible(changes: Iterable[Change]) -> list[tuple[Change, Change]]:
    """Drops and creations that could be a rename: of tables with the same columns, or of columns
    of one table with the same type."""
    listed = list(changes)
    made = [c for c in listed if c.action == "create" and c.kind in ("table", "column")]
    return [
        (gone, new)
        for gone in listed
        if gone.action == "drop" and gone.losing
        for new in made
        if (gone.kind, gone.table) == (new.kind, new.table) and _alike(gone, new)
    ]


def _alike(gone: Change, new: Change) -> bool:
    if gone.kind == "table":
        return bool(gone.old.columns.keys() == new.new.columns.keys())
    return bool(gone.old.type == new.new.type)


def specification(gone: Change, new: Change) -> str:
    """As --rename takes it."""
    return f"{gone.target}:{new.name}"
