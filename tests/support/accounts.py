"""Three files that make a table of accounts, atomic and not: what a run is interrupted in."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2

from engine.schema import catalog
from engine.schema.model import Schema
from tests.support.migration_files import write

MOMENTS = 19  # three files begin and end, with 13 statements in between


def write_accounts(folder: Path) -> Path:
    """A table with rows, indexes built CONCURRENTLY, a constraint validated later, a backfill."""
    write(
        folder,
        "001_accounts",
        "CREATE TABLE accounts (id int PRIMARY KEY, owner text, balance int)",
        "INSERT INTO accounts SELECT i, 'owner ' || i, i %% 7 FROM generate_series(1, 500) i",
        "CREATE INDEX accounts_owner_idx ON accounts (owner)",
    )
    write(
        folder,
        "002_online",
        "ALTER TABLE accounts ADD COLUMN level int",
        "CREATE INDEX CONCURRENTLY accounts_balance_idx ON accounts (balance)",
        "UPDATE accounts SET level = balance * 10",
        "CREATE UNIQUE INDEX CONCURRENTLY accounts_id_owner_key ON accounts (id, owner)",
        "DROP INDEX CONCURRENTLY accounts_owner_idx",
        "ALTER TABLE accounts ADD CONSTRAINT level_check CHECK (level >= 0) NOT VALID",
        "ALTER TABLE accounts VALIDATE CONSTRAINT level_check",
        atomic=False,
    )
    write(
        folder,
        "003_more",
        "CREATE TYPE mood AS ENUM ('glad', 'sad')",
        "ALTER TABLE accounts ADD COLUMN mood mood NOT NULL DEFAULT 'glad'",
        "INSERT INTO accounts (id, owner, balance) VALUES (501, 'late', 1)",
    )
    return folder


def state(url: str) -> tuple[Schema, list[Any], list[Any]]:
    """The catalogs, the rows, and the files that count as applied."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT * FROM accounts ORDER BY id")
        rows = cursor.fetchall()
        cursor.execute("SELECT name FROM migratehistory ORDER BY id")
        names = cursor.fetchall()
        cursor.execute("SELECT to_regclass('migratejournal')")
        assert cursor.fetchone() == (None,)
        return catalog.read(connection), rows, names
