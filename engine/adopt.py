"""Taking over a database that has the tables but not the history: made by hand, by another tool,
or from a dump. What is adopted is compared first; PostgreSQL builds what it should be."""

from __future__ import annotations

import socket
from contextlib import closing
from pathlib import Path

from engine import catalog, files, history
from engine.change import Change
from engine.database import connect
from engine.diff import diff
from engine.errors import Refused
from engine.report import Report
from engine.runner import Runner
from engine.schema import Schema
from engine.scratch import scratch
from engine.session import Settings, exclusive


def adopt(url: str, folder: Path, number: int, settings: Settings, report: Report) -> list[str]:
    """Mark the files up to `number` as applied, without running them (their names).

    The live schema must have everything that the files make, and have it in the same form; what it
    has besides is named and left alone. Rows are not compared. Raises Refused with the differences.
    """
    with exclusive(url, settings, report) as session:
        cursor = session.cursor()
        migrations = files.find(folder)
        entries = history.read(cursor, migrations).checked().entries
        pending = {entry.name for entry in entries if entry.state == "pending"}
        adopted = [m for m in migrations if m.number <= number]
        todo = [m for m in adopted if m.name in pending]
        changes = diff(catalog.read(session.guard), _made(url, folder, {m.name for m in adopted}))
        missing = [change for change in changes if not _besides(change)]
        if missing:
            raise Refused(
                f"the database does not have what the files up to {number:03} make:",
                why="\n".join(f"  - to {change}" for change in missing) + "\nNothing was adopted.",
                fix="bring the database to that state, or adopt fewer files and migrate the rest.",
            )
        for change in changes:
            report.message(f"left alone, no file makes it: {change.kind} {change.target}")
        if not settings.dry:
            with session.database.atomic():
                history.prepare(cursor)
                for migration in todo:
                    history.record(cursor, migration, None, socket.gethostname())
        return [migration.name for migration in todo]


def _made(url: str, folder: Path, names: set[str]) -> Schema:
    with scratch(url) as database, files.copied(folder, names) as copy:
        Runner(database, copy).migrate()
        with closing(connect(database, autocommit=True)) as connection:
            return catalog.read(connection)


def _besides(change: Change) -> bool:
    """Whether it is an object of its own that the database has and the files do not make."""
    return change.action == "drop" and not change.table
