"""A schema that is read again in parts is what a whole reading says, after every single change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from engine.check.finding import RuleName
from engine.connect import roles
from engine.diff.compare import diff
from engine.diff.ordering import ordered
from engine.errors import GenerateError
from engine.report import Report
from engine.reread.rereading import Rereading
from engine.schema import catalog
from engine.schema.model import Schema
from engine.sql import statements as ddl
from engine.testing.law import ROLES
from tests.support import pairs
from tests.support.checks import FilesOnly
from tests.support.migration_files import write
from tests.support.pairs import Pair
from tests.support.postgres import PostgresServer
from tests.support.runners import at
from tests.support.waiting import until

PAIRS = [pair for pair in pairs.read() if not pair.refused]
# What none of the pairs does, or does not alone: who wrote the row of one object, and what prints
# differently then, are not the same.
SHOP = """
CREATE TYPE mood AS ENUM ('glad', 'sad');
CREATE TABLE goods (code int UNIQUE, feeling mood, CHECK (feeling <> 'sad'));
CREATE TABLE sold (code int REFERENCES goods (code), n serial, more int DEFAULT 1);
CREATE VIEW glad AS SELECT code FROM goods WHERE feeling = 'glad';
CREATE FUNCTION twice(int) RETURNS int LANGUAGE sql AS 'SELECT $1 * 2';
CREATE INDEX sold_twice ON sold ((code + 1));
CREATE POLICY few ON goods USING (code > 0);
COMMENT ON COLUMN goods.code IS 'of the maker'
"""
CHANGES = (
    *("ALTER TABLE goods RENAME COLUMN code TO key", "ALTER TABLE goods RENAME TO wares"),
    *("ALTER TYPE mood RENAME VALUE 'glad' TO 'merry'", "ALTER TYPE mood RENAME TO feelings"),
    *("ALTER SEQUENCE sold_n_seq OWNED BY NONE", "ALTER SEQUENCE sold_n_seq RENAME TO numbers"),
    *("COMMENT ON COLUMN wares.key IS NULL", "DROP POLICY few ON wares", "DROP INDEX sold_twice"),
    *("ALTER TABLE sold DROP COLUMN more", "ALTER TABLE sold ADD COLUMN more int DEFAULT 2"),
    "CREATE FUNCTION twice(bigint) RETURNS bigint LANGUAGE sql AS 'SELECT $1 * 2'",
    "ALTER TABLE sold ADD CHECK (twice(code) > 0)",
    *("ALTER FUNCTION twice(int) RENAME TO doubled", "DROP FUNCTION twice(bigint)"),
    *(
        "CREATE SCHEMA aside",
        "ALTER TABLE wares SET SCHEMA aside",
        "ALTER TYPE feelings SET SCHEMA aside",
    ),
    *("ALTER TABLE aside.wares SET SCHEMA {here}", "ALTER TABLE sold ALTER more SET STATISTICS 7"),
    *("GRANT SELECT (key) ON wares TO PUBLIC", "ALTER TABLE sold DISABLE TRIGGER ALL"),
    *("REVOKE ALL ON wares FROM PUBLIC", "CREATE TABLE heir () INHERITS (sold)"),
    *(
        "ALTER TABLE heir NO INHERIT sold",
        "DROP TABLE wares CASCADE",
        "DROP SEQUENCE numbers CASCADE",
    ),
)


@pytest.fixture(scope="module")
def connection(server: PostgresServer) -> Iterator[Any]:
    """To a database in which each statement is committed."""
    with server.database() as url, closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        yield connection


def made(connection: Any, schema: str, statements: str) -> Schema:
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA {schema}; SET search_path = {schema}, pg_temp")
        cursor.execute("SET check_function_bodies = off")
        roles.use(connection, dict(zip(ROLES, roles.STAND_INS, strict=False)))
        if statements.strip():
            cursor.execute(statements)
    return catalog.read(connection)


def fetched(connection: Any, query: str, *values: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return cursor.fetchone()


def changed(connection: Any, again: Rereading, statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
    assert again.read() == catalog.read(connection, depends=False), statement
    assert not again.wrong


@pairs.parametrized(PAIRS, each=0)
def test_after_each_statement_of_a_pair(pair: Pair, connection: Any) -> None:
    if connection.server_version // 10000 < pair.oldest:
        pytest.skip(f"needs PostgreSQL {pair.oldest}")
    name = f"p{PAIRS.index(pair)}"
    new = made(connection, f"{name}_new", pair.new)
    old = made(connection, f"{name}_old", pair.old)
    again = Rereading(connection)
    again.read()
    try:
        for start, goal in ((old, new), (new, old)):
            for change in ordered(diff(start, goal), start, goal, lambda change: 0):
                changed(connection, again, ddl.sql(change))
    except GenerateError as error:
        pytest.skip(str(error))


def test_after_what_shows_in_other_objects_than_it_is_written_of(connection: Any) -> None:
    made(connection, "shop", SHOP)
    again = Rereading(connection)
    again.read()
    for statement in CHANGES:
        changed(connection, again, statement.format(here="shop"))


def test_only_what_was_touched_is_read_anew(connection: Any) -> None:
    made(connection, "many", ";".join(f"CREATE TABLE t{n} (id serial, i int)" for n in range(40)))
    # While a transaction is open anywhere on the server that is older, all 40 count as new.
    (made_by,) = fetched(connection, "SELECT pg_current_xact_id()::text")
    oldest = "SELECT pg_snapshot_xmin(pg_current_snapshot()) > %s::xid8"
    until(lambda: fetched(connection, oldest, made_by)[0])
    again = Rereading(connection)
    again.read()
    again.take_touched()
    for statement in (
        "ALTER TABLE t7 ADD COLUMN more int",
        "COMMENT ON TABLE t8 IS 'eight'",
        "DROP TABLE t9; CREATE TABLE t40 (i int)",
    ):
        changed(connection, again, statement)
        touched = again.take_touched()
        assert touched is not None
        assert len(touched) < 12


def test_where_reading_in_parts_misses_something_all_is_read(
    empty_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Rereading, "_concerned", lambda self, seeds: set())
    write(tmp_path, "001_table", "CREATE TABLE t (i int)", back='migrator.sql("DROP TABLE t")')
    write(tmp_path, "002_index", "CREATE INDEX i ON t (i)")
    write(tmp_path, "003_column", "ALTER TABLE t ADD j int", back='migrator.sql("SELECT 1")')
    project = at(empty_url, tmp_path)
    checked = FilesOnly(project, project, [], Report()).run()
    found = [
        (finding.file, finding.why) for finding in checked.findings if "before" in finding.what
    ]
    assert [file for file, _ in found] == ["002_index", "003_column"]
    assert "index i on t is extra" in found[0][1]
    assert "column t.j is extra" in found[1][1]
    assert [
        finding.file for finding in checked.findings if finding.rule == RuleName.INDEX_BLOCKS_WRITES
    ] == ["002_index"]
