"""The journal of a file that cannot run in one transaction: which of its steps are done.

A step that can, shares a transaction with its line of the journal. One that cannot (CREATE INDEX
CONCURRENTLY) is noted before it begins; where a crash left it in the middle, what is there is
compared with what the step makes, and it is taken as done, or cleared away and begun again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from engine.catalog import JOURNAL_TABLE
from engine.errors import HistoryError
from engine.files import Migration
from engine.migrator import Step

CREATE = f"""
    CREATE TABLE IF NOT EXISTS {JOURNAL_TABLE} (
        name text, step integer, digest text NOT NULL, done boolean NOT NULL,
        PRIMARY KEY (name, step)
    )
"""
MARK = f"""
    INSERT INTO {JOURNAL_TABLE} (name, step, digest, done) VALUES (%s, %s, %s, %s)
    ON CONFLICT (name, step) DO UPDATE SET done = excluded.done
"""
INDEX = re.compile(
    r"\s*(?P<verb>CREATE|DROP)\s+(?:UNIQUE\s+)?INDEX\s+CONCURRENTLY\s+"
    r"(?:IF\s+(?:NOT\s+)?EXISTS\s+)?(?P<name>\"(?:[^\"]|\"\")+\"|[\w$]+)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Journal:
    """The journal of one file in one direction, on a psycopg2 cursor in autocommit."""

    cursor: Any
    key: str

    def open(self, migration: Migration, steps: list[Step]) -> dict[int, bool]:
        """Step to whether it is done, for those that began in an earlier run.

        Raises HistoryError where the file has changed in what it ran already.
        """
        self.cursor.execute(CREATE)
        self.cursor.execute(
            f"SELECT step, digest, done FROM {JOURNAL_TABLE} WHERE name = %s ORDER BY step",
            (self.key,),
        )
        begun = self.cursor.fetchall()
        for number, digest, done in begun:
            if done and (number >= len(steps) or steps[number].digest != digest):
                raise HistoryError(
                    f"{migration.name} stopped in the middle, and its statement {number + 1}, "
                    "which had run, was changed since.",
                    why="Nothing was run.",
                    fix="restore what had run; change only what had not, then run the command "
                    "again.",
                )
        return {number: done for number, _, done in begun}

    def mark(self, number: int, step: Step, *, done: bool) -> None:
        """Note that a step begins, or is done."""
        self.cursor.execute(MARK, (self.key, number, step.digest, done))

    def clear(self) -> None:
        """Forget the file; the table goes with its last line."""
        self.cursor.execute(f"DELETE FROM {JOURNAL_TABLE} WHERE name = %s", (self.key,))
        self.cursor.execute(f"SELECT FROM {JOURNAL_TABLE} LIMIT 1")
        if self.cursor.rowcount == 0:
            self.cursor.execute(f"DROP TABLE {JOURNAL_TABLE}")

    def settled(self, step: Step) -> bool:
        """Whether a step that a crash left in the middle is done after all; what half of it
        left behind is dropped."""
        match = INDEX.match(step.sql)
        if not match:
            return False
        self.cursor.execute(
            "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", (match["name"],)
        )
        held = self.cursor.fetchone()
        if match["verb"].upper() == "DROP":
            return held is None
        if held and not held[0]:
            self.cursor.execute(f"DROP INDEX CONCURRENTLY {match['name']}")
        return bool(held and held[0])
