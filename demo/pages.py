"""The history as pages of CSV, written in a process of its own.

Making up rows keeps a core busy for as long as the server and its copying do another: 100,000
customers took 291 s one after the other in two threads, since Python runs one thread at a time.
"""

from __future__ import annotations

import gc
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from traceback import format_exc
from typing import NamedTuple

from demo.sheets import Page, as_csv
from demo.story import Story
from engine.errors import EngineError

# A new interpreter, and no copy of this one, which holds a connection to the server.
CONTEXT = get_context("spawn")


class Chapter(NamedTuple):
    """The pages up to a moment, and the last identity given in each table by then."""

    moment: int
    pages: list[Page]
    last_ids: dict[str, int]


class WriterGone(EngineError):
    """The process that makes up the rows has ended before its time."""


def chapters(story: Story) -> Iterator[Chapter]:
    """The whole history in order, each chapter written while the server takes the one before.

    Raises what went wrong in the making, and WriterGone where its process was killed.
    """
    reader, writer = CONTEXT.Pipe(duplex=False)
    process = CONTEXT.Process(target=_write, args=(story, writer), daemon=True)
    # Ctrl-C is told to both, and the new one is born deaf to it: this one ends the pipe, and with
    # it that process, which would print a traceback of its own.
    heard = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    process.start()
    signal.pthread_sigmask(signal.SIG_SETMASK, heard)
    # Closed here, or the pipe would not end with the process.
    writer.close()
    try:
        with ThreadPoolExecutor(1) as executor:
            coming = executor.submit(_receive, reader)
            while (chapter := coming.result()) is not None:
                coming = executor.submit(_receive, reader)
                yield chapter
    finally:
        # Whoever writes into a pipe that nobody reads ends by that.
        reader.close()
        process.join()


def _receive(reader: Connection) -> Chapter | None:
    try:
        received: Chapter | Exception | None = reader.recv()
    except EOFError as error:
        raise WriterGone(
            "the process that makes up the rows was killed.",
            why="Nothing was kept.",
            fix="see that there is memory enough (dmesg tells who was killed), and run it again.",
        ) from error
    if isinstance(received, Exception):
        raise received
    return received


def _write(story: Story, writer: Connection) -> None:
    """Write the chapters, and None behind the last one; or the error that stopped it."""
    # Rows by the million are no cycles, and the collector would look at each time and again.
    gc.disable()
    with suppress(BrokenPipeError):
        try:
            for moment, batch in story.batches():
                pages = [Page(sheet.table, len(rows), as_csv(rows)) for sheet, rows in batch]
                writer.send(Chapter(moment, pages, story.book.last_ids()))
            writer.send(None)
        except BrokenPipeError:
            raise
        except Exception as error:
            # Where it came from does not go along by itself.
            error.add_note(format_exc())
            writer.send(error)
