"""Files and history side by side: what is applied, what is pending, and what does not fit."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from engine.errors import HistoryError
from engine.files import journal
from engine.files.migration_file import FILE, Migration
from engine.schema.catalog import HISTORY_TABLE

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
OWN_COLUMNS = dict.fromkeys(("checksum", "applied_by", "applied_from"), "text")
OWN_COLUMNS["duration_ms"] = "integer"
ADD_COLUMNS = f"ALTER TABLE {HISTORY_TABLE} " + ", ".join(
    f"ADD COLUMN IF NOT EXISTS {column} {kind}" for column, kind in OWN_COLUMNS.items()
)
COLUMNS = f"""
    SELECT array_agg(attname::text) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relname = '{HISTORY_TABLE}'
      AND c.relnamespace = quote_ident(current_schema())::regnamespace
      AND a.attnum > 0 AND NOT a.attisdropped
"""
# What plain peewee-migrate's table has, and what it is without.
NEEDED = frozenset({"id", "name", "migrated_at"})
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
    """All entries by number, and what is wrong with them, each with its way out.

    mismatches: where files and rows do not fit together. unfinished: the key in the journal of
    each file that stopped in the middle, and how many of its statements are done.
    """

    entries: tuple[Entry, ...]
    mismatches: tuple[str, ...]
    unfinished: Mapping[str, int]

    @property
    def problems(self) -> list[str]:
        """What keeps `migrate` from running."""
        return [*self.mismatches, *self._obstacles(rollback=False)]

    def count(self, *states: str) -> int:
        """How many entries are in one of these states."""
        return sum(entry.state in states for entry in self.entries)

    def in_state(self, *states: str) -> set[str]:
        """The names of the entries in one of these states."""
        return {entry.name for entry in self.entries if entry.state in states}

    def checked(self, *, rollback: bool = False) -> History:
        """The history itself. Raises HistoryError where something keeps `migrate`, or `rollback`,
        from running."""
        problems = [*self.mismatches, *self._obstacles(rollback)]
        if problems:
            raise HistoryError(
                "the migration files and the history of the database do not fit together:",
                why="\n".join(f"  - {problem}" for problem in problems) + "\nNothing was run.",
                fix="put right what is listed, then run the command again.",
            )
        return self

    def _obstacles(self, rollback: bool) -> Iterator[str]:
        """The files that stopped in the middle on the other way."""
        names = {entry.name for entry in self.entries if entry.state != "missing"}
        for key in self.unfinished:
            name, back = key.removesuffix(journal.BACK), key.endswith(journal.BACK)
            command = "invoke rollback" if back else "invoke migrate"
            if name not in names:
                yield (
                    f"{name} stopped in the middle, and its file is missing; restore it (git), and "
                    f"finish it with `{command}`."
                )
            elif back != rollback:
                yield (
                    f"{'the rollback of ' if back else ''}{name} stopped in the middle; finish it "
                    f"with `{command}` first (what it has not run yet may be changed)."
                )


def read(cursor: Any, migrations: list[Migration]) -> History:
    """Join the files with the rows that a psycopg2 cursor sees; a table that is not there, or was
    made by plain peewee-migrate without our columns, is read as it is.

    Raises HistoryError where the table is another tool's.
    """
    rows = _rows(cursor)
    by_name = {row["name"]: row for row in rows}
    entries = [_entry(migration, by_name.pop(migration.name, None)) for migration in migrations]
    entries += [_applied(_number(name), name, "missing", row) for name, row in by_name.items()]
    entries.sort(key=lambda entry: (entry.number, entry.name))
    mismatches = (*_twice_recorded(rows), *_mismatches(entries))
    return History(tuple(entries), mismatches, journal.read(cursor))


def record(cursor: Any, migration: Migration, seconds: float | None) -> None:
    """Write the row of a migration that was applied; without a duration where it was adopted.
    Makes the table, or gives one of plain peewee-migrate our columns."""
    columns = _columns(cursor)
    if not columns:
        cursor.execute(CREATE)
    elif not columns.issuperset(OWN_COLUMNS):
        cursor.execute(ADD_COLUMNS)
    duration_ms = None if seconds is None else round(seconds * 1000)
    cursor.execute(INSERT, (migration.name, migration.checksum, duration_ms, socket.gethostname()))


def remove(cursor: Any, migration: Migration) -> None:
    """Delete the row of a migration that was rolled back; an empty table goes with its last row."""
    cursor.execute(f"DELETE FROM {HISTORY_TABLE} WHERE name = %s", (migration.name,))
    cursor.execute(f"SELECT FROM {HISTORY_TABLE} LIMIT 1")
    if cursor.rowcount == 0:
        cursor.execute(f"DROP TABLE {HISTORY_TABLE}")


def _columns(cursor: Any) -> set[str]:
    cursor.execute(COLUMNS)
    return set(cursor.fetchone()[0] or ())


def _rows(cursor: Any) -> list[dict[str, Any]]:
    columns = _columns(cursor)
    if not columns:
        return []
    if not columns >= NEEDED:
        raise HistoryError(
            f"the table {HISTORY_TABLE} is not ours: it has the columns "
            f"{', '.join(sorted(columns))}.",
            why=f"The history of migrations needs {', '.join(sorted(NEEDED))}. Nothing was run.",
            fix=f"rename it (ALTER TABLE {HISTORY_TABLE} RENAME TO …), or give this system a "
            "schema of its own (search_path).",
        )
    cursor.execute(f"SELECT to_jsonb(h) FROM {HISTORY_TABLE} h ORDER BY id")
    return [row | {"name": str(row["name"])} for (row,) in cursor.fetchall()]


def _number(name: str) -> int:
    match = FILE.fullmatch(f"{name}.py")
    return int(match["number"]) if match else 0


def _entry(migration: Migration, row: dict[str, Any] | None) -> Entry:
    if row is None:
        return Entry(migration.number, migration.name, "pending", checksum=migration.checksum)
    known = row.get("checksum")
    state = "edited" if known and known != migration.checksum else "applied"
    return _applied(migration.number, migration.name, state, row)


def _applied(number: int, name: str, state: str, row: dict[str, Any]) -> Entry:
    moment = str(row["migrated_at"] or "")
    return Entry(
        number,
        name,
        state,
        applied_at=(moment if "+" in moment else f"{moment}Z") if moment else None,
        duration_ms=row.get("duration_ms"),
        checksum=row.get("checksum"),
        applied_by=row.get("applied_by"),
    )


def _twice_recorded(rows: list[dict[str, Any]]) -> Iterator[str]:
    for name, count in Counter(row["name"] for row in rows).items():
        if count > 1:
            ids = [str(row["id"]) for row in rows if row["name"] == name][1:]
            yield (
                f"{name} is in the history {count} times; see whether it has run {count} times, "
                f"then keep one row: DELETE FROM {HISTORY_TABLE} WHERE id IN ({', '.join(ids)})."
            )


def _mismatches(entries: list[Entry]) -> Iterator[str]:
    highest = max((e.number for e in entries if e.state != "pending"), default=0)
    for number, group in groupby(entries, key=lambda entry: entry.number):
        names = [entry.name for entry in group]
        if number and len(names) > 1:
            yield (
                f"the number {number:03} is used twice: {', '.join(names)}; give the one that is "
                "applied nowhere the next free number."
            )
    pending = {entry.checksum: entry.name for entry in entries if entry.state == "pending"}
    for entry in entries:
        if entry.state == "edited":
            yield (
                f"{entry.name} was changed after it was applied; restore the file (git checkout), "
                "and put the change into a new one (invoke generate)."
            )
        elif entry.state == "missing":
            yield _missing(entry, pending.get(entry.checksum))
        elif entry.state == "pending" and entry.number < highest:
            yield (
                f"{entry.name} is pending, but {highest:03} is applied already; rename it to the "
                "next free number, so that every database runs the files in one order."
            )


def _missing(entry: Entry, renamed: str | None) -> str:
    if renamed:
        return f"{entry.name} is applied, but its file is now {renamed}; rename it back."
    if not entry.number:
        return (
            f"the history has {entry.name!r}, and no migration file can have that name; if it is "
            f"no migration of yours, delete it: DELETE FROM {HISTORY_TABLE} WHERE name = "
            f"{_quoted(entry.name)}."
        )
    return (
        f"{entry.name} is applied, but its file is missing; restore it (git, or the release that "
        "this database was migrated with)."
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
