"""What the tasks are about: which database is meant, where the files are, how a run is set up."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from invoke.context import Context

if TYPE_CHECKING:
    from commands.console import Console
    from engine.report import Report
    from engine.run.runner import Runner

ROOT = Path(__file__).resolve().parent.parent
MIGRATIONS = ROOT / "migrations"
TIME_ZONE = "Asia/Jakarta"
DRY_RUN = "Print the SQL and change nothing."
LOG_JSON = "Write a line of JSON for each event to stderr; all else goes to stdout."
UNFINISHED = (
    "What was not finished is rolled back; a file with `atomic = False` keeps what it had done.\n"
    "What to do: `invoke status` shows where the database stands, and the same command goes on."
)
NAME = "Name of the database, to be given where it is a production one."


def url() -> str:
    """The database that is meant."""
    from engine.connect.connection import database_url

    return database_url(ROOT)


def migration_url() -> str:
    """Where migrations run: past a transaction pooler, if one is named for that."""
    from engine.connect import connection

    return connection.migration_url(ROOT)


def is_dry(c: Context, dry_run: bool) -> bool:
    """Whether to show only: by the task's own option, or by invoke's -R."""
    return dry_run or bool(c.config.run.dry)


@contextmanager
def reporting(task: str, log_json: bool = False, *, plan: bool = False) -> Iterator[Console]:
    """Where a run tells what it does: the console, or a collector. plan: whether it only lists the
    files. A run that is interrupted says what became of it."""
    from commands import console

    if log_json:
        from commands.json_log import logged

        with logged(task) as log:
            yield log
        return
    report = console.Plan() if plan else console.Console()
    try:
        yield report
    except KeyboardInterrupt as interrupted:
        if report.running:
            interrupted.add_note(UNFINISHED)
        raise
    finally:
        report.close()


def runner_for(c: Context, dry_run: bool, report: Report | None = None) -> Runner:
    """A runner on the project's migrations."""
    from commands.console import Console
    from engine.run.runner import Runner
    from engine.run.session import Settings

    return Runner(
        migration_url(),
        MIGRATIONS,
        report or Console(),
        Settings(
            zone=os.environ.get("DB_TIMEZONE"),
            default_zone=TIME_ZONE,
            show=bool(c.config.run.echo),
            dry=is_dry(c, dry_run),
        ),
    )


def spare_production(runner: Runner, name: str, command: str) -> None:
    """Refuse on a production database, unless its name is given."""
    from engine.manage.environment import refuse_production

    if name or not runner.settings.dry:
        refuse_production(runner.url, name, command)
