"""Which statements a domain may declare its objects with."""

from __future__ import annotations

import pytest

from kernel.object_statements import named


@pytest.mark.parametrize(
    ("statement", "made"),
    {
        'CREATE MATERIALIZED VIEW "M v" AS SELECT 1': ("view", "M v"),
        "-- why\n  create recursive view V (n) AS SELECT 1": ("view", "v"),
        "CREATE POLICY p ON t USING (true)": ("policy", "p on t"),
        "CREATE FUNCTION f(a numeric(12,2), b text DEFAULT ')') RETURNS int": (
            "function",
            "f(a numeric(12,2), b text DEFAULT ')')",
        ),
        "CREATE TYPE a AS ENUM ('x')": ("enum", "a"),
        "CREATE TYPE c AS (a int)": ("composite", "c"),
        "ALTER TABLE t ALTER COLUMN c SET STORAGE EXTERNAL": (
            "setting",
            "alter column c set storage external on t",
        ),
        "ALTER TABLE T REPLICA IDENTITY USING INDEX i": (
            "setting",
            "replica identity using index i on t",
        ),
        "ALTER SEQUENCE s OWNED BY t.a": ("ownership", "s"),
        "COMMENT ON COLUMN v.a IS 'x IS y'": ("comment", "column v.a"),
        "CREATE TYPE r AS RANGE (subtype = int)": None,
        "CREATE TYPE shell": None,
        "CREATE OR REPLACE VIEW v AS SELECT 1": None,
        "CREATE TEMP VIEW v AS SELECT 1": None,
        "CREATE VIEW IF NOT EXISTS v AS SELECT 1": None,
        "CREATE AGGREGATE a (int) (sfunc = f, stype = int)": None,
        "CREATE TABLE t (a int)": None,
        "COMMENT ON EXTENSION citext IS 'why'": None,
        "COMMENT ON SCHEMA public IS 'why'": None,
        "ALTER INDEX i ALTER COLUMN 2 SET STATISTICS 100": None,
        "ALTER TABLE t ADD COLUMN a int": None,
        "ALTER TABLE t DROP COLUMN a": None,
        "ALTER TABLE t ENABLE ROW LEVEL SECURITY, DROP COLUMN a": None,
        "ALTER TABLE public.t ENABLE ROW LEVEL SECURITY": None,
    }.items(),
)
def test_what_domain_sql_takes(statement: str, made: tuple[str, str] | None) -> None:
    assert named(statement) == made
