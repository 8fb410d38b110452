"""Rows that are in the way of pending files are named before the first of them runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import MigrationFailed
from tests.support.checks import looked_through
from tests.support.databases import execute, query, read
from tests.support.migration_files import write
from tests.support.owned import owned_url
from tests.support.postgres import PostgresServer
from tests.support.reports import Heard
from tests.support.runners import runner_on
from tests.support.usual import usually_each
from tests.support.workshop import Workshop

FIRST = """
    CREATE TABLE p (id int PRIMARY KEY);
    CREATE DOMAIN word AS text CHECK (VALUE <> 'VALUE');
    CREATE DOMAIN sign AS text;
    CREATE TABLE t (id int PRIMARY KEY, a int, b text, c text, p int, w word, s sign[],
                    n numeric, UNIQUE (n, b), j json)
"""
ROWS = """
    INSERT INTO p VALUES (1);
    INSERT INTO t VALUES (1, NULL, 'x', '12', 1, 'long', '{}', 1.2),
                         (2, -1, 'x', 'many', 7, NULL, NULL, 1.3),
                         (3, 5, 'y', '3', NULL, NULL, '{ab,long}', 1);
    UPDATE t SET j = CASE id WHEN 3 THEN '[{"k": {"a": 1, "a": 1}}]' ELSE '{"b":1,"a":2}' END::json
"""
# A statement, and what is told of the rows in its way.
IN_THE_WAY = {
    "ALTER TABLE t ALTER a SET NOT NULL": ("1 row of t", "(id) is (1)"),
    "ALTER TABLE t ADD CONSTRAINT positive CHECK (a > 0)": ("1 row of t", "(id) is (2)"),
    "ALTER TABLE t ADD UNIQUE (b)": ("1 group of rows of t", "(b) is (x)"),
    "ALTER TABLE t ADD FOREIGN KEY (p) REFERENCES p(id)": ("1 row of t", "(id) is (2)"),
    "ALTER TABLE t ALTER c TYPE int USING c::int": ("a row of t", "many"),
    "ALTER TABLE t ALTER c TYPE varchar(2)": ("1 row of t", "(id) is (2)"),
    "ALTER TABLE t ALTER j TYPE jsonb USING j::jsonb": ("1 row of t", "(id) is (3)"),
    "ALTER TABLE t ALTER n TYPE int USING n::int": ("1 group of rows of t", "is (1, x)"),
    "ALTER DOMAIN word ADD CHECK (length(value) < 3 OR VALUE = 'VALUE')": ("1 row of t", "is (1)"),
    "ALTER DOMAIN word SET NOT NULL": ("2 rows of t", "(id) is (2), (3)"),
    "ALTER DOMAIN sign RENAME TO was; CREATE DOMAIN sign AS text; "
    "ALTER DOMAIN sign ADD CONSTRAINT c CHECK (VALUE NOT LIKE 'l%%')": ("of s, which is", "(3)"),
    "ALTER TABLE t ADD d int NOT NULL": ("3 rows of t", "(1), (2), (3)"),
}


@pytest.mark.parametrize("statement", usually_each(IN_THE_WAY, 2))
def test_migrate_names_the_rows_and_runs_nothing(
    empty_url: str, tmp_path: Path, statement: str
) -> None:
    write(tmp_path, "001_first", FIRST)
    runner = runner_on(empty_url, tmp_path)
    runner.migrate()
    execute(empty_url, ROWS)
    before = read(empty_url)
    write(tmp_path, "002_free", "CREATE TABLE free ()")
    write(tmp_path, "003_demands", "CREATE TABLE more ()", statement, atomic=False)
    with pytest.raises(MigrationFailed, match=r"003_demands\.py, line") as failed:
        runner.migrate()
    for words in IN_THE_WAY[statement]:
        assert words in str(failed.value)
    assert read(empty_url) == before
    select = next(line for line in failed.value.why.split("\n") if "    SELECT" in line)
    assert query(empty_url, select)
    execute(empty_url, "DELETE FROM t")
    assert runner.migrate() == ["002_free", "003_demands"]


@pytest.mark.parametrize(
    "before",
    [
        "UPDATE t SET a = 0 WHERE a IS NULL",
        "DO $$ BEGIN UPDATE t SET a = 0 WHERE a IS NULL; END $$",
        "SELECT fix()",
        "WITH fixed AS (UPDATE t SET a = 0 WHERE a IS NULL RETURNING 1) SELECT count(*) FROM fixed",
        "ALTER TABLE t ALTER a TYPE int USING coalesce(a, 0)",
    ],
)
def test_what_a_file_puts_right_itself_is_not_in_the_way(
    empty_url: str, tmp_path: Path, before: str
) -> None:
    function = "CREATE FUNCTION fix() RETURNS void LANGUAGE sql AS 'UPDATE t SET a = 0'"
    write(tmp_path, "001_first", FIRST, function)
    runner = runner_on(empty_url, tmp_path)
    runner.migrate()
    execute(empty_url, ROWS)
    write(tmp_path, "002_fixes", before, "ALTER TABLE t ALTER a SET NOT NULL")
    assert runner.migrate() == ["002_fixes"]


@pytest.mark.parametrize(
    ("before", "demand"),
    [
        ("ALTER TYPE st ADD VALUE 'b'", "ALTER TABLE s ADD CHECK (s <> 'b'::st)"),
        ("ALTER TYPE st ADD VALUE 'b'", "CREATE UNIQUE INDEX ON s (s) WHERE s = 'b'"),
        ("ALTER TYPE st ADD VALUE 'b'", "ALTER TABLE s ALTER n TYPE st USING n::st"),
        ("ALTER TYPE public.\"st\" ADD VALUE 'b'", "ALTER TABLE s ALTER n TYPE st USING n::st"),
        ("ALTER DOMAIN short DROP CONSTRAINT c", "ALTER TABLE s ALTER n TYPE short USING n::short"),
        (
            "CREATE OR REPLACE FUNCTION fits(text) RETURNS bool LANGUAGE sql AS 'SELECT true'",
            "ALTER TABLE s ADD CHECK (fits(n))",
        ),
    ],
)
def test_what_means_something_else_by_then_is_not_in_the_way(
    empty_url: str, tmp_path: Path, before: str, demand: str
) -> None:
    """No row is blamed for a value, a type or a function that a statement before it makes."""
    write(
        tmp_path,
        "001_first",
        "CREATE TYPE st AS ENUM ('a')",
        "CREATE DOMAIN short AS text CONSTRAINT c CHECK (VALUE <> 'b')",
        "CREATE FUNCTION fits(text) RETURNS bool LANGUAGE sql AS 'SELECT false'",
        "CREATE TABLE s (s st, n text)",
        "INSERT INTO s VALUES ('a', 'b')",
    )
    runner = runner_on(empty_url, tmp_path)
    runner.migrate()
    write(tmp_path, "002_redefines", before)
    write(tmp_path, "003_demands", demand)
    assert runner.migrate() == ["002_redefines", "003_demands"]


def test_a_constraint_is_looked_at_where_it_is_validated(empty_url: str, tmp_path: Path) -> None:
    write(tmp_path, "001_first", FIRST)
    runner = runner_on(empty_url, tmp_path)
    runner.migrate()
    execute(empty_url, ROWS)
    write(tmp_path, "002_later", "ALTER TABLE t ADD CONSTRAINT pos CHECK (a > 0) NOT VALID")
    assert runner.migrate() == ["002_later"]
    write(tmp_path, "003_now", "ALTER TABLE t VALIDATE CONSTRAINT pos")
    with pytest.raises(MigrationFailed, match=r"1 row of t in the way: CHECK \(a > 0\)"):
        runner.migrate()


def test_check_names_them_too(workshop: Workshop) -> None:
    write(workshop.folder, "001_first", FIRST, back='migrator.sql("DROP TABLE t, p")')
    workshop.runner.migrate()
    execute(workshop.url, ROWS)
    demand = "ALTER TABLE t ALTER a SET NOT NULL"
    back = 'migrator.sql("ALTER TABLE t ALTER a DROP NOT NULL")'
    write(workshop.folder, "002_demands", demand, back=back)
    checked = looked_through(workshop.url, workshop)
    found = next(finding for finding in checked.findings if finding.rule == "rows-in-the-way")
    assert (found.file, found.line) == ("002_demands", 2)
    assert "SELECT * FROM t WHERE a IS NOT DISTINCT FROM NULL" in found.fix


def test_rows_that_nobody_may_look_at_are_told(server: PostgresServer, tmp_path: Path) -> None:
    """Policies hide them from the owner, or the role may not read the table: no rows to see are not
    no rows in the way."""
    with owned_url(server) as url:
        write(
            tmp_path,
            "001_first",
            "CREATE TABLE t (a int); CREATE TABLE u (a int)",
            "INSERT INTO t VALUES (NULL); INSERT INTO u VALUES (1)",
            "ALTER TABLE t ENABLE ROW LEVEL SECURITY; ALTER TABLE t FORCE ROW LEVEL SECURITY",
            "REVOKE ALL ON u FROM current_user",
        )
        heard = Heard()
        runner = runner_on(url, tmp_path, heard)
        runner.migrate()
        write(
            tmp_path,
            "002_demands",
            "ALTER TABLE t ALTER a SET NOT NULL",
            "ALTER TABLE u ALTER a SET NOT NULL",
        )
        with pytest.raises(MigrationFailed, match='column "a" of relation "t" contains null'):
            runner.migrate()
        told = [text for text in heard.messages if text.startswith("nobody looked whether rows")]
        assert "of t are in the way: query would be affected by row-level security" in told[0]
        assert "of u are in the way: permission denied for table u" in told[1]
