"""What would go with a rollback: tables and columns that hold something, values that the type to
which a column returns cannot hold, rows that come not again with the file, and numbers that were
given out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

import psycopg2

from engine.errors import Refused
from engine.files.migration_file import Migration
from engine.rows import doubts as doubtful
from engine.rows import far_sequences, holdings, scope, sequence_positions, written_tables
from engine.rows.called import Called
from engine.rows.doubts import Doubts, Loss
from engine.rows.holdings import Column, Place, Values
from engine.rows.kept_rows import KeptRows
from engine.rows.written_tables import Table
from engine.schema import own_sql
from engine.wording import counted

Kept = TypeVar("Kept")

ApplyAgain = Callable[[], Sequence[int]]
"""Applies the file as far as it can be, which is undone afterwards; gives the lines that cannot."""


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
        self.called = Called(cursor, self.only)
        self.before = holdings.read(cursor, self.only) if watched else {}
        self.tables = written_tables.tables(cursor, self.only) if watched else {}
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
        self._take_reached()
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
            raise self.refused("would change values", why)

    def put_forward(self) -> None:
        """Let sequences go on from where they were, after all else is undone."""
        far = self.doubts.far
        if not (self.positions or far):
            return
        # The connection may be lost, or a sequence not ours.
        with suppress(psycopg2.Error), own_sql.whole(self.cursor):
            moved = far_sequences.moved(self.cursor, self.outside, far) if far else {}
            sequence_positions.put_forward(self.cursor, self.positions | moved)

    def find_far_sequences(self) -> None:
        """Note where the sequences of other tenants stand, before something may set them."""
        if self.doubts.far is None:
            self.doubts.far = far_sequences.read(self.cursor, self.outside)

    def refused(self, what: str, why: str) -> Refused:
        """The error for what has to be asked for. what: it does, as in `would lose rows`."""
        return doubtful.refused(self.doubts, self.migration, what, why)

    def _take_reached(self) -> None:
        """Watch the sequences of other tenants, too, that the transaction has reached by now."""
        self.positions = far_sequences.reached(self.cursor, self.doubts.far) | self.positions

    def _written(self, after: dict[Place, Column]) -> dict[int, Table]:
        """The tables of which rows were deleted or changed, and nobody knows yet which."""
        gone = {oid for oid, _ in self.before} - {oid for oid, _ in after}
        written = {}
        for oid, table in written_tables.tables(self.cursor, self.only).items():
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
            raise self.refused(f"may change values of {title}", why) from error

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
        self._take_reached()
        further = {oid: self.positions[oid] for oid in self.positions.keys() - left.keys()}
        sequence_positions.put_forward(self.cursor, left | further)
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
