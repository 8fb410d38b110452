"""How a task behaves: what it takes, how it asks, how an error is told, how it ends.

Nothing that a user can do ends in a traceback, be it a closed stdin, a full disk behind stdout, or
a signal.
"""

from __future__ import annotations

import functools
import re
import signal
import sys
import termios
import traceback
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from typing import Any

from invoke.context import Context
from invoke.exceptions import Exit
from invoke.parser.argument import Argument
from invoke.tasks import Task, task

from commands import json_output, streams
from commands.colour import harmless
from engine.errors import ConfigError, EngineError, Refused
from project import PROJECT

# The options that have a short form. Short forms that invoke chooses by itself mean another thing
# in each task: -d was --dry-run, and in `backup` it was --due, which removes old backups.
# -c and -f are those of psql.
SHORT = {"dry_run": "d", "yes": "y", "json": "j", "command": "c", "file": "f"}
# What a process manager sends to end a program, and a terminal that is closed.
ENDING = (signal.SIGTERM, signal.SIGHUP)


AGAIN = "run the command again, and answer the question."


class Stopped(KeyboardInterrupt):
    """A signal that ends the program; what Ctrl-C cleans up, it cleans up, too."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


class Command(Task):  # type: ignore[type-arg]
    """A task that every task of ours is: with --debug, and an example for its help.

    optional_words: the positional arguments that may be left out; they are empty then.
    """

    example = ""
    optional_words: Sequence[str] = ()

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Argument]:
        texts = dict(self.help)
        arguments = super().get_arguments(ignore_unknown_help)
        self.help = texts  # invoke takes the texts away as it reads them, and may read them twice
        for argument in arguments:
            if short := SHORT.get(argument.name or ""):
                argument.names = (*argument.names, short)
        debug = Argument(
            name="debug", kind=bool, default=False, help="Show the Python stack of an error."
        )
        return [*arguments, debug]


def command(
    *, example: str = "", optional_words: Sequence[str] = (), **options: Any
) -> Callable[[Callable[..., None]], Any]:
    """An invoke task that prints what a user can cause as a message, and exits with 1."""

    def decorate(function: Callable[..., None]) -> Any:
        @functools.wraps(function)
        @streams.harmless_streams()
        def guarded(c: Context, *arguments: Any, debug: bool = False, **named: Any) -> None:
            from engine.connect.settings import load_environment
            from engine.run.interrupt import attended

            tell = functools.partial(_tell, log_json=bool(named.get("log_json")))
            _listen_for_the_end()
            try:
                _refuse_undecodable(named)
                _refuse_dry(c, named)
                if notice := load_environment(PROJECT):
                    tell(notice)
                with json_output.alone() if named.get("json") else nullcontext(), attended(tell):
                    function(c, *arguments, **named)
                sys.stdout.flush()  # while an error can still be told
            except Exit:
                raise
            except BaseException as error:  # a domain may call sys.exit(0) when it is imported
                raise _ended(error, debug=debug, log_json=bool(named.get("log_json"))) from None

        made: Any = task(guarded, klass=Command, auto_shortflags=False, **options)
        made.example, made.optional_words = example, tuple(optional_words)
        return made

    return decorate


def count(option: str, text: str, least: int = 1) -> int:
    """The number; invoke itself takes a negative one, and answers `x` with a traceback."""
    if not re.fullmatch("[0-9]{1,9}", text) or int(text) < least:
        raise ConfigError(
            f"{option} takes a number from {least} on, not {text[:20]!r}.",
            fix=f"write for example {option} 2",
        )
    return int(text)


def somebody_answers() -> bool:
    """Whether there is a terminal to ask on."""
    return sys.stdin.isatty()


def confirm(question: str, *, default: bool = False) -> bool:
    """Ask until y or n is typed; Enter takes the default, which is written large.

    Raises Refused where nobody answers.
    """
    choices = "[Y/n]" if default else "[y/N]"
    forget_what_was_typed()
    while True:
        typed = asked(input, f"{question} {choices} ").strip().lower()
        if not typed:
            return default
        if typed in ("y", "yes", "n", "no"):
            return typed.startswith("y")
        print("Please answer y or n.", flush=True)


def forget_what_was_typed() -> None:
    """What was typed before a question could be read, while files ran, is no answer to it."""
    if sys.stdin.isatty():
        with suppress(termios.error, OSError):  # a terminal that is gone, or is no file
            termios.tcflush(sys.stdin, termios.TCIFLUSH)


def asked(ask: Callable[[str], str], question: str) -> str:
    """What is typed. ask: input or getpass. Raises Refused where nothing is; a question comes
    before anything is done, so nothing has changed by then."""
    try:
        return ask(harmless(question))  # what is typed at a terminal is asked past the streams
    except EOFError:
        raise Refused("Not answered; nothing was changed.", fix=AGAIN) from None
    except Stopped:
        raise
    except KeyboardInterrupt:
        print()
        raise Refused("Interrupted; nothing was changed.", fix=AGAIN) from None


def _tell(notice: str, *, log_json: bool) -> None:
    """Beside the results; log_json: stderr is for lines of JSON."""
    print(f"notice: {notice}", file=sys.stdout if log_json else sys.stderr)


def _listen_for_the_end() -> None:
    """Let SIGTERM and SIGHUP end a task as Ctrl-C does, with what was begun rolled back and told.
    One that is ignored (nohup) stays so."""

    def stop(number: int, _: Any) -> None:
        raise Stopped(number)

    for number in ENDING:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, stop)


def _refuse_dry(c: Context, named: dict[str, Any]) -> None:
    """invoke's -R promises that nothing is done; a task that cannot only show has to say so."""
    if c.config.run.dry and "dry_run" not in named:
        raise ConfigError(
            "this task has no dry run, so with -R nothing was done.",
            fix="leave out -R.",
        )


def _refuse_undecodable(options: dict[str, Any]) -> None:
    """PostgreSQL takes text in UTF-8; what was typed in another encoding is none."""
    for name, value in options.items():
        for text in value if isinstance(value, list) else [value]:
            try:
                str(text).encode()
            except UnicodeEncodeError:
                raise ConfigError(
                    f"the {name.replace('_', '-')} {text!r} is not in UTF-8.",
                    fix="write it in UTF-8; rename a file or folder that has such a name.",
                ) from None


def _ended(error: BaseException, *, debug: bool, log_json: bool) -> Exit:
    """How invoke is to end for what a user can cause; raises anything else again.

    log_json: whether stderr is for lines of JSON, so that the message goes to stdout.
    """
    if isinstance(error, OSError) and (unwritable := streams.ending(error)):
        return unwritable
    if debug:
        traceback.print_exc()
    message, code = _message(error), 128 + error.number if isinstance(error, Stopped) else 1
    if not log_json:
        return Exit(harmless(message), code)
    print(message)
    return Exit(None, code)


def _message(error: BaseException) -> str:
    """What to print for what a user can cause; raises anything else again."""
    if isinstance(error, KeyboardInterrupt):
        what = f"Stopped by {error}." if isinstance(error, Stopped) else "Interrupted."
        return "\n".join([what, *getattr(error, "__notes__", [])])
    domain_errors = sys.modules.get("kernel.errors")  # not there before a domain was imported
    if isinstance(error, EngineError) or (
        domain_errors and isinstance(error, domain_errors.BillingError)
    ):
        return f"Error: {error}"
    from commands.broken_domain import broken_domain
    from engine.explain.postgres_errors import translated

    if known := translated(error) or broken_domain(error):
        return f"Error: {known}"
    raise error
