"""A script as psql runs it."""

from __future__ import annotations

import subprocess
from pathlib import Path

from engine.connect.programs import clients


def through_psql(text: str, url: str, path: Path) -> str:
    """What psql complains of in the script, which it stops at. path: of the file that it reads."""
    path.write_text(text, encoding="utf-8", newline="")
    program = str(list(clients("psql").values())[-1])
    done = subprocess.run(
        [program, "-X", "-q", "-d", url, "-f", str(path)],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert bool(done.returncode) == bool(done.stderr), done.stderr
    return done.stderr
