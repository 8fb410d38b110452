"""The law of generate for an owner who is no superuser."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.testing import GenerateLaw
from tests.support.databases import execute
from tests.support.postgres import PostgresServer
from tests.support.runners import at


@contextmanager
def owned_law(server: PostgresServer, folder: Path) -> Iterator[GenerateLaw]:
    """Of a database of its own."""
    owner = f"owner_{secrets.token_hex(4)}"
    server.execute(f"CREATE ROLE {owner} LOGIN CREATEDB")
    with server.database(f"OWNER {owner} TEMPLATE template0") as url:
        execute(url, f"GRANT ALL ON SCHEMA public TO {owner}")
        yield GenerateLaw(at(url.replace("postgres@", f"{owner}@"), folder))
    server.execute(f"DROP ROLE {owner}")
