"""Whatever a database is called and holds, no task hands on what orders a terminal, and no name
says in a line of its own what is to be done."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import psycopg2
import pytest

from tests.support import as_app
from tests.support.console import Result, call
from tests.support.databases import execute, query
from tests.support.postgres import PostgresServer
from tests.support.walk import RESTORING, WHOLE, Walk

FORGED = "Nothing to fix"
ORDERS = f"\x1b[31m\x9b2J\u202e\u2066\u200f\x08\x7f\u200b\xad\u2800\ufe0f\n{FORGED}\r"
# Spelled, for a line's end and a tab are ours.
ORDER = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u200b-\u200f\u2028-\u202e\u2066\u2800\ufe0f]")
PLANTED = """
    CREATE ROLE "r{0}"; CREATE TABLE "t{0}" ("c{0}" text, id int PRIMARY KEY);
    COMMENT ON TABLE "t{0}" IS '{0}'; COMMENT ON COLUMN customers.name IS '{0}';
    CREATE TYPE "e{0}" AS ENUM ('{0}'); CREATE INDEX "i{0}" ON customers (name);
    CREATE FUNCTION "f{0}"() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE VIEW "v{0}" AS SELECT 1;
    CREATE DOMAIN "d{0}" AS text CHECK (query_to_xml(VALUE, true, true, '') IS NOT NULL);
    GRANT SELECT ON customers TO "r{0}"; CREATE SCHEMA "s{0}" AUTHORIZATION "r{0}";
    GRANT INSERT ON migratehistory TO "r{0}"; GRANT CREATE ON SCHEMA public TO "r{0}";
    ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO "r{0}";
    ALTER TABLE customers RENAME CONSTRAINT customers_pkey TO "p{0}"
"""
FOREIGN = 'ALTER FUNCTION "f{0}"() OWNER TO "r{0}"'  # beside which most refuse
OURS = 'ALTER FUNCTION "f{0}"() OWNER TO CURRENT_USER; REVOKE CREATE ON SCHEMA public FROM "r{0}"'
# In a database where the rules of the tables hold no more.
CHECKS = """
    SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname)
    FROM pg_constraint WHERE contype = 'c' AND connamespace = 'public'::regnamespace
      AND conrelid <> 0
"""
TEXTS = """
    SELECT format('UPDATE %s SET %I = %2$I || %L', attrelid::regclass, attname, '{0}')
    FROM pg_class c JOIN pg_attribute a ON attrelid = c.oid
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname !~ '^migrat'
      AND atttypid = 'text'::regtype AND attnum > 0 AND attgenerated = ''
      AND (relname, attname) <> ('admin_users', 'username')
"""
DUE = "UPDATE backup_schedules SET next_run_at = '2001-01-01', last_run_at = '2000-01-01'"
UNLIKE = "UPDATE transaction_logs SET balance_after = 1"
TOLD = [
    *(["status"], ["status", "--json"], ["check", "--live"], ["check", "--live", "--json"]),
    *(["roles"], ["roles", "--json"], ["tenants"], ["migrate"], ["migrate", "--log-json"]),
    *(["reset", "--dry-run"], ["reset", "--log-json"], ["rollback", "--plan"], ["backup"]),
    *(["inspect", "other"], ["admin.password", ORDERS], ["status", "--tenant", ORDERS]),
]
LATER = [["backup"], ["backup", "--due"], ["backup", "--due", "--json"], ["check", "--data"]]
COMMANDS = [tuple(task) for task in TOLD + LATER]


def orders(result: Result) -> list[str]:
    """Lines that order something, or that a name has made."""
    assert "Traceback" not in result.err
    lines = (result.out + "\n" + result.err).split("\n")
    return [line for line in lines if ORDER.search(line) or line.startswith(FORGED)]


@pytest.fixture
def hostile(server: PostgresServer, template: str) -> Iterator[str]:
    """A migrated database that is called so, and has all kinds of things that are."""
    name = f'"d{ORDERS}"'
    server.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    url = server.url(quote(f"d{ORDERS}", safe=""))
    as_app.make_roles(url)
    execute(url, PLANTED.format(ORDERS))
    yield url
    execute(url, f'DROP OWNED BY "r{ORDERS}" CASCADE; DROP ROLE "r{ORDERS}"')
    server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def poison(url: str) -> None:
    """Let every text in the tables be such a one."""
    for (statement,) in query(url, CHECKS):
        execute(url, statement)
    for (statement,) in query(url, TEXTS.format(ORDERS)):
        with suppress(psycopg2.Error):  # rules that are no CHECK: of keys, of what is fixed
            execute(url, f"SET session_replication_role = replica; {statement}")
    execute(url, DUE)


@pytest.mark.only("newest")
@pytest.mark.parametrize(
    "commands",
    [COMMANDS, pytest.param([*COMMANDS, *WHOLE], marks=pytest.mark.campaign)],
    ids=["part", "whole"],
)
def test_no_name_and_no_text_gives_orders_through_any_task(
    server: PostgresServer, hostile: str, commands: list[tuple[str, ...]], tmp_path: Path
) -> None:
    walk = Walk(server, tmp_path, {})
    execute(hostile, FOREIGN.format(ORDERS))
    wrong = orders(call(hostile))
    for number, command in enumerate(commands):
        if number == len(TOLD):
            execute(hostile, OURS.format(ORDERS))
            poison(hostile)
        if command not in RESTORING:
            wrong += [f"{command}: {line}" for line in orders(walk.run(hostile, command))]
    dumps = sorted(tmp_path.glob("*.dump"))
    assert dumps
    for path in tmp_path.rglob("*"):
        assert not ORDER.search(path.name)
        assert path in dumps or path.is_dir() or not ORDER.search(path.read_text())
    with server.database() as other:
        for typed in (None, "n\n", "y\n"):
            wrong += orders(call(other, "restore", str(dumps[0]), typed=typed))
    assert not wrong, "\n".join(wrong)
