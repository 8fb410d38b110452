"""What policies cost the queries that run all day: as the application that acts for a session,
beside the owner, for whom no policy holds.

    createdb provider
    export DATABASE_URL=postgresql://…/provider DB_ROLES=app:some_role
    invoke migrate
    invoke demo --customers 100000 --months 12
    python -m benchmarks.branches

Branches are on meanwhile, in transactions that are rolled back; the session is of a user who works
in all branches, so that both see the same rows. Each query runs in turn for both, and the medians
are compared.
"""

from __future__ import annotations

import secrets
import sys
from contextlib import closing
from dataclasses import replace
from typing import Any

from psycopg2 import sql
from rich.console import Console
from rich.table import Table

from application.acting import ASK, BEGIN, new_key, proof
from benchmarks.queries import QUERIES, Measurement, Query
from benchmarks.queries.query import carried_out, typical, typical_run
from engine.connect.connection import connect
from engine.connect.embedded import migration_url
from engine.connect.settings import load_environment
from engine.connect.url import shown
from engine.errors import EngineError
from engine.files import key_table, role_table
from engine.schema import own_sql
from project import PROJECT

RUNS = 7
# Pages that a function and the policies touch besides: the key, the branches, a parent.
POLICY = 15
COLUMNS = ("query", "rows", "ms", "with policies", "ratio", "pages", "with policies", "index kept")
SESSION = """
    INSERT INTO user_sessions (admin_user_id, token_hash, expires_at)
    SELECT id, sha256(%s), now() + interval '1 hour' FROM admin_users WHERE username = 'admin'
    RETURNING id
"""


def main() -> int:
    """Print the table; 1 where a query misses its index under policies, or could not run."""
    try:
        load_environment(PROJECT)
        project = PROJECT.at(migration_url(PROJECT))
        with closing(connect(project, files=True)) as connection:
            role = role_table.kept(connection.cursor()).get("app")
            if role is None:
                raise LookupError("no role is the application's; name one in DB_ROLES and migrate")
            measured = {query: _measured(connection, query, role) for query in QUERIES}
    except (EngineError, LookupError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    table = Table(*COLUMNS, title=shown(project.url))
    for query, (plain, held) in measured.items():
        table.add_row(*_row(query, plain, held))
    Console(width=None if sys.stdout.isatty() else 140).print(table)
    return 0 if all(kept(query, *both) for query, both in measured.items()) else 1


def _measured(connection: Any, query: Query, role: str) -> tuple[Measurement, Measurement]:
    """Those with the median time, as the owner and as the application."""
    plain, held = [], []
    for _ in range(RUNS + 1):
        with connection.cursor() as cursor:
            values = typical(cursor, query)
            plain.append(carried_out(cursor, query, values))
            connection.rollback()
            act(cursor, role)
            asked = replace(query, sql=query.held or query.sql)
            held.append(carried_out(cursor, asked, values))
        connection.rollback()
    return typical_run(plain[1:]), typical_run(held[1:])


def act(cursor: Any, role: str) -> None:
    """Turn branches on in this transaction, log in, and be the application that acts."""
    key = new_key()
    key_table.keep(cursor, "branches", key)
    cursor.execute(SESSION, (secrets.token_bytes(8),))
    (session,) = cursor.fetchone()
    begin(cursor, session, key)
    cursor.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(role)))


def begin(cursor: Any, session: int, key: str) -> None:
    """Act for the session, as the application does at the beginning of a transaction."""
    cursor.execute(ASK)
    _, process, moment, *_ = cursor.fetchone()
    schema = own_sql.place(cursor.connection).name
    cursor.execute(BEGIN, (session, proof(session, schema, process, moment, key)))


def kept(query: Query, plain: Measurement, held: Measurement) -> bool:
    """Whether the query has its index under policies where it has it without. One that a function
    asks shows none, but how many pages it touches."""
    if query.held:
        return held.buffers <= query.buffers + POLICY
    return not query.kept(plain) or query.index in held.indexes or query.instead in held.indexes


def _row(query: Query, plain: Measurement, held: Measurement) -> tuple[str, ...]:
    stays = kept(query, plain, held)
    return (
        query.name,
        f"{plain.rows:g}" + ("" if plain.rows == held.rows else f" [bold red]{held.rows:g}[/]"),
        f"{plain.milliseconds:.2f}",
        f"{held.milliseconds:.2f}",
        f"{held.milliseconds / plain.milliseconds:.1f}",
        str(plain.buffers),
        str(held.buffers),
        "yes" if stays else f"[bold red]{held.read}[/]",
    )


if __name__ == "__main__":
    sys.exit(main())
