"""Pictures of the terminal, of what the tasks really print, for docs/.

    python -m benchmarks.pictures        # writes docs/terminal-*.svg

On a database of its own of the embedded server, or of DATABASE_URL.
"""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psycopg2
from rich.console import Console
from rich.text import Text

from benchmarks.engine import embedded_url
from benchmarks.friction_tools import uri
from benchmarks.peers import ROOT

WIDTH = 100
PICTURES = {
    "start": ["migrate", "status", "migrate"],
    "slip": ["migrat", "generate --fil x"],
    "check": ["check --live", "rollback --dry-run"],
}
# Rich's picture asks a server for its font; without that it is what the reader's machine has.
FONT = re.compile(r"\s*@font-face \{.*?\}", re.DOTALL)
UP = "\x1b[1A"
OTHER_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-ln-z]")


def printed(url: str, words: str) -> str:
    """What a task prints on a terminal, with its colours, as it stands there at the end."""
    outside, inside = pty.openpty()
    environment = os.environ | {
        "DATABASE_URL": url,
        "TERM": "xterm-256color",
        "COLUMNS": str(WIDTH),
    }
    environment.pop("NO_COLOR", None)
    command = [sys.executable, "-m", "invoke", *words.split()]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=inside, stdout=inside, stderr=inside
    ) as process:
        os.close(inside)
        parts = []
        while part := _read(outside):
            parts.append(part)
        process.wait()
    os.close(outside)
    return _settled(b"".join(parts).decode())


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux has EIO for a terminal that nobody holds any more
        return b""


def _settled(text: str) -> str:
    """The lines as they stand there in the end: a line that moves writes itself over, and takes
    itself away when it is done."""
    lines: list[str] = []
    for line in text.replace("\r\n", "\n").split("\n"):
        del lines[len(lines) - line.count(UP) :]
        left = [OTHER_CODES.sub("", part) for part in line.split("\r")]
        shown = [part for part in left if part.strip()]
        lines.append(shown[-1] if shown else "")
    return "\n".join(lines).strip("\n")


def picture(url: str, commands: list[str]) -> str:
    """An SVG of the commands and what they print."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    for words in commands:
        console.print(Text(f"$ invoke {words}", style="bold"))
        console.print(Text.from_ansi(printed(url, words)))
        console.print()
    return FONT.sub("", console.export_svg(title="invoke", unique_id="terminal"))


def main() -> int:
    """Write them all."""
    server = os.environ.get("DATABASE_URL") or embedded_url()
    with closing(psycopg2.connect(server)) as connection:
        connection.autocommit = True
        connection.cursor().execute("DROP DATABASE IF EXISTS billing_pictures")
        connection.cursor().execute("CREATE DATABASE billing_pictures")
    url = uri(psycopg2.extensions.make_dsn(server, dbname="billing_pictures"))
    for name, commands in PICTURES.items():
        path = Path(ROOT / f"docs/terminal-{name}.svg")
        path.write_text(picture(url, commands), encoding="utf-8")
        print(f"wrote {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
