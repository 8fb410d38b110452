"""What was changed by hand since the last run: found, named with both definitions, brought back,
and never run over."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from engine.backup import dump, restore
from engine.drift import comparison as live
from engine.drift import schema_json
from engine.errors import ConfigError, MigrationFailed, Refused
from engine.manage.adopt import adopt
from engine.report import Report
from engine.run.options import RunOptions
from engine.schema.own_tables import OWN_TABLES
from tests.support.console import call, migrations_in
from tests.support.databases import execute, name_of, query, read
from tests.support.migration_files import write
from tests.support.owned import mallory_url
from tests.support.postgres import PostgresServer
from tests.support.project import MIGRATIONS
from tests.support.readme import block, settled
from tests.support.reports import Heard
from tests.support.runners import at, runner_at, runner_on
from tests.support.standby import standby
from tests.support.usual import usually_first

SHOP = """
CREATE TYPE size AS ENUM ('s', 'l');
CREATE FUNCTION twice(n int) RETURNS int LANGUAGE sql AS 'SELECT 2 * n';
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE owners (id int PRIMARY KEY, name text NOT NULL DEFAULT 'x', born date);
CREATE TABLE "Hats" (id serial PRIMARY KEY, owner int CONSTRAINT worn_by REFERENCES owners,
  size size, price int CONSTRAINT price_check CHECK (price > 0), twice int GENERATED ALWAYS AS
  (price * 2) STORED);
CREATE INDEX hats_price_idx ON "Hats" (price) WHERE price > 10;
CREATE TRIGGER touched BEFORE UPDATE ON owners FOR EACH ROW EXECUTE FUNCTION touch();
COMMENT ON TABLE owners IS 'Who owns them.';
CREATE VIEW cheap AS SELECT id FROM "Hats" WHERE price < 5;
CREATE SEQUENCE tickets;
CREATE DOMAIN code AS text;
CREATE TYPE pair AS (first int, second int)
"""
UNDO = """migrator.sql('DROP VIEW cheap; DROP SEQUENCE tickets; DROP TYPE code, pair; '
    'DROP TABLE owners, "Hats"; DROP FUNCTION twice, touch; DROP TYPE size')"""
ORPHANS = "ALTER TABLE owners ADD COLUMN orphan boolean"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    write(folder, "001_shop", SHOP.strip(), back=UNDO)
    return folder


@pytest.fixture
def url(empty_url: str, shop: Path) -> str:
    runner_on(empty_url, shop).migrate()
    return empty_url


def found(url: str, folder: Path) -> list[str]:
    return [item.name for item in live.compare(at(url, folder)).drifts]


def document(url: str) -> Any:
    return query(url, "SELECT reading FROM migratereading")[0][0]


def limited(server: PostgresServer, url: str, name: str) -> str:
    """The URL for a role that may make no database."""
    server.execute(f"DROP ROLE IF EXISTS {name}")
    server.execute(f"CREATE ROLE {name} LOGIN")
    execute(url, f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name}")
    return url.replace("postgres@", f"{name}@")


def test_a_table_of_that_name_that_is_not_ours_is_left_alone(empty_url: str, shop: Path) -> None:
    execute(empty_url, "CREATE TABLE migratereading (i int); INSERT INTO migratereading VALUES (1)")
    heard = Heard()
    assert runner_on(empty_url, shop, heard).migrate() == ["001_shop"]
    assert heard.messages[0].startswith("what the catalogs say was not kept: ")
    assert query(empty_url, "SELECT * FROM migratereading") == [(1,)]
    with pytest.raises(ConfigError, match="the table migratereading is not ours"):
        live.compare(at(empty_url, shop))


@pytest.mark.each
def test_a_reading_comes_back_from_json_as_it_was(migrated_url: str) -> None:
    """The one that the runner has kept, of the whole project."""
    schema = read(migrated_url)
    assert schema_json.decode(document(migrated_url)) == schema
    assert found(migrated_url, MIGRATIONS) == []
    assert schema.tables.keys().isdisjoint(OWN_TABLES)


CHANGES = {
    "CREATE TABLE mine (i int PRIMARY KEY)": "table mine",
    "CREATE TABLE owners_old (LIKE owners INCLUDING ALL)": "table owners_old",
    'DROP VIEW cheap; DROP TABLE "Hats"': "table Hats",
    "ALTER TABLE owners ADD COLUMN hand int": "column owners.hand",
    "ALTER TABLE owners DROP COLUMN born": "column owners.born",
    "ALTER TABLE owners ALTER COLUMN name TYPE varchar(99)": "column owners.name",
    "ALTER TABLE owners ALTER COLUMN name DROP NOT NULL": "column owners.name",
    "ALTER TABLE owners ALTER COLUMN name SET DEFAULT 'y'": "column owners.name",
    'ALTER TABLE "Hats" DROP CONSTRAINT price_check': "constraint price_check on Hats",
    'ALTER TABLE "Hats" DROP CONSTRAINT worn_by': "foreign key worn_by on Hats",
    'CREATE INDEX hand ON "Hats" (size)': "index hand on Hats",
    "DROP INDEX hats_price_idx": "index hats_price_idx on Hats",
    "DROP TRIGGER touched ON owners": "trigger touched on owners",
    "ALTER TYPE size ADD VALUE 'xl'": "enum size",
    "CREATE TYPE mine AS ENUM ()": "enum mine",
    "CREATE OR REPLACE FUNCTION twice(n int) RETURNS int LANGUAGE sql AS 'SELECT n'": (
        "function twice(integer)"
    ),
    "COMMENT ON COLUMN owners.born IS 'by hand'": "column owners.born",
    "CREATE EXTENSION pg_trgm": "extension pg_trgm",
    "CREATE VIEW mine AS SELECT id FROM owners": "view mine",
    'CREATE OR REPLACE VIEW cheap AS SELECT id FROM "Hats" WHERE price < 9': "view cheap",
    "DROP VIEW cheap": "view cheap",
    "ALTER SEQUENCE tickets INCREMENT 7": "sequence tickets",
    "ALTER TABLE owners DISABLE TRIGGER touched": "trigger touched on owners",
    "CREATE POLICY all_rows ON owners USING (true)": "policy all_rows on owners",
    "CREATE DOMAIN mine AS int CHECK (VALUE > 0)": "domain mine",
    "ALTER DOMAIN code ADD CONSTRAINT short CHECK (length(VALUE) < 9)": "domain code",
    "ALTER TYPE pair ADD ATTRIBUTE third int": "composite pair",
    'ALTER TABLE "Hats" DISABLE TRIGGER ALL': "setting foreign keys switched off on Hats",
}


@pytest.mark.parametrize("part", usually_first([0, 1, 2, 3]))
def test_each_kind_of_change_is_named_and_the_way_back_leads_back(
    part: int, url: str, shop: Path
) -> None:
    before = read(url)
    for statement, name in list(CHANGES.items())[part::4]:
        execute(url, statement)
        comparison = live.compare(at(url, shop))
        names = [item.name for item in comparison.drifts]
        assert name in names and len(names) == 1 + statement.count("; DROP"), statement
        item = comparison.drifts[names.index(name)]
        assert item.was != item.now
        for text in filter(None, (item.was, item.now)):
            assert text in comparison.as_text().replace("\n        ", "\n")
        for text in comparison.back:
            execute(url, text)
        assert read(url) == before, statement
        assert "Unchanged" in live.compare(at(url, shop)).as_text()


def test_a_function_gets_the_path_of_the_files_back(empty_url: str, tmp_path: Path) -> None:
    """And not that of the session in which the statements are typed."""
    made = "CREATE FUNCTION f() RETURNS int LANGUAGE sql SET search_path FROM CURRENT AS 'SELECT 1'"
    write(tmp_path, "001_f", made, back='migrator.sql("DROP FUNCTION f")')
    runner_on(empty_url, tmp_path).migrate()
    execute(empty_url, "ALTER FUNCTION f() SECURITY DEFINER")
    execute(empty_url, "; ".join(live.compare(at(empty_url, tmp_path)).back))
    assert found(empty_url, tmp_path) == []


RENAMES = {
    "ALTER TABLE owners RENAME TO keepers": "ALTER TABLE keepers RENAME TO owners",
    'ALTER TABLE "Hats" RENAME TO caps; ALTER TABLE caps RENAME price TO cost': (
        'ALTER TABLE caps RENAME COLUMN cost TO price; ALTER TABLE caps RENAME TO "Hats"'
    ),
    "ALTER FUNCTION twice(int) RENAME TO double": (
        "ALTER FUNCTION double(integer) RENAME TO twice"
    ),
    "ALTER VIEW cheap RENAME TO bargains": "ALTER VIEW bargains RENAME TO cheap",
    "ALTER TYPE size RENAME TO sizes": "ALTER TYPE sizes RENAME TO size",
    "ALTER TYPE size RENAME VALUE 'l' TO 'large'": "ALTER TYPE size RENAME VALUE 'large' TO 'l'",
    "ALTER TYPE pair RENAME ATTRIBUTE second TO other": (
        "ALTER TYPE pair RENAME ATTRIBUTE other TO second"
    ),
    'ALTER SEQUENCE "Hats_id_seq" RENAME TO hat_numbers': (
        'ALTER SEQUENCE hat_numbers RENAME TO "Hats_id_seq"'
    ),
    "ALTER INDEX hats_price_idx RENAME TO hand": "ALTER INDEX hand RENAME TO hats_price_idx",
}


@pytest.mark.parametrize("part", usually_first([0, 1]))
def test_what_was_renamed_by_hand_gets_its_name_back(
    part: int, server: PostgresServer, url: str, shop: Path
) -> None:
    """To drop what looks new and make what looks gone would lose all rows."""
    execute(url, 'INSERT INTO owners VALUES (1); INSERT INTO "Hats" (price) VALUES (3)')
    before = read(url)
    for statement, back in list(RENAMES.items())[part::2]:
        execute(url, statement)
        comparison = live.compare(at(url, shop))
        assert "; ".join(comparison.back) == back, statement
        assert "(tried in a scratch database):" in comparison.as_text()
        execute(url, "; ".join(comparison.back))
        assert read(url) == before, statement
    execute(url, "ALTER TABLE owners RENAME TO keepers")
    comparison = live.compare(at(limited(server, url, "drift_reader"), shop))
    assert comparison.back == ("ALTER TABLE keepers RENAME TO owners",)
    assert "(not tried: the role drift_reader may not create a scratch" in comparison.as_text()
    assert query(url, "SELECT count(*) FROM keepers") == [(1,)]
    execute(url, "DROP OWNED BY drift_reader; DROP ROLE drift_reader")


def test_what_needs_what_is_known_on_the_way_back(url: str, shop: Path) -> None:
    before = read(url)
    execute(url, 'DROP TABLE owners, "Hats" CASCADE; DROP TYPE size, pair, code CASCADE')
    comparison = live.compare(at(url, shop))
    assert "deletes" not in comparison.as_text()
    execute(url, ";".join(comparison.back))
    assert read(url) == before
    execute(url, "CREATE TABLE owners_now (i int); DROP VIEW cheap; CREATE VIEW cheap AS SELECT 1")
    comparison = live.compare(at(url, shop))
    assert "; it deletes the rows of table owners_now):" in comparison.as_text()
    execute(url, ";".join(comparison.back))
    assert read(url) == before


def test_what_another_program_has_is_no_drift_where_the_project_says_so(
    url: str, shop: Path
) -> None:
    """Adopted or not, and also where the reading of the last run fits no more."""
    execute(url, "CREATE TABLE kea_leases (i int PRIMARY KEY); CREATE TYPE kea_state AS ENUM ('a')")
    execute(url, "CREATE FUNCTION kea_now() RETURNS int LANGUAGE sql AS 'SELECT 1'")
    execute(url, "UPDATE migratereading SET format = 0; ALTER TABLE owners ADD COLUMN kea_x int")
    execute(url, "CREATE EXTENSION pg_trgm")
    beside = replace(at(url, shop), foreign=("kea_*", "pg_trgm"))
    comparison = live.compare(beside)
    assert [drift.name for drift in comparison.drifts] == ["column owners.kea_x"]
    assert len(live.compare(at(url, shop)).drifts) == 5
    execute(url, ";".join(comparison.back))
    write(shop, "002_more", "CREATE TABLE more (i int)")
    heard = Heard()
    assert runner_at(beside, heard).migrate() == ["002_more"]
    assert heard.messages == []
    assert live.compare(beside).drifts == ()
    execute(url, "ALTER TABLE kea_leases ADD later int")  # which the last run has read
    assert live.compare(beside).drifts == ()
    write(shop, "003_kea", "ALTER TABLE kea_leases ADD ours int")  # a file speaks of it
    assert [drift.name for drift in live.compare(beside).drifts] == ["table kea_leases"]


def test_what_belongs_to_another_role_is_no_drift(
    url: str, shop: Path, server: PostgresServer
) -> None:
    """FreeRADIUS's tables beside ours: whose they are is told, and no statement that drops them."""
    with mallory_url(server, url, "CREATE ON SCHEMA public") as radius:
        execute(radius, "CREATE TABLE radcheck (id serial PRIMARY KEY, value text)")
        execute(radius, "CREATE VIEW radius AS SELECT value FROM radcheck")
        comparison = live.compare(at(url, shop))
        assert comparison.drifts == () and comparison.back == ()
        assert any(line.startswith("table radcheck belongs to") for line in comparison.others)
        write(shop, "002_more", "CREATE TABLE more (i int)")
        runner_at(at(url, shop)).migrate()
        execute(radius, "ALTER TABLE radcheck ADD later int; DROP VIEW radius")
        assert live.compare(at(url, shop)).drifts == ()


def test_both_definitions_are_told(url: str, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    migrations_in(shop, monkeypatch)
    assert call(url, "check", "--live").code == 0
    execute(url, "ALTER TABLE owners ALTER COLUMN name TYPE varchar(9), ADD COLUMN hand int")
    told = call(url, "check", "--live")
    assert told.code == 1
    assert "name text NOT NULL DEFAULT 'x'::text\n" in told.out
    assert "name character varying(9) NOT NULL DEFAULT 'x'::text\n" in told.out
    assert "column owners.hand is extra:\n        hand integer\n" in told.out
    assert "-- this loses the values of column owners.hand" in told.out
    value = json.loads(call(url, "check", "--live", "--json").out)
    assert [(item["kind"], item["name"]) for item in value["drift"]] == [
        ("column", "hand"),
        ("column", "name"),
    ]
    assert value["back"]
    assert value["unmanaged"] == []
    execute(url, "CREATE AGGREGATE total(int) (SFUNC = int4pl, STYPE = int)")
    told = call(url, "check", "--live")
    assert "Not managed, so not compared: aggregate total(integer)\n" in told.out


def test_the_reading_follows_what_changes_the_history(url: str, shop: Path) -> None:
    write(
        shop, "002_orphans", ORPHANS, back='migrator.sql("ALTER TABLE owners DROP COLUMN orphan")'
    )
    runner = runner_on(url, shop)
    for step in (runner.migrate, runner.rollback, runner.migrate):
        step()
        kept = live.compare(at(url, shop))
        assert (kept.drifts, kept.source[:11]) == ((), "what the ru")
    runner.rollback(2, losing=True)
    assert query(url, "SELECT to_regclass('migratereading')") == [(None,)]
    execute(url, f"{SHOP}; {ORPHANS}")
    adopt(at(url, shop), 2, RunOptions(), Report())
    assert live.compare(at(url, shop)).source.startswith("what the run of")


def test_what_was_changed_by_hand_stays_so_after_a_run(url: str, shop: Path) -> None:
    """The run keeps what the files lead to, not what is there."""
    execute(url, 'ALTER TABLE owners ADD COLUMN hand int; CREATE INDEX hand ON "Hats" (size)')
    execute(url, "DROP TRIGGER touched ON owners; CREATE TABLE mine (i int)")
    names = found(url, shop)
    write(shop, "002_orphans", ORPHANS)
    heard = Heard()
    assert runner_on(url, shop, heard).migrate() == ["002_orphans"]
    told = [text for text in heard.messages if text.startswith("changed by hand: ")]
    assert [text[17:].partition(" (see")[0] for text in told] == names
    assert found(url, shop) == names
    assert "orphan" in document(url)["tables"]["owners"]["columns"]
    runner_on(url, shop).rollback(losing=True)
    assert found(url, shop) == names


TOUCHING = {
    "ALTER TABLE owners ALTER COLUMN name TYPE varchar(20)": (
        "ALTER TABLE owners ALTER COLUMN name SET DEFAULT 'hand'"
    ),
    "UPDATE owners SET born = now()": "ALTER TABLE owners DROP COLUMN born",
    "CREATE INDEX IF NOT EXISTS hand ON owners (name)": "CREATE INDEX hand ON owners (born)",
    "CREATE OR REPLACE FUNCTION twice(n int) RETURNS int LANGUAGE sql AS 'SELECT 2 * n'": (
        "CREATE OR REPLACE FUNCTION twice(n int) RETURNS int LANGUAGE sql AS 'SELECT n'"
    ),
    'DROP VIEW cheap; DROP TABLE "Hats" ': 'ALTER TABLE "Hats" ADD COLUMN hand int',
    "CREATE TABLE mine (i int)": "CREATE TABLE mine (i text)",
}


@pytest.mark.parametrize(
    "touching",
    [
        pytest.param(touching, marks=[pytest.mark.campaign] if number % 3 else [])
        for number, touching in enumerate(TOUCHING)
    ],
)
def test_a_file_does_not_run_over_what_was_changed_by_hand(
    url: str, shop: Path, touching: str
) -> None:
    execute(url, TOUCHING[touching])
    execute(url, "COMMENT ON TYPE size IS 'elsewhere'")
    before, names = read(url), found(url, shop)
    write(shop, "002_touching", touching)
    heard = Heard()
    with pytest.raises(Refused) as refused:
        runner_on(url, shop, heard).migrate()
    message = str(refused.value)
    drifted = next(name for name in names if name != "enum size")
    assert "002_touching would change" in message
    assert drifted in message and "enum size" not in message and "TYPE size" not in message
    assert any("enum size" in text for text in heard.messages)
    assert read(url) == before
    for text in live.compare(at(url, shop)).back:
        execute(url, text)
    assert runner_on(url, shop).migrate() == ["002_touching"]


def test_without_a_scratch_database_all_drift_is_in_the_way(
    server: PostgresServer, url: str, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "drift_owner"
    there = limited(server, url, name)
    execute(url, f"ALTER DATABASE {url.rpartition('/')[2]} OWNER TO {name}")
    execute(
        url,
        f"GRANT ALL ON SCHEMA public TO {name}; GRANT ALL ON ALL TABLES IN SCHEMA public"
        f" TO {name}; ALTER TABLE migratereading OWNER TO {name};"
        f"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {name}",
    )
    write(shop, "002_more", "CREATE TABLE more (i int)")
    heard = Heard()
    assert runner_on(there, shop, heard).migrate() == ["002_more"]  # no drift: no scratch database
    assert heard.messages == []
    execute(url, "ALTER TABLE owners ADD COLUMN hand int")
    write(shop, "003_other", "CREATE TABLE other (i int)")
    with pytest.raises(Refused, match=r"(?s)hand integer.*may not create a scratch database"):
        runner_on(there, shop).migrate()
    execute(url, "ALTER TABLE owners DROP COLUMN hand")
    assert runner_on(there, shop).migrate() == ["003_other"]
    execute(url, f"REASSIGN OWNED BY {name} TO postgres; DROP OWNED BY {name}")
    execute(url, f"DROP ROLE {name}")


@pytest.mark.parametrize(
    "spoil",
    [
        "DROP TABLE migratereading",
        pytest.param("UPDATE migratereading SET server_version = 13", marks=pytest.mark.campaign),
        pytest.param("UPDATE migratereading SET format = 0", marks=pytest.mark.campaign),
        pytest.param("UPDATE migratereading SET files = '[]'", marks=pytest.mark.campaign),
    ],
)
def test_without_a_reading_that_fits_the_files_are_run_for_it(
    server: PostgresServer, url: str, shop: Path, spoil: str
) -> None:
    execute(url, f"{spoil}; ALTER TABLE owners ADD COLUMN hand int")
    comparison = live.compare(at(url, shop))
    assert [item.name for item in comparison.drifts] == ["column owners.hand"]
    assert "scratch" in comparison.source
    there = limited(server, url, "drift_reader")
    with pytest.raises(ConfigError) as needed:
        live.compare(at(there, shop))
    version = query(url, "SHOW server_version_num")[0][0][:2]
    assert f"SCRATCH_DATABASE_URL to a server of PostgreSQL {version}" in needed.value.fix
    write(shop, "002_touching", "ALTER TABLE owners ADD COLUMN hand text")
    with pytest.raises(Refused, match="hand integer"):
        runner_on(url, shop).migrate()
    execute(url, "DROP OWNED BY drift_reader; DROP ROLE drift_reader")


def test_a_role_that_may_only_read_is_told_what_it_lacks(
    server: PostgresServer, url: str, shop: Path
) -> None:
    there = limited(server, url, "drift_reader")
    before = query(url, "SELECT taken_at FROM migratereading")
    assert found(there, shop) == []
    assert query(url, "SELECT taken_at FROM migratereading") == before
    execute(url, "REVOKE SELECT ON migratereading FROM drift_reader")
    with pytest.raises(ConfigError, match="GRANT SELECT ON migratereading TO drift_reader"):
        live.compare(at(there, shop))
    execute(url, "DROP OWNED BY drift_reader; DROP ROLE drift_reader")


@pytest.mark.only("has clients")
def test_a_replica_is_compared_as_it_is(server: PostgresServer, shop: Path) -> None:
    with server.database() as url:
        runner_on(url, shop).migrate()
        with server.database() as bare:
            runner_on(bare, shop).migrate()
            execute(bare, "DROP TABLE migratereading")
            execute(url, "ALTER TABLE owners ADD COLUMN hand int")
            with standby(server) as replica:
                there = replica.url(name_of(url))
                assert query(there, "SELECT pg_is_in_recovery()") == [(True,)]
                assert found(there, shop) == ["column owners.hand"]
                with pytest.raises(ConfigError, match="keeps no reading"):
                    live.compare(at(replica.url(name_of(bare)), shop))


def test_a_file_that_stops_leaves_no_drift(url: str, shop: Path) -> None:
    write(shop, "002_more", "CREATE TABLE more (i int)")
    steps = ("CREATE TABLE a (i int)", "CREATE INDEX CONCURRENTLY a_idx ON a (i)", "SELECT 1 / 0")
    write(shop, "003_half", *steps, atomic=False)
    for _ in range(2):
        with pytest.raises(MigrationFailed, match="division by zero"):
            runner_on(url, shop).migrate()
        assert found(url, shop) == []
    # A runner that was killed could keep no reading.
    execute(url, "UPDATE migratereading SET files = '[[\"001_shop\"], {}]'")
    write(shop, "003_half", *steps[:2], "CREATE TABLE b (i int)", atomic=False)
    assert runner_on(url, shop).migrate() == ["003_half"]
    assert found(url, shop) == []


def test_plain_peewee_migrate_works_beside_it(url: str, shop: Path) -> None:
    write(shop, "002_more", "CREATE TABLE more (i int)")
    command = [sys.executable, "-W", "ignore", "-m", "peewee_migrate", "migrate"]
    options = ["--database", url, "--directory", str(shop)]
    done = subprocess.run([*command, *options], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    comparison = live.compare(at(url, shop))
    assert (comparison.drifts, "scratch" in comparison.source) == ((), True)
    write(shop, "003_other", "CREATE TABLE other (i int)")
    runner_on(url, shop).migrate()
    assert live.compare(at(url, shop)).source.startswith("what the run of")


def test_a_restored_backup_has_not_drifted(
    server: PostgresServer, migrated_url: str, tmp_path: Path
) -> None:
    made = dump.dump(at(migrated_url), tmp_path, Report())
    with server.database() as url:
        restore.restore(at(url), made.path, RunOptions(), Report())
        comparison = live.compare(at(url, MIGRATIONS))
        assert (comparison.drifts, comparison.source[:11]) == ((), "what the ru")


def test_reset_takes_the_reading_along(migrated_url: str) -> None:
    assert call(migrated_url, "reset", "--yes").code == 0
    assert query(migrated_url, "SELECT to_regclass('migratereading')") == [(None,)]
    assert call(migrated_url, "check", "--live").out.endswith("as the migrations left it.\n")


def test_a_user_sees_it_as_readme_shows_it(migrated_url: str) -> None:
    execute(migrated_url, "ALTER TABLE customers ADD COLUMN hand integer")
    told = call(migrated_url, "check", "--live")
    assert (told.code, told.err) == (1, "")
    printed = told.out.replace(name_of(migrated_url), "billing")
    assert settled(printed) == settled(block("### What was changed by hand", "text"))


def test_a_table_that_others_hold_is_in_nobodys_way(url: str, shop: Path) -> None:
    """PostgreSQL does not say what is in it; the file, which has nothing to do with it, runs."""
    write(shop, "002_more", "CREATE TABLE more (i int)")
    with closing(psycopg2.connect(url)) as other:
        other.cursor().execute('LOCK TABLE owners, "Hats"')
        heard = Heard()
        assert runner_on(url, shop, heard).migrate() == ["002_more"]
    (told,) = heard.messages
    assert told.startswith("not compared with an earlier run: canceling statement due to lock")
    assert found(url, shop) == []
