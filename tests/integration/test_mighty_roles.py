"""As whom the application may be in a production database: as nobody who can turn off the rules of
the tables, or read the keys, by whatever way PostgreSQL knows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import psycopg2
import pytest

from application.roles import TooMighty, refuse_mighty
from engine.connect.connection import connect_plainly
from tests.support.databases import execute, name_of
from tests.support.postgres import PostgresServer
from tests.support.runners import at

# {r}: the role of the application, {o}: another one, {d}: the database.
KINDS = {
    "is a superuser": "ALTER ROLE {r} SUPERUSER",
    "has BYPASSRLS": "ALTER ROLE {o} BYPASSRLS; GRANT {o} TO {r}",
    "has CREATEROLE": "ALTER ROLE {r} CREATEROLE",
    "has REPLICATION": "ALTER ROLE {r} REPLICATION",
    "may become pg_execute_server_program": "GRANT pg_execute_server_program TO {r}",
    "may become pg_write_all_data": "GRANT pg_write_all_data TO {r}",
    "may become pg_read_all_data": "GRANT pg_read_all_data TO {o}; GRANT {o} TO {r}",
    "owns the tables": "ALTER TABLE t OWNER TO {r}",
    "{o}, who owns the tables": "ALTER ROLE {r} NOINHERIT; ALTER TABLE t OWNER TO {o};"
    "GRANT {o} TO {r}",
    "owns a function": "ALTER FUNCTION f() OWNER TO {r}",
    "owns a type": "ALTER DOMAIN d OWNER TO {r}",
    "owns the schema": "ALTER SCHEMA public OWNER TO {r}",
    "owns the database": "ALTER DATABASE {d} OWNER TO {r}",
    "may create in the schema": "GRANT CREATE ON SCHEMA public TO {o}; GRANT {o} TO {r}",
}
FROM_15 = {"may set session_replication_role": "GRANT SET ON PARAMETER session_replication_role TO"}
FROM_16 = {"{o}, who owns": "ALTER TABLE t OWNER TO {o}; GRANT {o} TO {r} WITH INHERIT FALSE"}
LAWFUL = """
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {r};
    GRANT EXECUTE ON FUNCTION f() TO {r}; GRANT USAGE ON DOMAIN d TO {r};
    GRANT CREATE, TEMP ON DATABASE {d} TO {r}; GRANT pg_monitor TO {r}
"""
TABLES = """
    REVOKE CREATE ON SCHEMA public FROM PUBLIC; CREATE DOMAIN d AS int CHECK (VALUE > 0);
    CREATE TABLE t (i d); CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'
"""


class There:
    """A database with tables of the superuser's, and two roles in it for each case."""

    def __init__(self, server: PostgresServer, url: str) -> None:
        self.server = server
        self.url = url
        self.names = {key: f"{key}_{name_of(url)}" for key in "ro"} | {"d": name_of(url)}

    def refusal(self, text: str) -> str:
        """What a connection of the application is told after the text was run; empty where it is
        let in."""
        execute(self.url, "CREATE ROLE {r} LOGIN; CREATE ROLE {o}".format(**self.names))
        execute(self.url, text.format(**self.names))
        try:
            url = self.url.replace("postgres@", f"{self.names['r']}@")
            with closing(connect_plainly(at(url), autocommit=True)) as connection:
                refuse_mighty(connection, at(url))
        except TooMighty as error:
            return str(error)
        finally:
            self._clean()
        return ""

    def _clean(self) -> None:
        for role in (self.names["r"], self.names["o"]):
            execute(self.url, f"REASSIGN OWNED BY {role} TO postgres; DROP OWNED BY {role}")
            self.server.execute(f"DROP ROLE {role}")


@pytest.fixture
def there(
    server: PostgresServer, empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[There]:
    monkeypatch.setenv("BILLING_ENVIRONMENT", "production")
    execute(empty_url, TABLES)
    yield There(server, empty_url)
    server.execute(f"ALTER DATABASE {name_of(empty_url)} OWNER TO postgres")


def test_no_role_is_let_in_that_can_turn_off_the_rules(
    server: PostgresServer, there: There
) -> None:
    kinds = dict(KINDS)
    with closing(psycopg2.connect(there.url)) as connection:
        version = connection.server_version // 10000
    if version >= 15:
        kinds |= {why: f"{text} {{r}}" for why, text in FROM_15.items()}
    if version >= 16:
        kinds |= FROM_16
    let_in = []
    for why, text in kinds.items():
        told = there.refusal(text)
        if why.format(**there.names) not in told:
            let_in.append(f"{why}: {told}")
    assert not let_in, "\n".join(let_in)
    assert there.refusal(LAWFUL) == ""
