"""Databases and the law of generate for an owner who is no superuser, and other roles in them."""

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
    with owned_url(server) as url:
        yield GenerateLaw(at(url, folder))


@contextmanager
def owned_url(server: PostgresServer) -> Iterator[str]:
    """A database of one's own as its owner, who is no superuser."""
    owner = f"owner_{secrets.token_hex(4)}"
    server.execute(f"CREATE ROLE {owner} LOGIN CREATEDB")
    with server.database(f"OWNER {owner} TEMPLATE template0") as url:
        execute(url, f"ALTER SCHEMA public OWNER TO {owner}")  # which on 14 is the superuser
        yield url.replace("postgres@", f"{owner}@")
    server.execute(f"DROP ROLE {owner}")


@contextmanager
def mallory_url(server: PostgresServer, url: str, *rights: str) -> Iterator[str]:
    """The same database as a role that has these rights there, and nothing else. rights: as GRANT
    has them."""
    mallory = f"mallory_{secrets.token_hex(4)}"
    server.execute(f"CREATE ROLE {mallory} LOGIN")
    for right in rights:
        execute(url, f"GRANT {right} TO {mallory}")
    yield url.replace("postgres@", f"{mallory}@")
    execute(url, f"DROP OWNED BY {mallory} CASCADE")
    server.execute(f"DROP ROLE {mallory}")
