"""stdin, stdout and stderr as a task may trust them: there, written to the end, and without what
orders a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import Any, TextIO, cast

from invoke.exceptions import Exit

from commands.colour import harmless


class Harmless:
    """A stream that shows what would order a terminal instead of passing it on, whoever prints: a
    task, a domain, a file of migrations, a log. All else of it is the stream's own."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        """As a stream has it."""
        self.stream.write(harmless(text))
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        """As a stream has it."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def plain(stream: TextIO) -> TextIO:
    """The stream to the letter: for what draws on a terminal itself, and for scripts."""
    return stream.stream if isinstance(stream, Harmless) else stream


def letters() -> TextIO:
    """Where SQL for psql goes: to the letter, but on a terminal."""
    return sys.stdout if sys.stdout.isatty() else plain(sys.stdout)


@contextmanager
def harmless_streams() -> Iterator[None]:
    """Let nothing that is printed inside order a terminal; each stream is there."""
    complete()
    output, errors = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = cast(TextIO, Harmless(output)), cast(TextIO, Harmless(errors))
    try:
        yield
    finally:
        sys.stdout, sys.stderr = output, errors


def complete() -> None:
    """Put an empty stream where one is closed (`<&-`), and let no name be unprintable.

    Python leaves None there, which has no isatty(); and what is opened next, such as a connection,
    would be number 0, 1 or 2 for every program that the task starts.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def ending(error: OSError) -> Exit | None:
    """How to end where it is stdout that cannot be written; None where it is another file."""
    output = sys.__stdout__
    if error.filename is not None or output is None or plain(sys.stdout) is not output:
        return None
    try:
        output.flush()
        os.write(output.fileno(), b"\n")
    except OSError:
        # What is left in the buffer would fail once more when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), output.fileno())
    else:
        return None
    if isinstance(error, BrokenPipeError):  # `invoke … | head` has seen enough
        return Exit(code=1)
    return Exit(
        f"Error: the output cannot be written: {error.strerror}.\n"
        "What was done stays done; `invoke status` shows where the database stands.\n"
        "What to do: make room there or send the output elsewhere, and run it again.",
        1,
    )
