"""What a step of a migration file may not do, with the way out."""

from __future__ import annotations

from collections.abc import Iterable

from engine.errors import MigrationFailed
from engine.files.journal import Journal
from engine.files.migration_file import Migration
from engine.files.step import Step


def check(migration: Migration, steps: Iterable[Step], *, atomic: bool) -> None:
    """Raise MigrationFailed for a step that cannot be run safely; nothing has run yet.

    atomic: whether the file runs in one transaction.
    """
    for step in steps:
        if step.controls_transaction:
            raise _failed(
                migration,
                step,
                "it begins or ends a transaction, and that is for the runner to do.",
                fix="remove that command. A file whose statements are to be committed one by one "
                "says `atomic = False` above migrate().",
            )
        if step.streams:
            raise _failed(
                migration,
                step,
                "COPY takes its rows from the client there, and a file sends none.",
                fix="write the rows as INSERT; or copy them in a function for migrator.run(): "
                'database.cursor().copy_expert("COPY … FROM STDIN", rows), where rows is what '
                "io.StringIO or open() gives.",
            )
        if step.is_empty:
            raise _failed(
                migration,
                step,
                "there is no statement in it: it is empty, or a comment alone.",
                fix=f"fix {migration.path}: write it into that migrator.sql(), or remove that; "
                "then run the command again.",
            )
        if step.has_lone_percent:
            raise _failed(
                migration,
                step,
                "a % that stands alone in SQL is taken for a parameter.",
                fix=f"write % as %% in the SQL of {migration.path}, then run the command again.",
            )
        if not atomic and step.index and not step.index.name:
            raise _failed(
                migration,
                step,
                "the index has no name: after a crash it could not be told from others.",
                fix="write CREATE INDEX CONCURRENTLY name ON …",
            )


def ended_transaction(migration: Migration, step: Step, stays: str) -> MigrationFailed:
    """The error for a step that has ended the transaction in which it ran."""
    return _failed(
        migration,
        step,
        "it has ended the transaction in which it ran.",
        why=stays,
        fix="undo that by hand, and let the file leave the transaction alone; then run the "
        "command again.",
    )


def aborted_transaction(migration: Migration, step: Step, stays: str) -> MigrationFailed:
    """The error for a function that has caught an error of PostgreSQL's and gone on."""
    return _failed(
        migration,
        step,
        "it has caught an error of PostgreSQL's, after which nothing more can run in its "
        "transaction.",
        why=stays,
        fix="put what may fail into `with database.atomic():` inside the try, which takes back "
        "that part alone; then run the command again.",
    )


def refuse_invalid(migration: Migration, step: Step, journal: Journal) -> None:
    """Raise MigrationFailed where IF NOT EXISTS has hidden an index that is invalid."""
    if step.index and not journal.index_is_valid(step):
        raise _failed(
            migration,
            step,
            f"the index {step.index.name} was there before and is invalid, so that no query uses "
            "it.",
            fix=f"run DROP INDEX CONCURRENTLY {step.index.name}, then the command again.",
        )


def _failed(
    migration: Migration, step: Step, what: str, *, fix: str, why: str = ""
) -> MigrationFailed:
    text = " ".join(step.sql.split())
    shown = f"    {text[:100]}{'…' if len(text) > 100 else ''}" if text else ""
    return MigrationFailed(
        what,
        why="\n".join(filter(None, [shown, why or "Nothing of it was run."])),
        fix=fix,
        file=migration.name,
        line=step.line,
    )
