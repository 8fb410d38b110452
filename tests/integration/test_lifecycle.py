"""The life of a database: migrate, roll back, fresh, reset; the catalogs are equal each time."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from engine.files import migration_folder
from engine.generate import row_snapshot
from engine.generate.natural_keys import NaturalKeys
from engine.manage import wipe
from engine.report import Report
from engine.run.options import RunOptions
from engine.schema import catalog
from tests.support.console import call
from tests.support.databases import LEFT_OVER, execute, query, read
from tests.support.migration_files import write
from tests.support.project import MIGRATIONS
from tests.support.runners import at, runner_on
from tests.support.usual import usually_first


def test_fresh_and_reset_give_the_same_catalogs_each_time(migrated_url: str) -> None:
    migrated = read(migrated_url)
    assert len(migrated.tables) == 32
    for task in ("fresh", "reset"):
        result = call(migrated_url, task, "--yes")
        assert result.code == 0, result.err
        if task == "fresh":
            assert read(migrated_url) == migrated
    assert not query(migrated_url, LEFT_OVER)
    assert call(migrated_url, "migrate").code == 0
    assert read(migrated_url) == migrated


def test_rolling_back_everything_leaves_an_empty_schema(empty_url: str) -> None:
    runner = runner_on(empty_url, MIGRATIONS)
    before = read(empty_url)
    names = runner.migrate()
    migrated = read(empty_url)
    for name in reversed(names):
        assert runner.rollback() == [name]
    assert not query(empty_url, LEFT_OVER)
    assert read(empty_url) == before
    assert runner.migrate() == names
    assert read(empty_url) == migrated


# The runner sees to that by itself: functions keep the path under which they are made.
PATH_OF_FILES = "?options=-csearch_path%3Dpublic,pg_temp"


def test_plain_peewee_migrate_gives_the_same(server: Any, migrated_url: str) -> None:
    with server.database() as url:
        command = [sys.executable, "-W", "ignore", "-m", "peewee_migrate", "migrate"]
        options = ["--database", url + PATH_OF_FILES, "--directory", str(MIGRATIONS)]
        done = subprocess.run([*command, *options], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        assert read(url) == read(migrated_url)
        for place in (url, migrated_url):  # one of which may be from before two at night
            execute(place, "UPDATE backup_schedules SET next_run_at = '2026-01-01'")
        assert _rows(url) == _rows(migrated_url)


def _rows(url: str) -> row_snapshot.Comparable:
    with closing(psycopg2.connect(url)) as connection:
        declared = {"settings": ("location_id", "key")}
        keys = NaturalKeys(catalog.read(connection), declared)
        return row_snapshot.read(connection.cursor(), keys).comparable()


def test_status_json_has_the_promised_form(empty_url: str) -> None:
    before = json.loads(call(empty_url, "status", "--json").out)
    names = [migration.name for migration in migration_folder.find(MIGRATIONS)]
    assert (before["applied"], before["pending"]) == (0, len(names))
    assert call(empty_url, "migrate").code == 0
    after = json.loads(call(empty_url, "status", "--json").out)
    assert list(after) == [
        "database",
        "schema",
        "applied",
        "pending",
        "problems",
        "foreign",
        "roles",
        "unfinished",
        "migrations",
    ]
    assert (after["applied"], after["pending"], after["problems"]) == (len(names), 0, [])
    assert [entry["name"] for entry in after["migrations"]] == names
    first = after["migrations"][0]
    assert set(first) >= {
        *("number", "name", "state", "applied_at", "duration_ms", "checksum", "applied_by"),
        "recorded_as",
    }
    assert (first["number"], first["state"], first["applied_by"]) == (1, "applied", "postgres")


@pytest.mark.parametrize("task", usually_first(["reset", "fresh"]))
def test_what_the_files_did_not_make_is_listed_and_kept(task: str, migrated_url: str) -> None:
    execute(migrated_url, "CREATE TABLE notes (t text); INSERT INTO notes VALUES ('mine')")
    execute(migrated_url, "CREATE SCHEMA other; CREATE TABLE other.notes (t text)")
    refused = call(migrated_url, task, "--yes")
    assert refused.code == 1
    assert "table notes" in refused.err
    assert "--all" in refused.err
    assert "another program's, name it in the project's `foreign`" in refused.err
    assert query(migrated_url, "SELECT t FROM notes") == [("mine",)]
    assert len(read(migrated_url).tables) == 33
    done = call(migrated_url, task, "--yes", "--all")
    assert done.code == 0, done.err
    assert query(migrated_url, "SELECT to_regclass('public.notes')") == [(None,)]
    assert query(migrated_url, "SELECT count(*) FROM other.notes") == [(0,)]
    assert query(migrated_url, "SELECT similarity('a', 'a')") == [(1.0,)]


def test_another_schema_that_depends_on_a_table_stops_a_reset(migrated_url: str) -> None:
    execute(migrated_url, "CREATE SCHEMA other; CREATE VIEW other.c AS SELECT * FROM customers")
    before = read(migrated_url)
    refused = call(migrated_url, "reset", "--yes")
    assert refused.code == 1
    assert "view other.c depends on" in refused.err
    assert "take away what depends on it and is not to go" in refused.err
    assert "CASCADE" not in refused.err
    assert read(migrated_url) == before


def test_without_a_terminal_nothing_is_deleted_unasked(migrated_url: str) -> None:
    before = read(migrated_url)
    for task in ("fresh", "reset"):
        result = call(migrated_url, task)
        assert (result.code, "--yes" in result.err) == (1, True)
    assert read(migrated_url) == before


def test_a_file_that_fails_is_found_before_fresh_deletes(
    migrated_url: str, migrations: Path
) -> None:
    execute(migrated_url, "UPDATE locations SET name = 'Kantor Pusat'")
    (migrations / "003_broken.py").write_text(
        "def migrate(migrator, database, *, fake=False):\n    migrator.sql('SELECT 1 / 0')\n"
    )
    result = call(migrated_url, "fresh", "--yes")
    assert result.code == 1
    assert "003_broken.py, line 2: division by zero" in result.err
    assert query(migrated_url, "SELECT name FROM locations") == [("Kantor Pusat",)]


@pytest.mark.parametrize("flag", [["-R"], []])
def test_dry_run_prints_the_sql_and_changes_nothing(flag: list[str], empty_url: str) -> None:
    arguments = [*flag, "migrate"] if flag else ["migrate", "--dry-run"]
    result = call(empty_url, *arguments)
    assert result.code == 0, result.err
    assert "CREATE TABLE customers (" in result.out
    assert not query(empty_url, LEFT_OVER)


def test_a_rollback_that_would_lose_rows_asks_for_yes(migrated_url: str, migrations: Path) -> None:
    number = migration_folder.next_number(migration_folder.find(migrations))
    shutil.copy(migrations / "001_initial_schema.py", migrations.parent / "kept.py")
    path = migrations / f"{number:03}_notes.py"
    path.write_text(
        "def migrate(migrator, database, *, fake=False):\n"
        "    migrator.sql('CREATE TABLE notes (t text)')\n\n\n"
        "def rollback(migrator, database, *, fake=False):\n"
        "    migrator.sql('DROP TABLE notes')\n"
    )
    assert call(migrated_url, "migrate").code == 0
    execute(migrated_url, "INSERT INTO notes VALUES ('mine')")
    refused = call(migrated_url, "rollback")
    assert (refused.code, "notes" in refused.err) == (1, True)
    assert query(migrated_url, "SELECT t FROM notes") == [("mine",)]
    assert call(migrated_url, "rollback", "--yes").code == 0
    assert call(migrated_url, "status").out.count("pending") >= 1


TANGLED = """
    CREATE TABLE people (id int PRIMARY KEY, name text);
    CREATE VIEW named AS SELECT * FROM people WHERE name IS NOT NULL;
    CREATE FUNCTION all_named() RETURNS SETOF named LANGUAGE sql AS 'SELECT * FROM named';
    CREATE FUNCTION short(text) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT length($1) < 9';
    CREATE DOMAIN nick AS text CHECK (short(VALUE));
    CREATE TYPE pair AS (a nick, b int);
    CREATE TABLE nicks (nick nick, pair pair);
    CREATE MATERIALIZED VIEW counted AS SELECT count(*) FROM named;
    CREATE VIEW over AS SELECT * FROM counted;
    CREATE SEQUENCE numbers;
    CREATE TABLE days (day date) PARTITION BY RANGE (day);
    CREATE TABLE days_2026 PARTITION OF days FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
    ALTER TABLE nicks ADD COLUMN number int DEFAULT nextval('numbers')
"""


def test_everything_goes_whatever_needs_what(empty_url: str, tmp_path: Path) -> None:
    (tmp_path / "001_tangled.py").write_text(
        f"def migrate(migrator, database, *, fake=False):\n    migrator.sql('''{TANGLED}''')\n"
    )
    runner_on(empty_url, tmp_path).migrate()
    planned = wipe.plan(at(empty_url, tmp_path), everything=False)
    assert len(planned.objects) >= 10
    wipe.carry_out(at(empty_url), planned, RunOptions(), Report())
    assert not query(empty_url, LEFT_OVER)


def test_what_another_program_has_stays_where_the_project_says_so(
    empty_url: str, tmp_path: Path
) -> None:
    """Also with --all; but for what a file has made, whatever its name."""
    write(tmp_path, "001_t", "CREATE TABLE t (i int); CREATE TABLE kea_ours (i int)")
    runner_on(empty_url, tmp_path).migrate()
    theirs = """
        CREATE TABLE "kea_Leases" (i serial PRIMARY KEY, d date) PARTITION BY HASH (i);
        CREATE TABLE kea_part PARTITION OF "kea_Leases" FOR VALUES WITH (MODULUS 1, REMAINDER 0);
        CREATE TYPE kea_state AS ENUM ('a');
        CREATE FUNCTION kea_now(int) RETURNS int LANGUAGE sql AS 'SELECT $1';
        CREATE VIEW kea_view AS SELECT * FROM "kea_Leases"
    """
    execute(empty_url, theirs)
    project = replace(at(empty_url, tmp_path), foreign=("kea_*",))
    objects = wipe.OBJECTS % {"here": "'public'::regnamespace"}
    for everything in (False, True):
        planned = wipe.plan(project, everything=everything)
        assert {thing.bare for thing in planned.objects} >= {"t", "kea_ours"}
        wipe.carry_out(project, planned, RunOptions(), Report())
        left = {thing for _, thing, _ in query(empty_url, objects)}
        assert left == {
            'public."kea_Leases"',
            "public.kea_state",
            "public.kea_now(integer)",
            "public.kea_view",
        }
        runner_on(empty_url, tmp_path).migrate()
