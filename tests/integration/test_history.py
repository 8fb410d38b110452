"""Histories that did not come from here, and files that do not fit theirs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.drift.comparison import compare
from engine.errors import EngineError, HistoryError, MigrationFailed, Refused
from engine.files import journal
from engine.generate.generator import Generator
from engine.manage import wipe
from engine.manage.status import read_status
from tests.support.databases import execute, query, read
from tests.support.migration_files import BACK, HEAD, write
from tests.support.postgres import PostgresServer
from tests.support.runners import GuardedRunner, at, runner_on
from tests.support.usual import usually_each, usually_first

PLAIN = "(id serial PRIMARY KEY, name varchar(255) NOT NULL, migrated_at timestamp NOT NULL)"
FIRST = f"""\
import peewee as pw

{HEAD}
    @migrator.create_model
    class User(pw.Model):
        name = pw.CharField(max_length=50)

        class Meta:
            table_name = "users"
{BACK}    migrator.remove_model("users")
"""
SECOND = f"""\
import peewee as pw

{HEAD}    user = migrator.orm["users"]
    migrator.add_fields("users", age=pw.IntegerField(null=True))
    migrator.add_index("users", "name")
    migrator.run(lambda: user.update(age=user.select().count()).execute())
{BACK}    migrator.drop_index("users", "name")
    migrator.remove_fields("users", "age")
"""
THIRD = f"""\
{HEAD}    assert list(migrator) == [migrator.orm.User]
    migrator.rename_field("users", "age", "years")
    migrator.drop_not_null("users", "name")
{BACK}    migrator.add_not_null("users", "name")
    migrator.rename_field("users", "years", "age")
"""


def peewee_migrate(url: str, folder: Path, *arguments: str, fails: str = "") -> None:
    command = [sys.executable, "-W", "ignore", "-m", "peewee_migrate", *arguments]
    options = ["--database", url, "--directory", str(folder)]
    done = subprocess.run([*command, *options], capture_output=True, text=True, timeout=120)
    assert bool(done.returncode) == bool(fails), done.stderr
    assert fails in done.stderr + done.stdout


@pytest.fixture
def plain(empty_url: str, tmp_path: Path) -> str:
    """A database that peewee-migrate made with files of its own kind."""
    (tmp_path / "001_first.py").write_text(FIRST)
    (tmp_path / "002_second.py").write_text(SECOND)
    peewee_migrate(empty_url, tmp_path, "migrate")
    execute(empty_url, "INSERT INTO users (name) VALUES ('Budi')")
    return empty_url


def test_a_history_of_plain_peewee_migrate_is_carried_on(plain: str, tmp_path: Path) -> None:
    runner = runner_on(plain, tmp_path)
    before = read(plain)
    assert [e.state for e in read_status(at(plain, tmp_path)).history.entries] == ["applied"] * 2
    assert runner.migrate() == []
    (tmp_path / "003_third.py").write_text(THIRD)
    write(tmp_path, "004_fails", "CREATE TABLE t (i int)", "SELECT 1 / 0")
    with pytest.raises(MigrationFailed, match="004_fails"):
        runner.migrate()
    (tmp_path / "004_fails.py").unlink()
    rows = "SELECT name, duration_ms IS NULL, checksum IS NULL FROM migratehistory ORDER BY id"
    assert query(plain, rows) == [
        ("001_first", True, True),
        ("002_second", True, True),
        ("003_third", False, False),
    ]
    assert query(plain, "SELECT name, years FROM users") == [("Budi", None)]
    assert runner.rollback() == ["003_third"]
    assert read(plain) == before
    execute(plain, "UPDATE users SET age = 30")
    with pytest.raises(Refused, match=r"would lose what is in: users\.age"):
        runner.rollback()
    assert runner.rollback(losing=True) == ["002_second"]
    with pytest.raises(Refused, match="would lose what is in: users"):
        runner.rollback()
    assert runner.rollback(losing=True) == ["001_first"]
    assert runner.migrate() == ["001_first", "002_second", "003_third"]
    peewee_migrate(plain, tmp_path, "list")


def test_plain_peewee_migrate_stops_before_what_it_does_not_know(
    plain: str, tmp_path: Path
) -> None:
    """A file whose statements stand alone: nothing of it is done, nor of those behind it, which it
    reads after that one; and all goes on here."""
    ways = '    migrator.sql("CREATE INDEX CONCURRENTLY i ON users (age)")\n'
    ways += '    migrator.back("DROP INDEX CONCURRENTLY i")\n'
    online = f"atomic = False\n\n\n{HEAD}{ways}{BACK}    migrator.undo(migrate)\n"
    (tmp_path / "003_third.py").write_text(THIRD.replace("years", "seniority"))
    (tmp_path / "004_online.py").write_text(online.replace("age", "seniority"))
    unknown = "object has no attribute 'back'"
    before = read(plain)
    peewee_migrate(plain, tmp_path, "migrate", fails=unknown)
    runner = runner_on(plain, tmp_path)
    after = read(plain)
    assert after != before
    assert runner.migrate() == ["004_online"]
    (tmp_path / "005_fifth.py").write_text(f"{HEAD}    migrator.sql('DROP TABLE users')\n")
    peewee_migrate(plain, tmp_path, "migrate", fails=unknown)
    peewee_migrate(plain, tmp_path, "rollback", fails=unknown)
    (tmp_path / "005_fifth.py").unlink()
    assert runner.rollback(losing=True) == ["004_online"]
    assert read(plain) == after


def test_generate_goes_on_from_files_of_plain_peewee_migrate(plain: str, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="would delete data"):
        Generator([], at(plain, tmp_path)).generate("nothing_is_wanted")
    (file,) = Generator([], at(plain, tmp_path), allow_drop=["users"]).generate("nothing_is_wanted")
    assert "DROP TABLE users" in file.text


def test_a_column_of_ours_comes_with_the_first_file_or_not_at_all(
    empty_url: str, tmp_path: Path
) -> None:
    execute(empty_url, f"CREATE TABLE migratehistory {PLAIN}")
    before = query(
        empty_url,
        "SELECT attname FROM pg_attribute WHERE attrelid ="
        " 'migratehistory'::regclass AND attnum > 0",
    )
    write(tmp_path, "001_t", "CREATE TABLE t (i int)", "SELECT 1 / 0")
    with pytest.raises(MigrationFailed):
        runner_on(empty_url, tmp_path).migrate()
    assert before == query(
        empty_url,
        "SELECT attname FROM pg_attribute WHERE attrelid ="
        " 'migratehistory'::regclass AND attnum > 0",
    )


# ── what does not fit ───────────────────────────────────────────────────────────────────────────


@pytest.fixture
def three(empty_url: str, tmp_path: Path) -> GuardedRunner:
    """A database with three files applied."""
    for number in (1, 2, 3):
        write(
            tmp_path,
            f"00{number}_t{number}",
            f"CREATE TABLE t{number} (i int)",
            back=f"migrator.sql('DROP TABLE t{number}')",
        )
    runner = runner_on(empty_url, tmp_path)
    runner.migrate()
    return runner


def refused(runner: GuardedRunner, *ways: Callable[[], object]) -> str:
    """What keeps these ways from running, or migrate and rollback, as status tells it."""
    before = read(runner.url)
    problems = [str(p) for p in read_status(at(runner.url, runner.folder)).history.problems]
    for way in ways or (runner.migrate, runner.rollback):
        with pytest.raises(HistoryError) as failure:
            way()
        assert all(problem in failure.value.why for problem in problems)
        assert "Nothing was run." in failure.value.why
    assert read(runner.url) == before
    return "\n".join(problems)


def test_files_that_do_not_fit_the_history_are_named(three: GuardedRunner) -> None:
    folder, kept = three.folder, (three.folder / "002_t2.py").read_text()

    write(folder, "002_t2", "CREATE TABLE other (i int)")
    assert "002_t2 was changed after it was applied" in refused(three)
    (folder / "002_t2.py").write_bytes(kept.replace("\n", "  \r\n").encode() + b"\r\n\r\n")
    assert three.migrate() == []

    (folder / "002_t2.py").unlink()
    assert "002_t2 is applied, but its file is missing; restore it" in refused(three)
    (folder / "002_t2.py").write_text(kept)

    write(folder, "002_late", "CREATE TABLE late (i int)")
    told = refused(three, three.migrate)
    assert "the number 002 is used twice: 002_late, 002_t2" in told
    assert "002_late is pending, but 003 is applied already" in told
    (folder / "002_late.py").unlink()

    for name in ("004_a", "004_b"):
        write(folder, name, "CREATE TABLE u (i int)")
    assert "the number 004 is used twice: 004_a, 004_b" in refused(three, three.migrate)
    (folder / "004_b.py").rename(folder / "1000_b.py")
    write(folder, "1000_b", "DROP TABLE u")
    assert three.migrate() == ["004_a", "1000_b"]


@pytest.mark.parametrize(
    "name", usually_each(["initial", "12_short", "0x1_", "²³¹_digits", "001", "it's"], 3)
)
def test_a_row_that_no_file_can_have_made_is_named(name: str, three: GuardedRunner) -> None:
    quoted = name.replace("'", "''")
    insert = "INSERT INTO migratehistory (name, migrated_at) VALUES"
    execute(three.url, f"{insert} ('{quoted}', now())")
    told = refused(three)
    assert "no migration file can have that name" in told
    execute(three.url, told.partition("delete it: ")[2].rstrip("."))
    assert three.migrate() == []


def test_a_file_that_is_recorded_twice_is_named(three: GuardedRunner) -> None:
    execute(
        three.url,
        "INSERT INTO migratehistory (name, migrated_at)"
        " SELECT name, now() FROM migratehistory WHERE name = '002_t2'",
    )
    told = refused(three)
    assert "002_t2 is in the history 2 times" in told
    execute(three.url, told.partition("keep one row: ")[2].rstrip("."))
    assert three.migrate() == []
    assert query(three.url, "SELECT count(*) FROM migratehistory") == [(3,)]


def test_a_table_of_another_tool_is_left_alone(empty_url: str, tmp_path: Path) -> None:
    write(tmp_path, "001_t", "CREATE TABLE t (i int)")
    execute(empty_url, "CREATE TABLE migratehistory (version text, installed_on timestamptz)")
    runner = runner_on(empty_url, tmp_path)
    for way in (
        runner.migrate,
        runner.rollback,
        lambda: read_status(at(empty_url, tmp_path)),
        lambda: wipe.plan(at(empty_url, tmp_path), everything=True),
    ):
        with pytest.raises(HistoryError, match="is not ours: it has the columns installed_on, v"):
            way()
    execute(empty_url, "ALTER TABLE migratehistory RENAME TO theirs")
    assert runner.migrate() == ["001_t"]


@pytest.mark.parametrize(
    ("tool", "table"),
    [
        ("Django", "django_migrations (id serial, app text, name text, applied timestamptz)"),
        ("Alembic", "alembic_version (version_num varchar(32) PRIMARY KEY)"),
        ("Flyway", "flyway_schema_history (installed_rank int, version text)"),
    ],
)
def test_a_database_of_another_tool_is_told_of_adopt(
    tool: str, table: str, empty_url: str, tmp_path: Path
) -> None:
    write(tmp_path, "001_t", "CREATE TABLE t (i int)")
    execute(empty_url, f"CREATE TABLE {table}; CREATE TABLE t (i int)")
    with pytest.raises(MigrationFailed) as failure:
        runner_on(empty_url, tmp_path).migrate()
    assert "invoke adopt 1" in failure.value.fix
    assert f"the history of {tool} is in this schema" in failure.value.why
    execute(empty_url, "DROP TABLE t")
    assert runner_on(empty_url, tmp_path).migrate() == ["001_t"]


def test_status_is_read_from_each_of_them(three: GuardedRunner) -> None:
    execute(
        three.url,
        "ALTER TABLE migratehistory DROP COLUMN checksum, DROP COLUMN duration_ms,"
        " DROP COLUMN applied_by, DROP COLUMN applied_from, ALTER migrated_at DROP NOT NULL",
    )
    execute(three.url, "UPDATE migratehistory SET migrated_at = NULL WHERE name = '001_t1'")
    printed = json.loads(read_status(three.project).as_json())
    assert [entry["applied_at"] is None for entry in printed["migrations"]] == [True, False, False]
    assert printed["problems"] == []
    assert three.rollback() == ["003_t3"]


@pytest.mark.parametrize(
    ("statement", "strange"),
    [
        (
            "CREATE TRIGGER t BEFORE INSERT ON migratehistory FOR EACH ROW"
            " EXECUTE FUNCTION suppress_redundant_updates_trigger()",
            "trigger t",
        ),
        ("CREATE RULE r AS ON INSERT TO migratehistory DO INSTEAD NOTHING", "rule r"),
        ("CREATE TABLE child () INHERITS (migratehistory)", "inheritance"),
    ],
)
def test_a_run_sees_what_becomes_of_the_table_that_it_has_looked_through(
    statement: str, strange: str, empty_url: str, tmp_path: Path
) -> None:
    """Files after the second one take the table as it was, unless it is not that any more."""
    for number in range(1, 6):
        made = statement if number == 4 else f"CREATE TABLE t{number} (i int)"
        write(tmp_path, f"{number:03}_file", made)
    with pytest.raises(HistoryError, match=strange):
        runner_on(empty_url, tmp_path).migrate()
    assert query(empty_url, "SELECT count(*) FROM migratehistory") == [(3,)]


@pytest.mark.parametrize("table", ["migratehistory", "migratejournal", "migratereading"])
def test_a_role_from_which_rows_are_hidden_gets_no_answer(
    server: PostgresServer, three: GuardedRunner, table: str
) -> None:
    """PostgreSQL gives it fewer rows, so that all files would seem to be pending."""
    role = f"hidden_{three.url.rpartition('_')[2]}"
    server.execute(f"CREATE ROLE {role} LOGIN")
    execute(three.url, f"GRANT CREATE, USAGE ON SCHEMA public TO {role}")
    if table == "migratejournal":
        execute(three.url, journal.CREATE)
    execute(three.url, f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
    execute(three.url, f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    there = three.url.replace("postgres@", f"{role}@")
    migrate = runner_on(there, three.folder).migrate
    ways = [lambda: compare(at(there, three.folder))]
    if table != "migratereading":
        ways += [migrate, lambda: read_status(at(there, three.folder))]
    for way in ways:
        with pytest.raises(HistoryError, match=f"hides rows of the table {table} from the role"):
            way()
    execute(three.url, f"GRANT pg_read_all_data TO {role}; ALTER ROLE {role} BYPASSRLS")
    assert migrate() == []
    assert compare(at(there, three.folder)).drifts == ()
    execute(three.url, f"DROP OWNED BY {role}; DROP ROLE {role}")


TAKES_AWAY = {
    "a new schema": "DROP SCHEMA public CASCADE; CREATE SCHEMA public",
    "no schema": "DROP SCHEMA public CASCADE",
    "no table": "DROP TABLE migratehistory",
    "another name": "ALTER TABLE migratehistory RENAME TO h",
    "no rows": "TRUNCATE migratehistory",
}


@pytest.mark.parametrize("how", usually_first(TAKES_AWAY, 2))
def test_a_file_that_takes_the_history_away_is_stopped(
    how: str, empty_url: str, tmp_path: Path
) -> None:
    """The files before it were pending after it, and nothing led on."""
    (tmp_path / "001_t.py").write_text(f"{HEAD}    migrator.sql('CREATE TABLE t ()')\n")
    (tmp_path / "002_x.py").write_text(f"{HEAD}    migrator.sql({TAKES_AWAY[how]!r})\n")
    (tmp_path / "003_u.py").write_text(f"{HEAD}    migrator.sql('CREATE TABLE u ()')\n")
    for _ in ("in one run with a file before it", "first of a run"):
        with pytest.raises(MigrationFailed, match="it empties migratehistory, drops it"):
            runner_on(empty_url, tmp_path).migrate()
        assert query(empty_url, "SELECT name FROM migratehistory") == [("001_t",)]
    harmless = "ANALYZE; GRANT SELECT ON migratehistory TO PUBLIC"
    (tmp_path / "002_x.py").write_text(f"{HEAD}    migrator.sql({harmless!r})\n")
    assert runner_on(empty_url, tmp_path).migrate() == ["002_x", "003_u"]
