"""The keys that encrypt secrets."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING

from invoke.context import Context

from commands.base import TENANT, TENANTS, application_url, here
from commands.choice import Choice, chosen
from commands.many import Many, all_tenants
from commands.task import command
from engine.errors import ConfigError, Refused
from engine.wording import counted, one_line
from project import PROJECT

if TYPE_CHECKING:
    from engine.project import Project
    from engine.report import Report

COPIES = (
    "What was copied before (a backup, another row) opens for as long as its key is there. Where "
    "these secrets had no key but this one, make a new one and rotate once more."
)
OTHERS = (
    "The database has other tenants, with the same keys: `invoke secrets.rotate --tenants` before "
    "a key is removed."
)


@command(example="invoke secrets.key")
def secrets_key(c: Context) -> None:
    """Print a new key for BILLING_SECRET_KEYS."""
    from kernel.secrets import new_key

    print(new_key())
    print("Put it first in BILLING_SECRET_KEYS; then: invoke secrets.rotate", file=sys.stderr)


@command(
    help={
        "tenant": TENANT,
        "tenants": TENANTS,
        "former": "The name that the schema had, or of the one that its rows are from.",
    },
    example="invoke secrets.rotate",
)
def secrets_rotate(c: Context, tenant: str = "", tenants: bool = False, former: str = "") -> None:
    """Re-encrypt every secret under the first key of BILLING_SECRET_KEYS."""
    from commands.console import Console
    from engine.tenants import listing

    many = chosen(tenant, tenants)
    if many:
        _rotate_all(many, former)
        return
    if tenant:
        _refuse_planted(here(tenant))
    project = PROJECT.at(application_url())
    if former:
        _refuse_former(project, tenant, former)
    key, done = _rotated(tenant, Console(), former)
    print(f"{counted(done, 'secret')} re-encrypted; 0 are under another key than {key}", end="")
    print(f"\n{OTHERS}" if listing.are_many(project) else ": remove the others")
    if done:
        print(COPIES)


def _rotate_all(many: Choice, former: str) -> None:
    """One after the other: a process has its models at one database at a time."""
    from commands.console import Console

    if former:
        raise ConfigError("--former is about one schema.", fix="write --tenant NAME --former …")
    project, keys = here(), set()

    def work(at: Project, tenant: str, report: Report) -> str:
        _refuse_planted(at)
        key, done = _rotated(tenant, report)
        keys.add(key)
        return f"{counted(done, 'secret')} re-encrypted"

    task = Many(project, Console(), "run the same line again.", many._replace(jobs=1))
    done: set[str] = set()
    # Those that were added meanwhile have the same keys.
    while rest := [tenant for tenant in all_tenants(project) if tenant.name not in done]:
        task.run(rest, work)
        done |= {tenant.name for tenant in rest}
    print(f"0 are under another key than {', '.join(keys)}: remove the others\n{COPIES}")


def _rotated(tenant: str, report: Report, former: str = "") -> tuple[str, int]:
    """As rotate() says it, in the schema of that tenant, or that of the search_path."""
    import application
    import registry
    from kernel.key_rotation import rotate

    models = registry.load().tables
    with application.operating(application_url(), writing=True) as database:
        # Not a URL of that schema: a pooler in transaction mode passes no options on.
        inside = partial(database.tenant, tenant) if tenant else nullcontext
        return rotate(models, report, former=former, inside=inside)


def _refuse_planted(at: Project) -> None:
    """Raise Refused where others have put code where that tenant's names are looked up."""
    from engine.connect.connection import connect

    connect(at, files=True).close()


def _refuse_former(project: Project, tenant: str, former: str) -> None:
    """Raise Refused where no secret may be carried over from a schema of that name, or none can."""
    from engine.tenants import schemas

    with schemas.whole_database(project) as cursor:
        is_there = schemas.has_schema(cursor, former)
        renamed = schemas.looking_in(cursor, former)
    if is_there:
        raise Refused(
            f"the database has a schema {one_line(former)}, so no other one had its name.",
            why="A secret that was encrypted there and is in another schema, somebody has moved; "
            "it is not to open where it is now. Nothing was changed.",
            fix="restore such a secret from a backup, or enter it again.",
        )
    for schema in renamed:
        if tenant in ("", schema):
            _refuse_half_renamed(schema, former)


def _refuse_half_renamed(schema: str, former: str) -> None:
    """No secret can be asked for whose table has a policy or a trigger: the functions of the schema
    still look for their tables in the former one."""
    from engine.schema.quoting import in_quotes

    raise Refused(
        f"the functions of the schema {one_line(schema)} look for their tables in "
        f"{one_line(former)}, which is gone.",
        why="A schema that is renamed keeps that name in its functions. Nothing was changed.",
        fix=f"give it its name back (ALTER SCHEMA {in_quotes(schema)} RENAME TO "
        f"{in_quotes(former)}): its secrets open again, as they are; or run what `invoke check "
        "--live` prints for it, and then this again.",
    )
