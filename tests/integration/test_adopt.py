"""Taking over a database whose history is elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.drift.comparison import compare
from engine.errors import MigrationFailed, Refused
from engine.manage.adopt import adopt
from engine.manage.status import read_status
from engine.run.options import RunOptions
from tests.support.console import call
from tests.support.databases import execute, query, read
from tests.support.migration_files import write
from tests.support.reports import Heard
from tests.support.runners import at, runner_on
from tests.support.usual import usually_each


def test_an_equal_database_is_adopted_and_a_different_one_is_not(migrated_url: str) -> None:
    expected = read(migrated_url)
    execute(migrated_url, "DROP TABLE migratehistory; CREATE TABLE schema_version (v int)")
    in_the_way = call(migrated_url, "migrate")
    assert (in_the_way.code, "invoke adopt 1" in in_the_way.err) == (1, True)

    execute(migrated_url, "DROP INDEX roles_code_key; ALTER TABLE customers DROP COLUMN notes")
    refused = call(migrated_url, "adopt", "2")
    assert refused.code == 1
    assert "to create index roles_code_key on roles" in refused.err
    assert "to create column customers.notes" in refused.err
    assert query(migrated_url, "SELECT to_regclass('migratehistory')") == [(None,)]

    execute(migrated_url, "CREATE UNIQUE INDEX roles_code_key ON roles (code)")
    execute(
        migrated_url,
        "ALTER TABLE customers ADD COLUMN notes text "
        "CONSTRAINT customers_notes_check CHECK (char_length(notes) <= 10000)",
    )
    execute(migrated_url, "COMMENT ON COLUMN customers.notes IS 'Notes of the staff.'")
    adopted = call(migrated_url, "adopt", "2")
    assert adopted.code == 0, adopted.err
    assert adopted.out.split() == ["001_initial_schema", "adopted", "002_seed_data", "adopted"]
    assert "left alone, no file makes it: table schema_version" in adopted.err
    assert "Nothing to migrate" in call(migrated_url, "migrate").out
    execute(migrated_url, "DROP TABLE schema_version")
    assert read(migrated_url) == expected


@pytest.fixture
def three(tmp_path: Path) -> Path:
    """Three files, the second of which runs step by step."""
    index = "CREATE INDEX CONCURRENTLY t_j_idx ON t (j)"
    write(tmp_path, "001_t", "CREATE TABLE t (i int PRIMARY KEY)")
    write(tmp_path, "002_j", "ALTER TABLE t ADD COLUMN j int", index, atomic=False)
    write(tmp_path, "003_u", "CREATE TABLE u (i int)")
    return tmp_path


def take_over(url: str, folder: Path, number: int) -> tuple[list[str], list[str]]:
    """The files adopted, and what was said."""
    heard = Heard()
    return adopt(at(url, folder), number, RunOptions(), heard), heard.messages


def test_a_number_that_makes_no_sense_is_refused(empty_url: str, three: Path) -> None:
    with pytest.raises(Refused, match="the database is empty") as empty:
        take_over(empty_url, three, 2)
    assert "invoke migrate" in empty.value.fix
    for number in (4, 999):
        with pytest.raises(Refused, match=f"there is no migration {number:03}") as unknown:
            take_over(empty_url, three, number)
        assert "001 to 003" in unknown.value.fix
    runner_on(empty_url, three).migrate()
    for number in (1, 2, 3):
        with pytest.raises(Refused, match=f"migration {number:03} is applied already"):
            take_over(empty_url, three, number)
    assert len(query(empty_url, "SELECT name FROM migratehistory")) == 3


def test_a_part_of_the_files_is_adopted_and_the_rest_run(empty_url: str, three: Path) -> None:
    runner_on(empty_url, three).migrate()
    expected = read(empty_url)
    execute(empty_url, "DROP TABLE migratehistory; DROP TABLE u")
    with pytest.raises(Refused, match="is not what the files up to 003 make") as failure:
        take_over(empty_url, three, 3)
    assert "to create table u" in failure.value.why
    assert take_over(empty_url, three, 2)[0] == ["001_t", "002_j"]
    assert runner_on(empty_url, three).migrate() == ["003_u"]
    assert read(empty_url) == expected


def test_a_file_that_stopped_in_the_middle_is_adopted(empty_url: str, three: Path) -> None:
    finished = (three / "002_j.py").read_text()
    write(three, "002_j", "ALTER TABLE t ADD COLUMN j int", "SELECT 1 / 0", atomic=False)
    with pytest.raises(MigrationFailed, match="division by zero"):
        runner_on(empty_url, three).migrate()
    (three / "002_j.py").write_text(finished)
    with pytest.raises(Refused, match="is not what the files up to 002 make"):
        take_over(empty_url, three, 2)
    execute(empty_url, "CREATE INDEX t_j_idx ON t (j)")
    assert take_over(empty_url, three, 2)[0] == ["002_j"]
    assert query(empty_url, "SELECT to_regclass('migratejournal')") == [(None,)]
    assert "stopped" not in read_status(at(empty_url, three)).as_text()
    assert runner_on(empty_url, three).migrate() == ["003_u"]


@pytest.mark.parametrize(
    ("extra", "difference"),
    usually_each(
        [
            ("ALTER TABLE t ADD COLUMN k int", "drop column t.k"),
            ("CREATE INDEX mine ON t (j DESC)", "drop index mine on t"),
            ("ALTER TABLE t ADD CONSTRAINT small CHECK (j < 9)", "drop constraint small on t"),
            ("ALTER TABLE t ALTER j SET DEFAULT 1", "alter column t.j"),
            ("DROP INDEX t_j_idx; CREATE INDEX t_j_idx ON t (i)", "index t_j_idx on t"),
            ("COMMENT ON TABLE t IS 'mine'", "comment"),
            (
                "CREATE TRIGGER mine BEFORE UPDATE ON t FOR EACH ROW"
                " EXECUTE FUNCTION suppress_redundant_updates_trigger()",
                "drop trigger mine on t",
            ),
        ],
        2,
    ),
)
def test_what_is_added_to_a_table_of_ours_is_a_difference(
    extra: str, difference: str, empty_url: str, three: Path
) -> None:
    runner_on(empty_url, three).migrate()
    execute(empty_url, f"DROP TABLE migratehistory; {extra}")
    with pytest.raises(Refused) as failure:
        take_over(empty_url, three, 3)
    assert difference in failure.value.why
    assert query(empty_url, "SELECT to_regclass('migratehistory')") == [(None,)]


def test_what_lies_beside_is_named_and_left_alone(empty_url: str, three: Path) -> None:
    runner_on(empty_url, three).migrate()
    execute(empty_url, "DROP TABLE migratehistory")
    execute(empty_url, "CREATE TABLE theirs (i int); CREATE TYPE mood AS ENUM ('glad')")
    execute(
        empty_url,
        "ALTER TABLE theirs ADD PRIMARY KEY (i), ADD j int;"
        "CREATE TABLE to_them (j int PRIMARY KEY, i int REFERENCES theirs);"
        "ALTER TABLE theirs ADD FOREIGN KEY (j) REFERENCES to_them",
    )
    before = read(empty_url)
    names, said = take_over(empty_url, three, 3)
    assert names == ["001_t", "002_j", "003_u"]
    assert sorted(said) == [
        "left alone, no file makes it: enum mood",
        "left alone, no file makes it: table theirs",
        "left alone, no file makes it: table to_them",
    ]
    assert read(empty_url) == before


def test_a_dry_run_adopts_nothing(empty_url: str, three: Path) -> None:
    runner_on(empty_url, three).migrate()
    execute(empty_url, "DROP TABLE migratehistory")
    assert len(adopt(at(empty_url, three), 3, RunOptions(dry=True), Heard())) == 3
    assert query(empty_url, "SELECT to_regclass('migratehistory')") == [(None,)]


RLS = """
    CREATE FUNCTION secure() RETURNS event_trigger LANGUAGE plpgsql AS $$
    DECLARE made record;
    BEGIN
        FOR made IN SELECT * FROM pg_event_trigger_ddl_commands()
                    WHERE command_tag LIKE 'CREATE TABLE%'
        LOOP EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', made.object_identity);
        END LOOP;
    END $$;
    CREATE EVENT TRIGGER provider ON ddl_command_end EXECUTE FUNCTION secure()
"""


def test_what_a_provider_s_event_trigger_adds_is_told_and_accepted(
    empty_url: str, three: Path
) -> None:
    execute(empty_url, "CREATE SCHEMA provider; SET search_path = provider;" + RLS)
    runner_on(empty_url, three).migrate()
    on = "SELECT count(*) FROM pg_class WHERE relrowsecurity"
    assert query(empty_url, on) != [(0,)]
    execute(empty_url, "DROP TABLE migratehistory, migratereading")
    heard = Heard()
    names = adopt(at(empty_url, three), 3, RunOptions(), heard)
    assert len(names) == 3
    assert any("event trigger provider turns it on" in text for text in heard.messages)
    for unread in ("", "DELETE FROM migratereading"):
        if unread:
            execute(empty_url, unread)
        compared = compare(at(empty_url, three))
        assert compared.drifts == ()
        assert any("event trigger provider" in text for text in compared.unmanaged) == bool(unread)
