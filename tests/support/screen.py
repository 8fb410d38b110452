"""A terminal of a certain size, on which a task runs, and what it shows there."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# Seconds after which what was waited for will not come.
PATIENCE = 30
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Screen:
    """text: all that was written to the terminal so far, control codes included."""

    def __init__(self, process: subprocess.Popen[bytes], terminal: int) -> None:
        self.process = process
        self.terminal = terminal
        self.text = ""

    def shows(self, text: str) -> None:
        """Return when it stands there; raise where the task ends without it."""
        give_up = time.monotonic() + PATIENCE
        while text not in CONTROL.sub("", self.text):
            if not self._read() or time.monotonic() > give_up:
                raise AssertionError(f"{text!r} never came, but:\n{self.text}")

    def types(self, text: str) -> None:
        """What a person types; `\\x03` is Ctrl-C."""
        os.write(self.terminal, text.encode())

    def interrupts(self) -> int:
        """Press Ctrl-C, and once more where nothing comes of it (the exit status). Python looks for
        signals before it waits for a key: one that comes in between shows with the next."""
        self.types("\x03")
        while True:
            if not select.select([self.terminal], [], [], PATIENCE / 6)[0]:
                self.types("\x03")
            elif not self._read():
                return self.process.wait(60)

    def end(self) -> int:
        """Read to the end (the exit status)."""
        while self._read():
            pass
        return self.process.wait(60)

    def rows(self) -> list[str]:
        """What stood in the lines of the terminal, one after the other."""
        return re.split(r"[\r\n]+", CONTROL.sub("", self.text))

    def _read(self) -> bool:
        if not select.select([self.terminal], [], [], PATIENCE)[0]:
            raise AssertionError(f"nothing more comes, after:\n{self.text}")
        with suppress(OSError):  # Linux has EIO for a terminal that nobody holds any more
            if more := os.read(self.terminal, 65536):
                self.text += more.decode(errors="replace")
                return True
        return False


@contextmanager
def screen(
    folder: Path, url: str, *task: str, columns: int = 80, **environment: str
) -> Iterator[Screen]:
    """`invoke TASK` on a terminal that is so wide."""
    outside, inside = pty.openpty()
    fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    kept = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS", "LINES")}
    process = subprocess.Popen(
        [sys.executable, "-m", "invoke", *task],
        cwd=folder,
        env=kept | {"DATABASE_URL": url, "TERM": "xterm-256color"} | environment,
        stdin=inside,
        stdout=inside,
        stderr=inside,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(inside, termios.TIOCSCTTY, 0),
    )
    os.close(inside)
    try:
        yield Screen(process, outside)
    finally:
        process.kill()
        process.wait()
        os.close(outside)
