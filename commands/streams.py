"""stdin, stdout and stderr as a task may trust them: there, and written to the end."""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper
from pathlib import Path

from invoke.exceptions import Exit


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
    if error.filename is not None or output is None or sys.stdout is not output:
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
