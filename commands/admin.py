"""Passwords of admin users."""

from __future__ import annotations

import sys

from invoke.context import Context

from commands.base import application_url
from commands.task import asked, command, somebody_answers
from engine.errors import Refused


@command(
    example="invoke admin.password admin",
    positional=["name"],
    help={
        "name": "User name of the admin user.",
        "must_change": "Ask for another password at the next log-in.",
    },
)
def admin_password(c: Context, name: str, must_change: bool = False) -> None:
    """Set an admin user's password: asked for, or one line of stdin where there is no terminal."""
    import application
    from domains.auth.passwords import find_admin, set_password
    from domains.system.limits import login_limits

    with application.operating(application_url(), writing=True):
        admin, least = find_admin(name), login_limits().password_min_length
        ended = set_password(admin, _new_password(name), least=least, must_change=must_change)
    print(f"{admin.username} has a new password; {ended} sessions ended")


def _new_password(name: str) -> str:
    """Never from the command line, which others can see."""
    if not somebody_answers():
        return sys.stdin.readline().rstrip("\r\n")
    from getpass import getpass

    password = asked(getpass, f"New password of {name}: ")
    if asked(getpass, "Once more: ") != password:
        raise Refused(
            "The two are not the same; nothing was changed.",
            fix="run the command again, and type the same password twice.",
        )
    return password
