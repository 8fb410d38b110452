"""The tasks, called in this process as invoke calls them: quicker than a process for each."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from unittest import mock

import pytest

import application
import tasks
from commands import base, generate, sql
from commands.command_line import CommandLine
from commands.tasks_by_name import Tasks
from project import PROJECT


@dataclass(frozen=True)
class Result:
    """What a task has left behind."""

    code: int
    out: str
    err: str


class Terminal(io.StringIO):
    """A stdin at which somebody types."""

    def isatty(self) -> bool:
        return True


def call(url: str | None, *arguments: str, typed: str | None = None, **environment: str) -> Result:
    """Run `invoke …` on that database, the streams captured.

    typed: what is typed on the terminal; None where there is no terminal. What the task does not
    catch is raised: it would be a traceback in a process of its own.
    """
    stdin = io.StringIO() if typed is None else Terminal(typed)
    out, err, code = io.StringIO(), io.StringIO(), 0
    given = ({"DATABASE_URL": url} if url is not None else {}) | environment
    with (
        _environment(given),
        mock.patch("sys.stdin", stdin),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            _program().run(["invoke", *arguments])
        except SystemExit as end:
            code = int(end.code or 0)
        finally:
            application.disconnect()  # a process of its own would end with its connections
    return Result(code, out.getvalue(), err.getvalue())


def _program() -> CommandLine:
    program = CommandLine(namespace=Tasks(tasks.TASKS))
    CommandLine.take_over(program, tasks.TASKS)
    return program


def flags() -> dict[str, set[str]]:
    """Task to its long options, as `invoke --help TASK` lists them."""
    return {
        context.name: {flag for flag in context.flags if flag.startswith("--")}
        for context in Tasks(tasks.TASKS).to_contexts()
    }


def in_a_process(url: str, *arguments: str, typed: str = "", **environment: str) -> Result:
    """The same in a process of its own, which also has the environment of this one."""
    done = subprocess.run(
        [sys.executable, "-m", "invoke", *arguments],
        cwd=PROJECT.root,
        env=os.environ | {"DATABASE_URL": url} | environment,
        input=typed,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return Result(done.returncode, done.stdout, done.stderr)


@contextmanager
def _environment(given: dict[str, str]) -> Iterator[None]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PG", "DB_", "BILLING_"))}
    with mock.patch.dict(os.environ, kept | given, clear=True):
        yield


def migrations_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the tasks use another folder of migrations."""
    for module in (base, generate, sql):
        monkeypatch.setattr(module, "PROJECT", replace(PROJECT, migrations=folder))


def at_terminal(folder: Path, url: str, task: list[str], *answers: str) -> tuple[int, str]:
    """Run a task on a terminal, answering each question as it comes (its status, what it said)."""
    terminal = "import pty, sys, os; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"
    process = subprocess.Popen(
        [sys.executable, "-c", terminal, sys.executable, "-m", "invoke", *task],
        cwd=folder,
        env=os.environ | {"DATABASE_URL": url},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin and process.stdout
    with process:
        said, left = "", list(answers)
        while more := process.stdout.read1().decode():
            said += more
            if said.endswith((": ", "] ")):
                if not left:
                    process.kill()
                    raise AssertionError(f"nobody answers what it asks then: {said}")
                process.stdin.write(f"{left.pop(0)}\n".encode())
                process.stdin.flush()
                said += "\n"
    return process.returncode, said
