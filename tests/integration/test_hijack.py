"""A role that may only create in the schema plants what it can for every name in the SQL that the
server logs of the engine; a superuser's commands then run nothing of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.console import call
from tests.support.databases import execute, query
from tests.support.planting import Log, met, plant
from tests.support.postgres import PostgresServer

READING = [("status",), ("migrate",), ("rollback", "--yes"), ("check", "--live"), ("adopt", "1")]
WHOLE = [*READING, ("check",), ("generate",), ("migrate", "--dry-run"), ("db.shell", "-c", "\\q")]
REFUSED = ("rollback", "backup", "adopt", "fresh", "check", "generate")
CHANGING = [("reset", "--yes", "--all"), ("fresh", "--yes", "--all")]


@pytest.mark.parametrize(
    "commands", [READING, pytest.param(WHOLE, marks=pytest.mark.campaign)], ids=["part", "whole"]
)
def test_nothing_that_was_planted_runs(
    server: PostgresServer,
    migrated_url: str,
    tmp_path: Path,
    commands: list[tuple[str, ...]],
) -> None:
    role = f"mallory_{migrated_url.rpartition('_')[2]}"
    server.execute(f"CREATE ROLE {role} LOGIN")
    execute(migrated_url, f"GRANT CREATE, USAGE ON SCHEMA public TO {role}")
    mallory = migrated_url.replace("postgres@", f"{role}@")
    commands = [*commands, ("backup", "--path", str(tmp_path)), *CHANGING]
    try:
        log = Log(server, migrated_url)
        for command in commands[: -len(CHANGING)]:
            call(migrated_url, *command)
        migrate_again(migrated_url)
        assert plant(mallory, log.text()) > 200
        log = Log(server, migrated_url)
        for command in commands:
            result = call(migrated_url, *command)
            assert met(log) == [], command
            # One that failed at the first planted name would have met no other.
            assert result.code == 0 or command[0] in REFUSED, result.err
            if command == commands[0]:
                execute(mallory, "SELECT FROM public.pg_class WHERE oid IS NULL")
                assert met(log) == ["a view"]  # or the test could not fail
                log = Log(server, migrated_url)
    finally:
        execute(migrated_url, f"DROP OWNED BY {role} CASCADE")
        server.execute(f"DROP ROLE {role}")


def migrate_again(url: str) -> None:
    assert call(url, "migrate").code == 0
    assert query(url, "SELECT count(*) FROM migratehistory") != [(0,)]
