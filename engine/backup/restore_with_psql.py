"""Restoring through psql, as one transaction: with a pg_restore that is newer than the server, or
where something else belongs to that transaction.

Since version 17 pg_restore begins with a setting that older servers do not know, and fails on them;
its script is the same without that line.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from typing import Any

from engine.connect import programs
from engine.connect.programs import for_program
from engine.report import Report

KNOWN_SINCE = 17
UNKNOWN = b"SET transaction_timeout = 0;\n"
HEAD_LINES = 40


def run(
    command: list[str], sign: str, url: str, report: Report, first: Sequence[str] = ()
) -> tuple[int, list[str]]:
    """Let pg_restore's script run: (exit status, what the error says).

    command: writes the script to stdout. sign: begins a line of its stderr for each step. first:
    statements that run before it. The COMMIT is sent once pg_restore has ended well, so that no
    half of a script is ever kept.
    """
    connection, environment = for_program(url)
    psql = list(programs.clients("psql").values())[-1]
    options = ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--no-password"]
    with (
        tempfile.TemporaryFile("w+") as said,
        subprocess.Popen(
            [psql, *options, f"--dbname={connection}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=said,
            env=environment,
        ) as target,
    ):
        try:
            status, errors = _fed(command, sign, target.stdin, report, first)
            if status:
                target.kill()
            with suppress(BrokenPipeError):
                target.communicate(b"COMMIT;\n")
        except BaseException:
            target.kill()
            raise
        said.seek(0)
        lines = said.read().splitlines() or errors
    return status or target.returncode, lines[: programs.LONGEST]


def _fed(
    command: list[str], sign: str, target: Any, report: Report, first: Sequence[str]
) -> tuple[int, list[str]]:
    """Run the command with its output going to psql."""
    reading, writing = os.pipe()
    copier = threading.Thread(target=_copy, args=(reading, target, first))
    copier.start()
    try:
        return programs.follow(command, sign, lambda _: report.step(), stdout=writing)
    finally:
        os.close(writing)
        copier.join()


def _copy(reading: int, target: Any, first: Sequence[str]) -> None:
    begin = ["SET client_encoding = 'UTF8'", "BEGIN", *first]
    with os.fdopen(reading, "rb") as source, suppress(BrokenPipeError):
        target.write("".join(f"{statement};\n" for statement in begin).encode())
        target.writelines(line for line in islice(source, HEAD_LINES) if line != UNKNOWN)
        shutil.copyfileobj(source, target)
        target.flush()
