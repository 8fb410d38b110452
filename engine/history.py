"""Files and history side by side: what is applied, what is pending, and what does not fit."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Any

from engine.catalog import HISTORY_TABLE
from engine.errors import HistoryError
from engine.files import Migration

CREATE = f"""
    CREATE TABLE IF NOT EXISTS {HISTORY_TABLE} (
        id serial PRIMARY KEY,
        name varchar(255) NOT NULL,
        migrated_at timestamp NOT NULL,
        checksum text,
        duration_ms integer,
        applied_by text,
        applied_from text
    )
"""
OWN_COLUMNS = {"checksum": "text", "duration_ms": "integer", "applied_by": "text"} | {
    "applied_from": "text"
}
ADD_COLUMNS = f"ALTER TABLE {HISTORY_TABLE} " + ", ".join(
    f"ADD COLUMN IF NOT EXISTS {column} {kind}" for column, kind in OWN_COLUMNS.items()
)
COLUMNS = f"""
    SELECT array_agg(attname::text) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relname = '{HISTORY_TABLE}' AND c.relnamespace = current_schema()::regnamespace
      AND a.attnum > 0 AND NOT a.attisdropped
"""
INSERT = f"""
    INSERT INTO {HISTORY_TABLE}
        (name, migrated_at, checksum, duration_ms, applied_by, applied_from)
    VALUES (%s, clock_timestamp() AT TIME ZONE 'UTC', %s, %s, current_user, %s)
"""


@dataclass(frozen=True)
class Entry:
    """One migration. state: `applied`, `pending`, `edited` (applied, then changed) or `missing`
    (applied, and its file is gone). applied_at: ISO 8601 in UTC. duration_ms: milliseconds."""

    number: int
    name: str
    state: str
    applied_at: str | None = None
    duration_ms: int | None = None
    checksum: str | None = None
    applied_by: str | None = None


@dataclass(frozen=True)
class History:
    """All entries by number, and what is wrong with them, each with its way out."""

    entries: tuple[Entry, ...]
    problems: tuple[str, ...]

    def count(self, *states: str) -> int:
        """How many entries are in one of these states."""
        return sum(entry.state in states for entry in self.entries)

    def names(self, state: str) -> set[str]:
        """The files in this state."""
        return {entry.name for entry in self.entries if entry.state == state}

    def checked(self) -> History:
        """The history itself. Raises HistoryError where something is wrong with it."""
        if self.problems:
            raise HistoryError(
                "the migration files and the history of the database do not fit together:",
                why="\n".join(f"  - {problem}" for problem in self.problems) + "\nNothing was run.",
                fix="put right what is listed, then run the command again.",
            )
        return self


def read(cursor: Any, migrations: list[Migration]) -> History:
    """Join the files with the rows that a psycopg2 cursor sees; a table that is not there, or was
    made by plain peewee-migrate without our columns, is read as it is."""
    rows = _rows(cursor)
    entries = [_entry(migration, rows.pop(migration.name, None)) for migration in migrations]
    for name, row in rows.items():
        number = int(name.partition("_")[0]) if name[:3].isdigit() else 0
        entries.append(_applied(number, name, "missing", row))
    entries.sort(key=lambda entry: (entry.number, entry.name))
    return History(tuple(entries), tuple(_problems(entries)))


def prepare(cursor: Any) -> None:
    """Make the history table, or give one of plain peewee-migrate our columns."""
    columns = _columns(cursor)
    if not columns:
        cursor.execute(CREATE)
    elif not columns.issuperset(OWN_COLUMNS):
        cursor.execute(ADD_COLUMNS)


def record(cursor: Any, migration: Migration, duration_ms: int | None, host: str) -> None:
    """Write the row of a migration that was applied; without a duration where it was adopted."""
    cursor.execute(INSERT, (migration.name, migration.checksum, duration_ms, host))


def remove(cursor: Any, migration: Migration) -> None:
    """Delete the row of a migration that was rolled back; an empty table goes with its last row."""
    cursor.execute(f"DELETE FROM {HISTORY_TABLE} WHERE name = %s", (migration.name,))
    cursor.execute(f"SELECT FROM {HISTORY_TABLE} LIMIT 1")
    if cursor.rowcount == 0:
        cursor.execute(f"DROP TABLE {HISTORY_TABLE}")


def _columns(cursor: Any) -> set[str]:
    cursor.execute(COLUMNS)
    return set(cursor.fetchone()[0] or ())


def _rows(cursor: Any) -> dict[str, dict[str, Any]]:
    if not _columns(cursor):
        return {}
    cursor.execute(f"SELECT to_jsonb(h) FROM {HISTORY_TABLE} h ORDER BY id")
    return {row["name"]: row for (row,) in cursor.fetchall()}


def _entry(migration: Migration, row: dict[str, Any] | None) -> Entry:
    if row is None:
        return Entry(migration.number, migration.name, "pending", checksum=migration.checksum)
    known = row.get("checksum")
    state = "edited" if known and known != migration.checksum else "applied"
    return _applied(migration.number, migration.name, state, row)


def _applied(number: int, name: str, state: str, row: dict[str, Any]) -> Entry:
    moment = row["migrated_at"]
    return Entry(
        number,
        name,
        state,
        applied_at=f"{moment}Z" if "+" not in moment else moment,
        duration_ms=row.get("duration_ms"),
        checksum=row.get("checksum"),
        applied_by=row.get("applied_by"),
    )


def _problems(entries: list[Entry]) -> list[str]:
    problems = []
    highest = max((e.number for e in entries if e.state != "pending"), default=0)
    for number, group in groupby(entries, key=lambda entry: entry.number):
        names = [entry.name for entry in group]
        if len(names) > 1:
            problems.append(
                f"the number {number:03} is used twice: {', '.join(names)}; give the one that is "
                "applied nowhere the next free number."
            )
    for entry in entries:
        if entry.state == "edited":
            problems.append(
                f"{entry.name} was changed after it was applied; restore the file (git checkout), "
                "and put the change into a new one (invoke generate)."
            )
        elif entry.state == "missing":
            problems.append(
                f"{entry.name} is applied, but its file is missing; restore it (git, or the "
                "release that this database was migrated with)."
            )
        elif entry.state == "pending" and entry.number < highest:
            problems.append(
                f"{entry.name} is pending, but {highest:03} is applied already; rename it to the "
                "next free number, so that every database runs the files in one order."
            )
    return problems
