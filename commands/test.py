"""The tests, on every PostgreSQL."""

from __future__ import annotations

import sys

from invoke.context import Context
from invoke.exceptions import Exit

from commands.base import ROOT, command


@command(
    help={
        "all": "Also the long campaigns; each test on each PostgreSQL.",
        "options": "More options, passed to pytest.",
    },
    auto_shortflags=False,
)
def test(c: Context, all: bool = False, options: str = "") -> None:
    """Run the tests on every PostgreSQL that is there; installs Debian's where it may."""
    marks = "" if all else " -m 'not campaign'"
    with c.cd(str(ROOT)):
        c.run("sh tests/support/servers.sh", pty=False, in_stream=False)
        result = c.run(
            f"{sys.executable} -m pytest{marks} {options}",
            warn=True,
            pty=sys.stdout.isatty(),
            in_stream=False,
        )
    raise Exit(code=result.exited if result else 1)
