"""Taking over a database whose history is elsewhere."""

from __future__ import annotations

from tests.conftest import ROOT, Invoke
from tests.test_lifecycle import execute, query, read


def test_an_equal_database_is_adopted_and_a_different_one_is_not(
    migrated_url: str, invoke: Invoke
) -> None:
    expected = read(migrated_url)
    execute(migrated_url, "DROP TABLE migratehistory; CREATE TABLE schema_version (v int)")
    in_the_way = invoke(ROOT, migrated_url, "migrate")
    assert (in_the_way.returncode, "invoke adopt 1" in in_the_way.stderr) == (1, True)

    execute(migrated_url, "DROP INDEX roles_code_key; ALTER TABLE customers DROP COLUMN notes")
    refused = invoke(ROOT, migrated_url, "adopt", "2")
    assert refused.returncode == 1
    assert "to create index roles_code_key on roles" in refused.stderr
    assert "to create column customers.notes" in refused.stderr
    assert query(migrated_url, "SELECT to_regclass('migratehistory')") == [(None,)]

    execute(migrated_url, "CREATE UNIQUE INDEX roles_code_key ON roles (code)")
    execute(migrated_url, "ALTER TABLE customers ADD COLUMN notes text")
    execute(migrated_url, "COMMENT ON COLUMN customers.notes IS 'Notes of the staff.'")
    adopted = invoke(ROOT, migrated_url, "adopt", "2")
    assert adopted.returncode == 0, adopted.stderr
    assert adopted.stdout.split() == ["001_initial_schema", "adopted", "002_seed_data", "adopted"]
    assert "left alone, no file makes it: table schema_version" in adopted.stderr
    assert "Nothing to migrate" in invoke(ROOT, migrated_url, "migrate").stdout
    execute(migrated_url, "DROP TABLE schema_version")
    assert read(migrated_url) == expected
