"""The tests, on every PostgreSQL."""

from __future__ import annotations

import shlex
import sys

from invoke.context import Context
from invoke.exceptions import Exit

from commands.streams import plain
from commands.task import command
from project import PROJECT


@command(
    help={
        "all": "Also the long campaigns; each test on each PostgreSQL.",
        "options": "More options, passed to pytest.",
    },
    example="invoke test --options '-k money'",
)
def test(c: Context, all: bool = False, options: str = "") -> None:
    """Run the tests on every PostgreSQL that is there; installs Debian's where it may."""
    extent = " --hypothesis-profile campaign" if all else " -m 'not campaign'"
    # c.cd() does not quote: a folder with a space in its name would be two words.
    with c.prefix(f"cd {shlex.quote(str(PROJECT.root))}"):
        c.run("sh tests/support/servers.sh", pty=False, in_stream=False)
        result = c.run(
            f"{shlex.quote(sys.executable)} -m pytest{extent} {options}",
            warn=True,
            pty=sys.stdout.isatty(),
            in_stream=False,
            out_stream=plain(sys.stdout),  # colours and all, as pytest draws them
            err_stream=plain(sys.stderr),
        )
    raise Exit(code=result.exited if result else 1)
