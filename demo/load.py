"""Filling a database: refuse what is not empty, stream the rows in, verify, commit or undo all.

One transaction. The tables' own triggers are off while rows stream in, since the rows come with
what these would fill; CHECKs and unique indexes stay on, foreign keys are added again and look at
all rows, and the audit looks after the rest before anything is committed.
"""

from __future__ import annotations

import time
from contextlib import closing
from typing import Any

import psycopg2
from peewee import Model
from psycopg2 import errors

import registry
from application.integrity import audit
from demo import bulk, seeded, world
from demo.moments import DAY
from demo.pages import chapters
from demo.plan import Plan
from demo.sheets import Book, Sheet
from demo.story import Story
from domains import IdentityField
from engine.connect import environment
from engine.connect.connection import connect
from engine.connect.url import shown
from engine.errors import EngineError, Refused
from engine.explain.postgres_errors import connection_lost, translated
from engine.explain.remedies import LET_PASS
from engine.manage.status import read_status
from engine.project import Project
from engine.report import Action, Report
from engine.schema.own_sql import event_triggers

LOCK_TIMEOUT = "5s"
EMPTY = "SELECT NOT EXISTS (SELECT FROM customers)"
# The identities were given here, so the sequences have to be told.
ADVANCE = """
    SELECT setval(sequence, greatest(%s, coalesce(pg_sequence_last_value(sequence), 0)))
    FROM (SELECT pg_get_serial_sequence(%s, 'id')::regclass AS sequence) s
"""
FAULTS = (
    (
        errors.InsufficientPrivilege,
        "connect as the owner of the tables: only the owner may turn their triggers off.",
    ),
    (errors.LockNotAvailable, "end the other sessions that write, then run the command again."),
    (
        errors.UniqueViolation,
        "remove or rename the row that is in the way, or use a new database (createdb, then invoke "
        "migrate).",
    ),
)


class DemoFailed(EngineError):
    """The rows could not be loaded; the database is as it was, or, where the connection was lost,
    may be complete."""


def load(project: Project, plan: Plan, report: Report) -> list[Sheet]:
    """Fill a migrated database that has no customers yet; the tables with their rows and seconds.

    Raises Refused for any other database, DemoFailed where a row or a rule is not accepted.
    """
    where = shown(project.url)
    _refuse_unmigrated(project, where)
    models = _models()
    begun = time.perf_counter()
    with closing(connect(project, files=True, writing=True)) as connection:
        try:
            with connection, connection.cursor() as cursor:
                _refuse_in_use(cursor, project, where)
                _be_patient(cursor)
                with bulk.bare(cursor, [model._meta.table_name for model in models]):
                    # Once more, now that nobody else writes.
                    _refuse_in_use(cursor, project, where)
                    sheets = _fill(cursor, models, plan, report)
                _analyze(cursor, sheets)
                _refuse_broken(connection, report)
        except psycopg2.Error as error:
            raise _explained(error, connection) from error
        _vacuum(connection, sheets, report)
    report.finished("demo", Action.LOADED, time.perf_counter() - begun)
    return sheets


def _models() -> list[type[Model]]:
    """Those that the demo may fill; a table with another key belongs to a domain of one's own."""
    models = registry.load().tables
    return [model for model in models if isinstance(model._meta.primary_key, IdentityField)]


def _refuse_unmigrated(project: Project, where: str) -> None:
    history = read_status(project).history.checked()
    if pending := len(history.pending):
        raise Refused(
            f"{where} is not up to date: {pending} migrations are pending.",
            why="Nothing was changed.",
            fix="run invoke migrate first; invoke status shows which.",
        )


def _refuse_in_use(cursor: Any, project: Project, where: str) -> None:
    if environment.is_production(cursor, project):
        raise Refused(
            f"{where} is a production database.",
            why="Invented customers have no place there. Nothing was changed.",
            fix="point DATABASE_URL at a database made for the demo.",
        )
    cursor.execute(EMPTY)
    if not cursor.fetchone()[0]:
        raise Refused(
            f"{where} has customers already.",
            why="The demo wants a database of its own. Nothing was changed.",
            fix="make one (createdb, then invoke migrate) and name it in DATABASE_URL.",
        )


def _be_patient(cursor: Any) -> None:
    """Wait for locks a while, and for nothing else less than it takes."""
    cursor.execute("SELECT set_config('lock_timeout', %s, true)", (LOCK_TIMEOUT,))
    cursor.execute("SELECT set_config('statement_timeout', '0', true)")


def _fill(cursor: Any, models: list[type[Model]], plan: Plan, report: Report) -> list[Sheet]:
    book = Book(cursor, models)
    known = seeded.read(cursor)
    first_ids = last_ids = book.last_ids()
    sheets = {sheet.table: sheet for sheet in book}
    story = Story(plan, book, known, world.branches(cursor, plan, book, known))
    days = 0
    report.started("demo", (story.now - story.begins) // DAY)
    for chapter in chapters(story):
        for page in chapter.pages:
            sheets[page.table].copy(cursor, page)
        last_ids = chapter.last_ids
        while days < (chapter.moment - story.begins) // DAY:
            days += 1
            report.step()
    filled = [sheet for sheet in book if last_ids[sheet.table] > first_ids[sheet.table]]
    for sheet in filled:
        cursor.execute(ADVANCE, (last_ids[sheet.table], sheet.table))
    return filled


def _refuse_broken(connection: Any, report: Report) -> None:
    report.message("auditing the rows")
    if broken := audit(connection):
        raise DemoFailed(
            "the rows break the rules of the database:",
            why="\n".join(f"  - {rule}" for rule in broken) + "\nNothing was kept.",
            fix="this is a fault in the package demo: correct it where the rule is named.",
        )


def _analyze(cursor: Any, sheets: list[Sheet]) -> None:
    """Without statistics a query over all rows could take hours."""
    for sheet in sheets:
        cursor.execute(f'ANALYZE "{sheet.table}"')


def _vacuum(connection: Any, sheets: list[Sheet], report: Report) -> None:
    """What autovacuum would do in a while: mark the pages that need no second look."""
    report.message("the rows are kept; vacuum")
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            for sheet in sheets:
                cursor.execute(f'VACUUM "{sheet.table}"')
    except psycopg2.Error as error:
        report.message(f"the rest of the vacuum is left to autovacuum: {error}")


def _explained(error: psycopg2.Error, connection: Any) -> DemoFailed:
    if connection_lost(error):
        # At the COMMIT, too, whose answer then never came.
        return DemoFailed(
            f"the demo cannot be loaded: {getattr(translated(error), 'what', error)}",
            why="All of its rows are there, or none.",
            fix="when the server answers again, run the command again: it refuses where all are "
            "there.",
        )
    why = [error.diag.message_detail or ""]
    fix = next((fix for kind, fix in FAULTS if isinstance(error, kind)), "")
    # First, since what an event trigger refuses may have the code of a right that is missing.
    if notes := event_triggers(connection, error):
        why, fix = notes, f"{LET_PASS}, then run the command again."
    return DemoFailed(
        f"the demo cannot be loaded: {error.diag.message_primary or error}.",
        why="\n".join(filter(None, [*why, "Nothing was kept."])),
        fix=fix or "see what the server says above; its log may say more.",
    )
