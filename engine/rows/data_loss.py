"""What would go with a rollback: tables and columns that hold something, values that the type to
which a column returns cannot hold, rows that come not again with the file, and numbers that were
given out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import psycopg2

from engine.errors import EngineError, Refused
from engine.files.migration_file import Migration
from engine.project import Project
from engine.rows import holdings, kept_rows, scope, sequence_positions
from engine.rows.holdings import Column, Place, Values
from engine.rows.kept_rows import KeptRows, Table
from engine.schema import own_sql
from engine.wording import counted

Kept = TypeVar("Kept")

ApplyAgain = Callable[[], Sequence[int]]
"""Applies the file as far as it can be, which is undone afterwards; gives the lines that cannot."""


@dataclass
class Doubts:
    """What was found out about the columns that a file drops or changes. project: whose file it
    is. empty: those that hold nothing. to_compare: those whose values have to be compared while it
    runs. written: the tables whose rows have to be, by their oids. everywhere: whether other
    tenants are watched, too."""

    project: Project
    empty: set[Place] = field(default_factory=set)
    to_compare: set[Place] = field(default_factory=set)
    written: dict[int, Table] = field(default_factory=dict)
    everywhere: bool = False


class Loss(EngineError):
    """Something has dropped what may hold something, or changed the type of what may, or rows; it
    has to be rolled back before one can look. gone: those columns, and whether their tables went,
    too. written: the tables whose rows were deleted or changed. elsewhere: whether it has reached
    where nobody has looked before."""

    def __init__(
        self,
        gone: dict[Place, tuple[Column, bool]],
        changed: dict[Place, Column],
        written: dict[int, Table],
        *,
        elsewhere: bool = False,
    ) -> None:
        names = [column.title for column, _ in gone.values()]
        names += [column.title for column in changed.values()]
        names += [table.title for table in written.values()]
        super().__init__(f"{', '.join(names)} may hold rows.")
        self.gone = gone
        self.changed = changed
        self.written = written
        self.elsewhere = elsewhere

    def settle(self, cursor: Any, migration: Migration, stays: str, doubts: Doubts) -> None:
        """Look at the rows, which are there again, and note what was found. Raises Refused where
        something would be lost. stays: what was undone and what was kept."""
        lost: dict[str, str] = {}
        doubts.written.update(self.written)
        doubts.everywhere |= self.elsewhere
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
            what = f"would lose what is in: {', '.join(lost)}"
            raise _refused(doubts, migration, what, why) from None


class Holdings:
    """What is there before something runs.

    cursor: psycopg2, in the transaction in which it runs. outside: of another session. watched:
    whether it matters.
    """

    def __init__(
        self, cursor: Any, outside: Any, migration: Migration, doubts: Doubts, *, watched: bool
    ) -> None:
        self.cursor = cursor
        self.outside = outside
        self.migration = migration
        self.doubts = doubts
        self.watched = watched
        self.only = scope.relations(cursor) if watched and not doubts.everywhere else None
        self.before = holdings.read(cursor, self.only) if watched else {}
        self.tables = kept_rows.tables(cursor, self.only) if watched else {}
        self.positions = sequence_positions.read(cursor, self.only) if watched else {}
        self.values: dict[Place, Values] = {}
        for place in doubts.to_compare & self.before.keys():
            column = self.before[place]
            self.values[place] = self._kept(partial(Values, cursor, place, column), column.title)
        titles = ", ".join(table.title for table in doubts.written.values())
        self.rows = self._kept(partial(KeptRows, cursor, doubts.written), titles)

    def refuse_loss(self, stays: str, apply_again: ApplyAgain) -> None:
        """Raise Loss where one has to look whether something is lost, and Refused where it is.

        stays: as for Loss.settle().
        """
        if not self.watched:
            return
        if self.only is not None and scope.is_left(self.cursor, self.outside, self.only):
            raise Loss({}, {}, {}, elsewhere=True)
        after = holdings.read(self.cursor, self.only)
        gone, changed = self._gone(after), self._changed(after)
        unknown = {place: column for place, column in changed.items() if place not in self.values}
        written = self._written(after)
        if gone or unknown or written:
            raise Loss(gone, unknown, written)
        lines = [self._compared(place, after[place]) for place in changed]
        lines += self._not_there_again(apply_again)
        if any(lines):
            why = "\n".join([*filter(None, lines), stays])
            raise refused(self, "would change values", why)

    def put_forward(self) -> None:
        """Let sequences go on from where they were, after all else is undone."""
        if not self.positions:
            return
        # The connection may be lost, or a sequence not ours.
        with suppress(psycopg2.Error), own_sql.whole(self.cursor):
            sequence_positions.put_forward(self.cursor, self.positions)

    def _written(self, after: dict[Place, Column]) -> dict[int, Table]:
        """The tables of which rows were deleted or changed, and nobody knows yet which."""
        gone = {oid for oid, _ in self.before} - {oid for oid, _ in after}
        written = {}
        for oid, table in kept_rows.tables(self.cursor, self.only).items():
            before = self.tables.get(oid)
            if before is None or oid in gone or oid in self.doubts.written:
                continue
            if table.is_written(before):
                written[oid] = table
        return written

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

    def _kept(self, keep: Callable[[], Kept], title: str) -> Kept:
        try:
            return keep()
        except psycopg2.Error as error:
            why = f"They cannot be kept to be compared: {error.diag.message_primary}."
            raise refused(self, f"may change values of {title}", why) from error

    def _not_there_again(self, apply_again: ApplyAgain) -> list[str]:
        """A line for each table of which rows would not come again with the file, and for each
        sequence that would not be where it was; and what could not be seen of that."""
        behind = sequence_positions.set_back(self.cursor, self.positions)
        if not behind and not self.doubts.written:
            return []
        left = sequence_positions.read(self.cursor, self.positions.keys())
        self.cursor.execute("SAVEPOINT engine_again")
        self.rows.begin_again()
        untried = apply_again()
        lines = self._missing()
        if lines and untried:
            places = ", ".join(map(str, untried))
            lines.append(f"What the file does in line {places} cannot be tried beforehand.")
        self.cursor.execute("ROLLBACK TO SAVEPOINT engine_again; RELEASE SAVEPOINT engine_again")
        sequence_positions.put_forward(self.cursor, left)
        sequence_positions.put(self.cursor, [one.now for one in behind if one.now])
        return lines

    def _missing(self) -> list[str]:
        """The same, where the file has been applied once more."""
        try:
            lines = self.rows.lost()
        except psycopg2.Error as error:
            return [f"Rows cannot be compared: {error.diag.message_primary}."]
        behind = sequence_positions.set_back(self.cursor, self.positions)
        lines += [str(sequence.before) for sequence in behind]
        return lines

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


def refused(before: Holdings, what: str, why: str) -> Refused:
    """The error for a way back that has to be asked for. what: it does, as in `would lose rows`."""
    return _refused(before.doubts, before.migration, what, why)


def _refused(doubts: Doubts, migration: Migration, what: str, why: str) -> Refused:
    backup = doubts.project.task("backup")
    return Refused(
        f"rolling back {migration.name} {what}.",
        why=why,
        fix=f"make a backup ({backup}), then run the command again with --yes.",
    )
