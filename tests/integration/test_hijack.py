"""A role that may only create in the schema plants what it can for every name in the SQL that the
server logs of the engine; a superuser's commands then run nothing of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.console import call, in_a_process
from tests.support.databases import execute
from tests.support.planting import Log, met, plant
from tests.support.postgres import PostgresServer

Commands = list[tuple[str, ...]]

READING = [("status",), ("migrate",), ("rollback", "--yes"), ("adopt", "1")]
WHOLE = [
    *READING,
    *(
        ("check",),
        ("check", "--live"),
        ("generate",),
        ("migrate", "--dry-run"),
        ("demo", "-c", "9"),
    ),
    *(("db.shell", "-c", "\\q"), ("admin.password", "admin"), ("secrets.rotate",)),
    *(("reset", "--yes", "--all"), ("migrate",), ("fresh", "--yes", "--all")),
]
# These may fail: beside code of others, or because a database is or is not empty.
REFUSED = {"rollback", "backup", "adopt", "fresh", "check", "generate", "demo", "restore"}
REFUSED |= {"admin.password", "secrets.rotate", "migrate"}
# One becomes psql, the other one reads from stdin.
ALONE = {"db.shell", "admin.password"}
TYPED = "kata sandi yang panjang\n"


@pytest.fixture
def mallory(server: PostgresServer, template: str) -> Iterator[str]:
    """A role with nothing but log-in."""
    role = f"mallory_{template[-4:]}_{server.name}"
    server.execute(f"DROP ROLE IF EXISTS {role}")
    server.execute(f"CREATE ROLE {role} LOGIN")
    yield role
    server.execute(f"DROP ROLE {role}")


@contextmanager
def planted(server: PostgresServer, url: str, mallory: str, statements: str) -> Iterator[None]:
    """What mallory can make there for the names in the statements, for that time."""
    place = url.replace("postgres@", f"{mallory}@")
    if int(server.name) >= 15:
        execute(url, f"GRANT CREATE, USAGE ON SCHEMA public TO {mallory}")
    try:
        assert plant(place, statements) > 200
        log = Log(server, url)
        execute(place, "SELECT FROM public.pg_class WHERE oid IS NULL")
        execute(place, "SELECT '1'::public.regclass")
        assert set(met(log)) == {"a view", "a type"}, "the test could not fail"
        yield
    finally:
        execute(url, f"DROP OWNED BY {mallory} CASCADE")


def run(server: PostgresServer, url: str, commands: Commands) -> str:
    """Run the commands, none of which may meet what is planted; what the server has logged."""
    whole = ""
    for command in commands:
        log = Log(server, url)
        result = (
            in_a_process(url, *command, typed=TYPED) if command[0] in ALONE else call(url, *command)
        )
        assert met(log) == [], command
        assert result.code == 0 or command[0] in REFUSED, result.err
        whole += log.text()
    return whole


@pytest.mark.parametrize(
    "commands", [READING, pytest.param(WHOLE, marks=pytest.mark.campaign)], ids=["part", "whole"]
)
def test_nothing_that_was_planted_runs(
    server: PostgresServer,
    template: str,
    mallory: str,
    tmp_path: Path,
    migrations: Path,
    commands: Commands,
) -> None:
    """Into a database that has been migrated; and, in the campaign, into one that is empty, where
    on PostgreSQL 14 everybody may create."""
    backup = ("backup", "--path", str(tmp_path / "backups"))
    with server.copy(template) as url:
        statements = run(server, url, [*commands, backup])
    with server.copy(template) as url:
        execute(url, f"GRANT CREATE, USAGE ON SCHEMA public TO {mallory}")
        with planted(server, url, mallory, statements):
            run(server, url, [*commands, backup])
    if commands is WHOLE:
        dump = next((tmp_path / "backups").glob("*.dump"), None)
        restore = [("restore", str(dump), "--yes")] if dump else []
        with server.database() as url, planted(server, url, mallory, statements):
            run(server, url, [*restore, *commands, backup])
