"""Whole processes, timed in turn so that a machine that drifts drifts for all of them."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median


@dataclass(frozen=True)
class Command:
    """A process to time. before: what is done first, unmeasured, each time."""

    argv: Sequence[str]
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    before: Callable[[], None] | None = None


@dataclass(frozen=True)
class Measured:
    """Medians of a command's runs: milliseconds of wall time, MB of resident memory at the most."""

    milliseconds: float
    megabytes: float


def once(command: Command) -> Measured:
    """One run. Raises RuntimeError with what it printed where it failed."""
    if command.before:
        command.before()
    start = time.perf_counter()
    with subprocess.Popen(
        command.argv,
        cwd=command.folder,
        env={**os.environ, **command.environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        assert process.stdout
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        elapsed = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command.argv)}\n{output.decode(errors='replace')[-2000:]}")
    return Measured(elapsed * 1000, usage.ru_maxrss / 1024)


def in_turn(commands: Mapping[str, Command], runs: int) -> dict[str, Measured]:
    """The medians of each command: one run to warm up, then `runs` of each in turn."""
    for command in commands.values():
        once(command)
    results: dict[str, list[Measured]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            results[name].append(once(command))
    middles: dict[str, Measured] = {}
    for name, measured in results.items():
        times = [run.milliseconds for run in measured]
        sizes = [run.megabytes for run in measured]
        middles[name] = Measured(median(times), median(sizes))
    return middles
