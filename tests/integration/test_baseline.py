"""The reading that a run leaves in the database: it lasts over upgrades of the engine, and where it
cannot be trusted it is none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from psycopg2.extensions import parse_dsn

from engine.drift import partitions, schema_json
from engine.drift.comparison import compare
from engine.errors import ConfigError
from tests.support import golden
from tests.support.databases import execute, query
from tests.support.migration_files import write
from tests.support.postgres import PostgresServer
from tests.support.reports import Heard
from tests.support.runners import at, runner_on
from tests.support.usual import usually_each

# As the first version of the engine made it; its reader was a digest of source code.
FIRST_VERSION = """
    ALTER TABLE migratereading RENAME TO kept;
    CREATE TABLE migratereading (
        reading json NOT NULL, files json NOT NULL, reader text NOT NULL,
        server_version integer NOT NULL, taken_at timestamptz NOT NULL
    );
    INSERT INTO migratereading
    SELECT reading, files, 'a digest', server_version, taken_at FROM kept;
    DROP TABLE kept
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, "001_t", "CREATE TABLE t (i int)", back='migrator.sql("DROP TABLE t")')
    return tmp_path


@pytest.fixture
def url(empty_url: str, folder: Path) -> str:
    runner_on(empty_url, folder).migrate()
    return empty_url


@pytest.fixture
def reader(server: PostgresServer, url: str) -> Iterator[str]:
    """The URL for a role that may read our tables, and nothing else."""
    name = f"reader_{url.rpartition('_')[2]}"
    server.execute(f"CREATE ROLE {name} LOGIN")
    execute(url, f"GRANT SELECT ON migratehistory, migratereading TO {name}")
    yield url.replace("postgres@", f"{name}@")
    execute(url, f"DROP OWNED BY {name}; DROP ROLE {name}")


def source(url: str, folder: Path) -> str:
    return compare(at(url, folder)).source[:16]


@pytest.mark.each
def test_the_catalogs_are_said_in_the_words_of_the_format(
    server: PostgresServer, empty_url: str
) -> None:
    """A change of the words would make drift of every reading that is kept: raise FORMAT for it,
    let this test write the new files, and look at them."""
    execute(empty_url, golden.EVERYTHING)
    with closing(psycopg2.connect(empty_url)) as connection:
        document = schema_json.encode(partitions.read(connection))
    version = int(query(empty_url, "SHOW server_version_num")[0][0]) // 10000
    path = golden.golden(version)
    if not golden.is_known(version):
        pytest.skip(f"no file was written for PostgreSQL {version}")
    if not path.exists():
        text = json.dumps(document, indent=1, ensure_ascii=False, sort_keys=True)
        path.write_text(f"{text}\n", encoding="utf-8")
        pytest.fail(f"{path} was not there and has been written.")
    assert document == json.loads(path.read_text(encoding="utf-8"))


def test_a_role_that_may_only_read_compares_after_an_upgrade(
    url: str, folder: Path, reader: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever changed in the engine, as long as the format is the same."""
    assert source(reader, folder) == "what the run of "
    monkeypatch.setattr(schema_json, "FORMAT", schema_json.FORMAT + 1)
    with pytest.raises(ConfigError, match="writes it in another form") as refused:
        compare(at(reader, folder))
    assert "SCRATCH_DATABASE_URL" in refused.value.fix


def test_the_table_of_the_first_version_is_carried_on_with_its_rights(
    url: str, folder: Path, reader: str
) -> None:
    execute(url, FIRST_VERSION)
    execute(url, f"GRANT SELECT ON migratereading TO {parse_dsn(reader)['user']}")
    assert "scratch" in compare(at(url, folder)).source
    write(folder, "002_u", "CREATE TABLE u (i int)")
    heard = Heard()
    runner_on(url, folder, heard).migrate()
    assert (heard.messages, source(reader, folder)) == ([], "what the run of ")


@pytest.mark.parametrize(
    "damage",
    usually_each(
        [
            """reading = '{"tables": {"t": {"name": "t", "columns": {"i": 1}}}}'""",
            "reading = 'null'",
            "files = 'null'",
            "format = 0",
        ],
        2,
    ),
)
def test_what_somebody_has_changed_is_no_reading(url: str, folder: Path, damage: str) -> None:
    execute(url, f"UPDATE migratereading SET {damage}; ALTER TABLE t ADD COLUMN hand int")
    comparison = compare(at(url, folder))
    assert "scratch" in comparison.source
    assert [drift.name for drift in comparison.drifts] == ["column t.hand"]
    write(folder, "002_u", "CREATE TABLE u (i int)")
    heard = Heard()
    assert runner_on(url, folder, heard).migrate() == ["002_u"]
    (told,) = heard.messages
    assert told.startswith("changed by hand: column t.hand ")
    assert source(url, folder) == "what the run of "


def test_where_every_table_is_published_a_reading_is_kept(empty_url: str, folder: Path) -> None:
    execute(empty_url, "CREATE PUBLICATION everything FOR ALL TABLES")
    heard = Heard()
    runner_on(empty_url, folder, heard).migrate()
    write(folder, "002_u", "CREATE TABLE u (i int)", back='migrator.sql("DROP TABLE u")')
    runner_on(empty_url, folder, heard).migrate()
    assert runner_on(empty_url, folder, heard).rollback() == ["002_u"]
    assert source(empty_url, folder) == "what the run of "
    execute(empty_url, FIRST_VERSION)
    runner_on(empty_url, folder, heard).migrate()
    assert (heard.messages, source(empty_url, folder)) == ([], "what the run of ")
    with closing(psycopg2.connect(empty_url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM migratereading")
        assert cursor.fetchone() == (1,)
