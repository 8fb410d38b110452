"""The keys that encrypt secrets."""

from __future__ import annotations

import sys

from invoke.context import Context

from commands.base import application_url
from commands.task import command
from engine.wording import counted


@command(example="invoke secrets.key")
def secrets_key(c: Context) -> None:
    """Print a new key for BILLING_SECRET_KEYS."""
    from kernel.secrets import new_key

    print(new_key())
    print("Put it first in BILLING_SECRET_KEYS; then: invoke secrets.rotate", file=sys.stderr)


@command(example="invoke secrets.rotate")
def secrets_rotate(c: Context) -> None:
    """Re-encrypt every secret under the first key of BILLING_SECRET_KEYS."""
    import application
    import registry
    from commands.console import Console
    from kernel import key_rotation as rotation

    models = registry.load().tables
    with application.operating(application_url(), writing=True):
        key, done = rotation.rotate(models, Console())
    secrets = counted(done, "secret")
    print(f"{secrets} re-encrypted; 0 are under another key than {key}: remove the others")
    if done:
        print(
            "What was copied before (a backup, another row) opens for as long as its key is there. "
            "Where these secrets had no key but this one, make a new one and rotate once more."
        )
