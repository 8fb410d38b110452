"""What would go with a rollback: tables and columns that hold something, and values that the type
to which a column returns cannot hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg2

from engine.errors import EngineError, Refused
from engine.files.migration_file import Migration
from engine.project import Project
from engine.rows import holdings
from engine.rows.holdings import Column, Place, Values
from engine.wording import counted


@dataclass
class Doubts:
    """What was found out about the columns that a file drops or changes. project: whose file it
    is. empty: those that hold nothing. to_compare: those whose values have to be compared while it
    runs."""

    project: Project
    empty: set[Place] = field(default_factory=set)
    to_compare: set[Place] = field(default_factory=set)


class Loss(EngineError):
    """Something has dropped what may hold something, or changed the type of what may; it has to be
    rolled back before one can look. gone: those columns, and whether their tables went, too."""

    def __init__(
        self, gone: dict[Place, tuple[Column, bool]], changed: dict[Place, Column]
    ) -> None:
        names = [column.title for column, _ in gone.values()]
        names += [column.title for column in changed.values()]
        super().__init__(f"{', '.join(names)} may hold rows.")
        self.gone = gone
        self.changed = changed

    def settle(self, cursor: Any, migration: Migration, stays: str, doubts: Doubts) -> None:
        """Look at the rows, which are there again, and note what was found. Raises Refused where
        something would be lost. stays: what was undone and what was kept."""
        lost: dict[str, str] = {}
        for place, (column, with_table) in self.gone.items():
            reason = holdings.has_values(cursor, column, whole_table=with_table)
            if reason:
                lost[column.table if with_table else column.title] = reason
            doubts.empty.add(place)
        for place, column in self.changed.items():
            reason = holdings.has_values(cursor, column, whole_table=False)
            if reason == "rows":
                doubts.to_compare.add(place)
            elif reason:
                lost[column.title] = reason
            else:
                doubts.empty.add(place)
        if lost:
            hidden = [f"{name}: {reason}" for name, reason in lost.items() if reason != "rows"]
            why = "\n".join([*(f"Nobody can look at {line}." for line in hidden), stays])
            raise _refused(
                doubts, migration, f"would lose what is in: {', '.join(lost)}", why
            ) from None


class Holdings:
    """The tables and columns that are there before something runs.

    cursor: psycopg2, in the transaction in which it runs. watched: whether they matter.
    """

    def __init__(self, cursor: Any, migration: Migration, doubts: Doubts, *, watched: bool) -> None:
        self.cursor = cursor
        self.migration = migration
        self.doubts = doubts
        self.before = holdings.read(cursor) if watched else {}
        self.values: dict[Place, Values] = {}
        for place in doubts.to_compare & self.before.keys():
            self.values[place] = self._kept(place)

    def refuse_loss(self, stays: str) -> None:
        """Raise Loss where one has to look whether something is lost, and Refused where it is.
        stays: as for Loss.settle()."""
        if not self.before:
            return
        after = holdings.read(self.cursor)
        gone, changed = self._gone(after), self._changed(after)
        unknown = {place: column for place, column in changed.items() if place not in self.values}
        if gone or unknown:
            raise Loss(gone, unknown)
        lines = [self._compared(place, after[place]) for place in changed]
        if any(lines):
            why = "\n".join([*filter(None, lines), stays])
            raise _refused(self.doubts, self.migration, "would change values", why)

    def _in_doubt(self) -> Iterator[tuple[Place, Column]]:
        """The columns that may hold something, as far as anybody knows."""
        for place, column in self.before.items():
            if column.filled and place not in self.doubts.empty:
                yield place, column

    def _gone(self, after: dict[Place, Column]) -> dict[Place, tuple[Column, bool]]:
        """The columns that are not there any more, and whether their tables went with them, or all
        rows of these."""
        tables = {oid for oid, _ in after}
        gone = {}
        for place, column in self._in_doubt():
            with_table = place[0] not in tables or column.is_emptied(after.get(place))
            if with_table or (place not in after and not column.computed):
                gone[place] = (column, with_table)
        return gone

    def _changed(self, after: dict[Place, Column]) -> dict[Place, Column]:
        """The columns that are of another type by now."""
        changed = {}
        for place, column in self._in_doubt():
            if place in after and column.becomes_another(after[place]):
                changed[place] = column
        return changed

    def _kept(self, place: Place) -> Values:
        column = self.before[place]
        try:
            return Values(self.cursor, place, column)
        except psycopg2.Error as error:
            why = f"They cannot be kept to be compared: {error.diag.message_primary}."
            raise _refused(
                self.doubts, self.migration, f"may change values of {column.title}", why
            ) from error

    def _compared(self, place: Place, after: Column) -> str:
        """What is lost of a column's values; empty where it is nothing."""
        column = self.before[place]
        try:
            count, examples = self.values[place].lost(after)
        except psycopg2.Error as error:
            return f"The values of {column.title} cannot be compared: {error.diag.message_primary}."
        if not count:
            return ""
        shown = ", ".join(repr(text) for text in examples)
        return (
            f"{counted(count, 'value')} of {column.title}, {column.type} before, cannot be "
            f"{after.type}: {shown}{', …' if count > len(examples) else ''}"
        )


def _refused(doubts: Doubts, migration: Migration, what: str, why: str) -> Refused:
    backup = doubts.project.task("backup")
    return Refused(
        f"rolling back {migration.name} {what}.",
        why=why,
        fix=f"make a backup ({backup}), then run the command again with --yes.",
    )
