"""The journal of a file that cannot run in one transaction: which of its steps are done.

A step that can, shares a transaction with its line of the journal. One that cannot (CREATE INDEX
CONCURRENTLY) is noted before it begins; where a crash left it in the middle, an invalid index that
it left goes, and what is there is compared with what the step makes: it is taken as done, or begun
again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.errors import HistoryError
from engine.files import own_table
from engine.files.migration_file import Migration
from engine.files.step import Step
from engine.files.unfinished import Direction, key_of
from engine.schema import own_sql
from engine.schema.own_tables import JOURNAL_TABLE

CREATE = f"""
    CREATE TABLE {JOURNAL_TABLE} (
        name text, step integer, digest text NOT NULL, done boolean NOT NULL, index_name text,
        PRIMARY KEY (name, step)
    )
"""
BEGIN = f"""
    INSERT INTO {JOURNAL_TABLE} (name, step, digest, done, index_name)
    VALUES (%s, %s, %s, false, %s)
    ON CONFLICT (name, step) DO NOTHING
"""
DONE = f"""
    INSERT INTO {JOURNAL_TABLE} (name, step, digest, done) VALUES (%s, %s, %s, true)
    ON CONFLICT (name, step) DO UPDATE SET done = true
"""
# The index of the step's name, or what REINDEX calls those that it makes; never one that somebody
# is building at this moment.
LEFT_BEHIND = f"""
    SELECT c.oid::regclass::text
    FROM {JOURNAL_TABLE} j, pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE j.name = %(key)s AND j.step = %(step)s AND NOT j.done
      AND NOT i.indisvalid AND c.relkind = 'i'
      AND CASE WHEN j.index_name <> '' THEN c.oid = to_regclass(j.index_name)
               ELSE c.relnamespace = %(here)s
                    AND c.relname ~ '_cc(new|old)[0-9]*$' END
      AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.index_relid = c.oid)
"""
VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%(name)s)"


@dataclass(frozen=True)
class Journal:
    """The journal of one file in one direction, on a psycopg2 cursor in autocommit."""

    cursor: Any
    key: str

    def open(self, migration: Migration, steps: list[Step]) -> dict[int, bool]:
        """Step to whether it is done, for those that began in an earlier run.

        Raises HistoryError where the file has changed in what it ran already. A step that had only
        begun may change: what it left behind goes.
        """
        if not own_table.columns(self.cursor, JOURNAL_TABLE):
            own_table.create(self.cursor, CREATE, JOURNAL_TABLE)
        rows = self._rows()
        begun = _unchanged(migration, steps, rows)
        for number, _, _ in rows:
            if number not in begun:
                self.give_up(number)
        return begun

    def undoable(self, migration: Migration, steps: list[Step]) -> dict[int, bool]:
        """Step to whether it is done, for those of a file that is to be undone. Nothing is changed.

        Raises HistoryError where the file has changed in one of them, also in one that had only
        begun: nobody knows what that has left. The table is there.
        """
        rows = self._rows()
        _unchanged(migration, steps, [(number, digest, True) for number, digest, _ in rows])
        return {number: done for number, _, done in rows}

    def settle(self, steps: list[Step], begun: dict[int, bool]) -> list[int]:
        """The numbers of the steps of which something is there: they are done, also where a crash
        kept that from being noted, or may have committed a part. What others have left goes.
        begun: what undoable() gives."""
        there = []
        for number, done in begun.items():
            step = steps[number]
            if done or step.commits:
                there.append(number)
            elif self.settled(number, step):
                self.done(number, step)
                there.append(number)
            else:
                self.give_up(number)
        return there

    def begin(self, number: int, step: Step) -> None:
        """Note that a step begins which no transaction can hold."""
        name = step.index.name if step.index else ""
        own_table.run(self.cursor, BEGIN, (self.key, number, step.digest, name))

    def done(self, number: int, step: Step) -> None:
        """Note that a step is done."""
        own_table.run(self.cursor, DONE, (self.key, number, step.digest))

    def give_up(self, number: int) -> None:
        """Drop what a step that has begun left behind, and forget that it had begun."""
        self._drop_left_behind(number)
        statement = f"DELETE FROM {JOURNAL_TABLE} WHERE name = %s AND step = %s"
        own_table.run(self.cursor, statement, (self.key, number))

    def settled(self, number: int, step: Step) -> bool:
        """Whether a step that a crash left in the middle is done after all; what half of it left
        behind is dropped."""
        self._drop_left_behind(number)
        if not step.index:
            return False
        return self.index_is_valid(step) if step.index.is_made else not self.has(step)

    def has(self, step: Step) -> bool:
        """Whether the index that the step makes or drops is there."""
        return self._index(step) is not None

    def index_is_valid(self, step: Step) -> bool:
        """Whether it is there and queries can use it."""
        return self._index(step) is True

    def is_there(self) -> bool:
        """Whether it has a line."""
        return bool(own_table.columns(self.cursor, JOURNAL_TABLE)) and bool(self._rows())

    def forget_from(self, number: int) -> None:
        """Forget that step and those after it: they have been undone."""
        statement = f"DELETE FROM {JOURNAL_TABLE} WHERE name = %s AND step >= %s"
        own_table.run(self.cursor, statement, (self.key, number))

    def clear(self) -> None:
        """Forget the file; the table goes with its last line."""
        forget(self.cursor, [self.key])

    def _rows(self) -> list[tuple[int, str, bool]]:
        """(step, digest, whether it is done), in order."""
        own_table.fetch(
            self.cursor,
            f"SELECT step, digest, done FROM {JOURNAL_TABLE} WHERE name = %(key)s ORDER BY step",
            {"key": self.key},
        )
        rows: list[tuple[int, str, bool]] = self.cursor.fetchall()
        return rows

    def _index(self, step: Step) -> bool | None:
        name = step.index.name if step.index else None
        own_sql.fetch(self.cursor, VALID, {"name": name})
        row = self.cursor.fetchone()
        return row[0] if row else None

    def _drop_left_behind(self, number: int) -> None:
        own_table.fetch(self.cursor, LEFT_BEHIND, {"key": self.key, "step": number})
        for (name,) in self.cursor.fetchall():
            self.cursor.execute(f"DROP INDEX CONCURRENTLY {name}")


def _unchanged(
    migration: Migration, steps: list[Step], rows: list[tuple[int, str, bool]]
) -> dict[int, bool]:
    """Step to whether it is done, for the rows whose step is what it was. Raises HistoryError where
    one that is done is not."""
    begun = {}
    for number, digest, done in rows:
        same = number < len(steps) and steps[number].digest == digest
        if done and not same:
            raise HistoryError(
                f"{migration.name} stopped in the middle, and its statement {number + 1}, "
                "which had run, was changed since.",
                why="Nothing was run.",
                fix="restore what had run; change only what had not, then run the command again.",
            )
        if same:
            begun[number] = done
    return begun


def key(migration: Migration, direction: Direction) -> str:
    """The name under which the journal has a file."""
    return key_of(migration.name, direction)


def forget(cursor: Any, keys: list[str]) -> None:
    """Forget files; the table goes with its last line."""
    own_table.run(cursor, f"DELETE FROM {JOURNAL_TABLE} WHERE name = ANY (%s)", (keys,))
    own_table.fetch(cursor, f"SELECT FROM {JOURNAL_TABLE} LIMIT 1")
    if cursor.rowcount == 0:
        own_table.run(cursor, f"DROP TABLE {JOURNAL_TABLE}")
