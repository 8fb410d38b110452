"""What the commands share: how an error is told, which database is meant, how a run is set up."""

from __future__ import annotations

import functools
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any

from invoke.context import Context
from invoke.exceptions import Exit
from invoke.parser.argument import Argument
from invoke.tasks import Task, task

from engine.errors import ConfigError, EngineError, Refused

if TYPE_CHECKING:
    from engine.report import Report
    from engine.run.runner import Runner

ROOT = Path(__file__).resolve().parent.parent
MIGRATIONS = ROOT / "migrations"
TIME_ZONE = "Asia/Jakarta"
DRY_RUN = "Print the SQL and change nothing."
LOG_JSON = "Write a line of JSON for each event to stderr; all else goes to stdout."
NAME = "Name of the database, to be given where it is a production one."


class Command(Task):  # type: ignore[type-arg]
    """A task with the option --debug, which has no short form: -d is for --dry-run."""

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Argument]:
        debug = Argument(
            name="debug", kind=bool, default=False, help="Show the Python stack of an error."
        )
        return [*super().get_arguments(ignore_unknown_help), debug]


def command(**options: Any) -> Callable[[Callable[..., None]], Any]:
    """An invoke task that prints what a user can cause as a message, and exits with 1."""

    def decorate(function: Callable[..., None]) -> Any:
        @functools.wraps(function)
        def guarded(*arguments: Any, debug: bool = False, **named: Any) -> None:
            from engine.connect.connection import load_environment

            for stream in (sys.stdout, sys.stderr):
                if isinstance(stream, TextIOWrapper):
                    stream.reconfigure(errors="backslashreplace")  # no name is unprintable
            try:
                _refuse_undecodable(named)
                load_environment(ROOT)
                function(*arguments, **named)
            except Exit:
                raise
            except BrokenPipeError:
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                raise Exit(code=1) from None
            except (Exception, KeyboardInterrupt) as error:
                if debug:
                    traceback.print_exc()
                message = _message(error)
                if named.get("log_json"):
                    print(message)
                raise Exit(None if named.get("log_json") else message, 1) from None

        return task(guarded, klass=Command, **options)

    return decorate


def count(option: str, text: str, least: int = 1) -> int:
    """The number; invoke itself takes a negative one, and answers `x` with a traceback."""
    if not re.fullmatch("[0-9]{1,9}", text) or int(text) < least:
        raise ConfigError(
            f"{option} takes a number from {least} on, not {text[:20]!r}.",
            fix=f"write for example {option} 2",
        )
    return int(text)


def url() -> str:
    """The database that is meant."""
    from engine.connect.connection import database_url

    return database_url(ROOT)


def migration_url() -> str:
    """Where migrations run: past a transaction pooler, if one is named for that."""
    from engine.connect import connection

    return connection.migration_url(ROOT)


def answer(question: str) -> str:
    """What somebody types at the terminal, in lower case. Raises Refused where nobody does."""
    try:
        return input(question).strip().lower()
    except EOFError:
        raise Refused("Not answered; nothing was changed.") from None


def is_dry(c: Context, dry_run: bool) -> bool:
    """Whether to show only: by the task's own option, or by invoke's -R."""
    return dry_run or bool(c.config.run.dry)


@contextmanager
def reporting(task: str, log_json: bool) -> Iterator[Report]:
    """Where a run tells what it does: the console, or a collector."""
    if log_json:
        from commands.json_log import logged

        with logged(task) as report:
            yield report
    else:
        from commands.console import Console

        yield Console()


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


def _refuse_undecodable(options: dict[str, Any]) -> None:
    """PostgreSQL takes text in UTF-8; what was typed in another encoding is none."""
    for name, value in options.items():
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str) and re.search("[\ud800-\udfff]", text):
                raise ConfigError(
                    f"the {name.replace('_', '-')} {text!r} is not in UTF-8.",
                    fix="write it in UTF-8; rename a file or folder that has such a name.",
                )


def _message(error: BaseException) -> str:
    """What to print for what a user can cause; raises anything else again."""
    if isinstance(error, KeyboardInterrupt):
        return (
            "Interrupted; what was not finished is rolled back. A file with `atomic = False` keeps "
            "what it had done, and invoke migrate goes on there."
        )
    domain_errors = sys.modules.get("kernel.errors")  # not there before a domain was imported
    if isinstance(error, EngineError) or (
        domain_errors and isinstance(error, domain_errors.BillingError)
    ):
        return f"Error: {error}"
    from engine.explain.postgres_errors import translated

    if known := translated(error):
        return f"Error: {known}"
    raise error
